"""Choose which maps and neurons are shown."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.blocks import Block, Graph
from netcore.analysis.contributions import outgoing_strength
from netcore.core.formatting import format_count, format_subset
from netcore.core.trace import Trace

Criterion = Literal["activation", "variation", "contribution"]
CRITERIA = {
    "activation": "most active",
    "variation": "varying most",
    "contribution": "contributing most",
}


@dataclass(frozen=True)
class Units:
    """Units of a block that are shown.

    index : ndarray of int, shape (N,), ascending.
    total : int, number of units of the block.
    word : {"map", "neuron", "feature", "value"}
    reason : str, how they were chosen: ``"most active"``; empty if all are shown.
    """

    index: NDArray[np.int_]
    total: int
    word: str = "unit"
    reason: str = ""

    @property
    def selection(self) -> str:
        """What they are and how they were chosen: ``"maps most active"``; empty if all are shown."""
        return f"{self.word}s {self.reason}" if self.reason else ""

    @property
    def description(self) -> str:
        """``"8 of 32 maps, most active"``."""
        if len(self.index) == self.total:
            return format_count(self.total, self.word)
        return f"{format_subset(len(self.index), self.total, self.word)}, {self.reason}"


def select(
    graph: Graph,
    traces: Sequence[Trace],
    counts: int | Mapping[str, int],
    by: Criterion = "activation",
    keep: Mapping[str, Iterable[int]] | None = None,
) -> dict[str, Units]:
    """Choose the units of every block that has some.

    Poolings, normalizations and depthwise convolutions show the units of the block that they read.

    Parameters
    ----------
    graph : Graph
    traces : sequence of Trace
        The choice is the same for all of them: their mean decides.
    counts : int or mapping
        Maximum number of units, of all blocks or by block name.
    by : {"activation", "variation", "contribution"}
        Mean magnitude; standard deviation over positions, or over the traces for neurons; sum of the magnitudes of
        weight × activation into the next block (magnitude of the activation if there is no such).
    keep : mapping, optional
        Units that are always shown, by block name.

    Returns
    -------
    dict
        By block name.
    """
    found: dict[str, Units] = {}
    for block in graph.blocks:
        if block.unit_axis is not None:
            limit = counts if isinstance(counts, int) else counts.get(block.name, block.unit_count)
            found[block.name] = select_units(graph, block, traces, limit, by, (keep or {}).get(block.name, ()))
    return found


def select_units(
    graph: Graph,
    block: Block,
    traces: Sequence[Trace],
    limit: int,
    by: Criterion = "activation",
    keep: Iterable[int] = (),
) -> Units:
    """Choose the units of one block, as `select` does."""
    root = root_block(graph, block)
    strength, reason = unit_strength(graph, root, traces, by)
    reason = reason if root is block else f"those of {root.short}"
    index = top_k(strength, limit, keep)
    return Units(index, len(strength), block.unit_word, reason if len(index) < len(strength) else "")


def inherited_from(graph: Graph, block: Block) -> Block | None:
    """The block whose units a pooling, normalization or depthwise convolution keeps apart, else None."""
    sources = graph.sources(block)
    keeps = (block.kind in ("pooling", "norm") and not block.children) or block.is_depthwise
    if keeps and len(sources) == 1 and sources[0].unit_count == block.unit_count:
        return sources[0]
    return None


def root_block(graph: Graph, block: Block) -> Block:
    """The block whose units `block` shows: itself, or through poolings and the like the one that made them."""
    while (source := inherited_from(graph, block)) is not None:
        block = source
    return block


def unit_strength(
    graph: Graph, block: Block, traces: Sequence[Trace], by: Criterion
) -> tuple[NDArray[np.float64], str]:
    """How strong each unit is, shape (units,), and the words for how that was measured."""
    values = np.stack([block.unit_values(trace.value(block.output)) for trace in traces])  # (traces, units, …)
    if by == "contribution":
        after = [other for other in graph.blocks if block in graph.sources(other)]
        found = [outgoing_strength(trace, block, after[0]) for trace in traces] if len(after) == 1 else []
        known = [strength for strength in found if strength is not None]
        if known and len(known) == len(traces):
            return np.mean(known, axis=0), CRITERIA[by]
    if by == "variation":
        if values.ndim > 2 and np.prod(values.shape[2:]) > 1:
            return values.reshape(*values.shape[:2], -1).std(2).mean(0), CRITERIA[by]
        if len(traces) > 1:
            return values.reshape(*values.shape[:2]).std(0), CRITERIA[by]
    return np.abs(values).reshape(*values.shape[:2], -1).mean((0, 2)), CRITERIA["activation"]


def top_k(values: ArrayLike, limit: int, keep: Iterable[int] = ()) -> NDArray[np.int_]:
    """Return indices of the `limit` values of largest magnitude, ascending; those in `keep` are always among them.

    If more are equally strong than there is room for (saturated pixels), they are taken evenly spread.
    """
    kept = np.array(sorted(set(keep)), dtype=int)
    size = np.abs(np.asarray(values, float))
    rest = np.setdiff1d(np.arange(len(size)), kept)
    room = min(max(limit - len(kept), 0), len(rest))
    if not room:
        return kept
    least = np.sort(size[rest])[-room]
    above, equal = rest[size[rest] > least], rest[size[rest] == least]
    spread = equal[np.linspace(0, len(equal) - 1, room - len(above)).round().astype(int)]
    return np.sort(np.concatenate([kept, above, spread]))
