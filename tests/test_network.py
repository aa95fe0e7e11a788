"""Altered passes and optimiser steps give what PyTorch gives on a module altered in the same way."""

import copy
from types import SimpleNamespace

import figure_runs
import numpy as np
import pytest
import torch
from networks import SkipCNN
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.run import Run
from netcore.core.sample import Sample
from netcore.models.loading import load_model
from netcore.tracing.network import TorchNetwork
from netcore.tracing.tracer import trace_module

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module", params=["made-mlp", "made-cnn", "rgb", "own"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    if request.param == "own":
        return figure_runs.make_recorded_run(folder)
    return figure_runs.make_run(folder, request.param)


@pytest.fixture
def network(run: Run) -> TorchNetwork:
    return TorchNetwork(run, run.snapshot("last"))


def module_of(network: TorchNetwork) -> nn.Module:
    """A copy as its author wrote it, free to be altered."""
    if network.run.info["model"]["kind"] == "recipe":
        return copy.deepcopy(load_model(network.run, network.snapshot)).eval()
    module = SkipCNN(channels=3).eval()
    module.load_state_dict({k: torch.from_numpy(v) for k, v in network.run.weights(network.snapshot).items()})
    return module


def network_input(run: Run, images: np.ndarray) -> torch.Tensor:
    mean, std = (
        torch.tensor(run.info["input"].get(k, [d])).view(1, -1, 1, 1) for k, d in (("mean", 0.0), ("std", 1.0))
    )
    return (torch.from_numpy(images).float() / 255 - mean) / std


def replaced(network: TorchNetwork) -> dict[str, np.ndarray]:
    """Other values for the first kernel or matrix, and for a vector."""
    weights = network.run.weights(network.snapshot)
    names = [next(k for k, v in weights.items() if v.ndim >= 2), next(k for k in weights if k.endswith("bias"))]
    return {name: RNG.normal(0, 0.3, weights[name].shape).astype(np.float32) for name in names}


def test_replaced_weights_match_pytorch(network: TorchNetwork) -> None:
    examples, weights = network.run.examples(), replaced(network)
    module = module_of(network)
    module.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()}, strict=False)
    x = network_input(network.run, examples.images[:6])
    with torch.no_grad():
        expected = module(x).numpy()
    assert not np.allclose(expected, network.predict(examples.images[:6])["logits"], atol=1e-3)
    assert np.allclose(network.predict(examples.images[:6], weights=weights)["logits"], expected, atol=1e-4)
    label = int(examples.labels[0])
    found = network.trace(Sample(examples.images[0], label), backward=True, weights=weights)
    assert np.allclose(found.logits, expected[0], atol=1e-4)
    nn.functional.cross_entropy(module(x[:1]), torch.tensor([label])).backward()
    gradients = {name: p.grad.numpy() for name, p in module.named_parameters()}
    layer = next(layer for layer in found.layers if layer.weight is not None)
    assert np.array_equal(layer.weight, weights.get(layer.weight_name, layer.weight))
    assert np.allclose(layer.grad_weight, gradients[layer.weight_name], atol=1e-5)


def test_replaced_weights_leave_network_unchanged(network: TorchNetwork) -> None:
    images = network.run.examples().images[:2]
    before = network.predict(images)["logits"]
    network.predict(images, weights=replaced(network))
    network.trace(Sample(images[0], 1), backward=True, weights=replaced(network))
    assert np.array_equal(network.predict(images)["logits"], before)


