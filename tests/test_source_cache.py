"""What source files import is read again only if they change."""

import json
from pathlib import Path

import pytest

from netcore.rendering import source_cache
from netcore.rendering.module_source import parse
from netcore.rendering.source_cache import SourceCache

SOURCE = b"import numpy\nfrom . import sibling\n\ndef draw():\n    from json import loads\n    return loads, draw\n"


@pytest.fixture(autouse=True)
def cache_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETCORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sources.json"


def count_parses(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    parsed: list[bytes] = []
    monkeypatch.setattr(source_cache, "parse", lambda text, *names: parsed.append(text) or parse(text, *names))
    return parsed


def save_source() -> None:
    cache = SourceCache()
    cache.parse(SOURCE, "a.b", "a")
    cache.save()


def test_source_cache_returns_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    save_source()
    parsed = count_parses(monkeypatch)
    assert SourceCache().parse(SOURCE, "a.b", "a") == parse(SOURCE, "a.b", "a")
    assert parsed == []


@pytest.mark.parametrize("changed", [(SOURCE + b"#", "a.b", "a"), (SOURCE, "a.c", "a"), (SOURCE, "a.b", "b")])
def test_source_cache_sees_changes(monkeypatch: pytest.MonkeyPatch, changed: tuple[bytes, str, str]) -> None:
    save_source()
    parsed = count_parses(monkeypatch)
    assert SourceCache().parse(*changed) == parse(*changed)
    assert parsed == [changed[0]]


@pytest.mark.parametrize("content", ["", "[]", "{", "null", '{"key": 3}', "entry"])
def test_source_cache_survives_damage(cache_file: Path, content: str) -> None:
    save_source()
    if content == "entry":
        (key,) = json.loads(cache_file.read_text())
        content = json.dumps({key: {"digest": 1, "imports": {"": 3}}})
    cache_file.write_text(content)
    assert SourceCache().parse(SOURCE, "a.b", "a") == parse(SOURCE, "a.b", "a")


def test_source_cache_unwritable_is_ignored(cache_file: Path) -> None:
    cache_file.parent.parent.mkdir(exist_ok=True)
    cache_file.parent.write_text("a file where the folder should be")
    save_source()
    assert cache_file.parent.is_file()
