"""Format numbers, percentages, counts and shapes as text."""

from netcore.core.formatting.numbers import (
    format_count,
    format_decimal,
    format_images,
    format_mean_deviation,
    format_number,
    format_percent,
    format_percent_points,
    format_percent_range,
    format_percent_tick,
    format_shape,
    format_subset,
    format_value,
)
from netcore.core.formatting.sums import (
    find_printable_product,
    format_log,
    format_quotient,
    format_sum,
    format_terms,
)

__all__ = [
    "find_printable_product",
    "format_count",
    "format_decimal",
    "format_images",
    "format_log",
    "format_mean_deviation",
    "format_number",
    "format_percent",
    "format_percent_points",
    "format_percent_range",
    "format_percent_tick",
    "format_quotient",
    "format_shape",
    "format_subset",
    "format_sum",
    "format_terms",
    "format_value",
]
