"""Many images at once give what each gives alone."""

import numpy as np
import pytest

from netcore.core.context import SceneContext


@pytest.mark.parametrize("which", ["mlp_run", "cnn_run"])
def test_predict_batch_matches_traces(which, request, make_context) -> None:
    context = make_context(request.getfixturevalue(which))
    images = context.examples().images[:130]  # more than one chunk
    node = "hidden1_act" if which == "mlp_run" else "pool1"
    found = context.predict_batch(images, (node,))
    assert found["logits"].shape == (130, 10)
    alone = SceneContext(context._run, context.sample, "best", context.tracer).predict_batch(images[[0, 129]], (node,))
    for name in (node, "logits"):
        assert np.allclose(found[name][[0, 129]], alone[name], atol=1e-4)
    one = context.predict_batch(images[:1], (node,), at="first")
    assert np.allclose(one[node][0], context.trace("first", type(context.sample)(images[0]))[node].output, atol=1e-4)
