"""Render all figures and films of a run into one HTML page."""

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from netcore.cli.options import complete_runs, json_option, print_json, runs_dir_option, show_next
from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_count

if TYPE_CHECKING:
    from netcore.publish.report import Report


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True, help="Color theme.")
@click.option(
    "-o", "--output", type=click.Path(file_okay=False), help="Output folder.", show_default="renders/RUN/report"
)
@click.option("-j", "--jobs", type=click.IntRange(1), default=2, show_default=True, help="Number of parallel renders.")
@click.option("--films", is_flag=True, help="Include the films that the run supports, as MP4.")
@click.option("--force", is_flag=True, help="Render again even if up to date.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=300, show_default=True,
              help="Maximum time per figure or film, in seconds.")  # fmt: skip
@runs_dir_option
@json_option
def command(
    run: str, at: str, theme: str, output: str | None, jobs: int, films: bool, force: bool, timeout: float,
    runs_dir: str, as_json: bool,
) -> int:  # fmt: skip
    """Draw all figures of RUN into one HTML page.

    The page holds the numbered figures, the results and the settings, and can be sent as one file.
    Figures that the run lacks something for are left out, with the reason. What is up to date is
    left as it is. With --films the page also plays the films. The exit status is 1 if another figure
    could not be drawn: its earlier file stays.
    """
    from netcore.cli.render_progress import stderr_listener
    from netcore.publish.report import make_report

    started = time.monotonic()
    with stderr_listener() as listener:
        done = make_report(
            run, runs=runs_dir, output=output, at=at, theme=theme, jobs=jobs, force=force, timeout=timeout,
            listener=listener, films=films,
        )  # fmt: skip
    if as_json:
        print_json([r.row for r in done.rendered])
    else:
        show_report(done, time.monotonic() - started)
        show_next(f"{done.page} is one file that can be sent", "netcore status, which lists what is out of date")
    return int(bool(done.failed))


def show_report(done: "Report", seconds: float) -> None:
    """Print the path of the report and the skipped figures."""
    reasons: dict[str, list[str]] = {}
    for name, why in done.skipped.items():
        reasons.setdefault(why, []).append(name)
    for why, names in reasons.items():
        which = "" if all(name in why for name in names) else f"{', '.join(names)}: "
        click.echo(f"left out: {which}{why}", err=True)
    there = [r for r in done.rendered if r.state in ("drawn", "fresh")]
    fresh = sum(r.state == "fresh" for r in there)
    films = sum(r.target.suffix == ".mp4" for r in there)
    counts = format_count(len(there) - films, "figure") + (f" and {format_count(films, 'film')}" if films else "")
    note = f" ({fresh} were up to date)" if fresh else ""
    click.echo(f"{done.page}: {counts}{note} in {seconds:.0f} s")


def report_after_training(run: str, runs_dir: str) -> None:
    """Write the report at the end of a training, or print why there is none."""
    if find_spec("matplotlib") is None or find_spec("jinja2") is None:
        click.echo(f"no report: Matplotlib or Jinja2 is not installed here; elsewhere: netcore report {run}", err=True)
        return
    from netcore.cli.render_progress import stderr_listener
    from netcore.publish.report import make_report

    started = time.monotonic()
    try:
        with stderr_listener() as listener:
            done = make_report(run, runs=runs_dir, listener=listener)
    except NetcoreError as error:  # the training was a success all the same
        click.echo(f"no report: {error}", err=True)
        return
    show_report(done, time.monotonic() - started)
