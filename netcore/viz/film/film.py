"""Base class of films: a Manim scene with context, theme and steps.

`docs/write-a-film.md` shows how a film is written. In short: one file, its docstring the title and the caption, `NEEDS`
what the run must have, and one subclass of `Film` whose annotated attributes are its options and whose `construct`
is a sequence of steps::

    with self.step("A picture of a {label}", label=trace.classes[trace.label]):
        self.add(picture)
    with self.step("Row by row, one column"):
        self.play(Animate(picture, points=column))
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from manim import Animation, Wait, config

from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError
from netcore.core.step import Step
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import HEADING, LABEL, TAKEAWAY
from netcore.viz.film.captions import caption_lines, format_caption, reading_seconds, step_name, two_lines
from netcore.viz.film.framed_scene import FramedScene
from netcore.viz.film.manim_adapter import frame_count, plan_film
from netcore.viz.film.settings import FilmSettings
from netcore.viz.film.text import TextLine, ellipsize_line, text_line
from netcore.viz.theme import DARK, THEMES, Theme

PACES = {"slow": 1.5, "normal": 1.0, "fast": 0.67}  # factors of all times
CAPTION_SECONDS = 0.4  # that a caption takes to change
MIN_HOLD = 0.5  # seconds that the final picture of a step is held


class Film(FramedScene):
    """A Manim scene that shows the numbers of a context, step by step.

    `context` and `theme` are set by whoever renders it; without them the film finds a run itself.

    Attributes
    ----------
    pace : str
        Speed: slow takes half as long again, fast two thirds of the time.
    captions : bool
        Show captions; without them all times stay the same.
    hold : float
        Seconds that the last picture is held.
    max_units : int
        Maximum number of neurons or feature maps shown per layer.
    max_classes : int
        Maximum number of classes shown.
    """

    context: SceneContext = None  # type: ignore[assignment]  # set before `construct`, see `setup`
    theme: Theme = None  # type: ignore[assignment]  # likewise
    pace: Literal["slow", "normal", "fast"] = "normal"
    captions: bool = True
    hold: float = 2.0
    max_units: int = 16
    max_classes: int = 10

    # ---- life

    @classmethod
    def plan(
        cls,
        context: SceneContext,
        theme: Theme = DARK,
        size: tuple[int, int] = (854, 480),
        fps: float = 25,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[Step, ...]:
        """Play the film without drawing it, and return its steps."""
        return plan_film(cls, FilmSettings(context, theme, size, fps, options or {}))

    def setup(self) -> None:
        """Find theme and context if the scene was given none."""
        config.disable_caching = True  # Manim would judge by what it can serialise, which the arrays are not
        if self.theme is None:
            self.theme = THEMES.get(os.environ.get("NETCORE_THEME", ""), DARK)
        if self.context is None:
            import netcore

            self.context = netcore.default_context(self._globals.get("NEEDS", ()))
        self.set_background(self.theme.background)
        self.film_steps: list[Step] = []
        self._open: Step | None = None
        self._caption: list[TextLine] = []
        self._also = ""  # to be read in this step, besides its caption
        self._changes: list[Animation] = []  # of the caption, until the step's first play
        self._to_end = True

    def tear_down(self) -> None:
        """Hold the last picture; a film without steps is one step."""
        super().tear_down()
        if not self._to_end:
            return
        settled = self.frames
        if self.hold > 0:
            self._wait(frame_count(self.hold * self._factor, self.frame_rate))
        if self.film_steps:
            self.film_steps[-1] = replace(self.film_steps[-1], end=self.frames)
        else:
            self.film_steps = [Step(step_name(self.title, ()), self.title, "", 0, settled, self.frames)]

    # ---- steps

    @contextmanager
    def step(self, caption: str, *, notes: str = "", name: str = "", **values: object) -> Iterator[None]:
        """Begin a step, one idea that a viewer can stop at; its body plays it.

        Parameters
        ----------
        caption : str
            Template of the line at the foot of the frame, of 50 characters at most when it is filled.
        notes : str
            Template of a longer text for speakers and screen readers.
        name : str
            Unique name; default: the first words of the caption.
        **values
            Fields of the templates: text, integers, other numbers (shown with two digits).

        Raises
        ------
        NetcoreError
            If the film is in a step already, or played something before its first step.
        """
        text = format_caption(caption, **values)
        new = caption_lines(text, self.caption_box.center, self.caption_box.width, self._rgb)
        self._begin(text, format_caption(notes, **values), name or step_name(caption, self._names), new)
        yield
        self._end()

    def takeaway(
        self,
        first: str,
        second: str = "",
        *animations: Animation | Sequence[Animation],
        notes: str = "",
        **values: object,
    ) -> None:
        """Play the last step: what to keep in mind, in two lines of 50 characters at most.

        Parameters
        ----------
        first, second : str
            Templates of the lines.
        *animations
            Played while they appear.
        notes : str
            As in `step`.
        **values
            Fields of the templates.
        """
        lines = [format_caption(line, **values) for line in (first, second)]
        new = two_lines(lines[0], lines[1], TAKEAWAY, self.takeaway_box.center, self._rgb)
        text = ". ".join(filter(None, lines))
        self._begin(text, format_caption(notes, **values), "takeaway", new)
        if animations:
            self.play(*animations)
        self._end()

    def read_also(self, text: str) -> None:
        """Let the present step, or the next one, last until a text beside its caption can be read as well."""
        self._also += text

    def on_step_end(self, step: Step) -> None:
        """Handle the end of a step's last play, before its final picture is held; for subclasses and tests."""

    def play(self, *args: Any, **kwargs: Any) -> None:
        """Play animations, lists of them too, at the film's pace; a step's first play changes the caption as well."""
        if self._open is None and self.film_steps:
            raise NetcoreError(f"play() after the step '{self.film_steps[-1].name}' must be inside a step")
        animations = self.compile_animations(*_flat(args), **kwargs)
        for animation in animations:
            animation.run_time *= self._factor
        changes, self._changes = self._changes, []
        if changes and all(isinstance(a, Wait) for a in animations):
            super().play(*changes)
            changes = []
        super().play(*animations, *changes)

    def _begin(self, text: str, notes: str, name: str, caption: list[TextLine]) -> None:
        """Enter a step: its caption is in the first frame of a clip; later ones change with the first play."""
        if self._open is not None:
            raise NetcoreError(f"the step '{name}' begins inside the step '{self._open.name}': end that one first")
        if self.frames and not self.film_steps:
            raise NetcoreError(f"play() before the step '{name}' must be inside a step")
        index = len(self.film_steps)
        first, last = self.part or (0, None)
        if index == 0:
            self.add(*self._heading())
        self.skipping = self.skip_all or index < first
        if not self.skipping:
            self.next_section(name)
        visible = 1.0 if self.captions else 0.0
        if index in (0, first):
            self.remove(*self._caption)
            for line in caption:
                line.opacity = visible
            self.add(*caption)
        elif [line.text for line in caption] != [line.text for line in self._caption]:
            half = CAPTION_SECONDS / 2 * self._factor
            self._changes = [Animate(m, opacity=0.0, run_time=half, remover=True) for m in self._caption]
            self._changes += [
                Animate(m, start={"opacity": 0.0}, opacity=visible, run_time=half, delay=half) for m in caption
            ]
        else:
            caption = self._caption
        self._caption = caption
        self._last_of_part = last is not None and index == last
        self._open = Step(name, text, notes, self.frames, self.frames, self.frames)

    def _end(self) -> None:
        """Leave a step: hold what is left of its reading time."""
        step = self._open
        assert step is not None
        if self._changes:
            super().play(*self._changes)
            self._changes = []
        factor, fps = self._factor, self.frame_rate
        step = replace(step, settled=self.frames)
        self.on_step_end(step)
        left = frame_count(reading_seconds(step.caption, self._also) * factor, fps) - (self.frames - step.start)
        self._also = ""
        self._wait(max(left, frame_count(MIN_HOLD * factor, fps)))
        self.film_steps.append(replace(step, end=self.frames))
        self._open = None
        if self._last_of_part:
            self._to_end = False
            self.end_early()

    def _wait(self, frames: int) -> None:
        super().play(Wait(run_time=frames / self.frame_rate))

    # ---- what it is called

    @property
    def title(self) -> str:
        """First line of the scene file's docstring."""
        return (self._globals.get("__doc__") or type(self).__name__).strip().splitlines()[0]

    @property
    def snapshot_label(self) -> str:
        """Label of the snapshot that the film shows, for the heading."""
        return self.context.trace().snapshot

    @property
    def _globals(self) -> dict[str, Any]:
        """Module globals of the scene file."""
        return type(self).construct.__globals__

    @property
    def _factor(self) -> float:
        return PACES[self.pace]

    @property
    def _names(self) -> list[str]:
        return [step.name for step in self.film_steps]

    @property
    def _rgb(self) -> Any:  # noqa: ANN401 - a colour
        return self.theme.rgb("foreground")

    def _heading(self) -> list[TextLine]:
        """Title at the upper left; run and snapshot at the upper right."""
        (left, y), (right, _) = self.heading_ends
        title = text_line(self.title, HEADING, self._rgb, bold=True, at=(left, y), align=(-1, 0))
        facts = [self.context.display_name, self.snapshot_label]
        text = ellipsize_line("  ·  ".join(f for f in facts if f), right - left - title.width - 0.5, LABEL)
        return [title, text_line(text, LABEL, self.theme.rgb("muted"), at=(right, y), align=(1, 0))]


def _flat(items: Iterable[Any]) -> Iterator[Any]:
    """Yield the items of lists within lists."""
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        else:
            yield item
