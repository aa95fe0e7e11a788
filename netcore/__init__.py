"""True visualisations and animations of trained neural networks, for teaching."""

import os
import sys
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {  # public name: module:attribute
    "load_run": "netcore.core.run:load_run",
    "list_runs": "netcore.core.run:list_runs",
    "render": "netcore.rendering.api:render",
    "record_run": "netcore.training.recorder:record_run",
    "default_context": "netcore.rendering.context:default_context",
    "trace": "netcore.tracing.tracer:trace",
    "Film": "netcore.viz.film.film:Film",
}
# A wheel contains the scenes as `netcore/scenes`, a checkout has them beside this package. There the checkout, searched
# last, makes them `netcore.scenes` too: with an editable install, with PYTHONPATH and in worker processes.
_CHECKOUT = os.path.dirname(__path__[0])
if os.path.isfile(os.path.join(_CHECKOUT, "scenes", "__init__.py")) and not os.path.isdir(f"{__path__[0]}/scenes"):
    __path__.append(_CHECKOUT)

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (functions and classes)
    """Import the public functions on first use, so that `import netcore` costs nothing."""
    if name in _PUBLIC:
        from importlib import import_module

        module, _, attribute = _PUBLIC[name].partition(":")
        return getattr(import_module(module), attribute)
    raise AttributeError(f"module 'netcore' has no attribute '{name}'")


def __dir__() -> list[str]:
    """List the public names too, imported or not."""
    return sorted({*globals(), *__all__})


class _RenamedModules:
    """The last finder of `sys.meta_path`: a failed import of a former module names the new one."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError for a module of netcore that was replaced."""
        if name.startswith("netcore.") and name != "netcore.core.renamed":
            from netcore.core.renamed import raise_if_renamed

            raise_if_renamed(name)


sys.meta_path.append(_RenamedModules)
