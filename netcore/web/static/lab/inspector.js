// A unit in close-up: its map or weights, the window, the products and their sum.

import { absoluteMax, theme, valueColor, valueImage } from "./colors.js";
import { inputSums, sourceOf, strongest, windowChannels, windowProducts } from "./contributions.js";
import { describeUnits } from "./layout.js";
import { byId, formatAddition, formatNumber, formatSigned, make, placeName, unitName } from "./text.js";

const MOST_WINDOWS = 3; // input maps of which the products are shown
const MOST_TERMS = 7;
const MODES = { products: "weight × input", weights: "weights", input: "input" };

export class Inspector {
  // onPlace() when another place of the map is chosen.
  constructor(root, onPlace) {
    this.root = root;
    this.onPlace = onPlace;
    this.mode = "products";
    this.place = null;
    this.unit = null;
  }

  // place: [row, column] in a map, or null for the place of its largest value.
  show(model, stage, unit, place) {
    if (this.stage !== stage || this.unit !== unit) this.isPinned = false;
    Object.assign(this, { model, stage, unit });
    if (place) [this.place, this.isPinned] = [place, true];
    this.render();
  }

  clear() {
    this.stage = null;
    this.render();
  }

  render() {
    const { root, stage, model } = this;
    usedGrids = 0;
    byId("inspector-empty").hidden = Boolean(stage);
    root.hidden = !stage;
    if (!stage) return;
    const shape = model.network.shapes.get(stage.output);
    this.units = describeUnits(stage, shape);
    const body = this.units.isMaps ? this.renderMap() : this.renderNeuron();
    const parts = [this.heading(), make("div", { class: "inspect" }, ...body.filter(Boolean))];
    const focus = document.activeElement?.dataset?.key;
    root.replaceChildren(...parts);
    if (focus) root.querySelector(`[data-key="${focus}"]`)?.focus({ preventScroll: true });
  }

  heading() {
    const { stage, unit, model, units } = this;
    const name = stage.isOutput ? `class ${model.classes[unit]}` : stage.isInput && units.count === 1 ? "" : unitName(stage.unit, unit);
    const trail = [stage.title, name, this.units.isMaps && this.place ? placeName(this.place) : ""];
    const words = trail.filter(Boolean).flatMap((text, i) => (i ? [make("span", { class: "arrow", "aria-hidden": "true" }, "›"), text] : [text]));
    return make("h3", {}, ...words);
  }

  value(name, unit = this.unit) {
    const values = this.model.network.values.get(name);
    const size = this.units.rows * this.units.columns;
    const at = this.units.isMaps ? unit * size + this.place[0] * this.units.columns + this.place[1] : unit;
    return values[at];
  }

  // ---- neurons

  renderNeuron() {
    const { network } = this.model;
    const node = this.stage.main ? network.node(this.stage.main) : null;
    if (!node || node.op !== "linear") return [make("p", {}, `Its value is ${formatNumber(this.value(this.stage.output))}. ${this.stage.text}`)];
    return [this.renderWeights(network, node), this.renderTerms(network, node)];
  }

  // Weights, input or their products at the places of the input.
  renderWeights(network, node) {
    const source = sourceOf(network, node);
    const shape = network.shapes.get(source);
    const x = network.values.get(node.inputs[0]);
    const weight = network.parameters.get(node.weight).subarray(this.unit * x.length, (this.unit + 1) * x.length);
    const values = this.mode === "input" ? x : this.mode === "weights" ? weight : weight.map((w, i) => w * x[i]);
    const isSigned = this.mode !== "input" || values.some((v) => v < 0);
    const picture = make("canvas", { class: "picture", role: "img", "aria-label": `${MODES[this.mode]} of this neuron, largest ${formatNumber(absoluteMax(values))}` });
    const isMaps = shape.length === 3 && shape[1] * shape[2] > 1;
    const read = drawMosaic(picture, values, isMaps ? shape : gridShape(x.length), isSigned);
    const note = make("p", { class: "note" }, this.legend(isSigned, absoluteMax(values)));
    picture.onpointermove = (event) => {
      const i = read(event);
      if (i < 0) return;
      note.textContent = `${unitName("input", i)}: ${formatNumber(weight[i])} × ${formatNumber(x[i])} = ${formatNumber(weight[i] * x[i])}`;
    };
    picture.onpointerleave = () => (note.textContent = this.legend(isSigned, absoluteMax(values)));
    return make("div", { class: "figure" }, this.modeButtons(), picture, note);
  }

