"""Find the source files and libraries that decide a render.

Nothing is imported for it: sources are parsed. Imports inside functions count if the function is reached, imports for
type checkers alone do not. Of the package root, whose names are loaded lazily, only the name asked for counts.
Files of other kinds in a package's folder, such as a page's template, count as part of its `__init__.py`.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution, distributions, packages_distributions
from pathlib import Path

# Where drawing starts, besides the scene itself: module and function, by kind of scene.
ROOTS = {"film": "netcore.rendering.draw_task:_film", "figure": "netcore.rendering.draw_task:_figure"}
FORMATS = "netcore.rendering.formats"  # found by name there, so that no import leads to a format's module
PACKAGE = next(parent for parent in Path(__file__).resolve().parents if not (parent.parent / "__init__.py").exists())
SCENES = "scenes"  # inside the package once installed, beside it in a checkout
ALL = "*"  # every definition of a module
DIGEST_LENGTH = 16  # hexadecimal digits kept of a file's SHA-256

NOTHING = ""  # no definition: a package that runs because a module in it is imported

Import = tuple[str, str]  # module, and the name taken from it or `ALL`
Step = tuple[Path, str]  # file, and the definition reached, `ALL` or `NOTHING`


@dataclass(frozen=True)
class ModuleSource:
    """Imports and digest of one source file.

    Attributes
    ----------
    digest : str
        First digits of the SHA-256 of the file.
    imports : dict of str to tuple
        Imports by the top-level definition that contains them; ``""``: outside of any, run with the module.
    uses : dict of str to frozenset
        Names of the module's definitions that each definition (``""``: the module itself) mentions.
    lazy : dict of str to str
        Names that the module's ``__getattr__`` imports, and their sources: ``"module"`` or ``"module:attribute"``.
    """

    digest: str
    imports: dict[str, tuple[Import, ...]]
    uses: dict[str, frozenset[str]]
    lazy: dict[str, str]

    def reached_imports(self, name: str) -> Iterator[Import]:
        """Yield the imports that run when `name` is imported from the module and used."""
        reached: set[str] = set()
        if name == ALL:
            reached |= set(self.imports)
        elif name == NOTHING:
            reached.add("")
        else:
            waiting = ["", name if name in self.uses else "__getattr__"]
            while waiting:
                if (key := waiting.pop()) not in reached:
                    reached.add(key)
                    waiting += self.uses.get(key, ())
        for key in sorted(reached):
            yield from self.imports.get(key, ())


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
        scene = scene.resolve()
        if (scene, kind, format) not in self._reaches:
            self._reaches[scene, kind, format] = self._walk(scene, kind, format)
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
        source = parse(text, package, self.package.name)
        if data:
            whole = b"".join([text, *(each.name.encode() + each.read_bytes() for each in data)])
            source = replace(source, digest=sha256(whole).hexdigest()[:DIGEST_LENGTH])
        return source


def _data_files(file: Path) -> list[Path]:
    """Return the files that a package keeps beside its modules, if `file` is its ``__init__.py``."""
    if file.name != "__init__.py":
        return []
    return sorted(
        each for each in file.parent.iterdir() if each.is_file() and each.suffix not in (".py", ".pyc", ".pyi")
    )


def parse(text: bytes, package: str = "", root: str = PACKAGE.name) -> ModuleSource:
    """Read the imports of a module's source.

    Parameters
    ----------
    text : bytes
        The file's content.
    package : str
        Dotted name of the package that the module belongs to, for relative imports.
    root : str
        Name of the package whose names are loaded lazily: ``netcore.rendering`` is an import too.
    """
    digest = sha256(text).hexdigest()[:DIGEST_LENGTH]
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return ModuleSource(digest, {}, {}, {})
    definitions = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))]
    names = {n.name for n in definitions}
    imports: dict[str, set[Import]] = {"": set()}
    uses: dict[str, set[str]] = {"": set()}
    uses |= {name: set() for name in names}
    lines = text.splitlines()
    words = b"import", f"{root}.".encode()
    sources = [b"\n".join(lines[n.lineno - 1 : n.end_lineno]) for n in definitions]
    importing = any(word in source for source in sources for word in words)  # rarely true, and the walk is slow
    for statement in tree.body if importing else [n for n in tree.body if n not in definitions]:
        key = statement.name if statement in definitions else ""
        for node in _walk_runtime(statement):
            imports.setdefault(key, set()).update(_imports_of(node, package, root))
            if isinstance(node, ast.Name) and node.id in names:
                uses[key].add(node.id)
        if getattr(statement, "decorator_list", None):  # a decorator may register it, so that no name refers to it
            uses[""].add(key)
    return ModuleSource(
        digest,
        {key: tuple(sorted(found)) for key, found in imports.items()},
        {key: frozenset(found) for key, found in uses.items()},
        _lazy_table(tree),
    )


def _walk_runtime(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a tree, the bodies of ``if TYPE_CHECKING:`` left out."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and _last_name(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif not isinstance(node, (ast.Name, ast.Constant)):
            waiting += ast.iter_child_nodes(node)


def _imports_of(node: ast.AST, package: str, root: str) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from ((alias.name, ALL) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        yield from ((module or alias.name, alias.name if module else ALL) for alias in node.names)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == root:
        yield root, node.attr
    elif isinstance(node, ast.Call) and _last_name(node.func) == "import_module" and node.args:
        named = node.args[0]
        yield from [(str(named.value), ALL)] if isinstance(named, ast.Constant) else []


def _last_name(node: ast.AST) -> str:
    """Return ``c`` of the expression ``a.b.c``."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _lazy_table(tree: ast.Module) -> dict[str, str]:
    """Names and the modules they come from, in the module's dictionaries of strings."""
    found: dict[str, str] = {}
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(value, ast.Dict):
            for key, module in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(module, ast.Constant):
                    found[str(key.value)] = str(module.value)
    return found


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


# ---- versions of libraries


def versions(libraries: frozenset[str]) -> dict[str, str]:
    """Return the version of each installed distribution that provides one of `libraries`, by its name.

    Examples
    --------
    >>> sorted(versions(frozenset({"numpy", "PIL"})))
    ['numpy', 'pillow']
    """
    found = dict(version for name in sorted(libraries) for version in _versions(name))
    return dict(sorted(found.items()))


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
        return sorted(_providers().get(library, ()) or set(_all_distributions().get(library, ())))
    return [library]


@cache
def _providers() -> dict[str, set[str]]:
    """Return distributions by the packages that they declare, quickly: their lists of files are not read."""
    found: dict[str, set[str]] = {}
    for one in distributions():
        for name in (one.read_text("top_level.txt") or "").split():
            found.setdefault(name, set()).add(one.name)
    return found


@cache
def _all_distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def _bundled_ffmpeg(name: str) -> Iterator[tuple[str, str]]:
    """Yield the version of libavcodec that a distribution carries, as PyAV's wheels do."""
    folder = Path(str(distribution(name).locate_file(f"{name}.libs")))
    for file in sorted(folder.glob("libavcodec*")):
        if number := re.search(r"(\d+\.\d+\.\d+)", file.name.partition("-")[2][9:] or file.name):
            yield "libavcodec", number[1]


TREE = SourceTree()
