"""Every format is written, opened again and compared with the frames that went in."""

import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clip_reader import read_frames
from PIL import Image, ImageDraw
from sampling import sampled

from netcore.core.errors import NetcoreError
from netcore.rendering import formats
from netcore.rendering.encoding import EncodeSession, encode
from netcore.rendering.formats import all_formats, check_formats, get_format, gif
from netcore.rendering.formats.webp import write_webp
from netcore.rendering.frame_buffer import FrameBuffer
from netcore.rendering.frame_writer import Clip as WrittenClip
from netcore.rendering.palette import PaletteBuilder, PaletteIndex, color_codes
from netcore.rendering.video_writer import VideoWriter
from netcore.viz.theme import DARK

SIZE = (192, 108)
ANIMATED = ("gif", "webp", "apng", "avif")
FORMATS = [each.name for each in all_formats() if not each.vector]
CLIPS = [each.name for each in all_formats() if each.animated]
EVEN = [each.name for each in all_formats() if each.even_sides]
TRANSPARENT = [each.name for each in all_formats() if each.transparent and not each.vector and not each.stepped]
Clip = list[tuple[np.ndarray, int]]


def sample(step: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A frame as scenes have them: flat ground, thin smooth lines, discs, a bar, text."""
    image = Image.new("RGB", (640, 360), DARK.background)
    pen = ImageDraw.Draw(image)
    for k in range(8):
        pen.line((100, 20 + 40 * k, 400, 20 + 40 * (k * 3 % 8)), DARK.positive if k % 2 else DARK.negative, 3)
        shade = 255 * min(k, step) // 8
        pen.ellipse((85, 5 + 40 * k, 115, 35 + 40 * k), (shade, shade, shade), DARK.muted, 2)
    pen.rectangle((420, 100, 420 + 15 * step, 130), DARK.emphasis)
    pen.text((420, 40), f"epoch {step}", DARK.foreground, font_size=36)
    return np.array(image.resize(size, Image.Resampling.LANCZOS))


@pytest.fixture(scope="module")
def clip() -> Clip:
    """Ten frames, one held for six, the last shown once: 15 frames."""
    return [(sample(k), 6 if k == 4 else 1) for k in range(10)]


def delays(path: Path) -> list[float]:
    """Milliseconds of each stored frame."""
    with Image.open(path) as image:
        return [_delay(image, i) for i in range(image.n_frames)]


def _delay(image: Image.Image, index: int) -> float:
    image.seek(index)
    image.load()
    return image.info["duration"]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal to noise ratio in dB."""
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


# ---- the formats


def test_formats_found_in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clip: Clip) -> None:
    (tmp_path / "ppm.py").write_text(
        "from functools import partial\n"
        "from netcore.rendering.formats import Format\n"
        "from netcore.rendering.frame_writer import StillWriter\n"
        "def write_ppm(path, rgb):\n"
        "    path.write_bytes(b'P6 %d %d 255 ' % (rgb.shape[1], rgb.shape[0]) + rgb.tobytes())\n"
        "FORMAT = Format('ppm', 'image/x-portable-pixmap', writer=partial(StillWriter, save=write_ppm))\n"
    )
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    assert "ppm" in formats.format_names()
    found = encode(clip, {"ppm": tmp_path / "last.ppm", "gif": tmp_path / "clip.gif"}, 10)
    assert found["ppm"].frames == 1
    assert np.array_equal(read_frames(tmp_path / "last.ppm")[0], clip[-1][0])
    with pytest.raises(NetcoreError, match="did you mean 'ppm'"):
        get_format("pmm")
    monkeypatch.delitem(sys.modules, "netcore.rendering.formats.ppm")


