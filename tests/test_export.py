"""A stored graph gives what its network gives, without the network's code, and holds nothing that could run."""

import copy
import json
import weakref

import numpy as np
import pytest
import torch
from networks import SHAPES, ZOO, Branching, Functional, InPlace, SkipCNN, TwoImages, resnet, tanh_mlp
from sampling import sampled
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.models.build import build_model
from netcore.models.export import export_graph
from netcore.models.exported_model import ExportedModel
from netcore.models.operators import resolve_operator
from netcore.models.size_check import check_graph
from netcore.tracing.tracer import trace_module
from netcore.training.recipes import RECIPES

TEN = [str(n) for n in range(10)]
GREY, COLOR = (1, 28, 28), (3, 32, 32)


class Attention(nn.Module):
    """Self-attention over rows; a buffer that is not saved, a constant made on the way."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(28, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.output = nn.Linear(8, 10)
        self.register_buffer("place", torch.rand(28, 8), persistent=False)

    def forward(self, x):
        x = self.embed(x.squeeze(1)) + self.place * torch.tensor([0.5])
        return self.output(self.layer(x).mean(1))


def stored(module, shape):
    """Through JSON's text and back, as a run does it."""
    graph, constants = export_graph(module, shape)
    check_graph(graph, constants, shape, 10)
    network = ExportedModel(json.loads(json.dumps(graph)), constants)
    network.load_state_dict(module.state_dict())
    return network.eval()


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (tanh_mlp, GREY),
        (SkipCNN, GREY),
        (Functional, GREY),
        (InPlace, GREY),
        (resnet, COLOR),
        (lambda: SkipCNN(10, 3), COLOR),
        (lambda: build_model(RECIPES["cnn-5conv"].architecture), GREY),
    ],
)
def test_exported_model_trace_matches_module(make, shape):
    torch.manual_seed(0)
    module = make()
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    ours = trace_module(stored(module, shape), pixels, classes=TEN, label=3, backward=True)
    live = trace_module(module, pixels, classes=TEN, label=3, backward=True)
    assert len(ours.layers) == len(live.layers)
    np.testing.assert_allclose(ours.grad_input, live.grad_input, atol=1e-5)
    for a, b in zip(ours.layers, live.layers, strict=True):
        for what in ("name", "kind", "inputs", "module", "weight_name"):
            assert getattr(a, what) == getattr(b, what)
        for what in ("output", "weight", "bias", "grad_output", "grad_weight", "grad_bias"):
            given, expected = getattr(a, what), getattr(b, what)
            assert (given is None) == (expected is None)
            if given is not None:
                np.testing.assert_allclose(given, expected, atol=1e-5, err_msg=f"{a.name} {what}")
        for key in a.settings.keys() & {"kernel_size", "stride", "padding", "eps", "p"}:
            assert a.settings[key] == b.settings[key]
        assert ("kernel_size" in a.settings) == (a.kind in ("Conv2d", "MaxPool2d"))


@pytest.mark.parametrize("name", sampled(list(ZOO), every=6))
def test_stored_network_round_trip(name):
    torch.manual_seed(0)
    module, shape = ZOO[name]().eval(), SHAPES[name]
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    live = trace_module(module, pixels, classes=TEN)
    found = trace_module(stored(module, shape), pixels, classes=TEN)
    np.testing.assert_allclose(found.logits, live.logits, atol=1e-4)
    indexing = ("getitem", "select", "slice")  # x[:, 0] is one call, and two operators
    theirs = [layer for layer in live.layers if layer.kind not in indexing]
    ours = [layer for layer in found.layers if layer.kind not in indexing]
    assert found.modules == live.modules
    for a, b in zip(ours, theirs, strict=True):
        for what in ("name", "kind", "module", "module_class", "batch_axis", "parameter_sizes"):
            assert getattr(a, what) == getattr(b, what)
        np.testing.assert_allclose(a.output, b.output, atol=1e-4)
        for key in a.outputs.keys() & b.outputs.keys():
            np.testing.assert_allclose(a.outputs[key], b.outputs[key], atol=1e-5)


def test_stored_graph_names_modules_and_calls():
    graph, _ = export_graph(ZOO["used-twice"](), GREY)
    calls = [(n["module"], n["class"], n["call"]) for n in graph["nodes"] if n.get("kind") == "Conv2d"]
    assert calls == [("stem", "Conv2d", 0), ("block.0", "Conv2d", 0), ("block.0", "Conv2d", 1)]
    graph, _ = export_graph(ZOO["vit-encoder"](), GREY)
    assert graph["version"] == 2
    assert graph["modules"]["encoder.layers.1"] == "TransformerEncoderLayer"
    assert [entry["kind"] for entry in graph["layers"]] == ["MultiheadAttention"] * 2


