"""Manim films, one file each."""
