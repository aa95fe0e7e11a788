"""netcore turns trained neural networks into teaching material: visualisations and animations that are true."""

import os
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "load_run": "netcore.run",
    "list_runs": "netcore.run",
    "render": "netcore.render.api",
    "record_run": "netcore.learn.own",
}
# A wheel contains the scenes as `netcore/scenes`, a checkout has them beside this package. There the checkout, searched
# last, makes them `netcore.scenes` too: with an editable install, with PYTHONPATH and in worker processes.
_CHECKOUT = os.path.dirname(__path__[0])
if os.path.isfile(os.path.join(_CHECKOUT, "scenes", "__init__.py")) and not os.path.isdir(f"{__path__[0]}/scenes"):
    __path__.append(_CHECKOUT)

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    """Import the public functions on first use, so that `import netcore` costs nothing."""
    if name in _PUBLIC:
        from importlib import import_module

        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'netcore' has no attribute '{name}'")
