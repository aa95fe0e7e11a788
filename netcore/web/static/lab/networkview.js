// The network with all its values on one canvas: maps, neurons and the strongest connections.

import { absoluteMax, theme, valueColor, valueImage, withAlpha } from "./colors.js";
import { inputSums, sourceOf, strongest } from "./contributions.js";
import { CIRCLES, layoutStages, unitAt, unitBox } from "./layout.js";
import { formatNumber, formatPercent, placeName, unitName } from "./text.js";

const MOST_LINES = 60; // connections drawn between two layers
const MOST_PAIRS = 600; // of two layers, up to which all pairs are compared

export class NetworkView {
  // handlers: onSelect(stage, unit), onHover(text), onDraw(), placeOf() of the selected map
  constructor(canvas, handlers) {
    this.canvas = canvas;
    this.handlers = handlers;
    this.hover = null; // {item, unit}
    this.selected = null;
    this.step = -1; // the stage that the tour has reached
    this.images = new Map();
    this.lines = { weighted: 0, isShortened: false, isSummed: false, place: null }; // as drawn last
    canvas.addEventListener("pointermove", (event) => this.point(event));
    canvas.addEventListener("pointerleave", () => this.setHover(null));
    canvas.addEventListener("click", (event) => this.click(event));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.draw());
    canvas.addEventListener("blur", () => this.draw());
  }

  setModel(model) {
    if (this.model === model) return;
    this.model = model;
    this.images.clear();
    this.hover = this.selected = null;
    this.step = -1;
    this.layout();
  }

  layout() {
    if (!this.model) return;
    const box = this.canvas.parentElement;
    const isNarrow = box.clientWidth < 560;
    const width = box.clientWidth;
    const height = Math.max(300, box.clientHeight - 2);
    this.plan = layoutStages(this.model.stages, this.model.network.shapes, width, height, isNarrow);
    this.plan.isNarrow = isNarrow;
    const { canvas, plan } = this;
    canvas.style.width = `${plan.width}px`;
    canvas.style.height = `${plan.height}px`;
    [canvas.width, canvas.height] = [plan.width, plan.height].map((v) => Math.round(v * devicePixelRatio));
    this.draw();
  }

  // ---- pointer and keyboard

  find(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    for (const item of this.plan.items) {
      const unit = unitAt(item, x, y);
      if (unit >= 0) return { item, unit, place: this.placeInMap(item, unit, x, y) };
    }
    return null;
  }

  placeInMap(item, unit, x, y) {
    if (!item.isMaps) return null;
    const [left, top, width, height] = unitBox(item, unit);
    const clamp = (v, size) => Math.min(size - 1, Math.max(0, Math.floor(v * size)));
    return [clamp((y - top) / height, item.rows), clamp((x - left) / width, item.columns)];
  }

  point(event) {
    if (this.plan) this.setHover(this.find(event));
  }

  setHover(found) {
    const before = this.hover;
    this.hover = found;
    this.canvas.style.cursor = found ? "pointer" : "default";
    if (before || found) this.draw();
    this.handlers.onHover(found ? this.describe(found) : "");
  }

  click(event) {
    const found = this.find(event);
    if (found) this.select(found.item, found.unit, found.place);
  }

  select(item, unit, place = null) {
    this.selected = { item, unit };
    this.handlers.onSelect(item.stage, unit, place, this.clientBox(item, unit));
    this.draw();
  }

  clientBox(item, unit) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y, width, height] = unitBox(item, unit);
    return { left: box.left + x, top: box.top + y, width, height };
  }

  key(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    const at = this.hover ?? this.selected ?? { item: this.plan.items[0], unit: 0 };
    if (step) {
      event.preventDefault();
      const items = this.plan.items;
      const index = Math.min(items.length - 1, Math.max(0, items.indexOf(at.item) + step[0]));
      const item = items[index];
      const unit = step[0] ? Math.min(at.unit, item.count - 1) : (at.unit + step[1] + item.count) % item.count;
      this.setHover({ item, unit, place: null });
      this.handlers.onMove(this.describe({ item, unit, place: null }));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.select(at.item, at.unit);
    } else if (event.key === "Escape") this.setHover(null);
  }

  describe({ item, unit, place }) {
    const { stage } = item;
    const values = this.model.network.values.get(stage.output);
    const word = stage.isInput && item.count === 1 ? "the image" : unitName(stage.unit, unit);
    const name = stage.isOutput ? `class ${this.model.classes[unit]}` : word;
    const size = item.rows * item.columns;
    if (place) {
      const value = values[unit * size + place[0] * item.columns + place[1]];
      return `${stage.title}, ${name}, ${placeName(place)}: ${formatNumber(value)}`;
    }
    if (item.isMaps) return `${stage.title}, ${name} of ${item.count}: largest value ${formatNumber(absoluteMax(values, unit * size, (unit + 1) * size))}`;
    const share = stage.isOutput ? `, probability ${formatPercent(this.model.network.probabilities[unit])}` : "";
    return `${stage.title}, ${name}: ${formatNumber(values[unit])}${share}`;
  }

  // ---- drawing

  draw() {
    if (!this.plan || !this.model) return;
    const context = this.canvas.getContext("2d");
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.plan.width, this.plan.height);
    context.imageSmoothingEnabled = false;
    this.drawLines(context);
    for (const [i, item] of this.plan.items.entries()) {
      context.globalAlpha = this.step >= 0 && i > this.step ? 0.16 : 1;
      this.drawStage(context, item, i === this.step);
    }
    context.globalAlpha = 1;
    this.drawMark(context, this.selected, 2.5);
    this.drawMark(context, this.hover, 1.5);
    if (this.hover?.place) this.drawWindow(context);
    this.handlers.onDraw();
  }

  scaleOf(item) {
    const values = this.model.network.values.get(item.stage.output);
    const isSigned = item.stage.isSigned && values.some((v) => v < 0);
    return { values, isSigned, limit: item.stage.isInput || item.stage.range ? item.stage.range || 1 : absoluteMax(values) };
  }

  drawStage(context, item, isActive) {
    const scale = this.scaleOf(item);
    this.drawTitle(context, item, scale, isActive);
    if (item.isMaps) this.drawMaps(context, item, scale);
    else if (item.isRows) this.drawOutputs(context, item);
    else if (item.stage.isOutput) this.drawNeurons(context, item, { values: this.model.network.probabilities, isSigned: false, limit: 1 });
    else this.drawNeurons(context, item, scale);
  }

  drawTitle(context, item, scale, isActive) {
    const middle = item.x + item.width / 2;
    const top = item.y - 30;
    context.textAlign = "center";
    context.fillStyle = isActive ? theme.emphasis : theme.foreground;
    context.font = `600 13px ${theme.font}`;
    const room = item.width + this.plan.gap - 6;
    fillOverLines(context, item.stage.short, middle, top, room);
    context.font = `11px ${theme.font}`;
    context.fillStyle = theme.muted;
    fillOverLines(context, item.stage.size, middle, top + 16, room);
    const foot = item.isRows ? "" : `max ${formatNumber(scale.values === null ? 0 : absoluteMax(scale.values))}`;
    if (!item.stage.isInput) fillOverLines(context, foot, middle, item.y + item.height + 15, room);
  }

  drawMaps(context, item, { values, isSigned, limit }) {
    const all = valueImage(values, 0, item.count * item.rows, item.columns, limit, isSigned, this.images.get(item.stage.output));
    this.images.set(item.stage.output, all); // the maps one below the other
    for (let unit = 0; unit < item.count; unit++) {
      const [x, y, width, height] = unitBox(item, unit);
      context.drawImage(all, 0, unit * item.rows, item.columns, item.rows, x, y, width, height);
      context.strokeStyle = theme.faint;
      context.lineWidth = 1;
      context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
      if (this.isOff(item, unit)) drawCross(context, x, y, width, height);
    }
  }

  drawNeurons(context, item, { values, isSigned, limit }) {
    for (let unit = 0; unit < item.count; unit++) {
      const [x, y, width, height] = unitBox(item, unit);
      context.fillStyle = valueColor(values[unit], limit, isSigned);
      if (item.count <= CIRCLES) {
        drawCircle(context, x + width / 2, y + height / 2, Math.min(width, height) / 2);
        context.fill();
        context.strokeStyle = theme.muted;
        context.lineWidth = 1;
        context.stroke();
      } else {
        context.fillRect(x, y, width, height);
        context.strokeStyle = theme.faint;
        context.lineWidth = 0.5;
        context.strokeRect(x, y, width, height);
      }
      if (this.isOff(item, unit)) drawCross(context, x, y, width, height);
    }
  }

  drawOutputs(context, item) {
    const { probabilities } = this.model.network;
    context.font = `13px ${theme.font}`;
    const names = Math.max(...this.model.classes.map((name) => context.measureText(name).width));
    const right = Math.min(item.x + item.width - 2, item.x + 26 + names + 62);
    const top = this.model.isEmpty ? -1 : this.model.prediction;
    for (let unit = 0; unit < item.count; unit++) {
      const [x, y, width, height] = unitBox(item, unit);
      const p = this.model.isEmpty ? 0 : probabilities[unit];
      const middle = y + height / 2;
      const radius = Math.min(9, height / 2);
      context.fillStyle = valueColor(p, 1, false);
      drawCircle(context, x + radius + 1, middle, radius);
      context.fill();
      context.strokeStyle = unit === top ? theme.positive : theme.muted;
      context.lineWidth = unit === top ? 2 : 1;
      context.stroke();
      context.fillStyle = unit === top ? theme.positive : theme.foreground;
      context.textAlign = "left";
      const fits = height >= 9;
      context.font = `${unit === top ? "700 " : ""}${Math.min(14, Math.max(8, height - 2))}px ${theme.font}`;
      if (fits) fillTextFitted(context, this.model.classes[unit], x + 2 * radius + 8, middle + 5, item.width - 2 * radius - 52, true);
      context.textAlign = "right";
      context.font = `11px ${theme.font}`;
      context.fillStyle = unit === top ? theme.foreground : theme.muted;
      if (fits && (p >= 0.01 || unit === top)) context.fillText(formatPercent(p), right, middle + 4);
      if (this.isOff(item, unit)) drawCross(context, x, y, 2 * radius, height);
    }
  }

  isOff(item, unit) {
    return this.model.network.masks.get(item.stage.mask)?.has(unit) ?? false;
  }

  // ---- connections

  drawLines(context) {
    this.lines = { weighted: 0, isShortened: false, isSummed: false, place: null };
    if (this.model.isEmpty) return;
    const focus = this.hover ?? this.selected;
    if (focus?.item.isMaps) this.lines.place = this.hover ? this.hover.place : this.handlers.placeOf();
    if (focus) this.drawLinesInto(context, focus.item, focus.unit, 1);
    const last = this.plan.items.at(-1);
    if (this.step >= 0) return;
    for (const item of this.plan.items) {
      if (item.isMaps || (focus && focus.item === item)) continue;
      const source = this.sourceItem(item);
      if (source && !source.isMaps && source.count * item.count <= MOST_PAIRS) this.drawPairs(context, source, item, focus ? 0.35 : 1);
      else if (item === last && !focus) this.drawLinesInto(context, item, this.model.prediction, 0.9);
    }
  }

  sourceItem(item) {
    const node = item.stage.main && this.model.network.node(item.stage.main);
    if (!node) return null;
    const name = sourceOf(this.model.network, node);
    return this.plan.items.find((other) => other.stage.output === name || other.stage.nodes.includes(name)) ?? null;
  }

  drawLinesInto(context, item, unit, strength) {
    const { network } = this.model;
    const node = item.stage.main && network.node(item.stage.main);
    if (!node) return this.drawPlainLines(context, item, unit);
    const source = this.sourceItem(item);
    const sums = inputSums(network, node, unit, item.isMaps ? this.lines.place : null);
    if (!source || !sums) return this.drawPlainLines(context, item, unit);
    const limit = absoluteMax(sums);
    if (limit === 0) return;
    const shown = strongest(sums, 40).filter((from) => Math.abs(sums[from]) >= 0.02 * limit);
    this.lines.isShortened ||= shown.length < sums.length;
    this.lines.isSummed ||= node.op === "conv" || sums.length < network.values.get(node.inputs[0]).length;
    for (const from of shown.reverse()) {
      this.drawLine(context, source, Math.min(from, source.count - 1), item, unit, sums[from] / limit, strength);
    }
  }

  // Pooling, sums and concatenations: a line from the unit in the same place.
  drawPlainLines(context, item, unit) {
    let first = 0;
    for (const name of item.stage.inputs) {
      const source = this.plan.items.find((other) => other.stage.output === name || other.stage.nodes.includes(name));
      if (!source) continue;
      const from = item.stage.kind === "parallel" ? unit - first : unit;
      if (item.stage.kind === "parallel") first += source.count;
      if (from >= 0 && from < source.count) this.drawLine(context, source, from, item, unit, 0, 1);
    }
  }

  drawPairs(context, source, item, strength) {
    const { network } = this.model;
    const node = network.node(item.stage.main);
    const pairs = [];
    for (let unit = 0; unit < item.count; unit++) {
      const sums = inputSums(network, node, unit);
      for (let from = 0; from < sums.length; from++) pairs.push([Math.abs(sums[from]), from, unit, sums[from]]);
    }
    pairs.sort((a, b) => b[0] - a[0]);
    const limit = pairs[0][0];
    if (limit === 0) return;
    this.lines.isShortened ||= pairs.length > MOST_LINES;
    for (const [, from, unit, value] of pairs.slice(0, MOST_LINES).reverse())
      this.drawLine(context, source, from, item, unit, value / limit, strength);
  }

  // weight in [-1, 1]; 0 is a plain line.
  drawLine(context, source, from, item, unit, weight, strength) {
    const a = unitBox(source, from);
    const b = unitBox(item, unit);
    const size = Math.abs(weight);
    if (weight !== 0) this.lines.weighted += 1;
    context.strokeStyle = weight === 0 ? withAlpha("muted", 0.9) : withAlpha(weight > 0 ? "positive" : "negative", (0.12 + 0.88 * size) * strength);
    context.lineWidth = weight === 0 ? 1.5 : 0.6 + 2 * size;
    context.beginPath();
    if (this.plan.isNarrow) {
      const [x0, y0, x1, y1] = [a[0] + a[2] / 2, a[1] + a[3], b[0] + b[2] / 2, b[1]];
      context.moveTo(x0, y0);
      context.bezierCurveTo(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2, x1, y1);
    } else {
      const [x0, y0, y1] = [a[0] + a[2], a[1] + a[3] / 2, b[1] + b[3] / 2];
      const x1 = !item.isMaps && item.count <= CIRCLES ? b[0] + 1 : b[0];
      context.moveTo(x0, y0);
      const bend = (x1 - x0) * 0.45;
      context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
    }
    context.stroke();
  }

  // ---- marks

  drawMark(context, found, width) {
    if (!found) return;
    const [x, y, w, h] = unitBox(found.item, found.unit);
    context.strokeStyle = theme.emphasis;
    context.lineWidth = width;
    if (found.item.isMaps || found.item.count > CIRCLES) context.strokeRect(x - 1, y - 1, w + 2, h + 2);
    else {
      const radius = found.item.isRows ? Math.min(9, h / 2) : Math.min(w, h) / 2;
      drawCircle(context, found.item.isRows ? x + radius + 1 : x + w / 2, y + h / 2, radius + 2);
      context.stroke();
    }
  }

  // The window in the input maps that the value under the pointer was computed from.
  drawWindow(context) {
    const { item, unit, place } = this.hover;
    const node = item.stage.window && this.model.network.node(item.stage.window);
    drawPixel(context, item, unit, place, [1, 1]);
    if (!node) return;
    const source = this.plan.items.find((other) => other.stage.output === node.inputs[0] || other.stage.nodes.includes(node.inputs[0]));
    if (!source?.isMaps) return;
    const from = place.map((v, i) => v * node.stride[i] - node.padding[i]);
    const size = node.kernel.map((k, i) => (k - 1) * (node.dilation?.[i] ?? 1) + 1);
    const units = node.op === "conv" ? strongest(inputSums(this.model.network, node, unit), 40) : [unit];
    for (const channel of units) drawPixel(context, source, channel, from, size);
  }
}

