"""An example is chosen by what the network makes of it, and listed under the number that chooses it."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from toy_runs import make_untrained_run, write_figure

from netcore.cli.main import main
from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.core.run_writer import RunWriter
from netcore.rendering.api import render
from netcore.rendering.config import read_config
from netcore.rendering.context import make_context
from netcore.rendering.provenance import read_sidecar
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.status import task_from_sidecar

pytestmark = pytest.mark.usefixtures("draw_in_process")

DIGIT = '''"""The label

The image shown of {run}.
"""


def draw(fig, context):
    fig.text(0.5, 0.5, f"{context.sample.label}", color=fig.theme.foreground)
'''


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A run with random weights, its logits on the examples by NumPy, and an evaluation with its mistakes."""
    run = make_untrained_run(tmp_path_factory.mktemp("runs") / "toy")
    examples, weights = run.examples(), run.weights(run.snapshot())
    x = examples.images.reshape(20, -1) / 255
    hidden = np.maximum(x @ weights["hidden1.weight"].T + weights["hidden1.bias"], 0)
    logits = hidden @ weights["output.weight"].T + weights["output.bias"]
    wrong = np.flatnonzero(logits.argmax(1) != examples.labels)
    wrong = wrong[np.argsort(-softmax(logits, axis=1).max(1)[wrong])]
    writer = RunWriter(run)
    writer.add_evaluation(
        "toy", {}, logits=logits, labels=examples.labels, mistake_images=examples.images[wrong], mistake_index=wrong
    )
    writer.save()
    return run, examples, logits


def shown(run, **chosen):
    return make_context(run, SampleSelector(**chosen)).sample


def test_selector_by_prediction(toy) -> None:
    """The example shown is the one that the logits computed by hand name."""
    run, examples, logits = toy
    predicted, confidence = logits.argmax(1), softmax(logits, axis=1).max(1)
    right = np.flatnonzero(predicted == examples.labels)
    wrong = np.flatnonzero(predicted != examples.labels)
    assert len(right)
    assert len(wrong) > 5
    expected = {
        right[0]: {"correct": True},
        wrong[0]: {"misclassified": True},
        confidence.argmax(): {"most_confident": True},
        confidence.argmin(): {"least_confident": True},
        wrong[confidence[wrong].argmin()]: {"misclassified": True, "least_confident": True},
        wrong[-1]: {"confused": f"{examples.labels[wrong[-1]]}, {predicted[wrong[-1]]}", "least_confident": True},
    }
    for index, chosen in expected.items():
        assert shown(run, **chosen).source == f"toy {index}", chosen
    label = str(examples.labels[wrong[3]])
    assert str(shown(run, misclassified=True, digit=label).label) == label


def test_selector_of_evaluation_mistake(toy) -> None:
    run, examples, _ = toy
    stored = run.evaluation()
    for number in (0, 4):
        index = stored.extra["mistake_index"][number]
        sample = shown(run, mistake=number)
        np.testing.assert_array_equal(sample.pixels, examples.images[index])
        assert (sample.label, sample.source) == (examples.labels[index], f"toy {index}")
    count = len(stored.extra["mistake_index"])
    with pytest.raises(NetcoreError, match=f"--mistake must be from 0 to {count - 1}"):
        shown(run, mistake=count)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"digit": "3", "index": 1}, "--digit and --index exclude each other"),
        ({"mistake": 1, "correct": True}, "--correct and --mistake exclude each other"),
        ({"correct": True, "misclassified": True}, "--correct and --misclassified exclude each other"),
        ({"most_confident": True, "least_confident": True}, "exclude each other"),
        ({"confused": "4"}, "--confused must be two classes"),
        ({"confused": "4,x"}, "no class 'x'"),
        ({"confused": "3,3", "misclassified": True}, "no example that is --misclassified --confused 3,3"),
    ],
)  # fmt: skip
def test_selector_errors(toy, chosen, message) -> None:
    with pytest.raises(NetcoreError, match=message):
        shown(toy[0], **chosen)


def test_examples_command_indices(toy, capsys: pytest.CaptureFixture) -> None:
    """The index listed is the one that `--index` takes; with --mistakes, that `--mistake` takes."""
    run, _, logits = toy
    where = ["--runs-dir", str(run.path.parent), "--json"]
    assert main(["examples", "toy", *where]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["index"] for row in rows] == list(range(20))
    assert [row["predicted"] for row in rows] == [str(k) for k in logits.argmax(1)]
    np.testing.assert_allclose([row["confidence"] for row in rows], softmax(logits, axis=1).max(1), rtol=1e-5)
    assert main(["examples", "toy", "--misclassified", "--most-confident", "--limit", "1", *where]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert shown(run, index=row["index"]).source == shown(run, misclassified=True, most_confident=True).source
    assert main(["examples", "toy", "--mistakes", *where]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [str(shown(run, mistake=row["index"]).label) for row in rows] == [row["class"] for row in rows]
    assert not any(row["correct"] for row in rows)


def test_render_selector_round_trip(toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Command, sidecar, file name and configuration name the same image."""
    monkeypatch.chdir(tmp_path)
    figure = write_figure(tmp_path, "label", DIGIT)
    run = toy[0]
    (done,) = render(figure, run, misclassified=True, least_confident=True, formats="png")
    assert done.target.name == "label-misclassified-least-confident.png"
    assert "--misclassified --least-confident" in done.command
    sidecar = read_sidecar(done.target)
    assert task_from_sidecar(done.target, sidecar).selector == SampleSelector(misclassified=True, least_confident=True)
    assert "snapshot:best" in sidecar["inputs"]["reads"]
    assert render(figure, run, misclassified=True, least_confident=True, formats="png")[0].state == "fresh"
    assert render(figure, run, mistake=2, formats="png")[0].target.name == "label-mistake-2.png"
    Path("netcore.toml").write_text(
        '[[render]]\nscene = "label.py"\nrun = "toy"\nconfused = [4, 9]\nmost-confident = true\n'
    )
    assert read_config(Path("netcore.toml"))[0].selector == SampleSelector(confused="4,9", most_confident=True)
    Path("netcore.toml").write_text('[[render]]\nscene = "label.py"\nrun = "toy"\ncorrect = "yes"\n')
    with pytest.raises(NetcoreError, match="correct must be true or false"):
        read_config(Path("netcore.toml"))


@pytest.mark.slow
def test_selection_stale_after_retraining(toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other weights may choose another example, so such a render is out of date."""
    monkeypatch.chdir(tmp_path)
    figure, run = write_figure(tmp_path, "label", DIGIT), make_untrained_run(tmp_path / "toy")
    assert render(figure, run, correct=True, formats="png")[0].state == "drawn"
    writer = RunWriter(load_run(run.path))
    writer.add_snapshot({k: w + np.float32(0.01) for k, w in run.weights(run.snapshot()).items()}, epoch=1, step=10)
    writer.save()
    assert render(figure, load_run(run.path), correct=True, formats="png")[0].state == "drawn"
