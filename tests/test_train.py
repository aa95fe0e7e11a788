"""Training end to end on the embedded digits."""


def test_a_run_has_what_rendering_needs(mlp_run, cnn_run):
    for run in (mlp_run, cnn_run):
        assert run.snapshots[0].label == "untrained"
        assert run.info["status"] == "complete"
        assert len(run.examples().labels) == 500
        assert run.evaluation().logits.shape == (1000, 10)
