// What needs the server that sent the page: PyTorch's own probabilities, stored answers, saved runs.

import { byId, formatNumber, formatPercent } from "./text.js";

const LIMIT = 1e-5; // of the difference from PyTorch's probabilities
const FIRST_DELAY_MS = 1000; // before a lost connection is opened again; doubled each time
const LAST_DELAY_MS = 30000;

// Ask the server; an error's message is the server's own line.
export async function askServer(method, path, body) {
  const options = { method, headers: body === undefined ? {} : { "Content-Type": "application/json" } };
  if (body !== undefined) options.body = JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("the server does not answer");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(typeof answer.detail === "string" ? answer.detail : `the server refused it (${response.status})`);
  return answer;
}

// Sends drawings to PyTorch on the server, one at a time, and compares.
export class ServerCheck {
  constructor(models) {
    this.models = models;
    this.delay = FIRST_DELAY_MS;
    this.count = 0;
    this.connect();
  }

  connect() {
    this.socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/draw`);
    this.socket.onopen = () => {
      this.delay = FIRST_DELAY_MS;
      this.send();
    };
    this.socket.onmessage = ({ data }) => this.compare(JSON.parse(data).probabilities);
    this.socket.onclose = () => {
      this.sent = null;
      setTimeout(() => this.connect(), this.delay);
      this.delay = Math.min(2 * this.delay, LAST_DELAY_MS);
    };
  }

  // The page has classified these pixels; the newest ones are sent when the server is free.
  classified(pixels) {
    this.waiting = { pixels: pixels.slice(), probabilities: this.models.map((m) => (m.edits.length ? null : m.network.probabilities.slice())) };
    this.send();
  }

  send() {
    if (!this.waiting || this.sent || this.socket.readyState !== WebSocket.OPEN) return;
    [this.sent, this.waiting] = [this.waiting, null];
    this.socket.send(this.sent.pixels);
  }

  compare(rows) {
    const { probabilities } = this.sent;
    this.sent = null;
    this.count++;
    let top = 0;
    for (const [i, own] of probabilities.entries()) own?.forEach((p, k) => (top = Math.max(top, Math.abs(p - rows[i][k]))));
    this.difference = top;
    const note = byId("server-check");
    note.classList.toggle("warning", !(top <= LIMIT));
    note.textContent =
      top <= LIMIT
        ? `PyTorch on the server computes the same for this drawing: its probabilities differ by at most ${formatNumber(top, 1)}.`
        : `Warning: for this drawing PyTorch on the server computes other probabilities (difference ${formatNumber(top, 2)}): do not trust this page's.`;
    this.send();
  }
}

// Store an answer; the counts of all visitors are shown.
export async function storeAnswer({ pixels, label }) {
  const note = byId("feedback-shared");
  try {
    const { runs } = await askServer("POST", "/api/feedback", { pixels, label });
    const parts = runs.map(({ run, count, correct }) => `${runs.length > 1 ? `${run}: ` : ""}${correct} of ${count} right (${formatPercent(correct / count)})`);
    note.textContent = `Stored. All visitors: ${parts.join("; ")}.`;
  } catch (error) {
    note.textContent = `Not stored on the server: ${error.message}.`;
  }
}

// The form that saves the changes as a run.
export class RunSaver {
  constructor(currentModel) {
    this.currentModel = currentModel;
    byId("save-run").hidden = false;
    byId("save-run-button").onclick = () => this.save();
  }

  // Suggest a name for the model's changes.
  suggest() {
    byId("save-name").value = `${this.currentModel().run.name}-edited`;
    byId("save-note").textContent = "";
  }

  async save() {
    const { run, edits } = this.currentModel();
    const button = byId("save-run-button");
    const note = byId("save-note");
    button.disabled = true;
    note.textContent = "Saving …";
    try {
      const { name, accuracy, count } = await askServer("POST", "/api/runs", { run: run.name, name: byId("save-name").value, edits });
      const right = count ? `: ${formatPercent(accuracy)} of ${count} examples correct` : "";
      note.textContent = `Saved as run ${name}${right}. To compare both: netcore serve ${run.name} ${name}`;
    } catch (error) {
      note.textContent = `Not saved: ${error.message}.`;
    }
    button.disabled = false;
  }
}
