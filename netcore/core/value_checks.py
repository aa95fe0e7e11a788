"""Checks of values from files; each raises ValueError with the place."""

from collections.abc import Callable, Mapping
from itertools import chain
from operator import itemgetter
from typing import Any

from netcore.core.plain_text import plain_text

MAX_DEPTH = 40  # of values that no key describes
MAX_INT = 2**53  # exact as a float too
NESTED = {dict, list}
Check = Callable[[Any, str], None]


def integer_from(least: int, below: int | None = MAX_INT) -> Check:
    """Check an integer of at least `least`."""

    def check(value: Any, place: str) -> None:
        if type(value) is not int or value < least or (below is not None and value >= below):
            raise ValueError(f"{place} must be an integer of at least {least}, got {short(value)}")

    return check


integer, seed, size = integer_from(0), integer_from(0, None), integer_from(1)


def numeric(value: Any, place: str) -> None:
    """Check a number."""
    if type(value) not in (int, float) or abs(value) > MAX_INT:
        raise ValueError(f"{place} must be a number, got {short(value)}")


def positive(value: Any, place: str) -> None:
    """Check a number above 0."""
    numeric(value, place)
    if not value > 0:
        raise ValueError(f"{place} must be above 0, got {short(value)}")


def text(value: Any, place: str) -> None:
    """Check a text."""
    if type(value) is not str:
        raise ValueError(f"{place} must be a text, got {short(value)}")


def digest(value: Any, place: str) -> None:
    """Check a SHA-256 digest."""
    if type(value) is not str or len(value) != 64:
        raise ValueError(f"{place} must be a SHA-256 digest, got {short(value)}")


def flag(value: Any, place: str) -> None:
    """Check true or false."""
    if type(value) is not bool:
        raise ValueError(f"{place} must be true or false, got {short(value)}")


def plain(value: Any, place: str, depth: int = 0) -> None:
    """Accept any value that is not nested too deeply."""
    if depth > MAX_DEPTH:
        raise ValueError(f"{place} is nested too deeply")
    parts = value.values() if type(value) is dict else value if type(value) is list else ()
    if not NESTED.isdisjoint(map(type, parts)):
        for part in parts:
            plain(part, place, depth + 1)


def mapping(value: Any, place: str) -> None:
    """Check an object of plain values."""
    if type(value) is not dict:
        raise ValueError(f"{place} must be an object, got {short(value)}")
    plain(value, place)


def optional(check: Check) -> Check:
    """Check a value that may be null."""

    def optional(value: Any, place: str) -> None:
        if value is not None:
            check(value, place)

    return optional


def list_of(check: Check, length: int | None = None) -> Check:
    """Check a list of values of one kind, and its length."""

    def every(value: Any, place: str) -> None:
        if type(value) is not list:
            raise ValueError(f"{place} must be a list, got {short(value)}")
        if length is not None and len(value) != length:
            raise ValueError(f"{place} must have {length} values, got {len(value)}")
        for i, part in enumerate(value):
            check(part, f"{place}[{i}]")

    return every


def by_name(check: Check) -> Check:
    """Check an object whose values are of one kind."""

    def every(value: Any, place: str) -> None:
        if type(value) is not dict:
            raise ValueError(f"{place} must be an object, got {short(value)}")
        for name, part in value.items():
            check(part, f"{place}.{name}")

    return every


def object_of(required: Mapping[str, Check], **optional: Check) -> Check:
    """Check an object with these keys; others may have any plain value."""

    def check(value: Any, place: str) -> None:
        if type(value) is not dict:
            raise ValueError(f"{place or 'it'} must be an object, got {short(value)}")
        if missing := required.keys() - value.keys():
            raise ValueError(f"{place or 'it'} has no {next(key for key in required if key in missing)}")
        prefix = f"{place}." if place else ""
        for key, part in value.items():
            if known := checks.get(key):
                known(part, prefix + key)
            elif type(part) is dict or type(part) is list:
                plain(part, prefix + key)

    checks = {**optional, **required}
    return check


def rows_of(required: str) -> Check:
    """Check rows of numbers by name, thousands of them, without a call per value."""
    numbers = {int, float, type(None)}

    def check(value: Any, place: str) -> None:
        if type(value) is not list:
            raise ValueError(f"{place} must be a list, got {short(value)}")
        if _are_rows(value, required):
            return
        for i, row in enumerate(value):
            if type(row) is not dict or not numbers.issuperset(map(type, row.values())):
                raise ValueError(f"{place}[{i}] must be an object of numbers, got {short(row)}")
            integer(row.get("step"), f"{place}[{i}].step")
            numeric(row.get(required), f"{place}[{i}].{required}")

    return check


def _are_rows(rows: list[Any], required: str) -> bool:
    """Whether `rows` are objects of numbers as they should be; if it is False, a None or an error is in them."""
    try:
        values = set(map(type, chain.from_iterable(map(dict.values, rows))))
        steps, needed = ([*map(itemgetter(key), rows)] for key in ("step", required))
    except (KeyError, TypeError):
        return False
    return (
        values <= {int, float, type(None)}
        and {*map(type, steps)} <= {int}
        and {*map(type, needed)} <= {int, float}
        and 0 <= min(steps, default=0) <= max(steps, default=0) < MAX_INT
        and max(map(abs, needed), default=0) <= MAX_INT
    )


def short(value: Any) -> str:
    """Return a value in few characters, for a message."""
    words = plain_text(repr(value))
    return words if len(words) <= 40 else f"{words[:40]}…"
