"""Figures of an evaluation show what scikit-learn and SciPy make of the stored logits."""

from collections.abc import Iterator

import numpy as np
import pytest
from figure_checks import (
    artist_center,
    caption_below,
    draw_figure,
    legend_colors,
    painted_strings,
    text_spots,
    texts_in_row,
    tile_center,
    title_above,
)
from figure_runs import ANSWERS, first_example_context, make_run
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import to_hex
from scipy.special import softmax
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

from netcore.analysis.metrics import calibration_bins, wilson_interval
from netcore.analysis.predictions import Predictions, stored_predictions
from netcore.core.context import SceneContext, read_digest
from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.formatting import format_percent, format_percent_points
from netcore.core.run import Run
from netcore.core.run_writer import RunWriter
from netcore.viz.colors import confusion_colors
from netcore.viz.mpl.image_grid import ImageGrid, PixelImage
from netcore.viz.theme import DARK
from netcore.viz.wording import prediction_lines

HELD_OUT = "1,000 held-out MNIST digits, best epoch (3), chosen on these images"
LETTERS = list("ABCDEFGHIJ")
RIGHT = np.diag([60, 11, 35, 48, 20, 27, 16, 52, 9, 40])
RIGHT_ELSEWHERE = np.diag([5, 14, 0, 30, 22, 8, 25, 3, 17, 12])


@pytest.fixture
def context(make_context, mlp_run):
    return make_context(mlp_run)


