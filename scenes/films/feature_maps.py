"""Feature maps

What each layer of {network} makes of one image: all feature maps of a layer at a time, one of them followed, then the
neurons and the class probabilities.
Predicted {prediction} ({confidence}); true class: {label}.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from netcore.analysis.answer_path import compared_class
from netcore.analysis.blocks import Block
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.map_layers import MapLayer, find_map_block, map_layers, vector_blocks
from netcore.analysis.regions import evenly_spaced
from netcore.analysis.units import top_k
from netcore.core.formatting import format_percent, format_subset
from netcore.viz.film.animation import Animate
from netcore.viz.film.components.dense_story import clip_names
from netcore.viz.film.components.fades import fade_in, fade_out, travel
from netcore.viz.film.components.layer_film import cut
from netcore.viz.film.components.map_screen import map_limit
from netcore.viz.film.components.map_sequence import MapSequenceFilm
from netcore.viz.film.components.neuron_votes import NeuronVotes
from netcore.viz.film.components.sum_line import Term
from netcore.viz.film.components.tiles import Tiles, max_tiles, ring
from netcore.viz.film.components.vector_steps import MAX_SQUARES, ClassBars, thumbnails, vector_squares
from netcore.viz.layout.area import Area

NEEDS = ("maps",)
STILL = "feature-map-grid"

MAX_LAYERS = 6  # layers with maps that are shown one by one
STRONGEST = 8  # neurons that are ringed


class FeatureMapFilm(MapSequenceFilm):
    """Feature maps of one image, layer by layer.

    Attributes
    ----------
    layer : str
        Name of the layer whose maps are shown (``conv1``, ``pool2``), or ``all``; with `over` images or training,
        ``all`` is the first layer.
    over : str
        What the film goes through: layers, images, or snapshots of training.
    max_units : int
        Maximum number of maps per layer; of more, those of the highest variance over the image are shown.
    """

    layer: str = "all"
    over: Literal["layers", "images", "training"] = "layers"
    max_units: int = 64

    def construct(self) -> None:
        """Through the layers, images or snapshots, as `over` asks."""
        trace = self.context.trace()
        graph = graph_of_trace(trace)
        blocks, vectors = graph.map_blocks(MAX_LAYERS), vector_blocks(graph, 2)
        if self.over != "layers":
            blocks = [find_map_block(graph, blocks[0].name if self.layer == "all" and blocks else self.layer)]
        elif self.layer != "all":
            one = find_map_block(graph, self.layer)
            blocks = [*[b for b in graph.sources(one) if b in graph.map_blocks()][:1], one]
        whole = self.over == "layers" and self.layer == "all"
        names = [block.title for block in (*blocks, *vectors, graph.output)] if whole else []
        self.begin(trace, names)
        counts = {b.name: min(self.max_units, max_tiles(self.screen.grid, b.map_shape[1:])) for b in graph.map_blocks()}
        layers = map_layers(trace, blocks, counts)
        if self.over == "images":
            return self.over_images(layers[0])
        if self.over == "training":
            return self.over_training(layers[0])
        self.over_layers(layers)
        if whole:
            for k, block in enumerate(vectors):
                self.vector(block, len(layers) + k)
            self.answer(vectors, layers, len(layers) + len(vectors))
        return self.conclude(layers, vectors if whole else [])

    def over_layers(self, layers: Sequence[MapLayer]) -> None:
        """The image, then the maps of each layer."""
        with self.step("The image: {n} pixels", name="image", n=" × ".join(map(str, self.trace.pixels.shape[-2:]))):
            self.add(self.screen.image)
        for k, layer in enumerate(layers):
            before = layers[k - 1] if k else None
            if before is None:
                self.one_map(layer)
            elif layer.block.inputs == (before.block.output,):
                if layer.block.kind == "pooling" and np.array_equal(layer.chosen, before.chosen):
                    self.pooling(before, layer, k)
                    continue
                if layer.terms is not None:
                    self.read_maps(before, layer, k)
            self.all_maps(layer, k)

    # ---- vectors

    def vector(self, block: Block, at: int) -> None:
        """The tiles fall into a column; the neurons appear as squares."""
        screen, tiles, values = self.screen, self.screen.tiles, self.trace.value(block.output).ravel()
        assert tiles is not None
        self.shown = top_k(values, MAX_SQUARES)
        squares = vector_squares(self.theme, values[self.shown], screen.body, screen.pixel)
        n, zeros = int(np.prod(block.input_shape)), int((values == 0).sum())
        text = "{n} values → {m} {word}s" + (": {k} of them 0" if zeros else "")
        word = block.unit_word
        self.neurons = block.title, at
        with self.step(text, name=f"vector-{at + 1}", n=n, m=len(values), word=word, k=zeros):
            self.play(screen.clear(tiles), screen.clear_detail(), self.line.change(), self.fall(tiles))
            limit, signed = map_limit(values)
            self.play(
                screen.head(block.title, format_subset(len(self.shown), len(values), word), at),
                screen.scale(limit, signed, after_dropout(block)), fade_in([squares], run_time=0.6),
                fade_out([tiles]),
            )  # fmt: skip
            screen.tiles = squares

    def fall(self, tiles: Tiles) -> list[Animate]:
        """Tiles become one column at the left of the body."""
        body = self.screen.body
        column = Area(body.left, body.bottom, body.left + 0.15, body.top).rows([1] * len(tiles.values))
        return travel(tiles, np.concatenate([cell.frame for cell in column]))

    def answer(self, vectors: Sequence[Block], layers: Sequence[MapLayer], at: int) -> None:
        """The neurons that speak for the answer, and the probabilities."""
        trace, screen = self.trace, self.screen
        layer = trace[graph_of_trace(trace).output.main.node]
        answer, other = trace.prediction, compared_class(trace)
        last = trace.value(vectors[-1].output).ravel() if vectors else np.zeros(0)
        odds: list[Term] = []
        if layer.weight is not None and layer.kind == "Linear" and trace.input_of(layer).shape == last.shape:
            names = clip_names([trace.classes[k] for k in (answer, other)], 7)
            votes = NeuronVotes.read(layer, last, (answer, other), names)
            odds = votes.odds(trace.probabilities[[answer, other]])
            self.votes(votes, f"{names[1]}: the " + ("true class" if other == trace.label else "second-highest score"))
        with self.step("{a}: {p}", name="answer", a=cut(trace.classes[answer]), p=format_percent(trace.confidence)):
            left, right = screen.body.columns([0.48, 0.52], 0.5)
            bars = ClassBars(self.theme, trace, right, self.max_classes)
            moves = [screen.clear(), screen.clear_detail(), self.line.change(*odds)]
            images = [(self.colors(m), f"{m.block.short}, map {m.unit + 1}") for m in evenly_spaced(layers, 4)]
            note = f"a map of each of {len(images)} layers, own scales" if len(images) > 1 else "beside one map"
            self.play(*moves, screen.head("probability", note, at), fade_out(screen.legend))
            self.play(bars.grow(), fade_in(thumbnails(self.theme, images, left)))

    def votes(self, votes: NeuronVotes, other: str) -> None:
        """One neuron's part in the lead of the answer over the `other` class, then those of all."""
        screen, (a, b), limit = self.screen, votes.names, float(np.abs(votes.terms).max()) or 1.0
        best = votes.strongest(STRONGEST, self.shown.tolist())
        assert screen.tiles is not None
        rings = [ring(self.theme, screen.tiles.corners()[int(np.flatnonzero(self.shown == k)[0])]) for k in best]
        if best:
            line, lead = votes.one(best[0])
            with self.step(
                "Neuron {k} raises {a} over {b} by {lead}", name="one-neuron", k=best[0] + 1, a=a, b=b, lead=lead
            ):
                head = screen.head(self.neurons[0], other, self.neurons[1])
                self.play(fade_in(rings[:1]), head, self.line.change(*line))
        rgb = self.theme.signed_colors(votes.terms[self.shown] / limit)[:, None, None]
        with self.step("Blue raises {a} over {b}, orange lowers it", name="strongest", a=a, b=b):
            note = f"color: (weight to {a} − weight to {b}) × activation"
            self.play(Animate(screen.tiles, rgb=rgb, run_time=0.5), screen.scale(limit, True, note), self.line.change())
            head = screen.head(self.neurons[0], name_ringed(votes, best), self.neurons[1])
            self.play(fade_in(rings), head, self.line.change(*votes.total(best)))
        screen.marks = [*rings]

    def colors(self, layer: MapLayer) -> NDArray[np.float64]:
        """Colours of the followed map of a layer."""
        limit, signed = map_limit(layer.values)
        shade = self.theme.signed_colors if signed else self.theme.activation_colors
        return shade(layer.values[layer.unit] / limit)

    def conclude(self, layers: Sequence[MapLayer], vectors: Sequence[Block]) -> None:
        """How many maps and values there were, and the one answer."""
        convs = [layer for layer in layers if layer.block.kind != "pooling"] or layers
        picked = convs if len(convs) < 3 else [convs[0], convs[-1]]
        maps = [f"{len(m.values):,} maps of {m.size[0]} × {m.size[1]}" for m in picked]
        first = ", ".join([*maps[:1], *(text.replace(" maps", "") for text in maps[1:])])
        trace = self.trace
        values = [(block.unit_word, trace.value(block.output).ravel()) for block in vectors[-1:]]
        zeros = [f"{int((v == 0).sum()):,} of {len(v):,} {word}s 0" for word, v in values if (v == 0).any()]
        words = "; ".join([*zeros, "one answer: "]), f", {format_percent(trace.confidence)}"
        answer = cut(trace.classes[trace.prediction], max(2, 50 - len("".join(words)))).join(words)
        clear = [self.line.change()] if self.line.lines else []
        self.takeaway("{maps}", "{answer}", *clear, maps=first, answer=answer)


def after_dropout(block: Block) -> str:
    """Say that dropout is off, where the block has one."""
    return "dropout (in training only) is off" if any("Dropout" in op.kind for op in block.operations) else ""


def name_ringed(votes: NeuronVotes, best: Sequence[int]) -> str:
    """Say which neurons are ringed: those that raise most, as far as they are drawn."""
    drawn = len(best) == min(STRONGEST, int((votes.terms > 0).sum()))
    text = f"the {len(best)} that raise most" if drawn else f"{len(best)} that raise"
    return f"ringed: {text}" if best else ""
