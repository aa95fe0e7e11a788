// Operations of a network on one image, without the batch: maps are (C, H, W), row by row, in typed arrays.

export function createOperation(node, shapes, parameters) {
  const make = OPERATIONS[node.op];
  if (!make) throw new Error(`operation ${node.op} is not known`);
  return make(node, node.inputs.map((name) => shapes.get(name)), parameters);
}

export const ACTIVATIONS = {
  relu: (v) => (v > 0 ? v : 0),
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  tanh: Math.tanh,
  gelu: (v) => 0.5 * v * (1 + errorFunction(v * Math.SQRT1_2)),
  "gelu-tanh": (v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))),
  silu: (v) => v / (1 + Math.exp(-v)),
  relu6: (v) => (v > 0 ? (v < 6 ? v : 6) : 0),
  hardsigmoid: (v) => Math.min(1, Math.max(0, v / 6 + 0.5)),
  hardswish: (v) => v * Math.min(1, Math.max(0, v / 6 + 0.5)),
  leakyrelu: (v, slope) => (v > 0 ? v : slope * v),
  elu: (v, alpha) => (v > 0 ? v : alpha * Math.expm1(v)),
};

// The error function to double precision: its series near 0, its continued fraction (Lentz) elsewhere.
function errorFunction(x) {
  const z = Math.abs(x);
  if (z > 6) return Math.sign(x);
  if (z < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let k = 60; k > 0; k--) fraction = k / 2 / (z + fraction);
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * (z + fraction)));
}

const OPERATIONS = {
  conv: makeConvolution,
  linear: makeLinear,
  norm: makeNorm,
  activation: makeActivation,
  maxpool: (node, [shape]) => makePool(node, shape, true),
  avgpool: (node, [shape]) => makePool(node, shape, false),
  adaptivepool: makeAdaptivePool,
  identity: () => ([x], out) => out.set(x),
  softmax: () => ([x], out) => softmaxInto(x, out, 1),
  logsoftmax: () => ([x], out) => logSoftmaxInto(x, out),
  add: (node) => makeArithmetic(node, (a, b) => a + b),
  sub: (node) => makeArithmetic(node, (a, b) => a - b),
  mul: (node) => makeArithmetic(node, (a, b) => a * b),
  concat: () => (inputs, out) => {
    let at = 0;
    for (const x of inputs) {
      out.set(x, at);
      at += x.length;
    }
  },
  shuffle: makeShuffle,
  pad: makePad,
};

export function softmaxInto(x, out, temperature) {
  let top = -Infinity;
  for (const v of x) if (v > top) top = v;
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += Math.exp((x[i] - top) / temperature);
  for (let i = 0; i < x.length; i++) out[i] = Math.exp((x[i] - top) / temperature) / sum;
  return out;
}

function logSoftmaxInto(x, out) {
  let top = -Infinity;
  for (const v of x) if (v > top) top = v;
  let sum = 0;
  for (const v of x) sum += Math.exp(v - top);
  const log = Math.log(sum) + top;
  for (let i = 0; i < x.length; i++) out[i] = x[i] - log;
}

// Two rows of the weights at a time, so that each input is read once for both.
function makeLinear(node, [shape], parameters) {
  const columns = shape.reduce((a, b) => a * b, 1);
  const input = new Float64Array(columns);
  return ([x], out) => {
    input.set(x);
    const weight = parameters.get(node.weight);
    const bias = node.bias ? parameters.get(node.bias) : null;
    for (let o = 0; o < out.length; o += 2) {
      const row = o * columns;
      const next = o + 1 < out.length ? row + columns : row;
      let a = 0;
      let b = 0;
      let c = 0;
      let d = 0;
      let i = 0;
      for (; i + 1 < columns; i += 2) {
        const u = input[i];
        const v = input[i + 1];
        a += weight[row + i] * u;
        b += weight[row + i + 1] * v;
        c += weight[next + i] * u;
        d += weight[next + i + 1] * v;
      }
      if (i < columns) {
        a += weight[row + i] * input[i];
        c += weight[next + i] * input[i];
      }
      out[o] = a + b + (bias ? bias[o] : 0);
      if (next !== row) out[o + 1] = c + d + (bias ? bias[o + 1] : 0);
    }
  };
}

function makeNorm(node, [shape], parameters) {
  const plane = shape.length > 1 ? shape[1] * shape[2] : 1;
  return ([x], out) => {
    const [scale, bias, mean] = [node.scale, node.bias, node.mean].map((name) => parameters.get(name));
    for (let c = 0, at = 0; c < shape[0]; c++) {
      const [s, b, m] = [scale[c], bias[c], mean[c]];
      for (const end = at + plane; at < end; at++) out[at] = (x[at] - m) * s + b;
    }
  };
}

function makeActivation(node) {
  const f = ACTIVATIONS[node.function];
  if (node.function === "relu") {
    return ([x], out) => {
      for (let i = 0; i < x.length; i++) out[i] = x[i] > 0 ? x[i] : 0;
    };
  }
  return ([x], out) => {
    for (let i = 0; i < x.length; i++) out[i] = f(x[i], node.slope);
  };
}

