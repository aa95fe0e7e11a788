"""`netcore import`: anyone's factory and weight files become a run; nothing is unpickled."""

import pickle
import sys

import numpy as np
import pytest
import torch
from networks import SkipCNN, tanh_mlp
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from netcore.cli.main import main
from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.tracing.tracer import trace

FACTORIES = """
import torch
from torch import nn

def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 12), nn.Tanh(), nn.Linear(12, 10))

class Two(nn.Module):
    def forward(self, left, right):
        return left + right

made = mlp()
number = 3
def raises(): raise ValueError("two\\nlines")
def nothing(): return None
def leaves(): raise SystemExit(0)
def needs(width): return mlp()
"""


@pytest.fixture
def import_dir(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text(FACTORIES)
    (tmp_path / "broken.py").write_text("def make(:\n")
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack/nets.py").write_text("import sibling\nmake = sibling.make\n")
    (tmp_path / "pack/sibling.py").write_text(FACTORIES.replace("mlp", "make"))
    yield tmp_path
    for name in ("models", "broken", "sibling"):
        sys.modules.pop(name, None)


@pytest.fixture
def run_import(import_dir, capsys):
    def run(*args, name="own"):
        status = main(["import", *map(str, args), "--name", name])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def weights(seed=0, file="w.pt", make=tanh_mlp):
    torch.manual_seed(seed)
    model = make()
    torch.save(model.state_dict(), file)
    return model


def logits(model, images):
    with torch.no_grad():
        return model.eval()(torch.from_numpy(images) / 255).numpy()


IMAGE = np.random.default_rng(0).integers(0, 256, (1, 28, 28), dtype=np.uint8)


def test_import_model_snapshots_in_order(run_import, import_dir):
    models = [weights(0, "first.pt"), tanh_mlp(), tanh_mlp(), tanh_mlp()]
    save_file(models[1].state_dict(), "second.safetensors")
    torch.save({"epoch": 3, "model_state_dict": models[2].state_dict()}, "third.pth")
    torch.save({f"module.{k}": v for k, v in models[3].state_dict().items()}, "last.ckpt")
    files = ["first.pt", "second.safetensors", "third.pth", "last.ckpt"]
    status, out, err = run_import("models.py:mlp", "--weights", *files)
    assert status == 0
    assert err.startswith("netcore: run 'own' is in ")
    assert err.endswith("; next: netcore render forward-propagation --run own\n")
    assert "own: 9,550 parameters, 10 classes, 4 snapshots" in out
    run = load_run("own")
    assert [s.label for s in run.snapshots] == ["first", "second", "third", "last"]
    for model, snapshot in zip(models, run.snapshots, strict=True):
        np.testing.assert_allclose(trace(run, snapshot, IMAGE).logits, logits(model, IMAGE[None])[0], atol=1e-5)
    assert run.snapshot("best").name == "last"
    assert run.info["model"]["factory"] == "models.py:mlp"
    assert run.info["status"] == "complete"


def test_imported_run_is_self_contained(run_import, import_dir, monkeypatch):
    model = weights()
    assert run_import("models:mlp", "--weights", "w.pt")[0] == 0
    for file in ("models.py", "w.pt"):
        (import_dir / file).unlink()
    sys.modules.pop("models")
    monkeypatch.setattr("netcore.models.loading._last", {})
    run = load_run("own")
    np.testing.assert_allclose(trace(run, run.snapshot(), IMAGE).logits, logits(model, IMAGE[None])[0], atol=1e-5)


@pytest.mark.parametrize(
    "factory", ["models:mlp", "models.py:mlp", "models.py:made", "./pack/nets.py:make", "torch.nn:X"]
)
def test_import_model_finds_factory(run_import, factory):
    weights()
    status, _, err = run_import(factory, "--weights", "w.pt")
    assert status == (2 if factory.startswith("torch") else 0), err
    assert ("no factory in torch.nn" in err) == factory.startswith("torch")


def test_examples_classes_and_normalization(run_import, import_dir):
    model = weights(make=lambda: SkipCNN(3, 3), file="c.pt")
    (import_dir / "cnn.py").write_text(
        f"import sys\nsys.path.insert(0, {str(import_dir)!r})\n"
        "from networks import SkipCNN\nmake = lambda: SkipCNN(3, 3)\n"
    )
    (import_dir / "names.txt").write_text("cat\n\nant\nbee\n", encoding="utf-8")
    random = np.random.default_rng(0)
    for kind in ("ant", "bee", "cat"):
        (import_dir / "zoo" / kind).mkdir(parents=True)
        for n in range(4):
            Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(
                import_dir / "zoo" / kind / f"{n}.png"
            )
    (import_dir / "zoo/ant/broken.png").write_text("no image")
    status, out, err = run_import(
        "cnn.py:make", "--weights", "c.pt", "--input-shape", "3x32x32", "--classes", "names.txt", "--examples", "zoo",
        "--mean", "0.5,0.4,0.3", "--std", "0.2",
    )  # fmt: skip
    assert status == 0, err
    assert "% of 12 images of zoo correct" in out
    run = load_run("own")
    assert run.classes == ["cat", "ant", "bee"]
    assert run.info["input"] == {"shape": [3, 32, 32], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.2]}
    kept = run.examples()
    assert sorted(kept.labels.tolist()) == [0] * 4 + [1] * 4 + [2] * 4
    x = (torch.from_numpy(kept.images) / 255 - torch.tensor([0.5, 0.4, 0.3]).view(1, 3, 1, 1)) / 0.2
    with torch.no_grad():
        expected = (model.eval()(x).argmax(1).numpy() == kept.labels).mean()
    assert run.info["evaluations"]["zoo"]["accuracy"] == pytest.approx(expected)


