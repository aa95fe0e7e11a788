"""Training and inference of the recipes, beside the usual loop over a DataLoader of PIL images."""

import tempfile
import time
from dataclasses import replace

import numpy as np
import torch
from measure import Row, at_least, ratio, times
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms.functional import to_tensor

from netcore.datasets.base import Dataset
from netcore.datasets.loading import load_dataset
from netcore.models.build import build_model
from netcore.models.device import device_name, module_to_device, select_device, thread_limit
from netcore.models.optimizers import make_optimizer
from netcore.tracing.batch_inference import batch_logits
from netcore.training.epoch import DeviceDataset, loss_and_accuracy, train_epoch
from netcore.training.progress import NullProgress
from netcore.training.recipes import RECIPES, Recipe
from netcore.training.train import train
from netcore.training.trainer import dataset_to_device

ROUNDS, EPOCHS, RATE = 3, 10, 0.5  # the rate is higher than the recipe's, so that few epochs show that both learn alike
IMAGES = {"cnn-2conv": 1280, "cnn-5conv": 640}  # a round's share of the 4,000 where all of them would take long
TRAINING = {"mlp-16-16": 3.0}  # times the usual loop, at least
GPU_TEXT = "30 epochs of `cnn-5conv` on a GPU"
INFERENCE = {"cnn-5conv": 2270.0}  # images per second, at least: ten times the published


class Pictures(TorchDataset):
    """What tutorials do: one PIL image at a time, turned into a tensor when it is asked for."""

    def __init__(self, data: Dataset) -> None:
        self.images = [Image.fromarray(image) for image in data.images]
        self.labels = data.labels.tolist()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return to_tensor(self.images[index]), self.labels[index]


def usual_epoch(module: nn.Module, optimizer: torch.optim.Optimizer, loader: DataLoader) -> None:
    """One epoch as tutorials write it."""
    device = next(module.parameters()).device
    module.train()
    for images, labels in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(images.to(device)), labels.to(device)).backward()
        optimizer.step()


@torch.no_grad()
def usual_inference(module: nn.Module, loader: DataLoader) -> None:
    """All predictions as tutorials write it."""
    device = next(module.parameters()).device
    module.eval()
    for images, _ in loader:
        module(images.to(device)).argmax(1)


class Pair:
    """One recipe twice, from the same weights: with netcore's loop, and with the usual one."""

    def __init__(self, recipe: Recipe, data: Dataset, device: torch.device) -> None:
        self.recipe, self.device, self.epochs = recipe, device, 0
        self.ours = module_to_device(build_model(recipe.architecture), device)
        self.usual = build_model(recipe.architecture).to(device)
        self.usual.load_state_dict(self.ours.state_dict())
        self.optimizer = make_optimizer(recipe.optimizer, self.ours.parameters(), recipe.learning_rate, device)
        kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[recipe.optimizer]
        self.usual_optimizer = kind(self.usual.parameters(), lr=recipe.learning_rate)
        self.data: DeviceDataset = dataset_to_device(data, device)
        self.loader = DataLoader(Pictures(data), batch_size=recipe.batch_size, shuffle=True)

    def train(self) -> None:
        self.epochs += 1
        rate = self.recipe.learning_rate
        with thread_limit(self.ours, self.recipe.batch_size):
            train_epoch(self.ours, self.optimizer, self.data, self.recipe, self.epochs, lambda _: rate, lambda *_: None)

    def train_usual(self) -> None:
        usual_epoch(self.usual, self.usual_optimizer, self.loader)

    def infer(self) -> None:
        self.ours.eval()
        batch_logits(self.ours, self.data.images).argmax(1).cpu()

    def infer_usual(self) -> None:
        usual_inference(self.usual, self.loader)


def rows() -> list[Row]:
    """Images per second, and that the fast loop learns as well as the usual one."""
    device, source = select_device(), load_dataset("embedded")
    out = [_alike(replace(RECIPES["mlp-16-16"], learning_rate=RATE), source.train, source.test, device)]
    for name, recipe in RECIPES.items():
        data = source.train.subset(np.arange(IMAGES.get(name, len(source.train))))
        pair = Pair(replace(recipe, augment={}), data, device)  # the usual loop has no augmentation either
        ways = {"train": pair.train, "usual": pair.train_usual, "infer": pair.infer, "infer usual": pair.infer_usual}
        for way in ways.values():
            way()
        found = times(ways, ROUNDS)
        for word, usual in (("train", "usual"), ("infer", "infer usual")):
            speed, theirs = (len(data) / float(np.median(found[way])) for way in (word, usual))
            text = f"{word} `{name}`, batch {recipe.batch_size}, {device_name(device)}"
            beside = f"{speed:,.0f} images/s beside {theirs:,.0f}"
            out.append(_row(name, word, text, speed, ratio(found, usual, word), beside))
    return [*out, gpu_row(torch.device("cuda")) if torch.cuda.is_available() else Row(GPU_TEXT, "", "no GPU here")]


def gpu_row(device: torch.device, epochs: int = 30) -> Row:
    """Train `cnn-5conv` on MNIST where it is, and compare its arithmetic with that of one large matrix product."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run = train("cnn-5conv", epochs=epochs, output_dir=folder, device=str(device), progress=NullProgress())
        seconds = time.perf_counter() - start
    images, last = epochs * run.info["data"]["train"], run.history["epochs"][-1]
    rate = operations_of_image() * images / seconds
    beside = f"{seconds:.0f} s, {images / seconds:,.0f} images/s, {device_name(device)}"
    share = f"{rate / matrix_rate(device):.1%} of the arithmetic of a matrix product in bfloat16"
    return Row(GPU_TEXT, f"accuracy {last['val_accuracy']:.2%}; {share}", beside)


def operations_of_image() -> float:
    """Multiplications and additions of a forward and a backward pass of `cnn-5conv` on one image."""
    module = build_model(RECIPES["cnn-5conv"].architecture).eval()
    with FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 1, 28, 28)).sum().backward()
    return float(counter.get_total_flops())


def matrix_rate(device: torch.device, size: int = 8192, rounds: int = 20) -> float:
    """Operations per second of the product of two square matrices of bfloat16."""
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    for count in (3, rounds):  # the first warm up
        _wait(device)
        start = time.perf_counter()
        for _ in range(count):
            a @ a
        _wait(device)
    return 2 * size**3 * rounds / (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _row(name: str, word: str, text: str, speed: float, times_faster: float, beside: str) -> Row:
    if word == "train" and name in TRAINING:
        return Row(text, beside=beside, **at_least(times_faster, TRAINING[name]))
    if word == "infer" and name in INFERENCE:
        return Row(text, beside=beside, **at_least(speed, INFERENCE[name], "images/s"))
    return Row(text, f"{times_faster:.1f} ×", beside)


def _alike(recipe: Recipe, train: Dataset, test: Dataset, device: torch.device) -> Row:
    pair = Pair(recipe, train, device)
    for _ in range(EPOCHS):
        pair.train()
        pair.train_usual()
    accuracies = [loss_and_accuracy(module, dataset_to_device(test, device))[1] for module in (pair.ours, pair.usual)]
    text = f"accuracy of `{recipe.name}` after {EPOCHS} epochs at rate {RATE:g}, both loops"
    beside = f"the usual loop {accuracies[1]:.1%}"
    return Row(text, f"{accuracies[0]:.1%}", beside, "within 3 points", accuracies[0] > accuracies[1] - 0.03)


if __name__ == "__main__":
    started = time.perf_counter()
    for row in rows():
        print(row)
    print(f"{time.perf_counter() - started:.0f} s")
