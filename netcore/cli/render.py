"""Render scenes of a run to images and videos."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from netcore.cli.options import (
    complete_choices,
    complete_runs,
    complete_scenes,
    json_option,
    note_damaged,
    print_json,
    print_table,
    runs_dir_option,
)
from netcore.core.errors import NetcoreError
from netcore.rendering.formats import all_formats

if TYPE_CHECKING:
    from netcore.rendering.request import Request
    from netcore.rendering.result import RenderResult
    from netcore.rendering.scene_options import SceneOption
    from netcore.rendering.scenes import Scene


FORMATS = [kind.name for kind in all_formats()]
EXTRAS = {kind.option: kind for kind in all_formats() if kind.option}  # written beside other formats
WITHOUT_SCENE = {"force", "jobs", "as_json", "runs_dir", "timeout", "preview", "allow_outside"}
META = "netcore.scenes"


class SceneCommand(click.Command):
    """Command with the options of the scenes that are named on the command line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the scenes among the arguments, then parse."""
        ctx.meta[META] = _named_scenes(args)
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's parameters and the scenes' options."""
        added = {o.name: _click_option(o) for scene in ctx.meta.get(META, ()) for o in reversed(scene.options)}
        return [*super().get_params(ctx), *added.values()]

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write title and caption of the named scenes in place of the command's help."""
        scenes = ctx.meta.get(META, ())
        if not scenes:
            return super().format_help_text(ctx, formatter)
        for scene in scenes:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(f"{scene.name}: {scene.title}.")
                formatter.write_paragraph()
                formatter.write_text(re.sub(r"{(\w+)}", r"<\1>", scene.caption))
        return None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of each scene, then the command's."""
        for scene in ctx.meta.get(META, ()):
            rows = [_click_option(o).get_help_record(ctx) for o in scene.options]
            with formatter.section(f"Options of {scene.name}"):
                formatter.write_dl([row for row in rows if row] or [("none", "")])
        rows = [p.get_help_record(ctx) for p in super().get_params(ctx) if isinstance(p, click.Option)]
        with formatter.section("Options"):
            formatter.write_dl([row for row in rows if row])


def _named_scenes(args: Sequence[str]) -> "list[Scene]":
    """Return the scenes among the arguments; those before the first option must be scenes."""
    from netcore.rendering.scenes import find_scene, scene_files

    first = next((i for i, word in enumerate(args) if word.startswith("-")), len(args))
    leading, rest = args[:first], args[first:]
    known = scene_files()
    found = [find_scene(word) for word in leading]
    later = [word for word in rest if word in known or (word.endswith(".py") and Path(word).is_file())]
    return found + [find_scene(word) for word in later]


def _click_option(option: "SceneOption") -> click.Option:
    flag = option.name.replace("_", "-")
    names = [f"--{flag}/--no-{flag}"] if option.type == "bool" else [f"--{flag}"]
    kinds = {"int": int, "float": float, "bool": bool, "str": str}
    kind = click.Choice(option.choices) if option.choices else kinds[option.type]
    # None if not given: only given options are passed on, so that the scene's default applies. Written here, since
    # click puts parentheses around a default that is not its own.
    default = "" if option.default in (None, "") else f"  [default: {option.default}]"
    return click.Option([option.name, *names], type=kind, default=None, help=f"{option.help}{default}")


def _formats(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Split formats: ``-f gif,mp4`` is the same as ``-f gif -f mp4``."""
    return tuple(word.strip() for given in value for word in given.split(",") if word.strip())


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, int] | None:
    from netcore.rendering.config import parse_size

    return parse_size(value)


def _extra_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the formats that are written beside others."""
    for name, kind in reversed(EXTRAS.items()):
        function = click.option(f"--{name}", is_flag=True, help=kind.option_help)(function)
    return function


@click.command(cls=SceneCommand)
@click.argument("scenes", nargs=-1, metavar="SCENE...", shell_complete=complete_scenes)
@click.option("--run", help="Name or folder of the run.", shell_complete=complete_runs)
@click.option("--digit", help="Class whose first example image is used.", show_default="7")
@click.option("--index", type=click.IntRange(0), help="Index of the example image used, from 0.")
@click.option("--image", type=click.Path(), help="Image file used instead of an example.")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.",
              shell_complete=complete_choices(["best", "last", "first", "epoch:", "step:"]))  # fmt: skip
@click.option("-f", "--format", "formats", multiple=True, callback=_formats,
              help=f"{', '.join(FORMATS)}; repeatable, or -f gif,mp4.", show_default="gif for films, png for figures",
              shell_complete=complete_choices(FORMATS))  # fmt: skip
@click.option("-q", "--quality", type=click.Choice(["l", "m", "h", "k"]),
              help="480p at 15, 720p at 30, 1080p or 2160p at 60 fps.", show_default="480p at 25 fps")  # fmt: skip