  legend(isSigned, limit) {
    const top = formatNumber(limit);
    return isSigned ? `orange −${top} … 0 … blue ${top}` : `0 … ${top}`;
  }

  modeButtons() {
    const buttons = Object.entries(MODES).map(([mode, label]) =>
      make("button", { type: "button", "data-key": mode, "aria-pressed": String(this.mode === mode), onclick: () => this.setMode(mode) }, label),
    );
    return make("div", { class: "segmented", role: "group", "aria-label": "Shown" }, ...buttons);
  }

  setMode(mode) {
    this.mode = mode;
    this.render();
  }

  renderTerms(network, node) {
    const sums = inputSums(network, node, this.unit);
    const source = sourceOf(network, node);
    const isMaps = network.shapes.get(source).length === 3 && network.shapes.get(source)[1] > 1;
    const x = network.values.get(node.inputs[0]);
    const weight = network.parameters.get(node.weight);
    const word = source === "input" ? "pixel" : isMaps ? "map" : "neuron";
    const single = source === "input" && isMaps && sums.length === 1;
    const terms = single ? Float64Array.from(x, (v, i) => v * weight[this.unit * x.length + i]) : sums;
    const shown = strongest(terms, MOST_TERMS);
    const limit = Math.max(...shown.map((i) => Math.abs(terms[i])), 1e-30);
    const rows = shown.map((i) => {
      const isOne = single || sums.length === x.length;
      const detail = isOne ? `${formatNumber(weight[this.unit * x.length + i])} × ${formatNumber(x[i])}` : `${x.length / sums.length} products`;
      return termRow(single ? pixelName(i, network.shapes.get("input")) : unitName(word, i), detail, terms[i], limit);
    });
    const rest = total(terms) - total(shown.map((i) => terms[i]));
    const others = terms.length - shown.length;
    if (others > 0) rows.push(termRow(`${others.toLocaleString("en")} more ${word}${others > 1 ? "s" : ""}`, "", rest, limit));
    return make("div", { class: "sum" }, make("table", { class: "terms" }, make("tbody", {}, ...rows)), this.chain(network, node));
  }

  // Sum, bias, normalization, activation: the values of the nodes.
  chain(network, node) {
    const rows = [];
    const z = this.value(node.name);
    const bias = node.bias ? network.parameters.get(node.bias)[this.unit] : null;
    if (bias === null) rows.push(["= sum of products", formatNumber(z)]);
    else {
      const [sum, added, result] = formatAddition(z - bias, bias);
      rows.push(["sum of products", sum], ["+ bias", added], ["= pre-activation", result]);
    }
    for (const step of this.stepsAfter(network, node)) rows.push([`→ ${step.title}`, formatNumber(this.value(step.name))]);
    if (network.masks.get(this.stage.mask)?.has(this.unit)) rows.push(["switched off", "0"]);
    if (this.stage.isOutput) rows.push(["→ softmax", formatNumber(network.probabilities[this.unit])]);
    const items = rows.map(([name, value], i) => make("div", { class: i === rows.length - 1 ? "last" : "" }, make("dt", {}, name), make("dd", {}, value)));
    return make("dl", { class: "chain" }, ...items);
  }

  // ---- maps

  renderMap() {
    const { stage, model, unit, units } = this;
    const { network } = model;
    const values = network.values.get(stage.output);
    const size = units.rows * units.columns;
    if (!this.isPinned || !this.place || this.place[0] >= units.rows || this.place[1] >= units.columns)
      this.place = this.strongestPlace(values, size);
    const parts = [this.renderMapPicture(values)];
    const node = stage.window ? network.node(stage.window) : null;
    if (node?.op === "conv") parts.push(this.renderProducts(network, node));
    else if (node) parts.push(this.renderPooling(network, node));
    else parts.push(make("div", { class: "sum" }, make("p", {}, stage.text), this.inputsOf(network)));
    return parts;
  }

