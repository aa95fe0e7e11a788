"""Images in rows with a line of text below each."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.snapshot_predictions import Mistake, SnapshotPredictions
from netcore.core.formatting import format_percent
from netcore.viz.colors import image_colors
from netcore.viz.film.base_mobject import LABEL, NUMBER, ArrayMobject
from netcore.viz.film.mobjects import PixelImages
from netcore.viz.film.text import ellipsize_line, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

LINE = 0.42  # height of a text
COLUMNS, MAX_IMAGES = 3, 6


class NamedImages:
    """Images as large as fit, in rows of three, under a line that says what they are.

    Parameters
    ----------
    theme : Theme
    area : Area
    pixels : ndarray of uint8, shape (N, C, H, W)
    texts : sequence of str
        One for each image.
    title : str
    """

    def __init__(self, theme: Theme, area: Area, pixels: NDArray[np.uint8], texts: Sequence[str], title: str) -> None:
        height, width = pixels.shape[-2:]
        head = area.left, area.top - LINE / 2
        self.title = text_line(
            ellipsize_line(title, area.width, LABEL), LABEL, theme.rgb("muted"), at=head, align=(-1, 0)
        )
        body = Area(area.left, area.bottom, area.right, area.top - LINE - 0.1)
        columns = min(len(pixels), COLUMNS)
        rows = body.rows([1] * ceil(len(pixels) / columns), 0.15)
        cells = [cell for row in rows for cell in row.columns([1] * columns, 0.25)][: len(pixels)]
        places = [Area(c.left, c.bottom + LINE, c.right, c.top).fit(width, height, (0, 1)) for c in cells]
        colors = np.stack([image_colors(theme, image) for image in pixels])
        frames = np.concatenate([place.frame for place in places])
        self.images = PixelImages(colors, frames, outline=theme.rgb("faint"))
        self.texts = [
            text_line(text, NUMBER, theme.rgb("foreground"), at=(place.center[0], place.bottom - LINE / 2))
            for text, place in zip(texts, places, strict=True)
        ]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All of it."""
        return [self.title, self.images, *self.texts]


def mistake_images(theme: Theme, area: Area, found: SnapshotPredictions, mistake: Mistake | None) -> NamedImages:
    """Show images of a mistake with the probability of the wrong class, the highest first.

    Without a mistake they are the right predictions of lowest confidence at the last snapshot.
    """
    if mistake is None:
        index = found.least_sure(MAX_IMAGES)
        of, title = found.images.labels[index], "least sure: probability of the true class"
    else:
        index = mistake.images[:MAX_IMAGES]
        of = np.full(len(index), mistake.predicted)
        title = "probability of the wrong answer"
        if len(mistake.images) > len(index):
            title += f": the highest of {len(mistake.images):,}"
    shares = np.exp(found.log_probabilities[-1, index, of])
    return NamedImages(theme, area, found.images.images[index], [format_percent(float(p)) for p in shares], title)
