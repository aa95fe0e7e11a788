"""Headless Chromium for the tests of pages."""

import base64
import json
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netcore.web.bundle import bundle

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def start_chromium() -> Iterator[Any]:
    """Start the browser; the test is skipped if it is not installed."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]  # a green test picture
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *camera])
        yield browser
        browser.close()


def open_script(browser: Any, *modules: str) -> Any:
    """Open an empty page with what the modules export, as `netcore`."""
    page = browser.new_page()
    for module in modules:
        names = exported_names(module)
        script = bundle(module).rstrip().removesuffix("})();")
        exports = f"globalThis.netcore = {{ ...globalThis.netcore, {', '.join(names)} }};"
        page.evaluate(f"{script}\n{exports}\n}})();")
    return page


def exported_names(module: str) -> list[str]:
    import re

    from netcore.web.bundle import static_text

    return re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", static_text(f"lab/{module}"), re.MULTILINE)


def open_file(browser: Any, path: Path, **context: Any) -> tuple[Any, list[str], list[str]]:
    """Open a page from disk: the page, the messages of its console, and the addresses that it asked for."""
    page = browser.new_context(reduced_motion="reduce", **context).new_page()
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]")
    return page, messages, requests


def wait_until(page: Any, condition: str, seconds: float = 60) -> None:
    """Wait for a condition of the page, whose policy forbids playwright's own way."""
    end = time.monotonic() + seconds
    while not page.evaluate(f"Boolean({condition})"):
        assert time.monotonic() < end, f"not within {seconds} s: {condition}"
        page.wait_for_timeout(20)


def draw_three(page: Any) -> None:
    """Draw the digit 3 on the pad with the mouse."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    upper = [(0.5 + 0.2 * math.cos(t), 0.32 + 0.16 * math.sin(t)) for t in np.linspace(-2.6, 1.57, 20)]
    lower = [(0.5 + 0.22 * math.cos(t), 0.66 + 0.18 * math.sin(t)) for t in np.linspace(-1.57, 2.6, 20)]
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in upper + lower]
    page.mouse.move(*points[0])
    page.mouse.down()
    for point in points[1:]:
        page.mouse.move(*point)
    page.mouse.up()


def encode(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def decode(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.float32)


def evaluate_json(page: Any, expression: str, argument: object) -> Any:
    return json.loads(page.evaluate(f"async (x) => JSON.stringify(await ({expression})(x))", argument))
