"""List the runs: trained networks."""

from typing import TYPE_CHECKING, Any

import click

from netcore.cli.options import json_option, print_json, print_table, runs_dir_option
from netcore.core.formatting import format_percent

if TYPE_CHECKING:
    from netcore.core.run import Run


@click.command()
@runs_dir_option
@json_option
def command(runs_dir: str, as_json: bool) -> None:
    """List the runs: trained networks."""
    from netcore.core.run import iter_runs

    rows = [run_row(r) for r in iter_runs(runs_dir, damaged=lambda error: click.echo(f"netcore: {error}", err=True))]
    if as_json:
        return print_json(rows)
    if not rows:
        return click.echo(f"no run in {runs_dir} yet: netcore train mlp-16-16", err=True)
    table = [
        (
            r["name"],
            r["recipe"] or "",
            r["data"] or "",
            "" if r["accuracy"] is None else format_percent(r["accuracy"], 2),
            (r["started"] or "")[:10],
            str(r["snapshots"]),
            r["path"] if r["status"] in (None, "complete") else f"{r['path']} ({r['status']})",
        )
        for r in rows
    ]
    columns = ("run", "recipe", "data", "accuracy", "date", "snapshots", "path")
    return print_table(columns, table, numbers=["accuracy", "snapshots"])


def run_row(run: "Run") -> dict[str, Any]:
    """Return name, data, accuracy, date and other facts of a run.

    The accuracy is that of the first evaluation, else of the best snapshot on held-out images.
    """
    info = run.info
    accuracy = run.evaluation_entry(run.evaluations[0]).get("accuracy") if run.evaluations else None
    if accuracy is None:
        rows = run.history.get("epochs", [])
        accuracy = next((r.get("val_accuracy") for r in rows if r.get("step") == info.get("best")), None)
    return {
        "name": run.name,
        "path": str(run.path),
        "recipe": info.get("recipe"),
        "data": (info.get("data") or {}).get("name"),
        "accuracy": accuracy,
        "started": info.get("started"),
        "status": info.get("status"),
        "snapshots": len(info["snapshots"]),
    }