@click.option("--size", metavar="WxH", callback=_size, help="Width and height in pixels.")
@click.option("--fps", type=float, help="Frame rate in fps.")
@click.option(
    "--theme", type=click.Choice(["dark", "light", "both"]), default="dark", show_default=True, help="Color theme."
)
@click.option("--transparent", is_flag=True, help="Leave out the background.")
@_extra_options
@click.option(
    "--max-mb",
    type=float,
    help="Maximum size of an APNG, AVIF, GIF or WebP, in MB.",
    show_default="10, warning above 5",
)
@click.option("--steps", "--step", help="Steps of a film: 4, 3-5 or a name.", show_default="all")
@click.option(
    "-o", "--output", type=click.Path(), help="Output file or folder.", show_default="renders/RUN/SCENE.FORMAT"
)
@click.option("-p", "--preview", is_flag=True, help="Open the result in a viewer.")
@click.option("-j", "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Number of parallel renders.")
@click.option("--force", is_flag=True, help="Render again even if up to date.")
@click.option("--timeout", type=click.FloatRange(0, min_open=True), default=300, show_default=True,
              help="Maximum time per render, in seconds.")  # fmt: skip
@click.option("--allow-outside", is_flag=True, help="Let netcore.toml name outputs outside of its folder.")
@runs_dir_option
@json_option
@click.pass_context
def command(ctx: click.Context, scenes: tuple[str, ...], **given: Any) -> int:
    """Render scenes of a run.

    SCENE is a name (see `netcore scenes`) or the path of your own scene file. `netcore render SCENE --help` shows what
    a scene accepts. Without a scene, all renders that netcore.toml lists are brought up to date. What is up to date
    is left as it is.
    """
    from netcore.cli.render_progress import stderr_listener
    from netcore.rendering.api import render_all

    requests = _requests(scenes, given, ctx) if scenes else _listed(given, ctx)
    with stderr_listener() as listener:
        done = render_all(
            requests, force=given["force"], jobs=given["jobs"], timeout=given["timeout"], listener=listener
        )
    _show(done, given["as_json"])
    if (ctx.obj or {}).get("debug"):
        click.echo("".join(dict.fromkeys(r.traceback for r in done)), err=True)
    if given["preview"]:
        for target in dict.fromkeys(r.target for r in done if r.state in ("drawn", "fresh")):
            click.launch(str(target))
    states = {r.state for r in done}
    return 2 if "refused" in states else int("failed" in states)


def _requests(scenes: Sequence[str], given: dict[str, Any], ctx: click.Context) -> "list[Request]":
    from netcore.rendering.request import Request
    from netcore.rendering.sample_selector import SampleSelector
    from netcore.rendering.scenes import find_scene

    base = {name: given[name] for name in ("at", "formats", "quality", "size", "fps", "theme", "max_mb", "output")}
    base |= {"transparent": given["transparent"]}
    base |= {"extras": tuple(kind.name for option, kind in EXTRAS.items() if given[option])}
    base["steps"] = given["steps"] or ""
    base |= {"run": given["run"] or _only_run(given["runs_dir"]), "runs_dir": given["runs_dir"]}
    base["selector"] = SampleSelector(given["digit"], given["index"], given["image"])
    if given["output"] and len(scenes) > 1 and Path(given["output"]).suffix:
        raise NetcoreError(f"the output of several scenes must be a folder, got {given['output']}")
    out = []
    for name in scenes:
        own = {o.name: given.get(o.name) for o in find_scene(name).options}
        out.append(Request(scene=name, options={k: v for k, v in own.items() if v is not None}, **base))
    return out


def _only_run(runs: str) -> str:
    """Return the name of the only run, used if none is given."""
    from netcore.core.run import list_runs

    found = [r.name for r in list_runs(runs, damaged=note_damaged)]
    if len(found) == 1:
        return found[0]
    raise NetcoreError(f"choose a run with --run: {', '.join(found) or 'none yet (netcore train mlp-16-16)'}")


def _listed(given: dict[str, Any], ctx: click.Context) -> "list[Request]":
    from netcore.rendering.config import FILE_NAME, read_config

    for name in given:
        if name not in WITHOUT_SCENE and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise NetcoreError(
                f"--{name.replace('_', '-').replace('formats', 'format')} needs a scene: choose one from netcore scenes"
            )
    if not Path(FILE_NAME).is_file():
        raise NetcoreError(f"no scene given and no {FILE_NAME} here: choose a scene from netcore scenes")
    return read_config(Path(FILE_NAME), given["runs_dir"], allow_outside=given["allow_outside"])


def _show(done: "Sequence[RenderResult]", as_json: bool) -> None:
    if as_json:
        print_json([r.row for r in done])
    else:
        rows = [
            (str(r.target), r.state, _plays(r), str(r.frames), f"{r.bytes / 1e3:,.0f} kB")
            for r in done
            if r.state in ("drawn", "fresh")
        ]
        if rows:
            print_table(("render", "state", "plays", "frames", "size"), rows, numbers=("plays", "frames", "size"))
    for line in dict.fromkeys(r.message for r in done if r.message):
        bad = any(r.message == line and r.state in ("refused", "failed") for r in done)
        click.echo(f"netcore: {'error' if bad else 'note'}: {' '.join(line.split())}", err=True)


def _plays(done: "RenderResult") -> str:
    return f"{done.seconds:.1f} s" if done.seconds else ""
