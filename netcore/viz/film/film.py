"""Base class of films: a Manim scene with context and theme.

How a film is written
---------------------
One file in `scenes/films`, its docstring the title and the caption, `NEEDS` what the run must have, and one class::

    \"\"\"Softmax

    How the scores of {network} become probabilities.
    \"\"\"

    from netcore.viz.film.animation import Animate
    from netcore.viz.film.film import Film
    from netcore.viz.film.mobjects import Neurons

    NEEDS = ("mlp",)


    class Softmax(Film):
        \"\"\"…

        Attributes
        ----------
        shown : int
            Neurons shown a layer, at most.
        \"\"\"

        max_units: int = 16  # becomes --max-units

        def construct(self):
            trace, theme = self.context.trace(), self.theme
            a = trace.probabilities
            places = [(0, 2 - k / 2) for k in range(len(a))]
            column = Neurons(places, 0.2, theme.rgb("background"), theme.rgb("muted"), values=a)
            self.open("Ten neurons", column)
            self.wait(0.5)
            fill = theme.activation_colors(a)
            self.play(self.say("The most active neuron"), Animate(column, fill=fill, lag=0.5, run_time=1.0))
            self.wait(2)

- **Mobjects** (`netcore.viz.film.mobjects`): `Edges`, `Neurons`, `Rectangles`, `BarMobject`,
  `PixelImages`, each many things in one, drawn
  by one `paint`. **Text** (`netcore.viz.film.text`):
  `text_line(text, size, rgb, at=, align=)` and `formula(typst, …)`. Sizes
  are `TITLE`, `BODY`, `NOTE` and `HUGE`; nothing smaller than `NOTE`. Colours are float (3,) from `theme.rgb(role)`,
  `theme.activation_colors(values)`, `theme.signed_colors(values)`.
- **Animate(mobject, attribute=target, …)** moves any numbers of a mobject (`points`, `opacity`, `fill`, `rgba`,
  `widths`, `values`, `progress`, `rgb`, …) from what they are to the target. It adds the mobject where it is not on
  screen yet; `start={"opacity": 0.0}` sets numbers first, `after=` waits within the play, `lag=` lets elements follow
  one another (in `order=`), `remove=True` takes the mobject off at the end. No mobject is ever copied. Manim's own
  animations and mobjects work too, at Manim's own speed.
- **self.open(caption, *mobjects)** begins: title, run, caption and those mobjects are in the first frame, which
  is what a paused clip shows. **self.say(text)** gives the animations that change the caption. `self.width`,
  `self.height` are the frame, `self.top`, `self.foot` the lines between which a film may draw.
- What is drawn each frame is what moves, and what overlaps it from above; the rest is kept as one picture. So let
  neighbours that do not overlap be separate mobjects, and overlapping ones be few.

`manim -ql scenes/films/x.py` renders it with the newest fitting run in `./runs`, or with the one that the environment
variable NETCORE_RUN names (NETCORE_DIGIT chooses the image, NETCORE_THEME=light the other theme).
"""

import os
from typing import Any

from manim import Animation, ManimColor, Mobject, config

from netcore.core.context import SceneContext
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import BODY, NOTE
from netcore.viz.film.manim_adapter import ArrayScene
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.theme import DARK, THEMES, Theme

MARGIN = 0.3  # scene units kept free along the frame's sides
CAPTION_GAP = 0.42  # from the frame's foot to the middle of the caption


class Film(ArrayScene):
    """A Manim scene that shows the numbers of a context.

    `context` and `theme` are set by whoever renders it; without them the film finds a run itself.
    """

    context: SceneContext = None  # type: ignore[assignment]  # set before `construct`, see `setup`
    theme: Theme = None  # type: ignore[assignment]  # likewise

    def setup(self) -> None:
        """Find theme and context if the scene was given none."""
        config.disable_caching = True  # Manim would judge by what it can serialise, which the arrays are not
        if self.theme is None:
            self.theme = THEMES.get(os.environ.get("NETCORE_THEME", ""), DARK)
        if self.context is None:
            import netcore

            self.context = netcore.default_context(self._globals.get("NEEDS", ()))
        self.cairo_camera.background_color = ManimColor(self.theme.background)
        self.cairo_camera.reset()
        self._caption: TextLine | None = None

    # ---- the frame

    @property
    def width(self) -> float:
        """Width of the frame in scene units."""
        return float(self.cairo_camera.frame_width)

    @property
    def height(self) -> float:
        """Height of the frame in scene units."""
        return float(self.cairo_camera.frame_height)

    @property
    def top(self) -> float:
        """Upper limit of what a film may draw, below title and run."""
        return self.height / 2 - 0.65

    @property
    def foot(self) -> float:
        """Lower limit of what a film may draw, above the caption."""
        return -self.height / 2 + 0.75

    @property
    def title(self) -> str:
        """First line of the scene file's docstring."""
        return (self._globals.get("__doc__") or type(self).__name__).strip().splitlines()[0]

    @property
    def _globals(self) -> dict[str, Any]:
        """Module globals of the scene file."""
        return type(self).construct.__globals__

    def open(self, caption: str, *mobjects: Mobject) -> None:
        """Show title, run, caption and mobjects from the first frame, which a paused clip shows."""
        self._caption = self._caption_line(caption)
        self.add(*mobjects, *self._head_lines(), self._caption)

    def head(self) -> list[Animation]:
        """Show the title at the upper left, run and snapshot at the upper right."""
        return [Animate(m, start={"opacity": 0.0}, opacity=1.0, run_time=0.4) for m in self._head_lines()]

    def say(self, text: str, run_time: float = 0.4) -> list[Animation]:
        """Return the animations that change the caption, none if it is the same."""
        old = self._caption
        out: list[Animation] = []
        if old is not None and old.text == text:
            return []
        if old is not None:
            out.append(Animate(old, opacity=0.0, run_time=run_time / 2, remove=True))
        self._caption = self._caption_line(text)
        after = run_time / 2 if old is not None else 0.0
        out.append(Animate(self._caption, start={"opacity": 0.0}, opacity=1.0, run_time=run_time / 2, after=after))
        return out

    def _caption_line(self, text: str) -> TextLine:
        room = self.width - 2 * MARGIN
        size = BODY if line_width(text, BODY) <= room else NOTE
        at = (0, -self.height / 2 + CAPTION_GAP)
        line = text_line(ellipsize_line(text, room, size), size, self.theme.rgb("foreground"), at=at)
        line.text = text
        return line

    def _head_lines(self) -> list[TextLine]:
        y, side = self.height / 2 - 0.36, self.width / 2 - MARGIN
        left = text_line(self.title, BODY, self.theme.rgb("foreground"), bold=True, at=(-side, y), align=(-1, 0))
        facts = [self.context.display_name, self.context.trace().snapshot]
        text = ellipsize_line("  ·  ".join(f for f in facts if f), 2 * side - left.width - 0.5, NOTE)
        return [left, text_line(text, NOTE, self.theme.rgb("muted"), at=(side, y), align=(1, 0))]