@pytest.fixture
def stored(context):
    found = context.evaluation()
    return found.logits, found.labels.astype(int), softmax(found.logits.astype(float), axis=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run of ten classes named by letters, to be given answers."""
    run = make_run(tmp_path_factory.mktemp("lettered"), "made-mlp")
    run.info["classes"] = LETTERS
    return run


@pytest.fixture(scope="module")
def hundred(tmp_path_factory):
    """A run of more classes than figures have room for."""
    return make_run(tmp_path_factory.mktemp("odd"), "hundred")


def with_confusions(right: np.ndarray, *pairs: tuple[str, str, int]) -> np.ndarray:
    """Right answers, and how often one letter was → another."""
    found = right.copy()
    for true, predicted, count in pairs:
        found[LETTERS.index(true), LETTERS.index(predicted)] = count
    return found


ONE = with_confusions(
    RIGHT, ("B", "D", 9), ("A", "C", 12), ("J", "E", 9), ("D", "B", 7), ("C", "A", 5), ("H", "I", 4), ("I", "H", 4),
    ("G", "J", 3), ("F", "A", 2), ("F", "E", 1), ("E", "F", 1), ("J", "A", 1),
)  # fmt: skip
TWO = with_confusions(RIGHT_ELSEWHERE, ("D", "C", 6), ("E", "J", 4), ("A", "J", 3), ("H", "A", 2))


def context_with_predictions(run: Run, **confusions: np.ndarray) -> SceneContext:
    """A case of the run with evaluations of which the confusion matrices are given."""
    run = Run(run.path, run.info | {"evaluations": {}})
    for name, confusion in confusions.items():
        rng = np.random.default_rng(len(name))
        pairs = np.repeat(np.stack(np.indices(confusion.shape), -1).reshape(-1, 2), confusion.ravel(), axis=0)
        labels, predicted = rng.permutation(pairs).T
        logits = rng.normal(0, 1, (len(labels), len(confusion)))
        logits[np.arange(len(predicted)), predicted] = logits.max(1) + rng.gamma(1.5, 1, len(predicted)) * (
            1 + (predicted == labels)
        )
        entry = RunWriter(run).add_arrays(f"evaluation/{name}.npz", logits=logits.astype(np.float32), labels=labels)
        run.info["evaluations"][name] = entry | {"snapshot": "epoch 1"}
    return first_example_context(run)


def wilson(right: float, of: float) -> tuple[float, float]:
    found = binomtest(int(right), int(of)).proportion_ci(method="wilson")
    return found.low, found.high


def range_of(right: float, of: float) -> str:
    low, high = wilson(right, of)
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def place(ax: Axes, x: float, y: float) -> tuple[float, float]:
    """A place in axes in pixels from the figure's top left corner."""
    across, up = ax.transData.transform((x, y))
    return float(across), float(ax.figure.bbox.height - up)


def below(fig, ax: Axes, count: int) -> list[str]:
    """The texts that stand below the places 0, 1, … of an axis."""
    foot = place(ax, 0, ax.get_ylim()[0])[1]
    return _nearest([s for s in text_spots(fig) if foot < s.y < foot + 100], ax, count)


def above(fig, ax: Axes, count: int) -> list[str]:
    """The texts that stand above the places 0, 1, … inside axes."""
    top, foot = (place(ax, 0, y)[1] for y in reversed(ax.get_ylim()))
    return _nearest([s for s in text_spots(fig) if top <= s.y < foot], ax, count)


def _nearest(texts: list, ax: Axes, count: int) -> list[str]:
    """The text at each place, the upper one of several; "" where there is none."""
    places = [place(ax, x, 0)[0] for x in range(count)]
    return [next((s.text for s in texts if abs(s.x - x) < 4), "") for x in places]


def beside(fig, heights: list[float], left: float = 0, right: float = np.inf) -> list[list[str]]:
    """The texts between left and right at each of these heights, from the left to the right."""
    texts = sorted((s for s in text_spots(fig) if left <= s.x <= right), key=lambda s: s.x)
    return [[s.text for s in texts if abs(s.y - y) <= 6] for y in heights]


def says_its_ticks(axis: Axis) -> bool:
    """Whether the labels of an axis of shares are its places in per cent."""
    labels = [text.get_text() for text in axis.get_ticklabels()]
    return len(labels) > 2 and labels == [f"{100 * x:.4g} %" for x in axis.get_majorticklocs()]


def dots_of_color(ax: Axes, color: str) -> np.ndarray:
    """The dots (x, y) of a colour, in the order of x and y."""
    lines = [line for line in ax.lines if line.get_marker() == "o" and to_hex(line.get_color()) == color]
    return np.array(sorted((line.get_xdata()[0], line.get_ydata()[0]) for line in lines))


def spans_of(ax: Axes, color: str, along: int) -> np.ndarray:
    """The spans of a colour along x (0) or y (1): place, low end, high end; in the order of the places."""
    found = []
    for line in ax.lines:
        if len(line.get_xdata()) == 2 and line.get_linestyle() == "-" and to_hex(line.get_color()) == color:
            ends, (here, there) = (line.get_data()[k] for k in (along, 1 - along))
            assert here == there
            found.append((here, *ends))
    return np.array(sorted(found))


# ---- confusion matrix


def matrix_of(fig) -> tuple[np.ndarray, np.ndarray]:
    """The counts that are written into the cells, by their places, and the colours (10, 10, 3) painted there."""
    (image,) = fig.findobj(PixelImage)
    counts, written = np.zeros((10, 10), int), text_spots(fig)
    fig.canvas.draw()
    sample = np.asarray(fig.canvas.buffer_rgba())
    colors = np.zeros((10, 10, 3))
    for r, c in np.ndindex(10, 10):
        x, y = place(image.axes, c, r)
        found = [s.text for s in written if abs(s.x - x) < 3 and abs(s.y - y) < 3]
        counts[r, c] = int(found[0]) if found else 0
        x, y = place(image.axes, c - 0.36, r - 0.36)  # beside the number
        colors[r, c] = sample[int(y), int(x), :3] / 255
    return counts, colors


def confused(confusion: np.ndarray, classes: list[str]) -> Iterator[tuple[str, int]]:
    """The confusions, the most frequent first."""
    pairs = [(int(n), *at) for at, n in np.ndenumerate(confusion) if n and at[0] != at[1]]
    for n, true, predicted in sorted(pairs, key=lambda pair: (-pair[0], *pair[1:])):
        yield f"{classes[true]} → {classes[predicted]}, {n} time{'s' * (n > 1)}", n


def facts_of(fig) -> list[str]:
    """The lines on the right of the matrix, under what they say."""
    head = next(s for s in text_spots(fig) if s.text == "Most frequent confusions")
    return [s.text for s in text_spots(fig) if abs(s.left - head.left) < 4 and s.y > head.y + 5]


def test_confusion_matrix_counts(context, stored) -> None:
    logits, labels, _ = stored
    predicted = logits.argmax(1)
    expected = confusion_matrix(labels, predicted, labels=range(10))
    fig, _, _ = draw_figure("confusion_matrix", context)
    assert np.array_equal(matrix_of(fig)[0], expected)
    right = accuracy_score(labels, predicted, normalize=False)
    assert {format_percent(right / 1000), f"95 % interval: {range_of(right, 1000)}"} <= set(painted_strings(fig))
    rows, pairs = facts_of(fig), list(confused(expected, context.classes))
    assert len(rows) == 8
    assert rows[:7] == [text for text, _ in pairs[:7]]
    assert rows[7] == f"{len(pairs) - 7} further pairs, up to {pairs[7][1]} each"


def test_confusion_matrix_axis_names(made) -> None:
    fig, _, _ = draw_figure("confusion_matrix", context_with_predictions(made, one=ONE, second=TWO), data="second")
    assert np.array_equal(matrix_of(fig)[0], TWO)
    (image,) = fig.findobj(PixelImage)
    left, right = (place(image.axes, x, 0)[0] for x in (-0.5, 9.5))
    assert beside(fig, [place(image.axes, 0, k)[1] for k in range(10)], 0, left) == [[letter] for letter in LETTERS]
    head, side = (next(s for s in text_spots(fig) if s.text == text) for text in ("predicted class →", "true class"))
    names = [s for s in text_spots(fig) if head.y < s.y < place(image.axes, 0, -0.5)[1] and left < s.x < right]
    assert [s.text for s in names] == LETTERS
    assert np.allclose([s.x for s in names], [place(image.axes, k, 0)[0] for k in range(10)], atol=2)
    assert side.right < left - 15
    assert abs(side.y - artist_center(image.axes)[1]) < 20
    right, of = np.trace(TWO), TWO.sum()
    assert {format_percent(right / of), f"95 % interval: {range_of(right, of)}"} <= set(painted_strings(fig))
    worst = format_percent(max(6 / TWO[3].sum(), 4 / TWO[4].sum(), 3 / TWO[0].sum(), 2 / TWO[7].sum()))
    assert f"{of} images of second, epoch 1 · full red: {worst} of a class" in painted_strings(fig)
    assert facts_of(fig) == [text for text, _ in confused(TWO, LETTERS)]  # all of them fit


@pytest.mark.parametrize("more", [0, 1])
def test_confusion_matrix_counts_omitted_pairs(made, more) -> None:
    pairs = [("A", "B", 7), ("B", "A", 6), ("C", "A", 6), ("A", "C", 5), ("J", "I", 4), ("I", "J", 3), ("D", "E", 2)]
    confusion = with_confusions(RIGHT, *pairs, ("E", "D", 1), *[("F", "D", 1)] * more)
    told = [f"{true} → {predicted}, {n} times" for true, predicted, n in (pairs[0], pairs[1], *pairs[2:])]
    fig, _, _ = draw_figure("confusion_matrix", context_with_predictions(made, one=confusion))
    assert facts_of(fig) == [*told, "2 further pairs, up to 1 each" if more else "E → D, 1 time"]


def test_confusion_matrix_shortens_class_names(made) -> None:
    context = context_with_predictions(made, one=with_confusions(RIGHT, ("A", "B", 5), ("B", "C", 1), ("C", "D", 4)))
    context._run.info["classes"] = ["aeroplane with a very long name", "automobile", "cat", "dog", *LETTERS[4:]]
    first, *others = facts_of(draw_figure("confusion_matrix", context).fig)
    true, predicted = first.removesuffix("…, 5 times").split("… → ")
    assert len(true) > 3 < len(predicted)
    assert context.classes[0].startswith(true)
    assert context.classes[1].startswith(predicted)
    assert others == ["cat → dog, 4 times", "automobile → cat, 1 time"]


def test_confusion_matrix_cell_colors(made, hundred) -> None:
    """Cells are coloured by their share of the true class."""
    share = ONE / ONE.sum(1, keepdims=True)
    fig, _, _ = draw_figure("confusion_matrix", context_with_predictions(made, one=ONE))
    counts, colors = matrix_of(fig)
    assert np.array_equal(counts, ONE)
    assert any(
        "full red: 45.0 % of a class" in text for text in painted_strings(fig)
    )  # 9 of 20, though 12 of another class
    assert are_colors_of(share, colors)
    fig, _, _ = draw_figure("confusion_matrix", first_example_context(hundred))
    (image,) = fig.findobj(PixelImage)
    found = first_example_context(hundred).evaluation()
    many = confusion_matrix(found.labels, found.logits.argmax(1), labels=range(100))
    assert are_colors_of(many / np.maximum(many.sum(1, keepdims=True), 1), image.get_array() / 255)


def test_confusion_colors() -> None:
    share = np.array([[0.7, 0.3, 0], [0.1, 0.85, 0.05], [0, 0.02, 0.98]])
    assert are_colors_of(share, confusion_colors(DARK, share))
    assert not are_colors_of(share, confusion_colors(DARK, share.T))


def are_colors_of(share: np.ndarray, colors: np.ndarray) -> bool:
    """Whether cells are the nearer to green (right, on the diagonal) or red (wrong, beside it) the larger they are."""
    right = np.eye(len(share), dtype=bool)
    found = []
    for cells, end in ((right, "correct"), (~right, "incorrect")):
        shares, order = np.sort(share[cells]), np.argsort(share[cells], kind="stable")
        away = np.linalg.norm(colors[cells] - DARK.rgb(end), axis=1)[order]
        less = away[shares < shares[-1] - 0.05]
        full = end == "incorrect" or shares[-1] > 0.95  # the worst mistake is red, however rare
        found += [(np.diff(away) < 0.006).all(), (less > away[-1] + 0.01).all(), away[-1] < 0.15 or not full]
        found += [away[0] > 0.25 or shares[0] > 0.3]
    return all(found)


def test_confusion_matrix_of_early_snapshots(context, stored) -> None:
    fig, update, _ = draw_figure("confusion_matrix", context)
    moments = context.snapshots
    examples = context.examples()
    for i in (0, 5, 8):
        update((i + 0.5) / (len(moments) + 1))
        predicted = context.predict_batch(examples.images, at=moments[i])["logits"].argmax(1)
        expected = confusion_matrix(examples.labels, predicted, labels=range(10))
        counts, colors = matrix_of(fig)
        assert np.array_equal(counts, expected)
        share = expected / expected.sum(1, keepdims=True)
        assert are_colors_of(share, colors)
        texts, right = painted_strings(fig), np.trace(expected)
        worst = format_percent((share - np.diag(np.diag(share))).max())
        assert f"500 example images · {moments[i].label} · full red: {worst} of a class" in texts
        assert {format_percent(right / 500), f"95 % interval: {range_of(right, 500)}"} <= set(texts)
        pairs = list(confused(expected, context.classes))
        whole = min(len(pairs), 8 if len(pairs) == 8 else 7)
        assert facts_of(fig)[:whole] == [text for text, _ in pairs[:whole]]
    update(1.0)
    logits, labels, _ = stored
    assert np.array_equal(matrix_of(fig)[0], confusion_matrix(labels, logits.argmax(1), labels=range(10)))
    assert any(text.startswith(HELD_OUT) for text in painted_strings(fig))


# ---- by class


def test_per_class_metrics(made) -> None:
    confusion = with_confusions(ONE, ("G", "J", 16))
    confusion[:, 6] = confusion[8] = 0  # no image is called G, and none is an I
    confusion[7] = confusion[:, 7] = 0  # H is in neither
    fig, _, _ = draw_figure("per_class", context_with_predictions(made, one=TWO, second=confusion), data="second")
    right, predicted, true = np.diag(confusion), confusion.sum(0), confusion.sum(1)
    shares = [[format_percent(r / n) if n else "–" for r, n in zip(right, of, strict=True)] for of in (predicted, true)]
    f1 = 2 * right[predicted + true > 0] / (predicted + true)[predicted + true > 0]
    scores = dict(zip(np.flatnonzero(predicted + true), f1, strict=True))
    ax = fig.axes[0]
    left, rows = place(ax, ax.get_xlim()[0], 0)[0], [place(ax, 0, k)[1] for k in range(10)]
    assert beside(fig, rows, 0, left) == [[letter] for letter in LETTERS]
    table = beside(fig, rows, place(ax, 1, 0)[0])
    texts = [f"{scores[k]:.3f}" if k in scores else "–" for k in range(10)]
    assert table == [list(row) for row in zip(*shares, texts, map(str, true), strict=True)]
    heads = texts_in_row(fig, next(s.y for s in text_spots(fig) if s.text == "class"))
    assert heads == ["class", "precision", "recall", "F1", "images"]
    assert legend_colors(fig) == {"precision": DARK.positive, "recall": DARK.negative}
    for color, of, shift in ((DARK.positive, predicted, -0.14), (DARK.negative, true, 0.14)):
        shown = np.flatnonzero(of)
        spans, dots = spans_of(ax, color, 0), dots_of_color(ax, color)
        assert np.allclose(spans, [(k + shift, *wilson(right[k], of[k])) for k in shown])
        assert np.allclose(dots[np.argsort(dots[:, 1])], [(right[k] / of[k], k + shift) for k in shown])
    assert says_its_ticks(ax.xaxis)
    assert f"{true.sum()} images of second, epoch 1 · mean F1 {f1.mean():.3f}" in painted_strings(fig)


def test_per_class_of_trained_network(context, stored) -> None:
    logits, labels, _ = stored
    predicted = logits.argmax(1)
    fig, _, _ = draw_figure("per_class", context)
    scores = [score(labels, predicted, average=None) for score in (precision_score, recall_score, f1_score)]
    lines = [[format_percent(p), format_percent(r), f"{f:.3f}", "100"] for p, r, f in zip(*scores, strict=True)]
    ax = fig.axes[0]
    assert beside(fig, [place(ax, 0, k)[1] for k in range(10)], place(ax, 1, 0)[0]) == lines


def test_per_class_shows_lowest_f1(hundred) -> None:
    context = first_example_context(hundred)
    found = context.evaluation()
    predicted = found.logits.argmax(1)
    f1 = f1_score(found.labels, predicted, average=None, labels=range(100), zero_division=np.nan)
    recall = recall_score(found.labels, predicted, average=None, labels=range(100), zero_division=np.nan)
    worst = np.sort(np.argsort(np.where(np.isnan(f1), 2, f1), kind="stable")[:12])
    fig, _, _ = draw_figure("per_class", context)
    ax = fig.axes[0]
    left, rows = place(ax, ax.get_xlim()[0], 0)[0], [place(ax, 0, k)[1] for k in range(12)]
    assert beside(fig, rows, 0, left) == [[f"class {k}"] for k in worst]
    assert [row[2] for row in beside(fig, rows, place(ax, 1, 0)[0])] == [f"{f1[k]:.3f}" for k in worst]
    dots = dots_of_color(ax, DARK.negative)
    rows_of = np.flatnonzero(~np.isnan(recall[worst]))
    assert np.allclose(dots[np.argsort(dots[:, 1])], [(recall[worst[row]], row + 0.14) for row in rows_of])
    (note,) = [text for text in painted_strings(fig) if "mean F1" in text]
    assert f"mean F1 {np.nanmean(f1):.3f} · 12 of 100 classes, lowest F1" in note


# ---- confidence


def test_confidence_reliability_diagram(context, stored) -> None:
    logits, labels, shares = stored
    right, sure = logits.argmax(1) == labels, shares.max(1)
    fig, _, _ = draw_figure("confidence", context)
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    left, histograms = fig.axes
    place_of = np.ceil(sure * 10).astype(int) - 1
    filled = np.unique(place_of)
    assert 0 < len(filled) < 10
    bars = [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in left.patches]
    expected = np.zeros(10)
    expected[filled] = accuracy
    assert np.allclose(bars, [(k / 10, 0.1, expected[k]) for k in range(10)])
    assert np.allclose(dots_of_color(left, DARK.foreground), np.stack([confidence, accuracy], 1))
    spans = [wilson(right[place_of == k].sum(), (place_of == k).sum()) for k in filled]
    assert np.allclose(
        spans_of(left, DARK.foreground, 1), [(c, *span) for c, span in zip(confidence, spans, strict=True)]
    )
    (diagonal,) = [line for line in left.lines if line.get_linestyle() == "--"]
    assert np.array_equal(diagonal.get_xydata(), [[0, 0], [1, 1]])
    assert {title_above(fig, left), title_above(fig, histograms)} == {"Accuracy", "Confidence"}
    assert title_above(fig, left) == "Accuracy"
    assert says_its_ticks(left.xaxis)
    assert says_its_ticks(left.yaxis)
    assert says_its_ticks(histograms.xaxis)
    error = np.average(np.abs(accuracy - confidence), weights=np.bincount(place_of)[filled])
    assert f"expected calibration error {format_percent(error)}" in painted_strings(fig)
    assert f"accuracy {format_percent(right.mean())} · {HELD_OUT}" in painted_strings(fig)
    assert any(f"mean {format_percent(sure.mean())}" in text for text in painted_strings(fig))


def test_confidence_histograms(made) -> None:
    context = context_with_predictions(made, one=ONE, second=TWO)
    found = context.evaluation("second")
    sure, right = softmax(found.logits.astype(float), axis=1).max(1), found.logits.argmax(1) == found.labels
    fig, _, _ = draw_figure("confidence", context, data="second")
    assert legend_colors(fig) == {"correct": DARK.correct, "misclassified": DARK.incorrect}
    ax = fig.axes[1]
    for color, which in ((DARK.correct, right), (DARK.incorrect, ~right)):
        stairs = [s for s in ax.patches if color in (to_hex(s.get_edgecolor()), to_hex(s.get_facecolor()))]
        assert len(stairs) == 2  # its outline and what it fills
        for values, edges, _ in (s.get_data() for s in stairs):
            assert np.allclose(edges, np.linspace(0, 1, 11))  # the bins of the diagram beside them
            places = np.ceil(sure[which] * 10).astype(int) - 1
            assert np.array_equal(values, np.bincount(places, minlength=10))
    assert [t.get_text() for t in ax.get_yticklabels()] == [f"{y:,.0f}" for y in ax.get_yticks()]
    texts = painted_strings(fig)
    assert any(f"accuracy {format_percent(right.mean())}" in text for text in texts)
    assert any(f"mean {format_percent(sure.mean())}" in text for text in texts)
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    assert np.allclose(dots_of_color(fig.axes[0], DARK.foreground), np.stack([confidence, accuracy], 1))
    weights = np.histogram(sure, np.linspace(0, 1, 11))[0]
    error = format_percent(np.average(np.abs(accuracy - confidence), weights=weights[weights > 0]))
    assert error != format_percent(abs(sure.mean() - right.mean()))
    assert f"expected calibration error {error}" in painted_strings(fig)


def test_calibration_bins_worked_example() -> None:
    shares = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.35, 0.65]])
    found = Predictions("made-up", shares, np.array([0, 1, 0, 1]))
    count, confidence, accuracy, error = calibration_bins(found.confidence, found.correct)
    assert list(count) == [0] * 6 + [2, 0, 0, 2]
    assert confidence[6] == pytest.approx(0.65)
    assert accuracy[9] == 0.5
    assert error == pytest.approx(0.5 * 0.45 + 0.5 * 0.35)


