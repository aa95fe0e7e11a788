"""Small pictures of what has passed, in a row."""

import numpy as np
from numpy.typing import NDArray

from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.components.feature_maps import FeatureMaps
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.image_frames import axis_aligned_frame
from netcore.viz.theme import Theme

GAP = 0.14
LINE = 0.4  # height of a label
MIN_COLUMN = 1.25  # width of a column, if there is room
MAX_PICTURES = 6
MIN_PICTURE = 0.5  # side of a picture
TRAVEL = 0.8
WORDS = "passed so far"


class Trail:
    """Small copies of the maps that were followed.

    Parameters
    ----------
    theme : Theme
    box : Area
        Place of the row.
    """

    def __init__(self, theme: Theme, box: Area) -> None:
        self.theme, self.box = theme, box
        self.pictures: list[FeatureMaps] = []
        self.labels: list[str] = []
        self.words = text_line(WORDS, LABEL, theme.rgb("muted"), align=(-1, 0))

    @property
    def exit(self) -> tuple[float, float]:
        """Point below the last picture."""
        frame = self.frames()[-1][0]
        return float(frame[:2, 0].mean()), float(frame[2, 1]) - GAP / 2

    def add(self, source: FeatureMaps, label: str = "", run_time: float = TRAVEL) -> list[Animate]:
        """Let a copy of the first tile of a source travel to the end of the row; its label is for `spread`."""
        copy = FeatureMaps(
            source.rgb[0],
            source.corners()[:1],
            source.values[:1],
            source.vmax,
            outline=self.theme.rgb("faint"),
            z_index=1,
        )
        self.pictures.append(copy)
        self.labels.append(label)
        return [
            *(
                Animate(m, points=frame.reshape(-1, 2), run_time=run_time)
                for m, frame in zip(self.pictures, self.frames(), strict=True)
            ),
            *self._name(run_time),
        ]

    def _name(self, run_time: float) -> list[Animate]:
        """Let the words appear right of the row, as long as there is room."""
        left = float(self.frames()[-1][0][1, 0]) + GAP
        if left + self.words.width > self.box.right:
            return [Animate(self.words, opacity=0.0, run_time=0.3)] if len(self.pictures) > 1 else []
        goal = self.words.points + np.array([left - self.words.points[0, 0], 0.0, 0.0])
        goal[:, 1] += self.box.center[1] - goal[:, 1].mean()
        if len(self.pictures) == 1:
            self.words.points = goal
            return [Animate(self.words, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, delay=run_time)]
        return [Animate(self.words, points=goal, run_time=run_time)]

    def frames(self) -> list[NDArray[np.float64]]:
        """Frames (1, 3, 2) of all pictures in the row."""
        shapes = [m.size[1] / m.size[0] for m in self.pictures]
        height = min(self.box.height, (self.box.width - GAP * (len(shapes) - 1)) / sum(shapes))
        x, out = self.box.left, []
        for shape in shapes:
            out.append(axis_aligned_frame(x, self.box.center[1] - height / 2, shape * height, height))
            x += shape * height + GAP
        return out

    def spread(self, area: Area) -> list[Animate]:
        """Let the row fill an area: pictures at one common scale of size, their labels in two lines below."""
        chosen = self._chosen()
        gone = [m for k, m in enumerate(self.pictures) if k not in chosen]
        self.pictures, self.labels = [self.pictures[k] for k in chosen], [self.labels[k] for k in chosen]
        largest = max(max(m.size) for m in self.pictures)
        sides = np.array([max(m.size) for m in self.pictures]) / largest
        columns = area.columns(column_widths(sides, area.width, GAP), GAP)
        room = min(column.width / side for column, side in zip(columns, sides, strict=True))
        room = min(room, area.height - 2 * LINE)
        out = [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in [*gone, self.words]]
        for m, column, label in zip(self.pictures, columns, self.labels, strict=True):
            unit = max(room / largest, MIN_PICTURE / max(m.size))
            x, y = column.center[0], column.center[1] + LINE
            w, h = m.size[1] * unit, m.size[0] * unit
            frame = axis_aligned_frame(x - w / 2, y - h / 2, w, h)
            out.append(Animate(m, points=frame.reshape(-1, 2), run_time=TRAVEL))
            for k, text in enumerate(filter(None, label.split(" of ", 1))):
                at = (x, y - h / 2 - (k + 0.6) * LINE)
                line = text_line(
                    ellipsize_line(text, column.width + GAP / 2, LABEL), LABEL, self.theme.rgb("muted"), at=at
                )
                out.append(Animate(line, start={"opacity": 0.0}, opacity=1.0, run_time=0.3, delay=TRAVEL))
        return out

    def _chosen(self) -> list[int]:
        """Pictures for `spread`: the image, the last of each size, few enough for their labels."""
        sizes = [m.size for m in self.pictures]
        last = [k for k in range(1, len(sizes)) if k + 1 == len(sizes) or sizes[k + 1] != sizes[k]]
        keep = list(range(len(sizes))) if len(sizes) <= MAX_PICTURES else [0, *last]
        return keep if len(keep) <= MAX_PICTURES else [*keep[: MAX_PICTURES - 1], keep[-1]]


def column_widths(sides: NDArray[np.float64], length: float, gap: float) -> list[float]:
    """Return widths in proportion to `sides`, none below what a label needs as far as there is room."""
    room = length - gap * (len(sides) - 1)
    least = min(MIN_COLUMN, room / len(sides))
    low, high = 0.0, room / max(float(sides.min()), 1e-9)
    for _ in range(40):
        unit = (low + high) / 2
        low, high = (unit, high) if np.maximum(sides * unit, least).sum() < room else (low, unit)
    widths: list[float] = np.maximum(sides * low, least).tolist()
    return widths
