"""The lab without a server, a CNN in headless Chromium: sizes, times, and its numbers beside `netcore predict`.

NETCORE_LAB_RUN names the folder of another run, such as the demo's.
"""

import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from measure import FOLDER, Row, run_of

from netcore.core.run import Run, load_run

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from browser import CHROMIUM, open_file, start_chromium, wait_until

MAX_MB = {False: 6.5, True: 3.5}  # of the file, by whether weights are float16
MAX_DIFFERENCE = {False: 1e-5, True: 1e-3}  # of a probability
STROKE_MS, RESTART_MS, FIRST = 20, 300, 100
VIEWPORT = {"width": 1440, "height": 900}
RECORD = """() => {
  const lab = netcoreLab;
  window.strokeTimes = [];
  window.restarts = [];
  const { update, evaluated, editsChanged } = lab;
  lab.update = function (...given) {
    const start = performance.now();
    update.apply(lab, given);
    strokeTimes.push(performance.now() - start);
  };
  lab.editsChanged = function () {
    window.edited = performance.now();
    editsChanged.apply(lab);
  };
  lab.evaluated = function (model, result) {
    if (result.id === model.job && result.count >= 100 && window.edited) {
      restarts.push(performance.now() - edited);
      window.edited = 0;
    }
    evaluated.apply(lab, [model, result]);
  };
}"""
CURVES = {  # what is drawn: x and y over t from 0 to 1, in parts of the pad
    "0": lambda t: (0.5 + 0.2 * math.cos(6.3 * t), 0.5 + 0.3 * math.sin(6.3 * t)),
    "1": lambda t: (0.55 - 0.1 * t, 0.15 + 0.7 * t),
    "2": lambda t: (0.5 - 0.22 * math.cos(7 * t), 0.2 + 0.6 * t),
    "3": lambda t: (0.45 + 0.2 * abs(math.sin(6.3 * t)), 0.2 + 0.6 * t),
}  # fmt: skip
EDITS = [[("off", 3)], [("off", 3), ("off", 7)], []]  # of the last convolution or hidden layer
MOVES = 40


def draw(page: Any, curve: Any) -> None:
    """Draw one stroke with the mouse, slowly enough that each move is a picture of its own."""
    page.click("#clear-pad")
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    points = [
        (box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in map(curve, np.linspace(0, 1, MOVES))
    ]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    page.mouse.up()
    wait_until(page, "!netcoreLab.isWaiting && !netcoreLab.model.isEmpty")


def seen_difference(page: Any, folder: Path) -> int:
    """Largest difference between the image that the page's network sees and that of `netcore predict`."""
    from netcore.core.sample import read_sample

    with page.expect_download() as started:
        page.click("#save-drawing")
    started.value.save_as(folder / "drawing.png")
    pixels = np.array(page.evaluate("Array.from(netcoreLab.pixels)"))
    return int(np.abs(pixels - read_sample(folder / "drawing.png")[0].pixels.ravel().astype(int)).max())


def probability_difference(page: Any, run: Run) -> float:
    """Largest difference of a probability from that of `netcore predict`, over all examples."""
    from scipy.special import softmax

    from netcore.tracing.batch_inference import predict_batch

    logits = predict_batch(run, run.snapshot("best"), run.examples().images)["logits"].astype(np.float64)
    found = np.array(page.evaluate("Array.from(netcoreLab.model.base.probabilities)")).reshape(logits.shape)
    return float(np.abs(found - softmax(logits, axis=1)).max())


def restart_times(page: Any) -> list[float]:
    """Milliseconds from a change until the accuracy counts the first images."""
    nodes = page.evaluate("netcoreLab.model.stages.map((s) => s.main).filter(Boolean)")
    for node in nodes[:-1]:
        for edits in EDITS:
            rows = [{"kind": kind, "node": node, "unit": unit, "value": 1} for kind, unit in edits]
            page.evaluate("(edits) => netcoreLab.experiment.set(edits)", rows)
            wait_until(page, "!window.edited")
            wait_until(page, "netcoreLab.model.result.count === netcoreLab.model.result.total")
    return list(page.evaluate("restarts"))


def rows() -> list[Row]:
    """Sizes, differences, and times of strokes and of the accuracy."""
    if CHROMIUM is None:
        return [Row("the lab in Chromium", "not measured: Chromium is not installed")]
    given = os.environ.get("NETCORE_LAB_RUN")
    run = load_run(given) if given else run_of("cnn-2conv")
    with start_chromium() as browser:
        return [row for half in (False, True) for row in page_rows(browser, run, half)]


def page_rows(browser: Any, run: Run, half: bool) -> list[Row]:
    """The rows of the page with float32 or float16 weights."""
    from netcore.web.lab_page import write_lab

    file = FOLDER / f"lab-{half}.html"
    write_lab(file, [run], half=half)
    page, messages, _ = open_file(browser, file, viewport=VIEWPORT)
    wait_until(page, "netcoreLab.model.base")
    page.evaluate(RECORD)
    page.evaluate("netcoreLab.view.select(netcoreLab.view.plan.items[1], 3)")  # its window and products are drawn too
    seen = []
    for curve in CURVES.values():
        draw(page, curve)
        seen.append(seen_difference(page, FOLDER))
    name = f"lab.html of {run.name}, {'float16' if half else 'float32'}"
    size, difference = file.stat().st_size / 1e6, probability_difference(page, run)
    found = [
        Row(f"{name}: size", f"{size:.2f} MB", "", f"≤ {MAX_MB[half]} MB", size <= MAX_MB[half]),
        Row(f"{name}: a probability beside `netcore predict`, all {len(run.examples().labels)} examples",
            f"{difference:.1e}", "largest difference", f"≤ {MAX_DIFFERENCE[half]:.0e}",
            difference <= MAX_DIFFERENCE[half]),
        Row(f"{name}: the image that the network sees beside `netcore predict`'s, {len(seen)} drawings",
            f"{max(seen)} of 255", "largest difference", "≤ 1 of 255", max(seen) <= 1),
    ]  # fmt: skip
    if messages:
        found.append(Row(f"{name}: errors", "; ".join(messages), "", "none", False))
    return found if half else found + time_rows(page, name)


def time_rows(page: Any, name: str) -> list[Row]:
    """Times of strokes, and of the accuracy after a change."""
    strokes = page.evaluate("strokeTimes")
    middle, late = np.percentile(strokes, [50, 95])
    restarts = restart_times(page)
    slowest = max(restarts)
    return [
        Row(f"{name}: one event of a stroke, 95th percentile of {len(strokes)}", f"{late:.1f} ms",
            f"median {middle:.1f} ms: image prepared, classified, and all drawn", f"≤ {STROKE_MS} ms",
            bool(late <= STROKE_MS)),
        Row(f"{name}: accuracy on the first {FIRST} examples after a change, slowest of {len(restarts)}",
            f"{slowest:.0f} ms", f"median {np.median(restarts):.0f} ms", f"≤ {RESTART_MS} ms", slowest <= RESTART_MS),
    ]  # fmt: skip