@pytest.mark.parametrize(("right", "of"), [(0, 10), (10, 10), (7, 9), (980, 1000)])
def test_wilson_interval_by_formula(right, of) -> None:
    z, p = 1.959963984540054, right / of
    middle = (p + z * z / 2 / of) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(p * (1 - p) / of + z * z / 4 / of**2)
    assert wilson_interval(right, of) == pytest.approx((max(0, middle - half), min(1, middle + half)), abs=1e-9)
    assert wilson_interval(0, 0) == (0, 1)


def test_predictions_description(context, mlp_run) -> None:
    assert Predictions("made-up", np.ones((1, 3)), np.zeros(1)).description == "1 image of made-up"
    assert Predictions("made-up", np.ones((2, 3)), np.zeros(2), "epoch 4").description == "2 images of made-up, epoch 4"
    assert stored_predictions(context).description == HELD_OUT
    info = mlp_run.info
    entry = info["evaluations"]["embedded"]
    other = {"usps": entry} | info["evaluations"]
    split, early = info["data"] | {"held_out_is": "validation split"}, {"embedded": entry | {"snapshot": "epoch 2"}}
    for change, words_of in (
        ({"data": split}, "1,000 held-out MNIST digits, epoch 3"),
        ({"evaluations": early}, "1,000 held-out MNIST digits, epoch 2"),
        ({"evaluations": early, "best": 250}, "1,000 held-out MNIST digits, best epoch (2), chosen on these images"),
        ({"evaluations": other}, "1,000 USPS digits, epoch 3"),
    ):
        assert stored_predictions(first_example_context(Run(mlp_run.path, info | change))).description == words_of


