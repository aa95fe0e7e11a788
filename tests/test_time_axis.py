"""Axis of training time: places, names and round numbers."""

import numpy as np
import pytest

from netcore.core.formatting import format_number
from netcore.core.run import Snapshot
from netcore.viz.layout.time_axis import TimeAxis


def axis_of(epochs, per_epoch=125, log=None):
    return TimeAxis([Snapshot(e, round(e * per_epoch), "", "") for e in epochs], log)


def test_time_axis_ticks_at_epochs():
    axis = axis_of([0, 0.008, 1, 9, 24, 100, 193, 300], log=False)
    assert axis.ends == ("epoch 0", "300")
    ticks = axis.ticks()
    assert list(ticks.values()) == ["50", "100", "150", "200", "250"]
    np.testing.assert_allclose(list(ticks), [float(axis.places(125 * float(n))) for n in ticks.values()])
    assert axis.labels[:3] == ["untrained", "epoch 0.0080", "epoch 1"]


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_time_axis_ticks_at_most(most):
    for last in (2, 3, 9, 12, 47, 300, 1234):
        assert len(axis_of([0, 1, last], log=False).ticks(most)) <= most


def test_time_axis_logarithmic_powers():
    axis = axis_of([0, 0.008, 1, 9, 24, 100, 300], log=True)
    assert list(axis.ticks(3).values()) == ["1", "10", "100"]
    assert axis.ends == ("epoch 0", "300 (logarithmic)")
    places = list(axis.ticks(3))
    assert places == sorted(places)
    assert places[1] == pytest.approx(float(axis.places(1250)))


def test_time_axis_counts_steps():
    axis = TimeAxis([Snapshot(k / 100, k, "", "") for k in (0, 10, 50)])
    assert not axis.by_epoch
    assert axis.ends == ("step 0", "50")
    assert axis.labels == ["untrained", "step 10", "step 50"]
    assert {text: round(place * 50) for place, text in axis.ticks().items()} == {
        format_number(n, 1): n for n in (10, 20, 30, 40)
    }
