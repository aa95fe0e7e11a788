"""Feature maps: tiles, kernels, sums, squares and bars are the trace's; any shape of frame holds them."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from film_checks import check_layout, module_context, play_film, smallest_text
from networks import resnet

from netcore.analysis import map_layers as layers_module
from netcore.analysis.convolution import output_terms
from netcore.analysis.map_maxima import largest_values
from netcore.core.errors import NetcoreError, RequirementError
from netcore.core.formatting import format_count
from netcore.rendering.request import Request, make_tasks
from netcore.scenes.films.feature_maps import FeatureMapFilm, name_ringed
from netcore.viz.film.components.neuron_votes import NeuronVotes
from netcore.viz.film.components.sum_line import BREAK, SumLine
from netcore.viz.film.components.tiles import max_tiles, tile_frames
from netcore.viz.layout.area import Area
from netcore.viz.theme import DARK, LIGHT

SIZE = (320, 180)


class Watched(FeatureMapFilm):
    """Copies what stands on screen at the end of each step."""

    def on_step_end(self, step):
        super().on_step_end(step)
        screen, copies = self.screen, {}
        for name, mobject in (("tiles", screen.tiles), ("big", self.big), ("image", screen.image)):
            if mobject is not None:
                copies[name] = SimpleNamespace(
                    values=np.array(getattr(mobject, "values", ())), rgb=np.array(mobject.rgb),
                    corners=mobject.corners().copy(),
                )  # fmt: skip
        cells = [m for m in screen.details if hasattr(m, "centers")]
        marks = [(type(m).__name__, m, m.points.copy()) for m in screen.marks]
        copies |= {"detail": cells[0].values if cells else None, "line": self.line.text, "marks": marks}
        self.seen = getattr(self, "seen", {}) | {step.name: SimpleNamespace(**{"big": None, **copies})}


@pytest.fixture(scope="module")
def context(cnn_run, make_context):
    return make_context(cnn_run)


@pytest.fixture(scope="module")
def played(context):
    return play_film(Watched, context, size=SIZE)


@pytest.fixture(scope="module")
def seen(played):
    return played.film.seen


@pytest.fixture(scope="module")
def trace(context):
    return context.trace()


def numbers(text):
    """Decimal numbers of a sum line, negative after a minus sign."""
    out, sign = [], 1.0
    for token in re.findall(r"[+−=→]|\d+\.\d+", text):
        if token in "+−=→":
            sign = -1.0 if token == "−" else 1.0
        else:
            out.append(sign * float(token))
            sign = 1.0
    return out


def cells_of(marks):
    return next(m for kind, m, _ in marks if kind == "NumberCells")


def followed(values):
    return int(values.reshape(len(values), -1).std(1).argmax())


def check_one_map(seen, trace):
    output, weight, bias = trace["act1"].output, trace["conv1"].weight, trace["conv1"].bias
    unit = followed(output)
    row, column = np.unravel_index(output[unit].argmax(), output[unit].shape)
    one = seen["one-map"]
    sums = trace["conv1"].output[unit]
    np.testing.assert_array_equal(one.big.values[0], sums)
    np.testing.assert_allclose(one.big.rgb[0], DARK.signed_colors(sums / np.abs(sums).max()))
    later = seen["functions"].big
    np.testing.assert_allclose(later.values[0], output[unit])
    np.testing.assert_allclose(later.rgb[0], DARK.activation_colors(output[unit] / output.max()), atol=1e-6)
    np.testing.assert_array_equal(one.detail, weight[unit, 0])
    window = np.pad(trace.input[0], 1)[row : row + 3, column : column + 3]
    cells = cells_of(one.marks)
    np.testing.assert_allclose(cells.values, window * weight[unit, 0], atol=1e-6)
    texts = [float(t.replace("−", "-")) for t in (cells.texts or one.line.split())] if cells.texts else None
    if texts:
        np.testing.assert_allclose(texts, cells.values.ravel(), atol=0.006)
    products, shift, total, *_ = numbers(one.line)
    assert abs(products + shift - total) < 1e-9
    assert total == pytest.approx(float((window * weight[unit, 0]).sum() + bias[unit]), abs=0.02)
    assert total == pytest.approx(float(trace["conv1"].output[unit, row, column]), abs=0.02)


def check_tiles(seen, trace):
    for name, node in (("maps-1", "act1"), ("maps-2", "pool1"), ("maps-3", "act2"), ("maps-4", "pool2")):
        output, tiles = trace[node].output, seen[name].tiles
        np.testing.assert_allclose(tiles.rgb, DARK.activation_colors(tiles.values / output.max()))
        np.testing.assert_array_equal(tiles.values, output)  # in their order: a place is a number
    np.testing.assert_array_equal(seen["maps-1"].tiles.corners, seen["maps-2"].tiles.corners)


def check_reads(seen, trace):
    output, layer = trace["act2"].output, trace["conv2"]
    unit = followed(output)
    place = (unit, *np.unravel_index(output[unit].argmax(), output[unit].shape))
    window = np.pad(trace["pool1"].output, ((0, 0), (1, 1), (1, 1)))[
        :, place[1] : place[1] + 3, place[2] : place[2] + 3
    ]
    sums = (window * layer.weight[unit]).sum((1, 2))
    top = np.argsort(-np.abs(sums))[:4]
    edges = next(m for kind, m, _ in seen["reads-3"].marks if kind == "Edges")
    np.testing.assert_allclose(edges.values, sums[top], atol=1e-4)
    for value, color in zip(edges.values, edges.rgba, strict=True):
        np.testing.assert_allclose(color[:3], DARK.rgb("positive" if value > 0 else "negative"))
    line, later = seen["reads-3"].line.split(" Batch norm: ", 1)
    assert [int(k) - 1 for k in re.findall(r"(?:map|[+−]) (\d+):", line)] == top.tolist()
    values = [float(trace[node].output[place]) for node in ("norm2", "act2")]
    before, scale, shift, *made = numbers(later)
    np.testing.assert_allclose([before * scale + shift, *made], [values[0], *values], atol=0.0051)
    window = seen["reads-3"].marks[-1][2]
    tile = seen["reads-3"].tiles.corners[top[0]]
    step = (tile[1, 0] - tile[0, 0]) / trace["pool1"].output.shape[2]
    at = [tile[0, 0] + step * (place[2] + 0.5), tile[0, 1] - step * (place[1] + 0.5)]
    np.testing.assert_allclose(window[:2, :2].mean(0), at, atol=1e-4)
    bright = np.asarray(seen["reads-3"].tiles.rgb) - DARK.rgb("background")
    whole = DARK.activation_colors(trace["pool1"].output / trace["pool1"].output.max()) - DARK.rgb("background")
    dimmed = np.abs(bright).max((1, 2, 3)) < 0.5 * np.abs(whole).max((1, 2, 3))
    assert not dimmed[top].any()
    assert dimmed.sum() == len(whole) - len(top)
    *terms, total = numbers(line)
    ends = edges.points.reshape(-1, 2, 3)[..., :2]
    assert len({tuple(end) for end in ends[:, 1].round(4).tolist()}) == len(ends), "edges end apart"
    assert sum(terms) == pytest.approx(total, abs=1e-9)
    assert total == pytest.approx(float(layer.output[place]), abs=0.01)
    np.testing.assert_allclose(terms[:4], sums[top], atol=0.01)


def check_answer(seen, trace):
    values = trace["hidden1_act"].output
    squares = np.sort(seen["vector-5"].tiles.values.ravel())
    np.testing.assert_array_equal(squares, np.sort(values))
    assert_votes(seen, trace)
    *terms, total = numbers(seen["strongest"].line.split(" = score")[0])
    assert sum(terms) == pytest.approx(total, abs=1e-9)
    other = np.argsort(-trace.logits)[1]
    answer = trace.prediction
    other = trace.label if trace.label != answer else other
    lead = float(trace.logits[answer] - trace.logits[other])
    assert total == pytest.approx(lead, abs=0.02)
    power, times = (
        float(t.replace(",", "")) for t in re.findall(r"e\^([\d.]+) ≈ ([\d,.]+) times", seen["answer"].line)[0]
    )
    assert power == pytest.approx(lead, abs=0.0051)
    assert times == pytest.approx(float(trace.probabilities[answer] / trace.probabilities[other]), rel=0.06)


def assert_votes(seen, trace):
    """Squares are coloured by their part in the lead of the answer; one of them can be recomputed as printed."""
    a, layer = trace["hidden1_act"].output.astype(float), trace["output"]
    answer = trace.prediction
    other = trace.label if trace.label != answer else int(np.argsort(-trace.logits)[1])
    parts = (layer.weight[answer].astype(float) - layer.weight[other]) * a
    np.testing.assert_allclose(
        seen["strongest"].tiles.rgb[:, 0, 0], DARK.signed_colors(parts / np.abs(parts).max()), atol=1e-6
    )
    best = int(parts.argmax())
    shown, first, second, one, two, activation, result = numbers(seen["one-neuron"].line)
    assert shown == activation
    assert first == one
    assert abs(second) == abs(two)
    assert round((first - second) * activation + 1e-9, 2) == pytest.approx(result)
    assert result == pytest.approx(parts[best], abs=0.006)
    assert first == pytest.approx(layer.weight[answer, best], abs=0.006)


def check_functions(seen, trace):
    """Sum, batch norm and ReLU of the followed value are the trace's; so is the negative value that ReLU makes 0."""
    output = trace["act1"].output
    unit = followed(output)
    place = (unit, *np.unravel_index(output[unit].argmax(), output[0].shape))
    a, scale, shift, norm, relu, low = numbers(seen["functions"].line)
    expected = [float(trace[node].output[place]) for node in ("conv1", "norm1", "act1")]
    np.testing.assert_allclose([a, norm, relu], expected, atol=0.0051)
    assert a * scale + shift == pytest.approx(norm, abs=0.0051)
    layer = trace["norm1"]
    assert scale == pytest.approx(layer.weight[unit] / np.sqrt(layer.settings["running_var"][unit] + 1e-5), abs=0.0051)
    assert low == pytest.approx(float(layer.output[unit].min()), abs=0.0051)
    assert low < 0 == output[unit].min()


