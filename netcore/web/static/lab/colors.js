// Colours of the theme, as the films use them: activation from ground to ink, signed values orange to blue.

const ROLES = ["background", "foreground", "muted", "faint", "positive", "negative", "emphasis", "correct", "incorrect"];

export const theme = { version: 0 };

export function readTheme() {
  const style = getComputedStyle(document.documentElement);
  for (const role of ROLES) {
    theme[role] = style.getPropertyValue(`--${role}`).trim();
    theme[`${role}Rgb`] = [1, 3, 5].map((i) => parseInt(theme[role].slice(i, i + 2), 16));
  }
  theme.font = style.getPropertyValue("--font").trim();
  theme.version += 1;
}

export function withAlpha(role, alpha) {
  return `rgb(${theme[`${role}Rgb`].join(" ")} / ${alpha})`;
}

// Colour of a value of at most `limit`: signed or not.
export function valueColor(value, limit, isSigned) {
  const t = limit > 0 ? Math.min(1, Math.max(isSigned ? -1 : 0, value / limit)) : 0;
  const end = isSigned ? theme[t < 0 ? "negativeRgb" : "positiveRgb"] : theme.foregroundRgb;
  const k = Math.abs(t);
  return `rgb(${theme.backgroundRgb.map((v, i) => Math.round(v * (1 - k) + end[i] * k)).join(" ")})`;
}

// Paint values (rows by columns) into an image of as many pixels.
export function paintValues(context, values, start, rows, columns, limit, isSigned) {
  const image = context.createImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  const table = shadeTable(isSigned);
  const scale = limit > 0 ? 255 / limit : 0;
  for (let i = 0; i < pixels.length; i++) {
    const t = Math.round(values[start + i] * scale);
    pixels[i] = table[t < -255 ? 0 : t > 255 ? 510 : t + 255];
  }
  context.putImageData(image, 0, 0);
}

// Colours of -255 … 255 as the bytes of a pixel, until the theme changes.
const shadeTables = new Map();
function shadeTable(isSigned) {
  const key = `${theme.version} ${isSigned}`;
  if (!shadeTables.has(key)) {
    const table = new Uint32Array(511);
    const bytes = new Uint8Array(table.buffer);
    for (let t = -255; t <= 255; t++) {
      const ink = isSigned ? theme[t < 0 ? "negativeRgb" : "positiveRgb"] : theme.foregroundRgb;
      const k = isSigned ? Math.abs(t) / 255 : Math.max(0, t) / 255;
      for (let c = 0; c < 3; c++) bytes[4 * (t + 255) + c] = Math.round(theme.backgroundRgb[c] * (1 - k) + ink[c] * k);
      bytes[4 * (t + 255) + 3] = 255;
    }
    shadeTables.set(key, table);
  }
  return shadeTables.get(key);
}

// A canvas of rows by columns pixels with the values in it, to be scaled up without smoothing.
export function valueImage(values, start, rows, columns, limit, isSigned, into = null) {
  const canvas = into ?? document.createElement("canvas");
  if (canvas.width !== columns || canvas.height !== rows) [canvas.width, canvas.height] = [columns, rows];
  paintValues(canvas.getContext("2d"), values, start, rows, columns, limit, isSigned);
  return canvas;
}

export function absoluteMax(values, start = 0, end = values.length) {
  let top = 0;
  for (let i = start; i < end; i++) if (Math.abs(values[i]) > top) top = Math.abs(values[i]);
  return top;
}
