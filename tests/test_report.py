"""The report: the right figures, numbered, in one page that holds them; what a run lacks is told and left out."""

import base64
import json
import re
import shutil
from unittest.mock import patch

import numpy as np
import pytest
import toy_runs
from conftest import InProcessPool
from sampling import sampled

from netcore.cli import report as cli
from netcore.cli.main import main
from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.core.run_writer import RunWriter
from netcore.publish import report as module
from netcore.publish.report import make_report
from netcore.rendering import execution
from netcore.rendering.result import RenderResult
from netcore.rendering.scenes import DEFAULT_ORDER, all_scenes, find_scene, read_scene

pytestmark = pytest.mark.usefixtures("draw_in_process")

QUICK = ("training-history", "filter-grid", "dashboard")


@pytest.fixture
def restrict_scenes(monkeypatch):
    """`only("dashboard", …)`: the catalogue has these scenes alone."""

    def choose(*names):
        monkeypatch.setattr(module, "all_scenes", lambda: [find_scene(name) for name in names])

    return choose


@pytest.fixture
def copy_run(tmp_path):
    """`copy_of(run, **changes)`: the run elsewhere, its run.json changed."""

    def copy(run, **changes):
        shutil.copytree(run.path, tmp_path / "copy")
        found = load_run(tmp_path / "copy")
        found.info.update(changes)
        RunWriter(found).save()
        return found

    return copy


SOME = ("training-history", "filter-grid", "neuron-weights", "confusion-matrix", "per-class", "feature-map-grid")


@pytest.fixture(scope="module")
def some_report(mlp_run, tmp_path_factory):
    """A report of some figures, two of which the MLP cannot have."""
    folder = tmp_path_factory.mktemp("report")
    some = patch.object(module, "all_scenes", lambda: [find_scene(name) for name in SOME])
    with some, patch.object(execution, "WorkerPool", InProcessPool):
        return make_report(mlp_run, output=folder), folder


def numbered(folder):
    return sorted(file.name for file in folder.glob("*.png"))


def images(page):
    """The images that a page holds, as bytes."""
    return [base64.b64decode(data) for data in re.findall(r'src="data:image/png;base64,([^"]+)"', page.read_text())]


@pytest.mark.slow
def test_report_of_all_figures(mlp_run, tmp_path):
    done, folder = make_report(mlp_run, output=tmp_path), tmp_path
    names = numbered(folder)
    assert names[0] == "01-training-history.png"
    assert [name[:3] for name in names] == [f"{i:02}-" for i in range(1, len(names) + 1)]
    there = {name[3:-4] for name in names}
    assert {"confusion-matrix", "neuron-weights", "confidence", "dashboard", "per-class"} <= there
    assert set(done.skipped) >= {"filter-grid", "feature-map-grid"}
    every = {scene.name for scene in all_scenes() if scene.kind == "figure"}
    assert there | set(done.skipped) == every
    assert there.isdisjoint(done.skipped)
    assert all("\n" not in why for why in done.skipped.values())
    assert {r.state for r in done.rendered} == {"drawn"}


@pytest.mark.parametrize(
    "absent", sampled([{"val_accuracy"}, {"train_accuracy"}, {"val_loss"}, {"train_loss"}, {"accuracies"}], every=4)
)
def test_report_without_some_metrics(mlp_run, copy_run, restrict_scenes, tmp_path, absent):
    """A recorded history may have any set of metrics."""
    restrict_scenes("training-history")
    gone = {"val_accuracy", "train_accuracy", "val_loss", "train_loss"} if absent == {"accuracies"} else absent
    rows = [{k: v for k, v in row.items() if k not in gone} | {"f1": 0.5} for row in mlp_run.history["epochs"]]
    run = copy_run(mlp_run, history={"epochs": rows, "steps": []})
    done = make_report(run, output=tmp_path / "out")
    assert [r.state for r in done.rendered] == ["drawn"]
    text = done.page.read_text()
    assert ("Held-out accuracy, best epoch" in text) == ("val_accuracy" not in gone)
    assert ("Training accuracy, last epoch" in text) == ("train_accuracy" not in gone)


def test_report_numbers_its_figures(some_report):
    done, folder = some_report
    names = numbered(folder)
    assert names[0] == "01-training-history.png"
    assert [name[:3] for name in names] == ["01-", "02-", "03-", "04-"]
    assert set(done.skipped) == {"filter-grid", "feature-map-grid"}
    assert {name[3:-4] for name in names} == {*SOME} - {*done.skipped}
    assert {r.state for r in done.rendered} == {"drawn"}


