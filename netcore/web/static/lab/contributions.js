// What the inputs of a unit add to its sum, weight by weight.

import { product } from "./network.js";

// The source node of a node's first input, copies (flatten, dropout) skipped: where its values come from.
export function sourceOf(network, node) {
  let name = node.inputs[0];
  while (name !== "input" && network.node(name).op === "identity") name = network.node(name).inputs[0];
  return name;
}

// Sum of products by input unit, of one unit of a dense layer or convolution; null for other operations.
export function inputSums(network, node, unit, position = null) {
  if (node.op === "linear") return denseSums(network, node, unit);
  if (node.op === "conv") return convolutionSums(network, node, unit, position);
  return null;
}

function denseSums(network, node, unit) {
  const x = network.values.get(node.inputs[0]);
  const weight = network.parameters.get(node.weight);
  const units = unitsOf(network.shapes.get(sourceOf(network, node)));
  const size = x.length / units;
  const sums = new Float64Array(units);
  const row = unit * x.length;
  for (let i = 0; i < x.length; i++) sums[Math.floor(i / size)] += weight[row + i] * x[i];
  return sums;
}

function unitsOf(shape) {
  return shape.length === 3 && shape[1] * shape[2] > 1 ? shape[0] : product(shape);
}

// Of all positions the mean, or of one position [row, column].
function convolutionSums(network, node, unit, position) {
  const shape = network.shapes.get(node.inputs[0]);
  const sums = new Float64Array(shape[0]);
  const [, rows, columns] = node.shape;
  for (const { channel } of windowChannels(network, node, unit)) {
    if (position) {
      sums[channel] = windowProducts(network, node, unit, channel, position).sum;
      continue;
    }
    sums[channel] = meanOfConvolution(network, node, unit, channel, rows, columns);
  }
  return sums;
}

// The input channels that a map reads: all, or those of its group.
export function windowChannels(network, node, unit) {
  const channels = network.shapes.get(node.inputs[0])[0];
  const inGroup = channels / node.groups;
  const first = Math.floor(unit / (node.shape[0] / node.groups)) * inGroup;
  return Array.from({ length: inGroup }, (_, i) => ({ channel: first + i, index: i }));
}

// The mean over all positions needs only sums of the input over the windows' places.
function meanOfConvolution(network, node, unit, channel, rows, columns) {
  const x = network.values.get(node.inputs[0]);
  const [channels, height, width] = network.shapes.get(node.inputs[0]);
  const [kh, kw] = node.kernel;
  const inGroup = channels / node.groups;
  const weight = network.parameters.get(node.weight);
  const base = (unit * inGroup + (channel % inGroup)) * kh * kw;
  let sum = 0;
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const w = weight[base + i * kw + j];
      if (w === 0) continue;
      let part = 0;
      for (let r = 0; r < rows; r++) {
        const y = r * node.stride[0] - node.padding[0] + i * node.dilation[0];
        if (y < 0 || y >= height) continue;
        for (let q = 0; q < columns; q++) {
          const z = q * node.stride[1] - node.padding[1] + j * node.dilation[1];
          if (z >= 0 && z < width) part += x[(channel * height + y) * width + z];
        }
      }
      sum += w * part;
    }
  return sum / (rows * columns);
}

// Window, kernel and products of one map at [row, column]; outside the image the window is 0.
export function windowProducts(network, node, unit, channel, [row, column]) {
  const x = network.values.get(node.inputs[0]);
  const [channels, height, width] = network.shapes.get(node.inputs[0]);
  const [kh, kw] = node.kernel;
  const inGroup = channels / node.groups;
  const base = (unit * inGroup + (channel % inGroup)) * kh * kw;
  const kernel = network.parameters.get(node.weight).subarray(base, base + kh * kw);
  const [window, products] = [new Float64Array(kh * kw), new Float64Array(kh * kw)];
  let sum = 0;
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const y = row * node.stride[0] - node.padding[0] + i * node.dilation[0];
      const z = column * node.stride[1] - node.padding[1] + j * node.dilation[1];
      const inside = y >= 0 && y < height && z >= 0 && z < width;
      window[i * kw + j] = inside ? x[(channel * height + y) * width + z] : 0;
      products[i * kw + j] = window[i * kw + j] * kernel[i * kw + j];
      sum += products[i * kw + j];
    }
  return { window, kernel, products, sum };
}

// Numbers of the strongest of some sums, by size.
export function strongest(sums, limit, among = null) {
  const order = among ?? Array.from(sums.keys());
  return [...order].sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a])).slice(0, limit);
}
