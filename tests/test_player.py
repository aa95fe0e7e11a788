"""The player: opened in a browser, pressed, sought and looked at."""

import io
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browser import start_chromium, wait_until
from PIL import Image
from test_steps_encoded import FPS, STEPS, number_of, stepped_clip

from netcore.rendering.encoding import encode
from netcore.viz.theme import DARK, LIGHT, THEMES, Theme

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZE = (320, 180)
PAINTED_SECONDS = 5
OpenPage = Callable[..., "Page"]
pytestmark = pytest.mark.xdist_group("browser")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of each theme."""
    folder = tmp_path_factory.mktemp("player")
    out = {}
    for theme in THEMES.values():
        out[theme.name] = folder / f"{theme.name}.html"
        texts = {"title": "How <b>it</b> answers", "description": "A 7 & its </script> network."}
        encode(stepped_clip(SIZE), {"html": out[theme.name]}, FPS, hold=0, steps=STEPS, theme=theme, **texts)
    return out


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    with start_chromium() as browser:
        yield browser


@pytest.fixture
def open_page(chromium: "Browser", files: dict[str, Path]) -> Iterator[OpenPage]:
    """Open the player; afterwards nothing was asked from elsewhere, and nothing went wrong."""
    pages, requests, errors = [], [], []

    def opened(theme: str = "dark", paused: bool = True, path: Path | None = None, **settings: Any) -> "Page":
        page = chromium.new_page(**settings)
        pages.append(page)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((path or files[theme]).as_uri())
        wait_until(page, "clip.readyState >= 2")
        if paused:
            wait_until(page, "!clip.paused")
            page.keyboard.press("Space")
            page.keyboard.press("Home")
        return page

    yield opened
    for page in pages:
        page.close()
    assert errors == []
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []


def shown_number(page: "Page") -> int:
    """The number of the frame that can be seen."""
    picture = Image.open(io.BytesIO(page.locator("#clip").screenshot())).convert("RGB")
    return number_of(np.asarray(picture))


def check_shown(page: "Page", frame: int) -> None:
    """Compare the picture with the frame that the clip has sought; a busy machine paints it later."""
    wait_until(page, "!clip.seeking")
    end = time.monotonic() + PAINTED_SECONDS
    while (shown := shown_number(page)) != frame and time.monotonic() < end:
        page.wait_for_timeout(20)
    assert shown == frame


def wait_paused(page: "Page", frame: int) -> None:
    wait_until(page, f"clip.paused && player.dataset.frame === '{frame}'")


# ---- without a browser


def test_player_is_self_contained(files: dict[str, Path]) -> None:
    text = files["dark"].read_text()
    assert re.findall(r"(?:src|href)=|url\(|@import|https?:", text) == []
    assert "default-src 'none'" in text
    assert "How &lt;b&gt;it&lt;/b&gt; answers" in text
    assert text.count("</script>") == 3, "texts end no script"
    for step in STEPS:
        assert step.notes in text


def test_player_colors_are_themes(files: dict[str, Path]) -> None:
    for theme, other in ((DARK, LIGHT), (LIGHT, DARK)):
        text = files[theme.name].read_text()
        assert set(re.findall(r"#[0-9a-f]{6}\b", text)) <= set(vars(theme).values())
        assert other.background not in text


# ---- in a browser


def test_player_plays_by_itself(open_page: OpenPage) -> None:
    page = open_page(paused=False)
    wait_until(page, "Number(player.dataset.frame) > 8")
    assert page.evaluate("!clip.paused && clip.muted && clip.playsInline")
    wait_until(page, "clip.ended")
    assert page.evaluate("player.dataset.frame") == "39"
    check_shown(page, 31)


def test_player_seeks_exactly(open_page: OpenPage) -> None:
    page = open_page()
    picture_of = {k: step.settled if k >= step.settled else k for step in STEPS for k in range(step.start, step.end)}
    for frame in [*range(0, 40, 3), *range(39, 0, -7)]:
        page.locator("#position").evaluate("(e, k) => { e.value = k; e.dispatchEvent(new Event('input')); }", frame)
        check_shown(page, picture_of[frame])


def test_player_obeys_keys(open_page: OpenPage) -> None:
    page = open_page()
    pressed = [
        ("ArrowRight", 4), ("ArrowRight", 15), ("ArrowRight", 31), ("ArrowRight", 39), ("ArrowLeft", 31),
        ("Home", 0), ("End", 39), ("PageUp", 31), ("PageUp", 15), ("PageDown", 31),
    ]  # fmt: skip
    for key, frame in pressed:
        page.keyboard.press(key)
        assert page.evaluate("player.dataset.frame") == str(frame), key
        check_shown(page, min(frame, 31))
    page.keyboard.press("c")
    assert page.locator("#captions").get_attribute("aria-pressed") == "false"
    assert page.locator("#text").bounding_box()["width"] <= 1
    page.keyboard.press("f")
    wait_until(page, "document.fullscreenElement === player")
    page.keyboard.press("f")
    wait_until(page, "!document.fullscreenElement")


def test_player_obeys_buttons(open_page: OpenPage) -> None:
    page = open_page()
    page.click("#forward")
    check_shown(page, 4)
    page.click("#steps li:nth-child(3) button")
    check_shown(page, 31)
    assert page.inner_text("#caption") == "3 / 3 Prediction: 7 – “sure”"
    page.click("#back")
    check_shown(page, 15)
    page.select_option("#speed", "2")
    assert page.evaluate("clip.playbackRate") == 2
    page.evaluate("clip.addEventListener('play', () => { clip.label = play.getAttribute('aria-label'); })")
    page.click("#play")
    wait_until(page, "clip.label")
    assert page.evaluate("clip.label") == "Pause"
    page.click("#captions")
    assert not page.evaluate("text.offsetWidth > 1")
    page.click("#full")
    wait_until(page, "document.fullscreenElement === player")


def test_player_presents_step_by_step(open_page: OpenPage) -> None:
    page = open_page()
    page.keyboard.press("p")
    for key, frame in (("Space", 4), ("ArrowRight", 15), ("click", 31)):
        page.click("#clip") if key == "click" else page.keyboard.press(key)
        wait_until(page, "!clip.paused")
        wait_paused(page, frame)
        check_shown(page, frame)
    page.keyboard.press("ArrowLeft")
    wait_paused(page, 15)


def test_player_respects_reduced_motion(open_page: OpenPage) -> None:
    page = open_page(paused=False, reduced_motion="reduce")
    page.wait_for_timeout(400)
    assert page.evaluate("clip.paused")
    check_shown(page, STEPS[0].settled)
    page.keyboard.press("p")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("clip.paused")
    check_shown(page, STEPS[1].settled)


def test_player_is_read_aloud(open_page: OpenPage) -> None:
    page = open_page()
    tree = page.locator("main").aria_snapshot()
    for name in ("Step back", "Play", "Step forward", "Captions", "Present: stop at each step", "Full screen"):
        assert f'button "{name}"' in tree
    for step in STEPS:
        assert f'button "{step.caption}"' in tree
        assert step.notes in tree
    assert 'combobox "Speed"' in tree
    assert 'slider "Position"' in tree
    assert page.get_attribute("#position", "aria-valuetext") == f"Step 1 of 3: {STEPS[0].caption}"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#live") == f"Step 2 of 3: {STEPS[1].caption}."
    assert page.locator("[aria-current=step]").inner_text() == STEPS[1].caption


@pytest.mark.parametrize("theme", list(THEMES))
def test_player_has_no_accessibility_violations(open_page: OpenPage, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(open_page(theme)).response["violations"]
    assert [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found] == []


def test_player_names_step_under_pointer(open_page: OpenPage) -> None:
    page = open_page()
    box = page.locator("#bar").bounding_box()
    for step in STEPS:
        page.mouse.move(box["x"] + box["width"] * (step.start + 3) / 40, box["y"] + box["height"] / 2)
        assert page.inner_text("#tip").endswith(step.caption)
    assert page.locator("#tip").is_visible()


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_player_fits_screen(open_page: OpenPage, theme: Theme, size: tuple[int, int]) -> None:
    page = open_page(theme.name, viewport={"width": size[0], "height": size[1]})
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    for name in ("clip", "bar", "play", "full", "caption"):
        box = page.locator(f"#{name}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] + box["height"] <= size[1], f"{name} is below the first screen"
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    assert np.array_equal(picture[2, 2], (theme.rgb("background") * 255).round())


def test_player_without_steps(open_page: OpenPage, tmp_path: Path) -> None:
    path = tmp_path / "plain.html"
    encode(stepped_clip(SIZE)[:6], {"html": path}, FPS, title="A figure that moves")
    page = open_page(path=path)
    assert page.inner_text("#caption") == "1 / 1 A figure that moves"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("Number(player.dataset.frame)") == page.evaluate("Number(position.max)")
