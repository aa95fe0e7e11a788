"""The five recipes: each one named set of architecture, data and training settings.

Nothing here imports torch, so that `netcore recipes` answers at once.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name
from netcore.models.architecture import Architecture


@dataclass(frozen=True)
class Recipe:
    """One named way to train one network.

    `validation` is the share of the training data held out (stratified) to choose the best epoch by; at 0 the history
    shows the test set. `augment` is batched on the device: rotation in degrees, shift in pixels, scale as a share.
    """

    name: str
    architecture: Architecture
    data: str = "mnist"
    epochs: int = 20
    batch_size: int = 64
    optimizer: str = "adam"  # of `optimizers.OPTIMIZERS`
    learning_rate: float = 0.001
    schedule: str = "constant"  # of `lr_schedule.SCHEDULES`
    augment: dict[str, float] = field(default_factory=dict)
    validation: float = 0.0
    seed: int = 42
    published: str = ""  # what the reference reports

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but name and published result, as plain values."""
        out = asdict(self) | {"architecture": self.architecture.settings}
        del out["name"], out["published"]
        return out


DEFAULT_AUGMENT = {"rotate": 10.0, "shift": 2.0, "scale": 0.1}  # degrees, pixels, share

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "mlp-16-16",
            Architecture(hidden=(16, 16), activation="sigmoid"),
            epochs=20,
            batch_size=32,
            optimizer="sgd",
            learning_rate=0.01,
            published="85.73 % on MNIST's test set",
        ),
        Recipe(
            "mlp-128-64",
            Architecture(hidden=(128, 64)),
            epochs=25,
            published="97–98 % on MNIST's test set",
        ),
        Recipe(
            "mlp-1024",
            Architecture(hidden=(1024,)),
            epochs=5,
            published="97–98 % on MNIST's test set, 85–95 % on EMNIST-Digits",
        ),
        Recipe(
            "cnn-2conv",
            Architecture(conv=((32,), (64,)), hidden=(320,), batch_norm=True, dropout=0.4),
            epochs=32,
            augment=DEFAULT_AUGMENT,
            published="99 %+ on MNIST's test set, 96 %+ on EMNIST-Digits",
        ),
        Recipe(
            "cnn-5conv",
            Architecture(
                conv=((32, 32), (64, 64), (128,)),
                hidden=(256,),
                batch_norm=True,
                dense_norm=True,
                block_dropout=0.25,
                dropout=0.5,
            ),
            data="mnist",
            epochs=30,
            batch_size=128,
            schedule="plateau",
            validation=0.15,
            published="99.49 % best validation accuracy (32 wrong of 6,300), 99.91 % training",
        ),
    )
}


def get_recipe(name: str) -> Recipe:
    """Find a recipe by name, offering the nearest one where there is none."""
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]


def option_overrides(
    recipe: Recipe, batch_norm: bool | None = None, augment: bool | None = None, dropout: float | None = None
) -> dict[str, Any]:
    """Give the settings that three plain wishes come to, for `change`; None leaves the recipe's.

    Batch norm goes after the convolutions, in a network without any after the hidden layers; switched off it is gone
    from both, and so is dropout at 0.
    """
    out: dict[str, Any] = {"dropout": dropout}
    if dropout == 0:
        out["block_dropout"] = 0.0
    if batch_norm is not None:
        out["batch_norm" if recipe.architecture.conv else "dense_norm"] = batch_norm
        if not batch_norm:
            out["dense_norm"] = False
    if augment is not None:
        out["augment"] = (recipe.augment or DEFAULT_AUGMENT) if augment else {}
    return out


def with_overrides(recipe: Recipe, **changes: Any) -> tuple[Recipe, dict[str, Any]]:
    """Give a recipe with some settings changed, and what really differs from it.

    Names of `Architecture` fields and `Recipe` fields both count; None means unchanged.
    """
    given = {k: v for k, v in changes.items() if v is not None}
    of_network = {k: v for k, v in given.items() if k in Architecture.__dataclass_fields__}
    of_recipe = {k: v for k, v in given.items() if k in Recipe.__dataclass_fields__}
    strange = given.keys() - of_network.keys() - of_recipe.keys()
    if strange:
        raise NetcoreError(f"'{min(strange)}' is not a setting of a recipe")
    out = replace(recipe, architecture=replace(recipe.architecture, **of_network), **of_recipe)
    before = asdict(recipe.architecture) | recipe.settings
    after = asdict(out.architecture) | out.settings
    return out, {k: after[k] for k in given if before[k] != after[k]}
