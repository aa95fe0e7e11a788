"""List the runs: trained networks."""

from typing import Any

import click

from netcore.cli.options import json_option, print_json, print_table, runs_dir_option


@click.command()
@runs_dir_option
@json_option
def command(runs_dir: str, as_json: bool) -> None:
    """List the runs: trained networks."""
    from netcore.core.run import list_runs

    rows: list[dict[str, Any]] = [
        {"name": r.name, "path": str(r.path), "recipe": r.info.get("recipe"), "snapshots": len(r.info["snapshots"])}
        for r in list_runs(runs_dir, damaged=lambda error: click.echo(f"netcore: {error}", err=True))
    ]
    if as_json:
        return print_json(rows)
    if not rows:
        return click.echo(f"no run in {runs_dir} yet: netcore train mlp-16-16", err=True)
    table = [(r["name"], r["recipe"] or "", str(r["snapshots"]), r["path"]) for r in rows]
    return print_table(("run", "recipe", "snapshots", "path"), table, numbers=["snapshots"])
