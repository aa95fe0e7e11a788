"""Backpropagation: deltas, gradients, nudges and training steps are PyTorch's; what is printed adds up."""

import copy
import re
import shutil
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from film_checks import check_layout, play_film, smallest_text
from module_network import learning_context
from networks import SkipCNN, resnet
from torch import nn

from netcore.analysis import backpropagation, learning_moment
from netcore.analysis.backpropagation import layer_gradients
from netcore.analysis.dense_layers import mlp_layers
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.learning_moment import find_moment
from netcore.analysis.map_gradients import find_two_ways
from netcore.core.errors import RequirementError
from netcore.core.run import Examples, load_run
from netcore.core.sample import Sample
from netcore.models.loading import load_model
from netcore.models.optimizers import OPTIMIZERS
from netcore.rendering.context import make_context as cached_context
from netcore.rendering.sample_selector import SampleSelector
from netcore.scenes.films.backpropagation import Backpropagation
from netcore.tracing.tracer import trace_module
from netcore.viz.film.components import backward_edges, backward_view, gradient_film, wish_bars
from netcore.viz.film.components.gradient_wording import batch_words
from netcore.viz.theme import DARK, LIGHT

COUNT = 8  # images of the batch
FRAMES = {"tall": (480, 854), "square": (600, 600)}


class Watched(Backpropagation):
    """Copies what stands on screen at the end of each step."""

    def on_step_end(self, step):
        super().on_step_end(step)
        view = self.view
        seen = {"line": self.line.text, "fill": [m.fill.copy() for m in view.columns.columns]}
        seen["flows"] = {k: (e.values.copy(), e.rgba.copy(), e.widths.copy()) for k, e in view.flows.items()}
        seen["bars"] = view.bars.bars.points[:, :2].reshape(-1, 2, 2).copy()
        self.seen = getattr(self, "seen", {}) | {step.name: seen}


class Autograd:
    """The network of a film's snapshot, as PyTorch differentiates it."""

    def __init__(self, run, film):
        self.run, self.film = run, film
        self.module = copy.deepcopy(load_model(run, film.moment.snapshot)).eval()
        self.x, self.y = self.batch(film.moment.sample.pixels[None], [film.trace.label])
        outputs = {}
        for name, layer in self.module.named_modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d)):
                layer.register_forward_hook(lambda _, __, out, name=name: outputs.update({name: out}))
        self.loss = self.losses(self.x, self.y)[0]
        for out in outputs.values():
            out.retain_grad()
        self.loss.backward()
        self.delta = {name: out.grad[0].numpy() for name, out in outputs.items()}
        self.gradient = {name: p.grad.numpy().copy() for name, p in self.module.named_parameters()}

    def batch(self, images, labels):
        given = self.run.info["input"]
        mean, std = (torch.tensor(given.get(k, [d])).view(1, -1, 1, 1) for k, d in (("mean", 0.0), ("std", 1.0)))
        return (torch.from_numpy(np.asarray(images)).float() / 255 - mean) / std, torch.tensor(labels)

    def losses(self, x, y, module=None):
        return nn.functional.cross_entropy((module or self.module)(x), y, reduction="none")

    def step(self, images, labels):
        """A copy after one step of the run's own optimiser."""
        settings = self.run.info["settings"]
        module = copy.deepcopy(load_model(self.run, self.film.moment.snapshot)).eval()
        optimizer = getattr(torch.optim, OPTIMIZERS[settings["optimizer"]])(
            module.parameters(), settings["learning_rate"]
        )
        self.losses(*self.batch(images, labels), module).mean().backward()
        optimizer.step()
        return module


@pytest.fixture(scope="module", params=["mlp", "cnn"])
def context(request, make_context):
    context = make_context(request.getfixturevalue(f"{request.param}_run"), at="last")
    every = context.examples()
    few = Examples(every.images[:120], every.labels[:120], every.index[:120])
    context.examples = lambda: few  # fewer images to predict
    return context


@pytest.fixture(scope="module")
def played(context):
    size = FRAMES["tall" if context.run_name.startswith("mlp") else "square"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gradient_film, "BATCH", COUNT)
        return play_film(Watched, context, fps=1, size=size, draw=False)


@pytest.fixture(scope="module")
def autograd(context, played):
    return Autograd(context._run, played.film)


