"""The graph of each kind of network: its blocks, their names, parameters, axes and shortcuts."""

import re
from functools import cache

import numpy as np
import pytest
import torch
from networks import SHAPES, ZOO
from torch import Tensor, nn

from netcore.analysis.blocks import Graph
from netcore.analysis.graph_builder import build_graph, graph_of_trace
from netcore.analysis.regions import join_cheapest, split_at_cuts
from netcore.core.errors import RequirementError
from netcore.core.trace import Trace
from netcore.tracing.tracer import trace_module
from netcore.training.metadata import operation_entries

CLASSES = [str(k) for k in range(10)]
# What PyTorch and its compilers call nodes; no picture may show it.
COMPILER = re.compile(r"_\d|…|2d\b|adaptive|unsqueeze|getitem|select|view|transpose|permute|matmul\b|\bmul\b|\badd\b")
KINDS = {
    "mlp": "vector dense dense",
    "skip": "convolution convolution residual vector dense",
    "functional": "convolution pooling vector vector parallel dense",
    "in-place": "convolution vector dense dense",
    "densenet": "convolution convolution parallel convolution parallel vector dense",
    "vit-attention": "embedding attention residual vector dense",
    "fused-attention": "dense attention residual vector dense",
    "lstm": "recurrent vector dense",
    "gru": "recurrent dense",
    "used-twice": "convolution convolution convolution vector dense",
    "summed": "convolution convolution parallel vector dense",
    "shuffle": "convolution convolution vector dense",
    "channels-last": "convolution convolution dense dense residual vector dense",
    "pixel-head": "convolution vector dense",
    "hand-norm": "convolution vector dense",
    "padded": "convolution convolution vector dense",
    "windows": "embedding attention vector dense",
    "matmul": "vector dense dense",
    "log-softmax": "vector dense dense",
}
REGIONS = {
    "skip": "convolution residual vector dense",
    "functional": "convolution pooling parallel dense",
    "densenet": "convolution parallel parallel vector dense",
    "inception": "parallel vector dense",
    "vit-encoder": "embedding attention residual attention residual vector dense",
    "summed": "parallel vector dense",
    "channels-last": "convolution residual vector dense",
}


@cache
def traced(name: str) -> tuple[nn.Module, Trace, Graph]:
    """A network of the zoo with random weights, a pass, and its graph."""
    torch.manual_seed(0)
    module = ZOO[name]().eval()
    pixels = np.random.default_rng(0).integers(0, 256, SHAPES[name], dtype=np.uint8)
    trace = trace_module(module, pixels, classes=CLASSES)
    return module, trace, graph_of_trace(trace)


def graph_of(module: nn.Module, shape: tuple[int, int, int] = (1, 28, 28)) -> Graph:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    return graph_of_trace(trace_module(module.eval(), pixels, classes=CLASSES))


@pytest.mark.parametrize("name", ZOO)
def test_graph_counts_all_parameters(name: str) -> None:
    module, _, graph = traced(name)
    assert graph.parameters() == sum(p.numel() for p in module.parameters())
    for level in ("operation", "layer", "region", "module"):
        blocks = graph.fold(level).blocks
        assert {op.node for block in blocks for op in block.operations} == {op.node for op in graph.operations}


@pytest.mark.parametrize("name", ZOO)
def test_graph_titles_unique_and_readable(name: str) -> None:
    for level in ("layer", "region"):
        graph = traced(name)[2].fold(level)
        for words in ([b.title for b in graph], [b.short for b in graph], [b.name for b in graph]):
            assert len(set(words)) == len(words)
        for block in graph:
            assert not COMPILER.search(f"{block.title} | {block.short} | {block.description}")


@pytest.mark.parametrize("name", KINDS)
def test_graph_layer_kinds(name: str) -> None:
    assert " ".join(block.kind for block in traced(name)[2]) == KINDS[name]


@pytest.mark.parametrize("name", REGIONS)
def test_graph_region_kinds(name: str) -> None:
    regions = traced(name)[2].fold("region")
    assert " ".join(block.kind for block in regions) == REGIONS[name]
    assert len(regions.chain()) == len(regions)


