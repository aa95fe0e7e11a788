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
  const ground = theme.backgroundRgb;
  const inks = [theme.foregroundRgb, theme.positiveRgb, theme.negativeRgb];
  for (let i = 0; i < rows * columns; i++) {
    let t = limit > 0 ? values[start + i] / limit : 0;
    const ink = isSigned ? inks[t < 0 ? 2 : 1] : inks[0];
    t = isSigned ? Math.min(1, Math.abs(t)) : Math.min(1, Math.max(0, t));
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = ground[c] + (ink[c] - ground[c]) * t;
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
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
