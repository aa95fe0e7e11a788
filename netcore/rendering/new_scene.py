"""Write the first file of one's own scene."""

import keyword
import re
from pathlib import Path

from netcore.core.errors import NetcoreError
from netcore.core.files import atomic_write_text
from netcore.rendering.scenes import scene_files

TEMPLATES = Path(__file__).parent / "scene_templates"


def write_new_scene(name: str, kind: str, output: Path | None = None) -> Path:
    """Write a first film or figure that can be rendered as it is.

    Parameters
    ----------
    name : str
        Name of the scene, such as ``ten-scores``; a file name (``ten_scores.py``) is accepted too.
    kind : str
        ``"film"`` or ``"figure"``.
    output : Path, optional
        File, or an existing or new folder for it; default: the current folder.

    Returns
    -------
    Path
        The new file.

    Raises
    ------
    NetcoreError
        If the name is none for a Python file or one of netcore's scenes, or the file exists.
    """
    stem = name.removesuffix(".py").replace("-", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", stem) or keyword.iskeyword(stem):
        raise NetcoreError(f"'{name}' cannot name a scene: use lower-case letters, digits and hyphens (ten-scores)")
    if stem.replace("_", "-") in scene_files():
        raise NetcoreError(f"'{name}' is a scene of netcore already: choose another name")
    target = _target(output, stem)
    if target.exists():
        raise NetcoreError(f"{target} exists: choose another name, or remove the file")
    words = stem.split("_")
    source = (TEMPLATES / f"{kind}.py").read_text(encoding="utf-8")
    source = source.replace(f"New {kind}.", " ".join(words).capitalize(), 1)
    atomic_write_text(target, source.replace("NewFilm", "".join(word.capitalize() for word in words)))
    return target


def _target(output: Path | None, stem: str) -> Path:
    """Return the file to write: `output` itself if it is a Python file, else one in that folder."""
    if output is None:
        return Path(f"{stem}.py")
    return output if output.suffix == ".py" and not output.is_dir() else output / f"{stem}.py"
