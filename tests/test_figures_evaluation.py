"""Figures of an evaluation show what scikit-learn and SciPy make of the stored logits."""

import shutil

import numpy as np
import pytest
from figure_checks import drawn, words
from scipy.special import softmax
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

from netcore.case import digest_of
from netcore.errors import NetcoreError, Refused
from netcore.run import load_run
from netcore.stage.answers import Answers, answers, calibration, interval
from netcore.stage.colours import confusion_colours
from netcore.stage.mosaic import CrispImage
from netcore.stage.plot import percent
from netcore.stage.theme import DARK


@pytest.fixture
def case(make_case, mlp_run):
    return make_case(mlp_run)


@pytest.fixture
def stored(case):
    found = case.evaluation()
    return found.logits, found.labels.astype(int), softmax(found.logits.astype(float), axis=1)


def test_confusion_matrix(case, stored) -> None:
    logits, labels, _ = stored
    expected = confusion_matrix(labels, logits.argmax(1), labels=range(10))
    fig, _, _ = drawn("confusion_matrix", case)
    (image,) = fig.findobj(CrispImage)
    share = expected / expected.sum(1, keepdims=True)
    assert np.array_equal(image.get_array(), np.round(confusion_colours(DARK, share) * 255).astype(np.uint8))
    cells = [text.get_text() for text in image.axes.texts]
    assert cells == [str(n) if n else "" for n in expected.flat]
    texts = words(fig)
    assert percent(accuracy_score(labels, logits.argmax(1))) in texts
    wrong = expected - np.diag(np.diag(expected))
    true, said = np.unravel_index(wrong.argmax(), wrong.shape)
    assert f"{true} taken for {said}, {wrong.max()} times" in texts


def test_confusion_of_early_snapshots_is_of_the_examples(case) -> None:
    fig, update, _ = drawn("confusion_matrix", case)
    update(0.0)
    examples = case.examples()
    said = case.passes(examples.images, at="first")["logits"].argmax(1)
    expected = confusion_matrix(examples.labels, said, labels=range(10))
    (image,) = fig.findobj(CrispImage)
    assert [text.get_text() for text in image.axes.texts] == [str(n) if n else "" for n in expected.flat]
    assert any("untrained" in text for text in words(fig))


def test_per_class(case, stored) -> None:
    logits, labels, _ = stored
    said = logits.argmax(1)
    fig, _, _ = drawn("per_class", case)
    texts = words(fig)
    for score, places in ((precision_score, None), (recall_score, None), (f1_score, 3)):
        for value in score(labels, said, average=None):
            assert (percent(value) if places is None else f"{value:.3f}") in texts
    dots = sorted(float(line.get_xdata()[0]) for line in fig.axes[0].lines if len(line.get_xdata()) == 1)
    expected = np.concatenate([score(labels, said, average=None) for score in (precision_score, recall_score)])
    assert np.allclose(dots, np.sort(expected))
    spans = [tuple(line.get_xdata()) for line in fig.axes[0].lines if len(line.get_xdata()) == 2]
    of = int((labels == 3).sum())
    low = binomtest(int(((said == 3) & (labels == 3)).sum()), of).proportion_ci(method="wilson")
    assert any(np.allclose(span, (low.low, low.high)) for span in spans)


def test_reliability(case, stored) -> None:
    logits, labels, shares = stored
    right, sure = logits.argmax(1) == labels, shares.max(1)
    fig, _, _ = drawn("confidence", case)
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    left, histograms = fig.axes
    heights = [bar.get_height() for bar in left.patches]
    assert np.allclose([h for h in heights if h], accuracy[accuracy > 0])
    dots = [line for line in left.lines if line.get_marker() == "o"]
    assert np.allclose([line.get_xdata()[0] for line in dots], confidence)
    counts = [np.asarray(stairs.get_data().values) for stairs in histograms.patches[::2]]
    assert [c.sum() for c in counts] == [right.sum(), (~right).sum()]
    assert np.array_equal(counts[1], np.histogram(sure[~right], np.linspace(0, 1, 21))[0])
    weights = np.histogram(sure, np.linspace(0, 1, 11))[0]
    error = np.average(np.abs(accuracy - confidence), weights=weights[weights > 0])
    assert any(f"calibration error {percent(error)}" in text for text in words(fig))


def test_calibration_of_a_worked_example() -> None:
    shares = np.array([[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.35, 0.65]])
    count, confidence, accuracy, error = calibration(Answers("made-up", shares, np.array([0, 1, 0, 1])))
    assert list(count) == [0] * 6 + [2, 0, 0, 2]
    assert confidence[6] == pytest.approx(0.65)
    assert accuracy[9] == 0.5
    assert error == pytest.approx(0.5 * 0.45 + 0.5 * 0.35)


