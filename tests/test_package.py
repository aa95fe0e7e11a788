"""What is shipped: the wheel, the generated documents, the pinned versions."""

import ast
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

import netcore

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel_file(tmp_path_factory):
    """netcore's wheel, built from a copy, so that the checkout stays clean."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for file in files:
        if (ROOT / file).is_file():
            (source / file).parent.mkdir(parents=True, exist_ok=True)
            (source / file).write_bytes((ROOT / file).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, source]
    subprocess.run(build, check=True)
    (built,) = folder.glob("*.whl")
    return built


def test_wheel_lists_scenes(wheel_file, tmp_path):
    site, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    zipfile.ZipFile(wheel_file).extractall(site)
    out = subprocess.run(
        [sys.executable, "-m", "netcore", "scenes", "--json"],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    names = {scene["name"] for scene in json.loads(out.stdout)}
    shipped = {
        f.stem.replace("_", "-") for kind in ("films", "figures") for f in (ROOT / "scenes" / kind).glob("[!_]*.py")
    }
    assert shipped, "no scene at all"
    assert names == shipped
    assert any(name.startswith("netcore/scenes/films/") for name in zipfile.ZipFile(wheel_file).namelist())
    where = [sys.executable, "-c", "import netcore; print(netcore.__file__)"]
    found = subprocess.run(where, cwd=work, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True)
    assert found.stdout.startswith(str(site))


@pytest.mark.slow
@pytest.mark.parametrize("installer", ["pip", "pipx"])
def test_install_of_clone(installer, tmp_path):
    """`pip install .` and `pipx install .` in a clone give a command that works elsewhere.

    The libraries are those of this Python, so that none is downloaded: each new environment looks there too.
    """
    source = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", source], check=True)
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    if installer == "pip":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
        program = tmp_path / "env/bin/netcore"
        _add_libraries(Path(sysconfig.get_path("purelib", vars={"base": tmp_path / "env"})))
        command = [tmp_path / "env/bin/python", "-m", "pip", "install", "--quiet", "--no-build-isolation", "."]
    else:
        program = tmp_path / "bin/netcore"
        users = sysconfig.get_path("purelib", "posix_user", vars={"userbase": tmp_path / "user"})
        _add_libraries(Path(users))
        env |= {"PIPX_HOME": tmp_path / "pipx", "PIPX_BIN_DIR": program.parent, "PYTHONUSERBASE": tmp_path / "user"}
        command = [sys.executable, "-m", "pipx", "install", "--system-site-packages"]
        command += ["--pip-args=--no-build-isolation", "."]
    subprocess.run(command, cwd=source, env=env, check=True, capture_output=True)
    out = subprocess.run([program, "scenes", "--json"], cwd=tmp_path, env=env, capture_output=True, check=True)
    assert "forward-propagation" in {scene["name"] for scene in json.loads(out.stdout)}
    where = subprocess.run([program, "--version"], cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert where.stdout.split() == ["netcore", netcore.__version__]


def _add_libraries(site):
    """Let an environment find the libraries of this one."""
    site.mkdir(parents=True, exist_ok=True)
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))


def test_packages_match_folders():
    """A folder that is not listed in pyproject.toml would be missing from the wheel."""
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"])
    files = [f for base in ("netcore", "scenes") for f in (ROOT / base).rglob("*.py")]
    folders = {f.parent.relative_to(ROOT).as_posix().replace("/", ".") for f in files}
    needed = {re.sub(r"^scenes\b", "netcore.scenes", folder) for folder in folders}
    assert listed == needed, "packages = " + json.dumps(sorted(needed))
    assert all((ROOT / folder.replace(".", "/") / "__init__.py").is_file() for folder in folders)


@pytest.mark.slow
def test_scenes_are_imported_as_netcore_scenes():
    """By their full name in tests and scenes, by nobody else: import-linter cannot see `netcore.scenes`."""
    for file in (
        f for base in ("netcore", "scenes", "tests", "benchmarks", "tools") for f in (ROOT / base).rglob("*.py")
    ):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        names = {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom) and not n.level}
        names |= {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
        assert not [n for n in names if n.split(".")[0] == "scenes"], f"{file}: write netcore.scenes"
        if file.is_relative_to(ROOT / "netcore"):
            assert not [n for n in names if n.startswith("netcore.scenes")], f"{file}: scenes are found by their folder"


@pytest.mark.parametrize("python_path", [ROOT, None])
def test_scene_modules_resolve_in_a_process(python_path, tmp_path):
    """From a checkout on the path, and however the environment has netcore installed."""
    code = """
