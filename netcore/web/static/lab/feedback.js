// Right or wrong: the visitor's answers, kept in the browser, counted, and downloaded as a folder of images.

import { byId, download, formatPercent, make, toBase64 } from "./text.js";
import { zipFiles } from "./zip.js";

const MOST_BUTTONS = 12;

export class Feedback {
  // onAnswer(answer): also called with each answer.
  constructor(key, models, shape, onAnswer) {
    this.onAnswer = onAnswer;
    this.key = `netcore-lab ${key}`;
    this.models = models;
    this.shape = shape;
    this.answers = this.load();
    byId("save-feedback").onclick = () => this.save();
    this.render();
  }

  get classes() {
    return this.models[0].classes;
  }

  load() {
    try {
      const found = JSON.parse(localStorage.getItem(this.key) ?? "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return [];
    }
  }

  // A new drawing: ask again.
  ask(pixels, isEmpty) {
    this.pixels = pixels;
    this.isAnswered = false;
    this.isEmpty = isEmpty;
    this.render();
  }

  answer(label) {
    if (this.isEmpty || this.isAnswered) return;
    const predictions = this.models.map((m) => m.prediction);
    this.answers.push({ label, predictions, pixels: toBase64(this.pixels) });
    this.isAnswered = true;
    this.onAnswer?.(this.answers.at(-1));
    try {
      localStorage.setItem(this.key, JSON.stringify(this.answers));
      this.problem = "";
    } catch {
      this.problem = "The browser does not keep them: download them before you leave.";
    }
    this.render();
  }

  render() {
    const isOpen = !this.isEmpty && !this.isAnswered && this.pixels;
    byId("feedback-question").textContent = this.isAnswered ? "Thank you." : "Was this right?";
    byId("feedback-buttons").hidden = !isOpen;
    if (isOpen) this.renderButtons();
    const count = this.answers.length;
    byId("save-feedback").hidden = !count;
    byId("feedback-count").textContent = count ? `${this.countText()} ${this.problem ?? ""}` : "";
  }

  renderButtons() {
    const yes = make("button", { type: "button", onclick: () => this.answer(this.models[0].prediction) }, `Yes, ${this.classes[this.models[0].prediction]}`);
    const box = byId("feedback-buttons");
    if (this.classes.length > MOST_BUTTONS) {
      const options = ["no, it is …", ...this.classes].map((name, i) => make("option", { value: i - 1 }, name));
      const select = make("select", { "aria-label": "The right class", onchange: () => this.answer(Number(select.value)) }, ...options);
      return box.replaceChildren(yes, select);
    }
    const others = this.classes.map((name, k) => make("button", { type: "button", "aria-label": `No, ${name}`, onclick: () => this.answer(k) }, name));
    others.splice(this.models[0].prediction, 1);
    return box.replaceChildren(yes, make("span", { class: "note" }, "no, it is"), ...others);
  }

  countText() {
    const count = this.answers.length;
    const parts = this.models.map((model, i) => {
      const right = this.answers.filter((a) => a.predictions[i] === a.label).length;
      const name = this.models.length > 1 ? `${model.run.name}: ` : "";
      return `${name}${right} of ${count} right (${formatPercent(right / count)})`;
    });
    return `${parts.join("; ")}.`;
  }

  // One folder per class, as `netcore evaluate --data folder:…` reads it.
  async save() {
    const files = [];
    for (const [i, { label, pixels }] of this.answers.entries()) {
      const bytes = Uint8Array.from(atob(pixels), (c) => c.charCodeAt(0));
      const name = this.classes[label].replace(/[^\w .-]/g, "_");
      files.push([`drawings/${name}/${String(i).padStart(4, "0")}.png`, await pngBytes(bytes, this.shape)]);
    }
    download("drawings.zip", zipFiles(files));
  }
}

async function pngBytes(pixels, [channels, height, width]) {
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const plane = width * height;
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[channels === 1 ? i : c * plane + i];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return new Uint8Array(await blob.arrayBuffer());
}
