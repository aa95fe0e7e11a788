"""Prepare a picture as MNIST's digits were, or crop and resize it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netcore.core.errors import NetcoreError

if TYPE_CHECKING:
    from PIL.Image import Image

MNIST, DIGIT_SIZE = (1, 28, 28), 20
CENTER = 14.5  # where MNIST's centres of mass lie, in pixels from the edge: the middle of pixel 14 counted from 0
WORK_SIZE = 256  # pixels a side on which the ink is looked for
MIN_STROKE = 2.0  # pixels of 28 that lines are wide at least; MNIST's are 2 to 3
INK_THRESHOLD = 0.3  # of 1, what counts as ink where its extent is measured
MIN_CONTRAST = 0.1  # contrast, of 1, below which nothing counts as drawn


def flatten_alpha(image: "Image") -> "tuple[Image, str]":
    """Put what is transparent on white, or on black where what is drawn is light."""
    import PIL.Image

    if image.mode != "RGBA":
        return image, ""
    alpha = np.asarray(image.getchannel("A"), np.float32)
    drawn = np.average(np.asarray(image.convert("RGB").convert("L")), weights=alpha) if alpha.any() else 0
    ground = PIL.Image.new("RGBA", image.size, "black" if drawn > 127 else "white")
    return PIL.Image.alpha_composite(ground, image).convert("RGB"), f"put on {'black' if drawn > 127 else 'white'}, "


def crop_and_resize(image: "Image", shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], str]:
    """Crop an image to the proportions of `shape` (C, H, W) and resize it; return what was done too."""
    import PIL.Image
    import PIL.ImageOps

    channels, height, width = shape
    image, said = flatten_alpha(image)
    fitted = PIL.ImageOps.fit(
        image.convert("RGB" if channels == 3 else "L"), (width, height), PIL.Image.Resampling.LANCZOS
    )
    pixels = np.asarray(fitted, np.uint8).reshape(height, width, channels).transpose(2, 0, 1)
    cropped = "" if image.width * height == image.height * width else "cropped to the middle, "
    grey = "turned to grey, " if channels == 1 and image.mode != "L" else ""
    return np.ascontiguousarray(pixels), f"{said}{grey}{cropped}resized to {width}×{height}"


def fit_to_mnist(image: "Image", path: Path) -> tuple[NDArray[np.uint8], str]:
    """Prepare a drawn digit as MNIST's were: (1, 28, 28), light on dark, centred by mass; return what was done too."""
    import PIL.Image

    image, said = flatten_alpha(image)
    grey = image.convert("L")
    said += "turned to grey, " if image.mode != "L" else ""
    whole = np.asarray(grey)
    light = np.median(whole) > (float(whole.min()) + float(whole.max())) / 2
    if grey.size == (28, 28) and not light and whole.any():
        return whole[None].copy(), f"{said}taken as it is, 28×28"
    grey.thumbnail((WORK_SIZE, WORK_SIZE), PIL.Image.Resampling.LANCZOS)
    values = np.asarray(grey, np.float32) / 255
    ink = _ink(1 - values if light else values)
    box = _box(ink)
    if box is None:
        raise NetcoreError(f"no digit found in {path}: use an image with more contrast")
    said += "inverted (dark on light), " if light else ""
    thick = _thickened(ink, box)
    if thick is not ink:
        ink, box, said = thick, _box(thick) or box, f"{said}thin lines thickened, "
    return _centered(_fitted(ink, box))[
        None
    ], f"{said}fitted to {DIGIT_SIZE}×{DIGIT_SIZE}, centred by its mass in 28×28"


def _ink(values: NDArray[Any]) -> NDArray[Any]:
    """Separate light ink from its darker ground, float32 (H, W) in [0, 1], less the ground's shading and noise.

    The ground is a quadratic surface fitted to what is darker than the threshold of N. Otsu (1979).
    """
    if np.ptp(values) < MIN_CONTRAST:
        return np.zeros_like(values)
    y, x = np.mgrid[-1 : 1 : values.shape[0] * 1j, -1 : 1 : values.shape[1] * 1j]
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], -1)
    ground = np.full_like(values, np.median(values))
    for _ in range(3):
        above = values - ground
        dark = above < _otsu(above)
        factors = np.linalg.lstsq(terms[dark], values[dark], rcond=None)[0]
        ground = (terms @ factors).astype(np.float32)
    above = np.clip(values - ground, 0, None)
    full = float(np.median(above[above >= _otsu(above)]))
    noise = 4 * float(above[above < full / 2].std())
    if full < max(MIN_CONTRAST, noise):
        return np.zeros_like(values)
    floor = max(noise, full / 5)
    return np.clip((above - floor) / (full - floor), 0, 1).astype(np.float32)


def _otsu(values: NDArray[Any]) -> float:
    """Threshold that parts `values` into two groups with the largest variance between them."""
    counts, edges = np.histogram(values, 128)
    centers = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * centers)
    means = sums[:-1] / np.maximum(below, 1), (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1:-1][np.argmax(below * above * (means[0] - means[1]) ** 2.0)])


def _box(ink: NDArray[Any]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of what is drawn, single specks left out; None where nothing is."""
    import PIL.Image
    import PIL.ImageFilter

    seen = PIL.Image.fromarray((ink > INK_THRESHOLD).astype(np.uint8) * 255)
    if max(ink.shape) > 3 * DIGIT_SIZE:
        seen = seen.filter(PIL.ImageFilter.MedianFilter(3))
    return seen.getbbox()


def _thickened(ink: NDArray[Any], box: tuple[int, int, int, int]) -> NDArray[Any]:
    """Widen lines that would be thinner than MNIST's pen once scaled down; others come back as they are."""
    import PIL.Image
    import PIL.ImageFilter

    drawn = ink > 0.5
    outline = np.pi / 4 * (np.diff(drawn, axis=0).sum() + np.diff(drawn, axis=1).sum())  # of a curve in any direction
    width = 2 * drawn.sum() / max(outline, 1)
    missing = MIN_STROKE * max(box[2] - box[0], box[3] - box[1]) / DIGIT_SIZE - width
    size = 2 * round(missing / 2) + 1
    if size < 3:
        return ink
    wider = PIL.Image.fromarray((255 * ink).astype(np.uint8)).filter(PIL.ImageFilter.MaxFilter(size))
    return np.asarray(wider, np.float32) / 255


def _fitted(ink: NDArray[Any], box: tuple[int, int, int, int]) -> NDArray[Any]:
    """Scale the content of `box` to 20 pixels on its longer side, antialiased; float32 with a maximum of 1."""
    import PIL.Image

    width, height = box[2] - box[0], box[3] - box[1]
    scale = DIGIT_SIZE / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(
        PIL.Image.fromarray(ink).resize(
            size, PIL.Image.Resampling.BOX if scale < 0.5 else PIL.Image.Resampling.BICUBIC, box
        )
    )
    return np.clip(small / max(float(np.percentile(small, 98)), 1e-6), 0, 1)


def _centered(digit: NDArray[Any]) -> NDArray[Any]:
    """Place a digit in 28×28, uint8, its centre of mass as near to the middle as it can be without cutting it."""
    from scipy.ndimage import center_of_mass

    out = np.zeros(MNIST[1:], np.uint8)
    center = np.array(center_of_mass(digit)) + 0.5  # from the edge, not from the middle of the first pixel
    top, left = np.clip(np.round(CENTER - center).astype(int), 0, np.subtract(out.shape, digit.shape))
    out[top : top + digit.shape[0], left : left + digit.shape[1]] = np.round(255 * digit)
    return out
