"""Format numbers, percentages, counts and shapes as text."""

import math
from collections.abc import Iterable, Sequence

PLAIN_RANGE = 1e-4, 1e7  # smaller and larger numbers are written with a power of ten
MAX_DECIMALS = 12  # of terms of a sum
MAX_EXTRA_DECIMALS = 2  # tried before single terms of a sum are adjusted
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


def format_terms(terms: Iterable[float], digits: int = 2, extra: int = MAX_EXTRA_DECIMALS) -> tuple[list[str], str]:
    """Format the terms of a sum, and their total, so that the numbers shown add up.

    All have the same number of decimals: the fewest with which the rounded terms add up to the rounded total. If none
    does, the terms with the largest rounding errors are rounded the other way (largest remainder).

    Parameters
    ----------
    terms : iterable of float
    digits : int
        Significant digits of the largest term, at least.
    extra : int
        Further decimals that are tried.

    Returns
    -------
    terms : list of str
    total : str

    Examples
    --------
    >>> format_terms([0.25, -0.125, 0.5])
    (['0.250', '−0.125', '0.500'], '0.625')
    >>> format_terms([1 / 3, 1 / 3, 1 / 3])
    (['0.34', '0.33', '0.33'], '1.00')
    """
    values = [float(term) for term in terms]
    largest = max(map(abs, values), default=0.0)
    power = max(-MAX_DECIMALS, int(f"{largest:.{digits - 1}e}".split("e")[1]))
    fewest = max(0, digits - 1 - power)
    for decimals in range(fewest, fewest + extra + 1):
        units, total = _units(values, decimals)
        if sum(units) == total:
            break
    else:
        decimals = fewest
        units = _largest_remainder(values, decimals)
        total = sum(units)
    *texts, last = (format_decimal(unit, decimals) for unit in [*units, total])
    return texts, last


def format_sum(
    terms: Sequence[float], rest: float | None = None, fewest: int = 2, most: int = 4
) -> tuple[list[str], str]:
    """Format the terms of a sum, the last of which stands for all others, so that the numbers shown add up.

    Parameters
    ----------
    terms : sequence of float
    rest : float, optional
        Sum of what is not shown one by one: the last text. It is the printed total minus the printed terms, which is
        off by one unit of the last digit at most.
    fewest, most : int
        Digits after the decimal point that are tried.

    Returns
    -------
    terms : list of str
    total : str

    Examples
    --------
    >>> format_sum([1.354, 1.284, 0.553], rest=-0.828)
    (['1.35', '1.28', '0.55', '−0.82'], '2.36')
    """
    if rest is None:
        texts, total = _exact_sum(terms, fewest, most)
        return (texts, total) if texts else format_terms(terms)
    for decimals in range(fewest, most + 1):
        units, total_units = _units(list(terms), decimals)[0], round((math.fsum(terms) + rest) * 10**decimals)
        left = total_units - sum(units)
        if abs(left - rest * 10**decimals) <= 1:
            break
    return [format_decimal(u, decimals) for u in [*units, left]], format_decimal(total_units, decimals)


def _exact_sum(terms: Sequence[float], fewest: int, most: int) -> tuple[list[str], str]:
    for decimals in range(fewest, most + 1):
        units, total = _units(list(terms), decimals)
        if sum(units) == total:
            return [format_decimal(unit, decimals) for unit in units], format_decimal(total, decimals)
    return [], ""


def find_printable_product(
    pairs: Sequence[tuple[float, float]], fewest: int = 2, most: int = 4
) -> tuple[int, tuple[str, str, str]]:
    """Return the first of some pairs whose printed factors give the printed product, and the three texts.

    The fewest digits after the decimal point for which there is such a pair are taken.

    Examples
    --------
    >>> find_printable_product([(0.374, 0.984), (0.2, 0.5)])
    (1, ('0.20', '0.50', '0.10'))
    """
    for decimals in range(fewest, most + 1):
        for k, (a, b) in enumerate(pairs):
            (one, two), product = (round(a * 10**decimals), round(b * 10**decimals)), round(a * b * 10**decimals)
            if product and round(one * two / 10**decimals) == product:
                return k, (
                    format_decimal(one, decimals),
                    format_decimal(two, decimals),
                    format_decimal(product, decimals),
                )
    texts = [format_decimal(round(v * 10**most), most) for v in (*pairs[0], pairs[0][0] * pairs[0][1])]
    return 0, (texts[0], texts[1], texts[2])


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


def format_quotient(part: float, total: float) -> tuple[str, str, str]:
    """Format a share as a division whose printed numbers give the printed percentage.

    Examples
    --------
    >>> format_quotient(885.99, 938.65)
    ('886', '939', '94.4 %')
    """
    share = format_percent(part / total)
    for digits in range(3, 9):
        a, b = (float(f"{v:.{digits - 1}e}") for v in (part, total))
        if b and format_percent(a / b) == share:
            break
    return format_number(part, digits), format_number(total, digits), share


def format_log(share: float) -> tuple[str, str]:
    """Format a share and its negative natural logarithm, so that the printed share gives the printed logarithm.

    Examples
    --------
    >>> format_log(0.06762)
    ('0.0676', '2.69')
    """
    text = format_value(-math.log(share) + 0.0)
    for digits in range(3, 9):
        if format_value(-math.log(float(f"{share:.{digits - 1}e}")) + 0.0) == text:
            break
    return format_number(share, digits), text


def _percentage(share: float, decimals: int) -> str:
    text = f"{100 * share:.{decimals}f}"
    if share < 1 and text == f"{100:.{decimals}f}":
        return f"> {100 - 10**-decimals:.{decimals}f}"
    if share > 0 and text == f"{0:.{decimals}f}":
        return f"< {10**-decimals:.{decimals}f}"
    return text


def _units(values: list[float], decimals: int) -> tuple[list[int], int]:
    """Round values and their sum to whole units of 10^-`decimals`."""
    return [round(v * 10**decimals) for v in values], round(math.fsum(values) * 10**decimals)


def _largest_remainder(values: list[float], decimals: int) -> list[int]:
    units, total = _units(values, decimals)
    missing = total - sum(units)
    step = 1 if missing > 0 else -1
    errors = [value * 10**decimals - unit for value, unit in zip(values, units, strict=True)]  # positive: rounded down
    for k in sorted(range(len(values)), key=lambda k: -step * errors[k])[: abs(missing)]:
        units[k] += step
    return units


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else noun + ("es" if noun.endswith("s") else "s")
