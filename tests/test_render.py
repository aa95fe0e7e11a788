"""Rendering as a function: what is drawn, what is left alone and why, and what the sidecar tells."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import toy_runs
from clip_reader import read_frames
from sampling import sampled

import netcore
from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.core.run_writer import RunWriter
from netcore.rendering.api import render
from netcore.rendering.provenance import RENAMED_OPTIONS, inputs_key, read_sidecar, sidecar_path
from netcore.rendering.request import Request, make_tasks
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.status import render_status, task_from_sidecar

pytestmark = pytest.mark.usefixtures("draw_in_process")


@pytest.fixture
def project_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a run, a figure that moves and one that does not."""
    monkeypatch.chdir(tmp_path)
    toy_runs.make_untrained_run(tmp_path / "runs" / "toy")
    toy_runs.write_figure(tmp_path)
    toy_runs.write_figure(tmp_path, "still", toy_runs.STILL)
    return tmp_path


LINE = "weights_line.py"
PNG = Path("renders/toy/weights-line.png")


def state(**settings: object) -> str:
    return render(LINE, "toy", **settings)[0].state


def reasons() -> dict[str, str]:
    return {s.target: s.reason for s in render_status(Path("netcore.toml"))}


def test_render_writes_image_and_sidecar(project_dir: Path) -> None:
    (done,) = render(LINE, "toy", size=(320, 180), at="first", options={"many": 5})
    assert (done.state, done.target.as_posix()) == ("drawn", "renders/toy/weights-line-first.png")
    assert [rgb.shape for rgb in read_frames(done.target)] == [(180, 320, 3)]
    told = json.loads(sidecar_path(done.target).read_text())
    run = load_run("toy")
    assert told["sha256"] == sha256(done.target.read_bytes()).hexdigest()
    assert told["bytes"] == done.target.stat().st_size
    assert told["snapshot"]["sha256"] == run.snapshot("first").sha256
    assert told["inputs"]["reads"]["snapshot:first"] == run.snapshot("first").sha256
    assert told["inputs"]["options"] == {"many": 5, "style": "solid", "grid": False, "seconds": 0.4}
    assert told["inputs"]["scene"] == sha256(Path(LINE).read_bytes()).hexdigest()
    assert told["alt"] == done.alt == "The first weights of toy (784-4-10) at untrained."
    assert told["key"] == inputs_key(told["inputs"])
    assert told["command"] == "netcore render weights_line.py --run toy --at first --many 5 -f png"
    assert str(project_dir) not in json.dumps(told), "a sidecar must be true after the project moved"


def test_render_several_formats(project_dir: Path) -> None:
    done = render(LINE, "toy", formats=["gif", "mp4", "png", "svg"], size=(160, 90), fps=10)
    assert [r.target.suffix for r in done] == [".gif", ".mp4", ".png", ".svg"]
    assert [r.state for r in done] == ["drawn"] * 4
    assert done[0].frames == done[1].frames == 4 + 20 - 1, "0.4 s, of which the last frame stands 2 s"
    assert done[0].seconds == pytest.approx(2.3)
    assert len({r.wall_seconds for r in done}) == 1
    assert [r.bytes for r in done] == [r.target.stat().st_size for r in done]


@pytest.mark.slow
def test_still_same_beside_clip(project_dir: Path) -> None:
    (alone,) = render(LINE, "toy", formats="png", output="alone/")
    still, clip = render(LINE, "toy", formats=["png", "gif"], output="both/")
    assert (still.target.suffix, clip.target.suffix) == (".png", ".gif")
    assert alone.target.read_bytes() == still.target.read_bytes()
    sizes = [read_frames(r.target)[0].shape[1::-1] for r in (still, clip)]
    assert sizes == [(1280, 720), (854, 480)]


def test_avif_of_still_and_moving_figure(project_dir: Path) -> None:
    still, moving = render(["still.py", LINE], "toy", formats="avif", fps=10)
    assert (still.frames, still.seconds, moving.frames, moving.seconds) == (1, 0, 23, pytest.approx(2.3))
    assert [rgb.shape for rgb in read_frames(still.target)] == [(720, 1280, 3)]
    frames = read_frames(moving.target)
    assert len(frames) > 1
    assert frames[0].shape == (480, 854, 3)


