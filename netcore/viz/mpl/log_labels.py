"""Labels of logarithmic axes as plain text."""

import re

from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterMathtext, LogFormatterSciNotation

_POWER = re.compile(r"\^\{(-?\d+)\}")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class PlainLogFormatter(LogFormatterSciNotation):
    """Matplotlib's labels of a logarithmic axis, ``10⁻²``, without mathematical markup."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of a tick, "" if it has none."""
        markup = super().__call__(x, pos).replace("$", "").replace(r"\times", "×").replace(r"\mathdefault", "")
        powers = _POWER.sub(lambda found: found[1].translate(_SUPERSCRIPT), markup)
        return powers.strip("{}").replace("-", "−")


def use_plain_log_labels(fig: Figure) -> None:
    """Label the logarithmic axes of a figure by plain text, unless they have a formatter of their own."""
    for axis in (axis for axes in fig.axes for axis in (axes.xaxis, axes.yaxis)):
        if isinstance(axis.get_major_formatter(), LogFormatterMathtext):
            axis.set_major_formatter(PlainLogFormatter())
        if isinstance(axis.get_minor_formatter(), LogFormatterMathtext):
            axis.set_minor_formatter(PlainLogFormatter(labelOnlyBase=False))
