// Prepare a picture for a network as `netcore predict` does (netcore/core/preprocessing.py).

import { flattenAlpha, rankFilter, resize, thumbnail, toGrey } from "./pillow.js";

const DIGIT_SIZE = 20;
const CENTER = 14.5; // where MNIST's centres of mass are, in pixels from the edge
const WORK_SIZE = 256;
const MIN_STROKE = 2;
const INK_THRESHOLD = 0.3;
const MIN_CONTRAST = 0.1;

const buffers = new Map();

// Memory for a plane that is prepared, used again for the next drawing: to make it anew costs as much as to fill it.
function reused(name, Kind, length) {
  const key = `${name} ${length}`;
  if (!buffers.has(key)) buffers.set(key, new Kind(length));
  return buffers.get(key);
}

// picture: {width, height, data} of RGBA bytes, or of grey bytes. Returns {pixels, note}; pixels is null for an empty one.
export function preparePicture(picture, shape) {
  const isGrey = picture.data.length === picture.width * picture.height;
  const { rgba, ground } = isGrey ? { rgba: null, ground: "" } : flattenAlpha(picture.data);
  const flat = isGrey ? picture : { ...picture, data: rgba };
  const said = ground ? `put on ${ground}, ` : "";
  const isMnist = shape.join() === "1,28,28";
  const { pixels, note } = isMnist ? fitToMnist(flat, isGrey) : cropAndResize(flat, isGrey, shape);
  return { pixels, note: said + note };
}

function greyPlane(picture, isGrey) {
  return { width: picture.width, height: picture.height, data: isGrey ? picture.data : toGrey(picture.data) };
}

function cropAndResize(picture, isGrey, [channels, height, width]) {
  const pixels = new Uint8Array(channels * height * width);
  const box = cropBox(picture, width, height);
  for (let c = 0; c < channels; c++) {
    const plane = channels === 1 || isGrey ? greyPlane(picture, isGrey) : channelPlane(picture, c);
    pixels.set(resize(plane, width, height, "lanczos", box).data, c * height * width);
  }
  return { pixels, note: `cropped to the middle, resized to ${width}×${height}` };
}

function channelPlane({ width, height, data }, channel) {
  const out = new Uint8Array(width * height);
  for (let i = 0; i < out.length; i++) out[i] = data[4 * i + channel];
  return { width, height, data: out };
}

function cropBox(picture, width, height) {
  const wanted = width / height;
  const found = picture.width / picture.height;
  let [w, h] = [picture.width, picture.height];
  if (found > wanted) w = wanted * h;
  else if (found < wanted) h = w / wanted;
  const [left, top] = [(picture.width - w) * 0.5, (picture.height - h) * 0.5];
  return [left, top, left + w, top + h];
}

function fitToMnist(picture, isGrey) {
  let plane = greyPlane(picture, isGrey);
  let [low, high] = [255, 0];
  for (const v of plane.data) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  const isLight = medianOfBytes(plane.data) > (low + high) / 2;
  if (plane.width === 28 && plane.height === 28 && !isLight && high > 0)
    return { pixels: Uint8Array.from(plane.data), note: "taken as it is, 28×28" };
  plane = thumbnail(plane, WORK_SIZE);
  const { width, height } = plane;
  const values = reused("values", Float32Array, plane.data.length);
  for (let i = 0; i < values.length; i++) {
    const v = Math.fround(plane.data[i] / 255);
    values[i] = isLight ? 1 - v : v;
  }
  const ink = separateInk(values, width, height);
  let box = inkBox(ink, width, height);
  if (!box) return { pixels: null, note: "no digit found: draw with more contrast" };
  const thick = thicken(ink, width, height, box);
  if (thick !== ink) box = inkBox(thick, width, height) ?? box;
  const note = `${isLight ? "inverted (dark on light), " : ""}${thick !== ink ? "thin lines thickened, " : ""}fitted to 20×20, centred by its mass in 28×28`;
  return { pixels: centerDigit(fitDigit(thick, width, height, box)), note };
}

// Light ink without its darker ground: a quadratic surface fitted to what is darker than Otsu's threshold.
function separateInk(values, width, height) {
  const [low, high] = range(values);
  const ink = reused("ink", Float32Array, values.length).fill(0);
  if (high - low < MIN_CONTRAST) return ink;
  const above = reused("above", Float32Array, values.length);
  const ground = reused("ground", Float32Array, values.length).fill(medianOfBytes(values));
  const isGround = reused("isGround", Uint8Array, values.length).fill(0);
  for (let k = 0; k < 3; k++) {
    for (let i = 0; i < above.length; i++) above[i] = values[i] - ground[i];
    if (!choosePixels(above, otsuThreshold(above), isGround)) break; // the same pixels give the same surface
    fitSurface(values, width, height, isGround, ground);
  }
  for (let i = 0; i < above.length; i++) above[i] = Math.max(0, values[i] - ground[i]);
  const limit = otsuThreshold(above);
  const full = median(valuesFrom(above, limit));
  const noise = 4 * deviationBelow(above, full / 2);
  if (full < Math.max(MIN_CONTRAST, noise)) return ink;
  const floor = Math.max(noise, full / 5);
  for (let i = 0; i < ink.length; i++) if (above[i] > floor) ink[i] = Math.min(1, (above[i] - floor) / (full - floor));
  return ink;
}

