"""Data sets: reading, splitting, keeping, and doing without the network."""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from data_files import write_idx_set

from netcore import datasets
from netcore.core.errors import NetcoreError
from netcore.core.files import cache_dir
from netcore.datasets import loading
from netcore.datasets import mnist_family as idx
from netcore.datasets.base import Dataset, DatasetUnavailable, stratified_split
from netcore.datasets.cache import cached_arrays
from netcore.datasets.loading import load_dataset, load_with_fallback


@pytest.fixture
def random_digits():
    random = np.random.default_rng(0)
    return random.integers(0, 256, (30, 28, 28), dtype=np.uint8), np.arange(30) % 10


@pytest.fixture
def offline(monkeypatch):
    """No download works; what torchvision would do is never reached."""
    from torchvision import datasets

    def fail(self):
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr(datasets.MNIST, "download", fail)
    monkeypatch.setattr(datasets.EMNIST, "download", fail)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_mnist_folder_left_unchanged(tmp_path, random_digits, offline, suffix):
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), *random_digits, suffix)
    before = sorted(tmp_path.rglob("*"))
    source = load_dataset("mnist", tmp_path)
    np.testing.assert_array_equal(source.train.images, random_digits[0])
    np.testing.assert_array_equal(source.test.labels, random_digits[1])
    assert sorted(tmp_path.rglob("*")) == before  # so a folder that cannot be written serves as well


def test_mnist_matches_torchvision(tmp_path, random_digits, offline):
    from torchvision import datasets

    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), *random_digits, "")
    theirs = datasets.MNIST(tmp_path, train=False)
    ours = load_dataset("mnist", tmp_path).test
    np.testing.assert_array_equal(ours.images, theirs.data.numpy())
    np.testing.assert_array_equal(ours.labels, theirs.targets.numpy())


def test_data_dir_from_environment(tmp_path, random_digits, offline, monkeypatch):
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), *random_digits)
    monkeypatch.setenv("NETCORE_DATA", str(tmp_path))
    assert len(load_dataset("mnist").train) == 30


def test_emnist_images_upright(tmp_path, random_digits, offline):
    from torchvision import datasets

    images, labels = random_digits
    parts = ("emnist-digits-train", "emnist-digits-test")
    write_idx_set(tmp_path, "EMNIST", parts, images.transpose(0, 2, 1), labels, "")  # as EMNIST's files have them
    source = load_dataset("emnist-digits", tmp_path)
    np.testing.assert_array_equal(source.test.images, images)
    theirs = datasets.EMNIST(tmp_path, split="digits", train=False)
    np.testing.assert_array_equal(source.test.images, theirs.data.numpy().transpose(0, 2, 1))
    np.testing.assert_array_equal(source.test.labels, theirs.targets.numpy())


@pytest.mark.parametrize(
    ("name", "kind", "first"), [("fashion-mnist", "FashionMNIST", "T-shirt/top"), ("kmnist", "KMNIST", "o")]
)
def test_mnist_family_class_names(tmp_path, random_digits, name, kind, first):
    write_idx_set(tmp_path, kind, ("train", "t10k"), *random_digits)
    assert load_dataset(name, tmp_path).train.classes[0] == first


def test_mnist_truncated_file_rejected(tmp_path, random_digits, offline):
    """A truncated file is reported, not replaced by the embedded digits."""
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), *random_digits)
    file = tmp_path / "MNIST/raw/train-images-idx3-ubyte.gz"
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(NetcoreError, match=r"train-images-idx3-ubyte\.gz is damaged"):
        load_with_fallback("mnist", "mnist", tmp_path)
    plain = gzip.compress(b"\0\0\x08\x01" + struct.pack(">i", 99) + b"short")
    file.write_bytes(plain)
    with pytest.raises(NetcoreError, match="truncated"):
        idx.read_idx(file.with_suffix(""))


def test_load_falls_back_to_embedded(tmp_path, offline):
    """Without a network the embedded digits are used and a note says so, where no data set was requested."""
    source = load_with_fallback(None, "mnist")
    assert source.train.name == "embedded"
    assert "cannot be downloaded (no connection)" in source.note
    assert "\n" not in source.note
    with pytest.raises(DatasetUnavailable, match="--data-dir"):
        load_with_fallback(None, "kmnist")


def test_requested_data_never_replaced(tmp_path, offline, monkeypatch):
    """A data set, a folder or NETCORE_DATA that was named and has no MNIST is an error."""
    for name, folder in (("mnist", None), (None, tmp_path), ("mnist", tmp_path)):
        with pytest.raises(DatasetUnavailable, match=r"cannot be downloaded.*--data embedded"):
            load_with_fallback(name, "mnist", folder)
    monkeypatch.setenv("NETCORE_DATA", str(tmp_path))
    with pytest.raises(DatasetUnavailable):
        load_with_fallback(None, "mnist")


@pytest.mark.parametrize("inside", ["", "MNIST", "MNIST/raw"])
def test_mnist_folder_levels(tmp_path, random_digits, offline, inside):
    write_idx_set(tmp_path, "MNIST", ("train", "t10k"), *random_digits)
    np.testing.assert_array_equal(load_dataset("mnist", tmp_path / inside).train.images, random_digits[0])


def test_mnist_never_read_from_fashion(tmp_path, random_digits, offline):
    """The files of both data sets have the same names."""
    write_idx_set(tmp_path, "FashionMNIST", ("train", "t10k"), *random_digits)
    for inside in ("FashionMNIST", "FashionMNIST/raw"):
        with pytest.raises(DatasetUnavailable):
            load_dataset("mnist", tmp_path / inside)


