"""Parts of figures, drawn with Matplotlib."""
