"use strict";
(() => {
  const film = JSON.parse(document.getElementById("film").textContent);
  const { fps, frames, steps } = film;
  const [player, clip, position, bar, tip, speed] = ["player", "clip", "position", "bar", "tip", "speed"].map((id) =>
    document.getElementById(id),
  );
  const [play, back, forward, captions, present, full] = ["play", "back", "forward", "captions", "present", "full"].map(
    (id) => document.getElementById(id),
  );
  const items = [...document.querySelectorAll("#steps button")];
  const marks = [...document.querySelectorAll(".marks span")];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const host = frameElement; // of a page of the same origin that the player is part of, such as a lesson
  let frame = 0; // the one that is shown
  let stop = null; // the frame at which playing stops
  let told = -1; // the step whose caption is shown

  const last = frames - 1;
  const stepAt = (i) => Math.max(0, steps.findLastIndex((step) => step.start <= i));
  const after = (list, i) => list.find((other) => other > i) ?? last;
  const before = (list, i) => list.findLast((other) => other < i) ?? 0;
  const starts = steps.map((step) => step.start);
  const settled = steps.map((step) => step.settled);
  const isOn = (button) => button.getAttribute("aria-pressed") === "true";
  const name = (k) => `Step ${k + 1} of ${steps.length}: ${steps[k].caption}`;

  function show(i) {
    frame = Math.min(last, Math.max(0, i));
    const k = stepAt(frame);
    position.value = frame;
    position.setAttribute("aria-valuetext", name(k));
    marks.forEach((mark, n) => {
      const { start, end } = steps[n];
      const share = Math.min(1, Math.max(0, (frame + 1 - start) / (end - start)));
      mark.style.setProperty("--played", `${100 * share}%`);
    });
    player.dataset.frame = frame;
    if (k !== told) tell(k);
  }

  function tell(k) {
    told = k;
    document.getElementById("count").textContent = `${k + 1} / ${steps.length}`;
    document.getElementById("words").textContent = steps[k].caption;
    document.getElementById("notes").textContent = steps[k].notes;
    document.getElementById("live").textContent = `${name(k)}. ${steps[k].notes}`;
    items.forEach((item, n) => (n === k ? item.setAttribute("aria-current", "step") : item.removeAttribute("aria-current")));
  }

  // The middle of a frame: at its edge, rounding may show its neighbour.
  function seek(i) {
    show(i);
    clip.currentTime = (frame + 0.5) / fps;
  }

  function start() {
    if (frame >= last) seek(0);
    stop = isOn(present) ? after(settled, frame) : null;
    clip.play().catch(() => {});
  }

  function pauseAt(i) {
    clip.pause();
    stop = null;
    seek(i);
  }

  function toggle() {
    if (clip.paused) start();
    else clip.pause();
  }

  function goForward() {
    if (!clip.paused && isOn(present)) pauseAt(stop ?? after(settled, frame));
    else if (!clip.paused) seek(after(starts, frame));
    else if (isOn(present) && !calm.matches && frame < last) start();
    else seek(after(settled, frame));
  }

  function goBack() {
    if (!clip.paused && isOn(present)) return pauseAt(before(settled, frame));
    if (clip.paused) return seek(before(settled, frame));
    const here = starts[stepAt(frame)]; // soon after its start: the step before
    return seek(frame - here > fps ? here : before(starts, here));
  }

  function press(button) {
    button.setAttribute("aria-pressed", String(!isOn(button)));
  }

  function toggleCaptions() {
    press(captions);
    player.classList.toggle("silent", !isOn(captions));
  }

  function togglePresent() {
    press(present);
    stop = isOn(present) && !clip.paused ? after(settled, frame) : null;
  }

  function toggleFull() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (player.requestFullscreen) player.requestFullscreen().catch(() => {});
    else if (clip.webkitEnterFullscreen) clip.webkitEnterFullscreen();
  }

  function onShown(i) {
    if (clip.seeking) return; // a frame from before the seek
    if (stop !== null && !clip.paused && i >= stop) pauseAt(stop);
    else if (!clip.paused) show(i);
  }

  function watch() {
    if (clip.requestVideoFrameCallback) {
      const next = (_, shown) => {
        onShown(Math.round(shown.mediaTime * fps));
        clip.requestVideoFrameCallback(next);
      };
      clip.requestVideoFrameCallback(next);
    } else {
      const next = () => {
        onShown(Math.floor(clip.currentTime * fps + 1e-6));
        requestAnimationFrame(next);
      };
      requestAnimationFrame(next);
    }
  }

  // Part of another page: as high as the longest text needs, so that nothing moves while the film plays.
  function fitHost() {
    const text = document.getElementById("text");
    const shown = told;
    text.style.minHeight = "";
    const heights = steps.map((_, k) => (tell(k), text.offsetHeight));
    tell(shown);
    text.style.minHeight = `${Math.max(...heights)}px`;
    host.style.height = `${player.offsetHeight + 2}px`; // its border
  }

  function label(text, key) {
    play.setAttribute("aria-label", text);
    play.title = `${text} (${key})`;
  }

  const keys = {
    " ": () => (isOn(present) && clip.paused ? goForward() : toggle()),
    ArrowRight: goForward,
    ArrowLeft: goBack,
    PageDown: goForward,
    PageUp: goBack,
    Home: () => seek(0),
    End: () => seek(last),
    c: toggleCaptions,
    f: toggleFull,
    p: togglePresent,
  };

  document.addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.altKey || event.metaKey || !(key in keys)) return;
    if (event.target === speed || (key === " " && event.target.tagName === "BUTTON")) return; // theirs
    event.preventDefault();
    keys[key]();
  });
  clip.addEventListener("click", keys[" "]);
  play.addEventListener("click", keys[" "]);
  forward.addEventListener("click", goForward);
  back.addEventListener("click", goBack);
  captions.addEventListener("click", toggleCaptions);
  present.addEventListener("click", togglePresent);
  full.addEventListener("click", toggleFull);
  full.hidden = !(document.fullscreenEnabled || clip.webkitEnterFullscreen);
  speed.addEventListener("change", () => (clip.playbackRate = clip.defaultPlaybackRate = Number(speed.value)));
  position.addEventListener("input", () => {
    stop = null;
    seek(Number(position.value));
    if (isOn(present) && !clip.paused) stop = after(settled, frame);
  });
  items.forEach((item, k) => item.addEventListener("click", () => (clip.paused ? seek(settled[k]) : seek(starts[k]))));
  bar.addEventListener("pointermove", (event) => {
    const box = bar.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    tip.textContent = name(stepAt(Math.round(share * last)));
    tip.style.left = `${Math.min(Math.max(0, share * box.width - tip.offsetWidth / 2), box.width - tip.offsetWidth)}px`;
  });
  clip.addEventListener("play", () => {
    player.classList.add("playing");
    label("Pause", "space");
  });
  clip.addEventListener("pause", () => {
    player.classList.remove("playing");
    label("Play", "space");
  });
  clip.addEventListener("ended", () => show(last));
  clip.addEventListener("loadedmetadata", () => {
    const linked = steps.findIndex((step) => `#${step.name}` === decodeURIComponent(location.hash));
    if (linked >= 0) seek(settled[linked]);
    else if (calm.matches || host) seek(settled[0]);
    else start();
  });

  const text = document.getElementById("data").textContent;
  const bytes = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  document.getElementById("data").textContent = "";
  tell(0);
  if (host) {
    document.documentElement.classList.add("embedded");
    press(present);
    fitHost();
    addEventListener("resize", fitHost);
  }
  watch();
  clip.src = URL.createObjectURL(new Blob([bytes], { type: film.type }));
})();
