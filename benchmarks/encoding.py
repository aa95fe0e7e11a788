"""Encoding a GIF: beside FFmpeg's palette filters alone, imageio and Pillow, all given the same frames in memory."""

import io
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import median

import av
import imageio.v3 as iio
import numpy as np
from measure import FOLDER, Row, at_most, case_of, ratio, run_of, times
from PIL import Image, ImageSequence

from netcore.rendering.encoding import encode
from netcore.rendering.frames import film_frames
from netcore.rendering.scenes import find_scene, load_film
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import DARK

SIZE, FPS = (854, 480), 25


def film() -> list[np.ndarray]:
    """The distinct frames of `forward-propagation`, uint8 (480, 854, 3)."""
    frames: list[np.ndarray] = []
    scene = find_scene("forward-propagation")
    settings = FilmSettings(case_of(run_of("mlp-16-16")), DARK, SIZE, FPS)
    film_frames(load_film(scene.path, scene.class_name), settings, lambda rgb, _: frames.append(rgb))
    return frames


def ours(frames: list[np.ndarray]) -> Path:
    """Through netcore, a thread and a file included."""
    return encode(((rgb, 1) for rgb in frames), {"gif": FOLDER / "ours.gif"}, FPS, hold=0)["gif"].path


def filters(frames: list[np.ndarray]) -> Path:
    """FFmpeg's two filters in one graph, straight into the encoder."""
    time_base, path = Fraction(1, FPS), FOLDER / "filters.gif"
    graph = av.filter.Graph()
    source = graph.add_buffer(width=SIZE[0], height=SIZE[1], format=av.VideoFormat("rgb24"), time_base=time_base)
    split, generate = graph.add("split"), graph.add("palettegen", "stats_mode=diff")
    use, sink = graph.add("paletteuse", "dither=none:diff_mode=rectangle"), graph.add("buffersink")
    source.link_to(split)
    split.link_to(generate, 0, 0)
    split.link_to(use, 1, 0)
    generate.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    for k, rgb in enumerate(frames):
        frame = av.VideoFrame.from_numpy_buffer(rgb, format="rgb24")
        frame.pts, frame.time_base = k, time_base
        source.push(frame)
    source.push(None)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("gif", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "pal8"
        for _ in frames:
            container.mux(stream.encode(sink.pull()))
        container.mux(stream.encode(None))
    return path


def pillow(frames: list[np.ndarray]) -> Path:
    """Pillow as it comes."""
    path = FOLDER / "pillow.gif"
    first, *rest = (Image.fromarray(rgb) for rgb in frames)
    first.save(path, save_all=True, append_images=rest, duration=1000 // FPS, loop=0)
    return path


def imageio(frames: list[np.ndarray]) -> Path:
    """imageio as it comes (it writes GIFs through Pillow)."""
    path = FOLDER / "imageio.gif"
    iio.imwrite(path, frames, duration=1000 // FPS, loop=0)
    return path


def psnr(gif: bytes, frames: list[np.ndarray]) -> float:
    """Peak signal to noise ratio of all pixels of a GIF, in dB."""
    with Image.open(io.BytesIO(gif)) as image:
        errors = [
            np.mean((np.asarray(shown.convert("RGB"), float) - rgb) ** 2)
            for shown, rgb in zip(ImageSequence.Iterator(image), frames, strict=True)
        ]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def rows() -> list[Row]:
    """Time, size and truth of one film's frames."""
    frames = film()
    ways = {way.__name__: partial(way, frames) for way in (ours, filters)}
    found = times(ways)
    others = {way.__name__: partial(way, frames) for way in (pillow, imageio)}
    rates = {name: len(frames) / median(seconds) for name, seconds in (found | times(others, 1)).items()}
    told = {}
    for name, rate in rates.items():
        data = (FOLDER / f"{name}.gif").read_bytes()
        told[name] = f"{rate:.0f} frames a second, {len(data) / 1000:,.0f} kB, {psnr(data, frames):.1f} dB"
    what = f"GIF of {len(frames)} frames of forward-propagation, {SIZE[0]}×{SIZE[1]}"
    out = [
        Row(
            f"{what}: time beside FFmpeg's filters",
            beside=told["filters"],
            **at_most(ratio(found, "ours", "filters"), 1.3),
        ),
        Row(what, told["ours"]),
        Row(f"{what}: Pillow", told["pillow"]),
        Row(f"{what}: imageio", told["imageio"]),
    ]
    for name in ("mp4", "webm", "webp", "apng"):
        target = {name: FOLDER / f"clip.{name}"}
        (seconds,) = times({name: lambda to=target: encode(((f, 1) for f in frames), to, FPS, 50, 0)}, 1)[name]
        size = target[name].stat().st_size / 1000
        out.append(Row(f"the same frames as {name}", f"{len(frames) / seconds:.0f} frames a second, {size:,.0f} kB"))
    return out
