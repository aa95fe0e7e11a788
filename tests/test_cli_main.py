"""The command: what it prints where, its exit status, and that it loads nothing that it does not need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import toy_runs

from netcore.cli.main import commands, main
from netcore.core.run import load_run
from netcore.core.run_writer import RunWriter

HEAVY = ("torch", "torchvision", "manim", "matplotlib", "sklearn", "mlxtend", "av", "scipy", "pandas", "PIL")


@pytest.fixture
def project_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NETCORE_RUNS", raising=False)
    toy_runs.make_untrained_run(tmp_path / "runs" / "toy")
    toy_runs.write_figure(tmp_path)
    return tmp_path


def run_netcore(*args: str, **settings: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "netcore", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **settings)


def loaded_packages(folder: Path, *args: str) -> set[str]:
    """Names of the packages that are loaded once a command is done."""
    code = (
        "import sys; from netcore.cli.main import main; status = main(sys.argv[1:]); "
        "print(status, *{m.split('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], cwd=folder, capture_output=True, text=True, check=True)
    status, *names = done.stderr.split("\n")[-2].split()
    assert status == "0", done.stderr
    return set(names)


def test_help_imports_no_numpy(project_dir: Path) -> None:
    assert not loaded_packages(project_dir, "--help") & {"numpy", "rich", *HEAVY}


@pytest.mark.parametrize(
    "args",
    [
        ("scenes",), ("scenes", "--json"), ("runs",), ("status",), ("recipes",), ("render", "--help"),
        ("render", "forward-propagation", "--help"), ("completion", "bash"),
    ],
)  # fmt: skip
def test_listing_commands_import_nothing_heavy(project_dir: Path, args: tuple[str, ...]) -> None:
    assert not loaded_packages(project_dir, *args) & set(HEAVY)


def test_fresh_render_imports_nothing_heavy(project_dir: Path) -> None:
    (project_dir / "netcore.toml").write_text(
        '[[render]]\nscene = "weights_line.py"\nrun = "toy"\nformats = ["png", "gif"]\n'
    )
    assert main(["render"]) == 0
    assert not loaded_packages(project_dir, "render") & set(HEAVY)
    assert not loaded_packages(project_dir, "status", "--check") & set(HEAVY)


def test_commands_have_help_and_summary(capsys: pytest.CaptureFixture) -> None:
    assert {"render", "scenes", "runs", "status", "recipes", "train", "completion"} <= set(commands())
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    for name, (_, line) in commands().items():
        assert name in listed
        assert 0 < len(line) <= 60
        assert main([name, "--help"]) == 0
        assert "Usage: netcore " + name in capsys.readouterr().out


def test_module_prints_version() -> None:
    assert run_netcore("--version").stdout == "netcore 0.1.0\n"


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["rendr"], "no command 'rendr': did you mean 'render'?"),
        (["render", "--rum", "x"], "--run"),
        (["completion", "bahs"], "Did you mean 'bash'?"),
        (["render", "filter-grid", "--run", "toy", "-q", "x"], "is not one of 'l', 'm', 'h', 'k'"),
    ],
)
def test_cli_usage_errors(capsys: pytest.CaptureFixture, args: list[str], line: str) -> None:
    """One line on standard error, exit status 2, nothing on standard output."""
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("netcore: error: ")
    assert line in err


def test_debug_option_shows_traceback(project_dir: Path) -> None:
    assert "Traceback" not in run_netcore("render", "nothing").stderr
    for args in (["--debug", "render", "nothing"], ["render", "nothing", "--debug"]):
        assert "Traceback" in run_netcore(*args).stderr


def test_cli_ignores_closed_pipe(project_dir: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m netcore scenes --json | true", shell=True, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


@pytest.mark.usefixtures("draw_in_process")
def test_listing_commands_print_json(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    def rows(*args: str) -> list[dict]:
        assert main([*args, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    scenes = {row["name"]: row for row in rows("scenes")}
    assert set(scenes["forward-propagation"]) >= {"name", "kind", "title", "options"}
    assert scenes["forward-propagation"]["kind"] == "film"
    assert scenes["filter-grid"]["kind"] == "figure"
    assert {"name", "type", "default", "choices", "help"} == set(scenes["filter-grid"]["options"][0])
    path = str((project_dir / "runs" / "toy").resolve())
    (row,) = rows("runs")
    assert row.items() >= {"name": "toy", "path": path, "recipe": "toy", "data": "toy", "snapshots": 2}.items()
    (project_dir / "runs" / "broken").mkdir()
    (project_dir / "runs" / "broken" / "run.json").write_text("{}")
    assert main(["runs", "--json"]) == 0
    out, err = capsys.readouterr()
    assert [row["name"] for row in json.loads(out)] == ["toy"]
    assert "broken/run.json is damaged (it has no schema)" in err
    (row,) = rows("render", "weights_line.py", "--size", "64x36")
    assert set(row) == {"target", "state", "seconds", "frames", "bytes"}
    assert (row["target"], row["state"], row["frames"]) == ("renders/toy/weights-line.png", "drawn", 1)
    assert rows("status") == [{"target": row["target"], "state": "fresh", "reason": ""}]


def test_cli_output_streams(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    """Tables go to standard output, messages to standard error."""
    assert main(["render", "weights_line.py", "--run", "toy", "--size", "64x36", "--many", "3"]) == 0
    out, err = capsys.readouterr()
    assert "renders/toy/weights-line.png" in out
    assert "weights-line of toy: 1 frame in" in err
    assert main(["runs", "--runs-dir", "nowhere"]) == 0
    assert capsys.readouterr() == ("", "no run in nowhere yet: netcore train mlp-16-16\n")


@pytest.mark.usefixtures("draw_in_process")
def test_render_takes_scene_options(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["render", "weights_line.py", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Options of weights-line" in text
    assert "How many weights. [default: 20]" in " ".join(text.split())
    assert "--grid / --no-grid" in text
    assert "The first weights of <run> (<network>)" in " ".join(text.split())
    args = [
        "render",
        "--run",
        "toy",
        "weights_line.py",
        "--style",
        "dashed",
        "--grid",
        "--many",
        "4",
        "--size",
        "64x36",
    ]
    assert main(args) == 0
    told = json.loads(Path("renders/toy/weights-line.png.json").read_text())
    assert told["inputs"]["options"] == {"many": 4, "style": "dashed", "grid": True, "seconds": 0.4}
    capsys.readouterr()
    assert main(["render", "weights_line.py", "--run", "toy", "--style", "dahsed"]) == 2
    assert "Did you mean 'dashed'?" in capsys.readouterr().err


@pytest.mark.usefixtures("draw_in_process")
def test_status_check_fails_if_stale(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    (project_dir / "netcore.toml").write_text('[[render]]\nscene = "weights_line.py"\nrun = "toy"\nsize = "64x36"\n')
    assert main(["status"]) == 0
    assert main(["status", "--check"]) == 1
    assert main(["render"]) == 0
    assert main(["status", "--check"]) == 0
    assert main(["render", "--digit", "3"]) == 2
    assert "--digit needs a scene" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[[render]\n", "is not valid TOML"),
        ("[render]\nx = 1\n", "[[render]], with two brackets"),
        ("[[rendre]]\n", "did you mean 'render'"),
        ('[[render]]\nscene = "filter-grid"\n', "render 1: run is missing"),
        ('[[render]]\nscene = "filtr-grid"\nrun = "toy"\n', "did you mean 'filter-grid'"),
        ('[[render]]\nscene = "weights_line.py"\nrun = "toy"\nmayn = 3\n', "no key 'mayn': did you mean 'many'"),
        ('[[render]]\nscene = "weights_line.py"\nrun = "toy"\nfps = "fast"\n', "fps must be a number, got 'fast'"),
        ('[[render]]\nscene = "weights_line.py"\nrun = "toy"\nsize = "big"\n', "must be WIDTHxHEIGHT in pixels"),
    ],
)
def test_config_errors_are_one_line(project_dir: Path, capsys: pytest.CaptureFixture, text: str, line: str) -> None:
    (project_dir / "netcore.toml").write_text(text)
    assert main(["render"]) == 2
    err = capsys.readouterr().err
    assert line in err
    assert err.count("\n") == 1


def test_status_check_fails_without_renders(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["status", "--check"]) == 1
    assert "no render found" in capsys.readouterr().err
    assert main(["status"]) == 0


@pytest.mark.usefixtures("draw_in_process")
def test_status_finds_renders_anywhere(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    """Also outside of renders/; files of installed packages and of hidden folders are not netcore's."""
    target = project_dir / "talk" / "figures" / "line.png"
    assert main(["render", "weights_line.py", "--run", "toy", "--size", "64x36", "-o", str(target)]) == 0
    for name in (".cache", "node_modules", "runs/toy"):
        for file in (target, target.with_name("line.png.json")):
            copy = project_dir / name / file.name
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
    capsys.readouterr()
    assert main(["status", "--json", "--check"]) == 0
    assert [s["target"] for s in json.loads(capsys.readouterr().out)] == ["talk/figures/line.png"]


