"""Decode an uploaded image and prepare it for a network."""

import io
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError
from netcore.core.preprocessing import MNIST, WORK_SIZE, crop_and_resize, fit_to_mnist
from netcore.core.sample import FORMATS

NAME = Path("the picture")  # in messages; no file


def read_picture(data: bytes, shape: tuple[int, int, int], max_pixels: int) -> tuple[NDArray[np.uint8], str]:
    """Decode an image file in memory and prepare it as `netcore.core.sample.read_sample` does.

    Parameters
    ----------
    data : bytes
        PNG, JPEG, WebP, GIF, BMP, TIFF or PPM.
    shape : tuple of int
        Input shape (C, H, W) of the network.
    max_pixels : int
        Limit, checked before the image is decoded.

    Returns
    -------
    pixels : ndarray of uint8, shape (C, H, W)
    note : str
        Description of the preprocessing.

    Raises
    ------
    NetcoreError
        If it is not an image, too large, damaged or blank.
    """
    import PIL.Image
    import PIL.ImageOps

    try:
        with warnings.catch_warnings(action="ignore"):
            file = PIL.Image.open(io.BytesIO(data), formats=FORMATS)  # reads the header alone
            if file.width * file.height > max_pixels:
                raise NetcoreError(f"{NAME} is too large: use at most {max_pixels / 1e6:.0f} megapixels")
            file.draft("RGB", (4 * WORK_SIZE, 4 * WORK_SIZE))
            image = PIL.ImageOps.exif_transpose(file)
            mode = "RGBA" if image.has_transparency_data else "L" if image.mode in ("1", "L") else "RGB"
            image = image.convert(mode)
    except PIL.Image.DecompressionBombError:
        raise NetcoreError(f"{NAME} is too large: use at most {max_pixels / 1e6:.0f} megapixels") from None
    except (OSError, ValueError, SyntaxError, IndexError, EOFError, MemoryError, ArithmeticError) as error:
        raise NetcoreError(f"{NAME} is not an image that can be read: use a PNG or JPEG file") from error
    return fit_to_mnist(image, NAME) if shape == MNIST else crop_and_resize(image, shape)
