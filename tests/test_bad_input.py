"""Bad input to rendering: one clear line, exit status 2, and nothing lost."""

import json
import pickle
import re
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import toy_runs

from netcore.cli.main import main
from netcore.core.files import file_sha256
from netcore.core.run import load_run

pytestmark = pytest.mark.usefixtures("draw_in_process")

PNG = Path("renders/toy/weights-line.png")
DRAW = ["render", "weights_line.py", "--run", "toy", "--size", "64x36"]


@pytest.fixture
def project_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run, a figure, and what stands for an earlier render of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NETCORE_RUNS", raising=False)
    toy_runs.make_untrained_run(tmp_path / "runs" / "toy")
    toy_runs.write_figure(tmp_path)
    PNG.parent.mkdir(parents=True)
    PNG.write_bytes(b"earlier")
    return tmp_path


@pytest.fixture
def assert_rejected(project_dir: Path, capsys: pytest.CaptureFixture):
    """`refused(args, words)`: one line with these words on standard error, status 2, the earlier render whole."""
    before = PNG.read_bytes(), sorted((project_dir / "renders").rglob("*"))

    def check(args: list[str], *words: str) -> str:
        capsys.readouterr()
        assert main(args) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("netcore: error: ")
        assert err.count("\n") == 1, err
        for word in words:
            assert word in err
        assert (PNG.read_bytes(), sorted((project_dir / "renders").rglob("*"))) == before
        return err

    return check


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["render", "weihgts_line.py", "--run", "toy"], "no scene file weihgts_line.py"),
        (["render", "fitler-grid", "--run", "toy"], "no scene 'fitler-grid': did you mean 'filter-grid'?"),
        (["render", "weights_line.py", "--run", "tyo"], "no run 'tyo': did you mean 'toy'?"),
        (["render", "filter-grid", "--run", "toy"], "scene 'filter-grid' needs a convolution; run 'toy' has none"),
        ([*DRAW, "--at", "epoch:7"], "no snapshot at epoch:7; the nearest is epoch:1"),
        ([*DRAW, "--at", "bset"], "no snapshot 'bset': use best, last, first, epoch:N or step:N"),
        ([*DRAW, "--digit", "12"], "no class '12'; there are: 0, 1, 2"),  # "did you mean '2'?" would guess
        ([*DRAW, "--index", "99"], "--index must be from 0 to 19 for run 'toy', got 99"),
        ([*DRAW, "--digit", "3", "--index", "1"], "--digit and --index exclude each other"),
        ([*DRAW, "--many", "x"], "'x' is not a valid integer"),
        ([*DRAW, "--style", "soild"], "Did you mean 'solid'?"),
        ([*DRAW, "--mayn", "3"], "No such option '--mayn'"),
        ([*DRAW, "-f", "gfi"], "no format 'gfi': did you mean 'gif'?"),
        ([*DRAW, "-o", "x.gfi"], "no format 'gfi': did you mean 'gif'?"),
        ([*DRAW, "-o", "x.gif", "-f", "mp4"], "suffix of x.gif must match --format mp4, got gif"),
        ([*DRAW, "--theme", "drak"], "Did you mean 'dark'?"),
        ([*DRAW, "-f", "gif", "--fps", "30"], "fps, got 30: use --fps 25"),
        ([*DRAW, "-f", "gif", "--fps", "0"], "--fps must be from 1 to 120"),
        (
            [*DRAW[:4], "-f", "mp4", "--size", "427x241"],
            "H.264 (mp4) needs even width and height, got 427x241: use --size 426x240",
        ),
        ([*DRAW[:4], "--size", "big"], "must be WIDTHxHEIGHT in pixels"),
        ([*DRAW[:4], "--size", "99999x10"], "--size must be from 16 to 8192 pixels"),
        ([*DRAW, "--max-mb", "-1"], "--max-mb must be above 0"),
        (["render", "neuron-weights", "--run", "toy", "--neurons", "0"], "--neurons must be at least 1, got 0"),
        (
            ["render", "neuron-weights", "--run", "toy", "-f", "gif", "--seconds", "0"],
            "--seconds must be above 0, got 0",
        ),
        (["render", "saliency", "--run", "toy", "--patch", "-1"], "--patch must be at least 0, got -1"),
        (["render"], "choose a scene from netcore scenes"),
        (["render", "--run", "toy"], "--run needs a scene"),
    ],
)
def test_render_rejects_bad_arguments(assert_rejected, args: list[str], line: str) -> None:
    assert_rejected(args, line)


def test_render_rejects_format_of_scene(assert_rejected, project_dir: Path) -> None:
    """A still cannot become a GIF, a film cannot become an SVG or PDF."""
    toy_runs.write_figure(project_dir, "still", toy_runs.STILL)
    assert_rejected(
        ["render", "still.py", "--run", "toy", "-f", "gif"], "is not animated", "choose avif, webp, png, pdf or svg"
    )
    toy_runs.write_film(project_dir, "small")
    assert_rejected(["render", "small.py", "--run", "toy", "-f", "svg"], "is a film and cannot be SVG")
    assert_rejected(["render", "small.py", "--run", "toy", "-f", "pdf"], "is a film and cannot be PDF")


# ---- the run


def snapshot_file(project_dir: Path) -> Path:
    return project_dir / "runs" / "toy" / "snapshots" / "000010.safetensors"


