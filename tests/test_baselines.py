"""Every scene looks as it did when somebody last looked at it, in both themes."""

from pathlib import Path

import baselines
import numpy as np
import pytest

from netcore.viz.theme import THEMES


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("scene", baselines.scenes(), ids=lambda scene: scene.name)
def test_looks_as_accepted(scene, theme: str, tmp_path: Path) -> None:
    stored, again = baselines.place(scene, theme), f"python tests/baselines.py {scene.name}"
    assert stored.exists(), f"{scene.name} has no picture for the {theme} theme: {again}, and look at it"
    now = baselines.sample(scene, theme)
    share = baselines.differing(baselines.read(stored), now)
    if share > baselines.SHARE:
        baselines.write(tmp_path / stored.name, now)
    assert share <= baselines.SHARE, (
        f"{share:.2%} of {stored} differ from {tmp_path / stored.name}; to accept it: {again}"
    )


def test_no_picture_without_a_scene() -> None:
    known = {baselines.place(scene, theme) for scene in baselines.scenes() for theme in THEMES}
    assert set(baselines.HERE.glob("*/*")) == known


def test_a_changed_word_is_a_difference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = baselines.HERE / "dark" / "confidence.png"
    stored = baselines.read(path)
    changed = stored.copy()
    changed[30:42, 100:130] = changed[30:42, 140:170]
    assert baselines.differing(stored, changed) > baselines.SHARE
    assert baselines.differing(stored, np.clip(stored.astype(int) + 5, 0, 255)) == 0
    assert baselines.differing(stored, stored[:-1]) == 1


def test_accepting_writes_what_is_missing_and_removes_what_is_left_over(monkeypatch, tmp_path, capsys) -> None:
    scenes = [scene for scene in baselines.scenes() if scene.name == "confidence"]
    monkeypatch.setattr(baselines, "HERE", tmp_path)
    monkeypatch.setattr(baselines, "scenes", lambda: scenes)
    left_over = tmp_path / "dark" / "gone.png"
    left_over.parent.mkdir()
    left_over.touch()
    baselines.accept([])
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.glob("*/*")) == [
        "dark/confidence.png",
        "light/confidence.png",
    ]
    assert "gone.png: removed" in capsys.readouterr().out
    baselines.accept([])
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit, match="no scene confidance"):
        baselines.accept(["confidance"])
