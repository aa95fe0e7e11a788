"""Windows that explain what one kernel of a convolution sees."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.blocks import Block
from netcore.analysis.convolution import OutputTerms, _padding, _pair, output_terms
from netcore.analysis.examples import visible_units
from netcore.analysis.kernel_features import KernelFeatures, measure_features
from netcore.analysis.layer_choice import find_layer
from netcore.analysis.operations import Operation
from netcore.analysis.printed_window import factors_agree, print_window
from netcore.analysis.window_features import window_features
from netcore.core.trace import LayerTrace, Trace

TOLERANCE = 1e-5  # of the largest magnitude, by which a sum may differ from PyTorch's value
MAX_CANDIDATES = 250
OPPOSITE = {"above": "below", "below": "above", "left": "right", "right": "left"}
SEEN, UNSEEN = 0.5, 0.1  # of the largest value of a feature: from where it is there, up to where it is not


@dataclass(frozen=True)
class KernelExamples:
    """One kernel of a convolution, values of its map in numbers, and a second kernel.

    Attributes
    ----------
    block : Block
    layer : LayerTrace
    x : ndarray, shape (I, H, W)
        What the layer reads.
    pads : tuple
        Rows before and after, columns before and after that the padding adds.
    unit, position : int
        Number of the kernel, and the input map whose products are shown, among those that it reads.
    base, corner, last, largest, smallest : OutputTerms
        Values of the map; `corner` is the first, `last` the last.
    following : OutputTerms or None
        The value to the right of `base`.
    features : KernelFeatures
    at_largest, at_smallest : str
        Feature of the windows with the largest and the smallest value: ``above``, ``no ink``, …; empty if the kernel
        has no measured feature or this image's window does not show it.
    other : OutputTerms or None
        Another kernel on the window of `smallest`; None if no other kernel reads the same maps.
    correlation : float
        Of the maps of both kernels.
    """

    block: Block
    layer: LayerTrace
    x: NDArray[np.floating]
    pads: tuple[tuple[int, int], tuple[int, int]]
    unit: int
    position: int
    base: OutputTerms
    corner: OutputTerms
    last: OutputTerms
    largest: OutputTerms
    smallest: OutputTerms
    following: OutputTerms | None
    features: KernelFeatures
    at_largest: str
    at_smallest: str
    other: OutputTerms | None
    correlation: float

    @property
    def values(self) -> NDArray[np.floating]:
        """The map (rows, columns) of the kernel."""
        return self.layer.output[self.unit]

    @property
    def window(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Stride and dilation, as (rows, columns)."""
        settings = self.layer.settings
        return _pair(settings.get("stride") or 1), _pair(settings.get("dilation") or 1)

    @property
    def channel(self) -> int:
        """Number of the input map whose products are shown."""
        return int(self.base.channels[self.position])

    @property
    def reads_image(self) -> bool:
        """Whether the layer reads the image itself."""
        return self.layer.inputs[:1] == ("input",)


def kernel_examples(trace: Trace, name: str, images: NDArray[np.uint8] | None) -> KernelExamples:
    """Choose a kernel that shows the image, and windows whose printed numbers add up.

    Parameters
    ----------
    trace : Trace
    name : str
        Of the layer, see `find_layer`.
    images : ndarray of uint8, shape (N, C, H, W), or None
        Over which it is measured what kernels answer to.
    """
    block, node = find_layer(trace, name, lambda op: _is_shown(trace, op), "convolution")
    layer = trace[node]
    x, output = trace.input_of(layer), layer.output
    features = measure_features(trace, layer, images)
    unit = choose_unit(trace, layer, features)
    h, w = output.shape[1:]
    largest, smallest = (divmod(int(pick(output[unit])), w) for pick in (np.argmax, np.argmin))
    base = _base_window(layer, x, unit)
    assert layer.weight is not None
    kernel, dilation = list(layer.weight.shape[2:]), _pair(layer.settings.get("dilation") or 1)
    rows, columns = _padding(layer.settings.get("padding", 0), kernel, dilation)

    def terms(at: tuple[int, int], k: int = unit) -> OutputTerms:
        return output_terms(layer, x, k, *at)

    following = (base.row, base.column + 1)
    inside = following[1] < w
    second = _second_unit(layer, features, unit)
    maps = [output[k].ravel().astype(float) for k in (unit, unit if second is None else second)]
    varies = all(m.std() > 0 for m in maps)
    return KernelExamples(
        block, layer, x, (rows, columns), unit, int(np.abs(base.partial_sums).argmax()), base,
        terms((0, 0)), terms((h - 1, w - 1)), terms(largest), terms(smallest),
        output_terms(layer, x, unit, *following) if inside else None, features,
        *_features_seen(trace, layer, features.name(unit), largest, smallest),
        None if second is None else terms(smallest, second), float(np.corrcoef(maps)[0, 1]) if varies else 0.0,
    )  # fmt: skip


