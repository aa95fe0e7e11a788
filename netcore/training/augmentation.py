"""Random rotation, shift and scale of a batch, on its device."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F


def random_affine(images: torch.Tensor, settings: Mapping[str, float], generator: torch.Generator) -> torch.Tensor:
    """Rotate, shift and scale each image by its own random amount, padding with black.

    Parameters
    ----------
    images : Tensor of float, shape (B, C, H, W)
    settings : mapping
        Largest amounts: "rotate" in degrees, "shift" in pixels, "scale" as a share; uniform in both directions.
    generator : Generator
        On the CPU, so that every device draws the same amounts.

    Returns
    -------
    Tensor of float, shape (B, C, H, W)
    """
    count, _, height, width = images.shape
    draw = torch.rand(4, count, generator=generator).mul_(2).sub_(1)
    angle = draw[0] * math.radians(settings.get("rotate", 0.0))
    zoom = 1 / (1 + draw[1] * settings.get("scale", 0.0))
    shift = settings.get("shift", 0.0)
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    theta = torch.stack(  # (B, 2, 3): maps each output pixel to its source, in units of half the image's size
        [
            torch.stack([cos, -sin * height / width, draw[2] * shift * 2 / width], 1),
            torch.stack([sin * width / height, cos, draw[3] * shift * 2 / height], 1),
        ],
        1,
    ).to(images.device)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)