def test_runs_lists_data_accuracy_date(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    writer = RunWriter(load_run(project_dir / "runs" / "toy"))
    writer.add_evaluation("toy", {"accuracy": 0.8573}, logits=np.zeros((4, 10)), labels=np.arange(4))
    writer.info["started"] = "2026-03-14T15:09:26+00:00"
    writer.save()
    assert main(["runs"]) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in ("toy", "85.73 %", "2026-03-14"))


@pytest.mark.usefixtures("draw_in_process")
def test_render_ends_with_next_command(project_dir: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["render", "weights_line.py", "--run", "toy", "--size", "64x36"]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("netcore: 1 file drawn; next: netcore status")


def test_completion_of_scenes_runs_options(project_dir: Path) -> None:
    def completed(line: str) -> list[str]:
        words = line.split(" ")
        env = os.environ | {"_NETCORE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        code = "import sys; from netcore.cli.main import main; sys.exit(main([]))"
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
        return [word.split(",")[1] for word in done.stdout.split()]

    assert completed("netcore sta") == ["status"]
    assert completed("netcore render filter") == ["filter-grid"]
    assert completed("netcore render filter-grid --run t") == ["toy"]
    assert completed("netcore render filter-grid --ker") == ["--kernels"]
    assert completed("netcore render filter-grid -f w") == ["webm", "webp"]


@pytest.mark.slow
def test_drawing_from_traces_imports_no_torch(mlp_run, cnn_run, make_context, tmp_path: Path) -> None:
    import pickle

    for run in (mlp_run, cnn_run):
        (tmp_path / run.name).write_bytes(pickle.dumps(make_context(run).trace(backward=True)))
    code = """
import pickle, sys
import numpy as np
from netcore.core.context import SceneContext
from netcore.core.errors import RequirementError as Refused
from netcore.core.network import OptimizerStep
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import all_scenes, load_film
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.frames import figure_frames, film_frames
from netcore.viz.film.settings import FilmSettings
from netcore.rendering.scenes import load_scene
from netcore.core.run import load_run
from netcore.viz.theme import DARK

class StoredNetwork:
    def __init__(self, trace, run, snapshot):
        self._trace, self._run, self._snapshot = trace, run, snapshot

    def trace(self, image, backward=False, weights=None, mask=None):
        return self._trace

    def predict(self, images, nodes=(), weights=None, mask=None):
        found = {name: self._trace.value(name) for name in nodes} | {"logits": self._trace.logits}
        return {name: np.stack([value] * len(images)) for name, value in found.items()}

    def step(self, images, labels):
        weights = {k: v * 0.99 for k, v in self._run.weights(self._snapshot).items()}
        return OptimizerStep(weights, 1.0, "SGD", 0.1, True)

    def gradient_products(self, images, labels):
        return np.eye(len(images))


drawn = set()  # each scene once: on the first run that has what it needs
for path, stored in zip(sys.argv[1::2], sys.argv[2::2]):
    run, trace = load_run(path), pickle.load(open(stored, "rb"))
    for scene in all_scenes():
        try:
            check_requirements(scene.name, scene.needs, run)
        except Refused:
            continue
        if scene.name in drawn:
            continue
        sample = SampleSelector().select(run)[0]
        context = SceneContext(run, sample, "best", lambda run, snapshot, note: StoredNetwork(trace, run, snapshot))
        options = scene.resolve_options({})
        if scene.kind == "figure":
            next(iter(figure_frames(load_scene(scene.path).draw, context, DARK, (320, 180), 1, options)))
        else:
            film = load_film(scene.path, scene.class_name)
            settings = FilmSettings(context, DARK, (320, 180), 1, options)
            film_frames(film, settings, lambda rgb, repeat: None)
        drawn.add(scene.name)
torch = [m for m in sys.modules if m in ("torch", "torchvision") or m.startswith("netcore.models")]
print(len(drawn), len(all_scenes()), *torch)
"""
    pairs = [str(p) for run in (mlp_run, cnn_run) for p in (run.path, tmp_path / run.name)]
    done = subprocess.run([sys.executable, "-c", code, *pairs], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    drawn, count, *learned = done.stdout.split()
    assert drawn == count
    assert learned == []