def choose_unit(trace: Trace, layer: LayerTrace, features: KernelFeatures) -> int:
    """The kernel whose map shows the image best: one with a measured feature if there is one."""
    return features.ranked(visible_units(layer, trace.input_of(layer), layer.output))[0]


def _features_seen(
    trace: Trace, layer: LayerTrace, feature: str, largest: tuple[int, int], smallest: tuple[int, int]
) -> tuple[str, str]:
    """A kernel's feature if the window of the largest value shows it, and its opposite if that of the smallest does."""
    if not feature:
        return "", ""
    found = window_features(layer, trace.pixels / 255)
    high = float(found[feature][largest]) >= SEEN * float(found[feature].max())
    if feature == "ink":
        low = float(found[feature][smallest]) <= UNSEEN * float(found[feature].max())
        return feature if high else "", "no ink" if low else ""
    opposite = OPPOSITE[feature]
    low = float(found[opposite][smallest]) >= SEEN * float(found[opposite].max())
    return feature if high else "", opposite if low else ""


def _is_shown(trace: Trace, op: Operation) -> bool:
    """Whether an operation is a convolution of maps that its known weights explain."""
    if op.kind != "Conv2d" or op.role != "convolution":
        return False
    layer = trace[op.node]
    x = trace.input_of(layer)
    if layer.weight is None or x.ndim != 3 or layer.output.ndim != 3 or layer.output[0].size < 2:
        return False
    h, w = layer.output.shape[1:]
    scale = max(1.0, float(np.abs(layer.output).max()))
    places = [(0, 0, 0), (len(layer.output) - 1, h // 2, w // 2)]
    return all(abs(output_terms(layer, x, *at).total - layer.output[at]) < TOLERANCE * scale for at in places)


def _base_window(layer: LayerTrace, x: NDArray[np.floating], unit: int) -> OutputTerms:
    """A positive value, not the largest, whose window lies inside, holds both signs and has numbers that agree."""
    values = layer.output[unit]
    allowed = (values > 0) & (values < values.max())
    allowed[:, -1] &= values.shape[1] == 1  # a value follows to the right
    order = np.argsort(-np.where(allowed, values, -np.inf), axis=None, kind="stable")
    order = order[: MAX_CANDIDATES if len(x) == 1 else MAX_CANDIDATES // 10]
    found = [output_terms(layer, x, unit, *map(int, divmod(int(i), values.shape[1]))) for i in order]

    def rank(terms: OutputTerms) -> tuple[bool, ...]:
        best = int(np.abs(terms.partial_sums).argmax())
        products = terms.products[best]
        places = ((terms.rows, x.shape[1]), (terms.columns, x.shape[2]))
        outside = any(((at < 0) | (at >= size)).any() for at, size in places)
        printed = print_window(terms, best)
        agrees = printed.exact and printed.decimals == 2 and factors_agree(terms, best, 2)
        signs = bool((products > 0.01).any() and (products < -0.01).any())
        return outside, not agrees, not signs, (terms.inputs[best] != 0).mean() < 0.5

    return min(found, key=rank)


def _second_unit(layer: LayerTrace, features: KernelFeatures, unit: int) -> int | None:
    """The kernel of the lowest correlation with `unit` that reads the same maps and has not the same feature."""
    output = layer.output
    size = len(output) // int(layer.settings.get("groups") or 1)
    group = [k for k in range(len(output)) if k // size == unit // size and k != unit and output[k].std() > 0]
    others = [k for k in group if not features.name(k) or features.name(k) != features.name(unit)] or group
    if not others or output[unit].std() == 0:
        return None
    first = output[unit].astype(float).ravel()
    return min(others, key=lambda k: float(np.corrcoef(first, output[k].astype(float).ravel())[0, 1]))
