"""Build the page that watches a training."""

import base64
import hashlib
from importlib.resources import files

from netcore.viz.theme import DARK, FONT, LIGHT
from netcore.web.bundle import bundle, static_text

ROLES = ("background", "foreground", "muted", "faint", "positive", "negative", "emphasis", "correct", "incorrect")


def live_html(title: str) -> str:
    """Return the page, which asks its server for the progress.

    Parameters
    ----------
    title : str
        Name of the run.
    """
    import jinja2

    source = files("netcore.web").joinpath("live.html").read_text(encoding="utf-8")
    script = bundle("live.js")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(
        title=title,
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=static_text("dashboard/dashboard.css") + static_text("lab/live.css"),
        dark=DARK,
        light=LIGHT,
        roles=ROLES,
        font=FONT,
    )
