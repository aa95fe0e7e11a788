"""Operators that a stored network may call, on tensors and sizes."""

import operator
from collections.abc import Callable
from typing import Any

import torch

from netcore.core.errors import NetcoreError

FUNCTIONS = ("getitem", "add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "pow")  # Python's, on sizes
MAX_NUMBER = 2**62  # of the results of Python's functions
MAX_EXPONENT = 64

# Beside the operators that PyTorch tags as core: what `torch.export` makes of layers and functions. In place too.
_LAYERS = """
adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
adaptive_max_pool3d affine_grid_generator alpha_dropout avg_pool1d batch_norm bilinear celu channel_shuffle conv1d
conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d cosine_similarity dropout embedding_bag
feature_alpha_dropout feature_dropout glu grid_sampler group_norm gru gru_cell hardshrink hardsigmoid hardswish im2col
instance_norm layer_norm linear local_response_norm log_sigmoid log_softmax lstm lstm_cell max_pool1d max_pool2d
max_pool3d max_unpool2d mish native_batch_norm pad pixel_shuffle pixel_unshuffle prelu relu6 rms_norm rnn_relu
rnn_relu_cell rnn_tanh rnn_tanh_cell rrelu scaled_dot_product_attention selu silu softmax softplus softshrink
threshold upsample_bicubic2d upsample_bilinear2d upsample_linear1d upsample_nearest1d upsample_nearest2d
upsample_nearest3d upsample_nearest_exact1d upsample_nearest_exact2d upsample_trilinear3d _native_multi_head_attention
_safe_softmax _transformer_encoder_layer_fwd
"""
_SHAPES = """
broadcast_tensors broadcast_to chunk concat concatenate contiguous detach diag diag_embed dstack expand_as flatten
hstack index_put lift_fresh lift_fresh_copy mH mT matrix_H meshgrid moveaxis movedim narrow new_empty new_full
new_ones new_zeros numpy_T ones ones_like repeat_interleave reshape reshape_as roll rot90 select split stack swapaxes
swapdims t tensor_split tile to transpose tril triu type_as unbind unflatten unfold unsafe_chunk unsafe_split view_as
vstack zeros zeros_like _reshape_alias _unsafe_view empty empty_like eye linspace arange column_stack atleast_1d
atleast_2d atleast_3d masked_fill fill zero copy
"""
_NUMBERS = """
absolute addbmm addcdiv addcmul addmv addr all aminmax argsort baddbmm ceil clamp_max clamp_min clip cosine
count_nonzero cummax cummin cumprod deg2rad divide dot einsum erfc exp2 fix float_power floor_divide frac greater
greater_equal hypot inner isfinite lerp less less_equal linalg_matrix_norm linalg_norm linalg_vecdot
linalg_vector_norm logaddexp logcumsumexp logsumexp matmul max median min multiply mv negative norm not_equal outer
pairwise_distance positive rad2deg rsub sgn sinc special_erf special_expit special_log_softmax special_softmax square
std std_mean subtract sum tensordot true_divide var_mean xlogy
"""
_ALLOWED = frozenset(f"{_LAYERS} {_SHAPES} {_NUMBERS}".split())


def resolve_operator(name: str) -> Callable[..., Any]:
    """Find an operator by name.

    Parameters
    ----------
    name : str
        "aten.relu.default", an operator of PyTorch, or "operator.mul", one of Python's on sizes.

    Raises
    ------
    NetcoreError
        If it does not exist, or is not a pure function of tensors.

    Examples
    --------
    >>> resolve_operator("operator.mul")(2, 3)
    6
    """
    space, _, rest = str(name).partition(".")
    if space == "operator" and rest in FUNCTIONS:
        return _NUMBER_FUNCTIONS[rest]
    packet, _, overload = rest.partition(".")
    found = getattr(getattr(torch.ops.aten, packet, None), overload, None) if space == "aten" and overload else None
    if not isinstance(found, torch._ops.OpOverload):
        raise NetcoreError(f"the stored network calls '{name}', which this PyTorch does not have")
    if not _is_allowed(found, packet):
        raise NetcoreError(f"the stored network calls '{name}', which is not a function of tensors that netcore allows")
    return found


def _is_allowed(found: torch._ops.OpOverload, packet: str) -> bool:
    if any(argument.is_out for argument in found._schema.arguments):
        return False
    is_core = torch.Tag.core in found.tags and not found._schema.is_mutable
    name = packet.removesuffix("_") if packet.endswith("_") and not packet.endswith("__") else packet
    return is_core or name in _ALLOWED or (found._schema.is_mutable and _has_core_form(name))


def _has_core_form(packet: str) -> bool:
    """Whether an operator that changes its input has a pure form among the core operators: relu_ and relu."""
    pure = getattr(torch.ops.aten, packet, None)
    return pure is not None and any(torch.Tag.core in getattr(pure, name).tags for name in pure.overloads())


# ---- Python's functions, on numbers alone


def _on_numbers(name: str) -> Callable[..., Any]:
    function = getattr(operator, name)

    def compute(*numbers: float) -> float:
        if not all(isinstance(number, (int, float, torch.SymInt)) for number in numbers):
            raise NetcoreError(f"the stored network calls 'operator.{name}' on something else than numbers")
        if name == "pow" and abs(numbers[1]) > MAX_EXPONENT:
            raise NetcoreError(f"the stored network calls 'operator.pow' with the exponent {numbers[1]}")
        result: float = function(*numbers)
        if isinstance(result, int) and abs(result) > MAX_NUMBER:
            raise NetcoreError(f"the stored network calls 'operator.{name}' with a result beyond {MAX_NUMBER:,}")
        return result

    return compute


def _item(values: Any, index: int) -> Any:  # noqa: ANN401 (an element of any tuple)
    if not isinstance(values, (tuple, list)) or not isinstance(index, int):
        raise NetcoreError("the stored network calls 'operator.getitem' on something else than a tuple")
    return values[index]


_NUMBER_FUNCTIONS = {name: _item if name == "getitem" else _on_numbers(name) for name in FUNCTIONS}
