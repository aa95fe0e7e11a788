"""List fresh, stale and missing renders, with reasons."""

from pathlib import Path

import click

from netcore.cli.options import json_option, print_json, print_table, runs_dir_option


@click.command()
@click.option("--check", is_flag=True, help="Exit with status 1 if any render is not fresh.")
@runs_dir_option
@json_option
def command(check: bool, runs_dir: str, as_json: bool) -> int:
    """List fresh, stale and missing renders, with reasons.

    Looks at those that netcore.toml lists and at those in renders/. `netcore render` brings the listed ones up to date.
    """
    from netcore.rendering.config import FILE_NAME
    from netcore.rendering.status import render_status

    found = render_status(Path(FILE_NAME), runs_dir)
    if as_json:
        print_json([vars(s) for s in found])
    elif found:
        print_table(("render", "state", "why"), [(s.target, s.state, s.reason) for s in found])
    else:
        click.echo(f"nothing rendered here yet, and no {FILE_NAME}", err=True)
    return int(check and any(s.state != "fresh" for s in found))
