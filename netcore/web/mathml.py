"""Build formulas as MathML, which browsers typeset without any library."""

import re
from html import escape

Part = str  # MathML, or plain text that becomes an identifier, a number or an operator
FUNCTIONS = ("ln", "max", "tanh", "ReLU")
GAP = '<mspace width="1.6em"></mspace>'  # between two formulas on one line
OPERATORS = frozenset("=+−×·/()[]<>≤≥≈→,…←:|′")


def math_element(*parts: Part, block: bool = True) -> str:
    """Return a `math` element.

    Parameters
    ----------
    *parts : str
        MathML or text, side by side.
    block : bool
        A line of its own.

    Examples
    --------
    >>> math_element("x", "=", "1", block=False)
    '<math><mi>x</mi><mo>=</mo><mn>1</mn></math>'
    """
    display = ' display="block"' if block else ""
    return f"<math{display}>{_join(parts)}</math>"


def token(text: Part) -> str:
    """Return text as one MathML element; MathML is returned as it is."""
    if text.startswith("<m"):
        return text
    if re.fullmatch(r"[−-]?[\d.,  ]+(?:e[−-]?\d+)?", text):
        number = f"<mn>{text.lstrip('−-')}</mn>"
        return f"<mrow><mo>−</mo>{number}</mrow>" if text[0] in "−-" else number
    if all(c in OPERATORS for c in text):
        return f"<mo>{escape(text)}</mo>"
    if text in FUNCTIONS:
        return f'<mrow><mi>{text}</mi><mspace width=".17em"></mspace></mrow>'
    if len(text) > 1:
        return f"<mtext>\u00a0{escape(text)}\u00a0</mtext>"
    return f"<mi>{escape(text)}</mi>"


def row(*parts: Part) -> str:
    """Return parts as one group."""
    return f"<mrow>{_join(parts)}</mrow>"


def subscript(base: Part, *index: Part) -> str:
    """Return a base with an index."""
    if len(index) == 1 and index[0].isalpha():
        return f"<msub>{token(base)}<mi>{index[0]}</mi></msub>"
    return f"<msub>{token(base)}{row(*index)}</msub>"


def power(base: Part, *exponent: Part) -> str:
    """Return a base with an exponent."""
    return f"<msup>{token(base)}{row(*exponent)}</msup>"


def fraction(above: Part, below: Part) -> str:
    """Return a fraction."""
    return f"<mfrac>{token(above)}{token(below)}</mfrac>"


def sum_over(index: Part) -> str:
    """Return a sum sign with its index below."""
    return f"<munder><mo>∑</mo>{token(index)}</munder>"


def root(value: Part) -> str:
    """Return a square root."""
    return f"<msqrt>{token(value)}</msqrt>"


def _join(parts: tuple[Part, ...]) -> str:
    return "".join(token(part) for part in parts)
