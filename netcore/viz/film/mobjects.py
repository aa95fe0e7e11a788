"""Neurons, rectangles, bars and images as mobjects.

A column of neurons is one mobject, an image is one, a line of text is one. Geometry is stored in `points`, so that
Manim's own `shift`, `scale`, `move_to`, `next_to` and `get_left` work; colours, widths and values are further arrays,
which `netcore.viz.film.animation.Animate` interpolates and which tests read back.

Lengths are in scene units (a frame is 14.22 wide); widths of lines and sizes of text are in pixels of an 854 pixel wide
frame, `PIXEL` units each.
"""

from typing import Any

import cairo
import numpy as np
from numpy.typing import ArrayLike

from netcore.viz.film.base_mobject import PIXEL, ArrayMobject, as_points

SMALLEST_AREA = 1e-12  # of a pixel, in square scene units: a smaller image is not drawn
DASHES = 7  # of a dashed circle


class Neurons(ArrayMobject):
    """Circles of one radius.

    Parameters
    ----------
    centers : array_like, shape (N, 2)
    radius : float
    fill, ring : array_like, shape (N, 3) or (3,)
        Colours of discs and outlines.
    values : array_like, shape (N,)
        Activations that the fills represent.
    width : float
        Of the outlines, in pixels.
    dashed : array_like, shape (N,) or ()
        Above 0.5 the outline is dashed.
    **keys
        Of `ArrayMobject`.
    """

    points_each = 2

    def __init__(
        self,
        centers: ArrayLike,
        radius: float,
        fill: ArrayLike,
        ring: ArrayLike,
        values: ArrayLike = (),
        width: float = 1.5,
        dashed: ArrayLike = 0.0,
        **keys: Any,
    ) -> None:
        centers = as_points(centers)
        corner = np.array([radius, radius, 0])
        super().__init__(np.stack([centers - corner, centers + corner], axis=1), **keys)
        n = len(centers)
        self.fill = np.broadcast_to(np.asarray(fill, float), (n, 3)).copy()
        self.ring = np.broadcast_to(np.asarray(ring, float), (n, 3)).copy()
        self.values = np.asarray(values, dtype=float)
        self.width_px = float(width)
        self.dashed = np.broadcast_to(np.asarray(dashed, float), (n,)).copy()

    @property
    def centers(self) -> np.ndarray:
        """Centres (N, 2)."""
        return (self.points[0::2, :2] + self.points[1::2, :2]) / 2

    @property
    def radius(self) -> float:
        """Radius in scene units."""
        return float(self.points[1, 0] - self.points[0, 0]) / 2

    def points_at(self, centers: ArrayLike) -> np.ndarray:
        """Return the `points` (2 N, 2) of these neurons at other centres (N, 2)."""
        at = np.asarray(centers, float)
        return np.stack([at - self.radius, at + self.radius], axis=1).reshape(-1, 2)

    def draw(self, ctx: cairo.Context) -> None:
        """Draw all of them."""
        ctx.set_line_width(self.width_px * PIXEL)
        radii = (self.points[1::2, 0] - self.points[0::2, 0]) / 2  # they differ while neurons travel one by one
        circles = np.column_stack([self.centers, radii]).tolist()
        for (x, y, radius), fill, ring, dashed in zip(circles, self.fill, self.ring, self.dashed, strict=True):
            ctx.new_sub_path()
            ctx.arc(x, y, radius, 0, 2 * np.pi)
            self.set_source(ctx, fill)
            if self.width_px == 0:
                ctx.fill()
                continue
            ctx.fill_preserve()
            self.set_source(ctx, ring)
            ctx.set_dash([2 * np.pi * radius / DASHES / 2] if dashed > 0.5 else [])
            ctx.stroke()
        ctx.set_dash([])

    def bounding_box(self) -> np.ndarray:
        """Return left, bottom, right and top, outlines included: (4,)."""
        return super().bounding_box() + np.array([-1, -1, 1, 1]) * self.width_px * PIXEL


class Rectangles(ArrayMobject):
    """Rectangles.

    Parameters
    ----------
    corners : array_like, shape (N, 2, 2)
        Lower left and upper right.
    fill, line : array_like, shape (N, 4) or (4,)
        Colours with alpha of areas and outlines.
    width : float
        Of the outlines, in pixels.
    **keys
        Of `ArrayMobject`.
    """

    points_each = 2

    def __init__(
        self,
        corners: ArrayLike,
        fill: ArrayLike = (0, 0, 0, 0),
        line: ArrayLike = (0, 0, 0, 0),
        width: float = 1.5,
        **keys: Any,
    ) -> None:
        super().__init__(corners, **keys)
        n = len(self.points) // 2
        self.fill = np.broadcast_to(np.asarray(fill, float), (n, 4)).copy()
        self.line = np.broadcast_to(np.asarray(line, float), (n, 4)).copy()
        self.width_px = float(width)

    def draw(self, ctx: cairo.Context) -> None:
        """Draw all of them."""
        ctx.set_line_width(self.width_px * PIXEL)
        for low, high, fill, line in zip(self.points[0::2], self.points[1::2], self.fill, self.line, strict=True):
            ctx.rectangle(low[0], low[1], high[0] - low[0], high[1] - low[1])
            self.set_source(ctx, fill, fill[3])
            ctx.fill_preserve()
            self.set_source(ctx, line, line[3])
            ctx.stroke()

    def bounding_box(self) -> np.ndarray:
        """Return left, bottom, right and top, outlines included: (4,)."""
        return super().bounding_box() + np.array([-1, -1, 1, 1]) * self.width_px * PIXEL


