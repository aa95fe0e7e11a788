"""Parts of films, drawn with Manim."""
