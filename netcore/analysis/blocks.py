"""The model of a network: operations, grouped into blocks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from netcore.analysis.layer_names import (
    block_heading,
    describe_operations,
    is_sequence,
    name_block,
    named_steps,
    number_names,
)
from netcore.analysis.layers import LayerGrouping, find_shortcut, main_operation
from netcore.analysis.operations import SHAPES, Operation, Window
from netcore.analysis.regions import evenly_spaced, join_cheapest, join_runs, split_at_cuts
from netcore.core.errors import RequirementError, unknown_name

__all__ = ["Block", "Graph", "Level", "Operation", "Window"]

Level = Literal["operation", "layer", "region", "module"]
MAPS = frozenset(["channel", "row", "column"])


@dataclass(frozen=True)
class Block:
    """Operations that are shown as one.

    name : of its main operation, unique: ``"hidden2"``, ``"layer1.0.conv1"``.
    title, short : as people say it, unique: ``"hidden layer 2"``, ``"hidden 2"``.
    kind : dense, convolution, pooling, vector, residual, parallel, product, attention, recurrent, embedding, norm,
        group. "vector": maps or a sequence become one vector. A residual block of one sum is the sum alone.
    operations : in order of execution.
    shortcut : of a residual block: empty for an identity, else the operations of the projection; None for others.
    children : the blocks that were joined into it.
    inputs : names of the outputs that it reads from other blocks; the image is ``"input"``.
    output : name of the output that it gives.
    """

    name: str
    title: str
    short: str
    kind: str
    operations: tuple[Operation, ...]
    inputs: tuple[str, ...]
    output: str
    shortcut: tuple[Operation, ...] | None = None
    children: tuple["Block", ...] = ()

    @property
    def last(self) -> Operation:
        """Operation that gives the output."""
        return next(op for op in reversed(self.operations) if self.output in op.outputs)

    @cached_property
    def main(self) -> Operation:
        """Operation with the weights, else the first that is not a mere normalization, activation or reshaping."""
        return main_operation(self.operations)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output, without the batch."""
        return self.last.shape

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the output's axes."""
        return self.last.axes

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of the first input, without the batch."""
        reader = next((op for op in self.operations if set(op.inputs) & set(self.inputs)), self.operations[0])
        return reader.input_shape

    @property
    def unit_axis(self) -> int | None:
        """Axis of the output along which maps or neurons are counted."""
        return next((i for i, axis in enumerate(self.axes) if axis in ("channel", "feature")), None)

    @property
    def unit_count(self) -> int:
        """Number of maps or neurons, 0 if no axis counts them."""
        return 0 if self.unit_axis is None else self.shape[self.unit_axis]

    @property
    def has_maps(self) -> bool:
        """Whether the output is maps: channels, rows and columns, in any order."""
        return len(self.axes) == 3 and set(self.axes) == MAPS

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the maps, whatever the order of their axes."""
        sizes = dict(zip(self.axes, self.shape, strict=True))
        return sizes["channel"], sizes["row"], sizes["column"]

    @property
    def is_vector(self) -> bool:
        """Whether the output is one vector."""
        return len(self.shape) == 1 or self.axes == ("feature", "row", "column")

    @property
    def unit_word(self) -> str:
        """What its units are called: map, neuron, feature."""
        if self.has_maps and not self.is_vector:
            return "map"
        return "neuron" if self.kind == "dense" and self.is_vector else "feature" if len(self.shape) > 1 else "value"

    def unit_values(self, value: ArrayLike) -> NDArray[Any]:
        """Move the units of an output to the first axis.

        Parameters
        ----------
        value : array_like, shape `shape`

        Returns
        -------
        ndarray, shape (units,), (units, rows, columns) or (units, positions)
            All values in one axis if no axis counts units.
        """
        array = np.asarray(value)
        if self.unit_axis is None or self.is_vector:
            return array.reshape(-1)
        moved = np.moveaxis(array, self.unit_axis, 0)
        return moved if self.has_maps else moved.reshape(len(moved), -1)

    @property
    def description(self) -> str:
        """Its operations in standard terms: ``"Conv 3×3 → BN → ReLU"``."""
        return describe_operations(self.operations, self.children)

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """Steps of a layer: the term of each, and the name of the output after it."""
        return ((self.description, self.output),) if self.children else tuple(named_steps(self.operations))

    @property
    def heading(self) -> tuple[str, ...]:
        """Short heading, and what follows: ``("Conv 3×3", "BN", "ReLU")``, ``("2 × Residual block",)``."""
        return block_heading(self.operations, self.children, self.title)

    @property
    def is_reshape(self) -> bool:
        """Whether it only moves values, as flattening does."""
        same_size = np.prod(self.shape) == np.prod(self.input_shape)  # a selection leaves some out
        return bool(same_size) and all(op.kind in SHAPES and not op.parameters for op in self.operations)

    @property
    def window(self) -> Window | None:
        """Window of its one convolution or pooling."""
        return None if self.children else self.main.window

    @property
    def convolutions(self) -> int:
        """Number of convolutions."""
        return sum(op.role == "convolution" for op in self.operations)

    @property
    def is_depthwise(self) -> bool:
        """Whether it is a convolution of which each map reads the one map in its place."""
        window, main = self.window, self.main
        return (
            self.kind == "convolution"
            and window is not None
            and main.shape[0] == main.input_shape[0] == window.groups > 1
        )

    @property
    def parameters(self) -> int:
        """Number of parameters, shared ones once."""
        return count_parameters(self.operations)


