"""Themes, layout, and parts of figures and films."""