@pytest.mark.parametrize("name", sampled(["png", "webp", "apng"], every=2))
def test_figure_is_transparent(project_dir: Path, name: str) -> None:
    settings = {"formats": name, "size": (160, 90), "fps": 10}
    (opaque,) = render(LINE, "toy", output="opaque/", **settings)
    (clear,) = render(LINE, "toy", output="clear/", transparent=True, **settings)
    ground, rgba = (read_frames(r.target, "RGBA")[0].astype(float) for r in (opaque, clear))
    assert rgba[0, 0, 3] == 0
    alpha = rgba[..., 3:] / 255
    assert np.abs(rgba[..., :3] * alpha + ground[0, 0, :3] * (1 - alpha) - ground[..., :3]).max() <= 2
    assert clear.command.endswith(f"--transparent -f {name}")
    assert json.loads(sidecar_path(clear.target).read_text())["inputs"]["transparent"] is True
    assert reasons_of("clear") == [""]


def reasons_of(folder: str) -> list[str]:
    return [s.reason for s in render_status(Path("netcore.toml")) if s.target.startswith(f"{folder}/")]


def test_transparent_svg_has_no_ground(project_dir: Path) -> None:
    (opaque,) = render(LINE, "toy", formats="svg", output="opaque/")
    (clear,) = render(LINE, "toy", formats="svg", output="clear/", transparent=True)
    assert "#0f1216" in opaque.target.read_text()
    assert "#0f1216" not in clear.target.read_text()


def test_render_both_themes(project_dir: Path) -> None:
    dark, light = render("still.py", "toy", theme="both", size=(64, 36))
    assert (dark.target.name, light.target.name) == ("still.png", "still-light.png")
    corners = [read_frames(r.target)[0][0, 0].tolist() for r in (dark, light)]
    assert corners == [[15, 18, 22], [255, 255, 255]]


def test_render_skips_fresh_files(project_dir: Path) -> None:
    assert state() == "drawn"
    before = PNG.stat().st_mtime_ns
    assert state() == "fresh"
    assert PNG.stat().st_mtime_ns == before
    assert state(force=True) == "drawn"
    assert PNG.stat().st_mtime_ns > before


def test_render_is_reproducible(project_dir: Path) -> None:
    first = [r.target.read_bytes() for r in render(LINE, "toy", formats=["png", "gif", "svg"], size=(160, 90))]
    again = [
        r.target.read_bytes() for r in render(LINE, "toy", formats=["png", "gif", "svg"], size=(160, 90), force=True)
    ]
    assert first == again


def retrained(project_dir: Path) -> str:
    run = load_run("toy")
    RunWriter(run).add_snapshot(toy_runs.random_weights(np.random.default_rng(5)), epoch=1, step=10)
    RunWriter(run).save()
    return "run retrained: snapshot:best"


def by_hand(project_dir: Path) -> str:
    PNG.write_bytes(PNG.read_bytes() + b" ")
    return "changed by hand"


def missing(project_dir: Path) -> str:
    PNG.unlink()
    return "missing"


def scene_changed(project_dir: Path) -> str:
    (project_dir / LINE).write_text(toy_runs.FIGURE.replace("20", "21"))
    return "scene changed"


def another_version(project_dir: Path) -> str:
    told = json.loads(sidecar_path(PNG).read_text())
    told["inputs"]["versions"]["matplotlib"] = "1.0"
    told["key"] = inputs_key(told["inputs"])
    sidecar_path(PNG).write_text(json.dumps(told))
    return "matplotlib 1.0 → "


def another_netcore(project_dir: Path) -> str:
    told = json.loads(sidecar_path(PNG).read_text())
    told["inputs"]["code"]["core/context.py"] = "0"
    told["key"] = inputs_key(told["inputs"])
    sidecar_path(PNG).write_text(json.dumps(told))
    return "netcore's drawing code changed: "


