"""Watch a network at work in a window, image after image."""

import click

from netcore.cli.options import RUNS, complete_runs


@click.command()
@click.argument("run", shell_complete=complete_runs)
@click.option("--digits", default="", help="Classes of the images: 0-9, or 3,5,8, or names.  [default: all]")
@click.option("--images", type=click.IntRange(1), default=100, show_default=True, help="Most images to go through.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the order of the images.")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--theme", type=click.Choice(["dark", "light"]), default="dark", show_default=True)
@click.option("--interval", type=click.FloatRange(0.02), default=1.0, show_default=True, help="Seconds an image.")
@RUNS
def command(run: str, digits: str, images: int, seed: int, at: str, theme: str, interval: float, runs_dir: str) -> None:
    """Watch RUN at work: seven panels in a window, updated with each of its held-out example images.

    Space pauses, the arrow keys step, q quits. Without a display, draw the same as a file: netcore render dashboard
    --run RUN -f gif
    """
    from netcore.render.cases import make_case
    from netcore.render.catalogue import find
    from netcore.render.frames import load
    from netcore.render.live import KEYS, NoWindow, Player, Window
    from netcore.render.needs import check
    from netcore.run import load_run
    from netcore.stage.feed import pictures
    from netcore.stage.theme import THEMES

    scene, found = find("dashboard"), load_run(run, runs_dir)
    check(scene.name, scene.needs, found)
    case, module = make_case(found, at=at), load(scene.path)
    options = {"digits": digits, "images": images, "seed": seed}
    player = Player(len(pictures(case, **options)))
    title = f"netcore dashboard: {found.name} ({KEYS})"
    try:
        window = Window(module.draw, case, THEMES[theme], (1280, 720), options, player, interval, title)
    except NoWindow as error:
        raise NoWindow(f"{error}: netcore render dashboard --run {run} -f gif draws it into a file") from error
    click.echo(f"{player.count} images: {KEYS}", err=True)
    window.run()
