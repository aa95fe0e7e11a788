"""Partitions of a directed acyclic graph, on names and edges alone."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def needed_names(inputs: Mapping[str, Sequence[str]], output: str) -> set[str]:
    """Names that lead to `output`, itself included.

    Parameters
    ----------
    inputs : names that each name reads, in topological order.
    output : str
    """
    needed = {output}
    for name in reversed(list(inputs)):
        if name in needed:
            needed.update(inputs[name])
    return needed


def split_at_cuts(inputs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Split into segments, each ended by a name that all paths pass.

    Parameters
    ----------
    inputs : names that each name reads, in topological order; names that are no key (the image) come first.
    """
    order = {name: i for i, name in enumerate(inputs)}
    last_use = {name: i for i, (_, given) in enumerate(inputs.items()) for name in given}
    reach = max((i for name, i in last_use.items() if name not in order), default=0)
    segments: list[list[str]] = []
    segment: list[str] = []
    for name, i in order.items():
        segment.append(name)
        if reach <= i:  # no edge leads past this one
            segments.append(segment)
            segment = []
        reach = max(reach, last_use.get(name, i + 1))
    return [*segments, segment] if segment else segments


def evenly_spaced(items: Sequence[T], limit: int) -> list[T]:
    """Return at most `limit` items, evenly spaced, the first and the last among them."""
    if len(items) <= limit:
        return list(items)
    if limit < 2:
        return [items[-1]]
    return [items[round(i * (len(items) - 1) / (limit - 1))] for i in range(limit)]


def join_runs(items: Sequence[T], alike: Callable[[T, T], bool]) -> list[list[T]]:
    """Group neighbours that are alike."""
    runs: list[list[T]] = []
    for item in items:
        if runs and alike(runs[-1][-1], item):
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs


def join_cheapest(
    items: Sequence[T], limit: int, cost: Callable[[T, T], tuple[float, ...]], join: Callable[[T, T], T]
) -> list[T]:
    """Join the pair of neighbours of least cost until at most `limit` are left."""
    out = list(items)
    while len(out) > max(1, limit):
        costs = [cost(a, b) for a, b in itertools.pairwise(out)]
        i = costs.index(min(costs))
        out[i : i + 2] = [join(out[i], out[i + 1])]
    return out
