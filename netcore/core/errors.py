"""Errors that a user can mend: one clear line, exit status 2."""

from collections.abc import Iterable
from difflib import get_close_matches


class NetcoreError(Exception):
    """Something the user can mend; the message is one line: what is wrong, and what to do."""


class RequirementError(NetcoreError):
    """A scene needs something that this run does not have; others may still be drawn."""


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> NetcoreError:
    """Build the error for a name that does not exist, offering the nearest one.

    Parameters
    ----------
    kind : str
        What was named: ``"recipe"``, ``"scene"``, ``"run"``.
    name : str
        What the user typed.
    choices : iterable of str
        The names that exist.
    """
    names = sorted(choices)
    near = get_close_matches(name, names, n=1, cutoff=0.5) if len(name) > 2 else []  # "12" is not meant to be "2"
    if near:
        return NetcoreError(f"no {kind} '{name}': did you mean '{near[0]}'?")
    listed = ", ".join(names[:12]) or "none yet"
    return NetcoreError(f"no {kind} '{name}'; there are: {listed}")
