// Numbers and small elements.

export function formatNumber(value, digits = 3) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 5e-4) return value.toExponential(1).replace("-", "−").replace("e+", "e");
  const order = Math.floor(Math.log10(size));
  const places = order < -1 ? 1 - order : Math.max(0, digits - 1 - Math.max(0, order));
  return value.toFixed(places).replace("-", "−");
}

export function formatSigned(value) {
  return (value < 0 ? "" : "+") + formatNumber(value);
}

// a + b = sum with the fewest decimals with which the printed numbers add up; [a, b with its sign, sum].
export function formatAddition(a, b) {
  const sum = a + b;
  const largest = Math.max(Math.abs(a), Math.abs(b), Math.abs(sum));
  if (largest === 0) return ["0", "+0", "0"];
  const fewest = Math.min(9, Math.max(0, 2 - Math.floor(Math.log10(largest))));
  for (let places = fewest; places <= fewest + 4; places++) {
    const [x, y, z] = [a, b, sum].map((v) => Math.round(v * 10 ** places));
    if (x + y !== z) continue;
    const [first, second, result] = [x, y, z].map((v) => (v / 10 ** places).toFixed(places).replace("-", "−"));
    return [first, y < 0 ? second : `+${second}`, result];
  }
  return [formatNumber(a), formatSigned(b), `${formatNumber(sum)} (rounded)`];
}

export function formatPercent(share) {
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  if (share < 1 && share > 0.9995) return "> 99.9 %";
  return `${(100 * share).toFixed(1)} %`;
}

// A neuron, a map or a place as people count them, from 1: `unit` and `place` are indices.
export function unitName(word, unit) {
  return `${word} ${unit + 1}`;
}

export function placeName([row, column]) {
  return `row ${row + 1}, column ${column + 1}`;
}

export function byId(id) {
  return document.getElementById(id);
}

// Make an element: attributes, then children (elements or text).
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick" || key === "oninput" || key === "onchange") element[key] = value;
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export function download(name, blob) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function toBase64(pixels) {
  let text = "";
  for (let i = 0; i < pixels.length; i += 8192) text += String.fromCharCode(...pixels.subarray(i, i + 8192));
  return btoa(text);
}
