"""One neuron or kernel worked out on the image: pictures and printed numbers compared with PyTorch."""

from decimal import Decimal

import figure_runs
import numpy as np
import pytest
import torch
from figure_checks import draw_figure, painted_strings
from torch.nn import functional

from netcore.analysis.unit_sum import UnitSum, explained_layer, strongest_unit, unit_sum
from netcore.core.trace import Trace


def numbers_of(fig, names) -> list[Decimal]:
    """The number to the right of each name, as printed."""
    texts = [text for text in fig.texts if text.get_visible()]
    found = []
    for name in names:
        one = next(t for t in texts if t.get_text().removeprefix("→ ") == name)
        beside = next(t for t in texts[texts.index(one) :] if t.get_ha() == "right")
        found.append(Decimal(beside.get_text().replace(",", "").replace("−", "-")))
    return found


def check_sum(printed: list[Decimal], values: list[float], total: float, after: list[float]) -> None:
    """Terms, sum and functions as printed are these values, and the printed terms add up."""
    *terms, shown, last = printed
    assert sum(terms) == shown
    unit = float(Decimal(1).scaleb(shown.as_tuple().exponent))
    assert np.allclose([float(t) for t in terms], values, rtol=0, atol=1.01 * unit)
    assert float(shown) == pytest.approx(total, abs=0.6 * unit)
    assert float(last) == pytest.approx(after[-1], abs=0.6 * unit)


def worked_kernel(context, snapshot, unit: int, at: tuple[int, int]):
    """Weights, window, bias and sum of one kernel of the first convolution, by PyTorch."""
    weights = {k: torch.tensor(v) for k, v in context.weights(snapshot).items() if k.startswith("conv1")}
    x = torch.tensor(context.sample.pixels[None] / 255, dtype=torch.float32)
    output = functional.conv2d(x, weights["conv1.weight"], weights["conv1.bias"], padding=1)[0]
    window = functional.pad(x, (1, 1, 1, 1))[0, 0, at[0] : at[0] + 3, at[1] : at[1] + 3]
    return weights["conv1.weight"][unit, 0], window, float(weights["conv1.bias"][unit]), output[unit, *at].item()


def test_neuron_weights_worked_sum(make_context, mlp_run) -> None:
    """The neuron of the largest sum, its products, and at each snapshot a sum that adds up as printed."""
    context = make_context(mlp_run)
    fig, update, (grid, weights, image, products) = draw_figure("neuron_weights", context, neurons=24)
    x = torch.tensor(context.sample.pixels.reshape(-1) / 255, dtype=torch.float64)
    stored = {k: torch.tensor(v, dtype=torch.float64) for k, v in context.weights().items()}
    unit = int((stored["hidden1.weight"] @ x + stored["hidden1.bias"]).argmax())
    assert f"Neuron {unit + 1} on this image" in painted_strings(fig)
    assert np.allclose(image.images()[0], context.sample.pixels[0] / 255)
    for i in (0, len(context.snapshots) - 1):
        update((i + 0.5) / len(context.snapshots))
        layer = context.weights(context.snapshots[i])
        own, bias = torch.tensor(layer["hidden1.weight"][unit], dtype=torch.float64), float(layer["hidden1.bias"][unit])
        assert np.allclose(weights.images()[0], own.reshape(28, 28), atol=1e-6)
        assert np.array_equal(weights.images()[0], grid.images()[unit])
        assert np.allclose(products.images()[0], (own * x).reshape(28, 28), atol=1e-6)
        z = float(own @ x + bias)
        terms = [(own * x).clamp(min=0).sum().item(), (own * x).clamp(max=0).sum().item(), bias]
        printed = numbers_of(fig, ("blue", "orange", "bias", "sum", "Sigmoid"))
        check_sum(printed, terms, z, [1 / (1 + np.exp(-z))])


