"""List fresh, stale and missing renders, with reasons."""

from pathlib import Path

import click

from netcore.cli.options import json_option, print_json, print_table, runs_dir_option


@click.command()
@click.option("--check", is_flag=True, help="Exit with status 1 if any render is not fresh, or none is found.")
@runs_dir_option
@json_option
def command(check: bool, runs_dir: str, as_json: bool) -> int:
    """List fresh, stale and missing renders, with reasons.

    Looks at those that netcore.toml lists and at all others below the current folder, wherever -o put them.
    `netcore render` brings the listed ones up to date.
    """
    from netcore.rendering.config import FILE_NAME
    from netcore.rendering.status import render_status

    found = render_status(Path(FILE_NAME), runs_dir)
    if as_json:
        print_json([vars(s) for s in found])
    elif found:
        print_table(("render", "state", "why"), [(s.target, s.state, s.reason) for s in found])
    else:
        click.echo(f"no render found below this folder, and no {FILE_NAME}: use netcore render", err=True)
    return int(check and (not found or any(s.state != "fresh" for s in found)))
