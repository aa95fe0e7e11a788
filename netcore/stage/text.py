"""Text and formulas as single mobjects: outlines made once, then filled by Cairo.

Text is set in the DejaVu files that Matplotlib brings along, so that it looks alike on every machine; formulas are set
by Typst through Manim's `MathTypst`. Nothing needs LaTeX nor a system font.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import cairo
import matplotlib
import numpy as np
from manim import MathTypst
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from netcore.stage.mobjects import BODY, PX, Drawn

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
CAP = 0.729  # height of DejaVu's capitals, in ems: what "the middle of a line" is measured by
EM = 1000  # Cairo keeps paths in 1/256 units: outlines are made large and scaled down


class Outline:
    """A filled shape and the box that it is placed by: width and height in ems, what hangs below the box included.

    `low`, `high` are the corners (2,) of what is inked.
    """

    def __init__(self, commands: list[tuple[str, np.ndarray]], width: float, height: float) -> None:
        ctx = cairo.Context(cairo.RecordingSurface(cairo.CONTENT_ALPHA, None))
        for name, numbers in commands:
            getattr(ctx, name)(*(numbers * EM))
        self.path = ctx.copy_path()
        x0, y0, x1, y1 = ctx.path_extents()
        self.low, self.high = np.array([x0, y0]) / EM, np.array([x1, y1]) / EM
        self.width, self.height = width, height

    def __deepcopy__(self, memo: Any) -> "Outline":
        return self  # it never changes, and Cairo's paths cannot be copied


class Line(Drawn):
    """Something written: `text` tells what, `points` are two corners of the box that it is placed by.

    Parameters
    ----------
    outline : Outline
    text : str
    size : float, pixels an em
    rgb : (3,)
    at : (2,), where the point `align` of the box lies
    align : (2,), -1 left or bottom, 0 middle, 1 right or top
    """

    def __init__(
        self, outline: Outline, text: str, size: float, rgb: Any, at: Any = (0, 0), align: Any = (0, 0), **keys: Any
    ) -> None:
        extent = np.array([outline.width, outline.height]) * size * PX
        low = np.asarray(at, float)[:2] - (np.asarray(align, float) + 1) / 2 * extent
        super().__init__([low, low + extent], **keys)
        self.outline, self.text, self.size = outline, text, float(size)
        self.rgb = np.asarray(rgb, float)

    def paint(self, ctx: cairo.Context) -> None:
        if self.opacity <= 0:
            return
        ctx.save()
        ctx.translate(*self.points[0, :2])
        scale = self._unit / EM
        ctx.scale(scale, scale)
        ctx.append_path(self.outline.path)
        ctx.restore()
        self.ink(ctx, self.rgb)
        ctx.fill()

    @property
    def _unit(self) -> float:
        """Scene units an em, after whatever scaling was done."""
        return float(self.points[1, 0] - self.points[0, 0]) / self.outline.width

    def box(self) -> np.ndarray:
        """What is inked: (4,) left, bottom, right, top."""
        origin, unit = self.points[0, :2], self._unit
        return np.concatenate([origin + self.outline.low * unit, origin + self.outline.high * unit])


def label(text: str, size: float = BODY, rgb: Any = (1, 1, 1), bold: bool = False, **keys: Any) -> Line:
    """A line of text; the middle of its height is that of its capitals, so that labels in a row stand in a row."""
    return Line(_text(text, bold), text, size, rgb, **keys)


def formula(typst: str, size: float = BODY, rgb: Any = (1, 1, 1), **keys: Any) -> Line:
    """A formula in Typst's mathematics (``a^((1)) = sigma(z^((1)))``)."""
    return Line(_formula(typst), typst, size, rgb, **keys)


def text_width(text: str, size: float = BODY, bold: bool = False) -> float:
    """Width of a line of text in scene units."""
    return _text(text, bold).width * size * PX


def shorten(text: str, width: float, size: float = BODY) -> str:
    """Cut a text to `width` scene units, an ellipsis at its end where something was cut."""
    if text_width(text, size) <= width:
        return text
    return next(
        (t for n in range(len(text) - 1, 0, -1) if text_width(t := text[:n].rstrip() + "…", size) <= width), "…"
    )


@lru_cache(maxsize=4096)
def _text(text: str, bold: bool) -> Outline:
    font = FontProperties(fname=FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"))
    path = TextPath((0, 0), text.replace("$", r"\$"), size=1, prop=font)
    commands: list[tuple[str, np.ndarray]] = []
    last = np.zeros(2)
    for points, code in path.iter_segments(curves=True, simplify=False):
        if code == path.CURVE3:  # TrueType's curves have one control point, Cairo's two
            control, end = points[:2], points[2:]
            points = np.concatenate([last + (control - last) * 2 / 3, end + (control - end) * 2 / 3, end])
        name = {path.MOVETO: "move_to", path.LINETO: "line_to", path.CLOSEPOLY: "close_path"}.get(code, "curve_to")
        commands.append((name, points if name != "close_path" else np.zeros(0)))
        last = points[-2:]
    width = path.get_extents().x1 if len(path.vertices) else 0.3
    return Outline(commands, max(float(width), 0.01), CAP)


@lru_cache(maxsize=512)
def _formula(typst: str) -> Outline:
    drawn = MathTypst(typst, font_size=48)
    one = MathTypst("x", font_size=48).height / 0.431  # New Computer Modern's x is 0.431 em high
    low = drawn.get_critical_point([-1, -1, 0])[:2]
    commands: list[tuple[str, np.ndarray]] = []
    for part in drawn.family_members_with_points():
        for start, end in part.get_subpath_split_indices_from_points(part.points, n_dims=2):
            p = (part.points[int(start) : int(end), :2] - low) / one
            commands.append(("move_to", p[0]))
            commands += [("curve_to", p[i + 1 : i + 4].ravel()) for i in range(0, len(p) - 3, 4)]
            commands.append(("close_path", np.zeros(0)))
    return Outline(commands, drawn.width / one, drawn.height / one)
