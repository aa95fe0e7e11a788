"""The figure of feature maps shows the trace's arrays, the run's kernel at work, and each layer's own scale."""

from dataclasses import replace

import figure_runs
import numpy as np
import pytest
from figure_checks import DrawnFigure, artist_center, draw_figure, layout_problems, painted_strings, text_spots
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_hex
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.formatting import format_number
from netcore.core.run import load_run
from netcore.core.sample import Sample
from netcore.training.recorder import record_run
from netcore.viz.layout.grid_layout import fit_tiles
from netcore.viz.mpl.image_grid import PixelImage
from netcore.viz.theme import DARK
from netcore.viz.wording import format_prediction

NODES = {"conv 1": "act1", "pool 1": "pool1", "conv 2": "act2", "pool 2": "pool2", "hidden": "hidden1_act"}
ROOTS = {"pool1": "act1", "pool2": "act2"}  # a pooling shows the maps of the layer that it reads
RAIL = 4  # grids of the image, the weights, the window and the products


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return lambda name: figure_runs.first_example_context(figure_runs.make_run(tmp_path_factory.mktemp("made"), name))


@pytest.fixture
def cnn(make_context, cnn_run):
    return make_context(cnn_run)


def largest(values: np.ndarray, count: int) -> np.ndarray:
    return np.sort(np.argsort(-values, kind="stable")[:count])


def units(trace, node: str, count: int) -> np.ndarray:
    """The maps that vary most over the image, or the neurons of the largest magnitude, in order."""
    output = trace[ROOTS.get(node, node)].output
    return largest(output.std((1, 2)) if output.ndim == 3 else np.abs(output), count)


def bars(fig) -> dict[str, float]:
    """Length of each class's bar, by its name; the empty name where there is none."""
    (ax,) = (ax for ax in fig.axes if len(ax.patches) in (2, 3) and all(isinstance(p, Rectangle) for p in ax.patches))
    names = [text for text in ax.texts if text.get_position()[0] < 0]
    return {name.get_text(): bar.get_width() for name, bar in zip(names, ax.patches, strict=True)}


def label_of(fig, grid) -> list[str]:
    """The texts left of a band, from the top line to the bottom, each from the left."""
    box, high = grid.ax.get_window_extent(), fig.bbox.height
    found = [s for s in text_spots(fig) if 260 < s.x < box.x0 and -4 < s.y - (high - box.y1) < 50]
    return [s.text for s in sorted(found, key=lambda s: (round((s.y - high + box.y1) / 18), s.x))]


def scale_of(fig, grid) -> AxesImage:
    """The strip of a band's colour scale."""
    box, high = grid.ax.get_window_extent(), fig.bbox.height
    strips = [i for i in fig.findobj(AxesImage) if not isinstance(i, PixelImage)]
    places = [(artist_center(i.axes), i) for i in strips]
    (found,) = (i for (x, y), i in places if 270 < x < box.x0 and 30 < y - (high - box.y1) < 50)
    return found


def note_of(fig) -> str:
    return next(s.text for s in text_spots(fig) if s.left < 30 and not s.bold)


