"""Base class of the films on convolutional networks."""

from collections.abc import Sequence

from netcore.analysis.cnn_stages import Stage, cnn_stages, require_first
from netcore.analysis.followed_maps import follow_maps, residual_parts, shown_tiles
from netcore.analysis.normalization import map_scale_shift
from netcore.core.formatting import format_subset
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.components.cnn_wording import affine_terms, residual_terms
from netcore.viz.film.components.map_grid import TRAVEL, MapGrid
from netcore.viz.film.components.parameter_counter import ParameterCounter, derive_parameters
from netcore.viz.film.components.pool_window import PoolWindow
from netcore.viz.film.components.shortcut_arc import ShortcutArc, facing_points
from netcore.viz.film.components.sum_line import SumLine, Term
from netcore.viz.film.components.sums import format_fixed
from netcore.viz.film.components.trail import Trail
from netcore.viz.film.film import Film
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.layout.area import Area

GAP = 0.45  # between parts of the stage
ARROW_GAP = 1.3  # likewise, with an arrow and its label between them
STRIP, STRIP_GAP = 0.6, 0.1  # height of the row of thumbnails and counter, and the space below it


class MapFilm(Film):
    """A film that follows one map through a network; `open_maps` comes first.

    Attributes
    ----------
    max_units : int
        Maximum number of feature maps per layer; of more, three quarters as many are shown: those that vary most.
    max_blocks : int
        Maximum number of blocks after the first two convolutions; neighbours are joined if there are more.
    """

    max_units: int = 64
    max_blocks: int = 8

    def open_maps(self) -> None:
        """Read the network, choose what is followed, and lay out the stage."""
        self.trace: Trace = self.context.trace()
        self.grid: MapGrid  # what is read
        self.made: MapGrid  # one map that is being made
        self.found = cnn_stages(self.trace, self.max_blocks)
        require_first(self.found.stages)
        self.stages = self.found.stages
        self.path = follow_maps(self.trace, self.stages)
        strip, self.main = self.stage.rows([STRIP, self.stage.height - STRIP - STRIP_GAP], STRIP_GAP)
        self.trail = Trail(self.theme, strip.part(0, 0, 0.45, 1))
        self.counter = ParameterCounter(self.theme, strip.part(0.47, 0, 1, 1))
        self.sums = SumLine(self.theme, self.sum_line_box)
        self.leaving: list[Animate] = []  # of what is gone when the next step begins
        yellow = [*self.theme.rgb("emphasis"), 1.0]
        self.mark = Rectangles([[(0, 0), (0, 0)]], line=yellow, width=2.0, opacity=0.0, z_index=2)

    # ---- grids

    def make_grid(self, i: int, area: Area, index: Sequence[int] | None = None) -> MapGrid:
        """Make the maps of a stage, or those in `index`."""
        stage = self.stages[i]
        h, w = stage.size
        one = index is not None
        tiles = (
            list(index) if index is not None else shown_tiles(stage.values, self.path.units[i], self.max_units).tolist()
        )
        title = (
            f"map {tiles[0] + 1} of {stage.channels:,}: {h} × {w}"
            if one
            else f"{format_subset(len(tiles), stage.channels, 'map')} of {h} × {w}"
        )
        grid = MapGrid(self.theme, stage.values, area, tiles, title)
        grid.label = f"{stage.channels:,} maps of {h} × {w}"
        return grid

    def gather(self, made: MapGrid, grid: MapGrid, row: int, column: int) -> list[Animate]:
        """Move one map to its place in a grid, its yellow pixel with it; both have the scale of all maps."""
        return [
            *made.leave(keep_tiles=True),
            Animate(made.maps, points=grid.frames(grid.area)[:1].reshape(-1, 2), run_time=0.8),
            *self.point(grid, row, column),
        ]

    def retire(self) -> list[Animate]:
        """Let what is read leave, the followed map going to the row of what has passed."""
        return [*self.trail.add(self.grid.maps, self.grid.label), *self.grid.leave()]

    def pass_on(self, after: MapGrid, gone: Sequence[Animate] = ()) -> None:
        """Let what was made become what is read, when the next step begins."""
        self.leaving = [
            *self.trail.add(self.grid.maps, self.grid.label),
            *self.grid.leave(),
            *gone,
            *self.sums.change(),
        ]
        self.grid = after

    def take_leaving(self) -> list[Animate]:
        """Return what leaves at the beginning of a step."""
        gone, self.leaving = self.leaving, []
        return gone

    def widen(self, place: tuple[int, int] | None) -> None:
        """Give the maps the whole stage, and the value followed its mark."""
        moves = [] if self.grid.area == self.main else self.grid.move(self.main)
        mark = self.carry_mark(place)
        if moves or self.leaving:
            self.play(self.take_leaving(), moves, mark)

    # ---- stages in brief

    def play_brief(self, i: int, run_time: float) -> None:
        """Play a stage quickly: in place if the maps keep their size, else from the left to the right."""
        stage = self.stages[i]
        left, right = self.main.divide([1, 1], ARROW_GAP if stage.block.kind == "residual" else GAP)
        if stage.kind == "partial":
            grid = self.make_grid(i, self.main)
            assert self.path.partial is not None
            _, row, column = self.path.partial.place
            self.mark.points = self.made.pixel(row, column)
            self.play(self.take_leaving(), self.retire(), self.gather(self.made, grid, row, column))
            self.play(grid.appear(), grid.fill(run_time), self.made.leave())
            self.grid = grid
        elif stage.values.shape == stage.reads.shape and stage.kind in ("norm", "activation"):
            count = self.count(stage) if stage.parameters else []
            terms = self.norm_terms(i) if stage.kind == "norm" else []
            line = self.sums.change(*terms) if terms else []
            self.play(self.take_leaving(), self.grid.change(stage.values, run_time=run_time / 2), count, line)
        else:
            self.exchange(i, right, left, run_time)

    def exchange(self, i: int, area: Area, before: Area | None = None, run_time: float = 1.0) -> None:
        """Move what is read to an area, or let it leave; what is made of it fills another one."""
        stage, grid = self.stages[i], self.make_grid(i, area)
        arc: list[ShortcutArc] = []
        terms: list[Term] = []
        if stage.block.kind == "residual" and before:
            arc = [self.shortcut(i, before, area)]
            parts = residual_parts(self.trace, stage, self.path.units[i])
            terms = residual_terms(parts, bool(stage.block.shortcut))
        place = self.path.places[i] if stage.block.kind == "pooling" else None
        moves = self.grid.move(before, run_time / 2) if before else self.retire()
        window = PoolWindow(self.theme, stage, self.path.units[i], place, area) if place and before else None
        terms = window.terms() if window else terms
        self.play(self.take_leaving(), moves, self.hide_mark(), self.sums.change(*terms))
        mark = self.point(grid, *place) if place else []
        frame = [window.show_frame(self.grid)] if window else []
        self.play(grid.appear(), grid.fill(run_time), self.count(stage), [a.appear() for a in arc], mark, frame)
        if before:
            gone = [window.hide_frame()] if window else []
            self.pass_on(grid, [*gone, *(animation for a in arc for animation in a.leave())])
        else:
            self.grid = grid

    def shortcut(self, i: int, before: Area, area: Area) -> ShortcutArc:
        """Return the arrow from what a residual block reads: the maps at the left, or what has passed already."""
        start, end = facing_points(before, area)
        label = "+ input"
        if self.stages[i - 1].output not in self.stages[i].block.inputs and self.trail.pictures:
            start, end = self.trail.exit, area.at(0.5, 0.0)
            label = label if area.left >= before.right else ""
        return ShortcutArc(self.theme, start, end, label)

    # ---- the value followed

    def point(self, grid: MapGrid, row: int, column: int, run_time: float = TRAVEL) -> list[Animate]:
        """Mark a pixel of the followed map in yellow; the mark travels if it is on screen."""
        goal = grid.pixel(row, column)
        if self.mark.opacity == 0:
            return [Animate(self.mark, start={"points": goal, "opacity": 0.0}, opacity=1.0, run_time=0.3)]
        return [Animate(self.mark, points=goal, run_time=run_time)]

    def carry_mark(self, place: tuple[int, int] | None) -> list[Animate]:
        """Move the mark with the maps, or let it leave without a place."""
        return self.point(self.grid, *place, self.grid.travel_seconds) if place else self.hide_mark()

    def hide_mark(self) -> list[Animate]:
        """Let the mark leave."""
        return [Animate(self.mark, opacity=0.0, run_time=0.3)] if self.mark.opacity else []

    def values_at(self, i: int) -> tuple[str, str, str]:
        """Return the value followed before and after a stage, and how a caption shows both."""
        stage, unit, place = self.stages[i], self.path.units[i], self.path.places[i]
        if place is None or stage.reads.shape != stage.values.shape:
            return "", "", ""
        before, after = (format_fixed(float(v[(unit, *place)]), 2) for v in (stage.reads, stage.values))
        return before, after, ": {a} → {b}"

    def norm_terms(self, i: int) -> list[Term]:
        """Write what a normalization makes of the value followed as a product and a sum; nothing if it is not known."""
        stage, unit, place = self.stages[i], self.path.units[i], self.path.places[i]
        if place is None:
            return []
        affine = map_scale_shift(self.trace, self.trace[stage.output], unit)
        return affine_terms(affine, stage, (unit, *place))

    def count(self, stage: Stage) -> list[Animate]:
        """Add a stage's parameters to the counter, as a product where they are one."""
        text = ""
        if stage.kind in ("first", "partial"):
            text = derive_parameters(stage.block.main, stage.channels)
        elif stage.kind == "norm":
            n, rest = divmod(stage.parameters, stage.channels)
            text = f"{n} × {stage.channels:,}" if n > 1 and not rest else ""
        elif (
            not stage.block.children and stage.block.parameters == stage.parameters == stage.block.main.parameter_count
        ):
            text = derive_parameters(stage.block.main, stage.channels)
        return self.counter.add(stage.parameters, text)
