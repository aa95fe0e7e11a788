"""Networks as people write them, for the tests of traces and of own models."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def tanh_mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.Tanh(), nn.Linear(12, 10))


class SkipCNN(nn.Module):
    """A skip connection, one ReLU object among several layers, global average pooling."""

    def __init__(self, classes: int = 10, channels: int = 1) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, 8, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8))
        self.relu = nn.ReLU()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(8, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.stem(x))
        x = self.relu(self.body(x) + x)
        return self.head(self.pool(x).flatten(1))


class Functional(nn.Module):
    """Function calls only: no layer but bare parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels = nn.Parameter(torch.randn(4, 1, 3, 3) / 3)
        self.dense = nn.Parameter(torch.randn(10, 8) / 3)
        self.offset = nn.Parameter(torch.randn(10))

    def forward(self, x: Tensor) -> Tensor:
        a = F.relu(F.conv2d(x, self.kernels, padding=1))
        b = F.max_pool2d(a, 2)
        c = torch.cat([b.mean((2, 3)), F.adaptive_avg_pool2d(b, 1).view(b.size(0), -1)], 1)
        return F.linear(c.sigmoid(), self.dense, self.offset)


class InPlace(nn.Module):
    """Overwrites what it computed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.relu = nn.ReLU(inplace=True)
        self.hidden = nn.Linear(4 * 26 * 26, 6)
        self.output = nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x += 1
        x = self.relu(x)
        x = self.hidden(x.view(-1, 4 * 26 * 26))
        return self.output(F.relu(x.mul_(2), inplace=True))


class Branching(nn.Module):
    """Which layer runs, and how often, depends on the image."""

    def __init__(self) -> None:
        super().__init__()
        self.dark = nn.Linear(784, 16)
        self.bright = nn.Linear(784, 16)
        self.again = nn.Linear(16, 16)
        self.output = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        bright = x.mean() > 0.5
        x = torch.relu((self.bright if bright else self.dark)(x.flatten(1)))
        for _ in range(2 if bright else 1):
            x = self.again(x).tanh()
        return self.output(x)


class TwoImages(nn.Module):
    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return (left - right).flatten(1)[:, :10]


def resnet(classes: int = 10) -> nn.Module:
    from torchvision.models import resnet18

    return resnet18(num_classes=classes)


class Dense(nn.Module):
    """Two layers of a DenseNet: each takes all maps before it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.norm1, self.conv1 = nn.BatchNorm2d(4), nn.Conv2d(4, 3, 3, padding=1)
        self.norm2, self.conv2 = nn.BatchNorm2d(7), nn.Conv2d(7, 3, 3, padding=1)
        self.head = nn.Linear(10, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([x, self.conv1(F.relu(self.norm1(x)))], 1)
        x = torch.cat([x, self.conv2(F.relu(self.norm2(x)))], 1)
        return self.head(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Inception(nn.Module):
    """Four parallel branches, concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(1, 3, 1)
        self.three = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 4, 3, padding=1))
        self.five = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 5, padding=2))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), nn.Conv2d(1, 2, 1))
        self.head = nn.Linear(11, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1).relu()
        return self.head(x.mean((2, 3)))


def mobilenet() -> nn.Module:
    from torchvision.models import mobilenet_v3_small

    return mobilenet_v3_small(num_classes=10)


class EncoderViT(nn.Module):
    """Class token and positions held by the module itself; `nn.TransformerEncoder`."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 16, 7, stride=7)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.positions = nn.Parameter(torch.randn(1, 17, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.head(self.encoder(x)[:, 0])


class AttentionViT(nn.Module):
    """`nn.MultiheadAttention` in a block of one's own."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 16, 7, stride=7)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.positions = nn.Parameter(torch.randn(1, 17, 16))
        self.norm = nn.LayerNorm(16)
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return self.head(x[:, 0])


class RowAttention(nn.Module):
    """`nn.MultiheadAttention` on the rows of the image, its tokens straight into the scores."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(28, 4, batch_first=True)
        self.head = nn.Linear(28 * 28, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.squeeze(1)
        mixed, _ = self.attention(rows, rows, rows, need_weights=False)
        return self.head((rows + mixed).flatten(1))


class FusedAttention(nn.Module):
    """Queries, keys and values from one layer, split; `F.scaled_dot_product_attention`."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(28, 12)
        self.qkv = nn.Linear(12, 36)
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x.squeeze(1))
        q, k, v = (t.unflatten(2, (3, 4)).transpose(1, 2) for t in self.qkv(x).chunk(3, 2))
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.head((x + y).mean(1))


class RowLSTM(nn.Module):
    """One row of the image per time step; the batch is the second axis."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(28, 16)
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x.squeeze(1).permute(1, 0, 2))
        return self.head(out[-1])


class RowGRU(nn.Module):
    """Only the last state is used."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(28, 12, num_layers=2, batch_first=True)
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        _, state = self.gru(x.squeeze(1))
        return self.head(state[-1])


class UsedTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.block = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())
        self.head = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(self.block(self.stem(x))).mean((2, 3)))


class SeveralHeads(nn.Module):
    """Gives two tensors: refused."""

    def __init__(self, named: bool = False) -> None:
        super().__init__()
        self.left, self.right, self.named = nn.Linear(784, 10), nn.Linear(784, 3), named

    def forward(self, x: Tensor) -> object:
        x = x.flatten(1)
        out = self.left(x), self.right(x)
        return dict(zip(("left", "right"), out, strict=True)) if self.named else out


class SummedConvolutions(nn.Module):
    """Two parallel convolutions whose outputs are summed: no residual block."""

    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Conv2d(1, 4, 5, padding=2), nn.Conv2d(1, 4, 3, padding=1)
        self.head = nn.Linear(4, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head((self.wide(x) + self.narrow(x)).relu().amax((2, 3)))


class ChannelShuffle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.second = nn.Conv2d(6, 6, 3, padding=1, groups=2)
        self.head = nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.head(self.second(x).relu().mean((2, 3)))


class ChannelsLast(nn.Module):
    """A block of a ConvNeXt: permuted, normalised and weighed along the last axis, with layer scale."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 4, stride=4)
        self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.norm, self.up, self.down = nn.LayerNorm(6), nn.Linear(6, 12), nn.Linear(12, 6)
        self.scale = nn.Parameter(torch.full((6,), 0.1))
        self.head = nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        x = x + (self.scale * self.down(F.gelu(self.up(y)))).permute(0, 3, 1, 2)
        return self.head(x.mean([-2, -1]))


class PixelHead(nn.Module):
    """Scores by 1 × 1 convolution, taken as ``x[:, :, 0, 0]``."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.score = nn.Conv2d(1, 4, 3, stride=2), nn.Conv2d(4, 10, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.score(F.adaptive_avg_pool2d(self.conv(x).relu(), 1))[:, :, 0, 0]


class HandNorm(nn.Module):
    """A normalisation written by hand, with parameters of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 4, 3), nn.Linear(4, 10)
        self.gamma, self.beta = nn.Parameter(torch.ones(1, 4, 1, 1)), nn.Parameter(torch.zeros(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True) + 1e-5).sqrt()
        return self.head((x * self.gamma + self.beta.view(1, -1, 1, 1)).relu().mean((2, 3)))


class Padded(nn.Module):
    """`F.pad` between convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3, stride=2)
        self.head = nn.Linear(4 * 14 * 14, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(F.pad(x, (1, 1, 1, 1))).relu()
        return self.head(self.second(F.pad(x, (0, 1, 0, 1))).relu().flatten(1))


class Windows(nn.Module):
    """Attention within windows that are folded into the batch, as in a Swin transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 8, 7, stride=7)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).permute(0, 2, 3, 1)
        n, h, w, c = x.shape
        t = x.view(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, 4, c)
        t = self.attention(t, t, t)[0]
        return self.head(t.reshape(n, h * w, c).mean(1))


