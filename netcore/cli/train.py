"""Train a network by a recipe and write its run."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netcore.cli.options import complete_choices, needs_web, runs_dir_argument, show_next, suggest_render
from netcore.core.formatting import format_percent, format_percent_range
from netcore.datasets.loading import dataset_names, sources
from netcore.models.architecture import ACTIVATIONS
from netcore.models.optimizers import OPTIMIZERS
from netcore.training.lr_schedule import SCHEDULES
from netcore.training.recipes import RECIPES

if TYPE_CHECKING:
    from netcore.core.run import Run
    from netcore.training.progress import NullProgress


class LayerWidths(click.ParamType):  # type: ignore[type-arg]  # not subscriptable before click 8.5
    """Widths of the hidden layers: ``128,64``."""

    name = "widths"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse integers separated by commas."""
        try:
            return tuple(int(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"'{value}' is not a list of layer sizes: use 32 or 32,32", param, ctx)


@click.command()
@click.argument("recipe", shell_complete=complete_choices(RECIPES))
@click.option("--name", help="Name of the run.", show_default="the recipe's")
@click.option(
    "--data",
    shell_complete=complete_choices(sources()),
    help=f"Data set: {', '.join(dataset_names())}; embedded needs no download.",
    show_default="the recipe's",
)
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data files.  [env: NETCORE_DATA]")
@click.option("--epochs", type=click.IntRange(1), help="Number of epochs.")
@click.option("--batch-size", type=click.IntRange(1), help="Batch size, in images.")
@click.option(
    "--learning-rate", type=click.FloatRange(0, min_open=True), help="Learning rate (maximum of the schedule)."
)
@click.option("--hidden-size", "hidden", type=LayerWidths(), help="Hidden layer sizes, such as 32 or 32,32.")
@click.option("--activation", type=click.Choice(list(ACTIVATIONS)), help="Activation function.")
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), help="Optimizer.")
@click.option("--schedule", type=click.Choice(SCHEDULES), help="Learning-rate schedule.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), help="Dropout probability of hidden layers.")
@click.option("--batch-norm/--no-batch-norm", default=None, help="Batch normalisation.")
@click.option("--augment/--no-augment", default=None, help="Augmentation: random rotation, shift and scale.")
@click.option(
    "--val-split", "validation", type=click.FloatRange(0, 1, max_open=True), help="Share of the training data held out."
)
@click.option("--seed", type=click.IntRange(0), help="Random seed of weights, order, augmentation and dropout.")
@click.option("--device", default="auto", show_default=True, help="Device: auto, cpu, cuda, cuda:1 or mps.")
@click.option("--output-dir", type=click.Path(path_type=Path), default="runs", show_default=True, help="Run folder.")
@click.option("--resume", is_flag=True, help="Resume the interrupted training of this name.")
@click.option("--no-stability", is_flag=True, help="Skip the passes with dropout active at the end.")
@click.option("--no-viz", is_flag=True, help="Skip the report at the end.")
@click.option("--live", is_flag=True, help="Serve a page that shows the training and can act on it.")
@click.option(
    "--live-port", default=8001, show_default=True, type=click.IntRange(0, 65535), help="Port of that page; 0: any."
)
@click.option("--no-save", is_flag=True, help="Print the result without writing a run.")
def command(
    recipe: str,
    no_save: bool,
    no_stability: bool,
    no_viz: bool,
    live: bool,
    live_port: int,
    batch_norm: bool | None,
    augment: bool | None,
    **given: Any,
) -> None:
    """Train RECIPE (see `netcore recipes`) and write its run.

    Where a complete run of that name exists, it stays as it is until the new one is complete and takes its place. An
    interrupted training starts again, or with --resume continues after its last epoch.
    """
    from netcore.training.recipes import get_recipe, option_overrides

    changes = option_overrides(get_recipe(recipe), batch_norm, augment, given.pop("dropout"))
    from netcore.training.progress import stderr_progress
    from netcore.training.train import train

    progress = stderr_progress(given["name"] or recipe)
    given |= {"save": not no_save, "mc_dropout": not no_stability, **changes}
    run = _train_live(recipe, progress, live_port, **given) if live else train(recipe, progress=progress, **given)
    for line in summary(run.info):
        click.echo(line)
    if no_save:
        return
    folder = given["output_dir"] / run.name
    click.echo(f"{folder}: {len(run.snapshots)} snapshots")
    if not no_viz:
        from netcore.cli.report import report_after_training

        report_after_training(run.name, str(given["output_dir"]))
    show_next(f"run '{run.name}' is in {folder}", suggest_render(run) + runs_dir_argument(given["output_dir"]))


def _train_live(recipe: str, progress: "NullProgress", port: int, **given: Any) -> "Run":
    """Train while a page of this machine shows it."""
    with needs_web("--live"):
        from netcore.web.server.live_app import watch_training
    from netcore.training.train import train
    from netcore.web.live_training import LiveTraining

    training = LiveTraining(progress, given["name"] or recipe)
    with watch_training(training, port) as address:
        click.echo(f"netcore: watch the training at {address}", err=True)
        return train(recipe, progress=training, controls=training.controls, **given)


def summary(info: dict[str, Any]) -> list[str]:
    """Return lines with size, duration and accuracy of a trained network."""
    lines = [
        f"{info['name']}: {info['parameters']:,} parameters, {info['settings']['epochs']} epochs in "
        f"{info['seconds']:.0f} s, {info['images_per_second']:,} images/s on {info['device_name']}"
    ]
    from netcore.cli.evaluate import mc_dropout_text

    for name, entry in info["evaluations"].items():
        low, high = entry["interval"]
        lines.append(
            f"{name}, {entry['snapshot']}: {format_percent(entry['accuracy'], 2)} of {entry['count']:,} correct "
            f"(95 % interval {format_percent_range(low, high, 2)})"
        )
    if stable := info.get("stability"):
        lines.append(mc_dropout_text(stable))
    return lines
