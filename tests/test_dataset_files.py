"""USPS, Kaggle's tables and folders of images: read right, and bad ones told line by line."""

import numpy as np
import pytest
from data_files import write_table, write_usps
from PIL import Image

from netcore.core.errors import NetcoreError
from netcore.datasets.image_folder import load_image_folder
from netcore.datasets.kaggle import read_table
from netcore.datasets.loading import load_dataset
from netcore.datasets.usps import resize_to_mnist
from netcore.training.train import train


def center_of_mass(image):
    rows, columns = np.indices(image.shape)
    return (image * rows).sum() / image.sum(), (image * columns).sum() / image.sum()


# ---- USPS


@pytest.mark.parametrize("inside", ["", "usps"])
def test_usps_read_and_resized(tmp_path, inside):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (12, 16, 16))
    labels = np.arange(12) % 10
    (tmp_path / inside).mkdir(exist_ok=True)
    for name in ("usps.bz2", "usps.t.bz2"):
        write_usps(tmp_path / inside / name, images, labels)
    source = load_dataset("usps", tmp_path)
    assert source.test.images.shape == (12, 28, 28)
    assert source.train.labels.tolist() == labels.tolist()
    (tmp_path / inside / "usps.bz2").write_bytes(b"BZh9 nothing")
    with pytest.raises(NetcoreError, match="damaged USPS files"):
        load_dataset("usps", tmp_path)


def test_resize_to_mnist_box_and_center():
    images = np.zeros((3, 16, 16), np.uint8)
    images[0, :, 4:8] = 255  # an upright stroke, full height
    images[1, 8:, :] = 200  # heavy at the bottom
    images[2, :, :] = 255
    fitted = resize_to_mnist(images)
    assert fitted.shape == (3, 28, 28)
    rows, columns = np.flatnonzero(fitted[0].max(1) > 127), np.flatnonzero(fitted[0].max(0) > 127)
    assert np.ptp(rows) + 1 == 20
    assert np.ptp(columns) + 1 == 5
    for image in fitted:
        assert np.abs(np.subtract(center_of_mass(image), 14)).max() <= 0.51
    assert fitted[2].sum() == 255 * 400


# ---- tables


@pytest.fixture
def kaggle_table(tmp_path):
    """A small train.csv, and a way to spoil a line of it."""
    random = np.random.default_rng(1)
    images, labels = random.integers(0, 256, (30, 28, 28)), np.arange(30) % 10
    write_table(tmp_path / "train.csv", images, labels)

    def spoil(line, change):
        lines = (tmp_path / "train.csv").read_text().splitlines()
        lines[line - 1] = change(lines[line - 1])
        (tmp_path / "train.csv").write_text("\n".join(lines) + "\n")
        return tmp_path / "train.csv"

    spoil.images, spoil.labels, spoil.folder = images, labels, tmp_path
    return spoil


def test_kaggle_table_read(kaggle_table):
    source = load_dataset(f"kaggle:{kaggle_table.folder}")
    np.testing.assert_array_equal(source.train.images, kaggle_table.images)
    np.testing.assert_array_equal(source.train.labels, kaggle_table.labels)
    assert source.test is None


def test_kaggle_table_gzipped_and_changed(tmp_path):
    images = np.full((3, 28, 28), 7)
    write_table(tmp_path / "train.csv.gz", images, [1, 2, 3])
    assert load_dataset(f"kaggle:{tmp_path}").train.labels.tolist() == [1, 2, 3]
    write_table(tmp_path / "train.csv.gz", images[:2], [4, 5])
    assert load_dataset(f"kaggle:{tmp_path}").train.labels.tolist() == [4, 5]  # not what was kept of the earlier file


@pytest.mark.parametrize(
    ("line", "change", "message"),
    [
        (1, lambda s: s.replace("pixel300,", "pixel3OO,"), "lacks the column 'pixel300'$"),
        (1, lambda s: s.replace("label,", "digit,"), "lacks the column 'label'$"),
        (7, lambda s: s.rpartition(",")[0], "line 7: has too few values"),
        (8, lambda s: s + ",5", "line 8"),
        (2, lambda s: s + ",5", "line 2: more values than the header"),
        (5, lambda s: s.rpartition(",")[0] + ",256", "line 5: pixel 256 is out of range, 0 to 255"),
        (5, lambda s: s.rpartition(",")[0] + ",-1", "line 5: pixel -1 is out of range"),
        (9, lambda s: s.rpartition(",")[0] + ",ink", "line 9: has 'ink' in pixel783, no whole number"),
        (9, lambda s: s.rpartition(",")[0] + ",1.5", r"line 9: has '1\.5' in pixel783, no whole number"),
        (4, lambda s: "12," + s.partition(",")[2], "line 4: label 12 is out of range, 0 to 9"),
    ],
)
def test_kaggle_table_error_names_line(kaggle_table, line, change, message):
    with pytest.raises(NetcoreError, match=message) as caught:
        read_table(kaggle_table(line, change), labeled=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"), [("", "is empty"), ("label," + ",".join(f"pixel{i}" for i in range(784)), "has no rows")]
)
def test_kaggle_table_without_rows(tmp_path, content, message):
    (tmp_path / "train.csv").write_text(content)
    with pytest.raises(NetcoreError, match=message):
        load_dataset(f"kaggle:{tmp_path}")