def test_masked_units_match_forward_hook(network: TorchNetwork) -> None:
    examples, run = network.run.examples(), network.run
    plain = network.trace(Sample(examples.images[0]))
    units, module = [1, 3], module_of(network)
    layers = dict(module.named_modules())
    node = next(n for n in plain.layers if n.name in layers and n.kind not in ("Flatten",) and n.output[units].any())

    def zero(_: nn.Module, args: object, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[:, units] = 0
        return output

    layers[node.name].register_forward_hook(zero)
    with torch.no_grad():
        expected = module(network_input(run, examples.images[:6])).numpy()
    assert not np.allclose(expected, network.predict(examples.images[:6])["logits"], atol=1e-3)
    found = network.predict(examples.images[:6], (node.name,), mask={node.name: units})
    assert np.allclose(found["logits"], expected, atol=1e-4)
    assert not found[node.name][:, units].any()
    assert np.allclose(network.predict(examples.images[:6], mask={node.name: units})["logits"], expected, atol=1e-4)
    label = int(examples.labels[0])
    masked = network.trace(Sample(examples.images[0], label), backward=True, mask={node.name: units})
    assert np.allclose(masked.logits, expected[0], atol=1e-4)
    x = network_input(run, examples.images[:1]).requires_grad_()
    nn.functional.cross_entropy(module(x), torch.tensor([label])).backward()
    assert np.allclose(masked.grad_input, x.grad[0].numpy(), atol=1e-5)


class Functional(nn.Module):
    """Functions in place of modules, one of them in place, and a tensor whose first axis is not the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.lstm = nn.Conv2d(1, 4, 3), nn.LSTM(6, 5)
        self.head = nn.Linear(5, 3)
        self.off: dict[str, list[int]] = {}

    def _zero(self, name: str, value: torch.Tensor, axis: int) -> torch.Tensor:
        return value.index_fill(axis, torch.tensor(self.off.get(name, []), dtype=torch.long), 0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        x = self._zero("relu", x.relu(), 1) if self.off else x.relu_()
        rows = self._zero("mean", x.mean(1), 1).transpose(0, 1)  # (time, batch, feature)
        out, _ = self.lstm(rows)
        out = self._zero("lstm", out, 0)
        return self.head(out.sum(0))


@pytest.mark.parametrize(("node", "units"), [("relu", [0, 2]), ("mean", [3]), ("lstm", [1, 5])])
def test_mask_of_functions_and_axes(node: str, units: list[int]) -> None:
    torch.manual_seed(1)
    module = Functional().eval()
    pixels = RNG.integers(0, 256, (1, 8, 8), dtype=np.uint8)
    found = trace_module(module, pixels, classes=("a", "b", "c"), mask={node: units})
    plain = trace_module(module, pixels, classes=("a", "b", "c"))
    module.off = {node: units}
    expected = module(torch.from_numpy(pixels)[None] / 255).detach().numpy()[0]
    assert np.allclose(found.logits, expected, atol=1e-6)
    assert not np.allclose(found.logits, plain.logits, atol=1e-4)
    assert not found.value(node)[units].any()


def test_masks_and_weights_combine() -> None:
    torch.manual_seed(3)
    module = SkipCNN(channels=1).eval()
    pixels = RNG.integers(0, 256, (1, 16, 16), dtype=np.uint8)
    classes = tuple("abcdefghij")
    first = next(layer for layer in trace_module(module, pixels, classes=classes).layers if layer.kind == "Conv2d")
    weight = RNG.normal(0, 1, first.weight.shape).astype(np.float32)
    found = trace_module(module, pixels, classes=classes, weights={first.weight_name: weight}, mask={first.name: [0]})
    weight[0] = 0
    silent = {first.weight_name: weight}
    if first.bias is not None:
        silent[first.weight_name.replace("weight", "bias")] = np.where(np.arange(len(first.bias)) == 0, 0, first.bias)
    expected = trace_module(module, pixels, classes=classes, weights=silent)
    assert np.allclose(found.logits, expected.logits, atol=1e-5)


@pytest.mark.parametrize(
    ("altered", "message"),
    [
        ({"weights": {"hidden1.wait": np.zeros(16)}}, "did you mean 'hidden1.weight'"),
        ({"weights": {"hidden1.bias": np.zeros(15)}}, "hidden1.bias is 16 in the network, not 15"),
        ({"mask": {"hiden1": [0]}}, "no node 'hiden1': did you mean 'hidden1'?"),
        ({"mask": {"hidden1": [16]}}, "give indices of units from 0 to 15"),
        ({"mask": {"hidden1": [-1]}}, "give indices of units from 0 to 15"),
        ({"mask": {"hidden1": [0.5]}}, "give indices of units from 0 to 15"),
    ],
)
def test_altered_pass_is_refused(altered: dict, message: str, tmp_path) -> None:
    run = figure_runs.make_run(tmp_path, "made-mlp")
    network = TorchNetwork(run, run.snapshot())
    images = run.examples().images[:1]
    for call in (lambda: network.predict(images, **altered), lambda: network.trace(Sample(images[0]), **altered)):
        with pytest.raises(NetcoreError, match=message.replace("?", r"\?")):
            call()


@pytest.mark.parametrize(
    ("settings", "make", "recorded"),
    [
        ({"optimizer": "sgd", "learning_rate": 0.05}, lambda p: torch.optim.SGD(p, lr=0.05), True),
        ({"optimizer": "adam", "learning_rate": 0.002}, lambda p: torch.optim.Adam(p, lr=0.002), True),
        ({"optimizer": "adamw", "learning_rate": 0.002}, lambda p: torch.optim.AdamW(p, lr=0.002), True),
        ({}, lambda p: torch.optim.SGD(p, lr=0.01), False),
    ],
)
def test_step_matches_torch_optim(network: TorchNetwork, settings: dict, make, recorded: bool) -> None:
    run = Run(network.run.path, network.run.info | {"settings": settings})
    read: list[str] = []
    network = TorchNetwork(run, network.snapshot, read.append)
    examples, module = run.examples(), module_of(network)
    images, labels = examples.images[:12], examples.labels[:12]
    optimizer = make(module.parameters())
    loss = nn.functional.cross_entropy(module(network_input(run, images)), torch.from_numpy(labels))
    loss.backward()
    optimizer.step()
    before = network.predict(images)["logits"]
    step = network.step(images, labels)
    assert (step.optimizer, step.recorded) == (type(optimizer).__name__, recorded)
    assert step.learning_rate == optimizer.param_groups[0]["lr"]
    assert step.loss == pytest.approx(loss.item(), rel=1e-5)
    assert step.weights.keys() == module.state_dict().keys()
    for name, value in module.state_dict().items():
        assert np.allclose(step.weights[name], value.numpy(), atol=2e-6), name
    assert any(not np.allclose(step.weights[name], v, atol=1e-6) for name, v in run.weights(network.snapshot).items())
    assert np.array_equal(network.predict(images)["logits"], before)
    assert read == ["settings"]
    after = network.predict(images, weights=step.weights)["logits"]
    assert not np.array_equal(after, before)


def test_step_refuses_missing_labels(network: TorchNetwork) -> None:
    with pytest.raises(NetcoreError, match="one label an image, not 1 for 2"):
        network.step(network.run.examples().images[:2], [1])


def test_context_network_is_the_snapshots(run: Run) -> None:
    context = figure_runs.first_example_context(run)
    images = context.examples().images[:3]
    early = context.network("first").predict(images)["logits"]
    assert np.array_equal(early, context.predict_batch(images, at="first")["logits"])
    assert not np.allclose(early, context.network().predict(images)["logits"])
    assert {"snapshot:first", "snapshot:last"} <= context.reads


def test_context_images_fall_back_to_examples(run: Run) -> None:
    context = figure_runs.first_example_context(run)
    found = context.images("train")
    assert found.part == "examples"
    assert np.array_equal(found.images, context.examples().images)
    assert {"images:train", "examples"} <= context.reads


def test_context_images_are_the_training_parts(mlp_run: Run) -> None:
    from netcore.datasets.loading import load_dataset
    from netcore.rendering.context import make_context
    from netcore.tracing.training_images import load_training_images

    context = make_context(mlp_run, load_images=load_training_images)
    source = load_dataset("embedded")
    for part, data in (("train", source.train), ("held_out", source.test)):
        found = context.images(part)
        assert found.part == part
        assert np.array_equal(found.images, data.channels_first)
        assert np.array_equal(found.labels, data.labels)
    other = SimpleNamespace(info=mlp_run.info | {"data": mlp_run.info["data"] | {"sha256": {"train": "0" * 64}}})
    assert load_training_images(other, "train") is None
    unknown = SimpleNamespace(info=mlp_run.info | {"data": mlp_run.info["data"] | {"name": "x", "asked": "usps"}})
    assert load_training_images(unknown, "train") is None  # not on this machine, and not downloaded


def test_gradient_products_match_autograd(network: TorchNetwork) -> None:
    examples = network.run.examples()
    images, labels = examples.images[:4], examples.labels[:4]
    module, rows = module_of(network), []
    for x, y in zip(network_input(network.run, images), torch.from_numpy(labels), strict=True):
        module.zero_grad()
        nn.functional.cross_entropy(module(x[None]), y[None]).backward()
        rows.append(torch.cat([p.grad.flatten() for p in module.parameters()]))
    expected = (torch.stack(rows) @ torch.stack(rows).T).numpy()
    found = network.gradient_products(images, labels)
    assert np.allclose(found, expected, rtol=1e-3, atol=1e-5)
    with pytest.raises(NetcoreError, match="one label an image"):
        network.gradient_products(images, labels[:2])