def test_report_page_is_self_contained(some_report, mlp_run):
    done, folder = some_report
    assert done.page == folder / "index.html"
    assert images(done.page) == [(folder / name).read_bytes() for name in numbered(folder)]
    text = done.page.read_text()
    assert not re.search(r'(src|href)="(?!#|data:)', text)
    for name in numbered(folder):
        told = json.loads((folder / f"{name}.json").read_text())
        assert f"<h2>{told['title'].replace(chr(39), '&#39;')} " in text
        assert told["command"] in text
    assert f"{mlp_run.info['parameters']:,}" in text
    accuracy = mlp_run.info["evaluations"]["embedded"]["accuracy"]
    assert f"{100 * accuracy:.2f} %" in text
    assert "<td>Learning rate</td><td>0.01</td>" in text
    assert "<td>filter-grid</td><td>needs a convolution" in text


def test_report_keeps_fresh_renders(some_report, mlp_run, restrict_scenes):
    restrict_scenes(*SOME)
    _, folder = some_report
    before = {name: (folder / name).stat().st_mtime_ns for name in numbered(folder)}
    again = make_report(mlp_run, output=folder)
    assert {r.state for r in again.rendered} == {"fresh"}
    assert before == {name: (folder / name).stat().st_mtime_ns for name in numbered(folder)}
    assert len(images(again.page)) == len(before)


def test_report_removes_renumbered_figure(some_report, mlp_run, restrict_scenes):
    _, whole_folder = some_report
    folder = whole_folder.parent / "fewer"
    shutil.copytree(whole_folder, folder)
    assert numbered(folder)[1:3] == ["02-confusion-matrix.png", "03-per-class.png"]
    (folder / "03-per-class.png").write_bytes(b"edited by hand")
    restrict_scenes("confusion-matrix", "per-class")
    make_report(mlp_run, output=folder)
    assert {"01-confusion-matrix.png", "02-per-class.png"} <= set(numbered(folder))
    assert not list(folder.glob("02-confusion-matrix.png*"))
    assert (folder / "03-per-class.png").read_bytes() == b"edited by hand"
    assert set(numbered(whole_folder)) - set(numbered(folder)) == {"02-confusion-matrix.png"}, "nothing else is removed"


