"""The recipes: exact networks, settings that can be changed, and the command that lists them."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from click.testing import CliRunner

from netcore.cli.recipes import command
from netcore.core.errors import NetcoreError
from netcore.models.architecture import Architecture
from netcore.models.build import build_model
from netcore.models.optimizers import OPTIMIZERS, make_optimizer
from netcore.training.plan import check_settings
from netcore.training.recipes import RECIPES, get_recipe, option_overrides, with_overrides

PARAMETERS = {
    "mlp-16-16": 784 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10,
    "mlp-128-64": 109_386,
    "mlp-1024": 814_090,
    "cnn-2conv": 1_026_058,
    "cnn-5conv": 437_738,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_recipe_parameter_counts(name):
    network = get_recipe(name).architecture
    assert network.parameters() == PARAMETERS[name]
    assert sum(p.numel() for p in build_model(network).parameters()) == PARAMETERS[name]


def test_recipes_include_references():
    assert set(PARAMETERS) <= set(RECIPES)


def test_architecture_kernel_size():
    small = Architecture(conv=((4,), (6,)), hidden=(8,))
    large = replace(small, kernel=5)
    model = build_model(large, (3, 20, 24), 7)
    assert model(torch.zeros(2, 3, 20, 24)).shape == (2, 7)
    assert model.conv2.kernel_size == (5, 5)
    assert sum(p.numel() for p in model.parameters()) == large.parameters((3, 20, 24), 7)
    assert large.title == "conv 5×5 4 / 6, dense 8-10, relu"
    assert "kernel" not in small.settings  # as runs of earlier versions have it
    assert large.settings["kernel"] == 5


@pytest.mark.parametrize(("name", "fused"), [("sgd", True), ("adam", True), ("adamw", True), ("rmsprop", False)])
def test_make_optimizer_matches_torch(name, fused, monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "rmsprop", "RMSprop")
    ours, theirs = torch.nn.Parameter(torch.ones(3)), torch.nn.Parameter(torch.ones(3))
    optimizer = make_optimizer(name, [ours], 0.1, torch.device("cpu"))
    expected = getattr(torch.optim, OPTIMIZERS[name])([theirs], lr=0.1)
    for _ in range(3):
        for parameter, each in ((ours, optimizer), (theirs, expected)):
            each.zero_grad()
            (parameter * torch.arange(1.0, 4.0)).square().sum().backward()
            each.step()
    torch.testing.assert_close(ours, theirs)
    assert bool(optimizer.defaults.get("fused")) is fused


def test_recipe_choices_load_no_torch():
    code = "import sys, netcore.training.recipes, netcore.models.optimizers; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32)])
def test_architecture_parameters_match_built_model(shape):
    for name in RECIPES:
        wishes = option_overrides(RECIPES[name], batch_norm=True, augment=True, dropout=0.1)
        network = with_overrides(RECIPES[name], hidden=(32, 24), **wishes)[0].architecture
        built = build_model(network, shape, 7)
        assert sum(p.numel() for p in built.parameters()) == network.parameters(shape, 7)


def test_recipe_overrides_reported():
    recipe, changed = with_overrides(RECIPES["mlp-16-16"], epochs=20, hidden=(32,), optimizer="adam")
    assert changed == {"hidden": (32,), "optimizer": "adam"}
    assert recipe.architecture.hidden == (32,)
    with pytest.raises(NetcoreError, match="'width' is not a setting"):
        with_overrides(RECIPES["mlp-16-16"], width=3)


def test_recipe_without_batch_norm_dropout():
    recipe, _ = with_overrides(
        RECIPES["cnn-5conv"], **option_overrides(RECIPES["cnn-5conv"], batch_norm=False, dropout=0.0)
    )
    kinds = {type(m).__name__ for m in build_model(recipe.architecture)}
    assert not kinds & {"BatchNorm1d", "BatchNorm2d", "Dropout"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"batch_size": 0}, "batch size must be from 1"),
        ({"epochs": 0}, "epochs must be from 1"),
        ({"learning_rate": -1.0}, "learning rate must be above 0"),
        ({"learning_rate": float("nan")}, "learning rate must be above 0"),
        ({"dropout": 1.0}, "dropout must be"),
        ({"validation": 1.5}, "validation share must be"),
        ({"hidden": (16, 0)}, "must be at least 1, got 0"),
        ({"kernel": 4}, "kernel must be an odd number"),
        ({"optimizer": "adamm"}, "did you mean 'adam'"),
        ({"activation": "rellu"}, "did you mean 'relu'"),
        ({"schedule": "cosin"}, "did you mean 'cosine'"),
    ],
)
def test_check_settings_rejects_bad_values(setting, message):
    with pytest.raises(NetcoreError, match=message):
        check_settings(with_overrides(RECIPES["mlp-16-16"], **setting)[0])


def test_recipes_command_text_and_json():
    rows = json.loads(CliRunner().invoke(command, ["--json"]).stdout)
    assert {row["name"]: row["parameters"] for row in rows} == PARAMETERS
    assert "784-16-16-10, sigmoid" in CliRunner().invoke(command).stdout


def test_get_recipe_suggests_nearest_name():
    with pytest.raises(NetcoreError, match="did you mean 'cnn-2conv'"):
        get_recipe("cnn2conv")
