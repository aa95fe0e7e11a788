// Read arrays that the page holds as compressed base64 text.

export async function readBlob(id) {
  const text = document.getElementById(id).textContent.trim();
  const bytes = decodeBase64(text);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

function decodeBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const binary = atob(text);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}

// Parameters by name; `layout` lists [name, length]. Bytes are grouped by their place in a number, which packs better.
export function readParameters(buffer, layout, isHalf) {
  const size = isHalf ? 2 : 4;
  const planes = new Uint8Array(buffer);
  const count = planes.length / size;
  const bytes = new Uint8Array(planes.length);
  for (let k = 0; k < size; k++) for (let i = 0; i < count; i++) bytes[i * size + k] = planes[k * count + i];
  const values = isHalf ? halfToFloat(new Uint16Array(bytes.buffer)) : new Float32Array(bytes.buffer);
  const out = new Map();
  let at = 0;
  for (const [name, length] of layout) {
    out.set(name, values.slice(at, at + length));
    at += length;
  }
  return out;
}

function halfToFloat(halves) {
  const out = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const h = halves[i];
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? Infinity : (1 + fraction / 1024) * 2 ** (exponent - 15);
    out[i] = h & 0x8000 ? -size : size;
  }
  return out;
}