def check_kernel(drawn: DrawnFigure, trace, at: int = RAIL) -> int:
    """The kernel is the run's, the window the image's, the sum PyTorch's; its map and pixel are framed."""
    fig, _, (image, weights, window, products, *views) = drawn
    conv, maps = trace["conv1"], views[at - RAIL]
    unit = int(trace["act1"].output.std((1, 2)).argmax())
    row, column = np.unravel_index(conv.output[unit].argmax(), conv.output.shape[1:])
    assert f"Kernel {unit + 1} → framed map" in painted_strings(fig)
    assert np.array_equal(weights.images()[0], conv.weight[unit, 0])
    rows, columns = row - 1 + np.arange(3), column - 1 + np.arange(3)
    pad = np.pad(trace.pixels[0] / 255, 1, constant_values=np.nan)
    assert np.allclose(window.images()[0], pad[np.ix_(rows + 1, columns + 1)], equal_nan=True)
    read = np.pad(trace.input[0], 1)[np.ix_(rows + 1, columns + 1)]
    assert np.allclose(products.images()[0], conv.weight[unit, 0] * read, atol=1e-6)
    numbers = {s.text for s in text_spots(fig) if s.left < 250}
    total = float(conv.output[unit, row, column])
    decimals = {len(n.partition(".")[2]) for n in numbers if n.replace("−", "").replace(".", "").isdigit()}
    assert any(f"{total:.{d}f}".replace("-", "−") in numbers for d in decimals)
    (frame,) = (p for p in image.ax.patches if to_hex(p.get_edgecolor()) == DARK.emphasis)
    scale = image.repeat
    assert (frame.get_x() + 0.5, frame.get_y() + 0.5) == (columns[0] * scale, rows[0] * scale)
    assert (frame.get_width(), frame.get_height()) == (3 * scale, 3 * scale)
    (outline,) = (
        c for c in maps.ax.collections
        if isinstance(c, PatchCollection) and to_hex(c.get_edgecolor()[0]) == DARK.emphasis
    )  # fmt: skip
    (path,) = outline.get_paths()
    tile = int(np.flatnonzero([np.array_equal(m, trace["act1"].output[unit]) for m in maps.images()])[0])
    y, x = maps.corner(tile)
    assert path.vertices[0] + 0.5 == pytest.approx((x, y), abs=2 * maps.cells_per_unit)
    (pixel,) = (p for p in maps.ax.patches if to_hex(p.get_edgecolor()) == DARK.emphasis)
    r = maps.repeat
    assert (pixel.get_x() + 0.5, pixel.get_y() + 0.5) == (x + column * r, y + row * r)
    return unit


def test_grid_shows_all_layers(cnn) -> None:
    drawn = draw_figure("feature_map_grid", cnn)
    fig, _, (image, *_), trace = *drawn, cnn.trace()
    views = drawn.grids[RAIL:]
    assert np.allclose(image.images()[0], trace.pixels[0] / 255)
    for name, grid, node in zip(NODES, views, NODES.values(), strict=True):
        output, shown = trace[node].output, len(grid.images())
        chosen = units(trace, node, shown)
        assert np.array_equal(grid.images().squeeze(), output[chosen].squeeze())
        limit = float(output.max())
        assert (grid.image.norm.vmin, grid.image.norm.vmax) == (0, limit)
        scale = scale_of(fig, grid)
        assert scale.get_extent()[:2] == pytest.approx([0, limit])
        colors = grid.image.to_rgba(np.linspace(0, limit, 256))
        assert np.allclose(scale.to_rgba(scale.get_array())[0], colors, atol=0.02)
        size = [] if output.ndim == 1 else ["{}×{}".format(*output.shape[1:])]
        word = "neurons" if output.ndim == 1 else "maps"
        count = f"{len(output)}" if shown == len(output) else f"{shown} of {len(output)}"
        assert label_of(fig, grid) in (
            [name, *size, f"{count} {word}", "0", format_number(limit)], [name, *size, count, "0", format_number(limit)]
        )  # fmt: skip
    probabilities = dict(zip(cnn.classes, trace.probabilities, strict=True))
    assert bars(fig) == pytest.approx({k: probabilities[k] for k in sorted(probabilities, key=probabilities.get)[-3:]})
    answer = format_prediction(cnn.classes, trace.prediction, trace.confidence, trace.label)
    assert note_of(fig) == answer + " · maps: highest variance over the image"
    check_kernel(drawn, trace)


