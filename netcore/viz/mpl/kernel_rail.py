"""The input image, and below it a kernel on one window."""

import numpy as np
from matplotlib.artist import Artist

from netcore.analysis.followed_kernel import FollowedKernel
from netcore.core.formatting import format_shape
from netcore.core.trace import Trace
from netcore.viz.mpl.axes import add_scale_line
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.colormaps import diverging
from netcore.viz.mpl.image_grid import image_grid, to_display
from netcore.viz.mpl.pixel_frame import PixelFrame
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.sum_panel import SumPanel
from netcore.viz.mpl.text import add_text

WIDTH = 228.0
PANEL, SCALE, HEAD, GAP = 166.0, 22.0, 20.0, 12.0  # heights of kernel with its sum, scale, a caption; their distance
MIN_PICTURE = 64.0


class KernelRail:
    """Image, kernel, window, products and their sum.

    Parameters
    ----------
    fig : ThemedFigure
    box : Box
    traces : sequence of Trace
        All that will be shown.
    kernel : FollowedKernel or None
        None: the image alone.
    """

    def __init__(self, fig: ThemedFigure, box: Box, traces: list[Trace], kernel: FollowedKernel | None) -> None:
        theme, trace, self.kernel = fig.theme, traces[-1], kernel
        high = box.h - HEAD - (PANEL + SCALE + GAP if kernel else 0)
        add_text(fig, box.x, box.y, "image", fontweight="bold")
        add_text(fig, box.x + 54, box.y, format_shape(trace.pixels.shape[1:]), color=theme.muted)
        place = Box(box.x, box.y + HEAD, box.w, min(max(high, MIN_PICTURE), box.w))
        self.image = image_grid(fig, place, to_display(trace.pixels)[None], columns=1, frame=True)
        self.panel, self.window = None, None
        if kernel is None:
            return
        sums = [kernel.sum_in(t) for t in traces]
        limit = max(float(np.abs(s.weights).max()) for s in sums)
        below = Box(box.x, place.y + place.h + GAP, box.w, PANEL)
        self.panel = SumPanel(
            fig, below, sums[-1], trace, "kernel", limit, title=f"Kernel {kernel.unit + 1} → framed map", zoomed=True
        )
        cmap, scale = diverging(theme), Box(box.x, below.y + below.h, box.w, SCALE)
        add_scale_line(fig, scale, cmap, -limit, limit, any(kernel.clips(t) for t in traces))
        if kernel.channel < 0:
            self.window = PixelFrame(self.image, theme.emphasis)

    def update(self, trace: Trace) -> list[Artist]:
        """Show another image, or the network at another snapshot."""
        changed: list[Artist] = [self.image.set(to_display(trace.pixels)[None])]
        if self.kernel is not None and self.panel is not None:
            found = self.kernel.sum_in(trace)
            changed += self.panel.update(found, trace)
            if self.window is not None:
                changed.append(self.window.move(0, found.rows, found.columns))
        return changed
