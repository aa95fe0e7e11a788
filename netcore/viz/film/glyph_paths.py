"""Outlines of text and formulas, made once and kept.

Text is set in the DejaVu files that Matplotlib brings along, so that it looks alike on every machine; formulas are set
by Typst, which brings its own fonts. Nothing needs LaTeX, a system font, or a file.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cairo
import matplotlib
import numpy as np
import typst
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path as Path2D
from matplotlib.textpath import text_to_path

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
CAP = 0.729  # height of DejaVu's capitals, in ems: what "the middle of a line" is measured by
EM = 1000  # Cairo keeps paths in 1/256 units: outlines are made large and scaled down
POINTS = 10  # size that formulas are set at
PAGE = "#set page(width: auto, height: auto, margin: 1pt, fill: none)\n#set text(size: 10pt)\n$ {} $"

Commands = list[tuple[str, tuple[float, ...]]]  # names of Cairo's path methods, with their arguments


class GlyphPath:
    """A filled shape and the box that it is placed by: width and height in ems, what hangs below the box included.

    `low`, `high` are the corners (2,) of what is inked.
    """

    def __init__(self, commands: Commands, width: float, height: float) -> None:
        ctx = cairo.Context(cairo.RecordingSurface(cairo.CONTENT_ALPHA, None))
        for name, numbers in commands:
            getattr(ctx, name)(*(n * EM for n in numbers))
        self.path = ctx.copy_path()
        x0, y0, x1, y1 = ctx.path_extents()
        self.low, self.high = np.array([x0, y0]) / EM, np.array([x1, y1]) / EM
        self.width, self.height = width, height

    def __deepcopy__(self, memo: Any) -> "GlyphPath":
        return self  # it never changes, and Cairo's paths cannot be copied


@lru_cache(maxsize=4096)
def text_path(text: str, bold: bool = False) -> GlyphPath:
    """A line of text, its baseline at 0, its box as high as a capital."""
    font = FontProperties(fname=FONTS / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size=EM)
    points, codes = text_to_path.get_text_path(font, text, ismath=False)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    commands: Commands = []
    todo: list[float] = []
    last = (0.0, 0.0)
    em = text_to_path.FONT_SCALE
    for (x, y), code in zip((np.asarray(points) / em).tolist(), list(codes), strict=True):
        todo += [x, y]
        if code == Path2D.CLOSEPOLY:
            commands.append(("close_path", ()))
        elif code == Path2D.MOVETO or code == Path2D.LINETO:
            commands.append(("move_to" if code == Path2D.MOVETO else "line_to", (x, y)))
        elif len(todo) < (4 if code == Path2D.CURVE3 else 6):
            continue
        elif code == Path2D.CURVE3:  # TrueType's curves have one control point, Cairo's two
            (x0, y0), (x1, y1) = last, todo[:2]
            thirds = (x0 + 2 * (x1 - x0) / 3, y0 + 2 * (y1 - y0) / 3, x + 2 * (x1 - x) / 3, y + 2 * (y1 - y) / 3)
            commands.append(("curve_to", (*thirds, x, y)))
        else:
            commands.append(("curve_to", tuple(todo)))
        todo, last = [], (x, y)
    return GlyphPath(commands, max(width / EM, 0.01), CAP)


@lru_cache(maxsize=512)
def formula_path(source: str) -> GlyphPath:
    """A formula in Typst's mathematics; its box is what is inked."""
    page = ElementTree.fromstring(typst.compile(PAGE.format(source).encode(), format="svg"))
    shapes = {node.get("id"): node for node in page.iter() if node.tag.endswith("symbol")}
    commands = [
        (
            name,
            tuple(
                (
                    np.array([matrix @ (x, y, 1) for x, y in zip(xy[::2], xy[1::2], strict=True)]).ravel() / POINTS
                ).tolist()
            ),
        )
        for data, matrix in _shapes(page, np.diag([1.0, -1.0, 1.0])[:2], shapes)
        for name, xy in _path(data)
    ]
    rough = GlyphPath(commands, 1, 1)
    shift = rough.low
    moved = [(name, tuple((np.reshape(xy, (-1, 2)) - shift).ravel().tolist())) for name, xy in commands]
    width, height = rough.high - rough.low
    return GlyphPath(moved, float(width), float(height))