def first_schema(project_dir: Path) -> str:
    told = json.loads(sidecar_path(PNG).read_text())
    told["schema"] = 1
    told["inputs"]["picture"] = told["inputs"].pop("sample")
    told["inputs"]["netcore"] = "0" * 64
    for key in ("code", "helpers"):
        del told["inputs"][key]
    sidecar_path(PNG).write_text(json.dumps(told))
    return "rendered by an earlier netcore"


def helper_changed(project_dir: Path) -> str:
    told = json.loads(sidecar_path(PNG).read_text())
    told["inputs"]["helpers"]["lines.py"] = "0"
    told["key"] = inputs_key(told["inputs"])
    sidecar_path(PNG).write_text(json.dumps(told))
    return "scene's helpers changed: lines.py"


def damaged_sidecar(project_dir: Path) -> str:
    sidecar_path(PNG).write_text("{")
    return "has no sidecar"


@pytest.mark.parametrize(
    "change",
    [
        retrained, by_hand, missing, scene_changed, another_version, another_netcore, helper_changed, first_schema,
        damaged_sidecar,
    ],
)  # fmt: skip
def test_status_names_change(project_dir: Path, change) -> None:
    (project_dir / "netcore.toml").write_text(f'[[render]]\nscene = "{LINE}"\nrun = "toy"\nsize = "160x90"\n')
    assert state(size=(160, 90)) == "drawn"
    assert reasons() == {PNG.as_posix(): ""}
    expected = change(project_dir)
    assert reasons()[PNG.as_posix()].startswith(expected)


def test_changed_render_is_fresh_again(project_dir: Path) -> None:
    assert state(size=(160, 90)) == "drawn"
    retrained(project_dir)
    assert state(size=(160, 90)) == "drawn"
    assert set(reasons().values()) == {""}


def test_unread_inputs_keep_render_fresh(project_dir: Path) -> None:
    state(size=(160, 90), at="last")
    run = load_run("toy")
    run.info["history"]["epochs"].append({"epoch": 2, "step": 20, "train_loss": 0.1})
    RunWriter(run).add_snapshot(toy_runs.random_weights(np.random.default_rng(6)), epoch=0, step=0)
    RunWriter(run).save()
    assert state(size=(160, 90), at="last") == "fresh"
    RunWriter(run).add_snapshot(toy_runs.random_weights(np.random.default_rng(6)), epoch=2, step=20)
    RunWriter(run).save()
    assert state(size=(160, 90), at="last") == "drawn"


def test_status_names_changed_options(project_dir: Path) -> None:
    state(size=(160, 90))
    table = f'[[render]]\nscene = "{LINE}"\nrun = "toy"\n'
    for line, expected in [
        ('size = "320x180"', "options changed: size 160x90 → 320x180"),
        ('size = "160x90"\nmany = 7', "options changed: many 20 → 7"),
        ('size = "160x90"\ndigit = 7\noutput = "renders/toy/weights-line.png"', "options changed: sample"),
    ]:
        (project_dir / "netcore.toml").write_text(table + line + "\n")
        assert reasons()[PNG.as_posix()].startswith(expected)


def test_status_finds_unlisted_renders(project_dir: Path) -> None:
    state(size=(160, 90), formats=["gif", "png"])
    assert reasons() == {"renders/toy/weights-line.gif": "", PNG.as_posix(): ""}
    retrained(project_dir)
    assert set(reasons().values()) == {"run retrained: snapshot:best"}
    (project_dir / "runs" / "toy").rename(project_dir / "elsewhere")
    assert set(reasons().values()) == {"run 'toy' is gone"}
    (project_dir / LINE).unlink()
    assert "no scene file" in reasons()[PNG.as_posix()]


