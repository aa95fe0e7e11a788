// The lab: reads the page's data, connects drawing, networks and views.

import { Answers } from "./answers.js";
import { readBlob, readParameters } from "./blobs.js";
import { ClipPanel } from "./clip.js";
import { readTheme, valueImage } from "./colors.js";
import { Experiment } from "./experiment.js";
import { Feedback } from "./feedback.js";
import { Inspector } from "./inspector.js";
import { Network, argmax } from "./network.js";
import { NetworkView } from "./networkview.js";
import { Pad, RASTER } from "./pad.js";
import { preparePicture } from "./prepare.js";
import { RunSaver, ServerCheck, storeAnswer } from "./server.js";
import { Camera, describeResult, exampleCanvas, fillExampleFilter, readPicture, showExamples } from "./sources.js";
import { byId, download, formatNumber, formatPercent, make, placeName } from "./text.js";

class Lab {
  async start() {
    readTheme();
    const data = JSON.parse(byId("lab-data").textContent);
    this.examples = await readExamples(data.examples);
    this.models = await Promise.all(data.networks.map(readModel));
    this.shape = data.examples.shape;
    this.model = this.models[0];
    this.pixels = null;
    this.label = null;
    this.pad = new Pad(byId("pad"), (isFinal) => this.drawingChanged(isFinal));
    this.view = new NetworkView(byId("network"), {
      onSelect: (stage, unit, place, box) => this.selectUnit(stage, unit, place, box),
      onHover: (text) => (byId("network-hover").textContent = text || this.legend()),
      onDraw: () => this.showLegend(),
      placeOf: () => this.inspector.place,
      onMove: (text) => (byId("network-live").textContent = text),
    });
    this.answers = new Answers(byId("answers"), this.models);
    this.inspector = new Inspector(byId("inspector"), () => this.view.draw());
    this.experiment = new Experiment(() => this.editsChanged());
    this.feedback = new Feedback(this.models.map((m) => m.run.name).join(" "), this.models, this.shape, data.server ? storeAnswer : null);
    this.check = data.server ? new ServerCheck(this.models) : null;
    this.saver = data.server?.saves ? new RunSaver(() => this.model) : null;
    this.clip = new ClipPanel(this, Boolean(data.server));
    this.connect();
    this.showModel(this.model);
    this.update(true);
    for (const model of this.models) this.startWorker(model);
    document.documentElement.dataset.ready = "true";
  }

  legend() {
    return this.model.isEmpty ? "" : `Shades are activations. ${describeLines(this.view.lines)}`;
  }

  showLegend() {
    if (this.view.hover) return;
    const note = byId("network-hover");
    const text = this.legend();
    if (note.textContent !== text) note.textContent = text;
  }

  // ---- what the visitor does

