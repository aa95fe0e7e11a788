"""The server's interface: what it answers, refuses and stores, over a real connection."""

import asyncio
import base64
import contextlib
import io
import json
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

import numpy as np
import pytest
from figure_runs import make_run
from lab_servers import serve_lab
from PIL import Image
from sample_files import embedded_digits, write_scan

from netcore.analysis.unit_edits import Edit, apply_edits
from netcore.cli.main import main
from netcore.core.errors import NetcoreError
from netcore.core.run import load_run
from netcore.core.sample import read_sample
from netcore.tracing.tracer import trace
from netcore.web.feedback_store import Answer, FeedbackStore, export_feedback

httpx = pytest.importorskip("httpx")
websockets = pytest.importorskip("websockets")
from websockets.sync.client import connect  # noqa: E402 - only if it is installed

CLASSES = tuple("0123456789")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def runs(folder):
    return [make_run(folder / "runs", name) for name in ("made-cnn", "made-mlp")]


@pytest.fixture(scope="module")
def served(runs, folder):
    """Address, and what the server consists of."""
    with serve_lab(runs, folder, max_upload_bytes=200_000, max_saved_runs=2, body_seconds=1.0) as found:
        yield found


@pytest.fixture(scope="module")
def client(served):
    with httpx.Client(base_url=served[0], timeout=60) as opened:
        yield opened


@pytest.fixture(scope="module")
def drawing():
    """A digit as the networks see it, as bytes."""
    return embedded_digits(10)[0][3].tobytes()


def encoded(data):
    return base64.b64encode(data).decode()


def open_socket(served, **options):
    return connect(served[0].replace("http", "ws") + "/api/draw", **options)


# ---- pages


