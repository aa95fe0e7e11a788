"""Render requests and the tasks they lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.run import Run, load_run
from netcore.rendering.formats import check_formats, format_names, get_format
from netcore.rendering.requirements import check_requirements
from netcore.rendering.sample_selector import SampleSelector
from netcore.rendering.scenes import Scene, find_scene

QUALITIES: dict[str, tuple[int, int, float]] = {  # as in Manim: width, height, frames per second
    "l": (854, 480, 15),
    "m": (1280, 720, 30),
    "h": (1920, 1080, 60),
    "k": (3840, 2160, 60),
}
DEFAULT_CLIP: tuple[int, int, float] = (854, 480, 25)  # fits a README and a slide; exact in a GIF
DEFAULT_STILL = (1280, 720)
MAX_SIZE = 8192  # pixels per side


@dataclass(frozen=True)
class Request:
    """One scene of one run, as the user requests it; `make_tasks` chooses values for None."""

    scene: str
    run: str
    selector: SampleSelector = field(default_factory=SampleSelector)
    at: str = "best"
    formats: tuple[str, ...] = ()
    quality: str | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    theme: str = "dark"  # dark | light | both
    max_mb: float | None = None
    output: str | None = None
    steps: str = ""  # of a film: "4", "3-5" or a name; all by default
    options: Mapping[str, Any] = field(default_factory=dict)
    runs_dir: str = "runs"
    renders_dir: str = "renders"


@dataclass(frozen=True)
class RenderTask:
    """One drawing of a scene: everything that determines its pixels, and one target per format."""

    scene: Scene
    run: Run
    selector: SampleSelector
    at: str
    theme: str
    size: tuple[int, int]
    fps: float
    max_mb: float | None
    options: Mapping[str, Any]
    targets: Mapping[str, Path]
    steps: str = ""

    @property
    def name(self) -> str:
        """Name in progress and messages."""
        return f"{self.scene.name} of {self.run.name}" + (" (light)" if self.theme == "light" else "")

    def with_formats(self, formats: Sequence[str]) -> "RenderTask":
        """Return the same task for some of its formats."""
        return replace(self, targets={f: self.targets[f] for f in formats})


def make_tasks(request: Request) -> list[RenderTask]:
    """Return the tasks of a request: one per theme.

    Raises
    ------
    RequirementError
        If the run lacks what the scene needs, or the scene cannot be had in a format.
    NetcoreError
        If the scene, the run, the snapshot, an option or a format does not exist (the nearest is offered), a frame rate
        or a size cannot be encoded.
    """
    scene, run = find_scene(request.scene), cached_run(request.run, request.runs_dir)
    formats = _formats(request, scene)
    options = scene.resolve_options(dict(request.options))
    check_requirements(scene.name, scene.needs, run)
    run.snapshot(request.at)
    if request.steps and scene.kind != "film":
        raise NetcoreError(f"scene '{scene.name}' is a figure and has no steps: leave out --steps")
    width, height, fps = _measures(request, formats)
    themes = {"dark": ("dark",), "light": ("light",), "both": ("dark", "light")}
    if request.theme not in themes:
        raise unknown_name("theme", request.theme, themes)
    return [
        RenderTask(
            scene=scene, run=run, selector=request.selector, at=request.at, theme=theme, size=(width, height), fps=fps,
            max_mb=request.max_mb, options=options, targets=_targets(request, scene, run, formats, theme),
            steps=request.steps,
        )
        for theme in themes[request.theme]
    ]  # fmt: skip


def cached_run(path: str | Path, runs: str | Path = "runs") -> Run:
    """Load a run as `load_run` does, from a cache while its file is unchanged; for reading only."""
    file = next((p for p in (Path(path, "run.json"), Path(runs, path, "run.json")) if p.is_file()), None)
    if file is None:
        return load_run(path, runs)
    info = file.stat()
    return _load_run(file.parent.resolve(), (info.st_mtime_ns, info.st_size, info.st_ino))


@lru_cache(maxsize=32)
def _load_run(path: Path, stamp: tuple[int, ...]) -> Run:
    return load_run(path)


def _formats(request: Request, scene: Scene) -> tuple[str, ...]:
    """Return the requested formats, each once; refuse those that the scene does not have."""
    wanted = tuple(dict.fromkeys(request.formats))
    suffix = _suffix(request.output)
    if suffix and not wanted:
        wanted = (suffix,)
    wanted = wanted or (("gif",) if scene.kind == "film" else ("png",))
    for name in (*wanted, *([suffix] if suffix else [])):
        get_format(name)
    if suffix and suffix not in wanted:
        raise NetcoreError(
            f"the suffix of {request.output} must match --format {', '.join(wanted)}, got {suffix}: change one of them"
        )
    vector = [f for f in wanted if get_format(f).vector]
    if scene.kind == "film" and vector:
        *others, last = [f for f in format_names() if not get_format(f).vector]
        advice = f"use {scene.still}" if scene.still else f"choose {', '.join(others)} or {last}"
        raise RequirementError(f"scene '{scene.name}' is a film and cannot be {vector[0].upper()}: {advice}")
    moving = [f for f in wanted if get_format(f).animated]
    if moving and not scene.animated:
        *others, last = [f for f in format_names() if not get_format(f).animated]
        raise RequirementError(
            f"scene '{scene.name}' is not animated and cannot be {moving[0]}: choose {', '.join(others)} or {last}"
        )
    return wanted


def _measures(request: Request, formats: tuple[str, ...]) -> tuple[int, int, float]:
    """Return width and height in pixels and the frame rate: as requested, or the default of the formats."""
    if request.quality is not None:
        if request.quality not in QUALITIES:
            raise unknown_name("quality", request.quality, QUALITIES)
        width, height, usual = QUALITIES[request.quality]
    else:
        width, height, usual = DEFAULT_CLIP
        if not any(get_format(name).animated for name in formats):
            width, height = DEFAULT_STILL
    for name in formats:
        usual = get_format(name).nearest_rate(usual)
    width, height = request.size or (width, height)
    fps = usual if request.fps is None else request.fps
    if not (16 <= width <= MAX_SIZE and 16 <= height <= MAX_SIZE):
        raise NetcoreError(f"--size must be from 16 to {MAX_SIZE} pixels per side, got {width}x{height}")
    if not 1 <= fps <= 120:
        raise NetcoreError(f"--fps must be from 1 to 120, got {fps:g}")
    if request.max_mb is not None and request.max_mb <= 0:
        raise NetcoreError(f"--max-mb must be above 0, got {request.max_mb:g}")
    check_formats(formats, (width, height), fps)
    return width, height, fps


def _suffix(output: str | None) -> str:
    """Return the format by the suffix of the output file, "" for a folder."""
    if output is None or output.endswith("/") or Path(output).is_dir():
        return ""
    return Path(output).suffix.lstrip(".").lower()


def _targets(request: Request, scene: Scene, run: Run, formats: tuple[str, ...], theme: str) -> dict[str, Path]:
    """Return the target of each format; default: ``renders/<run>/<scene>[-digit][-at][-step][-light].<format>``."""
    light = "-light" if theme == "light" else ""
    at = "" if request.at == "best" else f"-{request.at.replace(':', '-')}"
    steps = f"-step-{request.steps}" if request.steps else ""
    name = f"{scene.name}{request.selector.file_suffix}{at}{steps}{light}"
    folder = Path(request.renders_dir) / run.name
    if request.output is not None:
        folder = Path(request.output)
        if _suffix(request.output):
            name = folder.stem + (light if request.theme == "both" else "")
            folder = folder.parent
    return {f: folder / f"{name}.{f}" for f in formats}
