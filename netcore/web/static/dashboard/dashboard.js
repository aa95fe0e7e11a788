// The dashboard: asks for one frame per image, plays, pauses, steps.

const BASE_INTERVAL_MS = 1000; // between two images at speed 1
const AHEAD = 3; // frames that are fetched before they are shown
const KEPT = 24; // frames in memory

const byId = (id) => document.getElementById(id);

// As the picture words it: no rounding up to certainty.
function percent(share) {
  if (share < 1 && share > 0.9995) return "> 99.9 %";
  return `${(100 * share).toFixed(1)} %`;
}

class Dashboard {
  async start() {
    this.playing = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.connect();
    await this.open(byId("run").value);
    document.documentElement.dataset.ready = "true";
  }

  connect() {
    byId("run").onchange = () => this.open(byId("run").value);
    byId("play").onclick = () => this.setPlaying(!this.playing);
    byId("back").onclick = () => this.step(-1);
    byId("next").onclick = () => this.step(1);
    byId("position").oninput = (event) => this.jump(Number(event.target.value) - 1);
    byId("speed").oninput = () => this.showSpeed();
    byId("theme-button").onclick = () => this.switchTheme();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.themeChanged());
    document.addEventListener("keydown", (event) => {
      if (/INPUT|SELECT|BUTTON/.test(event.target.tagName) || event.target.closest(".scroll") || event.ctrlKey || event.metaKey || event.altKey) return;
      const act = { " ": () => this.setPlaying(!this.playing), ArrowRight: () => this.step(1), ArrowLeft: () => this.step(-1) }[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    });
    this.showSpeed();
  }

  get theme() {
    return getComputedStyle(document.documentElement).colorScheme.includes("dark") ? "dark" : "light";
  }

  get interval() {
    return BASE_INTERVAL_MS / 2 ** Number(byId("speed").value);
  }

  async open(run) {
    this.forget();
    this.run = run;
    this.at = 0;
    byId("frame").removeAttribute("src");
    this.note("loading…");
    try {
      const response = await fetch(`/api/dashboard/${encodeURIComponent(run)}`);
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      this.images = answer.images;
    } catch (error) {
      return this.fail(error);
    }
    byId("position").max = this.images.length;
    byId("count").textContent = `1 of ${this.images.length}`;
    await this.show();
    this.setPlaying(this.playing);
  }

  forget() {
    for (const frame of this.frames?.values() ?? []) frame.then(URL.revokeObjectURL, () => {});
    this.frames = new Map();
  }

  // The frame of an image as an address of this page.
  frame(index) {
    if (!this.frames.has(index)) {
      const path = `/api/dashboard/${encodeURIComponent(this.run)}/${index}/${this.theme}`;
      const loading = fetch(path).then(async (response) => {
        if (!response.ok) throw new Error((await response.json()).detail);
        return URL.createObjectURL(await response.blob());
      });
      loading.catch(() => this.frames.delete(index));
      this.frames.set(index, loading);
    }
    for (const [old, frame] of this.frames) {
      if (this.frames.size <= KEPT) break;
      this.frames.delete(old);
      frame.then(URL.revokeObjectURL, () => {});
    }
    return this.frames.get(index);
  }

  async show() {
    const { at, run } = this;
    try {
      const url = await this.frame(at);
      if (at !== this.at || run !== this.run) return;
      byId("frame").src = url;
      this.note("");
    } catch (error) {
      return this.fail(error);
    }
    const { label, predicted, confidence } = this.images[at];
    const verdict = label === predicted ? "correct" : `labeled ${label}`;
    const words = `Image ${at + 1} of ${this.images.length}: predicted ${predicted} with ${percent(confidence)} confidence, ${verdict}`;
    byId("frame").alt = `${words}. Panels: input, probabilities, network, confusion matrix so far, activation by layer, weights, confidence.`;
    byId("words").textContent = words;
    byId("live").textContent = this.playing ? "" : words;
    byId("position").value = at + 1;
    byId("count").textContent = `${at + 1} of ${this.images.length}`;
    for (let i = 1; i <= AHEAD; i++) this.frame((at + i) % this.images.length).catch(() => {});
  }

  setPlaying(playing) {
    this.playing = playing;
    byId("play").textContent = playing ? "Pause" : "Play";
    byId("play").setAttribute("aria-pressed", String(playing));
    clearTimeout(this.timer);
    if (playing) this.schedule();
  }

  // The next image comes after the interval, or when its frame has arrived.
  schedule() {
    const due = performance.now() + this.interval;
    this.timer = setTimeout(async () => {
      if (!this.playing) return;
      this.at = (this.at + 1) % this.images.length;
      await this.show();
      if (this.playing) this.schedule();
    }, Math.max(0, due - performance.now()));
  }

  step(direction) {
    this.jump((this.at + direction + this.images.length) % this.images.length);
  }

  jump(index) {
    this.setPlaying(false);
    this.at = index;
    this.show();
  }

  showSpeed() {
    const rate = 2 ** Number(byId("speed").value);
    byId("rate").textContent = `${rate} per s`;
  }

  switchTheme() {
    document.documentElement.dataset.theme = this.theme === "dark" ? "light" : "dark";
    this.themeChanged();
  }

  themeChanged() {
    this.forget();
    this.show();
  }

  // Words where the frame will be.
  note(text) {
    byId("frame-note").textContent = text;
    byId("frame-note").hidden = !text;
  }

  fail(error) {
    this.setPlaying(false);
    const text = `The server does not send the frame: ${error.message}.`;
    byId("words").textContent = text;
    if (!byId("frame").hasAttribute("src")) this.note(text);
  }
}

const dashboard = new Dashboard();
globalThis.netcoreDashboard = dashboard; // for tests and the curious
dashboard.start();
