"""Text and JSON from files, without control characters."""

import json
import math
import re
from typing import Any

# Control characters, lone surrogates, and marks that reverse the direction of the text after them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ESCAPED = re.compile(r"\\u(00[01789][0-9a-f]|d[89a-f]|20[0-9a-f]{2}|206)|\\[bfnrt]", re.IGNORECASE)  # in JSON
_RAW = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
MAX_DIGITS = 40  # of an integer
# What a number out of range looks like, once each digit is a 0 and each separator a comma.
_SHAPE = bytes.maketrans(b"123456789E \t\r\n]}", b"000000000e,,,,,,")
_LARGE_EXPONENT = re.compile(rb"e(?<=0e)\+?000+(,|$)")


def plain_text(text: str) -> str:
    r"""Return a text as one line without control characters.

    Examples
    --------
    >>> plain_text("seven\x1b[31m\nis red")
    'seven[31m is red'
    """
    return _UNSAFE.sub("", re.sub(r"[\t\n\v\f\r]+", " ", text)) if _UNSAFE.search(text) else text


def parse_json(data: str | bytes) -> Any:
    """Parse JSON whose texts become plain, see `plain_text`; NaN and infinity become None.

    Raises
    ------
    ValueError
        If it is not JSON, is nested too deeply, or has a number beyond the range of floats.
    """
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    hooks: dict[str, Any] = {"parse_float": _finite, "parse_int": _bounded} if _may_be_out_of_range(text) else {}
    try:
        value = json.loads(text, parse_constant=lambda name: None, **hooks)
        return _cleaned(value) if _may_be_unsafe(text) else value
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _may_be_out_of_range(text: str) -> bool:
    """Whether a number could be too large: a call per number, of thousands, would cost more than all else."""
    shape = text.encode("utf-8", "replace").translate(_SHAPE)
    return b"0" * MAX_DIGITS in shape or _LARGE_EXPONENT.search(shape) is not None


def _may_be_unsafe(text: str) -> bool:
    is_raw = "\x7f" in text if text.isascii() else _RAW.search(text) is not None
    return is_raw or ("\\" in text and _ESCAPED.search(text) is not None)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (math.inf, -math.inf):
        raise ValueError(f"the number {digits[:20]} is out of range")
    return number


def _bounded(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"the number {digits[:20]}… is out of range")
    return int(digits)


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list):
        return [_cleaned(v) for v in value]
    if isinstance(value, dict):
        return {plain_text(k): _cleaned(v) for k, v in value.items()}
    return value
