"""The lesson of a run: its numbers beside PyTorch's, its page in Chromium."""

import re
import tempfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import start_chromium, wait_until
from figure_runs import make_run
from test_steps_encoded import FPS, STEPS, stepped_clip

from netcore.cli.main import main
from netcore.core.errors import NetcoreError
from netcore.models.loading import load_model
from netcore.rendering.encoding import encode
from netcore.web import lesson_page
from netcore.web.lesson_network import convolution_chapter, neuron_chapter, softmax_chapter
from netcore.web.lesson_optimizer import epochs_chapter, optimizer_chapter
from netcore.web.lesson_page import lesson_facts
from netcore.web.lesson_parts import image_uri
from netcore.web.lesson_training import backpropagation_chapter, gradient_chapter, loss_chapter, overfitting_chapter

pytestmark = pytest.mark.usefixtures("draw_in_process")


@pytest.fixture(scope="module", params=["made-mlp", "made-cnn"])
def facts(request, tmp_path_factory):
    run = make_run(tmp_path_factory.mktemp("runs"), request.param)
    run.info["settings"] = {"batch_size": 32, "epochs": 7, "optimizer": "sgd", "learning_rate": 0.05}
    return lesson_facts(run, run.snapshot("first"))


def to_number(text):
    return float(text.replace("−", "-").replace(",", ""))


def rows_of(chapter, caption):
    return next(part for part in chapter.parts if part.kind == "table" and caption in part.text).rows


def assert_shown(text, value):
    """The digits shown are those of the value."""
    decimals = len(text.partition(".")[2])
    assert abs(to_number(text) - value) <= 0.5001 * 10**-decimals + 1e-6 * abs(value)


def check_products(rows, count):
    """The printed factors of `count` rows give their printed products, and all these the printed sum."""
    for _, weight, value, product in rows[:count]:
        decimals = len(product.partition(".")[2])
        assert round(to_number(weight) * to_number(value), decimals) == to_number(product)
    assert sum(to_number(row[3]) for row in rows[:-1]) == pytest.approx(to_number(rows[-1][3]), abs=1e-9)


@pytest.mark.parametrize("make", [neuron_chapter, convolution_chapter])
def test_worked_sum_of_products(facts, make):
    chapter = make(facts)
    if chapter is None:
        assert not facts.layers_of("Conv2d")
        return
    rows = rows_of(chapter, "products")
    check_products(rows, 4)
    layer = facts.layers_of("Linear" if make is neuron_chapter else "Conv2d")[0]
    assert_shown(rows[-1][3], float(layer.output.max()))


def test_softmax_and_loss(facts):
    module = load_model(facts.run, facts.snapshot)
    x = (torch.from_numpy(facts.trace.pixels[None]).float() / 255 - 0.5) / 0.25
    logits = module(x)[0].detach().double()
    probabilities = logits.softmax(0)
    rows = rows_of(softmax_chapter(facts), "Logits")
    top, total = max(to_number(row[1]) for row in rows), sum(to_number(row[2]) for row in rows)
    for name, logit, power, probability in rows:
        assert_shown(power, np.exp(to_number(logit) - top))
        assert_shown(probability, to_number(power) / total)
        assert_shown(logit, float(logits[int(name)]))
        assert_shown(power, float((logits[int(name)] - logits.max()).exp()))
        assert_shown(probability, float(probabilities[int(name)]))
    formula = next(part.text for part in loss_chapter(facts).parts if part.kind == "formula")
    shown = re.findall(r"<mn>([^<]+)</mn>", formula)
    assert_shown(shown[-1], -float(probabilities[facts.label].log()))
    assert_shown(shown[-1], -np.log(float(shown[-2])))


def test_gradients_are_autograds(facts):
    module = load_model(facts.run, facts.snapshot)
    x = (torch.from_numpy(facts.trace.pixels[None]).float() / 255 - 0.5) / 0.25
    logits = module(x)
    logits.retain_grad()
    torch.nn.functional.cross_entropy(logits, torch.tensor([facts.label])).backward()
    assert logits.grad is not None
    for name, probability, true, gradient in rows_of(gradient_chapter(facts), "Gradient"):
        assert_shown(gradient, to_number(probability) - int(true))
        assert true == str(int(int(name) == facts.label))
        assert_shown(gradient, float(logits.grad[0, int(name)]))
    weight = module.output.weight.detach()
    total = (weight * logits.grad[0][:, None]).sum(0)
    rows = rows_of(backpropagation_chapter(facts), "Ways")
    assert_shown(rows[-1][3], float(total[total.abs().argmax()]))
    check_products(rows, 5)
    one, other, product = re.findall(r"<mn>([\d.]+)</mn>", gradient_chapter(facts).parts[-2].text)[-3:]
    assert float(product) == pytest.approx(float(one) * float(other), abs=0.501 * 10 ** -len(product.partition(".")[2]))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_optimizer_step_is_torchs(facts, name):
    facts.run.info["settings"]["optimizer"] = name
    module = load_model(facts.run, facts.snapshot)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[name]
    optimizer = kind(module.parameters(), lr=0.05)
    x = (torch.from_numpy(facts.trace.pixels[None]).float() / 255 - 0.5) / 0.25
    module.zero_grad()
    torch.nn.functional.cross_entropy(module(x), torch.tensor([facts.label])).backward()
    gradient = module.output.weight.grad[facts.label]
    optimizer.step()
    after = float(module.output.weight[facts.label, gradient.abs().argmax()])
    module.load_state_dict(before)
    parts = optimizer_chapter(facts).parts
    shown = re.findall(r"<mn>([\d.]+)</mn>", parts[-1].text)[-1] if name == "sgd" else None
    text = shown or re.search(r", to ([−\d.]+)\.$", parts[-2].text)[1].lstrip("−")
    assert_shown(text, abs(after))


