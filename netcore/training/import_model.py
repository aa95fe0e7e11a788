"""Import a network trained elsewhere from its factory and weight files."""

import importlib
import importlib.util
import pickle
import sys
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from netcore.core.errors import NetcoreError, unknown_name
from netcore.core.formatting import format_shape
from netcore.core.run import Run
from netcore.datasets.base import Dataset
from netcore.datasets.loading import load_dataset
from netcore.models.loading import load_weights
from netcore.training.input_checks import check_normalization, class_names, count_classes
from netcore.training.recorder import RunRecorder

CHECKPOINT_KEYS = ("state_dict", "model_state_dict", "model")  # of the weights in a checkpoint
WRAPPER_PREFIXES = ("module.", "_orig_mod.")  # added to names by DataParallel and torch.compile


def import_model(
    factory: str,
    weights: Sequence[str | Path],
    *,
    name: str,
    output_dir: str | Path = "runs",
    shape: tuple[int, int, int] = (1, 28, 28),
    classes: Sequence[str] | None = None,
    examples: str | None = None,
    data_dir: str | Path | None = None,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
) -> Run:
    """Import a PyTorch classifier as a run.

    The run contains the network's graph: the factory is not needed again.

    Parameters
    ----------
    factory : str
        "module:callable" or "file.py:callable", called without arguments.
    weights : sequence of path
        Safetensors files, or others that PyTorch loads with `weights_only`; one snapshot each, in order.
    name : str
        Name of the run.
    output_dir : path
        Folder of the run folder.
    shape : tuple of int
        (C, H, W) of one image.
    classes : sequence of str, optional
        K names. Default: those of the examples, or the numbers from 0.
    examples : str, optional
        Folder with one folder of images per class, or name of a data set.
    data_dir : path, optional
        Folder of the data files.
    mean, std : float or sequence of float
        Normalisation of pixels in [0, 1]: one number, or one per channel.

    Returns
    -------
    Run

    Raises
    ------
    NetcoreError
        If the factory cannot be found, raises, or does not return a network; if weights do not fit or contain pickled
        objects; if the examples do not fit; if the run cannot be written.
    """
    if name.startswith(".") or Path(name).name != name:
        raise NetcoreError(f"the name of a run must not contain '/', got '{name}': choose another --name")
    if not weights:
        raise NetcoreError("give the network's weights: --weights FILE")
    module = call_factory(factory)
    count = count_classes(module, shape)
    check_normalization(mean, std, shape[0])
    files = [Path(f) for f in weights]
    for file in files:  # all of them, before anything is written; one at a time is in memory
        load_weights(module, read_weights(file), str(file))
    data = _load_examples(examples, data_dir, shape, classes, count)
    origin = {"factory": factory, "folder": str(Path.cwd())}
    with RunRecorder(module, data, Path(output_dir) / name, mean, std, origin) as recorder:
        for number, file in enumerate(files, 1):
            if len(files) > 1:
                load_weights(module, read_weights(file), str(file))
            recorder.snapshot(number, name=file.stem)
        del module  # the evaluation reads the snapshot
    return recorder.run


# ---- the factory


def call_factory(factory: str) -> nn.Module:
    """Call "module:callable" or "file.py:callable", found from the working directory."""
    place, _, name = factory.rpartition(":")
    if not place or not name:
        raise NetcoreError(f"'{factory}' is not a factory: use module:callable or file.py:callable")
    with _importing(factory):
        found: object = (
            _import_file(Path(place)) if place.endswith(".py") or "/" in place else importlib.import_module(place)
        )
    for part in name.split("."):
        if not hasattr(found, part):
            raise unknown_name(f"factory in {place}", name, [k for k, v in vars(found).items() if callable(v)])
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise NetcoreError(f"{factory} is a {type(found).__name__}, not a function or class that makes a network")
    with _importing(factory):
        module = found()
    if not isinstance(module, nn.Module):
        raise NetcoreError(f"{factory} gives a {type(module).__name__}, not a torch.nn.Module")
    return module


@contextmanager
def _importing(factory: str) -> Iterator[None]:
    """Find modules in the working directory, and report exceptions of the user's code in one line."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    except NetcoreError:
        raise
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise NetcoreError(f"{factory} cannot be called ({reason})") from error
    finally:
        sys.path.remove(here)


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise NetcoreError(f"no file {path}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise NetcoreError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent.absolute()))  # modules beside it
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent.absolute()))
    return module


# ---- the weights


def read_weights(path: Path) -> dict[str, NDArray[Any]]:
    """Read a weight file as named arrays, without loading pickled objects.

    Raises
    ------
    NetcoreError
        If the file cannot be read, or contains pickled objects, no weights, or NaN.
    """
    if not path.is_file():
        raise NetcoreError(f"no weight file {path}")
    try:
        if _is_torchscript(path):
            raise NetcoreError(f"{path} contains a TorchScript module: save the state_dict() of the original nn.Module")
        found = load_file(path) if path.suffix == ".safetensors" else _load_torch(path)
    except pickle.UnpicklingError as error:
        raise NetcoreError(
            f"{path} contains pickled objects, which are never loaded: save the network's state_dict()"
        ) from error
    except NetcoreError:
        raise
    except Exception as error:  # what a damaged archive makes zipfile, safetensors and PyTorch raise
        reason = " ".join(str(error).split())[:200]
        raise NetcoreError(f"{path} cannot be read as weights ({reason})") from error
    floats = {k: v.detach().float() if v.is_floating_point() else v.detach() for k, v in found.items()}
    arrays = {_plain_name(k): v.numpy() for k, v in floats.items()}
    if not arrays:
        raise NetcoreError(f"{path} does not contain weights")
    bad = [k for k, v in arrays.items() if np.issubdtype(v.dtype, np.floating) and not np.isfinite(v).all()]
    if bad:
        raise NetcoreError(f"{path} contains NaN or infinite weights in {bad[0]}")
    return arrays


def _is_torchscript(path: Path) -> bool:
    """Whether a file was written by `torch.jit.save`: a ZIP archive with code."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _load_torch(path: Path) -> dict[str, torch.Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the errors contain what matters
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    for key in CHECKPOINT_KEYS:
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise TypeError("it is not a dictionary of tensors")
    return found


def _plain_name(name: str) -> str:
    while any(name.startswith(w) for w in WRAPPER_PREFIXES):
        name = name.partition(".")[2]
    return name


# ---- the examples


def _load_examples(
    named: str | None,
    data_dir: str | Path | None,
    shape: tuple[int, int, int],
    classes: Sequence[str] | None,
    count: int,
) -> Dataset:
    """Load the example images, resized for the network; empty if `named` is None."""
    if named is None:
        return Dataset("no images", np.empty((0, *shape), np.uint8), np.empty(0, np.int64), class_names(classes, count))
    if Path(named).is_dir():
        from netcore.datasets.image_folder import load_image_folder

        source = load_image_folder(Path(named), shape)
    else:
        source = load_dataset(named, data_dir)
    data = source.test or source.train
    names = class_names(classes if classes is not None else data.classes, count)
    labels = data.labels
    if set(names) == set(data.classes):  # the same classes in another order
        labels = np.array([names.index(c) for c in data.classes])[labels]
    elif len(data.classes) != count:
        raise NetcoreError(f"{data.name} has {len(data.classes)} classes, the network {count}")
    if data.channels_first.shape[1:] != shape:
        found = format_shape(data.channels_first.shape[1:])
        raise NetcoreError(f"{data.name}: images are {found}, but the network takes {format_shape(shape)}")
    return Dataset(data.name, data.images, labels, names, data.preparation)
