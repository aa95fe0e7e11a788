"""Read the imports of a source file, without importing it.

Imports inside functions count if the function is reached, imports for type checkers alone do not. Of the package root,
whose names are loaded lazily, only the name asked for counts.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

ALL = "*"  # every definition of a module
NOTHING = ""  # no definition: a package that runs because a module in it is imported
DIGEST_LENGTH = 16  # hexadecimal digits kept of a file's SHA-256

Import = tuple[str, str]  # module, and the name taken from it or `ALL`


def short_digest(data: bytes) -> str:
    """Return the first digits of the SHA-256 of a file's content."""
    return sha256(data).hexdigest()[:DIGEST_LENGTH]


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


def parse(text: bytes, package: str = "", root: str = __name__.partition(".")[0]) -> ModuleSource:
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
    digest = short_digest(text)
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
