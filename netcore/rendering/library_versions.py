"""Versions of the installed libraries that draw."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions, packages_distributions
from pathlib import Path


def versions(libraries: frozenset[str]) -> dict[str, str]:
    """Return the version of each installed distribution that provides one of `libraries`, by its name.

    Examples
    --------
    >>> sorted(versions(frozenset({"numpy", "PIL"})))
    ['numpy', 'pillow']
    """
    return dict(_sorted_versions(libraries))


@cache
def _sorted_versions(libraries: frozenset[str]) -> tuple[tuple[str, str], ...]:
    found = dict(version for name in sorted(libraries) for version in _versions(name))
    return tuple(sorted(found.items()))


@cache
def _versions(library: str) -> tuple[tuple[str, str], ...]:
    names = _distributions(library)
    bundled = tuple(version for name in names for version in _bundled_ffmpeg(name))
    return tuple((name.lower(), distribution(name).version) for name in names) + bundled


def _distributions(library: str) -> list[str]:
    """Return the distributions that an import comes from; most have the same name, the others are looked up."""
    try:
        distribution(library)
    except (PackageNotFoundError, ValueError):
        declared = {one.name for one, packages in _installed() if library in packages}
        return sorted(declared or _recorded(library) or set(packages_distributions().get(library, [])))
    return [library]


@cache
def _installed() -> list[tuple[Distribution, frozenset[str]]]:
    """Return the distributions, and the packages that they declare."""
    return [(one, frozenset((one.read_text("top_level.txt") or "").split())) for one in distributions()]


def _recorded(library: str) -> set[str]:
    """Return the distributions whose list of files has a package or module of this name."""
    line = re.compile(rf"^{re.escape(library)}(/|(\.[\w-]+)*\.(py|so|pyd),)", re.MULTILINE)
    return {one.name for one, _ in _installed() if line.search(one.read_text("RECORD") or "")}


def _bundled_ffmpeg(name: str) -> Iterator[tuple[str, str]]:
    """Yield the version of libavcodec that a distribution carries, as PyAV's wheels do."""
    folder = Path(str(distribution(name).locate_file(f"{name}.libs")))
    for file in sorted(folder.glob("libavcodec*")):
        if number := re.search(r"(\d+\.\d+\.\d+)", file.name.partition("-")[2][9:] or file.name):
            yield "libavcodec", number[1]
