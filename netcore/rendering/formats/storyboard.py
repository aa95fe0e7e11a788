"""Storyboard of a film: the last frames of its steps, with captions."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netcore.rendering.formats import Format
from netcore.rendering.frame_writer import Clip, Frame, FrameWriter
from netcore.viz.theme import FONT

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

MARGIN, GAP, INDENT = 32, 24, 28
TEXT, LINE, HEAD, HEAD_LINE = 16, 22, 24, 48  # font sizes and line heights in pixels
MAX_WIDTH, MIN_CELL = 1920, 240
RATIO = 16 / 9  # wanted of the whole


@dataclass(frozen=True)
class Grid:
    """Places of the frames of a storyboard, in pixels.

    Attributes
    ----------
    columns : int
    cell : tuple of int
        Width and height of a frame.
    text : int
        Height of the text under a frame.
    """

    columns: int
    cell: tuple[int, int]
    text: int = 2 * LINE

    def corner(self, k: int) -> tuple[int, int]:
        """Return left and top of frame `k`."""
        row, column = divmod(k, self.columns)
        width, height = self.cell
        return MARGIN + column * (width + GAP), MARGIN + HEAD_LINE + row * (height + self.text + GAP)

    def size(self, count: int) -> tuple[int, int]:
        """Return width and height of a storyboard of `count` frames."""
        _, top = self.corner(count - 1)
        width = MARGIN * 2 + self.columns * (self.cell[0] + GAP) - GAP
        return width, top + self.cell[1] + self.text + MARGIN


def choose_grid(count: int, size: tuple[int, int]) -> Grid:
    """Choose the columns for `count` frames of `size` pixels: the whole is about 16:9, with few empty places.

    Examples
    --------
    >>> choose_grid(9, (854, 480)).columns
    3
    """

    def grid(columns: int) -> Grid:
        width = min(size[0], (MAX_WIDTH - 2 * MARGIN + GAP) // columns - GAP)
        return Grid(columns, (width, round(width * size[1] / size[0])))

    def misfit(each: Grid) -> float:
        width, height = each.size(count)
        return abs(math.log(width / height / RATIO)) + -count % each.columns / count  # the share of empty places

    widest = max(1, (MAX_WIDTH - 2 * MARGIN + GAP) // (MIN_CELL + GAP))
    return min((grid(columns) for columns in range(1, min(count, widest) + 1)), key=misfit)


def wrap_text(text: str, font: "FreeTypeFont", width: float) -> list[str]:
    """Break text into lines of at most `width` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


class StoryboardWriter(FrameWriter):
    """Keep the last frame of each step, and draw them at the end."""

    def __init__(self, path: Path, clip: Clip) -> None:
        super().__init__(path, clip)
        self._frames: list[Frame] = []
        self._count = 0

    def add(self, rgb: Frame, repeat: int) -> None:
        """Keep the frame if a step ends with it."""
        self._count += repeat
        while len(self._frames) < len(self.clip.steps) and self.clip.steps[len(self._frames)].end <= self._count:
            self._frames.append(rgb)
        self._last = rgb

    def finish(self) -> Iterator[None]:
        """Write the PNG."""
        steps = self.clip.steps_of(self._count)
        frames = [*self._frames, *[self._last] * (len(steps) - len(self._frames))]
        image = draw_storyboard(self.clip, [step.caption for step in steps], frames)
        self.size = image.size
        image.save(self.path, format="PNG", compress_level=9)
        yield


def draw_storyboard(clip: Clip, captions: Sequence[str], frames: Sequence[Frame]) -> "Image":
    """Draw the storyboard of a clip: frames and their captions."""
    from PIL import Image, ImageDraw

    grid = choose_grid(len(frames), (clip.width, clip.height))
    text, head = _font(TEXT), _font(HEAD)
    wrapped = [wrap_text(caption, text, grid.cell[0] - INDENT) for caption in captions]
    grid = Grid(grid.columns, grid.cell, LINE * max(map(len, wrapped)) + LINE // 2)
    ground = (0, 0, 0, 0) if clip.transparent else clip.theme.background
    image = Image.new("RGBA" if clip.transparent else "RGB", grid.size(len(frames)), ground)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, MARGIN), _fitted(clip.title, head, image.width - 2 * MARGIN), clip.theme.foreground, head)
    for k, (frame, lines) in enumerate(zip(frames, wrapped, strict=True)):
        (left, top), (width, height) = grid.corner(k), grid.cell
        image.paste(Image.fromarray(frame).resize(grid.cell, Image.Resampling.LANCZOS), (left, top))
        pen.rectangle((left - 1, top - 1, left + width, top + height), outline=clip.theme.faint)
        pen.text((left, top + height + LINE // 4), str(k + 1), clip.theme.muted, text)
        for n, line in enumerate(lines):
            pen.text((left + INDENT, top + height + LINE // 4 + n * LINE), line, clip.theme.foreground, text)
    return image


def _fitted(text: str, font: "FreeTypeFont", width: float) -> str:
    while text and font.getlength(text) > width:
        text = text[:-2].rstrip() + "…"
    return text


def _font(size: int) -> "FreeTypeFont":
    import matplotlib
    from PIL import ImageFont

    file = Path(matplotlib.get_data_path(), "fonts", "ttf", f"{FONT.replace(' ', '')}.ttf")
    return ImageFont.truetype(file, size)


FORMAT = Format(
    "storyboard",
    "image/png",
    "a storyboard",
    ending="-storyboard.png",
    transparent=True,
    stepped=True,
    option="storyboard",
    option_help="Also write the last frame of each step of a film with its caption, in a PNG.",
    writer=StoryboardWriter,
)
