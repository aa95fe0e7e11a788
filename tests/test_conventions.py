"""Conventions of names, docstrings, comments and messages, held by the syntax trees."""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LIBRARY = sorted((ROOT / "netcore").rglob("*.py"))
SOURCES = LIBRARY + sorted((ROOT / "scenes").rglob("*.py"))
MAX_TEST_WORDS = 6
MAX_SUMMARY_WORDS = 12

# One name, one meaning: each figure has its draw; each module below is one way to do what the name says.
SHARED_NAMES = {
    "command": "the click command of each module in netcore.cli",
    "open_writer": "the video formats mp4 and webm open the same writer with their own codec",
    "load": "each source of data sets in netcore.datasets has one",
    "main": "netcore.cli.main and netcore.rendering.worker are entry points",
}

FORBIDDEN = {
    r"\b(told|tells?|telling)\b": "report, print, record, contain",
    r"\b(stands?|standing)\b(?! (for|in for)\b)": "is, is at",
    r"\b(lies|lying|lie) (in|at|on|beside|below|above|under|over|there)\b": "is in, is stored in",
    r"\banew\b": "again",
    r"\bbegun\b": "started",
    r"\bshall\b": "must",
    r"\bmends?\b": "fix",
    r"\bgoes on\b": "resumes, continues",
    r"\bwhere (there|it) is none\b": "if there is none",
    r"\bwhere it is None\b": "if it is None",
    r"\b(surest|how sure)\b": "most confident, confidence",
    r"\bone (row|line|image|number|bar|dot|file|frame|neuron|score)s? an? \w": "per",
    r"\b(frames|images|pixels|bytes|dots|megabytes) an? (second|step|unit|class|image|pixel|inch)\b": "per",
    r"\b(unless given|at most so many)\b": "default: …, maximum number of …",
}
FORBIDDEN_IN_MESSAGES = FORBIDDEN | {r"\bsay ": "use, pass, choose", r"\bis no ": "is not a"}
MALFORMED = re.compile(r"^[A-Z][a-z]+\b(?![A-Z])|[.]\s*$|\n")
BRITISH = re.compile(r"colour|centre(?!d_text)|normalis|unlabelled", re.IGNORECASE)


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def walk(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a tree, listed once."""
    return tuple(ast.walk(tree))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def find_tests(path: Path) -> Iterator[ast.FunctionDef]:
    """Test functions of a file, those of its classes too."""
    for node in walk(parse(path)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text


def comments(path: Path) -> Iterator[tuple[int, str]]:
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def string_of(node: ast.expr) -> str:
    """The constant parts of a string expression; a formatted value is {}."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(string_of(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return string_of(node.left) + string_of(node.right)
    if isinstance(node, ast.IfExp):
        return f"{string_of(node.body)} / {string_of(node.orelse)}"
    return ""


def called_name(call: ast.Call) -> str:
    """Last part of the name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def messages(tree: ast.Module, kinds: str = r"(Error|Exit|BadParameter|Unavailable)$") -> Iterator[tuple[int, str]]:
    """Texts of exceptions where they are made."""
    for node in walk(tree):
        if isinstance(node, ast.Call) and re.search(kinds, called_name(node)):
            for argument in node.args:
                if text := string_of(argument):
                    yield argument.lineno, text


def matches(texts: Iterator[tuple[int, str]], forbidden: dict[str, str]) -> list[str]:
    any_of_them = re.compile("|".join(f"(?:{pattern})" for pattern in forbidden), re.IGNORECASE)
    return [
        f"line {line}: {found[0]!r} (write: {instead})"
        for line, text in texts
        if any_of_them.search(text)
        for pattern, instead in forbidden.items()
        if (found := re.search(pattern, text, re.IGNORECASE))
    ]


def identifiers(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Names that a module defines: functions, classes, parameters, variables, attributes."""
    for node in walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id if isinstance(node, ast.Name) else node.attr


def asserts(function: ast.FunctionDef, checkers: set[str]) -> bool:
    """Whether a test can fail: an assert, an expected exception or warning, or a helper or fixture that checks."""
    for node in walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = called_name(node)
            if name in {"raises", "warns", "fail"} | checkers or name.startswith(("assert_", "check_")):
                return True
    return False


def checking_helpers() -> set[str]:
    """Helpers and fixtures of the tests that assert something, those that call such a helper included."""
    functions = [n for path in TESTS for n in walk(parse(path)) if isinstance(n, ast.FunctionDef)]
    helpers = [n for n in functions if not n.name.startswith("test_")]
    found: set[str] = set()
    while more := {n.name for n in helpers if asserts(n, found)} - found:
        found |= more
    return found


def test_names_of_tests_are_short() -> None:
    assert {
        f"{relative(path)}: {function.name}"
        for path in TESTS
        for function in find_tests(path)
        if len(function.name.split("_")) - 1 > MAX_TEST_WORDS
    } == set()


def test_names_of_tests_are_unique() -> None:
    """A test of the same name would replace an earlier one of its file."""
    for path in TESTS:
        names = [function.name for function in find_tests(path)]
        assert sorted(set(names)) == sorted(names), relative(path)


def test_tests_assert_something() -> None:
    checkers = checking_helpers()
    assert {
        f"{relative(path)}: {function.name}"
        for path in TESTS
        for function in find_tests(path)
        if not asserts(function, checkers)
    } == set()


def test_module_summary_is_short() -> None:
    for path in SOURCES:
        if parse(path).body:  # not an empty __init__.py
            summary = (ast.get_docstring(parse(path)) or "").partition("\n")[0]
            assert 0 < len(summary.split()) <= MAX_SUMMARY_WORDS, f"{relative(path)}: {summary}"


def test_public_names_defined_once() -> None:
    defined: dict[str, list[str]] = defaultdict(list)
    for path in LIBRARY:
        for node in parse(path).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                defined[node.name].append(relative(path))
    twice = {name: places for name, places in defined.items() if len(set(places)) > 1}
    assert {name: places for name, places in twice.items() if name not in SHARED_NAMES} == {}


def test_prose_uses_standard_words() -> None:
    found = {}
    for path in SOURCES:
        tree = parse(path)
        prose = matches(docstrings(tree), FORBIDDEN) + matches(comments(path), FORBIDDEN)
        found[relative(path)] = prose + matches(messages(tree), FORBIDDEN_IN_MESSAGES)
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_identifiers_spelt_as_in_matplotlib() -> None:
    assert {
        f"{relative(path)}, line {line}: {name}"
        for path in SOURCES
        for line, name in identifiers(parse(path))
        if BRITISH.search(name)
    } == set()


def test_messages_are_one_line() -> None:
    """Errors that a user can fix: one line, no capital word at the start, no full stop at the end."""
    found = {
        f"{relative(path)}, line {line}: {text}"
        for path in SOURCES
        for line, text in messages(parse(path), r"(NetcoreError|RequirementError|Unavailable|BadParameter)$")
        if MALFORMED.search(text)
    }
    assert found == set()


def test_malformed_messages_are_found() -> None:
    for text in ("The run is missing.", "Cannot read", "no run:\ntrain one", "no run 'x'. "):
        assert MALFORMED.search(text), text
    for text in ("no run 'x': use netcore runs", "{} must be a tensor, not None", "PyTorch cannot read it", "--at …"):
        assert not MALFORMED.search(text), text


def test_forbidden_phrases_are_found() -> None:
    prose = iter([(1, "One row a class, as told."), (2, "Where there is none, it shall be drawn anew.")])
    assert len(matches(prose, FORBIDDEN)) == 5
    assert matches(iter([(1, "x is no TOML: say which")]), FORBIDDEN_IN_MESSAGES) != []
    assert matches(iter([(1, "A limit on file sizes stands for a full disk; scores per class.")]), FORBIDDEN) == []
    call = ast.parse('raise NetcoreError(f"{a} is no file" if b else "say " + c)')
    assert list(messages(call)) == [(1, "{} is no file / say ")]
