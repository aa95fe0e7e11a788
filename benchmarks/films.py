"""Films: frames per second with encoding, a small network beside a wide one."""

import time
from functools import partial

from measure import FOLDER, Row, at_least, at_most, case_of, ratio, run_of, times

from netcore.core.context import SceneContext
from netcore.rendering.encoding import EncodeSession
from netcore.rendering.frames import film_frames
from netcore.rendering.scenes import find_scene, load_film
from netcore.viz.film.settings import FilmSettings
from netcore.viz.theme import DARK

SIZE = (854, 480)


def play(
    context: SceneContext, container: str, fps: int, size: tuple[int, int] = SIZE, name: str = "forward-propagation"
) -> int:
    """Draw and encode a film; gives the number of frames drawn, repeats included."""
    count = 0
    with EncodeSession({container: FOLDER / f"film.{container}"}, fps, hold=0) as encoding:

        def sink(rgb, repeat):
            nonlocal count
            count += repeat
            encoding.write(rgb, repeat)

        scene = find_scene(name)
        film_frames(
            load_film(scene.path, scene.class_name),
            FilmSettings(context, DARK, size, fps, scene.resolve_options({})),
            sink,
        )
    return count


def large_row(context: SceneContext, name: str) -> Row:
    """A film at 1920×1080 and 60 frames per second to MP4: its time by the length of the clip."""
    start = time.perf_counter()
    frames = play(context, "mp4", 60, (1920, 1080), name)
    share = (time.perf_counter() - start) / (frames / 60)
    return Row(f"{name}, 1920×1080, 60 fps, to MP4: time by its length of {frames / 60:.0f} s", **at_most(share, 1))


def rows() -> list[Row]:
    """Frames per second, start-up aside: the first film of the process is not counted."""
    small, wide = case_of(run_of("mlp-16-16")), case_of(run_of("mlp-1024"))
    frames = {(name, fps): play(small, name, fps) for name, fps in (("mp4", 15), ("gif", 25))}
    play(wide, "mp4", 15)
    ways = {
        "mp4": partial(play, small, "mp4", 15),
        "wide": partial(play, wide, "mp4", 15),
        "gif": partial(play, small, "gif", 25),
    }
    found = times(ways)
    what = f"forward-propagation, {SIZE[0]}×{SIZE[1]}"
    rate = {name: count / sorted(found[name])[len(found[name]) // 2] for (name, _), count in frames.items()}
    start = time.process_time()
    play(small, "mp4", 15)
    rate_alone = frames["mp4", 15] / (time.process_time() - start)
    alone = f"{rate_alone:.0f} per second of processor time, all threads added up"
    small_clip = f"{what}, 784-16-16-10"
    return [
        Row(f"{small_clip}, 15 fps, to MP4", beside=alone, **at_least(rate["mp4"], 100, "per second")),
        Row(f"{small_clip}, 25 fps, to GIF", f"{rate['gif']:.0f} per second"),
        Row(f"{what}, 784-1024-10 beside 784-16-16-10: time", **at_most(ratio(found, "wide", "mp4"), 1.3)),
        large_row(small, "forward-propagation"),
        large_row(case_of(run_of("cnn-2conv")), "cnn-forward-propagation"),
    ]
