"""Compare settings and results of runs, without torch."""

from collections.abc import Iterable, Sequence
from statistics import mean, stdev
from typing import Any

from netcore.core.errors import NetcoreError
from netcore.core.run import Run

ARCHITECTURE = "architecture"


def run_settings(run: Run) -> dict[str, Any]:
    """Return all settings of a run by name, including those of its network."""
    out = dict(run.info.get("settings", {}))
    out |= out.pop(ARCHITECTURE, None) or run.info.get("model", {}).get(ARCHITECTURE, {})
    out["data"] = run.info.get("data", {}).get("name", out.get("data"))
    return out


def run_results(run: Run) -> dict[str, Any]:
    """Return the results of a run by name: accuracy by data set, duration, speed."""
    rows = run.history["epochs"]
    out: dict[str, Any] = {"parameters": run.info.get("parameters")}
    if rows:
        best = run.snapshot("best").step
        out["held-out accuracy, best epoch"] = next((r.get("val_accuracy") for r in rows if r["step"] == best), None)
        out["held-out accuracy, last epoch"] = rows[-1].get("val_accuracy")
        out["training accuracy, last epoch"] = rows[-1].get("train_accuracy")
    for name, entry in run.info.get("evaluations", {}).items():
        out[f"accuracy on {name}"] = entry.get("accuracy")
    if stable := run.info.get("stability"):
        out["deviation with dropout on"] = stable.get("deviation")
    out |= {"seconds": run.info.get("seconds"), "images/s": run.info.get("images_per_second")}
    return out | {"device": run.info.get("device_name", run.info.get("device"))}


def compare_runs(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return one mapping per run: ``name``, ``recipe``, ``status``, ``settings`` and ``results``.

    Raises
    ------
    NetcoreError
        If fewer than two runs are given.
    """
    if len(runs) < 2:
        raise NetcoreError("compare needs at least two runs: use netcore compare RUN RUN")
    return [
        {
            "name": run.name,
            "recipe": run.info.get("recipe"),
            "status": run.info.get("status"),
            "settings": run_settings(run),
            "results": run_results(run),
        }
        for run in runs
    ]


def differing_settings(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of the settings that differ between runs."""
    names = dict.fromkeys(key for row in rows for key in row["settings"])
    return [name for name in names if len({repr(row["settings"].get(name)) for row in rows}) > 1]


def mean_std_count(values: Iterable[float]) -> tuple[float, float, int]:
    """Return the mean, the sample standard deviation (0 for a single value), and n."""
    found = list(values)
    return mean(found), stdev(found) if len(found) > 1 else 0.0, len(found)