@pytest.mark.parametrize("name", ZOO)
def test_graph_blocks_match_trace(name: str) -> None:
    """Shapes are those of the values, and blocks come after what they read."""
    _, trace, graph = traced(name)
    for level in ("layer", "region"):
        known = {"input"}
        for block in graph.fold(level):
            assert trace.value(block.output).shape == block.shape
            assert len(block.axes) == len(block.shape)
            assert set(block.inputs) <= known
            known |= {name for op in block.operations for name in op.outputs}


@pytest.mark.parametrize("name", ZOO)
def test_graph_from_run_json(name: str) -> None:
    """run.json alone gives the same blocks as the trace."""
    module, _, graph = traced(name)
    stored = build_graph(operation_entries(module, SHAPES[name], CLASSES), SHAPES[name], 10)
    assert [(b.title, b.kind, b.axes, b.parameters) for b in stored] == [
        (b.title, b.kind, b.axes, b.parameters) for b in graph
    ]
    assert stored.summary == graph.summary


def test_graph_from_old_run_json() -> None:
    """Runs of earlier versions record neither inputs nor names of parameters."""
    rows = [
        {"name": "flatten", "kind": "Flatten", "input": [1, 28, 28], "output": [784], "parameters": 0},
        {"name": "hidden1", "kind": "Linear", "input": [784], "output": [16], "parameters": 12560},
        {"name": "sigmoid1", "kind": "Sigmoid", "input": [16], "output": [16], "parameters": 0},
        {"name": "output", "kind": "Linear", "input": [16], "output": [10], "parameters": 170},
    ]
    graph = build_graph(rows, (1, 28, 28))
    assert [block.title for block in graph.chain()] == ["flatten", "hidden layer", "output layer"]
    assert graph.summary == "784-16-10"
    assert graph.parameters() == 12730


def test_residual_shortcuts_of_resnet() -> None:
    blocks = [block for block in traced("resnet")[2].fold("region") if block.kind == "residual"]
    assert [[op.kind for op in block.shortcut or ()] for block in blocks] == [
        [], [], ["Conv2d", "BatchNorm2d"], [], ["Conv2d", "BatchNorm2d"], [], ["Conv2d", "BatchNorm2d"], [],
    ]  # fmt: skip
    assert blocks[2].description == "2 convolutions + projected shortcut"
    assert blocks[2].title == "residual block 3"
    assert blocks[2].short == "block 3"


def test_summed_convolutions_not_residual() -> None:
    graph = traced("summed")[2]
    assert graph["sum"].shortcut is None
    assert graph.fold("region")["block"].title == "parallel block"


def test_densenet_norms_belong_to_next_convolution() -> None:
    graph = traced("densenet")[2]
    assert graph["conv2"].description == "BN → ReLU → Conv 3×3"
    assert [graph[name].parameters for name in ("stem", "conv1", "cat")] == [40, 119, 0]


def test_shared_parameters_counted_once() -> None:
    graph = traced("used-twice")[2]
    assert graph.parameters() == 238
    assert sum(block.parameters for block in graph) == 386


def test_channels_last_axes() -> None:
    graph = traced("channels-last")[2]
    assert graph["up"].axes == ("row", "column", "channel")
    assert graph["up"].unit_axis == 2
    assert graph["up"].has_maps
    assert graph["up"].unit_count == 12
    value = np.arange(7 * 7 * 12).reshape(7, 7, 12)
    assert np.array_equal(graph["up"].unit_values(value), value.transpose(2, 0, 1))


def test_token_axes() -> None:
    graph = traced("vit-encoder")[2]
    assert graph["patches"].axes == ("token", "feature")
    assert not graph["patches"].has_maps
    assert graph["patches"].description == "Conv 7×7 → Token → Positions"
    assert traced("lstm")[2]["lstm"].axes == ("time", "feature")
    assert traced("fused-attention")[2]["embed"].axes == ("token", "feature")
    assert traced("windows")[2]["patches"].axes == ("window", "token", "feature")


