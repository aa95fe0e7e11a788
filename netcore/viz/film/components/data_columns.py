"""Columns of a data flow: the image, and what each block gives."""

from netcore.analysis.data_stages import DataFlow
from netcore.core.formatting import format_count, format_percent
from netcore.core.trace import Trace
from netcore.viz.colors import image_colors
from netcore.viz.film.components import data_wording as wording
from netcore.viz.film.components.data_box import front_unit
from netcore.viz.film.components.data_column import DataColumn
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.theme import Theme


def predicted(trace: Trace, limit: int) -> tuple[str, str]:
    """Return the predicted class, clipped to a number of characters, and its probability."""
    k = trace.prediction
    return clip_names([trace.classes[k]], limit)[0], format_percent(float(trace.probabilities[k]))


def image_column(theme: Theme, trace: Trace) -> DataColumn:
    """Make the column of the image."""
    c, h, w = trace.input.shape
    front = image_colors(theme, trace.pixels) if trace.pixels.shape == trace.input.shape else None
    lines, short = [format_count(c, "channel"), f"{h}×{w}"], wording.short_lines((c, h, w))
    return DataColumn(theme, "image", lines, short, trace.input, front=front)


def stage_columns(theme: Theme, flow: DataFlow) -> list[DataColumn]:
    """Make the columns of the blocks.

    A block without parameters that keeps the maps shows the same one in front as the block before it.
    """
    out: list[DataColumn] = []
    for stage in flow.stages:
        counts, shape = (stage.parameter_count, stage.multiplications or 0), stage.values.shape
        lines, short = wording.shape_lines(stage), wording.short_lines(shape)
        unit = None
        if out and len(shape) == 3 == out[-1].values.ndim and len(out[-1].values) == shape[0] and not counts[0]:
            unit = front_unit(out[-1].values, out[-1].unit)
        out.append(DataColumn(theme, stage.block.short, lines, short, stage.values, counts, unit=unit))
    return out
