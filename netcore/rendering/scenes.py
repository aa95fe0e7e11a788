"""Find scenes in folders and load their files."""

import ast
import hashlib
import importlib.util
import re
import string
import sys
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.files import scenes_dir
from netcore.core.renamed import renamed_in_source, renamed_key
from netcore.rendering.film_classes import find_film
from netcore.rendering.scene_options import SceneOption, figure_options, film_options

SCENE_DIRS = tuple(scenes_dir() / kind for kind in ("films", "figures"))
DEFAULT_ORDER = 1000  # in a report, of a figure without ORDER


@dataclass(frozen=True)
class Scene:
    """One scene file: name, texts, options and requirements, read without importing it."""

    name: str
    kind: str  # film | figure
    path: Path
    title: str
    caption: str
    options: tuple[SceneOption, ...]
    needs: tuple[str, ...]
    animated: bool  # a film, or a figure with ANIMATED = True
    sha256: str  # of the file when it was read
    order: int = DEFAULT_ORDER  # position in a report: ORDER of the file
    class_name: str = ""  # of a film
    still: str = ""  # of a film: the figure to use for a vector picture, STILL of the file

    @property
    def is_user_scene(self) -> bool:
        """Whether the file is the user's, not one of netcore's."""
        return self.path.parent not in SCENE_DIRS

    def resolve_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """All options with their values, `given` ones converted; NetcoreError at one that the scene does not have."""
        options = {o.name: o for o in self.options}
        for name in given:
            if name not in options:
                line = renamed_key(self.name, name) or unknown_name("option", name, options)
                raise NetcoreError(f"scene '{self.name}': {line}")
        found = {o.name: o.convert(given.get(o.name)) for o in self.options}
        for o in self.options:
            is_count = o.type == "int" and not self.is_user_scene  # of images, maps, neurons
            least = min(o.default, 1) if is_count and o.default is not None else None  # 0 only if it is the default
            if o.name == "seconds" and not found[o.name] > 0:
                raise NetcoreError(f"--seconds must be above 0, got {found[o.name]:g}")
            if least is not None and found[o.name] < least:
                raise NetcoreError(f"--{o.name.replace('_', '-')} must be at least {least}, got {found[o.name]}")
        return found

    @cached_property
    def caption_fields(self) -> frozenset[str]:
        """Names of the fields in the caption: ``{"prediction", "run"}``."""
        return frozenset(field for _, field, _, _ in string.Formatter().parse(self.caption) if field)


def scene_files() -> dict[str, Path]:
    """Return the files of netcore's scenes by name, films first; no file is opened."""
    files = (f for folder in SCENE_DIRS for f in sorted(folder.glob("[!_]*.py")))
    return {f.stem.replace("_", "-"): f for f in files}


def all_scenes() -> list[Scene]:
    """Read all scenes of netcore."""
    return [read_scene(path) for path in scene_files().values()]


def find_scene(name: str | Path) -> Scene:
    """Find a scene by its name, or a user's scene by its path.

    Raises
    ------
    NetcoreError
        If there is no such scene (the nearest name is offered), or the file is no scene.
    """
    if str(name).endswith(".py"):
        if not Path(name).is_file():
            raise NetcoreError(f"no scene file {name}")
        return read_scene(Path(name))
    file = _scene_file(str(name).replace("-", "_"))
    if file is None:
        raise unknown_name("scene", str(name), scene_files())
    return read_scene(file)


def _scene_file(stem: str) -> Path | None:
    """Return the file of one of netcore's scenes; the folders are not listed for it."""
    places = [folder / f"{stem}.py" for folder in reversed(SCENE_DIRS)]
    is_word = re.fullmatch(r"[^\W_]\w*", stem)
    return next((file for file in places if file.is_file()), None) if is_word else None


def read_scene(path: Path) -> Scene:
    """Read the description of a scene from its file, without importing it.

    Raises
    ------
    NetcoreError
        If it is no Python, has neither `draw` nor a Manim scene, or no docstring.
    """
    info = path.stat()
    return _read(path, (info.st_mtime_ns, info.st_size, info.st_ino))


@lru_cache(maxsize=256)
def _read(path: Path, stamp: tuple[int, ...]) -> Scene:
    """Read a scene file; cached while its time and size (`stamp`) are unchanged."""
    try:
        source = path.read_bytes()
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NetcoreError(f"{path} is not a scene: {error}") from None
    except OSError as error:
        raise NetcoreError(f"cannot read {path}: {error.strerror}") from None
    if path.resolve().parent not in SCENE_DIRS and (lines := renamed_in_source(tree)):
        raise NetcoreError(f"{path} has names that were replaced: {'; '.join(lines)}")
    draw = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "draw"), None)
    film = () if draw else find_film(tree, path.resolve())
    if draw:
        kind, options = "figure", tuple(figure_options(draw, path))
    elif film:
        kind, options = "film", tuple(film_options(film, path.resolve()))
    else:
        raise NetcoreError(
            f"{path} holds neither a Manim Scene nor draw(fig, context): start with 'from netcore import Film'"
        )
    title, _, rest = (ast.get_docstring(tree) or "").partition("\n")
    if not title:
        raise NetcoreError(f"{path} has no docstring: its first line is the scene's title")
    constants = _constants(tree)
    return Scene(
        name=path.stem.replace("_", "-"),
        kind=kind,
        path=path.resolve(),
        title=title.rstrip("."),
        caption=" ".join(rest.split()),
        options=options,
        needs=tuple(constants.get("NEEDS", ())),
        animated=bool(film or constants.get("ANIMATED")),
        class_name=film[0].node.name if film else "",
        sha256=hashlib.sha256(source).hexdigest(),
        order=int(constants.get("ORDER", DEFAULT_ORDER)),
        still=str(constants.get("STILL", "")),
    )


def _constants(tree: ast.Module) -> dict[str, Any]:
    """Return the module's constants in capitals that are plain values."""
    out = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
            try:
                out[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return out


def load_scene(path: Path) -> ModuleType:
    """Import a scene file: netcore's as ``netcore.scenes.films.x``, a user's under a unique name.

    Raises
    ------
    NetcoreError
        If the file raises an exception while it is imported.
    """
    path = path.resolve()
    if path.is_relative_to(scenes_dir()):
        name = f"netcore.scenes.{path.parent.name}.{path.stem}"
    else:
        name = f"netcore_scene_{path.stem}_{sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except NetcoreError:
        raise
    except Exception as error:
        sys.modules.pop(name)
        raise NetcoreError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


def load_film(path: Path, class_name: str) -> type:
    """Import a scene file and return the class of its film; errors as in `load_scene`."""
    film: type = getattr(load_scene(path), class_name)
    return film
