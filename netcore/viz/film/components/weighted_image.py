"""The image, one neuron's weights and their products as pictures."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.core.formatting import find_printable_product, format_number
from netcore.core.trace import Trace
from netcore.viz.colors import abs_limit, image_colors
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.pictures import channel_frames, color_ramp, signed_pictures
from netcore.viz.film.edges import Edges
from netcore.viz.film.mobjects import Neurons, PixelImages
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.layout.image_frames import pixel_boxes, row_frames, unrolled_frames
from netcore.viz.theme import Theme

STRIP = 0.5  # width of the column of pixels
CANDIDATES = 20  # largest products, among which one is taken whose printed numbers agree
MAX_HAIRLINES = 784


class WeightedImage:
    """What one neuron makes of an image.

    Parameters
    ----------
    theme : Theme
    trace : Trace
    weight : ndarray, shape (I,)
        Of the neuron.

    Attributes
    ----------
    weights, products : ndarray, shape (C, H, W)
    scales : tuple of float
        Values of the full colour of both.
    image, weight_picture, product_picture : PixelImages
        `place` gives them their frames.
    pixel : int
        Flat index of the product that is shown in numbers.
    texts : tuple of str
        Its weight, value and product.
    """

    def __init__(self, theme: Theme, trace: Trace, weight: NDArray[np.floating]) -> None:
        self.theme, self.trace, self.shape = theme, trace, trace.input.shape
        self.weights = np.asarray(weight, dtype=np.float64).reshape(self.shape)
        self.products = self.weights * trace.input
        self.scales = abs_limit(self.weights), abs_limit(self.products)
        order = np.argsort(-np.abs(self.products.ravel()), kind="stable")[:CANDIDATES]
        pairs = [(float(self.weights.flat[k]), float(trace.input.flat[k])) for k in order]
        best, self.texts = find_printable_product(pairs)
        self.pixel = int(order[best])
        self.rgb = image_colors(theme, trace.pixels)
        unit = Area(0, 0, 1, 1)
        self.image = PixelImages(self.rgb, self.frames(unit), outline=theme.rgb("faint"))
        frames = self.frames(unit, channels=True)
        self.weight_picture = signed_pictures(theme, self.weights, frames, self.scales[0])
        self.product_picture = signed_pictures(theme, self.products, frames, self.scales[1])

    @property
    def ratio(self) -> float:
        """Width to height of the image as it is drawn."""
        frame = self.frames(Area(0, 0, 1, 1))[0]
        return float((frame[1, 0] - frame[0, 0]) / (frame[0, 1] - frame[2, 1]))

    def frames(self, area: Area, channels: bool = False) -> NDArray[np.float64]:
        """Return frames of the image, or of one picture a channel."""
        return channel_frames(area, self.shape, self.shape[0] if channels else 1)

    def place(self, picture: PixelImages, area: Area) -> None:
        """Put a picture into an area."""
        channels = len(picture.rgb) > 1
        picture.points = np.pad(self.frames(area, channels).reshape(-1, 2), ((0, 0), (0, 1)))

    def box(self, area: Area, channels: bool = True) -> Area:
        """Return what the pictures of an area cover."""
        points = self.frames(area, channels and self.shape[0] > 1).reshape(-1, 2)
        (left, bottom), (right, top) = points.min(0), points.max(0)
        return Area(float(left), float(bottom), float(right), float(top))

    def caption(self, area: Area, kind: str, words: str, channels: bool = True) -> list[ArrayMobject]:
        """Return words and color scale below the pictures in an area; `kind` is image, weights or products."""
        box, muted = self.box(area, channels), self.theme.rgb("muted")
        out: list[ArrayMobject] = [text_line(words, LABEL, muted, at=(box.center[0], box.bottom - 0.25))]
        if kind == "image":
            low, high, signed = float(self.trace.input.min()), float(self.trace.input.max()), False
        else:
            high = self.scales[kind == "products"]
            low, signed = -high, True
        at = box.center[0], box.bottom - 0.6
        return [*out, *color_ramp(self.theme, at, format_number(low), format_number(high), signed=signed)]

    # ---- the column of all inputs

    def strip(self, area: Area, rgb: ArrayLike) -> PixelImages:
        """Return rows of colours (C, H, W, 3) as one column at the left of an area."""
        rows = np.asarray(rgb).reshape(-1, 1, self.shape[2], 3)
        return PixelImages(rows, self.strip_frames(area))

    def strip_frames(self, area: Area) -> NDArray[np.float64]:
        """Return the frames of all rows, turned by 90° and joined into one column."""
        return unrolled_frames(area.left, area.left + STRIP, area.bottom, area.top, self.shape[0] * self.shape[1])

    def rows_in(self, area: Area, channels: bool) -> NDArray[np.float64]:
        """Return the frames (C * H, 3, 2) of the rows of the image (once a channel), or of the pictures of channels."""
        frames = self.frames(area, channels)
        frames = frames if channels else np.repeat(frames, self.shape[0], axis=0)
        return np.concatenate([row_frames(frame[None], self.shape[1]) for frame in frames])

    def row_boxes(self, image: Area, strip: Area) -> NDArray[np.float64]:
        """Return the corners (2, 2, 2) of the brightest row: in the image, and in the column of all inputs."""
        row = int(self.trace.pixels.sum((0, 2)).argmax())
        frames = [row_frames(self.frames(image), self.shape[1])[row], self.strip_frames(strip)[row]]
        return np.array([[frame.min(0), np.max([*frame, frame[1] + frame[2] - frame[0]], axis=0)] for frame in frames])

    def enlarged_row(self, area: Area) -> list[ArrayMobject]:
        """Draw the brightest row of a gray image large, and say where it is in the column of all inputs."""
        if self.shape[0] != 1:
            return []
        row, n = int(self.trace.pixels.sum((0, 2)).argmax()), self.shape[2]
        place = area.fit(n, 1)
        colors = self.rgb[row : row + 1]
        strip = PixelImages(colors, place.frame, outline=self.theme.rgb("emphasis"), width=2.0)
        words = [f"row {row + 1} of {self.shape[1]}", f"numbers {row * n + 1:,} to {(row + 1) * n:,} of the column"]
        ys, ink = (place.top + 0.3, place.bottom - 0.3), self.theme.rgb("foreground")
        lines = [ellipsize_line(word, area.width, LABEL) for word in words]
        return [strip, *(text_line(t, LABEL, ink, at=(place.center[0], y)) for t, y in zip(lines, ys, strict=True))]

    def channel_colors(self) -> NDArray[np.float64]:
        """Return the image's colours by channel: (C, H, W, 3)."""
        if self.shape[0] == 1:
            return self.rgb[None]
        return np.stack([self.rgb * np.eye(3)[k] for k in range(3)])

    def hairlines(self, area: Area, end: tuple[float, float]) -> Edges:
        """Return thin lines from the column of inputs to a point, at most one an input."""
        count = min(int(np.prod(self.shape)), MAX_HAIRLINES)
        ys = area.top - (np.arange(count) + 0.5) / count * area.height
        starts = np.column_stack([np.full(count, area.left + STRIP), ys])
        return Edges(starts, np.tile(end, (count, 1)), [*self.theme.rgb("muted"), 0.35], 0.7, progress=0.0)

    def pixel_box(self, area: Area, index: ArrayLike, channels: bool = True) -> NDArray[np.float64]:
        """Return the corners (N, 2, 2) of inputs by flat index, in the image or in the pictures of channels."""
        index = np.atleast_1d(np.asarray(index))
        frames, size = self.frames(area, channels), self.shape[1:]
        channel = index // (size[0] * size[1]) if channels else np.zeros(len(index), int)
        found = [pixel_boxes(frames[c][None], np.array([i]), size)[0] for c, i in zip(channel, index, strict=True)]
        return np.stack(found)

    def tiles(self, weight: NDArray[np.floating], centers: NDArray[np.float64], side: float) -> PixelImages:
        """Return small pictures of products of several neurons, channels added: weight (N, I), centers (N, 2)."""
        products = weight.reshape(len(weight), *self.shape) * self.trace.input
        box = Area(-side / 2, -side / 2, side / 2, side / 2)
        frames = np.concatenate([self.frames(box.shift(x, y)) for x, y in centers.tolist()])
        values = products.sum(1)
        return signed_pictures(self.theme, values, frames, abs_limit(values))


def neuron_symbol(
    theme: Theme, center: tuple[float, float], name: str, radius: float = 0.42
) -> tuple[Neurons, ArrayMobject]:
    """Return one empty neuron and its name above it."""
    circle = Neurons([center], radius, theme.rgb("background"), theme.rgb("emphasis"), width=2.0, z_index=2)
    at = (center[0], center[1] + radius + 0.28)
    return circle, text_line(name, LABEL, theme.rgb("emphasis"), at=at, z_index=2)