def test_sidecar_of_schema_1_is_stale(project_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read as out of date, not lost, and its options get their names of today."""
    state(size=(160, 90), digit=3, options={"many": 7})
    target = Path("renders/toy/weights-line-3.png")
    told = json.loads(sidecar_path(target).read_text())
    told["schema"] = 1
    told["inputs"]["picture"] = told["inputs"].pop("sample")
    told["inputs"]["options"]["count"] = told["inputs"]["options"].pop("many")
    sidecar_path(target).write_text(json.dumps(told))
    monkeypatch.setitem(RENAMED_OPTIONS, "weights-line", {"count": "many"})
    assert reasons() == {target.as_posix(): "rendered by an earlier netcore"}
    task = task_from_sidecar(target, read_sidecar(target))
    assert (task.selector.digit, task.options["many"]) == ("3", 7)


def test_renders_stay_fresh_when_moved(project_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = project_dir / "a"
    home.mkdir()
    for name in ("runs", LINE):
        (project_dir / name).rename(home / name)
    monkeypatch.chdir(home)
    state(size=(160, 90))
    monkeypatch.chdir(project_dir)
    home.rename(project_dir / "b")
    monkeypatch.chdir(project_dir / "b")
    assert reasons() == {PNG.as_posix(): ""}


def test_render_task_target_names(project_dir: Path) -> None:
    def name(**settings: object) -> str:
        return next(iter(make_tasks(Request(LINE, "toy", **settings))[0].targets.values())).as_posix()

    assert name() == "renders/toy/weights-line.png"
    assert name(selector=SampleSelector(digit="3")) == "renders/toy/weights-line-3.png"
    assert name(selector=SampleSelector(index=12), at="step:10") == "renders/toy/weights-line-index-12-step-10.png"
    assert (
        name(selector=SampleSelector(image="my/four.jpg"), theme="light") == "renders/toy/weights-line-four-light.png"
    )
    assert name(output="x.gif") == "x.gif"
    assert name(output="x.svg", formats=("svg", "png")) == "x.svg"
    assert name(output="folder") == "folder/weights-line.png"
    assert name(output=str(project_dir)) == f"{project_dir}/weights-line.png"


def test_render_task_sizes_and_rates(project_dir: Path) -> None:
    def measures(*formats: str, **settings: object) -> tuple:
        task = make_tasks(Request(LINE, "toy", formats=formats, **settings))[0]
        return task.size, task.fps

    assert measures("gif") == ((854, 480), 25)
    assert measures("png") == ((1280, 720), 25)
    assert measures("mp4", quality="l") == ((854, 480), 15)
    assert measures("mp4", quality="h") == ((1920, 1080), 60)
    assert measures("gif", "mp4", quality="m") == ((1280, 720), 25), "a GIF plays 25, not 30"
    assert measures("gif", quality="l", size=(200, 100)) == ((200, 100), 20)


@pytest.mark.parametrize("formats", [("png", "webp"), ("webp", "png")])
def test_still_is_same_beside_clip(project_dir: Path, formats: tuple[str, ...]) -> None:
    """The same bytes, and so fresh for a later request of the still alone."""
    assert [r.state for r in render(LINE, "toy", formats=formats, size=(320, 180))] == ["drawn"] * 2
    beside = PNG.read_bytes()
    assert render(LINE, "toy", formats="png", size=(320, 180))[0].state == "fresh"
    PNG.unlink()
    assert render(LINE, "toy", formats="png", size=(320, 180))[0].state == "drawn"
    assert PNG.read_bytes() == beside


def test_render_rejects_shared_target(project_dir: Path) -> None:
    with pytest.raises(NetcoreError, match="same output"):
        render([LINE, LINE], "toy")
    assert not (project_dir / "renders").exists()


def test_render_continues_after_refusal(project_dir: Path) -> None:
    done = render(["filter-grid", "still.py"], "toy", size=(64, 36))
    assert [r.state for r in done] == ["refused", "drawn"]
    assert done[0].message.startswith("scene 'filter-grid' needs a convolution; run 'toy' has none")


def test_netcore_render_function(project_dir: Path) -> None:
    assert netcore.render("still.py", run="toy", size=(64, 36))[0].state == "drawn"
    assert netcore.render("still.py", run="toy", size=(64, 36))[0].state == "fresh"
