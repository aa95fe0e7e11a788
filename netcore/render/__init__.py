"""From a scene to a file: catalogue, frames, encoders, sidecars, many renders at once.

The package can be called: ``netcore.render("filter-grid", run="cnn-2conv")`` is `netcore.render.api.render`.
"""

import sys
from types import ModuleType
from typing import Any


class _Render(ModuleType):
    """A package that is also its main function: both are called `netcore.render`."""

    def __call__(self, *args: Any, **settings: Any) -> Any:
        from netcore.render.api import render

        return render(*args, **settings)


sys.modules[__name__].__class__ = _Render
