"""Write a submission for Kaggle's Digit Recognizer."""

from pathlib import Path
from typing import Any

import click

from netcore.cli.options import complete_runs, log_to_stderr, runs_dir_option


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("--test", type=click.Path(path_type=Path), required=True, help="Kaggle's test.csv, optionally gzipped.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default="submission.csv",
    show_default=True,
    help="Output file.",
)
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--device", default="auto", show_default=True, help="Device: auto, cpu, cuda, cuda:1 or mps.")
@runs_dir_option
def command(run: str, test: Path, output: Path, runs_dir: str, **given: Any) -> None:
    """Write a submission for Kaggle's Digit Recognizer with RUN.

    The answers are also stored in the run: netcore render prediction-distribution --run RUN shows them.
    """
    from netcore.core.run import load_run
    from netcore.training.kaggle_submission import write_submission

    labels = write_submission(load_run(run, runs_dir), test, output, log=log_to_stderr, **given)
    counts = ", ".join(f"{digit}: {int((labels == digit).sum()):,}" for digit in range(10))
    click.echo(f"{output}: {len(labels):,} rows ({counts})")
