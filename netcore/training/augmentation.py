"""Random rotation, shift and scale of a whole batch at once, on the device it lies on."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F


def random_affine(images: torch.Tensor, settings: Mapping[str, float], generator: torch.Generator) -> torch.Tensor:
    """Turn, shift and scale each image of a batch by its own random amount, black coming in from outside.

    Parameters
    ----------
    images : Tensor
        (B, C, H, W) float.
    settings : mapping
        ``rotate`` in degrees, ``shift`` in pixels, ``scale`` as a share; each drawn evenly from ± its value.
    generator : Generator
        On the CPU, so that every device draws the same amounts.
    """
    count, _, height, width = images.shape
    draw = torch.rand(4, count, generator=generator).mul_(2).sub_(1)
    angle = draw[0] * math.radians(settings.get("rotate", 0.0))
    zoom = 1 / (1 + draw[1] * settings.get("scale", 0.0))
    shift = settings.get("shift", 0.0)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    theta = torch.stack(  # (B, 2, 3): where in the old image, in units of half its size, each new pixel comes from
        [
            torch.stack([cos, -sin * height / width, draw[2] * shift * 2 / width], 1),
            torch.stack([sin * width / height, cos, draw[3] * shift * 2 / height], 1),
        ],
        1,
    ).to(images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
