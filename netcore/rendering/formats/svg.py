"""SVG of figures, without a date in it."""

from netcore.rendering.formats import Format

FORMAT = Format("svg", "image/svg+xml", still=True, vector=True, transparent=True, metadata={"Date": None})