def check_pooled_place(seen, trace):
    """The small ring lies on the pooled value whose window is shown in numbers."""
    output = trace["pool1"].output
    unit = followed(trace["act1"].output)
    row, column = np.unravel_index(output[unit].argmax(), output[unit].shape)
    window = trace["act1"].output[unit, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    np.testing.assert_array_equal(seen["maps-2"].detail, window)
    ((_, _, points),) = seen["maps-2"].marks
    origin, right, down = seen["maps-2"].tiles.corners[unit]
    at = (points[:2, :2].mean(0) - origin) / (right[0] - origin[0], down[1] - origin[1]) * output.shape[1:][::-1]
    np.testing.assert_allclose(at, [column + 0.5, row + 0.5], atol=1e-4)


CHECKS = (check_functions, check_pooled_place, check_one_map, check_tiles, check_reads, check_answer)


def check_all(seen, trace):
    for check in CHECKS:
        check(seen, trace)


@pytest.mark.parametrize("check", CHECKS)
def test_maps_film_shows_trace(check, seen, trace):
    check(seen, trace)


def test_maps_film_bars_and_counts(played, trace):
    bars = next(s.mobject for s in played.moments[-1] if type(s.mobject).__name__ == "BarMobject")
    np.testing.assert_allclose(bars.values, trace.probabilities)
    zeros = int((trace["hidden1_act"].output == 0).sum())
    assert f"3,136 values → 320 neurons: {zeros} of them 0" in played.texts
    above = int((trace["act1"].output[:, 0, 0] > 0).sum())
    assert f"no ink, yet above 0 ({format_count(above, 'map')}):" in played.texts


def test_maps_film_words(played, trace):
    """Words that once were not true: what is ringed, how windows are chosen, of how many layers maps are shown."""
    votes = NeuronVotes.read(trace["output"], trace["hidden1_act"].output, (trace.prediction, 0), ("a", "b"))
    best = votes.strongest(8, range(320))
    assert name_ringed(votes, best) == f"ringed: the {len(best)} that raise most"
    assert name_ringed(votes, best[1:]) == f"ringed: {len(best) - 1} that raise"
    assert name_ringed(votes, []) == ""
    assert {"a map of each of 4 layers, own scales", "drawn as large as before"} <= played.texts
    places = played.film.seen["windows"].line
    assert places.startswith("largest values at least 3 pixels apart;")


def test_sum_line_breaks_rows():
    """What follows a break stands in a row below; without room for either row, terms go where they fit."""
    line = SumLine(DARK, Area(0, 0, 6, 1))
    above, below = line.place(["1 + 1 = 2", BREAK, "→ ReLU 2"])
    assert above.points[0, 1] > below.points[1, 1]
    long = ["1.25 + 2.25"] * 6
    rows = {round(float(m.points[0, 1]), 3) for m in line.place([*long, BREAK, "→ 2"])}
    assert len(rows) == 2


def test_maps_film_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])


