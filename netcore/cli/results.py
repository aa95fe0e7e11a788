"""The table of results over all runs, as a page in Markdown."""

from pathlib import Path

import click

from netcore.cli.options import JSON, RUNS, show_json


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write.  [default: standard output]")
@RUNS
@JSON
def command(output: Path | None, runs_dir: str, as_json: bool) -> None:
    """Show what the complete runs reached: mean and spread over seeds, other data sets, time, beside the published."""
    from netcore.errors import NetcoreError
    from netcore.files import write_text
    from netcore.results import markdown, table
    from netcore.run import list_runs

    rows = table(list_runs(runs_dir))
    if not rows:
        raise NetcoreError(f"no complete run in {runs_dir}: netcore train mlp-16-16")
    if as_json:
        return show_json(rows)
    if output is None:
        return click.echo(markdown(rows))
    write_text(output, markdown(rows))
    return click.echo(f"{output}: {len(rows)} rows", err=True)
