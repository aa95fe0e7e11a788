"""Copies of modules that do not double their memory."""

import copy

from torch import nn


def copy_module(module: nn.Module) -> nn.Module:
    """Copy a module; its parameters are new ones in the same memory.

    Moving or converting the copy leaves the module as it is, training it in place would not.
    """
    parameters = [p for p in module.parameters() if type(p) is nn.Parameter]
    shared: dict[int, object] = {id(p): nn.Parameter(p.detach(), p.requires_grad) for p in parameters}
    return copy.deepcopy(module, shared)
