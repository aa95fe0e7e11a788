"""Errors that the user can fix, with one-line messages."""

from collections.abc import Iterable
from difflib import get_close_matches

from netcore.core.plain_text import plain_text


class NetcoreError(Exception):
    """Error that the user can fix; its message is one line: what is wrong and what to do.

    Parameters
    ----------
    message : str
        Names in it may come from files: control characters are removed.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(plain_text(str(message)))


class RequirementError(NetcoreError):
    """A run lacks what a scene needs; other scenes may still be drawn."""


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> NetcoreError:
    """Return the error for an unknown name, with the nearest one.

    Parameters
    ----------
    kind : str
        Kind of thing: ``"recipe"``, ``"scene"``, ``"run"``.
    name : str
        The unknown name.
    choices : iterable of str
        The names that exist.
    """
    names = sorted(choices)
    near = get_close_matches(name, names, n=1, cutoff=0.5) if len(name) > 2 else []  # "12" is not meant to be "2"
    if near:
        return NetcoreError(f"no {kind} '{name}': did you mean '{near[0]}'?")
    listed = ", ".join(names[:12]) or "none yet"
    return NetcoreError(f"no {kind} '{name}'; there are: {listed}")
