"""Figures of what goes on inside show weights, activations and images as the run has them."""

import numpy as np
import pytest
from figure_checks import drawn, words
from scipy.special import softmax
from sklearn.decomposition import PCA

from netcore.case import Picture
from netcore.errors import NetcoreError
from netcore.stage.mosaic import CrispImage
from netcore.stage.plot import number, percent
from netcore.stage.stages import stages


@pytest.fixture
def mlp(make_case, mlp_run):
    return make_case(mlp_run)


@pytest.fixture
def cnn(make_case, cnn_run):
    return make_case(cnn_run)


def test_stages_group_what_belongs_together(cnn, mlp) -> None:
    found = stages(cnn.trace())
    assert [(s.name, s.kinds) for s in found][:2] == [
        ("conv1", ("Conv2d", "BatchNorm2d", "ReLU")),
        ("pool1", ("MaxPool2d",)),
    ]
    vectors = stages(cnn.trace(), 1)
    assert [s.name for s in vectors] == ["flatten", "hidden1", "output"]
    assert vectors[1].nodes == ("hidden1", "hidden1_act", "hidden1_drop")
    assert vectors[1].words == "dense layer, ReLU"
    assert [s.name for s in stages(mlp.trace(), None)] == ["flatten", "hidden1", "hidden2", "output"]


def test_weight_histograms(mlp) -> None:
    fig, update, _ = drawn("weight_distribution", mlp)
    panels = [ax for ax in fig.axes if len(ax.patches) == 2]
    for name, ax in zip(("hidden1", "hidden2", "output"), panels, strict=True):
        counts, edges, _ = ax.patches[0].get_data()
        now = np.clip(mlp.weights()[f"{name}.weight"], edges[0], edges[-1])
        assert np.array_equal(counts, np.histogram(now, edges)[0])
        assert counts.sum() == now.size
        before = np.clip(mlp.weights("first")[f"{name}.weight"], edges[0], edges[-1])
        assert np.array_equal(ax.patches[1].get_data().values, np.histogram(before, edges)[0])
    update(0.0)
    assert np.array_equal(panels[0].patches[0].get_data().values, panels[0].patches[1].get_data().values)
    assert any(text.startswith(f"σ {number(mlp.weights('first')['hidden1.weight'].std())}") for text in words(fig))


def test_activation_strength(cnn) -> None:
    fig, update, _ = drawn("activation_strength", cnn, images=3)
    trace = cnn.trace()
    nodes = ["act1", "pool1", "act2", "pool2", "hidden1_act"]
    mean, largest, active = ([bar.get_width() for bar in ax.patches] for ax in fig.axes[1:4])
    outputs = [np.abs(trace[node].output) for node in nodes]
    assert np.allclose(mean, [o.mean() for o in outputs], rtol=1e-5)
    assert np.allclose(largest, [o.max() for o in outputs], rtol=1e-5)
    assert np.allclose(active, [(o > 0).mean() for o in outputs], atol=0.01)
    assert percent(active[0], 0) in words(fig)
    update(0.0)
    first = cnn.trace(picture=Picture(cnn.examples().images[0]))
    assert fig.axes[1].patches[0].get_width() == pytest.approx(np.abs(first["act1"].output).mean(), rel=1e-4)


def test_activations_by_class(mlp) -> None:
    fig, _, _ = drawn("activations_by_digit", mlp)
    examples = mlp.examples()
    values = mlp.passes(examples.images, ("hidden2_act",))["hidden2_act"]
    means = np.stack([values[examples.labels == k].mean(0) for k in range(10)])
    (image,) = fig.findobj(CrispImage)
    table = np.asarray(image.get_array())
    columns = [int(np.abs(means - column[:, None]).sum(0).argmin()) for column in table.T]
    assert sorted(columns) == list(range(16))
    assert np.allclose(table, means[:, columns])
    assert {str(k) for k in columns} <= set(words(fig))
    assert list(table.argmax(0)) == sorted(table.argmax(0))
    with pytest.raises(NetcoreError, match="did you mean 'hidden1'"):
        drawn("activations_by_digit", mlp, layer="hiden1")


def test_pipeline_ends_in_scores_and_probabilities(cnn) -> None:
    fig, _, mosaics = drawn("prediction_pipeline", cnn)
    trace = cnn.trace()
    lengths = [[bar.get_width() for bar in ax.patches] for ax in fig.axes if len(ax.patches) == 10]
    assert np.allclose(lengths[0], trace.logits)
    assert np.allclose(lengths[1], trace.probabilities)
    assert {number(float(z)) for z in trace.logits} <= set(words(fig))
    hidden = next(m for m in mosaics if m.shape[1:] == (1, 1))
    assert np.allclose(np.sort(hidden.tiles().ravel()), np.sort(trace["hidden1_act"].output)[-hidden.shape[0] :])


def test_saliency_is_the_derivative_of_the_difference_of_scores(mlp) -> None:
    _, _, (digit, gradient, part, _) = drawn("saliency", mlp)
    trace = mlp.trace()
    second, first = np.argsort(trace.logits)[-2:]
    shown = gradient.tiles()[0]
    y, x = np.unravel_index(np.abs(shown * (trace.pixels[0] < 250)).argmax(), shown.shape)
    step = np.array(mlp.picture.pixels)
    step[0, y, x] += 5
    after = mlp.trace(picture=Picture(step, mlp.picture.label)).logits
    change = (after[first] - after[second]) - (trace.logits[first] - trace.logits[second])
    assert change / (5 / 255) == pytest.approx(shown[y, x], rel=0.05)
    assert np.allclose(part.tiles()[0], shown * trace.input[0], atol=1e-6)
    assert np.allclose(digit.tiles()[0], trace.pixels[0] / 255)


