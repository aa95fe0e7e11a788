"""Format numbers, percentages, counts and shapes."""

import math
from collections.abc import Sequence

PLAIN_RANGE = 1e-4, 1e7  # smaller and larger numbers are written with a power of ten
IMAGE_NOUNS = {
    "mnist": "MNIST digit",
    "embedded": "MNIST digit",
    "kaggle": "MNIST digit",
    "emnist-digits": "EMNIST digit",
    "fashion-mnist": "Fashion-MNIST image",
    "kmnist": "KMNIST character",
    "usps": "USPS digit",
}  # one image of a data set, by its name
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def format_number(value: float, digits: int = 2) -> str:
    """Format a number with thousands separators, or a power of ten.

    Parameters
    ----------
    value : float
    digits : int
        Significant digits; digits before the decimal point are never cut.

    Examples
    --------
    >>> [format_number(v) for v in (0, -0.5, 1234.5, 3.7e-7)]
    ['0', '−0.50', '1,234', '3.7×10⁻⁷']
    """
    if value == 0 or not math.isfinite(value):
        return _minus(f"{value:.0f}") if value else "0"
    factor, power = f"{value:.{digits - 1}e}".split("e")  # rounded first: 9.96 has the power of 10
    if not PLAIN_RANGE[0] <= abs(value) < PLAIN_RANGE[1]:
        return _minus(f"{factor}×10{str(int(power)).translate(SUPERSCRIPTS)}")
    return _minus(f"{value:,.{max(0, digits - 1 - int(power))}f}")


def format_percent(share: float, decimals: int = 1) -> str:
    """Format a share as a percentage that never claims 0 or 100 % of what is neither.

    Parameters
    ----------
    share : float
        In [0, 1].
    decimals : int
        Digits after the decimal point.

    Examples
    --------
    >>> [format_percent(share) for share in (0, 0.0001, 0.983, 0.9999, 1)]
    ['0.0 %', '< 0.1 %', '98.3 %', '> 99.9 %', '100.0 %']
    """
    return f"{_percentage(share, decimals)} %"


def format_percent_points(share: float, decimals: int = 2) -> str:
    """Format a difference of shares, such as a standard deviation: ``0.42 percentage points``."""
    return f"{100 * share:.{decimals}f} percentage points"


def format_mean_deviation(mean: float, deviation: float, decimals: int = 2) -> str:
    """Format mean and standard deviation of shares in [0, 1]: ``98.12 ± 0.31 %``."""
    return f"{_percentage(mean, decimals)} ± {_percentage(deviation, decimals)} %"


def format_percent_tick(share: float) -> str:
    """Format a tick of a percentage axis with the decimals that it needs: ``2.5 %``."""
    return f"{100 * share:.4g} %"


def format_percent_range(low: float, high: float, decimals: int = 1) -> str:
    """Format the ends of an interval of shares in [0, 1]: ``97.1 to 98.4 %``."""
    return f"{_percentage(low, decimals)} to {_percentage(high, decimals)} %"


def format_count(count: int, noun: str) -> str:
    """Format a number of things: ``1 image``, ``1,000 images``, ``2 passes``."""
    return f"{count:,} {_plural(noun, count)}"


def format_images(count: int, dataset: str, held_out: bool = False) -> str:
    """Format how many images of a data set there are, given its name in netcore.

    Examples
    --------
    >>> format_images(1000, "embedded", held_out=True), format_images(12, "zoo")
    ('1,000 held-out MNIST digits', '12 images of zoo')
    """
    kind = "held-out " if held_out else ""
    if dataset in IMAGE_NOUNS:
        return format_count(count, kind + IMAGE_NOUNS[dataset])
    return f"{format_count(count, kind + 'image')} of {dataset}"


def format_subset(shown: int, total: int, noun: str = "") -> str:
    """Format how many of all are shown, or only their number if all are.

    Examples
    --------
    >>> format_subset(16, 784), format_subset(24, 1024, "neuron"), format_subset(16, 16, "neuron")
    ('16 of 784', '24 of 1,024 neurons', '16 neurons')
    """
    numbers = f"{total:,}" if shown == total else f"{shown:,} of {total:,}"
    return f"{numbers} {_plural(noun, total)}" if noun else numbers


def format_shape(shape: Sequence[int]) -> str:
    """Format the shape of an array: ``32×14×14``."""
    return "×".join(f"{size:,}" for size in shape) or "a single number"


def format_decimal(units: int, decimals: int) -> str:
    """Format a whole number of units of 10^-`decimals`, for numbers that were rounded before.

    Examples
    --------
    >>> format_decimal(-1234567, 2), format_decimal(5, 2)
    ('−12,345.67', '0.05')
    """
    digits = f"{abs(units):0{decimals + 1}d}"
    whole, rest = (digits[:-decimals], "." + digits[-decimals:]) if decimals else (digits, "")
    return f"{'−' if units < 0 else ''}{int(whole):,}{rest}"


def format_value(value: float) -> str:
    """Format a value of the network: two digits after the decimal point, more where nothing else would be left.

    Examples
    --------
    >>> [format_value(v) for v in (0.9781, -12.5, 0.0012, 12345.6, 0)]
    ['0.98', '−12.50', '0.0012', '12,346', '0.00']
    """
    if value and (abs(value) < 0.005 or abs(value) >= 1000):
        return format_number(value)
    return format_decimal(round(value * 100), 2)


def _percentage(share: float, decimals: int) -> str:
    text = f"{100 * share:.{decimals}f}"
    if share < 1 and text == f"{100:.{decimals}f}":
        return f"> {100 - 10**-decimals:.{decimals}f}"
    if share > 0 and text == f"{0:.{decimals}f}":
        return f"< {10**-decimals:.{decimals}f}"
    return text


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else noun + ("es" if noun.endswith("s") else "s")
