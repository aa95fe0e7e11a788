"""Experiments on a network: what changed images do to its logits."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from netcore.core.network import Network
from netcore.core.probabilities import class_probabilities
from netcore.core.sample import Sample
from netcore.core.trace import Trace

ROUNDING = 1e-5  # of the largest logit: differences that single precision may cause

# Changes images (N, C, H, W) in [0, 255] by a level.
Transform = Callable[[NDArray[np.floating], float], NDArray[np.floating]]

# ---- one image


def margin_gradient(network: Network, image: Sample, first: int, second: int) -> NDArray[np.float32]:
    """Return the derivative of logit `first` − logit `second` by the network's input, (C, H, W).

    The difference is the cross-entropy of `second` minus that of `first`: the softmax's denominators cancel.
    """
    traces = [network.trace(replace(image, label=k), backward=True) for k in (second, first)]
    gradients = [np.asarray(trace.grad_input, np.float32) for trace in traces]
    difference: NDArray[np.float32] = gradients[0] - gradients[1]
    return difference


def occlusion_map(
    network: Network, trace: Trace, first: int, second: int, patch: int, stride: int
) -> NDArray[np.float64]:
    """Return what covering a pixel costs of logit `first` − logit `second` (Zeiler and Fergus, 2014).

    Parameters
    ----------
    network : Network
    trace : Trace
        Of the image.
    first, second : int
        Classes.
    patch : int
        Side of the covering square in pixels; its colour is `background_color`.
    stride : int
        Pixels between two places of the square.

    Returns
    -------
    ndarray, shape (H, W)
        Mean over the squares that cover a pixel.
    """
    _, height, width = trace.pixels.shape
    starts = [(y, x) for y in range(stride - patch, height, stride) for x in range(stride - patch, width, stride)]
    places = [(slice(max(0, y), y + patch), slice(max(0, x), x + patch)) for y, x in starts]
    images = np.repeat(trace.pixels[None], len(places), 0)
    color = background_color(trace.pixels)[:, None, None]
    for image, (rows, columns) in zip(images, places, strict=True):
        image[:, rows, columns] = color
    logits = network.predict(images)["logits"]
    losses = trace.logits[first] - trace.logits[second] - (logits[:, first] - logits[:, second])
    losses[np.abs(losses) < ROUNDING * np.abs(trace.logits).max()] = 0
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for (rows, columns), loss in zip(places, losses, strict=True):
        total[rows, columns] += loss
        count[rows, columns] += 1
    return total / np.maximum(count, 1)


def background_color(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the median of an image's outermost pixels, (C,)."""
    count = len(pixels)
    rows, columns = pixels[:, [0, -1]].reshape(count, -1), pixels[:, :, [0, -1]].reshape(count, -1)
    return np.median(np.concatenate([rows, columns], axis=1), axis=1).astype(np.uint8)


# ---- many images


def predict_transformed(
    network: Network, images: NDArray[np.uint8], transform: Transform, levels: Sequence[float]
) -> NDArray[np.float64]:
    """Return probabilities of images changed by each level, (levels, N, K)."""
    logits = [network.predict(apply_transform(transform, images, level))["logits"] for level in levels]
    return class_probabilities(np.stack(logits))


def apply_transform(transform: Transform, images: ArrayLike, level: float) -> NDArray[np.uint8]:
    """Change images (N, C, H, W), and round to uint8."""
    changed = transform(np.asarray(images, np.float64), level)
    return np.clip(np.round(changed), 0, 255).astype(np.uint8)


def add_noise(images: NDArray[np.floating], level: float) -> NDArray[np.floating]:
    """Add Gaussian noise whose standard deviation is `level` times 255; the same noise at every level."""
    noise = np.random.default_rng(0).normal(0, 255 * level, images.shape)
    return np.clip(images + noise, 0, 255)


def rotate(images: NDArray[np.floating], degrees: float) -> NDArray[np.floating]:
    """Rotate about the centre, counter-clockwise, by bilinear interpolation."""
    rotated: NDArray[np.floating] = ndimage.rotate(images, degrees, axes=(3, 2), reshape=False, order=1, mode="nearest")
    return rotated


def translate(images: NDArray[np.floating], percent: float) -> NDArray[np.floating]:
    """Move to the right by a share of the width, by bilinear interpolation."""
    moved: NDArray[np.floating] = ndimage.shift(
        images, (0, 0, 0, percent / 100 * images.shape[3]), order=1, mode="nearest"
    )
    return moved


def change_stroke_width(images: NDArray[np.floating], pixels: float) -> NDArray[np.floating]:
    """Make bright strokes thicker by grey dilation, or thinner (`pixels` below 0) by grey erosion."""
    side = 1 + abs(int(pixels))
    morph = ndimage.grey_dilation if pixels > 0 else ndimage.grey_erosion
    changed: NDArray[np.floating] = morph(images, size=(1, 1, side, side))
    return changed
