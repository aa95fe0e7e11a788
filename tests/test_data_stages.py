"""Stages of a data flow: shapes, parameters and multiplications are PyTorch's."""

import numpy as np
import pytest
import torch
from networks import (
    AttentionViT,
    FusedAttention,
    Inception,
    RowAttention,
    RowGRU,
    RowLSTM,
    SkipCNN,
    UsedTwice,
    tanh_mlp,
)
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netcore.analysis.data_stages import data_stages
from netcore.analysis.graph_builder import graph_of_trace
from netcore.analysis.multiplications import count_multiplications
from netcore.core.errors import RequirementError
from netcore.tracing.tracer import trace_module
from netcore.viz.layout.boxes import BoxScale, fit_boxes, fold_shapes, fold_vector

DIGITS = [str(k) for k in range(10)]


def make_trace(module, channels=1, side=28, classes=DIGITS):
    pixels = np.random.default_rng(0).integers(0, 256, (channels, side, side), dtype=np.uint8)
    return trace_module(module.eval(), pixels, classes=classes, label=None)


def transposed() -> nn.Module:
    convolutions = [nn.Conv2d(1, 6, 3, stride=2), nn.ConvTranspose2d(6, 4, 3, stride=2, groups=2)]
    return nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(4 * 27 * 27, 10))


class Einsum(nn.Module):
    """A product whose size is not known."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(28, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.squeeze(1)
        return self.head(torch.einsum("bij,bkj->bik", rows, rows).mean(1))


@pytest.mark.parametrize(
    "make",
    [tanh_mlp, SkipCNN, Inception, UsedTwice, transposed, FusedAttention, RowGRU, AttentionViT, RowAttention],
)
def test_multiplications_match_pytorch(make):
    torch.manual_seed(0)
    module = make()
    trace = make_trace(module)
    found = [count_multiplications(trace, op) or 0 for op in graph_of_trace(trace).operations]
    module.train(make in (AttentionViT, RowAttention))  # no fused path, which the counter does not see
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 1, 28, 28))
    assert 2 * sum(found) == counter.get_total_flops()


def test_multiplications_of_lstm():
    trace = make_trace(RowLSTM())
    (lstm,) = [op for op in graph_of_trace(trace).operations if op.kind == "LSTM"]
    assert count_multiplications(trace, lstm) == 28 * (4 * 16 * 28 + 4 * 16 * 16)


def test_multiplications_of_einsum_unknown():
    flow = data_stages(make_trace(Einsum()))
    assert flow.multiplications is None


@pytest.mark.parametrize("make", [tanh_mlp, SkipCNN, UsedTwice, AttentionViT, RowLSTM])
def test_stages_count_parameters_once(make):
    module = make()
    flow = data_stages(make_trace(module))
    assert sum(stage.parameter_count for stage in flow.stages) == sum(p.numel() for p in module.parameters())
    assert flow.parameters == sum(p.numel() for p in module.parameters())


def test_stage_products():
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 6, (1, 5), bias=False), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(6, 10),
    )  # fmt: skip
    first, second, average, output = data_stages(make_trace(module, channels=3)).stages
    assert (first.product.text, first.more) == ("8 × (3 × 9 + 1)", 16)
    assert (second.product.text, second.more) == ("6 × 8 × 5", 0)
    assert (output.product.text, output.positions) == ("10 × (6 + 1)", 1)
    assert (average.product, average.positions, average.parameter_count) == (None, None, 0)
    assert first.positions == 26 * 26
    assert first.weights * first.positions == first.multiplications


def test_stages_need_parameters():
    trace = make_trace(nn.Sequential(nn.AdaptiveAvgPool2d((1, 10)), nn.Flatten()))
    with pytest.raises(RequirementError, match=r"needs parameters.*model-graph"):
        data_stages(trace)


def test_boxes_keep_volume():
    for size in (1, 10, 784, 4096, 50176):
        sheets, rows, columns = fold_vector(size, 0.05, 2.0, 2.0)
        assert 0 <= sheets * rows * columns - size < rows * columns
    boxes, scale = fold_shapes([(3, 32, 32), (64, 16, 16), (4096,), (17, 12), (10,)], 1.5, 2.0)
    assert boxes[3] == (1, 17, 12)
    for box in boxes:
        w, h, dx, dy = scale.extent(box)
        assert w + dx <= 1.5 + 0.06
        assert h + dy <= 2.0 + 0.06
    assert fit_boxes([(512, 2, 2), (3, 64, 64)], 1.5, 2.0).depth < 1


def test_box_faces_share_edges():
    front, top, side = BoxScale(0.1).faces((4, 5, 6), 0.0, 0.0)
    np.testing.assert_allclose(front[0], top[2])
    np.testing.assert_allclose(front[1], side[0])
    np.testing.assert_allclose(top[1], side[1])
