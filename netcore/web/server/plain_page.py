"""Short pages with a message."""

from html import escape

from fastapi.responses import HTMLResponse

from netcore.viz.theme import DARK, FONT, LIGHT

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def message_page(title: str, text: str, status: int = 200, refresh_s: int = 0) -> HTMLResponse:
    """Return a page with a title and one line.

    Parameters
    ----------
    title, text : str
    status : int
    refresh_s : int
        Seconds after which the browser asks again; 0: never.
    """
    refresh = f'<meta http-equiv="refresh" content="{refresh_s}">' if refresh_s else ""
    style = (
        f"body{{margin:20vh auto;max-width:36rem;padding:0 1.5rem;font:16px/1.6 '{FONT}',sans-serif;"
        f"background:{LIGHT.background};color:{LIGHT.foreground}}}"
        f"@media(prefers-color-scheme:dark){{body{{background:{DARK.background};color:{DARK.foreground}}}}}"
    )
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="dark light"><title>{escape(title)}</title><style>{style}</style></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{escape(text)}</p></main></body></html>"
    )
    return HTMLResponse(html, status, {"Content-Security-Policy": POLICY})
