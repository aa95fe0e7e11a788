"""Standard terms for operations, layers and networks."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from netcore.analysis.layers import main_operation
from netcore.analysis.operations import PRODUCTS, Operation, Window

TERMS = {
    "BatchNorm": "BN", "LayerNorm": "LN", "LocalResponseNorm": "LRN", "MaxPool": "Max-pool",
    "AvgPool": "Average-pool", "LPPool": "LP-pool",
    "MultiheadAttention": "Multi-head attention", "scaled_dot_product_attention": "Attention", "Linear": "Dense",
    "matmul": "Dense", "mm": "Dense", "cat": "Concatenate", "stack": "Stack", "LogSoftmax": "Log-softmax",
    "Softmax": "Softmax", "Hardswish": "Hard-swish", "Hardsigmoid": "Hard-sigmoid", "Upsample": "Upsample",
    "interpolate": "Upsample", "clamp": "Clamp",
}  # fmt: skip
# Operations that change no value, or only where it is: not named.
UNNAMED = frozenset(["shape", "elementwise", "reduce"])
GATES = {"Sigmoid": "SiLU", "Hard-sigmoid": "Hard-swish"}  # an activation that is multiplied with its own input


class Titled(Protocol):
    """What a name is made of: a `Block`, which this module must not import."""

    @property
    def kind(self) -> str:
        """Kind of block."""

    @property
    def title(self) -> str:
        """Name in full."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the outputs that it reads."""

    @property
    def output(self) -> str:
        """Name of its output."""

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Operations in order."""

    @property
    def description(self) -> str:
        """Operations in standard terms."""

    @property
    def main(self) -> Operation:
        """Operation that gives it its name."""

    @property
    def shortcut(self) -> tuple[Operation, ...] | None:
        """Shortcut of a residual block."""

    @property
    def children(self) -> "tuple[Titled, ...]":
        """Blocks that were joined."""


def constant_title(kind: str, number: float) -> str:
    """Title of an operation with a number: ``"× 2"``."""
    sign = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}.get(kind)
    return f"{sign} {number:g}" if sign else kind


def operation_title(kind: str, window: Window | None, channels: tuple[int, int] = (0, 0)) -> str:
    """Standard term of an operation: ``"Conv 3×3"``, ``"BN"``, ``"ReLU"``.

    Parameters
    ----------
    kind : str
    window : Window, optional
    channels : (int, int)
        Channels of input and output, which identify a depthwise convolution.
    """
    plain = kind.removeprefix("Adaptive")
    for suffix in ("1d", "2d", "3d"):
        plain = plain.removesuffix(suffix)
    size = f" {window.kernel[0]}×{window.kernel[1]}" if window else ""
    if plain.startswith("ConvTranspose"):
        return f"Transposed conv{size}"
    if plain.startswith("Conv"):
        depthwise = window is not None and window.groups > 1 and channels == (window.groups, channels[1])
        grouped = window is not None and window.groups > 1
        return f"{'Depthwise conv' if depthwise else 'Grouped conv' if grouped else 'Conv'}{size}"
    return TERMS.get(plain, plain) + (size if "Pool" in plain else "")


def describe_operations(operations: Sequence[Operation], children: Sequence[Titled] = ()) -> str:
    """Describe what is computed: ``"Conv 3×3 → BN → ReLU"``."""
    if children:
        return _describe_children(children)
    return " → ".join(title for title, _ in named_steps(operations)) or "Reshape"


def named_steps(operations: Sequence[Operation]) -> list[tuple[str, str]]:
    """Steps of a layer: the term of each, and the name of the output after it."""
    main = main_operation(operations)
    normalized = _is_hand_norm(operations)
    words = [_describe_one(op, main, normalized) for op in operations]
    for gate, activation in GATES.items():
        if gate in words and any(op.role == "product" and op is not main for op in operations):
            words[words.index(gate)] = activation
    steps: list[tuple[str, str]] = []
    for op, word in zip(operations, words, strict=True):
        if word and (not steps or steps[-1][0] != word):
            steps.append((word, op.node))
        elif steps:
            steps[-1] = steps[-1][0], op.node
    return steps


def block_heading(operations: Sequence[Operation], children: Sequence[Titled], title: str) -> tuple[str, ...]:
    """Heading of a block, and what follows in it: ``("Conv 3×3", "BN", "ReLU")``, ``("2 × Residual block",)``."""
    if not children:
        return tuple(term for term, _ in named_steps(operations)) or ("Reshape",)
    if not is_sequence(children):
        return (title.rstrip("0123456789 ").capitalize().replace("Se ", "SE "),)
    headings = [block_heading(child.operations, child.children, child.title) for child in children]
    if len(set(headings)) == 1:
        return f"{len(children)} × {headings[0][0]}", *headings[0][1:]
    if len(children) == 2 and children[1].kind == "pooling":
        return headings[0][0], *headings[1]
    convolutions = sum(op.role == "convolution" for op in operations)
    return (f"{convolutions} convolution{'s' * (convolutions != 1)}",) if convolutions else ("Block",)


def is_sequence(children: Sequence[Titled]) -> bool:
    """Whether each child reads the one before it alone."""
    return all(set(b.inputs) == {a.output} for a, b in pairwise(children))


def _describe_one(op: Operation, main: Operation, normalized: bool) -> str:
    """Word for one operation, empty if it is not named."""
    role = op.role
    if role == "vector":
        return vector_title(op)
    if role in ("sum", "product"):
        return _join_title(op) if op is main else ""
    if role == "reduce" and normalized:
        return "Normalization"
    if role == "shape" and op.parameters and "token" in op.axes:
        return "Token"
    if role == "elementwise" and not normalized and op.kind == "add" and op.parameters and "token" in op.axes:
        return "Positions"
    if role == "elementwise" and not normalized and op.title[:1] in "+−×÷":
        return op.title
    return "" if role in UNNAMED else op.title


def _describe_children(children: Sequence[Titled]) -> str:
    words = [child.description for child in children]
    if len(set(words)) == 1:
        return f"{len(words)} × {words[0]}" if len(words) > 1 else words[0]
    inside = {op.node for child in children for op in child.shortcut or ()}
    terms = {
        "convolution": "convolution",
        "attention": "attention",
        "dense": "dense layer",
        "recurrent": "recurrent layer",
    }
    rest = [child for child in children if child.main.node not in inside]
    counts = Counter(terms[child.kind] for child in rest if child.kind in terms and not child.children)
    counts += Counter(child.description for child in rest if child.children)
    text = " + ".join(
        f"{n} {word}{'s' * (n > 1)}" if n > 1 or word in terms.values() else word for word, n in counts.items()
    )
    last = children[-1]
    if last.kind == "residual" and not last.children:
        return f"{text} + {'projected ' * bool(last.shortcut)}shortcut"
    if last.kind == "parallel" and not last.children:
        return f"{text or f'{len(children) - 1} layers'}, {'summed' if last.main.role == 'sum' else 'concatenated'}"
    return text or " → ".join(dict.fromkeys(words))


def _join_title(op: Operation) -> str:
    if op.role == "sum":
        return "Difference" if op.kind in ("sub", "rsub") else "Sum"
    return "Matrix product" if op.kind in PRODUCTS else "Product"


def _is_hand_norm(operations: Sequence[Operation]) -> bool:
    """Whether a mean is subtracted and a deviation divided by, operation by operation."""
    kinds = {op.kind for op in operations}
    return bool(kinds & {"var", "std", "var_mean", "std_mean", "rsqrt", "sqrt"}) and bool(
        kinds & {"mean", "var_mean", "std_mean"}
    )


def vector_title(op: Operation) -> str:
    """How maps or a sequence become a vector: ``"Flatten"``, ``"Global average"``, ``"First token"``."""
    axes, spatial = op.input_axes, len(op.input_shape) == 3 and len(op.axes) != 2
    if "LPPool" in op.kind:
        return "Global LP pooling"
    if "Pool" in op.kind or op.kind in ("mean", "amax", "max", "sum"):
        word = "maximum" if "Max" in op.kind or op.kind in ("amax", "max") else "sum" if op.kind == "sum" else "average"
        pooled = spatial and op.shape[0] == op.input_shape[0]
        return f"Global {word}" if pooled or spatial else f"{word.capitalize()} over {_plural(axes)}"
    if op.kind in ("getitem", "select", "narrow", "slice"):
        return {"time": "One time step", "token": "One token"}.get(axes[0] if axes else "", "Selection")
    return "Flatten"


def _plural(axes: Sequence[str]) -> str:
    return {"time": "time steps", "token": "tokens", "row": "rows"}.get(axes[0] if axes else "", "positions")


def name_block(
    kind: str, operations: Sequence[Operation], main: Operation, children: Sequence[Titled] = ()
) -> tuple[str, str]:
    """Title and short title of a block, not yet numbered."""
    if children:
        return _name_region(kind, operations, children)
    if kind == "recurrent":
        word = main.kind.removesuffix("Cell")
        return word, word
    if kind == "vector":
        word = vector_title(main).lower()
        short = (
            "flatten" if word == "flatten" else "average" if "average" in word else "max" if "max" in word else "vector"
        )
        return word, short
    if kind == "parallel" and main.role == "sum":
        return "sum", "sum"
    named = {
        "dense": ("dense layer", "dense"),
        "convolution": ("convolution", "conv"),
        "pooling": ("upsampling", "up") if main.kind in ("Upsample", "interpolate") else ("pooling", "pool"),
        "residual": ("residual sum", "sum"),
        "parallel": ("concatenation", "concat"),
        "product": ("product", "product"),
        "attention": ("attention", "attn"),
        "embedding": ("patch embedding", "embed"),
        "norm": ("normalization", "norm"),
    }
    if kind in named:
        return named[kind]
    return ("activation", "activation") if main.role == "activation" else ("reshape", "reshape")


def _name_region(kind: str, operations: Sequence[Operation], children: Sequence[Titled]) -> tuple[str, str]:
    kinds = [child.kind for child in children]
    if kind == "pooling":
        return "pooling", "pool"
    if kinds[-1] == "product" and "vector" in kinds and kinds.count("dense") >= 1:
        return "squeeze-and-excitation", "SE"
    if kind == "attention":
        return "attention block", "block"
    if kind == "residual":
        return "residual block", "block"
    if kind == "parallel":
        return "parallel block", "block"
    return "block", "block"


def number_names(names: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Make titles and short titles unique by numbers, counted by short title.

    Examples
    --------
    >>> number_names([("convolution", "conv"), ("convolution", "conv"), ("output layer", "output")])
    [('convolution 1', 'conv 1'), ('convolution 2', 'conv 2'), ('output layer', 'output')]
    """
    total = Counter(short for _, short in names)
    seen: Counter[str] = Counter()
    out = []
    for title, short in names:
        seen[short] += 1
        number = f" {seen[short]}" if total[short] > 1 else ""
        out.append((title + number, short + number))
    return out
