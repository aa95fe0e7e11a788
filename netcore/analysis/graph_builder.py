"""Build a network's graph from a trace or from run.json."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from netcore.analysis.axes import IMAGE, output_axes, tidy_axes
from netcore.analysis.blocks import Graph
from netcore.analysis.layer_names import constant_title, operation_title
from netcore.analysis.operations import PADS, Operation, Window
from netcore.analysis.regions import needed_names
from netcore.core.errors import NetcoreError
from netcore.core.run import Run
from netcore.core.trace import Trace

PAIRS = ("kernel_size", "stride", "padding", "dilation")


def graph_of_trace(trace: Trace) -> Graph:
    """Read the graph of a traced network, folded to layers.

    Values are not kept: `trace.value(block.output)` gives them.
    """
    rows = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "inputs": layer.inputs,
            "output": layer.output.shape,
            "outputs": {name: value.shape for name, value in layer.outputs.items()},
            "parameter_sizes": layer.parameter_sizes,
            "parameters": layer.parameters,
            "weight": layer.weight_name,
            "module": layer.module,
            "class": layer.module_class,
            "batch_axis": layer.batch_axis,
            "settings": layer.settings,
        }
        for layer in trace.layers
    ]
    return build_graph(rows, trace.input.shape, len(trace.classes))


def graph_of_run(run: Run) -> Graph:
    """Read the graph that run.json records, without weights or values."""
    try:
        return build_graph(run.layers, run.input_shape, len(run.classes))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise NetcoreError(
            f"run '{run.name}' is damaged (layers in run.json: {error}): train or import it again"
        ) from error


def find_layer_title(rows: Sequence[Mapping[str, Any]], input_shape: Sequence[int], name: str) -> str:
    """Title of the layer that a name belongs to; the name itself if it is not in the graph.

    Parameters
    ----------
    rows, input_shape : see `build_graph`.
    name : str, of a layer with weights.
    """
    graph = build_graph(rows, input_shape)
    found = next((b for b in graph if name in [b.name, *(op.node for op in b.operations)]), None)
    if found is not None:
        return found.title
    return f"layer {name}" if name.isdigit() else name


def build_graph(rows: Sequence[Mapping[str, Any]], input_shape: Sequence[int], classes: int = 0) -> Graph:
    """Build the graph of a network from rows of run.json, folded to layers.

    Parameters
    ----------
    rows : name, kind, inputs, output, outputs, parameter_sizes, module, class, batch_axis, settings of each node; those
        of older runs have only name, kind, input, output and parameters, and follow one another.
    input_shape : (C, H, W)
    classes : int, optional
        Number of classes: the last node with that many values gives the scores.
    """
    rows = _with_inputs(rows)
    shape = tuple(input_shape)
    axes: dict[str, tuple[str, ...]] = {"input": IMAGE}
    shapes: dict[str, tuple[int, ...]] = {"input": shape}
    batch: dict[str, int | None] = {"input": 0}
    found: dict[str, Operation] = {}
    for row in _needed(rows, classes):
        op = _operation(row, axes, shapes, batch)
        found[op.node] = _padded(op, found, row.get("settings") or {})
    graph = Graph(tuple(found.values()), (), shape)
    return graph.fold("layer")


def _operation(
    row: Mapping[str, Any],
    axes: dict[str, tuple[str, ...]],
    shapes: dict[str, tuple[int, ...]],
    batch: dict[str, int | None],
) -> Operation:
    """One node; its outputs are entered in `axes`, `shapes` and `batch`."""
    name, kind, shape = row["name"], row["kind"], tuple(row["output"])
    settings = row.get("settings") or {}
    sources = [(axes[n], shapes[n]) for n in row["inputs"] if n in axes] or [(IMAGE, shapes["input"])]
    given = next((n for n in row["inputs"] if n in axes), "input")
    batches = batch.get(given, 0), row.get("batch_axis", 0)
    axes[name] = tidy_axes(output_axes(kind, settings, sources, shape, batches))
    shapes[name], batch[name] = shape, row.get("batch_axis", 0)
    outputs = row.get("outputs") or {}
    for other, size in outputs.items():
        shapes[other], batch[other] = tuple(size), 0
        axes[other] = _state_axes(kind, axes[name], tuple(size))
    window = _window(kind, settings, shapes[given], shape)
    channels = (shapes[given][0] if shapes[given] else 0, shape[0] if shape else 0)
    title = operation_title(kind, window, channels)
    number = settings.get("b", settings.get("other"))
    if len(row["inputs"]) == 1 and not _parameters(row) and isinstance(number, (int, float)):
        title = constant_title(kind, number)
    return Operation(
        name, kind, title, tuple(row["inputs"]), (name, *outputs), shape, axes[name],
        _parameters(row), window, shapes[given], axes[given], row.get("module", ""), row.get("class", ""),
    )  # fmt: skip


def _padded(op: Operation, found: Mapping[str, Operation], settings: Mapping[str, Any]) -> Operation:
    """A padding of its own counts as padding of the convolution or pooling after it; it is recorded as a window."""
    if op.kind in PADS:
        sides = settings.get("pad", settings.get("padding"))
        if isinstance(sides, (tuple, list)) and len(sides) == 4:  # left, right, top, bottom
            return replace(op, window=Window((1, 1), padding=(sides[2], sides[0])))
        return op
    before = found.get(op.inputs[0]) if op.inputs else None
    if before is None or before.kind not in PADS or before.window is None or op.window is None:
        return op
    rows, columns = (a + b for a, b in zip(op.window.padding, before.window.padding, strict=True))
    return replace(op, window=replace(op.window, padding=(rows, columns)))


def _state_axes(kind: str, axes: tuple[str, ...], shape: tuple[int, ...]) -> tuple[str, ...]:
    if kind in ("LSTM", "GRU", "RNN"):
        return ("layer", "feature")[-len(shape) :]
    return axes if len(axes) == len(shape) else ("axis",) * len(shape)


def _parameters(row: Mapping[str, Any]) -> dict[str, int]:
    sizes = dict(row.get("parameter_sizes") or {})
    if not sizes and row.get("parameters"):
        return {row.get("weight") or f"{row['name']}.weight": int(row["parameters"])}
    return sizes


def _with_inputs(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Rows of older runs lack inputs: each reads the one before it."""
    names = ["input", *(row["name"] for row in rows)]
    return [{"inputs": [before], **row} for before, row in zip(names, rows, strict=False)]


