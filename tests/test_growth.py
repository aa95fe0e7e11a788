"""Costs that must not grow: operations of a training step, weights in memory, runs that are opened."""

import json
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import SkipCNN, tanh_mlp
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from netcore.cli.main import main
from netcore.core import plain_text
from netcore.core import run as runs
from netcore.core.errors import NetcoreError
from netcore.core.plain_text import parse_json
from netcore.core.run import iter_runs, load_run
from netcore.core.value_checks import rows_of
from netcore.models.export import export_graph
from netcore.models.exported_model import ExportedModel
from netcore.models.module_copy import copy_module
from netcore.models.optimizers import make_optimizer
from netcore.training import import_model as importing
from netcore.training.epoch import DeviceDataset, train_epoch
from netcore.training.recipes import RECIPES


class OperationCount(TorchDispatchMode):
    """Counts the operators that PyTorch computes."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += 1
        return function(*args, **(kwargs or {}))


def test_training_step_adds_two_operations() -> None:
    """Beside a plain loop over the same batches: losses and answers are kept, and compared after many steps."""
    recipe, steps = RECIPES["mlp-16-16"], 60
    rng = np.random.default_rng(0)
    count = steps * recipe.batch_size
    images = torch.from_numpy(rng.integers(0, 256, (count, 1, 8, 8), dtype=np.uint8))
    labels = torch.from_numpy(rng.integers(0, 10, count))
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Sigmoid(), nn.Linear(4, 10))
    optimizer = make_optimizer("sgd", module.parameters(), 0.1, torch.device("cpu"))
    with OperationCount() as plain:
        for start in range(0, count, recipe.batch_size):
            batch = slice(start, start + recipe.batch_size)
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(images[batch].float()), labels[batch]).backward()
            optimizer.step()
    with OperationCount() as ours:
        result = train_epoch(
            module, optimizer, DeviceDataset(images, labels), recipe, 1, lambda i: 0.1, lambda i, losses: None
        )
    assert ours.count - plain.count < 2 * steps
    assert len(result.step_losses) == steps


def test_epoch_result_of_uneven_batches() -> None:
    """Accuracy and mean loss are those of all images, however they were collected."""
    recipe = RECIPES["mlp-16-16"]
    count = 60 * recipe.batch_size + 7
    images = torch.zeros((count, 1, 8, 8), dtype=torch.uint8)
    labels = torch.arange(count) % 10
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    nn.init.zeros_(module[1].bias)
    module[1].bias.data[3] = 1.0
    optimizer = make_optimizer("sgd", module.parameters(), 0.0, torch.device("cpu"))
    result = train_epoch(
        module, optimizer, DeviceDataset(images, labels), recipe, 1, lambda i: 0.0, lambda i, losses: None
    )
    assert result.accuracy == pytest.approx((labels == 3).float().mean().item())
    with torch.no_grad():
        expected = nn.functional.cross_entropy(module(images.float()), labels).item()
    assert result.loss == pytest.approx(expected, rel=1e-5)


# ---- weights in memory


def test_import_holds_one_weight_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text("from networks import tanh_mlp\n")
    for number in range(4):
        torch.save(tanh_mlp().state_dict(), f"w{number}.pt")
    alive: set[int] = set()
    others: list[int] = []
    original = importing.read_weights

    def read(path: Path) -> dict[str, np.ndarray]:
        others.append(len(alive))
        found = original(path)
        for array in found.values():
            alive.add(id(array))
            weakref.finalize(array, alive.discard, id(array))
        return found

    monkeypatch.setattr(importing, "read_weights", read)
    run = importing.import_model("nets.py:tanh_mlp", [f"w{n}.pt" for n in range(4)], name="own")
    assert [s.label for s in run.snapshots] == ["w0", "w1", "w2", "w3"]
    assert set(others) == {0}


def test_copies_share_parameters() -> None:
    """A copy and an exported network have the weights in the module's memory, and leave the module as it is."""
    module = SkipCNN().double()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    copied = copy_module(module)
    pairs = list(zip(module.parameters(), copied.parameters(), strict=True))
    assert all(a.data_ptr() == b.data_ptr() and a is not b for a, b in pairs)
    copied.float().to(memory_format=torch.channels_last)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert {p.dtype for p in module.parameters()} == {torch.float64}
    module = module.float().eval()
    graph, constants = export_graph(module, (1, 28, 28))
    shared = ExportedModel(graph, constants, state=module.state_dict())
    for name, value in module.state_dict().items():
        assert shared.state_dict()[name].data_ptr() == value.data_ptr()


