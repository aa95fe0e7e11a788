"""Themes: the colours and fonts of all pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FONT = "DejaVu Sans"  # comes with Matplotlib; Manim's side registers the same file
MONO = "DejaVu Sans Mono"
Color = Sequence[float] | NDArray[np.float64]  # red, green, blue in [0, 1]


@dataclass(frozen=True)
class Theme:
    """Colours as ``#rrggbb``, named by their role.

    Signed values go from `negative` through `background` to `positive`; activations from `background` to `foreground`.
    """

    name: str
    background: str
    foreground: str
    muted: str
    faint: str  # hairlines, idle neurons, frames of panels: never text
    positive: str
    negative: str
    emphasis: str
    correct: str
    incorrect: str

    def rgb(self, role: str) -> NDArray[np.float64]:
        """Return the colour of a role: float (3,) in [0, 1]."""
        value = getattr(self, role)
        return np.array([int(value[i : i + 2], 16) for i in (1, 3, 5)]) / 255

    def activation_colors(self, values: ArrayLike) -> NDArray[np.float64]:
        """Map magnitudes in [0, 1] to colours from background to foreground: float (…, 3)."""
        t = np.clip(np.asarray(values, dtype=float), 0, 1)[..., None]
        return self.rgb("background") * (1 - t) + self.rgb("foreground") * t

    def signed_colors(self, values: ArrayLike) -> NDArray[np.float64]:
        """Map values in [-1, 1] to colours from negative through background to positive: float (…, 3)."""
        v = np.clip(np.asarray(values, dtype=float), -1, 1)[..., None]
        end = np.where(v < 0, self.rgb("negative"), self.rgb("positive"))
        return self.rgb("background") * (1 - abs(v)) + end * abs(v)


DARK = Theme(
    name="dark",
    background="#0f1216",
    foreground="#eceff4",
    muted="#8b93a1",
    faint="#2b323c",
    positive="#58b4e5",
    negative="#ff9e4a",
    emphasis="#ffd866",
    correct="#62d2a2",
    incorrect="#f0566e",
)
LIGHT = Theme(
    name="light",
    background="#ffffff",
    foreground="#1b1f24",
    muted="#5d6671",
    faint="#d8dde3",
    positive="#1f6fb2",
    negative="#c05208",
    emphasis="#9a6700",
    correct="#0f7f5f",
    incorrect="#b3123a",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT)}