function valuesFrom(values, limit) {
  const out = reused("chosen", Float32Array, values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) if (values[i] >= limit) out[count++] = values[i];
  return out.subarray(0, count);
}

function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

function median(values) {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : Math.fround((sorted[middle - 1] + sorted[middle]) / 2);
}

// The median of numbers that are 256 different ones at most.
function medianOfBytes(values) {
  const isBytes = values instanceof Uint8Array || values instanceof Uint8ClampedArray;
  const counts = new Uint32Array(256);
  const found = new Float32Array(256);
  for (let i = 0; i < values.length; i++) {
    const slot = isBytes ? values[i] : Math.round(values[i] * 255);
    counts[slot]++;
    found[slot] = values[i];
  }
  const at = (rank) => {
    let slot = 0;
    for (let left = rank; left >= counts[slot]; slot++) left -= counts[slot];
    return found[slot];
  };
  const middle = values.length >> 1;
  return values.length % 2 ? at(middle) : Math.fround((at(middle - 1) + at(middle)) / 2);
}

function deviationBelow(values, limit) {
  let [count, mean, sum] = [0, 0, 0];
  for (let i = 0; i < values.length; i++)
    if (values[i] < limit) {
      count++;
      mean += values[i];
    }
  mean /= count;
  for (let i = 0; i < values.length; i++) if (values[i] < limit) sum += (values[i] - mean) ** 2;
  return Math.sqrt(sum / count);
}

// N. Otsu (1979): the threshold that parts values into two groups with the largest variance between them.
function otsuThreshold(values) {
  const bins = 128;
  let [low, high] = range(values);
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const step = (high - low) / bins;
  const edges = Float32Array.from({ length: bins + 1 }, (_, i) => (i === bins ? high : low + i * step));
  const counts = countBins(values, low, Math.fround(high - low), edges);
  const centers = Array.from({ length: bins }, (_, i) => (edges[i] + edges[i + 1]) / 2);
  const total = values.length;
  const all = counts.reduce((sum, n, i) => sum + n * centers[i], 0);
  let [best, at, below, sum] = [-1, 0, 0, 0];
  for (let i = 0; i < bins - 1; i++) {
    below += counts[i];
    sum += counts[i] * centers[i];
    const above = total - below;
    const gap = sum / Math.max(below, 1) - (all - sum) / Math.max(above, 1);
    const variance = below * above * gap * gap;
    if (variance > best) [best, at] = [variance, i];
  }
  return edges[at + 1];
}

function countBins(values, low, width, edges) {
  const bins = edges.length - 1;
  const counts = new Float64Array(bins);
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    let bin = Math.trunc(Math.fround(Math.fround(Math.fround(v - low) / width) * bins));
    if (bin >= bins) bin = bins - 1;
    if (v < edges[bin]) bin--;
    else if (bin < bins - 1 && v >= edges[bin + 1]) bin++;
    counts[bin]++;
  }
  return counts;
}

// Write into `chosen` which values are below `limit`; returns whether any choice changed.
function choosePixels(values, limit, chosen) {
  let changed = 0;
  for (let i = 0; i < values.length; i++) {
    const now = values[i] < limit ? 1 : 0;
    changed |= chosen[i] ^ now;
    chosen[i] = now;
  }
  return changed !== 0;
}

// Least squares of 1, x, y, x², xy, y² over the chosen pixels; written into `ground`.
function fitSurface(values, width, height, chosen, ground) {
  const moments = Array.from({ length: 5 }, () => new Float64Array(5)); // sums of x^i y^j
  const products = Array.from({ length: 3 }, () => new Float64Array(3)); // sums of v x^i y^j
  const xs = Float64Array.from({ length: width }, (_, i) => -1 + (2 * i) / Math.max(width - 1, 1));
  const yAt = (row) => -1 + (2 * row) / Math.max(height - 1, 1);
  for (let row = 0, i = 0; row < height; row++) {
    let [n0, n1, n2, n3, n4, v0, v1, v2] = [0, 0, 0, 0, 0, 0, 0, 0];
    for (let column = 0; column < width; column++, i++) {
      if (!chosen[i]) continue;
      const x = xs[column];
      const xx = x * x;
      n0 += 1; n1 += x; n2 += xx; n3 += xx * x; n4 += xx * xx;
      const v = values[i];
      v0 += v; v1 += v * x; v2 += v * xx;
    }
    const counts = [n0, n1, n2, n3, n4];
    const y = yAt(row);
    for (let a = 0; a < 5; a++) for (let b = 0; a + b < 5; b++) moments[a][b] += counts[a] * y ** b;
    for (let b = 0; b < 3; b++) {
      products[0][b] += v0 * y ** b;
      products[1][b] += v1 * y ** b;
      products[2][b] += v2 * y ** b;
    }
  }
  const terms = [[0, 0], [1, 0], [0, 1], [2, 0], [1, 1], [0, 2]]; // powers of x and y
  const f = solve(terms.map(([a, b]) => [...terms.map(([c, d]) => moments[a + c][b + d]), products[a][b]]));
  for (let row = 0, i = 0; row < height; row++) {
    const y = yAt(row);
    const [c0, c1, c2] = [f[0] + f[2] * y + f[5] * y * y, f[1] + f[4] * y, f[3]];
    for (let column = 0; column < width; column++, i++) ground[i] = c0 + (c1 + c2 * xs[column]) * xs[column];
  }
}