@pytest.mark.parametrize(("right", "of"), [(0, 10), (10, 10), (7, 9), (980, 1000)])
def test_interval_is_wilsons(right, of) -> None:
    z, p = 1.959963984540054, right / of
    middle = (p + z * z / 2 / of) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(p * (1 - p) / of + z * z / 4 / of**2)
    assert interval(right, of) == pytest.approx((max(0, middle - half), min(1, middle + half)), abs=1e-9)


def test_cross_dataset(case, stored) -> None:
    logits, labels, _ = stored
    fig, _, _ = drawn("cross_dataset", case)
    right = logits.argmax(1) == labels
    expected = [right.mean(), *(right[labels == k].mean() for k in range(10))]
    dots = [line.get_ydata()[0] for line in fig.axes[0].lines if line.get_marker() == "o"]
    assert np.allclose(dots, expected)
    assert f"{percent(right.mean())} of {len(labels):,}" in words(fig)


def test_prediction_distribution(case, stored) -> None:
    logits, labels, _ = stored
    fig, _, _ = drawn("prediction_distribution", case)
    heights = np.array([bar.get_height() for bar in fig.axes[0].patches]) * len(labels)
    predicted, true = (np.bincount(values, minlength=10) for values in (logits.argmax(1), labels))
    assert np.allclose(heights, [*predicted, *true])
    assert {f"{n:,}" for n in predicted} <= set(words(fig))


def test_distribution_of_a_set_without_labels(make_case, mlp_run, tmp_path) -> None:
    shutil.copytree(mlp_run.path, tmp_path / "run")
    run = load_run(tmp_path / "run")
    logits = np.random.default_rng(0).normal(0, 1, (70, 10)).astype(np.float32)
    entry = run.add_arrays("evaluation/kaggle-test.npz", logits=logits, labels=np.zeros(0, np.uint8))
    run.info["unlabelled"] = {"kaggle-test": entry | {"snapshot": "epoch 2"}}
    case = make_case(run)
    fig, _, _ = drawn("prediction_distribution", case)
    heights = np.array([bar.get_height() for bar in fig.axes[0].patches]) * 70
    assert np.allclose(heights, np.bincount(logits.argmax(1), minlength=10))
    assert any(text.startswith("70 images of kaggle-test, epoch 2") for text in words(fig))
    assert "true" not in words(fig)
    assert {"unlabelled", "evaluation:kaggle-test"} <= case.reads
    fig, _, _ = drawn("prediction_distribution", case, data="embedded")
    assert "true" in words(fig)
    assert "kaggle-test" not in case.evaluations  # nothing else takes it for an evaluation


def test_another_evaluation_puts_pictures_of_all_of_them_out_of_step(case, monkeypatch) -> None:
    drawn("cross_dataset", case)
    before = digest_of(case.run, "evaluations")
    assert "evaluations" in case.reads
    monkeypatch.setitem(case.run.info, "evaluations", case.run.info["evaluations"] | {"usps": {"sha256": "0"}})
    assert digest_of(case.run, "evaluations") != before


def test_surest_mistakes(case) -> None:
    fig, _, (mosaic,) = drawn("misclassified", case, images=6)
    found = answers(case)
    wrong = np.flatnonzero(found.predictions != found.labels)
    order = wrong[np.argsort(-found.confidence[wrong], kind="stable")][:6]
    images = dict(zip(case.evaluation().extra["mistake_index"], case.evaluation().extra["mistake_images"], strict=True))
    assert np.allclose(mosaic.tiles(), [images[i][0] / 255 for i in order])
    texts = words(fig)
    assert f"says {found.predictions[order[0]]}, {percent(found.confidence[order[0]])}" in texts
    assert f"is {found.labels[order[0]]}" in texts
    assert any(text.startswith(f"6 of {len(wrong)} mistakes") for text in texts)


def test_stability(make_case, cnn_run, monkeypatch) -> None:
    case = make_case(cnn_run)
    fig = drawn("stability", case)[0]
    assert any("1 pass over 1,000 images" in text for text in words(fig))
    assert not any("deviation" in text for text in words(fig))  # one pass tells of no spread
    accuracy = [0.95, 0.96, 0.94, 0.955, 0.951]
    monkeypatch.setitem(case.run.info, "stability", case.stability | {"accuracy": accuracy})
    fig, _, _ = drawn("stability", case)
    assert any(np.array_equal(line.get_ydata(), accuracy) for line in fig.axes[0].lines)
    assert any(f"standard deviation {100 * np.std(accuracy, ddof=1):.2f} points" in text for text in words(fig))
    assert any(f"{len(accuracy)} passes" in text for text in words(fig))


def test_evaluation_that_cannot_be_shown(case, monkeypatch) -> None:
    found = case.evaluation()
    with pytest.raises(NetcoreError, match="no evaluation"):
        drawn("confusion_matrix", case, data="emnist-lettres")
    found.logits[3, 2] = np.nan
    monkeypatch.setattr(type(case), "evaluation", lambda self, name=None: found)
    with pytest.raises(Refused, match="NaN"):
        drawn("confusion_matrix", case)