def test_descriptions_of_light_operations() -> None:
    assert traced("hand-norm")[2]["conv"].description == "Conv 3×3 → Normalization → ReLU"
    assert traced("in-place")[2]["conv"].description == "Conv 3×3 → + 1 → ReLU"
    assert traced("shuffle")[2]["second"].description == "Grouped conv 3×3 → ReLU"
    assert traced("log-softmax")[2].output.description == "Dense → Log-softmax"


def test_padding_counts_as_window() -> None:
    window = traced("padded")[2]["first"].window
    assert window is not None
    assert window.padding == (1, 1)
    assert window.kernel == (3, 3)


def test_pixel_head_is_output_layer() -> None:
    graph = traced("pixel-head")[2]
    assert graph.output.title == "output layer"
    assert graph.output.shape == (10,)


def test_squeeze_and_excitation_named() -> None:
    titles = [block.title for block in traced("mobilenet")[2].fold("region")]
    assert titles[2] == "squeeze-and-excitation 1"
    assert titles[-2:] == ["hidden layer", "output layer"]


class OwnAttention(nn.Module):
    """Attention written by hand, with separate layers for queries, keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm = nn.Linear(28, 12), nn.LayerNorm(12)
        self.q, self.k, self.v, self.out = (nn.Linear(12, 12) for _ in range(4))
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x.squeeze(1))
        y = self.norm(x)
        weights = (self.q(y) @ self.k(y).transpose(1, 2) / 12**0.5).softmax(-1)
        return self.head((x + self.out(weights @ self.v(y))).mean(1))


def test_hand_written_attention() -> None:
    graph = graph_of(OwnAttention())
    assert [block.kind for block in graph] == ["dense", "attention", "residual", "vector", "dense"]
    assert graph.blocks[1].parameters == 4 * (12 * 12 + 12) + 24
    assert not COMPILER.search(graph.blocks[1].description)


class PreActivation(nn.Module):
    """Normalization and activation before the convolutions of a residual block, a projection as shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm1, self.conv1 = (
            nn.Conv2d(1, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.Conv2d(4, 6, 3, padding=1),
        )
        self.norm2, self.conv2, self.short = nn.BatchNorm2d(6), nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(4, 6, 1)
        self.head = nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.conv2(self.norm2(self.conv1(self.norm1(x).relu())).relu())
        return self.head((y + self.short(x)).mean((2, 3)))


def test_pre_activation_block() -> None:
    graph = graph_of(PreActivation())
    assert graph["conv1"].description == "BN → ReLU → Conv 3×3 → BN → ReLU"
    (block,) = (block for block in graph.fold("region") if block.kind == "residual")
    assert [op.node for op in block.shortcut or ()] == ["short"]


def test_chain_refuses_branches() -> None:
    with pytest.raises(RequirementError, match="branches at 'residual sum'"):
        traced("skip")[2].chain()
    assert len(traced("mlp")[2].chain()) == 3


def test_fit_keeps_parameters() -> None:
    graph = traced("resnet")[2].fold("region")
    for limit in (8, 4, 1):
        fitted = graph.fit(limit)
        assert len(fitted) <= limit
        assert fitted.parameters() == graph.parameters()
        assert sum(block.parameters for block in fitted) == graph.parameters()
        assert len(fitted.chain()) == len(fitted)


def test_graph_lookup() -> None:
    graph = traced("skip")[2]
    assert graph["conv 2"] is graph["body.0"] is graph["body.1"] is graph["convolution 2"]
    assert graph.edges() == [(-1, 0), (0, 1), (0, 2), (1, 2), (2, 3), (3, 4)]
    with pytest.raises(Exception, match=r"body\.0"):
        graph["body.00"]


def test_summaries() -> None:
    assert traced("mlp")[2].summary == "784-12-10"
    assert traced("skip")[2].summary == "a network of 2 convolutions and 1 dense layer"
    assert traced("lstm")[2].summary == "a network of 1 recurrent layer and 1 dense layer"


def test_split_at_cuts() -> None:
    edges = {"a": ["input"], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": ["d"]}
    assert split_at_cuts(edges) == [["a"], ["b", "c", "d"], ["e"]]


def test_join_cheapest() -> None:
    assert join_cheapest([5, 1, 2, 9], 2, lambda a, b: (a + b,), lambda a, b: a + b) == [8, 9]