def numbers(text):
    found = re.findall(r"[−-]?\d[\d,]*(?:\.\d+)?", text.replace("− ", "−"))
    return [Decimal(n.replace(",", "").replace("−", "-")) for n in found]


# ---- gradients


def check_deltas(played, autograd):
    for one in played.film.found:
        name = one.layer.block.main.node
        np.testing.assert_allclose(one.delta, autograd.delta[name], atol=1e-5)
        np.testing.assert_allclose(one.gradient, autograd.gradient[f"{name}.weight"], atol=1e-5)
    p = torch.softmax(autograd.module(autograd.x), 1)[0].detach().numpy()
    wish = p - np.eye(len(p))[played.film.trace.label]
    np.testing.assert_allclose(played.film.found[-1].delta, wish, atol=1e-5)


def check_bars(played, autograd):
    """Deltas are rounded as their probabilities are; a piece is as wide as its delta."""
    bars = played.film.view.bars
    wish = played.film.found[-1].delta[played.film.view.index[-1]]
    for text, value in zip(bars.deltas, wish, strict=False):
        assert float(numbers(text)[0]) == round(value, len(text.partition(".")[2]))
    widths = np.diff(bars.pieces.points[:, 0].reshape(-1, 2)).ravel() / bars.track.width
    np.testing.assert_allclose(widths, np.abs(wish), atol=1e-6)
    roles = np.where(wish[:, None] < 0, DARK.rgb("positive"), DARK.rgb("negative"))
    np.testing.assert_allclose(bars.pieces.fill[:, :3], roles)


def check_edges(played, autograd):
    """Edges of the output weights: gradient, colour of what is asked for, width by size."""
    film = played.film
    k, view = film.view.last, film.view
    values, rgba, widths = film.seen["output-weights"]["flows"][k]
    name = film.found[-1].layer.block.main.node
    expected = -autograd.gradient[f"{name}.weight"][np.ix_(view.index[k], view.index[k - 1])].ravel()
    np.testing.assert_allclose(values, expected, atol=1e-5)
    colors = np.where(expected[:, None] < 0, DARK.rgb("negative"), DARK.rgb("positive"))
    np.testing.assert_allclose(rgba[:, :3], colors)
    np.testing.assert_allclose(widths, 1 + 4 * np.abs(expected) / np.abs(expected).max(), atol=1e-4)


def check_nudge(played, autograd):
    film = played.film
    nudge, name = film.nudge, film.found[-1].weight
    module = copy.deepcopy(autograd.module)
    with torch.no_grad():
        dict(module.named_parameters())[name][nudge.unit, nudge.source] += nudge.change
        after = autograd.losses(autograd.x, autograd.y, module).item()
    assert nudge.loss == pytest.approx(autograd.loss.item(), abs=1e-5)
    assert nudge.loss_after == pytest.approx(after, abs=1e-5)
    assert nudge.gradient == pytest.approx(autograd.gradient[name][nudge.unit, nudge.source], abs=1e-5)
    a, delta, product = (Decimal(t.replace("−", "-")) for t in nudge.texts)
    assert round(a * delta, -product.as_tuple().exponent) == product
    line = numbers(film.seen["nudge"]["line"])
    assert float(line[-2]) == pytest.approx(nudge.loss, abs=0.001)
    assert float(line[-1]) == pytest.approx(after, abs=0.001)


def check_neuron(played, autograd):
    """What the deltas bring adds up as printed, and times the slope it is autograd's delta."""
    film = played.film
    line, unit = film.seen["neuron"]["line"].partition("     ")[0], film.unit
    left, total = line.rsplit(" = ", 1)
    a, b, product = numbers(line.partition(":")[2])[:3]
    assert round(a * b, -product.as_tuple().exponent) == product
    assert np.abs(film.found[-1].layer.weight[:, unit] - float(a)).min() < 1e-3
    terms = [numbers(part)[-1] for part in re.split(r" \+ ", left.replace(" − ", " + −"))]
    assert sum(terms) == numbers(total)[0]
    derivative, slope, delta = (Decimal(t.replace("−", "-")) for t in film.product)
    assert numbers(total)[0] == derivative
    assert round(derivative * slope, -delta.as_tuple().exponent) == delta
    name = film.found[-2].layer.block.main.node
    assert float(delta) == pytest.approx(autograd.delta[name][unit], abs=1e-4)


