"""Weights through training

The first layer of {network} from its untrained weights to its trained ones: the weights of one unit laid over an image,
early and late, then the accuracy with one layer at a time put back to its untrained weights.
"""

from netcore.analysis.first_layer import first_unit
from netcore.analysis.snapshot_predictions import path_snapshots, predict_snapshots
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.components.sum_line import SumLine
from netcore.viz.film.components.time_axis import TimeAxis
from netcore.viz.film.components.weight_view import WeightView
from netcore.viz.film.film import Film
from netcore.viz.film.text import ellipsize_line

NEEDS = ("snapshots",)

SECONDS = 8.0  # for all snapshots
TURNED = 0.9  # cosine of first and last weights above which kernels "turned little"
MAX_LAYERS = 12


class WeightsEvolve(Film):
    """How the weights of the first layer change during training, and which layers' training matters.

    Attributes
    ----------
    max_units : int
        Maximum number of neurons or kernels in the picture of all of them: those of the largest weights.
    """

    max_units: int = 64

    def construct(self):
        snapshots = path_snapshots(self.context)
        self.first, self.last = snapshots[0], snapshots[-1]
        self.trace = self.context.trace(at=self.last)
        self.unit = first_unit(self.context, snapshots)
        self.results = predict_snapshots(self.context, snapshots)
        self.axis, self.line = TimeAxis(snapshots), SumLine(self.theme, self.sum_line_box)
        upper, self.lower = self.stage.rows([0.68, 0.32], 0.15)
        self.word = "kernel" if self.unit.is_kernel else "neuron"
        self.name = f"{self.word} {self.unit.unit + 1}"
        self.view = WeightView(self.theme, upper, self.unit, self.trace, self.axis.times, f"weights of {self.name}")
        n, label = self.trace.prediction, self.trace.label
        self.image = ellipsize_line(self.trace.classes[n if label is None else label], 2.5, LABEL)
        self.before = "Untrained" if self.first.step == 0 else self.first.label[:1].upper() + self.first.label[1:]
        self.one_unit()
        self.early()
        self.evolve()
        self.late()
        self.idle()
        self.all_units()
        self.put_back()

    # ---- one unit

    def one_unit(self):
        view, unit = self.view, self.unit
        self.add(view.image, view.heads[1])
        each = "one for each pixel" if not unit.is_kernel else "for a window"
        if len(unit.inputs) > 1:
            each = f"in {len(unit.inputs)} colors"
        with self.step("{name}: {n} weights, {each}", name="unit", name_=None, n=unit.own[0].size, each=each):
            pass