def test_grid_animation_follows_layers(cnn) -> None:
    fig, update, (image, *grids) = draw_figure("feature_map_grid", cnn)
    views, steps = grids[RAIL - 1 :], len(NODES) + 2
    notes = [
        "image: 1×28×28 pixels",
        "convolution 1: Conv 3×3 → BN → ReLU; 32 maps of 28×28",
        "pooling 1: Max-pool 2×2; 32 maps of 14×14",
        "convolution 2: Conv 3×3 → BN → ReLU; 64 maps of 14×14",
        "pooling 2: Max-pool 2×2; 64 maps of 7×7",
        "hidden layer: Dense → ReLU; 320 neurons",
    ]
    for step in range(steps):
        update((step + 0.5) / steps)
        assert [bool(np.isfinite(view.images()).all()) for view in views] == [step > k for k in range(len(views))]
        names = {s.text: s.color for s in text_spots(fig)}
        assert [names[name] == DARK.emphasis for name in NODES] == [step == k for k in range(1, len(views) + 1)]
        assert np.allclose(image.images()[0], cnn.sample.pixels[0] / 255)
        answered = step == steps - 1
        assert note_of(fig).startswith("predicted") if answered else note_of(fig) == notes[step]
        assert (max(bars(fig).values()) > 0) == answered == ("" not in bars(fig))


def test_grid_of_one_layer(cnn) -> None:
    drawn = draw_figure("feature_map_grid", cnn, layer="conv1")
    trace = cnn.trace()
    assert np.array_equal(drawn.grids[RAIL].images(), trace["act1"].output)
    assert "Feature maps of convolution 1, cnn-2conv, epoch 1" in painted_strings(drawn.fig)
    check_kernel(drawn, trace)
    fig, _, (_, weights, source, products, maps) = draw_figure("feature_map_grid", cnn, layer="conv2")
    assert np.array_equal(maps.images(), trace["act2"].output)
    conv, unit = trace["conv2"], int(trace["act2"].output.std((1, 2)).argmax())
    channel = next(k for k in range(32) if np.array_equal(weights.images()[0], conv.weight[unit, k]))
    x = trace["pool1"].output[channel]
    assert f"map {channel + 1}" in painted_strings(fig)
    assert np.allclose(source.images()[0], x / max(x.max(), 1e-9))
    row, column = np.unravel_index(conv.output[unit].argmax(), conv.output.shape[1:])
    window = np.pad(x, 1)[row : row + 3, column : column + 3]
    assert np.allclose(products.images()[0], conv.weight[unit, channel] * window, atol=1e-6)
    fig, _, (_, neurons) = draw_figure("feature_map_grid", cnn, layer="hidden1")
    assert np.array_equal(neurons.images().ravel(), trace["hidden1_act"].output)
    assert "Activations of hidden layer, cnn-2conv, epoch 1" in painted_strings(fig)
    with pytest.raises(NetcoreError, match="did you mean 'conv1'"):
        draw_figure("feature_map_grid", cnn, layer="comv1")


def test_grid_over_training(cnn) -> None:
    drawn = draw_figure("feature_map_grid", cnn, layer="conv1", over="training")
    fig, update, grids = drawn
    traces = [cnn.trace(at=snapshot) for snapshot in cnn.snapshots]
    unit = int(np.mean([t["act1"].output.std((1, 2)) for t in traces], 0).argmax())
    assert grids[RAIL].image.norm.vmax == max(trace["act1"].output.max() for trace in traces)
    for i, trace in enumerate(traces):
        update((i + 0.5) / len(traces))
        assert np.array_equal(grids[RAIL].images(), trace["act1"].output)
        assert np.array_equal(grids[1].images()[0], trace["conv1"].weight[unit, 0])
        assert max(bars(fig).values()) == pytest.approx(trace.confidence)
        assert any(s.text.startswith(cnn.snapshots[i].label) for s in text_spots(fig) if s.y > 380)


