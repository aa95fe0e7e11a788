"""`netcore predict`, end to end."""

import json

import pytest
from pictures import digits, scan

from netcore.cli.main import main
from netcore.tracing.tracer import trace


@pytest.fixture
def call(mlp_run, cnn_run, capsys):
    def run(*args):
        status = main(["predict", *map(str, args), "--runs-dir", str(mlp_run.path.parent)])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_scanned_digits_are_recognised(call, cnn_run, tmp_path):
    images, labels = digits(20)
    files = [scan(digit, tmp_path / f"{n}.jpg", n) for n, digit in enumerate(images)]
    status, out, err = call(cnn_run.name, *files, "--json")
    rows = json.loads(out)
    assert status == 0
    assert [row["image"] for row in rows] == [str(f) for f in files]
    assert sum(row["prediction"] == str(label) for row, label in zip(rows, labels, strict=True)) >= 17
    for row in rows:
        assert set(row) == {"image", "prediction", "probabilities"}
        assert sum(row["probabilities"]) == pytest.approx(1)
        assert row["probabilities"].index(max(row["probabilities"])) == int(row["prediction"])
    assert err.count("inverted (dark on light)") == 20


def test_probabilities_are_those_of_the_snapshot_asked_for(call, mlp_run, tmp_path):
    from netcore.core.sample import read_sample

    file = scan(digits(10)[0][4], tmp_path / "four.png")
    for at in ("first", "best"):
        status, out, _ = call(mlp_run.name, file, "--at", at, "--json")
        expected = trace(mlp_run, mlp_run.snapshot(at), read_sample(file)[0].pixels)
        assert status == 0
        assert json.loads(out)[0]["probabilities"] == pytest.approx(expected.probabilities.tolist())


def test_a_broken_image_among_good_ones_is_named_and_the_others_predicted(call, mlp_run, tmp_path):
    good = scan(digits(10)[0][1], tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no image")
    status, out, err = call(mlp_run.name, tmp_path / "bad.png", good, "--json")
    assert status == 2
    assert [row["image"] for row in json.loads(out)] == [str(good)]
    assert f"{tmp_path / 'bad.png'} is no image" in err
    status, out, _ = call(mlp_run.name, tmp_path / "bad.png")
    assert (status, out) == (2, "")


def test_the_table_lists_the_most_likely_classes(call, mlp_run, tmp_path):
    file = scan(digits(10)[0][0], tmp_path / "zero.png")
    status, out, _ = call(mlp_run.name, file, "--top", 99)
    assert status == 0
    assert out.count("%") == 10
    shares = [float(word) for word in out.replace("%", " ").split() if "." in word and word[0].isdigit()]
    assert shares == sorted(shares, reverse=True)
    assert call(mlp_run.name, file)[1].count("%") == 3


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mlp-16-61", "x.png"], "did you mean 'mlp-16-16'"),
        (["mlp-16-16", "x.png", "--at", "epoch:99"], "nearest is epoch:3"),
        (["mlp-16-16", "x.png", "--top", "0"], "--top"),
        (["mlp-16-16"], "IMAGE"),
    ],
)
def test_bad_arguments_get_one_line(call, args, message):
    status, out, err = call(*args)
    assert status == 2
    assert out == ""
    assert message in err
    assert err.count("\n") == 1
