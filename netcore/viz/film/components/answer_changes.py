"""A row of images, each with the answers of two networks."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.viz.colors import image_colors
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

MIN_IMAGES, MAX_IMAGES = 3, 6  # if there are as many
TITLE_ROOM, NAME_ROOM = 0.5, 0.4  # above the images, below them


class AnswerChanges:
    """As many of some images as fit side by side, two answers below each.

    Parameters
    ----------
    theme : Theme
    area : Area
    title : str
        What the two answers are; ``{}`` is the number of images shown.
    images : ndarray of uint8, shape (N, C, H, W)
    before, after : sequence of str
        Answers for each image.
    """

    def __init__(
        self,
        theme: Theme,
        area: Area,
        title: str,
        images: NDArray[np.uint8],
        before: Sequence[str],
        after: Sequence[str],
    ) -> None:
        ink, muted = theme.rgb("foreground"), theme.rgb("muted")
        h, w = images.shape[2:]
        place = Area(area.left, area.bottom + NAME_ROOM, area.right, area.top - TITLE_ROOM)
        fitting = int((place.width + 0.3) / (place.height * w / h + 0.3))
        count = min(len(images), max(MIN_IMAGES, min(fitting, MAX_IMAGES)))
        cells = place.columns([1] * count, gap=0.3)
        frames = [cell.fit(w, h, (0, 1)) for cell in cells]
        self.count = count
        self.images = [
            PixelImages(image_colors(theme, pixels), frame.frame, outline=theme.rgb("faint"))
            for pixels, frame in zip(images, frames, strict=False)
        ]
        self.answers = [
            text_line(
                ellipsize_line(f"{a} → {b}", cell.width, LABEL), LABEL, ink, at=(cell.center[0], frame.bottom - 0.25)
            )
            for a, b, cell, frame in zip(before, after, cells, frames, strict=False)
        ]
        text = ellipsize_line(title.format(count), area.width, LABEL)
        self.title = text_line(text, LABEL, muted, at=(area.center[0], area.top - 0.2))

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """Title, images and answers."""
        return [self.title, *self.images, *self.answers]
