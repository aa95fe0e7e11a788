"""Line above a board: scale, description, running total."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import ANSWER, LABEL, ArrayMobject
from netcore.viz.film.components.data_box import DataBox
from netcore.viz.film.components.data_column import integer_text, split_line, text_points
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.number_line import NumberLine
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.layout.board import BoardLayout, BoardPlaces
from netcore.viz.theme import Theme

LINE = 0.36  # height of a text
GAP = 0.3
FACES = (0.3, 0.5, 0.15)  # shades of the cube: front, top, side


class BoardStrip:
    """A cube at the left, a description in the middle, a total at the right.

    Parameters
    ----------
    theme : Theme
    layout : BoardLayout
    name : str
        What is counted.
    most : int
        Largest total.

    Attributes
    ----------
    cube : DataBox
    total : NumberLine
    about : list of TextLine
        The description.
    """

    def __init__(self, theme: Theme, layout: BoardLayout, name: str, most: int) -> None:
        self.theme, self.area = theme, layout.strip
        muted, (x, y) = theme.rgb("muted"), (layout.strip.right, layout.strip.center[1])
        n, depth = layout.cube_side(), layout.scale.depth
        self.cube = DataBox(theme, np.ones((n, n, n)), (n, n, n))
        for face, shade in zip(self.cube.faces, FACES, strict=True):
            face.rgb = theme.activation_colors(np.full(face.rgb.shape[:3], shade))
        note = f" depth ÷ {round(1 / depth):,}" if depth < 1 else ""
        self.cube_texts = [text_line(text, LABEL, muted) for text in ("scale:" + note, f"{n}×{n}×{n} numbers")]
        start = x - line_width(integer_text(most), ANSWER)
        self.total = NumberLine(0, (start, y), integer_text, ANSWER, theme.rgb("foreground"), (-1, 0))
        self.total_text = text_line(name, LABEL, muted, at=(start - GAP, y), align=(1, 0))
        self.about: list[TextLine] = []

    def goals(self, places: BoardPlaces) -> Iterator[tuple[ArrayMobject, NDArray[np.float64]]]:
        """Yield what moves when the scale changes, and its points."""
        width, height, dx, dy = places.scale.extent(self.cube.shape)
        low = self.area.center[1] - (height + dy) / 2
        faces = places.scale.faces(self.cube.shape, self.area.left + (width + dx) / 2, low)
        yield from zip(self.cube.faces, faces, strict=True)
        for text, y in zip(self.cube_texts, self._rows(2), strict=True):
            yield text, text_points(text, (self.area.left + width + dx + GAP / 2, y), (-1, 0))

    def describe(self, texts: Sequence[str]) -> list[Animate]:
        """Return the animations that replace the description: one line or two, one in two if it is too long."""
        gone = fade_out(self.about)
        left = max(text.points[1, 0] for text in self.cube_texts) + 0.5
        width = self.total_text.points[0, 0] - GAP - left
        if len(texts) == 1 and line_width(texts[0], LABEL) > width:
            texts = split_line(texts[0], width)
        self.about = [
            text_line(
                ellipsize_line(text, width, LABEL), LABEL, self.theme.rgb("muted" if i else "foreground"),
                at=(left, y), align=(-1, 0),
            )
            for i, (text, y) in enumerate(zip(texts, self._rows(len(texts)), strict=True))
        ]  # fmt: skip
        return [*gone, *fade_in(self.about, 0.3)]

    def _rows(self, count: int) -> list[float]:
        """Heights of lines of text."""
        y = self.area.center[1]
        return [y] if count == 1 else [y + LINE / 2, y - LINE / 2][:count]
