"""Show a live dashboard of a run in a window."""

import click

from netcore.cli.options import complete_runs, runs_dir_option


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("--digits", default="", help="Classes of the images: 0-9, 3,5,8 or names.", show_default="all")
@click.option("--images", type=click.IntRange(1), default=100, show_default=True, help="Maximum number of images.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the image order.")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True, help="Color theme.")
@click.option("--interval", type=click.FloatRange(0.02), default=1.0, show_default=True, help="Seconds per image.")
@runs_dir_option
def command(run: str, digits: str, images: int, seed: int, at: str, theme: str, interval: float, runs_dir: str) -> None:
    """Watch RUN predict its example images in a window.

    Space pauses, the arrow keys step, q quits. Without a display, draw the same as a file: netcore render dashboard
    --run RUN -f gif
    """
    from netcore.analysis.image_sequence import sample_sequence
    from netcore.core.run import load_run
    from netcore.rendering.context import make_context
    from netcore.rendering.requirements import check_requirements
    from netcore.rendering.scenes import find_scene, load_scene
    from netcore.rendering.window import KEY_HELP, LiveWindow, NoDisplayError, Player
    from netcore.viz.theme import THEMES

    scene, found = find_scene("dashboard"), load_run(run, runs_dir)
    check_requirements(scene.name, scene.needs, found)
    context, module = make_context(found, at=at), load_scene(scene.path)
    options = {"digits": digits, "images": images, "seed": seed}
    player = Player(len(sample_sequence(context, digits=digits, images=images, seed=seed)))
    title = f"netcore dashboard: {found.name} ({KEY_HELP})"
    try:
        window = LiveWindow(module.draw, context, THEMES[theme], (1280, 720), options, player, interval, title)
    except NoDisplayError as error:
        raise NoDisplayError(f"{error}: netcore render dashboard --run {run} -f gif draws it into a file") from error
    click.echo(f"{player.count} images: {KEY_HELP}", err=True)
    window.run()
