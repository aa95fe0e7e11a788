"""A server of the lab on a free port, in a thread of the tests."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from netcore.core.run import Run


@contextmanager
def serve_lab(runs: Sequence[Run], folder: Path, **settings: Any) -> Iterator[tuple[str, Any]]:
    """Address of a running server, and its `LabServer`; the test is skipped without the extra `web`."""
    pytest.importorskip("fastapi", reason="pip install 'netcore[web]'")
    from netcore.web.server.launch import make_server, open_port
    from netcore.web.server.settings import ServerSettings

    chosen = ServerSettings(tuple(runs), folder / "runs", folder / "feedback.sqlite", **settings)
    with open_port("127.0.0.1", 0) as listener:
        server = make_server(chosen)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        end = time.monotonic() + 60
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < end, "the server did not start within a minute"
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", server.config.app.state.server
        finally:
            server.should_exit = True
            thread.join(20)