# ---- by data set


def columns_of(right: np.ndarray, of: np.ndarray) -> tuple[list, list]:
    """Where the dots and the intervals of a data set stand: all, and the classes that it has."""
    right, of = [right.sum(), *right], [of.sum(), *of]
    shown = [k for k in range(len(of)) if of[k]]
    return [(k, right[k] / of[k]) for k in shown], [(k, *wilson(right[k], of[k])) for k in shown]


def test_cross_dataset_accuracies(made) -> None:
    context = context_with_predictions(made, first=ONE, second=TWO)
    fig, _, _ = draw_figure("cross_dataset", context)
    (ax,) = fig.axes
    for name, confusion, color, shift in (
        ("first", ONE, DARK.positive, -0.11),
        ("second", TWO, DARK.negative, 0.11),
    ):
        dots, spans = columns_of(np.diag(confusion), confusion.sum(1))
        assert np.allclose(dots_of_color(ax, color), [(x + shift, y) for x, y in dots])
        assert np.allclose(spans_of(ax, color, 1), [(x + shift, *ends) for x, *ends in spans])
        (head,) = [s for s in text_spots(fig) if s.text == f"● {name}"]
        assert head.color == color
        right, of = np.trace(confusion), confusion.sum()
        told = [s.text for s in text_spots(fig) if abs(s.left - head.left) < 4 and 0 < s.y - head.y < 60]
        assert told == [f"{format_percent(right / of)} of {of}", range_of(right, of)]
    assert below(fig, ax, 11) == ["all", *LETTERS]
    assert says_its_ticks(ax.yaxis)
    assert any("95 % confidence intervals" in text for text in painted_strings(fig))


