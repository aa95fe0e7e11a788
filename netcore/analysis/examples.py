"""Examples whose printed numbers add up."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.convolution import OutputTerms, _pair, output_terms
from netcore.analysis.window_features import SIDES, feature_correlations, window_features
from netcore.core.trace import LayerTrace

DECIMALS = (2, 3, 4)  # tried in this order
MAX_CANDIDATES = 60
MAX_MAPS = 4  # maps that the candidates come from
MIN_INPUTS = 0.5  # share of values in a window that are not 0, if there is such a window
CLEAR_CORRELATION = 0.6  # from here on a map shows a side of the ink
Place = tuple[int, int, int]  # unit, row, column


@dataclass(frozen=True)
class WindowExample:
    """One output value of a convolution, in numbers.

    Attributes
    ----------
    terms : OutputTerms
    decimals : int
        With which the printed numbers agree.
    agrees : bool
        Whether printed factors, products and sum agree.
    stride : (float, float)
        Rows and columns that the window moves from one output value to the next.
    has_bias : bool
    """

    terms: OutputTerms
    decimals: int
    agrees: bool
    stride: tuple[float, float] = (1.0, 1.0)
    has_bias: bool = True

    @property
    def place(self) -> Place:
        """Unit, row and column of the value."""
        return self.terms.unit, self.terms.row, self.terms.column


def choose_example(layer: LayerTrace, x: ArrayLike, places: Iterable[Place], factors: bool = True) -> WindowExample:
    """Take the first of some output values whose printed numbers agree with as few decimals as possible.

    Parameters
    ----------
    layer : LayerTrace
    x : array_like, shape (I, H, W)
        Input of the layer.
    places : iterable of (unit, row, column)
        Best first; the first 60 count.
    factors : bool
        Whether single products are printed; else the partial sums of the input maps.
    """
    found = [output_terms(layer, x, *place) for place in islice(places, MAX_CANDIDATES)]
    found = sorted(found, key=lambda terms: (terms.inputs != 0).mean() < MIN_INPUTS)
    step = _pair(layer.settings.get("stride") or 1)
    stride = (1 / step[0], 1 / step[1]) if layer.kind.startswith("ConvTranspose") else (float(step[0]), float(step[1]))
    for decimals in DECIMALS:
        for terms in found:
            if sums_as_printed(terms, decimals, factors):
                return WindowExample(terms, decimals, True, stride, layer.bias is not None)
    return WindowExample(found[0], DECIMALS[0], False, stride, layer.bias is not None)


def sums_as_printed(terms: OutputTerms, decimals: int, factors: bool = True) -> bool:
    """Whether rounded factors give rounded products, and those with the rounded bias the rounded total."""
    parts = terms.products if factors else terms.partial_sums
    rounded = np.round(parts, decimals)
    products = np.round(np.round(terms.weights.astype(float), decimals) * np.round(terms.inputs, decimals), decimals)
    unit = 10.0**-decimals
    adds = abs(rounded.sum() + round(terms.bias, decimals) - round(terms.total, decimals)) < unit / 2
    return bool(adds and (not factors or np.abs(products - rounded).max() < unit / 2))


def visible_units(layer: LayerTrace, x: ArrayLike, maps: ArrayLike, sides: bool = True) -> NDArray[np.int_]:
    """Order the units of a convolution by how clearly their maps show the input.

    Maps that answer to ink on one side come first, by correlation; then those that answer to ink; maps of other
    kinds by the variation of their values.

    Parameters
    ----------
    layer : LayerTrace
    x : array_like, shape (C, H, W)
        Input of the layer.
    maps : array_like, shape (N, H, W)
        Its output, or what normalization and activation make of it.
    sides : bool
        Whether maps that answer to one side of the ink come first.
    """
    maps = np.asarray(maps, float)
    variation = maps.std((1, 2))
    score = variation / max(float(variation.max()), 1e-12)
    features = window_features(layer, x)
    if features and next(iter(features.values())).shape == maps.shape[1:]:
        found = feature_correlations(maps, features)
        clear = np.max([found[side] for side in SIDES if side in found and sides] or [np.zeros(len(maps))], axis=0)
        score = np.where(clear >= CLEAR_CORRELATION, 2 + clear, found["ink"])
    return np.argsort(-score, kind="stable")


def example_places(x: ArrayLike, units: ArrayLike, maps: ArrayLike, allowed: ArrayLike) -> list[Place]:
    """List output values worth showing: large ones among those allowed.

    Parameters
    ----------
    x : array_like, shape (C, H, W)
        What is read; places on its rim come last.
    units : array_like of int
        Best first; the first few count.
    maps : array_like, shape (N, H, W)
        Output of the convolution.
    allowed : array_like of bool, shape (N, H, W)
    """
    maps, allowed = np.asarray(maps, float), np.asarray(allowed, bool)
    _, h, w = maps.shape
    y, x_ = np.mgrid[:h, :w]
    inner = (np.minimum(y, h - 1 - y) > 0) & (np.minimum(x_, w - 1 - x_) > 0)
    out: list[Place] = []
    for unit in np.asarray(units)[:MAX_MAPS]:
        rank = np.where(allowed[unit], 2.0, 0.0) + inner + maps[unit] / max(float(np.abs(maps[unit]).max()), 1e-12) / 2
        share = MAX_CANDIDATES // 2 if not out else MAX_CANDIDATES // 2 // (MAX_MAPS - 1)
        best = np.argsort(-rank, axis=None, kind="stable")[:share]
        out += [(int(unit), int(i) // w, int(i) % w) for i in best]
    return out
