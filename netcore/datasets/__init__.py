"""Data sets: one module per source, found by `loading`."""
