"""The lab's JavaScript, in Chromium, beside PyTorch and Pillow."""

from functools import partial

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest
import torch
from browser import decode, encode, evaluate_json, open_script, start_chromium
from figure_runs import MADE
from networks import SHAPES, ZOO
from sampling import sampled
from torch import nn

from netcore.analysis.unit_edits import normal_numbers
from netcore.core.errors import NetcoreError
from netcore.core.sample import read_sample
from netcore.models.build import build_model
from netcore.models.export import export_graph
from netcore.models.exported_model import ExportedModel
from netcore.tracing.tracer import trace_module
from netcore.web.program import program_of_trace

COMPUTED = (
    "mlp", "skip", "functional", "in-place", "densenet", "inception", "mobilenet", "used-twice", "summed", "shuffle",
    "pixel-head", "padded", "log-softmax", "softmax",
)  # fmt: skip
REFUSED = {
    "vit-encoder": "transpose", "fused-attention": "Linear", "lstm": "permute", "hand-norm": "mean",
    "matmul": "matmul",
}  # fmt: skip


class Mixed(nn.Module):
    """What the zoo has not: strides, dilation, average pooling with padding, all activations."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            [
                nn.Conv2d(1, 6, 5, stride=2, padding=2),
                nn.Conv2d(6, 6, 3, dilation=2, padding="same", groups=3),
                nn.Conv2d(6, 5, (1, 3), stride=(1, 2)),
            ]
        )
        self.pools = nn.ModuleList([nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(2, 1, 1, count_include_pad=False)])
        self.norm, self.head = nn.BatchNorm1d(7), nn.Linear(7, 10)
        self.hidden = nn.Linear(5 * 2 * 3, 7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.gelu(self.convs[0](x))
        x = nn.functional.silu(self.pools[0](self.convs[1](x)))
        x = nn.functional.leaky_relu(self.pools[1](x), 0.2)
        x = nn.functional.elu(self.convs[2](x))
        x = nn.functional.adaptive_avg_pool2d(nn.functional.gelu(x, approximate="tanh"), (2, 3))
        return self.head(nn.functional.hardswish(self.norm(self.hidden(x.flatten(1)))) * 0.5)


MODELS = (
    {name: (ZOO[name], SHAPES[name]) for name in COMPUTED}
    | {name: (partial(build_model, *MADE[name]), MADE[name][1]) for name in MADE}
    | {"mixed": (Mixed, (1, 28, 28))}
)


@pytest.fixture(scope="module")
def script():
    with start_chromium() as browser:
        yield open_script(browser, "network.js", "prepare.js", "edits.js")


def random_trace(name):
    """A trace of random pixels; normalizations have random statistics."""
    make, shape = MODELS[name]
    torch.manual_seed(0)
    module = make().eval()
    for part in module.modules():
        if getattr(part, "running_var", None) is not None:
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
    if not isinstance(module, nn.Sequential):  # as an imported run stores it
        graph, constants = export_graph(module, shape)
        exported = ExportedModel(graph, constants).eval()
        exported.load_state_dict(module.state_dict())
        module = exported
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with torch.no_grad():
        count = module(torch.zeros(1, *shape)).shape[1]
    mean, std = [0.3] * shape[0], [0.4] * shape[0]
    return trace_module(module, pixels, classes=[str(k) for k in range(count)], mean=mean, std=std), mean, std


COMPUTE = """({ program, parameters, pixels }) => {
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const text = (array) => { let s = ""; for (const b of new Uint8Array(array.buffer)) s += String.fromCharCode(b); return btoa(s); };
    const values = new Map(Object.entries(parameters).map(([k, v]) => [k, new Float32Array(bytes(v).buffer)]));
    const network = new netcore.Network(program, values);
    const probabilities = Array.from(network.classifyPixels(bytes(pixels)));
    return { probabilities, nodes: Object.fromEntries(program.nodes.map((n) => [n.name, text(network.values.get(n.name))])) };
}"""  # noqa: E501


@pytest.mark.parametrize("name", sampled(list(MODELS), every=4))
def test_nodes_match_pytorch(script, name):
    trace, mean, std = random_trace(name)
    program = program_of_trace(trace)
    description = {
        "input": {"shape": list(trace.input.shape), "mean": mean, "std": std},
        "nodes": program.nodes,
        "output": program.output,
        "outputKind": program.output_kind,
        "classes": list(trace.classes),
    }
    given = {
        "program": description,
        "parameters": {k: encode(v) for k, v in program.parameters.items()},
        "pixels": encode(trace.pixels),
    }
    found = evaluate_json(script, COMPUTE, given)
    assert len(found["nodes"]) >= 3
    for layer in trace.layers:
        if layer.name not in found["nodes"] or (name == "shuffle" and layer.kind in ("view", "transpose")):
            continue
        expected = layer.output.ravel()
        limit = 2e-5 * max(1.0, float(np.abs(expected).max()))
        assert np.abs(decode(found["nodes"][layer.name]) - expected).max() <= limit, layer.name
    assert np.abs(np.array(found["probabilities"]) - trace.probabilities).max() <= 1e-5


@pytest.mark.parametrize("name", REFUSED)
def test_unsupported_operation_named(name):
    trace = trace_module(ZOO[name]().eval(), np.zeros(SHAPES[name], np.uint8), classes=list("0123456789"))
    with pytest.raises(NetcoreError, match=f"cannot compute {REFUSED[name]} of node '"):
        program_of_trace(trace)


def drawings():
    """Pictures as visitors give them, by name: size, polarity, pen, shading, transparency."""
    random = np.random.default_rng(3)
    sizes = {"pad": 140, "light": 256, "thin": 700, "small": 40, "wide": (300, 180), "photo": (640, 480), "exact": 28}
    for name, size in sizes.items():
        width, height = size if isinstance(size, tuple) else (size, size)
        is_light = name in ("light", "photo")
        image = PIL.Image.new("L", (width, height), 255 * is_light)
        points = [(width * (0.2 + 0.6 * x), height * (0.2 + 0.6 * y)) for x, y in random.random((5, 2))]
        pen = max(1, int(min(width, height) * (0.01 if name == "thin" else 0.08)))
        PIL.ImageDraw.Draw(image).line(points, fill=255 * (not is_light), width=pen, joint="curve")
        if name == "photo":
            y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
            shaded = 0.6 * np.asarray(image) + 60 * x + 20 * y + random.normal(0, 4, x.shape)
            image = PIL.Image.fromarray(shaded.clip(0, 255).astype(np.uint8)).convert("RGB")
        if name == "wide":
            image = PIL.Image.merge("RGBA", [image.point(lambda v: 40)] * 3 + [image])
        yield name, image


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 20, 24)])
@pytest.mark.parametrize(("name", "image"), list(drawings()), ids=lambda v: v if isinstance(v, str) else "")
def test_picture_prepared_as_predict(script, tmp_path, shape, name, image):
    image.save(tmp_path / "drawing.png")
    expected = read_sample(tmp_path / "drawing.png", shape)[0].pixels
    rgba = np.asarray(image if image.mode == "L" else image.convert("RGBA"))
    given = {"data": encode(rgba), "width": image.width, "height": image.height, "shape": shape}
    prepare = """({ data, width, height, shape }) => Array.from(netcore.preparePicture({ width, height,
        data: Uint8Array.from(atob(data), (c) => c.charCodeAt(0)) }, shape).pixels)"""
    found = np.array(evaluate_json(script, prepare, given)).reshape(shape)
    assert np.abs(found - expected.astype(int)).max() <= 1
    assert expected.max() > 60, "nothing drawn"


def test_blank_picture_has_no_pixels(script):
    blank = "() => netcore.preparePicture({ width: 140, height: 140, data: new Uint8Array(19600) }, [1, 28, 28])"
    assert evaluate_json(script, blank, None)["pixels"] is None


@pytest.mark.slow
def test_noise_equal_in_python(script):
    numbers = "(n) => { const next = netcore.normalNumbers(7); return Array.from({ length: n }, next); }"
    found = np.array(evaluate_json(script, numbers, 2000))
    assert found == pytest.approx(normal_numbers(7, 2000), abs=1e-12)
    assert abs(found.mean()) < 0.1
    assert found.std() == pytest.approx(1, abs=0.05)
