"""Base class of a film from maps to class probabilities."""

import numpy as np

from netcore.analysis.vector_head import vector_head
from netcore.core.formatting import format_percent
from netcore.viz.film.components import cnn_wording as wording
from netcore.viz.film.components.head_wording import (
    drawn_terms,
    followed_terms,
    hidden_caption,
    lead_terms,
    lead_text,
    score_caption,
)
from netcore.viz.film.components.map_film import GAP, MapFilm
from netcore.viz.film.components.parameter_counter import derive_parameters
from netcore.viz.film.components.vector_columns import VectorColumns, units_that_fit
from netcore.viz.layout.area import Area

MAX_NEURONS = 16  # drawn per column
MIN_TRAIL = 5.0  # width of the pictures beside the bars, in the takeaway


class HeadFilm(MapFilm):
    """The vector, the dense layers, the scores and the answer, after `open_maps` and the maps."""

    def show_vector(self) -> None:
        """The maps become a column."""
        vector, dense = self.found.blocks.vector, self.found.blocks.dense
        values = self.trace.value(vector.output).ravel()
        left, right = self.main.columns([1, 2.9], GAP)
        units = units_that_fit(self.main, MAX_NEURONS)
        kept = self.followed_value(len(values)) if vector.is_reshape and dense else None
        self.head = vector_head(self.trace, values, dense, units, min(self.max_classes, units), kept)
        self.view = VectorColumns(self.theme, self.trace, self.head, right, wording.column_words(vector, self.head))
        caption = wording.vector_caption(vector, self.stages[-1].channels, self.stages[-1].size, len(values))
        shown = len(self.head.index[0])
        terms = drawn_terms(self.head, kept) if shown < len(values) else []
        with self.step("{text}", name="vector", text=caption):
            moves = self.grid.move(left)
            mark = self.carry_mark(None if kept is None else self.path.places[-1])
            self.play(self.take_leaving(), moves, mark, self.counter.settle())
            show = self.view.unroll(self.grid, len(values), kept) if dense else self.view.show_scores()
            self.play(show, self.sums.change(*terms))

    def followed_value(self, length: int) -> int | None:
        """Place in a vector of the value followed, None if none is."""
        unit, place, last = self.path.units[-1], self.path.places[-1], self.stages[-1]
        if place is None or length != last.values.size or self.mark.opacity == 0:
            return None
        return int(np.ravel_multi_index((unit, *place), last.values.shape))

    def show_dense(self) -> None:
        """Layer by layer, the sum of one unit."""
        head, dense = self.head, self.found.blocks.dense
        for k, layer in enumerate(dense, 1):
            last = k == len(dense)
            text = derive_parameters(layer.block.main, len(layer.output))
            caption = score_caption(head) if last else hidden_caption(head, k)
            unit = head.followed(k)
            name = f"score of {wording.class_name(self.trace, unit)}" if last else f"neuron {unit + 1}"
            with self.step("{text}", name="dense" if last else f"hidden-{k}", text=caption):
                terms = followed_terms(head, k, name)
                self.play(self.view.connect(k - 1), self.counter.add(layer.block.parameters, text))
                self.play(self.sums.change(*terms))

    def show_answer(self) -> None:
        """Softmax, why the answer leads, takeaway."""
        trace, head, view = self.trace, self.head, self.view
        answer, other = (wording.class_name(trace, k) for k in (head.answer, head.other))
        share = format_percent(trace.confidence)
        with self.step("Softmax: {share} for {answer}", name="softmax", share=share, answer=answer):
            self.play(view.to_shares(), self.sums.change(*wording.softmax_terms(trace)), self.counter.settle())
        lead = lead_text(head)
        with self.step("{answer} leads {other} by {lead}", name="lead", answer=answer, other=other, lead=lead):
            terms = lead_terms(head)
            self.play(view.show_lead((answer, other)), self.sums.change(*terms, delay=0.8))
        self.show_takeaway(lead)

    def show_takeaway(self, lead: str) -> None:
        """What has passed, beside the probabilities where there is room."""
        trace, head, view, last = self.trace, self.head, self.view, self.stages[-1]
        left = min(float(name.points[:, 0].min()) for name in view.names) - GAP
        beside = left - self.main.left > MIN_TRAIL
        area = Area(self.main.left, self.main.bottom, left, self.main.top) if beside else self.main
        moves = [*self.retire(), *self.hide_mark(), *view.leave(beside), *self.sums.change(), *self.counter.leave()]
        count = self.found.blocks.parameters
        answer, other = wording.takeaway_names(trace, head, count, lead)
        self.takeaway(
            "{way}", "{count} parameters; {answer} leads {other} by {lead}", moves, self.trail.spread(area),
            way=wording.way_caption(trace, head, last.channels, view.words), answer=answer, other=other,
            count=count, lead=lead,
        )  # fmt: skip
