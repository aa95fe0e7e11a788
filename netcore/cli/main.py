"""Entry point of the command line; commands are imported when called.

A module of this folder that defines `command` is a command of that name. Its docstring's first line is the short help,
read without importing the module, so that `netcore --help` imports no large library.
"""

import ast
import contextlib
import errno
import os
import re
import signal
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from netcore import __version__
from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.plain_text import plain_text


@cache
def commands() -> dict[str, tuple[str, str]]:
    """Find the commands in this folder: module and one line of help, by name."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        source = file.read_text(encoding="utf-8")
        if re.search(r"^(def command\(|command(: .*)? = )", source, re.MULTILINE):
            line = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
            found[file.stem.strip("_").replace("_", "-")] = (f"netcore.cli.{file.stem}", line.rstrip("."))
    return found


class CommandGroup(click.Group):
    """Group of all commands, which imports only the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of the commands."""
        return list(commands())

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command, None if there is none of that name."""
        if name not in commands():
            return None
        command: click.Command = import_module(commands()[name][0]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command named by `args`; an unknown one raises NetcoreError with the nearest name."""
        if args and not args[0].startswith("-") and args[0] not in commands():
            raise unknown_name("command", args[0], commands())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in commands().items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands without importing them."""
        items = [CompletionItem(n, help=line) for n, (_, line) in commands().items() if n.startswith(incomplete)]
        return items + click.Command.shell_complete(self, ctx, incomplete)


@click.command(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Turn trained neural networks into teaching animations that show their real numbers."""


def main(argv: list[str] | None = None) -> int:
    """Run one command.

    Returns
    -------
    int
        Exit status: 0 success, 1 internal error, 2 error that the user can fix, 130 interrupted, 141 closed pipe.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    _open_closed_streams()
    debug = "--debug" in args
    args = [a for a in args if a != "--debug"]  # accepted after the command's name too
    with _sigterm_unwinds():
        return _run(args, debug)


def _open_closed_streams() -> None:
    """Open standard streams that the shell has closed, so that no other file gets their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            try:
                os.fstat(number)
            except OSError:
                os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def _run(args: list[str], debug: bool) -> int:
    try:
        result = cli.main(args, prog_name="netcore", standalone_mode=False, obj={"debug": debug})
        sys.stdout.flush()
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return 0
    except (click.Abort, KeyboardInterrupt):
        click.echo("netcore: interrupted", err=True)
        return 130
    except Exception as error:
        if _is_closed_pipe(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the interpreter's last flush is silent
            return 141
        if debug:
            raise
        line, status = error_message(error)
        click.echo(f"netcore: error: {line}", err=True)
        return status


def error_message(error: Exception) -> tuple[str, int]:
    """Format an error as one line, and return its exit status."""
    if isinstance(error, click.NoSuchOption) and (line := _renamed(error)):
        text, status = line, 2
    elif isinstance(error, click.ClickException):
        text, status = error.format_message() + _nearest_choice(error), 2
    elif isinstance(error, NetcoreError):
        text, status = str(error), 2
    elif isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        text, status = f"{where}{error.strerror or error}", 2
    else:
        text, status = f"{type(error).__name__}: {error} (--debug shows where)", 1
    return plain_text(" ".join(text.split())), status


def _renamed(error: click.NoSuchOption) -> str:
    """Return the line that names an option's new name, "" if it was not renamed."""
    from netcore.core.renamed import renamed_option

    if error.ctx is None:
        return ""
    scenes = (scene.name for scene in error.ctx.meta.get("netcore.scenes", ()))
    return renamed_option([error.ctx.command.name or "", error.ctx.info_name or "", *scenes], error.option_name)


def _nearest_choice(error: click.ClickException) -> str:
    """Suggest the nearest choice if an option was given an unknown value."""
    kind = getattr(getattr(error, "param", None), "type", None)
    given = re.search(r"'([^']*)' is not", error.format_message())
    if not isinstance(kind, click.Choice) or not given:
        return ""
    from netcore.core.renamed import renamed_value

    if line := renamed_value(str(getattr(error.param, "name", "")), given[1]):  # type: ignore[attr-defined]
        return f" {line[0].upper()}{line[1:]}."
    near = get_close_matches(given[1], [str(c) for c in kind.choices], n=1, cutoff=0.4)
    return f" Did you mean '{near[0]}'?" if near else ""


def _is_closed_pipe(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE and error.filename is None


@contextlib.contextmanager
def _sigterm_unwinds() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C, so that partial files are removed."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # in a thread: the host handles its own signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
