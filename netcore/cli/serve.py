"""Serve the lab to visitors' browsers."""

from pathlib import Path

import click

from netcore.cli.options import complete_runs, needs_web, runs_dir_option


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_runs)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 is all.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 is a free one.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Name by which browsers reach the server.")
@click.option("--proxy", metavar="ADDRESS", help="Trust this proxy on the addresses of visitors.")
@click.option("--at", default="best", show_default=True, help="Snapshot: best, last, first, epoch:N or step:N.")
@click.option("--theme", type=click.Choice(["dark", "light"]), help="Color theme.  [default: the browser's]")
@click.option(
    "--max-examples", default=500, show_default=True, type=click.IntRange(0), help="Maximum number of example images."
)
@click.option(
    "--feedback", default="feedback.sqlite", show_default=True, type=click.Path(dir_okay=False, path_type=Path),
    help="File of the visitors' answers.",
)  # fmt: skip
@click.option(
    "--max-saved-runs", default=20, show_default=True, type=click.IntRange(0),
    help="Maximum number of runs that visitors save; 0 refuses all.",
)  # fmt: skip
@click.option("--max-clips", default=12, show_default=True, type=click.IntRange(1), help="Length of the clips' queue.")
@runs_dir_option
def command(
    runs: tuple[str, ...], host: str, port: int, allow_host: tuple[str, ...], proxy: str | None, at: str,
    theme: str | None, max_examples: int, feedback: Path, max_saved_runs: int, max_clips: int, runs_dir: str,
) -> None:  # fmt: skip
    """Serve the lab to visitors' browsers.

    The page of `netcore lab`, and what needs a server: answers are stored (`netcore feedback export` makes a data set
    of them), a changed network is saved as a run, a drawing becomes a film, /dashboard and /lesson. Listens on this
    machine alone unless --host is given; each name by which others reach it needs --allow-host.
    """
    from netcore.core.run import load_run

    with needs_web("netcore serve"):
        from netcore.web.server.launch import make_server, open_port
        from netcore.web.server.settings import LOOPBACK, ServerSettings

    given = {host.lower(), *(name.lower() for name in allow_host)} - {"0.0.0.0", "::"}
    settings = ServerSettings(
        runs=tuple(load_run(name, runs_dir) for name in runs), runs_dir=Path(runs_dir), feedback_file=feedback, at=at,
        theme=theme, max_examples=max_examples, hosts=frozenset(LOOPBACK) | given, max_saved_runs=max_saved_runs,
        max_clips=max_clips,
    )  # fmt: skip
    with open_port(host, port) as listener:
        server = make_server(settings, proxy)
        name = f"[{host}]" if ":" in host else host
        click.echo(f"http://{name}:{listener.getsockname()[1]}/ (Ctrl-C stops)")
        server.run(sockets=[listener])
