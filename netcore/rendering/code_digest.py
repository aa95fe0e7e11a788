"""Find the source files and libraries that decide a render.

Nothing is imported for it: sources are parsed. Files of other kinds in a package's folder, such as a page's template,
count as part of its `__init__.py`.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from netcore.rendering.module_source import ALL, NOTHING, Import, ModuleSource, short_digest
from netcore.rendering.source_cache import SourceCache

# Where drawing starts, besides the scene itself: module and function, by kind of scene.
ROOTS = {"film": "netcore.rendering.draw_task:_film", "figure": "netcore.rendering.draw_task:_figure"}
FORMATS = "netcore.rendering.formats"  # found by name there, so that no import leads to a format's module
PACKAGE = next(parent for parent in Path(__file__).resolve().parents if not (parent.parent / "__init__.py").exists())
SCENES = "scenes"  # inside the package once installed, beside it in a checkout

Step = tuple[Path, str]  # file, and the definition reached, `ALL` or `NOTHING`


@dataclass(frozen=True)
class Reach:
    """Dependencies of a render.

    Attributes
    ----------
    package : dict of str to str
        Digests of netcore's source files by path.
    helpers : dict of str to str
        Digests of modules beside a user's scene file.
    libraries : frozenset of str
        Import names of libraries.
    """

    package: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    libraries: frozenset[str] = frozenset()


class SourceTree:
    """Source files of a package and its scenes, cached.

    Parameters
    ----------
    package : Path
        The package's folder.
    """

    def __init__(self, package: Path = PACKAGE) -> None:
        self.package = package
        inside = package / SCENES
        self.scenes = inside if inside.is_dir() else package.parent / SCENES
        self._sources: dict[Path, tuple[tuple[tuple[str, int, int], ...], ModuleSource]] = {}
        self._cache = SourceCache()
        self.clear()

    def clear(self) -> None:
        """Check the files again; those with unchanged time and size are not parsed again."""
        self._checked: set[Path] = set()
        self._reaches: dict[tuple[Path, str, str], Reach] = {}
        self._files: dict[str, Path | None] = {}
        self._steps: dict[Step, tuple[list[Step], set[str]]] = {}
        self._labels: dict[Path, tuple[str, bool]] = {}

    def reach(self, scene: Path, kind: str, format: str) -> Reach:
        """Return the files and libraries that a scene, the drawing of its kind and a format reach.

        The scene's own file is left out.

        Raises
        ------
        FileNotFoundError
            If the module where drawing starts does not exist.
        """
        if (scene, kind, format) not in self._reaches:
            self._reaches[scene, kind, format] = self._walk(scene.resolve(), kind, format)
            self._cache.save()
        return self._reaches[scene, kind, format]

    def _walk(self, scene: Path, kind: str, format: str) -> Reach:
        module, _, name = ROOTS[kind].partition(":")
        root = self._file(module)
        if root is None or name not in self._source(root).uses:
            raise FileNotFoundError(f"{ROOTS[kind]} does not exist: correct ROOTS in {__name__}")
        waiting: list[Step] = [(scene, ALL), *self._targets((module, name), None)]
        waiting += self._targets((f"{FORMATS}.{format}", ALL), None)
        seen: set[Step] = set()
        libraries: set[str] = set()
        while waiting:
            if (step := waiting.pop()) not in seen:
                seen.add(step)
                steps, found = self._next(step, scene.parent)
                waiting += steps
                libraries |= found
        reach = Reach(libraries=frozenset(libraries - sys.stdlib_module_names - {self.package.name}))
        for file in {file for file, _ in seen} - {scene}:
            label, own = self._label(file, scene.parent)
            (reach.helpers if own else reach.package)[label] = self._source(file).digest
        return reach

    def _next(self, step: Step, folder: Path) -> tuple[list[Step], set[str]]:
        """Return what one step of the walk leads to: files with the names taken from them, and libraries."""
        if step not in self._steps:
            file, name = step
            steps: list[Step] = []
            libraries: set[str] = set()
            beside = None if file.is_relative_to(self.package) else folder
            for wanted in self._source(file).reached_imports(name):
                found = list(self._targets(wanted, beside))
                steps += found
                libraries |= set() if found else {wanted[0].partition(".")[0]}
            self._steps[step] = steps, libraries
        return self._steps[step]

    def _label(self, file: Path, folder: Path) -> tuple[str, bool]:
        """Return a file's name in the sidecar, and whether it is a helper of a user's scene."""
        if file not in self._labels:
            for base, start in ((self.package, self.package), (self.scenes, self.scenes.parent)):
                if file.is_relative_to(base):
                    self._labels[file] = file.relative_to(start).as_posix(), False
                    break
            else:
                self._labels[file] = file.relative_to(folder).as_posix(), True
        return self._labels[file]

    def _targets(self, wanted: Import, folder: Path | None) -> Iterator[Step]:
        """Yield the files that an import runs, each with the name taken from it; none for a library.

        `folder` is that of the scene file if a scene or its helper imports, else None.
        """
        module, name = wanted
        parts = module.split(".")
        if parts[0] != self.package.name:
            if folder:
                yield from _helpers(parts, name, folder)
            return
        submodule = self._file(f"{module}.{name}") if name not in (ALL, NOTHING) else None
        file = submodule or self._file(module)
        for n in range(2, len(parts) + (submodule is not None)):
            if around := self._file(".".join(parts[:n])):
                yield around, NOTHING
        if file is None:
            return
        if submodule is None and file == self.package / "__init__.py":
            if target := self._source(file).lazy.get(name):
                source, _, attribute = target.partition(":")
                yield from self._targets((source, attribute or name), folder)
        else:
            yield file, ALL if submodule else name

    def _file(self, module: str) -> Path | None:
        """Return the file of a module of the package, None if it has none."""
        if module not in self._files:
            parts = module.split(".")[1:]
            base = self.scenes.parent if parts[:1] == [SCENES] else self.package
            self._files[module] = _module_file(base.joinpath(*parts))
        return self._files[module]

    def _source(self, file: Path) -> ModuleSource:
        known = self._sources.get(file)
        if known and file in self._checked:
            return known[1]
        data = _data_files(file) if file.is_relative_to(self.package) else []
        stamp = tuple((str(each), each.stat().st_mtime_ns, each.stat().st_size) for each in (file, *data))
        if not known or known[0] != stamp:
            known = stamp, self._parse(file, data)
            self._sources[file] = known
        self._checked.add(file)
        return known[1]

    def _parse(self, file: Path, data: list[Path]) -> ModuleSource:
        text = file.read_bytes()
        package = ""
        if file.is_relative_to(self.package):
            package = ".".join([self.package.name, *file.relative_to(self.package).parts[:-1]])
        source = self._cache.parse(text, package, self.package.name)
        if data:
            whole = b"".join([text, *(each.name.encode() + each.read_bytes() for each in data)])
            source = replace(source, digest=short_digest(whole))
        return source


def _data_files(file: Path) -> list[Path]:
    """Return the files that a package keeps beside its modules, if `file` is its ``__init__.py``."""
    if file.name != "__init__.py":
        return []
    return sorted(
        each for each in file.parent.iterdir() if each.is_file() and each.suffix not in (".py", ".pyc", ".pyi")
    )


def _helpers(parts: list[str], name: str, folder: Path) -> Iterator[Step]:
    """Yield the modules beside a scene file that it imports."""
    paths = [folder.joinpath(*parts[:n]) for n in range(1, len(parts) + 1)]
    for path in [*paths, *([] if name == ALL else [paths[-1] / name])]:
        if file := _module_file(path):
            yield file, ALL


def _module_file(path: Path) -> Path | None:
    for file in (path.with_name(path.name + ".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


TREE = SourceTree()
