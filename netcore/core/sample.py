"""Read and represent a single image with its class."""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.plain_text import plain_text
from netcore.core.preprocessing import MNIST, WORK_SIZE, crop_and_resize, fit_to_mnist

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")  # those that Pillow reads without another program
MAX_PIXELS = 2**30 // 4 // 3  # Pillow's own bound against decompression bombs, `Image.MAX_IMAGE_PIXELS`


@dataclass(frozen=True)
class Sample:
    """One image.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (C, H, W)
    label : int or None
        True class, if known.
    source : str
        Data set and number, or file name, for the caption.
    """

    pixels: NDArray[np.uint8]
    label: int | None = None
    source: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of shape, label and pixels."""
        head = f"{self.pixels.shape}{self.label}".encode()
        return hashlib.sha256(head + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()


def read_sample(path: str | Path, shape: tuple[int, int, int] = MNIST) -> tuple[Sample, str]:
    """Read an image file and preprocess it for a network.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, WebP, GIF, BMP, TIFF or PPM file.
    shape : tuple of int
        Input shape (C, H, W) of the network. (1, 28, 28) is preprocessed as MNIST is; for others the image is cropped
        to the aspect ratio and resized.

    Returns
    -------
    sample : Sample
        uint8 (C, H, W), no label.
    note : str
        Description of the preprocessing, one line.

    Raises
    ------
    NetcoreError
        If the file cannot be read, is not an image, is empty, truncated, huge or blank, or C is neither 1 nor 3.
    """
    path = Path(path)
    if shape[0] not in (1, 3):
        raise NetcoreError(f"the input of the network must have 1 or 3 channels, got {shape[0]}")
    image = _open(path)
    pixels, done = fit_to_mnist(image, path) if shape == MNIST else crop_and_resize(image, shape)
    name = plain_text(path.name)
    return Sample(pixels, None, name), f"{name}: {done}"


def _open(path: Path) -> "Image":
    """Decode the first frame, upright, as "L", "RGB" or, if parts are transparent, "RGBA"."""
    import PIL.Image
    import PIL.ImageOps

    try:
        if path.stat().st_size == 0:
            raise NetcoreError(f"{path} is empty")
        with warnings.catch_warnings(action="ignore"):  # of bombs, refused here, and of damage, in the errors
            image = PIL.Image.open(path, formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise PIL.Image.DecompressionBombError
            image.draft("RGB", (4 * WORK_SIZE, 4 * WORK_SIZE))  # a large JPEG is decoded at a fraction of its size
            return _plain(PIL.ImageOps.exif_transpose(image))
    except PIL.Image.DecompressionBombError:
        raise NetcoreError(f"{path} is too large: scale it down to at most {MAX_PIXELS / 1e6:.0f} megapixels") from None
    except PIL.Image.UnidentifiedImageError:
        raise NetcoreError(f"{path} is not an image: use a {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file") from None
    except OSError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, SyntaxError, IndexError, EOFError, MemoryError) as error:  # Pillow's, of damaged files
        raise NetcoreError(f"cannot read {path}: {error}") from error


def _plain(image: "Image") -> "Image":
    """Convert to one of the modes "L", "RGB" and "RGBA"."""
    import PIL.Image

    if image.mode.startswith("I;16"):
        return PIL.Image.fromarray((np.asarray(image, np.float32) / 257).astype(np.uint8))
    if image.mode in ("I", "F"):  # no fixed white: from the darkest to the lightest value
        values = np.asarray(image, np.float64)
        return PIL.Image.fromarray((255 * (values - values.min()) / max(np.ptp(values), 1e-9)).astype(np.uint8))
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
