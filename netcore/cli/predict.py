"""Classify image files."""

import click

from netcore.cli.options import complete_runs, json_option, print_json, print_table, runs_dir_option
from netcore.core.formatting import format_percent
from netcore.core.trace import Trace
from netcore.viz.wording import format_prediction


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N, step:N.")
@click.option(
    "--top", default=3, show_default=True, type=click.IntRange(1), help="Number of most likely classes listed."
)
@runs_dir_option
@json_option
def command(run: str, images: tuple[str, ...], at: str, top: int, runs_dir: str, as_json: bool) -> int:
    """Classify image files.

    IMAGE is any image file. It is preprocessed like the training images; the steps are printed on stderr. If an image
    cannot be read, an error is printed, the others are classified, and the exit status is 2.
    """
    from netcore.core.errors import NetcoreError
    from netcore.core.run import load_run
    from netcore.core.sample import read_sample
    from netcore.tracing.tracer import trace

    found = load_run(run, runs_dir)
    snapshot = found.snapshot(at)
    traces, failed = [], 0
    for image in images:
        try:
            picture, note = read_sample(image, found.input_shape)
        except NetcoreError as error:
            failed += 1
            click.echo(f"netcore: error: {error}", err=True)
            continue
        click.echo(note, err=True)
        traces.append((image, trace(found, snapshot, picture.pixels)))
    if as_json:
        print_json(
            {"image": i, "prediction": t.classes[t.prediction], "probabilities": t.probabilities.tolist()}
            for i, t in traces
        )
    elif traces:
        rows = [(image, *_most_likely(t, top)) for image, t in traces]
        print_table(("image", "prediction", *[""] * (len(rows[0]) - 2)), rows)
    return 2 if failed else 0


def _most_likely(trace: Trace, top: int) -> list[str]:
    """Return the prediction, then the next classes with their probabilities, `top` classes in all."""
    first, *others = trace.probabilities.argsort()[::-1][:top]
    prediction = format_prediction(trace.classes, first, trace.probabilities[first])
    return [prediction, *(f"{trace.classes[k]} ({format_percent(trace.probabilities[k])})" for k in others)]
