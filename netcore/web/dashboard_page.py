"""Build the page of the live dashboard."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files

from netcore.viz.theme import DARK, FONT, LIGHT, THEMES
from netcore.web.bundle import bundle, static_text

ROLES = ("background", "foreground", "muted", "faint", "positive", "emphasis", "incorrect")


def dashboard_html(runs: Sequence[str], theme: str | None = None) -> str:
    """Return the page, which asks its server for frames.

    Parameters
    ----------
    runs : sequence of str
        Names of the networks to choose from.
    theme : {"dark", "light"}, optional
        Default: as the reader's browser prefers.
    """
    import jinja2

    source = files("netcore.web").joinpath("dashboard.html").read_text(encoding="utf-8")
    script = bundle("dashboard.js", "dashboard")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(
        data=json.dumps({"runs": list(runs)}).replace("<", "\\u003c"),
        runs=runs,
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=static_text("dashboard/dashboard.css"),
        theme=THEMES[theme] if theme else None,
        dark=DARK,
        light=LIGHT,
        roles=ROLES,
        font=FONT,
    )
