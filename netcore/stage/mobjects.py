"""What films are drawn with: mobjects that hold their numbers as arrays and draw themselves through Cairo.

A layer's edges are one mobject, a column of neurons is one, an image is one, a line of text is one. Geometry lies in
`points`, so that Manim's own `shift`, `scale`, `move_to`, `next_to` and `get_left` work; colours, widths and values lie
beside it as arrays, which `netcore.stage.film.Change` moves and which tests read back.

Lengths are in scene units (a frame is 14.22 wide); widths of lines and sizes of text are in pixels of an 854 pixel wide
frame, `PX` units each.
"""

from typing import Any

import cairo
import numpy as np
from manim import Mobject

PX = 128 / 9 / 854  # one pixel of an 854 × 480 frame, in scene units
TITLE, BODY, NOTE = 22, 18, 16  # sizes of text; 16 is 15 px where a README shows the clip 800 px wide
HUGE = 40


def rows3(xy: Any) -> np.ndarray:
    """Points (…, 2) or (…, 3) as float (N, 3)."""
    a = np.asarray(xy, dtype=float)
    a = a.reshape(-1, a.shape[-1])
    return a if a.shape[1] == 3 else np.pad(a, ((0, 0), (0, 1)))


class Drawn(Mobject):
    """A mobject that draws itself. Subclasses set `points` and whatever arrays they need, and define `paint`."""

    def __init__(self, points: Any, opacity: float = 1.0, z_index: float = 0) -> None:
        super().__init__(z_index=z_index)
        self.points = rows3(points)
        self.opacity = opacity

    def paint(self, ctx: cairo.Context) -> None:
        """Draw in scene units. Colours are set by `ink`, since Manim's frames hold red first and Cairo's blue."""
        raise NotImplementedError

    def ink(self, ctx: cairo.Context, rgb: Any, alpha: float = 1.0) -> None:
        r, g, b = (float(c) for c in rgb[:3])
        ctx.set_source_rgba(b, g, r, float(alpha) * self.opacity)

    def box(self) -> np.ndarray:
        """What it covers at most: (4,) left, bottom, right, top."""
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        return np.array([low[0], low[1], high[0], high[1]])

    def interpolate_color(self, start: "Drawn", end: "Drawn", alpha: float) -> None:
        """Let Manim's own `.animate` work: every number moves with the points."""
        for name, value in vars(end).items():
            if name != "points" and isinstance(value, (float, np.ndarray)):
                setattr(self, name, (1 - alpha) * getattr(start, name) + alpha * value)


class Edges(Drawn):
    """Many straight lines.

    Parameters
    ----------
    starts, ends : (N, 2)
    rgba : (N, 4) or (4,), in [0, 1]
    widths : (N,) or float, in pixels
    values : (N,), what the lines stand for
    progress : how much of each line is drawn, from its start, in [0, 1]; becomes (N,)
    """

    def __init__(
        self, starts: Any, ends: Any, rgba: Any, widths: Any = 1.0, values: Any = (), progress: float = 1.0, **keys: Any
    ) -> None:
        both = np.stack([rows3(starts), rows3(ends)], axis=1)
        super().__init__(both, **keys)
        n = len(both)
        self.rgba = np.broadcast_to(np.asarray(rgba, float), (n, 4)).copy()
        self.widths = np.broadcast_to(np.asarray(widths, float), (n,)).copy()
        self.values = np.asarray(values, dtype=float)
        self.progress = np.full(n, progress)
        self._kept = _Kept()

    def paint(self, ctx: cairo.Context) -> None:
        state = [a.tobytes() for a in (self.points, self.rgba, self.widths, self.progress)]
        if state != self._kept.state:
            self._kept = _Kept(state)
            self._stroke(ctx, self.opacity)
            return
        if self._kept.picture is None:  # standing still while something above it, or its opacity, changes
            self._kept.picture = ctx.get_target().create_similar_image(cairo.FORMAT_ARGB32, *_size(ctx))
            into = cairo.Context(self._kept.picture)
            into.set_matrix(ctx.get_matrix())
            self._stroke(into, 1.0)
        x0, y0, x1, y1 = self.box()
        ctx.save()
        ctx.rectangle(x0 - PX, y0 - PX, x1 - x0 + 2 * PX, y1 - y0 + 2 * PX)
        ctx.clip()
        ctx.identity_matrix()
        ctx.set_source_surface(self._kept.picture)
        ctx.paint_with_alpha(self.opacity)
        ctx.restore()

    def box(self) -> np.ndarray:
        start, end = self.points[0::2, :2], self.points[1::2, :2]
        way = end - start
        across = way[:, ::-1] / np.maximum(np.hypot(*way.T), 1e-9)[:, None] * (self.widths * PX / 2)[:, None]
        half = np.abs(across)
        low, high = np.minimum(start, end) - half, np.maximum(start, end) + half
        return np.concatenate([low.min(axis=0), high.max(axis=0)])

    def _stroke(self, ctx: cairo.Context, opacity: float) -> None:
        """One stroke a line: for straight lines Cairo is faster so than with many in one path."""
        start, end = self.points[0::2, :2], self.points[1::2, :2]
        alpha = self.rgba[:, 3] * opacity
        shape = np.column_stack([start, start + (end - start) * self.progress[:, None], self.widths * PX])
        order = np.argsort(alpha, kind="stable")  # the strongest on top
        order = order[(alpha[order] > 0.004) & (self.widths[order] > 0) & (self.progress[order] > 0)]
        colours = np.column_stack([self.rgba[:, 2::-1], alpha])
        for (x0, y0, x1, y1, width), colour in zip(shape[order].tolist(), colours[order].tolist(), strict=True):
            ctx.move_to(x0, y0)
            ctx.line_to(x1, y1)
            ctx.set_line_width(width)
            ctx.set_source_rgba(*colour)
            ctx.stroke()


