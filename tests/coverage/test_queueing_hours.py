"""Hours of the day, each as its own model."""

import numpy as np
import pytest
from queueing_brute_force import random_system

from safeschools_geo.coverage._response import by_hour
from safeschools_geo.coverage.queueing import hypercube, hypercube_approximation
from safeschools_geo.errors import InputError

ORDER = [[0, 1], [1, 0]]


def model_of(arrivals, service, preference, *, hours, solve=hypercube):
    return by_hour(arrivals, service, preference, hours=hours, solve=lambda calls: solve(calls, service, preference))


def test_each_hour_is_a_model_of_its_own():
    arrivals, service, preference = random_system(1, officers=4)
    found = model_of(np.outer([0.5, 0.0, 1.5], arrivals), service, preference, hours=[7, 8, 15])
    peak = hypercube(1.5 * arrivals, service, preference)
    assert found.hypercubes[1] is None
    assert found.overflow_by_hour[2] == pytest.approx(peak.overflow_share)
    assert found.busy_share[2] == pytest.approx(peak.busy_share)
    assert (found.busy_share[1] == 0).all()
    frame = found.to_frame()
    assert frame["hour"].tolist() == [7, 8, 15]
    assert frame["overflow_share"].tolist() == pytest.approx(found.overflow_by_hour)
    assert frame["calls_per_h"].tolist() == pytest.approx(np.array([0.5, 0, 1.5]) * arrivals.sum())
    # A quarter of the calls come in the first hour, the others in the last.
    quarter = hypercube(0.5 * arrivals, service, preference).overflow_share
    assert found.overflow_share == pytest.approx(0.25 * quarter + 0.75 * peak.overflow_share)


def test_the_summary_names_the_worst_hour_and_says_that_hours_are_taken_alone():
    found = model_of([[0.1, 0.1], [3.0, 3.0]], [2.0, 4.0], ORDER, hours=["7:30", "15:30"])
    assert "hour 15:30" in found.summary()
    assert "quasi-stationary" in found.summary()
    # 30 and 15 minutes.
    assert "22.5 minutes" in found.summary()


def test_an_overloaded_hour_loses_more_calls():
    lost = model_of([[0.1, 0.1], [2.0, 1.0]], [1.0, 1.0], ORDER, hours=["morning", "noon"])
    assert lost.overflow_by_hour[1] > lost.overflow_by_hour[0]


def test_many_officers():
    order = np.tile(np.arange(16), (2, 1))
    many = model_of([[1.0, 1.0]], np.ones(16), order, hours=[8], solve=hypercube_approximation)
    assert not many.hypercubes[0].is_exact
    turns = model_of([[0.5, 0.5]], [1.0, 1.0], [[0, 1], [1, 0]], hours=[8])
    assert turns.busy_share[0] == pytest.approx([0.4, 0.4])


@pytest.mark.parametrize(
    ("arrivals", "hours", "told"),
    [
        ([1.0, 1.0], [7, 8], "shape"),
        ([[1.0, 1.0]], [7, 8], "2 names of hours"),
        ([[1.0, np.nan], [-1.0, 1.0]], [7, 8], r"Rows: \(0, 1\), \(1, 0\)\n"),
        ([[0.0, 0.0], [0.0, 0.0]], [7, 8], "No place has any calls"),
    ],
)
def test_bad_hours_are_reported(arrivals, hours, told):
    with pytest.raises(InputError, match=told):
        model_of(arrivals, [1.0, 1.0], ORDER, hours=hours)
