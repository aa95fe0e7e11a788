"""A training that is watched: the same weights, true pictures, and knobs that act."""

import base64

import numpy as np
import pytest
import torch

from netcore.core.run import load_run
from netcore.models.architecture import Architecture
from netcore.models.build import build_model
from netcore.training.progress import NullProgress
from netcore.training.train import train
from netcore.web.live_training import LiveTraining, take_pictures

SETTINGS = {"data": "embedded", "device": "cpu", "epochs": 2, "mc_dropout": False}


@pytest.fixture
def watched(monkeypatch):
    """A watched training whose pictures are taken at each report."""
    monkeypatch.setattr("netcore.web.live_training.PICTURE_SECONDS", 0.0)
    return LiveTraining(NullProgress(), "watched")


def shades(picture):
    values = np.frombuffer(base64.b64decode(picture["values"]), np.int8)
    shape = picture["count"], picture["rows"], picture["columns"]
    return values.reshape(shape) * picture["limit"] / 127


def test_pictures_show_layers():
    torch.manual_seed(1)
    module = build_model(Architecture(conv=((20,),), hidden=(12,), activation="tanh", dropout=0.5), (1, 28, 28), 10)
    image, state = torch.randint(0, 256, (1, 1, 28, 28), dtype=torch.uint8), torch.get_rng_state()
    found = take_pictures(module.train(), image, 3, "abcdefghij")
    assert module.training
    assert torch.equal(torch.get_rng_state(), state)
    with torch.inference_mode():
        module.eval()
        maps = module[:2](image / 255)[0].numpy()
        scores = module(image / 255)[0].numpy()
    weights, first, second = found["layers"]
    expected = {"Weights of conv1, 16 of 20": (weights, module.conv1.weight.detach().numpy()[:16, 0])}
    expected["conv1 after Tanh: maps, 16 of 20"] = first, maps[:16]
    for title, (picture, values) in expected.items():
        assert picture["title"] == title
        assert picture["signed"]
        assert np.abs(shades(picture) - values).max() <= picture["limit"] / 250
    assert (second["title"], second["rows"], second["columns"]) == ("hidden1 after Tanh: 12 neurons", 1, 12)
    assert found["probabilities"] == pytest.approx(np.exp(scores) / np.exp(scores).sum(), abs=1e-6)
    assert found["label"] == "d"


def test_watched_training_is_same(watched, mlp_run, tmp_path):
    settings = {**SETTINGS, "epochs": 3, "optimizer": "adam", "learning_rate": 0.01}
    run = train("mlp-16-16", name="w", output_dir=tmp_path, progress=watched, controls=watched.controls, **settings)
    for name, values in mlp_run.weights(mlp_run.snapshot("last")).items():
        assert np.array_equal(run.weights(run.snapshot("last"))[name], values)
    status = watched.status(-1)
    assert [row["val_accuracy"] for row in status["history"]] == [r["val_accuracy"] for r in run.history["epochs"]]
    assert (status["state"], status["losses"][0][0], status["pictures"] > 2) == ("ended", 1, True)
    assert watched.status(status["losses"][-1][0])["losses"] == []
    assert "live_changes" not in run.info


def test_knobs_act_on_training(watched, tmp_path, monkeypatch):
    monkeypatch.setattr("netcore.training.trainer.SYNC_SECONDS", 0.0)  # an epoch may be shorter than usual reports

    def on_step(epoch, step, loss):
        if (epoch, step) == (1, 1):
            watched.controls.change(learning_rate_factor=0.5, snapshot=True)
        if epoch == 2:
            watched.controls.change(stop=True)

    watched.inner.on_step = on_step
    with pytest.raises(KeyboardInterrupt):
        train("mlp-16-16", name="w", output_dir=tmp_path, progress=watched, controls=watched.controls, **SETTINGS)
    run = load_run(tmp_path / "w")
    rates = {row["step"]: row["learning_rate"] for row in run.history["steps"]}
    assert rates[1] == 2 * rates[3] == 2 * max(rate for step, rate in rates.items() if step > 2)
    assert run.info["live_changes"] == [{"step": 2, "learning_rate_factor": 0.5}]
    assert 2 in [snapshot.step for snapshot in run.snapshots]
    assert (run.info["status"], len(run.history["epochs"])) == ("interrupted", 1)


def test_paused_training_waits(watched):
    controls = watched.controls
    controls.change(paused=True, snapshot=True)
    requests = controls.requests()
    assert next(requests) is None
    controls.change(paused=False)
    assert list(requests) == []
    controls.change(paused=True, stop=True)
    with pytest.raises(KeyboardInterrupt):
        next(controls.requests())


def test_page_acts_on_controls(watched):
    httpx = pytest.importorskip("httpx")
    pytest.importorskip("fastapi", reason="pip install 'netcore[web]'")
    from netcore.web.server.live_app import watch_training

    watched.on_start(3, 63, 4000, 0)
    watched.on_step(1, 5, 2.25)
    with watch_training(watched, 0) as address, httpx.Client(base_url=address) as client:
        assert "connect-src 'self'" in client.get("/").text
        assert client.get("/api/training").json()["losses"] == [[5, 2.25]]
        assert client.get("/api/training?after=5").json()["losses"] == []
        assert client.get("/api/training/pictures").json()["layers"] == []
        answer = client.post("/api/training", json={"paused": True, "learning_rate_factor": 0.25})
        assert (answer.json()["paused"], answer.json()["learning_rate_factor"]) == (True, 0.25)
        assert (watched.controls.paused, watched.controls.learning_rate_factor) == (True, 0.25)
        foreign = {"Origin": "http://evil.example"}
        assert client.post("/api/training", json={"stop": True}, headers=foreign).status_code == 403
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
        assert client.post("/api/training", json={"learning_rate_factor": 0}).status_code == 422
        watched.controls.change(paused=False)
        assert list(watched.controls.requests()) == [], "the refused stop was taken"