class Matmul(nn.Module):
    """``x @ self.W``."""

    def __init__(self) -> None:
        super().__init__()
        self.W, self.b = nn.Parameter(torch.randn(784, 12) / 28), nn.Parameter(torch.zeros(12))
        self.V = nn.Parameter(torch.randn(12, 10) / 3)

    def forward(self, x: Tensor) -> Tensor:
        return (x.flatten(1) @ self.W + self.b).relu() @ self.V


class Ending(nn.Module):
    """Ends in a given module."""

    def __init__(self, last: nn.Module) -> None:
        super().__init__()
        self.hidden, self.output, self.last = nn.Linear(784, 8), nn.Linear(8, 10), last

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.output(self.hidden(x.flatten(1)).relu()))


def torchscript() -> nn.Module:
    return torch.jit.trace(tanh_mlp().eval(), torch.zeros(1, 1, 28, 28))


GREY, COLOR = (1, 28, 28), (3, 32, 32)
ZOO: dict[str, Callable[[], nn.Module]] = {
    "mlp": tanh_mlp,
    "skip": SkipCNN,
    "functional": Functional,
    "in-place": InPlace,
    "resnet": resnet,
    "densenet": Dense,
    "inception": Inception,
    "mobilenet": mobilenet,
    "vit-encoder": EncoderViT,
    "vit-attention": AttentionViT,
    "row-attention": RowAttention,
    "fused-attention": FusedAttention,
    "lstm": RowLSTM,
    "gru": RowGRU,
    "used-twice": UsedTwice,
    "summed": SummedConvolutions,
    "shuffle": ChannelShuffle,
    "channels-last": ChannelsLast,
    "pixel-head": PixelHead,
    "hand-norm": HandNorm,
    "padded": Padded,
    "windows": Windows,
    "matmul": Matmul,
    "log-softmax": lambda: Ending(nn.LogSoftmax(1)),
    "softmax": lambda: Ending(nn.Softmax(1)),
}
SHAPES: dict[str, tuple[int, int, int]] = {name: COLOR if name in ("resnet", "mobilenet") else GREY for name in ZOO}
REFUSED: dict[str, Callable[[], nn.Module]] = {
    "heads": SeveralHeads,
    "named-heads": lambda: SeveralHeads(named=True),
    "torchscript": torchscript,
}
