// A film of the drawing: made by the server with progress and cancel, or the command that makes it.

import { askServer } from "./server.js";
import { byId, make, toBase64 } from "./text.js";

const POLL_MS = 400;

export class ClipPanel {
  // lab: gives the model, the pixels and the theme; hasServer: whether a server renders.
  constructor(lab, hasServer) {
    Object.assign(this, { lab, hasServer });
    byId("make-clip").onclick = () => this.start();
    byId("cancel-clip").onclick = () => this.cancel();
    byId("clip-film").onchange = () => this.update();
    byId("clip-format").onchange = () => this.update();
    byId("clip-save-drawing").onclick = () => lab.savePicture();
    byId("copy-clip").onclick = () => this.copy();
  }

  get film() {
    return byId("clip-film").value;
  }

  get format() {
    return byId("clip-format").value;
  }

  setModel({ films }) {
    const chosen = this.film;
    byId("clip-film").replaceChildren(...films.map(({ name, title }) => make("option", { value: name }, title)));
    if (films.some(({ name }) => name === chosen)) byId("clip-film").value = chosen;
    byId("clip").hidden = !films.length;
    this.update();
  }

  update() {
    const { model } = this.lab;
    const isBusy = Boolean(this.clip);
    byId("make-clip").hidden = !this.hasServer || isBusy;
    byId("make-clip").disabled = model.isEmpty;
    byId("cancel-clip").hidden = !isBusy;
    byId("clip-command-row").hidden = this.hasServer;
    byId("clip-command").textContent = `netcore render ${this.film} --run ${model.run.name} --image drawing.png -f ${this.format}`;
    byId("clip-edited").hidden = !model.edits.length;
  }

  async start() {
    const { model, pixels } = this.lab;
    const theme = getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "dark" : "light";
    this.clip = { state: "waiting", position: 0, frames: 0, total: null };
    byId("clip-result").replaceChildren();
    this.show();
    try {
      this.clip = await askServer("POST", "/api/clips", { run: model.run.name, film: this.film, format: this.format, pixels: toBase64(pixels), theme });
      while (["waiting", "rendering"].includes(this.clip.state)) {
        this.show();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        this.clip = await askServer("GET", `/api/clips/${this.clip.id}`);
      }
      await this.finish(this.clip);
    } catch (error) {
      this.say(`No clip: ${error.message}.`);
    }
    this.clip = null;
    byId("clip-progress").hidden = true;
    this.update();
  }

  async cancel() {
    if (this.clip?.id) await askServer("DELETE", `/api/clips/${this.clip.id}`).catch(() => {});
  }

  show() {
    const { state, position, frames, total } = this.clip;
    const bar = byId("clip-progress");
    bar.hidden = false;
    if (total) [bar.max, bar.value] = [total, Math.min(frames, total)];
    else bar.removeAttribute("value");
    if (state === "waiting") this.say(position ? `Waiting: ${position} before yours` : "Waiting");
    else this.say(total ? `Frame ${frames} of ${total}` : "Preparing the film");
    this.update();
  }

  async finish({ id, state, format, film, bytes, message, alt }) {
    if (state !== "done") return this.say(state === "canceled" ? "Canceled" : `No clip: ${message}`);
    const file = `/api/clips/${id}/file`;
    const link = make("a", { href: file, download: `${film}.${format}` }, `Download ${film}.${format} (${(bytes / 1e6).toFixed(1)} MB)`);
    byId("clip-result").replaceChildren(...(await this.preview(file, format, alt)), make("p", {}, link));
    this.say("Done");
  }

  async preview(file, format, alt) {
    if (format === "html") return [make("p", { class: "note" }, "The player is one page that works without a connection: download it, then open it.")];
    const url = URL.createObjectURL(await (await fetch(file)).blob());
    if (format === "gif") return [make("img", { src: url, alt })];
    return [make("video", { src: url, controls: true, loop: true, muted: true, playsinline: true, "aria-label": alt })];
  }

  say(text) {
    byId("clip-note").textContent = text;
  }

  async copy() {
    const button = byId("copy-clip");
    try {
      await navigator.clipboard.writeText(byId("clip-command").textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(byId("clip-command"));
      button.textContent = "Press Ctrl C";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }
}