def test_cross_dataset_many_sets_classes(made, hundred) -> None:
    context = context_with_predictions(made, a=ONE, b=TWO, c=ONE + RIGHT, d=TWO.T, e=ONE.T)
    fig, _, _ = draw_figure("cross_dataset", context)
    assert [s.text for s in text_spots(fig) if s.text.startswith("●")] == ["● a", "● b", "● c", "● d"]
    assert any("4 of 5 data sets" in text for text in painted_strings(fig))
    for i, (color, confusion) in enumerate(
        zip((DARK.positive, DARK.negative, DARK.emphasis, DARK.correct), (ONE, TWO, ONE + RIGHT, TWO.T), strict=True)
    ):
        dots, _ = columns_of(np.diag(confusion), confusion.sum(1))
        assert np.allclose(dots_of_color(fig.axes[0], color), [(x + (i - 1.5) * 0.22, y) for x, y in dots])
    context = first_example_context(hundred)
    found = context.evaluation()
    right, of = np.zeros(100, int), np.bincount(found.labels, minlength=100)
    np.add.at(right, found.labels, found.logits.argmax(1) == found.labels)
    fig, _, _ = draw_figure("cross_dataset", context)
    dots = columns_of(right[:12], of[:12])[0][1:]
    assert np.allclose(dots_of_color(fig.axes[0], DARK.positive), [(0, right.sum() / ANSWERS), *dots])
    assert below(fig, fig.axes[0], 13) == ["all", *(f"class {k}" for k in range(12))]
    assert any("12 of 100 classes" in text for text in painted_strings(fig))