def test_import_model_examples_from_dataset(run_import):
    weights()
    status, out, err = run_import("models:mlp", "--weights", "w.pt", "--examples", "embedded")
    assert status == 0, err
    assert "% of 1,000 images of embedded correct" in out
    assert (
        run_import("models:mlp", "--weights", "w.pt", "--examples", "embeded")[2].count("did you mean 'embedded'") == 1
    )


def test_import_model_without_examples(run_import):
    weights()
    assert run_import("models:mlp", "--weights", "w.pt")[0] == 0
    run = load_run("own")
    with pytest.raises(NetcoreError, match="no example images: use --image"):
        run.examples()


# ---- what is refused


class Bomb:
    def __reduce__(self):
        return exec, ("open('exploded', 'w').write('x')",)


def test_import_model_never_unpickles(run_import, import_dir):
    torch.save(tanh_mlp(), "whole.pt")
    torch.save({"w": Bomb()}, "bomb.pt")
    (import_dir / "plain.pt").write_bytes(pickle.dumps(Bomb()))
    (import_dir / "fake.safetensors").write_bytes(pickle.dumps(Bomb()))
    for file in ("whole.pt", "bomb.pt", "plain.pt", "fake.safetensors"):
        status, out, err = run_import("models:mlp", "--weights", file)
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert ("pickled objects, which are never loaded" in err) or ("cannot be read as weights" in err)
    assert "pickled objects" in run_import("models:mlp", "--weights", "bomb.pt")[2]
    assert not (import_dir / "exploded").exists()


def test_import_model_reports_mismatched_keys(run_import, import_dir):
    state = tanh_mlp().state_dict()
    torch.save({"1.weight": torch.zeros(5, 784), "1.bias": state["1.bias"], "strange": torch.zeros(1)}, "other.pt")
    status, _, err = run_import("models:mlp", "--weights", "other.pt")
    assert status == 2
    for part in (
        "1.weight is 5×784 where the network has 12×784; 3.weight is missing; strange is not in the network",
        "; and 1 more",
    ):  # fmt: skip
        assert part in err
    assert not (import_dir / "runs").exists()


def bad_files(import_dir):
    (import_dir / "empty.pt").write_bytes(b"")
    (import_dir / "cut.pt").write_bytes((import_dir / "w.pt").read_bytes()[:500])
    (import_dir / "words.safetensors").write_text("words")
    torch.save({}, "none.pt")
    torch.save([torch.zeros(1)], "list.pt")
    torch.save({**tanh_mlp().state_dict(), "3.bias": torch.full((10,), torch.inf)}, "inf.pt")
    torch.jit.script(nn.Linear(2, 2)).save("script.pt")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("absent.pt", "no weight file absent.pt"),
        ("empty.pt", "empty.pt cannot be read as weights"),
        ("cut.pt", "cut.pt cannot be read as weights"),
        ("words.safetensors", "words.safetensors cannot be read as weights"),
        ("none.pt", "none.pt does not contain weights"),
        ("list.pt", "not a dictionary of tensors"),
        ("inf.pt", "inf.pt contains NaN or infinite weights in 3.bias"),
        ("script.pt", "script.pt contains a TorchScript module: save the state_dict()"),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_import_model_rejects_bad_files(run_import, import_dir, file, message):
    weights()
    bad_files(import_dir)
    status, out, err = run_import("models:mlp", "--weights", file)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert not (import_dir / "runs/own").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["models:raises"], "models:raises cannot be called (ValueError: two lines)"),
        (["models:leaves"], "models:leaves cannot be called (SystemExit: 0)"),
        (["models:needs"], "missing 1 required positional argument: 'width'"),
        (["models:nothing"], "models:nothing gives a NoneType, not a torch.nn.Module"),
        (["models:number"], "models:number is a int, not a function"),
        (["models:mpl"], "did you mean 'mlp'"),
        (["models:Two"], "Two takes 2 inputs (left, right)"),
        (["nowhere:make"], "No module named 'nowhere'"),
        (["nowhere.py:make"], "no file nowhere.py"),
        (["broken.py:make"], "SyntaxError"),
        (["models"], "is not a factory: use module:callable"),
        (["models:mlp", "--input-shape", "28x28"], "not a shape: use channels, height and width"),
        (["models:mlp", "--input-shape", "3x28x28"], "cannot take an image of 3×28×28"),
        (["models:mlp", "--mean", "a"], "not a list of numbers"),
        (["models:mlp", "--std", "0"], "std above 0"),
        (["models:mlp", "--classes", "models.py"], "gives 10 scores, but there are"),
        (["models:mlp", "--classes", "none.txt"], "cannot read the class names in none.txt: No such file"),
        (["models:mlp", "--examples", "usps:x"], "no data set 'usps:x'"),
    ],
)
def test_import_model_bad_arguments(run_import, import_dir, args, message):
    weights()
    status, out, err = run_import(*args, "--weights", "w.pt")
    assert (status, out, err.count("\n")) == (2, "", 1), err
    assert message in err
    assert not (import_dir / "runs/own").exists()


def test_import_model_name_and_options(run_import, capsys):
    weights()
    assert "the name of a run must not" in run_import("models:mlp", "--weights", "w.pt", name="../up")[2]
    assert main(["import", "models:mlp", "--name", "own"]) == 2
    assert "--weights" in capsys.readouterr().err
