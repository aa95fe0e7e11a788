"""Write a page where one draws and the network classifies."""

from pathlib import Path

import click

from netcore.cli.options import complete_runs, runs_dir_option


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_runs)
@click.option(
    "-o", "--output", default="lab.html", show_default=True, type=click.Path(dir_okay=False, path_type=Path),
    help="HTML file.",
)  # fmt: skip
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--half", is_flag=True, help="Store the weights as float16: half the size.")
@click.option("--theme", type=click.Choice(["dark", "light"]), help="Color theme.  [default: the browser's]")
@click.option(
    "--max-examples", default=500, show_default=True, type=click.IntRange(0), help="Maximum number of example images."
)
@runs_dir_option
def command(
    runs: tuple[str, ...], output: Path, at: str, half: bool, theme: str | None, max_examples: int, runs_dir: str
) -> None:
    """Write a page where one draws and the network classifies.

    The page is one file that works without a server and without a connection. It contains the weights of each RUN, and
    shows every map and neuron while one draws. Several runs classify the same drawing side by side.
    """
    from netcore.core.run import load_run
    from netcore.web.lab_page import write_lab

    write_lab(output, [load_run(r, runs_dir) for r in runs], at=at, half=half, theme=theme, max_examples=max_examples)
    click.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB; open it in a browser")