def test_predictions_reads_stale_after_evaluation(context, monkeypatch) -> None:
    draw_figure("cross_dataset", context)
    before = read_digest(context._run, "evaluations")
    assert "evaluations" in context.reads
    monkeypatch.setitem(context._run.info, "evaluations", context._run.info["evaluations"] | {"usps": {"sha256": "0"}})
    assert read_digest(context._run, "evaluations") != before


# ---- predicted classes


def test_prediction_distribution_counts(made) -> None:
    context = context_with_predictions(made, one=ONE, second=TWO)
    for name, confusion in (("", ONE), ("second", TWO)):
        fig, _, _ = draw_figure("prediction_distribution", context, data=name)
        (ax,) = fig.axes
        total = confusion.sum()
        inner, outlines = (
            [bar for bar in ax.patches if bool(bar.get_facecolor()[3]) == filled] for filled in (True, False)
        )
        for bars, axis in ((inner, 0), (outlines, 1)):
            assert np.allclose([bar.get_x() + bar.get_width() / 2 for bar in bars], range(10))
            assert np.allclose([bar.get_height() for bar in bars], confusion.sum(axis) / total)
        assert {to_hex(bar.get_facecolor()) for bar in inner} == {DARK.positive}
        assert {to_hex(bar.get_edgecolor()) for bar in outlines} == {DARK.emphasis}
        assert not ax.lines  # intervals are for what is not known
        assert legend_colors(fig) == {"predicted": DARK.positive, "true": DARK.emphasis}
        assert above(fig, ax, 10) == [str(n) for n in confusion.sum(0)]
        assert below(fig, ax, 10) == LETTERS
        assert says_its_ticks(ax.yaxis)
        assert {"Share of the images", "outlines: true classes"} <= set(painted_strings(fig))
        sure = softmax(context.evaluation(name or "one").logits.astype(float), axis=1).max(1).mean()
        note = f"{total} images of {name or 'one'}, epoch 1 · mean confidence {format_percent(sure)}"
        assert note in painted_strings(fig)


