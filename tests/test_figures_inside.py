"""Figures of what goes on inside show weights, activations and images as the run has them."""

import numpy as np
import pytest
from figure_checks import drawn, words
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


def test_graph_counts_every_parameter(cnn) -> None:
    texts = words(drawn("model_graph", cnn)[0])
    assert any(f"{cnn.run.info['parameters']:,} weights and biases" in text for text in texts)
    assert {"conv1", "pool1", "conv2", "pool2", "flatten", "hidden1", "output"} <= set(texts)
    assert {"1×28×28", "32×28×28", "64×7×7", "3,136", "320"} <= set(texts)
    assert "1,003,840 parameters" in texts