class _Kept:
    """A picture of something that did not change since it was drawn last."""

    def __init__(self, state: Any = None) -> None:
        self.state = state
        self.picture: cairo.ImageSurface | None = None

    def __deepcopy__(self, memo: Any) -> "_Kept":
        return _Kept()  # Cairo's surfaces cannot be copied, and need not be


def _size(ctx: cairo.Context) -> tuple[int, int]:
    target = ctx.get_target()
    return target.get_width(), target.get_height()


class Neurons(Drawn):
    """Circles of one radius.

    Parameters
    ----------
    centres : (N, 2)
    radius : float
    fill : (N, 3) or (3,)
    ring : (N, 3) or (3,), colour of the outline
    values : (N,), the activations that the fills stand for
    width : of the outline, in pixels
    """

    def __init__(
        self, centres: Any, radius: float, fill: Any, ring: Any, values: Any = (), width: float = 1.5, **keys: Any
    ) -> None:
        centres = rows3(centres)
        corner = np.array([radius, radius, 0])
        super().__init__(np.stack([centres - corner, centres + corner], axis=1), **keys)
        n = len(centres)
        self.fill = np.broadcast_to(np.asarray(fill, float), (n, 3)).copy()
        self.ring = np.broadcast_to(np.asarray(ring, float), (n, 3)).copy()
        self.values = np.asarray(values, dtype=float)
        self.width_px = float(width)

    @property
    def centres(self) -> np.ndarray:
        """(N, 2)."""
        return (self.points[0::2, :2] + self.points[1::2, :2]) / 2

    @property
    def radius(self) -> float:
        return float(self.points[1, 0] - self.points[0, 0]) / 2

    def paint(self, ctx: cairo.Context) -> None:
        radius = self.radius
        ctx.set_line_width(self.width_px * PX)
        for (x, y), fill, ring in zip(self.centres.tolist(), self.fill, self.ring, strict=True):
            ctx.new_sub_path()
            ctx.arc(x, y, radius, 0, 2 * np.pi)
            self.ink(ctx, fill)
            ctx.fill_preserve()
            self.ink(ctx, ring)
            ctx.stroke()

    def box(self) -> np.ndarray:
        return super().box() + np.array([-1, -1, 1, 1]) * self.width_px * PX