def test_prediction_distribution_without_labels(made) -> None:
    context = context_with_predictions(made, one=ONE)
    logits = np.random.default_rng(0).normal(0, 1, (70, 10)).astype(np.float32)
    predicted = np.bincount(logits.argmax(1), minlength=10)
    entry = RunWriter(context._run).add_arrays(
        "evaluation/kaggle-test.npz", logits=logits, labels=np.zeros(0, np.uint8)
    )
    context._run.info["unlabelled"] = {"kaggle-test": entry | {"snapshot": "epoch 2"}}
    fig, _, _ = draw_figure("prediction_distribution", context)
    (ax,) = fig.axes
    assert np.allclose([bar.get_height() for bar in ax.patches], predicted / 70)
    assert {to_hex(bar.get_facecolor()) for bar in ax.patches} == {DARK.positive}
    assert np.allclose(spans_of(ax, DARK.foreground, 1), [(x, *wilson(n, 70)) for x, n in enumerate(predicted)])
    assert above(fig, ax, 10) == [str(n) for n in predicted]
    assert below(fig, ax, 10) == LETTERS
    assert legend_colors(fig) == {"predicted": DARK.positive}
    assert any(text.startswith("70 images of kaggle-test, epoch 2 · mean") for text in painted_strings(fig))
    assert "vertical lines: 95 % confidence intervals" in painted_strings(fig)
    assert {"unlabelled", "evaluation:kaggle-test"} <= context.reads
    fig, _, _ = draw_figure("prediction_distribution", context, data="one")
    assert "true" in painted_strings(fig)
    assert "kaggle-test" not in context.evaluations  # nothing else takes it for an evaluation


def test_prediction_distribution_many_classes(hundred) -> None:
    context = first_example_context(hundred)
    found = context.evaluation()
    predicted = np.bincount(found.logits.argmax(1), minlength=100)
    most = np.sort(np.argsort(-predicted, kind="stable")[:20])
    fig, _, _ = draw_figure("prediction_distribution", context)
    (ax,) = fig.axes
    expected = [*predicted[most], *np.bincount(found.labels, minlength=100)[most]]
    assert np.allclose([bar.get_height() for bar in ax.patches], np.array(expected) / ANSWERS)
    assert below(fig, ax, 20) == [f"class {k}" for k in most]
    assert any("20 of 100 classes, most predicted" in text for text in painted_strings(fig))


# ---- mistakes


def frames_of(grid: ImageGrid) -> list[tuple[str, list]]:
    """Colours of the lines around images, and the images around which they are."""
    found = []
    for lines in grid.ax.collections:
        boxes = [path.get_extents() for path in lines.get_paths()]
        middles = [((b.x0 + b.x1) / 2, (b.y0 + b.y1) / 2) for b in boxes]
        found.append((to_hex(lines.get_edgecolor()[0]), [place(grid.ax, *xy) for xy in middles]))
    return found


def assert_mistakes(fig, grid: ImageGrid, images, labels, shares, classes: list[str], most: int, option: str) -> None:
    """The most confident ones are shown, each with predicted and true class and its number, in a red frame."""
    predicted, sure = shares.argmax(1), shares.max(1)
    wrong = np.flatnonzero(predicted != labels)
    order = wrong[np.argsort(-sure[wrong], kind="stable")][:most]
    assert len(grid.images()) == most
    for i, tile in enumerate(grid.images()):
        pixels = images[order[i]]
        assert np.allclose(tile, pixels[0] / 255 if len(pixels) == 1 else pixels.transpose(1, 2, 0))
        k = order[i]
        number = i if option == "--mistake" else k
        expected = prediction_lines(classes, predicted[k], sure[k], labels[k], number=number)
        assert caption_below(fig, grid, i, 3) == expected
    assert f"#: number for {option}" in painted_strings(fig)
    ((color, middles),) = frames_of(grid)
    assert color == DARK.incorrect
    assert np.allclose(sorted(middles), sorted(tile_center(grid, i)[:2] for i in range(most)), atol=1)


def test_misclassified_by_confidence(context, stored) -> None:
    logits, labels, shares = stored
    extra = context.evaluation().extra
    images = dict(zip(extra["mistake_index"], extra["mistake_images"], strict=True))
    wrong = (logits.argmax(1) != labels).sum()
    fig, _, (grid,) = draw_figure("misclassified", context, images=60)
    count = len(grid.images())
    assert_mistakes(fig, grid, images, labels, shares, context.classes, count, "--mistake")
    source = f"misclassified · {HELD_OUT}"
    assert 18 <= count < 60  # those that fit
    assert f"{count} of {wrong} {source}" in painted_strings(fig)
    fig, _, (grid,) = draw_figure("misclassified", context, images=6)
    assert_mistakes(fig, grid, images, labels, shares, context.classes, 6, "--mistake")
    lowest = max(tile_center(grid, i)[2] for i in range(6)) + 3 * 18
    assert lowest > 0.85 * fig.bbox.height  # six images use the frame too
    assert f"6 of {wrong} {source}" in painted_strings(fig)