function drawPixel(context, item, unit, [row, column], [rows, columns]) {
  const [x, y, width, height] = unitBox(item, unit);
  const [sx, sy] = [width / item.columns, height / item.rows];
  const left = Math.max(0, column) * sx;
  const top = Math.max(0, row) * sy;
  const right = Math.min(item.columns, column + columns) * sx;
  const bottom = Math.min(item.rows, row + rows) * sy;
  context.strokeStyle = theme.emphasis;
  context.lineWidth = 1.5;
  context.strokeRect(x + left, y + top, right - left, bottom - top);
}

function drawCircle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, Math.max(1, radius), 0, 2 * Math.PI);
}

function drawCross(context, x, y, width, height) {
  context.strokeStyle = theme.incorrect;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + width, y + height);
  context.moveTo(x + width, y);
  context.lineTo(x, y + height);
  context.stroke();
}

// Text on a ground of its own, where lines may pass behind it.
function fillOverLines(context, text, x, y, room) {
  Object.assign(context, { strokeStyle: theme.background, lineWidth: 5, lineJoin: "round" });
  fillTextFitted(context, text, x, y, room, true, true);
}

function fillTextFitted(context, text, x, y, room, isShortened = true, isOutlined = false) {
  let shown = text;
  while (isShortened && shown.length > 1 && context.measureText(shown).width > room) shown = `${shown.slice(0, -2).trimEnd()}…`;
  if (isOutlined) context.strokeText(shown, x, y);
  context.fillText(shown, x, y);
}
