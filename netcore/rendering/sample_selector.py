"""Choose an image by class, index or file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.files import file_sha256
from netcore.core.run import Run
from netcore.core.sample import Sample

DEFAULT_CLASS = "7"  # shown by default


@dataclass(frozen=True)
class SampleSelector:
    """Selection of the image that is shown, by at most one of the three attributes.

    Attributes
    ----------
    digit : str, optional
        Name of a class: its first example.
    index : int, optional
        Number of an example, from 0.
    image : str, optional
        Path of an image file.
    """

    digit: str | None = None
    index: int | None = None
    image: str | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("digit", "index", "image") if getattr(self, name) is not None]
        if len(given) > 1:
            raise NetcoreError(f"--{given[0]} and --{given[1]} exclude each other: choose one")

    @property
    def file_suffix(self) -> str:
        """Suffix of the file name: ``"-3"``, ``"-index-12"``, ``"-mine"``, or ""."""
        if self.digit is not None:
            return f"-{_file_word(self.digit)}"
        if self.index is not None:
            return f"-index-{self.index}"
        return f"-{_file_word(Path(self.image).stem)}" if self.image else ""

    def digest(self, run: Run) -> str:
        """Return a digest of the image's source; no image is decoded."""
        if self.image is None:
            return str((run.info.get("examples") or {}).get("sha256", "none"))
        try:
            return file_sha256(Path(self.image))
        except OSError as error:
            raise NetcoreError(f"cannot read {self.image}: {error.strerror}") from None

    def select(self, run: Run) -> tuple[Sample | None, str]:
        """Return the image, and a line that describes how a file was prepared ("" for an example).

        The image is None if nothing is selected and the run has no examples: not every scene shows an image.

        Raises
        ------
        NetcoreError
            If the run has no such class or example, or the file is no image.
        """
        if self.image is not None:
            from netcore.core.sample import read_sample

            return read_sample(self.image, run.input_shape)
        if self == SampleSelector() and not run.info.get("examples"):
            return None, ""
        examples = run.examples()
        if self.index is not None:
            if not 0 <= self.index < len(examples.labels):
                last = len(examples.labels) - 1
                raise NetcoreError(f"--index must be from 0 to {last} for run '{run.name}', got {self.index}")
            found = self.index
        else:
            found = _first(run, examples.labels, self.digit)
        where = f"{run.info.get('data', {}).get('name', 'example')} {int(examples.index[found])}"
        return Sample(examples.images[found], int(examples.labels[found]), where), ""


def _file_word(name: str) -> str:
    """Return a name as a part of a file's name, without separators."""
    return re.sub(r"[^\w.+-]+", "-", name)[:80]


def _first(run: Run, labels: NDArray[Any], name: str | None) -> int:
    """Return the position of the first example of the class `name`."""
    classes = run.classes
    if name is None:
        usual = (
            np.flatnonzero(labels == classes.index(DEFAULT_CLASS)) if DEFAULT_CLASS in classes else np.array([], int)
        )
        return int(usual[0]) if len(usual) else 0
    if name not in classes:
        raise NetcoreError(f"run '{run.name}': {unknown_name('class', name, classes)}")
    found = np.flatnonzero(labels == classes.index(name))
    if not len(found):
        raise NetcoreError(f"run '{run.name}' has no example of class '{name}': choose another, or use --image FILE")
    return int(found[0])
