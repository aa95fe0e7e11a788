"""Columns of values from a vector to the classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.cnn_blocks import flattened_sources
from netcore.analysis.vector_head import VectorHead
from netcore.core.formatting import format_percent, format_subset, format_sum
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, NUMBER, PIXEL, ArrayMobject
from netcore.viz.film.components.color_scale import ColorScale
from netcore.viz.film.components.feature_maps import abs_max, map_rgb
from netcore.viz.film.components.head_wording import NOTE, edge_notes, lead_notes
from netcore.viz.film.components.map_grid import MapGrid, value_ends
from netcore.viz.film.components.neuron_columns import CircleStyle, NeuronColumns
from netcore.viz.film.components.sums import format_fixed
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import BarMobject
from netcore.viz.film.text import TextLine, ellipsize_line, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.edges import connect_all, edge_style
from netcore.viz.layout.grid_layout import pixel_frames
from netcore.viz.theme import Theme
from netcore.viz.wording import prediction_role

LINE = 0.36  # height of a line of text
NAMES, SCORE, BAR, GAP = 2.0, 1.0, 1.3, 0.2  # widths of what is right of the classes
STYLE = CircleStyle(radius=0.16, pitch=0.5, ring="faint", z_index=1)
MIN_PITCH = 0.26  # of neurons in a column
WEAK_ALPHA, WEAK_WIDTH = 0.3, 0.8  # of the weakest edges
HIDDEN = {"opacity": 0.0}


class VectorColumns(NeuronColumns):
    """Columns from left to right, classes with scores and bars at the right.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    head : VectorHead
    area : Area
    words : sequence of str
        What the units of each column are called: ``"values"``, ``"neurons"``, ``"classes"``.
    """

    def __init__(self, theme: Theme, trace: Trace, head: VectorHead, area: Area, words: list[str]) -> None:
        self.trace, self.head, self.area = trace, head, area
        inner = Area(area.left, area.bottom + 2 * LINE, area.right, area.top - 2 * LINE)
        index = head.index[-1]
        names = [ellipsize_line(trace.classes[k], NAMES, NUMBER) for k in index]
        name_width = max(line_width(name, NUMBER) for name in names)
        percents = [format_percent(p) for p in trace.probabilities[index]]
        room = max(line_width(text, NUMBER) for text in percents)
        scores = [format_fixed(float(z), 2) for z in trace.logits[index]]
        score_width = max(line_width(text, NUMBER) for text in scores)
        bar_right = area.right - room - GAP
        score_right = bar_right - BAR - GAP
        name_right = score_right - score_width - GAP
        last = name_right - name_width - GAP - STYLE.radius
        first = max(line_width(self._count(0), LABEL) / 2, 0.55)
        xs = np.linspace(area.left + first, last, len(head.index)) if len(head.index) > 1 else np.array([last])
        super().__init__(theme, head.index, [len(values) for values in head.values], xs, inner, STYLE)
        self.edges = [self._edges(k) for k in range(len(head.layers))]
        ink, muted, ground = (theme.rgb(role) for role in ("foreground", "muted", "background"))
        ys = self.centers(-1)[:, 1]
        self.names, self.scores, self.percents = (
            [text_line(t, NUMBER, ink, at=(x, y), align=(1, 0)) for t, y in zip(texts, ys, strict=True)]
            for texts, x in ((names, name_right), (scores, score_right), (percents, area.right))
        )
        self.others = self._others(bar_right - BAR)
        self.titles = self._titles(words, (score_right, bar_right))
        half = min(0.13, 0.3 * min(self.pitch(k) for k in range(len(xs))))
        low = np.column_stack([np.full(len(ys), bar_right - BAR), ys - half])
        self.bars = BarMobject(np.stack([low, low + np.array([BAR, 2 * half])], axis=1), 0.0, muted, ground)
        self.notes: list[TextLine] = []
        self.words = words
        self.shades: list[ArrayMobject] = []  # what the shades of the column filled last mean
        self.lead: list[ArrayMobject] = []  # lines and numbers of the lead

    def _others(self, left: float) -> list[TextLine]:
        """How many classes are not drawn, and their share, at the dots of the last column."""
        dots, index = self.dot_centers(-1), self.head.index[-1]
        if not len(dots):
            return []
        count, share = len(self.trace.classes) - len(index), 1.0 - float(self.trace.probabilities[index].sum())
        text, muted = f"{count:,} more: {format_percent(max(share, 0.0))}", self.theme.rgb("muted")
        text = ellipsize_line(text, self.area.right - self.xs[-1] - 2 * self.radius, LABEL)
        return [text_line(text, LABEL, muted, at=(self.area.right, float(dots[1, 1])), align=(1, 0))]

    def _count(self, k: int) -> str:
        return format_subset(len(self.head.index[k]), len(self.head.values[k]))

    def _titles(self, words: list[str], ends: tuple[float, float]) -> list[list[TextLine]]:
        """Two lines over each column: how many, and of what."""
        muted, y, out = self.theme.rgb("muted"), self.area.top - LINE / 2, []
        counts = [self._count(k) for k in range(len(self.xs))]
        if len(counts) > 1 and max(line_width(t, LABEL) for t in counts) + 0.15 > self.xs[1] - self.xs[0]:
            counts = [f"{len(values):,}" for values in self.head.values]
        for word, count, x in zip(words, counts, self.xs, strict=True):
            lines = (count, word)
            x = max(x, self.area.left + max(line_width(t, LABEL) for t in lines) / 2)
            out.append([text_line(t, LABEL, muted, at=(x, y - k * LINE)) for k, t in enumerate(lines)])
        out[-1].append(text_line("score", LABEL, muted, at=(ends[0], y - LINE), align=(1, 0)))
        return out

    def _explain(self, texts: Sequence[str]) -> list[Animate]:
        """Replace what is said about lines and dots, below the columns."""
        gone = [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in self.notes]
        muted, left, y = self.theme.rgb("muted"), self.area.left, self.area.bottom + 1.5 * LINE - 0.1
        self.notes = [
            text_line(ellipsize_line(t, self.area.width, LABEL), LABEL, muted, at=(left, y - k * LINE), align=(-1, 0))
            for k, t in enumerate(texts)
        ]
        return [*gone, *self._show(self.notes, delay=0.3 if gone else 0.0)]

    def _explain_shades(self, k: int, delay: float) -> list[Animate]:
        """Replace the colour scale with that of column `k`, to the right of the first note, if there is room."""
        gone = [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in self.shades]
        signed, top = bool((self.head.values[k] < 0).any()), abs_max(self.head.values[k])
        y = self.area.bottom + 1.5 * LINE - 0.1
        scale = ColorScale(self.theme, value_ends(top, signed), signed, (self.area.right, y))
        end = float(scale.low.points[:, 0].min()) - GAP
        word = text_line(self.words[k], LABEL, self.theme.rgb("muted"), at=(end, y), align=(1, 0))
        room = end - word.width - self.area.left
        self.shades = [word, *scale.mobjects] if room > line_width(NOTE, LABEL) + GAP else []
        return [*gone, *self._show(self.shades, delay=delay)]

    def _edges(self, k: int) -> Edges:
        """Edges between two columns, those of the dots last: (T · (S + 1),), grouped by target.

        Only those into the unit followed are seen.
        """
        values = self.head.edges(k)
        if self.dots[k] is not None:
            values = np.column_stack([values, self.head.rest(k)])
        starts, ends = connect_all(self.sources(k), self.centers(k + 1), self.radius + 2 * PIXEL)
        row, count = self._row(k + 1), values.shape[1]
        seen = slice(row * count, (row + 1) * count)
        rgba, widths = np.zeros((values.size, 4)), np.zeros(values.size)
        rgba[seen], widths[seen] = clear_edge_style(self.theme, values[row])
        return Edges(starts, ends, rgba, widths, values=values.ravel())

    def _row(self, k: int) -> int:
        """Place of the unit followed in column `k`."""
        return self.row(k, self.head.followed(k))

    def pixel_sources(self, grid: MapGrid, length: int) -> NDArray[np.float64]:
        """Frames (N, 3, 2) of the pixels that the drawn values of the vector come from; else whole tiles."""
        which, pixel = flattened_sources((max(grid.index) + 1, *grid.size), length, self.head.index[0])
        h, w = grid.size
        if length % (h * w) == 0 and (pixel < 0).all() and length // (h * w) >= len(grid.index):
            which, pixel = np.divmod(self.head.index[0], h * w)
        frames = grid.maps.corners()
        tile = {unit: k for k, unit in enumerate(grid.index)}
        rows = np.array([tile.get(int(unit), len(frames) - 1) for unit in which])
        return pixel_frames(frames, grid.size, rows, pixel)

    def shade(self, k: int) -> NDArray[np.float64]:
        """Colours (N, 3) of the drawn units of a column."""
        values = self.head.values[k]
        signed = bool((values < 0).any())
        self.columns[k].values = values[self.head.index[k]]
        return map_rgb(self.theme, self.columns[k].values, abs_max(values), signed)

    def unroll(self, grid: MapGrid, length: int, kept: int | None = None) -> list[Animate]:
        """Let the drawn values of the vector leave their maps and line up, the one followed with a yellow ring."""
        middle = self.pixel_sources(grid, length)
        start = (middle[:, 1] + middle[:, 2]) / 2
        half = np.linalg.norm(middle[:, 1] - middle[:, 0], axis=1).min() / 2
        column, colors = self.columns[0], self.shade(0)
        column.fill = colors
        if kept is not None:
            column.ring[self.row(0, kept)] = self.theme.rgb("emphasis")
        points = np.stack([start - half, start + half], axis=1).reshape(-1, 2)
        goal = column.points.copy()
        return [
            Animate(column, start={"points": points}, points=goal, lag_ratio=0.6, run_time=1.4),
            *self._show([*self.titles[0], *self._dots(0), *self._later()], delay=1.0),
        ]

    def _later(self) -> list[ArrayMobject]:
        """Columns that are computed next, empty, with what they are."""
        found: list[ArrayMobject] = [*self.columns[1:], *self.names]
        for k in range(1, len(self.columns)):
            found += [*self.titles[k][:2], *self._dots(k)]
        return found

    def connect(self, k: int, run_time: float = 1.0) -> list[Animate]:
        """Let edges grow from column `k` to the next, which is filled."""
        target = k + 1
        colors, last = self.shade(target), target == len(self.columns) - 1
        self.columns[target].fill = np.broadcast_to(self.theme.rgb("background"), colors.shape).copy()
        more = [*self.scores, *self.titles[-1][2:]] if last else []
        ring = np.broadcast_to(self.theme.rgb("faint"), colors.shape).copy()
        ring[self._row(target)] = self.theme.rgb("emphasis")
        edges = self.edges[k]
        values = edges.values.reshape(len(colors), -1)[self._row(target)]
        rest = float(values[-1]) if self.dots[k] is not None else None
        past = [Animate(e, opacity=0.0, run_time=0.3) for e in self.edges[:k]]
        return [
            *past,
            Animate(edges, start={"progress": 0.0}, progress=1.0, run_time=run_time),
            Animate(self.columns[target], ring=ring, run_time=0.3),
            Animate(self.columns[target], fill=colors, run_time=0.5, delay=run_time - 0.2),
            *self._show(more, delay=run_time - 0.1),
            *self._explain_shades(target, run_time),
            *self._explain(edge_notes(self.head, target, float(np.abs(values).max()), float(values.sum()), rest)),
        ]

    def show_scores(self) -> list[Animate]:
        """Let the classes appear where the vector holds the scores."""
        self.columns[0].fill = self.shade(0)
        return self._show([self.columns[0], *self.titles[0], *self._dots(0), *self.names, *self.scores])

    def to_shares(self) -> list[Animate]:
        """Let bars grow to the probabilities; the answer takes the colour of the verdict."""
        index = self.head.index[-1]
        row = int(np.flatnonzero(index == self.head.answer)[0])
        role = prediction_role(self.head.answer, self.trace.label)
        fill = self.bars.fill.copy()
        fill[row] = self.theme.rgb(role)
        colored = [self.names[row], self.percents[row]]
        return [
            Animate(self.bars, start={"opacity": 1.0}, values=self.trace.probabilities[index], fill=fill, run_time=0.8),
            *self._show([*self.percents, *self.others], delay=0.5),
            *(Animate(m, rgb=self.theme.rgb(role), run_time=0.3, delay=0.9) for m in colored),
        ]

    def show_lead(self, names: Sequence[str]) -> list[Animate]:
        """Let lines show what each unit adds to the lead of the answer, with numbers where there is room.

        Parameters
        ----------
        names : (str, str)
            Of the answer and of the class compared with.
        """
        if not self.edges:
            return []
        k, head = len(self.edges) - 1, self.head
        parts = head.difference[0][head.index[k]]
        rest = head.lead - float(parts.sum()) if self.dots[k] is not None else None
        values = parts if rest is None else np.append(parts, rest)
        texts = (
            [format_fixed(float(v), 2) for v in parts] if rest is None else format_sum(parts.tolist(), rest, 2, 3)[0]
        )
        goal = self.centers(-1)[[self._row(k + 1)]]
        starts, ends = connect_all(self.sources(k), goal, self.radius + 2 * PIXEL)
        self.difference = Edges(starts, ends, *clear_edge_style(self.theme, values), values=values)
        self.lead = [self.difference, *self._part_names(k, texts)]
        # numbers take the place of the column before
        past = [self.columns[0], *self.titles[0], *self._dots(0)] if k and self.lead[1:] else []
        return [
            *(Animate(e, opacity=0.0, run_time=0.3) for e in [*self.edges, *past, *self.shades]),
            Animate(self.difference, start={"progress": 0.0}, progress=1.0, run_time=0.8, delay=0.3),
            *self._show(self.lead[1:], delay=0.6),
            *self._explain(lead_notes(head, names, float(np.abs(values).max()), None if rest is None else texts[-1])),
        ]

    def _part_names(self, k: int, texts: Sequence[str]) -> list[ArrayMobject]:
        """What each line of the lead carries, left of its unit; nothing where there is no room."""
        names = [f"{unit + 1}:" for unit in self.head.index[k]] + ["rest:"] * (self.dots[k] is not None)
        is_negative = [text.startswith("−") for text in texts]
        texts = [f"{name} {'' if n else '+'}{t}" for name, n, t in zip(names, is_negative, texts, strict=True)]
        room = self.xs[k] - (self.xs[k - 1] if k else self.area.left - self.radius) - 2 * self.radius
        pitch = min(np.diff(np.sort(self.sources(k)[:, 1])), default=1.0)
        if max(line_width(t, LABEL) for t in texts) + 0.15 > room or pitch < LABEL * PIXEL:
            return []
        roles = ["negative" if n else "positive" for n in is_negative]
        return [
            text_line(t, LABEL, self.theme.rgb(role), at=(x - self.radius - 0.1, y), align=(1, 0))
            for t, role, (x, y) in zip(texts, roles, self.sources(k), strict=True)
        ]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Everything."""
        titles = [line for lines in self.titles for line in lines]
        dots = [d for d in self.dots if d is not None]
        texts = [*self.names, *self.scores, *self.percents, *self.others, *titles, *self.notes, *self.shades]
        return [*self.columns, *dots, *self.edges, *texts, *self.lead, self.bars]

    def leave(self, keep_bars: bool = False) -> list[Animate]:
        """Let everything leave; with `keep_bars` the classes' names, scores and bars stay."""
        stay = (
            {id(m) for m in (self.bars, *self.names, *self.scores, *self.percents, *self.others, *self.titles[-1][2:])}
            if keep_bars
            else set()
        )
        gone = [m for m in self.mobjects if id(m) not in stay]
        return [Animate(m, opacity=0.0, run_time=0.3, remover=True) for m in gone]

    def _dots(self, k: int) -> list[ArrayMobject]:
        dots = self.dots[k]
        return [dots] if dots is not None else []

    def _show(self, mobjects: list, delay: float = 0.0) -> list[Animate]:
        return [Animate(m, start=HIDDEN, opacity=1.0, run_time=0.3, delay=delay) for m in mobjects]


def clear_edge_style(theme: Theme, values: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return colours (N, 4) by sign and widths (N,) by share of the largest; weak ones stay visible, zeros do not."""
    rgba, widths = edge_style(theme, values)
    rgba[:, 3] = np.where(values == 0, 0.0, np.maximum(rgba[:, 3], WEAK_ALPHA))
    return rgba, np.maximum(widths, WEAK_WIDTH)


def units_that_fit(area: Area, most: int) -> int:
    """Return how many units a column in an area holds, at most `most`."""
    return max(3, min(most, int((area.height - 4 * LINE) / MIN_PITCH) - 1))
