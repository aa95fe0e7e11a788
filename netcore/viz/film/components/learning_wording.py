"""Captions, as templates with fields, and notes about what a network learned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.snapshot_predictions import Mistake, SnapshotPredictions
from netcore.core.formatting import format_log, format_percent, format_value
from netcore.viz.film.captions import shortest_caption
from netcore.viz.film.components.sum_line import Term

Caption = tuple[str, dict[str, Any]]  # template and fields
CROWD = 0.01  # of the axis of time: ticks so close look like one
MISTAKE = "Most frequent mistake: {a} answered {b}, {n} of {m}"
HARDLY = 0.8  # of the first loss: above it, the loss has hardly moved


def start_caption(when: str, share: float, name: str) -> Caption:
    """Return the probability of the true class at the first snapshot."""
    values = {"when": when, "p": format_percent(share), "c": name}
    text = shortest_caption("{when}: {p} for the true class, {c}", "{when}: {p} for the true class", **values)
    return text, values


def loss_terms(share: float, k: int) -> tuple[list[Term], str]:
    """Return the loss of a probability as printed numbers, beside that of an even guess, and the printed loss."""
    (own, loss), (even, even_loss) = format_log(share), format_log(1 / k)
    return [
        f"−ln {own}",
        f"= {loss}",
        ("(ln: natural logarithm;", "muted"),
        (f"even guess: −ln {even} = {even_loss}; certain: −ln 1 = 0)", "muted"),
    ], loss


def training_caption(name: str, ends: Sequence[float], count: int, span: str, few: bool) -> Caption:
    """Return the probabilities of the true class at both ends of the training, or that there are few snapshots."""
    values = {"c": name, "p": format_percent(ends[0]), "q": format_percent(ends[1]), "k": count, "span": span}
    if few:
        return "{k} snapshots in {span}: before and after", values
    return shortest_caption("This {c}: {p} → {q} through {k} snapshots", "{k} snapshots in {span}", **values), values


def tick_note(words: str, times: NDArray[np.float64]) -> list[str]:
    """Return what a short tick of the axis is, and how many of the first ones look like one."""
    crowd = int((times - times[0] < CROWD).sum())
    return [f"{words} (short tick);", f"the first {crowd} are close together"] if crowd > 2 else [words]


def half_caption(found: SnapshotPredictions, k: int, lasting: bool, when: str) -> Caption:
    """Return that over half of the images stay predicted right from snapshot `k` on, or that it is the best one."""
    values = {"when": when[:1].lower() + when[1:], "a": format_percent(found.accuracy[k])}
    if not lasting:
        return "Back to {when}: the highest accuracy, {a}", values
    text, short = "Over half stay correct from {when} ({a}) on", "Over half stay correct from {when} on"
    return shortest_caption(text, short, **values), values


def answers_caption(found: SnapshotPredictions, classes: Sequence[str], when: str) -> Caption:
    """Return how many images get the same answer at the first snapshot, and how many of these are of that class."""
    counts = found.confusion[0]
    answer = int(counts.sum(0).argmax())
    n, total = int(counts[:, answer].sum()), int(counts.sum())
    share = "all {m}" if n == total else "{n} of {m}"
    values = {"when": when, "n": n, "m": total, "c": classes[answer], "k": int(counts[answer, answer])}
    start = "{when}: " + share
    return shortest_caption(
        start + " answered {c}, {k} of them correct", start + " answered {c}; {k} correct",
        start + " answered {c}", start + " got the same answer", share + " got the same answer", **values,
    ), values  # fmt: skip


def half_note(
    found: SnapshotPredictions, k: int, shares: NDArray[np.float64], true: int, classes: Sequence[str]
) -> list[str]:
    """Return the loss by snapshot `k`, and what one image is answered there by its probabilities (K,)."""
    loss, answer = found.loss, int(shares.argmax())
    ends = f"{format_value(loss[0])} → {format_value(loss[k])}"
    early = found.accuracy[k] >= 0.5 and HARDLY * loss[0] <= loss[k] <= loss[0]
    known = f"mean loss only {ends}: a slight lead decides" if early else f"mean loss {ends}"
    return [f"{known};", f"this {classes[true]} is {'still ' * (answer != true)}answered {classes[answer]}"]


def counts_caption(found: SnapshotPredictions, when: str) -> Caption:
    """Return how the counts of the confusion matrix move up to a snapshot."""
    text = "counts move to the diagonal" if found.accuracy[-1] > found.accuracy[0] else "how the counts change"
    values = {"when": when[:1].lower() + when[1:]}
    return shortest_caption("Forward to {when}: " + text, "To {when}: " + text, **values), values


def slow_note(names: Sequence[str], when: str, framed: bool) -> list[str]:
    """Return which classes are half right last, by a snapshot, or never if `when` is empty."""
    listed = ", ".join(names[:4]) + f" and {len(names) - 4} more" * (len(names) > 4) + " (framed)" * framed
    known = f"last to get half correct: {listed}, at {when}" if when else f"never half correct: {listed}"
    return ["diagonal: correct answers;", known] if names else ["diagonal: correct answers"]


def mistake_caption(found: SnapshotPredictions, classes: Sequence[str]) -> Caption:
    """Return the most frequent mistake, the largest cell off the diagonal, or that there is none."""
    mistake = found.main_mistake()
    if mistake is None:
        return "No mistakes on these {n} images", {"n": len(found.images.labels)}
    values = _fields(mistake, classes)
    return shortest_caption(MISTAKE, MISTAKE.replace("{a} answered {b}, ", ""), **values), values


def pair_note(found: SnapshotPredictions, classes: Sequence[str], when: str) -> list[str]:
    """Return what is framed, and the two classes taken most often for one another if it is not of these."""
    mistake, counts = found.main_mistake(), found.confusion[-1]
    if mistake is None:
        return [f"at {when}"]
    both = np.triu(counts + counts.T, 1)
    a, b = (int(k) for k in np.unravel_index(both.argmax(), both.shape))
    if {a, b} == {mistake.true, mistake.predicted} or not counts[a, b] * counts[b, a]:
        return [f"framed: the largest cell off the diagonal, at {when}"]
    pair = f"both ways together: {classes[a]} and {classes[b]}, {counts[a, b]} + {counts[b, a]} = {both[a, b]}"
    return ["framed: the largest cell off the diagonal;", pair]


def change_caption(found: SnapshotPredictions, classes: Sequence[str]) -> Caption:
    """Return the most frequent mistake, or the loss at both ends if there is none."""
    if found.main_mistake() is not None:
        return mistake_caption(found, classes)
    return "loss {low} → {high}", {"low": format_value(found.loss[0]), "high": format_value(found.loss[-1])}


def _fields(mistake: Mistake, classes: Sequence[str]) -> dict[str, Any]:
    names = {"a": classes[mistake.true], "b": classes[mistake.predicted]}
    return names | {"n": len(mistake.images), "m": mistake.of}
