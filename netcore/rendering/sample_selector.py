"""Choose an image by class, index, prediction or file."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.files import file_sha256
from netcore.core.run import Examples, Run
from netcore.core.sample import Sample

DEFAULT_CLASS = "7"  # shown by default
PredictLogits = Callable[[NDArray[np.uint8]], NDArray[np.floating]]  # images (N, C, H, W) to logits (N, K)
ALONE = ("index", "image", "mistake")  # each names one image, and excludes all others
CONTRADICTIONS = (("correct", "misclassified"), ("most_confident", "least_confident"), ("correct", "confused"),
                  ("digit", "confused"))  # fmt: skip


@dataclass(frozen=True)
class SampleSelector:
    """Selection of the image that is shown; of several that match, the first one.

    Attributes
    ----------
    digit : str, optional
        Name of a class: its first example.
    index : int, optional
        Number of an example, from 0.
    image : str, optional
        Path of an image file.
    correct, misclassified : bool
        Only examples that the snapshot classifies so.
    most_confident, least_confident : bool
        Sort the matching examples by the confidence of their prediction.
    confused : str, optional
        Two classes, ``"4,9"``: only examples of the first that are classified as the second.
    mistake : int, optional
        Number of a misclassified image of the evaluation, from 0, the most confident first.
    """

    digit: str | None = None
    index: int | None = None
    image: str | None = None
    correct: bool = False
    misclassified: bool = False
    most_confident: bool = False
    least_confident: bool = False
    confused: str | None = None
    mistake: int | None = None

    def __post_init__(self) -> None:
        given = list(self.given)
        alone = [name for name in given if name in ALONE]
        pairs = [(alone[0], name) for name in given if name != alone[0]] if alone else []
        pairs += [pair for pair in CONTRADICTIONS if set(pair) <= set(given)]
        if pairs:
            first, second = sorted(map(option_name, pairs[0]))
            raise NetcoreError(f"{first} and {second} exclude each other: choose one")

    @classmethod
    def from_text(cls, values: Mapping[str, str]) -> "SampleSelector":
        """Restore a selector from the text of its `given` values, as sidecars have it."""
        found: dict[str, Any] = {}
        for field in fields(cls):
            if field.name in values:
                text = values[field.name]
                is_number = field.name in ("index", "mistake")
                found[field.name] = int(text) if is_number else text == "True" if field.type is bool else text
        return cls(**found)

    @property
    def given(self) -> dict[str, Any]:
        """The attributes that were set, by name."""
        return {name: value for name, value in vars(self).items() if value is not None and value is not False}

    @property
    def by_prediction(self) -> bool:
        """Whether the network's predictions decide which example it is."""
        return any(name not in ("digit", *ALONE) for name in self.given)

    @property
    def file_suffix(self) -> str:
        """Suffix of the file name: ``"-3"``, ``"-index-12"``, ``"-misclassified"``, ``"-mine"``, or ""."""
        words = []
        for name, value in self.given.items():
            if name == "digit":
                words.append(_file_word(str(value)))
            elif name == "image":
                words.append(_file_word(Path(value).stem))
            else:
                words += [name.replace("_", "-"), *([] if value is True else [_file_word(str(value))])]
        return "".join(f"-{word}" for word in words)

    @property
    def options(self) -> list[str]:
        """The options of ``netcore render`` that select the same image."""
        words = []
        for name, value in self.given.items():
            words += [option_name(name), *([] if value is True else [str(value)])]
        return words

    def reads(self, run: Run, at: str) -> list[str]:
        """Return what of the run decides which image it is, beside the examples; see `SceneContext.reads`."""
        if self.mistake is not None:
            return ["evaluations", *(f"evaluation:{name}" for name in run.evaluations[:1])]
        return [f"snapshot:{at}"] if self.by_prediction else []

    def digest(self, run: Run) -> str:
        """Return a digest of the image's source; no image is decoded."""
        if self.mistake is not None:
            entry = run.evaluation_entry(run.evaluations[0]) if run.evaluations else {}
            return str(entry.get("sha256", "none"))
        if self.image is None:
            return str((run.info.get("examples") or {}).get("sha256", "none"))
        try:
            return file_sha256(Path(self.image))
        except OSError as error:
            raise NetcoreError(f"cannot read {self.image}: {error.strerror}") from None

    def prepare(self, run: Run) -> str:
        """Check the selection before anything is drawn; return how an image file is prepared, "" for others.

        Raises
        ------
        NetcoreError
            As `select` does, except for a selection by prediction that matches no example.
        """
        if self.by_prediction:
            for name in self._class_names():
                _class_index(run, name)
            run.examples()
            return ""
        return self.select(run)[1]

    def select(self, run: Run, predict: PredictLogits | None = None) -> tuple[Sample | None, str]:
        """Return the image, and a line that describes how a file was prepared ("" for others).

        The image is None if nothing is selected and the run has no examples: not every scene shows an image.

        Parameters
        ----------
        run : Run
        predict : callable, optional
            Computes the logits of images; needed if `by_prediction`.

        Raises
        ------
        NetcoreError
            If the run has no such class, example or misclassified image, or the file is no image.
        """
        if self.image is not None:
            from netcore.core.sample import read_sample

            return read_sample(self.image, run.input_shape)
        if self.mistake is not None:
            return _mistake(run, self.mistake), ""
        if not self.given and not run.info.get("examples"):
            return None, ""
        examples = run.examples()
        if self.index is not None:
            if not 0 <= self.index < len(examples.labels):
                last = len(examples.labels) - 1
                raise NetcoreError(f"--index must be from 0 to {last} for run '{run.name}', got {self.index}")
            return _example(run, examples, self.index), ""
        logits = predict(examples.images) if predict is not None and self.by_prediction else None
        found = self.matches(run, examples.labels, logits)
        if not len(found):
            what = " ".join(self.options)
            raise NetcoreError(
                f"run '{run.name}' has no example that is {what}: see netcore examples {run.name}"
                if self.by_prediction
                else f"run '{run.name}' has no example of class '{self.digit}': choose another, or use --image FILE"
            )
        return _example(run, examples, int(found[0])), ""

    def matches(
        self, run: Run, labels: NDArray[np.integer], logits: NDArray[np.floating] | None = None
    ) -> NDArray[np.intp]:
        """Return the indices of the examples that match, in order.

        Parameters
        ----------
        run : Run
        labels : ndarray of int, shape (N,)
            True classes of the examples.
        logits : ndarray, shape (N, K), optional
            Scores of the examples; needed if `by_prediction`.
        """
        keep = np.ones(len(labels), bool)
        if self.digit is not None:
            keep &= labels == _class_index(run, self.digit)
        elif not self.by_prediction and DEFAULT_CLASS in run.classes:
            usual = labels == run.classes.index(DEFAULT_CLASS)
            keep = usual if usual.any() else keep
        if logits is None:
            return np.flatnonzero(keep)
        from scipy.special import softmax

        shares = softmax(np.asarray(logits, float), axis=1)
        predicted, confidence = shares.argmax(1), shares.max(1)
        if self.correct:
            keep &= predicted == labels
        if self.misclassified:
            keep &= predicted != labels
        if self.confused is not None:
            true_class, taken_for = (_class_index(run, name) for name in self._class_names())
            keep &= (labels == true_class) & (predicted == taken_for)
        found = np.flatnonzero(keep)
        if self.most_confident or self.least_confident:
            found = found[np.argsort((1 if self.least_confident else -1) * confidence[found], kind="stable")]
        return found

    def _class_names(self) -> list[str]:
        """Names of the classes that a selection by prediction mentions."""
        if self.confused is None:
            return [] if self.digit is None else [self.digit]
        names = [name.strip() for name in self.confused.split(",")]
        if len(names) != 2 or not all(names):
            raise NetcoreError(f"--confused must be two classes, such as 4,9 (true, predicted), got '{self.confused}'")
        return names