def check_fills(played, autograd):
    """Neurons have the colour of what the loss asks of them."""
    film = played.film
    for k, one in enumerate(film.found, 1):
        grad = autograd.delta[one.layer.block.main.node]
        expected = DARK.signed_colors(-grad[film.view.index[k]] / np.abs(grad).max())
        np.testing.assert_allclose(film.seen["layers"]["fill"][k], expected, atol=1e-3)


# ---- steps


def check_step(played, autograd):
    film = played.film
    sample, images = film.moment.sample, film.context.images("held_out")
    module = autograd.step(sample.pixels[None], [film.trace.label])
    with torch.no_grad():
        own = autograd.losses(autograd.x, autograd.y, module).item()
        x, y = autograd.batch(images.images, images.labels)
        before, after = autograd.losses(x, y), autograd.losses(x, y, module)
    assert film.effect.trace.loss == pytest.approx(own, abs=1e-4)
    np.testing.assert_allclose(film.effect.before, before.numpy(), atol=1e-4)
    np.testing.assert_allclose(film.effect.after, after.numpy(), atol=1e-4)
    caption = next(s.caption for s in played.steps if s.name == "step")
    assert film.effect.step.optimizer == "Adam"
    assert "Adam" in caption
    check_step_words(film)
    assert float(numbers(caption)[-1]) == pytest.approx(own, abs=0.001)
    p = torch.softmax(module(autograd.x), 1)[0].detach().numpy()[film.view.index[-1]]
    corners, track = film.seen["step"]["bars"], film.view.bars.track
    np.testing.assert_allclose((corners[:, 1, 0] - corners[:, 0, 0]) / track.width, p, atol=1e-4)
    counted = next(s.caption for s in played.steps if s.name == "others")
    assert numbers(counted)[1:] == [int((after < before).sum()), int((after > before).sum())]
    line = film.seen["others"]["line"]
    fell, rose = ((before - after)[chosen].abs().mean() for chosen in (after < before, after > before))
    assert [float(n) for n in numbers(line)[1:4:2]] == pytest.approx([float(fell), float(rose)], rel=0.06)
    assert [float(n) for n in numbers(line)[-2:]] == pytest.approx(
        [before.mean().item(), after.mean().item()], abs=0.001
    )
    drawn = []
    for k, one in enumerate(film.found, 1):
        change = (module.get_parameter(one.weight) - autograd.module.get_parameter(one.weight)).detach().numpy()
        drawn.append(change[np.ix_(film.view.index[k], film.view.index[k - 1])].ravel())
        np.testing.assert_allclose(film.seen["step"]["flows"][k][0], drawn[-1], atol=1e-6)


def check_scale(played, autograd):
    """Changes of all layers are drawn on one scale."""
    view = played.film.view
    changes = [np.full(one.gradient.shape, 0.1**k) for k, one in enumerate(played.film.found)]
    view.change_flows(changes)
    for k, change in enumerate(changes, 1):
        np.testing.assert_allclose(view.flows[k].widths / view.flows[1].widths[0], 0.2 + 0.8 * change.max(), rtol=1e-3)


def check_step_words(film):
    """What is said of the step: Adam's first moves, and how far the slopes are right."""
    line, step = film.seen["step"]["line"], film.effect.step
    moves = [
        np.abs(step.weights[o.weight].reshape(o.gradient.shape) - o.layer.weight)[o.gradient != 0] for o in film.found
    ]
    assert np.median(np.concatenate(moves)) == pytest.approx(step.learning_rate, rel=0.05)
    assert f"each weight with a gradient moves by the rate, {step.learning_rate:g}" in line
    predicted, measured = (float(n) for n in numbers(line.partition("predict")[2])[:2])
    assert measured == pytest.approx(film.effect.trace.loss - film.trace.loss, rel=0.01)
    assert ("too long" in line) == (abs(predicted - measured) > 0.1 * abs(measured))