def test_stored_network_uses_read_arrays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The zeros that a network begins with take no memory, and its weights are the arrays that were read."""
    from netcore.models.loading import load_weights

    graph, constants = export_graph(tanh_mlp(), (1, 28, 28))
    network = ExportedModel(graph, constants, allocate=False)
    assert sum(p.untyped_storage().nbytes() for p in network.parameters()) == 4 * len(list(network.parameters()))
    rng = np.random.default_rng(0)
    arrays = {k: rng.normal(size=v.shape).astype(np.float32) for k, v in network.state_dict().items()}
    load_weights(network, arrays, "arrays", assign=True)
    for name, value in network.state_dict().items():
        assert value.data_ptr() == arrays[name].ctypes.data
    expected = tanh_mlp()
    expected.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
    x = torch.rand(2, 1, 28, 28)
    torch.testing.assert_close(network(x), expected(x))


# ---- runs


@pytest.mark.parametrize("number", ["1e400", "-1E+0309", "1" * 41, "[1e999]", '{"a": 1.5e310}', "9" * 400 + ".0"])
def test_json_out_of_range_numbers(number: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        parse_json(number)


def test_json_plain_numbers_cost_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also beside digests and texts that look like numbers with an exponent."""
    monkeypatch.setattr(plain_text, "_finite", pytest.fail)
    monkeypatch.setattr(plain_text, "_bounded", pytest.fail)
    value = {"a": [0.1, 1e-300, 1.5e30, 3, None], "sha256": "7e123" * 10, "text": "1e999"}
    assert parse_json(json.dumps(value)) == value


def test_rows_are_checked_at_once() -> None:
    """Good rows pass together; a bad one is named."""
    rows = [{"step": n, "epoch": n / 20, "loss": None if n == 3 else 0.5} for n in range(50)]
    check = rows_of("epoch")
    check(rows, "history")
    for name, value in {"step": -1, "epoch": None, "loss": "0.5"}.items():
        with pytest.raises(ValueError, match=r"history\[7\]"):
            check([*rows[:7], rows[7] | {name: value}, *rows[8:]], "history")
    with pytest.raises(ValueError, match=r"history\[1\]"):
        check([{"step": 0, "epoch": 0}, [0]], "history")


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that are opened, of many."""
    import toy_runs

    monkeypatch.chdir(tmp_path)
    text = (toy_runs.make_untrained_run(tmp_path / "runs" / "run0").path / "run.json").read_text()
    for number in range(1, 60):
        (tmp_path / "runs" / f"run{number}").mkdir()
        (tmp_path / "runs" / f"run{number}" / "run.json").write_text(text)
    names: list[str] = []
    original = runs.read_info
    monkeypatch.setattr(runs, "read_info", lambda found: (names.append(found.name), original(found))[1])
    return names


def test_mistyped_run_opens_none(opened: list[str], capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(NetcoreError, match="did you mean 'run5'"):
        load_run("run5x")
    assert main(["render", "model-graph", "--run", "rum17"]) == 2
    assert "did you mean 'run17'" in capsys.readouterr().err
    assert opened == []


def test_runs_are_opened_one_by_one(opened: list[str], capsys: pytest.CaptureFixture) -> None:
    alive: list[weakref.ref[object]] = []
    for run in iter_runs():
        assert sum(ref() is not None for ref in alive) <= 1
        alive.append(weakref.ref(run))
    assert len(opened) == 60
    assert main(["runs"]) == 0
    assert len(opened) == 120
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 61
    assert lines[0].split() == ["run", "recipe", "data", "accuracy", "date", "snapshots", "path"]
    assert {line.index("runs/") for line in lines[1:]} == {lines[1].index("runs/")}, "columns are aligned"
