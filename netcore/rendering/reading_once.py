"""Look at each file once a command."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Args = TypeVarTuple("Args")

_memory: ContextVar[dict[tuple[Any, ...], Any] | None] = ContextVar("memory", default=None)


@contextmanager
def reading_once() -> Iterator[None]:
    """Let `once` keep results until the end of the block."""
    token = _memory.set({})
    try:
        yield
    finally:
        _memory.reset(token)


def once(function: Callable[[Unpack[Args]], T], *args: *Args) -> T:
    """Call a function of hashable values; inside `reading_once` a second time gives the first result."""
    memory = _memory.get()
    if memory is None:
        return function(*args)
    key = (function, *args)
    if key not in memory:
        memory[key] = function(*args)
    found: T = memory[key]
    return found


def real_path(file: str) -> str:
    """Return the path of a file, links followed; those of its folder are followed `once`."""
    folder, name = os.path.split(file)
    return os.path.realpath(file) if os.path.islink(file) else os.path.join(once(os.path.realpath, folder), name)
