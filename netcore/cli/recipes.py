"""List the recipes of `netcore train`."""

import json

import click

from netcore.training.recipes import RECIPES


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array of objects.")
def command(as_json: bool) -> None:
    """List the recipes of `netcore train`."""
    rows = [
        {"name": r.name, "parameters": r.architecture.parameters(), "settings": r.settings, "published": r.published}
        for r in RECIPES.values()
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("recipe", "network", "parameters", "epochs", "published", box=None, pad_edge=False)
    for recipe, row in zip(RECIPES.values(), rows, strict=True):
        table.add_row(
            recipe.name, recipe.architecture.title, f"{row['parameters']:,}", str(recipe.epochs), recipe.published
        )
    Console().print(table)
