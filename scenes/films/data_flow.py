"""Data flow

What shape the data have where in {network}, and where its parameters are: boxes of as many cells as there are numbers,
parameters counted block by block, and the multiplications of one pass. Predicted {prediction} ({confidence}); true
class: {label}.
"""

from netcore.analysis.data_stages import DataStage, data_stages
from netcore.core.formatting import format_number
from netcore.viz.film.animation import Animate
from netcore.viz.film.components import data_wording as wording
from netcore.viz.film.components.cnn_wording import image_words
from netcore.viz.film.components.data_board import DataBoard
from netcore.viz.film.components.data_columns import image_column, predicted, stage_columns
from netcore.viz.film.components.data_image import DataImage
from netcore.viz.film.components.fades import fade_in, fade_out
from netcore.viz.film.components.multiplication_wording import positions_terms, total_terms, use_examples
from netcore.viz.film.components.share_pieces import SharePieces
from netcore.viz.film.components.sum_line import SumLine, Term
from netcore.viz.film.edges import Edges
from netcore.viz.film.film import Film

NEEDS = ()

MAX_PLAIN = 3  # neighbouring blocks without parameters that have a step each


class DataFlowFilm(Film):
    """Shapes, parameters and multiplications of a network, block by block.

    Attributes
    ----------
    max_blocks : int
        Maximum number of blocks; neighbours are joined if there are more.
    """

    max_blocks: int = 8

    def construct(self) -> None:
        """Play the steps."""
        self.trace = self.context.trace()
        self.flow = data_stages(self.trace, self.max_blocks)
        self.sums = SumLine(self.theme, self.sum_line_box)
        self.leaving: list[Animate] = []  # of what is gone when the next step begins
        self.is_explained = False  # what shades mean
        self.board = DataBoard(
            self.theme,
            self.stage,
            [image_column(self.theme, self.trace), *stage_columns(self.theme, self.flow)],
        )
        self.show_image()
        self.show_stages()
        self.show_shares()
        if self.flow.multiplications:
            self.show_multiplications()
        first, second = wording.conclusion(self.flow)
        self.takeaway(first, second, self.take_leaving(), self.board.mark_largest(), self.sums.change())

    def take_leaving(self) -> list[Animate]:
        """Return what leaves at the beginning of a step."""
        gone, self.leaving = self.leaving, []
        return gone

    # ---- the image

    def show_image(self) -> None:
        """Show the image, then as a box."""
        h, w = self.trace.pixels.shape[1:]
        image = DataImage(self.theme, self.board, self.stage)
        with self.step("{image}: {h} × {w} pixels", name="image", image=image_words(self.trace), h=h, w=w):
            self.play(image.appear())
        notes = "One cell is one number; the sides of very thin boxes are drawn three pixels wide."
        with self.step("A box: as many cells as numbers", name="box", notes=notes):
            self.play(image.open())
            words = wording.channel_words(len(self.trace.input))
            self.play(image.explain(), self.sums.change(wording.size_text(self.trace.input.shape), (words, "muted")))
        self.leaving = image.leave()

    # ---- block by block

    def show_stages(self) -> None:
        """Show block by block."""
        plain: list[int] = []
        counted = False
        for k, stage in enumerate(self.flow.stages, 1):
            if not any(op.parameters for op in stage.block.operations):
                plain.append(k)
                continue
            self.show_plain(plain)
            plain = []
            if not counted:
                self.show_shape(k, stage)
            name = f"block-{k}" if counted else "parameters"
            with self.step("{text}", name=name, text=wording.parameter_caption(stage)):
                if counted:
                    self.enter(k)
                self.count(k, stage)
            counted = True
        self.show_plain(plain)

    def show_shape(self, k: int, stage: DataStage) -> None:
        """Show what the first block with parameters gives."""
        with self.step("{text}", name=f"block-{k}", text=wording.shape_caption(stage)):
            words = self.enter(k)
            how = wording.window_words(stage)
            rings = self.board.window_rings(k, stage.block.main.window) if how else []
            self.play(
                fade_in(rings),
                self.sums.change(*([how] if how else []), *([("     " + words, "muted")] if words else [])),
            )
            self.leaving += fade_out(rings)

    def show_plain(self, group: list[int]) -> None:
        """Show blocks without parameters in one step."""
        if 0 < len(group) <= MAX_PLAIN:
            for k in group[:-1]:
                self.show_plain([k])
            group = group[-1:]
        if not group:
            return
        stages = [self.flow.stages[k - 1] for k in group]
        with self.step("{text}", name=f"block-{group[0]}", text=wording.plain_caption([s.block for s in stages])):
            for k, stage in zip(group, stages, strict=True):
                shade = self.enter(k, 1 / len(group))
                before, column = self.board.columns[k - 1 : k + 1]
                words: list[Term] = [wording.plain_words(stage, column.box.shape, before.values.shape)]
                words += [(shade, "muted")] if shade else []
                bar = self.board.grow(k) if self.board.rows else []
                self.play(bar, self.sums.change(*words))

    def enter(self, k: int, pace: float = 1.0) -> str:
        """Let the box before a column become that column's; return what its shades mean if it is the first."""
        stage, board = self.flow.stages[k - 1], self.board
        box, rows = board.columns[k].box, int(board.strip.total.value > 0)
        first = board.show([*board.columns[0].texts, *board.strip.cube_texts]) if k == 1 else []
        self.play(self.take_leaving(), self.sums.change(), board.arrange(k + 1, rows, 0.8 * pace), first)
        moves, appear = board.send(k, pace)
        about = wording.about_block(stage, box.signed and box.shape[0] * box.shape[2] > 1, box.unit)
        self.play(moves, board.show(board.columns[k].texts[:1]), board.describe(k, about))
        self.play(appear)
        explained, self.is_explained = self.is_explained, True
        return "" if explained else wording.front_words(stage, box.unit, box.signed, format_number(box.vmax))

    def count(self, k: int, stage: DataStage) -> None:
        """Write a block's parameters as a product, and let its bar grow."""
        board, product = self.board, stage.product
        moves = board.arrange(k + 1, 1) if board.rows == 0 else []
        self.play(moves, self.sums.change(*self.count_terms(k, stage)), self.take_leaving())
        edge: list[Edges] = []
        if product and product.taps > 1 and product.inputs == board.columns[k - 1].box.shape[0] > 1:
            edge = [board.depth_edge(k - 1)]
        self.play(board.grow(k), fade_in(edge))
        self.leaving = fade_out(edge)

    def count_terms(self, k: int, stage: DataStage) -> list[Term]:
        """Write a block's parameters, a new scale of the bars, and the answer of the last block."""
        terms, top = wording.parameter_terms(stage), self.board.full[0]
        if stage.parameter_count > top > 0:
            terms.append((f"     bars: new scale, top {stage.parameter_count:,}", "muted"))
        if not top:
            terms += wording.definition_terms(stage)
        if wording.is_output(stage):
            name, percent = predicted(self.trace, 12)
            terms.append((f"     softmax of the scores gives {name}: {percent}", "foreground"))
        return terms

    # ---- all together

    def show_shares(self) -> None:
        """Show what share of the parameters each block has."""
        with self.step("Together: {n} parameters", name="together", n=self.flow.parameters):
            words = self.sums.change(("below each block: its share of all parameters", "muted"))
            self.play(self.take_leaving(), self.board.undescribe(), words)
            self.pieces = SharePieces(self.board)
            self.play(self.pieces.join())

    def show_multiplications(self) -> None:
        """Show how often weights are used: the busiest convolution's, the largest dense layer's, all."""
        board, flow = self.board, self.flow
        for n, k in enumerate(use_examples(flow)):
            stage = flow.stages[k - 1]
            name = wording.stage_name(stage.block)
            text = "{title}: each weight at {n} places" if stage.positions != 1 else "{title}: each weight once"
            with self.step(text, name=f"uses-{n + 1}", title=name, n=stage.positions):
                self.to_both_rows()
                self.play(board.grow(k, 1), self.sums.change(*positions_terms(stage)))
        once = flow.is_used_once
        text = "Each weight once: {n} multiplications" if once else "One pass: {n} multiplications by weights"
        with self.step(text, name="multiplications", n=flow.multiplications):
            self.to_both_rows()
            self.play(board.grow_all(1), self.sums.change(*total_terms(flow)))

    def to_both_rows(self) -> None:
        """Turn the stick into bars again, and make room for a second row."""
        if self.board.rows < 2:
            self.play(self.pieces.part())
            self.play(self.board.arrange(len(self.board.columns), 2))
