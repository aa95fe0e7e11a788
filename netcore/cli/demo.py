"""Train two small networks and render their films and figures."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_percent

if TYPE_CHECKING:
    from netcore.core.run import Run
    from netcore.rendering.result import RenderResult


NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "demo-mlp": ("mlp-16-16", {}),
    "demo-cnn": ("cnn-2conv", {"epochs": 12}),  # of 4,000 images each; the recipe's own 32 are of 60,000
}
RENDERS = (
    ("forward-propagation", "demo-mlp", ("gif",)),
    ("cnn-forward-propagation", "demo-cnn", ("gif",)),
    ("filter-grid", "demo-cnn", ("png", "gif")),
    ("feature-maps", "demo-cnn", ("mp4",)),
    ("training-history", "demo-mlp", ("png",)),
)


@click.command()
@click.option("--runs-dir", default="runs", show_default=True, type=click.Path(file_okay=False), help="Run folder.")
@click.option(
    "-o", "--output", default="renders", show_default=True, type=click.Path(file_okay=False), help="Output folder."
)
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True, help="Color theme.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=2, show_default=True, help="Number of parallel renders.")
@click.option("--force", is_flag=True, help="Train and render again even if up to date.")
def command(runs_dir: str, output: str, theme: str, jobs: int, force: bool) -> int:
    """Train two small networks and render their films and figures.

    The networks are mlp-16-16 and a short cnn-2conv; index.html in the output folder shows the pictures. It takes about
    two minutes on two cores. What is up to date is left as it is.
    """
    from netcore.cli.options import runs_dir_argument, show_next
    from netcore.cli.render_progress import stderr_listener
    from netcore.rendering.api import render_all
    from netcore.rendering.request import Request

    started = time.monotonic()
    runs = {name: load_or_train(name, Path(runs_dir), force) for name in NETWORKS}
    requests = [
        Request(scene=scene, run=run, runs_dir=runs_dir, renders_dir=output, formats=formats, theme=theme)
        for scene, run, formats in RENDERS
    ]
    with stderr_listener() as listener:
        done = render_all(requests, force=force, jobs=jobs, listener=listener)
    page = Path(output) / "index.html"
    show_results(done, runs, page)
    made = f"{page} shows the pictures, made in {time.monotonic() - started:.0f} s"
    show_next(made, f"netcore render forward-propagation --run demo-mlp --digit 3{runs_dir_argument(runs_dir)}")
    return int(any(r.state in ("refused", "failed") for r in done))


def load_or_train(name: str, runs: Path, force: bool) -> "Run":
    """Return a network of the demo: loaded if its run is complete, else trained."""
    from netcore.core.run import load_run
    from netcore.training.run_dir import run_status

    recipe, changes = NETWORKS[name]
    if not force and run_status(runs / name) == "complete":
        try:
            return load_run(name, runs)
        except NetcoreError:  # of another schema: train again
            pass
    from netcore.training.progress import stderr_progress
    from netcore.training.train import train

    return train(recipe, name=name, data="embedded", output_dir=runs, progress=stderr_progress(name), **changes)


def accuracy(run: "Run") -> float:
    """Return the accuracy of the best snapshot on the held-out digits."""
    step = run.snapshot("best").step
    return float(next(row["val_accuracy"] for row in run.history["epochs"] if row["step"] == step))


def network_rows(runs: "dict[str, Run]") -> list[tuple[str, ...]]:
    """Return one row per network: name, recipe, parameters, accuracy, training images, seconds."""
    return [
        (
            name,
            run.display_name,
            f"{run.info['parameters']:,}",
            f"{format_percent(accuracy(run))} of {run.info['data']['held_out']:,}",
            f"{run.info['data']['train']:,}",
            f"{run.info['seconds']:.0f} s",
        )
        for name, run in runs.items()
    ]


def show_results(done: "Sequence[RenderResult]", runs: "dict[str, Run]", page: Path) -> None:
    """Write the page, and print the files and the command of each."""
    from netcore.cli.options import print_table

    head = ("network", "recipe", "parameters", "held-out accuracy", "trained on", "in")
    rows = [(str(r.target), f"{r.bytes / 1e3:,.0f} kB", r.command) for r in done if r.state in ("drawn", "fresh")]
    write_gallery(done, head, network_rows(runs), page)
    print_table(head, network_rows(runs))
    click.echo()
    print_table(
        ("render", "size", "command"), [*rows, (str(page), f"{page.stat().st_size / 1e3:,.0f} kB", "netcore demo")]
    )
    for line in dict.fromkeys(r.message for r in done if r.message):
        click.echo(f"netcore: {line}", err=True)


def write_gallery(
    done: "Sequence[RenderResult]", head: Sequence[str], rows: Sequence[Sequence[str]], page: Path
) -> None:
    """Write the page of the renders, with captions and commands."""
    from netcore.publish.html_page import Table, gallery_item, write_page

    write_page(
        page,
        title="What two networks see",
        intro="Every shade, edge and bar below is a value of a trained network, computed by PyTorch.",
        items=[gallery_item(r.target) for r in done if r.state in ("drawn", "fresh")],
        tables=[Table("The networks, trained on digits that come with netcore", head, rows)],
    )
