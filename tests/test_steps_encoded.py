"""Steps in files: key frames, chapters, subtitles, storyboard, sidecar."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from netcore.core.step import Step
from netcore.rendering.encoding import encode

FPS = 10
STEPS = (
    Step("picture", "A picture of a 7: 784 pixels", "The picture is 28 pixels high.", 0, 4, 12),
    Step("sum", "Weights × inputs < bias & more", "", 12, 15, 25),
    Step("verdict", "Prediction: 7 – “sure”", "Said in words.", 25, 31, 40),
)


def numbered(frame: int, size: tuple[int, int] = (160, 90)) -> np.ndarray:
    """A frame that shows its own number in binary: eight stripes, bright or dark."""
    rgb = np.full((size[1], size[0], 3), 20, np.uint8)
    for bit in range(8):
        rgb[:, bit * size[0] // 8 : (bit + 1) * size[0] // 8] = 220 if frame >> bit & 1 else 20
    return rgb


def number_of(rgb: np.ndarray) -> int:
    """The number that a frame of `numbered` shows."""
    width = rgb.shape[1]
    middle = rgb[rgb.shape[0] // 2, width // 16 :: width // 8, 0]
    return sum(1 << bit for bit, value in enumerate(middle[:8]) if value > 120)


def stepped_clip(size: tuple[int, int] = (160, 90)) -> list[tuple[np.ndarray, int]]:
    """40 frames; from `settled` on a step's picture stays the same."""
    frames = []
    for step in STEPS:
        frames += [(numbered(k, size), 1) for k in range(step.start, step.settled)]
        frames.append((numbered(step.settled, size), step.end - step.settled))
    return frames


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_video_key_frames_at_steps(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"clip.{name}"
    found = encode(stepped_clip(), {name: path}, FPS, hold=0, steps=STEPS)[name]
    assert (found.frames, found.seconds, found.steps) == (40, 4.0, STEPS)
    with av.open(str(path)) as container:
        keys = [k for k, frame in enumerate(container.decode(video=0)) if frame.key_frame]
    assert keys == [0, 4, 12, 15, 25, 31]


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_video_chapter_per_step(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"clip.{name}"
    encode(stepped_clip(), {name: path}, FPS, hold=0, steps=STEPS, title="How a network answers")
    with av.open(str(path)) as container:
        chapters = container.chapters()
        metadata = {key.lower(): value for key, value in container.metadata.items()}
    times = [(float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"])) for c in chapters]
    assert times == [(0, 1.2), (1.2, 2.5), (2.5, 4.0)]
    assert [c["metadata"]["title"] for c in chapters] == [step.caption for step in STEPS]
    assert metadata["title"] == "How a network answers"
    assert json.loads(metadata["comment"])["netcore"]["steps"] == [step.row(FPS) for step in STEPS]


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_video_seeks_to_settled(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"clip.{name}"
    encode(stepped_clip(), {name: path}, FPS, hold=0, steps=STEPS)
    for step in STEPS:
        with av.open(str(path)) as container:
            container.seek(round((step.settled + 0.5) / FPS * av.time_base))
            frame = next(container.decode(video=0))
        assert round(frame.time * FPS) == step.settled
        assert number_of(frame.to_ndarray(format="rgb24")) == step.settled