def check_batch(played, autograd):
    """Lengths of gradients, of their mean, and angles in the picture."""
    film, found = played.film, played.film.gradients
    n = len(found.products)
    chosen = film.batch_images
    rows = []
    for x, y in zip(*autograd.batch(chosen.images, chosen.labels), strict=True):
        autograd.module.zero_grad()
        autograd.losses(x[None], y[None])[0].backward()
        rows.append(torch.cat([p.grad.flatten() for p in autograd.module.parameters()]).numpy().astype(float))
    rows = np.array(rows)
    mean = rows.mean(0)
    np.testing.assert_allclose(found.lengths, np.linalg.norm(rows, axis=1), rtol=1e-3)
    assert found.length_of_mean == pytest.approx(np.linalg.norm(mean), rel=1e-3)
    lines = np.diff(film.fan.lines.points[:, :2].reshape(-1, 2, 2), axis=1)[:, 0] / film.fan.unit
    np.testing.assert_allclose(np.linalg.norm(lines, axis=1), np.linalg.norm(rows, axis=1), rtol=1e-3)
    np.testing.assert_allclose(lines[:, 1], rows @ mean / np.linalg.norm(mean), rtol=1e-2, atol=1e-3)
    arrow = np.diff(film.fan.mean.points[:, :2], axis=0)[0] / film.fan.unit
    np.testing.assert_allclose(arrow, [0, np.linalg.norm(mean)], rtol=1e-3, atol=1e-6)
    caption = next(s.caption for s in played.steps if s.name == "batch")
    assert int(numbers(caption)[1]) == n == COUNT
    single = autograd.step(film.moment.sample.pixels[None], [film.trace.label])
    module = as_long(autograd.module, autograd.step(chosen.images, chosen.labels), single)
    images = film.context.images("held_out")
    with torch.no_grad():
        after = autograd.losses(*autograd.batch(images.images, images.labels), module).numpy()
    np.testing.assert_allclose(film.batch_effect.after, after, atol=1e-4)
    own = np.diff(film.fan.own.points[:, :2], axis=0)[0] / film.fan.unit
    assert np.linalg.norm(own) == pytest.approx(np.linalg.norm(rows[0]), rel=1e-3)
    caption = next(s.caption for s in played.steps if s.name == "batch-step")
    better = [int(e.better.sum()) for e in (film.effect, film.batch_effect)]
    mean = film.effect.after.mean(), film.batch_effect.after.mean()
    expected = (
        better if better[1] > better[0] else mean[::-1] if mean[1] < mean[0] else [better[1], len(after) - better[1]]
    )
    assert [float(n) for n in numbers(caption)] == pytest.approx([COUNT, *expected], abs=0.001)
    assert [float(n) for n in numbers(film.seen["batch-step"]["line"])[-2:]] == pytest.approx(mean[::-1], abs=0.001)


def as_long(start, module, other):
    """A module between, or beyond, two others: as far from the first as another one is."""
    before, after, goal = (
        torch.cat([p.detach().double().flatten() for p in m.parameters()]) for m in (start, module, other)
    )
    factor = (goal - before).norm() / (after - before).norm()
    out = copy.deepcopy(start)
    nn.utils.vector_to_parameters((before + factor * (after - before)).float(), out.parameters())
    return out


def check_pictures(played, autograd):
    """Gradients of weights as pictures of the image, or of maps, the pooling's winner, and one kernel weight."""
    film = played.film
    if film.blocks:
        return check_maps(film, autograd)
    grad = autograd.gradient[film.found[0].weight]
    first = int(np.abs(film.found[0].delta).argmax())
    shown = -grad[first].reshape(28, 28)
    np.testing.assert_allclose(film.grid.maps.values[0], shown, atol=1e-5)
    np.testing.assert_allclose(film.grid.maps.rgb[0], DARK.signed_colors(shown / np.abs(grad).max()), atol=1e-3)
    return None


def check_maps(film, autograd):
    for layer in film.deltas:
        np.testing.assert_allclose(layer.values, autograd.delta[layer.block.main.node], atol=1e-5)
    pooled = film.pooled
    assert np.count_nonzero(pooled.gradients) == 1
    assert pooled.gradients.ravel()[pooled.values.argmax()] == pytest.approx(pooled.given)
    kernel = film.kernel
    grad = autograd.gradient[f"{kernel.block.main.node}.weight"][kernel.unit, kernel.channel]
    np.testing.assert_allclose(kernel.kernel, grad, atol=1e-5)
    assert kernel.gradient == pytest.approx(grad[kernel.tap], abs=1e-5)
    product, rest = film.seen["kernel"]["line"].split("     ")
    delta, value, shown = numbers(product)
    assert round(delta * value, -shown.as_tuple().exponent) == shown
    first, _, more, total = numbers(rest)
    assert first + more == total
    assert float(total) == pytest.approx(kernel.gradient, rel=0.01)


