"""Data sets, one source per file: a module here with `NAMES` and `load` is found by `loading`."""
