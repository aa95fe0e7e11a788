"""Traces against plain PyTorch: values by hooks or by hand, gradients by autograd, all to 1e-5."""

import time
from dataclasses import asdict

import numpy as np
import pytest
import torch
import torch.fx
import torch.nn.functional as F
from networks import REFUSED, SHAPES, ZOO, Branching, Functional, InPlace, SkipCNN, TwoImages, resnet, tanh_mlp
from torch import nn

from netcore.core.errors import NetcoreError
from netcore.core.run_writer import RunWriter
from netcore.models.build import build_model
from netcore.models.loading import load_model
from netcore.tracing.tracer import trace, trace_module
from netcore.training.recipes import RECIPES

TEN = [str(n) for n in range(10)]


def image(shape=(1, 28, 28), seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def scrambled(module):
    """A network whose batch normalisation is not the identity."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 2)
            nn.init.uniform_(part.weight, 0.5, 2)
            nn.init.uniform_(part.bias, -0.2, 0.2)
    return module.eval()


def close(ours, theirs, what=""):
    np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-5, atol=1e-5, err_msg=what)


def oracle(module, pixels, label):
    """Output and its gradient for each layer (the last time it runs), loss and gradient of the input, by hooks."""
    module.zero_grad()
    outputs, grads = {}, {}

    def keep(name):
        def hook(_, args, out):
            outputs[name] = out.detach().clone()
            out.register_hook(lambda grad: grads.update({name: grad}))

        return hook

    handles = [m.register_forward_hook(keep(n)) for n, m in module.named_modules() if not list(m.children())]
    x = (torch.from_numpy(pixels)[None].float() / 255).requires_grad_()
    loss = F.cross_entropy(module(x), torch.tensor([label]))
    loss.backward()
    for handle in handles:
        handle.remove()
    return outputs, grads, loss, x.grad


@pytest.mark.parametrize("name", RECIPES)
def test_trace_of_recipes_matches_pytorch(name):
    module = scrambled(build_model(RECIPES[name].architecture))
    pixels = image()
    found = trace_module(module, pixels, classes=TEN, label=3, backward=True)
    outputs, grads, loss, grad_input = oracle(module, pixels, 3)
    assert [layer.name for layer in found.layers] == list(outputs)
    assert found.loss == pytest.approx(loss.item(), abs=1e-5)
    close(found.grad_input, grad_input[0])
    for layer in found.layers:
        own = module.get_submodule(layer.name)
        assert layer.kind == type(own).__name__
        close(layer.output, outputs[layer.name][0], layer.name)
        close(layer.grad_output, grads[layer.name][0], layer.name)
        if getattr(own, "weight", None) is not None:
            close(layer.weight, own.weight)
            close(layer.bias, own.bias)
            close(layer.grad_weight, own.weight.grad, layer.name)
            close(layer.grad_bias, own.bias.grad, layer.name)
        else:
            assert layer.weight is None
            assert layer.grad_weight is None
    close(found.logits, module(torch.from_numpy(pixels)[None] / 255)[0])
    assert sum(layer.parameters for layer in found.layers) == RECIPES[name].architecture.parameters()


def test_trace_contributions_sum_to_output():
    found = trace_module(build_model(RECIPES["mlp-1024"].architecture), image(), classes=TEN)
    for layer in found.layers:
        if layer.kind == "Linear":
            contributions = layer.weight * found.input_of(layer)
            np.testing.assert_allclose(contributions.sum(1) + layer.bias, layer.output, atol=1e-5)


def test_trace_of_resnet():
    module = scrambled(resnet())
    pixels = image((3, 32, 32))
    found = trace_module(module, pixels, classes=TEN, label=9, backward=True)
    graph = torch.fx.symbolic_trace(module).graph
    assert len(found.layers) == sum(n.op.startswith("call") for n in graph.nodes)
    outputs, grads, _, grad_input = oracle(_out_of_place(module), pixels, 9)
    close(found.grad_input, grad_input[0])
    once = [layer for layer in found.layers if layer.name in outputs and layer.kind != "ReLU"]
    assert len(once) > 40
    for layer in once:
        close(layer.output, outputs[layer.name][0], layer.name)
        close(layer.grad_output, grads[layer.name][0], layer.name)
    conv = module.layer3[0].conv1
    close(found["layer3.0.conv1"].grad_weight, conv.weight.grad)
    assert found["layer3.0.conv1"].settings["stride"] == (2, 2)
    add = found["layer1.0.add"]
    assert (add.kind, add.inputs) == ("add", ("layer1.0.bn2", "maxpool"))
    np.testing.assert_allclose(add.output, found.value("layer1.0.bn2") + found.value("maxpool"), atol=1e-6)
    assert found["layer1.0.relu_1"].inputs == ("layer1.0.add",)


def _out_of_place(module):
    for part in module.modules():
        if isinstance(part, nn.ReLU):
            part.inplace = False
    return module


def test_trace_kinds_of_function_calls():
    """A function call gets the kind of the module that does the same."""
    torch.manual_seed(1)
    module, pixels = Functional(), image()
    found = trace_module(module, pixels, classes=TEN, label=4, backward=True)
    assert [(layer.name, layer.kind) for layer in found.layers] == [
        ("conv2d", "Conv2d"),
        ("relu", "ReLU"),
        ("max_pool2d", "MaxPool2d"),
        ("mean", "AdaptiveAvgPool2d"),
        ("adaptive_avg_pool2d", "AdaptiveAvgPool2d"),
        ("view", "Flatten"),
        ("cat", "cat"),
        ("sigmoid", "Sigmoid"),
        ("linear", "Linear"),
    ]
    assert found["cat"].inputs == ("mean", "view")
    assert found["max_pool2d"].settings["kernel_size"] == (2, 2)
    assert found["conv2d"].settings["padding"] == (1, 1)
    x = (torch.from_numpy(pixels)[None] / 255).requires_grad_()
    conv = F.conv2d(x, module.kernels, padding=1)
    pool = F.max_pool2d(conv.relu(), 2)
    both = torch.cat([pool.mean((2, 3))] * 2, 1)
    logits = both.sigmoid() @ module.dense.T + module.offset
    conv.retain_grad()
    both.retain_grad()
    F.cross_entropy(logits, torch.tensor([4])).backward()
    close(found["max_pool2d"].output, pool[0])
    close(found["cat"].output, both[0])
    close(found["linear"].output, logits[0])
    close(found["conv2d"].grad_output, conv.grad[0])
    close(found["cat"].grad_output, both.grad[0])
    close(found["conv2d"].weight, module.kernels)
    close(found["linear"].grad_weight, module.dense.grad)
    close(found["linear"].grad_bias, module.offset.grad)
    close(found.grad_input, x.grad[0])


def test_trace_of_shared_relu():
    module = scrambled(SkipCNN())
    found = trace_module(module, image(), classes=TEN)
    names = [layer.name for layer in found.layers]
    assert names == ["stem", "relu", "body.0", "body.1", "add", "relu_1", "pool", "flatten", "head"]
    assert found["add"].inputs == ("body.1", "relu")
    assert found["relu_1"].module == "relu"
    x = torch.from_numpy(image())[None] / 255
    first = module.stem(x).relu()
    close(found["relu"].output, first[0])
    close(found["relu_1"].output, (module.body(first) + first).relu()[0])
    np.testing.assert_array_equal(found["body.1"].settings["running_mean"], module.body[1].running_mean.numpy())
    assert found["body.0"].bias is None


def test_trace_of_inplace_operations():
    torch.manual_seed(2)
    module, pixels = InPlace(), image()
    found = trace_module(module, pixels, classes=TEN, label=0, backward=True)
    x = (torch.from_numpy(pixels)[None] / 255).requires_grad_()
    conv = module.conv(x)
    more = conv + 1
    act = more.relu()
    hidden = module.hidden(act.flatten(1))
    twice = hidden * 2
    act2 = twice.relu()
    steps = {"conv": conv, "add": more, "relu": act, "hidden": hidden, "mul": twice, "relu_1": act2}
    for value in steps.values():
        value.retain_grad()
    F.cross_entropy(module.output(act2), torch.tensor([0])).backward()
    for name, value in steps.items():
        close(found[name].output, value[0], name)
        close(found[name].grad_output, value.grad[0], name)
    assert found["conv"].output.min() < 0
    assert found["add"].inputs == ("conv",)
    assert found["relu"].inputs == ("add",)


@pytest.mark.parametrize(("value", "names"), [(30, ["dark", "again"]), (220, ["bright", "again", "again_1"])])
def test_trace_follows_control_flow(value, names):
    torch.manual_seed(3)
    module, pixels = Branching(), np.full((1, 28, 28), value, np.uint8)
    found = trace_module(module, pixels, classes=TEN, label=5, backward=True)
    assert [layer.name for layer in found.layers if layer.kind == "Linear"] == [*names, "output"]
    x = (torch.from_numpy(pixels)[None] / 255).requires_grad_()
    F.cross_entropy(module(x), torch.tensor([5])).backward()
    close(found.logits, module(x)[0])
    close(found.grad_input, x.grad[0])
    close(found["again"].grad_weight, module.again.weight.grad)


def test_trace_leaves_module_unchanged():
    module = SkipCNN()
    module.train()
    module.body.eval()
    module.stem.weight.requires_grad_(False)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    found = trace_module(module, image(), classes=TEN, label=1, backward=True)
    assert found["stem"].grad_weight is not None  # frozen weights have gradients too
    assert module.training
    assert not module.body[1].training
    assert module.stem.training
    assert all(p.grad is None for p in module.parameters())
    assert not module.stem.weight.requires_grad
    for key, value in module.state_dict().items():
        assert torch.equal(value, before[key]), key
    with torch.no_grad():
        module.head.weight.zero_()
    assert found["head"].weight.any()  # a trace keeps its own copies


def test_trace_normalizes_input():
    found = trace_module(tanh_mlp(), image(), classes=TEN, mean=[0.5], std=[0.25])
    np.testing.assert_allclose(found.input, (image() / 255 - 0.5) / 0.25, atol=1e-6)


@pytest.mark.parametrize(
    ("module", "shape", "classes", "message"),
    [
        (TwoImages(), (1, 28, 28), 10, r"TwoImages takes 2 inputs \(left, right\)"),
        (tanh_mlp(), (1, 20, 20), 10, r"cannot take an image of 1×20×20 \(RuntimeError: .*mat1"),
        (tanh_mlp(), (1, 28, 28), 3, r"must return logits of shape \(1, 3\), got \(1, 10\)"),
        (nn.LSTM(28, 10, batch_first=True), (28, 28), 10, "ValueError: LSTM: Expected"),
        (nn.Sequential(nn.Flatten(), nn.LSTM(784, 10)), (1, 28, 28), 10, "not a tuple"),
        (nn.Module(), (1, 28, 28), 10, "Module cannot take an image"),
    ],
)
def test_trace_rejects_non_classifiers(module, shape, classes, message):
    with pytest.raises(NetcoreError, match=message) as caught:
        trace_module(module, image(shape), classes=[str(n) for n in range(classes)])
    assert "\n" not in str(caught.value)


def test_trace_rejects_failing_backward():
    class Broken(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, :10].sigmoid().mul_(2)

    assert trace_module(Broken(), image(), classes=TEN, label=0).loss > 0
    with pytest.raises(
        NetcoreError, match=r"cannot compute the gradients of Broken: .* modified by an inplace operation"
    ):
        trace_module(Broken(), image(), classes=TEN, label=0, backward=True)


def test_trace_rejects_constant_scores():
    class Constant(nn.Module):
        def forward(self, x):
            return torch.zeros(1, 10)

    with pytest.raises(NetcoreError, match="output of Constant does not depend on its input"):
        trace_module(Constant(), image(), classes=TEN)


def test_trace_rejects_bad_labels():
    with pytest.raises(NetcoreError, match="label must be from 0 to 9, got 10"):
        trace_module(tanh_mlp(), image(), classes=TEN, label=10)
    with pytest.raises(NetcoreError, match="pass a label"):
        trace_module(tanh_mlp(), image(), classes=TEN, backward=True)


# ---- kinds of networks


def zoo_trace(name):
    torch.manual_seed(0)
    module, pixels = ZOO[name]().eval(), image(SHAPES[name])
    return module, torch.from_numpy(pixels)[None] / 255, trace_module(module, pixels, classes=TEN, label=3)


@pytest.mark.parametrize("name", ZOO)
def test_trace_logits_and_parameters(name):
    module, x, found = zoo_trace(name)
    out = module(x)[0]
    if found.output_kind == "logits":
        close(found.logits, out)
        close(found.probabilities, out.softmax(0))
    sizes = {}
    for layer in found.layers:
        sizes |= layer.parameter_sizes
    assert sizes == {k: p.numel() for k, p in module.named_parameters()}
    assert all(found.value(i) is not None for layer in found.layers for i in layer.inputs)
    assert found.modules == {k: type(m).__name__ for k, m in module.named_modules()}


@pytest.mark.parametrize(("name", "kind"), [("log-softmax", "log-probabilities"), ("softmax", "probabilities")])
def test_trace_probabilities_of_softmax_heads(name, kind):
    module, x, found = zoo_trace(name)
    out = module(x)[0]
    p = out if name == "softmax" else out.exp()
    assert found.output_kind == kind
    assert found.layers[-1].kind == ("Softmax" if name == "softmax" else "LogSoftmax")
    close(found.probabilities, p)
    assert found.loss == pytest.approx(-p[3].log().item(), abs=1e-5)


def test_trace_batch_axes():
    _, _, lstm = zoo_trace("lstm")
    axes = {layer.name: (layer.batch_axis, layer.output.shape) for layer in lstm.layers}
    assert axes["permute"] == (1, (28, 28))
    assert axes["lstm"] == (1, (28, 16))
    assert axes["getitem"] == (0, (16,))
    _, _, windows = zoo_trace("windows")
    assert (windows["attention"].batch_axis, windows["attention"].output.shape) == (None, (4, 4, 8))
    assert (windows["reshape_1"].batch_axis, windows["reshape_1"].output.shape) == (0, (16, 8))


def test_trace_recurrent_layer_is_one_node():
    module, x, found = zoo_trace("lstm")
    out, (h, c) = module.lstm(x.squeeze(1).permute(1, 0, 2))
    close(found["lstm"].output, out[:, 0])
    close(found.value("lstm.h_n"), h[:, 0])
    close(found.value("lstm.c_n"), c[:, 0])
    assert found["lstm"].parameters == sum(p.numel() for p in module.lstm.parameters())
    assert zoo_trace("gru")[2]["getitem"].inputs == ("gru.h_n",)


def test_trace_attention_weights():
    module, _, found = zoo_trace("vit-attention")
    y = torch.from_numpy(found["norm"].output)[None]
    _, expected = module.attention(y, y, y, average_attn_weights=False)
    close(found.value("attention.attention"), expected[0])
    _, _, fused = zoo_trace("fused-attention")
    q, k = (torch.from_numpy(fused.value(n)) for n in fused["scaled_dot_product_attention"].inputs[:2])
    close(fused.value("scaled_dot_product_attention.attention"), (q @ k.mT / 2).softmax(-1))


@pytest.mark.parametrize(
    ("name", "message"),
    [("heads", r"a tuple \(2\): wrap it"), ("named-heads", r"\(left, right\)"), ("torchscript", "TorchScript module")],
)
@pytest.mark.filterwarnings("ignore")
def test_trace_refuses_networks(name, message):
    with pytest.raises(NetcoreError, match=message) as caught:
        trace_module(REFUSED[name](), image(), classes=TEN)
    assert "\n" not in str(caught.value)


# ---- through a run folder


def five(seed):
    torch.manual_seed(seed)
    return scrambled(build_model(RECIPES["cnn-5conv"].architecture))


@pytest.fixture
def run(tmp_path):
    recipe = RECIPES["cnn-5conv"]
    writer = RunWriter.create(
        tmp_path / "five", recipe=recipe.name, model={"kind": "recipe", "architecture": asdict(recipe.architecture)},
        input={"shape": [1, 28, 28], "mean": [0.0], "std": [1.0]}, classes=TEN, layers=[],
    )  # fmt: skip
    for step in (0, 5):
        module = five(seed=step)
        writer.add_snapshot({k: v.numpy() for k, v in module.state_dict().items()}, epoch=step, step=step)
    return writer.run


def test_trace_uses_chosen_snapshot(run):
    for step in (0, 5, 0):
        module = five(seed=step)
        found = trace(run, run.snapshot(f"step:{step}"), image(), label=2)
        close(found.logits, module(torch.from_numpy(image())[None] / 255)[0])
        assert (found.step, found.snapshot) == (step, "untrained" if step == 0 else "epoch 5")
    for snapshot in run.snapshots:
        assert load_model(run, snapshot).norm1.num_batches_tracked.shape == ()


def test_repeated_traces_are_fast(run):
    trace(run, run.snapshots[0], image())
    times = []
    for _ in range(5):
        start = time.thread_time()  # of this thread: what else the machine does is left out
        trace(run, run.snapshots[0], image())
        times.append(time.thread_time() - start)
    assert min(times) < 0.02


def test_trace_rejects_other_image_size(run):
    with pytest.raises(NetcoreError, match="takes images of 1×28×28, got 3×32×32"):
        trace(run, run.snapshots[0], image((3, 32, 32)))


def test_trace_reports_mismatched_keys(run):
    weights = run.weights(run.snapshots[0])
    weights["output.weight"] = weights["output.weight"][:, :5]
    weights["extra"] = weights.pop("conv1.bias")
    snapshot = RunWriter(run).add_snapshot(weights, 9, 9)
    with pytest.raises(NetcoreError) as caught:
        trace(run, snapshot, image())
    for part in ("conv1.bias is missing", "extra is not in the network", "output.weight is 10×5 where"):
        assert part in str(caught.value)


def test_trace_rejects_run_without_architecture(run):
    run.info["model"] = {}
    with pytest.raises(NetcoreError, match="does not describe its network"):
        trace(run, run.snapshots[0], image())