CHECKS = [
    check_pictures,
    check_deltas,
    check_bars,
    check_edges,
    check_nudge,
    check_neuron,
    check_fills,
    check_step,
    check_scale,
    check_batch,
]


@pytest.mark.parametrize("check", CHECKS)
def test_backpropagation_film_shows_autograd(check, played, autograd):
    check(played, autograd)


def test_backpropagation_film_layout(played):
    check_layout(played)
    assert smallest_text(played) >= 14
    assert not [line for step in played.steps for line in step.caption.split(". ") if len(line) > 50]


# ---- residual blocks, own modules


LONG = ["aeroplane with a very long name", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "lorry"]


def own_context(run, module, shape, classes=LONG, label=0):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return learning_context(run, module, pixels, list(classes), label)


def test_backpropagation_film_residual(mlp_run):
    """Both ways back add up; an optimiser that is not recorded is said to be none."""
    torch.manual_seed(2)
    context = own_context(mlp_run, SkipCNN(channels=3), (3, 20, 24))
    played = play_film(Watched, context, LIGHT, fps=1, draw=False)
    check_layout(played)
    film = played.film
    ways = film.ways
    np.testing.assert_allclose(ways.through_block + ways.through_shortcut, ways.total, atol=1e-7)
    line = film.seen["shortcut"]["line"].split("     ")[0]
    block, shortcut, total = numbers(line)
    assert block + shortcut == total
    assert float(total) == pytest.approx(ways.total[ways.place], rel=0.02)
    assert not film.effect.step.recorded
    assert "not recorded" in film.seen["step"]["line"]


def test_two_ways_match_autograd():
    """A projected shortcut: what flows through it is PyTorch's."""
    torch.manual_seed(0)
    module = resnet().eval()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    trace = trace_module(module, pixels, classes=[str(k) for k in range(10)], label=3, backward=True)
    graph = graph_of_trace(trace)
    last = find_two_ways(trace, graph)
    assert not last.is_projected
    blocks = tuple(b for b in graph.blocks if b.kind == "residual" and b.shortcut)
    found = find_two_ways(trace, replace(graph, blocks=blocks))
    assert found.is_projected
    seen = {}
    block = module.layer4[0]
    block.downsample[0].register_forward_hook(lambda _, given, __: seen.update(x=given[0]))
    block.conv1.register_forward_pre_hook(lambda _, given: (given[0] * 1.0,))
    out = module(torch.from_numpy(pixels)[None].float() / 255)
    block_input = seen["x"]
    way = block.downsample(block_input)
    nn.functional.cross_entropy(out, torch.tensor([3])).backward(inputs=[block_input], retain_graph=True)
    np.testing.assert_allclose(found.total, block_input.grad[0].numpy(), atol=1e-5)
    last_sum = next(b for b in blocks if b.output.startswith("layer4.0") or b is blocks[-1])
    delta = torch.from_numpy(next(n for n in trace.layers if n.name == last_sum.main.node).grad_output)[None]
    (expected,) = torch.autograd.grad(way, block_input, delta)
    np.testing.assert_allclose(found.through_shortcut, expected[0].numpy(), atol=1e-5)


# ---- moments


def test_moment_is_unsure(context):
    found = find_moment(context)
    p = context.network(found.snapshot).trace(found.sample).probabilities[found.sample.label]
    assert p <= 0.95
    assert not found.replaced


def test_moment_replaces_sure_image(mlp_run, make_context, monkeypatch):
    monkeypatch.setattr(learning_moment, "UNSURE", (2.0, 3.0))
    monkeypatch.setattr(learning_moment, "SURE", 0.0)
    context = make_context(mlp_run, 7, "last")
    found = find_moment(context)
    assert found.replaced
    assert 1 - context.network().trace(found.sample).probabilities[found.sample.label] > 0.5


def test_moment_needs_true_class(mlp_run, make_context):
    context = make_context(mlp_run, 7)
    context.sample_or_none = Sample(context.sample.pixels)
    with pytest.raises(RequirementError, match="use --digit or --index"):
        find_moment(context)


