// A network: nodes in order, their parameters, and the values of one pass.

import { createOperation, softmaxInto } from "./ops.js";
import { applyEdits, firstChanged } from "./edits.js";

export class Network {
  // program: {input, nodes, output, classes, outputKind}; parameters: Map of name to Float32Array.
  constructor(program, parameters) {
    this.program = program;
    this.original = parameters;
    this.parameters = new Map(parameters);
    this.nodes = program.nodes;
    this.index = new Map(this.nodes.map((node, i) => [node.name, i]));
    this.shapes = new Map([["input", program.input.shape], ...this.nodes.map((n) => [n.name, n.shape])]);
    this.values = new Map([["input", new Float32Array(product(program.input.shape))]]);
    for (const node of this.nodes) this.values.set(node.name, new Float32Array(product(node.shape)));
    this.run = this.nodes.map((node) => createOperation(node, this.shapes, this.parameters));
    this.masks = new Map();
    this.temperature = 1;
    this.edits = [];
    this.probabilities = new Float64Array(program.classes.length);
  }

  // Replace all edits; returns the number of the first node whose output may differ.
  setEdits(edits) {
    const first = Math.min(firstChanged(this, this.edits), firstChanged(this, edits));
    this.edits = edits;
    applyEdits(this, edits);
    return first;
  }

  // Compute all nodes from `start` on; those before it keep their values. `shortcut(i, out)` may compute a node.
  forward(start = 0, shortcut = null) {
    for (let i = start; i < this.nodes.length; i++) {
      const node = this.nodes[i];
      const out = this.values.get(node.name);
      if (!shortcut?.(i, out)) this.run[i](node.inputs.map((name) => this.values.get(name)), out);
      const off = this.masks.get(node.name);
      if (off) for (const unit of off) out.fill(0, unit * (out.length / node.shape[0]), (unit + 1) * (out.length / node.shape[0]));
    }
    return this.classify();
  }

  // Probabilities of the classes: the softmax of the logits, or of the logarithms that the network returns.
  classify() {
    const out = this.values.get(this.program.output);
    const logits = this.program.outputKind === "probabilities" ? out.map((v) => Math.log(Math.max(v, 1.1754944e-38))) : out;
    return softmaxInto(logits, this.probabilities, this.temperature);
  }

  // Take pixels in [0, 255], (C, H, W), and compute everything.
  classifyPixels(pixels) {
    this.setPixels(pixels);
    return this.forward();
  }

  setPixels(pixels) {
    const { shape, mean, std } = this.program.input;
    const input = this.values.get("input");
    const plane = shape[1] * shape[2];
    for (let i = 0; i < input.length; i++) {
      const c = Math.floor(i / plane);
      input[i] = (pixels[i] / 255 - mean[c % mean.length]) / std[c % std.length];
    }
  }

  node(name) {
    return this.nodes[this.index.get(name)];
  }
}

export function product(shape) {
  return shape.reduce((a, b) => a * b, 1);
}

export function argmax(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
