"""Count a film's frames in a worker process."""

from netcore.rendering.request import RenderTask


def count_frames(task: RenderTask) -> int:
    """Return the number of frames that a task draws, without drawing them."""
    from netcore.rendering.context import make_context
    from netcore.rendering.frames import film_steps
    from netcore.rendering.scenes import load_film
    from netcore.viz.film.settings import FilmSettings
    from netcore.viz.theme import THEMES

    context = make_context(task.run, task.selector, task.at)
    settings = FilmSettings(context, THEMES[task.theme], task.size, task.fps, task.options, task.transparent)
    steps = film_steps(load_film(task.scene.path, task.scene.class_name), settings)
    return steps[-1].end if steps else 0
