// The page of a training: asks for progress and pictures, and sends what the visitor changes.

import { readTheme, theme, valueImage } from "./colors.js";
import { byId, formatNumber, formatPercent, make } from "./text.js";

const POLL_MS = 500;
const TILE_PX = 56; // side of a picture of weights or a map
const NEURON_PX = 14; // side of a neuron

class LivePage {
  async start() {
    readTheme();
    Object.assign(this, { losses: [], history: [], pictures: 0, factor: 1 });
    byId("pause").onclick = () => this.send({ paused: byId("pause").getAttribute("aria-pressed") !== "true" });
    byId("snapshot").onclick = () => this.send({ snapshot: true }, "Asked for a snapshot after the current step.");
    byId("stop").onclick = () => confirm("Stop the training? It can be resumed with --resume.") && this.send({ stop: true }, "Asked to stop.");
    byId("factor").oninput = () => this.showFactor(2 ** Number(byId("factor").value));
    byId("factor").onchange = () => this.send({ learning_rate_factor: 2 ** Number(byId("factor").value) });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      readTheme();
      this.draw();
      this.pictures = 0;
    });
    addEventListener("resize", () => this.draw());
    this.showFactor(1);
    await this.poll();
    document.documentElement.dataset.ready = "true";
  }

  async poll() {
    try {
      const after = this.losses.length ? this.losses.at(-1)[0] : -1;
      this.show(await (await fetch(`/api/training?after=${after}`)).json());
      if (this.status.pictures !== this.pictures) await this.showPictures();
      setTimeout(() => this.poll(), POLL_MS);
    } catch {
      byId("state").textContent = "The training has ended or was stopped.";
      for (const id of ["pause", "snapshot", "stop", "factor"]) byId(id).disabled = true;
      this.isOver = true;
    }
  }

  async send(message, note = "") {
    try {
      const answer = await fetch("/api/training", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(message) });
      if (!answer.ok) throw new Error((await answer.json()).detail);
      byId("note").textContent = note;
    } catch (error) {
      byId("note").textContent = `Not done: ${error.message}.`;
    }
  }

  show(status) {
    this.status = status;
    this.losses.push(...status.losses);
    this.history = status.history;
    const epoch = Math.min(status.epochs, this.history.length + 1);
    const words = { starting: "Starting", training: status.paused ? "Paused" : "Training", ended: "Ended" }[status.state];
    byId("state").textContent = status.epochs ? `${words}, epoch ${epoch} of ${status.epochs}` : words;
    byId("pause").setAttribute("aria-pressed", String(status.paused));
    byId("pause").textContent = status.paused ? "Resume" : "Pause";
    if (status.learning_rate_factor !== this.factor) {
      this.factor = status.learning_rate_factor;
      byId("factor").value = Math.log2(this.factor);
      this.showFactor(this.factor);
    }
    this.draw();
  }

  showFactor(factor) {
    byId("factor-text").textContent = `× ${formatNumber(factor)}`;
  }

  draw() {
    const loss = this.losses.at(-1);
    const row = this.history.at(-1);
    const held = this.history.map((r) => [r.step, r.val_loss]);
    drawLines(byId("loss"), [[this.losses, theme.positive], [held, theme.negative]], 0);
    drawLines(byId("accuracy"), [[this.history.map((r) => [r.step, r.val_accuracy]), theme.negative]], 0, 1);
    byId("loss-text").textContent = loss ? `Step ${loss[0]}: ${formatNumber(loss[1])}${row ? `; held out ${formatNumber(row.val_loss)}` : ""}` : "No step yet";
    byId("accuracy-text").textContent = row ? `Epoch ${row.epoch}: ${formatPercent(row.val_accuracy)}` : "No epoch yet";
  }

  async showPictures() {
    const found = await (await fetch("/api/training/pictures")).json();
    this.pictures = found.number;
    if (!found.image) return;
    byId("input").replaceChildren(...tiles(found.image, 112), make("p", { class: "note" }, `labeled ${found.label}`));
    const top = found.probabilities.indexOf(Math.max(...found.probabilities));
    const rows = found.classes.map((name, k) => {
      const fill = make("span", { class: "fill" });
      fill.style.width = `${100 * found.probabilities[k]}%`;
      return make("div", { class: k === top ? "top" : "" }, make("span", {}, name), make("span", { class: "track" }, fill), make("span", {}, formatPercent(found.probabilities[k])));
    });
    byId("shares").replaceChildren(...rows.slice(0, 20));
    const layers = found.layers.map((layer) => {
      const words = `${layer.title}; darkest: ${layer.signed ? "± " : ""}${formatNumber(layer.limit)}`.replace("darkest", layer.signed ? "full color" : "full ink");
      const side = layer.count === 1 ? Math.min(640, NEURON_PX * layer.columns) : TILE_PX;
      return make("div", { class: "layer" }, make("p", {}, words), make("div", { class: "tiles" }, ...tiles(layer, side)));
    });
    byId("layers").replaceChildren(...layers);
  }
}

// One canvas per image of a layer, `side` pixels wide.
function tiles({ count, rows, columns, signed, values }, side) {
  const bytes = Int8Array.from(atob(values), (c) => c.charCodeAt(0));
  return Array.from({ length: count }, (_, i) => {
    const canvas = valueImage(bytes, i * rows * columns, rows, columns, 127, signed);
    canvas.style.width = `${side}px`;
    canvas.setAttribute("aria-hidden", "true");
    return canvas;
  });
}

// Lines of [x, y] points over a common x axis.
function drawLines(canvas, lines, low, high = null) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const points = lines.flatMap(([line]) => line);
  if (!points.length) return;
  const right = Math.max(...points.map(([x]) => x));
  const top = high ?? 1.05 * Math.max(...points.map(([, y]) => y));
  const [x0, y0, w, h] = [44, height - 22, width - 56, height - 34];
  const place = ([x, y]) => [x0 + (w * x) / Math.max(1, right), y0 - (h * (y - low)) / (top - low || 1)];
  context.font = `12px ${theme.font}`;
  context.fillStyle = theme.muted;
  context.strokeStyle = theme.faint;
  for (const share of [0, 0.5, 1]) {
    const value = low + share * (top - low);
    const y = place([0, value])[1];
    context.beginPath();
    context.moveTo(x0, y);
    context.lineTo(x0 + w, y);
    context.stroke();
    context.textAlign = "right";
    context.fillText(high === 1 ? `${100 * value} %` : formatNumber(value, 2), x0 - 6, y + 4);
  }
  context.fillText(`step ${right}`, x0 + w, height - 5);
  for (const [line, color] of lines) {
    context.strokeStyle = context.fillStyle = color;
    context.lineWidth = 1.6;
    context.beginPath();
    for (const [i, point] of line.entries()) context[i ? "lineTo" : "moveTo"](...place(point));
    context.stroke();
    if (line.length < 40)
      for (const point of line) {
        const [x, y] = place(point);
        context.beginPath();
        context.arc(x, y, 2.6, 0, 2 * Math.PI);
        context.fill();
      }
  }
}

const livePage = new LivePage();
globalThis.netcoreLive = livePage; // for tests and the curious
livePage.start();
