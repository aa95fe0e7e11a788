// Image operations that give what Pillow gives: grey, resize, reduce, rank filters.
//
// A plane is {width, height, data}, row by row; bytes in a Uint8Array, other numbers in a Float32Array.

const PRECISION = 22; // bits after the point of the weights with which Pillow resizes bytes

const FILTERS = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bicubic: {
    support: 2,
    weight(x) {
      const z = Math.abs(x);
      if (z < 1) return (1.5 * z - 2.5) * z * z + 1;
      return z < 2 ? -0.5 * (((z - 5) * z + 8) * z - 4) : 0;
    },
  },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x) {
  return x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI);
}

export function toGrey(rgba) {
  const out = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < out.length; i++)
    out[i] = (rgba[4 * i] * 19595 + rgba[4 * i + 1] * 38470 + rgba[4 * i + 2] * 7471 + 0x8000) >> 16;
  return out;
}

// Put what is transparent on white, or on black where what is drawn is light.
export function flattenAlpha(rgba) {
  const grey = toGrey(rgba);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < grey.length; i++) {
    sum += grey[i] * rgba[4 * i + 3];
    total += rgba[4 * i + 3];
  }
  if (total === 255 * grey.length) return { rgba, ground: "" };
  const ground = total && sum / total > 127 ? 0 : 255;
  const out = rgba.slice();
  for (let i = 0; i < out.length; i += 4) {
    const alpha = out[i + 3];
    if (alpha === 0) out.fill(ground, i, i + 3);
    else for (let c = i; c < i + 3; c++) out[c] = blend(out[c], ground, alpha);
    out[i + 3] = 255;
  }
  return { rgba: out, ground: ground ? "white" : "black" };
}

function blend(value, ground, alpha) {
  const first = Math.floor((alpha * 255 * 255 * 128) / (255 * 255));
  const sum = value * first + ground * (255 * 128 - first) + (0x80 << 7);
  return (((sum >> 8) + sum) >> 8) >> 7;
}

// Weights of the source pixels of each target pixel; `box` is [start, end] in the source.
function coefficients(inSize, box, outSize, filter) {
  const scale = (box[1] - box[0]) / outSize;
  const filterScale = Math.max(scale, 1);
  const support = filter.support * filterScale;
  const rows = [];
  for (let i = 0; i < outSize; i++) {
    const center = box[0] + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const last = Math.min(inSize, Math.trunc(center + support + 0.5));
    const weights = [];
    let sum = 0;
    for (let x = first; x < last; x++) {
      const w = filter.weight((x - center + 0.5) / filterScale);
      weights.push(w);
      sum += w;
    }
    rows.push({ first, weights: sum === 0 ? weights : weights.map((w) => w / sum) });
  }
  return rows;
}

// Resize the part `box` (left, top, right, bottom) of a plane to `width` by `height`.
export function resize(plane, width, height, name, box = [0, 0, plane.width, plane.height]) {
  const filter = FILTERS[name];
  const isBytes = plane.data instanceof Uint8Array || plane.data instanceof Uint8ClampedArray;
  const isWhole = (size, target, from, to) => size === target && from === 0 && to === size;
  let out = plane;
  if (!isWhole(plane.width, width, box[0], box[2])) {
    out = resizeRows(out, coefficients(plane.width, [box[0], box[2]], width, filter), isBytes);
  }
  if (!isWhole(plane.height, height, box[1], box[3])) {
    const turned = transpose(out);
    out = transpose(resizeRows(turned, coefficients(plane.height, [box[1], box[3]], height, filter), isBytes));
  }
  return out;
}