@dataclass(frozen=True)
class Graph:
    """A network as blocks in order of execution, dead ends removed.

    operations : of the whole network.
    blocks : at the level asked for, see `fold`.
    input_shape : (C, H, W).
    """

    operations: tuple[Operation, ...]
    blocks: tuple[Block, ...]
    input_shape: tuple[int, ...]

    def __iter__(self) -> Iterator[Block]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def __getitem__(self, name: str) -> Block:
        """Block by its name, title, short title, or the name of a node in it.

        Raises
        ------
        NetcoreError
            If there is none; the nearest name is offered.
        """
        for block in self.blocks:
            if name in (block.name, block.title, block.short):
                return block
        for block in self.blocks:
            if any(name in op.outputs for op in block.operations):
                return block
        raise unknown_name("layer", name, [block.name for block in self.blocks])

    @property
    def output(self) -> Block:
        """The block that gives the scores."""
        return self.blocks[-1]

    def sources(self, block: Block) -> tuple[Block, ...]:
        """Blocks that `block` reads, the image left out."""
        return tuple(other for other in self.blocks if set(other.last.outputs) & set(block.inputs))

    def edges(self) -> list[tuple[int, int]]:
        """Pairs of positions in `blocks`, from and to; the image is -1."""
        found = set()
        for j, block in enumerate(self.blocks):
            for name in block.inputs:
                place = (i for i, other in enumerate(self.blocks) if any(name in op.outputs for op in other.operations))
                found.add((next(place, -1), j))
        return sorted(found)

    def value_blocks(self, limit: int | None = None, output: bool = True) -> list[Block]:
        """Blocks that compute values, mere reshapes left out.

        Parameters
        ----------
        limit : int, optional
            Maximum number; evenly spaced ones are taken, the first and the last among them.
        output : bool
            Include the block that gives the scores.
        """
        found = [block for block in self.blocks if not block.is_reshape]
        found = found if output else [block for block in found if block is not self.output]
        return evenly_spaced(found, limit) if limit else found

    def map_blocks(self, limit: int | None = None) -> list[Block]:
        """Blocks whose outputs are maps, larger than one pixel; of more than `limit`, evenly spaced ones."""
        found = [block for block in self.blocks if block.has_maps and not block.is_vector]
        return evenly_spaced(found, limit) if limit else found

    def parameters(self, block: Block | None = None) -> int:
        """Number of parameters of a block, or of the network; shared ones count once."""
        return block.parameters if block else count_parameters(self.operations)

    def fold(self, level: Level, depth: int = 1) -> "Graph":
        """Group operations.

        Parameters
        ----------
        level : {"operation", "layer", "region", "module"}
            A layer is one operation with weights and the light ones around it; a region is what lies between layers
            that all paths pass; a module is what the author put into one, `depth` names deep.
        depth : int
            Of the modules.
        """
        if level == "operation":
            return self._with([_block([op], self.operations) for op in self.operations])
        layers = [_block(group, self.operations) for group in LayerGrouping(self.operations).groups()]
        if level == "layer":
            return self._with(layers)
        by_output = {block.output: block for block in layers}
        inputs = {block.output: block.inputs for block in layers}
        runs = [[by_output[name] for name in segment] for segment in split_at_cuts(inputs)]
        if level == "module":  # never a part of a region
            regions = [_joined(run, self.operations) for run in runs]
            runs = join_runs(regions, lambda a, b: _module(a, depth) == _module(b, depth) != "")
        return self._with([_joined(run, self.operations) for run in runs])

    def fit(self, limit: int) -> "Graph":
        """Join neighbours until at most `limit` blocks are left.

        Alike ones are joined first, then poolings, then those with the fewest convolutions between two sizes of maps.
        """
        blocks = list(self.blocks)
        if len(blocks) > limit:
            blocks = self._join(blocks, lambda a, b: a.heading == b.heading and a.shape == b.shape)
        if len(blocks) > limit:
            blocks = self._join(blocks, lambda a, b: b.kind == "pooling" and a.kind != "pooling")
        joined = join_cheapest(
            blocks,
            limit,
            lambda a, b: (
                a.shape[1:] != b.shape[1:],
                a.convolutions + b.convolutions,
                len(a.operations + b.operations),
            ),
            lambda a, b: _joined([a, b], self.operations),
        )
        return self._with(joined)

    def join_poolings(self) -> "Graph":
        """Join each pooling with the layer that it reads, under that layer's title."""
        runs = join_runs(self.blocks, lambda a, b: b.kind == "pooling" and b.inputs == (a.output,))
        joined = (replace(_joined(run, self.operations), title=run[0].title, short=run[0].short) for run in runs)
        return replace(self, blocks=tuple(joined))

    def chain(self) -> tuple[Block, ...]:
        """Blocks as a sequence.

        Raises
        ------
        RequirementError
            If a block reads anything but the block before it.
        """
        before = "input"
        for block in self.blocks:
            if set(block.inputs) != {before}:
                raise RequirementError(f"expected a sequence of layers, but the network branches at '{block.title}'")
            before = block.output
        return self.blocks

    def _join(self, blocks: Sequence[Block], alike: Callable[[Block, Block], bool]) -> list[Block]:
        return [_joined(run, self.operations) for run in join_runs(blocks, alike)]

    def _with(self, blocks: Sequence[Block]) -> "Graph":
        blocks = name_outputs(blocks)
        names = number_names([(b.title, b.short) for b in blocks])
        titled = tuple(replace(b, title=title, short=short) for b, (title, short) in zip(blocks, names, strict=True))
        return replace(self, blocks=titled)

    @property
    def summary(self) -> str:
        """The network in a few words: ``784-16-16-10``, or how many layers of each kind."""
        layers = [
            b for b in self.fold("layer") if b.kind in ("dense", "convolution", "attention", "recurrent", "embedding")
        ]
        if layers and all(block.kind == "dense" for block in layers) and _is_sequence(layers):
            first = layers[0].main.input_shape
            return "-".join(map(str, [first[-1], *(block.shape[-1] for block in layers)]))
        return f"a network of {count_kinds(layers)}" if layers else "a network without weights"