def _shapes(node: Any, matrix: np.ndarray, symbols: dict[Any, Any]) -> Iterator[tuple[str, np.ndarray]]:
    """Path data and (2, 3) matrix of every shape below an SVG node."""
    for child in node:
        tag = child.tag.rsplit("}")[-1]
        own = _compose(matrix, child.get("transform", ""))
        if tag == "use":
            name = next(v for k, v in child.attrib.items() if k.endswith("href"))[1:]
            at = f"translate({child.get('x', 0)} {child.get('y', 0)})"
            yield from _shapes(symbols[name], _compose(own, at), symbols)
        elif tag == "path":
            stroke = child.get("stroke", "none") != "none"
            yield _bar(child) if stroke else child.get("d"), own
        elif tag == "g":
            yield from _shapes(child, own, symbols)


def _compose(matrix: np.ndarray, transform: str) -> np.ndarray:
    """`matrix` after one SVG ``translate`` or ``matrix``."""
    numbers = [float(n) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", transform)]
    if not numbers:
        return matrix
    a, b, c, d, e, f = numbers if transform.startswith("matrix") else (1, 0, 0, 1, numbers[0], ([*numbers, 0])[1])
    full = np.array([[a, c, e], [b, d, f], [0, 0, 1]])
    return matrix @ full


def _bar(path: Any) -> str:
    """The rectangle that a stroked straight line (of a fraction, of a root) covers, as path data."""
    (_, (x0, y0)), (_, (x1, y1)) = list(_path(path.get("d")))[:2]
    way = np.array([x1 - x0, y1 - y0])
    dx, dy = np.array([-way[1], way[0]]) / max(np.hypot(*way), 1e-9) * float(path.get("stroke-width", 1)) / 2
    return f"M {x0 - dx} {y0 - dy} L {x1 - dx} {y1 - dy} L {x1 + dx} {y1 + dy} L {x0 + dx} {y0 + dy} Z"


def _path(data: str) -> Iterator[tuple[str, tuple[float, ...]]]:
    """SVG path data as Cairo's commands, all absolute; the arcs that SVG has too do not occur in type."""
    # svgelements' Path takes 12.3 ms a formula where this takes 6.6, its whole parser 17.7 (two cores, medians of 5)
    x = y = 0.0
    start = (x, y)
    for letter, rest in re.findall(r"([MLHVCQZ])([^MLHVCQZ]*)", data, re.IGNORECASE):
        n = [float(v) for v in re.findall(r"-?\d*\.?\d+(?:e-?\d+)?", rest)]
        kind, relative = letter.upper(), letter.islower()
        if kind == "Z":
            yield "close_path", ()
            x, y = start
            continue
        size = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4}[kind]
        for i in range(0, len(n), size):
            part = n[i : i + size]
            if kind in "HV":
                base = (x if kind == "H" else y) * relative
                part = [part[0] + base, y] if kind == "H" else [x, part[0] + base]
            elif relative:
                part = [v + (y if k % 2 else x) for k, v in enumerate(part)]
            if kind == "Q":
                (a, b), (u, v) = part[:2], part[2:]
                part = [x + 2 * (a - x) / 3, y + 2 * (b - y) / 3, u + 2 * (a - u) / 3, v + 2 * (b - v) / 3, u, v]
            x, y = part[-2:]
            if kind == "M" and i == 0:
                start = (x, y)
                yield "move_to", (x, y)
            else:
                yield ("curve_to" if kind in "CQ" else "line_to"), tuple(part)