def test_grid_over_images(cnn) -> None:
    fig, update, grids = draw_figure("feature_map_grid", cnn, over="images", images=4)
    examples = cnn.examples()
    pictures = [Sample(examples.images[k], int(examples.labels[k])) for k in range(3)] + [cnn.sample]
    traces = [cnn.trace(sample=sample) for sample in pictures]
    for i, trace in enumerate(traces):
        update((i + 0.5) / 4)
        assert np.allclose(grids[0].images()[0], trace.pixels[0] / 255)
        assert max(bars(fig).values()) == pytest.approx(trace.confidence)
        for grid, node in zip(grids[RAIL:], NODES.values(), strict=True):
            outputs = [t[ROOTS.get(node, node)].output for t in traces]
            strength = [o.std((1, 2)) if o.ndim == 3 else np.abs(o) for o in outputs]
            chosen = largest(np.mean(strength, 0), len(grid.images()))
            assert np.array_equal(grid.images().squeeze(), trace[node].output[chosen].squeeze())
            assert grid.image.norm.vmax == max(t[node].output.max() for t in traces)


def test_grid_signed_and_color(made) -> None:
    context = made("rgb")
    fig, _, (image, weights, window, *_) = draw_figure("feature_map_grid", context)
    assert np.array_equal(image.images()[0], context.sample.pixels.transpose(1, 2, 0))
    assert window.images().shape == (1, 3, 3, 3)
    assert weights.images().shape == (1, 9, 3)  # the channels one below the other
    assert "4 of 6 layers with maps" in note_of(fig)
    context = made("hundred")  # tanh: both signs
    fig, _, grids = draw_figure("feature_map_grid", context)
    trace = context.trace()
    for grid, node in zip(grids[RAIL:], ("act1", "act2", "pool1"), strict=True):
        limit = float(np.abs(trace[node].output).max())
        assert (grid.image.norm.vmin, grid.image.norm.vmax) == (-limit, limit)
        assert label_of(fig, grid)[-2:] == [format_number(-limit), format_number(limit)]
    assert "3 of 100 classes" in painted_strings(fig)


def test_grid_of_deep_large_images(tmp_path) -> None:
    """Images of 224 × 224, residual sums, strides, many layers: all texts fit, some layers are shown."""
    torch_model = _Residual().eval()
    images = np.random.default_rng(0).integers(0, 256, (4, 3, 224, 224), dtype=np.uint8)
    with record_run(torch_model, (images, np.arange(4) % 2), tmp_path / "deep", classes=("cat", "dog")) as recorder:
        recorder.snapshot(0)
    context = figure_runs.first_example_context(load_run(tmp_path / "deep"))
    for size, options in (((800, 450), {}), ((450, 800), {}), ((800, 450), {"layer": "sum 2"})):
        fig, _, grids = draw_figure("feature_map_grid", context, size=size, **options)
        assert layout_problems(fig) == []
    assert len(grids) == 2  # a sum has no kernel
    unlabelled = replace(context, sample_or_none=Sample(context.sample.pixels))
    assert note_of(draw_figure("feature_map_grid", unlabelled).fig).startswith("predicted ")


class _Residual(nn.Module):
    """Three residual sums of strided convolutions, then the average."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 7, 2, 3)
        self.first = nn.ModuleList(nn.Conv2d(8, 8, 3, 1, 1) for _ in range(6))
        self.second = nn.ModuleList(nn.Conv2d(8, 8, 3, 1, 1) for _ in range(6))
        self.head = nn.Linear(8, 2)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.stem(x).relu(), 2)
        for a, b in zip(self.first, self.second, strict=True):
            x = (x + b(a(x).relu())).relu()
        return self.head(x.mean((2, 3)))


def test_fit_tiles_shows_most() -> None:
    assert fit_tiles(8, 1.0, (400, 50), 5, 40) == 7  # one row: eight would be less than 46 high
    assert fit_tiles(64, 1.0, (400, 200), 5, 40) == 32  # four rows of eight
    assert fit_tiles(5, 1.0, (400, 50), 5, 40) == 5
    assert fit_tiles(64, 2.0, (400, 50), 5, 40) == 14  # half as wide as high
    assert fit_tiles(3, 1.0, (400, 20), 5, 40) == 3
