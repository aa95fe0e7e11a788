"""Options of a scene, read from its signature."""

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.renamed import renamed_value
from netcore.rendering.film_classes import FilmClass

OPTION_TYPES = {"int": int, "float": float, "bool": bool, "str": str}
# Options of `netcore render` and keys of `netcore.toml`: an option of a scene must have another name.
RESERVED_NAMES = {
    "scene", "scenes", "run", "runs", "runs_dir", "digit", "index", "image", "at", "format", "formats", "quality",
    "size", "fps", "theme", "max_mb", "output", "preview", "jobs", "force", "timeout", "json", "as_json", "help",
    "debug", "context", "steps", "step", "correct", "misclassified", "most_confident", "least_confident", "confused",
    "mistake", "transparent", "storyboard", "subtitles", "allow_outside",
}  # fmt: skip
BOOL_WORDS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


@dataclass(frozen=True)
class SceneOption:
    """One option of a scene, from its signature; `type` is int, float, bool or str."""

    name: str
    type: str
    default: Any
    choices: tuple[str, ...] = ()
    help: str = ""

    def convert(self, value: object) -> Any:  # noqa: ANN401 - of the option's type
        """Convert `value`, a string or already of the option's type; NetcoreError if it is invalid."""
        flag = f"--{self.name.replace('_', '-')}"
        if value is None or value == self.default:
            return self.default
        if self.choices and str(value) not in self.choices:
            renamed = renamed_value(self.name, str(value))
            raise NetcoreError(f"{flag}: {renamed or unknown_name('value', str(value), self.choices)}")
        try:
            if self.type == "bool":
                return BOOL_WORDS[str(value).lower()]
            return OPTION_TYPES[self.type](value)
        except (ValueError, KeyError, TypeError, OverflowError):
            what = {"int": "an integer", "float": "a number", "bool": "true or false", "str": "a text"}[self.type]
            raise NetcoreError(f"{flag} must be {what}, got '{value}'") from None


def figure_options(draw: ast.FunctionDef, path: Path) -> Iterator[SceneOption]:
    """Yield the options of a figure: the keyword-only parameters of `draw`."""
    helps = _described(ast.get_docstring(draw) or "", "Parameters")
    for argument, default in zip(draw.args.kwonlyargs, draw.args.kw_defaults, strict=True):
        yield _option(argument.arg, argument.annotation, default, helps, path)


def film_options(classes: Sequence[FilmClass], path: Path) -> Iterator[SceneOption]:
    """Yield the options of a film: the annotated attributes of its class and of its bases, each name once."""
    seen: set[str] = set()
    for found in classes:
        own = found.path == path
        for option in _attributes(found, strict=own):
            if option.name not in seen:
                seen.add(option.name)
                yield option


def _attributes(film: FilmClass, strict: bool) -> Iterator[SceneOption]:
    """Yield the annotated attributes of one class; in a base, those of other types are no options."""
    helps = _described(ast.get_docstring(film.node) or "", "Attributes")
    for node in film.node.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        name, annotation = node.target.id, ast.unparse(node.annotation)
        if name.startswith("_") or "ClassVar" in annotation or (not strict and name in RESERVED_NAMES):
            continue
        yield _option(name, node.annotation, node.value, helps, film.path)


def _option(
    name: str, annotation: ast.expr | None, default: ast.expr | None, helps: dict[str, str], path: Path
) -> SceneOption:
    if name in RESERVED_NAMES:
        raise NetcoreError(f"{path}: '{name}' is reserved by netcore: choose another name for the option")
    words = ast.unparse(annotation).replace("typing.", "") if annotation else ""
    literal = re.match(r"Literal\[(.*?)\]", words)
    plain = words.replace(" | None", "")
    if default is None or not (literal or plain in OPTION_TYPES):
        raise NetcoreError(f"{path}: option '{name}' needs a type (int, float, bool, str, Literal[…]) and a default")
    try:
        value = ast.literal_eval(default)
        choices = tuple(str(c) for c in ast.literal_eval(f"({literal[1]},)")) if literal else ()
    except ValueError:
        raise NetcoreError(f"{path}: the default of option '{name}' must be a plain value") from None
    kind = type(ast.literal_eval(f"({literal[1]},)")[0]).__name__ if literal else plain
    return SceneOption(name, kind, value, choices, helps.get(name, ""))


def _described(docstring: str, section: str) -> dict[str, str]:
    """Return descriptions by name from one section of a NumPy-style docstring."""
    parts = re.split(rf"^{section}\n-+\n", inspect.cleandoc(docstring), maxsplit=1, flags=re.MULTILINE)
    if len(parts) < 2:
        return {}
    body = re.split(r"^\S.*\n-+$", parts[1], maxsplit=1, flags=re.MULTILINE)[0]  # up to the next section
    found = re.findall(r"^(\w+)\s*(?::.*)?\n((?:[ \t]+.*\n?|\n)+)", body + "\n", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
