"""Build a lesson on a run by its own numbers."""

import base64
import hashlib
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np

from netcore.analysis.graph_builder import graph_of_trace
from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write_text
from netcore.core.run import Run, Snapshot
from netcore.core.trace import Trace
from netcore.rendering.result import ProgressListener
from netcore.viz.theme import DARK, FONT, LIGHT, THEMES
from netcore.web import lesson_network, lesson_optimizer, lesson_training
from netcore.web.lesson_network import LessonFacts
from netcore.web.lesson_parts import Chapter
from netcore.web.lesson_renders import add_renders

ROLES = ("background", "foreground", "muted", "faint", "positive", "emphasis")
CHAPTERS: tuple[Callable[[LessonFacts], Chapter | None], ...] = (
    lesson_network.image_chapter,
    lesson_network.convolution_chapter,
    lesson_network.neuron_chapter,
    lesson_network.activation_chapter,
    lesson_network.layers_chapter,
    lesson_network.softmax_chapter,
    lesson_training.loss_chapter,
    lesson_training.gradient_chapter,
    lesson_training.backpropagation_chapter,
    lesson_optimizer.optimizer_chapter,
    lesson_optimizer.epochs_chapter,
    lesson_training.overfitting_chapter,
)


def write_lesson(
    target: Path,
    run: Run,
    *,
    at: str = "best",
    index: int | None = None,
    theme: str | None = None,
    renders: bool = True,
    listener: ProgressListener | None = None,
) -> None:
    """Write the lesson of a run as one HTML file that needs nothing else.

    Parameters
    ----------
    target : Path
        The page; replaced whole or not at all.
    run : Run
    at : str
        Snapshot, as in `Run.snapshot`.
    index : int, optional
        Number of the example that is followed; default: the first that is classified correctly, of a middle class.
    theme : {"dark", "light"}, optional
        Default: as the reader's browser prefers.
    renders : bool
        Include films, of the example that is followed, and figures.
    listener : ProgressListener, optional
        Receives the progress of the renders.

    Raises
    ------
    NetcoreError
        If the run has no examples or no dense layer.
    """
    facts = lesson_facts(run, run.snapshot(at), index)
    chapters = [chapter for chapter in (make(facts) for make in CHAPTERS) if chapter is not None]
    if renders:
        add_renders(chapters, facts, at, theme, listener)
    atomic_write_text(target, _render(facts, chapters, theme))


def lesson_facts(run: Run, snapshot: Snapshot, index: int | None = None) -> LessonFacts:
    """Trace the example of a lesson, with gradients."""
    from netcore.tracing.tracer import trace

    examples = run.examples()
    if index is None:
        index = _choose_example(run, snapshot)
    if not 0 <= index < len(examples.labels):
        raise NetcoreError(f"examples are from 0 to {len(examples.labels) - 1}, got {index}")
    traced: Trace = trace(run, snapshot, examples.images[index], int(examples.labels[index]), backward=True)
    if not any(
        layer.kind == "Linear" and layer.weight is not None and layer.output.ndim == 1 for layer in traced.layers
    ):
        raise NetcoreError(f"run '{run.name}' has no dense layer: a lesson explains one")
    return LessonFacts(run, snapshot, traced, graph_of_trace(traced), index)


def _choose_example(run: Run, snapshot: Snapshot) -> int:
    """Return a correctly classified example about which the network is least confident but right."""
    from scipy.special import softmax

    from netcore.tracing.batch_inference import predict_batch

    examples = run.examples()
    images = examples.images[:200]
    logits = predict_batch(run, snapshot, images)["logits"].astype(np.float64)
    confidence = softmax(logits, axis=1).max(1)
    right = logits.argmax(1) == examples.labels[: len(images)]
    if not right.any():
        return 0
    return int(np.argmin(np.where(right, np.abs(confidence - 0.9), np.inf)))


def _render(facts: LessonFacts, chapters: list[Chapter], theme: str | None) -> str:
    import jinja2

    source = files("netcore.web").joinpath("lesson.html").read_text(encoding="utf-8")
    name = facts.trace.classes[facts.label]
    summary = facts.graph.summary
    recipe = f"Recipe {facts.run.display_name}. " if facts.run.display_name != facts.run.name else ""
    return (
        jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .from_string(source)
        .render(
            title=f"How {facts.run.name} classifies",
            intro=f"{recipe}{summary[:1].upper()}{summary[1:]} with {facts.graph.parameters():,} parameters, at "
            f"{facts.snapshot.label}, explained on one image of {name}. Every number is one of this network; rows, "
            "columns, maps and neurons are counted from 1.",
            chapters=chapters,
            digests=_script_digests(chapters),
            theme=THEMES[theme] if theme else None,
            dark=DARK,
            light=LIGHT,
            roles=ROLES,
            font=FONT,
        )
    )


def _script_digests(chapters: list[Chapter]) -> list[str]:
    """Digests of the players' scripts, which the page's policy allows alone."""
    pages = [part.source for chapter in chapters for part in chapter.parts if part.kind == "player"]
    scripts = {text for page in pages for text in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)}
    return sorted(base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts)