def _no_bias(layer, x, *place):
    terms = output_terms(layer, x, *place)
    object.__setattr__(terms, "bias", 0.3)
    return terms


def _next_row(layer, x, unit, row, column):
    return output_terms(layer, x, unit, row - 1, column)


@pytest.mark.parametrize("lie", [_no_bias, _next_row])
def test_maps_film_lie_is_caught(lie, context, trace, monkeypatch):
    monkeypatch.setattr(layers_module, "output_terms", lie)
    monkeypatch.setattr(layers_module.np, "isclose", lambda *_, **__: True)
    film = play_film(Watched, context, fps=1, size=SIZE).film
    with pytest.raises(AssertionError):
        check_all(film.seen, trace)


def test_maps_film_wrong_scale_is_caught(context, trace, monkeypatch):
    monkeypatch.setattr(DARK.__class__, "activation_colors", lambda self, v: np.repeat(np.asarray(v)[..., None], 3, -1))
    film = play_film(Watched, context, fps=1, size=SIZE).film
    monkeypatch.undo()
    with pytest.raises(AssertionError):
        check_tiles(film.seen, trace)


@pytest.mark.parametrize(("size", "theme"), [((320, 320), LIGHT), ((180, 320), DARK)])
def test_maps_film_frame_shapes(context, size, theme):
    check_layout(play_film(FeatureMapFilm, context, theme, fps=1, size=size))


