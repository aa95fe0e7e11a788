"""Which maps and neurons are shown."""

import numpy as np
import pytest
from networks import ZOO
from test_blocks import traced

from netcore.analysis.contributions import contributions
from netcore.analysis.units import inherited_from, select, top_k


@pytest.mark.parametrize("name", ZOO)
def test_select_all_networks(name: str) -> None:
    _, trace, graph = traced(name)
    for by in ("activation", "variation", "contribution"):
        found = select(graph, [trace], 4, by)
        for block in graph:
            if block.unit_axis is None:
                continue
            units = found[block.name]
            assert units.total == block.unit_count
            assert len(units.index) == min(4, units.total)
            assert (np.diff(units.index) > 0).all()


def test_select_by_activation_and_variation() -> None:
    _, trace, graph = traced("padded")
    maps = trace.value(graph["first"].output)
    shown = select(graph, [trace], 2)["first"]
    assert shown.index.tolist() == sorted(np.argsort(-np.abs(maps).mean((1, 2)))[:2])
    assert shown.description == "2 of 4 maps, most active"
    varying = select(graph, [trace], 2, "variation")["first"]
    assert varying.index.tolist() == sorted(np.argsort(-maps.std((1, 2)))[:2])
    assert varying.description == "2 of 4 maps, varying most"


def test_select_by_contribution() -> None:
    _, trace, graph = traced("mlp")
    layer = trace["3"]
    expected = np.abs(layer.weight * trace.input_of(layer)).sum(0)
    units = select(graph, [trace], 3, "contribution")["1"]
    assert units.index.tolist() == sorted(np.argsort(-expected)[:3])
    assert units.description == "3 of 12 neurons, contributing most"


def test_select_pooling_inherits() -> None:
    _, trace, graph = traced("functional")
    found = select(graph, [trace], 2)
    assert found["max_pool2d"].index.tolist() == found["conv2d"].index.tolist()
    assert found["max_pool2d"].reason == "those of conv"
    mobile = traced("mobilenet")[2]
    assert inherited_from(mobile, mobile["conv 2"]) is mobile["conv 1"]  # depthwise


def test_select_keeps_units() -> None:
    _, trace, graph = traced("mlp")
    weakest = int(np.abs(trace.value("2")).argmin())
    assert weakest in select(graph, [trace], {"1": 2}, keep={"1": [weakest]})["1"].index


def test_select_all_units_words() -> None:
    _, trace, graph = traced("mlp")
    assert select(graph, [trace], 50)["1"].description == "12 neurons"


def test_top_k_ties_spread() -> None:
    assert top_k(np.ones(9), 3).tolist() == [0, 4, 8]
    assert top_k([1, -5, 2, 3], 2, keep=[0]).tolist() == [0, 1]


def test_contributions_sum_to_preactivation() -> None:
    _, trace, graph = traced("padded")
    head = graph["head"]
    parts = contributions(trace, graph["flatten"], head)
    assert parts is not None
    layer = trace["head"]
    np.testing.assert_allclose(parts.sum(1) + layer.bias, layer.output, rtol=1e-4)
    assert contributions(trace, graph["first"], graph["second"]) is None  # padded in between
