"""The lab as a visitor uses it: in Chromium, from disk, without a server."""

import base64
import re

import numpy as np
import pytest
from browser import draw_three, open_file, start_chromium, wait_until
from figure_runs import make_run
from PIL import Image, ImageDraw
from scipy.special import softmax

from netcore.cli.main import main
from netcore.core.run import load_run
from netcore.core.sample import read_sample
from netcore.tracing.batch_inference import predict_batch
from netcore.tracing.tracer import trace
from netcore.web.lab_page import write_lab

LOGITS = "Array.from(netcoreLab.model.network.values.get('output'))"
PROBABILITIES = "Array.from(netcoreLab.model.network.probabilities)"


@pytest.fixture(scope="module")
def chromium():
    with start_chromium() as started:
        yield started


@pytest.fixture(scope="module")
def cnn(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs"), "made-cnn")


@pytest.fixture(scope="module")
def page(chromium, cnn, tmp_path_factory):
    """The page of a CNN, with the digit 3 drawn."""
    file = tmp_path_factory.mktemp("lab") / "lab.html"
    write_lab(file, [cnn])
    page, messages, requests = open_file(chromium, file, viewport={"width": 1280, "height": 800})
    page.messages, page.requests = messages, requests
    draw_three(page)
    wait_until(page, "!netcoreLab.model.isEmpty && netcoreLab.model.base")
    return page


@pytest.fixture
def browser(chromium):
    """A browser whose pages are closed after the test."""
    kept = list(chromium.contexts)
    yield chromium
    for context in chromium.contexts:
        if context not in kept:
            context.close()


@pytest.fixture(autouse=True)
def _fresh(request):
    """No edits and a drawing when a test begins."""
    if "page" in request.fixturenames:
        request.getfixturevalue("page").evaluate("netcoreLab.experiment.set([])")


def expected_probabilities(run):
    logits = predict_batch(run, run.snapshot(), run.examples().images)["logits"]
    return softmax(logits.astype(np.float64), axis=1)


@pytest.mark.parametrize(("half", "limit"), [(False, 1e-5), (True, 1e-3)])
def test_examples_match_predict(browser, cnn, tmp_path, half, limit):
    write_lab(tmp_path / "lab.html", [cnn], half=half)
    page, messages, requests = open_file(browser, tmp_path / "lab.html")
    wait_until(page, "netcoreLab.model.base")
    found = np.array(page.evaluate("Array.from(netcoreLab.model.base.probabilities)")).reshape(-1, 10)
    assert np.abs(found - expected_probabilities(cnn)).max() <= limit
    assert "Checked: on 40 examples" in page.inner_text("#self-check")
    assert ("float16" in page.inner_text("#self-check")) == half
    assert messages == []
    assert all(url.startswith(("file:", "blob:", "data:")) for url in requests)
    assert requests


def test_stroke_predicted_as_by_predict(page, cnn, tmp_path):
    with page.expect_download() as started:
        page.click("#save-drawing")
    started.value.save_as(tmp_path / "drawing.png")
    sample, _ = read_sample(tmp_path / "drawing.png")
    pixels = np.array(page.evaluate("Array.from(netcoreLab.pixels)"))
    assert np.abs(pixels - sample.pixels.ravel().astype(int)).max() <= 1
    traced = trace(cnn, cnn.snapshot(), sample.pixels)
    expected, logits = traced.probabilities, traced.logits
    assert np.abs(np.array(page.evaluate(PROBABILITIES)) - expected).max() <= 1e-5
    assert np.array(page.evaluate(LOGITS)) == pytest.approx(logits, abs=float(1e-5 * np.abs(logits).max()))
    predicted = str(expected.argmax())
    assert page.inner_text(".verdict strong") == predicted
    assert page.inner_text("#live").startswith(f"Predicted {predicted}, ")
    assert page.messages == []


def test_undo_and_clear_strokes(browser, page):
    count = page.evaluate("netcoreLab.pad.strokes.length")
    draw_three(page)
    assert page.evaluate("netcoreLab.pad.strokes.length") == count + 1
    page.click("#undo-stroke")
    assert page.evaluate("netcoreLab.pad.strokes.length") == count
    strokes = page.evaluate("netcoreLab.pad.strokes")
    page.click("#clear-pad")
    wait_until(page, "netcoreLab.model.isEmpty")
    assert "Nothing drawn yet." in page.inner_text("#answers")
    page.evaluate("(strokes) => netcoreLab.pad.setStrokes(strokes)", strokes)
    wait_until(page, "!netcoreLab.model.isEmpty")


def test_keyboard_draws_and_selects(page):
    strokes = page.evaluate("netcoreLab.pad.strokes")
    page.click("#clear-pad")
    page.focus("#pad")
    for key in ["Space", *["ArrowDown"] * 9, "Space"]:
        page.keyboard.press(key)
    wait_until(page, "!netcoreLab.model.isEmpty")
    page.focus("#network")
    for key in ("ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    assert page.inner_text("#network-live").startswith("convolution 1, map 2 of 8")
    page.keyboard.press("Enter")
    assert "map 2" in page.inner_text("#inspector h3")
    page.evaluate("(strokes) => netcoreLab.pad.setStrokes(strokes)", strokes)
    wait_until(page, "!netcoreLab.model.isEmpty")


def test_inspector_shows_pytorch_values(page, cnn):
    """The sum, bias, normalization and activation of a place in a map."""
    page.evaluate("netcoreLab.view.select(netcoreLab.view.plan.items[3], 5, [6, 7])")
    values = dict(
        zip(
            page.locator("#inspector .chain dt").all_inner_texts(),
            page.locator("#inspector .chain dd").all_inner_texts(),
            strict=True,
        )
    )
    found = {name.strip("→ +="): float(text.replace("−", "-")) for name, text in values.items()}
    pixels = np.array(page.evaluate("Array.from(netcoreLab.pixels)"), np.uint8).reshape(1, 28, 28)
    traced = trace(cnn, cnn.snapshot(), pixels)
    assert found["pre-activation"] == pytest.approx(traced["conv2"].output[5, 6, 7], rel=0.01, abs=0.006)
    assert found["bias"] == pytest.approx(traced["conv2"].bias[5], rel=0.01, abs=0.006)
    assert found["BN"] == pytest.approx(traced["norm2"].output[5, 6, 7], rel=0.01, abs=0.006)
    assert found["ReLU"] == pytest.approx(traced["act2"].output[5, 6, 7], rel=0.01, abs=0.006)
    assert found["sum of products"] + found["bias"] == pytest.approx(found["pre-activation"], abs=1e-9)
    assert "sum, bias, BN and ReLU give the value" in page.inner_text("#inspector .sum .note")
    sums = [float(t[2:].replace("−", "-")) for t in page.locator("#inspector .total").all_inner_texts()]
    more = float(re.search(r"more maps: ([+−][\d.]+)", page.inner_text("#inspector"))[1].replace("−", "-"))
    assert sum(sums) + more == pytest.approx(found["sum of products"], abs=0.05)


def test_line_of_chosen_place(page, cnn):
    """The line into a map stands for its sum at the chosen place: its sign is PyTorch's, at places of both signs."""
    pixels = np.array(page.evaluate("Array.from(netcoreLab.pixels)"), np.uint8).reshape(1, 28, 28)
    conv = trace(cnn, cnn.snapshot(), pixels)["conv1"]
    sums = conv.output[2] - (0 if conv.bias is None else conv.bias[2])
    page.evaluate("netcoreLab.view.setHover(null)")
    page.evaluate(
        "() => { const { view } = netcoreLab; const draw = view.drawLine; globalThis.drawn = [];"
        " view.drawLine = function (...given) { drawn.push(given[5]); return draw.apply(this, given); }; }"
    )
    for place in (np.unravel_index(sums.argmax(), sums.shape), np.unravel_index(sums.argmin(), sums.shape)):
        row, column = (int(v) for v in place)
        page.evaluate(f"drawn.length = 0; netcoreLab.view.select(netcoreLab.view.plan.items[1], 2, [{row}, {column}])")
        assert page.evaluate("drawn[0]") == np.sign(sums[place])
        words = page.inner_text("#network-hover")
        assert re.search(rf"inputs? at row {row + 1}, column {column + 1}\b", words)
    assert sums.min() < 0 < sums.max()
    page.evaluate("delete netcoreLab.view.drawLine")


EDITS = {
    "made-cnn": [
        "--off conv1:3 --off conv2:5", "--off hidden1:1 --off hidden1:2 --off hidden1:4",
        "--bias conv1:2=+0.5 --scale conv2:4=1.75",
        "--prune hidden1=0.5",
        "--noise conv2=0.3", "--temperature 2.5 --off output:3",
    ],
    "made-mlp": ["--off hidden1:3 --off hidden2:1", "--bias hidden1:1=-0.75 --noise hidden1=0.2 --prune hidden2=0.3"],
}  # fmt: skip


def to_edits(options):
    """The page's edits of options of `netcore edit`."""
    from netcore.analysis.unit_edits import parse_edit

    words = options.split()
    classes = {"output": "0123456789"}
    parsed = [parse_edit(kind[2:], text, classes=classes) for kind, text in zip(words[::2], words[1::2], strict=True)]
    return [{k: v for k, v in vars(edit).items() if v is not None} for edit in parsed]


@pytest.mark.parametrize(("name", "options"), [(name, o) for name, given in EDITS.items() for o in given])
def test_edits_match_edited_run(browser, page, tmp_path, name, options):
    run = make_run(tmp_path, name)
    assert main(["edit", str(run.path), *options.split(), "--name", "new", "--output-dir", str(tmp_path)]) == 0
    edited = load_run(tmp_path / "new")
    if name == "made-mlp":
        write_lab(tmp_path / "lab.html", [run])
        page = open_file(browser, tmp_path / "lab.html")[0]
        draw_three(page)
        wait_until(page, "!netcoreLab.model.isEmpty")
    page.evaluate("(edits) => netcoreLab.experiment.set(edits)", to_edits(options))
    pixels = np.array(page.evaluate("Array.from(netcoreLab.pixels)"), np.uint8).reshape(1, 28, 28)
    before = trace(run, run.snapshot(), pixels).logits
    expected = trace(edited, edited.snapshot(), pixels).logits
    found = np.array(page.evaluate(LOGITS)) / page.evaluate("netcoreLab.model.network.temperature")
    limit = 1e-5 * np.abs(before).max()
    assert np.abs(found - expected).max() <= limit
    assert np.abs(expected - before).max() > 20 * limit, "the edit changed nothing"
    assert options.replace("=+", "=") in page.inner_text("#edit-command").replace("=+", "=")
    wait_until(page, "netcoreLab.model.result.count === 40 && netcoreLab.model.result.id === netcoreLab.model.job")
    logits = predict_batch(edited, edited.snapshot(), run.examples().images)["logits"]
    right = (logits.argmax(1) == run.examples().labels).sum()
    assert page.evaluate("netcoreLab.model.result.right") == right
    assert page.evaluate("document.getElementById('accuracy-progress').value") == pytest.approx(right / 40)


def test_unit_switched_off_and_undone(page):
    item = "netcoreLab.view.plan.items[1]"
    x = f"{item}.x + {item}.inset + {item}.cellWidth * ((2 % {item}.perRow) + 0.5)"
    y = f"{item}.y + {item}.cellHeight * (Math.floor(2 / {item}.perRow) + 0.5)"
    page.click("#network", position={"x": page.evaluate(x), "y": page.evaluate(y)})
    assert "map 3" in page.inner_text("#inspector h3")
    before = page.evaluate(PROBABILITIES)
    page.click("#toggle-off")
    assert page.inner_text("#edit-list").startswith("conv1:3 off")
    assert page.evaluate("netcoreLab.model.network.values.get('act1').slice(2 * 784, 3 * 784).every((v) => v === 0)")
    assert page.evaluate(PROBABILITIES) != before
    page.click("#undo-edit")
    assert page.evaluate(PROBABILITIES) == before


def test_feedback_counted_and_downloaded(page, tmp_path):
    import zipfile

    draw_three(page)
    page.wait_for_selector("#feedback-buttons button")
    predicted = page.inner_text(".verdict strong")
    page.click("#feedback-buttons button:first-child")
    assert "1 of 1 right (100.0 %)" in page.inner_text("#feedback-count")
    with page.expect_download() as started:
        page.click("#save-feedback")
    started.value.save_as(tmp_path / "drawings.zip")
    with zipfile.ZipFile(tmp_path / "drawings.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"drawings/{predicted}/0000.png"]
        archive.extractall(tmp_path)
    pixels = read_sample(tmp_path / "drawings" / predicted / "0000.png")[0].pixels
    assert pixels.ravel().tolist() == page.evaluate("Array.from(netcoreLab.pixels)")


@pytest.fixture
def picture(tmp_path):
    """A digit 7 in dark ink on light paper, larger than the network's image."""
    drawn = Image.new("RGB", (160, 120), (250, 245, 235))
    ImageDraw.Draw(drawn).line([(50, 25), (105, 25), (70, 100)], fill=(20, 30, 60), width=11)
    drawn.save(tmp_path / "seven.png")
    return tmp_path / "seven.png"


def give_file(page, picture, event):
    """Let a file be dropped on the pad, or pasted."""
    content = base64.b64encode(picture.read_bytes()).decode()
    page.evaluate(
        """([content, event]) => {
            const data = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            data.items.add(new File([bytes], "seven.png", { type: "image/png" }));
            const pad = document.getElementById("pad");
            if (event === "drop") pad.dispatchEvent(new DragEvent("drop", { dataTransfer: data }));
            else document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
        }""",
        [content, event],
    )


@pytest.mark.parametrize("way", ["upload", "paste", "drop"])
def test_picture_file_prepared_as_predict(page, cnn, picture, way):
    strokes = page.evaluate("netcoreLab.pad.strokes")
    page.evaluate("netcoreLab.pad.clear()")
    wait_until(page, "netcoreLab.model.isEmpty")
    if way == "upload":
        page.click('[data-source="upload"]')
        page.set_input_files("#file-input", picture)
    else:
        give_file(page, picture, way)
    wait_until(page, "!netcoreLab.model.isEmpty && netcoreLab.pad.backdrop")
    expected = read_sample(picture, cnn.input_shape)[0].pixels
    pixels = np.array(page.evaluate("Array.from(netcoreLab.pixels)"))
    assert np.abs(pixels - expected.ravel()).max() <= 1
    page.evaluate("(strokes) => netcoreLab.pad.setStrokes(strokes)", strokes)
    wait_until(page, "!netcoreLab.model.isEmpty && !netcoreLab.pad.backdrop")


def test_file_that_is_no_picture_refused(page, tmp_path):
    (tmp_path / "notes.png").write_text("no picture", encoding="utf-8")
    before = page.evaluate("Array.from(netcoreLab.pixels)")
    page.set_input_files("#file-input", tmp_path / "notes.png")
    wait_until(page, "document.getElementById('live').textContent.startsWith('This file is not a picture')")
    assert page.evaluate("Array.from(netcoreLab.pixels)") == before
    assert page.inner_text("#seen-note").startswith("This file is not a picture")


def test_camera_picture_taken(page):
    strokes = page.evaluate("netcoreLab.pad.strokes")
    before = page.evaluate("Array.from(netcoreLab.pixels)")
    page.click('[data-source="camera"]')
    wait_until(page, "!document.getElementById('take-picture').disabled && netcoreLab.camera.video.videoWidth")
    page.click("#take-picture")
    wait_until(page, "netcoreLab.pad.backdrop")
    assert page.evaluate("Array.from(netcoreLab.pixels)") != before
    page.click('[data-source="examples"]')
    assert page.evaluate("netcoreLab.camera.stream === null"), "the camera stays on"
    page.evaluate("(strokes) => netcoreLab.pad.setStrokes(strokes)", strokes)
    wait_until(page, "!netcoreLab.model.isEmpty && !netcoreLab.pad.backdrop")


def test_example_chosen(page, cnn):
    strokes = page.evaluate("netcoreLab.pad.strokes")
    page.click('[data-source="examples"]')
    page.select_option("#example-filter", "7")
    page.click("#example-list button:first-child")
    wait_until(page, "netcoreLab.label === 7")
    index = int((cnn.examples().labels == 7).argmax())
    assert page.evaluate("Array.from(netcoreLab.pixels)") == cnn.examples().images[index].ravel().tolist()
    found = np.array(page.evaluate(PROBABILITIES))
    assert np.abs(found - expected_probabilities(cnn)[index]).max() <= 1e-5
    page.click('[data-source="draw"]')
    page.evaluate("(strokes) => netcoreLab.pad.setStrokes(strokes)", strokes)
    wait_until(page, "netcoreLab.label === null")


def test_several_networks_share_drawing(browser, cnn, tmp_path):
    mlp = make_run(tmp_path, "made-mlp")
    write_lab(tmp_path / "lab.html", [cnn, mlp], max_examples=10)
    page, messages, _ = open_file(browser, tmp_path / "lab.html")
    draw_three(page)
    wait_until(page, "!netcoreLab.model.isEmpty")
    pixels = np.array(page.evaluate("Array.from(netcoreLab.pixels)"), np.uint8).reshape(1, 28, 28)
    for i, run in enumerate((cnn, mlp)):
        found = np.array(page.evaluate(f"Array.from(netcoreLab.models[{i}].network.probabilities)"))
        assert np.abs(found - trace(run, run.snapshot(), pixels).probabilities).max() <= 1e-5
    wait_until(page, "netcoreLab.models.every((model) => model.difference !== undefined)")
    assert re.search(r"by at most \S+ \(made-cnn\), \S+ \(made-mlp\)\.", page.inner_text("#self-check"))
    page.click("#run-tabs button:last-child")
    assert page.inner_text("#run-title") == "made-mlp"
    page.evaluate("netcoreLab.view.select(netcoreLab.view.plan.items[1], 3)")
    widths = page.evaluate("Array.from(document.querySelectorAll('.bar'), (b) => [b.style.width, b.className])")
    values = [abs(float(t.replace("−", "-"))) for t in page.locator(".terms .number").all_inner_texts()]
    for (width, kind), value in zip(widths, values, strict=True):
        assert ("cut" in kind) == (value > values[0])
        assert float(width[:-1]) == pytest.approx(50 * min(1, value / values[0]), abs=1)
    assert messages == []


def test_runs_of_other_classes_refused(cnn, tmp_path, capsys):
    other = make_run(tmp_path, "hundred")
    assert main(["lab", str(cnn.path), str(other.path), "-o", str(tmp_path / "lab.html")]) == 2
    assert "must have the same input and classes" in capsys.readouterr().err
    assert not (tmp_path / "lab.html").exists()


@pytest.mark.parametrize("size", [pytest.param((1280, 800), marks=pytest.mark.slow), (390, 844)])
@pytest.mark.parametrize("scheme", [pytest.param("dark", marks=pytest.mark.slow), "light"])
def test_page_accessible_and_fits(browser, cnn, tmp_path, size, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    write_lab(tmp_path / "lab.html", [cnn], max_examples=20)
    viewport = {"width": size[0], "height": size[1]}
    page, _, _ = open_file(browser, tmp_path / "lab.html", viewport=viewport, color_scheme=scheme)
    draw_three(page)
    page.evaluate("netcoreLab.view.select(netcoreLab.view.plan.items[3], 5)")
    page.evaluate("netcoreLab.experiment.change('off', 'conv1', 1, 1, 0)")
    page.click('[data-source="examples"]')
    page.wait_for_selector("#example-list button")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    violations = axe.run(page).response["violations"]
    assert [(v["id"], [n["html"] for n in v["nodes"]][:2]) for v in violations] == []
