"""Images with lines of text below."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import ImageGrid, image_grid, to_display
from netcore.viz.mpl.style import ThemedFigure
from netcore.viz.mpl.text import add_text, ellipsize, text_width

MIN_TILE = 54.0  # units
MAX_TILE = 150.0  # units from image to image
LINE_HEIGHT = 17.0  # units per line of caption


def captioned_grid(
    fig: ThemedFigure,
    box: Box,
    images: NDArray[np.uint8],
    captions: Sequence[Sequence[str]],
    colors: Sequence[str],
    limit: float = 112.0,
) -> ImageGrid:
    """Draw images uint8 (N, C, H, W) with frames in their colors and captions, one sequence of lines each.

    Images are as large as fits, from `MIN_TILE` to `limit` units wide; those that do not fit are left out, so the grid
    returned may hold fewer. Lines too long for their place are cut.
    """
    tiles = np.stack([to_display(pixels) for pixels in images])
    ratio = tiles.shape[1] / tiles.shape[2]  # height by width
    below = LINE_HEIGHT * max(map(len, captions)) + 12
    longest = max(text_width(fig, line) for lines in captions for line in lines) + 10

    room = int(box.w / max(min(longest, 150), MIN_TILE + 12)) * int(box.h / (MIN_TILE * ratio + below))
    tiles, captions, colors = tiles[:room], captions[:room], colors[:room]

    def size(columns: int) -> float:  # width of an image
        place = min(MAX_TILE, box.w / columns)
        if columns > 1 and place < min(longest, 150):
            return 0
        return min(limit, place - 12, (box.h / -(-len(tiles) // columns) - below) / ratio)

    columns = max(range(1, len(tiles) + 1), key=lambda c: (round(size(c)), -(-len(tiles) % c), c))
    wide, place = size(columns), min(MAX_TILE, box.w / columns)
    upper = box.inset(left=(place - wide) / 2, right=(place - wide) / 2, top=2)
    settings = {"columns": columns, "pixel": wide / tiles.shape[2], "gap": place - wide, "lead": below}
    grid = image_grid(fig, upper, tiles, **settings)
    for color in sorted(set(colors)):
        grid.outline_images([i for i, c in enumerate(colors) if c == color], color, 2)
    muted = fig.theme.muted
    for i, caption in enumerate(captions):
        spot = grid.image_box(i)
        for row, line in enumerate(caption):
            settings = {"ha": "center"} | ({"color": muted} if row else {})
            text = ellipsize(fig, line, place - 6)
            add_text(fig, spot.x + spot.w / 2, spot.y + spot.h + 6 + LINE_HEIGHT * row, text, **settings)
    return grid
