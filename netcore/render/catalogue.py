"""The scenes there are, found by looking into folders and read without importing them."""

import ast
import hashlib
import inspect
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import netcore
from netcore.errors import NetcoreError, unknown

FOLDERS = tuple(Path(netcore.__file__).parents[1] / "scenes" / kind for kind in ("films", "figures"))
TYPES = {"int": int, "float": float, "bool": bool, "str": str}
# What `netcore render` and `netcore.toml` call their own; a scene's option of such a name could not be told apart.
RESERVED = {
    "scene", "scenes", "run", "runs", "runs_dir", "digit", "index", "image", "at", "format", "formats", "quality",
    "size", "fps", "theme", "max_mb", "output", "preview", "jobs", "force", "timeout", "json", "as_json", "help",
    "debug", "case",
}  # fmt: skip
LAST = 1000  # the place in a report of a figure that does not say
TRUTH = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


@dataclass(frozen=True)
class Option:
    """One setting of a scene, as its signature has it: `type` is int, float, bool or str."""

    name: str
    type: str
    default: Any
    choices: tuple[str, ...] = ()
    help: str = ""

    def convert(self, value: Any) -> Any:
        """Make `value` (a word of the command line, or already typed) this option's; NetcoreError where it is none."""
        flag = f"--{self.name.replace('_', '-')}"
        if value is None or value == self.default:
            return self.default
        if self.choices and str(value) not in self.choices:
            raise NetcoreError(f"{flag}: {unknown('value', str(value), self.choices)}")
        try:
            if self.type == "bool":
                return TRUTH[str(value).lower()]
            return TYPES[self.type](value)
        except (ValueError, KeyError):
            what = {"int": "a whole number", "float": "a number", "bool": "true or false"}[self.type]
            raise NetcoreError(f"{flag} takes {what}, not '{value}'") from None


