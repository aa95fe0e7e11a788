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
from netcore.rendering.formats import all_formats
from netcore.rendering.frames import film_frames
from netcore.rendering.scenes import find_scene, load_film
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import DARK

SIZE, FPS = (854, 480), 25
WEB_SIZE, WEB_FPS = (800, 450), 20  # of a README
FILMS = {"forward-propagation": "mlp-16-16", "cnn-forward-propagation": "cnn-2conv"}
WEB_MB, WEB_DB = 5, 47  # wanted of a whole film
CLIPS = [kind.name for kind in all_formats() if kind.animated and not kind.stepped and kind.name != "gif"]


def film(
    name: str = "forward-propagation", size: tuple[int, int] = SIZE, fps: float = FPS
) -> list[tuple[np.ndarray, int]]:
    """The distinct frames of a film, uint8 (H, W, 3), and for how many frames each is shown."""
    frames: list[tuple[np.ndarray, int]] = []
    scene = find_scene(name)
    settings = FilmSettings(case_of(run_of(FILMS[name])), DARK, size, fps)
    film_frames(load_film(scene.path, scene.class_name), settings, lambda rgb, repeat: frames.append((rgb, repeat)))
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
    return float(10 * np.log10(255**2 / np.mean(squared_errors(gif, frames))))


def squared_errors(gif: bytes, frames: list[np.ndarray]) -> list[float]:
    """Mean squared error of each frame of a GIF."""
    with Image.open(io.BytesIO(gif)) as image:
        return [
            float(np.mean((np.asarray(shown.convert("RGB"), float) - rgb) ** 2))
            for shown, rgb in zip(ImageSequence.Iterator(image), frames, strict=True)
        ]


def whole_film(name: str) -> Row:
    """Size of a whole film as a GIF for the web, and the mean over its frames of their signal to noise ratio."""
    clip = film(name, WEB_SIZE, WEB_FPS)
    found = encode(clip, {"gif": FOLDER / "web.gif"}, WEB_FPS, hold=0)["gif"]
    errors = squared_errors(found.path.read_bytes(), [rgb for rgb, _ in clip])
    decibels = 10 * np.log10(255**2 / np.maximum(errors, 1e-3))
    mean = float(np.average(decibels, weights=[repeat for _, repeat in clip]))
    return Row(
        f"GIF of {name}, {found.seconds:.0f} s, {WEB_SIZE[0]}×{WEB_SIZE[1]}, {WEB_FPS} frames per second",
        f"{found.bytes / 1e6:.2f} MB, {mean:.1f} dB",
        wanted=f"≤ {WEB_MB} MB, ≥ {WEB_DB} dB",
        met=found.bytes <= WEB_MB * 1e6 and mean >= WEB_DB,
    )


def rows() -> list[Row]:
    """Time, size and truth of one film's frames."""
    frames = [rgb for rgb, _ in film()]
    ways = {way.__name__: partial(way, frames) for way in (ours, filters)}
    found = times(ways)
    others = {way.__name__: partial(way, frames) for way in (pillow, imageio)}
    rates = {name: len(frames) / median(seconds) for name, seconds in (found | times(others, 1)).items()}
    told = {}
    for name, rate in rates.items():
        data = (FOLDER / f"{name}.gif").read_bytes()
        told[name] = f"{rate:.0f} frames per second, {len(data) / 1000:,.0f} kB, {psnr(data, frames):.1f} dB"
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
    out += [whole_film(name) for name in FILMS]
    for name in CLIPS:
        target = {name: FOLDER / f"clip.{name}"}
        (seconds,) = times({name: lambda to=target: encode(((f, 1) for f in frames), to, FPS, 50, 0)}, 1)[name]
        size = target[name].stat().st_size / 1000
        out.append(Row(f"the same frames as {name}", f"{len(frames) / seconds:.0f} frames per second, {size:,.0f} kB"))
    return out
