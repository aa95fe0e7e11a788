"""Make a run with changed units or weights of a network."""

from pathlib import Path
from typing import Any

import click

from netcore.cli.options import complete_runs, runs_dir_argument, runs_dir_option, show_next
from netcore.core.formatting import format_percent


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("--off", multiple=True, metavar="LAYER:UNIT", help="Switch a neuron or map off: its output is 0.")
@click.option("--bias", multiple=True, metavar="LAYER:UNIT=NUMBER", help="Add a number to the bias of a unit.")
@click.option("--scale", multiple=True, metavar="LAYER:UNIT=NUMBER", help="Multiply the weights of a unit.")
@click.option("--prune", multiple=True, metavar="LAYER=SHARE", help="Set this share of the smallest weights to 0.")
@click.option(
    "--noise", multiple=True, metavar="LAYER=NUMBER",
    help="Add normal noise to the weights, in units of their standard deviation.",
)  # fmt: skip
@click.option("--temperature", multiple=True, metavar="NUMBER", help="Divide the logits by a number.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**32 - 1), help="Seed of the noise.")
@click.option("--name", required=True, help="Name of the new run.")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--output-dir", type=click.Path(path_type=Path), help="Folder of the new run.  [default: the run folder]")
@runs_dir_option
def command(run: str, name: str, at: str, seed: int, output_dir: Path | None, runs_dir: str, **options: Any) -> None:
    """Make a run with changed units or weights of a network.

    LAYER is a layer of weights as in run.json (conv1, hidden1, output), UNIT a neuron or map, counted from 1, or the
    class of an output: output:7. Options can be repeated; changes are made in the order noise, prune, scale, bias, off,
    temperature. The page of `netcore lab` shows this command for what was tried there.
    """
    from netcore.analysis.unit_edits import ORDER, class_layer, parse_edit
    from netcore.core.run import load_run
    from netcore.training.edited_run import make_edited_run

    source = load_run(run, runs_dir)
    names = class_layer(source.layers, source.classes)
    edits = [parse_edit(kind, text, seed if kind == "noise" else 0, names) for kind in ORDER for text in options[kind]]
    made = make_edited_run(source, edits, name, output_dir or runs_dir, at)
    line = f"{made.path}: {len(edits)} change{'s' if len(edits) > 1 else ''} of {source.name}"
    for entry in made.info.get("evaluations", {}).values():
        line += f", {format_percent(entry['accuracy'])} of {entry['count']:,} examples correct"
    click.echo(line)
    folder = runs_dir_argument(output_dir or runs_dir)
    show_next(f"run '{name}' is in {made.path}", f"netcore lab {name}{folder}")