@dataclass(frozen=True)
class Scene:
    """One scene file: what it is called, what it shows, what it can be told and what it needs of a run."""

    name: str
    kind: str  # film | figure
    path: Path
    title: str
    caption: str
    options: tuple[Option, ...]
    needs: tuple[str, ...]
    animated: bool  # films are; a figure says so by ANIMATED = True
    sha256: str  # of the file, as it was when it was read
    order: int = LAST  # where in a report it comes: ORDER of the file

    @property
    def own(self) -> bool:
        """Whether it is a user's own file, not one of netcore's."""
        return self.path.parent not in FOLDERS

    def settings(self, given: dict[str, Any]) -> dict[str, Any]:
        """All options with their values, `given` ones converted; NetcoreError at one that the scene does not have."""
        options = {o.name: o for o in self.options}
        for name in given:
            if name not in options:
                raise NetcoreError(f"scene '{self.name}': {unknown('option', name, options)}")
        found = {o.name: o.convert(given.get(o.name)) for o in self.options}
        for o in self.options:
            counts = o.type == "int" and not self.own  # of images, maps, neurons: 0 where that means something
            least = min(o.default, 1) if counts and o.default is not None else None
            if o.name == "seconds" and not found[o.name] > 0:
                raise NetcoreError(f"--seconds {found[o.name]:g}: choose a time above 0")
            if least is not None and found[o.name] < least:
                raise NetcoreError(f"--{o.name.replace('_', '-')} {found[o.name]}: choose {least} or more")
        return found

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names of the facts that the caption speaks of: ``{"prediction", "run"}``."""
        return frozenset(field for _, field, _, _ in string.Formatter().parse(self.caption) if field)


def names() -> dict[str, Path]:
    """All scenes of netcore: name -> file, films first. No file is opened."""
    files = (f for folder in FOLDERS for f in sorted(folder.glob("[!_]*.py")))
    return {f.stem.replace("_", "-"): f for f in files}


def scenes() -> list[Scene]:
    """Read all scenes of netcore."""
    return [read(path) for path in names().values()]


def find(name: str | Path) -> Scene:
    """Find a scene by its name, or a user's own by its path.

    Raises
    ------
    NetcoreError
        If there is no such scene (the nearest name is offered), or the file is no scene.
    """
    if str(name).endswith(".py"):
        if not Path(name).is_file():
            raise NetcoreError(f"no scene file {name}")
        return read(Path(name))
    known = names()
    word = str(name).replace("_", "-")
    if word not in known:
        raise unknown("scene", str(name), known)
    return read(known[word])


def read(path: Path) -> Scene:
    """Read what a scene file says of itself.

    Raises
    ------
    NetcoreError
        If it is no Python, has neither `draw` nor a Film class, or no docstring.
    """
    info = path.stat()
    return _read(path, (info.st_mtime_ns, info.st_size, info.st_ino))


@lru_cache(maxsize=256)
def _read(path: Path, stamp: tuple[int, ...]) -> Scene:
    """Read a scene file, once as long as its time and size (`stamp`) stay the same."""
    try:
        source = path.read_bytes()
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise NetcoreError(f"{path} is no scene: {error}") from None
    draw = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "draw"), None)
    film = next((n for n in tree.body if isinstance(n, ast.ClassDef) and _is_film(n)), None)
    if not (draw or film):
        raise NetcoreError(f"{path} is no scene: it has neither a function draw(fig, case) nor a class of Film")
    title, _, rest = (ast.get_docstring(tree) or "").partition("\n")
    if not title:
        raise NetcoreError(f"{path} has no docstring: its first line is the scene's title")
    constants = _constants(tree)
    return Scene(
        name=path.stem.replace("_", "-"),
        kind="figure" if draw else "film",
        path=path.resolve(),
        title=title.rstrip("."),
        caption=" ".join(rest.split()),
        options=tuple(_signature(draw, path) if draw else _attributes(film, path)),
        needs=tuple(constants.get("NEEDS", ())),
        animated=bool(film or constants.get("ANIMATED")),
        sha256=hashlib.sha256(source).hexdigest(),
        order=int(constants.get("ORDER", LAST)),
    )


def _is_film(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base).endswith(("Film", "Scene")) for base in node.bases)


def _constants(tree: ast.Module) -> dict[str, Any]:
    """Module constants in capitals that are plain values."""
    out = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            try:
                out[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return out


def _signature(draw: ast.FunctionDef, path: Path) -> Iterator[Option]:
    """Options of a figure: the keyword-only arguments of `draw`."""
    helps = _described(ast.get_docstring(draw) or "", "Parameters")
    for argument, default in zip(draw.args.kwonlyargs, draw.args.kw_defaults, strict=True):
        yield _option(argument.arg, argument.annotation, default, helps, path)


def _attributes(film: ast.ClassDef, path: Path) -> Iterator[Option]:
    """Options of a film: its annotated class attributes."""
    helps = _described(ast.get_docstring(film) or "", "Attributes")
    for node in film.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        name, annotation = node.target.id, ast.unparse(node.annotation)
        if not name.startswith("_") and "ClassVar" not in annotation:
            yield _option(name, node.annotation, node.value, helps, path)


def _option(
    name: str, annotation: ast.expr | None, default: ast.expr | None, helps: dict[str, str], path: Path
) -> Option:
    if name in RESERVED:
        raise NetcoreError(f"{path}: '{name}' is netcore's own word: call the option something else")
    words = ast.unparse(annotation).replace("typing.", "") if annotation else ""
    literal = re.match(r"Literal\[(.*?)\]", words)
    plain = words.replace(" | None", "")
    if default is None or not (literal or plain in TYPES):
        raise NetcoreError(f"{path}: option '{name}' needs a type (int, float, bool, str, Literal[…]) and a default")
    try:
        value = ast.literal_eval(default)
        choices = tuple(str(c) for c in ast.literal_eval(f"({literal[1]},)")) if literal else ()
    except ValueError:
        raise NetcoreError(f"{path}: the default of option '{name}' must be a plain value") from None
    kind = type(ast.literal_eval(f"({literal[1]},)")[0]).__name__ if literal else plain
    return Option(name, kind, value, choices, helps.get(name, ""))


def _described(docstring: str, section: str) -> dict[str, str]:
    """Descriptions of the names in one section of a NumPy-style docstring."""
    parts = re.split(rf"^{section}\n-+\n", inspect.cleandoc(docstring), maxsplit=1, flags=re.MULTILINE)
    if len(parts) < 2:
        return {}
    body = re.split(r"^\S.*\n-+$", parts[1], maxsplit=1, flags=re.MULTILINE)[0]  # up to the next section
    found = re.findall(r"^(\w+)\s*(?::.*)?\n((?:[ \t]+.*\n?|\n)+)", body + "\n", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}