// Inputs of equal shape, or (C, 1, 1) against (C, H, W), or one number.
function makeArithmetic(node, f) {
  return (inputs, out) => {
    const x = inputs[0];
    if (inputs.length === 1) {
      for (let i = 0; i < out.length; i++) out[i] = f(x[i], node.number);
      return;
    }
    const y = inputs[1];
    const a = out.length / x.length;
    const b = out.length / y.length;
    for (let i = 0; i < out.length; i++) out[i] = f(x[a === 1 ? i : Math.floor(i / a)], y[b === 1 ? i : Math.floor(i / b)]);
  };
}

// Channels regrouped: (G, N) to (N, G), in planes.
function makeShuffle(node, [shape]) {
  const plane = shape[1] * shape[2];
  const rest = shape[0] / node.groups;
  return ([x], out) => {
    for (let g = 0; g < node.groups; g++)
      for (let n = 0; n < rest; n++) {
        const from = (g * rest + n) * plane;
        out.set(x.subarray(from, from + plane), (n * node.groups + g) * plane);
      }
  };
}

function makePad(node, [shape]) {
  const [left, right, top, bottom] = node.sides;
  const width = shape[2] + left + right;
  const height = shape[1] + top + bottom;
  return ([x], out) => {
    out.fill(0);
    for (let c = 0; c < shape[0]; c++)
      for (let y = 0; y < shape[1]; y++) {
        const from = (c * shape[1] + y) * shape[2];
        out.set(x.subarray(from, from + shape[2]), (c * height + y + top) * width + left);
      }
  };
}

function makePool(node, shape, isMax) {
  const [channels, height, width] = shape;
  const [, rows, columns] = node.shape;
  const [kh, kw] = node.kernel;
  const [sh, sw] = node.stride;
  const [ph, pw] = node.padding;
  const [dh, dw] = node.dilation || [1, 1];
  const whole = kh * kw;
  return ([x], out) => {
    let at = 0;
    for (let c = 0; c < channels; c++) {
      const base = c * height * width;
      for (let r = 0; r < rows; r++)
        for (let q = 0; q < columns; q++) {
          let top = -Infinity;
          let sum = 0;
          let inside = 0;
          for (let i = 0; i < kh; i++) {
            const y = r * sh - ph + i * dh;
            if (y < 0 || y >= height) continue;
            for (let j = 0; j < kw; j++) {
              const z = q * sw - pw + j * dw;
              if (z < 0 || z >= width) continue;
              const v = x[base + y * width + z];
              if (v > top) top = v;
              sum += v;
              inside += 1;
            }
          }
          out[at++] = isMax ? top : sum / (node.countPadding ? whole : inside);
        }
    }
  };
}

function makeAdaptivePool(node, [shape]) {
  const [channels, height, width] = shape;
  const [rows, columns] = node.size;
  return ([x], out) => {
    let at = 0;
    for (let c = 0; c < channels; c++)
      for (let r = 0; r < rows; r++)
        for (let q = 0; q < columns; q++) {
          const [y0, y1] = [Math.floor((r * height) / rows), Math.ceil(((r + 1) * height) / rows)];
          const [x0, x1] = [Math.floor((q * width) / columns), Math.ceil(((q + 1) * width) / columns)];
          let sum = 0;
          let top = -Infinity;
          for (let y = y0; y < y1; y++)
            for (let z = x0; z < x1; z++) {
              const v = x[(c * height + y) * width + z];
              sum += v;
              if (v > top) top = v;
            }
          out[at++] = node.max ? top : sum / ((y1 - y0) * (x1 - x0));
        }
  };
}

function makeConvolution(node, [shape], parameters) {
  const [channels, height, width] = shape;
  const [, rows, columns] = node.shape;
  const [ph, pw] = node.padding;
  const padded = [height + 2 * ph, width + 2 * pw];
  const buffer = new Float64Array(channels * padded[0] * padded[1]);
  const isPlain = node.kernel.every((k) => k === 3) && node.groups === 1;
  const isDense = isPlain && [...node.stride, ...node.dilation].every((v) => v === 1);
  const sums = new Float64Array(2 * rows * columns);
  return ([x], out) => {
    copyPadded(x, buffer, shape, padded, node.padding);
    const weight = parameters.get(node.weight);
    const bias = node.bias ? parameters.get(node.bias) : null;
    if (isDense) convolve3(buffer, weight, bias, out, sums, channels, padded[1], rows, columns);
    else convolveAny(node, buffer, weight, bias, out, channels, padded);
  };
}

function copyPadded(x, buffer, [channels, height, width], [rows, columns], [top, left]) {
  for (let c = 0, from = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const to = (c * rows + y + top) * columns + left;
      for (let z = 0; z < width; z++) buffer[to + z] = x[from++];
    }
  }
}

