"""Small files in the formats of the data sets, for tests."""

import bz2
import csv
import gzip
import struct

import numpy as np


def write_idx(path, array):
    """Write bytes in the format that Yann LeCun's page describes, gzipped where the name says so."""
    raw = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.astype(np.uint8).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def write_idx_set(folder, kind, parts, images, labels, suffix=".gz"):
    for part in parts:
        write_idx(folder / kind / "raw" / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(folder / kind / "raw" / f"{part}-labels-idx1-ubyte{suffix}", labels)


def write_table(path, images, labels=None):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow((["label"] if labels is not None else []) + [f"pixel{i}" for i in range(784)])
        for i, image in enumerate(images):
            writer.writerow(([int(labels[i])] if labels is not None else []) + image.ravel().tolist())


def write_usps(path, images, labels):
    """In libsvm's format: label from 1, then `index:value`, values from -1 to 1."""
    lines = [
        f"{label + 1} " + " ".join(f"{i}:{v / 127.5 - 1:.6f}" for i, v in enumerate(image.ravel().tolist(), 1))
        for image, label in zip(images, labels, strict=True)
    ]
    path.write_bytes(bz2.compress("\n".join(lines).encode() + b"\n"))
