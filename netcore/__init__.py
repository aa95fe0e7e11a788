"""netcore turns trained neural networks into teaching material: visualisations and animations that are true."""

from typing import Any

__version__ = "0.1.0"

_PUBLIC = {  # public name: module:attribute
    "load_run": "netcore.run:load_run",
    "list_runs": "netcore.run:list_runs",
    "render": "netcore.render.api:render",
    "record_run": "netcore.learn.own:record_run",
    "default_context": "netcore.render.cases:default_case",
    "Film": "netcore.stage.film:Film",
}
__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import the public functions on first use, so that `import netcore` costs nothing."""
    if name in _PUBLIC:
        from importlib import import_module

        module, _, attribute = _PUBLIC[name].partition(":")
        return getattr(import_module(module), attribute)
    raise AttributeError(f"module 'netcore' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List the public names too, imported or not."""
    return sorted({*globals(), *__all__})
