"""List the example images of a run with their predictions."""

from typing import TYPE_CHECKING, Any

import click

from netcore.cli.options import complete_runs, json_option, prediction_options, print_json, print_table, runs_dir_option
from netcore.core.formatting import format_percent

if TYPE_CHECKING:
    from netcore.core.run import Run
    from netcore.rendering.sample_selector import SampleSelector

COLUMNS = ("index", "class", "predicted", "confidence", "")


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("--digit", help="Only examples of this class.")
@prediction_options
@click.option("--mistakes", is_flag=True, help="List the misclassified images of the evaluation instead.")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--limit", type=click.IntRange(1), help="Maximum number of rows.  [default: all]")
@runs_dir_option
@json_option
def command(run: str, mistakes: bool, at: str, limit: int | None, runs_dir: str, as_json: bool, **given: Any) -> None:
    """List the example images of RUN with their predictions.

    The index is what `netcore render --index` takes; with --mistakes it is what --mistake takes.
    """
    from netcore.core.run import load_run
    from netcore.rendering.sample_selector import SampleSelector

    found, selector = load_run(run, runs_dir), SampleSelector(**given)
    rows = (mistake_rows(found) if mistakes else example_rows(found, selector, at))[:limit]
    if as_json:
        return print_json(rows)
    option = "--mistake" if mistakes else "--index"
    table = [
        (
            str(r["index"]),
            r["class"],
            r["predicted"],
            format_percent(r["confidence"]),
            "" if r["correct"] else "misclassified",
        )
        for r in rows
    ]
    print_table(COLUMNS, table, numbers=("index", "confidence"))
    name = found.name
    shown = f"netcore render forward-propagation --run {name} {option} {rows[0]['index']}" if rows else "none"
    return click.echo(f"{len(rows)} listed; to show one: {shown}" if rows else "no image matches", err=True)


def example_rows(run: "Run", selector: "SampleSelector", at: str) -> list[dict[str, Any]]:
    """Return one row per example that matches: index, class, prediction, confidence."""
    from netcore.rendering.context import open_network

    selector.prepare(run)
    examples = run.examples()
    network = open_network(run, run.snapshot(at), lambda key: None)
    logits = network.predict(examples.images)["logits"]
    found = selector.matches(run, examples.labels, logits) if selector.given else range(len(examples.labels))
    return [_row(run, int(i), int(examples.labels[i]), logits[i]) for i in found]


def mistake_rows(run: "Run") -> list[dict[str, Any]]:
    """Return one row per stored misclassified image of the evaluation, the most confident first."""
    stored = run.evaluation()
    index = stored.extra.get("mistake_index", ())
    return [_row(run, n, int(stored.labels[i]), stored.logits[i]) for n, i in enumerate(index)]


def _row(run: "Run", index: int, label: int, logits: Any) -> dict[str, Any]:  # noqa: ANN401 - (K,) of any float type
    from scipy.special import softmax

    shares = softmax(logits.astype(float))
    predicted = int(shares.argmax())
    return {
        "index": index,
        "class": run.classes[label],
        "predicted": run.classes[predicted],
        "confidence": float(shares[predicted]),
        "correct": predicted == label,
    }