def test_kaggle_archive_missing_or_truncated(tmp_path):
    with pytest.raises(NetcoreError, match=r"has no train\.csv and no train\.csv\.gz"):
        load_dataset(f"kaggle:{tmp_path}")
    write_table(tmp_path / "train.csv.gz", np.random.default_rng(0).integers(0, 255, (20, 28, 28)), [0] * 20)
    whole = (tmp_path / "train.csv.gz").read_bytes()
    (tmp_path / "train.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NetcoreError, match="is not a table in Kaggle's format"):
        load_dataset(f"kaggle:{tmp_path}")


def test_kaggle_holds_out_validation_rows(tmp_path):
    embedded = load_dataset("embedded").train.subset(np.arange(400))
    write_table(tmp_path / "train.csv", embedded.images, embedded.labels)
    run = train("mlp-16-16", data=f"kaggle:{tmp_path}", output_dir=tmp_path / "runs", epochs=1, device="cpu")
    assert run.info["data"]["held_out_is"] == "15 % of the training set, stratified"
    assert list(run.info["evaluations"]) == ["kaggle-validation"]
    assert run.info["data"]["train"] + run.info["data"]["held_out"] == 400


# ---- folders


@pytest.fixture
def class_folder(tmp_path):
    """Two classes of MNIST-like files, three each."""
    digits = load_dataset("embedded").test
    for label in (3, 8):
        (tmp_path / f"digit {label}").mkdir()
        for i, image in enumerate(digits.images[digits.labels == label][:3]):
            Image.fromarray(image).save(tmp_path / f"digit {label}" / f"{i}.png")
    return tmp_path


def test_image_folder_read_unchanged(class_folder):
    source = load_dataset(f"folder:{class_folder}")
    digits = load_dataset("embedded").test
    assert source.train.classes == ("digit 3", "digit 8")
    np.testing.assert_array_equal(source.train.images[3:], digits.images[digits.labels == 8][:3])
    assert source.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert not source.note


def write_pages(folder, ink, ground, count=4):
    """A page with a stroke of `ink` for each of two classes; the last of class b has more ink than ground."""
    for name in "ab":
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            page = np.full((80, 60), ground, np.uint8)
            page[10:70, 20 + i : 30 + i] = ink
            if name == "b" and i == count - 1:
                page[5:75, 5:55] = ink
                page[30:50, 25:35] = ground
            Image.fromarray(page).save(folder / name / f"{i}.png")


@pytest.mark.parametrize(("ink", "ground"), [(20, 250), (250, 20)])
def test_image_folder_polarity_of_all(tmp_path, ink, ground):
    """An image with more ink than ground is prepared as the others of its data set are."""
    write_pages(tmp_path / "pages", ink, ground)
    source = load_dataset(f"folder:{tmp_path / 'pages'}")
    images = source.train.images
    assert (images[:, 0, 0] == 0).all()
    assert (images.max((1, 2)) > 200).all()
    assert images[-1].mean() > images[:-1].mean()  # most of it is ink
    words = ["dark on light", "light on dark"][:: 1 if ink < ground else -1]
    assert source.note == f"1 of 8 images looks {words[1]}: prepared as {words[0]}, like the others"
    short, _, steps = source.train.preparation.partition(": ")
    assert short == ("inverted and fitted like MNIST" if ink < ground else "fitted like MNIST")
    assert ("inverted (dark on light)" in steps) == (ink < ground)


def test_image_folder_polarity_across_parts(tmp_path):
    """Train and test part have one polarity."""
    write_pages(tmp_path / "top" / "train", 20, 250)
    write_pages(tmp_path / "top" / "test", 20, 250, count=1)  # in half of it, ink prevails
    source = load_dataset(f"folder:{tmp_path / 'top'}")
    assert (source.test.images[:, 0, 0] == 0).all()


def test_image_folder_unchanged_without_preparation(class_folder):
    assert load_dataset(f"folder:{class_folder}").train.preparation == ""


def test_image_folder_keeps_colors(class_folder):
    Image.new("RGB", (40, 40), (255, 0, 0)).save(class_folder / "digit 8" / "red.png")
    data = load_image_folder(class_folder, (3, 32, 32)).train
    assert data.images.shape == (7, 3, 32, 32)
    assert data.images[-1].max((1, 2)).tolist() == [255, 0, 0]


def test_image_folder_skips_broken_image(class_folder):
    """A broken image is named and counted, from the cache too."""
    (class_folder / "digit 3" / "broken.png").write_bytes(b"\x89PNG nothing")
    (class_folder / "digit 3" / "notes.txt").write_text("no image")
    for _ in range(2):
        source = load_dataset(f"folder:{class_folder}")
        assert len(source.train) == 6
        assert "1 of 7 files skipped" in source.note
        assert "digit 3/broken.png" in source.note


def test_image_folder_train_and_test(class_folder, tmp_path_factory):
    top = tmp_path_factory.mktemp("two")
    for part in ("train", "test"):
        (top / part).symlink_to(class_folder)
    source = load_dataset(f"folder:{top}")
    assert len(source.train) == len(source.test) == 6


def test_image_folder_rejects_unusable(class_folder, tmp_path_factory):
    with pytest.raises(NetcoreError, match="no folder"):
        load_dataset("folder:/nowhere/at/all")
    (class_folder / "digit 8").rename(tmp_path_factory.mktemp("away") / "digit 8")
    with pytest.raises(NetcoreError, match="one subfolder of images per class, two or more, got 1"):
        load_dataset(f"folder:{class_folder}")
    (class_folder / "empty").mkdir()
    with pytest.raises(NetcoreError, match="empty does not contain a readable image"):
        load_dataset(f"folder:{class_folder}")
