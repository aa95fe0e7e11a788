"""List the runs: networks that were trained here."""

import click

from netcore.cli.options import JSON, RUNS, show_json, show_table


@click.command()
@RUNS
@JSON
def command(runs_dir: str, as_json: bool) -> None:
    """List the runs: networks that were trained here."""
    from netcore.run import list_runs

    rows = [
        {"name": r.name, "path": str(r.path), "recipe": r.info.get("recipe"), "snapshots": len(r.info["snapshots"])}
        for r in list_runs(runs_dir, damaged=lambda error: click.echo(f"netcore: {error}", err=True))
    ]
    if as_json:
        return show_json(rows)
    if not rows:
        return click.echo(f"no run in {runs_dir} yet: netcore train mlp-16-16", err=True)
    table = [(r["name"], r["recipe"] or "", str(r["snapshots"]), r["path"]) for r in rows]
    return show_table(("run", "recipe", "snapshots", "path"), table, numbers=["snapshots"])
