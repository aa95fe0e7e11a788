"""The examples of the documents run."""

import re
import shlex
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest

from netcore.cli.main import cli, commands
from netcore.rendering.config import read_config
from netcore.rendering.frames import figure_still, film_steps
from netcore.rendering.scenes import load_film, load_scene, read_scene
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import DARK

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GENERATED = ("benchmarks", "commands")  # written by the commands themselves
PAGES = [p for p in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))] if p.stem not in GENERATED]


@pytest.fixture
def example(tmp_path):
    """`example(name)`: the first Python block of a document, as a scene file."""

    def write(name: str) -> Path:
        code = re.search(r"```python\n(.*?)```", (DOCS / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
        assert code is not None
        path = tmp_path / "example.py"
        path.write_text(code[1], encoding="utf-8")
        return path

    return write


def test_film_document_example(example, mlp_run, make_context) -> None:
    scene = read_scene(example("write-a-film"))
    assert "largest" in {option.name for option in scene.options}
    film = load_film(scene.path, scene.class_name)
    steps = film_steps(film, FilmSettings(make_context(mlp_run), DARK, (320, 180), 10, {"largest": 3}))
    assert [step.caption for step in steps[:2]] == ["3 scores of 10", "The largest is the answer"]


def test_figure_document_example(example, mlp_run, make_context) -> None:
    scene = read_scene(example("write-a-figure"))
    rgb = figure_still(load_scene(scene.path).draw, make_context(mlp_run), DARK, (480, 270), {"bins": 10})
    assert len(np.unique(rgb.reshape(-1, 3), axis=0)) > 5


def documented_commands(page: Path) -> list[str]:
    """Each `netcore …` of a page: a line of a shell block, or code within a sentence."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|bash|console)?\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    spans = re.findall(r"`(netcore [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines += [" ".join(span.split()) for span in spans]
    found = re.findall(r"^(?:\$ )?(netcore .*)", "\n".join(lines), re.MULTILINE)
    return [re.sub(r"\s+(#|&&|\|).*", "", line) for line in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_documented_commands_parse(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command has the options, scenes and values that a document writes."""
    monkeypatch.chdir(tmp_path)
    scene = '"""A title."""\n\n\ndef draw(fig, context, *, count: int = 20, bins: int = 20, largest: int = 1): ...\n'
    for line in documented_commands(page):
        for file in re.findall(r"[\w/]+\.py\b(?!:)", line):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_text(scene)
        name, *words = shlex.split(line)[1:]
        if name.startswith("-") or "…" in line or re.search(r"\b[A-Z]{3,}\b", line):  # a form with RUN, SCENE
            continue
        assert name in commands(), line
        command = cli.get_command(cli.make_context("netcore", ["--help"], resilient_parsing=True), name)
        try:
            command.make_context(name, list(words))
        except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
            assert all(word.startswith("-") for word in words), line  # named in a sentence
        except Exception as error:
            raise AssertionError(f"{page.name}: {line}: {error}") from error


def test_tutorial_settings_are_read(tmp_path: Path) -> None:
    """They name what its page shows."""
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    settings = re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1]
    (tmp_path / "netcore.toml").write_text(settings, encoding="utf-8")
    (request,) = read_config(tmp_path / "netcore.toml", allow_outside=True)
    (table,) = tomllib.loads(settings)["render"]
    assert request.selector.given == {"misclassified": True, "most_confident": True}
    for light in ("", "-light"):
        assert f"{table['output']}/{request.scene}{request.selector.file_suffix}{light}.gif" in text
