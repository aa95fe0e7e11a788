"""The model of a network: operations, grouped into blocks."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from netcore.analysis.block import Block, count_parameters
from netcore.analysis.block_making import join_blocks, make_block, shared_module
from netcore.analysis.layer_names import number_names
from netcore.analysis.layers import LayerGrouping
from netcore.analysis.operations import Operation, Window
from netcore.analysis.regions import evenly_spaced, join_cheapest, join_runs, split_at_cuts
from netcore.core.errors import RequirementError, unknown_name

__all__ = ["Block", "Graph", "Level", "Operation", "Window"]

Level = Literal["operation", "layer", "region", "module"]


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
            return self._with([make_block([op], self.operations) for op in self.operations])
        layers = [make_block(group, self.operations) for group in LayerGrouping(self.operations).groups()]
        if level == "layer":
            return self._with(layers)
        by_output = {block.output: block for block in layers}
        inputs = {block.output: block.inputs for block in layers}
        runs = [[by_output[name] for name in segment] for segment in split_at_cuts(inputs)]
        if level == "module":  # never a part of a region
            regions = [join_blocks(run, self.operations) for run in runs]
            runs = join_runs(regions, lambda a, b: shared_module(a, depth) == shared_module(b, depth) != "")
        return self._with([join_blocks(run, self.operations) for run in runs])

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
            lambda a, b: join_blocks([a, b], self.operations),
        )
        return self._with(joined)

    def join_poolings(self) -> "Graph":
        """Join each pooling with the layer that it reads, under that layer's title."""
        runs = join_runs(self.blocks, lambda a, b: b.kind == "pooling" and b.inputs == (a.output,))
        joined = (replace(join_blocks(run, self.operations), title=run[0].title, short=run[0].short) for run in runs)
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
        return [join_blocks(run, self.operations) for run in join_runs(blocks, alike)]

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