def test_epochs_and_overfitting_counted(facts):
    text = " ".join(part.text for part in epochs_chapter(facts).parts)
    assert "<mn>32</mn>" in text  # steps per epoch: 1,000 images in batches of 32
    assert "<mn>224</mn>" in text
    assert rows_of(overfitting_chapter(facts), "Accuracy")[-1][2:] == ("50.0 %", "40.0 %")


def test_losses_and_gap_named(facts):
    history = {
        "steps": [{"step": s, "loss": v} for s, v in ((1, 2.312), (30, 0.5), (40, 0.093))],
        "epochs": [{"epoch": 1, "step": 32, "train_accuracy": 0.881, "val_accuracy": 0.898}],
    }
    settings = {"architecture": {"dropout": 0.4}, "augment": {"rotate": 10.0}}
    run = type(facts.run)(facts.run.path, {**facts.run.info, "history": history, "settings": settings})
    text = " ".join(part.text for part in loss_chapter(replace(facts, run=run)).parts)
    assert "was 2.312 on the batch of step 1, and 0.093 on average over the batches 33 to 40," in text
    text = " ".join(part.text for part in overfitting_chapter(replace(facts, run=run)).parts)
    assert "1.7 percentage points worse on the training images" in text
    assert "dropout, which switches neurons off" in text


def test_missing_settings_leave_chapters_out(facts):
    run = replace(facts, run=type(facts.run)(facts.run.path, {**facts.run.info, "settings": {}}))
    assert optimizer_chapter(run) is None
    assert epochs_chapter(run) is None


def test_example_out_of_range(facts):
    with pytest.raises(NetcoreError, match="examples are from 0 to 39"):
        lesson_facts(facts.run, facts.snapshot, 40)


class Tags(HTMLParser):
    """Elements of a page that are open at its end, and addresses that it names."""

    VOID = ("meta", "img", "br", "input", "link")

    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.count = [], [], 0

    def handle_starttag(self, tag, attrs):
        self.count += tag == "math"
        self.addresses += [value for key, value in attrs if key in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_lesson_page_self_contained(facts, tmp_path, capsys):
    args = ["lesson", str(facts.run.path), "--no-renders", "-o", str(tmp_path / "lesson.html")]
    assert main(args) == 0
    assert "lesson.html" in capsys.readouterr().out
    tags = Tags()
    tags.feed((tmp_path / "lesson.html").read_text(encoding="utf-8"))
    assert tags.open == []
    assert tags.count >= 5
    assert all(address.startswith(("#", "data:")) for address in tags.addresses)


def add_toy_film(chapters, *_):
    """Add the player of a small clip where the films of a lesson are."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "film.html"
        encode(stepped_clip((320, 180)), {"html": file}, FPS, hold=0, steps=STEPS, title="Toy")
        page = file.read_text(encoding="utf-8")
    steps = [(step.caption, step.notes) for step in STEPS]
    chapters[2].add_player(page, "Toy", "A toy film", image_uri(np.zeros((1, 4, 4), np.uint8)), steps)


def check_film(page):
    """The film of a page stops at each step, obeys keys, and is replaced by its storyboard on paper."""
    frame = next(f for f in page.frames if f != page.main_frame)
    shown = [step.settled for step in STEPS]
    wait_until(frame, f"clip.readyState >= 2 && clip.paused && player.dataset.frame === '{shown[0]}'")
    frame.focus("#play")
    page.keyboard.press("ArrowRight")
    wait_until(frame, f"clip.paused && player.dataset.frame === '{shown[1]}'")
    assert frame.inner_text("#words") == STEPS[1].caption
    assert frame.evaluate("document.documentElement.scrollHeight <= innerHeight + 1"), "a part is cut off"
    page.click(".film summary")
    assert all(step.caption in page.inner_text(".film ol") for step in STEPS)
    assert not page.is_visible(".poster")
    page.emulate_media(media="print")
    assert page.is_visible(".poster")
    assert not page.is_visible("iframe")
    page.emulate_media(media="screen")


@pytest.mark.parametrize("facts", ["made-cnn"], indirect=True)
def test_lesson_readable_in_browser(facts, tmp_path, monkeypatch):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    monkeypatch.setattr(lesson_page, "add_renders", add_toy_film)
    lesson_page.write_lesson(tmp_path / "lesson.html", facts.run)
    with start_chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        messages = []
        page.on("console", lambda message: messages.append(message.text))
        page.goto((tmp_path / "lesson.html").as_uri())
        page.click("summary >> nth=0")
        assert page.locator("details[open] p").first.is_visible()
        heights = page.evaluate("[...document.querySelectorAll('math')].map((m) => m.getBoundingClientRect().height)")
        assert np.min(heights) > 8
        check_film(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert messages == []
        assert [violation["id"] for violation in axe.run(page).response["violations"]] == []


@pytest.mark.slow
def test_lesson_has_films_and_figures(facts, tmp_path):
    lesson_page.write_lesson(tmp_path / "lesson.html", facts.run)
    text = (tmp_path / "lesson.html").read_text(encoding="utf-8")
    films = set(re.findall(r'title="Film: ([^"]+)"', text))
    assert {"Softmax and cross-entropy", "Backpropagation"} <= films
    assert ("Convolution" in films) == bool(facts.layers_of("Conv2d"))
    assert text.count('class="poster"') == len(films)
    assert text.count("<source media") == 2
