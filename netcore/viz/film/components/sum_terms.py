"""Terms of a sum line for one value of a convolution."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from netcore.analysis.map_layers import MapLayer
from netcore.core.formatting import format_sum
from netcore.viz.film.components.sum_line import Term


def signed_terms(texts: Iterable[str], first: bool = True) -> list[Term]:
    """Put signs between printed numbers, blue where they raise the sum and orange where they lower it.

    Examples
    --------
    >>> signed_terms(["1.38", "−0.42"])
    [('1.38', 'positive'), ('− 0.42', 'negative')]
    """
    out: list[Term] = []
    for k, text in enumerate(texts):
        negative, size = text.startswith("−"), text.removeprefix("−")
        sign = ("− " if negative else "+ ") if k or not first else "−" * negative
        out.append((sign + size, "negative" if negative else "positive"))
    return out


def label_term(label: str, text: str, first: bool = False) -> Term:
    """Return a further term with its name: ``("+ bias 0.02", "positive")``, ``("+ 28 more: 1.04", "positive")``."""
    negative = text.startswith("−")
    role = "negative" if negative else "positive"
    if first:
        return f"{label} {text}", role
    return f"{'−' if negative else '+'} {label} {text.removeprefix('−')}", role


def window_terms(layer: MapLayer, texts: Sequence[str], total: str) -> list[Term]:
    """Terms of the followed value of a layer: all products, and the bias.

    Parameters
    ----------
    layer : MapLayer
    texts : sequence of str
        Printed products, then the printed bias.
    total : str
        The printed sum.
    """
    *products, bias = texts
    out: list[Term] = [f"{len(products)} products: {add_printed(products)}"]
    if layer.terms is not None and layer.terms.bias:
        out += [label_term("bias", bias), f"= {total}"]
    return out


def partial_terms(layer: MapLayer, which: Sequence[int]) -> list[Term]:
    """Terms of the followed value of a layer: the sums of some input maps, of all others, the bias, the total."""
    terms = layer.terms
    assert terms is not None
    sums = terms.partial_sums
    few = len(which) < len(sums)
    rest = float(sums.sum() - sums[list(which)].sum()) if few else None
    texts, total = format_sum([*sums[list(which)].tolist(), terms.bias], rest=rest)
    names = [f"{'' if i else 'map '}{terms.channels[k] + 1}:" for i, k in enumerate(which)]
    shown = [label_term(name, text, k == 0) for k, (name, text) in enumerate(zip(names, texts, strict=False))]
    others = [(label_term(f"{len(sums) - len(which):,} more:", texts[-1])[0], "muted")] if few else []
    bias = [label_term("bias", texts[len(which)])] if terms.bias else []
    return [*shown, *others, *bias, f"= {total}"]


def add_printed(texts: Iterable[str]) -> str:
    """Add printed numbers exactly.

    Examples
    --------
    >>> add_printed(["0.31", "−0.40"])
    '−0.09'
    """
    return f"{sum(Decimal(text.replace('−', '-').replace(',', '')) for text in texts):,}".replace("-", "−")
