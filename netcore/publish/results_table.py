"""Table of results of complete runs: mean and standard deviation over seeds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from netcore.core.formatting import format_mean_deviation, format_percent
from netcore.core.run import Run
from netcore.publish.run_comparison import mean_std_count, run_results

SAME_SETTINGS = ("seed", "data")  # not part of a row's name: they have columns
MARKDOWN_HEAD = """# Results

Made by `netcore results` from the run folders; the commands are below. Accuracy is the share of images classified
correctly, mean ± standard deviation over n runs that differ in their seed alone. *Last epoch* is what a training ends
with; *best epoch* is the snapshot with the highest accuracy on the held-out data in the same column, so it is a little
flattered where those are the test set. Other data sets, which the network was never trained on, are judged with the
best epoch's weights. *Training* and *inference* are images per second, evaluation during the training aside,
by the clock on the wall, whatever else the machine did meanwhile.
"""
COLUMNS = (
    "recipe",
    "data",
    "n",
    "last epoch",
    "best epoch",
    "other data",
    "dropout on",
    "time",
    "training",
    "inference",
)


def results_rows(runs: Iterable[Run], recipes: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row per recipe, changed settings and data set, over its complete runs of known recipes and data."""
    kinds: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        data = run.info.get("data", {}).get("name")
        if (
            run.info.get("status") == "complete"
            and run.info.get("recipe") in recipes
            and data
            and run.history["epochs"]
        ):
            changed = {k: v for k, v in run.info.get("changed", {}).items() if k not in SAME_SETTINGS}
            text = ", ".join(f"{k.replace('_', ' ')} {_plain(v)}" for k, v in changed.items())
            kinds.setdefault((run.info["recipe"], text, data), []).append(run)
    order = list(recipes)
    return [_row(*kind, kinds[kind]) for kind in sorted(kinds, key=lambda k: (order.index(k[0]), k[1], k[2]))]


def results_markdown(rows: Sequence[dict[str, Any]], published: Mapping[str, str]) -> str:
    """Format the page: a table, the published results, and the commands."""
    lines = [MARKDOWN_HEAD, f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(row[c] for c in COLUMNS)} |" for row in rows]
    lines += ["", "## Published", ""]
    for name in dict.fromkeys(row["name"] for row in rows):
        lines.append(f"- `{name}`: {published[name]}")
    lines += ["", "## Commands", "", "```sh", *(command for row in rows for command in row["commands"]), "```", ""]
    return "\n".join(lines)


def _row(name: str, changed: str, data: str, runs: list[Run]) -> dict[str, Any]:
    results = [run_results(run) for run in runs]
    facts = runs[0].info["data"]
    held_out_is = facts.get("held_out_is", "–")
    own = (data, f"{data}-validation")
    entries = [{name: run.evaluation_entry(name) for name in run.evaluations} for run in runs]
    others = dict.fromkeys(k for entry in entries for k in entry if k not in own)
    rates = [rate for entry in entries if entry and (rate := next(iter(entry.values())).get("images_per_second"))]
    deviations = [d for r in results if (d := r.get("deviation with dropout on")) is not None]
    return {
        "name": name,
        "recipe": f"`{name}`" + (f", {changed}" if changed else ""),
        "data": f"{data}: {facts.get('train', 0):,}, held out {facts.get('held_out', 0):,} ({held_out_is})",
        "n": str(len(runs)),
        "last epoch": _share(r["held-out accuracy, last epoch"] for r in results),
        "best epoch": _share(r["held-out accuracy, best epoch"] for r in results),
        "other data": ", ".join(f"{k} {_share(e[k].get('accuracy') for e in entries if k in e)}" for k in others)
        or "–",
        "dropout on": f"± {format_percent(mean_std_count(deviations)[0], 2)}" if deviations else "–",
        "time": f"{_mean(r['seconds'] for r in results)} s, {results[0]['device'] or 'unknown device'}",
        "training": _mean(r["images/s"] for r in results),
        "inference": _mean(rates),
        "commands": [_command(run) for run in runs],
    }


def _mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{mean_std_count(known)[0]:,.0f}" if known else "–"


def _share(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    middle, spread, n = mean_std_count(known)
    return format_mean_deviation(middle, spread) if n > 1 else format_percent(middle, 2)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "on" if value else "off"
    return "-".join(map(str, value)) if isinstance(value, list) else str(value)


def _command(run: Run) -> str:
    """Return the command that trains such a run; settings without an option are omitted."""
    words = ["netcore train", run.info["recipe"], "--name", run.name]
    for key, value in run.info.get("changed", {}).items():
        option = OPTION_NAMES.get(key, f"--{key.replace('_', '-')}")
        if key == "data" and ":" in str(value):
            value = f"{value.partition(':')[0]}:FOLDER"
        if isinstance(value, bool) or key == "augment":
            words.append(option if value else option.replace("--", "--no-", 1))
        elif key not in ("block_dropout", "conv"):
            words += [option, ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return " ".join(words)


OPTION_NAMES = {"hidden": "--hidden-size", "validation": "--val-split", "dense_norm": "--batch-norm"}
