"""Choosing what a scene is given: the run, one image, the snapshot."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netcore.case import Case, Picture
from netcore.core.formatting import format_percent
from netcore.errors import NetcoreError, unknown
from netcore.files import sha256
from netcore.render.needs import check
from netcore.run import Run, Snapshot, list_runs, load_run
from netcore.trace import Trace

USUAL = "7"  # the digit shown where none is asked for


@dataclass(frozen=True)
class Choice:
    """Which image to look at; at most one of the three is given.

    digit : the first example of that class, by its name; index : the N-th example, from 0; image : a picture file.
    """

    digit: str | None = None
    index: int | None = None
    image: str | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("digit", "index", "image") if getattr(self, name) is not None]
        if len(given) > 1:
            raise NetcoreError(f"choose one image: --{given[0]} or --{given[1]}, not both")

    @property
    def suffix(self) -> str:
        """What a file name says of it: ``"-3"``, ``"-index-12"``, ``"-mine"``, or nothing."""
        if self.digit is not None:
            return f"-{self.digit}"
        if self.index is not None:
            return f"-index-{self.index}"
        return f"-{Path(self.image).stem}" if self.image else ""

    def digest(self, run: Run) -> str:
        """Digest of the image's source, cheaply: no image is opened."""
        if self.image is None:
            return str((run.info.get("examples") or {}).get("sha256", "none"))
        try:
            return sha256(Path(self.image))
        except OSError as error:
            raise NetcoreError(f"cannot read {self.image}: {error.strerror}") from None

    def picture(self, run: Run) -> tuple[Picture | None, str]:
        """Find the image; the line that comes with it says what was done to a file (nothing for an example).

        None where nothing is asked for and the run has no examples: not every scene looks at an image.

        Raises
        ------
        NetcoreError
            If the run has no such class or example, or the file is no image.
        """
        if self.image is not None:
            from netcore.picture import read_picture

            return read_picture(self.image, run.input_shape)
        if self == Choice() and not run.info.get("examples"):
            return None, ""
        examples = run.examples()
        if self.index is not None:
            if not 0 <= self.index < len(examples.labels):
                raise NetcoreError(f"no example {self.index}: run '{run.name}' has 0 to {len(examples.labels) - 1}")
            found = self.index
        else:
            found = _first(run, examples.labels, self.digit)
        where = f"{run.info.get('data', {}).get('name', 'example')} {int(examples.index[found])}"
        return Picture(examples.images[found], int(examples.labels[found]), where), ""


def _first(run: Run, labels: np.ndarray, name: str | None) -> int:
    """Position of the first example of the class called `name`."""
    classes = run.classes
    if name is None:
        usual = np.flatnonzero(labels == classes.index(USUAL)) if USUAL in classes else np.array([], int)
        return int(usual[0]) if len(usual) else 0
    if name not in classes:
        raise NetcoreError(f"run '{run.name}': {unknown('class', name, classes)}")
    found = np.flatnonzero(labels == classes.index(name))
    if not len(found):
        raise NetcoreError(f"run '{run.name}' has no example of class '{name}': choose another, or --image FILE")
    return int(found[0])


def make_case(run: Run, choice: Choice | None = None, at: str = "best") -> Case:
    """Build the facts that a scene draws; traces are computed when they are asked for.

    Parameters
    ----------
    run : Run
    choice : Choice
        The image; by default a 7, or the first example.
    at : str
        The snapshot: ``best``, ``last``, ``first``, ``epoch:N``, ``step:N``.
    """
    run.snapshot(at)  # an unknown one is told now, not in the middle of a film
    picture, _ = (choice or Choice()).picture(run)
    return Case(run, picture, at, _trace, _passes)


def _trace(run: Run, snapshot: Snapshot, pixels: np.ndarray, label: int | None, backward: bool) -> Trace:
    from netcore.learn.record import trace

    return trace(run, snapshot, pixels, label, backward)


def _passes(run: Run, snapshot: Snapshot, images: np.ndarray, nodes: tuple[str, ...]) -> dict[str, np.ndarray]:
    from netcore.learn.batch import passes

    return passes(run, snapshot, images, nodes)


def default_case(needs: Iterable[str] = (), runs: str | Path = "runs") -> Case:
    """The case of a film that is rendered by plain ``manim``: NETCORE_RUN, or the newest run that fits.

    NETCORE_DIGIT chooses the image.

    Raises
    ------
    NetcoreError
        If there is no such run, or none that has what the film needs.
    """
    choice = Choice(digit=os.environ.get("NETCORE_DIGIT"))
    if named := os.environ.get("NETCORE_RUN"):
        run = load_run(named, runs)
        check("this film", tuple(needs), run)
        return make_case(run, choice)
    for run in newest(runs):
        try:
            check("this film", tuple(needs), run)
        except NetcoreError:
            continue
        return make_case(run, choice)
    raise NetcoreError(f"no run in {runs}/ fits: netcore train mlp-16-16, or name one with NETCORE_RUN")


def newest(runs: str | Path = "runs") -> list[Run]:
    """All runs in a folder, the last written first."""
    return sorted(list_runs(runs), key=lambda r: (r.path / "run.json").stat().st_mtime, reverse=True)


def network(run: Run) -> str:
    """A few words for a run's network: ``784-16-16-10``, or what a convolutional one is made of."""
    kinds = [layer for layer in run.layers if layer["kind"].startswith(("Linear", "Conv"))]
    dense = [layer for layer in kinds if layer["kind"] == "Linear"]
    if kinds and kinds == dense:
        widths = [int(np.prod(dense[0]["input"]))] + [int(layer["output"][-1]) for layer in dense]
        return "-".join(map(str, widths))
    return f"a network of {len(kinds) - len(dense)} convolutions and {len(dense)} dense layers"


def facts(case: Case, fields: Iterable[str]) -> dict[str, Any]:
    """What a caption speaks of. The image goes through the network only where the caption tells of its answer."""
    run, label = case._run, case.chosen.label if case.chosen else None
    out: dict[str, Any] = {
        "run": run.name,
        "network": network(run),
        "snapshot": run.snapshot(case.at).label,
        "label": case.classes[label] if label is not None else "unknown",
        "data": run.info.get("data", {}).get("name", "its data"),
    }
    if {"prediction", "confidence"} & set(fields):
        trace = case.trace()
        out["prediction"] = trace.classes[trace.prediction]
        out["confidence"] = format_percent(float(trace.probabilities.max()))
    return out
