"""Choose which maps and neurons are shown."""

from collections.abc import Iterable

import numpy as np


def top_k(values: np.ndarray, limit: int, keep: Iterable[int] = ()) -> np.ndarray:
    """Indices of the `limit` values of largest magnitude, in ascending order; those in `keep` are always among them.

    Where more are equally strong than there is room for (a picture's saturated pixels), they are taken evenly spread.
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
