"""Print the shell completion script."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    r"""Print the completion script of SHELL.

    \b
    bash: netcore completion bash >> ~/.bashrc
    zsh:  netcore completion zsh >> ~/.zshrc
    fish: netcore completion fish > ~/.config/fish/completions/netcore.fish
    """
    from netcore.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # click has a class for each choice of SHELL
    click.echo(kind(cli, {}, "netcore", "_NETCORE_COMPLETE").source())
