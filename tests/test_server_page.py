"""The server's pages as a visitor uses them, in Chromium."""

import io
import itertools
from concurrent.futures import Future

import numpy as np
import pytest
from browser import draw_three, open_file, start_chromium, wait_until
from figure_runs import make_run
from lab_servers import serve_lab
from PIL import Image
from test_lesson import add_toy_film, check_film

from netcore.web import lesson_page
from netcore.web.lab_page import write_lab

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser():
    with start_chromium() as started:
        yield started


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs"), "made-mlp")


@pytest.fixture(scope="module")
def served(run, tmp_path_factory):
    """Address, and what the server consists of; its clips are small."""
    clip_queue = pytest.importorskip("netcore.web.server.clip_queue", exc_type=ImportError)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clip_queue, "SIZE", (256, 144))
        patch.setattr(clip_queue, "FPS", 10.0)
        with serve_lab([run], tmp_path_factory.mktemp("server")) as found:
            yield found


def open_page(browser, served, path, **context):
    """A page of the server; whatever it asks for is the server's."""
    page = browser.new_context(reduced_motion="reduce", **context).new_page()
    page.problems = []
    page.on("console", lambda message: page.problems.append(message.text))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda r: r.url.startswith((served[0], "blob:", "data:")) or page.problems.append(r.url))
    page.goto(served[0] + path)
    page.wait_for_selector("html[data-ready]")
    return page


@pytest.fixture(scope="module")
def lab(browser, served):
    """The lab with the digit 3 drawn."""
    page = open_page(browser, served, "/", viewport={"width": 1280, "height": 900}, color_scheme="dark")
    draw_three(page)
    wait_until(page, "!netcoreLab.model.isEmpty && netcoreLab.check.count")
    return page


def test_drawing_checked_by_server(lab):
    wait_until(lab, "!netcoreLab.check.sent && !netcoreLab.check.waiting")
    assert lab.evaluate("netcoreLab.check.difference") <= 1e-5
    assert lab.inner_text("#server-check").startswith("PyTorch on the server computes the same for this drawing")
    lab.evaluate("netcoreLab.model.network.probabilities[3] += 0.01; netcoreLab.check.classified(netcoreLab.pixels)")
    wait_until(lab, "netcoreLab.check.difference > 0.005")
    assert lab.inner_text("#server-check").startswith("Warning: for this drawing PyTorch on the server computes other")
    lab.evaluate("netcoreLab.update(false)")
    assert lab.problems == []


def test_answer_stored_on_server(lab, served, run):
    lab.click("#feedback-buttons button:first-child")
    wait_until(lab, "document.getElementById('feedback-shared').textContent")
    assert lab.inner_text("#feedback-shared") == "Stored. All visitors: 1 of 1 right (100.0 %)."
    (answer,) = served[1].store.answers()
    assert answer.pixels.ravel().tolist() == lab.evaluate("Array.from(netcoreLab.pixels)")
    assert run.classes[answer.label] == lab.inner_text(".verdict strong")


def test_clip_rendered_and_downloaded(lab, served, tmp_path):
    lab.evaluate("document.getElementById('clip-film').value = 'forward-propagation'")
    lab.click("#make-clip")
    assert lab.is_visible("#cancel-clip")
    wait_until(lab, "!netcoreLab.clip.clip", 150)
    assert lab.inner_text("#clip-note") == "Done"
    with lab.expect_download() as started:
        lab.click("#clip-result a")
    started.value.save_as(tmp_path / "clip.gif")
    assert started.value.suggested_filename == "forward-propagation.gif"
    clip = Image.open(tmp_path / "clip.gif")
    assert (clip.size, clip.n_frames > 5) == ((256, 144), True)
    assert lab.evaluate("document.querySelector('#clip-result img').naturalWidth") == 256
    assert lab.get_attribute("#clip-result img", "alt")
    (kept,) = served[1].clips._clips.values()
    assert (kept.frames > 0, kept.total, kept.theme) == (True, kept.frames, "dark")
    assert kept.pixels.ravel().tolist() == lab.evaluate("Array.from(netcoreLab.pixels)")


