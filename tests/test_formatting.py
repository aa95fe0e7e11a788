"""Numbers, percentages, counts and shapes as text."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netcore.core.formatting import (
    format_count,
    format_number,
    format_percent,
    format_percent_range,
    format_shape,
    format_subset,
    format_terms,
)

SHARES = st.floats(0, 1)
TERMS = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def value_of(text: str) -> Decimal:
    """The number that a reader takes from a text."""
    factor, _, power = text.replace("−", "-").replace(",", "").partition("×10")
    return Decimal(factor) * Decimal(10) ** int(power.translate(SUPERSCRIPTS) or 0)


def share_of(text: str) -> float:
    return float(text.removesuffix(" %").lstrip("<> ")) / 100


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (0.01234, "0.012"), (-0.5, "−0.50"), (1.25001, "1.3"), (9.96, "10"), (12.34, "12"),
        (0.005, "0.0050"), (1234567, "1,234,567"), (3.7e-7, "3.7×10⁻⁷"), (-2e8, "−2.0×10⁸"),
        (float("inf"), "inf"), (-float("inf"), "−inf"),
    ],
)  # fmt: skip
def test_format_number_values(value, text) -> None:
    assert format_number(value) == text


@given(st.floats(-1e12, 1e12), st.integers(1, 6))
def test_format_number_significant_digits(value, digits) -> None:
    text = format_number(value, digits)
    assert "-" not in text
    assert "e" not in text
    assert abs(float(value_of(text)) - value) <= 0.5 * 10.0 ** (1 - digits) * abs(value) * (1 + 1e-9) + 1e-320


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_format_number_monotone(a, b) -> None:
    low, high = sorted((a, b))
    assert value_of(format_number(low)) <= value_of(format_number(high))


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [
        (1.0, 1, "100.0 %"), (0.99999, 1, "> 99.9 %"), (0.9996, 0, "> 99 %"), (0.5, 1, "50.0 %"),
        (0.0004, 1, "< 0.1 %"),        (0.8573, 2, "85.73 %"), (0.0, 1, "0.0 %"),
    ],
)  # fmt: skip
def test_format_percent_values(share, decimals, text) -> None:
    assert format_percent(share, decimals) == text


@given(SHARES, st.integers(0, 3))
def test_format_percent_never_lies(share, decimals) -> None:
    text = format_percent(share, decimals)
    limit = 10.0 ** (-decimals - 2)
    if text.startswith("<"):
        assert 0 < share < share_of(text)
    elif text.startswith(">"):
        assert share_of(text) < share < 1
    else:
        assert abs(share_of(text) - share) <= limit / 2 + 1e-12
        assert (share_of(text) == 0) == (share == 0)
        assert (share_of(text) == 1) == (share == 1)


@given(SHARES, SHARES)
def test_format_percent_monotone(a, b) -> None:
    low, high = (format_percent(share) for share in sorted((a, b)))
    assert share_of(low) <= share_of(high)


def test_format_percent_range_ends() -> None:
    assert format_percent_range(0.9712, 0.984) == "97.1 to 98.4 %"
    assert format_percent_range(0.0, 0.99999, 2) == "0.00 to > 99.99 %"


@given(TERMS, st.integers(1, 4))
def test_format_terms_add_up(terms, digits) -> None:
    texts, total = format_terms(terms, digits)
    shown = [value_of(text) for text in texts]
    assert sum(shown) == value_of(total)
    assert len({-v.as_tuple().exponent for v in [*shown, value_of(total)]}) == 1
    unit = 10.0 ** value_of(total).as_tuple().exponent
    for value, term in zip(shown, terms, strict=True):
        assert abs(float(value) - term) <= unit * (1 + 1e-6)
    assert abs(float(value_of(total)) - sum(terms)) <= 0.5 * unit * (1 + 1e-6) + 1e-9


@given(TERMS)
def test_format_terms_digits(terms) -> None:
    assume(any(abs(t) > 1e-6 for t in terms))
    largest = int(np.abs(terms).argmax())
    text = value_of(format_terms(terms, 3)[0][largest])
    assert float(text) == pytest.approx(terms[largest], rel=0.011)


def test_format_terms_without_rounding_trouble() -> None:
    assert format_terms([1.5, -0.25, 2.0]) == (["1.50", "−0.25", "2.00"], "3.25")
    assert format_terms([1 / 3] * 3) == (["0.34", "0.33", "0.33"], "1.00")
    assert format_terms([1234.0, -234.0]) == (["1,234", "−234"], "1,000")


def test_format_count_plurals() -> None:
    texts = [format_count(n, noun) for n, noun in ((1, "image"), (1000, "image"), (2, "pass"), (0, "class"))]
    assert texts == ["1 image", "1,000 images", "2 passes", "0 classes"]


def test_format_subset_parts() -> None:
    assert format_subset(16, 784) == "16 of 784"
    assert format_subset(24, 1024, "neuron") == "24 of 1,024 neurons"
    assert format_subset(16, 16, "neuron") == "16 neurons"
    assert format_subset(1, 5, "map") == "1 of 5 maps"


def test_format_shape_sizes() -> None:
    assert format_shape((32, 14, 14)) == "32×14×14"
    assert format_shape((1024,)) == "1,024"
    assert format_shape(()) == "a single number"
