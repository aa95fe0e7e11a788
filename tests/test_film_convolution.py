"""The film on one convolution shows the trace; any convolution is shown."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from film_checks import check_layout, module_context, play_film, smallest_text
from networks import tanh_mlp
from torch import nn

from netcore.analysis import kernel_examples as examples_module
from netcore.analysis.convolution import OutputTerms, output_terms
from netcore.analysis.kernel_examples import kernel_examples
from netcore.analysis.kernel_features import convolve, measure_features
from netcore.analysis.printed_window import print_window
from netcore.core.errors import NetcoreError, RequirementError
from netcore.rendering.requirements import check_requirements
from netcore.scenes.films.convolution import NEEDS, Convolution
from netcore.viz.film.components import convolution_tables
from netcore.viz.theme import DARK, LIGHT

SIZE = (320, 180)


class Watched(Convolution):
    """Copies what is on screen at the end of each step."""

    def on_step_end(self, step):
        super().on_step_end(step)
        screen, table = self.screen, self.screen.products or self.screen.table
        boxes = {name: getattr(screen, name).points[:2, :2].copy() for name in ("ring", "spot")}
        cells = None if table is None else SimpleNamespace(
            values=table.values[0], texts=list(table.tables[0].texts), rgb=table.tables[0].rgb[0].copy()
        )  # fmt: skip
        seen = SimpleNamespace(
            cells=cells, line=self.sums.text, kernel=screen.kernel.values[0], kernel_rgb=screen.kernel.tables[0].rgb[0],
            picture=screen.picture.maps.corners()[0].copy(), map=screen.map.maps.corners()[0].copy(),
            rounded=self.sums.text.endswith(("(rounded)", "then rounded")),
            kernel_texts=list(screen.kernel.tables[0].texts),
            second=self.grid.maps.last if hasattr(self, "grid") else None,
            outlined=sum(len(m.points) // 2 for m in table.marks) if table else 0,
            shown=(screen.map.maps.first, screen.map.maps.last), landed=[m.fill[0, :3] for m in screen.landed], **boxes,
        )  # fmt: skip
        self.seen = getattr(self, "seen", {}) | {step.name: seen}


@pytest.fixture(scope="module")
def context(cnn_run, make_context):
    return make_context(cnn_run)


@pytest.fixture(scope="module")
def trace(context):
    return context.trace()


@pytest.fixture(scope="module")
def played(context):
    return play_film(Watched, context, fps=2, size=SIZE)


@pytest.fixture(scope="module")
def seen(played):
    return played.film.seen


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def added(line):
    """What the printed terms of a sum line add up to, and the printed total."""
    terms, total = line.split("=")
    pairs = re.findall(r"(?:^|([+−]) )(?:[^+−=]*?)(−?\d[\d,]*(?:\.\d+)?)(?= |$)", terms.strip())
    return sum((-1 if sign == "−" else 1) * number(value) for sign, value in pairs), number(total.split()[0])


def window_at(trace, row, column):
    return np.pad(trace.input[0], 1)[row : row + 3, column : column + 3]


def pixel_box(frame, size, rows, columns):
    """Lower left and upper right corner of pixels in a frame (3, 2)."""
    (x0, y0), (x1, _), _ = frame
    side = (x1 - x0) / size
    return np.array([[x0 + columns[0] * side, y0 - rows[1] * side], [x0 + columns[1] * side, y0 - rows[0] * side]])


def check_window(seen, trace):
    step, output = seen["products"], trace["conv1"].output
    unit = next(k for k, w in enumerate(trace["conv1"].weight) if np.array_equal(w[0], step.kernel))
    places = [(r, c) for r in range(28) for c in range(28)
              if np.array_equal(window_at(trace, r, c), seen["window"].cells.values)]  # fmt: skip
    row, column = next(p for p in places if np.allclose(step.ring, pixel_box(step.picture, 28, *_reach(p))))
    np.testing.assert_allclose(step.cells.values, window_at(trace, row, column) * trace["conv1"].weight[unit, 0])
    np.testing.assert_allclose([number(t) for t in step.cells.texts], step.cells.values.ravel(), atol=0.006)
    total = step.cells.values.sum() + trace["conv1"].bias[unit]
    assert total == pytest.approx(float(output[unit, row, column]), abs=1e-5)
    subtotal = added(step.line)
    assert subtotal[0] == pytest.approx(subtotal[1], abs=1e-9)
    both = added(seen["output"].line)
    assert both[0] == pytest.approx(both[1], abs=1e-9)
    assert both[1] == pytest.approx(float(output[unit, row, column]), abs=0.006)
    np.testing.assert_allclose(seen["output"].spot, pixel_box(seen["output"].map, 28, (row, row + 1),
                                                              (column, column + 1)), atol=0.03)  # fmt: skip


def _reach(place):
    return (place[0] - 1, place[0] + 2), (place[1] - 1, place[1] + 2)


def check_colors(seen, trace):
    kernel = seen["kernel"].kernel
    size = max(np.abs(kernel).max(), np.abs(seen["other-kernel"].kernel).max())
    share = np.clip(kernel / size, -1, 1)[..., None]
    end = np.where(share < 0, DARK.rgb("negative"), DARK.rgb("positive"))
    expected = DARK.rgb("background") * (1 - abs(share)) + end * abs(share)
    np.testing.assert_allclose(seen["kernel"].kernel_rgb, expected, atol=1e-6)
    vmax = np.abs(trace["conv1"].output[[_unit(seen, trace, s) for s in ("kernel", "other-kernel")]]).max()
    value = added(seen["output"].line)[1] / vmax
    np.testing.assert_allclose(seen["output"].landed[0], DARK.rgb("background") * (1 - abs(value)) + abs(value)
                               * DARK.rgb("positive" if value > 0 else "negative"), atol=0.01)  # fmt: skip


def _unit(seen, trace, step):
    return next(k for k, w in enumerate(trace["conv1"].weight) if np.array_equal(w[0], seen[step].kernel))


def check_extremes(seen, trace):
    output = trace["conv1"].output
    unit, other = _unit(seen, trace, "kernel"), _unit(seen, trace, "other-kernel")
    places = [np.unravel_index(pick(output[unit]), (28, 28)) for pick in (np.argmax, np.argmin)]
    steps = [name for name in seen if name in ("largest", "smallest")]
    for name, place, k in zip([*steps, "other-kernel"], [*places, places[1]], [unit, unit, other], strict=True):
        shown, total = added(seen[name].line)
        assert shown == pytest.approx(total, abs=1e-9), name
        assert total == pytest.approx(float(output[(k, *place)]), abs=0.006), name
        np.testing.assert_array_equal(seen[name].cells.values, window_at(trace, *place))
    lowest = np.sort(output[unit], axis=None)[77]
    means = [output[other].mean(), output[other][output[unit] <= lowest].mean()]
    found = re.findall(r"(?<=: )−?\d+\.\d+", seen["other-map"].line)
    np.testing.assert_allclose([number(text) for text in found], means, atol=0.006)


def check_rounded(seen, trace):
    """Printed factors give the printed products, or the sum says that it is rounded."""
    for name in ("stride", "padding", "largest", "smallest", "other-kernel"):
        step = seen.get(name)
        if step is None or step.rounded:
            continue
        factors = zip(step.cells.texts, step.kernel_texts, strict=True)
        terms = [float(t.replace(" ", "")) for t in re.findall(r"(?:^-?|[+-] )\d[\d.]*", step.line.replace("−", "-"))]
        products = [p for p in (round(number(a) * number(b), 2) for a, b in factors) if p]
        assert products == pytest.approx(terms[: len(products)], abs=1e-9), name
        assert ("zeros" in step.line or "near 0" in step.line) == (len(products) < 8), name


CHECKS = (check_window, check_colors, check_extremes, check_rounded)


def check_all(seen, trace):
    for check in CHECKS:
        check(seen, trace)


@pytest.mark.parametrize("check", CHECKS)
def test_convolution_film_shows_trace(check, seen, trace):
    check(seen, trace)


def test_convolution_film_edge_and_map(played, seen, trace):
    film, unit = played.film, _unit(seen, trace, "kernel")
    assert {"5 of 9: padding", "28 × 28, with rim 30 × 30"} <= set(played.texts)
    captions = {step.name: step.caption for step in played.steps}
    assert captions["padding"] == "Outlined: zeros past the edge; map stays 28 × 28"
    kernel = f"(kernel {unit + 1}: {added(seen['smallest'].line)[1]:.2f})".replace("-", "−")
    assert captions["other-kernel"].endswith(kernel)
    assert (seen["padding"].outlined, seen["map"].outlined) == (5, 0)
    other = trace["conv1"].output[_unit(seen, trace, "other-kernel")]
    row, column = np.unravel_index(trace["conv1"].output[unit].argmin(), (28, 28))
    assert (seen["other-kernel"].second, seen["other-map"].second) == (0.0, 1.0)
    share = abs(other[row, column]) / film.screen.map_max
    end = DARK.rgb("positive" if other[row, column] > 0 else "negative")
    expected = DARK.rgb("background") * (1 - share) + end * share
    np.testing.assert_allclose(seen["other-kernel"].landed[-1], expected, atol=1e-5)
    np.testing.assert_array_equal(seen["padding"].cells.values, window_at(trace, 0, 0))
    assert seen["padding"].shown == (0.0, 0.0)
    assert seen["map"].shown == (0.0, 1.0)
    np.testing.assert_array_equal(film.screen.map.maps.values[0], trace["conv1"].output[unit].astype(float))
    assert "The same 9 weights at 784 places: a map" in played.texts


def test_convolution_film_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])
    assert all(len(line) <= 50 for line in played.steps[-1].caption.split(". "))


# ---- small lies are caught


def test_convolution_film_hidden_rounding_is_caught(seen, trace):
    names = [name for name, step in seen.items() if step.rounded]
    assert names
    with pytest.raises(AssertionError):
        check_rounded({name: SimpleNamespace(**{**vars(seen[name]), "rounded": False}) for name in names}, trace)


def _no_bias(layer, x, *place):
    terms = output_terms(layer, x, *place)
    return OutputTerms(**{**vars(terms), "bias": 0.0})


def _next_row(layer, x, unit, row, column):
    return output_terms(layer, x, unit, max(row - 1, 0), column)


@pytest.mark.parametrize("lie", [_no_bias, _next_row])
def test_convolution_film_lie_is_caught(lie, context, trace, monkeypatch):
    monkeypatch.setattr(examples_module, "output_terms", lie)
    monkeypatch.setattr(examples_module, "TOLERANCE", 1e9)
    film = play_film(Watched, context, fps=1, size=SIZE, draw=False).film
    with pytest.raises((AssertionError, StopIteration)):
        check_all(film.seen, trace)


def test_convolution_film_wrong_color_caught(context, trace, monkeypatch):
    real = convolution_tables.map_rgb
    monkeypatch.setattr(convolution_tables, "map_rgb", lambda theme, v, *rest: real(theme, -np.asarray(v), *rest))
    film = play_film(Watched, context, fps=1, size=SIZE, draw=False).film
    with pytest.raises(AssertionError):
        check_colors(film.seen, trace)


def test_convolution_film_refuses_sums_not_pytorch(context, monkeypatch):
    monkeypatch.setattr(examples_module, "output_terms", _no_bias)
    with pytest.raises(RequirementError, match="needs a convolution layer"):
        kernel_examples(context.trace(), "conv1", None)


# ---- any convolution


class Mixed(nn.Module):
    """1 × 1, dilated depthwise, strided grouped convolutions without bias, a transposed one, reflected padding."""

    def __init__(self):
        super().__init__()
        self.point, self.norm = nn.Conv2d(3, 8, 1, bias=False), nn.BatchNorm2d(8)
        self.depth = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=8)
        self.grouped = nn.Conv2d(8, 12, 5, stride=2, padding=2, groups=4, padding_mode="reflect")
        self.up, self.head = nn.ConvTranspose2d(12, 4, 2, stride=2), nn.Linear(4, 2)

    def forward(self, x):
        x = torch.relu(self.depth(torch.relu(self.norm(self.point(x)))))
        return self.head(self.up(self.grouped(x)).mean((2, 3)))


CASES = {"point": (854, 480), "depth": (480, 480), "grouped": (480, 854)}


@pytest.mark.parametrize("layer", CASES)
def test_convolution_film_unusual_layers(layer, cnn_run):
    torch.manual_seed(1)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 20, 24), dtype=np.uint8)
    context = module_context(cnn_run, Mixed(), pixels, ["cat", "dog"], 0, mean=(0.4,) * 3, std=(0.3,) * 3)
    played = play_film(Watched, context, LIGHT, fps=1, size=CASES[layer], draw=False, layer=layer)
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])
    found, output = played.film.examples, context.trace()[layer].output
    for terms in (found.base, found.corner, found.last, found.largest, found.smallest):
        assert terms.total == pytest.approx(float(output[terms.unit, terms.row, terms.column]), abs=1e-5)
    for name in ("channels", "stride", "padding", "other-kernel"):
        if name in played.film.seen:
            shown, total = added(played.film.seen[name].line)
            assert shown == pytest.approx(total, abs=1e-9), name
    assert (found.other is None) == (layer == "depth")


def test_convolution_film_refusals(context, mlp_run, cnn_run):
    with pytest.raises(RequirementError, match="use forward-propagation"):
        check_requirements("convolution", NEEDS, mlp_run)
    mlp = module_context(cnn_run, tanh_mlp(), cnn_run.examples().images[0], [str(k) for k in range(10)], 0)
    with pytest.raises(RequirementError, match="use forward-propagation"):
        play_film(Convolution, mlp, fps=1, draw=False)
    with pytest.raises(NetcoreError, match="did you mean 'conv"):
        play_film(Convolution, context, fps=1, draw=False, layer="conv9")


# ---- numbers


def test_print_window_adds_up():
    rng = np.random.default_rng(0)
    for channels, taps in ((1, 3), (3, 3), (3, 1), (32, 2), (1, 5)):
        for _ in range(20):
            weights, inputs = rng.normal(0, 1, (2, channels, taps, taps))
            terms = OutputTerms(0, 0, 0, np.arange(channels), weights, inputs, np.arange(taps), np.arange(taps),
                                float(rng.normal()))  # fmt: skip
            printed = print_window(terms, channels // 2)
            unit = 10**-printed.decimals
            parts = [number(text) for _, text in printed.channels] + ([number(printed.rest)] if printed.rest else [])
            assert sum(map(number, printed.products)) == pytest.approx(number(printed.partial))
            assert sum(parts) == pytest.approx(number(printed.subtotal))
            assert number(printed.subtotal) + number(printed.bias) == pytest.approx(number(printed.total))
            assert abs(number(printed.total) - terms.total) <= unit / 2 + 1e-9
            values = terms.products[channels // 2].ravel()
            np.testing.assert_allclose([number(t) for t in printed.products], values, atol=2.5 * unit)


def test_kernel_features_equal_pytorch(context, trace):
    layer, images = trace["conv1"], context.examples().images[:8]
    np.testing.assert_allclose(convolve(layer, trace.input), layer.output, atol=1e-5)
    found = measure_features(trace, layer, images)
    maps = np.maximum(context.predict_batch(images, ("conv1",))["conv1"], 0)
    ink = np.lib.stride_tricks.sliding_window_view(np.pad(images[:, 0] / 255, ((0, 0), (1, 1), (1, 1))), (3, 3), (1, 2))
    above = np.maximum(ink[..., 0, :].mean(-1) - ink[..., 2, :].mean(-1), 0).ravel()
    with np.errstate(invalid="ignore"):
        expected = [np.corrcoef(m.ravel(), above)[0, 1] for m in maps.transpose(1, 0, 2, 3)]
    np.testing.assert_allclose(found.correlations["above"], np.nan_to_num(expected), atol=1e-4)
    assert found.count == 8