import importlib.util, netcore
print(netcore.__file__, importlib.util.find_spec("netcore.scenes.films.forward_propagation").origin)
"""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | (
        {"PYTHONPATH": str(ROOT)} if python_path else {}
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    package, film = map(Path, ran.stdout.split())
    assert film.is_relative_to(package.parents[1])
    assert not python_path or package.is_relative_to(ROOT)


def test_wheel_contains_package_data(wheel_file):
    names = zipfile.ZipFile(wheel_file).namelist()
    data = [
        p.relative_to(ROOT).as_posix()
        for p in (ROOT / "netcore").rglob("*")
        if p.suffix in {".html", ".css", ".js", ".toml", ".typed"}
    ]
    assert data
    assert set(data) <= set(names)
    assert not [n for n in names if n.startswith(("tests", "renders", "runs"))]


def load_tool(name):
    """A script of `tools` as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def test_readme_up_to_date():
    check = subprocess.run(
        [sys.executable, ROOT / "tools" / "readme.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert check.returncode == 0, check.stderr


def test_networks_table_up_to_date():
    """The table of docs/own-networks.md is that of docs/networks.json, whose rows are scenes of today."""
    tool = load_tool("networks")
    found = json.loads(tool.RESULTS.read_text(encoding="utf-8"))
    text = tool.PAGE.read_text(encoding="utf-8")
    assert tool.filled(text, found) == text, "python tools/networks.py --table"
    files = [f for kind in ("films", "figures") for f in (ROOT / "scenes" / kind).glob("[!_]*.py")]
    assert set(found) <= {file.stem.replace("_", "-") for file in files}
    assert all(set(row) == set(tool.KINDS) for row in found.values())
    assert not any("\n" in refusal for row in found.values() for refusal in row.values())


@pytest.mark.parametrize("page", ["README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))])
def test_document_links_exist(page):
    """Every relative link of a page leads to a file of the checkout."""
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text)
    inside = [link for link in links if "://" not in link]
    missing = [link for link in inside if not ((ROOT / page).parent / link).exists()]
    assert [m for m in missing if not (page == "docs/tutorial.md" and m.startswith("assets/"))] == []


def test_licence_and_citation_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"version: {netcore.__version__}" in citation
    assert (project["license"], project["authors"]) == ("MIT", [{"name": "The netcore authors"}])
    assert "name: The netcore authors" in citation
    assert "Copyright (c) 2026 The netcore authors" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_readme_images_exist_and_small():
    shown = set(re.findall(r"assets/[\w.-]+", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {p for p in shown if p.endswith(".gif")}, "the README shows no clip"
    for file in shown:
        assert (ROOT / file).stat().st_size < 5_000_000


def test_readme_names_shown_snapshot():
    sidecar = json.loads((ROOT / "assets" / "forward-propagation.gif.json").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"13,002 parameters after {sidecar['snapshot']['label']}," in readme
    assert f"--run {sidecar['run']}`: a network" in readme


def test_constraints_pin_all_dependencies():
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    project = (ROOT / "pyproject.toml").read_text()
    wanted = re.findall(r'"([a-z0-9-]+)(?:\[\w+\])?[<>=]', project)
    assert {"torch", "manim", "pillow"} <= set(wanted)
    assert set(wanted) <= pinned


def test_render_is_a_plain_function():
    """Editors, completion and `help` see its parameters."""
    assert inspect.isfunction(netcore.render)
    assert {"scenes", "run", "formats", "jobs"} <= set(inspect.signature(netcore.render).parameters)
    assert set(netcore.__all__) <= set(dir(netcore))
