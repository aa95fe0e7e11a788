"""PDF of figures, without a date in it."""

from netcore.rendering.formats import Format

FORMAT = Format("pdf", "application/pdf", still=True, vector=True, transparent=True, metadata={"CreationDate": None})