// Kernels of 3 by 3, stride 1: two output maps at a time, so that each window is read once for both.
function convolve3(input, weight, bias, out, sums, channels, stride, rows, columns) {
  const plane = rows * columns;
  const count = out.length / plane;
  const inPlane = (rows + 2) * stride;
  for (let o = 0; o < count; o += 2) {
    const single = o + 1 === count;
    const first = bias ? bias[o] : 0;
    const second = bias && !single ? bias[o + 1] : 0;
    sums.fill(first, 0, plane);
    sums.fill(second, plane, 2 * plane);
    for (let c = 0; c < channels; c++) {
      const w = (o * channels + c) * 9;
      const v = single ? w : ((o + 1) * channels + c) * 9;
      const a0 = weight[w], a1 = weight[w + 1], a2 = weight[w + 2];
      const a3 = weight[w + 3], a4 = weight[w + 4], a5 = weight[w + 5];
      const a6 = weight[w + 6], a7 = weight[w + 7], a8 = weight[w + 8];
      const b0 = weight[v], b1 = weight[v + 1], b2 = weight[v + 2];
      const b3 = weight[v + 3], b4 = weight[v + 4], b5 = weight[v + 5];
      const b6 = weight[v + 6], b7 = weight[v + 7], b8 = weight[v + 8];
      for (let y = 0, at = 0; y < rows; y++) {
        let p = c * inPlane + y * stride;
        let q = p + stride;
        let r = q + stride;
        let x0 = input[p++], x1 = input[p++];
        let x3 = input[q++], x4 = input[q++];
        let x6 = input[r++], x7 = input[r++];
        for (let z = 0; z < columns; z++, at++) {
          const x2 = input[p++], x5 = input[q++], x8 = input[r++];
          sums[at] += a0 * x0 + a1 * x1 + a2 * x2 + (a3 * x3 + a4 * x4 + a5 * x5) + (a6 * x6 + a7 * x7 + a8 * x8);
          sums[plane + at] += b0 * x0 + b1 * x1 + b2 * x2 + (b3 * x3 + b4 * x4 + b5 * x5) + (b6 * x6 + b7 * x7 + b8 * x8);
          x0 = x1; x1 = x2; x3 = x4; x4 = x5; x6 = x7; x7 = x8;
        }
      }
    }
    out.set(single ? sums.subarray(0, plane) : sums, o * plane);
  }
}

// Add to the output of a convolution what a change of one input channel adds.
export function addChannelChange(node, channels, channel, change, [height, width], weight, out) {
  const [count, rows, columns] = node.shape;
  const [kh, kw] = node.kernel;
  const [sh, sw] = node.stride;
  const [dh, dw] = node.dilation;
  const [ph, pw] = node.padding;
  const wide = width + 2 * pw;
  const padded = new Float64Array((height + 2 * ph) * wide);
  for (let y = 0; y < height; y++) padded.set(change.subarray(y * width, (y + 1) * width), (y + ph) * wide + pw);
  const inGroup = channels / node.groups;
  const outGroup = count / node.groups;
  const group = Math.floor(channel / inGroup);
  const sums = new Float64Array(rows * columns);
  for (let o = group * outGroup; o < (group + 1) * outGroup; o++) {
    sums.fill(0);
    for (let i = 0; i < kh; i++)
      for (let j = 0; j < kw; j++) {
        const w = weight[((o * inGroup + (channel % inGroup)) * kh + i) * kw + j];
        if (w !== 0) addWindows(sums, padded, w, i * dh * wide + j * dw, sh * wide, sw, rows, columns);
      }
    const to = o * sums.length;
    for (let k = 0; k < sums.length; k++) out[to + k] += sums[k];
  }
}

// Add to each sum the weight by the input at its place.
function addWindows(sums, input, weight, start, rowStep, step, rows, columns) {
  for (let y = 0, at = 0; y < rows; y++)
    for (let z = 0, p = start + y * rowStep; z < columns; z++, p += step) sums[at++] += weight * input[p];
}

function convolveAny(node, input, weight, bias, out, channels, [, width]) {
  const [count, rows, columns] = node.shape;
  const [kh, kw] = node.kernel;
  const [sh, sw] = node.stride;
  const [dh, dw] = node.dilation;
  const inGroup = channels / node.groups;
  const outGroup = count / node.groups;
  const inPlane = input.length / channels;
  const plane = rows * columns;
  const sums = new Float64Array(plane);
  for (let o = 0; o < count; o++) {
    sums.fill(bias ? bias[o] : 0);
    const from = Math.floor(o / outGroup) * inGroup;
    for (let c = 0; c < inGroup; c++)
      for (let i = 0; i < kh; i++)
        for (let j = 0; j < kw; j++) {
          const w = weight[((o * inGroup + c) * kh + i) * kw + j];
          if (w === 0) continue;
          addWindows(sums, input, w, (from + c) * inPlane + i * dh * width + j * dw, sh * width, sw, rows, columns);
        }
    out.set(sums, o * plane);
  }
}
