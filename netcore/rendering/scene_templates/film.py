"""New film.

The classes that {network} finds most probable for one image. Predicted {prediction} ({confidence}).
"""

import numpy as np

from netcore import Film
from netcore.core.formatting import format_percent
from netcore.viz.colors import image_colors
from netcore.viz.film.components.fades import fade_in
from netcore.viz.film.components.labelled_bars import LabelledBars
from netcore.viz.film.mobjects import PixelImages

NEEDS = ()  # what a run must have, such as ("mlp",), ("maps",) or ("examples",)


class NewFilm(Film):
    """The most probable classes of one image.

    Attributes
    ----------
    most : int
        Number of classes shown.
    """

    most: int = 3  # becomes the option --most

    def construct(self) -> None:
        """Show the image, then its most probable classes."""
        trace, theme = self.context.trace(), self.theme  # every value comes from the trace
        place, beside = self.stage.columns([1, 2], gap=0.5)  # areas of a frame of any shape
        _, height, width = trace.pixels.shape
        image = PixelImages(image_colors(theme, trace.pixels), place.fit(width, height).frame)
        order = np.argsort(-trace.probabilities)[: self.most]
        rows = beside.part(0, 0.1, 1, 0.9)
        bars = LabelledBars(theme, rows, [trace.classes[k] for k in order], trace.probabilities[order])
        with self.step("The image: {h} × {w} pixels", h=height, w=width):  # a step is one idea: 50 characters
            self.play(fade_in([image]))
        with self.step("{n} of {k} classes: the most probable", n=len(order), k=len(trace.classes)):
            self.play(bars.grow())
        label = trace.classes[trace.prediction]
        self.takeaway("Predicted {label}: {p}", label=label, p=format_percent(trace.confidence))
