"""Every scene looks as it did when somebody last looked at it, in both themes."""

from pathlib import Path

import baselines
import numpy as np
import pytest
from sampling import sampled_pairs

from netcore.viz.theme import THEMES


@pytest.mark.parametrize(("scene", "theme"), sampled_pairs(baselines.scenes(), list(THEMES), every=2))
def test_scene_matches_baseline(scene, theme: str, tmp_path: Path) -> None:
    stored, again = baselines.baseline_path(scene, theme), f"python tests/baselines.py {scene.name}"
    assert stored.exists(), f"{scene.name} has no picture for the {theme} theme: {again}, and look at it"
    now = baselines.sample(scene, theme)
    share = baselines.differing_share(baselines.read_image(stored), now, baselines.cell_size(scene))
    if share > baselines.SHARE:
        baselines.write_image(tmp_path / stored.name, now)
    assert share <= baselines.SHARE, (
        f"{share:.2%} of {stored} differ from {tmp_path / stored.name}; to accept it: {again}"
    )


def test_baselines_match_scenes() -> None:
    """No stored picture without a scene, and none is missing."""
    known = {baselines.baseline_path(scene, theme) for scene in baselines.scenes() for theme in THEMES}
    assert set(baselines.HERE.glob("*/*")) == known


def test_baselines_detect_changed_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = baselines.HERE / "dark" / "confidence.png"
    stored = baselines.read_image(path)
    changed = stored.copy()
    changed[30:42, 100:130] = changed[30:42, 140:170]
    assert baselines.differing_share(stored, changed) > baselines.SHARE
    assert baselines.differing_share(stored, np.clip(stored.astype(int) + 5, 0, 255)) == 0
    assert baselines.differing_share(stored, stored[:-1]) == 1


def test_baselines_detect_changed_cell() -> None:
    stored = np.zeros((2 * baselines.CELL[1], 4 * baselines.CELL[0], 3), np.uint8)
    changed = stored.copy()
    changed[200:206, 700:710] = 255
    assert baselines.differing_share(stored, changed) <= baselines.SHARE
    assert baselines.differing_share(stored, changed, baselines.CELL) > baselines.SHARE


def test_accept_baselines_adds_and_removes(monkeypatch, tmp_path, capsys) -> None:
    scenes = [scene for scene in baselines.scenes() if scene.name == "confidence"]
    monkeypatch.setattr(baselines, "HERE", tmp_path)
    monkeypatch.setattr(baselines, "scenes", lambda: scenes)
    left_over = tmp_path / "dark" / "gone.png"
    left_over.parent.mkdir()
    left_over.touch()
    baselines.accept_baselines([])
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.glob("*/*")) == [
        "dark/confidence.png",
        "light/confidence.png",
    ]
    assert "gone.png: removed" in capsys.readouterr().out
    baselines.accept_baselines([])
    assert capsys.readouterr().out == ""
    with pytest.raises(SystemExit, match="no scene confidance"):
        baselines.accept_baselines(["confidance"])
