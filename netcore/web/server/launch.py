"""Open the port, and configure the server that listens on it."""

import logging
import socket

import uvicorn
from fastapi import FastAPI

from netcore.core.errors import NetcoreError
from netcore.web.server.app import create_app
from netcore.web.server.settings import ServerSettings

KEEP_ALIVE_S = 10
MAX_CONCURRENT = 512  # connections, WebSockets included
SHUTDOWN_S = 5


def open_port(host: str, port: int) -> socket.socket:
    """Open a listening socket; the port 0 is any that is free.

    Raises
    ------
    NetcoreError
        If the address is not one of this machine, or the port is in use.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        opened = socket.socket(family, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NetcoreError(f"cannot listen on {host} port {port} ({reason}): choose another --port") from error
    opened.listen(MAX_CONCURRENT)
    return opened


def make_server(settings: ServerSettings, proxy: str | None = None) -> uvicorn.Server:
    """Return a server of the lab; ``run(sockets=[open_port(...)])`` serves until Ctrl-C.

    Parameters
    ----------
    settings : ServerSettings
    proxy : str, optional
        Address of a proxy whose headers name the visitors' addresses and scheme.
    """
    return server_of(create_app(settings), settings.input_bytes + 1024, proxy)


def server_of(app: FastAPI, message_bytes: int = 1024, proxy: str | None = None) -> uvicorn.Server:
    """Return a server of an application, with limits on connections and on messages of WebSockets."""
    logging.getLogger("netcore.server").setLevel(logging.WARNING)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips=proxy or "",
        ws="websockets-sansio",
        ws_max_size=message_bytes,
        ws_max_queue=4,
        ws_ping_interval=20.0,
        ws_per_message_deflate=False,
        limit_concurrency=MAX_CONCURRENT,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    return uvicorn.Server(config)