class Boxes(Drawn):
    """Rectangles, given by lower left and upper right corners (N, 2, 2), filled and outlined by rgba (N, 4) or (4,)."""

    def __init__(self, corners: Any, fill: Any = (0, 0, 0, 0), line: Any = (0, 0, 0, 0), width: float = 1.5, **k: Any):
        super().__init__(corners, **k)
        n = len(self.points) // 2
        self.fill = np.broadcast_to(np.asarray(fill, float), (n, 4)).copy()
        self.line = np.broadcast_to(np.asarray(line, float), (n, 4)).copy()
        self.width_px = float(width)

    def paint(self, ctx: cairo.Context) -> None:
        ctx.set_line_width(self.width_px * PX)
        for low, high, fill, line in zip(self.points[0::2], self.points[1::2], self.fill, self.line, strict=True):
            ctx.rectangle(low[0], low[1], high[0] - low[0], high[1] - low[1])
            self.ink(ctx, fill, fill[3])
            ctx.fill_preserve()
            self.ink(ctx, line, line[3])
            ctx.stroke()

    def box(self) -> np.ndarray:
        return super().box() + np.array([-1, -1, 1, 1]) * self.width_px * PX


class Bars(Drawn):
    """Horizontal bars that grow from the left: `values` (N,) in [0, 1] of the full tracks.

    Parameters
    ----------
    corners : (N, 2, 2), lower left and upper right of each full track
    values : (N,)
    fill : (N, 3) or (3,)
    track : (3,), colour of what is not filled
    """

    def __init__(self, corners: Any, values: Any, fill: Any, track: Any, **keys: Any) -> None:
        super().__init__(corners, **keys)
        n = len(self.points) // 2
        self.values = np.broadcast_to(np.asarray(values, float), (n,)).copy()
        self.fill = np.broadcast_to(np.asarray(fill, float), (n, 3)).copy()
        self.track = np.asarray(track, float)

    def paint(self, ctx: cairo.Context) -> None:
        for low, high, value, fill in zip(self.points[0::2], self.points[1::2], self.values, self.fill, strict=True):
            width, height = high[0] - low[0], high[1] - low[1]
            self.ink(ctx, self.track)
            ctx.rectangle(low[0], low[1], width, height)
            ctx.fill()
            self.ink(ctx, fill)
            ctx.rectangle(low[0], low[1], width * value, height)
            ctx.fill()


class Pixels(Drawn):
    """Images, pixel by pixel, never blurred: one, or many of one size (the rows of an image, a layer's feature maps).

    Parameters
    ----------
    rgb : (H, W, 3) or (N, H, W, 3), in [0, 1]
    frames : (N, 3, 2): upper left, upper right and lower left corner of each
    outline : (3,) or None, drawn round each, `width` pixels wide
    """

    def __init__(self, rgb: Any, frames: Any, outline: Any = None, width: float = 1.0, **keys: Any) -> None:
        super().__init__(frames, **keys)
        rgb = np.asarray(rgb, float)
        self.rgb = rgb[None] if rgb.ndim == 3 else rgb
        self.outline = None if outline is None else np.asarray(outline, float)
        self.width_px = float(width)

    def corners(self) -> np.ndarray:
        """(N, 3, 2)."""
        return self.points[:, :2].reshape(-1, 3, 2)

    def box(self) -> np.ndarray:
        c = self.corners()
        every = np.concatenate([c.reshape(-1, 2), c[:, 1] + c[:, 2] - c[:, 0]])
        return np.concatenate([every.min(axis=0), every.max(axis=0)]) + np.array([-1, -1, 1, 1]) * self.width_px * PX

    def paint(self, ctx: cairo.Context) -> None:
        n, h, w, _ = self.rgb.shape
        bytes_ = np.full((n, h, w, 4), 255, dtype=np.uint8)
        bytes_[..., :3] = np.clip(np.rint(self.rgb * 255), 0, 255)
        ctx.set_antialias(cairo.ANTIALIAS_NONE if n > 1 else cairo.ANTIALIAS_DEFAULT)  # many: no seams between them
        for image, (origin, right, down) in zip(bytes_, self.corners(), strict=True):
            across, along = (right - origin) / w, (down - origin) / h
            ctx.save()
            ctx.transform(cairo.Matrix(*across, *along, *origin))
            ctx.set_source_surface(cairo.ImageSurface.create_for_data(image, cairo.FORMAT_ARGB32, w, h))
            fine = min(abs(across).max(), abs(along).max()) < PX / 2
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
                ctx.set_line_width(self.width_px * PX)
                self.ink(ctx, self.outline)
                ctx.stroke()
        ctx.set_antialias(cairo.ANTIALIAS_DEFAULT)