  // Where the map is largest; of a map that is switched off, where its sum is.
  strongestPlace(values, size) {
    const { network } = this.model;
    const start = this.unit * size;
    const isFlat = absoluteMax(values, start, start + size) === 0 && this.stage.main;
    return largestPlace(isFlat ? network.values.get(this.stage.main) : values, start, this.units);
  }

  renderMapPicture(values) {
    const { unit, units, stage } = this;
    const size = units.rows * units.columns;
    const part = values.subarray(unit * size, (unit + 1) * size);
    const isSigned = part.some((v) => v < 0);
    const limit = stage.isInput ? 1 : absoluteMax(values);
    const canvas = make("canvas", {
      class: "picture",
      tabindex: "0",
      "data-key": "map",
      role: "application",
      "aria-label": `${stage.title}, ${unitName(stage.unit, unit)}: arrow keys choose a value`,
    });
    const scale = Math.max(1, Math.floor(196 / Math.max(units.rows, units.columns)));
    const ratio = devicePixelRatio;
    [canvas.width, canvas.height] = [units.columns * scale * ratio, units.rows * scale * ratio];
    [canvas.style.width, canvas.style.height] = [`${units.columns * scale}px`, `${units.rows * scale}px`];
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(valueImage(part, 0, units.rows, units.columns, limit, isSigned), 0, 0, canvas.width, canvas.height);
    context.strokeStyle = theme.emphasis;
    context.lineWidth = 2 * ratio;
    context.strokeRect(this.place[1] * scale * ratio, this.place[0] * scale * ratio, scale * ratio, scale * ratio);
    const choose = (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.floor(((event.clientX - box.left) / box.width) * units.columns);
      const row = Math.floor(((event.clientY - box.top) / box.height) * units.rows);
      this.choosePlace(row, column);
    };
    canvas.onpointermove = choose;
    canvas.onpointerdown = choose;
    canvas.onkeydown = (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      this.choosePlace(this.place[0] + step[0], this.place[1] + step[1]);
    };
    const note = `${formatNumber(this.value(stage.output))} at ${placeName(this.place)}`;
    return make("div", { class: "figure" }, canvas, make("p", { class: "note" }, note));
  }

  choosePlace(row, column) {
    const clamp = (v, top) => Math.min(top - 1, Math.max(0, v));
    const place = [clamp(row, this.units.rows), clamp(column, this.units.columns)];
    if (this.isPinned && place.join() === this.place.join()) return;
    [this.place, this.isPinned] = [place, true];
    this.render();
    this.onPlace();
  }

  renderProducts(network, node) {
    const channels = windowChannels(network, node, this.unit).map(({ channel }) => channel);
    const parts = new Map(channels.map((c) => [c, windowProducts(network, node, this.unit, c, this.place)]));
    const sums = new Float64Array(network.shapes.get(node.inputs[0])[0]);
    for (const [c, part] of parts) sums[c] = part.sum;
    const shown = strongest(sums, MOST_WINDOWS, channels);
    const limits = ["window", "kernel", "products"].map((key) => Math.max(...shown.map((c) => absoluteMax(parts.get(c)[key]))));
    const isImage = sourceOf(network, node) === "input";
    const rows = shown.map((c) => this.productRow(isImage && channels.length === 1 ? "the image" : unitName("map", c), parts.get(c), node.kernel, limits));
    const rest = channels.length - shown.length;
    const restSum = total(sums) - total(shown.map((c) => sums[c]));
    if (rest > 0) rows.push(make("p", { class: "note" }, `${rest} more maps: ${formatSigned(restSum)}`));
    const head = make("p", { class: "note" }, `window × kernel = products; ${this.wayToValue(network, node)}`);
    return make("div", { class: "sum" }, head, ...rows, this.chain(network, node));
  }

