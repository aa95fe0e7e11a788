"""Tables of a neuron's sum: activations, weights, products, sums of rows."""

from collections.abc import Sequence

import numpy as np

from netcore.analysis.dense_layers import DenseLayer
from netcore.analysis.hand_computation import add_texts, to_decimal
from netcore.viz.film.base_mobject import LABEL, ArrayMobject
from netcore.viz.film.components.number_table import NumberTable, fit_hand_sum, soft_colors
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.mobjects import Rectangles
from netcore.viz.film.text import line_width, text_line
from netcore.viz.layout.area import Area
from netcore.viz.theme import Theme

COLUMNS = 4  # of a table of numbers, at most; half as many where not all inputs are written
MANY, DRAWN = 24, 8  # inputs that are all written; of more, cells of the table, one of them for the rest
ROW_HEIGHT = 0.8  # of the products, at most
SHARES = 0.75, 0.66, 0.58, 0.5  # of the width for the products, tried in this order; the rest is for row sums


class HandTables:
    """The sum of one neuron as three tables.

    Parameters
    ----------
    theme : Theme
    middle, right : Area
        Of the factors, one table above the other; of the products and the sums of their rows.
    layer : DenseLayer
    unit : int
    source : str
        What gives the activations; empty if they are the network's inputs.

    Attributes
    ----------
    hand : HandSum
        The printed numbers.
    columns : int
    activations, weights, products : NumberTable
    rows : list of str
        Sums of the rows of products.
    row_sums : list of TextLine
    row_title : TextLine
        Says what they are.
    """

    def __init__(self, theme: Theme, middle: Area, right: Area, layer: DenseLayer, unit: int, source: str = "") -> None:
        above, below = middle.rows([1, 1], gap=0.15)
        limits = (DRAWN, COLUMNS // 2) if len(layer.inputs) > MANY else (MANY, COLUMNS)
        self.theme = theme
        for share in SHARES:
            place = right.part(0, 0, share, 1)
            self.hand, self.columns = hand, columns = fit_hand_sum(layer, unit, above, place, *limits)
            texts = [*hand.products, *([hand.rest] if hand.rest else [])]
            self.rows = [add_texts(texts[k : k + columns]) for k in range(0, len(texts), columns)]
            if max(line_width(text, LABEL) for text in self.rows) < right.width * (1 - share) - 0.2:
                break
        more = [f"{hand.rest_count:,} more"] * bool(hand.rest)
        given = [f"a: activations of {source}", f"a: {source}", "activations a"] if source else ["inputs a"]
        self.activations = NumberTable(
            theme, above, first_fitting(given, above.width), [*hand.activations, *more], columns
        )
        below = Area(below.left, below.bottom, below.right, self.activations.area.bottom - 0.15)
        self.weights = NumberTable(theme, below, "weights w (learned)", [*hand.weights, *[""] * len(more)], columns)
        values = np.array([float(to_decimal(text)) for text in texts])
        fill = soft_colors(theme, values)
        largest = texts[int(np.abs(values).argmax())].removeprefix("−")
        titles = [f"products (full color: ±{largest})", "products (blue +, orange −)", "products"]
        title = first_fitting(titles, place.width)
        self.products = NumberTable(theme, place, title, texts, columns, fill, ROW_HEIGHT)
        ends = self.products.row_ends(columns)
        ink = theme.rgb("foreground")
        self.row_sums = [text_line(t, LABEL, ink, at=e, align=(-1, 0)) for t, e in zip(self.rows, ends, strict=True)]
        word = first_fitting(["row sums", "sums"], right.right - ends[0, 0] + 0.2)
        head = (ends[0, 0], self.products.title.points[:, 1].mean())
        self.row_title = text_line(word, LABEL, theme.rgb("muted"), at=head, align=(-1, 0))

    @property
    def factors(self) -> list[ArrayMobject]:
        """Activations and weights."""
        return [*self.activations.mobjects, *self.weights.mobjects]

    @property
    def mobjects(self) -> list[ArrayMobject]:
        """All tables and the sums of rows."""
        return [*self.factors, *self.products.mobjects, self.row_title, *self.row_sums]

    @property
    def largest(self) -> int:
        """Cell of the largest product that is written."""
        return max(range(len(self.hand.products)), key=lambda i: abs(to_decimal(self.hand.products[i])))

    @property
    def largest_product(self) -> str:
        """The largest product in numbers."""
        hand, k = self.hand, self.largest
        return f"w × a: {hand.weights[k]} × {hand.activations[k]} = {hand.products[k]}"

    def mark_pair(self) -> list[ArrayMobject]:
        """Outline the largest product and its factors."""
        tables, line = (self.activations, self.weights, self.products), [*self.theme.rgb("emphasis"), 1.0]
        return [Rectangles(table.cells[self.largest].corners, line=line, width=2) for table in tables]

    @property
    def bias_term(self) -> str:
        """The bias with its sign, to be written after other terms."""
        bias = self.hand.bias
        return f"− {bias[1:]}" if bias.startswith("−") else f"+ {bias}"

    def mark(self, inputs: Sequence[int]) -> list[ArrayMobject]:
        """Outline the activations of those of some inputs that have a cell."""
        at = [int(np.flatnonzero(self.hand.index == k)[0]) for k in inputs if k in self.hand.index]
        line = [*self.theme.rgb("emphasis"), 1.0]
        return [Rectangles(self.activations.cells[k].corners, line=line, width=2) for k in at]

    def sum_terms(self) -> list[Term]:
        """Write the sum of the rows and the bias."""
        rows = [f"− {t[1:]}" if t.startswith("−") else f"+ {t}" for t in self.rows[1:]]
        return [
            self.rows[0],
            *rows,
            (f"{self.bias_term[0]} bias {self.bias_term[2:]}", "muted"),
            f"= {self.hand.total}",
        ]


def first_fitting(texts: Sequence[str], width: float) -> str:
    """Return the first text that fits into a width as a label, else the last."""
    return next((text for text in texts if line_width(text, LABEL) <= width), texts[-1])