def test_misclassified_without_evaluation_uses_examples(mlp_run, tmp_path) -> None:
    lettered = Run(mlp_run.path, mlp_run.info | {"evaluations": {}})
    for context in (first_example_context(lettered), first_example_context(make_run(tmp_path, "colour-mlp"))):
        examples = context.examples()
        shares = softmax(context.predict_batch(examples.images)["logits"].astype(float), axis=1)
        context._run.info["classes"] = LETTERS
        fig, _, (grid,) = draw_figure("misclassified", context, images=9)
        assert_mistakes(fig, grid, examples.images, examples.labels, shares, LETTERS, 9, "--index")
        wrong = (shares.argmax(1) != examples.labels).sum()
        note = f"9 of {wrong} misclassified · {len(examples.labels)} example images"
        assert note in painted_strings(fig)


def test_misclassified_without_errors(made) -> None:
    context = context_with_predictions(made, one=RIGHT)
    examples = context.examples()
    predicted = context.predict_batch(examples.images)["logits"].argmax(1)
    entry = RunWriter(context._run).add_arrays(
        "right.npz", images=examples.images, labels=predicted, index=examples.index
    )
    context._run.info["examples"] = entry
    fig, _, grids = draw_figure("misclassified", context)
    assert {"40 example images", "No image is misclassified."} < {*painted_strings(fig)}
    assert not grids


# ---- stability

PASSES = [0.95, 0.96, 0.94, 0.957, 0.951, 0.89]  # the last one is far from the others


def test_stability_accuracies(make_context, cnn_run, monkeypatch) -> None:
    context = make_context(cnn_run)
    monkeypatch.setitem(
        context._run.info, "stability", context.mc_dropout | {"accuracy": PASSES, "without_dropout": 0.97}
    )
    fig, _, _ = draw_figure("stability", context)
    left, box = fig.axes
    mean, deviation = np.mean(PASSES), np.std(PASSES, ddof=1)
    note = f"mean {format_percent(mean, 2)}, standard deviation {format_percent_points(deviation)}"
    assert f"6 passes over 1,000 MNIST digits · {note}" in painted_strings(fig)
    assert legend_colors(fig) == {"mean ± standard deviation": DARK.positive, "dropout off": DARK.emphasis}
    assert [title_above(fig, ax) for ax in (left, box)] == ["Accuracy by pass", "Spread"]
    (passes,) = [line for line in left.lines if len(line.get_xdata()) == 6]
    assert np.allclose(passes.get_xydata(), np.stack([range(1, 7), PASSES], 1))
    assert [place(left, *xy)[1] for xy in passes.get_xydata()] == [place(box, 1, y)[1] for y in PASSES]
    assert np.allclose(spans_of(left, DARK.positive, 0), [(mean, 0, 1)])  # across the axes
    (band,) = left.patches
    assert np.allclose(
        band.get_extents().transformed(left.transData.inverted()).intervaly, [mean - deviation, mean + deviation]
    )
    assert to_hex(band.get_facecolor()) == DARK.positive
    for ax in (left, box):
        (plain,) = [line for line in ax.lines if to_hex(line.get_color()) == DARK.emphasis]
        assert list(plain.get_ydata()) == [0.97, 0.97]
    assert says_its_ticks(left.yaxis)


def test_stability_box_quartiles(made) -> None:
    context = first_example_context(
        Run(made.path, made.info | {"stability": {"data": "x", "count": 9, "accuracy": PASSES}})
    )
    fig, _, _ = draw_figure("stability", context)
    assert legend_colors(fig) == {"mean ± standard deviation": DARK.positive}  # nothing known of dropout off
    box = fig.axes[1]
    low, median, high = np.percentile(PASSES, [25, 50, 75])
    (body,) = box.patches
    assert np.allclose([body.get_path().vertices[:, 1].min(), body.get_path().vertices[:, 1].max()], [low, high])
    inside = [y for y in PASSES if low - 1.5 * (high - low) <= y <= high + 1.5 * (high - low)]
    heights = sorted({round(float(y), 6) for line in box.lines for y in line.get_ydata()})
    outside = [y for y in PASSES if y not in inside]
    assert heights == sorted(
        {round(y, 6) for y in (min(inside), low, median, np.mean(PASSES), high, max(inside), *outside)}
    )
    (mean,) = [line for line in box.lines if line.get_markerfacecolor() == DARK.positive]
    assert np.allclose(mean.get_ydata(), np.mean(PASSES))


def test_stability_of_one_pass(make_context, cnn_run) -> None:
    context = make_context(cnn_run)
    fig = draw_figure("stability", context)[0]
    assert any("1 pass over 1,000 MNIST digits" in text for text in painted_strings(fig))
    assert not any("deviation" in text for text in painted_strings(fig))  # one pass tells of no spread
    assert not fig.axes[0].patches
    assert legend_colors(fig) == {"dropout off": DARK.emphasis}


def test_predictions_reject_unusable_evaluation(context, monkeypatch) -> None:
    found = context.evaluation()
    with pytest.raises(NetcoreError, match="no evaluation"):
        draw_figure("confusion_matrix", context, data="emnist-lettres")
    found.logits[3, 2] = np.nan
    monkeypatch.setattr(type(context), "evaluation", lambda self, name=None: found)
    with pytest.raises(RequirementError, match="NaN"):
        draw_figure("confusion_matrix", context)
