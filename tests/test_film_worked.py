"""Worked example: printed factors, products and sums agree with each other and with PyTorch."""

import re
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import numpy as np
import pytest
import torch
from film_checks import check_layout, module_context, play_film, smallest_text
from torch import nn

from netcore.analysis import hand_computation
from netcore.analysis.cnn_stages import cnn_stages
from netcore.analysis.followed_maps import follow_maps
from netcore.analysis.hand_computation import add_texts, hand_sum, to_decimal
from netcore.analysis.hand_softmax import hand_softmax
from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_percent
from netcore.scenes.films.worked_example import WorkedExample
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.components import score_sheet
from netcore.viz.film.components.number_table import MIN_ROW_HEIGHT, SOFT, TITLE_ROOM, fit_hand_sum
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import TextLine, line_width
from netcore.viz.layout.area import Area
from netcore.viz.theme import DARK, LIGHT

SIZE = (480, 270)


class Looking(WorkedExample):
    """Notes the sum line at the end of each step."""

    def setup(self):
        super().setup()
        self.lines = {}

    def on_step_end(self, step):
        super().on_step_end(step)
        self.lines[step.name] = self.sums.text


@pytest.fixture(scope="module")
def context(mlp_run, make_context):
    return make_context(mlp_run, 7)


@pytest.fixture(scope="module")
def played(context):
    return play_film(Looking, context, fps=2, size=SIZE)


def rounded(value, digits):
    """Round half up, as people do."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def check_tables(tables, layer, unit, trace):
    """Each printed product is that of its printed factors, and PyTorch's; rows, bias and total add up as printed."""
    node, hand = trace[layer.block.main.node], tables.hand
    weight = torch.from_numpy(node.weight[unit]).double()
    expected = (weight * torch.from_numpy(trace.input_of(node).ravel()).double()).numpy()
    texts = [line.text for line in tables.products.numbers]
    unit_digit = to_decimal(hand.products[0]).as_tuple().exponent
    np.testing.assert_allclose([float(to_decimal(t)) for t in texts], expected, atol=0.51 * 10.0**unit_digit)
    assert [line.text for line in tables.activations.numbers] == list(hand.activations)
    assert [line.text for line in tables.weights.numbers] == list(hand.weights)
    for a, w, p in zip(hand.activations, hand.weights, texts, strict=True):
        assert rounded(to_decimal(a) * to_decimal(w), -unit_digit) == to_decimal(p), (a, w, p)
    rows = [line.text for line in tables.row_sums]
    assert rows == [add_texts(texts[k : k + tables.columns]) for k in range(0, len(texts), tables.columns)]
    assert add_texts([*rows, hand.bias]) == hand.total
    assert float(to_decimal(hand.total)) == pytest.approx(float(node.output.ravel()[unit]), abs=6e-4)
    fill = tables.products.grid.fill[:, :3]
    strongest = int(np.abs(expected).argmax())
    color = np.array(DARK.rgb("positive" if expected[strongest] > 0 else "negative"))
    np.testing.assert_allclose(fill[strongest], SOFT * color + (1 - SOFT) * np.array(DARK.rgb("background")))
    ink = {tuple(np.round(line.rgb, 6)) for line in tables.products.numbers}
    assert ink == {tuple(np.round(DARK.rgb("foreground"), 6))}, "all numbers in one colour"
    for texts in (hand.activations, hand.weights):
        assert len({len(text.partition(".")[2]) for text in texts}) == 1, "one number of decimals in a table"


def test_worked_example_neuron_tables(played, context):
    film = played.film
    check_tables(film.tables, film.layer, film.unit, context.trace())
    assert add_texts(film.tables.rows) == film.tables.hand.before_bias
    assert film.tables.hand.total in film.lines["bias"]
    check_words(film.tables, film.lines["factors"], context.trace())


def check_words(tables, line, trace):
    """The first table is said to be what the layer before gives, and that to be made of the pixels."""
    assert tables.activations.title.text == "a: activations of hidden layer 1"
    made = trace["hidden1_act"].output.ravel()[tables.hand.index]
    np.testing.assert_allclose([float(to_decimal(t)) for t in tables.hand.activations], made, atol=6e-4)
    assert line.endswith(f"over {trace.pixels.size} pixels, then sigmoid")
    assert tables.row_title.text == "row sums"


