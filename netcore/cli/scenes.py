"""List the scenes: films and figures that can be drawn of a run."""

import click

from netcore.cli.options import JSON, show_json, show_table


@click.command()
@JSON
def command(as_json: bool) -> None:
    """List the scenes: films and figures that can be drawn of a run.

    `netcore render SCENE --help` shows what one of them can be told.
    """
    from netcore.render.catalogue import scenes

    found = scenes()
    if as_json:
        return show_json(
            [
                {"name": s.name, "kind": s.kind, "title": s.title, "options": [vars(o) for o in s.options]}
                | {"needs": s.needs, "animated": s.animated, "caption": s.caption}
                for s in found
            ]
        )
    rows = [(s.name, s.kind, s.title, " ".join("--" + o.name.replace("_", "-") for o in s.options)) for s in found]
    return show_table(("scene", "kind", "title", "options"), rows)