  connect() {
    byId("undo-stroke").onclick = () => this.pad.undo();
    byId("clear-pad").onclick = () => this.pad.clear();
    byId("pen-width").oninput = (event) => (this.pad.penWidth = Number(event.target.value));
    byId("theme-button").onclick = () => this.switchTheme();
    byId("tour-next").onclick = () => this.tour(1);
    byId("tour-back").onclick = () => this.tour(-1);
    byId("save-drawing").onclick = () => this.savePicture();
    for (const button of byId("source-tabs").children) button.onclick = () => this.showSource(button.dataset.source);
    byId("file-input").onchange = (event) => this.openFile(event.target.files[0]);
    this.camera = new Camera((picture) => this.usePicture(picture), (text) => this.say(text));
    fillExampleFilter(this.models, (filter) => this.showExampleList(filter));
    this.connectDrop();
    document.addEventListener("paste", (event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((f) => f.type.startsWith("image/"));
      if (file) this.openFile(file);
    });
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "z" && !/INPUT|SELECT/.test(event.target.tagName)) this.pad.undo();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.themeChanged());
    new ResizeObserver(() => this.layout()).observe(byId("network").parentElement);
    const seen = byId("seen");
    seen.onpointermove = (event) => this.readPixel(event);
    seen.onpointerleave = () => (byId("seen-value").textContent = "");
    for (const id of ["run-tabs", "run-tabs-label"]) byId(id).hidden = this.models.length < 2;
    byId("accuracy-box").hidden = !this.examples.count;
    document.querySelector('[data-source="examples"]').hidden = !this.examples.count;
  }

  connectDrop() {
    const pad = byId("pad");
    pad.addEventListener("dragover", (event) => {
      event.preventDefault();
      pad.classList.add("dropping");
    });
    pad.addEventListener("dragleave", () => pad.classList.remove("dropping"));
    pad.addEventListener("drop", (event) => {
      event.preventDefault();
      pad.classList.remove("dropping");
      if (event.dataTransfer.files[0]) this.openFile(event.dataTransfer.files[0]);
    });
  }

  showSource(source) {
    for (const button of byId("source-tabs").children) {
      button.setAttribute("aria-pressed", String(button.dataset.source === source));
      byId(`panel-${button.dataset.source}`).hidden = button.dataset.source !== source;
    }
    if (source === "examples") this.showExampleList(byId("example-filter").value);
    if (source === "camera") this.camera.start();
    else this.camera.stop();
  }

  showExampleList(filter) {
    showExamples(this.examples, this.models, this.model, filter, (index) => this.useExample(index));
  }

  useExample(index) {
    const size = this.shape.reduce((a, b) => a * b, 1);
    this.picture = { pixels: this.examples.images.slice(index * size, (index + 1) * size), label: this.examples.labels[index] };
    this.pad.show(exampleCanvas(this.examples, index));
  }

  async openFile(file) {
    if (!file) return;
    try {
      this.usePicture(await readPicture(file));
    } catch (error) {
      this.say(error.message);
    }
  }

  usePicture(picture) {
    this.picture = { picture, label: null };
    this.pad.show(picture.canvas);
  }

  say(text) {
    byId("seen-note").textContent = text;
    byId("live").textContent = text;
  }

  // ---- from the drawing to the prediction

  drawingChanged(isFinal) {
    this.wantsFinal = this.wantsFinal || isFinal;
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      const wasFinal = this.wantsFinal;
      this.wantsFinal = false;
      this.update(wasFinal);
    });
  }

  // Prepare the picture, classify it with each network, and show everything.
  update(isFinal) {
    const started = performance.now();
    const { pixels, note, label } = this.prepare();
    this.pixels = pixels;
    this.label = label;
    const blank = new Uint8Array(this.shape.reduce((a, b) => a * b, 1));
    for (const model of this.models) {
      model.network.classifyPixels(pixels ?? blank);
      model.isEmpty = !pixels;
      model.prediction = argmax(model.network.probabilities);
    }
    this.eventTime = performance.now() - started;
    if (pixels) this.check?.classified(pixels);
    byId("seen-note").textContent = note;
    this.show();
    this.clip.update();
    if (!isFinal) return;
    this.feedback.ask(pixels, !pixels);
    byId("live").textContent = pixels ? this.models.map((m) => `${this.models.length > 1 ? `${m.run.name}: ` : ""}${describeResult(m, label)}`).join(". ") : "Nothing drawn";
  }

  prepare() {
    if (this.pad.backdrop && this.picture?.pixels) {
      const truth = this.models[0].classes[this.picture.label];
      return { pixels: this.picture.pixels, note: `an example, labeled ${truth}`, label: this.picture.label };
    }
    if (this.pad.isEmpty) return { pixels: null, note: "A drawing is prepared as the training images were.", label: null };
    const source = this.pad.backdrop ? this.picture.picture : { width: RASTER, height: RASTER, data: this.pad.raster };
    return { ...preparePicture(source, this.shape), label: null };
  }

  show() {
    this.drawSeen();
    this.answers.render();
    if (this.inspector.stage) this.inspector.render();
    this.view.draw();
    this.shownTime = performance.now();
  }

  drawSeen() {
    const canvas = byId("seen");
    const [channels, height, width] = this.shape;
    const pixels = this.pixels ?? new Uint8Array(channels * height * width);
    if (channels === 1) valueImage(pixels, 0, height, width, 255, false, canvas);
    else {
      [canvas.width, canvas.height] = [width, height];
      canvas.getContext("2d").drawImage(exampleCanvas({ shape: this.shape, images: pixels }, 0), 0, 0);
    }
  }

  readPixel(event) {
    if (!this.pixels) return;
    const box = event.target.getBoundingClientRect();
    const [channels, height, width] = this.shape;
    const column = Math.min(width - 1, Math.max(0, Math.floor(((event.clientX - box.left) / box.width) * width)));
    const row = Math.min(height - 1, Math.max(0, Math.floor(((event.clientY - box.top) / box.height) * height)));
    const values = Array.from({ length: channels }, (_, c) => this.pixels[(c * height + row) * width + column]);
    byId("seen-value").textContent = `${placeName([row, column])}: ${values.join(", ")} of 255`;
  }

  // The picture as a PNG that `netcore predict` reads.
  async savePicture() {
    const canvas = make("canvas", { width: RASTER, height: RASTER });
    const context = canvas.getContext("2d");
    if (this.pad.backdrop) {
      [canvas.width, canvas.height] = [this.pad.backdrop.width, this.pad.backdrop.height];
      context.drawImage(this.pad.backdrop, 0, 0);
    } else {
      const image = context.createImageData(RASTER, RASTER);
      for (let i = 0; i < this.pad.raster.length; i++) image.data.set([this.pad.raster[i], this.pad.raster[i], this.pad.raster[i], 255], 4 * i);
      context.putImageData(image, 0, 0);
    }
    canvas.toBlob((blob) => download("drawing.png", blob));
  }

  // ---- networks, units, experiments

  showModel(model) {
    this.model = model;
    byId("run-title").textContent = model.run.name;
    byId("run-summary").textContent = model.run.summary;
    const tabs = this.models.map((m) => make("button", { type: "button", "aria-pressed": String(m === model), onclick: () => this.showModel(m) }, m.run.name));
    byId("run-tabs").replaceChildren(...tabs);
    this.inspector.clear();
    this.view.setModel(model);
    this.experiment.stage = null;
    this.experiment.setModel(model);
    this.clip.setModel(model);
    this.saver?.suggest();
    this.tour(0);
    this.showAccuracy(model);
    this.view.draw();
  }

  selectUnit(stage, unit, place, box) {
    this.inspector.show(this.model, stage, unit, place);
    this.experiment.show(stage, unit);
    const picture = byId("inspector").querySelector(".picture");
    if (matchMedia("(max-width: 860px)").matches) byId("near-heading").scrollIntoView({ block: "start" });
    flyTo(box, picture);
  }

  tour(step) {
    const { stages } = this.model;
    if (step) this.view.step = Math.max(-1, Math.min(stages.length, this.view.step + step));
    if (this.view.step >= stages.length) this.view.step = -1;
    const at = this.view.step;
    byId("tour-back").disabled = at < 0;
    byId("tour-text").textContent = at < 0 ? "" : `${capitalize(stages[at].title)}. ${stages[at].text}`;
    byId("tour-next").textContent = at < 0 ? "Step through the layers ›" : at === stages.length - 1 ? "All ›" : "›";
    if (at >= 0) this.view.scrollToStage?.(at);
    this.view.draw();
  }

  editsChanged() {
    const { model } = this;
    const first = model.network.setEdits(model.edits);
    model.network.forward(first);
    model.prediction = argmax(model.network.probabilities);
    this.show();
    this.clip.update();
    this.evaluate(model);
    byId("live").textContent = model.isEmpty ? "" : describeResult(model, this.label);
  }

  startWorker(model) {
    if (!this.examples.count) return;
    const url = URL.createObjectURL(new Blob([byId("worker-source").textContent], { type: "text/javascript" }));
    model.worker = new Worker(url);
    model.worker.onmessage = ({ data }) => this.evaluated(model, data);
    const { images, labels } = this.examples;
    model.worker.postMessage({ type: "start", program: model.program, parameters: model.network.original, images, labels });
    this.evaluate(model);
  }

  evaluate(model) {
    if (!model.worker) return;
    model.job = (model.job ?? 0) + 1;
    model.worker.postMessage({ type: "run", id: model.job, edits: model.edits.filter((e) => e.kind !== "temperature") });
  }

  evaluated(model, result) {
    if (result.id !== model.job) return;
    model.result = result;
    if (result.probabilities) {
      model.base = result;
      model.basePredictions = result.predictions;
      model.difference = largestDifference(result.probabilities, model.reference);
      this.showCheck();
    }
    if (model === this.model) this.showAccuracy(model);
  }

  showAccuracy(model) {
    const { result, base } = model;
    if (!result) return;
    const isDone = result.count === result.total;
    byId("accuracy").textContent = formatPercent(result.right / result.count);
    byId("accuracy-progress").value = result.right / result.count;
    byId("accuracy-note").textContent = isDone ? `${result.right} of ${this.examples.source} correct` : `${result.right} of the first ${result.count} correct`;
    const change = isDone && base ? result.right - base.right : 0;
    byId("accuracy-change").textContent = isDone && base && result !== base ? `${change < 0 ? "−" : "+"}${Math.abs(change)} of ${result.total} images` : "";
  }

  // The page computes all examples and compares its probabilities with those of PyTorch.
  showCheck() {
    const checked = this.models.filter((m) => m.difference !== undefined);
    const isGood = checked.every((m) => m.difference <= (m.half ? 1e-3 : 1e-5));
    const note = byId("self-check");
    note.classList.toggle("warning", !isGood);
    const half = this.models.some((m) => m.half) ? " (weights stored as float16)" : "";
    const size = `${this.examples.count} examples`;
    note.textContent = isGood
      ? `Every number on this page is computed here from the run's weights. Checked: on ${size} its probabilities differ from PyTorch's by at most ${this.differences(checked)}${half}.`
      : `Warning: on ${size} the probabilities of this page differ from PyTorch's by up to ${this.differences(checked)}: do not trust its numbers.`;
  }

  // Of each network its own.
  differences(models) {
    return models.map((m) => formatNumber(m.difference, 1) + (this.models.length > 1 ? ` (${m.run.name})` : "")).join(", ");
  }

  // ---- appearance

  switchTheme() {
    const root = document.documentElement;
    const isDark = getComputedStyle(root).colorScheme.includes("dark");
    root.dataset.theme = isDark ? "light" : "dark";
    this.themeChanged();
  }

  themeChanged() {
    readTheme();
    this.pad.draw();
    this.show();
    if (!byId("panel-examples").hidden) this.showExampleList(byId("example-filter").value);
  }

  layout() {
    this.pad.draw();
    this.view.layout();
  }
}

