"""Write the generated parts of README.md, docs/commands.md, docs/scenes.md and docs/api.md.

Commands and their help, scenes, recipes with their results (docs/results.md), the gallery (netcore.toml), functions.

`python tools/readme.py` writes them; with `--check` it only says whether they are in step (exit status 1 if not).
"""

import ast
import inspect
import re
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import click

import netcore as package
from netcore.cli.main import cli as netcore
from netcore.rendering.requirements import REQUIREMENTS
from netcore.rendering.scenes import all_scenes, find_scene
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
    rows = [[f"`netcore {name}`", summary(command)] for name, command in commands().items()]
    recipes = [
        [f"`{r.name}`", f"{r.architecture.parameters():,}", *measured(r.name), r.published] for r in RECIPES.values()
    ]
    return {
        "commands": table(["command", "does"], rows),
        "gallery": gallery(),
        "recipes": table(["recipe", "parameters", "accuracy", "n", "time", "published result"], recipes),
    }


def summary(command: click.Command) -> str:
    """First sentence of a command's help."""
    text = " ".join((command.help or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.:]) ", text)[0].rstrip(":.") + "."


def measured(recipe: str) -> list[str]:
    """Accuracy, number of runs and time of a recipe without changes, from docs/results.md."""
    for line in (ROOT / "docs" / "results.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] == f"`{recipe}`":
            return [cells[3], cells[2], cells[7]]
    return ["–"] * 3


def gallery() -> str:
    """The renders of netcore.toml that lie in assets/, two a row, with title and the command's scene."""
    cells = []
    for entry in tomllib.loads((ROOT / "netcore.toml").read_text(encoding="utf-8"))["render"]:
        scene, suffix = find_scene(entry["scene"]), entry["formats"][0]
        file = f"assets/{scene.name}{{}}.{suffix}"
        picture = (
            f'<picture><source media="(prefers-color-scheme: light)" srcset="{file.format("-light")}">'
            f'<img src="{file.format("")}" width="390" alt="{scene.title}"></picture>'
        )
        cells.append(f"{picture}<br>[{scene.title}](docs/scenes.md#{scene.name}): `netcore render {scene.name}`")
    rows = [[*cells[i : i + 2], ""][:2] for i in range(0, len(cells), 2)]
    return "\n".join(["| | |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in rows)])


def scene_page() -> str:
    """docs/scenes.md: each scene with its picture, caption, options and needs."""
    films = [scene for scene in all_scenes() if scene.kind == "film"]
    shared = set.intersection(*({o.name for o in film.options} for film in films))
    out = [
        "# Scenes",
        "Generated from the scenes' own docstrings by `make readme`; `netcore render SCENE --help` says the same. The"
        " pictures are those that the tests compare: small random networks, a film's steps side by side.",
        f"All films have the options {_option_names(shared)}.",
    ]
    for kind in ("film", "figure"):
        out.append(f"## {kind.capitalize()}s")
        for scene in (s for s in all_scenes() if s.kind == kind):
            caption = re.sub(r"{(\w+)}", r"*\1*", scene.caption)
            picture = f"../tests/baselines/dark/{scene.name}.png"
            needs = ", ".join(REQUIREMENTS[need][0] for need in scene.needs)
            options = [o.name for o in scene.options if o.name not in shared or kind == "figure"]
            out += [f"### {scene.name}", f"**{scene.title}.** {caption}", f"![{scene.title}]({picture})"]
            out += [f"Needs {needs}."] if needs else []
            out += [f"Options: {_option_names(options)}."] if options else []
    return "\n\n".join(out) + "\n"


def _option_names(names: Iterable[str]) -> str:
    return ", ".join(f"`--{name.replace('_', '-')}`" for name in sorted(names))


def api_page() -> str:
    """docs/api.md: the public functions with signature and docstring."""
    out = [
        "# In Python",
        "Generated from the docstrings by `make readme`. `import netcore` is cheap: names are imported on first use.",
    ]
    for name in package.__all__:
        found = getattr(package, name)
        if not callable(found):
            continue
        head = f"class netcore.{name}" if inspect.isclass(found) else wrapped(found)
        out += [f"## netcore.{name}", f"```text\n{head}\n\n{inspect.getdoc(found)}\n```"]
    return "\n\n".join(out) + "\n"


def wrapped(function: Callable[..., object]) -> str:
    """A function's signature as its source has it, one parameter per line if it is long."""
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef)
    short = f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns) if node.returns else 'None'}"
    if len(short) <= 88:
        return f"netcore.{short}"
    head, _, rest = short.partition("(")
    body, _, returns = rest.rpartition(")")
    parts, depth = [""], 0
    for character in body:
        depth += (character in "[(") - (character in "])")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return f"netcore.{head}(\n" + "".join(f"    {spaced(part)},\n" for part in parts) + ")" + returns


def spaced(parameter: str) -> str:
    """``x: int=1`` with spaces around the sign."""
    return re.sub(r"^(\*{0,2}\w+: .*?)=", r"\1 = ", parameter.strip())


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
    pages = {"commands.md": manual(), "scenes.md": scene_page(), "api.md": api_page()}
    return {readme: filled(readme.read_text(encoding="utf-8"))} | {ROOT / "docs" / k: v for k, v in pages.items()}


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
