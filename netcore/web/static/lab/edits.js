// Changes of a network's units and weights; `netcore edit` makes the same ones.
//
// An edit is {kind, node, unit, value, seed}. The order of application is fixed: noise, prune, scale, bias, off.

const ORDER = ["noise", "prune", "scale", "bias", "off", "temperature"];

export function applyEdits(network, edits) {
  for (const [name, values] of network.original) network.parameters.set(name, values);
  network.masks.clear();
  network.temperature = 1;
  const own = new Set();
  const writable = (name) => {
    if (!own.has(name)) network.parameters.set(name, network.original.get(name).slice());
    own.add(name);
    return network.parameters.get(name);
  };
  for (const kind of ORDER)
    for (const edit of edits) if (edit.kind === kind) APPLY[kind](network, edit, writable);
}

const APPLY = {
  noise(network, edit, writable) {
    const weight = writable(network.node(edit.node).weight);
    const scale = edit.value * standardDeviation(weight);
    const random = normalNumbers(edit.seed ?? 0);
    for (let i = 0; i < weight.length; i++) weight[i] = weight[i] + scale * random();
  },
  prune(network, edit, writable) {
    const weight = writable(network.node(edit.node).weight);
    const count = Math.floor(edit.value * weight.length + 1e-9);
    if (count === 0) return;
    const limit = weight.map(Math.abs).sort()[count - 1];
    let left = count;
    for (let i = 0; i < weight.length; i++) if (Math.abs(weight[i]) < limit) left--;
    for (let i = 0; i < weight.length; i++) {
      const size = Math.abs(weight[i]);
      if (size < limit || (size === limit && left-- > 0)) weight[i] = 0;
    }
  },
  scale(network, edit, writable) {
    const node = network.node(edit.node);
    const weight = writable(node.op === "norm" ? node.scale : node.weight);
    const row = weight.length / node.shape[0];
    for (let i = edit.unit * row; i < (edit.unit + 1) * row; i++) weight[i] *= edit.value;
  },
  bias(network, edit, writable) {
    writable(network.node(edit.node).bias)[edit.unit] += edit.value;
  },
  off(network, edit) {
    const end = network.node(edit.node).end ?? edit.node;
    if (!network.masks.has(end)) network.masks.set(end, new Set());
    network.masks.get(end).add(edit.unit);
  },
  temperature(network, edit) {
    network.temperature = edit.value;
  },
};

export function firstChanged(network, edits) {
  let first = network.nodes.length;
  for (const edit of edits) {
    if (edit.kind === "temperature") continue;
    const node = network.node(edit.node);
    const shared = (other) => other === node || (node.weight && other.weight === node.weight);
    const at = edit.kind === "off" ? network.index.get(node.end ?? node.name) : network.nodes.findIndex(shared);
    first = Math.min(first, at);
  }
  return first;
}

export function standardDeviation(values) {
  let mean = 0;
  for (const v of values) mean += v / values.length;
  let sum = 0;
  for (const v of values) sum += (v - mean) ** 2;
  return Math.sqrt(sum / values.length);
}

// Standard normal numbers by Box and Muller, from the generator mulberry32: the same ones as in Python.
export function normalNumbers(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

// The layer, and the unit counted from 1 or the class's name, as in options of `netcore edit`.
export function editPlace(model, { node, unit }) {
  if (unit === undefined) return node;
  const isClass = model.stages.some((stage) => stage.isOutput && stage.main === node) && model.network.node(node).op === "linear";
  return `${node}:${isClass ? model.classes[unit] : unit + 1}`;
}

// The command that makes a run with these edits.
export function editCommand(model, edits) {
  const shell = (text) => (/^[\w./:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const options = edits.map((e) => {
    if (e.kind === "temperature") return `--temperature ${e.value}`;
    const place = editPlace(model, e);
    if (e.kind === "off") return `--off ${shell(place)}`;
    if (e.kind === "bias") return `--bias ${shell(`${place}=${e.value < 0 ? "" : "+"}${e.value}`)}`;
    return `--${e.kind} ${shell(`${place}=${e.value}`)}`;
  });
  return ["netcore edit", shell(model.run.name), ...options, "--name", shell(`${model.run.name}-edited`)].join(" ");
}
