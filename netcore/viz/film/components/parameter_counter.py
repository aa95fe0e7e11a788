"""The number of parameters met so far, and how it came about."""

from netcore.analysis.operations import Operation
from netcore.analysis.parameter_product import parameter_product
from netcore.viz.film.animation import Animate
from netcore.viz.film.base_mobject import LABEL
from netcore.viz.film.text import TextLine, line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

FADE = 0.3


class ParameterCounter:
    """One line, flush at the right: the last sum and its total.

    Parameters
    ----------
    theme : Theme
    box : Area
        Place of the line.
    """

    def __init__(self, theme: Theme, box: Area) -> None:
        self.theme, self.box = theme, box
        self.total = 0
        self.line: TextLine | None = None

    def add(self, count: int, derivation: str = "", delay: float = 0.0) -> list[Animate]:
        """Return the animations that add parameters; if there are none, only the total stays.

        Parameters
        ----------
        count : int
        derivation : str
            How the count comes about: ``"32 × (9 + 1)"``.
        delay : float
            In seconds.
        """
        if not count:
            return self.settle()
        before, self.total = self.total, self.total + count
        term = derivation or f"{count:,}"
        total = f"{self.total:,} parameters"
        texts = [f"{before:,} + {term} = {total}" if before else f"{term} = {total}", f"+ {count:,} = {total}", total]
        if not before and not derivation:
            texts = [total]
        text = next((t for t in texts if line_width(t, LABEL) <= self.box.width), texts[-1])
        return self._write(text, delay)

    def settle(self) -> list[Animate]:
        """Return the animations that leave only the total of the last sum."""
        text = f"{self.total:,} parameters"
        return self._write(text, 0.0) if self.line and self.line.text != text else []

    def leave(self) -> list[Animate]:
        """Return the animation in which the line leaves."""
        gone, self.line = self.line, None
        return [Animate(gone, opacity=0.0, run_time=FADE, remover=True)] if gone else []

    def _write(self, text: str, delay: float) -> list[Animate]:
        out = [Animate(self.line, opacity=0.0, run_time=FADE, delay=delay, remover=True)] if self.line else []
        at = (self.box.right, self.box.center[1])
        self.line = text_line(text, LABEL, self.theme.rgb("foreground"), at=at, align=(1, 0))
        wait = delay + (FADE if out else 0.0)
        return [*out, Animate(self.line, start={"opacity": 0.0}, opacity=1.0, run_time=FADE, delay=wait)]


def derive_parameters(operation: Operation, units: int) -> str:
    """Write the number of parameters of a convolution, normalization or dense layer as a product.

    Parameters
    ----------
    operation : Operation
    units : int
        Number of its outputs: maps or neurons.

    Returns
    -------
    str
        ``"32 × (9 + 1)"``, ``"64 × (32 × 9 + 1)"``, ``"2 × 32"``; empty if it is not such a product.
    """
    sizes = list(operation.parameters.values())
    if operation.role == "norm":
        return f"{len(sizes)} × {units:,}" if len(sizes) > 1 and set(sizes) == {units} else ""
    product = parameter_product(operation, units)
    return product.text if product else ""
