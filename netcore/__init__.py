"""netcore turns trained neural networks into teaching material: visualisations and animations that are true."""

from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "load_run": "netcore.run",
    "list_runs": "netcore.run",
    "render": "netcore.render.api",
    "record_run": "netcore.learn.own",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import the public functions on first use, so that `import netcore` costs nothing."""
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'netcore' has no attribute '{name}'")
