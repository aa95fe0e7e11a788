"""PNG stills."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_poster(path: Path, rgb: np.ndarray) -> None:
    """Write uint8 (H, W, 3) as a PNG."""
    Image.fromarray(rgb).save(path, "PNG", compress_level=9)
