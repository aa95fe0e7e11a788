// Bars of the probabilities, of each network.

import { formatPercent, make } from "./text.js";

const MOST_CLASSES = 12; // rows of the table; of more classes the most likely ones

export class Answers {
  constructor(root, models) {
    this.root = root;
    this.models = models;
    this.parts = models.map((model) => this.build(model));
    this.disagree = make("p", { class: "disagree", hidden: true });
    root.append(this.disagree);
  }

  build(model) {
    const verdict = make("p", { class: "verdict" });
    const count = Math.min(MOST_CLASSES, model.classes.length);
    const rows = Array.from({ length: count }, () => {
      const fill = make("div", { class: "fill" });
      const row = make("tr", {}, make("th", { scope: "row" }), make("td", {}, make("div", { class: "track" }, fill)), make("td", { class: "share" }));
      return { row, fill, name: row.children[0], share: row.children[2] };
    });
    this.root.append(make("p", { class: "answer-run" }, this.models.length > 1 ? `Prediction of ${model.run.name}` : "Prediction"));
    const table = make("table", { class: "bars-table", "aria-label": `Probabilities of ${model.run.name}` }, make("tbody", {}, ...rows.map((r) => r.row)));
    this.root.append(verdict, table);
    return { verdict, rows };
  }

  render() {
    for (const [i, model] of this.models.entries()) this.renderModel(model, this.parts[i]);
    const found = new Set(this.models.map((m) => m.prediction));
    this.disagree.hidden = this.models[0].isEmpty || found.size < 2;
    this.disagree.textContent = "The networks disagree.";
  }

  renderModel(model, { verdict, rows }) {
    const { probabilities } = model.network;
    const order = Array.from(model.classes.keys());
    if (model.classes.length > MOST_CLASSES) order.sort((a, b) => probabilities[b] - probabilities[a]);
    for (const [i, { row, fill, name, share }] of rows.entries()) {
      const k = order[i];
      const p = model.isEmpty ? 0 : probabilities[k];
      if (name.textContent !== model.classes[k]) name.textContent = model.classes[k];
      fill.style.width = `${(100 * p).toFixed(2)}%`;
      share.textContent = model.isEmpty ? "" : formatPercent(p);
      row.className = !model.isEmpty && k === model.prediction ? "top" : "";
    }
    if (model.isEmpty) verdict.replaceChildren(make("span", { class: "note" }, "Nothing drawn yet."));
    else {
      const text = `${formatPercent(probabilities[model.prediction])} confidence`;
      const name = model.classes[model.prediction];
      verdict.replaceChildren(make("strong", { class: name.length > 5 ? "long" : "", title: name }, name), make("span", {}, text));
    }
  }
}
