"""Write the generated parts of README.md and docs/commands.md: the commands, their help, the scenes, the recipes.

`python tools/readme.py` writes them; with `--check` it only says whether they are in step (exit status 1 if not).
"""

import re
import sys
from pathlib import Path

import click

from netcore.cli.main import cli as netcore
from netcore.rendering.scenes import all_scenes as all_scenes
from netcore.training.recipes import RECIPES

ROOT = Path(__file__).parents[1]


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def commands() -> dict[str, click.Command]:
    """Each subcommand by its name."""
    context = click.Context(netcore, info_name="netcore")
    found = {name: netcore.get_command(context, name) for name in netcore.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None and not command.hidden}


def help_of(name: str, command: click.Command) -> str:
    """What `netcore NAME --help` prints, 100 columns wide."""
    parent = click.Context(netcore, info_name="netcore", max_content_width=100, terminal_width=100)
    return click.Context(command, info_name=name, parent=parent, terminal_width=100).get_help()


def parts() -> dict[str, str]:
    """The generated parts of the README by the name of their marker."""
    rows = [[f"`netcore {name}`", command.get_short_help_str(limit=90)] for name, command in commands().items()]
    scenes = [[f"`{s.name}`", s.kind, s.title] for s in all_scenes()]
    recipes = [[f"`{r.name}`", f"{r.architecture.parameters():,}", r.published] for r in RECIPES.values()]
    return {
        "commands": table(["command", "does"], rows),
        "scenes": table(["scene", "kind", "shows"], scenes),
        "recipes": table(["recipe", "parameters", "published result"], recipes),
    }


def filled(text: str) -> str:
    """`text` with each generated part between its markers put in step."""
    for name, part in parts().items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(pattern, lambda m, part=part: f"{m[1]}{part}\n{m[2]}", text, flags=re.S)
    return text


def manual() -> str:
    """docs/commands.md: the help of every command."""
    pages = [f"## netcore {name}\n\n```text\n{help_of(name, command)}\n```\n" for name, command in commands().items()]
    return "# Commands\n\nGenerated from the commands' own help by `make readme`.\n\n" + "\n".join(pages)


def generated() -> dict[Path, str]:
    """Each generated file and what it should hold."""
    readme = ROOT / "README.md"
    return {readme: filled(readme.read_text(encoding="utf-8")), ROOT / "docs" / "commands.md": manual()}


def main() -> int:
    stale = [p for p, text in generated().items() if not p.exists() or p.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is out of step: make readme", file=sys.stderr)
        return bool(stale)
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