  // What makes the value of the sum: "their sum, bias, BN and ReLU give the value".
  wayToValue(network, node) {
    const parts = ["their sum", ...(node.bias ? ["bias"] : []), ...this.stepsAfter(network, node).map((step) => step.title)];
    return parts.length < 2 ? "their sum is the value" : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)} give the value`;
  }

  stepsAfter(network, node) {
    const { nodes } = this.stage;
    return nodes.slice(nodes.indexOf(node.name) + 1).map((name) => network.node(name)).filter((step) => step.op !== "identity");
  }

  productRow(name, { window, kernel, products, sum }, [rows, columns], limits) {
    const grid = (values, limit, isSigned, label) => numberGrid(values, rows, columns, limit, isSigned, `${label}: ${Array.from(values, (v) => formatNumber(v)).join(", ")}`);
    return make(
      "div",
      { class: "products" },
      make("span", { class: "name" }, name),
      grid(window, limits[0], window.some((v) => v < 0), "window"),
      make("span", { "aria-hidden": "true" }, "×"),
      grid(kernel, limits[1], true, "kernel"),
      make("span", { "aria-hidden": "true" }, "="),
      grid(products, limits[2], true, "products"),
      make("span", { class: "total" }, `Σ ${formatSigned(sum)}`),
    );
  }

  renderPooling(network, node) {
    const [kh, kw] = node.kernel;
    const shape = network.shapes.get(node.inputs[0]);
    const x = network.values.get(node.inputs[0]);
    const window = new Float64Array(kh * kw);
    for (let i = 0; i < kh; i++)
      for (let j = 0; j < kw; j++) {
        const y = this.place[0] * node.stride[0] - node.padding[0] + i * (node.dilation?.[0] ?? 1);
        const z = this.place[1] * node.stride[1] - node.padding[1] + j * (node.dilation?.[1] ?? 1);
        const inside = y >= 0 && y < shape[1] && z >= 0 && z < shape[2];
        window[i * kw + j] = inside ? x[(this.unit * shape[1] + y) * shape[2] + z] : 0;
      }
    const grid = numberGrid(window, kh, kw, absoluteMax(x), x.some((v) => v < 0), "window");
    const word = node.op === "maxpool" ? "the largest of the window" : "the mean of the window";
    const result = make("span", { class: "total" }, `= ${formatNumber(this.value(node.name))}`);
    return make("div", { class: "sum" }, make("p", {}, this.stage.text), make("div", { class: "products" }, grid, make("span", {}, word), result));
  }

  inputsOf(network) {
    const items = this.stage.inputs
      .map((name) => [name, network.values.get(name), network.shapes.get(name)])
      .filter(([, values, shape]) => values && shape.join() === network.shapes.get(this.stage.output).join())
      .map(([name]) => make("div", {}, make("dt", {}, name), make("dd", {}, formatNumber(this.value(name)))));
    if (!items.length) return "";
    items.push(make("div", { class: "last" }, make("dt", {}, this.stage.title), make("dd", {}, formatNumber(this.value(this.stage.output)))));
    return make("dl", { class: "chain" }, ...items);
  }
}

function total(values) {
  let sum = 0;
  for (const v of values) sum += v;
  return sum;
}

function pixelName(i, [, height, width]) {
  const at = i % (height * width);
  return placeName([Math.floor(at / width), at % width]);
}

function gridShape(length) {
  const columns = Math.ceil(Math.sqrt(length));
  return [1, Math.ceil(length / columns), columns];
}

function largestPlace(values, start, { rows, columns }) {
  let best = 0;
  for (let i = 1; i < rows * columns; i++) if (Math.abs(values[start + i]) > Math.abs(values[start + best])) best = i;
  return [Math.floor(best / columns), best % columns];
}

function termRow(name, detail, value, limit) {
  const isCut = Math.abs(value) > limit * (1 + 1e-9);
  const bar = make("span", { class: `bar ${value < 0 ? "negative" : "positive"}${isCut ? " cut" : ""}` });
  bar.style.width = `${(50 * Math.min(1, Math.abs(value) / limit)).toFixed(1)}%`;
  return make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: "detail" }, isCut ? "bar cut short" : detail), make("td", { class: "bars", "aria-hidden": "true" }, bar), make("td", { class: "number" }, formatSigned(value)));
}

// Maps side by side; returns a function from a pointer event to the number of the value under it.
function drawMosaic(canvas, values, [count, rows, columns], isSigned) {
  const perRow = Math.ceil(Math.sqrt(count));
  const gap = count > 1 ? 1 : 0;
  const width = perRow * (columns + gap) - gap;
  const height = Math.ceil(count / perRow) * (rows + gap) - gap;
  const scale = Math.max(2, Math.floor(224 / Math.max(width, height)));
  const ratio = devicePixelRatio;
  [canvas.width, canvas.height] = [width * scale * ratio, height * scale * ratio];
  [canvas.style.width, canvas.style.height] = [`${width * scale}px`, `${height * scale}px`];
  const context = canvas.getContext("2d");
  context.fillStyle = theme.faint;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  const limit = absoluteMax(values);
  const size = rows * columns;
  for (let c = 0; c < count; c++) {
    const part = new Float64Array(size);
    part.set(values.subarray(c * size, Math.min(values.length, (c + 1) * size)));
    const x = (c % perRow) * (columns + gap) * scale * ratio;
    const y = Math.floor(c / perRow) * (rows + gap) * scale * ratio;
    context.drawImage(valueImage(part, 0, rows, columns, limit, isSigned), x, y, columns * scale * ratio, rows * scale * ratio);
  }
  return (event) => {
    const box = canvas.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * height);
    const [column, row] = [x % (columns + gap), y % (rows + gap)];
    const c = Math.floor(y / (rows + gap)) * perRow + Math.floor(x / (columns + gap));
    const i = c * size + row * columns + column;
    return column < columns && row < rows && c < count && i < values.length ? i : -1;
  };
}

// Canvases of the grids of numbers, used again at the next rendering: making one takes longer than drawing on it.
const grids = [];
let usedGrids = 0;

function gridCanvas(width, height, label) {
  const canvas = (grids[usedGrids] ??= make("canvas", { role: "img" }));
  usedGrids += 1;
  const ratio = devicePixelRatio;
  const size = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) {
    [canvas.width, canvas.height] = size;
    [canvas.style.width, canvas.style.height] = [`${width}px`, `${height}px`];
  }
  canvas.setAttribute("aria-label", label);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { canvas, context };
}

// A small grid of numbers on their colours.
function numberGrid(values, rows, columns, limit, isSigned, label) {
  const cell = rows > 5 ? 17 : rows > 3 ? 24 : innerWidth < 480 ? 27 : 32;
  const { canvas, context } = gridCanvas(columns * cell, rows * cell, label);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `${cell > 30 ? 10 : cell > 25 ? 9 : 8}px ${theme.font}`;
  for (let i = 0; i < values.length; i++) {
    const [x, y] = [(i % columns) * cell, Math.floor(i / columns) * cell];
    context.fillStyle = valueColor(values[i], limit, isSigned);
    context.fillRect(x, y, cell, cell);
    context.strokeStyle = theme.faint;
    context.strokeRect(x + 0.5, y + 0.5, cell - 1, cell - 1);
    if (cell < 20) continue;
    context.fillStyle = inkOn(values[i], limit);
    context.fillText(shortNumber(values[i]), x + cell / 2, y + cell / 2 + 0.5);
  }
  return canvas;
}

function inkOn(value, limit) {
  return limit > 0 && Math.abs(value) / limit > 0.55 ? theme.background : theme.foreground;
}

function shortNumber(value) {
  const text = Math.abs(value) >= 9.95 ? value.toFixed(0) : Math.abs(value) >= 0.995 ? value.toFixed(1) : value.toFixed(2);
  return text.replace(/^(-?)0\./, "$1.").replace(/^-?\.00$/, "0").replace("-", "−");
}
