"""Show an animated figure in a window with keyboard control."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from netcore.core.context import SceneContext
from netcore.core.errors import NetcoreError
from netcore.viz.theme import Theme

if TYPE_CHECKING:
    from matplotlib.backend_bases import FigureManagerBase, KeyEvent
    from matplotlib.figure import Figure

    from netcore.viz.mpl.blitting import Update

KEY_HELP = "space pauses, arrows step, q quits"


class NoDisplayError(NetcoreError):
    """A window cannot be opened here."""


@dataclass
class Player:
    """Position in a sequence of `count` images, and whether it advances by itself."""

    count: int
    at: int = 0
    playing: bool = True

    @property
    def t(self) -> float:
        """Time in [0, 1] at which an animated figure shows the current image."""
        return (self.at + 0.5) / self.count

    def tick(self) -> bool:
        """Advance by one image if playing, up to the last one; return whether the image changed."""
        if not self.playing or self.at == self.count - 1:
            self.playing = False
            return False
        self.at += 1
        return True

    def on_key(self, key: str | None) -> None:
        """Handle a key: space pauses and resumes (at the end it restarts), arrows step and pause."""
        if key == " ":
            if not self.playing and self.at == self.count - 1:
                self.at = 0
            self.playing = not self.playing
        elif key in ("left", "right"):
            self.playing = False
            self.at = min(max(self.at + (1 if key == "right" else -1), 0), self.count - 1)


class LiveWindow:
    """Window of TkAgg or QtAgg that shows an animated figure; `run` returns when it is closed.

    Parameters
    ----------
    draw : callable
        ``draw(fig, context, **options)`` of an animated figure; called again when the window changes its size.
    context : SceneContext
    theme : Theme
    size : tuple of int
        (width, height) in pixels.
    options : dict
    player : Player
        Position in the sequence of images.
    interval : float
        Seconds per image.
    title : str

    Raises
    ------
    NoDisplayError
        If there is no display, or neither tkinter nor Qt.
    """

    def __init__(
        self,
        draw: Callable[..., "Update"],
        context: SceneContext,
        theme: Theme,
        size: tuple[int, int],
        options: dict[str, Any],
        player: Player,
        interval: float,
        title: str,
    ) -> None:
        import matplotlib as mpl

        from netcore.viz.mpl.style import new_figure

        self.draw, self.context, self.theme, self.options, self.player = draw, context, theme, options, player
        self.fig = new_figure(theme, size)
        with mpl.rc_context({"toolbar": "None"}):
            self.manager = _open(self.fig)
        self.manager.set_window_title(title)
        self.canvas = self.fig.canvas
        if self.manager.key_press_handler_id is not None:
            self.canvas.mpl_disconnect(self.manager.key_press_handler_id)
        self.canvas.mpl_connect("key_press_event", self._key)
        self.canvas.mpl_connect("resize_event", lambda event: self._build())
        self.canvas.mpl_connect("close_event", lambda event: self.canvas.stop_event_loop())
        self.interval = interval
        self._size = (0, 0)
        self._build()
        self.timer = self.canvas.new_timer(interval=round(1000 * interval))
        self.timer.add_callback(self._tick)

    def run(self) -> None:
        """Show the window and play until it is closed."""
        self.manager.show()
        self.timer.start()
        self.canvas.start_event_loop(0)
        self.timer.stop()

    def show(self) -> None:
        """Draw the current image of the player."""
        from netcore.viz.mpl.style import theme_style

        with theme_style(self.theme):
            self.blitter.draw(self.player.t)
            self.canvas.blit(self.fig.bbox)

    def _build(self) -> None:
        """Draw the figure for the current size of the window."""
        from netcore.viz.mpl.blitting import Blitter
        from netcore.viz.mpl.style import FIGURE_WIDTH, theme_style

        size = self.canvas.get_width_height(physical=True)
        dpi = 72 * size[0] / FIGURE_WIDTH
        if (size == self._size and dpi == self.fig.dpi) or min(size) < 100:
            return
        self._size = size
        self.fig.clear()
        self.canvas.manager = None  # else Matplotlib resizes the window to fit the resolution, which comes back here
        self.fig.set_dpi(dpi)
        self.fig.set_size_inches((size[0] + 0.01) / dpi, (size[1] + 0.01) / dpi, forward=False)
        self.canvas.manager = self.manager
        with theme_style(self.theme):
            self.blitter = Blitter(self.fig, self.draw(self.fig, self.context, **self.options))
        self.show()

    def _tick(self) -> None:
        start = time.perf_counter()
        if self.player.tick():
            self.show()
        spent = time.perf_counter() - start  # Tk counts from the end of this
        self.timer.interval = max(1, round(1000 * (self.interval - spent)))

    def _key(self, event: "KeyEvent") -> None:
        if event.key in ("q", "escape"):
            self.canvas.stop_event_loop()
            self.manager.destroy()
            return
        self.player.on_key(event.key)
        self.show()


def _open(fig: "Figure") -> "FigureManagerBase":
    """Open a window for a figure with the toolkit that is installed."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise NoDisplayError("no display is available for a window")
    try:
        from matplotlib.backends.backend_tkagg import FigureCanvasTkAgg as Canvas
    except ImportError:
        return _open_qt(fig)
    import tkinter

    try:
        return Canvas.new_manager(fig, 1)
    except tkinter.TclError as error:
        raise NoDisplayError(f"no display is available for a window ({error})") from error


def _open_qt(fig: "Figure") -> "FigureManagerBase":
    from matplotlib import _c_internal_utils

    try:
        from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg as Canvas
    except ImportError:
        raise NoDisplayError("a window needs tkinter (the system's package python3-tk) or PyQt6") from None
    if not _c_internal_utils.display_is_valid():  # Qt would abort the process
        raise NoDisplayError("no display is available for a window")
    return Canvas.new_manager(fig, 1)
