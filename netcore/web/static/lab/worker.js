// Classify the examples beside the page: cached values of layers before the first change are not computed again.

import { Network, argmax, product } from "./network.js";
import { addChannelChange } from "./ops.js";

const CACHE_BYTES = 96e6;
const CHUNK = 10; // examples between two looks at the messages

let network = null;
let examples = null;
let cache = []; // of nodes that all later ones depend on alone: {index, name, length, values of all examples, filled}
let job = 0;

self.onmessage = ({ data }) => {
  if (data.type === "start") start(data);
  else runJob(data);
};

function start({ program, parameters, images, labels }) {
  network = new Network(program, parameters);
  examples = { images, labels, count: labels.length };
  cache = findCuts(program, network, labels.length);
}

// Nodes that all later ones depend on alone, the smallest of each stretch, the last ones first.
function findCuts(program, net, count) {
  const cuts = [];
  const needs = program.nodes.map((node) => node.inputs.map((name) => (name === "input" ? -1 : net.index.get(name))));
  let reach = Infinity;
  for (let i = program.nodes.length - 1; i > 0; i--) {
    reach = Math.min(reach, ...needs[i]);
    if (reach >= i - 1) cuts.push(i - 1);
  }
  const weighted = (i) => ["conv", "linear"].includes(program.nodes[i].op);
  const chosen = [];
  let used = 0;
  for (const index of cuts) {
    const length = product(program.nodes[index].shape);
    const last = chosen.at(-1);
    const between = last && program.nodes.some((_, i) => i > index && i <= last.index && weighted(i));
    if (last && !between && length >= last.length) continue;
    if (last && !between) used -= 4 * count * chosen.pop().length;
    if (used + 4 * count * length > CACHE_BYTES) break;
    used += 4 * count * length;
    chosen.push({ index, length });
  }
  for (const index of cuts) {
    const length = product(program.nodes[index].shape);
    const isNew = chosen.every((cut) => cut.index !== index);
    if (!isNew || !weighted(index) || used + 4 * count * length > CACHE_BYTES) continue;
    used += 4 * count * length;
    chosen.push({ index, length });
  }
  chosen.sort((a, b) => b.index - a.index);
  return chosen.map((cut) => ({ ...cut, name: program.nodes[cut.index].name, values: new Float32Array(count * cut.length), filled: 0 }));
}

async function runJob({ id, edits }) {
  job = id;
  network.setEdits([]);
  const first = network.setEdits(edits); // the first node whose values differ
  const started = performance.now();
  const classes = network.probabilities.length;
  const outputs = new Float32Array(edits.length ? 0 : examples.count * classes);
  const result = { id, count: 0, right: 0, total: examples.count, predictions: new Uint16Array(examples.count) };
  for (let i = 0; i < examples.count; i++) {
    classifyExample(i, first);
    if (outputs.length) outputs.set(network.probabilities, i * classes);
    result.predictions[i] = argmax(network.probabilities);
    result.right += result.predictions[i] === examples.labels[i] ? 1 : 0;
    result.count = i + 1;
    const isDone = result.count === examples.count;
    if (result.count % CHUNK && !isDone) continue;
    const milliseconds = performance.now() - started;
    if (isDone) self.postMessage({ ...result, milliseconds, probabilities: outputs.length ? outputs : null });
    else if (result.count % (5 * CHUNK) === 0) self.postMessage({ ...result, milliseconds, predictions: null });
    await pause();
    if (job !== id) return;
  }
}

function classifyExample(i, first) {
  const cut = cache.find((c) => c.index < first && i < c.filled);
  if (cut) {
    network.values.get(cut.name).set(cut.values.subarray(i * cut.length, (i + 1) * cut.length));
    network.forward(cut.index + 1, (node, out) => addChanges(node, out, i));
    return;
  }
  const size = network.values.get("input").length;
  network.setPixels(examples.images.subarray(i * size, (i + 1) * size));
  network.forward(0, (node, out) => addChanges(node, out, i));
  for (const c of cache) {
    if (c.index >= first || c.filled !== i) continue;
    c.values.set(network.values.get(c.name), i * c.length);
    c.filled = i + 1;
  }
}

// Compute a layer from its cached output where only a few values of its input have changed.
function addChanges(index, out, example) {
  const node = network.nodes[index];
  const isCached = (c, name) => c.name === name && example < c.filled;
  const after = node.weight && cache.find((c) => isCached(c, node.name));
  const before = after && cache.find((c) => isCached(c, node.inputs[0]));
  if (!before || [node.weight, node.bias].some((name) => network.parameters.get(name) !== network.original.get(name))) return false;
  const x = network.values.get(node.inputs[0]);
  const base = before.values.subarray(example * before.length, (example + 1) * before.length);
  const known = after.values.subarray(example * after.length, (example + 1) * after.length);
  return node.op === "conv" ? addMapChanges(node, x, base, known, out) : addValueChanges(node, x, base, known, out);
}

function addValueChanges(node, x, base, known, out) {
  const changed = [];
  for (let i = 0; i < x.length; i++) if (x[i] !== base[i]) changed.push(i);
  if (changed.length > x.length / 4) return false;
  const weight = network.parameters.get(node.weight);
  for (let o = 0; o < out.length; o++) {
    let sum = known[o];
    for (const i of changed) sum += weight[o * x.length + i] * (x[i] - base[i]);
    out[o] = sum;
  }
  return true;
}

function addMapChanges(node, x, base, known, out) {
  const [channels, height, width] = network.shapes.get(node.inputs[0]);
  const plane = height * width;
  const changed = [];
  for (let c = 0; c < channels; c++) {
    let i = c * plane;
    while (i < (c + 1) * plane && x[i] === base[i]) i++;
    if (i < (c + 1) * plane) changed.push(c);
  }
  if (changed.length > channels / 4) return false;
  out.set(known);
  const weight = network.parameters.get(node.weight);
  const change = new Float32Array(plane);
  for (const c of changed) {
    for (let i = 0; i < plane; i++) change[i] = x[c * plane + i] - base[c * plane + i];
    addChannelChange(node, channels, c, change, [height, width], weight, out);
  }
  return true;
}

// Let messages in between two chunks.
const channel = new MessageChannel();
const waiting = [];
channel.port1.onmessage = () => waiting.shift()?.();
function pause() {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(0);
  });
}
