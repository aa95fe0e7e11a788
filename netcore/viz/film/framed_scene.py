"""A scene whose frame has heading, stage, sum line and caption."""

from netcore.viz.film.manim_adapter.scene import ArrayScene
from netcore.viz.layout.area import Area

# Parts of the frame, as fractions from the top left: left, top, right, bottom
STAGE = (0.03, 0.10, 0.97, 0.78)
SUM_LINE_BOX = (0.03, 0.79, 0.97, 0.87)
CAPTION_BOX = (0.02, 0.88, 0.98, 0.96)
TAKEAWAY_BOX = (0.02, 0.80, 0.98, 0.96)
HEADING_ENDS = (0.03, 0.97, 0.05)  # left, right, height


class FramedScene(ArrayScene):
    """A Manim scene with the parts of its frame."""

    @property
    def width(self) -> float:
        """Width of the frame in scene units."""
        return float(self.cairo_camera.frame_width)

    @property
    def height(self) -> float:
        """Height of the frame in scene units."""
        return float(self.cairo_camera.frame_height)

    @property
    def frame_box(self) -> Area:
        """The whole frame."""
        return Area(-self.width / 2, -self.height / 2, self.width / 2, self.height / 2)

    @property
    def stage(self) -> Area:
        """Where the film draws: between the heading and the sum line."""
        return self.frame_box.part(*STAGE)

    @property
    def sum_line_box(self) -> Area:
        """Place of formulas and sums: between the stage and the caption."""
        return self.frame_box.part(*SUM_LINE_BOX)

    @property
    def caption_box(self) -> Area:
        """Place of a step's caption."""
        return self.frame_box.part(*CAPTION_BOX)

    @property
    def takeaway_box(self) -> Area:
        """Place of the takeaway's two lines."""
        return self.frame_box.part(*TAKEAWAY_BOX)

    @property
    def heading_ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Left and right end of the heading."""
        left, right, y = HEADING_ENDS
        return self.frame_box.at(left, y), self.frame_box.at(right, y)
