"""What a film is played with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netcore.core.context import SceneContext
from netcore.viz.theme import Theme


@dataclass(frozen=True)
class FilmSettings:
    """Inputs of a film beside its class.

    Attributes
    ----------
    context : SceneContext
    theme : Theme
    size : tuple of int
        (width, height) in pixels.
    fps : float
        Frames per second.
    options : mapping
        Values for the film's class attributes.
    transparent : bool
        Whether frames have an alpha channel and no background.
    """

    context: SceneContext
    theme: Theme
    size: tuple[int, int]
    fps: float
    options: Mapping[str, Any] = field(default_factory=dict)
    transparent: bool = False