@pytest.mark.parametrize("damage", ["truncated", "changed", "missing"])
def test_damaged_snapshot_error_names_digests(assert_rejected, project_dir: Path, damage: str) -> None:
    file = snapshot_file(project_dir)
    told = file_sha256(file)
    if damage == "missing":
        file.unlink()
        assert_rejected([*DRAW, "--force"], "cannot read", file.name)
        return
    data = bytearray(file.read_bytes())
    file.write_bytes(data[:-100] if damage == "truncated" else data[:-1] + bytes([data[-1] ^ 1]))
    assert_rejected([*DRAW, "--force"], "is damaged", told[:12], file_sha256(file)[:12])


def test_damaged_snapshot_error_from_worker(assert_rejected, project_dir: Path) -> None:
    snapshot_file(project_dir).write_bytes(b"")
    toy_runs.write_film(project_dir, "small", "self.context.weights()")
    assert_rejected(["render", "small.py", "--run", "toy", "--size", "64x36"], "000010.safetensors is damaged")


def replace_snapshot(project_dir: Path, data: bytes) -> None:
    """Put other bytes in the place of the last snapshot, with the right digest in run.json."""
    file = snapshot_file(project_dir)
    file.write_bytes(data)
    path = project_dir / "runs" / "toy" / "run.json"
    info = json.loads(path.read_text())
    info["snapshots"][-1]["sha256"] = file_sha256(file)
    path.write_text(json.dumps(info))


class Trap:
    """Creates a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_snapshot_never_unpickled(assert_rejected, project_dir: Path) -> None:
    trap = project_dir / "sprung"
    replace_snapshot(project_dir, pickle.dumps(Trap(trap)))
    assert_rejected([*DRAW, "--force"], "is not a safetensors file")
    assert not trap.exists()
    pickle.loads(pickle.dumps(Trap(trap)))
    assert trap.exists(), "the trap works"


def test_snapshot_with_nan_weights_rejected(assert_rejected, project_dir: Path) -> None:
    from safetensors.numpy import save

    weights = toy_runs.random_weights(np.random.default_rng(0))
    weights["hidden1.weight"][0, 0] = np.nan
    replace_snapshot(project_dir, save(weights))
    assert_rejected([*DRAW, "--force"], "NaN or infinite weights in hidden1.weight")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"schema": 99}', "schema 99, newer than this netcore's 1: upgrade netcore"),
        ('{"schema"', "run.json is damaged"),
        ("[]", "run.json is damaged (it has no schema): train it again"),
        ('{"schema": 1, "snapshots": []}', "run.json is damaged (it has no classes): train it again"),
    ],
)
def test_unreadable_run_json_rejected(assert_rejected, project_dir: Path, text: str, line: str) -> None:
    (project_dir / "runs" / "toy" / "run.json").write_text(text)
    assert_rejected(DRAW, line)


def test_damaged_examples_rejected(assert_rejected, project_dir: Path) -> None:
    (project_dir / "runs" / "toy" / "examples.npz").write_bytes(b"PK")
    assert_rejected([*DRAW, "--force"], "examples.npz is damaged")


# ---- the image


def huge_png() -> bytes:
    """A PNG of a few bytes that claims 60,000 by 60,000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "line"),
    [(b"hello", "is not an image"), (b"", "is empty"), (huge_png(), "is too large"), (None, "cannot read mine.png")],
    ids=["no image", "empty", "huge", "missing"],
)
def test_image_option_rejects_non_images(assert_rejected, project_dir: Path, content: bytes | None, line: str) -> None:
    if content is not None:
        (project_dir / "mine.png").write_bytes(content)
    assert_rejected([*DRAW, "--image", "mine.png"], line)


# ---- the output


def test_output_below_a_file_rejected(assert_rejected, project_dir: Path) -> None:
    (project_dir / "taken").touch()
    assert_rejected([*DRAW, "-o", "taken/x.png"], "cannot write taken/x.png: Not a directory")
    toy_runs.write_film(project_dir, "small")
    assert_rejected(["render", "small.py", "--run", "toy", "-o", "taken/x.gif"], "cannot write taken/x.gif")


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["weights_line.py", "small.py"])
def test_render_on_full_disk(project_dir: Path, scene: str) -> None:
    """A limit on the size of files stands for the full disk: writing stops in the middle just so."""
    toy_runs.write_film(project_dir, "small")
    target = project_dir / "renders" / "toy" / "full.gif"
    target.write_bytes(b"earlier")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

    done = subprocess.run(
        [sys.executable, "-B", "-m", "netcore", "render", scene, "--run", "toy", "-o", str(target)],
        capture_output=True, text=True, preexec_fn=limit, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert re.fullmatch(r"netcore: error: cannot write \S+full.gif: .*\n", done.stderr)
    assert target.read_bytes() == b"earlier"
    assert not toy_runs.partial_files(project_dir)
    assert not (project_dir / "renders" / "toy" / "full.gif.json").exists()


def test_oversized_gif_keeps_earlier_file(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    args = ["render", "weights_line.py", "--run", "toy", "-f", "gif", "--size", "320x180"]
    assert main(args) == 0
    before = PNG.with_suffix(".gif").read_bytes()
    capsys.readouterr()
    assert main([*args, "--max-mb", "0.001"]) == 2
    err = capsys.readouterr().err
    assert "MB" in err
    assert err.count("\n") == 1
    assert PNG.with_suffix(".gif").read_bytes() == before
    assert not toy_runs.partial_files(project_dir)
    assert load_run("toy").snapshots
