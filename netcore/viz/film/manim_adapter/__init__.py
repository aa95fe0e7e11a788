"""The only package that touches Manim's internals."""

from netcore.viz.film.manim_adapter.playing import plan_film, play_film, settled_frames
from netcore.viz.film.manim_adapter.scene import ArrayCamera, ArrayRenderer, ArrayScene, bounding_box, frame_count

__all__ = [
    "ArrayCamera",
    "ArrayRenderer",
    "ArrayScene",
    "bounding_box",
    "frame_count",
    "plan_film",
    "play_film",
    "settled_frames",
]
