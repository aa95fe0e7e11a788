"""Any picture file becomes what MNIST would have made of it, or one line says why not."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sample_files import embedded_digits, write_scan
from sampling import sampled_pairs

from netcore import core
from netcore.core.errors import NetcoreError
from netcore.core.sample import MAX_PIXELS, read_sample


def prepared(path, shape=(1, 28, 28)):
    sample, note = read_sample(path, shape)
    assert "\n" not in note
    assert sample.pixels.shape == shape
    assert sample.pixels.dtype == np.uint8
    assert sample.label is None
    return sample.pixels, note


def alike(a, b):
    return np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1]


@pytest.mark.parametrize(("suffix", "shade"), sampled_pairs(["jpg", "png", "webp"], ["0.0", "0.4"], every=2))
def test_read_sample_restores_scanned_digits(tmp_path, suffix, shade):
    images, _ = embedded_digits(10)
    found = []
    for seed, digit in enumerate(images):
        pixels, note = prepared(write_scan(digit, tmp_path / f"scan.{suffix}", seed, float(shade)))
        assert "inverted (dark on light)" in note
        assert "fitted to 20×20, centred by its mass" in note
        shifted = [np.roll(pixels[0], (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
        found.append(max(alike(s, digit) for s in shifted))  # rounding may move it by a pixel
        rows, columns = np.flatnonzero(pixels[0].max(1) > 20), np.flatnonzero(pixels[0].max(0) > 20)
        assert 19 <= max(np.ptp(rows), np.ptp(columns)) + 1 <= 20
    assert np.mean(found) > 0.96
    assert min(found) > 0.85


def test_read_sample_center_of_mass(tmp_path):
    def center(image):
        y, x = np.mgrid[0:28, 0:28]
        return np.array([(image * y).sum(), (image * x).sum()]) / image.sum()

    images, _ = embedded_digits(50)
    expected = np.mean([center(i.astype(float)) for i in images], axis=0)
    for seed, digit in enumerate(images[::5]):
        pixels, _ = prepared(write_scan(digit, tmp_path / "scan.png", seed))
        np.testing.assert_allclose(center(pixels[0].astype(float)), expected, atol=0.8)


def test_read_sample_keeps_mnist_images(tmp_path):
    """Light on dark is not inverted; 28×28 is taken as it is."""
    digit = embedded_digits(10)[0][3]
    Image.fromarray(digit).save(tmp_path / "own.png")
    pixels, note = prepared(tmp_path / "own.png")
    np.testing.assert_array_equal(pixels[0], digit)
    assert "as it is" in note
    Image.fromarray(digit).resize((280, 280), Image.Resampling.BICUBIC).save(tmp_path / "large.png")
    pixels, note = prepared(tmp_path / "large.png")
    assert "inverted" not in note
    assert alike(pixels, digit) > 0.95


def stroke(path, mode, ink, ground, size=(300, 200), width=24):
    image = Image.new(mode, size, ground)
    ImageDraw.Draw(image).line((60, 40, 120, 170), fill=ink, width=width)
    image.save(path)
    return path


@pytest.mark.parametrize(
    ("mode", "ink", "ground"),
    [
        ("RGBA", (0, 0, 0, 255), (0, 0, 0, 0)),  # black on nothing
        ("RGBA", (255, 255, 255, 255), (255, 255, 255, 0)),  # white on nothing
        ("LA", (30, 255), (0, 0)),
        ("RGB", (20, 30, 160), (250, 245, 230)),
        ("RGB", (250, 240, 90), (10, 60, 30)),
        ("P", 0, 5),
        ("1", 0, 1),
        ("I;16", 1000, 60000),
        ("L", 120, 180),
    ],
)
def test_read_sample_image_modes(tmp_path, mode, ink, ground):
    if mode == "P":
        image = Image.open(stroke(tmp_path / "a.png", "RGB", (0, 0, 0), (255, 255, 255))).quantize(4)
        image.save(tmp_path / "p.png")
        pixels, _ = prepared(tmp_path / "p.png")
    else:
        pixels, _ = prepared(stroke(tmp_path / "a.png", mode, ink, ground))
    expected, _ = prepared(stroke(tmp_path / "b.png", "L", 0, 255))
    assert alike(pixels, expected) > 0.98
    assert pixels[0, 8, 12] > 200 > 20 > pixels[0, 8, 20]


def test_read_sample_thickens_thin_lines(tmp_path):
    thin, note = prepared(stroke(tmp_path / "thin.png", "L", 0, 255, width=3))
    assert "thickened" in note
    wide, note = prepared(stroke(tmp_path / "wide.png", "L", 0, 255, width=20))
    assert "thickened" not in note
    per_row = (thin[0] > 128).sum(1)
    assert 1.8 <= per_row[per_row > 0].mean() <= 4
    assert alike(thin, wide) > 0.8


def test_read_sample_keeps_proportions(tmp_path):
    image = Image.new("L", (400, 400), 255)
    ImageDraw.Draw(image).rectangle((50, 20, 89, 219), fill=0)  # 40 wide, 200 high
    image.save(tmp_path / "one.png")
    pixels, _ = prepared(tmp_path / "one.png")
    assert (pixels[0].max(1) > 128).sum() == 20
    assert (pixels[0].max(0) > 128).sum() == 4


def test_read_sample_applies_exif_orientation(tmp_path):
    plain = stroke(tmp_path / "plain.jpg", "L", 0, 255)
    turned = Image.open(plain).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 270 degrees counter-clockwise
    turned.save(tmp_path / "turned.jpg", exif=exif)
    assert alike(prepared(plain)[0], prepared(tmp_path / "turned.jpg")[0]) > 0.97


def test_read_sample_resizes_color_images(tmp_path):
    image = Image.new("RGB", (200, 100), (200, 30, 30))
    image.paste((20, 20, 220), (100, 0, 200, 100))
    image.save(tmp_path / "flag.png")
    pixels, note = prepared(tmp_path / "flag.png", (3, 32, 32))
    assert note == "flag.png: cropped to the middle, resized to 32×32"
    assert pixels[:, 16, 5].tolist() == [200, 30, 30]
    assert pixels[:, 16, 28].tolist() == [20, 20, 220]
    grey, note = prepared(tmp_path / "flag.png", (1, 16, 32))
    assert note == "flag.png: turned to grey, resized to 32×16"
    assert grey[0, 8, 2] == pytest.approx(0.299 * 200 + 0.587 * 30 + 0.114 * 30, abs=2)


# ---- what cannot be read


def test_read_sample_rejects_non_images(tmp_path):
    whole = write_scan(embedded_digits(10)[0][0], tmp_path / "whole.jpg").read_bytes()
    png = stroke(tmp_path / "whole.png", "L", 0, 255).read_bytes()
    broken = {
        "words.png": (b"these are words", "not an image: use a PNG"),
        "empty.png": (b"", "is empty"),
        "cut.jpg": (whole[: len(whole) // 2], "cannot read .*cut.jpg: .*truncated"),
        "cut.png": (png[: len(png) // 2], "cannot read .*cut.png"),
        "head.png": (png[:20], "cannot read|not an image"),
        "page.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not an image"),
    }
    for name, (content, message) in broken.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NetcoreError, match=message) as caught:
            read_sample(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(NetcoreError, match=r"cannot read .*none.png: No such file"):
        read_sample(tmp_path / "none.png")
    with pytest.raises(NetcoreError, match=r"cannot read .*: Is a directory"):
        read_sample(tmp_path)


def test_read_sample_rejects_huge_images(tmp_path):
    Image.new("1", (12_000, 12_000)).save(tmp_path / "huge.png")
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    for name in ("huge.png", "bomb.png"):
        with pytest.raises(NetcoreError, match="scale it down to at most 89 megapixels"):
            read_sample(tmp_path / name)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_read_sample_rejects_blank_images(tmp_path, value):
    noise = np.random.default_rng(0).normal(value, 3, (200, 200)).clip(0, 255).astype(np.uint8)
    for name, values in (("flat.png", np.full((200, 200), value, np.uint8)), ("noisy.png", noise)):
        Image.fromarray(values).save(tmp_path / name)
        with pytest.raises(NetcoreError, match="no digit found in"):
            read_sample(tmp_path / name)
    Image.new("RGBA", (50, 50), (value, value, value, 0)).save(tmp_path / "clear.png")
    with pytest.raises(NetcoreError, match="no digit found in"):
        read_sample(tmp_path / "clear.png")


def test_read_sample_rejects_channel_counts(tmp_path):
    with pytest.raises(NetcoreError, match="1 or 3 channels, got 4"):
        read_sample(stroke(tmp_path / "a.png", "L", 0, 255), (4, 32, 32))


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2)])
def test_read_sample_rejects_tiny_images(tmp_path, size):
    image = Image.new("L", size, 255)
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "tiny.png")
    with pytest.raises(NetcoreError, match=r"no digit .*tiny\.png"):
        read_sample(tmp_path / "tiny.png")


def test_core_loads_no_pillow():
    names = sorted(file.stem for file in Path(core.__path__[0]).glob("[!_]*.py"))
    code = f"import sys; from netcore.core import {', '.join(names)}; print('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_read_sample_pixel_limit_is_pillows():
    assert MAX_PIXELS == Image.MAX_IMAGE_PIXELS