def _needed(rows: Sequence[Mapping[str, Any]], classes: int) -> list[Mapping[str, Any]]:
    """Rows that lead from the image to the scores."""
    if not rows:
        return []
    producer = {name: row["name"] for row in rows for name in (row["name"], *(row.get("outputs") or {}))}
    inputs = {row["name"]: [producer.get(name, name) for name in row["inputs"]] for row in rows}
    ends = [row["name"] for row in rows if classes and tuple(row["output"]) == (classes,)]
    wanted = needed_names(inputs, ends[-1] if ends else rows[-1]["name"])
    return [row for row in rows if row["name"] in wanted]


def _window(kind: str, settings: Mapping[str, Any], before: tuple[int, ...], after: tuple[int, ...]) -> Window | None:
    if "kernel_size" not in settings or not kind.startswith(("Conv", "MaxPool", "AvgPool", "LPPool")):
        return None
    kernel, stride, dilation = (_pair(settings.get(key) or 1) for key in ("kernel_size", "stride", "dilation"))
    padding = settings.get("padding", 0)
    if padding == "same":
        pads = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    else:
        pads = (0, 0) if isinstance(padding, str) else _pair(padding or 0)
    return Window(kernel, stride, (pads[0], pads[1]), dilation, int(settings.get("groups") or 1))


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    return int(pair[0]), int(pair[-1])
