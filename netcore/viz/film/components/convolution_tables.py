"""Tables, picture and map of one convolution."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.convolution import PAD_MODES, OutputTerms
from netcore.analysis.kernel_examples import KernelExamples
from netcore.analysis.kernel_features import input_scale
from netcore.analysis.printed_window import PrintedWindow
from netcore.core.trace import Trace
from netcore.viz.colors import image_colors
from netcore.viz.film.components.cell_tables import CellTables
from netcore.viz.film.components.feature_maps import abs_max, map_rgb
from netcore.viz.film.components.map_grid import MapGrid, value_ends
from netcore.viz.film.components.padded_grid import PaddedGrid
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

GAP = 0.35
TABLE = 3.45  # height of a table of 3 × 3 numbers with title and scale
WIDE, TALL = 1.9, 0.9  # width by height of a stage, from which and up to which it is divided otherwise
COLORS = ("red", "green", "blue")


class ConvolutionPlaces(NamedTuple):
    """Areas of the parts of a screen."""

    picture: Area
    window: Area
    kernel: Area
    map: Area


def screen_places(stage: Area) -> ConvolutionPlaces:
    """Divide a stage: four columns if it is wide, three rows if it is tall, else the picture beside all others."""
    if stage.width >= WIDE * stage.height:
        picture, window, kernel, result = stage.columns([3.9, 2.75, 2.75, 3.2], GAP)
        return ConvolutionPlaces(picture, window, kernel, result)
    if stage.width > TALL * stage.height:
        left, right = stage.columns([1, 1], GAP)
        upper, lower = right.rows([TABLE, right.height - TABLE - GAP], GAP)
        window, kernel = upper.columns([1, 1], GAP)
        return ConvolutionPlaces(left, window, kernel, lower)
    above, middle, below = stage.rows([7, 4.2, 6], GAP)
    window, kernel = middle.columns([1, 1], GAP)
    return ConvolutionPlaces(above, window, kernel, below)


class ConvolutionTables:
    """Makes the parts of a screen on one convolution, each kind on one scale.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    examples : KernelExamples
    stage : Area

    Attributes
    ----------
    places : ConvolutionPlaces
    is_image : bool
        Whether the convolution reads the image itself, gray or in color.
    picture : PaddedGrid
    """

    def __init__(self, theme: Theme, trace: Trace, examples: KernelExamples, stage: Area) -> None:
        self.theme, self.trace, self.examples, self.stage = theme, trace, examples, stage
        self.places = screen_places(stage)
        self.is_image = examples.reads_image and trace.pixels.shape == trace.input.shape and len(trace.pixels) in (1, 3)
        self.scale = input_scale(trace) if self.is_image else None
        self.picture = self._picture()
        every = [t for t in (examples.base, examples.following, examples.corner, examples.last, examples.largest,
                             examples.smallest, examples.other) if t is not None]  # fmt: skip
        self.product_max = abs_max(np.stack([t.products[self.position] for t in every]))
        self.weight_max = max(
            abs_max(t.weights) for t in (examples.base, *([examples.other] if examples.other else []))
        )
        units = [examples.unit, *([examples.other.unit] if examples.other else [])]
        self.map_max = abs_max(examples.layer.output[units])

    @property
    def position(self) -> int:
        """Input map whose products are shown, among those that are read."""
        return self.examples.position

    @property
    def part(self) -> str:
        """What the shown input map is called: empty if there is one only."""
        if len(self.examples.base.channels) == 1:
            return ""
        return self.part_name(self.position)

    def part_name(self, position: int) -> str:
        """Name of one of the input maps that are read: a colour, or its number."""
        channel = int(self.examples.base.channels[position])
        return COLORS[channel] if self.is_image and len(self.examples.x) == len(COLORS) else f"map {channel + 1}"

    def shade(self, values: NDArray[np.floating], channel: int) -> NDArray[np.float64]:
        """Colours of input values."""
        if self.scale is not None:
            scale, shift = (v[channel] for v in self.scale)
            return self.theme.activation_colors((np.asarray(values, float) - shift) / scale / 255)
        return map_rgb(self.theme, values, abs_max(self.examples.x), bool((self.examples.x < 0).any()))

    def _ends(self, channel: int) -> tuple[float, float]:
        if self.scale is not None:
            scale, shift = (round(float(v[channel]), 6) for v in self.scale)
            return round(shift, 4) + 0.0, round(255 * scale + shift, 4)
        return value_ends(abs_max(self.examples.x), bool((self.examples.x < 0).any()))

    def _picture(self) -> PaddedGrid:
        """The picture, or the map that is read, with the rim of its padding."""
        e, theme = self.examples, self.theme
        mode = PAD_MODES.get(e.layer.settings.get("padding_mode", "zeros"), "constant")
        padded = np.pad(e.x, [(0, 0), *e.pads], mode=mode)
        _, h, w = e.x.shape
        title = f"{h} × {w} pixels" if self.is_image else f"{h} × {w} values of map {e.channel + 1}"
        if self.is_image and len(e.x) == len(COLORS) and self.scale is not None:
            scale, shift = (v[:, None, None] for v in self.scale)
            rim = np.moveaxis(np.clip((padded - shift) / scale / 255, 0, 1), 0, -1)
            rgb, ends = image_colors(theme, self.trace.pixels), None
        else:
            rim, rgb = self.shade(padded[e.channel], e.channel), self.shade(e.x[e.channel], e.channel)
            ends = self._ends(e.channel)
        signed = self.scale is None and bool((e.x < 0).any())
        return PaddedGrid(theme, e.x[[e.channel]], self.places.picture, e.pads, rim, title=title, rgb=rgb[None],
                          signed=signed, ends=ends)  # fmt: skip

    def make_map(self, unit: int, area: Area) -> MapGrid:
        """Make the map of a kernel on the scale of all that are shown."""
        output = self.examples.layer.output
        h, w = output.shape[1:]
        title = f"map {unit + 1}: {h} × {w}"
        return MapGrid(self.theme, output, area, [unit], title, vmax=self.map_max, signed=True, gap=0.0)

    def kernel_table(self, terms: OutputTerms, area: Area) -> CellTables:
        """Make the table of a kernel's weights for the shown input map."""
        weights = terms.weights[[self.position]]
        title = f"kernel {terms.unit + 1}" + (f", {self.part}" if self.part else "")
        rgb = map_rgb(self.theme, weights, self.weight_max, True)
        return CellTables(self.theme, weights, rgb, area, title, value_ends(self.weight_max, True))

    def value_table(self, terms: OutputTerms) -> CellTables:
        """Make the table of a window's values; those of the padding are outlined, and counted in the title."""
        values, e = terms.inputs[[self.position]], self.examples
        channel = int(terms.channels[self.position])
        inside = [(at >= 0) & (at < n) for at, n in ((terms.rows, e.x.shape[1]), (terms.columns, e.x.shape[2]))]
        padding = ~(inside[0][:, None] & inside[1])
        outside = int(padding.sum())
        noun = ("pixel" if self.is_image else "value") + "s" * (values[0].size != 1)
        of = f", {self.part}" if self.part and self.is_image else ""
        title = f"{values[0].size} {noun}{of}" if not outside else f"{outside} of {values[0].size}: padding"
        rgb = self.shade(values, channel)
        signed = self.scale is None and bool((e.x < 0).any())
        table = CellTables(self.theme, values, rgb, self.places.window, title, self._ends(channel), signed)
        table.outline(padding)
        return table

    def product_table(self, terms: OutputTerms, printed: PrintedWindow) -> CellTables:
        """Make the table of the products of a window, in the place of the map."""
        products = terms.products[[self.position]]
        rgb = map_rgb(self.theme, products, self.product_max, True)
        title = f"{'pixel' if self.is_image else 'value'} × weight"
        place, like = self.places.map, self.places.window
        half = np.minimum((place.width, place.height), (like.width, like.height)) / 2
        area = Area(*(np.asarray(place.center) - half), *(np.asarray(place.center) + half))
        return CellTables(self.theme, products, rgb, area, title, value_ends(self.product_max, True),
                          texts=[printed.products])  # fmt: skip
