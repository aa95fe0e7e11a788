"""Data flow: boxes, shapes, counts and bars are the network's; any network fits into the frame."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from film_checks import check_layout, module_context, play_film, smallest_text
from networks import EncoderViT, SkipCNN, UsedTwice, resnet
from sampling import sampled
from torch import nn

from netcore.analysis import data_stages as stages_module
from netcore.core.errors import RequirementError
from netcore.scenes.films.data_flow import DataFlowFilm
from netcore.viz.film.components import data_box, data_wording
from netcore.viz.film.text import TextLine
from netcore.viz.theme import DARK, LIGHT

DIGITS = [str(k) for k in range(10)]
TITLES = ["image", "conv 1", "pool 1", "conv 2", "pool 2", "flatten", "hidden", "output"]
NODES = ["act1", "pool1", "act2", "pool2", "flatten", "hidden1_drop", "output"]
NUMBERS = {"parameters": 0, "block-3": 2, "block-6": 5, "block-7": 6}
PARAMETERS = [384, 0, 18_624, 0, 0, 1_003_840, 3_210]


class Watched(DataFlowFilm):
    """Copies what stands on screen at the end of each step."""

    def on_step_end(self, step):
        super().on_step_end(step)
        board, shown = self.board, self.board.visible
        columns = [c for c in board.columns[: board.count] if id(c.box.faces[0]) in shown]
        texts = [m.text for m in self.mobjects if isinstance(m, TextLine) and m.opacity > 0.02]
        bars = [
            [
                (c.counts[row], c.bars[row].points[:, :2].copy())
                for c in columns
                if c.counts and id(c.bars[row]) in shown
            ]
            for row in (0, 1)
        ]
        boxes = [[(f.rgb[0].copy(), f.points[:, :2].copy()) for f in c.box.faces] for c in columns]
        seen = SimpleNamespace(
            boxes=boxes, shapes=[c.box.shape for c in columns], bars=bars, full=list(board.full), texts=texts,
            line=self.sums.text, total=board.strip.total.text, cell=board.places.scale, caption=step.caption,
            rings=[m.points[:, :2].copy() for m in self.mobjects if getattr(m, "z_index", 0) == 2],
            yellow=[m.points[:, :2].copy() for m in self.mobjects if getattr(m, "z_index", 0) == 3],
        )  # fmt: skip
        self.seen = getattr(self, "seen", {}) | {step.name: seen}


@pytest.fixture(scope="module")
def context(cnn_run, make_context):
    return make_context(cnn_run)


@pytest.fixture(scope="module")
def played(context):
    return play_film(Watched, context, fps=2, draw=False)


@pytest.fixture(scope="module")
def seen(played):
    return played.film.seen


@pytest.fixture(scope="module")
def trace(context):
    return context.trace()


def evaluate(text):
    """Value of a printed product or sum: '32 × (9 + 1)'."""
    plain = text.replace(",", "").replace("×", "*").replace("−", "-")
    assert set(plain) <= set("0123456789*+-() ")
    return eval(plain)  # the characters are checked


def digits_only(line):
    """A sum line without its words."""
    kept = "".join(c if c in "0123456789,.()+×=− " else " " for c in line.replace("(BN)", ""))
    return kept.split("=")


def shade(values, theme=DARK):
    share = np.clip(np.asarray(values, float), 0, 1)[..., None]
    return theme.rgb("background") * (1 - share) + theme.rgb("foreground") * share


def check_boxes(seen, trace):
    boxes = seen["takeaway"].boxes
    np.testing.assert_allclose(boxes[0][0][0], shade(trace.pixels[0] / 255))
    kept = [NODES[0], NODES[0], NODES[2], NODES[2]]  # pooling keeps the map in front
    for node, front, faces, shape in zip(NODES[:4], kept, boxes[1:5], seen["takeaway"].shapes[1:5], strict=True):
        real = trace[node].output
        assert shape == real.shape
        scaled, unit = real / real.max(), int(trace[front].output.std((1, 2)).argmax())
        np.testing.assert_allclose(faces[0][0], shade(scaled[unit]), atol=1e-6)
        np.testing.assert_allclose(faces[1][0], shade(scaled[::-1, 0]), atol=1e-6)
        np.testing.assert_allclose(faces[2][0], shade(scaled[:, :, -1].T), atol=1e-6)
    (sheets, rows, columns), flat = seen["takeaway"].shapes[5], trace["flatten"].output
    first = np.pad(flat, (0, sheets * rows * columns - len(flat)))[: rows * columns].reshape(columns, rows).T
    np.testing.assert_allclose(boxes[5][0][0], shade(first / flat.max()), atol=1e-6)


def check_volumes(seen):
    for step in seen.values():
        if len(step.boxes) < 2:
            continue
        for (c, h, w), faces in zip(step.shapes, step.boxes, strict=True):
            front, top = faces[0][1], faces[1][1]
            cell = step.cell.cell
            assert front[1, 0] - front[0, 0] == pytest.approx(max(w * cell, 0.05))
            assert front[0, 1] - front[2, 1] == pytest.approx(max(h * cell, 0.05))
            assert top[0, 0] - front[0, 0] == pytest.approx(0.38 * max(c * cell * step.cell.depth, 0.05))


def check_bars(seen):
    """Heights are proportional to counts, in both rows, at every step."""
    for step in seen.values():
        for row, bars in enumerate(step.bars):
            heights = np.array([points[1, 1] - points[0, 1] for _, points in bars])
            counts = np.array([count for count, _ in bars])
            if len(counts) and counts.any() and "together" not in step.caption.lower():
                np.testing.assert_allclose(heights / heights.max(), counts / counts.max(), atol=1e-9)
                assert step.full[row] == counts.max()


def check_counts(seen, trace):
    last = seen["takeaway"]
    sizes = {layer.name: layer.parameters for layer in trace.layers}
    expected = [sizes["conv1"] + sizes["norm1"], 0, sizes["conv2"] + sizes["norm2"], 0, 0]
    expected += [sizes["hidden1"], sizes["output"]]
    assert [count for count, _ in last.bars[0]] == expected == PARAMETERS
    assert last.total == "1,026,058" == f"{sum(expected):,}"
    used = [
        layer.weight.size * np.prod(layer.output.shape[1:], dtype=int)
        for layer in trace.layers
        if layer.kind in ("Conv2d", "Linear")
    ]
    assert [count for count, _ in last.bars[1] if count] == used
    assert sum(used) == 4_845_184
    line = "weights × places, without batch norm: 288 × 784 + 18,432 × 196 + 1,003,520 + 3,200 = 4,845,184"
    assert seen["multiplications"].line == line
    assert evaluate(line.partition(": ")[2].partition(" =")[0]) == 4_845_184
    k = trace.prediction
    assert f"gives {trace.classes[k]}: {100 * trace.probabilities[k]:.1f} %" in seen["block-7"].line
    assert {"10", "numbers", "7×7"} <= set(last.texts)
    assert "top: 1,003,840" in last.texts


def check_sums(seen):
    """Every printed product and sum gives its printed result."""
    for name in ("parameters", "block-3", "block-6", "block-7"):
        for line in [seen[name].line.partition("     ")[0].partition("BN")[0], seen[name].caption.split(": ")[1]]:
            left, right = digits_only(line) if "=" in line else ("0", "0")
            assert evaluate(left) == evaluate(right), name
        assert seen[name].caption.endswith(f"{PARAMETERS[NUMBERS[name]]:,} parameters")
    assert "64 maps × (9 weights × 32 maps in + 1 bias) = 18,496" in seen["block-3"].line
    assert "BN: 2 × 64 = 128" in seen["block-3"].line
    assert "320 neurons × (3,136 weights + 1 bias) = 1,003,840" in seen["block-6"].line
    assert seen["block-3"].caption == "Conv 2: 18,496 + 128 (BN) = 18,624 parameters"
    assert "bars: new scale, top 18,624" in seen["block-3"].line
    assert seen["parameters"].line.endswith(
        "parameters: the numbers learned in training; BN (batch norm) has 2 per map"
    )
    assert "18,432 weights = 64 × 32 × 9 (+ 64 biases + 128 BN: 18,624 parameters)" in seen["uses-1"].line
    assert "1,003,520 weights = 320 × 3,136 (+ 320 biases: 1,003,840 parameters)" in seen["uses-2"].line
    assert evaluate("64 × 32 × 9") == 18_432 == 18_624 - 64 - 128
    for name in ("box", "uses-1", "uses-2"):
        left, right = digits_only(seen[name].line.partition("     ")[0].partition(" multiplications")[0])
        assert evaluate(left) == evaluate(right), name


def test_data_flow_boxes_show_trace(seen, trace):
    check_boxes(seen, trace)
    check_volumes(seen)


def test_data_flow_counts(seen, trace):
    check_bars(seen)
    check_counts(seen, trace)
    check_sums(seen)


def test_data_flow_totals_add_up(seen):
    totals = [seen[name].total for name in ("parameters", "block-2", "block-3", "block-4", "block-6", "block-7")]
    assert totals == ["384", "384", "19,008", "19,008", "1,022,848", "1,026,058"]
    shares = [text for text in seen["together"].texts if text.endswith("%")]
    assert shares == ["< 0.1 %", "1.8 %", "97.8 %", "0.3 %"]
    pieces = [points[1, 0] - points[0, 0] for _, points in seen["together"].bars[0]]
    np.testing.assert_allclose(np.array(pieces) / sum(pieces), np.array(PARAMETERS) / sum(PARAMETERS), atol=1e-9)


def test_data_flow_points_at_window(seen, trace):
    """The yellow window lies around the place of the largest number of the map in front."""
    window, cell = seen["block-1"].rings
    front = trace["act1"].output[trace["act1"].output.std((1, 2)).argmax()]
    place = np.array(np.unravel_index(front.argmax(), front.shape))
    for box, ring, first, last in ((0, window, place - 1, place + 1), (1, cell, place, place)):
        high_left, high_right, _ = seen["block-1"].boxes[box][0][1]
        side = (high_right[0] - high_left[0]) / 28
        np.testing.assert_allclose(ring[0], [high_left[0] + first[1] * side, high_left[1] - (last[0] + 1) * side])
        np.testing.assert_allclose(ring[1], [high_left[0] + (last[1] + 1) * side, high_left[1] - first[0] * side])


def test_data_flow_columns_are_full(seen, trace):
    """The vector is drawn as it is said: columns that are all full."""
    line = seen["block-5"].line
    assert line.startswith("64 × 7 × 7 = 3,136: the same numbers, in columns of ")
    rows = int(line.split()[-1])
    assert trace["flatten"].output.size % rows == 0
    assert seen["block-5"].shapes[5][1] == rows


def test_data_flow_points_at_depth(seen, played):
    """The yellow 32 of the product and the yellow edge are the depth of the box that comes in."""
    (edge,) = seen["block-3"].yellow
    side = seen["block-3"].boxes[2][2][1]
    np.testing.assert_allclose(edge, [side[2], side[2] + side[1] - side[0]])
    assert seen["block-3"].shapes[2][0] == 32
    assert "32 maps in" in seen["block-3"].line


def test_data_flow_takeaway(seen):
    assert seen["takeaway"].caption == ("Parameters: 97.8 % in the hidden layer. Multiplications: 74.6 % in conv 2")
    assert set(TITLES) <= set(seen["takeaway"].texts)


def test_data_flow_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(line) <= 50 for step in played.steps for line in step.caption.split(". "))


# ---- small lies are caught


def _dropped_bias(operation, units):
    product = stages_module_product(operation, units)
    return product and product.__class__(product.units, product.inputs, product.taps, False)


stages_module_product = stages_module.parameter_product


def _next_map(values, shape):
    return np.roll(fold_values(values, shape), 1, axis=0)


fold_values = data_box.fold_values


def test_data_flow_lies_are_caught(context, trace, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(stages_module, "parameter_product", _dropped_bias)
        seen = play_film(Watched, context, fps=1, draw=False).film.seen
        with pytest.raises(AssertionError):
            check_sums(seen)
    with monkeypatch.context() as patch:
        patch.setattr(data_box, "fold_values", _next_map)
        patch.setattr(data_wording, "format_percent", lambda share: "50.0 %")
        seen = play_film(Watched, context, fps=1, draw=False).film.seen
        with pytest.raises(AssertionError):
            check_boxes(seen, trace)
        with pytest.raises(AssertionError):
            test_data_flow_takeaway(seen)
    with monkeypatch.context() as patch:
        patch.setattr(stages_module, "count_multiplications", lambda trace, op: op.parameter_count)
        patch.setattr("netcore.viz.film.components.data_board.DataBoard._resettle", lambda self, row: [])
        seen = play_film(Watched, context, fps=1, draw=False).film.seen
        with pytest.raises(AssertionError):
            check_counts(seen, trace)
        with pytest.raises(AssertionError):
            check_bars(seen)


# ---- any network


def mlp() -> nn.Module:
    layers = [m for _ in range(11) for m in (nn.Linear(64, 64), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 4096), nn.ReLU(), nn.Linear(4096, 64), *layers, nn.Linear(64, 10))


CASES = {
    "mlp-square": (mlp, 1, 28, (480, 480)),
    "skip-tall": (lambda: SkipCNN(), 1, 28, (480, 854)),
    "resnet": (resnet, 3, 32, (854, 480)),
    "vit-4-3": (EncoderViT, 1, 28, (640, 480)),
    "shared": (UsedTwice, 1, 28, (854, 480)),
}


@pytest.mark.parametrize("case", sampled(list(CASES), every=2))
def test_data_flow_any_network(case, cnn_run):
    make, channels, side, size = CASES[case]
    torch.manual_seed(1)
    module = make()
    pixels = np.random.default_rng(0).integers(0, 256, (channels, side, side), dtype=np.uint8)
    context = module_context(cnn_run, module, pixels, DIGITS, 3)
    played = play_film(Watched, context, LIGHT, fps=1, size=size, draw=False)
    check_layout(played)
    assert all(len(line) <= 50 for step in played.steps for line in step.caption.split(". "))
    seen = played.film.seen
    check_volumes(seen)
    check_bars(seen)
    total = sum(p.numel() for p in module.parameters())
    assert sum(count for count, _ in seen["takeaway"].bars[0]) == total
    assert seen["takeaway"].total == f"{total:,}"
    if case == "mlp-square":
        assert seen["takeaway"].caption.endswith("Each weight is used once: both bars are alike")


def test_data_flow_joins_blocks(context):
    played = play_film(Watched, context, fps=1, draw=False, max_blocks=4)
    assert len(played.film.board.columns) == 5
    assert played.film.seen["takeaway"].total == "1,026,058"
    check_layout(played)


def test_data_flow_refuses_bare_network(cnn_run):
    module = nn.Sequential(nn.AdaptiveAvgPool2d((1, 10)), nn.Flatten())
    context = module_context(cnn_run, module, cnn_run.examples().images[0], DIGITS, 3)
    with pytest.raises(RequirementError, match=r"needs parameters.*use model-graph"):
        play_film(DataFlowFilm, context, fps=1, draw=False)
