"""Many images at once give what each gives alone."""

import numpy as np
import pytest

from netcore.core.sample import Sample


@pytest.mark.parametrize("which", ["mlp_run", "cnn_run"])
def test_predict_batch_matches_traces(which, request, make_context) -> None:
    context = make_context(request.getfixturevalue(which))
    images = context.examples().images[:130]  # more than one chunk
    node = "hidden1_act" if which == "mlp_run" else "pool1"
    found = context.predict_batch(images, (node,))
    assert found["logits"].shape == (130, 10)
    traces = [context.trace(sample=Sample(images[i])) for i in (0, 129)]
    assert np.allclose(found[node][[0, 129]], [trace[node].output for trace in traces], atol=1e-4)
    assert np.allclose(found["logits"][[0, 129]], [trace.logits for trace in traces], atol=1e-4)
    one = context.predict_batch(images[:1], (node,), at="first")
    assert np.allclose(one[node][0], context.trace("first", Sample(images[0]))[node].output, atol=1e-4)
