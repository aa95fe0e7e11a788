"""A stored network calls pure functions of tensors alone, within limits that are checked before it is computed."""

import copy
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import torch
from networks import tanh_mlp

from netcore.core.errors import NetcoreError
from netcore.models.export import export_graph
from netcore.models.exported_model import MAX_NODES, ExportedModel
from netcore.models.operators import resolve_operator
from netcore.models.size_check import check_graph

Graph = dict[str, Any]
# What torch.export gives of all families of classifiers in torchvision 0.29.
TORCHVISION = """
adaptive_avg_pool2d.default add.Tensor add_.Tensor avg_pool2d.default batch_norm.default cat.default chunk.default
clamp.default clamp_min.default clone.default contiguous.default conv2d.default div.Tensor dropout.default
dropout_.default einsum.default eq.Scalar exp.default expand.default expand_as.default fill_.Scalar
flatten.using_ints gelu.default hardsigmoid.default hardswish_.default hardtanh_.default index.Tensor
layer_norm.default linalg_vector_norm.default linear.default masked_fill.Scalar matmul.default max_pool2d.default
mean.dim mul.Tensor ne.Scalar new_zeros.default pad.default permute.default relu.default relu_.default
reshape.default roll.default scaled_dot_product_attention.default select.int sigmoid.default silu.default
silu_.default slice.Tensor softmax.int squeeze.dim sub.Tensor swapaxes.default sym_size.int tanh.default
transpose.int unflatten.int unsqueeze.default view.default zero_.default
"""


def test_pure_core_operators_allowed() -> None:
    packets = [getattr(torch.ops.aten, name) for name in dir(torch.ops.aten) if not name.startswith("__")]
    overloads = [getattr(p, name) for p in packets if hasattr(p, "overloads") for name in p.overloads()]
    pure = [op for op in overloads if torch.Tag.core in op.tags and not op._schema.is_mutable]
    assert len(pure) > 100
    assert all(resolve_operator(str(op)) is op for op in pure)


@pytest.mark.parametrize("name", TORCHVISION.split())
def test_torchvision_operators_allowed(name: str) -> None:
    assert resolve_operator(f"aten.{name}")


@pytest.mark.parametrize(
    "name",
    [
        "_sparse_coo_tensor_unsafe.default", "_print.default", "from_file.default", "set_.source_Tensor",
        "item.default", "resize_.default", "relu.out", "add.out", "data_ptr.default", "record_stream.default",
    ],
)  # fmt: skip
def test_other_operators_refused(name: str) -> None:
    with pytest.raises(NetcoreError, match=f"the stored network calls 'aten.{name}'"):
        resolve_operator(f"aten.{name}")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("pow", (10, 10**8)), ("mul", ([1], 10**9)), ("mul", (2**40, 2**40)), ("add", ("a", "b")), ("getitem", ({}, "x"))],
)
def test_functions_take_numbers_alone(name: str, arguments: tuple) -> None:
    with pytest.raises(NetcoreError, match=rf"the stored network calls 'operator\.{name}'"):
        resolve_operator(f"operator.{name}")(*arguments)


@pytest.fixture(scope="module")
def exported() -> tuple[Graph, dict]:
    return export_graph(tanh_mlp(), (1, 28, 28))


def full(*shape: int) -> Graph:
    return {"op": "aten.full.default", "args": [list(shape), 1.0], "kwargs": {}}


def insert(graph: Graph, *nodes: Graph) -> None:
    graph["nodes"] += nodes


CHANGES: dict[str, Callable[[Graph], object]] = {
    "one huge value": lambda g: insert(g, full(2**20, 2**20)),
    "many large values": lambda g: insert(g, *[full(2**24)] * 40),
    "many nodes": lambda g: insert(g, *[full(1)] * MAX_NODES),
    "huge parameter": lambda g: g["state"]["1.weight"].update(shape=[2**20, 2**20]),
    "negative parameter": lambda g: g["state"]["1.weight"].update(shape=[-1]),
    "layer without nodes": lambda g: g.update(
        layers=[{"module": "1", "kind": "Linear", "first": 2, "last": 0, "outputs": [], "settings": {}}]
    ),
    "later node": lambda g: insert(g, {"op": "aten.relu.default", "args": [{"node": 99}], "kwargs": {}}),
    "missing parameter": lambda g: insert(g, {"op": "aten.relu.default", "args": [{"state": "x"}], "kwargs": {}}),
    "other scores": lambda g: g.update(output={"node": 0}),
    "wrong arguments": lambda g: insert(g, {"op": "aten.relu.default", "args": [[1, "x"]], "kwargs": {}}),
    "huge power": lambda g: insert(g, {"op": "operator.pow", "args": [10, 10**8], "kwargs": {}}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_excessive_graph_refused(exported: tuple[Graph, dict], change: str) -> None:
    """At once, and without memory for what it asks."""
    graph = copy.deepcopy(exported[0])
    CHANGES[change](graph)
    tracemalloc.start()
    start = time.monotonic()
    with pytest.raises(NetcoreError, match="the stored network"):
        check_graph(graph, exported[1], (1, 28, 28), 10)
    assert time.monotonic() - start < 20
    assert tracemalloc.get_traced_memory()[1] < 2**28
    tracemalloc.stop()


def test_pass_of_stored_network_limited(exported: tuple[Graph, dict], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netcore.models.exported_model.MAX_SECONDS", 0.0)
    with pytest.raises(NetcoreError, match="takes longer than 0 s"):
        ExportedModel(*exported)(torch.zeros(1, 1, 28, 28))
