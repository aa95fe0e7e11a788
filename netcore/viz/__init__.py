"""What scenes are drawn with: theme, layout, the Matplotlib kit, the Manim base."""
