"""Evaluate a run on data sets and store its predictions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from netcore.cli.options import complete_runs, json_option, log_to_stderr, print_json, print_table, runs_dir_option
from netcore.core.formatting import format_percent, format_percent_points, format_percent_range


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("--data", multiple=True, help="Data set, as in `train --data`; repeatable.", show_default="the run's own")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data files.  [env: NETCORE_DATA]")
@click.option(
    "--dropout-passes", type=click.IntRange(1), help="Passes with dropout active.", show_default="epochs, at most 40"
)
@click.option("--no-stability", is_flag=True, help="Skip the passes with dropout active.")
@click.option("--device", default="auto", show_default=True, help="Device: auto, cpu, cuda, cuda:1 or mps.")
@runs_dir_option
@json_option
def command(run: str, data: Sequence[str], runs_dir: str, as_json: bool, no_stability: bool, **given: Any) -> None:
    """Evaluate RUN on data sets and store its predictions.

    Images that the run was trained on are left out of its own data.
    """
    from netcore.core.run import load_run
    from netcore.training.evaluation import evaluate

    passes = given.pop("dropout_passes")
    entries = evaluate(
        load_run(run, runs_dir), data, dropout_passes=0 if no_stability else passes, log=log_to_stderr, **given
    )
    if as_json:
        return print_json(entries)
    for entry in entries:
        show_entry(entry)
    return None


def show_entry(entry: dict[str, Any]) -> None:
    """Print the results on one data set: a few lines and two tables."""
    low, high = entry["interval"]
    click.echo(
        f"{entry['name']} ({entry['snapshot']}): "
        f"{format_percent(entry['accuracy'], 2)} of {entry['count']:,} correct "
        f"(95 % interval {format_percent_range(low, high, 2)}); "
        f"calibration error {entry['calibration_error']:.4f}; "
        f"{entry['images_per_second']:,} images/s"
    )
    if stable := entry.get("stability"):
        click.echo(mc_dropout_text(stable))
    figures = ("precision", "recall", "f1")
    rows = [(c["name"], *(f"{c[f]:.4f}" for f in figures), f"{c['support']:,}") for c in entry["classes"]]
    print_table(("class", *figures, "support"), rows, numbers=(*figures, "support"))
    names = [c["name"] for c in entry["classes"]]
    click.echo("confusion (rows: true class, columns: predicted)")
    counts = [(name, *map(str, row)) for name, row in zip(names, entry["confusion"], strict=True)]
    print_table(("", *names), counts, numbers=names)


def mc_dropout_text(stable: dict[str, Any]) -> str:
    """Format the results of the passes with dropout active in one line."""
    count, mean = len(stable["accuracy"]), stable["mean"]
    if count == 1:
        return f"dropout active, 1 pass: {format_percent(mean, 2)}"
    deviation = f"standard deviation {format_percent_points(stable['deviation'])}"
    return f"dropout active, {count} passes: mean {format_percent(mean, 2)}, {deviation}"
