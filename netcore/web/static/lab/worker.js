// Classify the examples beside the page: cached values of layers before the first change are not computed again.

import { Network, argmax, product } from "./network.js";

const CACHE_BYTES = 96e6;
const CHUNK = 10; // examples between two looks at the messages

let network = null;
let examples = null;
let cache = []; // by cut: {index, values: Float32Array of all examples, filled}
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
    network.forward(cut.index + 1);
    return;
  }
  const size = network.values.get("input").length;
  network.classifyPixels(examples.images.subarray(i * size, (i + 1) * size));
  for (const c of cache) {
    if (c.index >= first || c.filled !== i) continue;
    c.values.set(network.values.get(c.name), i * c.length);
    c.filled = i + 1;
  }
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