def check_takeaway(text, trace):
    """Only what was shown is said to be done by hand; the sizes of the layers give the printed count."""
    assert text.startswith("Shown here: 1 neuron, 1 score, 32 products")
    sizes, total = text.split(". ")[-1].removesuffix(" in all").split(" = ")
    pairs = [tuple(map(int, pair.split(" × "))) for pair in sizes.split(" + ")]
    assert pairs == [trace[name].weight.shape[::-1] for name in ("hidden1", "hidden2", "output")]
    assert sum(a * b for a, b in pairs) == int(total.replace(",", ""))


def test_worked_example_takeaway(played, context):
    text, trace = played.steps[-1].caption, context.trace()
    check_takeaway(text, trace)
    for lie in (text.replace("1 neuron", "all neurons"), text.replace("16 × 16", "16 × 15")):
        with pytest.raises(AssertionError):
            check_takeaway(lie, trace)


def test_worked_example_cells_have_room(played):
    """No number touches an edge of its cell."""
    for tables in (played.film.tables, played.film.score):
        for table in (tables.activations, tables.weights, tables.products):
            room = [c.width - line_width(n.text, LABEL) for c, n in zip(table.cells, table.numbers, strict=True)]
            assert min(room) > 0.15


def test_worked_example_score_tables(played, context):
    """The answer's score is shown as a sum of the last hidden neurons; the neuron of before is marked in it."""
    film, trace = played.film, context.trace()
    check_tables(film.score, film.layers[-1], trace.prediction, trace)
    line = film.lines["score"].replace("bias ", "").replace("− ", "−").replace("+ ", "")
    terms, total = line.split(" = ")
    assert add_texts(terms.split(" ")) == total == film.score.hand.total
    caption = next(step.caption for step in played.steps if step.name == "score")
    assert "16 products + bias, no sigmoid" in caption
    assert film.score.activations.title.text == "a: activations of hidden layer 2"
    assert "so no sigmoid; softmax turns scores into shares (yellow: the answer)" in film.lines["scores"]
    cell = film.score.activations.cells[film.unit]
    marks = [seen.mobject for seen in played.moments[5] if isinstance(seen.mobject, Rectangles)]
    (yellow,) = [m for m in marks if np.allclose(m.line[0, :3], DARK.rgb("emphasis"))]
    np.testing.assert_allclose(yellow.points[:, :2], cell.corners[0])


def test_hand_sum_fits_tables(played):
    """Numbers of many digits, and a long count of the others, take fewer columns and products."""
    film = played.film
    narrow = Area(0, 0, 2.0, 2.6)
    hand, columns = fit_hand_sum(film.layer, film.unit, narrow, narrow)
    assert columns < film.tables.columns
    assert len(hand.products) + bool(hand.rest) <= columns * int((2.6 - TITLE_ROOM) / MIN_ROW_HEIGHT)
    assert add_texts([*hand.products, *[hand.rest] * bool(hand.rest), hand.bias]) == hand.total
    assert max(line_width(text, LABEL) for text in (*hand.weights, *hand.products)) * columns <= narrow.width


def test_worked_example_neuron(played, context):
    film, trace = played.film, context.trace()
    z = trace[film.layer.block.main.node].output.ravel()[film.unit]
    assert float(to_decimal(film.tables.hand.total)) == pytest.approx(float(z), abs=6e-4)
    shown = film.lines["activation"].rsplit(" ", 1)[1]
    assert float(to_decimal(shown)) == pytest.approx(float(torch.sigmoid(torch.tensor(float(z)))), abs=6e-4)


def test_worked_example_shares(played, context):
    sheet, trace = played.film.sheet, context.trace()
    expected = torch.softmax(torch.from_numpy(trace.logits).double(), 0).numpy()
    np.testing.assert_allclose(sheet.shares, expected, atol=1e-6)
    assert sheet.percents == sheet.torch_percents
    check_softmax(sheet.hand, sheet.percents)
    assert played.film.lines["total"].endswith(f"= {sheet.hand.total} (rounded)")
    column = [line.text for line in sheet.columns[2] if isinstance(line, TextLine)][1:]
    assert column == list(sheet.hand.powers)


