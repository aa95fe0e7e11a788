// Pictures to classify that are not drawn: examples, mistakes, files, the clipboard, the camera.

import { byId, formatPercent, make } from "./text.js";
import { valueImage } from "./colors.js";

const MOST_EXAMPLES = 60;
const MAX_SIDE = 1600; // pixels; larger pictures are drawn smaller first

// Draw example images into buttons; `choose(index)` on a click.
export function showExamples(examples, models, model, filter, choose) {
  const list = byId("example-list");
  const indices = chooseExamples(examples, model, filter, models);
  const buttons = indices.map((index) => {
    const canvas = exampleCanvas(examples, index);
    const predicted = model.basePredictions ? model.basePredictions[index] : -1;
    const isWrong = predicted >= 0 && predicted !== examples.labels[index];
    const label = `Example ${index}, ${model.classes[examples.labels[index]]}${isWrong ? `, predicted ${model.classes[predicted]}` : ""}`;
    return make("button", { type: "button", class: isWrong ? "example wrong" : "example", "aria-label": label, title: label, onclick: () => choose(index) }, canvas);
  });
  list.replaceChildren(...buttons);
  const none = { mistakes: "No mistakes among the examples.", disagree: "The networks agree on all examples." };
  const mistakes = buttons.length ? "" : (none[filter] ?? "");
  byId("example-note").textContent = mistakes || (buttons.length === MOST_EXAMPLES ? `${MOST_EXAMPLES} of ${examples.count} shown` : "");
}

function chooseExamples(examples, model, filter, models) {
  const all = Array.from({ length: examples.count }, (_, i) => i);
  const predictions = model.basePredictions;
  if (filter === "mistakes") return predictions ? all.filter((i) => predictions[i] !== examples.labels[i]).slice(0, MOST_EXAMPLES) : [];
  if (filter === "disagree") return all.filter((i) => models.some((m) => m.basePredictions?.[i] !== predictions?.[i])).slice(0, MOST_EXAMPLES);
  const chosen = filter === "all" ? all : all.filter((i) => examples.labels[i] === Number(filter));
  return chosen.slice(0, MOST_EXAMPLES);
}

export function exampleCanvas(examples, index) {
  const [channels, height, width] = examples.shape;
  const size = channels * height * width;
  const pixels = examples.images.subarray(index * size, (index + 1) * size);
  if (channels === 1) return valueImage(pixels, 0, height, width, 255, false);
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[c * width * height + i];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export function fillExampleFilter(models, onChange) {
  const select = byId("example-filter");
  const options = [["all", "all classes"], ["mistakes", "the mistakes"], ...models[0].classes.map((name, k) => [String(k), name])];
  if (models.length > 1) options.splice(2, 0, ["disagree", "where the networks disagree"]);
  select.replaceChildren(...options.map(([value, label]) => make("option", { value }, label)));
  select.onchange = () => onChange(select.value);
}

// Read a file or pasted picture as RGBA.
export async function readPicture(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error("This file is not a picture that the browser can read.");
  }
  return toPicture(bitmap, bitmap.width, bitmap.height);
}

export function toPicture(source, width, height) {
  const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
  const canvas = make("canvas", { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  return { canvas, width: canvas.width, height: canvas.height, data: new Uint8Array(data.buffer) };
}

// The camera: a live picture, a button takes it.
export class Camera {
  constructor(onPicture, onError) {
    this.video = byId("camera");
    byId("take-picture").onclick = () => this.take(onPicture);
    this.onError = onError;
  }

  async start() {
    if (!navigator.mediaDevices?.getUserMedia) return this.onError("This browser gives this page no camera.");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      this.video.srcObject = this.stream;
      await this.video.play();
      byId("take-picture").disabled = false;
    } catch {
      this.onError("The camera cannot be used: allow it for this page, or upload a picture.");
    }
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    byId("take-picture").disabled = true;
  }

  take(onPicture) {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return;
    const side = Math.min(width, height);
    const square = make("canvas", { width: side, height: side });
    square.getContext("2d").drawImage(this.video, (side - width) / 2, (side - height) / 2);
    onPicture(toPicture(square, side, side));
  }
}

export function describeResult(model, label) {
  const predicted = model.classes[model.prediction];
  const confidence = formatPercent(model.network.probabilities[model.prediction]);
  const truth = label === null ? "" : label === model.prediction ? ", correct" : `, the label is ${model.classes[label]}`;
  return `Predicted ${predicted}, ${confidence}${truth}`;
}
