"""Learning: probabilities, losses, accuracies, counts and images are those of the snapshots."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from figure_runs import first_example_context, make_run
from film_checks import check_layout, play_film, smallest_text
from film_grid import FRAMES
from sklearn.metrics import confusion_matrix

from netcore.analysis import snapshot_predictions as analysis
from netcore.core.errors import RequirementError
from netcore.core.formatting import format_percent
from netcore.core.run import LabeledImages, Snapshot
from netcore.scenes.films.learning import Learning
from netcore.viz.film.components import confusion_grid, learning_curves
from netcore.viz.film.components import learning_wording as wording
from netcore.viz.film.components.class_shares import print_shares
from netcore.viz.theme import DARK, LIGHT

SIZE = (320, 180)


class Watched(Learning):
    """Copies what stands on screen at the end of each step."""

    def on_step_end(self, step):
        super().on_step_end(step)
        cells, charts = self.grid.cells, (self.charts.loss, self.charts.accuracy)
        self.seen = getattr(self, "seen", {}) | {
            step.name: SimpleNamespace(
                caption=step.caption, line=self.line.text, bars=self.shares.bars.values.copy(),
                percents=[m.text for m in self.shares.percents], counts=cells.values.copy(), rgb=np.array(cells.rgb),
                words=[chart.words.text for chart in charts], spots=[chart.cursor.centers[0] for chart in charts],
            )
        }  # fmt: skip


@pytest.fixture(scope="module", params=["mlp", pytest.param("cnn", marks=pytest.mark.slow)])
def context(request, make_context):
    return make_context(request.getfixturevalue(f"{request.param}_run"), at="last")


@pytest.fixture(scope="module")
def played(context):
    return play_film(Watched, context, fps=1, size=SIZE, draw=False)


@pytest.fixture(scope="module")
def logits(context):
    """Logits of the images at each snapshot, as PyTorch has them."""
    images = context.images().images
    return [torch.from_numpy(context.predict_batch(images, at=s)["logits"]) for s in context.snapshots]


def check_probabilities(film, context, logits):
    for name, at in (("start", "first"), ("training", "last")):
        p, seen = context.trace(at=at).probabilities, film.seen[name]
        np.testing.assert_allclose(seen.bars, p[film.shares.index], atol=1e-5)
        assert seen.percents == print_shares(seen.bars)
    assert film.seen["start"].percents[film.shares.true] in film.seen["start"].caption


def check_losses(film, context, logits):
    label = torch.tensor([context.sample.label])
    own = float(torch.nn.functional.cross_entropy(torch.from_numpy(context.trace(at="first").logits)[None], label))
    line = film.seen["loss"].line
    printed = re.findall(r"−ln ([0-9.]+) = ([0-9.]+)", line)
    assert [loss for _, loss in printed] == [f"{own:.2f}", f"{np.log(len(context.classes)):.2f}", "0"]
    assert [f"{-np.log(float(share)):.2f}" for share, _ in printed[:2]] == [loss for _, loss in printed[:2]]
    assert printed[0][1] in film.seen["loss"].caption
    labels = torch.from_numpy(context.images().labels)
    losses = torch.nn.functional.cross_entropy(logits[0], labels, reduction="none").numpy()
    np.testing.assert_allclose(film.dots.dots.values, losses, atol=1e-5)
    np.testing.assert_allclose(film.dots.goals[:, 1], film.dots.plot.at(0.5, losses)[:, 1], atol=1e-5)
    by_place = labels.numpy()[np.argsort(film.dots.goals[:, 0])]
    assert (np.diff(by_place) >= 0).all(), "dots of a class are side by side"
    dots, distance = film.dots, film.dots.plot.area.width / len(np.unique(labels))
    ticks = {m.text: m.get_center()[0] for m in dots.axes if getattr(m, "text", "") in context.classes}
    for k in np.unique(labels):
        off = np.abs(dots.goals[labels.numpy() == k, 0] - ticks[context.classes[k]])
        assert off.max() + learning_curves.SMALL_DOT < 0.5 * distance, "dots of a class are over its name"
    own = dots.own.centers[0, 0] - ticks[context.classes[context.sample.label]]
    assert abs(own) <= 0.38 * distance / max(1, (labels == context.sample.label).sum()) + 1e-9
    assert f"{losses.mean():.2f}" in film.seen["mean"].caption


def check_curves(film, context, logits):
    labels = torch.from_numpy(context.images().labels)
    for k, z in enumerate(logits):
        values = (torch.nn.functional.cross_entropy(z, labels), (z.argmax(1) == labels).float().mean())
        for chart, value in zip((film.charts.loss, film.charts.accuracy), values, strict=True):
            assert chart.at_snapshots[k] == pytest.approx(float(value), abs=1e-5)
            assert chart.cursor.spots[k, 1] == pytest.approx(float(chart.height_of(float(value))), abs=1e-5)
    assert film.seen["training"].words[1].endswith(format_percent(float(values[1])))
    assert film.seen["matrix"].words[0].startswith("untrained")


def check_counts(film, context, logits):
    labels = context.images().labels
    for name, z in (("matrix", logits[0]), ("diagonal", logits[-1])):
        counts = confusion_matrix(labels, z.argmax(1).numpy(), labels=range(10))
        np.testing.assert_array_equal(film.seen[name].counts, counts)
        shades = DARK.activation_colors(counts / counts.sum(1, keepdims=True))
        np.testing.assert_allclose(film.seen[name].rgb[0], shades)


def check_mistake(film, context, logits):
    images, z = context.images(), logits[-1]
    counts = confusion_matrix(images.labels, z.argmax(1).numpy(), labels=range(10))
    np.fill_diagonal(counts, 0)
    true, predicted = np.unravel_index(counts.argmax(), counts.shape)
    n, of = counts[true, predicted], (images.labels == true).sum()
    for text in (film.seen["confused"].caption, film.seen["takeaway"].caption):
        assert f"{true} answered {predicted}" in text
        assert f"{n} of {of}" in text
    p = z.softmax(1)[:, predicted].numpy()
    wrong = np.flatnonzero((images.labels == true) & (z.argmax(1).numpy() == predicted))
    best = wrong[np.argsort(-p[wrong], kind="stable")][:6]
    shown = film.mistakes
    assert [text.text for text in shown.texts] == [format_percent(v) for v in p[best]]
    np.testing.assert_allclose(shown.images.rgb, DARK.activation_colors(images.images[best, 0] / 255))


CHECKS = (check_probabilities, check_losses, check_curves, check_counts, check_mistake)


def check_all(film, context, logits):
    for check in CHECKS:
        check(film, context, logits)


@pytest.mark.parametrize("check", CHECKS)
def test_learning_film_shows_snapshots(check, played, context, logits):
    check(played.film, context, logits)


def test_learning_film_half_right(played, context, logits):
    """From the framed snapshot on, over half of the predictions are right, in the history too."""
    film, labels = played.film, torch.from_numpy(context.images().labels)
    rows = context.history["epochs"]
    low = [row["step"] for row in rows if row["val_accuracy"] <= 0.5]
    low += [
        s.step for s, z in zip(context.snapshots, logits, strict=True) if (z.argmax(1) == labels).sum() * 2 <= len(z)
    ]
    first = next(k for k, s in enumerate(context.snapshots) if s.step > max(low))
    assert film.axis.labels[first] in film.seen["half"].caption
    for spot, chart in zip(film.seen["half"].spots, (film.charts.loss, film.charts.accuracy), strict=True):
        np.testing.assert_allclose(spot, chart.cursor.spots[first])


def test_learning_film_answers_untrained(played, context, logits):
    """The caption has the most frequent answer, how often it came, and how often it was right."""
    answers, labels = logits[0].argmax(1).numpy(), context.images().labels
    top = np.bincount(answers).argmax()
    n, right = (answers == top).sum(), ((answers == top) & (labels == top)).sum()
    share = "all" if n == len(labels) else f"{n:,} of"
    caption = played.film.seen["answers"].caption
    assert caption.startswith(f"Untrained: {share} {len(labels):,} answered {top}")
    assert re.search(rf" {right}( of them)? correct$", caption)


def test_learning_film_labels_at_values(played):
    """Labels of the axes and of the even guess are as high as their values."""
    charts = played.film.charts
    for chart in (charts.loss, charts.accuracy):
        for value in (chart.low, chart.high):
            label = next(m for m in chart.texts if m.text == chart.form(value))
            assert label.get_center()[1] == pytest.approx(float(chart.height_of(value)))
    line, label = charts.even_line
    box, y = label.bounding_box(), float(charts.loss.height_of(np.log(10)))
    assert label.get_center()[1] == pytest.approx(y)
    spans = line.points[:, :2].reshape(-1, 2, 2)
    np.testing.assert_allclose(spans[:, :, 1].mean(1), y)
    assert all(b[0] < box[0] or a[0] > box[2] for a, b in spans), "the line does not cross its name"


def test_learning_film_names_time(played):
    """Each jump to another snapshot is in the caption; each word of the field is explained where it appears first."""
    film, seen = played.film, played.film.seen
    for name, k in (("start", 0), ("matrix", 0), ("diagonal", -1)):
        assert film.axis.labels[k] in seen[name].caption.lower()
        if name != "start":
            for chart, spot in zip((film.charts.loss, film.charts.accuracy), seen[name].spots, strict=True):
                np.testing.assert_allclose(spot, chart.cursor.spots[k])
    texts = [[m.text for m in moment if m.text] for moment in played.moments]
    assert any(text.startswith(f"{film.axis.unit}: one") or f"{film.axis.unit}: one" in text for text in texts[0])
    assert not [t for moment in texts for t in moment if "nats" in t or "held-out" in t]
    assert any("a snapshot: the weights saved" in text for text in texts[4])


def test_learning_film_rest_of_curve(played):
    """After the training step, the curve beyond the cursor stays as a faint line."""
    film = played.film
    for chart in (film.charts.loss, film.charts.accuracy):
        assert 0 < chart.curve.rest < 1


def test_learning_film_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(line) <= 50 for step in played.steps for line in step.caption.split(". "))


def _transposed(self):
    k = self.logits.shape[2]
    return np.stack([confusion_matrix(row, self.images.labels, labels=range(k)) for row in self.predictions])


def _last_class(self):
    return -self.log_probabilities[:, :, -1]


_show_cells = confusion_grid.TimedCells.show_snapshot
LIES = {
    "transposed": (analysis.SnapshotPredictions, "confusion", property(_transposed)),
    "loss of another class": (analysis.SnapshotPredictions, "losses", property(_last_class)),
    "stale cells": (confusion_grid.TimedCells, "show_snapshot", lambda self, k: _show_cells(self, 0)),
    "rounded loss": (learning_curves.TimeChart, "height_of", lambda self, v: np.round(np.asarray(v, float))),
    "wrong mistake": (
        analysis.SnapshotPredictions,
        "main_mistake",
        lambda self: analysis.Mistake(1, 2, np.arange(3), 9),
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_learning_film_lie_is_caught(lie, mlp_run, make_context, monkeypatch):
    context = make_context(mlp_run, at="last")
    images = context.images().images
    logits = [torch.from_numpy(context.predict_batch(images, at=s)["logits"]) for s in context.snapshots]
    monkeypatch.setattr(*LIES[lie])
    film = play_film(Watched, context, fps=1, size=SIZE, draw=False).film
    monkeypatch.undo()
    with pytest.raises(AssertionError):
        check_all(film, context, logits)


@pytest.mark.parametrize(("name", "frame"), [("rgb", "9:16"), ("hundred", "1:1"), ("colour-mlp", "4:3")])
def test_learning_film_any_network(name, frame, tmp_path):
    """Two snapshots, 2 to 100 classes, long names, colours, any shape of frame."""
    context = first_example_context(make_run(tmp_path, name))
    played = play_film(Learning, context, LIGHT, fps=1, size=FRAMES[frame], draw=False)
    check_layout(played)
    assert all(len(line) <= 50 for step in played.steps for line in step.caption.split(". "))
    rows = played.film.shares.rows
    np.testing.assert_allclose(rows.sum(1), 1.0)
    assert rows.shape[1] == min(len(context.classes), 10)


def test_learning_film_refusals(mlp_run, make_context):
    with pytest.raises(RequirementError, match="two are needed"):
        play_film(Learning, make_context(mlp_run, at="first"), fps=1, draw=False)
    context = make_context(mlp_run, at="last")
    context.sample_or_none = replace(context.sample, label=None)
    with pytest.raises(RequirementError, match="true class is known: use --digit"):
        play_film(Learning, context, fps=1, draw=False)


# ---- numbers


def test_lasting_half_needs_every_later_value():
    found = predictions([0, 1], [1, 0], [0, 1], [0, 1], [0, 1])
    steps = np.arange(4.0)
    assert analysis.lasting_half(found, (steps, found.accuracy)) == 1
    assert analysis.lasting_half(found, (np.insert(steps, 2, 1.5), np.insert(found.accuracy, 2, 0.5))) == 2
    assert analysis.lasting_half(found, (steps, np.array([1.0, 1.0, 1.0, 0.5]))) is None


@pytest.mark.parametrize(
    ("shares", "texts"),
    [
        ([0.10314, 0.10256, 0.0983], ["10.31 %", "10.26 %", "9.8 %"]),
        ([0.103141, 0.103139, 0.1026], ["10.3141 %", "10.3139 %", "10.26 %"]),
        ([0.5, 0.5], ["50.0 %", "50.0 %"]),
        ([0.6, 0.2, 0.2], ["60.0 %", "20.0 %", "20.0 %"]),
    ],
)
def test_print_shares_shows_the_leader(shares, texts):
    assert print_shares(np.array(shares)) == texts


def predictions(labels, *answers, classes=3, sure=4.0):
    logits = sure * np.eye(classes)[np.array(answers)]
    snapshots = tuple(Snapshot(float(k), k, "", str(k)) for k in range(len(answers)))
    images = np.zeros((len(labels), 1, 2, 2), np.uint8)
    return analysis.SnapshotPredictions(snapshots, LabeledImages("held_out", images, np.array(labels)), logits)


def test_slowest_classes_last_or_never():
    assert predictions([0, 1, 2], [0, 0, 0], [0, 1, 0], [0, 1, 2]).slowest_classes() == ([2], 2)
    assert predictions([0, 1, 2], [0, 0, 0], [0, 1, 0]).slowest_classes() == ([2], -1)
    assert predictions([0, 1], [0, 1], [0, 0]).slowest_classes() == ([], 0)


def test_main_mistake_none_without_errors():
    assert predictions([0, 1, 2], [0, 1, 2]).main_mistake() is None
    found = predictions([0, 0, 1], [0, 0, 1], [1, 1, 1]).main_mistake()
    assert (found.true, found.predicted, found.images.tolist(), found.of) == (0, 1, [0, 1], 2)


def history_context(train, **keys):
    rows = [{"step": k, "train_loss": v, "val_loss": 5.0, "val_accuracy": 0.5} for k, v in enumerate(train)]
    return SimpleNamespace(history={"epochs": rows}, held_out_count=2, **keys)


def test_rising_loss_needs_falling_training_loss():
    found = predictions([0, 1], [0, 1], [0, 2], [2, 2])
    rise = analysis.rising_loss(history_context([1.0, 0.5, 0.2]), found)
    assert (rise.index, rise.train) == (0, (1.0, 0.2))
    assert rise.held_out == (pytest.approx(found.loss[0]), pytest.approx(found.loss[-1]))
    assert analysis.rising_loss(history_context([0.1, 0.5, 0.2]), found) is None
    assert analysis.rising_loss(history_context([]), found) is None


def test_recorded_curves_join_history():
    found = predictions([0, 1], [0, 1], [0, 2])
    found = replace(found, snapshots=(found.snapshots[0], replace(found.snapshots[1], step=3)))
    (steps, loss), (_, accuracy) = analysis.recorded_curves(history_context([1.0] * 5), found)
    assert steps.tolist() == [0, 1, 2, 3]
    assert loss[1:3].tolist() == [5.0, 5.0]
    assert accuracy.tolist() == [1.0, 0.5, 0.5, 0.5]
    other = replace(found, images=replace(found.images, part="examples"))
    assert analysis.recorded_curves(history_context([1.0] * 5), other)[0][0].tolist() == [0, 3]


def test_predict_snapshots_limits_images(mlp_run, make_context):
    context = make_context(mlp_run, at="last")
    found = analysis.predict_snapshots(context, context.snapshots[:1], limit=7)
    total = len(context.images().labels)
    assert found.logits.shape[:2] == (1, 7)
    assert found.words.startswith(f"7 of {total}")


def test_half_note_names_the_answer():
    """The note says whether the image itself is answered right there."""
    found = predictions([0, 1, 2], [0, 0, 0], [0, 1, 2])
    for shares, text in (([0.2, 0.5, 0.3], "this 0 is still answered 1"), ([0.6, 0.1, 0.3], "this 0 is answered 0")):
        assert wording.half_note(found, 1, np.array(shares), 0, "012")[-1] == text


@pytest.mark.parametrize(
    ("labels", "answers", "text"),
    [
        ([0, 0, 0, 2, 2, 3, 3], [1, 1, 1, 3, 3, 2, 2], "both ways together: 2 and 3, 2 + 2 = 4"),
        ([0, 0, 1, 2, 3], [1, 1, 0, 3, 2], "framed: the largest cell off the diagonal, at 1"),
        ([0, 1], [0, 1], "at 1"),
    ],
)
def test_pair_note_counts_both_ways(labels, answers, text):
    assert wording.pair_note(predictions(labels, answers, classes=4), "0123", "1")[-1] == text