def test_failed_download_leaves_no_folder(tmp_path, monkeypatch):
    from torchvision import datasets

    def broken(self):
        (Path(self.raw_folder)).mkdir(parents=True)
        (Path(self.raw_folder) / "train-images-idx3-ubyte").write_bytes(b"half")
        raise RuntimeError("Error downloading")

    monkeypatch.setattr(datasets.MNIST, "download", broken)
    for folder in (tmp_path, tmp_path / "new" / "folder"):
        with pytest.raises(DatasetUnavailable):
            load_dataset("mnist", folder)
    assert not list(tmp_path.iterdir())
    assert not list((cache_dir() / "downloads").iterdir())


@pytest.mark.parametrize("inside", ["", "MNIST", "MNIST/raw"])
def test_download_fills_data_dir(tmp_path, random_digits, monkeypatch, inside):
    from torchvision import datasets

    def download(self):
        write_idx_set(Path(self.root), "MNIST", ("train", "t10k"), *random_digits, "")

    monkeypatch.setattr(datasets.MNIST, "download", download)
    monkeypatch.setattr(datasets.MNIST, "_load_data", lambda self: random_digits)
    assert len(load_dataset("mnist", tmp_path / inside).test) == 30
    assert [path.name for path in tmp_path.iterdir()] == ["MNIST"]
    assert len(list((tmp_path / "MNIST/raw").iterdir())) == 4


def test_sources_found_in_folder(tmp_path, monkeypatch):
    (tmp_path / "squares.py").write_text(
        "import numpy as np\n"
        "from netcore.datasets.base import Dataset, DatasetSplits\n"
        "NAMES = ('squares', 'shape:')\n"
        "def load(name, data_dir):\n"
        "    data = Dataset(name, np.full((4, 8, 8), 255, np.uint8), np.zeros(4, np.int64), ('square',))\n"
        "    return DatasetSplits(data, None)\n"
    )
    monkeypatch.setattr(datasets, "__path__", [*datasets.__path__, str(tmp_path)])
    loading.sources.cache_clear()
    try:
        assert load_dataset("squares").train.images.shape == (4, 8, 8)
        assert load_dataset("shape:any").train.name == "shape:any"
        assert {"squares", "shape:PATH", "kmnist", "folder:PATH"} <= set(loading.dataset_names())
    finally:
        loading.sources.cache_clear()
        sys.modules.pop("netcore.datasets.squares")


def test_load_dataset_suggests_nearest_name():
    with pytest.raises(NetcoreError, match="did you mean 'kmnist'"):
        load_dataset("kmnst")


def test_embedded_split_stratified_and_reproducible():
    source = load_dataset("embedded")
    assert (len(source.train), len(source.test)) == (4000, 1000)
    assert np.bincount(source.test.labels).tolist() == [100] * 10
    together = {image.tobytes() for image in source.train.images} & {image.tobytes() for image in source.test.images}
    assert not together
    assert load_dataset("embedded").test.sha256 == source.test.sha256


def test_cache_rebuilt_if_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("NETCORE_CACHE", str(tmp_path))
    calls = []

    def parse():
        calls.append(1)
        return {"images": np.arange(40, dtype=np.uint8).reshape(10, 2, 2), "labels": np.arange(10)}

    first = cached_arrays("tiny", parse)
    np.testing.assert_array_equal(cached_arrays("tiny", parse)["images"], first["images"])
    assert len(calls) == 1
    file = tmp_path / "arrays/tiny.npz"
    whole = bytearray(file.read_bytes())
    file.write_bytes(whole[: len(whole) // 2])  # truncated
    cached_arrays("tiny", parse)
    assert len(calls) == 2
    with np.load(file) as archive:  # whole, but with other values than its digest says
        wrong = dict(archive) | {"labels": np.arange(10)[::-1]}
    np.savez(file, **wrong)
    np.testing.assert_array_equal(cached_arrays("tiny", parse)["labels"], first["labels"])
    assert len(calls) == 3


def test_cache_unwritable_still_loads(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NETCORE_CACHE", str(tmp_path / "file"))
    assert cached_arrays("tiny", lambda: {"images": np.zeros((1, 2, 2))})["images"].shape == (1, 2, 2)


def test_stratified_split_class_shares():
    labels = np.repeat([0, 1, 2], [100, 40, 20])
    kept, held = stratified_split(labels, 0.15, seed=3)
    assert np.bincount(labels[held]).tolist() == [15, 6, 3]
    assert sorted([*kept, *held]) == list(range(160))
    assert not np.array_equal(held, stratified_split(labels, 0.15, seed=4)[1])


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 28, 28), np.float32), [0, 1], "must be uint8"),
        (np.zeros((2, 28, 28), np.uint8), [0], "2 images but 1 labels"),
        (np.zeros((2, 28, 28), np.uint8), [0, 10], "label 10 is out of range"),
        (np.zeros((2, 28, 28), np.uint8), [-1, 0], "label -1 is out of range"),
    ],
)
def test_dataset_rejects_inconsistent_arrays(images, labels, message):
    with pytest.raises(NetcoreError, match=message):
        Dataset("wrong", images, np.array(labels))


def test_cache_works_without_platformdirs(monkeypatch):
    monkeypatch.delenv("NETCORE_CACHE")
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert cache_dir().name == "netcore"
