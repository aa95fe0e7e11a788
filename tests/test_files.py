"""Files are replaced whole; what killed processes left beside them is removed, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netcore.core import files
from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write, atomic_write_text, partial_path, sweep_leftovers

WRITE = """
import os, sys
from pathlib import Path
from netcore.core.files import atomic_write
with atomic_write(Path("picture.png")) as partial:
    partial.write_bytes(b"half")
    if sys.argv[1:] == ["dies"]:
        os._exit(9)
    print("writing", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files, "_swept", set())
    return tmp_path


def hidden(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if file.name.startswith(".")]


def start_writer(*args: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WRITE, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_leftovers_of_dead_process_removed(folder: Path) -> None:
    start_writer("dies").communicate()
    (left,) = hidden(folder)
    (folder / left.replace(".png", "")).mkdir()
    atomic_write_text(folder / "other.txt", "new")
    assert [file.name for file in folder.iterdir()] == ["other.txt"]


def test_files_of_living_process_stay(folder: Path) -> None:
    process = start_writer()
    assert process.stdout is not None
    process.stdout.readline()
    before = hidden(folder)
    assert len(before) == 1
    atomic_write_text(folder / "other.txt", "new")
    assert hidden(folder) == before
    process.communicate(b"")
    assert (folder / "picture.png").read_bytes() == b"half"


@pytest.mark.parametrize("name", [".x-0123abcd.partial.gif", ".x-ffffff-1-0123abcd.partial"])
def test_leftovers_of_unknown_process_expire(folder: Path, name: str) -> None:
    """Of an earlier version, or of another machine that shares the folder."""
    (folder / name).touch()
    sweep_leftovers(folder)
    assert hidden(folder) == [name]
    os.utime(folder / name, (0, 0))
    sweep_leftovers(folder)
    assert hidden(folder) == []


@pytest.mark.parametrize(
    "name", [".profile", ".notes.partial", ".x-0123abcd", "x-0123abcd.partial", ".x-0123ABCD.partial"]
)
def test_sweep_keeps_other_files(folder: Path, name: str) -> None:
    (folder / name).touch()
    os.utime(folder / name, (0, 0))
    sweep_leftovers(folder)
    assert (folder / name).exists()


def test_sweep_follows_no_link(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").touch()
    (folder / ".x-0123abcd.partial").symlink_to("mine")
    os.utime(folder / ".x-0123abcd.partial", (0, 0), follow_symlinks=False)
    sweep_leftovers(folder)
    assert hidden(folder) == []
    assert (folder / "mine" / "thesis.txt").exists()


def test_atomic_write_of_long_name(folder: Path) -> None:
    target = folder / f"{'n' * 240}.png"
    with atomic_write(target) as partial:
        partial.write_bytes(b"whole")
    assert target.read_bytes() == b"whole"


def test_atomic_write_keeps_earlier_file(folder: Path) -> None:
    atomic_write_text(folder / "a.txt", "earlier")
    with pytest.raises(NetcoreError, match=r"cannot write .*a\.txt: Is a directory"):  # noqa: PT012, SIM117
        with atomic_write(folder / "a.txt") as partial:
            partial.write_text("half")
            folder.open()
    assert (folder / "a.txt").read_text() == "earlier"
    assert hidden(folder) == []


def test_partial_names_differ(folder: Path) -> None:
    assert partial_path(folder / "a.gif", ".gif") != partial_path(folder / "a.gif", ".gif")
