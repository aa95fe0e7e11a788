"""Captions, as templates with fields, and notes about what a network learned."""

from collections.abc import Sequence
from typing import Any

from netcore.analysis.snapshot_predictions import Mistake, SnapshotPredictions
from netcore.core.formatting import format_log, format_percent, format_value
from netcore.viz.film.captions import shortest_caption
from netcore.viz.film.components.sum_line import Term

Caption = tuple[str, dict[str, Any]]  # template and fields
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


def half_caption(found: SnapshotPredictions, k: int, lasting: bool, when: str) -> Caption:
    """Return that over half of the images stay predicted right from snapshot `k` on, or that it is the best one."""
    values = {"when": when[:1].lower() + when[1:], "a": format_percent(found.accuracy[k])}
    if not lasting:
        return "Back to {when}: the highest accuracy, {a}", values
    text, short = "Over half are correct from {when} ({a}) on", "Over half are correct from {when} on"
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


def half_note(found: SnapshotPredictions, k: int) -> list[str]:
    """Return the loss by snapshot `k`, and why the accuracy moved before it did."""
    loss = found.loss
    ends = f"{format_value(loss[0])} → {format_value(loss[k])}"
    if found.accuracy[k] < 0.5 or not HARDLY * loss[0] <= loss[k] <= loss[0]:
        return [f"mean loss {ends}"]
    return [f"mean loss only {ends}:", "a class just slightly ahead is already the answer"]


def counts_caption(found: SnapshotPredictions, when: str) -> Caption:
    """Return how the counts of the confusion matrix move up to a snapshot."""
    text = "counts move to the diagonal" if found.accuracy[-1] > found.accuracy[0] else "how the counts change"
    values = {"when": when[:1].lower() + when[1:]}
    return shortest_caption("Forward to {when}: " + text, "To {when}: " + text, **values), values


def slow_note(names: Sequence[str], when: str, framed: bool) -> list[str]:
    """Return which classes are half right last, by a snapshot, or never if `when` is empty."""
    listed = ", ".join(names[:4]) + f" and {len(names) - 4} more" * (len(names) > 4) + " (framed)" * framed
    known = f"last to be half correct: {listed}, by {when}" if when else f"never half correct: {listed}"
    return ["diagonal: correct answers;", known] if names else ["diagonal: correct answers"]


def mistake_caption(found: SnapshotPredictions, classes: Sequence[str]) -> Caption:
    """Return the largest cell off the diagonal, or that there is none."""
    mistake = found.main_mistake()
    if mistake is None:
        return "No mistakes on these {n} images", {"n": len(found.images.labels)}
    values = _fields(mistake, classes)
    named = "cell off the diagonal: {a} answered {b}, {n} of {m}"
    return shortest_caption(
        "Largest " + named, "Largest " + named.removeprefix("cell "), "Largest cell off the diagonal: {n} of {m}",
        **values,
    ), values  # fmt: skip


def change_caption(found: SnapshotPredictions, classes: Sequence[str]) -> Caption:
    """Return the loss at both ends, and the most frequent mistake."""
    mistake, text = found.main_mistake(), "loss {low} → {high}"
    values: dict[str, Any] = {"low": format_value(found.loss[0]), "high": format_value(found.loss[-1])}
    if mistake is None:
        return text, values
    values |= _fields(mistake, classes)
    named, plain = "; {a} answered {b}: {n} of {m}", "; main mistake: {n} of {m}"
    return shortest_caption(text + named, text + plain, text, **values), values


def _fields(mistake: Mistake, classes: Sequence[str]) -> dict[str, Any]:
    names = {"a": classes[mistake.true], "b": classes[mistake.predicted]}
    return names | {"n": len(mistake.images), "m": mistake.of}
