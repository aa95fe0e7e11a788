"""List the scenes: films and figures of a run."""

import click

from netcore.cli.options import json_option, print_json, print_table


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the scenes: films and figures of a run.

    `netcore render SCENE --help` shows the options of one of them.
    """
    from netcore.rendering.scenes import all_scenes

    found = all_scenes()
    if as_json:
        return print_json(
            [
                {"name": s.name, "kind": s.kind, "title": s.title, "options": [vars(o) for o in s.options]}
                | {"needs": s.needs, "animated": s.animated, "caption": s.caption}
                for s in found
            ]
        )
    rows = [(s.name, s.kind, s.title, " ".join("--" + o.name.replace("_", "-") for o in s.options)) for s in found]
    return print_table(("scene", "kind", "title", "options"), rows)