@pytest.mark.parametrize("name", ["skip", "lstm", "vit-attention"])
def test_stored_graph_version_1_loads(name):
    torch.manual_seed(0)
    module = ZOO[name]().eval()
    graph, constants = export_graph(module, GREY)
    for key in ("version", "modules", "layers"):
        del graph[key]
    for node in graph["nodes"]:
        node.pop("class", None)
        node.pop("call", None)
    network = ExportedModel(graph, constants)
    network.load_state_dict(module.state_dict())
    pixels = np.random.default_rng(1).integers(0, 256, GREY, dtype=np.uint8)
    found = trace_module(network, pixels, classes=TEN)
    np.testing.assert_allclose(found.logits, trace_module(module, pixels, classes=TEN).logits, atol=1e-5)


def test_export_keeps_buffers_and_constants():
    module = Attention().eval()
    network = stored(module, GREY)
    images = torch.rand(5, *GREY)
    torch.testing.assert_close(network(images), module(images), atol=1e-5, rtol=1e-4)
    kinds = [layer.kind for layer in trace_module(network, np.zeros(GREY, np.uint8), classes=TEN).layers]
    assert {"Linear", "LayerNorm", "Dropout", "ReLU", "add"} <= set(kinds)


def test_exported_model_copy_and_batches():
    torch.manual_seed(0)
    module = Functional()
    network = copy.deepcopy(stored(module, GREY))
    for count in (1, 2, 7):
        images = torch.rand(count, *GREY)
        torch.testing.assert_close(network(images), module(images))


def test_exported_model_dropout_in_training():
    module = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10))
    network, images = stored(module, GREY), torch.rand(4, *GREY)
    torch.testing.assert_close(network(images), module.eval()(images))
    for part in network.modules():
        if isinstance(part, nn.Dropout):
            assert part.p == 0.5
            part.train()
    torch.manual_seed(0)
    found = network(images)
    torch.manual_seed(0)
    torch.testing.assert_close(found, module.train()(images))
    assert network.state_dict().keys() == module.state_dict().keys()


def test_export_leaves_module_unchanged():
    module = SkipCNN().train()
    before = copy.deepcopy(module.state_dict())
    state = torch.get_rng_state()
    export_graph(module, GREY)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(m.training for m in module.modules())
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key])


@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile])
def test_export_removes_wrappers(wrap):
    graph, _ = export_graph(wrap(tanh_mlp()), GREY)
    assert list(graph["state"]) == ["1.weight", "1.bias", "3.weight", "3.bias"]


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(784, 10)

    def forward(self, x):
        with torch.no_grad():
            x = x.flatten(1) * 2
        return self.head(x)


class Two(nn.Module):
    def forward(self, x):
        x = x.flatten(1)
        return x[:, :10], x[:, 10:20]


class Noisy(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, :10] + torch.rand(1)


class OneAtATime(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(784, 10)

    def forward(self, x):
        return self.head(x.view(1, 784))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Branching(), "Branching has control flow that depends on the image"),
        (Frozen(), r"Frozen has torch.no_grad\(\) in its forward"),
        (Two(), "Two must return one tensor of logits, got 2"),
        (Noisy(), "Noisy is not deterministic"),
        (TwoImages(), "the graph of TwoImages cannot be stored"),
        (OneAtATime(), r"the graph of OneAtATime cannot be stored \(RuntimeError: shape"),
    ],
)
def test_export_rejects_dynamic_graphs(module, message, capfd):
    with pytest.raises(NetcoreError, match=message) as caught:
        export_graph(module, GREY)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name",
    [
        "aten.from_file.default",
        "os.system",
        "operator.attrgetter",
        "aten.__class__.mro",
        "aten.nothing.default",
        "aten",
        "",
    ],
)
def test_resolve_operator_rejects_unsafe_names(name):
    with pytest.raises(NetcoreError, match=r"which (this PyTorch does not have|is not a function of tensors)"):
        resolve_operator(name)


@pytest.mark.parametrize(
    "change",
    [
        lambda g: g.pop("nodes"),
        lambda g: g["nodes"][0].pop("args"),
        lambda g: g["nodes"][0].update(args=[{"python": "print"}]),
        lambda g: g.update(state={"a": {"shape": "x", "dtype": "float32", "parameter": True}}),
        lambda g: g["state"]["1.weight"].update(dtype="load"),
    ],
)
def test_exported_model_rejects_damaged_graph(change):
    graph, constants = export_graph(tanh_mlp(), GREY)
    change(graph)
    with pytest.raises(NetcoreError, match="the stored network"):
        ExportedModel(graph, constants)


def test_exported_model_frees_values(monkeypatch):
    """Of a long chain only what is still read stays in memory; a value that is read late stays."""

    class Chain(nn.Module):
        def forward(self, x):
            first = x.flatten(1)
            y = first
            for _ in range(20):
                y = y * 1.5
            return (y + first)[:, :10]

    exported = ExportedModel(*export_graph(Chain(), GREY))
    alive, most = [], []

    def compute_node(function, args, kwargs):
        out = function(*args, **kwargs)
        alive.append(weakref.ref(out))
        most.append(sum(ref() is not None for ref in alive))
        return out

    monkeypatch.setattr(exported, "compute_node", compute_node)
    images = torch.rand(2, *GREY)
    assert torch.equal(exported(images), Chain()(images))
    assert len(most) > 20
    assert max(most) <= 4
