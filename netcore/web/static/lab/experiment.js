// Experiments: edits of units and layers, the accuracy with them, undo, and the command that keeps them.

import { editCommand, editPlace } from "./edits.js";
import { byId, formatNumber, make, unitName } from "./text.js";

const UNIT_SLIDERS = [
  { kind: "bias", label: "Bias shift", low: -3, high: 3, step: 0.05, neutral: 0 },
  { kind: "scale", label: "Weights times", low: 0, high: 3, step: 0.05, neutral: 1 },
];
const LAYER_SLIDERS = [
  { kind: "prune", label: "Prune smallest weights", low: 0, high: 0.98, step: 0.02, neutral: 0 },
  { kind: "noise", label: "Noise on weights", low: 0, high: 2, step: 0.05, neutral: 0 },
];
const TEMPERATURE = { kind: "temperature", label: "Softmax temperature", low: 0.2, high: 5, step: 0.1, neutral: 1 };

export class Experiment {
  // onChange() when the edits of the model have changed.
  constructor(onChange) {
    this.onChange = onChange;
    byId("undo-edit").onclick = () => this.undo();
    byId("reset-edits").onclick = () => this.set([]);
    byId("copy-edit").onclick = () => this.copy();
  }

  setModel(model) {
    this.model = model;
    this.render();
  }

  show(stage, unit) {
    Object.assign(this, { stage, unit });
    this.render();
  }

  get edits() {
    return this.model.edits;
  }

  find(kind, node, unit) {
    return this.edits.find((e) => e.kind === kind && e.node === node && e.unit === unit);
  }

  // Replace the edit of this kind and place; a neutral value removes it.
  change(kind, node, unit, value, neutral) {
    const others = this.edits.filter((e) => !(e.kind === kind && e.node === node && e.unit === unit));
    const edit = { kind, node, unit, value };
    this.set(value === neutral ? others : [...others, edit], `${kind} ${node} ${unit}`);
  }

  // Moves of one slider are one entry of the history.
  set(edits, slot = "") {
    if (!slot || slot !== this.slot) this.model.history.push(this.edits);
    this.slot = slot;
    this.model.edits = edits;
    this.onChange();
    this.render();
  }

  undo() {
    if (!this.model.history.length) return;
    this.model.edits = this.model.history.pop();
    this.slot = "";
    this.onChange();
    this.render();
  }

  async copy() {
    const text = byId("edit-command").textContent;
    try {
      await navigator.clipboard.writeText(text);
      byId("copy-edit").textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(byId("edit-command"));
      byId("copy-edit").textContent = "Press Ctrl C";
    }
    setTimeout(() => (byId("copy-edit").textContent = "Copy"), 1500);
  }

  render() {
    if (!this.model) return;
    const focus = document.activeElement?.id;
    byId("unit-controls").replaceChildren(...this.unitControls());
    byId("global-controls").replaceChildren(this.slider(TEMPERATURE, undefined, undefined));
    byId("edit-list").replaceChildren(...this.edits.map((edit) => this.chip(edit)));
    byId("undo-edit").disabled = !this.model.history.length;
    byId("reset-edits").disabled = !this.edits.length;
    byId("edit-command-row").hidden = !this.edits.length;
    byId("edit-command").textContent = editCommand(this.model, this.edits);
    if (focus && document.activeElement !== byId(focus)) byId(focus)?.focus({ preventScroll: true });
  }

  unitControls() {
    const { stage, unit, model } = this;
    const node = stage?.main ? model.network.node(stage.main) : null;
    if (!node || !["conv", "linear"].includes(node.op)) return [make("p", { class: "note" }, "Choose a neuron or a map of a layer with weights.")];
    const name = stage.isOutput ? `class ${model.classes[unit]}` : unitName(stage.unit, unit);
    const off = this.find("off", node.name, unit);
    const toggle = make(
      "button",
      { type: "button", id: "toggle-off", "aria-pressed": String(Boolean(off)), onclick: () => this.change("off", node.name, unit, off ? 0 : 1, 0) },
      off ? `Switch ${name} on` : `Switch ${name} off`,
    );
    const unitSliders = UNIT_SLIDERS.filter(({ kind }) => kind !== "bias" || node.bias).map((s) => this.slider(s, node.name, unit));
    const layerSliders = LAYER_SLIDERS.map((s) => this.slider(s, node.name, undefined));
    return [toggle, ...unitSliders, make("p", { class: "group" }, `All weights of ${stage.title}`), ...layerSliders];
  }

  slider({ kind, label, low, high, step, neutral }, node, unit) {
    const edit = this.find(kind, node, unit);
    const value = edit ? edit.value : neutral;
    const id = `slider-${kind}`;
    const input = make("input", { type: "range", id, min: low, max: high, step, value });
    const shown = kind === "prune" ? `${Math.round(100 * value)} %` : formatNumber(value);
    input.oninput = () => this.change(kind, node, unit, Number(input.value), neutral);
    input.onchange = () => (this.slot = "");
    return make("div", { class: "slider" }, make("label", { for: id }, label), input, make("output", { for: id }, shown));
  }

  chip(edit) {
    const place = edit.node === undefined ? "" : editPlace(this.model, edit);
    const words = edit.kind === "off" ? `${place} off` : `${edit.kind} ${place} ${formatNumber(edit.value)}`;
    const remove = () => this.set(this.edits.filter((e) => e !== edit));
    return make("li", {}, words.replace("  ", " "), make("button", { type: "button", "aria-label": `Remove ${words}`, onclick: remove }, "×"));
  }
}
