"""Old names of modules, options, keys and words fail in one line that has the new name."""

import ast
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import click
import pytest
import toy_runs

import netcore
from netcore.cli.main import commands, main
from netcore.core import renamed
from netcore.core.errors import NetcoreError
from netcore.rendering.config import read_config
from netcore.rendering.requirements import REQUIREMENTS, check_requirements
from netcore.rendering.scenes import find_scene, read_scene, scene_files

TABLE = tomllib.loads(Path(renamed.__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def new_names() -> list[str]:
    names = [renamed._new_name(module, name) for module, group in TABLE["names"].items() for name in group]
    return sorted({*names, *(f"netcore.{module}" for module in TABLE["modules"].values())})


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or found in one."""
    try:
        import_module(name)
    except ImportError:
        owner, _, attribute = name.rpartition(".")
        try:
            return hasattr(import_module(owner), attribute)
        except ImportError:
            outer, _, inner = owner.rpartition(".")
            return hasattr(getattr(import_module(outer), inner), attribute)
    return True


def test_renamed_targets_exist() -> None:
    missing = [name for name in new_names() if not resolves(name)]
    assert len(new_names()) > 150
    assert not missing


def test_renamed_options_exist() -> None:
    for name, options in TABLE["commands"].items():
        command = import_module(commands()[name][0]).command
        flags = {flag for option in command.params if isinstance(option, click.Option) for flag in option.opts}
        assert {f"--{new}" for new in options.values()} <= flags
        assert not {f"--{old}" for old in options} & flags
    for name, options in TABLE["scenes"].items():
        known = {option.name.replace("_", "-") for option in find_scene(name).options}
        assert set(options.values()) <= known
        assert not set(options) & known
    assert set(TABLE["needs"].values()) <= set(REQUIREMENTS)
    assert not set(TABLE["needs"]) & set(REQUIREMENTS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "x", "--on", "mnist"], "--on is now --data"),
        (["evaluate", "x", "--passes", "3"], "--passes is now --dropout-passes"),
        (["import", "a:b", "--weights", "w", "--name", "x", "--input", "1x28x28"], "--input is now --input-shape"),
        (["render", "forward-propagation", "--run", "x", "--shown", "3"], "--shown is now --max-units"),
        (["render", "cnn-forward-propagation", "--run", "x", "--maps=3"], "--maps is now --max-units"),
        (["render", "training-history", "--run", "x", "--log"], "--log is now --log-scale"),
        (["render", "training-history", "--run", "x", "--no-batches"], "--no-batches is now --no-batch-loss"),
        (["render", "feature-maps", "--run", "x", "--over", "snapshots"], "'snapshots' is now 'training'"),
    ],
)
def test_command_line_names_new_option(arguments: list[str], words: str, capsys: pytest.CaptureFixture) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert words in error


def test_config_names_new_key(tmp_path: Path) -> None:
    for key in ("shown = 3", "outputs = 3"):
        (tmp_path / "netcore.toml").write_text(f'[[render]]\nscene = "forward-propagation"\nrun = "x"\n{key}\n')
        with pytest.raises(NetcoreError, match=r"render 1: (shown is now max_units|outputs is now max_classes)$"):
            read_config(tmp_path / "netcore.toml")


def test_scene_options_name_new_option(tmp_path: Path) -> None:
    with pytest.raises(NetcoreError, match=r"log is now log_scale$"):
        find_scene("training-history").resolve_options({"log": True})
    with pytest.raises(NetcoreError, match=r"'snapshots' is now 'training'$"):
        find_scene("feature-maps").resolve_options({"over": "snapshots"})
    with pytest.raises(NetcoreError, match=r"'linear-first' is now 'dense-first'$"):
        check_requirements("own", ("linear-first",), toy_runs.make_untrained_run(tmp_path / "run"))


@pytest.mark.parametrize("statement", ["import netcore.stage.film", "from netcore.stage.film import Film"])
def test_old_import_names_new_module(statement: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"^netcore\.stage\.film is now netcore\.viz\.film\.film ") as error:
        exec(statement, {})
    assert "\n" not in str(error.value)


def test_old_import_survives_leftover_folders(tmp_path: Path) -> None:
    """Folders with caches alone remain of moved packages; Python takes them for packages without a file."""
    (tmp_path / "netcore").symlink_to(Path(netcore.__file__).parent, target_is_directory=True)
    code = "import netcore; netcore.__path__.append('rest'); from netcore.stage import film"
    (tmp_path / "rest/stage/__pycache__").mkdir(parents=True)
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "netcore.stage.film is now netcore.viz.film.film" in ran.stderr.splitlines()[-1]


def test_import_reads_no_table() -> None:
    code = "import sys, netcore; netcore.load_run; print([m for m in sys.modules if 'renamed' in m or m == 'tomllib'])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("from netcore.case import Picture", "line 1: netcore.case.Picture is now netcore.core.sample.Sample"),
        ("from netcore.stage import plot", "line 1: netcore.stage.plot is now netcore.viz.mpl.style"),
        ("from netcore import case", "line 1: netcore.case is now netcore.core.context"),
        ("def draw(fig, case): pass", "line 1: draw(fig, case) is now draw(fig, context)"),
        ("x = fig.theme.ink", "line 1: fig.theme.ink is now fig.theme.foreground"),
        ("x = case.picture", "line 1: case.picture is now context.sample"),
    ],
)
def test_renamed_in_source(source: str, line: str) -> None:
    assert renamed.renamed_in_source(ast.parse(source)) == [line]


def test_present_scenes_have_no_old_names() -> None:
    for path in scene_files().values():
        assert not renamed.renamed_in_source(ast.parse(path.read_text(encoding="utf-8"))), path


def test_own_scene_names_all_replacements(tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text('"""Own."""\n\n\ndef draw(fig, case):\n    fig.text(0, 0, case.chosen, color=fig.theme.ink)\n')
    with pytest.raises(NetcoreError, match=r"line 4: .*context.*line 5: .*sample_or_none.*line 5: .*foreground"):
        read_scene(file)
