"""Find a film's class and its bases in source files."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from netcore.core.files import scenes_dir

PACKAGE = "netcore"
FILM = "netcore.viz.film.film", "Film"
LAZY = {(PACKAGE, "Film"): FILM}


@dataclass(frozen=True)
class FilmClass:
    """A class statement that makes a film, and the file that has it."""

    node: ast.ClassDef
    path: Path


def find_film(tree: ast.Module, path: Path) -> tuple[FilmClass, ...]:
    """Return the class of a scene file's film and its bases, itself first; empty if the file holds none.

    It is the last class of the file that descends from `Film` or from a scene of Manim.

    Parameters
    ----------
    tree : ast.Module
        The file's source, parsed.
    path : Path
        The file.
    """
    for node in reversed([n for n in tree.body if isinstance(n, ast.ClassDef)]):
        chain = tuple(_chain(node, tree, path, frozenset()))
        if None in chain:  # Manim's own class ends the chain
            return tuple(link for link in chain if link is not None)
    return ()


def _chain(node: ast.ClassDef, tree: ast.Module, path: Path, seen: frozenset[str]) -> Iterator[FilmClass | None]:
    """Yield a class and the bases that can be found; None: a scene of Manim."""
    yield FilmClass(node, path)
    key = f"{path}:{node.name}"
    if key in seen:
        return
    for base in node.bases:
        module, name = _origin(base, tree)
        if module.partition(".")[0] == "manim" and name.endswith("Scene"):
            yield None
        elif found := _definition(module, name, tree, path):
            yield from _chain(*found, seen | {key})


def _origin(base: ast.expr, tree: ast.Module) -> tuple[str, str]:
    """Return the module that a base class comes from ("" for the file itself) and its name there."""
    words = ast.unparse(base)
    head, _, rest = words.rpartition(".")
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if head and head == (alias.asname or alias.name):
                    return LAZY.get((alias.name, rest), (alias.name, rest))
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                module = node.module or ""
                if alias.name == "*" and not head and not _has_class(tree, words):
                    return module, words
                if words == (alias.asname or alias.name):
                    return LAZY.get((module, alias.name), (module, alias.name))
    return "", words


def _has_class(tree: ast.Module, name: str) -> bool:
    return any(isinstance(n, ast.ClassDef) and n.name == name for n in tree.body)


def _definition(module: str, name: str, tree: ast.Module, path: Path) -> tuple[ast.ClassDef, ast.Module, Path] | None:
    """Find the class statement of a base: in the same file, in the package, or in a file beside it."""
    if module:
        beside = path.parent.joinpath(*module.split(".")).with_suffix(".py")
        file = _package_file(module) if module.partition(".")[0] == PACKAGE else beside
        if not file.is_file():
            return None
        tree, path = _parsed(file, file.stat().st_mtime_ns), file
    node = next((n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name), None)
    return (node, tree, path) if node else None


def _package_file(module: str) -> Path:
    """Return the file of a module of the package, whose scenes may be beside it."""
    parts = module.split(".")[1:]
    base = scenes_dir().parent if parts[:1] == [scenes_dir().name] else Path(__file__).parents[1]
    return base.joinpath(*parts).with_suffix(".py")


@lru_cache(maxsize=64)
def _parsed(file: Path, stamp: int) -> ast.Module:
    return ast.parse(file.read_bytes())