@pytest.mark.parametrize("name", formats.format_names())
def test_format_described(name: str) -> None:
    found = get_format(name)
    assert found.name == name
    assert (found.writer is None) == found.vector
    assert (found.budget_mb is None) == (found.limit_mb is None)
    assert found.mime.startswith("video/") == (name in ("mov", "mp4", "webm"))
    assert not (found.animated and found.vector)
    assert found.animated or found.still or found.stepped
    assert found.path(Path("a/clip")).name.startswith("clip")
    assert bool(found.option) == bool(found.option_help)


# ---- what is in the files


def test_encode_writes_all_formats(tmp_path: Path, clip: Clip) -> None:
    targets = {name: tmp_path / f"clip.{name}" for name in FORMATS}
    found = encode(iter(clip), targets, 10)
    assert found.keys() == targets.keys()
    for name, path in targets.items():
        e = found[name]
        assert (e.path, e.bytes, e.warning) == (path, path.stat().st_size, "")
        assert (e.width, e.height) == SIZE or name == "storyboard"
        assert (e.frames, e.seconds) == ((14 + 20, 3.4) if name in CLIPS else (1, 0.0))  # the last stands 2 s
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in targets.values())


@pytest.mark.parametrize("name", ANIMATED)
def test_animated_image_frames_and_delays(tmp_path: Path, clip: Clip, name: str) -> None:
    path = tmp_path / f"clip.{name}"
    encode(clip, {name: path}, 10)
    assert delays(path) == [100] * 4 + [600] + [100] * 4 + [2000]
    frames = read_frames(path)
    assert len(frames) == len(clip)
    least = {"gif": 40, "avif": 40}.get(name, float("inf"))  # the others lose nothing
    assert min(psnr(a, b) for a, (b, _) in zip(frames, clip, strict=True)) >= least
    with Image.open(path) as image:
        assert image.info.get("loop", 0) == 0  # for ever


@pytest.mark.parametrize("fps", [10, 20, 25, 50])
def test_gif_delays_exact(tmp_path: Path, clip: Clip, fps: int) -> None:
    path = tmp_path / "clip.gif"
    encode(clip, {"gif": path}, fps, hold=1)
    assert delays(path) == [repeat * 1000 / fps for _, repeat in clip[:-1]] + [1000]


def test_webp_delays_do_not_drift(tmp_path: Path) -> None:
    path = tmp_path / "clip.webp"
    frames = [(sample(k), 1) for k in range(31)]
    encode(frames, {"webp": path}, 15, hold=0)
    assert sum(delays(path)) == round(31 / 15 * 1000)
    assert set(delays(path)) <= {66, 67}


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("fps", [29.97, 60])
def test_webp_frames_start_on_time(tmp_path: Path, clip: Clip, fps: float, lossless: bool) -> None:
    path, buffer = tmp_path / "clip.webp", FrameBuffer()
    for rgb, repeat in clip:
        buffer.add(rgb, 7 * repeat)
    write_webp(path, WrittenClip(SIZE[1], SIZE[0], fps, buffer), lossless)
    ends = 7 * np.cumsum([repeat for _, repeat in clip]) * 1000 / fps
    assert np.cumsum(delays(path)).tolist() == np.round(ends).tolist()


def test_gif_keeps_longer_last_frame(tmp_path: Path, clip: Clip) -> None:
    path = tmp_path / "clip.gif"
    encode([*clip[:-1], (clip[-1][0], 30)], {"gif": path}, 10)
    assert delays(path)[-1] == 3000


def test_gif_merges_equal_frames(tmp_path: Path, clip: Clip) -> None:
    path = tmp_path / "clip.gif"
    found = encode([clip[0], (clip[0][0].copy(), 2), clip[1]], {"gif": path}, 10)
    assert delays(path) == [300, 2000]
    assert found["gif"].frames == 23