def count_parameters(operations: Sequence[Operation]) -> int:
    """Number of parameters of operations, shared ones once."""
    sizes: dict[str, int] = {}
    for op in operations:
        sizes |= op.parameters
    return sum(sizes.values())


def count_kinds(blocks: Sequence[Block]) -> str:
    """How many layers of each kind: ``2 convolutions, 1 dense layer``."""
    words = {
        "embedding": "patch embedding",
        "convolution": "convolution",
        "attention": "attention layer",
        "recurrent": "recurrent layer",
        "dense": "dense layer",
    }
    counts = {word: sum(block.kind == kind for block in blocks) for kind, word in words.items()}
    texts = [f"{n:,} {word}{'s' * (n != 1)}" for word, n in counts.items() if n]
    return " and ".join([*filter(None, [", ".join(texts[:-1])]), *texts[-1:]])


def name_outputs(blocks: Sequence[Block]) -> list[Block]:
    """Blocks with the names that depend on their place: hidden layers and the output layer."""
    cuts = {segment[0] for segment in split_at_cuts({b.output: b.inputs for b in blocks}) if len(segment) == 1}
    vectors = [i for i, b in enumerate(blocks) if b.kind == "dense" and b.is_vector and not b.children]
    out = list(blocks)
    for i in vectors:
        if blocks[i].output not in cuts:
            continue
        last = i == len(blocks) - 1
        words = ("output layer", "output") if last else ("hidden layer", "hidden")
        out[i] = replace(out[i], title=words[0], short=words[1])
    return out


