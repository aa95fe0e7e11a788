"""Steps of films about the feature maps of one layer."""

import numpy as np
from manim import linear

from netcore.analysis.convolution import OutputTerms, output_terms
from netcore.analysis.map_layers import MapLayer, pooled_values
from netcore.analysis.map_maxima import largest_values
from netcore.core.formatting import format_count, format_number, format_sum
from netcore.core.trace import Trace
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.cnn_wording import spell
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.function_terms import after_sum, function_terms
from netcore.viz.film.components.map_screen import LINE, NUMBER_ROOM, MapScreen, dead_note, map_limit
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.components.sum_terms import partial_terms, window_terms
from netcore.viz.film.components.tiles import Tiles, ring, row_numbers, tile_frames, value_cells
from netcore.viz.film.components.value_edges import value_edges
from netcore.viz.film.film import Film
from netcore.viz.film.text import TextLine, text_line
from netcore.viz.layout.area import Area

WINDOWS = 3  # strongest places of a map that are opened
MAX_COLORS = 4  # input maps of a layer that reads the image
EFFECTS = {"BN": "batch norm rescales", "ReLU": "ReLU makes negatives 0"}
COLORS = "(blue above 0, orange below)"
DIMMED = 0.35  # share of its contrast that a tile keeps where lines cross it
MAX_POOLING = 4  # side of a pooling window that is shown in numbers
Spot = tuple[OutputTerms, int, int]  # a window, and row and column of its value


