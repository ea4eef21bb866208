"""The approximation for many officers: as published, and near the exact model where there is one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queueing_brute_force import erlang_b, erlang_c, random_system

from safeschools_geo.coverage import queueing as module
from safeschools_geo.coverage.queueing import hypercube, hypercube_approximation
from safeschools_geo.errors import SettingsError

SEEDS = st.integers(0, 10**6)
BOOK = ([0.50, 0.25, 0.35, 0.40], [1, 1, 1], [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 0, 1]])


def test_three_officers_as_published():
    """Larson & Odoni, Urban Operations Research, §5.5.3, which stops after three rounds, the last digit unsettled."""
    found = hypercube_approximation(*BOOK, capacity="queue")
    assert found.busy_share == pytest.approx([0.5627, 0.4716, 0.4657], abs=1.1e-4)
    assert found.overflow_share == pytest.approx(erlang_c(1.5, 3), rel=1e-12)


def test_correction_factors_as_published():
    """§5.5.3: Q(3, ½, j) for j = 0, 1, 2. With P(0) = 4/19, P(1) = 6/19, P(2) = 9/38, P(3 and more) = 9/38."""
    factors = module._corrections(np.array([8, 12, 9, 9]) / 38)
    assert factors == pytest.approx([1, 0.73684, 0.63158], abs=5e-6)


def test_it_says_that_it_is_approximate_and_by_what_method():
    equal = hypercube_approximation(*BOOK)
    unequal = hypercube_approximation(BOOK[0], [1, 2, 3], BOOK[2])
    line = hypercube_approximation(BOOK[0], [1, 2, 3], BOOK[2], capacity="queue")
    assert "Larson 1975" in equal.method
    assert "Jarvis 1985" in unequal.method
    assert "line added" in line.method
    for found in (equal, unequal, line):
        assert not found.is_exact
        assert found.state_probability is None
        assert np.isnan(found.balance_error)
        assert "an approximation" in found.summary()


@pytest.mark.parametrize("capacity", ["loss", "queue"])
def test_one_officer_is_exact(capacity):
    found = hypercube_approximation([1.0, 2.0], [4.0], [[0], [0]], capacity=capacity)
    exact = hypercube([1.0, 2.0], [4.0], [[0], [0]], capacity=capacity)
    assert found.busy_share == pytest.approx(exact.busy_share, abs=1e-12)
    assert found.place_share == pytest.approx(exact.place_share, abs=1e-12)


@settings(max_examples=25)
@given(seed=SEEDS, officers=st.integers(2, 8), load=st.floats(0.1, 0.8))
@pytest.mark.parametrize("capacity", ["loss", "queue"])
def test_equal_officers_are_near_the_exact_model(capacity, seed, officers, load):
    arrivals, service, preference = random_system(seed, officers=officers, places=12, load=load, spread=0)
    found = hypercube_approximation(arrivals, service, preference, capacity=capacity)
    exact = hypercube(arrivals, service, preference, capacity=capacity)
    assert found.overflow_share == pytest.approx(exact.overflow_share, rel=1e-9)
    assert found.busy_share == pytest.approx(exact.busy_share, abs=0.03)
    assert found.place_share == pytest.approx(exact.place_share, abs=0.06)


@settings(max_examples=25)
@given(seed=SEEDS, officers=st.integers(2, 8), load=st.floats(0.1, 0.8))
@pytest.mark.parametrize("capacity", ["loss", "queue"])
def test_unequal_officers_are_near_the_exact_model(capacity, seed, officers, load):
    arrivals, service, preference = random_system(seed, officers=officers, places=12, load=load, spread=0.3)
    found = hypercube_approximation(arrivals, service, preference, capacity=capacity)
    exact = hypercube(arrivals, service, preference, capacity=capacity)
    assert found.busy_share == pytest.approx(exact.busy_share, abs=0.05)
    assert found.overflow_share == pytest.approx(exact.overflow_share, abs=0.05)


@settings(max_examples=20)
@given(seed=SEEDS, officers=st.integers(16, 60), spread=st.floats(0, 0.5), load=st.floats(0.05, 0.8))
@pytest.mark.parametrize("capacity", ["loss", "queue"])
def test_many_officers_add_up(capacity, seed, officers, spread, load):
    arrivals, service, preference = random_system(seed, officers=officers, places=20, load=load, spread=spread)
    found = hypercube_approximation(arrivals, service, preference, capacity=capacity)
    lost = found.overflow_share if capacity == "loss" else 0
    assert found.place_share.sum(axis=1) + lost == pytest.approx(np.ones(20))
    assert ((found.busy_share > 0) & (found.busy_share < 1)).all()
    assert found.busy_count_share.sum() == pytest.approx(1)
    assert found.busy_share @ service == pytest.approx(arrivals.sum() * (1 - lost), rel=1e-6)


def test_officers_who_take_turns_share_alike():
    turns = [np.roll(np.arange(20), place) for place in range(20)]
    found = hypercube_approximation(np.full(20, 0.75), np.ones(20), turns)
    assert found.busy_share == pytest.approx(np.full(20, 15 * (1 - erlang_b(15, 20)) / 20), rel=1e-9)
    assert found.overflow_share == pytest.approx(erlang_b(15, 20), rel=1e-9)


def test_shares_that_do_not_settle_are_an_error(monkeypatch):
    monkeypatch.setattr(module, "_MOST_ROUNDS", 2)
    with pytest.raises(SettingsError, match="did not settle"):
        hypercube_approximation(*BOOK)