async function readExamples({ count, shape, labels, source }) {
  const images = count ? new Uint8Array(await readBlob("blob-examples")) : new Uint8Array(0);
  return { count, shape, labels, source, images };
}

async function readModel(description, i) {
  const { run, program, stages, films, parameters, half } = description;
  const values = new Map();
  for (const [blob, isHalf] of [["weights", false], ["halves", true]]) {
    const layout = parameters.filter((row) => row[2] === isHalf);
    for (const entry of readParameters(await readBlob(`blob-${blob}-${i}`), layout, isHalf)) values.set(...entry);
  }
  const reference = byId(`blob-reference-${i}`) ? readParameters(await readBlob(`blob-reference-${i}`), [["all", Infinity]], false).get("all") : null;
  const network = new Network(program, values);
  return { run, program, stages, films, half, network, reference, classes: program.classes, edits: [], history: [], isEmpty: true, prediction: 0 };
}

function largestDifference(values, reference) {
  let top = 0;
  for (let i = 0; i < values.length; i++) top = Math.max(top, Math.abs(values[i] - reference[i]));
  return Number.isNaN(top) ? Infinity : top;
}

// What the lines stand for: `lines` as the view drew them.
function describeLines({ weighted, isShortened, isSummed, place }) {
  const where = place ? ` at ${placeName(place)}` : "";
  if (!weighted) return "";
  if (weighted === 1) return `The line is the sum of weight × input${where}: blue is above 0, orange below.`;
  const sums = isSummed ? ` From the image or a map: the sum${place ? ` of its weights × inputs${where}` : ""}.` : "";
  return `Lines are weight × input${isShortened ? ", the strongest ones" : ""}: blue raises the sum, orange lowers it.${sums}`;
}

function capitalize(text) {
  return text[0].toUpperCase() + text.slice(1);
}

// The picture of a unit grows from its place in the network to its place below.
function flyTo(from, target) {
  if (!target || !from || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  const to = target.getBoundingClientRect();
  const copy = make("canvas", { class: "flying", "aria-hidden": "true", width: target.width, height: target.height });
  copy.getContext("2d").drawImage(target, 0, 0);
  Object.assign(copy.style, { left: `${to.left}px`, top: `${to.top}px`, width: `${to.width}px`, height: `${to.height}px` });
  document.body.append(copy);
  const start = `translate(${from.left - to.left}px, ${from.top - to.top}px) scale(${from.width / to.width}, ${from.height / to.height})`;
  const motion = copy.animate([{ transform: start }, { transform: "none" }], { duration: 380, easing: "cubic-bezier(.3, 1.2, .4, 1)" });
  motion.onfinish = motion.oncancel = () => copy.remove();
}

const lab = new Lab();
globalThis.netcoreLab = lab; // for tests and the curious
lab.start();
