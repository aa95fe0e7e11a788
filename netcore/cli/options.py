"""Shared options, completion of names, and printing of tables and JSON."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from netcore.core.plain_text import plain_text

runs_dir_option = click.option(
    "--runs-dir", default="runs", show_default=True, envvar="NETCORE_RUNS", show_envvar=True, help="Run folder.",
    type=click.Path(file_okay=False),
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")


def prediction_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose an example by its prediction."""
    for option in (
        click.option("--confused", metavar="A,B", help="Only examples of class A classified as B, such as 4,9."),
        click.option("--least-confident", is_flag=True, help="The example with the lowest confidence."),
        click.option("--most-confident", is_flag=True, help="The example with the highest confidence."),
        click.option("--misclassified", is_flag=True, help="Only examples that are misclassified."),
        click.option("--correct", is_flag=True, help="Only examples that are classified correctly."),
    ):
        command = option(command)
    return command


@contextlib.contextmanager
def needs_web(command: str) -> Iterator[None]:
    """Name the extra to install if the server's libraries are missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("netcore"):
            raise
        from netcore.core.errors import NetcoreError

        raise NetcoreError(f"{command} needs {error.name}: pip install 'netcore[web]'") from None


def note_damaged(error: Exception) -> None:
    """Print why a run was left out of a list, on standard error."""
    click.echo(f"netcore: {plain_text(str(error))}", err=True)


def log_to_stderr(text: str) -> None:
    """Print a message of a running command on standard error."""
    click.echo(f"netcore: {text}", err=True)


def complete_scenes(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Complete names of scenes and paths of scene files."""
    from click.shell_completion import CompletionItem

    from netcore.rendering.scenes import scene_files

    if "/" in incomplete or incomplete.startswith("."):
        return [CompletionItem(incomplete, type="file")]
    return [CompletionItem(name) for name in scene_files() if name.startswith(incomplete)]


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete names of runs; no run is opened."""
    folder = Path(ctx.params.get("runs_dir") or "runs")
    return sorted(f.parent.name for f in folder.glob("*/run.json") if f.parent.name.startswith(incomplete))


def complete_choices(words: Iterable[str]) -> Callable[..., list[str]]:
    """Return a function that completes fixed words."""
    return lambda ctx, param, incomplete: [w for w in words if w.startswith(incomplete)]


def show_next(made: str, command: str) -> None:
    """Print the last line of a long command on stderr: what was made, and what to type next."""
    click.echo(f"netcore: {made}; next: {command}", err=True)


def runs_dir_argument(folder: str | Path) -> str:
    """Return the option that names the folder of the runs, "" for the default."""
    return "" if Path(folder) == Path("runs") else f" --runs-dir {folder}"


def suggest_render(run: Any) -> str:  # noqa: ANN401 - a Run, which is imported when called
    """Return the command that renders the film, or else the figure, that suits a run best."""
    from netcore.core.errors import NetcoreError
    from netcore.rendering.requirements import check_requirements

    for scene, needs in (("forward-propagation", ("mlp",)), ("cnn-forward-propagation", ("maps",))):
        try:
            check_requirements(scene, needs, run)
        except NetcoreError:
            continue
        return f"netcore render {scene} --run {run.name}"
    return f"netcore render model-graph --run {run.name}"


def print_json(rows: Iterable[Any]) -> None:
    """Print one JSON array of objects on standard output."""
    click.echo(json.dumps(list(rows), indent=1, ensure_ascii=False))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """Print a table on standard output; lines are wrapped only on a terminal.

    Parameters
    ----------
    head : sequence of str
        Names of the columns.
    rows : iterable of sequence of str
    numbers : sequence of str
        Names of the columns that are right-aligned.
    """
    from shutil import get_terminal_size

    from rich.cells import cell_len

    cells = [tuple(map(plain_text, row)) for row in rows]
    columns = list(zip(head, *cells, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    if sys.stdout.isatty() and sum(widths) + 2 * len(widths) > get_terminal_size().columns:
        return _print_folded(head, cells, numbers)
    for column, width, name in zip(range(len(head)), widths, head, strict=True):
        columns[column] = tuple(_aligned(word, width, name in numbers) for word in columns[column])
    first, *others = ("  ".join(line).rstrip() for line in zip(*columns, strict=True))
    click.echo("\n".join([click.style(first, bold=True), *others]))
    return None


def _aligned(word: str, width: int, right: bool) -> str:
    """Pad a cell of a table."""
    from rich.cells import cell_len

    space = " " * (width - cell_len(word))
    return space + word if right else word + space


def _print_folded(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]) -> None:
    """Print a table that is wider than the terminal, its cells wrapped."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)