@pytest.mark.parametrize(("name", "codec"), [("mp4", "h264"), ("webm", "vp9")])
def test_video_stream_and_frames(tmp_path: Path, clip: Clip, name: str, codec: str) -> None:
    path = tmp_path / f"clip.{name}"
    encode(clip, {name: path}, 15)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == (codec, "yuv420p", *SIZE)
        assert (context.colorspace, context.color_range, context.color_primaries) == (1, 1, 1)  # BT.709, 16 to 235
        assert stream.average_rate == 15
        times = [frame.time for frame in container.decode(stream)]
    assert times == pytest.approx([k / 15 for k in range(14 + 30)], abs=1e-3)
    shown = [rgb for rgb, repeat in clip[:-1] for _ in range(repeat)] + [clip[-1][0]] * 30
    assert min(psnr(a, b) for a, b in zip(read_frames(path), shown, strict=True)) > 24  # thin lines in half the colour


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_video_keeps_colors(tmp_path: Path, name: str) -> None:
    colors = np.array(
        [DARK.rgb(role) * 255 for role in ("background", "foreground", "positive", "negative", "emphasis")]
    )
    stripes = np.repeat(np.repeat(colors.round().astype(np.uint8)[None], 120, 0), 40, 1)
    path = tmp_path / f"stripes.{name}"
    encode([(stripes, 1)], {name: path}, 10)
    middle = read_frames(path)[-1][60, 20::40].astype(int)
    assert np.abs(middle - stripes[60, 20::40]).max() <= 3


def test_mp4_index_before_data(tmp_path: Path, clip: Clip) -> None:
    """The index comes before the data, so that playing starts at once."""
    path = tmp_path / "clip.mp4"
    encode(clip, {"mp4": path}, 10)
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_held_frames_add_few_bytes(tmp_path: Path, clip: Clip) -> None:
    sizes = {}
    for hold in (1, 20):
        found = encode(clip, {n: tmp_path / f"{hold}.{n}" for n in ("mp4", "gif", "webp", "apng")}, 25, hold=hold)
        sizes[hold] = {name: e.bytes for name, e in found.items()}
    for name in ("gif", "webp", "apng"):
        assert sizes[20][name] == sizes[1][name]
    assert sizes[20]["mp4"] < sizes[1]["mp4"] + 19 * 25 * 100  # bytes a repeat


def test_png_is_last_frame(tmp_path: Path, clip: Clip) -> None:
    path = tmp_path / "poster.png"
    encode(clip, {"png": path}, 10)
    (found,) = read_frames(path)
    assert np.array_equal(found, clip[-1][0])


def test_encode_is_reproducible(tmp_path: Path, clip: Clip) -> None:
    for turn in "ab":
        encode(clip, {name: tmp_path / f"{turn}.{name}" for name in FORMATS}, 25)
    for name in FORMATS:
        assert (tmp_path / f"a.{name}").read_bytes() == (tmp_path / f"b.{name}").read_bytes()


def test_avif_bytes_independent_of_time(tmp_path: Path, clip: Clip) -> None:
    found = []
    for turn in "ab":
        path = tmp_path / f"{turn}.avif"
        encode(clip, {"avif": path}, 25)
        found.append(path.read_bytes())
        time.sleep(1.1)
    assert found[0] == found[1]


