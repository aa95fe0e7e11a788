"""Render requests and the tasks they lead to."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, RequirementError, unknown_name
from netcore.core.run import Run
from netcore.rendering.formats import Format, all_formats, check_formats, get_format, list_words
from netcore.rendering.reading_once import once
from netcore.rendering.requirements import check_requirements
from netcore.rendering.run_cache import cached_run, kept_by_run
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
    """One scene of one run, as the user requests it; `make_tasks` chooses values for None.

    `extras` are formats written beside `formats`, or beside their default.
    """

    scene: str
    run: str
    selector: SampleSelector = field(default_factory=SampleSelector)
    at: str = "best"
    formats: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    quality: str | None = None
    size: tuple[int, int] | None = None
    fps: float | None = None
    theme: str = "dark"  # dark | light | both
    transparent: bool = False
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
    transparent: bool = False
    steps: str = ""

    @property
    def name(self) -> str:
        """Name in progress and messages."""
        return f"{self.scene.name} of {self.run.name}" + (" (light)" if self.theme == "light" else "")

    def with_formats(self, formats: Sequence[str]) -> "RenderTask":
        """Return the same task for some of its formats."""
        return replace(self, targets={f: self.targets[f] for f in formats})


def make_tasks(request: Request) -> list[RenderTask]:
    """Return the tasks of a request: one per theme and size of the drawing, which clips and stills have their own of.

    Raises
    ------
    RequirementError
        If the run lacks what the scene needs, or the scene cannot be had in a format.
    NetcoreError
        If the scene, the run, the snapshot, an option or a format does not exist (the nearest is offered), a frame rate
        or a size cannot be encoded.
    """
    scene, run = once(find_scene, request.scene), cached_run(request.run, request.runs_dir)
    suffix = _suffix(request.output)
    formats = _formats(request, scene, suffix)
    options = scene.resolve_options(dict(request.options))
    _check_requirements(run, scene.name, scene.needs)
    _check_snapshot(run, request.at)
    if request.steps and scene.kind != "film":
        raise NetcoreError(f"scene '{scene.name}' is a figure and has no steps: leave out --steps")
    fps = _frame_rate(request, formats)
    sizes = {name: _size(request, get_format(name), scene) for name in formats}
    for name, size in sizes.items():
        check_formats([name], size, fps, request.transparent)
    themes = {"dark": ("dark",), "light": ("light",), "both": ("dark", "light")}
    if request.theme not in themes:
        raise unknown_name("theme", request.theme, themes)
    return [
        RenderTask(
            scene=scene, run=run, selector=request.selector, at=request.at, theme=theme, size=size, fps=fps,
            max_mb=request.max_mb, options=options, transparent=request.transparent,
            targets=_targets(request, scene, run, [name for name in formats if sizes[name] == size], theme, suffix),
            steps=request.steps,
        )
        for theme in themes[request.theme]
        for size in dict.fromkeys(sizes.values())
    ]  # fmt: skip


@kept_by_run
def _check_requirements(run: Run, scene: str, needs: tuple[str, ...]) -> None:
    check_requirements(scene, needs, run)


@kept_by_run
def _check_snapshot(run: Run, at: str) -> None:
    run.snapshot(at)


def _formats(request: Request, scene: Scene, suffix: str) -> tuple[str, ...]:
    """Return the requested formats, each once; refuse those that the scene does not have."""
    wanted = tuple(dict.fromkeys(request.formats))
    if suffix and not wanted:
        wanted = (suffix,)
    for name in (*wanted, *([suffix] if suffix else [])):
        get_format(name)
    if suffix and wanted and suffix not in wanted:
        raise NetcoreError(
            f"the suffix of {request.output} must match --format {', '.join(wanted)}, got {suffix}: change one of them"
        )
    film = "webp" if request.transparent else "gif"  # a GIF is never transparent
    wanted = wanted or ((film,) if scene.kind == "film" else ("png",))
    wanted = tuple(dict.fromkeys((*wanted, *request.extras)))
    for name in wanted:
        _check_kind(get_format(name), scene)
    return wanted


def _check_kind(kind: Format, scene: Scene) -> None:
    """Refuse a format that a scene of this kind cannot have."""

    def refuse(what: str, others: list[Format]) -> RequirementError:
        return RequirementError(f"scene '{scene.name}' {what}: choose {list_words([f.name for f in others])}")

    if scene.kind == "film" and kind.vector:
        if scene.still:
            raise RequirementError(f"scene '{scene.name}' is a film and cannot be {kind.label}: use {scene.still}")
        others = [f for f in all_formats() if not f.vector and not f.stepped]
        raise refuse(f"is a film and cannot be {kind.label}", others)
    if scene.kind != "film" and kind.stepped:
        moving = scene.animated
        others = [f for f in all_formats() if not f.stepped and (f.animated if moving else f.still)]
        raise refuse(f"is a figure, which has no steps, and cannot be {kind.label}", others)
    if kind.animated and not kind.still and not scene.animated:
        raise refuse(f"is not animated and cannot be {kind.name}", [f for f in all_formats() if f.still])


def _size(request: Request, kind: Format, scene: Scene) -> tuple[int, int]:
    """Return width and height in pixels: as requested, or the default of a clip or a still."""
    if request.size is not None:
        width, height = request.size
    elif request.quality is not None:
        width, height, _ = QUALITIES[request.quality]
    else:
        moves = scene.animated and (kind.animated or kind.stepped)
        width, height = DEFAULT_CLIP[:2] if moves else DEFAULT_STILL
    if not (16 <= width <= MAX_SIZE and 16 <= height <= MAX_SIZE):
        raise NetcoreError(f"--size must be from 16 to {MAX_SIZE} pixels per side, got {width}x{height}")
    return width, height


def _frame_rate(request: Request, formats: tuple[str, ...]) -> float:
    """Return the frames per second: as requested, or the default, as all formats can play it."""
    if request.quality is not None and request.quality not in QUALITIES:
        raise unknown_name("quality", request.quality, QUALITIES)
    fps = DEFAULT_CLIP[2] if request.quality is None else QUALITIES[request.quality][2]
    for name in formats:
        fps = get_format(name).nearest_rate(fps)
    fps = fps if request.fps is None else request.fps
    if not 1 <= fps <= 120:
        raise NetcoreError(f"--fps must be from 1 to 120, got {fps:g}")
    if request.max_mb is not None and not request.max_mb > 0:
        raise NetcoreError(f"--max-mb must be above 0, got {request.max_mb:g}")
    return fps


def _suffix(output: str | None) -> str:
    """Return the format by the suffix of the output file, "" for a folder."""
    if output is None or output.endswith("/") or os.path.isdir(output):
        return ""
    return Path(output).suffix.lstrip(".").lower()


def _targets(
    request: Request, scene: Scene, run: Run, formats: Sequence[str], theme: str, suffix: str
) -> dict[str, Path]:
    """Return the target of each format; default: ``renders/<run>/<scene>[-digit][-at][-step][-light].<format>``."""
    light = "-light" if theme == "light" else ""
    at = "" if request.at == "best" else f"-{request.at.replace(':', '-')}"
    steps = f"-step-{request.steps}" if request.steps else ""
    name = f"{scene.name}{request.selector.file_suffix}{at}{steps}{light}"
    folder = Path(request.renders_dir) / run.name
    if request.output is not None:
        folder = Path(request.output)
        if suffix:
            name = folder.stem + (light if request.theme == "both" else "")
            folder = folder.parent
    return {f: get_format(f).path(folder / name) for f in formats}