def test_page_is_the_lab(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-encoding"] == "gzip"
    assert "connect-src 'self'" in page.text
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert client.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304
    assert client.get("/dashboard").status_code == 200


def test_dashboard_frames_are_drawn(client, runs):
    rows = client.get("/api/dashboard/made-mlp").json()["images"]
    assert len(rows) == 40
    frames = [client.get(f"/api/dashboard/made-mlp/{i}/dark") for i in (0, 7, 0)]
    assert Image.open(io.BytesIO(frames[0].content)).size == (1280, 720)
    assert frames[0].content == frames[2].content != frames[1].content
    found = [str(row["label"]) for row in rows]
    assert sorted(found) == sorted(str(label) for label in runs[1].examples().labels)
    assert client.get("/api/dashboard/made-mlp/40/dark").status_code == 404


# ---- predictions


def test_picture_predicted_as_by_predict(client, runs, tmp_path):
    file = write_scan(embedded_digits(10)[0][5], tmp_path / "scan.jpg")
    sample, note = read_sample(file)
    found = client.post("/api/predict", content=file.read_bytes(), headers=PNG).json()
    assert base64.b64decode(found["pixels"]) == sample.pixels.tobytes()
    assert note.endswith(found["note"])
    for run, row in zip(runs, found["predictions"], strict=True):
        expected = trace(run, run.snapshot(), sample.pixels).probabilities
        assert row["run"] == run.name
        assert np.abs(np.array(row["probabilities"]) - expected).max() <= 1e-5
        assert row["predicted"] == run.classes[int(expected.argmax())]


def test_socket_answers_each_drawing(served, runs, drawing):
    with open_socket(served) as socket_:
        for data in (drawing, bytes(784), drawing):
            socket_.send(data)
            rows = json.loads(socket_.recv(timeout=20))["probabilities"]
            pixels = np.frombuffer(data, np.uint8).reshape(1, 28, 28)
            for run, row in zip(runs, rows, strict=True):
                assert np.abs(np.array(row) - trace(run, run.snapshot(), pixels).probabilities).max() <= 1e-5


def test_waiting_drawings_form_one_batch(runs, drawing):
    from netcore.web.server.batch_predictor import BatchPredictor

    async def many():
        predictor = BatchPredictor(runs, "best")
        predictor.start()
        images = [np.roll(np.frombuffer(drawing, np.uint8).reshape(1, 28, 28), i, axis=2) for i in range(50)]
        rows = await asyncio.gather(*map(predictor.predict, images))
        await predictor.stop()
        return predictor, images, rows

    predictor, images, rows = asyncio.run(many())
    assert (predictor.images, predictor.passes) == (50, 1)
    for i in (0, 49):
        expected = trace(runs[1], runs[1].snapshot(), images[i]).probabilities
        assert np.abs(rows[i][1] - expected).max() <= 1e-5


def test_crash_leaves_other_requests(client, served, drawing, monkeypatch):
    def crash(images):
        raise RuntimeError("broken")

    message = {"pixels": encoded(drawing), "label": 3}
    with monkeypatch.context() as patch:
        patch.setattr(served[1].predictor, "classify", crash)
        answer = client.post("/api/feedback", json=message)
    assert (answer.status_code, answer.json()) == (500, {"detail": "internal error"})
    assert client.post("/api/feedback", json=message).status_code == 201


# ---- refusals


def png_header(width, height):
    """A PNG that claims a size, with a few bytes of data."""
    chunk = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)

    def part(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", chunk) + part(b"IDAT", zlib.compress(bytes(1000))) + part(b"IEND", b"")


PNG = {"Content-Type": "image/png"}
BLANK = encoded(bytes(784))
SAVE = {"run": "made-mlp", "name": "x", "edits": [{"kind": "off", "node": "hidden1", "unit": 1}]}
CLIP = {"run": "made-mlp", "film": "forward-propagation", "format": "gif", "pixels": encoded(bytes([9]) * 784)}
FEEDBACK = ("POST", "/api/feedback")
RUNS = ("POST", "/api/runs")
REFUSED = {
    "host": (400, "GET", "/", {"headers": {"Host": "evil.example"}}),
    "origin": (403, *FEEDBACK, {"json": {}, "headers": {"Origin": "http://evil.example"}}),
    "bomb": (400, "POST", "/api/predict", {"content": png_header(30_000, 30_000), "headers": PNG}),
    "no picture": (400, "POST", "/api/predict", {"content": b"GIF89a nothing", "headers": PNG}),
    "other media": (415, "POST", "/api/predict", {"content": b"abc", "headers": {"Content-Type": "text/a"}}),
    "large picture": (413, "POST", "/api/predict", {"content": bytes(200_001), "headers": PNG}),
    "large message": (413, *FEEDBACK, {"content": b" " * 60_000}),
    "base64": (400, *FEEDBACK, {"json": {"pixels": "§", "label": 1}}),
    "size": (400, *FEEDBACK, {"json": {"pixels": encoded(bytes(3)), "label": 1}}),
    "label": (400, *FEEDBACK, {"json": {"pixels": BLANK, "label": 10}}),
    "field": (422, *FEEDBACK, {"json": {"pixels": BLANK, "label": 1, "path": "/"}}),
    "parent": (422, *RUNS, {"json": SAVE | {"name": "../x"}}),
    "absolute": (422, *RUNS, {"json": SAVE | {"name": "/tmp/x"}}),
    "hidden": (422, *RUNS, {"json": SAVE | {"name": ".x"}}),
    "line end": (422, *RUNS, {"json": SAVE | {"name": "x\n"}}),
    "other run": (404, *RUNS, {"json": SAVE | {"run": "/etc"}}),
    "dashboard path": (422, "GET", "/api/dashboard/..%2F..%2Fetc", {}),
    "lesson path": (404, "GET", "/lesson/..%2F..%2Fetc%2Fpasswd", {}),
    "other film": (404, "POST", "/api/clips", {"json": CLIP | {"film": "/tmp/evil.py"}}),
    "empty clip": (400, "POST", "/api/clips", {"json": CLIP | {"pixels": BLANK}}),
    "other clip": (404, "GET", f"/api/clips/{'0' * 32}", {}),
    "no page": (404, "GET", "/static/../../etc/passwd", {}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_request_refused(client, name):
    status, method, url, rest = REFUSED[name]
    for _ in range(5):  # a connection that is closed while the body is still being sent may lose the answer
        with contextlib.suppress(httpx.TransportError):
            answer = client.request(method, url, **rest)
            break
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (status, "nosniff")
    assert set(answer.json()) == {"detail"}
    assert "Traceback" not in answer.text


def test_bomb_refused_before_decoding(monkeypatch):
    from PIL import ImageFile

    from netcore.web.server.pictures import read_picture

    def load(self):
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(NetcoreError, match="too large: use at most 24 megapixels"):
        read_picture(png_header(9000, 9000), (1, 28, 28), 24_000_000)


def exchange(served, text):
    """What the server answers to raw bytes."""
    host, port = served[0].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as opened:
        opened.sendall(text)
        answer = b""
        while part := opened.recv(4096):
            answer += part
    return answer


def test_body_without_length_counted(served):
    head = b"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"
    answer = exchange(served, head + b"40000\r\n" + bytes(0x40000) + b"\r\n")  # the end is not sent
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"larger than 200,000 bytes" in answer


def test_slow_body_refused(served):
    head = b"POST /api/feedback HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    started = time.monotonic()
    assert exchange(served, head + b"{").startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("messages", "code"), [([b"x"], 1009), (["text"], 1009), ([bytes(784)] * 1000, 1008)], ids=["size", "text", "rate"]
)
def test_socket_closed_on_misuse(served, messages, code):
    with open_socket(served) as socket_:
        with contextlib.suppress(websockets.ConnectionClosed):
            for message in messages:
                socket_.send(message)
            for _ in messages:
                socket_.recv(timeout=20)
        assert socket_.close_code == code


def test_foreign_socket_refused(served):
    with pytest.raises(websockets.InvalidStatus), open_socket(served, origin="http://evil.example"):
        pass


def test_socket_count_limited(served, monkeypatch):
    monkeypatch.setattr(served[1], "connections", served[1].settings.max_connections)
    with pytest.raises(websockets.InvalidStatus), open_socket(served):
        pass


def test_rate_limiter_refills():
    from netcore.web.server.rate_limit import MAX_KEYS, RateLimiter

    now = 0.0
    limiter = RateLimiter(2.0, 3.0, lambda: now)
    assert [limiter.allow("a") for _ in range(4)] == [True, True, True, False]
    assert limiter.allow("b")
    now = 0.6
    assert [limiter.allow("a") for _ in range(2)] == [True, False]
    for i in range(2 * MAX_KEYS):
        limiter.allow(str(i))
    assert len(limiter._buckets) <= MAX_KEYS


def test_too_many_requests_refused(served, client, monkeypatch):
    from netcore.web.server.rate_limit import RateLimiter

    monkeypatch.setattr(served[1], "tasks", RateLimiter(0.01, 1))
    message = {"pixels": BLANK, "label": 1}
    answers = [client.post("/api/feedback", json=message) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 429]
    assert answers[1].headers["retry-after"] == "5"


def test_missing_extra_in_one_line(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.startswith("netcore.web.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["serve", "any"]) == 2
    assert capsys.readouterr().err == "netcore: error: netcore serve needs uvicorn: pip install 'netcore[web]'\n"


# ---- answers


def test_feedback_exported_as_dataset(client, served, folder, tmp_path, capsys):
    from netcore.datasets.loading import load_dataset

    images, labels = embedded_digits(20)
    answer = client.post("/api/feedback", json={"pixels": encoded(images[0].tobytes()), "label": int(labels[0])})
    assert answer.status_code == 201
    for image, label in zip(images[1:], labels[1:], strict=True):
        served[1].store.add(Answer(image[None], int(label), CLASSES, {"made-cnn": 1, "made-mlp": int(label)}))
    rows = list(served[1].store.answers("made-mlp"))
    counted = client.get("/api/feedback").json()["runs"][1]
    assert counted["count"] == len(rows) >= 20
    assert counted["correct"] == sum(a.predictions["made-mlp"] == a.label for a in rows)
    assert main(["feedback", "export", "--feedback", str(folder / "feedback.sqlite"), "-o", str(tmp_path / "new")]) == 0
    assert f"{len(rows)} drawings" in capsys.readouterr().out
    data = load_dataset(f"folder:{tmp_path / 'new'}")
    splits = [data.train] if data.test is None else [data.train, data.test]
    found = {(p.images[i].tobytes(), int(p.labels[i])) for p in splits for i in range(len(p))}
    assert found >= {(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)}


@pytest.mark.slow
def test_exported_feedback_trains_network(tmp_path):
    store = FeedbackStore(tmp_path / "f.sqlite")
    for image, label in zip(*embedded_digits(200), strict=True):
        store.add(Answer(image[None], int(label), CLASSES, {"net": 0}))
    store.close()
    export_feedback(tmp_path / "f.sqlite", tmp_path / "new")
    train = ["train", "mlp-16-16", "--data", f"folder:{tmp_path / 'new'}", "--epochs", "1", "--name", "again"]
    assert main([*train, "--output-dir", str(tmp_path / "runs")]) == 0
    assert load_run(tmp_path / "runs" / "again").classes == list(CLASSES)


def test_second_answer_replaces_first(tmp_path):
    store = FeedbackStore(tmp_path / "f.sqlite")
    pixels = np.ones((1, 2, 2), np.uint8)
    for visitor, label in (("a", 1), ("a", 2), ("b", 3)):
        store.add(Answer(pixels, label, ("x", "y", "z", "w"), {"net": 2}, visitor))
    assert [(a.visitor, a.label) for a in store.answers()] == [("a", 2), ("b", 3)]
    assert store.count_correct("net", ("x", "y", "z", "w")) == (2, 1)
    store.close()


def test_store_refuses_what_it_cannot(tmp_path):
    (tmp_path / "other").write_bytes(b"no database, just text" * 100)
    with pytest.raises(NetcoreError, match=r"cannot use .*: choose another file with --feedback"):
        FeedbackStore(tmp_path / "other")
    with pytest.raises(NetcoreError, match="no file"):
        export_feedback(tmp_path / "missing", tmp_path / "out")
    store = FeedbackStore(tmp_path / "f.sqlite", max_answers=1)
    answer = Answer(np.ones((1, 2, 2), np.uint8), 0, ("a/b", "a?b"), {"net": 0})
    store.add(answer)
    with pytest.raises(NetcoreError, match="holds 1 answers"):
        store.add(Answer(answer.pixels * 2, 1, answer.classes, {"net": 0}))
    store.close()
    assert export_feedback(tmp_path / "f.sqlite", tmp_path / "out") == 1
    assert [p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")] == ["a_b/00000.png"]
    with pytest.raises(NetcoreError, match="is not empty"):
        export_feedback(tmp_path / "f.sqlite", tmp_path / "out")


WRITER = """
import sys
from pathlib import Path
import numpy as np
from netcore.web.feedback_store import Answer, FeedbackStore
store = FeedbackStore(Path(sys.argv[1]))
for i in range(1_000_000):
    store.add(Answer(np.array([[[i % 256, i // 256]]], np.uint8), 0, ("a", "b"), {"net": 0}))
    print(i, flush=True)
"""


def test_stored_answers_survive_kill(tmp_path):
    file = tmp_path / "f.sqlite"
    with subprocess.Popen([sys.executable, "-c", WRITER, file], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if int(line) >= 40:
                break
        process.kill()  # in the middle of an answer
        last = max([int(line), *map(int, process.stdout.read().split())])
    store = FeedbackStore(file)
    found = [a.pixels.ravel().tolist() for a in store.answers()]
    store.add(Answer(np.array([[[1, 200]]], np.uint8), 1, ("a", "b"), {"net": 0}))
    store.close()
    assert found[: last + 1] == [[i % 256, i // 256] for i in range(last + 1)]
    assert len(found) <= last + 2


# ---- saved runs and clips


def test_run_saved_as_by_edit(client, runs, folder):
    edits = [
        {"kind": "off", "node": "hidden1", "unit": 3},
        {"kind": "bias", "node": "hidden2", "unit": 0, "value": 0.5},
    ]
    made = client.post("/api/runs", json={"run": "made-mlp", "name": "mine", "edits": edits})
    assert (made.status_code, made.json()["name"]) == (201, "mine")
    saved = load_run(folder / "runs" / "mine")
    changes = [Edit("off", "hidden1", 3), Edit("bias", "hidden2", 0, 0.5)]
    expected = apply_edits(runs[1].layers, runs[1].weights(runs[1].snapshot()), changes)
    for name, values in expected.items():
        assert np.array_equal(saved.weights(saved.snapshot())[name], values)
    assert made.json()["count"] == 40
    again = client.post("/api/runs", json={"run": "made-mlp", "name": "mine", "edits": edits})
    assert (again.status_code, again.json()["detail"]) == (409, "run 'mine' exists: choose another --name")
    wrong = client.post("/api/runs", json=SAVE | {"edits": [{"kind": "off", "node": "nowhere", "unit": 0}]})
    assert (wrong.status_code, "no layer 'nowhere'" in wrong.json()["detail"]) == (409, True)


@pytest.fixture
def queue(runs, monkeypatch):
    """A queue whose clips are finished by `release`; `rendered` lists them in order."""
    from netcore.web.server.clip_queue import ClipQueue

    release, rendered = threading.Semaphore(0), []

    def render(self, clip, pool):
        rendered.append(clip)
        release.acquire(timeout=20)
        with self._changed:
            if clip.state == "rendering":
                clip.data = b"clip"
                self._end(clip, "done")

    monkeypatch.setattr(ClipQueue, "_render", render)
    queue = ClipQueue(runs, "best", max_clips=6, max_visitor_clips=4, seconds=60)
    queue.release, queue.rendered = release, rendered
    yield queue
    for _ in range(10):
        release.release()
    queue.stop()


def submit(queue, visitor):
    return queue.submit(visitor, "made-mlp", "forward-propagation", "gif", "dark", np.ones((1, 28, 28), np.uint8))


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_visitors_take_turns(queue):
    first = [submit(queue, "a") for _ in range(4)]
    wait_for(lambda: queue.rendered)
    others = [submit(queue, "b"), submit(queue, "c")]
    assert [queue.position(clip) for clip in (*first, *others)] == [0, 3, 4, 5, 1, 2]
    for count in range(1, 7):
        wait_for(lambda count=count: len(queue.rendered) == count)
        queue.release.release()
    assert queue.rendered == [first[0], *others, *first[1:]]
    wait_for(lambda: first[-1].state == "done")


@pytest.mark.slow
def test_queue_is_limited(queue):
    from netcore.web.server.clip_queue import QueueFullError

    clips = [submit(queue, "a") for _ in range(4)]
    with pytest.raises(QueueFullError, match="you have 4 clips"):
        submit(queue, "a")
    clips += [submit(queue, "b"), submit(queue, "b")]
    with pytest.raises(QueueFullError, match="the queue is full"):
        submit(queue, "c")
    queue.cancel(clips[3])
    assert clips[3].state == "canceled"
    assert submit(queue, "c").state == "waiting"
    assert queue.find("b", clips[0].id) is None
    assert queue.find("a", clips[0].id) is clips[0]


@pytest.mark.slow
def test_rendering_clip_canceled(client):
    clip = client.post("/api/clips", json=CLIP).json()
    wait_for(lambda: client.get(f"/api/clips/{clip['id']}").json()["state"] == "rendering")
    time.sleep(1)
    assert client.delete(f"/api/clips/{clip['id']}").json()["state"] == "canceled"
    again = client.post("/api/clips", json=CLIP | {"format": "mp4"}).json()
    wait_for(lambda: client.get(f"/api/clips/{again['id']}").json()["frames"] > 0, 150)
    assert client.delete(f"/api/clips/{again['id']}").json()["state"] == "canceled"
