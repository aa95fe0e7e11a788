"""Images with what the network says of them written below."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from netcore.core.formatting import format_percent
from netcore.stage.mosaic import Mosaic, image_grid, shown
from netcore.stage.plot import Box, fit, width, write

SMALLEST = 54.0  # units
WIDEST = 150.0  # units from image to image
LINE = 18.0  # units a line of caption takes
SHORT = 3  # letters of class names that fit into one line, two of them


def caption(classes: Sequence[str], said: int, label: int, share: float, places: int = 0) -> str:
    """What the network says, what it is where that differs, and how sure it is: ``says 4, is 6``, ``> 99 %``."""
    words = f"says {classes[said]}"
    if said != label:
        words += (", " if max(map(len, classes)) <= SHORT else "\n") + f"is {classes[label]}"
    return f"{words}\n{format_percent(share, places)}"


def gallery(
    fig: Figure, box: Box, images: np.ndarray, captions: Sequence[str], colours: Sequence[str], limit: float = 112.0
) -> Mosaic:
    """Draw images uint8 (N, C, H, W) with captions (their lines parted by a line feed) and frames in their colours.

    Images are as large as fits, from `SMALLEST` to `limit` units wide; those that do not fit are left out, so look at
    how many the mosaic has. Captions too long for their place are cut.
    """
    tiles = np.stack([shown(pixels) for pixels in images])
    ratio = tiles.shape[1] / tiles.shape[2]  # height by width
    lines = [caption.split("\n") for caption in captions]
    below = LINE * max(map(len, lines)) + 22
    longest = max(width(fig, line) for caption in lines for line in caption) + 10

    room = int(box.w / max(min(longest, 150), SMALLEST + 12)) * int(box.h / (SMALLEST * ratio + below))
    tiles, lines, colours = tiles[:room], lines[:room], colours[:room]

    def size(columns: int) -> float:  # width of an image
        place = min(WIDEST, box.w / columns)
        if columns > 1 and place < min(longest, 150):
            return 0
        return min(limit, place - 12, (box.h / -(-len(tiles) // columns) - below) / ratio)

    columns = max(range(1, len(tiles) + 1), key=lambda c: (round(size(c)), -(-len(tiles) % c), c))
    wide, place = size(columns), min(WIDEST, box.w / columns)
    upper = box.inset(left=(place - wide) / 2, right=(place - wide) / 2, top=2)
    settings = {"columns": columns, "pixel": wide / tiles.shape[2], "gap": place - wide, "lead": below}
    mosaic = image_grid(fig, upper, tiles, **settings)
    for colour in sorted(set(colours)):
        mosaic.outline([i for i, c in enumerate(colours) if c == colour], colour, 2)
    muted = fig.theme.muted  # type: ignore[attr-defined]
    for i, caption in enumerate(lines):
        spot = mosaic.place(i)
        for row, line in enumerate(caption):
            settings = {"ha": "center"} | ({"color": muted} if row else {})
            text = fit(fig, line, place - 6)
            write(fig, spot.x + spot.w / 2, spot.y + spot.h + 6 + LINE * row, text, **settings)
    return mosaic
