"""Freshness by imports: a byte changed anywhere makes exactly the scenes stale that reach it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import figure_runs
import pytest

from netcore.core.errors import NetcoreError
from netcore.rendering.code_digest import PACKAGE, ROOTS, TREE, SourceTree
from netcore.rendering.formats import format_names
from netcore.rendering.library_versions import versions
from netcore.rendering.module_source import parse
from netcore.rendering.requirements import check_requirements
from netcore.rendering.scenes import all_scenes

# Words of a module's name that no scene may reach: what decides no pixel.
UNREACHED = {
    "cli", "api", "farm", "pool", "passes", "execution", "plan", "request", "project", "config", "status", "manifest",
    "provenance", "freshness", "code_digest", "module_source", "library_versions", "run_cache", "result", "worker",
    "live", "window", "publish", "web", "catalogue",
}  # fmt: skip

DRAW = """
import json, os, sys
from types import SimpleNamespace
import numpy, scipy, sklearn, torch, matplotlib.figure, manim, av, PIL.Image  # shared by the forks; nothing of netcore

for task in json.load(sys.stdin):
    read, write = os.pipe()
    if os.fork():
        os.close(write)
        sys.stdout.write(os.fdopen(read).read() + "\\n")
        os.wait()
        continue
    try:
        from importlib import import_module
        from pathlib import Path

        drawing = import_module(task["root"].partition(":")[0])
        run = sys.modules["netcore"].load_run(task["run"])
        make, selector = drawing.make_context, import_module("netcore.rendering.sample_selector").SampleSelector()
        scene = import_module("netcore.rendering.scenes").read_scene(Path(task["scene"]))
        settings = {key: task[key] for key in ("fps", "options")}
        off = {"max_mb": None, "transparent": False, "steps": ""}
        job = SimpleNamespace(scene=scene, theme="dark", size=(640, 360), **off, **settings)
        folder = Path(task["folder"])
        folder.mkdir()
        paths = {name: folder / f"out.{name}" for name in task["formats"]}
        draw = getattr(drawing, task["root"].partition(":")[2])
        draw(job, make(run, selector, "best"), "", paths, lambda frames: None)
        modules = [module for name, module in sys.modules.items() if name.startswith("netcore.")]
        files = [m.__file__ for m in modules if getattr(m, "__file__", None)]
        os.write(write, json.dumps(files).encode())
    except BaseException as error:
        os.write(write, json.dumps([f"{type(error).__name__}: {error}"]).encode())
    finally:
        os._exit(0)