def test_changes_offered_as_run(lab, served):
    lab.evaluate("netcoreLab.view.select(netcoreLab.view.plan.items[1], 2)")
    lab.click("#toggle-off")
    assert lab.input_value("#save-name") == "made-mlp-edited"
    assert lab.is_visible("#clip-edited")
    lab.fill("#save-name", "../elsewhere")
    lab.click("#save-run-button")
    wait_until(lab, "document.getElementById('save-note').textContent.startsWith('Not saved')")
    lab.click("#undo-edit")
    assert not lab.is_visible("#save-run")


def test_lesson_served_with_films(browser, served, run, tmp_path, monkeypatch):
    written = Future()
    monkeypatch.setattr(lesson_page, "add_renders", add_toy_film)
    lesson_page.write_lesson(tmp_path / "lesson.html", run)
    written.set_result((tmp_path / "lesson.html").read_text(encoding="utf-8"))
    monkeypatch.setattr(served[1].lesson_worker, "submit", lambda *_: written)
    page = browser.new_page()
    problems = []
    page.on("console", lambda message: problems.append(message.text))
    answer = page.goto(served[0] + "/lesson")
    assert answer.headers["content-security-policy"] == "frame-ancestors 'none'"
    check_film(page)
    assert problems == []


@pytest.mark.slow
def test_dashboard_steps_for_each_viewer(browser, served, run):
    viewers = [open_page(browser, served, "/dashboard", color_scheme=scheme) for scheme in ("light", "dark")]
    first = viewers[0].evaluate("document.getElementById('frame').src")
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft"):
        viewers[0].keyboard.press(key)
    wait_until(viewers[0], "document.getElementById('position').value === '2'")
    assert viewers[0].evaluate("document.getElementById('frame').src") != first
    rows = viewers[0].evaluate("netcoreDashboard.images")
    assert viewers[0].inner_text("#words").startswith(f"Image 2 of 40: predicted {rows[1]['predicted']} with ")
    assert viewers[1].evaluate("netcoreDashboard.at") == 0
    viewers[1].evaluate("document.getElementById('speed').value = 2; document.getElementById('play').click()")
    wait_until(viewers[1], "netcoreDashboard.at >= 2")
    viewers[1].click("#play")
    wait_until(viewers[1], "!netcoreDashboard.playing")
    shown = [Image.open(io.BytesIO(served[1].dashboard(run.name).frame(1, theme))) for theme in ("light", "dark")]
    assert np.asarray(shown[0]).mean() > 150 > np.asarray(shown[1]).mean()
    assert list(itertools.chain(*(page.problems for page in viewers))) == []


def test_dashboard_says_what_is_missing(browser, served, run):
    page = browser.new_context(reduced_motion="reduce").new_page()
    page.route("**/api/dashboard/*/0/*", lambda route: None)  # the first frame never comes
    page.goto(served[0] + "/dashboard")
    wait_until(page, "document.getElementById('count').textContent")
    assert (page.inner_text("#frame-note"), page.inner_text("#count")) == ("loading…", "1 of 40")
    page.unroute("**/api/dashboard/*/0/*")
    page.route("**/api/dashboard/*/0/*", lambda route: route.fulfill(status=500, json={"detail": "no picture"}))
    page.reload()
    wait_until(page, "document.getElementById('frame-note').textContent !== 'loading…'")
    assert page.inner_text("#frame-note") == "The server does not send the frame: no picture."


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/dashboard"])
def test_server_pages_accessible_and_fit(browser, served, path):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(browser, served, path, viewport=PHONE)
    if path == "/":
        draw_three(page)
        page.evaluate("netcoreLab.experiment.change('off', 'hidden1', 1, 1, 0)")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    violations = axe.run(page).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]][:2]) for v in violations] == []


def test_page_without_server_shows_command(browser, run, tmp_path):
    write_lab(tmp_path / "lab.html", [run], max_examples=0)
    page, messages, _ = open_file(browser, tmp_path / "lab.html")
    page.select_option("#clip-format", "mp4")
    film = page.evaluate("document.getElementById('clip-film').value")
    command = f"netcore render {film} --run made-mlp --image drawing.png -f mp4"
    assert page.inner_text("#clip-command") == command
    assert [page.is_visible(f"#{name}") for name in ("make-clip", "save-run", "clip-save-drawing")] == [
        False,
        False,
        True,
    ]
    assert messages == []
