"""Images with what the network says of them written below."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from netcore.core.formatting import format_percent
from netcore.viz.mpl.boxes import Box
from netcore.viz.mpl.image_grid import ImageGrid, image_grid, to_display
from netcore.viz.mpl.text import add_text, ellipsize, text_width

MIN_TILE = 54.0  # units
MAX_TILE = 150.0  # units from image to image
LINE_HEIGHT = 18.0  # units a line of caption takes
SHORT_CAPTION = 3  # letters of class names that fit into one line, two of them


def prediction_caption(classes: Sequence[str], predicted: int, label: int, share: float, places: int = 0) -> str:
    """What the network says, what it is where that differs, and how sure it is: ``says 4, is 6``, ``> 99 %``."""
    words = f"says {classes[predicted]}"
    if predicted != label:
        words += (", " if max(map(len, classes)) <= SHORT_CAPTION else "\n") + f"is {classes[label]}"
    return f"{words}\n{format_percent(share, places)}"


def captioned_grid(
    fig: Figure, box: Box, images: np.ndarray, captions: Sequence[str], colors: Sequence[str], limit: float = 112.0
) -> ImageGrid:
    """Draw images uint8 (N, C, H, W) with captions (their lines parted by a line feed) and frames in their colours.

    Images are as large as fits, from `SMALLEST` to `limit` units wide; those that do not fit are left out, so look at
    how many the mosaic has. Captions too long for their place are cut.
    """
    tiles = np.stack([to_display(pixels) for pixels in images])
    ratio = tiles.shape[1] / tiles.shape[2]  # height by width
    lines = [caption.split("\n") for caption in captions]
    below = LINE_HEIGHT * max(map(len, lines)) + 22
    longest = max(text_width(fig, line) for caption in lines for line in caption) + 10

    room = int(box.w / max(min(longest, 150), MIN_TILE + 12)) * int(box.h / (MIN_TILE * ratio + below))
    tiles, lines, colors = tiles[:room], lines[:room], colors[:room]

    def size(columns: int) -> float:  # width of an image
        place = min(MAX_TILE, box.w / columns)
        if columns > 1 and place < min(longest, 150):
            return 0
        return min(limit, place - 12, (box.h / -(-len(tiles) // columns) - below) / ratio)

    columns = max(range(1, len(tiles) + 1), key=lambda c: (round(size(c)), -(-len(tiles) % c), c))
    wide, place = size(columns), min(MAX_TILE, box.w / columns)
    upper = box.inset(left=(place - wide) / 2, right=(place - wide) / 2, top=2)
    settings = {"columns": columns, "pixel": wide / tiles.shape[2], "gap": place - wide, "lead": below}
    mosaic = image_grid(fig, upper, tiles, **settings)
    for color in sorted(set(colors)):
        mosaic.outline([i for i, c in enumerate(colors) if c == color], color, 2)
    muted = fig.theme.muted  # type: ignore[attr-defined]
    for i, caption in enumerate(lines):
        spot = mosaic.place(i)
        for row, line in enumerate(caption):
            settings = {"ha": "center"} | ({"color": muted} if row else {})
            text = ellipsize(fig, line, place - 6)
            add_text(fig, spot.x + spot.w / 2, spot.y + spot.h + 6 + LINE_HEIGHT * row, text, **settings)
    return mosaic