class BarMobject(ArrayMobject):
    """Horizontal bars that grow from the left.

    Parameters
    ----------
    corners : array_like, shape (N, 2, 2)
        Lower left and upper right of the full tracks.
    values : array_like, shape (N,) or ()
        Filled fractions, in [0, 1].
    fill : array_like, shape (N, 3) or (3,)
    track : array_like, shape (3,)
        Colour of the unfilled rest.
    **keys
        Of `ArrayMobject`.
    """

    points_each = 2

    def __init__(self, corners: ArrayLike, values: ArrayLike, fill: ArrayLike, track: ArrayLike, **keys: Any) -> None:
        super().__init__(corners, **keys)
        n = len(self.points) // 2
        self.values = np.broadcast_to(np.asarray(values, float), (n,)).copy()
        self.fill = np.broadcast_to(np.asarray(fill, float), (n, 3)).copy()
        self.track = np.asarray(track, float)

    def draw(self, ctx: cairo.Context) -> None:
        """Draw all of them."""
        for low, high, value, fill in zip(self.points[0::2], self.points[1::2], self.values, self.fill, strict=True):
            width, height = high[0] - low[0], high[1] - low[1]
            self.set_source(ctx, self.track)
            ctx.rectangle(low[0], low[1], width, height)
            ctx.fill()
            self.set_source(ctx, fill)
            ctx.rectangle(low[0], low[1], width * value, height)
            ctx.fill()


class PixelImages(ArrayMobject):
    """Images of one size, drawn without smoothing.

    Parameters
    ----------
    rgb : array_like, shape (H, W, 3) or (N, H, W, 3)
        In [0, 1].
    frames : array_like, shape (N, 3, 2)
        Upper left, upper right and lower left corner of each.
    outline : array_like, shape (3,), optional
        Colour of a line around each.
    width : float
        Of the outline, in pixels.
    **keys
        Of `ArrayMobject`.
    """

    points_each = 3

    def __init__(
        self, rgb: ArrayLike, frames: ArrayLike, outline: ArrayLike | None = None, width: float = 1.0, **keys: Any
    ) -> None:
        super().__init__(frames, **keys)
        rgb = np.asarray(rgb, float)
        self.rgb = rgb[None] if rgb.ndim == 3 else rgb
        self.outline = None if outline is None else np.asarray(outline, float)
        self.width_px = float(width)

    def corners(self) -> np.ndarray:
        """Return the frames (N, 3, 2)."""
        return self.points[:, :2].reshape(-1, 3, 2)

    def bounding_box(self) -> np.ndarray:
        """Return left, bottom, right and top, outlines included: (4,)."""
        c = self.corners()
        every = np.concatenate([c.reshape(-1, 2), c[:, 1] + c[:, 2] - c[:, 0]])
        return np.concatenate([every.min(axis=0), every.max(axis=0)]) + np.array([-1, -1, 1, 1]) * self.width_px * PIXEL

    def draw(self, ctx: cairo.Context) -> None:
        """Draw all of them."""
        n, h, w, _ = self.rgb.shape
        bytes_ = np.full((n, h, w, 4), 255, dtype=np.uint8)
        bytes_[..., :3] = np.clip(np.rint(self.rgb * 255), 0, 255)
        ctx.set_antialias(cairo.ANTIALIAS_NONE if n > 1 else cairo.ANTIALIAS_DEFAULT)  # no seams between neighbours
        for image, (origin, right, down) in zip(bytes_, self.corners(), strict=True):
            across, along = (right - origin) / w, (down - origin) / h
            if abs(across[0] * along[1] - across[1] * along[0]) < SMALLEST_AREA:
                continue
            ctx.save()
            ctx.transform(cairo.Matrix(*across, *along, *origin))
            ctx.set_source_surface(cairo.ImageSurface.create_for_data(image.data, cairo.FORMAT_ARGB32, w, h))
            fine = min(abs(across).max(), abs(along).max()) < PIXEL / 2
            ctx.get_source().set_filter(cairo.FILTER_GOOD if fine else cairo.FILTER_NEAREST)
            ctx.rectangle(0, 0, w, h)
            if self.opacity < 1:
                ctx.clip()
                ctx.paint_with_alpha(self.opacity)
            else:
                ctx.fill()
            ctx.restore()
            if self.outline is not None:
                for x, y in (origin, right, right + down - origin, down):
                    ctx.line_to(x, y)
                ctx.close_path()
                ctx.set_line_width(self.width_px * PIXEL)
                self.set_source(ctx, self.outline)
                ctx.stroke()
        ctx.set_antialias(cairo.ANTIALIAS_DEFAULT)