def _file_word(name: str) -> str:
    """Return a name as a part of a file's name, without separators."""
    return re.sub(r"[^\w.+-]+", "-", name)[:80]


def option_name(attribute: str) -> str:
    """Return the option of the command line: ``--most-confident`` for "most_confident"."""
    return f"--{attribute.replace('_', '-')}"


def _class_index(run: Run, name: str) -> int:
    if name not in run.classes:
        raise NetcoreError(f"run '{run.name}': {unknown_name('class', name, run.classes)}")
    return run.classes.index(name)


def _example(run: Run, examples: Examples, index: int) -> Sample:
    source = f"{(run.info.get('data') or {}).get('name', 'example')} {int(examples.index[index])}"
    return Sample(examples.images[index], int(examples.labels[index]), source)


def _mistake(run: Run, number: int) -> Sample:
    stored = run.evaluation()
    if "mistake_images" not in stored.extra:
        raise NetcoreError(f"run '{run.name}' stores no misclassified images: use netcore evaluate {run.name}")
    images, index = stored.extra["mistake_images"], stored.extra["mistake_index"]
    if not len(images):
        raise NetcoreError(f"run '{run.name}' misclassifies no image of {stored.name}: choose an example with --index")
    if not 0 <= number < len(images):
        raise NetcoreError(f"--mistake must be from 0 to {len(images) - 1} for run '{run.name}', got {number}")
    return Sample(images[number], int(stored.labels[index[number]]), f"{stored.name} {int(index[number])}")
