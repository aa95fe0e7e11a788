"""Edit units and weights of a network as arrays.

They are the experiments of the lab page as NumPy on the arrays of a snapshot; `netcore/web/static/lab/edits.js` has
the same ones. They are applied in a fixed order: noise, prune, scale, bias, off, temperature.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError, unknown_name

Rows = Sequence[Mapping[str, Any]]
Arrays = dict[str, NDArray[Any]]
ORDER = ("noise", "prune", "scale", "bias", "off", "temperature")
NORMS = ("BatchNorm1d", "BatchNorm2d")
ZERO_AT_ZERO = ("ReLU", "Tanh", "GELU", "SiLU", "ReLU6", "Hardswish", "LeakyReLU", "ELU")
OTHER_ACTIVATIONS = ("Sigmoid", "Hardsigmoid")
PASSING = ("Dropout", "Dropout1d", "Dropout2d", "Identity", "Flatten", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d")


@dataclass(frozen=True)
class Edit:
    """One change of a network.

    Attributes
    ----------
    kind : str
        One of `ORDER`.
    node : str
        Name of a layer as in run.json; "" for the temperature.
    unit : int or None
        Index of the neuron or map, from 0; None for changes of a whole layer.
    value : float
        Number added or multiplied, share of weights pruned, relative standard deviation of the noise, temperature.
    seed : int
        Seed of the noise.
    """

    kind: str
    node: str = ""
    unit: int | None = None
    value: float = 0.0
    seed: int = 0


def parse_edit(kind: str, text: str, seed: int = 0, classes: Mapping[str, Sequence[str]] | None = None) -> Edit:
    """Parse the text of an option of `netcore edit`.

    Parameters
    ----------
    kind : str
        One of `ORDER`.
    text : str
        ``LAYER:UNIT`` for "off", ``LAYER:UNIT=NUMBER`` for "bias" and "scale", ``LAYER=NUMBER`` for "prune" and
        "noise", a number for the temperature. UNIT counts from 1, as in all pictures.
    seed : int
        Seed of the noise.
    classes : mapping of sequence of str, optional
        Names of the units of a layer, used as UNIT: ``{"output": ("cat", "dog")}``.

    Examples
    --------
    >>> parse_edit("bias", "hidden1:3=+0.5")
    Edit(kind='bias', node='hidden1', unit=2, value=0.5, seed=0)
    """
    forms = {"off": "LAYER:UNIT", "prune": "LAYER=SHARE", "noise": "LAYER=NUMBER", "temperature": "NUMBER"}
    form = forms.get(kind, "LAYER:UNIT=NUMBER")
    pattern = form.replace("LAYER", r"(?P<node>[^=]+)").replace("UNIT", r"(?P<unit>[^=]+)")
    found = re.fullmatch(re.sub("NUMBER|SHARE", r"(?P<value>[-+]?[\\d.]+(?:e[-+]?\\d+)?)", pattern), text.strip())
    if not found:
        raise NetcoreError(f"--{kind} must be {form}, got '{text}'")
    parts = found.groupdict()
    names = (classes or {}).get(parts.get("node") or "", ())
    unit = None if parts.get("unit") is None else _unit_index(parts["unit"], names)
    try:
        value = float(parts.get("value") or 0.0)
    except ValueError:
        raise NetcoreError(f"--{kind} must be {form}, got '{text}'") from None
    low, high = {"prune": (0.0, 1.0), "noise": (0.0, np.inf), "temperature": (1e-3, 1e3)}.get(kind, (-np.inf, np.inf))
    if not low <= value <= high:
        raise NetcoreError(f"--{kind} must be from {low:g} to {high:g}, got {value:g}")
    return Edit(kind, parts.get("node") or "", unit, value, seed)


def class_layer(rows: Rows, classes: Sequence[str]) -> dict[str, Sequence[str]]:
    """Return the class names by the name of the layer that gives the scores, if it is dense, for `parse_edit`."""
    last = next((row for row in reversed(rows) if row["kind"] in ("Conv2d", "Linear")), None)
    is_scores = last is not None and last["kind"] == "Linear" and last["output"] == [len(classes)]
    return {last["name"]: classes} if last is not None and is_scores else {}


def _unit_index(text: str, names: Sequence[str]) -> int:
    if names:
        if text not in names:
            raise unknown_name("class", text, names)
        return list(names).index(text)
    if not re.fullmatch("[1-9][0-9]*", text):
        raise NetcoreError(f"a unit is a number from 1, got '{text}'")
    return int(text) - 1


def apply_edits(rows: Rows, weights: Mapping[str, NDArray[Any]], edits: Sequence[Edit]) -> Arrays:
    """Change the arrays of a snapshot.

    Parameters
    ----------
    rows : sequence of mapping
        Layers as in run.json.
    weights : mapping of ndarray
        Parameters and buffers by name; not changed.
    edits : sequence of Edit

    Returns
    -------
    dict of ndarray
        All arrays, those that are not changed included.

    Raises
    ------
    NetcoreError
        If there is no such layer or unit, or the weights alone cannot express the change.
    """
    network = _Layers(rows, dict(weights))
    for kind in ORDER:
        for edit in edits:
            if edit.kind == kind:
                getattr(network, f"apply_{kind}")(edit)
    return network.arrays


def unit_ends(rows: Rows) -> dict[str, str]:
    """Return for each layer of weights the node after its normalization and activation, if it has any."""
    readers = _readers(rows)
    out = {}
    for row in rows:
        if row["kind"] not in ("Conv2d", "Linear"):
            continue
        end = row
        while len(readers[end["name"]]) == 1:
            after = readers[end["name"]][0]
            if after["kind"] not in (*NORMS, *ZERO_AT_ZERO, *OTHER_ACTIVATIONS):
                break
            end = after
            if end["kind"] not in NORMS:
                break
        out[row["name"]] = end["name"]
    return out


def normal_numbers(seed: int, count: int) -> NDArray[np.float64]:
    """Return standard normal numbers that a page computes too, shape (count,).

    Box and Muller's transformation of the generator mulberry32.
    """
    with np.errstate(over="ignore"):
        state = np.uint32(seed) + np.arange(1, 2 * count + 1, dtype=np.uint32) * np.uint32(0x6D2B79F5)
        t = (state ^ (state >> 15)) * (state | 1)
        t ^= t + (t ^ (t >> 7)) * (t | 61)
        uniform = ((t ^ (t >> 14)).astype(np.float64) + 0.5) / 2**32
    return np.asarray(np.sqrt(-2 * np.log(uniform[::2])) * np.cos(2 * np.pi * uniform[1::2]))


def _readers(rows: Rows) -> dict[str, list[Mapping[str, Any]]]:
    names = ["input", *(row["name"] for row in rows)]
    readers: dict[str, list[Mapping[str, Any]]] = {name: [] for name in names}
    for before, row in zip(names, rows, strict=False):
        for name in row.get("inputs", [before]):  # layers of older runs follow one another
            readers.setdefault(name, []).append(row)
    return readers


class _Layers:
    """The layers of a network and their arrays, which the edits replace."""

    def __init__(self, rows: Rows, arrays: Arrays) -> None:
        self.rows = {row["name"]: row for row in rows}
        self.order = list(rows)
        self.arrays = arrays
        self.readers = _readers(rows)
        self.ends = unit_ends(rows)

    def apply_noise(self, edit: Edit) -> None:
        name = self._weight(edit)
        weight = self.arrays[name]
        noise = normal_numbers(edit.seed, weight.size).reshape(weight.shape)
        self._set(name, weight + edit.value * weight.astype(np.float64).std() * noise)

    def apply_prune(self, edit: Edit) -> None:
        name = self._weight(edit)
        weight = self.arrays[name].copy()
        order = np.argsort(np.abs(weight).ravel(), kind="stable")
        weight.ravel()[order[: int(edit.value * weight.size + 1e-9)]] = 0
        self._set(name, weight)

    def apply_scale(self, edit: Edit) -> None:
        self._change(self._weight(edit, norms=True), edit, lambda values: values * edit.value)

    def apply_bias(self, edit: Edit) -> None:
        row = self._row(edit, norms=True)
        name = self._bias_name(row)
        if name is None:
            raise NetcoreError(f"layer '{edit.node}' has no bias: use its normalization")
        self._change(name, edit, lambda values: values + edit.value)

    def apply_off(self, edit: Edit) -> None:
        row = self._row(edit)
        unit = self._checked_unit(edit, row)
        end = self.rows[self.ends[row["name"]]]
        if end["kind"] in OTHER_ACTIVATIONS:
            return self._silence_readers(end, unit, 1)
        while True:
            for name in (self._weight_name(row), self._bias_name(row)):
                if name is not None:
                    self._change(name, edit, lambda values: values * 0)
            if row is end or self.readers[row["name"]][0]["kind"] not in NORMS:
                return None
            row = self.readers[row["name"]][0]

    def apply_temperature(self, edit: Edit) -> None:
        last = self.order[-1]
        name, bias = self._weight_name(last), self._bias_name(last)
        if last["kind"] != "Linear" or name is None:
            raise NetcoreError(f"--temperature needs a last layer of weights, but '{last['name']}' is {last['kind']}")
        for key in (name, bias):
            if key is not None:
                self._set(key, self.arrays[key] / edit.value)

    def _silence_readers(self, row: Mapping[str, Any], unit: int, size: int) -> None:
        """Set the weights to 0 by which the layers after `row` read a unit of `size` values."""
        for reader in self.readers[row["name"]]:
            name = self._weight_name(reader)
            if reader["kind"] in PASSING:
                count = int(np.prod(reader["output"])) // int(np.prod(row["output"])) if reader["output"] else 1
                values = int(np.prod(row["output"][1:])) if reader["kind"] == "Flatten" else size * max(count, 1)
                self._silence_readers(reader, unit, max(values, 1))
            elif reader["kind"] in ("Linear", "Conv2d") and name is not None and self._groups(reader) == 1:
                weight = self.arrays[name].copy()
                span = size if reader["kind"] == "Linear" else 1
                weight[:, unit * span : (unit + 1) * span] = 0
                self._set(name, weight)
            else:
                raise NetcoreError(
                    f"--off cannot be expressed by weights: '{row['name']}' is read by '{reader['name']}' "
                    f"({reader['kind']}); use --scale"
                )

    def _groups(self, row: Mapping[str, Any]) -> int:
        return int((row.get("settings") or {}).get("groups", 1))

    def _row(self, edit: Edit, norms: bool = False) -> Mapping[str, Any]:
        kinds = ("Linear", "Conv2d", *(NORMS if norms else ()))
        names = [row["name"] for row in self.order if row["kind"] in kinds and self._weight_name(row)]
        if edit.node not in names:
            raise unknown_name("layer", edit.node, names)
        return self.rows[edit.node]

    def _weight(self, edit: Edit, norms: bool = False) -> str:
        name = self._weight_name(self._row(edit, norms))
        assert name is not None
        return name

    def _weight_name(self, row: Mapping[str, Any]) -> str | None:
        name = row.get("weight") or f"{row['name']}.weight"
        return name if name in self.arrays else None

    def _bias_name(self, row: Mapping[str, Any]) -> str | None:
        others = [name for name in row.get("parameter_sizes") or () if name != row.get("weight")]
        name = others[0] if len(others) == 1 else f"{row['name']}.bias"
        return name if name in self.arrays else None

    def _checked_unit(self, edit: Edit, row: Mapping[str, Any]) -> int:
        count = row["output"][0]
        if edit.unit is None or not 0 <= edit.unit < count:
            got = "none" if edit.unit is None else edit.unit + 1
            raise NetcoreError(f"units of '{edit.node}' are from 1 to {count}, got {got}")
        return edit.unit

    def _change(self, name: str, edit: Edit, function: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
        unit = self._checked_unit(edit, self._row(edit, norms=True))
        values = self.arrays[name].copy()
        values[unit] = function(values[unit])
        self._set(name, values)

    def _set(self, name: str, values: NDArray[Any]) -> None:
        self.arrays[name] = values.astype(self.arrays[name].dtype)
