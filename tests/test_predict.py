"""`netcore predict`, end to end."""

import json
import re

import pytest
from sample_files import embedded_digits, write_scan

from netcore.cli.main import main
from netcore.tracing.tracer import trace


@pytest.fixture
def run_predict(mlp_run, cnn_run, capsys):
    def run(*args):
        status = main(["predict", *map(str, args), "--runs-dir", str(mlp_run.path.parent)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_predict_scanned_digits(run_predict, cnn_run, tmp_path):
    images, labels = embedded_digits(20)
    files = [write_scan(digit, tmp_path / f"{n}.jpg", n) for n, digit in enumerate(images)]
    status, out, err = run_predict(cnn_run.name, *files, "--json")
    rows = json.loads(out)
    assert status == 0
    assert [row["image"] for row in rows] == [str(f) for f in files]
    assert sum(row["prediction"] == str(label) for row, label in zip(rows, labels, strict=True)) >= 17
    for row in rows:
        assert set(row) == {"image", "prediction", "probabilities"}
        assert sum(row["probabilities"]) == pytest.approx(1)
        assert row["probabilities"].index(max(row["probabilities"])) == int(row["prediction"])
    assert err.count("inverted (dark on light)") == 20


def test_predict_uses_chosen_snapshot(run_predict, mlp_run, tmp_path):
    from netcore.core.sample import read_sample

    file = write_scan(embedded_digits(10)[0][4], tmp_path / "four.png")
    for at in ("first", "best"):
        status, out, _ = run_predict(mlp_run.name, file, "--at", at, "--json")
        expected = trace(mlp_run, mlp_run.snapshot(at), read_sample(file)[0].pixels)
        assert status == 0
        assert json.loads(out)[0]["probabilities"] == pytest.approx(expected.probabilities.tolist())


def test_predict_skips_unreadable_image(run_predict, mlp_run, tmp_path):
    good = write_scan(embedded_digits(10)[0][1], tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    status, out, err = run_predict(mlp_run.name, tmp_path / "bad.png", good, "--json")
    assert status == 2
    assert [row["image"] for row in json.loads(out)] == [str(good)]
    assert f"{tmp_path / 'bad.png'} is not an image" in err
    status, out, _ = run_predict(mlp_run.name, tmp_path / "bad.png")
    assert (status, out) == (2, "")


def test_predict_table_most_likely_classes(run_predict, mlp_run, tmp_path):
    file = write_scan(embedded_digits(10)[0][0], tmp_path / "zero.png")
    status, out, _ = run_predict(mlp_run.name, file, "--top", 99)
    assert status == 0
    assert out.count("%") == 10
    shares = [float(share) for share in re.findall(r"([\d.]+) %", out)]
    assert len(shares) == 10
    assert shares == sorted(shares, reverse=True)
    assert run_predict(mlp_run.name, file)[1].count("%") == 3


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mlp-16-61", "x.png"], "did you mean 'mlp-16-16'"),
        (["mlp-16-16", "x.png", "--at", "epoch:99"], "nearest is epoch:3"),
        (["mlp-16-16", "x.png", "--top", "0"], "--top"),
        (["mlp-16-16"], "IMAGE"),
    ],
)
def test_predict_bad_arguments(run_predict, args, message):
    status, out, err = run_predict(*args)
    assert status == 2
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
