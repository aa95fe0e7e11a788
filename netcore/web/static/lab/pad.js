// The drawing pad: strokes by mouse, finger, pen or keyboard; the raster that is classified is computed here.

import { theme } from "./colors.js";

export const RASTER = 140; // pixels a side

export class Pad {
  // onChange(isFinal) after each change of the drawing.
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.strokes = []; // each {width, points: [x, y, …]} in pixels of the raster
    this.undone = [];
    this.raster = new Uint8Array(RASTER * RASTER);
    this.penWidth = 11;
    this.cursor = null; // of the keyboard: {x, y, isDown}
    this.backdrop = null; // a picture that was loaded instead of drawn
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
      canvas.addEventListener(name, () => this.end());
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.leave());
  }

  get isEmpty() {
    return this.strokes.length === 0 && !this.backdrop;
  }

  begin(event) {
    if (event.button > 0 || this.active) return;
    event.preventDefault();
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.cursor = null;
    this.start(...this.place(event));
  }

  move(event) {
    if (!this.active) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const e of events.length ? events : [event]) this.extend(...this.place(e));
    this.draw();
    this.onChange(false);
  }

  end() {
    if (!this.active) return;
    this.active = null;
    this.onChange(true);
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * RASTER, ((event.clientY - box.top) / box.height) * RASTER];
  }

  start(x, y) {
    if (this.backdrop) this.clear(false);
    this.undone = [];
    this.active = { width: this.penWidth, points: [x, y] };
    this.strokes.push(this.active);
    this.stamp(this.active, 0);
    this.draw();
    this.onChange(false);
  }

  extend(x, y) {
    const { points } = this.active;
    const n = points.length;
    if (Math.hypot(x - points[n - 2], y - points[n - 1]) < 0.4) return;
    points.push(x, y);
    this.stamp(this.active, n - 2);
  }

  // Add the segment that begins at points[at]: a line with round ends and smooth edges.
  stamp({ width, points }, at) {
    const [x0, y0] = [points[at], points[at + 1]];
    const [x1, y1] = at + 2 < points.length ? [points[at + 2], points[at + 3]] : [x0, y0];
    const radius = width / 2;
    const [dx, dy] = [x1 - x0, y1 - y0];
    const length = dx * dx + dy * dy || 1;
    const low = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - radius - 1));
    const high = (a, b) => Math.min(RASTER, Math.ceil(Math.max(a, b) + radius + 1));
    for (let y = low(y0, y1); y < high(y0, y1); y++)
      for (let x = low(x0, x1); x < high(x0, x1); x++) {
        const [px, py] = [x + 0.5 - x0, y + 0.5 - y0];
        const t = Math.min(1, Math.max(0, (px * dx + py * dy) / length));
        const cover = radius + 0.5 - Math.hypot(px - t * dx, py - t * dy);
        const value = Math.round(255 * Math.min(1, Math.max(0, cover)));
        if (value > this.raster[y * RASTER + x]) this.raster[y * RASTER + x] = value;
      }
  }

  redraw() {
    this.raster.fill(0);
    for (const stroke of this.strokes)
      for (let at = 0; at === 0 || at + 2 < stroke.points.length; at += 2) this.stamp(stroke, at);
    this.draw();
  }

  undo() {
    if (this.backdrop) this.backdrop = null;
    else if (this.strokes.length) this.undone.push(this.strokes.pop());
    else if (this.cleared) [this.strokes, this.cleared] = [this.cleared, null];
    this.redraw();
    this.onChange(true);
  }

  clear(notify = true) {
    if (this.strokes.length) this.cleared = this.strokes;
    this.strokes = [];
    this.backdrop = null;
    this.cursor = null;
    this.redraw();
    if (notify) this.onChange(true);
  }

  // Show a picture (any canvas image source) that is classified instead of a drawing.
  show(picture) {
    this.clear(false);
    this.backdrop = picture;
    this.draw();
    this.onChange(true);
  }

  setStrokes(strokes) {
    this.clear(false);
    this.strokes = strokes;
    this.redraw();
    this.onChange(true);
  }

  // Keyboard: arrows move the pen, space puts it down or lifts it.
  key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      this.cursor ??= { x: RASTER / 2, y: RASTER / 2 };
      if (this.active) this.end();
      else this.start(this.cursor.x, this.cursor.y);
      this.draw();
    } else if (event.key === "Escape") {
      this.leave();
    } else if (moves[event.key]) {
      event.preventDefault();
      this.cursor ??= { x: RASTER / 2, y: RASTER / 2 };
      const step = event.shiftKey ? 14 : 5;
      const limit = (v) => Math.min(RASTER - 6, Math.max(6, v));
      this.cursor.x = limit(this.cursor.x + step * moves[event.key][0]);
      this.cursor.y = limit(this.cursor.y + step * moves[event.key][1]);
      if (this.active) {
        this.extend(this.cursor.x, this.cursor.y);
        this.onChange(false);
      }
      this.draw();
    }
  }

  leave() {
    this.end();
    this.cursor = null;
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const size = Math.round(canvas.clientWidth * devicePixelRatio) || RASTER;
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    context.fillStyle = theme.background;
    context.fillRect(0, 0, size, size);
    context.save();
    context.scale(size / RASTER, size / RASTER);
    if (this.backdrop) this.drawBackdrop(context);
    else if (this.isEmpty && !this.cursor) drawHint(context);
    context.strokeStyle = context.fillStyle = theme.foreground;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) drawStroke(context, stroke);
    if (this.cursor) this.drawCursor(context);
    context.restore();
  }

  drawBackdrop(context) {
    const { width, height } = this.backdrop;
    const scale = RASTER / Math.max(width, height);
    context.imageSmoothingEnabled = width > RASTER;
    context.drawImage(this.backdrop, (RASTER - width * scale) / 2, (RASTER - height * scale) / 2, width * scale, height * scale);
  }

  drawCursor(context) {
    context.strokeStyle = theme.emphasis;
    context.fillStyle = theme.emphasis;
    context.lineWidth = 1.2;
    context.beginPath();
    context.arc(this.cursor.x, this.cursor.y, this.penWidth / 2, 0, 2 * Math.PI);
    context.stroke();
    if (this.active) context.fill();
  }
}

function drawStroke(context, { width, points }) {
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(points[0], points[1]);
  if (points.length === 2) context.lineTo(points[0] + 0.01, points[1]);
  for (let i = 2; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
  context.stroke();
}

function drawHint(context) {
  context.fillStyle = theme.muted;
  context.textAlign = "center";
  context.font = `7.5px ${theme.font}`;
  context.fillText("Draw here", RASTER / 2, RASTER / 2 + 2);
}