def test_occlusion(mlp) -> None:
    _, _, mosaics = drawn("saliency", mlp, patch=28, stride=28)  # one patch that covers all
    trace = mlp.trace()
    second, first = np.argsort(trace.logits)[-2:]
    blank = mlp.trace(picture=Picture(np.zeros_like(trace.pixels))).logits
    lost = (trace.logits[first] - trace.logits[second]) - (blank[first] - blank[second])
    assert np.allclose(mosaics[-1].tiles()[0], lost, rtol=1e-4)


def test_points_are_principal_components(mlp) -> None:
    fig, update, _ = drawn("points_map", mlp, images=50)
    pixels = mlp.examples().images[:50]
    values = mlp.passes(pixels, ("hidden1_act",))["hidden1_act"]
    expected = PCA(2, svd_solver="full").fit(values)
    dots = fig.axes[0].collections[0]
    assert np.allclose(np.abs(dots.get_offsets()), np.abs(expected.transform(values)), atol=1e-4)
    assert f"{percent(expected.explained_variance_ratio_.sum(), 0)} of the variance" in words(fig)
    wrong = mlp.passes(pixels)["logits"].argmax(1) != mlp.examples().labels[:50]
    assert len(fig.axes[0].collections[1].get_offsets()) == wrong.sum()
    update(0.0)
    before = mlp.passes(pixels, ("hidden1_act",), at="first")["hidden1_act"]
    centred = (before - before.mean(0)) @ expected.components_.T
    assert np.allclose(np.abs(dots.get_offsets()), np.abs(centred), atol=1e-4)


def test_robustness_without_a_change_is_plain_accuracy(mlp) -> None:
    fig, _, mosaics = drawn("robustness", mlp, images=40)
    examples = mlp.examples()
    shares = softmax(mlp.passes(examples.images[:40])["logits"].astype(float), axis=1)
    right = float((shares.argmax(1) == examples.labels[:40]).mean())
    charts = [ax for ax in fig.axes if len(ax.lines) == 2]
    assert len(charts) == 4
    for ax, place in zip(charts, (0, 3, 3, 3), strict=True):
        accuracy, confidence = (line.get_ydata()[place] for line in ax.lines)
        assert accuracy == pytest.approx(right)
        assert confidence == pytest.approx(shares.max(1).mean(), abs=1e-5)
    for mosaic, place in zip(mosaics, (0, 3, 3, 3), strict=True):
        assert np.allclose(mosaic.tiles()[place], mlp.picture.pixels[0] / 255, atol=1e-6)


def test_graph_counts_every_parameter(cnn) -> None:
    texts = words(drawn("model_graph", cnn)[0])
    assert any(f"{cnn.run.info['parameters']:,} weights and biases" in text for text in texts)
    assert {"conv1", "pool1", "conv2", "pool2", "flatten", "hidden1", "output"} <= set(texts)
    assert {"1×28×28", "32×28×28", "64×7×7", "3,136", "320"} <= set(texts)
    assert "1,003,840 parameters" in texts


def test_predictions_frame_right_and_wrong(mlp) -> None:
    fig, _, (mosaic,) = drawn("predictions", mlp, images=12)
    examples = mlp.examples()
    assert np.allclose(mosaic.tiles(), examples.images[:12, 0] / 255)
    right = mlp.passes(examples.images[:12])["logits"].argmax(1) == examples.labels[:12]
    frames = {len(c.get_paths()) for c in mosaic.ax.collections}
    assert frames == {n for n in (right.sum(), (~right).sum()) if n}
    assert any(text.startswith(f"{right.sum()} of 12") for text in words(fig))


def test_samples_stand_in_the_row_of_their_class(mlp) -> None:
    _, _, (mosaic,) = drawn("sample_data", mlp, images=4)
    examples = mlp.examples()
    for k in range(10):
        expected = examples.images[examples.labels == k][:4, 0] / 255
        assert np.allclose(mosaic.tiles()[4 * k : 4 * k + 4], expected)


def test_data_set(mlp) -> None:
    fig, _, (means, alike) = drawn("data_set", mlp, pairs=2)
    labels = mlp.evaluation().labels
    assert [bar.get_height() for bar in fig.axes[0].patches] == list(np.bincount(labels, minlength=10))
    examples = mlp.examples()
    for k in range(10):
        assert np.allclose(means.tiles()[k], examples.images[examples.labels == k].mean(0)[0] / 255, atol=0.003)
    flat = examples.images.reshape(len(examples.labels), -1) / 255
    distance = ((flat[:, None] - flat[None]) ** 2).sum(2)
    distance[examples.labels[:, None] == examples.labels[None]] = np.inf
    pair = ((alike.tiles()[0] - alike.tiles()[2]) ** 2).sum()
    assert pair == pytest.approx(distance.min(), rel=1e-4)
    share = [bar.get_height() for bar in fig.axes[2].patches]
    assert sum(share) == pytest.approx(1)
