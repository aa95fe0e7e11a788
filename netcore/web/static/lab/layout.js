// Where the layers of a network and their units are drawn.
//
// A stage is one layer as the program describes it. Its box holds a title and a grid of units: maps as tiles, many
// neurons as cells, few as circles.

import { product } from "./network.js";

const TITLE = 44; // pixels above the units
const FOOT = 20; // below them
export const CIRCLES = 24; // up to so many neurons are circles in one column

export function describeUnits(stage, shape) {
  const isMaps = shape.length === 3 && shape[1] * shape[2] > 1;
  const count = isMaps || shape.length === 1 ? shape[0] : product(shape);
  return { count, rows: isMaps ? shape[1] : 1, columns: isMaps ? shape[2] : 1, isMaps };
}

// Lay out all stages from left to right, or from top to bottom on a narrow page.
export function layoutStages(stages, shapes, width, height, isNarrow) {
  const items = stages.map((stage) => ({ stage, ...describeUnits(stage, shapes.get(stage.output)) }));
  for (const item of items) item.isRows = Boolean(item.stage.isOutput) && item.count <= CIRCLES; // classes with names
  return isNarrow ? layoutDown(items, width) : layoutAcross(items, width, height);
}

function layoutAcross(items, width, height) {
  const gap = Math.max(24, Math.min(48, width / items.length / 4));
  const tall = height - TITLE - FOOT;
  const edge = 16; // room for titles wider than their units
  const whole = width;
  width -= 2 * edge;
  const wanted = items.map((item) => naturalWidth(item, tall));
  const sum = wanted.reduce((a, b) => a + b, 0) + gap * (items.length - 1);
  const scale = Math.max(0.55, Math.min(1.6, (width - gap * (items.length - 1)) / (sum - gap * (items.length - 1))));
  let x = 0;
  for (const [i, item] of items.entries()) {
    const room = Math.max(minimumWidth(item), wanted[i] * scale);
    placeUnits(item, x, TITLE, room, tall);
    x += item.width + gap;
  }
  const total = x - gap;
  const shift = Math.max(0, (width - total) / 2);
  const spread = items.length > 1 ? Math.min(130, (shift * 2) / (items.length - 1)) : 0;
  const rest = Math.max(0, (width - total - spread * (items.length - 1)) / 2);
  for (const [i, item] of items.entries()) item.x += edge + rest + spread * i;
  return { items, width: Math.max(whole, total + 2 * edge), height, gap };
}

function layoutDown(items, width) {
  let y = 0;
  for (const item of items) {
    if (item.isRows) {
      y += TITLE;
      setGrid(item, 0, y, 1, 24, 24);
      item.width = Math.min(width, 200);
      item.height = 24 * item.count;
      y += item.height + FOOT;
      continue;
    }
    const most = item.isMaps ? 44 : item.count <= CIRCLES ? 22 : 13;
    const columns = item.count === 1 ? 1 : Math.min(item.count, Math.max(4, Math.floor(width / most)));
    const size = Math.min(item.count === 1 ? 120 : most, width / columns);
    const rows = Math.ceil(item.count / columns);
    y += TITLE;
    setGrid(item, 0, y, columns, size * (item.isMaps ? item.rows / item.columns : 1), size);
    item.width = columns * size;
    item.height = (rows * size * item.rows) / item.columns;
    y += item.height + FOOT + 14;
  }
  for (const item of items) item.x = (width - item.width) / 2;
  return { items, width, height: y, gap: 34 };
}

function naturalWidth(item, tall) {
  if (item.isRows) return 128;
  if (!item.isMaps && item.count <= CIRCLES) return 46;
  if (!item.isMaps) return 96;
  if (item.count === 1) return 110;
  return item.count <= 3 ? 84 : 120 + 14 * Math.log2(item.count / 4);
}

function minimumWidth(item) {
  if (item.isRows) return 96;
  return !item.isMaps && item.count <= CIRCLES ? 40 : 72;
}

// The largest tiles that fit into the room.
function placeUnits(item, x, y, width, height) {
  if (!item.isMaps && item.count <= CIRCLES) {
    const size = Math.min(item.isRows ? 30 : 26, height / item.count);
    setGrid(item, x, y + (height - size * item.count) / 2, 1, size, size);
    item.width = item.isRows ? Math.min(width, 128) : Math.max(size, 40);
    if (!item.isRows) item.inset = (item.width - size) / 2;
    item.height = size * item.count;
    return;
  }
  const aspect = item.rows / item.columns;
  let best = { size: 0, columns: 1, score: 0 };
  for (let columns = 1; columns <= item.count; columns++) {
    const rows = Math.ceil(item.count / columns);
    const size = Math.min(width / columns, height / rows / aspect, item.isMaps ? 110 : 12);
    const score = size * (item.count / (columns * rows)) ** 2; // an uneven last row counts against it
    if (score > best.score) best = { size, columns, score };
  }
  const rows = Math.ceil(item.count / best.columns);
  item.width = best.columns * best.size;
  item.height = rows * best.size * aspect;
  setGrid(item, x, y + (height - item.height) / 2, best.columns, best.size * aspect, best.size);
}

function setGrid(item, x, y, perRow, cellHeight, cellWidth) {
  Object.assign(item, { x, y, perRow, cellHeight, cellWidth, inset: 0 });
}

// Left, top, width and height of one unit, without the gap around it.
export function unitBox(item, unit) {
  const gap = item.isMaps ? Math.min(3, item.cellWidth * 0.1) : item.count <= CIRCLES ? 4 : 1;
  const column = unit % item.perRow;
  const row = Math.floor(unit / item.perRow);
  return [
    item.x + item.inset + column * item.cellWidth + gap / 2,
    item.y + row * item.cellHeight + gap / 2,
    item.cellWidth - gap,
    item.cellHeight - gap,
  ];
}

// The unit at a point, or -1.
export function unitAt(item, x, y) {
  const column = Math.floor((x - item.x - item.inset) / item.cellWidth);
  const row = Math.floor((y - item.y) / item.cellHeight);
  if (item.isRows) {
    return x >= item.x && x < item.x + item.width && row >= 0 && row < item.count ? row : -1;
  }
  const unit = row * item.perRow + column;
  return column >= 0 && column < item.perRow && row >= 0 && unit < item.count ? unit : -1;
}
