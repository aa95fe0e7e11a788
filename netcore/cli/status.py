"""Tell which renders are fresh, stale or missing, and why."""

from pathlib import Path

import click

from netcore.cli.options import JSON, RUNS, show_json, show_table


@click.command()
@click.option("--check", is_flag=True, help="Exit with status 1 where one is not fresh.")
@RUNS
@JSON
def command(check: bool, runs_dir: str, as_json: bool) -> int:
    """Tell which renders are fresh, stale or missing, and why.

    Looks at those that netcore.toml lists and at those in renders/. `netcore render` brings the listed ones up to date.
    """
    from netcore.render.project import FILE, status

    found = status(Path(FILE), runs_dir)
    if as_json:
        show_json([vars(s) for s in found])
    elif found:
        show_table(("render", "state", "why"), [(s.target, s.state, s.reason) for s in found])
    else:
        click.echo(f"nothing rendered here yet, and no {FILE}", err=True)
    return int(check and any(s.state != "fresh" for s in found))
