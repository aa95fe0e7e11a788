"""Recipes: named sets of architecture, data and training settings, without torch."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from netcore.core.errors import NetcoreError, unknown_name
from netcore.models.architecture import Architecture


@dataclass(frozen=True)
class Recipe:
    """A named set of architecture, data and training settings.

    Attributes
    ----------
    name : str
    architecture : Architecture
    data : str
        Name of a data set.
    epochs, batch_size : int
    optimizer : str
        One of `netcore.training.optimizers.OPTIMIZERS`.
    learning_rate : float
        Highest rate of the schedule.
    schedule : str
        One of `netcore.training.lr_schedule.SCHEDULES`.
    augment : dict of float
        Largest random "rotate" in degrees, "shift" in pixels and "scale" as a share; empty: no augmentation.
    validation : float
        Share of the training data held out, stratified, to select the best epoch; 0: the test set is used.
    seed : int
    published : str
        Result that the reference reports.
    """

    name: str
    architecture: Architecture
    data: str = "mnist"
    epochs: int = 20
    batch_size: int = 64
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    augment: dict[str, float] = field(default_factory=dict)
    validation: float = 0.0
    seed: int = 42
    published: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """All fields but name and published result, as plain values."""
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
    """Return a recipe by name.

    Raises
    ------
    NetcoreError
        If there is no such recipe; the message contains the nearest name.
    """
    if name not in RECIPES:
        raise unknown_name("recipe", name, RECIPES)
    return RECIPES[name]


def option_overrides(
    recipe: Recipe, batch_norm: bool | None = None, augment: bool | None = None, dropout: float | None = None
) -> dict[str, Any]:
    """Convert three options to settings for `with_overrides`; None leaves the recipe's setting.

    Batch norm is added after the convolutions, or after the hidden layers of a network without convolutions. If it is
    off, or dropout is 0, it is removed everywhere.

    Examples
    --------
    >>> option_overrides(RECIPES["mlp-16-16"], batch_norm=True)
    {'dropout': None, 'dense_norm': True}
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


def with_overrides(recipe: Recipe, **changes: object) -> tuple[Recipe, dict[str, Any]]:
    """Change settings of a recipe.

    Parameters
    ----------
    recipe : Recipe
    **changes
        Fields of `Recipe` and `Architecture`; None leaves a field unchanged.

    Returns
    -------
    recipe : Recipe
    changed : dict
        The settings that differ from the original recipe's.

    Examples
    --------
    >>> with_overrides(RECIPES["mlp-16-16"], epochs=5, seed=42)[1]
    {'epochs': 5}
    """
    given: dict[str, Any] = {k: v for k, v in changes.items() if v is not None}
    network = {k: v for k, v in given.items() if k in Architecture.__dataclass_fields__}
    training = {k: v for k, v in given.items() if k in Recipe.__dataclass_fields__}
    unknown = given.keys() - network.keys() - training.keys()
    if unknown:
        raise NetcoreError(f"'{min(unknown)}' is not a setting of a recipe")
    out = replace(recipe, architecture=replace(recipe.architecture, **network), **training)
    before = asdict(recipe.architecture) | recipe.settings
    after = asdict(out.architecture) | out.settings
    return out, {k: after[k] for k in given if before[k] != after[k]}
