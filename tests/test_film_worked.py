"""Worked example: printed factors, products and sums agree with each other and with PyTorch."""

import re
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
from netcore.core.errors import NetcoreError
from netcore.scenes.films.worked_example import WorkedExample
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.components import score_sheet
from netcore.viz.film.components.number_table import MIN_ROW_HEIGHT, TITLE_ROOM, fit_hand_sum
from netcore.viz.film.text import line_width
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


def test_worked_example_products(played, context):
    film, trace = played.film, context.trace()
    node = trace[film.layer.block.main.node]
    weight = torch.from_numpy(node.weight[film.unit]).double()
    inputs = torch.from_numpy(trace.input_of(node).ravel()).double()
    expected = (weight * inputs).numpy()
    shown = [float(to_decimal(line.text)) for line in film.table.numbers]
    np.testing.assert_allclose(shown, expected, atol=0.0011)
    for a, w, p in zip(film.hand.activations, film.hand.weights, film.hand.products, strict=True):
        assert float(to_decimal(a) * to_decimal(w)) == pytest.approx(float(to_decimal(p)), abs=0.0021)
    fill = film.table.grid.fill[:, :3]
    strongest = int(np.abs(expected).argmax())
    np.testing.assert_allclose(fill[strongest], DARK.rgb("positive" if expected[strongest] > 0 else "negative"))


def test_worked_example_sums_add_up(played):
    film = played.film
    texts = [line.text for line in film.table.numbers]
    rows = [line.text for line in film.row_sums]
    assert rows == [add_texts(texts[k : k + film.columns]) for k in range(0, len(texts), film.columns)]
    assert add_texts(rows) == film.hand.before_bias
    assert add_texts([film.hand.before_bias, film.hand.bias]) == film.hand.total
    assert film.hand.total in film.lines["bias"]


def test_hand_sum_fits_tables(played):
    """Numbers of many digits, and a long count of the others, take fewer columns and products."""
    film = played.film
    narrow = Area(0, 0, 2.0, 2.6)
    hand, columns = fit_hand_sum(film.layer, film.unit, narrow, narrow)
    assert columns < film.columns
    assert len(hand.products) + bool(hand.rest) <= columns * int((2.6 - TITLE_ROOM) / MIN_ROW_HEIGHT)
    assert add_texts([*hand.products, *[hand.rest] * bool(hand.rest), hand.bias]) == hand.total
    assert max(line_width(text, LABEL) for text in (*hand.weights, *hand.products)) * columns <= narrow.width


def test_worked_example_neuron(played, context):
    film, trace = played.film, context.trace()
    z = trace[film.layer.block.main.node].output.ravel()[film.unit]
    assert float(to_decimal(film.hand.total)) == pytest.approx(float(z), abs=6e-4)
    shown = film.lines["activation"].rsplit(" ", 1)[1]
    assert float(to_decimal(shown)) == pytest.approx(float(torch.sigmoid(torch.tensor(float(z)))), abs=6e-4)


def test_worked_example_shares(played, context):
    sheet, trace = played.film.sheet, context.trace()
    expected = torch.softmax(torch.from_numpy(trace.logits).double(), 0).numpy()
    np.testing.assert_allclose(sheet.shares, expected, atol=1e-6)
    assert add_texts(sheet.powers) == sheet.total
    assert played.film.lines["total"].endswith(f"= {sheet.total}")
    assert sheet.percents == sheet.torch_percents
    z, power = sheet.power_line.removeprefix("e to the ").split(" = ")
    assert np.exp(float(z.replace("−", "-"))) == pytest.approx(float(to_decimal(power)), abs=0.0051)


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
    lines, hand = played.film.lines, played.film.hand
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
    monkeypatch.setattr(score_sheet.np, "exp", lambda z: np.asarray(z) ** 2 + 1)
    with pytest.raises(NetcoreError, match="differs from PyTorch"):
        play_film(WorkedExample, context, fps=2, size=SIZE)
    monkeypatch.undo()
    monkeypatch.setattr(hand_computation, "format_terms", lambda terms, digits: (["1.00"] * len(terms), "5.00"))
    film = play_film(WorkedExample, context, fps=2, size=SIZE).film
    assert add_texts([film.hand.before_bias, film.hand.bias]) != film.hand.total
