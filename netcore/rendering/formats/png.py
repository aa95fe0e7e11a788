"""PNG stills."""

from functools import partial
from pathlib import Path

from netcore.rendering.formats import Format
from netcore.rendering.frame_writer import Frame, StillWriter


def write_png(path: Path, rgb: Frame) -> None:
    """Write uint8 (H, W, 3) or (H, W, 4) as a PNG."""
    import imageio.v3 as iio

    iio.imwrite(path, rgb, plugin="pillow", extension=".png", compress_level=9)


FORMAT = Format("png", "image/png", still=True, transparent=True, writer=partial(StillWriter, save=write_png))
