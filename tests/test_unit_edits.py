"""Edits as text: units count from 1, and classes have names."""

import numpy as np
import pytest

from netcore.analysis.unit_edits import Edit, apply_edits, class_layer, parse_edit
from netcore.core.errors import NetcoreError

DENSE = {"name": "hidden1", "kind": "Linear", "output": [16]}
SCORES = {"name": "output", "kind": "Linear", "output": [2]}
CLASSES = ["cat", "dog"]


def test_units_count_from_one() -> None:
    assert parse_edit("off", "conv1:1") == Edit("off", "conv1", 0)
    assert parse_edit("scale", "hidden1:16=2") == Edit("scale", "hidden1", 15, 2.0)


def test_class_is_named() -> None:
    names = class_layer([DENSE, SCORES], CLASSES)
    assert parse_edit("off", "output:dog", classes=names) == Edit("off", "output", 1)
    with pytest.raises(NetcoreError, match="no class 'dgo': did you mean 'dog'"):
        parse_edit("bias", "output:dgo=1", classes=names)


@pytest.mark.parametrize("rows", [[], [DENSE], [DENSE, SCORES | {"kind": "Conv2d", "output": [2, 7, 7]}]])
def test_layer_without_scores_has_no_classes(rows: list) -> None:
    assert class_layer(rows, CLASSES) == {}


@pytest.mark.parametrize("text", ["hidden1:0", "hidden1:-1", "hidden1:1.5", "hidden1:³"])
def test_unit_must_be_number_from_one(text: str) -> None:
    with pytest.raises(NetcoreError, match="a unit is a number from 1, got "):
        parse_edit("off", text)


@pytest.mark.parametrize(("unit", "got"), [(16, "17"), (None, "none")])
def test_unit_that_does_not_exist(unit: int | None, got: str) -> None:
    rows = [DENSE | {"inputs": []}, SCORES | {"inputs": ["hidden1"]}]
    weights = {"hidden1.weight": np.ones((16, 4)), "hidden1.bias": np.ones(16), "output.weight": np.ones((2, 16))}
    with pytest.raises(NetcoreError, match=f"units of 'hidden1' are from 1 to 16, got {got}"):
        apply_edits(rows, weights, [Edit("scale", "hidden1", unit, 2.0)])