"""


@pytest.fixture(scope="module")
def package_copy(tmp_path_factory: pytest.TempPathFactory) -> SourceTree:
    folder = tmp_path_factory.mktemp("copy")
    for source in (TREE.package, TREE.scenes):
        if not source.is_relative_to(TREE.package) or source == TREE.package:
            shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return SourceTree(folder / TREE.package.name)


def scene_files(tree: SourceTree) -> list[tuple[Path, str]]:
    return [(tree.scenes / s.path.relative_to(TREE.scenes), s.kind) for s in all_scenes()]


@pytest.mark.parametrize("every_package", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_changed_byte_reaches_its_scenes(package_copy: SourceTree, every_package: bool) -> None:
    """Stale are the scenes that reach a changed module, and no others; tried on a module of each third package."""
    tree = package_copy
    scenes = scene_files(tree)
    before = {scene: tree.reach(scene, kind, "gif") for scene, kind in scenes}
    reached = {label for reach in before.values() for label in reach.package}
    assert len(reached) > 30
    packages = sorted({file.parent for file in tree.package.rglob("*.py")})
    packages = packages if every_package else packages[::3]
    files = [min(folder.glob("*.py"), key=lambda f: (f.stem == "__init__", len(f.stem))) for folder in packages]
    assert {file.relative_to(tree.package).as_posix() in reached for file in files} == {True, False}
    for file in files:
        label = file.relative_to(tree.package).as_posix()
        content = file.read_bytes()
        file.write_bytes(content + b"#")
        tree.clear()
        stale = {scene for scene, kind in scenes if tree.reach(scene, kind, "gif") != before[scene]}
        assert stale == {scene for scene, reach in before.items() if label in reach.package}, label
        file.write_bytes(content)
    tree.clear()
    assert {scene: tree.reach(scene, kind, "gif") for scene, kind in scenes} == before


def test_digest_of_every_module_counts(package_copy: SourceTree) -> None:
    """Whichever module changes, each scene that reaches it has another digest of it."""
    tree = package_copy
    scenes = scene_files(tree)
    before = {scene: tree.reach(scene, kind, "gif").package for scene, kind in scenes}
    contents = {file: file.read_bytes() for file in (*tree.package.rglob("*.py"), *tree.scenes.rglob("*.py"))}
    for file, content in contents.items():
        file.write_bytes(content + b"#")
    tree.clear()
    for scene, kind in scenes:
        after = tree.reach(scene, kind, "gif").package
        assert after.keys() == before[scene].keys()
        assert not [label for label in after if after[label] == before[scene][label]]
    for file, content in contents.items():
        file.write_bytes(content)
    tree.clear()


def test_format_reaches_its_own_module() -> None:
    """A changed `gif.py` makes no other format stale."""
    scene, kind = scene_files(TREE)[0]
    reached = {name: TREE.reach(scene, kind, name) for name in format_names()}
    files = {f"rendering/formats/{name}.py" for name in reached}
    for name, reach in reached.items():
        assert files & set(reach.package) == {f"rendering/formats/{name}.py"}
        assert "rendering/formats/__init__.py" in reach.package
        assert ("rendering/video_writer.py" in reach.package) == (name in ("html", "mov", "mp4", "webm"))
        assert ("av" in reach.libraries) == (name in ("apng", "gif", "html", "mov", "mp4", "webm"))


def test_template_of_player_changes_digest(package_copy: SourceTree) -> None:
    (scene, kind), *_ = scene_files(package_copy)
    before = {name: package_copy.reach(scene, kind, name) for name in ("html", "mp4")}
    for name in ("player.html", "player.css", "player.js"):
        file = package_copy.package / "rendering" / "player" / name
        content = file.read_bytes()
        file.write_bytes(content + b" ")
        package_copy.clear()
        assert package_copy.reach(scene, kind, "html") != before["html"]
        assert package_copy.reach(scene, kind, "mp4") == before["mp4"]
        file.write_bytes(content)
    package_copy.clear()


def test_scenes_reach_only_drawing() -> None:
    for scene, kind in scene_files(TREE):
        labels = TREE.reach(scene, kind, "gif").package
        words = {word for label in labels for word in label.removesuffix(".py").split("/")}
        assert not words & UNREACHED, scene.name


def test_kits_are_kept_apart() -> None:
    """A figure is not stale because of Manim, and the tracing counts for both."""
    for scene, kind in scene_files(TREE):
        libraries = TREE.reach(scene, kind, "gif").libraries
        assert {"numpy", "matplotlib", "av", "torch"} <= libraries
        assert ("manim" in libraries) == ("typst" in libraries) == ("cairo" in libraries) == (kind == "film"), scene


FEW = {"forward-propagation", "cnn-forward-propagation", "confidence", "filter-grid", "saliency", "model-graph"}


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize(
    "names", [pytest.param(names, marks=pytest.mark.slow) for names in (FEW, None)], ids=["few", "all"]
)
def test_loaded_modules_are_reached(mlp_run, cnn_run, names: set[str] | None, tmp_path: Path) -> None:
    """Draw scenes in processes of their own: what Python has loaded then was found without running it."""
    runs = [mlp_run, cnn_run, *(figure_runs.make_run(tmp_path / "runs", name) for name in figure_runs.MADE)]
    tasks = []
    scenes = [scene for scene in all_scenes() if names is None or scene.name in names]
    for scene in scenes:
        for run in runs:
            try:
                check_requirements(scene.name, scene.needs, run)
            except NetcoreError:
                continue
            task = {"root": ROOTS[scene.kind], "scene": str(scene.path), "kind": scene.kind, "run": str(run.path)}
            formats = ["gif", "webp"] if scene.animated and scene.kind == "figure" else ["png"]
            options = scene.resolve_options({"seconds": 0.2} if any(o.name == "seconds" for o in scene.options) else {})
            tasks.append(
                task
                | {
                    "fps": 1 if scene.kind == "film" else 10,
                    "options": options,
                    "formats": formats,
                    "folder": str(tmp_path / scene.name),
                }
            )
            break
    assert len(tasks) == len(scenes)
    done = subprocess.run(
        [sys.executable, "-c", DRAW], input=json.dumps(tasks), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    for task, line in zip(tasks, done.stdout.splitlines(), strict=True):
        assert len(json.loads(line)) > 10, f"{task['scene']}: {line}"
        loaded = {Path(f).resolve() for f in json.loads(line)}
        labels = {f.relative_to(PACKAGE).as_posix() for f in loaded if f.is_relative_to(PACKAGE)}
        reaches = [TREE.reach(Path(task["scene"]), task["kind"], name) for name in task["formats"]]
        found = {label for reach in reaches for label in reach.package}
        assert labels <= found, f"{task['scene']} loads {sorted(labels - found)}"


# ---- a package of a few lines


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SourceTree:
    files = {
        "toy/__init__.py": '_PUBLIC = {"film": "toy.film:film", "pool": "toy.pool"}\n',
        "toy/root.py": "from toy.deep import helper\n\ndef draw():\n    import zlib\n    import numpy.linalg\n\n"
        "def other():\n    from toy import pool\n",
        "toy/deep/__init__.py": "def lazy():\n    from toy import pool\n",
        "toy/deep/helper.py": "from typing import TYPE_CHECKING\nfrom . import far\n\n"
        "if TYPE_CHECKING:\n    import toy.pool\n",
        "toy/deep/far.py": "",
        "toy/film.py": "import PIL",
        "toy/pool.py": "import click",
        "own/scene.py": "import beside\n",
        "own/beside.py": "from folder.inner import value\n",
        "own/folder/inner.py": "import toy\n\ndef value():\n    return toy.film",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setitem(ROOTS, "toy", "toy.root:draw")
    return SourceTree(tmp_path / "toy")


def test_walk_follows_helpers_and_names(small: SourceTree) -> None:
    reach = small.reach(small.package.parent / "own" / "scene.py", "toy", "gif")
    assert set(reach.package) == {"root.py", "deep/__init__.py", "deep/helper.py", "deep/far.py", "film.py"}
    assert set(reach.helpers) == {"beside.py", "folder/inner.py"}
    assert reach.libraries == {"numpy", "PIL"}


def test_helper_of_own_scene_changes_digest(small: SourceTree) -> None:
    scene = small.package.parent / "own" / "scene.py"
    before = small.reach(scene, "toy", "gif")
    (scene.parent / "folder" / "inner.py").write_text("import toy\n\ndef value():\n    return toy.pool")
    assert small.reach(scene, "toy", "gif") is before, "files are looked at once a command"
    small.clear()
    after = small.reach(scene, "toy", "gif")
    assert before.helpers["beside.py"] == after.helpers["beside.py"]
    assert before.helpers["folder/inner.py"] != after.helpers["folder/inner.py"]
    assert set(after.package) - set(before.package) == {"pool.py"}


def test_missing_root_is_an_error(small: SourceTree, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROOTS, "toy", "toy.root:gone")
    with pytest.raises(FileNotFoundError, match="root:gone does not"):
        small.reach(small.package.parent / "own" / "scene.py", "toy", "gif")


def test_parse_follows_definitions() -> None:
    source = parse(
        b"import a\n\ndef f():\n    import b\n    g()\n\ndef g():\n    from c import d\n\ndef h():\n    import e\n"
        b"\n@register\ndef i():\n    import j\n"
    )
    assert set(source.reached_imports("f")) == {("a", "*"), ("b", "*"), ("c", "d"), ("j", "*")}
    assert set(source.reached_imports("*")) == {("a", "*"), ("b", "*"), ("c", "d"), ("e", "*"), ("j", "*")}


def test_versions_name_distributions() -> None:
    import matplotlib
    import PIL

    found = versions(frozenset({"PIL", "matplotlib", "no_such_library"}))
    assert found == {"matplotlib": matplotlib.__version__, "pillow": PIL.__version__}


def test_versions_include_ffmpeg() -> None:
    import av

    found = versions(frozenset({"av"}))
    assert found["av"] == av.__version__
    expected = ".".join(map(str, av.library_versions["libavcodec"]))
    assert found.get("libavcodec", expected) == expected
