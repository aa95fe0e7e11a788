"""Draw the dashboard of a run, image by image."""

import io
from collections import OrderedDict

from netcore.analysis.image_sequence import sample_sequence
from netcore.analysis.predictions import predict_samples
from netcore.core.run import Run
from netcore.rendering.context import make_context
from netcore.rendering.scenes import find_scene, load_scene
from netcore.viz.mpl.blitting import Blitter
from netcore.viz.mpl.style import new_figure, theme_style
from netcore.viz.theme import THEMES

SIZE = (1280, 720)
MAX_IMAGES = 100
KEPT_FRAMES = 400  # about 60 kB each


class DashboardFrames:
    """Frames of the scene ``dashboard``, drawn when they are first asked for; for use in one thread.

    Parameters
    ----------
    run : Run
        With examples.
    at : str
        Snapshot, as in `Run.snapshot`.

    Attributes
    ----------
    images : list of tuple
        (true class, predicted class, confidence) of each image.
    """

    def __init__(self, run: Run, at: str) -> None:
        self._context = make_context(run, at=at)
        feed = sample_sequence(self._context, images=MAX_IMAGES)
        facts = predict_samples(self._context, feed)
        names = run.classes
        self.images = [
            (names[int(label)], names[int(shares.argmax())], float(shares.max()))
            for label, shares in zip(facts.labels, facts.probabilities, strict=True)
        ]
        self._draw = load_scene(find_scene("dashboard").path).draw
        self._blitters: dict[str, Blitter] = {}
        self._frames: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def frame(self, index: int, theme: str) -> bytes:
        """Return the PNG of one image's dashboard."""
        key = theme, index
        if key not in self._frames:
            self._frames[key] = self._render(index, theme)
            if len(self._frames) > KEPT_FRAMES:
                self._frames.popitem(last=False)
        self._frames.move_to_end(key)
        return self._frames[key]

    def _render(self, index: int, theme: str) -> bytes:
        from PIL import Image

        with theme_style(THEMES[theme]):
            if theme not in self._blitters:
                fig = new_figure(THEMES[theme], SIZE)
                self._blitters[theme] = Blitter(fig, self._draw(fig, self._context, images=MAX_IMAGES))
            rgb = self._blitters[theme].render((index + 0.5) / len(self.images))
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "PNG", compress_level=3)
        return file.getvalue()