@pytest.fixture
def photo_dir(tmp_path):
    """A folder with photos, JSON files of a camera beside them, and nothing of netcore."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("12-beach.png", "01-training.png", "99-confusion-matrix.png"):
        (folder / name).write_bytes(b"a photo")
        (folder / f"{name}.json").write_text('{"schema": 2, "scene": "confusion-matrix", "camera": "mine"}')
    return folder


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.slow
def test_report_keeps_foreign_files(mlp_run, photo_dir, restrict_scenes):
    before = contents(photo_dir)
    restrict_scenes("training-history", "confusion-matrix")
    make_report(mlp_run, output=photo_dir)
    after = contents(photo_dir)
    assert {name: after[name] for name in before} == before
    assert "02-confusion-matrix.png" in after


@pytest.mark.parametrize("name", ["index.html", "01-training-history.png", "01-training-history.png.json"])
def test_report_refuses_foreign_file(mlp_run, photo_dir, restrict_scenes, capsys, name):
    (photo_dir / name).write_text("<html><title>Our wedding</title></html>")
    before = contents(photo_dir)
    restrict_scenes("training-history")
    assert main(["report", str(mlp_run.path), "-o", str(photo_dir), "--force"]) == 2
    assert "was not written by netcore: choose another folder with -o" in capsys.readouterr().err
    assert contents(photo_dir) == before


def test_report_replaces_earlier_page(mlp_run, tmp_path, restrict_scenes):
    page = tmp_path / "index.html"
    head = '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Report: x</title>\n<style>\n'
    page.write_text(head + ":root { --ground: #0f1419; --ink: #e6e6e6; --muted: #9aa4ad; --faint: #2a323a; }")
    restrict_scenes("training-history")
    for _ in range(2):  # the second time over its own
        make_report(mlp_run, output=tmp_path)
        assert re.search(r'<meta name="generator" content="netcore \d', page.read_text())


@pytest.mark.slow
def test_report_keeps_figures_when_failing(mlp_run, tmp_path, restrict_scenes, copy_run, capsys):
    run = copy_run(mlp_run)
    restrict_scenes("training-history", "neuron-weights", "saliency")
    args = ["report", str(run.path), "-o", str(tmp_path / "out")]
    assert main(args) == 0
    before = contents(tmp_path / "out")
    (run.path / run.snapshot("best").file).write_bytes(b"damaged")
    shutil.rmtree(run.path / "cache", ignore_errors=True)
    assert main([*args, "--force"]) == 1
    after = contents(tmp_path / "out")
    assert after.keys() == before.keys()
    assert after["02-neuron-weights.png"] == before["02-neuron-weights.png"]
    assert "left out: neuron-weights" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("error", [NetcoreError("cannot write x: No space left on device"), OSError(28, "full", "x")])
def test_report_on_full_disk(mlp_run, tmp_path, restrict_scenes, monkeypatch, capsys, error):
    restrict_scenes("training-history", "neuron-weights")
    args = ["report", str(mlp_run.path), "-o", str(tmp_path / "out")]
    assert main(args) == 0
    before = contents(tmp_path / "out")
    assert len(before) == 5

    def full(*given):
        raise error

    monkeypatch.setattr("netcore.rendering.execution._place", full)
    assert main([*args, "--force"]) in (1, 2)
    assert contents(tmp_path / "out") == before


@pytest.mark.slow
def test_report_of_cnn(cnn_run, tmp_path, restrict_scenes):
    restrict_scenes(*QUICK, "neuron-weights")
    done = make_report(cnn_run, output=tmp_path, theme="light")
    assert numbered(tmp_path) == ["01-training-history.png", "02-filter-grid.png", "03-dashboard.png"]
    assert list(done.skipped) == ["neuron-weights"]
    assert len(images(done.page)) == 3
    assert 'content="light"' in done.page.read_text()


def test_report_figures_of_cnn(cnn_run):
    skipped = {}
    names = [scene.name for scene in module._supported_scenes(cnn_run, "figure", skipped)]
    assert names[0] == "training-history"
    assert names[-1] == "dashboard"
    assert {"filter-grid", "feature-map-grid", "prediction-pipeline"} <= set(names)
    assert "neuron-weights" in skipped


def test_report_plays_films(mlp_run, tmp_path, monkeypatch, capsys):
    film = toy_runs.write_film(tmp_path, "short")
    named = [find_scene(name) for name in ("training-history", "cnn-forward-propagation")]
    monkeypatch.setattr(module, "all_scenes", lambda: [*named, read_scene(film)])
    folder = tmp_path / "out"
    assert main(["report", str(mlp_run.path), "-o", str(folder), "--films", "--theme", "light"]) == 0
    said = capsys.readouterr()
    assert "index.html: 1 figure and 1 film in" in said.out
    assert "left out: scene 'cnn-forward-propagation' needs feature maps" in said.err
    clip, page = folder / "02-short.mp4", (folder / "index.html").read_text()
    (source,) = re.findall(r'<video src="data:video/mp4;base64,([^"]+)"[^>]*controls', page)
    assert base64.b64decode(source) == clip.read_bytes()
    assert "autoplay" not in page, "a reader starts a film"
    make_report(mlp_run, output=folder, theme="light")
    assert clip.exists(), "a report without films leaves them"
    assert "<video" not in (folder / "index.html").read_text()
    monkeypatch.setattr(module, "all_scenes", lambda: [read_scene(film)])
    again = make_report(mlp_run, output=folder, theme="light", films=True)
    assert [r.target.name for r in again.rendered] == ["01-short.mp4"]
    assert not clip.exists()


def test_report_figure_order_unique():
    orders = [scene.order for scene in all_scenes() if scene.kind == "figure"]
    assert len(set(orders)) == len(orders)
    assert DEFAULT_ORDER not in orders


def test_report_without_evaluation(mlp_run, tmp_path, restrict_scenes, copy_run, capsys):
    run = copy_run(mlp_run, evaluations={})
    restrict_scenes("confusion-matrix", "training-history", "per-class")
    assert main(["report", str(run.path), "-o", str(tmp_path / "out")]) == 0
    predicted = capsys.readouterr()
    assert numbered(tmp_path / "out") == ["01-training-history.png"]
    assert predicted.err.count("left out: scene 'confusion-matrix' needs an evaluation; run 'copy' has none") == 1
    assert f"{tmp_path / 'out' / 'index.html'}: 1 figure in" in predicted.out


@pytest.mark.slow
def test_report_without_examples(mlp_run, tmp_path, copy_run, restrict_scenes):
    run = copy_run(mlp_run, examples=None)
    with_examples = {"saliency", "dashboard"}
    without = {"training-history", "confusion-matrix", "neuron-weights", "model-graph", "weight-distribution"}
    restrict_scenes(*without, *with_examples)
    done = make_report(run, output=tmp_path / "out")
    there = {name[3:-4] for name in numbered(tmp_path / "out")}
    assert there == without
    assert "use --image FILE" in done.skipped["saliency"]
    assert "needs example images" in done.skipped["dashboard"]
    assert len(images(done.page)) == len(there)


@pytest.mark.slow
def test_report_with_one_snapshot(mlp_run, tmp_path, restrict_scenes, copy_run):
    run = copy_run(mlp_run, snapshots=mlp_run.info["snapshots"][-1:])
    restrict_scenes("neuron-weights", "weight-distribution", "dashboard")
    done = make_report(run, output=tmp_path / "out")
    assert len(numbered(tmp_path / "out")) + len(done.skipped) == 3
    assert "03-dashboard.png" in numbered(tmp_path / "out")
    assert not [r for r in done.rendered if r.state == "failed"]


@pytest.mark.slow
def test_report_with_nan_weights(mlp_run, tmp_path, restrict_scenes, copy_run, capsys):
    run = copy_run(mlp_run)
    weights = {name: np.full_like(value, np.nan) for name, value in run.weights(run.snapshot()).items()}
    RunWriter(run).add_snapshot(weights, run.snapshot().epoch, run.snapshot().step)
    RunWriter(run).save()
    restrict_scenes("training-history", "neuron-weights", "dashboard")
    done = make_report(run, output=tmp_path / "out")
    assert numbered(tmp_path / "out") == ["01-training-history.png"]
    assert set(done.skipped) == {"neuron-weights", "dashboard"}
    assert all("NaN" in why for why in done.skipped.values())
    assert "NaN" in done.page.read_text()
    assert main(["report", str(run.path), "-o", str(tmp_path / "out")]) == 1
    (told,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("left out")]
    assert told.startswith("left out: neuron-weights, dashboard: ")  # one line for one reason


@pytest.mark.slow
def test_report_continues_after_failed_figure(mlp_run, tmp_path, monkeypatch, capsys):
    broken = toy_runs.write_figure(tmp_path, "broken", toy_runs.STILL.replace("context.run_name", "1 / 0"))
    scenes = [find_scene("training-history"), read_scene(broken)]
    monkeypatch.setattr(module, "all_scenes", lambda: scenes)
    assert main(["report", str(mlp_run.path), "-o", str(tmp_path / "out")]) == 1
    assert "left out: broken of mlp-16-16 failed: ZeroDivisionError" in capsys.readouterr().err
    assert numbered(tmp_path / "out") == ["01-training-history.png"]


def test_report_of_unknown_run(tmp_path, capsys):
    assert main(["report", "nothing", "--runs-dir", str(tmp_path)]) == 2
    assert "nothing" in capsys.readouterr().err


# ---- after a training


@pytest.fixture
def run_train_command(mlp_run, monkeypatch, tmp_path):
    """`training(*options)`: `netcore train` with nothing to train; the reports that it asks for."""
    asked = []

    def fake(run, **settings):
        asked.append((run, settings["runs"]))
        return module.Report(tmp_path / "index.html", (RenderResult(tmp_path, "drawn"),), {"a": "scene 'a' needs b"})

    monkeypatch.setattr("netcore.training.train.train", lambda *args, **settings: mlp_run)
    monkeypatch.setattr("netcore.publish.report.make_report", fake)

    def run(*options):
        asked.clear()
        assert main(["train", "mlp-16-16", "--output-dir", str(tmp_path), *options]) == 0
        return asked

    return run


def test_train_command_writes_report(run_train_command, tmp_path, capsys):
    assert run_train_command() == [("mlp-16-16", str(tmp_path))]
    predicted = capsys.readouterr()
    assert "index.html: 1 figure in" in predicted.out
    assert "left out: scene 'a' needs b" in predicted.err


def test_train_command_skips_report(run_train_command):
    assert run_train_command("--no-viz") == []
    assert run_train_command("--no-save") == []


def test_train_command_without_matplotlib(run_train_command, monkeypatch, capsys):
    monkeypatch.setattr(cli, "find_spec", lambda name: None)
    assert run_train_command() == []
    assert "no report: Matplotlib or Jinja2 is not installed here" in capsys.readouterr().err