def _is_sequence(layers: Sequence[Block]) -> bool:
    return all(len(block.shape) == 1 and len(block.inputs) == 1 for block in layers)


def _module(block: Block, depth: int) -> str:
    """Path of the module that holds a block, `depth` names deep."""
    paths = [layer.main.module.split(".")[:depth] for layer in block.children or (block,)]
    shared = 0
    while len({tuple(path[: shared + 1]) for path in paths}) == 1 and shared < min(map(len, paths)):
        shared += 1
    return ".".join(paths[0][:shared])


def _block(operations: Sequence[Operation], network: Sequence[Operation]) -> Block:
    """One layer, or one operation."""
    main = main_operation(operations)
    kind = {"concatenation": "parallel", "sum": "parallel", "convolution": "convolution"}.get(main.role, main.role)
    shortcut = None
    if main.role == "sum":
        shortcut = find_shortcut(network, main)
        kind = "parallel" if shortcut is None else "residual"
    if any(op.kind == "Softmax" for op in operations[:-1]) and main.role == "product":
        kind = "attention"
    last = operations[-1]
    if kind == "convolution" and "row" not in last.axes and len(last.shape) > 1:
        kind = "embedding"
    if kind in ("shape", "elementwise", "activation", "reduce"):
        kind = "group"
    title, short = name_block(kind, operations, main)
    return Block(
        main.node, title, short, kind, tuple(operations), _inputs(operations), _output(operations, network), shortcut
    )


def _joined(run: Sequence[Block], network: Sequence[Operation]) -> Block:
    """Several blocks as one."""
    if len(run) == 1:
        return run[0]
    operations = tuple(op for block in run for op in block.operations)
    last = run[-1]
    kind, shortcut = "group", None
    leading = _inputs(operations)
    sequence = is_sequence(run)
    if any(block.kind == "attention" for block in run):
        kind = "attention"
    elif sequence:
        pass
    elif last.kind == "residual" and _spans(run, network):
        kind, shortcut = "residual", last.shortcut
    elif last.kind == "parallel":
        kind = "parallel"
    if all(block.kind in ("pooling", "parallel", "group", "product") for block in run):
        kind = "pooling" if any(block.kind == "pooling" for block in run) else kind
    title, short = name_block(kind, operations, last.main, run)
    output = last.output
    return Block(last.name, title, short, kind, operations, leading, output, shortcut, tuple(run))


def _spans(run: Sequence[Block], network: Sequence[Operation]) -> bool:
    """Whether the shortcut of the last sum begins where the run begins."""
    inside = {name for block in run for op in block.operations for name in op.outputs}
    sum_ = run[-1].main
    direct = set(sum_.inputs) - inside
    if direct:
        return True
    return bool(run[-1].shortcut) and any(set(op.inputs) - inside for op in run[-1].shortcut or ())


def _inputs(operations: Sequence[Operation]) -> tuple[str, ...]:
    own = {name for op in operations for name in op.outputs}
    return tuple(dict.fromkeys(name for op in operations for name in op.inputs if name not in own))


def _output(operations: Sequence[Operation], network: Sequence[Operation]) -> str:
    """The output that other operations read; the last one of the network's end."""
    own = {op.node for op in operations}
    readers = {name for op in network if op.node not in own for name in op.inputs}
    return next((name for op in reversed(operations) for name in op.outputs if name in readers), operations[-1].node)