def test_maps_film_residual_colors(cnn_run):
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    context = module_context(cnn_run, resnet(), pixels, [f"class number {k}" for k in range(10)], 3)
    played = play_film(FeatureMapFilm, context, fps=1, size=SIZE)
    check_layout(played)
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])


@pytest.mark.parametrize("layer", ["conv2", "pool1"])
def test_maps_film_one_layer(context, layer):
    played = play_film(Watched, context, fps=1, size=SIZE, layer=layer)
    node = {"conv2": "act2", "pool1": "pool1"}[layer]
    assert len(played.film.screen.tiles.values) == len(context.trace()[node].output)
    check_layout(played)
    with pytest.raises(NetcoreError, match="conv9"):
        play_film(FeatureMapFilm, context, fps=1, layer="conv9")


def test_maps_film_over_training(context):
    played = play_film(FeatureMapFilm, context, size=SIZE, over="training")
    check_layout(played)
    tiles = played.film.timed[0]
    last = context.trace(at=context.snapshots[-1])["act1"].output
    assert tiles.vmax == last.max()
    assert sorted(map(float, tiles.values.sum((1, 2)))) == pytest.approx(sorted(map(float, last.sum((1, 2)))))
    tiles.time = 0.0
    first = context.trace(at=context.snapshots[0])["act1"].output
    assert float(tiles.values.sum()) == pytest.approx(float(first.sum()), rel=1e-5)
    p = [context.trace(at=s).probabilities[7] for s in context.snapshots]
    cursor = next(m for m in played.film.timed if type(m).__name__ == "Cursor")
    chart = np.array(cursor.spots[:, 1])
    np.testing.assert_array_equal(np.argsort(chart), np.argsort(p))


def test_maps_film_over_images(context):
    played = play_film(FeatureMapFilm, context, size=SIZE, over="images")
    check_layout(played)
    tiles, image = played.film.timed[:2]
    assert len(tiles.times) == len(image.times) >= 10
    logits = context.predict_batch(context.examples().images)["logits"]
    wrong = int((logits.argmax(1) != context.examples().labels).sum())
    assert len(tiles.times) == 10 + min(wrong, 2)


def test_maps_film_refuses_vector(cnn_run):
    with pytest.raises(RequirementError, match="use feature-map-grid"):
        make_tasks(Request("feature-maps", str(cnn_run.path), formats=("svg",)))


def test_largest_values_keep_distance():
    values = np.zeros((6, 6))
    values[1, 1], values[1, 2], values[4, 4] = 3, 2.5, 2
    assert largest_values(values, 3, 3) == [(1, 1), (4, 4)]


def test_tile_frames_fit_and_align():
    area, pixel = Area(0, 0, 10, 5), 0.02
    frames = tile_frames(area, 7, (4, 6), gap=0.1, pixel=pixel)
    corners = np.concatenate([frames.reshape(-1, 2), frames[:, 1] + frames[:, 2] - frames[:, 0]])
    assert corners.min() >= -1e-9
    assert (corners <= [10 + pixel, 5 + pixel]).all()
    sides = (frames[0, 1, 0] - frames[0, 0, 0]) / pixel
    assert sides == pytest.approx(round(sides))
    assert max_tiles(area, (1, 1), 0.5, 0.0) == 200
