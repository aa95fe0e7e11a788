"""What runs and settings name stays inside of their folder; what is odd is skipped with a reason."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import toy_runs

from netcore.cli.main import main
from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError
from netcore.core.files import file_sha256
from netcore.core.network import Network
from netcore.core.run import Run, load_run
from netcore.core.run_journal import JOURNAL
from netcore.core.run_writer import RunWriter
from netcore.rendering.config import read_config
from netcore.rendering.context import open_network
from netcore.rendering.sample_selector import SampleSelector

pytestmark = pytest.mark.usefixtures("draw_in_process")

ODD: dict[str, Callable[[Path], object]] = {
    "half": lambda file: file.write_text('{"schema": 1, "snap'),
    "nested": lambda file: file.write_text("[" * 100_000),
    "of something else": lambda file: file.write_text('{"schema": 1, "snapshots": 3}'),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a broken link": lambda file: file.symlink_to("nowhere"),
    "a device": lambda file: file.symlink_to("/dev/zero"),
    "a loop": lambda file: file.symlink_to("run.json"),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NETCORE_RUNS", raising=False)
    toy_runs.make_untrained_run(tmp_path / "runs" / "toy")
    toy_runs.write_figure(tmp_path)
    return tmp_path


@pytest.fixture
def run(project: Path) -> Run:
    return load_run("toy")


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.timeout(60)
def test_lists_skip_odd_runs(project: Path, capsys: pytest.CaptureFixture, kind: str) -> None:
    (project / "runs" / "odd").mkdir()
    ODD[kind](project / "runs" / "odd" / "run.json")
    assert main(["runs", "--json"]) == 0
    out, err = capsys.readouterr()
    assert [row["name"] for row in json.loads(out)] == ["toy"]
    assert err.count("\n") == (0 if kind in ("a broken link", "a loop") else 1)  # those are no files at all
    assert main(["render", "weights_line.py", "--run", "odd"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("file", ["../../secret", "/dev/zero", "{outside}", "link", "pipe", "a\0b", "loop", "."])
@pytest.mark.timeout(60)
def test_run_reads_only_own_files(project: Path, run: Run, file: str) -> None:
    (project / "secret").write_bytes(b"mine")
    (run.path / "link").symlink_to(project / "secret")
    (run.path / "loop").symlink_to("loop")
    os.mkfifo(run.path / "pipe")
    entry = {"file": file.format(outside=project / "secret"), "sha256": file_sha256(project / "secret")}
    run.info["snapshots"][-1] |= entry
    run.info["examples"] = run.info["evaluations"] = {"toy": entry} | entry
    for read in (lambda: run.weights(run.snapshot()), run.examples, lambda: run.read(entry)):
        with pytest.raises(NetcoreError) as refused:
            read()
        assert "sha256" not in str(refused.value), "the file was read"


@pytest.mark.parametrize("target", ["/dev/zero", "../../secret", "journal.jsonl", "pipe", "folder"])
@pytest.mark.timeout(60)
def test_journal_is_own_file(project: Path, run: Run, target: str) -> None:
    (project / "secret").write_bytes(b"mine")
    os.mkfifo(run.path / "pipe")
    (run.path / "folder").mkdir()
    (run.path / JOURNAL).symlink_to(target)
    with pytest.raises(NetcoreError) as refused:
        load_run("toy")
    assert str(refused.value).count("\n") == 0
    writer = RunWriter(run)
    writer.append(seconds=2.0)
    writer.append(seconds=3.0)
    assert (project / "secret").read_bytes() == b"mine"
    assert load_run("toy").info["seconds"] == 3.0


@pytest.mark.parametrize("name", ["snapshots", "evaluation"])
def test_run_writes_only_own_files(project: Path, run: Run, name: str) -> None:
    (project / "elsewhere").mkdir()
    weights = run.weights(run.snapshot())
    for file in (run.path / "snapshots").iterdir():
        file.rename(project / file.name)
    (run.path / "snapshots").rmdir()
    (run.path / name).symlink_to(project / "elsewhere")
    writer = RunWriter(run)
    with pytest.raises(NetcoreError, match="leads out of"):
        writer.add_snapshot(weights, 1, 20) if name == "snapshots" else writer.add_evaluation("x", {}, logits=[[1.0]])
    assert not list((project / "elsewhere").iterdir())


def test_save_removes_only_own_files(project: Path, run: Run) -> None:
    (project / "secret").write_bytes(b"mine")
    run.info["evaluations"] = {"x": {"file": "../../secret", "sha256": "0" * 64}}
    writer = RunWriter(run)
    writer.add_evaluation("x", {}, logits=np.zeros((1, 10), np.float32), labels=[0])
    writer.save()
    assert (project / "secret").exists()


def test_cache_stays_in_run(project: Path, run: Run) -> None:
    """A link in a cloned project would have foreign archives removed."""
    (project / "elsewhere").mkdir()
    (run.path / "cache").symlink_to(project / "elsewhere")
    network: Network = open_network(run, run.snapshot(), lambda key: None)
    with pytest.raises(NetcoreError, match="leads out of"):
        SceneContext(run, SampleSelector().select(run)[0], "best", lambda *given: network).trace()


def write_settings(project: Path, lines: str) -> Path:
    file = project / "netcore.toml"
    file.write_text(f'[[render]]\nscene = "weights_line.py"\nrun = "toy"\nsize = "64x36"\n{lines}\n')
    return file


@pytest.mark.parametrize("output", ["../x.png", "/tmp/x.png", "link/x.png", "a/../../x.png", "link"])
def test_settings_write_inside_project(project: Path, capsys: pytest.CaptureFixture, output: str) -> None:
    (project / "link").symlink_to(project.parent)
    file = write_settings(project, f'output = "{output}"')
    assert main(["render"]) == 2
    assert "is outside of the project: choose another, or pass --allow-outside" in capsys.readouterr().err
    assert read_config(file, allow_outside=True)[0].output == output


def test_settings_with_linked_renders(project: Path) -> None:
    (project / "renders").symlink_to(project.parent)
    with pytest.raises(NetcoreError, match="outside of the project"):
        read_config(write_settings(project, ""))


def test_render_name_has_no_folder(project: Path, run: Run) -> None:
    """A class may be called anything; the file is in the folder of the renders."""
    assert SampleSelector(digit="../../x").file_suffix == "-..-..-x"
    assert SampleSelector(digit="T-shirt/top").file_suffix == "-T-shirt-top"
    assert SampleSelector(digit="7").file_suffix == "-7"


# ---- names are text


NAMES = [r"$\frac{1$", "\x1b[31mred", "a\nb", "‮lamroN", "$x$ & <b>", r"\alpha", "{label}", "%s", "é", ""]


@pytest.fixture
def odd_names(project: Path) -> Run:
    file = project / "runs" / "toy" / "run.json"
    info = json.loads(file.read_text())
    file.write_text(json.dumps(info | {"classes": NAMES, "recipe": "toy\x1b[2J"}))
    return load_run("toy")


def test_names_are_plain_text(odd_names: Run) -> None:
    assert odd_names.classes[:4] == [r"$\frac{1$", "[31mred", "a b", "lamroN"]
    assert odd_names.display_name == "toy[2J"


@pytest.mark.parametrize("scene", ["predictions", "sample-data"])
def test_figure_of_odd_class_names(project: Path, odd_names: Run, scene: str) -> None:
    import xml.etree.ElementTree as ElementTree

    assert main(["render", scene, "--run", "toy", "-f", "svg", "-o", f"{scene}.svg"]) == 0
    svg = (project / f"{scene}.svg").read_text()
    ElementTree.fromstring(svg)
    assert "\x1b" not in svg
    assert r"$\frac{1$" in svg


def test_messages_obey_no_escapes(project: Path, odd_names: Run, capsys: pytest.CaptureFixture) -> None:
    assert main(["render", "weights_line.py", "--run", "no\x1b[31m"]) == 2
    assert main(["render", "weights_line.py", "--run", "toy", "--digit", "x\x1b[31m"]) == 2
    assert main(["runs"]) == 0
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err


def test_closed_output_is_harmless(project: Path) -> None:
    command = [sys.executable, "-m", "netcore", "scenes"]
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run(
        ["sh", "-c", '"$@" >&- 2>&- <&-', "sh", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
