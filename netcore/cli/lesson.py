"""Write a lesson that explains a network by its own numbers."""

from pathlib import Path

import click

from netcore.cli.options import complete_runs, runs_dir_option


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option(
    "-o", "--output", default="lesson.html", show_default=True, type=click.Path(dir_okay=False, path_type=Path),
    help="HTML file.",
)  # fmt: skip
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--index", type=click.IntRange(0), help="Number of the example.  [default: one classified correctly]")
@click.option("--theme", type=click.Choice(["dark", "light"]), help="Color theme.  [default: the browser's]")
@click.option("--renders/--no-renders", default=True, show_default=True, help="Include films and figures.")
@runs_dir_option
def command(
    run: str, output: Path, at: str, index: int | None, theme: str | None, renders: bool, runs_dir: str
) -> None:
    """Write a lesson that explains a network by its own numbers.

    One HTML file, readable without a connection and printable: image, weights, activation, layers, softmax, loss,
    gradient, backpropagation, optimizer, epochs, overfitting, each worked out with the values of RUN on one of its
    examples, with exercises.
    """
    from netcore.cli.render_progress import stderr_listener
    from netcore.core.run import load_run
    from netcore.web.lesson_page import write_lesson

    with stderr_listener() as listener:
        write_lesson(
            output, load_run(run, runs_dir), at=at, index=index, theme=theme, renders=renders, listener=listener
        )
    click.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB; open it in a browser")