@pytest.mark.parametrize("kind", ["sigmoid", "shared"])
def test_gradients_refused_in_one_line(kind):
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.flatten, self.first, self.again, self.out = (
                nn.Flatten(),
                nn.Linear(784, 6),
                nn.Linear(6, 6),
                nn.Linear(6, 3),
            )

        def forward(self, x):
            return self.out(self.again(self.again(self.first(self.flatten(x)).tanh()).tanh()).tanh())

    torch.manual_seed(0)
    module = Shared() if kind == "shared" else nn.Sequential(nn.Flatten(), nn.Linear(784, 3), nn.Sigmoid())
    pixels = np.random.default_rng(0).integers(0, 256, (1, 28, 28), dtype=np.uint8)
    trace = trace_module(module.eval(), pixels, classes=["a", "b", "c"], label=0, backward=True)
    layers = mlp_layers(trace, graph_of_trace(trace))
    with pytest.raises(RequirementError, match="use model-graph") as caught:
        layer_gradients(trace, layers)
    assert "\n" not in str(caught.value)


# ---- cache, lies


def test_backpropagation_film_second_render(mlp_run, tmp_path, monkeypatch):
    """All that was computed once is read back."""
    shutil.copytree(mlp_run.path, tmp_path / "copy")
    run = load_run(tmp_path / "copy")

    def captions():
        return [s.caption for s in Backpropagation.plan(cached_context(run, SampleSelector("7"), "last"), fps=1)]

    first = captions()

    def fail(*given):
        raise AssertionError("computed again")

    monkeypatch.setattr("netcore.tracing.network.TorchNetwork", fail)
    assert captions() == first


def wrong_delta(monkeypatch):
    original = backpropagation.LayerGradient.terms
    monkeypatch.setattr(backpropagation.LayerGradient, "terms", lambda self, unit: original(self, (unit + 1) % 3))
    return check_neuron


def stale_sum(monkeypatch):
    monkeypatch.setattr(wish_bars, "print_deltas", lambda terms: [f"{v + 0.1:.3f}" for v in terms])
    return check_bars


def swapped_colors(monkeypatch):
    look = backward_edges.edge_look
    monkeypatch.setattr(backward_edges, "edge_look", lambda theme, values: look(theme, -np.asarray(values)))
    return check_edges


def scale_of_each_layer(monkeypatch):
    flow = backward_view.BackwardView.flow
    monkeypatch.setattr(backward_view.BackwardView, "flow", lambda self, k, v, t=0.8, look=None: flow(self, k, v, t))
    return check_scale


def test_backpropagation_film_lies_are_caught(mlp_run, make_context, monkeypatch):
    checks = [lie(monkeypatch) for lie in (wrong_delta, stale_sum, swapped_colors, scale_of_each_layer)]
    played = play_film(Watched, make_context(mlp_run, at="last"), fps=1, draw=False)
    autograd = Autograd(mlp_run, played.film)
    for check in checks:
        with pytest.raises(AssertionError):
            check(played, autograd)


def test_backpropagation_film_without_hidden_layer(mlp_run):
    """The outputs read the image: no hidden neuron is spoken of."""
    torch.manual_seed(0)
    context = own_context(mlp_run, nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), (1, 8, 8), "abc")
    played = play_film(Backpropagation, context, fps=1, draw=False)
    check_layout(played)
    names = [step.name for step in played.steps]
    assert "neuron" not in names
    assert "first-layer" in names


@pytest.mark.parametrize(
    ("before", "alone", "batch", "said"),
    [
        ((0.7, 0.7), (0.6, 0.8), (0.6, 0.7), "loss 0.650, not 0.700"),
        ((0.7, 0.7), (0.7006250, 0.7), (0.7006249, 0.7), "0 better"),  # equal in all digits of a caption
        ((9e3, 9e3), (4899.6, 4899.6), (4696.0, 4696.0), "2 better"),
    ],
)
def test_batch_words_say_visible_differences(before, alone, batch, said) -> None:
    one, all_ = (
        SimpleNamespace(before=b, after=a, better=a < b)
        for b, a in ((np.array(before), np.array(after)) for after in (alone, batch))
    )
    caption, _ = batch_words(one, all_, 128)
    assert len(caption) <= 50
    assert said in caption
