"""Softmax and cross-entropy: every number on screen is PyTorch's, and sums add up as printed."""

import re
from decimal import Decimal

import numpy as np
import pytest
import torch
from film_checks import check_layout, module_context, play_film, smallest_text
from torch import nn

from netcore.analysis.scores import cross_entropy_losses
from netcore.core.formatting import format_percent
from netcore.scenes.films.softmax_cross_entropy import SoftmaxCrossEntropy
from netcore.viz.film.components import share_stick
from netcore.viz.film.components.softmax_wording import printed_sum
from netcore.viz.theme import DARK, LIGHT

SIZE = (480, 270)


@pytest.fixture(scope="module")
def context(mlp_run, make_context):
    return make_context(mlp_run, 7)


class Looking(SoftmaxCrossEntropy):
    """Notes the sum line and the columns at the end of each step."""

    def setup(self):
        super().setup()
        self.lines, self.heights = {}, {}

    def on_step_end(self, step):
        super().on_step_end(step)
        self.lines[step.name] = self.sums.text
        bars = self.columns.bars
        self.heights[step.name] = bars.points[:, 1].reshape(-1, 2), self.columns.base, bars.fill[:, :3].copy()


@pytest.fixture(scope="module")
def played(context):
    return play_film(Looking, context, fps=3, size=SIZE)


def texts(played, name: str) -> list[str]:
    """What is written at the end of a step."""
    k = [step.name for step in played.steps].index(name)
    return [seen.text for seen in played.moments[k] if seen.text]


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))


def test_softmax_film_scores_and_powers(played, context):
    z = torch.from_numpy(context.trace().logits).double()
    shown = texts(played, "scores")
    for value in z.tolist():
        assert f"{value:.2f}".replace("-", "−") in shown
    powers = played.film.powers
    np.testing.assert_allclose(powers, z.exp().numpy(), rtol=1e-6)
    assert set(played.film.texts) <= set(texts(played, "exponentials"))
    np.testing.assert_allclose([float(number(t)) for t in played.film.texts], z.exp().numpy(), rtol=0.05)
    assert all(number(t) > 0 for t in played.film.texts)


def test_softmax_film_column_heights(played, context):
    z = context.trace().logits.astype(float)
    (scores, base, fill), (powers, low, _) = (played.film.heights[name] for name in ("scores", "exponentials"))
    signed = np.where(z < 0, scores[:, 0], scores[:, 1]) - base
    np.testing.assert_allclose(signed / signed.max(), z / z.max(), atol=0.01)
    np.testing.assert_allclose(fill[z < 0], np.tile(DARK.rgb("negative"), ((z < 0).sum(), 1)))
    np.testing.assert_allclose((powers[:, 1] - low) / np.ptp(powers), np.exp(z - z.max()), atol=0.01)


def test_softmax_film_printed_sum(played):
    terms, total = re.sub("all others: ", "", played.film.lines["sum"]).split(" = ")
    assert sum(map(number, terms.split(" + "))) == number(total)
    first, last, share = re.split(" ÷ | = ", played.film.lines["division"])
    assert float(number(first) / number(last)) == pytest.approx(float(share), abs=0.0006)
    score, ratio = re.split("     +", played.film.lines["ratio"])
    a, b, gap = map(number, re.split(" − | = ", score))
    assert a - b == gap
    x, y, times = map(number, re.split(" ÷ | = ", ratio))
    assert float(x / y) == pytest.approx(float(times), rel=0.006)


def test_softmax_film_temperature_shares(played, context):
    z = torch.from_numpy(context.trace().logits).double()
    for temperature, stick in played.film.sticks.sticks.items():
        expected = torch.softmax(z / temperature, 0).numpy()
        assert stick.temperature == temperature
        by_class = stick.shares()[stick.groups]
        np.testing.assert_allclose(by_class, expected, atol=1e-9)
        widths = np.diff(stick.pieces()[:, :, 0]).ravel()
        np.testing.assert_allclose(widths / widths.sum(), stick.shares())


def test_softmax_film_halved_score(played, context):
    name, score, half = re.match(r"score of (.+): (\S+) ÷ 2 = (\S+), then", played.film.lines["temperature"]).groups()
    z = float(context.trace().logits[context.trace().classes.index(name)])
    assert float(number(score)) == round(z, 2)
    assert float(number(half)) == pytest.approx(z / 2, abs=0.0051)
    assert abs(number(score) / 2 - number(half)) <= Decimal("0.005")