function resizeRows(plane, rows, isBytes) {
  const width = rows.length;
  const out = isBytes ? new Uint8Array(width * plane.height) : new Float32Array(width * plane.height);
  const one = 2 ** PRECISION;
  const table = isBytes
    ? rows.map(({ first, weights }) => ({ first, weights: weights.map((w) => Math.trunc(w * one + (w < 0 ? -0.5 : 0.5))) }))
    : rows;
  for (let y = 0; y < plane.height; y++)
    for (let x = 0; x < width; x++) {
      const { first, weights } = table[x];
      const base = y * plane.width + first;
      let sum = isBytes ? one / 2 : 0;
      for (let k = 0; k < weights.length; k++) sum += plane.data[base + k] * weights[k];
      out[y * width + x] = isBytes ? Math.min(255, Math.max(0, Math.floor(sum / one))) : sum;
    }
  return { width, height: plane.height, data: out };
}

function transpose({ width, height, data }) {
  const out = new data.constructor(data.length);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[x * height + y] = data[y * width + x];
  return { width: height, height: width, data: out };
}

// Shrink by whole factors: the means of blocks.
function reduce(plane, fx, fy, box) {
  const [left, top, right, bottom] = box;
  const width = Math.ceil((right - left) / fx);
  const height = Math.ceil((bottom - top) / fy);
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const x0 = left + x * fx;
      const y0 = top + y * fy;
      const x1 = Math.min(right, x0 + fx);
      const y1 = Math.min(bottom, y0 + fy);
      let sum = 0;
      for (let v = y0; v < y1; v++) for (let u = x0; u < x1; u++) sum += plane.data[v * plane.width + u];
      const count = (x1 - x0) * (y1 - y0);
      out[y * width + x] = Math.floor(((sum + (count >> 1)) * Math.floor(2 ** 24 / count)) / 2 ** 24);
    }
  return { width, height, data: out };
}

// Fit into a square of `size`, as Pillow's `thumbnail` with Lanczos; smaller planes come back as they are.
export function thumbnail(plane, size) {
  const { width, height } = plane;
  if (width <= size && height <= size) return plane;
  const aspect = width / height;
  let [w, h] = [size, size];
  if (1 >= aspect) w = roundAspect(size * aspect, (n) => Math.abs(aspect - n / size));
  else h = roundAspect(size / aspect, (n) => (n === 0 ? 0 : Math.abs(aspect - size / n)));
  return resizeWithGap(plane, w, h);
}

function roundAspect(number, key) {
  const [low, high] = [Math.floor(number), Math.ceil(number)];
  return Math.max(key(low) <= key(high) ? low : high, 1);
}

function resizeWithGap(plane, width, height) {
  const fx = Math.trunc(plane.width / width / 2) || 1;
  const fy = Math.trunc(plane.height / height / 2) || 1;
  if (fx === 1 && fy === 1) return resize(plane, width, height, "lanczos");
  const small = reduce(plane, fx, fy, [0, 0, plane.width, plane.height]);
  return resize(small, width, height, "lanczos", [0, 0, plane.width / fx, plane.height / fy]);
}

// The middle of (median) or the largest of (max) each window of `size` by `size`; edges are repeated.
export function rankFilter({ width, height, data }, size, rank) {
  const out = new Uint8Array(data.length);
  const half = size >> 1;
  const clamp = (v, top) => Math.min(top, Math.max(0, v));
  if (rank === "max") return { width, height, data: maxFilter(data, width, height, half) };
  const window = new Uint8Array(size * size);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let n = 0;
      for (let j = -half; j <= half; j++)
        for (let i = -half; i <= half; i++) window[n++] = data[clamp(y + j, height - 1) * width + clamp(x + i, width - 1)];
      out[y * width + x] = window.sort()[window.length >> 1];
    }
  return { width, height, data: out };
}

function maxFilter(data, width, height, half) {
  const along = new Uint8Array(data.length);
  const out = new Uint8Array(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let top = 0;
      for (let i = Math.max(0, x - half); i <= Math.min(width - 1, x + half); i++) top = Math.max(top, data[y * width + i]);
      along[y * width + x] = top;
    }
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let top = 0;
      for (let j = Math.max(0, y - half); j <= Math.min(height - 1, y + half); j++) top = Math.max(top, along[j * width + x]);
      out[y * width + x] = top;
    }
  return out;
}
