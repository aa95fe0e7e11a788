"""Build a scene's context for a run."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from netcore.analysis.graph_builder import graph_of_run
from netcore.core.cached_network import CachedNetwork
from netcore.core.context import LoadImages, SceneContext
from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_percent
from netcore.core.network import Network
from netcore.core.run import LabeledImages, Run, Snapshot, list_runs, load_run
from netcore.rendering.requirements import check_requirements
from netcore.rendering.sample_selector import SampleSelector


def data_set_images(run: Run, part: str) -> LabeledImages | None:
    """Load a part of the run's data set if it is on this machine; the datasets are imported only then."""
    from netcore.tracing.training_images import load_training_images

    return load_training_images(run, part)


def make_context(
    run: Run, selector: SampleSelector | None = None, at: str = "best", load_images: LoadImages | None = None
) -> SceneContext:
    """Build the facts that a scene draws; traces are computed when they are asked for.

    Parameters
    ----------
    run : Run
    selector : SampleSelector
        Which image; by default a 7, or the first example.
    at : str
        The snapshot: ``best``, ``last``, ``first``, ``epoch:N``, ``step:N``.
    load_images : callable, optional
        Loads training or held-out images; default: `data_set_images`. If it gives None, scenes get the examples.
    """
    snapshot = run.snapshot(at)  # an unknown one is refused now, not in the middle of a film
    selector, reads = selector or SampleSelector(), set[str]()
    reads.update(selector.reads(run, at))
    network = open_network(run, snapshot, reads.add)
    sample, _ = selector.select(run, lambda images: network.predict(images)["logits"])
    return SceneContext(run, sample, at, open_network, load_images or data_set_images, reads)


def open_network(run: Run, snapshot: Snapshot, record: Callable[[str], None]) -> Network:
    """Open a snapshot's network, whose results are kept with the run; torch is loaded for new ones alone."""

    def compute() -> Network:
        from netcore.tracing.network import TorchNetwork

        return TorchNetwork(run, snapshot, record)

    return CachedNetwork(run, snapshot, compute, record)


def default_context(needs: Iterable[str] = (), runs: str | Path = "runs") -> SceneContext:
    """The case of a film that is rendered by plain ``manim``: NETCORE_RUN, or the newest run that fits.

    NETCORE_DIGIT chooses the image.

    Raises
    ------
    NetcoreError
        If there is no such run, or none that has what the film needs.
    """
    selector = SampleSelector(digit=os.environ.get("NETCORE_DIGIT"))
    if named := os.environ.get("NETCORE_RUN"):
        run = load_run(named, runs)
        check_requirements("this film", tuple(needs), run)
        return make_context(run, selector)
    for run in newest_first(runs):
        try:
            check_requirements("this film", tuple(needs), run)
        except NetcoreError:
            continue
        return make_context(run, selector)
    raise NetcoreError(f"no suitable run in {runs}/: use netcore train mlp-16-16, or set NETCORE_RUN")


def newest_first(runs: str | Path = "runs") -> list[Run]:
    """All runs in a folder, the last written first."""
    return sorted(list_runs(runs), key=lambda r: (r.path / "run.json").stat().st_mtime, reverse=True)


def caption_values(context: SceneContext, fields: Iterable[str]) -> dict[str, Any]:
    """Values for a caption; the network is run only if the caption mentions the prediction."""
    run, label = context._run, context.sample_or_none.label if context.sample_or_none else None
    out: dict[str, Any] = {
        "run": run.name,
        "network": graph_of_run(run).summary,
        "snapshot": run.snapshot(context.at).label,
        "label": context.classes[label] if label is not None else "unknown",
        "data": run.info.get("data", {}).get("name", "its data"),
    }
    if {"prediction", "confidence"} & set(fields):
        trace = context.trace()
        out["prediction"] = trace.classes[trace.prediction]
        out["confidence"] = format_percent(float(trace.probabilities.max()))
    return out
