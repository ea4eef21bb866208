"""A simulation beside the model: SimPy's, event by event."""

import numpy as np
import pytest
from queueing_brute_force import random_system
from queueing_simpy import simpy_intervals

from safeschools_geo.coverage.queueing import hypercube


@pytest.mark.parametrize("capacity", ["loss", "queue"])
@pytest.mark.parametrize("seed", [1, 2])
def test_simpy_agrees_with_unequal_rates(seed, capacity):
    arrivals, service, preference = random_system(seed, officers=3, load=0.6)
    model = hypercube(arrivals, service, preference, capacity=capacity)
    mean, half = simpy_intervals(arrivals, service, preference, capacity=capacity, runs=30, calls=600, seed=seed)
    expected = np.array([model.overflow_share, *model.busy_share])
    assert (np.abs(mean - expected) <= half).all()
    assert half.max() < 0.05
