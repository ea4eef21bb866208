"""Two simulations beside the model: SimPy's, event by event, and our own, with service times of any kind."""

import numpy as np
import pytest
from queueing_brute_force import erlang_b, random_system
from queueing_simpy import simpy_intervals
from scipy.stats import norm

from safeschools_geo.coverage._service import gamma_times, service_mismatch, simulate_calls
from safeschools_geo.coverage.queueing import hypercube
from safeschools_geo.errors import InputError, SettingsError

WIDER = norm.ppf(0.9995) / norm.ppf(0.975)
"""Makes 99.9 % intervals of 95 % ones: tests ask many questions."""


@pytest.mark.parametrize("capacity", ["loss", "queue"])
@pytest.mark.parametrize("seed", [1, 2])
def test_simpy_agrees_with_unequal_rates(seed, capacity):
    arrivals, service, preference = random_system(seed, officers=3, load=0.6)
    model = hypercube(arrivals, service, preference, capacity=capacity)
    mean, half = simpy_intervals(arrivals, service, preference, capacity=capacity, runs=30, calls=600, seed=seed)
    expected = np.array([model.overflow_share, *model.busy_share])
    assert (np.abs(mean - expected) <= half).all()
    assert half.max() < 0.05


@pytest.mark.parametrize("capacity", ["loss", "queue"])
def test_exponential_times_give_the_model(capacity):
    arrivals, service, preference = random_system(4, officers=5, places=7, load=0.6)
    both = service_mismatch(arrivals, gamma_times(service, 1.0), preference, capacity=capacity, calls=100_000, seed=4)
    frame = both.to_frame()
    assert ((frame["model"] - frame["simulated"]).abs() <= WIDER * frame["half_width"] + 1e-12).all()
    assert both.simulated.overflow_half_width < 0.01
    assert both.variation == 1


@pytest.mark.parametrize("variation", [0.0, 2.0])
def test_what_is_lost_to_equal_officers_depends_on_the_mean_only(variation):
    # Erlang B holds for service times of any distribution (Sevast'yanov 1957), whoever is preferred.
    arrivals, service, preference = random_system(5, officers=4, load=0.8, spread=0)
    found = simulate_calls(arrivals, gamma_times(service, variation), preference, calls=100_000, seed=5)
    assert abs(found.overflow_share - erlang_b(arrivals.sum(), 4)) <= WIDER * found.overflow_half_width


@pytest.mark.parametrize("variation", [0.0, 0.5, 1.5])
def test_one_officer_with_a_line_is_pollaczek_and_khinchine(variation):
    # Load 1/2, service 1 hour: the mean wait is calls × E[S²] / (2 × (1 − load)) = (1 + variation²) / 2 hours.
    found = simulate_calls([0.5], gamma_times([1.0], variation), [[0]], capacity="queue", calls=100_000, seed=6)
    assert abs(found.wait_min - 30 * (1 + variation**2)) <= WIDER * found.wait_half_width
    assert abs(found.overflow_share - 0.5) <= WIDER * found.overflow_half_width


def test_it_is_said_how_far_the_model_is_off():
    arrivals, service, preference = random_system(7, officers=2, load=0.7)
    both = service_mismatch(arrivals, gamma_times(service, 3.0), preference, capacity="queue", calls=100_000, seed=7)
    assert both.simulated.wait_min > both.model.wait_min + both.simulated.wait_half_width
    assert "vary by 3.00 of their mean (1 in the model)" in both.summary()
    assert "The mean wait is" in both.summary()
    inside = "inside" if both.is_overflow_within else "outside"
    assert f"{inside} that interval" in both.summary()
    assert both.overflow_error == pytest.approx(both.model.overflow_share - both.simulated.overflow_share)
    assert list(both.to_frame()["measure"]) == ["overflow_share", "wait_min", "busy_share", "busy_share"]
    assert both.largest_busy_error < 0.05


def test_gamma_times_have_the_mean_and_variation_asked_for():
    times = gamma_times([2.0, 4.0], [0.5, 0.0])
    drawn = times.draw_h(np.repeat([0, 1], 50_000), np.random.default_rng(1)).reshape(2, -1)
    assert drawn.mean(axis=1) == pytest.approx([0.5, 0.25], rel=0.01)
    assert drawn.std(axis=1) == pytest.approx([0.25, 0], rel=0.02)


def test_the_same_seed_gives_the_same_result():
    given = ([1.0, 2.0], gamma_times([2.0, 1.0], 0.7), [[0, 1], [1, 0]])
    one, same, other = (simulate_calls(*given, calls=2000, runs=20, seed=seed) for seed in (1, 1, 2))
    assert one.overflow_share == same.overflow_share
    assert (one.busy_share == same.busy_share).all()
    assert one.overflow_share != other.overflow_share
    assert one.calls == 2000


def test_more_than_fifteen_officers_are_compared_with_the_approximation():
    order = np.argsort(np.random.default_rng(0).random((6, 16)), axis=1)
    both = service_mismatch(np.full(6, 2.0), gamma_times(np.ones(16), 1.0), order, calls=20_000, seed=1)
    assert not both.model.is_exact
    assert both.largest_busy_error < 0.05


def test_times_that_cannot_be_are_refused():
    for rates, variation in (([0.0], 1.0), ([1.0], -1.0), ([1.0], [1.0, 1.0]), ([np.nan], 1.0), ([], 1.0)):
        with pytest.raises(InputError, match="cannot be spread"):
            gamma_times(rates, variation)
    with pytest.raises(SettingsError, match="at least 10 runs"):
        simulate_calls([1.0], gamma_times([2.0], 1.0), [[0]], calls=100, runs=2)
    with pytest.raises(SettingsError, match="a load of 2"):
        simulate_calls([4.0], gamma_times([2.0], 1.0), [[0]], capacity="queue")