def test_filter_grid_worked_sum(make_context, cnn_run) -> None:
    context = make_context(cnn_run)
    fig, update, (_, weights, image, products) = draw_figure("filter_grid", context, kernels=64)
    trace = context.trace()
    unit, *at = (int(k) for k in np.unravel_index(trace["conv1"].output.argmax(), trace["conv1"].output.shape))
    assert f"Kernel {unit + 1} on this window" in painted_strings(fig)
    (frame,) = (p for p in image.ax.patches if p.get_clip_on() is False)
    low, side = np.array(frame.get_xy()) + 0.5, image.repeat
    assert np.allclose(low / side, [at[1] - 1, at[0] - 1])
    for i in (0, len(context.snapshots) - 1):
        update((i + 0.5) / len(context.snapshots))
        snapshot = context.snapshots[i]
        own, window, bias, z = worked_kernel(context, snapshot, unit, (at[0], at[1]))
        assert np.allclose(weights.images()[0], own)
        assert np.allclose(products.images()[0], own * window, atol=1e-6)
        terms = [(own * window).clamp(min=0).sum().item(), (own * window).clamp(max=0).sum().item(), bias]
        names = [name for name, _ in unit_sum(trace, trace["conv1"], (unit, *at)).printed()]
        after = context.trace(at=snapshot)["act1"].output[unit, *at]
        check_sum(numbers_of(fig, [*names[:4], names[-1]]), terms, z, [after])


def test_unit_sum_of_deep_kernel(make_context, cnn_run) -> None:
    """Of many input maps one is shown; the others are one term."""
    trace = make_context(cnn_run).trace()
    layer = explained_layer(trace, "conv2")
    at = strongest_unit(layer, [5, 2])
    assert at[0] in (2, 5)
    assert layer.output[at] == layer.output[[2, 5]].max()
    found = unit_sum(trace, layer, at, among=[3, 4])
    assert found.channel in (3, 4)
    assert np.array_equal(found.source, trace.input_of(layer)[found.channel])
    assert sum(value for _, value in found.terms) == pytest.approx(layer.output[at], abs=1e-5)
    assert found.terms[0][1] == pytest.approx(found.products.sum())


@pytest.mark.parametrize("lie", ["unit", "bias"])
def test_check_sum_catches_lies(make_context, mlp_run, lie: str) -> None:
    trace: Trace = make_context(mlp_run).trace()
    layer = explained_layer(trace, "hidden1")
    (unit,) = strongest_unit(layer, range(16))
    true = unit_sum(trace, layer, (unit,))

    def check(told: UnitSum) -> None:
        printed = [Decimal(text.replace("−", "-")) for _, text in told.printed()]
        values = [value for _, value in true.terms][: len(printed) - 2]
        check_sum(printed, values, true.total, [true.after[-1][1]])

    check(true)
    other = unit_sum(trace, layer, ((unit + 1) % 16,))
    dropped = UnitSum(**(vars(true) | {"terms": true.terms[:2]}))
    with pytest.raises(AssertionError):
        check(other if lie == "unit" else dropped)


def test_unit_sum_prints_near_one() -> None:
    """A sigmoid that is not 1 is not printed as 1."""
    empty = np.zeros((1, 1))
    found = UnitSum(0, empty, empty, empty, empty, (("blue", 6.25), ("orange", -0.25)), 6.0, (("Sigmoid", 0.9975),))
    assert found.printed() == [("blue", "6.25"), ("orange", "−0.25"), ("sum", "6.00"), ("Sigmoid", "0.9975")]


def test_explained_layer_refuses_deep_dense(make_context, mlp_run) -> None:
    trace = make_context(mlp_run).trace()
    assert explained_layer(trace, "hidden1") is trace["hidden1"]
    assert explained_layer(trace, "hidden2") is None
    assert explained_layer(trace, "nothing") is None


def test_accuracy_curve_of_another_metric(tmp_path, monkeypatch) -> None:
    """The curve is the held-out accuracy, not that of training; without any, it is a row of dots."""
    run = figure_runs.make_run(tmp_path, "made-mlp")
    context = figure_runs.first_example_context(run)
    rows = [{"epoch": e, "step": 10 * e, "val_accuracy": e / 4, "train_accuracy": 0.9} for e in (1, 2)]
    monkeypatch.setitem(run.info, "history", {"epochs": rows, "steps": []})
    fig = draw_figure("neuron_weights", context).fig
    curves = [line.get_ydata() for ax in fig.axes for line in ax.lines]
    assert any(np.array_equal(y, [0.25]) for y in curves), "up to the selected snapshot"
    assert not any(0.9 in y for y in curves)
    monkeypatch.setitem(run.info, "history", {"epochs": [], "steps": []})
    assert "one dot per snapshot" in painted_strings(draw_figure("neuron_weights", context).fig)
