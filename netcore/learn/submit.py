"""Predictions for Kaggle's Digit Recognizer: `ImageId,Label`, one row an image, counted from 1."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np

from netcore.errors import NetcoreError
from netcore.files import write_text
from netcore.learn.device import choose_device, place
from netcore.learn.loop import logits_of, tensor
from netcore.learn.models import load_model
from netcore.learn.sources import read_table
from netcore.run import Run

NAME = "kaggle-test"
ROWS = 28_000  # of Kaggle's own test.csv
Say = Callable[[str], None]


def submit(
    run: Run, test: Path, output: Path, *, at: str = "best", device: str = "auto", say: Say = lambda text: None
) -> np.ndarray:
    """Predict the class of each row of `test`, write the submission, and store the answers in the run.

    Returns
    -------
    int64 (N,)
        The predicted digits.

    Raises
    ------
    NetcoreError
        If the table is damaged or empty, or the run takes other images or has other classes.
    """
    images, _ = read_table(test, labelled=False)
    if run.input_shape != (1, *images.shape[1:]) or run.classes != [str(d) for d in range(10)]:
        raise NetcoreError(f"run '{run.name}' does not read digits of 28×28: Kaggle's test.csv has such")
    if len(images) != ROWS:
        say(f"{test} has {len(images):,} rows where Kaggle's own has {ROWS:,}")
    chosen = choose_device(device)
    snapshot = run.snapshot(at)
    module = place(copy.deepcopy(load_model(run, snapshot)), chosen).eval()
    logits = logits_of(module, tensor(images[:, None], chosen), run).cpu().numpy()
    labels = logits.argmax(1)
    write_text(output, submission_text(labels, len(images)))
    entry = run.add_arrays(f"evaluation/{NAME}.npz", logits=logits, labels=np.zeros(0, np.uint8))
    entry |= {"snapshot": snapshot.label, "count": len(images)}  # type: ignore[dict-item]
    run.info.setdefault("unlabelled", {})[NAME] = entry
    run.save()
    return labels


def submission_text(labels: np.ndarray, count: int) -> str:
    """The file's text, checked: the header, `count` rows, digits alone."""
    if labels.shape != (count,) or not np.isin(labels, range(10)).all():
        raise NetcoreError(f"a submission needs one digit for each of {count:,} rows")
    return "ImageId,Label\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels, 1))