def check_softmax(hand, percents):
    """A reader who has only the printed numbers gets the printed numbers that follow from them."""
    shift = float(to_decimal(hand.shift)) if hand.shift else 0.0
    for z, power in zip(hand.scores, hand.powers, strict=False):
        made, printed = np.exp(float(to_decimal(z)) - shift), to_decimal(power)
        assert printed > 0, "a power is never 0"
        assert abs(made - float(printed)) <= 0.5001 * 10.0 ** printed.as_tuple().exponent, (z, power)
    total, digits = to_decimal(hand.total), -to_decimal(hand.total).as_tuple().exponent
    assert rounded(sum(map(to_decimal, hand.powers)), digits) == total
    shares = [format_percent(float(to_decimal(power) / total)).replace("100.0", "> 99.9") for power in hand.powers]
    assert shares[: len(hand.scores)] == percents[: len(hand.scores)]
    top, rest = hand.terms(3)
    assert rounded(sum(map(to_decimal, [*top, rest or "0"])), digits) == total


@pytest.mark.parametrize("spread", [0.1, 3.0, 20.0])
def test_hand_softmax_is_recomputable(spread):
    for seed in range(10):
        scores = torch.randn(12, generator=torch.Generator().manual_seed(seed)).double() * spread
        index = np.sort(scores.argsort(descending=True)[:9].numpy())
        hand = hand_softmax(scores.numpy(), index)
        check_softmax(hand, [format_percent(float(p)) for p in torch.softmax(scores, 0)[index]])
        assert len(hand.powers) == len(hand.scores) + 1 == 10


def test_worked_example_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])


@pytest.mark.parametrize(
    ("sizes", "label", "size"),
    [((784, 10), 3, SIZE), ((784, 300, 100), 42, (270, 270)), ((784, 9, 40, 2), None, (270, 480))],
)
def test_worked_example_other_networks(mlp_run, sizes, label, size):
    torch.manual_seed(4)
    layers: list[nn.Module] = [nn.Flatten()]
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), nn.ReLU()]
    names = [f"class {k}" for k in range(sizes[-1])]
    context = module_context(mlp_run, nn.Sequential(*layers[:-1]), mlp_run.examples().images[1], names, label)
    check_layout(play_film(WorkedExample, context, LIGHT, fps=2, size=size))


def test_worked_example_of_cnn(cnn_run, make_context):
    context = make_context(cnn_run, 4)
    played, trace = play_film(Looking, context, fps=2, size=SIZE), context.trace()
    check_layout(played)
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])
    lines, hand = played.film.lines, played.film.tables.hand
    assert hand.rest_count > 3000
    assert add_texts([*hand.products, hand.rest]) == hand.before_bias
    stages = cnn_stages(trace).stages
    path = follow_maps(trace, stages)
    terms, total = lines["pixel-sum"].split(" = ")
    shown = [to_decimal(sign + text) for sign, text in re.findall(r"([−]?) ?(?:bias )?(\d+(?:\.\d+)?)", terms)]
    assert sum(shown) == to_decimal(total.split()[0])
    assert float(to_decimal(total.split()[0])) == pytest.approx(
        float(trace["conv1"].output[path.first.place]), abs=6e-3
    )
    unit, place = path.units[2], path.places[2]
    relu = float(trace["act1"].output[(unit, *place)])
    assert f"ReLU: {relu:.2f}" in next(s.caption for s in played.steps if s.name == "pixel-functions")
    pooled = float(trace["pool1"].output[(path.units[3], *path.places[3])])
    assert lines["pixel-pooling"].endswith(f"= {pooled:.2f}")
    assert pooled == pytest.approx(relu)  # the value wins its window


def test_hand_sum_of_many_inputs(played, context):
    film = played.film
    layer = film.layers[0]
    found = hand_sum(layer, 3, 24)
    products = layer.weight[3].astype(float) * layer.inputs
    assert len(found.products) == 23
    assert found.rest_count == 784 - 23
    assert float(to_decimal(found.rest)) == pytest.approx(np.delete(products, found.index).sum(), abs=0.02)


def test_worked_example_detects_lies(context, monkeypatch):
    """A softmax that is not the network's stops the film; a dropped bias does not add up."""
    monkeypatch.setattr(score_sheet.np, "exp", lambda z: 1 / (1 + np.abs(z)))
    with pytest.raises(NetcoreError, match="differs from PyTorch"):
        play_film(WorkedExample, context, fps=2, size=SIZE)
    monkeypatch.undo()
    monkeypatch.setattr(hand_computation, "format_terms", lambda terms, digits: (["1.00"] * len(terms), "5.00"))
    film = play_film(WorkedExample, context, fps=2, size=SIZE).film
    hand = film.tables.hand
    assert add_texts([hand.before_bias, hand.bias]) != hand.total
