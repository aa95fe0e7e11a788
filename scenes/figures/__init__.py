"""Matplotlib figures, one file each, still and animated."""