def test_gif_close_as_ffmpeg_filter_graph(tmp_path: Path, clip: Clip) -> None:
    """FFmpeg's own way holds every frame; here only what changed is counted and mapped."""
    path = tmp_path / "clip.gif"
    encode(clip, {"gif": path}, 10)
    graph = av.filter.Graph()
    source = graph.add_buffer(width=SIZE[0], height=SIZE[1], format=av.VideoFormat("rgb24"), time_base=Fraction(1))
    split, gen = graph.add("split"), graph.add("palettegen", "stats_mode=diff")
    use, sink = graph.add("paletteuse", "dither=none:diff_mode=rectangle"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(gen, 1, 0)
    gen.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    for k, (rgb, _) in enumerate(clip):
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        frame.pts, frame.time_base = k, Fraction(1)
        source.push(frame)
    source.push(None)
    errors = [
        [((image.astype(int) - rgb) ** 2).mean() for image in (mine, sink.pull().to_ndarray(format="rgb24"))]
        for mine, (rgb, _) in zip(read_frames(path), clip, strict=False)
    ]
    mine, theirs = np.mean(errors, axis=0)
    assert 0 < mine <= 1.1 * theirs


def test_palette_index_is_nearest_color() -> None:
    rng = np.random.default_rng(0)
    palette = np.concatenate([rng.integers(0, 256, (256, 3)), np.full((256, 1), 255)], axis=1).astype(np.uint8)
    palette[255] = 0  # the transparent one stands for no colour
    image = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    image[0, 0] = 0
    distance = ((image[:, :, None].astype(int) - palette[:255, :3]) ** 2).sum(-1)
    found = PaletteIndex(palette)(image)
    assert found.max() < 255
    assert np.array_equal(np.take_along_axis(distance, found[..., None].astype(int), -1)[..., 0], distance.min(-1))


def test_palette_counts_only_changes() -> None:
    frames, palette = FrameBuffer(), PaletteBuilder()
    image = np.zeros((50, 60, 3), np.uint8)
    for k in range(3):
        image = image.copy()
        image[10 * k : 10 * k + 5, 20:30] = (9, 200, k)
        frames.add(image, 1)
        palette.add(frames.newest)
    found, area = np.unique(color_codes(palette.chart()), return_counts=True)
    changed = np.array([3000 - 50, 50, 50, 50])
    assert found.tolist() == [0, *(9 << 16 | 200 << 8 | k for k in range(3))]
    assert np.allclose(area / area.sum(), changed / changed.sum(), atol=1e-4)


def test_frame_buffer_keeps_no_frames(clip: Clip) -> None:
    buffer, frames = FrameBuffer(), []
    for rgb, repeat in clip:
        copy = rgb.copy()
        frames.append(weakref.ref(copy))
        buffer.add(copy, repeat)
        del copy
    gc.collect()
    assert sum(frame() is not None for frame in frames) <= 2


# ---- transparency


def see_through(step: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A frame of `sample` with alpha: nothing at the left, all at the right."""
    rgba = np.dstack([sample(step, size), np.tile(np.linspace(0, 255, size[0]).astype(np.uint8), (size[1], 1))])
    rgba[rgba[..., 3] == 0] = 0
    return np.ascontiguousarray(rgba)


def on_ground(rgba: np.ndarray, ground: float) -> np.ndarray:
    alpha = rgba[..., 3:] / 255
    return rgba[..., :3] * alpha + ground * (1 - alpha)


def last_rgba(path: Path) -> np.ndarray:
    """The last frame as uint8 (H, W, 4); VP9's alpha is read by its own decoder alone."""
    if path.suffix != ".webm":
        return read_frames(path, "RGBA")[-1]
    with av.open(str(path)) as container:
        decoder = av.CodecContext.create("libvpx-vp9", "r")
        frames = [frame for packet in container.demux(video=0) for frame in decoder.decode(packet)]
        return frames[-1].to_ndarray(format="rgba")


@pytest.mark.parametrize("name", TRANSPARENT)
def test_format_keeps_transparency(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"clip.{name}"
    frames = [see_through(k) for k in range(4)]
    encode([(rgba, 2) for rgba in frames], {name: path}, 25, hold=0)
    found = last_rgba(path)
    assert found.shape == frames[-1].shape
    assert np.abs(found[..., 3].astype(int) - frames[-1][..., 3]).max() <= 8
    for ground in (0.0, 255.0):
        assert psnr(on_ground(found, ground), on_ground(frames[-1], ground)) > 25, "thin lines in half the colour"


@pytest.mark.parametrize("name", [each.name for each in all_formats() if not each.transparent])
def test_format_refuses_transparency(tmp_path: Path, name: str) -> None:
    with pytest.raises(NetcoreError, match=r"cannot be transparent: choose .*webm"):
        encode([(see_through(1), 1)], {name: tmp_path / f"clip.{name}"}, 25)
    assert not list(tmp_path.iterdir())


def test_mov_loses_nothing(tmp_path: Path, clip: Clip) -> None:
    path = tmp_path / "clip.mov"
    encode(clip, {"mov": path}, 10, hold=0)
    shown = [rgb for rgb, repeat in clip for _ in range(repeat)]
    assert [np.array_equal(a, b) for a, b in zip(read_frames(path), shown, strict=True)] == [True] * len(shown)


# ---- the reel


def test_frame_buffer_returns_frames_unchanged(clip: Clip) -> None:
    reel = FrameBuffer()
    for rgb, repeat in [*clip, clip[-1]]:  # a frame twice: nothing changed
        reel.add(rgb, repeat)
    for _ in range(2):
        for got, (rgb, _) in zip(reel, [*clip, clip[-1]], strict=True):
            assert np.array_equal(got, rgb)
    assert (reel.frames, reel.starts[:6]) == (16, [0, 1, 2, 3, 4, 10])


# ---- size


def noise(count: int) -> Clip:
    """Frames of 512 colours, which no format can make small."""
    rng = np.random.default_rng(0)
    return [(rng.integers(0, 8, (90, 160, 3), dtype=np.uint8) * 36, 1) for _ in range(count)]


def test_gif_reduces_colors_for_budget(tmp_path: Path) -> None:
    clip, path = noise(6), tmp_path / "noise.gif"
    full = encode(clip, {"gif": path}, 10)["gif"].bytes
    found = encode(clip, {"gif": path}, 10, max_mb=full * 0.9 / 1e6)["gif"]
    assert found.bytes <= full * 0.9
    assert not found.warning
    assert len(np.unique(read_frames(path)[0].reshape(-1, 3), axis=0)) <= 128


def test_gif_gives_up_attempt_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """96 colours save a sixth of noise: what they cannot make small enough is not encoded to its end."""
    clip, path = noise(20), tmp_path / "noise.gif"
    full = encode(clip, {"gif": path}, 10, max_mb=9)["gif"].bytes
    seen: list[int] = []
    real = gif.encode_gif

    def watched(written: WrittenClip, palette: np.ndarray, check: Callable[[int], None]) -> bytes:
        seen.append(0)

        def count(size: int) -> None:
            seen[-1] += 1
            check(size)

        return real(written, palette, count)

    monkeypatch.setattr(gif, "encode_gif", watched)
    found = encode(clip, {"gif": path}, 10, max_mb=full * 0.75 / 1e6)["gif"]
    assert found.bytes <= full * 0.75
    assert len(seen) == 3
    assert seen[0] == seen[2] == 19
    assert 4 <= seen[1] <= 7


@pytest.mark.parametrize("name", ANIMATED)
def test_encode_over_limit_keeps_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"noise.{name}"
    path.write_bytes(b"earlier")
    with pytest.raises(NetcoreError, match=rf"{name} must be at most 0.02 MB, got 0\.\d MB: .*--size.*--fps.*--max-mb"):
        encode(noise(6), {name: path}, 10, max_mb=0.02)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(path.name, b"earlier")]


def test_encode_keeps_formats_small_enough(tmp_path: Path) -> None:
    targets = {name: tmp_path / f"noise.{name}" for name in ("gif", "mp4", "apng")}
    targets["gif"].write_bytes(b"earlier")
    with EncodeSession(targets, 10, max_mb=0.02) as session:
        for rgb, repeat in noise(6):
            session.write(rgb, repeat)
    assert (set(session.results), set(session.refusals)) == ({"mp4"}, {"gif", "apng"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["noise.gif", "noise.mp4"]
    assert targets["gif"].read_bytes() == b"earlier"
    with pytest.raises(NetcoreError, match="gif must be at most"):
        encode(noise(6), targets, 10, max_mb=0.02)
    assert session.results["mp4"].bytes == targets["mp4"].stat().st_size


def test_hopeless_gif_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Encoding ends with the frame after which no number of colours would do; the size is estimated."""
    tried = []
    real = gif.encode_gif
    monkeypatch.setattr(gif, "encode_gif", lambda *args: tried.append(1) or real(*args))
    with pytest.raises(NetcoreError, match=r"got 0\.[2-9] MB"):
        encode(noise(20), {"gif": tmp_path / "noise.gif"}, 10, max_mb=0.02, hold=0)
    assert tried == [1]


def test_apng_gets_palette_for_budget(tmp_path: Path, clip: Clip) -> None:
    path = tmp_path / "clip.apng"
    full = encode(clip, {"apng": path}, 10)["apng"].bytes
    assert encode(clip, {"apng": path}, 10, max_mb=full * 0.9 / 1e6)["apng"].bytes < full * 0.9
    assert delays(path) == [100] * 4 + [600] + [100] * 4 + [2000]
    assert min(psnr(a, b) for a, (b, _) in zip(read_frames(path), clip, strict=True)) > 40


def test_encode_over_budget_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gif, "FORMAT", replace(gif.FORMAT, budget_mb=0.02))
    get_format.cache_clear()
    found = encode(noise(6), {"gif": tmp_path / "noise.gif"}, 10)["gif"]
    assert "--fps" in found.warning
    monkeypatch.setattr(gif, "FORMAT", replace(gif.FORMAT, limit_mb=0.03))
    get_format.cache_clear()
    with pytest.raises(NetcoreError, match=r"0\.03 MB"):
        encode(noise(6), {"gif": tmp_path / "noise.gif"}, 10)
    monkeypatch.undo()
    get_format.cache_clear()


# ---- bad input


@pytest.mark.parametrize(("fps", "offered"), [(15, 20), (30, 25), (60, 50), (24, 25), (12, 10), (1, 10)])
def test_gif_rejects_unsupported_fps(fps: int, offered: int) -> None:
    with pytest.raises(NetcoreError, match=f"got {fps:g}: .*--fps {offered}"):
        check_formats(["mp4", "gif"], SIZE, fps)
    check_formats(["mp4", "webm", "webp", "apng", "png"], SIZE, fps)


@pytest.mark.parametrize("size", [(427, 240), (426, 241), (427, 241)])
def test_mp4_rejects_odd_sides(tmp_path: Path, size: tuple[int, int]) -> None:
    predicted = rf"even .*{size[0]}x{size[1]}.*--size 426x240"
    with pytest.raises(NetcoreError, match=predicted):
        check_formats(["mp4"], size, 25)
    with pytest.raises(NetcoreError, match=predicted):
        encode([(sample(1, size), 1)], {"mp4": tmp_path / "odd.mp4"}, 25)
    assert not list(tmp_path.iterdir())


def test_other_formats_accept_odd_sides(tmp_path: Path) -> None:
    odd = sample(1, (161, 91))
    others = [name for name in FORMATS if name not in (*EVEN, "storyboard")]
    found = encode([(odd, 1), (255 - odd, 1)], {name: tmp_path / f"odd.{name}" for name in others}, 25)
    assert {(e.width, e.height) for e in found.values()} == {(161, 91)}
    assert read_frames(tmp_path / "odd.webm")[0].shape == odd.shape
    assert psnr(read_frames(tmp_path / "odd.gif")[0], odd) > 40


def test_encode_rejects_empty_clip(tmp_path: Path) -> None:
    with pytest.raises(NetcoreError, match="at least one frame"):
        encode([], {"gif": tmp_path / "none.gif", "mp4": tmp_path / "none.mp4"}, 25)
    assert not list(tmp_path.iterdir())


def test_encode_rejects_mixed_sizes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the first was"):
        encode([(sample(0), 1), (sample(1, (100, 50)), 1)], {"gif": tmp_path / "x.gif"}, 25)
    assert not list(tmp_path.iterdir())


# ---- interruptions


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, FileNotFoundError(2, "gone", "elsewhere")])
def test_encode_interrupted_keeps_earlier_file(tmp_path: Path, clip: Clip, name: str, error: object) -> None:
    path = tmp_path / f"clip.{name}"
    path.write_bytes(b"earlier")

    def frames():
        yield from clip[:3]
        raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        encode(frames(), {name: path}, 10)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(path.name, b"earlier")]
    assert not [t for t in threading.enumerate() if t.name == "encoder"]


def test_gif_interrupted_while_finishing(tmp_path: Path, clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    real, pressed = threading.Thread.join, []

    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        if thread.name == "encoder" and not pressed:
            pressed.append(True)
            raise KeyboardInterrupt
        real(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", join)
    with pytest.raises(KeyboardInterrupt):
        encode(clip, {"gif": tmp_path / "clip.gif"}, 10)
    assert pressed
    assert not list(tmp_path.iterdir())


def test_encode_failure_stops_drawing(tmp_path: Path, clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no such codec")

    monkeypatch.setattr(VideoWriter, "add", broken)
    drawn = 0

    def endless():
        nonlocal drawn
        while True:
            drawn += 1
            yield clip[drawn % 10]

    with pytest.raises(RuntimeError, match="no such codec"):
        encode(endless(), {"mp4": tmp_path / "clip.mp4"}, 10)
    assert drawn < 100
    assert not list(tmp_path.iterdir())


def test_encode_checks_target_before_drawing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    def frames():
        pytest.fail("drawn")
        yield

    with pytest.raises(NetcoreError, match="cannot write"):
        encode(frames(), {"png": tmp_path / "fine.png", "gif": tmp_path / "file" / "clip.gif"}, 10)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("name", sampled([name for name in FORMATS if name != "vtt"], every=2))  # a few bytes
def test_encode_on_full_disk(tmp_path: Path, name: str) -> None:
    """A limit on the size of files stands for the disk: a write past it fails alike."""
    path = tmp_path / f"clip.{name}"
    path.write_bytes(b"earlier")
    script = f"""
        import resource
        from pathlib import Path
        import numpy as np
        from netcore.core.errors import NetcoreError
        from netcore.rendering.encoding import encode
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        rng = np.random.default_rng(0)
        clip = [(rng.integers(0, 8, (180, 320, 3), dtype=np.uint8) * 36, 1) for _ in range(6)]
        try:
            encode(clip, {{"{name}": Path({str(path)!r})}}, 10)
        except NetcoreError as error:
            print("told:", error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"told: cannot write {path}: " in done.stdout
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [(path.name, b"earlier")]


def test_encode_sessions_share_target(tmp_path: Path, clip: Clip) -> None:
    path = tmp_path / "clip.gif"
    with EncodeSession({"gif": path}, 10) as one, EncodeSession({"gif": path}, 10) as two:
        for (rgb, repeat), (other, _) in zip(clip, reversed(clip), strict=True):
            one.write(rgb, repeat)
            two.write(other, repeat)
    assert len(read_frames(path)) == 10
    assert [p.name for p in tmp_path.iterdir()] == ["clip.gif"]


def test_gif_small_patch_keeps_color(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = [np.repeat(rng.integers(0, 256, (120, 160, 1), dtype=np.uint8), 3, 2) for _ in range(20)]
    frames[-1][5:9, 5:30] = (98, 210, 162)
    encode(((frame, 1) for frame in frames), {"gif": tmp_path / "x.gif"}, 25)
    last = read_frames(tmp_path / "x.gif")[-1].astype(int)
    assert np.abs(last[5:9, 5:30] - (98, 210, 162)).max() <= 4
