"""Train two small networks on embedded digits and render the pictures they make."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netcore.core.formatting import format_percent
from netcore.errors import NetcoreError

if TYPE_CHECKING:
    from netcore.render.api import Rendered
    from netcore.run import Run

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
@click.option("--runs-dir", default="runs", show_default=True, type=click.Path(file_okay=False), help="Runs go here.")
@click.option(
    "-o", "--output", default="renders", show_default=True, type=click.Path(file_okay=False), help="Renders go here."
)
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True)
@click.option("-j", "--jobs", type=click.IntRange(1), default=2, show_default=True, help="Renders at once.")
@click.option("--force", is_flag=True, help="Train and draw again what is up to date.")
def command(runs_dir: str, output: str, theme: str, jobs: int, force: bool) -> int:
    """Train two small networks on embedded digits and render the pictures they make.

    The networks are mlp-16-16 and a short cnn-2conv; index.html in the output folder shows the pictures. It takes about
    two minutes on two cores. What is up to date is left as it is.
    """
    from netcore.cli.progress import watching
    from netcore.render.api import render_all
    from netcore.render.plan import Request

    started = time.monotonic()
    runs = {name: trained(name, Path(runs_dir), force) for name in NETWORKS}
    requests = [
        Request(scene=scene, run=run, runs=runs_dir, renders=output, formats=formats, theme=theme)
        for scene, run, formats in RENDERS
    ]
    with watching() as watcher:
        done = render_all(requests, force=force, at_once=jobs, watcher=watcher)
    page = Path(output) / "index.html"
    show(done, runs, page)
    click.echo(f"Done in {time.monotonic() - started:.0f} s. Open {page}", err=True)
    return int(any(r.state in ("refused", "failed") for r in done))


def trained(name: str, runs: Path, force: bool) -> "Run":
    """The demo's network of that name: as it lies there where it is complete, else trained now."""
    from netcore.learn.folder import status
    from netcore.run import load_run

    recipe, changes = NETWORKS[name]
    if not force and status(runs / name) == "complete":
        try:
            return load_run(name, runs)
        except NetcoreError:  # of another schema: train it anew
            pass
    from netcore.learn.progress import for_stderr
    from netcore.learn.train import train

    return train(recipe, name=name, data="embedded", output_dir=runs, progress=for_stderr(name), **changes)


def accuracy(run: "Run") -> float:
    """Share of the held-out digits that the best snapshot has right."""
    step = run.snapshot("best").step
    return float(next(row["val_accuracy"] for row in run.history["epochs"] if row["step"] == step))


def facts(runs: "dict[str, Run]") -> list[tuple[str, ...]]:
    """One row a network: name, recipe, parameters, accuracy, images trained on, seconds."""
    return [
        (
            name,
            run.title,
            f"{run.info['parameters']:,}",
            f"{format_percent(accuracy(run))} of {run.info['data']['held_out']:,}",
            f"{run.info['data']['train']:,}",
            f"{run.info['seconds']:.0f} s",
        )
        for name, run in runs.items()
    ]


def show(done: "Sequence[Rendered]", runs: "dict[str, Run]", page: Path) -> None:
    """Write the page, and print what lies where and the command that made each."""
    from netcore.cli.options import show_table

    head = ("network", "recipe", "parameters", "held-out digits right", "trained on", "in")
    rows = [(str(r.target), f"{r.bytes / 1e3:,.0f} kB", r.command) for r in done if r.state in ("drawn", "fresh")]
    write_gallery(done, head, facts(runs), page)
    show_table(head, facts(runs))
    click.echo()
    show_table(
        ("render", "size", "command"), [*rows, (str(page), f"{page.stat().st_size / 1e3:,.0f} kB", "netcore demo")]
    )
    for line in dict.fromkeys(r.message for r in done if r.message):
        click.echo(f"netcore: {line}", err=True)


def write_gallery(done: "Sequence[Rendered]", head: Sequence[str], rows: Sequence[Sequence[str]], page: Path) -> None:
    """Write the page that shows what was drawn with captions and commands."""
    from netcore.publish.page import Table, exhibit, write_page

    write_page(
        page,
        title="What two networks see",
        intro="Every shade, edge and bar below is a value of a trained network, computed by PyTorch.",
        exhibits=[exhibit(r.target) for r in done if r.state in ("drawn", "fresh")],
        tables=[Table("The networks, trained on digits that come with netcore", head, rows)],
    )
