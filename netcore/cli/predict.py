"""Say what a run's network takes pictures for."""

import click

from netcore.cli.options import complete_runs, json_option, print_json, print_table, runs_dir_option
from netcore.core.trace import Trace


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N, step:N.")
@click.option("--top", default=3, show_default=True, type=click.IntRange(1), help="How many classes to list.")
@runs_dir_option
@json_option
def command(run: str, images: tuple[str, ...], at: str, top: int, runs_dir: str, as_json: bool) -> int:
    """Say what a run's network takes pictures for.

    IMAGE is any picture file. It is prepared as the network's own images are; how is told on stderr. Where one cannot
    be read, that is told too, the others are predicted, and the exit status is 2.
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
        top = min(top, len(found.classes))
        rows = [(image, t.classes[t.prediction], *_most_likely(t, top)) for image, t in traces]
        print_table(("image", "prediction", *[""] * top), rows)
    return 2 if failed else 0


def _most_likely(trace: Trace, top: int) -> list[str]:
    """The `top` classes with their probabilities, most likely first."""
    p = trace.probabilities
    return [f"{trace.classes[k]} {100 * p[k]:.1f} %" for k in p.argsort()[::-1][:top]]
