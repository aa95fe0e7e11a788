"""Print a Markdown table of results over all runs."""

from pathlib import Path

import click

from netcore.cli.options import json_option, note_damaged, print_json, runs_dir_option


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output file.", show_default="standard output")
@runs_dir_option
@json_option
def command(output: Path | None, runs_dir: str, as_json: bool) -> None:
    """Print results over all runs: mean ± sd over seeds, time."""
    from netcore.core.errors import NetcoreError
    from netcore.core.files import atomic_write_text
    from netcore.core.run import list_runs
    from netcore.publish.results_table import results_markdown, results_rows
    from netcore.training.recipes import RECIPES

    rows = results_rows(list_runs(runs_dir, damaged=note_damaged), list(RECIPES))
    if not rows:
        raise NetcoreError(f"no complete run in {runs_dir}: use netcore train mlp-16-16")
    if as_json:
        return print_json(rows)
    if output is None:
        return click.echo(results_markdown(rows, {name: recipe.published for name, recipe in RECIPES.items()}))
    atomic_write_text(output, results_markdown(rows, {name: recipe.published for name, recipe in RECIPES.items()}))
    return click.echo(f"{output}: {len(rows)} rows", err=True)
