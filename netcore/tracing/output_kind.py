"""Distinguish logits from probabilities, and convert a network's output to logits."""

from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from netcore.tracing.inputs import eval_mode
from netcore.tracing.op_tracer import OpTracer

OUTPUT_KINDS = {"Softmax": "probabilities", "LogSoftmax": "log-probabilities"}
MIN_PROBABILITY = torch.finfo(torch.float32).tiny  # the logarithm of 0 is not finite

_cache: WeakKeyDictionary[nn.Module, str] = WeakKeyDictionary()


def traced_output_kind(tracer: OpTracer, output: Tensor) -> str:
    """Return the kind of a traced output (1, K), see `netcore.core.trace.Trace.output_kind`."""
    name = tracer.name_of(output)
    kind = next((op.kind for op in tracer.ops if op.name == name), "")
    return OUTPUT_KINDS.get(kind, "logits")


def find_output_kind(module: nn.Module, x: Tensor) -> str:
    """Trace an image (1, C, H, W) to find what kind of output a module has, once per module."""
    if module not in _cache:
        tracer = OpTracer(module, x, shapes_only=True)
        with eval_mode(module), torch.no_grad(), tracer.recording():
            out = module(x)
        _cache[module] = traced_output_kind(tracer, out)
    return _cache[module]


def as_logits(output: Tensor, kind: str) -> Tensor:
    """Convert an output to float32 logits, whose softmax is the network's probabilities.

    Parameters
    ----------
    output : Tensor, shape (B, K)
    kind : {"logits", "probabilities", "log-probabilities"}

    Examples
    --------
    >>> as_logits(torch.tensor([[0.25, 0.75]]), "probabilities").softmax(1)
    tensor([[0.2500, 0.7500]])
    """
    return output.float().clamp_min(MIN_PROBABILITY).log() if kind == "probabilities" else output.float()