// Gaussian elimination with pivots; a term that the pixels do not determine is 0.
function solve(rows) {
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    if (Math.abs(rows[k][k]) < 1e-9) continue;
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= n; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  const out = new Array(n).fill(0);
  for (let k = n - 1; k >= 0; k--) {
    let sum = rows[k][n];
    for (let j = k + 1; j < n; j++) sum -= rows[k][j] * out[j];
    out[k] = Math.abs(rows[k][k]) < 1e-9 ? 0 : sum / rows[k][k];
  }
  return out;
}

// Left, top, right, bottom of what is drawn, single specks left out.
function inkBox(ink, width, height) {
  const bytes = new Uint8Array(ink.length);
  for (let i = 0; i < ink.length; i++) bytes[i] = ink[i] > INK_THRESHOLD ? 255 : 0;
  let seen = { width, height, data: bytes };
  if (Math.max(width, height) > 3 * DIGIT_SIZE) seen = majority(seen);
  let [left, top, right, bottom] = [width, height, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      if (!seen.data[y * width + x]) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  return right ? [left, top, right, bottom] : null;
}

// The median of 3 by 3 of a picture of 0 and 255: at least five of nine.
function majority({ width, height, data }) {
  const out = reused("majority", Uint8Array, data.length);
  const along = reused("along", Uint8Array, data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0, i = y * width; x < width; x++, i++)
      along[i] = (data[x ? i - 1 : i] & 1) + (data[i] & 1) + (data[x < width - 1 ? i + 1 : i] & 1);
  for (let y = 0; y < height; y++)
    for (let x = 0, i = y * width; x < width; x++, i++) {
      const count = along[y ? i - width : i] + along[i] + along[y < height - 1 ? i + width : i];
      out[i] = count >= 5 ? 255 : 0;
    }
  return { width, height, data: out };
}

// Widen lines that would be thinner than MNIST's pen once scaled down.
function thicken(ink, width, height, box) {
  let [drawn, changes] = [0, 0];
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const isDrawn = ink[i] > 0.5;
      if (isDrawn) drawn++;
      if (y && isDrawn !== ink[i - width] > 0.5) changes++;
      if (x && isDrawn !== ink[i - 1] > 0.5) changes++;
    }
  const stroke = (2 * drawn) / Math.max((Math.PI / 4) * changes, 1);
  const missing = (MIN_STROKE * Math.max(box[2] - box[0], box[3] - box[1])) / DIGIT_SIZE - stroke;
  const size = 2 * roundHalfEven(missing / 2) + 1;
  if (size < 3) return ink;
  const bytes = reused("thin", Uint8Array, ink.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.trunc(Math.fround(255 * ink[i]));
  const wide = rankFilter({ width, height, data: bytes }, size, "max").data;
  const out = new Float32Array(wide.length);
  for (let i = 0; i < out.length; i++) out[i] = wide[i] / 255;
  return out;
}

function roundHalfEven(x) {
  const low = Math.floor(x);
  if (x - low !== 0.5) return Math.round(x);
  return low % 2 ? low + 1 : low;
}

function fitDigit(ink, width, height, box) {
  const [w, h] = [box[2] - box[0], box[3] - box[1]];
  const scale = DIGIT_SIZE / Math.max(w, h);
  const size = [w, h].map((v) => Math.max(1, roundHalfEven(v * scale)));
  const plane = { width, height, data: ink };
  const small = resize(plane, size[0], size[1], scale < 0.5 ? "box" : "bicubic", box);
  const top = Math.max(percentile(small.data, 0.98), 1e-6);
  return { ...small, data: small.data.map((v) => Math.min(1, Math.max(0, v / top))) };
}

function percentile(values, share) {
  const sorted = values.slice().sort();
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

// Place a digit in 28 by 28, its centre of mass as near to the middle as it can be without cutting it.
function centerDigit({ width, height, data }) {
  let [mass, x0, y0] = [0, 0, 0];
  for (let i = 0; i < data.length; i++) {
    mass += data[i];
    x0 += data[i] * (i % width);
    y0 += data[i] * Math.floor(i / width);
  }
  const place = (sum, size) => Math.min(28 - size, Math.max(0, roundHalfEven(CENTER - (sum / mass + 0.5))));
  const [left, top] = [place(x0, width), place(y0, height)];
  const out = new Uint8Array(28 * 28);
  for (let i = 0; i < data.length; i++) {
    const to = (top + Math.floor(i / width)) * 28 + left + (i % width);
    out[to] = roundHalfEven(Math.fround(255 * data[i]));
  }
  return out;
}