def test_softmax_film_names_of_pieces(played):
    """What is written in a piece of a stick is the class whose probability it is."""
    film = played.film
    shown = {seen.text: seen.box for seen in played.moments[[s.name for s in played.steps].index("temperatures")]}
    assert film.piece_order == [film.names[k] for k in np.argsort(-film.scores[film.index], kind="stable")]
    (low, high) = film.sticks.sticks[5.0].pieces()[0]
    assert film.names[film.index.tolist().index(film.trace.prediction)] in shown
    assert high[0] - low[0] > 0


def test_softmax_film_chances(played, context):
    """The probabilities beside the worst image are PyTorch's."""
    examples = context.examples()
    logits = torch.from_numpy(context.network().predict(examples.images)["logits"]).double()
    losses = nn.functional.cross_entropy(logits, torch.from_numpy(examples.labels), reduction="none")
    k = int(losses.argmax())
    p, said = logits[k].softmax(0), int(logits[k].argmax())
    line = played.film.lines["worst"]
    if said != examples.labels[k]:
        assert f"predicted {context.trace().classes[said]}: {format_percent(float(p[said]))}" in line
    assert format_percent(float(p[examples.labels[k]])) in line


def test_printed_numbers_agree():
    for seed in range(40):
        powers = np.exp(np.random.default_rng(seed).normal(0, 3, 4))
        powers = np.sort(powers)[::-1]
        terms, total = printed_sum(powers.tolist(), powers[0] / powers.sum())
        assert sum(map(number, terms)) == number(total)
        assert float(number(terms[0]) / number(total)) == pytest.approx(powers[0] / powers.sum(), rel=0.006)


def test_softmax_film_losses(played, context):
    examples = context.examples()
    logits = torch.from_numpy(context.network().predict(examples.images)["logits"]).double()
    losses = nn.functional.cross_entropy(logits, torch.from_numpy(examples.labels), reduction="none").numpy()
    np.testing.assert_allclose(cross_entropy_losses(logits.numpy(), examples.labels), losses, atol=1e-9)
    plot = played.film.losses
    marked = sorted(loss for *_, loss in plot.dots)
    assert marked[-1] == pytest.approx(losses.max())
    for dot, _, p, loss in plot.dots:
        assert p == pytest.approx(np.exp(-loss))
        np.testing.assert_allclose(dot.centers, plot.plot.at(p, loss), atol=1e-6)
    captions = {step.name: step.caption for step in played.steps}
    assert f"{losses.max():.2f}" in captions["worst"]
    assert f"{losses.mean():.2f}" in captions["mean"]
    curve = plot.curve.points
    p = (curve[:, 0] - plot.plot.area.left) / plot.plot.area.width
    loss = (curve[:, 1] - plot.plot.area.bottom) / plot.plot.area.height * plot.plot.y[1]
    np.testing.assert_allclose(loss, -np.log(p), atol=1e-6)


def test_softmax_film_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert all(len(step.caption) <= 50 for step in played.steps[:-1])


def network(classes: int, gain: float) -> nn.Module:
    torch.manual_seed(1)
    layer = nn.Linear(784, classes)
    layer.weight.data *= gain
    return nn.Sequential(nn.Flatten(), layer)


@pytest.mark.parametrize(
    ("classes", "gain", "label", "size"),
    [(2, 1.0, 0, SIZE), (100, 3.0, 41, (270, 270)), (12, 90.0, None, (270, 480)), (10, 1.0, 3, (360, 270))],
)
def test_softmax_film_layout_other_networks(mlp_run, classes, gain, label, size):
    names = [f"class {k}" for k in range(classes)]
    pixels, predicted = mlp_run.examples().images[0], {}
    module = network(classes, gain)
    context = module_context(mlp_run, module, pixels, names, label)

    def predict(images, *given):
        predicted["logits"] = module(torch.from_numpy(images).float() / 255).detach().numpy()
        return predicted

    context.network().predict = predict
    examples = mlp_run.examples()
    if classes < 10:
        examples.labels[:] = examples.labels % classes
    context.examples = lambda: examples  # type: ignore[method-assign]
    played = play_film(SoftmaxCrossEntropy, context, LIGHT, fps=2, size=size)
    check_layout(played)
    names = [step.name for step in played.steps]
    assert ("loss" in names) == (label is not None)
    assert ("shift" in names) == (played.film.trace.logits.max() > 13)


def test_softmax_film_detects_lies(context, monkeypatch, played):
    """A stick that is not cut by softmax is seen."""
    monkeypatch.setattr(share_stick, "softmax", lambda z: np.full(len(z), 1 / len(z)))
    stick = played.film.sticks.sticks[1.0]
    expected = torch.softmax(torch.from_numpy(context.trace().logits).double(), 0).numpy()
    assert not np.allclose(stick.shares()[stick.groups], expected)
