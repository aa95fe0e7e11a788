"""Create a run from your own PyTorch classifier."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from netcore.core.formatting import format_count, format_percent


class ImageShape(click.ParamType):  # type: ignore[type-arg]  # not subscriptable before click 8.5
    """Shape of an image: ``1x28x28``, channels first."""

    name = "CxHxW"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Parse three integers separated by ``x``."""
        if isinstance(value, tuple):
            return value
        if not re.fullmatch(r"[1-9]\d*[x×][1-9]\d*[x×][1-9]\d*", str(value)):
            self.fail(f"'{value}' is not a shape: use channels, height and width, such as 1x28x28", param, ctx)
        return tuple(int(part) for part in re.split("[x×]", str(value)))


class FloatList(click.ParamType):  # type: ignore[type-arg]  # not subscriptable before click 8.5
    """One number, or one per channel: ``0.5`` or ``0.49,0.48,0.45``."""

    name = "numbers"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[float]:
        """Parse numbers separated by commas."""
        try:
            return [float(part) for part in str(value).split(",")]
        except ValueError:
            self.fail(f"'{value}' is not a list of numbers: use 0.5 or 0.49,0.48,0.45", param, ctx)


class ImportCommand(click.Command):
    """Command that accepts several files after one ``--weights``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat ``--weights`` before each of its files, then parse."""
        out: list[str] = []
        many = False
        for arg in args:
            if arg.startswith("-"):
                many = arg == "--weights"
                out += [] if many else [arg]
            else:
                out += ["--weights", arg] if many else [arg]
        return super().parse_args(ctx, out)


@click.command(cls=ImportCommand)
@click.argument("factory")
@click.option(
    "--weights", multiple=True, required=True, metavar="FILE...", type=click.Path(path_type=Path),
    help="Weight files, one per snapshot, in order.",
)  # fmt: skip
@click.option("--name", required=True, help="Name of the run.")
@click.option(
    "--input-shape",
    "shape",
    type=ImageShape(),
    default="1x28x28",
    show_default=True,
    help="Shape (C, H, W) of an image.",
)
@click.option(
    "--classes", type=click.Path(path_type=Path), help="File with one class name per line.", show_default="0, 1, …"
)
@click.option("--examples", help="Labelled images: a folder with one subfolder per class, or a data set.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data files.  [env: NETCORE_DATA]")
@click.option(
    "--mean", type=FloatList(), default="0", show_default=True, help="Per-channel mean of the pixels, in [0, 1]."
)
@click.option(
    "--std", type=FloatList(), default="1", show_default=True, help="Per-channel standard deviation of the pixels."
)
@click.option("--output-dir", type=click.Path(path_type=Path), default="runs", show_default=True, help="Run folder.")
def command(factory: str, weights: Sequence[Path], classes: Path | None, **given: Any) -> None:
    """Create a run from your own PyTorch classifier.

    FACTORY is `module:callable` or `file.py:callable`, found from the current folder; called without arguments it gives
    the network. Weights are .safetensors files, or what torch.save made of a state_dict; pickled objects are never
    loaded. The run holds all that it needs: neither the factory nor the files are needed again.
    """
    from netcore.training.import_model import import_model

    run = import_model(factory, weights, classes=_names(classes), **given)
    parts = [
        f"{run.info['parameters']:,} parameters",
        f"{len(run.classes)} classes",
        format_count(len(run.snapshots), "snapshot"),
    ]
    for name, entry in run.info.get("evaluations", {}).items():
        images = format_count(len(run.evaluation(name).labels), "image")
        parts.append(f"{format_percent(entry['accuracy'])} of {images} of {name} correct")
    click.echo(f"{run.path}: {', '.join(parts)}")


def _names(file: Path | None) -> list[str] | None:
    from netcore.core.errors import NetcoreError

    if file is None:
        return None
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NetcoreError(
            f"cannot read the class names in {file}: {getattr(error, 'strerror', None) or error}"
        ) from error
    return [line.strip() for line in lines if line.strip()]
