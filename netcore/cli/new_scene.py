"""Write a first film or figure of your own."""

from pathlib import Path

import click

from netcore.cli.options import runs_dir_argument, runs_dir_option, show_next


@click.command()
@click.argument("name")
@click.option("--film", "kind", flag_value="film", help="Write a film, with steps (Manim).")
@click.option("--figure", "kind", flag_value="figure", help="Write a figure (Matplotlib).")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Output file or folder.", show_default="NAME.py")
@runs_dir_option
def command(name: str, kind: str | None, output: Path | None, runs_dir: str) -> None:
    """Write a first film or figure of your own.

    The new file can be rendered as it is, for any run: change it step by step. NAME is that of the scene, such as
    ten-scores; an existing file is never overwritten. See docs/write-a-film.md and docs/write-a-figure.md.
    """
    from netcore.rendering.context import newest_first
    from netcore.rendering.new_scene import write_new_scene

    if kind is None:
        raise click.UsageError("choose a kind of scene: --film or --figure")
    path = write_new_scene(name, kind, output)
    runs = [run.name for run in newest_first(runs_dir)]
    line = f"netcore render {path} --run {runs[0] if runs else 'RUN'}{runs_dir_argument(runs_dir)}"
    show_next(f"{path} is a {kind} of your own", line if runs else f"{line} (netcore demo makes two runs)")