class LayerFilm(Film):
    """A film that shows layers of feature maps one at a time; subclasses call `begin` first."""

    def begin(self, trace: Trace, layers: list[str]) -> None:
        """Make the screen for an image; `layers` are the titles of the layers that the film passes."""
        self.trace = trace
        pixel = self.width / self.cairo_camera.pixel_width
        self.screen = MapScreen(self.theme, self.stage, trace.pixels, layers if len(layers) > 2 else (), pixel)
        self.left, self.right = self.screen.body.columns([0.42, 0.58], 0.4)
        self.line = SumLine(self.theme, self.sum_line_box)
        self.big: Tiles | None = None  # the followed map, large

    # ---- one map

    def one_map(self, layer: MapLayer) -> None:
        """The kernel in the rail; the map grows row by row; one window is one pixel; the largest values."""
        screen, terms = self.screen, layer.terms
        if terms is None or len(terms.channels) > MAX_COLORS:
            text = "{title} reads the image" if layer.block.inputs == ("input",) else "From the image to {title}"
            with self.step(text, name="one-map", title=capital(layer)):
                self.play(screen.image_to_rail())
            return
        with self.step("Map {u}: one kernel over the whole image", name="one-map", u=layer.unit + 1):
            self.play(screen.image_to_rail())
            kernel = terms.weights.mean(0)
            title = f"kernel {layer.unit + 1}" + (", mean of colors" if len(terms.weights) > 1 else "")
            later = len(layer.steps) > 1  # the map shows the sums alone up to the step about the functions
            values = (self.trace[layer.block.main.node].output if later else layer.values)[[layer.unit]]
            limit, signed = map_limit(values)
            self.big = screen.make_tiles(values, limit, self.right)
            self.play(
                screen.show_detail(title, kernel, np.abs(kernel).max(), True),
                screen.head(layer.block.title, name_map(layer) + ": sums" * later, 0),
                screen.scale(limit, signed),
            )
            self.play(
                Animate(self.big, start={"progress": 0.0, "opacity": 1.0}, progress=1.0, run_time=1.5, rate_func=linear)
            )
            products = terms.products.sum(0)
            texts, total = format_sum([*products.ravel(), terms.bias])
            marks = self.rings(layer, [(terms, layer.row, layer.column)])
            area = Area(self.left.left, self.left.bottom, self.left.right, self.left.top - LINE)
            marks += [
                self.label(f"kernel × pixel: {products.size:,} products", area.fit(*products.shape[::-1])),
                value_cells(self.theme, products, area, np.abs(products).max(), True, texts[:-1]),
            ]
            words = *window_terms(layer, texts, total), (COLORS, "muted")
            self.play(fade_in(marks), self.line.change(*words, delay=0.3))
            screen.marks = marks
        self.functions(layer)
        self.windows(layer)

    def functions(self, layer: MapLayer) -> None:
        """What the functions after the convolution make of the sum, each in a plain clause."""
        if len(layer.steps) < 2:
            return
        words = [EFFECTS.get(term, f"then {spell(term)}") for term, _ in layer.steps[1:]]
        text = ", ".join(words)
        with self.step("{text}", name="functions", text=text[:1].upper() + text[1:]):
            assert self.big is not None
            limit, signed = map_limit(layer.values)
            after = self.screen.make_tiles(layer.values[[layer.unit]], limit, self.right)
            head = self.screen.head(layer.block.title, f"{name_map(layer)} after {spell(layer.steps[-1][0])}", 0)
            self.play(
                self.line.change(*function_terms(self.trace, layer)), head, self.screen.scale(limit, signed),
                Animate(self.big, rgb=after.rgb, values=after.values, run_time=0.6),
            )  # fmt: skip

    def windows(self, layer: MapLayer) -> None:
        """The windows over which the map is largest, beside each other."""
        main = self.trace[layer.block.main.node]
        assert layer.terms is not None
        x, size = self.trace.input_of(main), max(layer.terms.weights.shape[1:])
        places = largest_values(layer.values[layer.unit], WINDOWS, size)
        if len(places) < WINDOWS:
            return
        found = [(output_terms(main, x, layer.unit, *place), *place) for place in places]
        values = [format_number(float(layer.values[layer.unit][place])) for place in places]
        with self.step("Map {u} is largest over these {n} windows", name="windows", u=layer.unit + 1, n=len(places)):
            marks, limit = self.rings(layer, found), float(np.abs(x).max()) or 1.0
            for (terms, *_), area, value in zip(found, self.left.rows([1] * WINDOWS, 0.2), values, strict=True):
                cells, word = area.columns([0.6, 0.4], 0.2)
                marks.append(value_cells(self.theme, terms.inputs.mean(0), cells, limit, bool((x < 0).any())))
                at = (word.left, word.center[1])
                marks.append(text_line(value, LABEL, self.theme.rgb("foreground"), at=at, align=(-1, 0)))
            chosen = f"largest values at least {size} pixels apart;"
            words = self.line.change(chosen, "beside each window: the map's value")
            self.play(fade_out(self.screen.marks), words)
            self.play(fade_in(marks))
            self.screen.marks = marks

    def rings(self, layer: MapLayer, spots: list[Spot]) -> list[ArrayMobject]:
        """Rings of windows in the image and of their values in the large map."""
        assert self.big is not None
        image, big = self.screen.image.corners()[0], self.big.corners()[0]
        out: list[ArrayMobject] = [
            ring(self.theme, image, self.screen.size, terms.rows, terms.columns) for terms, _, _ in spots
        ]
        out += [ring(self.theme, big, layer.size, [row], [column]) for _, row, column in spots]
        return out

    def label(self, text: str, area: Area) -> TextLine:
        """Write a muted text above an area."""
        at = (area.center[0], area.top + LINE / 2)
        return text_line(text, LABEL, self.theme.rgb("muted"), at=at)

    # ---- all maps

    def all_maps(self, layer: MapLayer, k: int) -> None:
        """The followed map goes to its place, the others appear."""
        screen, block = self.screen, layer.block
        limit, signed = map_limit(layer.values)
        shown = layer.values[layer.chosen]
        which = (
            f"All {len(layer.values)}" if len(shown) == len(layer.values) else f"{len(shown)} of {len(layer.values):,}"
        )
        low = format_number(-limit if signed else 0.0)
        ground = without_ink(self.trace, layer)
        with self.step("{which} maps of {title}: {low} to {high}", name=f"maps-{k + 1}", which=which,
                       title=cut(block.title), low=low, high=limit):  # fmt: skip
            tiles = screen.make_tiles(shown, limit)
            goal = tiles.corners()[layer.position]
            moves = [screen.clear(), screen.clear_detail(), self.line.change(*ground)]
            if self.big is not None:
                moves.append(travel(self.big, goal))
            note = ", ".join(filter(None, ["number: first map of its row", dead_note(shown)]))
            size = f"maps of {layer.size[0]} × {layer.size[1]}, ringed: map {layer.unit + 1}"
            self.play(*moves, screen.head(block.title, size, k), screen.scale(limit, signed, note))
            order = [*screen.hatch(tiles), ring(self.theme, goal)]
            order += row_numbers(self.theme, tiles.corners(), layer.chosen)
            self.play(
                fade_in([tiles], run_time=0.6),
                fade_in(order, delay=0.5),
                fade_out([self.big]) if self.big is not None else [],
            )
            self.big, screen.tiles, screen.dead = None, tiles, order

    def pooling(self, before: MapLayer, layer: MapLayer, k: int) -> None:
        """The same tiles, fewer and larger pixels; one window in the rail."""
        screen, (a, b), (c, d) = self.screen, before.size, layer.size
        limit, signed = map_limit(layer.values)
        title = f"maps-{k + 1}"
        with self.step("{title}: {a} × {b} → {c} × {d}", name=title, title=capital(layer), a=a, b=b, c=c, d=d):
            old, screen.tiles = screen.tiles, screen.make_tiles(layer.values[layer.chosen], limit)
            assert old is not None
            screen.tiles.points = old.points.copy()
            moves = [
                screen.head(layer.block.title, "drawn as large as before", k),
                fade_in([screen.tiles], run_time=0.6),
            ]
            window, note = layer.block.window, f"ringed: map {layer.unit + 1}"
            if window is not None and max(window.reach) <= MAX_POOLING:
                values = pooled_values(before, layer)
                texts = [format_number(float(v)) for v in values.ravel()]
                word = "largest" if "Max" in layer.block.main.kind else "mean"
                moves.append(
                    screen.show_detail(f"a window of map {layer.unit + 1}", values, limit, signed, texts=texts)
                )
                result = format_number(float(layer.values[layer.unit, layer.row, layer.column]))
                moves.append(self.line.change(f"{word} of {', '.join(texts)} =", result))
                note += f", in it the {word} of this window"
                place = screen.tiles.corners()[layer.position]
                screen.marks = [ring(self.theme, place, layer.size, [layer.row], [layer.column], width=1.5)]
                moves.append(fade_in(screen.marks, delay=0.6))
            self.play(*moves, screen.scale(limit, signed, note))
            self.remove(old)

    def read_maps(self, before: MapLayer, layer: MapLayer, k: int) -> None:
        """One value of the next layer: what it adds up from all maps before it."""
        screen, terms = self.screen, layer.terms
        assert terms is not None
        assert screen.tiles is not None
        limit, signed = map_limit(layer.values)
        self.big = screen.make_tiles(layer.values[[layer.unit]], limit, self.right)
        left = Area(self.left.left + NUMBER_ROOM, self.left.bottom, self.left.right, self.left.top)
        small = tile_frames(left, len(before.chosen), before.size, pixel=screen.pixel)
        few = len(terms.channels) < len(before.values)
        reads = f"{len(terms.channels):,} of {len(before.values):,}" if few else f"all {len(before.values):,}"
        which = [int(np.flatnonzero(terms.channels == c)[0]) for c in layer.sources]
        with self.step("{title}: each map reads {n} maps", name=f"reads-{k + 1}", title=capital(layer), n=reads):
            note = f"left: {before.block.title}; lines: largest parts of the sum"
            self.play(
                fade_out(screen.marks + screen.dead), travel(screen.tiles, small), self.line.change(),
                screen.head(layer.block.title, name_map(layer), k),
                screen.scale(limit, signed, note), fade_in([self.big], delay=0.5),
            )  # fmt: skip
            sources = [int(np.flatnonzero(before.chosen == c)[0]) for c in layer.sources]
            frames, ground = small[sources], np.asarray(self.theme.rgb("background"))
            rgb = ground + DIMMED * (screen.tiles.rgb - ground)
            rgb[sources] = screen.tiles.rgb[sources]
            value = ring(self.theme, self.big.corners()[0], layer.size, [layer.row], [layer.column])
            numbers: list[ArrayMobject] = [*row_numbers(self.theme, small, before.chosen)]
            numbers.append(ring(self.theme, frames[0], before.size, terms.rows, terms.columns, width=1.5))
            edges = value_edges(self.theme, frames, value, terms.partial_sums[which])
            kernel = terms.weights[which[0]]
            title = f"kernel {layer.unit + 1} for map {layer.sources[0] + 1}"
            self.play(
                screen.show_detail(title, kernel, np.abs(kernel).max(), True), fade_in([value, *edges, *numbers]),
                self.line.change(*partial_terms(layer, which), *after_sum(self.trace, layer), delay=0.3),
                Animate(screen.tiles, rgb=rgb, run_time=0.3),
            )  # fmt: skip
            screen.marks, screen.dead = [value, *edges, *numbers], []


def name_map(layer: MapLayer) -> str:
    """Name the followed map, and say of how many it is one."""
    return f"map {layer.unit + 1} of {len(layer.values):,}"


def without_ink(trace: Trace, layer: MapLayer) -> list[str]:
    """Say why maps of a layer that reads the image are above 0 at a corner where its window is 0."""
    if layer.terms is None or layer.block.inputs != ("input",) or not layer.terms.bias:
        return []
    main = trace[layer.block.main.node]
    above = int((layer.values[:, 0, 0] > 0).sum())
    if output_terms(main, trace.input_of(main), layer.unit, 0, 0).inputs.any() or not above:
        return []
    norm = any(term == "BN" for term, _ in layer.steps)
    return [
        f"no ink, yet above 0 ({format_count(above, 'map')}):",
        "there only the bias " + ("and batch norm count" if norm else "counts"),
    ]


def capital(layer: MapLayer) -> str:
    """Title of a layer at the start of a caption."""
    return cut(layer.block.title[:1].upper() + layer.block.title[1:])


def cut(text: str, limit: int = 22) -> str:
    """Cut a name that a caption has no room for."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
