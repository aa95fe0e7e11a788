"""Export the drawings that visitors of a server answered."""

from pathlib import Path

import click


@click.group()
def command() -> None:
    """Export the drawings that visitors of a server answered."""


@command.command()
@click.option(
    "-o", "--output", default="drawings", show_default=True, type=click.Path(file_okay=False, path_type=Path),
    help="New folder, with one subfolder per class.",
)  # fmt: skip
@click.option(
    "--feedback", default="feedback.sqlite", show_default=True, type=click.Path(dir_okay=False, path_type=Path),
    help="File that netcore serve wrote.",
)  # fmt: skip
@click.option("--run", help="Only answers on this run.")
def export(output: Path, feedback: Path, run: str | None) -> None:
    """Write the drawings as a data set: --data folder:FOLDER of train and evaluate."""
    from netcore.web.feedback_store import export_feedback

    count = export_feedback(feedback, output, run)
    click.echo(f"{output}: {count:,} drawing{'s' if count != 1 else ''}; use it with --data folder:{output}")
