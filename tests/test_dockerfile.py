"""The Dockerfile of a class's server, beside the files and the command line that it names."""

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from netcore.cli.main import main
from netcore.cli.serve import command as serve

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def lines():
    """Instructions, one a line."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]


def arguments(lines, name):
    return [rest for found, rest in lines if found == name]


def ignored_names():
    return set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())


def test_copied_files_exist(lines):
    for copied in arguments(lines, "COPY"):
        *sources, _ = shlex.split(copied)
        for source in sources:
            assert (ROOT / source).exists(), source
            assert source not in ignored_names(), f"{source} is not sent to Docker"


def test_package_needs_only_copied_files(lines):
    """What pyproject.toml reads when a wheel is built lies in the image."""
    copied = {Path(word).parts[0] for rest in arguments(lines, "COPY") for word in shlex.split(rest)[:-1]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    packages = project["tool"]["setuptools"]["packages"]
    folders = project["tool"]["setuptools"]["package-dir"]
    needed |= {folders.get(".".join(name.split(".")[:2]), name.split(".")[0]) for name in packages}
    assert needed <= copied


def test_installs_extra_with_constraints(lines):
    install = next(rest for rest in arguments(lines, "RUN") if rest.startswith("pip install"))
    assert "--constraint constraints.txt" in install
    extra = re.search(r"\.\[(\w+)\]", install)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert extra
    assert extra[1] in project["optional-dependencies"]
    python = re.search(r"python:(\d+\.\d+)", arguments(lines, "FROM")[0])
    assert python
    assert tuple(map(int, python[1].split("."))) >= (3, 11)


def test_entry_point_parses(lines, tmp_path, capsys):
    program, name, *given = json.loads(arguments(lines, "ENTRYPOINT")[0])
    assert (program, name) == ("netcore", "serve")
    context = serve.make_context("serve", [*given, "demo-cnn", "demo-mlp"])
    assert context.params["host"] == "0.0.0.0"
    assert context.params["runs"] == ("demo-cnn", "demo-mlp")
    with pytest.raises(click.UsageError):
        serve.make_context("serve", [*given, "--no-such-option", "demo-cnn"])
    places = [word.replace("/data", str(tmp_path)) for word in given]
    assert main(["serve", *places, "demo-cnn"]) == 2  # no runs yet: one line, no traceback
    assert capsys.readouterr().err.startswith("netcore: error: no run")


def test_data_belongs_to_visitor(lines):
    order = [(name, rest) for name, rest in lines if name in ("RUN", "USER", "ENTRYPOINT")]
    owned = next(i for i, (name, rest) in enumerate(order) if name == "RUN" and "chown -R visitor /data" in rest)
    user = order.index(("USER", "visitor"))
    assert owned < user < [name for name, _ in order].index("ENTRYPOINT")
    assert arguments(lines, "EXPOSE") == ["8000"]
    health = arguments(lines, "HEALTHCHECK")[0]
    assert "127.0.0.1:8000/api/feedback" in health
