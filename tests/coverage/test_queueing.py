"""The exact hypercube: published and hand-derived values, Erlang's, and dense generator matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queueing_brute_force import (
    dispatch_shares,
    erlang_b,
    erlang_c,
    largest_net_flow,
    random_system,
    ranks_of,
    stationary,
)

from safeschools_geo.coverage import _hypercube_states as hypercube_balance
from safeschools_geo.coverage.queueing import hypercube

SEEDS = st.integers(0, 10**6)


def test_one_officer_without_a_line_is_m_m_1_1():
    # 3 calls an hour, 2 an hour can be answered: busy 3 / (3 + 2) of the time, and so many calls are lost.
    found = hypercube([1, 2], [2], [[0], [0]])
    assert found.state_probability == pytest.approx([0.4, 0.6], abs=1e-14)
    assert found.busy_share == pytest.approx([0.6], abs=1e-14)
    assert found.overflow_share == pytest.approx(0.6, abs=1e-14)
    assert found.place_share == pytest.approx(np.full((2, 1), 0.4), abs=1e-14)
    assert found.wait_min == 0


def test_one_officer_with_a_line_is_m_m_1():
    # Load 3 / 4; the mean wait is load / (service − calls) = 0.75 / 1 hour.
    found = hypercube([1, 2], [4], [[0], [0]], capacity="queue")
    assert found.busy_share == pytest.approx([0.75], abs=1e-14)
    assert found.overflow_share == pytest.approx(0.75, abs=1e-14)
    assert found.place_share == pytest.approx(np.ones((2, 1)), abs=1e-14)
    assert found.wait_min == pytest.approx(45)


def test_two_officers_by_hand():
    # The first officer is tried first for all calls and so is M/M/1/1: busy 1/2. Both are busy with Erlang B = 1/5.
    # The flow into "both", 1 × P(10) + 1 × P(01), is that out of it, 2/5; P(first) = P(01) + P(11) = 1/2.
    found = hypercube([1.0], [1.0, 1.0], [[0, 1]])
    assert found.state_probability == pytest.approx([0.4, 0.3, 0.1, 0.2], abs=1e-14)
    assert found.busy_share == pytest.approx([0.5, 0.3], abs=1e-14)
    assert found.place_share == pytest.approx(np.array([[0.5, 0.3]]), abs=1e-14)
    assert found.busy_count_share == pytest.approx([0.4, 0.4, 0.2], abs=1e-14)


def test_three_officers_as_published():
    """Larson & Odoni, Urban Operations Research, §5.4.3 and §5.5.3."""
    preference = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [2, 0, 1]]
    found = hypercube([0.50, 0.25, 0.35, 0.40], [1, 1, 1], preference, capacity="queue")
    assert found.busy_share == pytest.approx([0.5574, 0.4734, 0.4693], abs=5e-5)
    assert found.is_exact
    assert "load of 50.0%" in found.summary()
    assert found.to_frame()["answered_per_h"].sum() == pytest.approx(1.5)


@settings(max_examples=60)
@given(seed=SEEDS, officers=st.integers(1, 10), load=st.floats(0.02, 0.98))
def test_equal_officers_are_erlangs_whoever_is_preferred(seed, officers, load):
    arrivals, service, preference = random_system(seed, officers=officers, load=load, spread=0)
    lost = hypercube(arrivals, service, preference)
    waits = hypercube(arrivals, service, preference, capacity="queue")
    assert lost.overflow_share == pytest.approx(erlang_b(arrivals.sum(), officers), rel=1e-10)
    assert waits.overflow_share == pytest.approx(erlang_c(arrivals.sum(), officers), rel=1e-10)
    assert waits.busy_share.mean() == pytest.approx(load, rel=1e-10)


@settings(max_examples=40)
@given(seed=SEEDS, officers=st.integers(1, 5), load=st.floats(0.1, 3))
def test_without_a_line_it_is_the_dense_generator_matrix(seed, officers, load):
    arrivals, service, preference = random_system(seed, officers=officers, load=load)
    ranks = ranks_of(preference)
    chances = stationary(arrivals, service, ranks)
    found = hypercube(arrivals, service, preference)
    assert found.state_probability == pytest.approx(chances, abs=1e-11)
    assert found.overflow_share == pytest.approx(chances[-1], abs=1e-11)
    assert found.place_share == pytest.approx(
        dispatch_shares(arrivals, service, ranks, chances, has_line=False), abs=1e-11
    )


@settings(max_examples=20)
@given(seed=SEEDS, officers=st.integers(1, 4), load=st.floats(0.1, 0.6))
def test_with_a_line_it_is_the_generator_matrix_with_a_long_one(seed, officers, load):
    arrivals, service, preference = random_system(seed, officers=officers, load=load)
    ranks = ranks_of(preference)
    # A line of 55 is as good as endless: 0.6 ^ 55 is below 1e-12.
    chances = stationary(arrivals, service, ranks, line=55)
    found = hypercube(arrivals, service, preference, capacity="queue")
    assert found.state_probability == pytest.approx(chances, abs=1e-10)
    assert found.place_share == pytest.approx(
        dispatch_shares(arrivals, service, ranks, chances, has_line=True), abs=1e-10
    )


@pytest.mark.parametrize("officers", range(1, 11))
def test_every_state_is_in_balance(officers):
    arrivals, service, preference = random_system(officers, officers=officers, load=0.7)
    found = hypercube(arrivals, service, preference)
    rate = arrivals.sum() + service.sum()
    assert largest_net_flow(arrivals, service, ranks_of(preference), found.state_probability) <= 1e-12 * rate
    assert found.balance_error <= 1e-12


@settings(max_examples=60)
@given(
    seed=SEEDS,
    officers=st.integers(1, 9),
    load=st.floats(0.01, 0.95),
    spread=st.floats(0, 3),
    capacity=st.sampled_from(["loss", "queue"]),
)
def test_shares_add_up_and_what_is_sent_is_what_keeps_officers_busy(seed, officers, load, spread, capacity):
    arrivals, service, preference = random_system(seed, officers=officers, load=load, spread=spread)
    found = hypercube(arrivals, service, preference, capacity=capacity)
    lost = found.overflow_share if capacity == "loss" else 0
    assert found.state_probability.sum() == pytest.approx(1, abs=1e-12)
    assert (found.state_probability >= 0).all()
    assert found.place_share.sum(axis=1) + lost == pytest.approx(np.ones(len(arrivals)), abs=1e-12)
    assert arrivals @ found.place_share == pytest.approx(found.busy_share * service, rel=1e-9)
    assert found.busy_count_share @ np.arange(officers + 1) == pytest.approx(found.busy_share.sum(), rel=1e-10)
    assert found.officer_share.sum() == pytest.approx(1)


@settings(max_examples=30)
@given(seed=SEEDS, officers=st.integers(2, 9), capacity=st.sampled_from(["loss", "queue"]))
def test_other_names_for_officers_and_places_change_nothing(seed, officers, capacity):
    arrivals, service, preference = random_system(seed, officers=officers)
    rng = np.random.default_rng(seed)
    new_of, place_of = rng.permutation(officers), rng.permutation(len(arrivals))
    old_of = np.argsort(new_of)
    one = hypercube(arrivals, service, preference, capacity=capacity)
    other = hypercube(arrivals[place_of], service[old_of], new_of[preference][place_of], capacity=capacity)
    assert other.busy_share == pytest.approx(one.busy_share[old_of], abs=1e-11)
    assert other.place_share == pytest.approx(one.place_share[place_of][:, old_of], abs=1e-11)
    assert other.overflow_share == pytest.approx(one.overflow_share, rel=1e-9)


@settings(max_examples=30)
@given(seed=SEEDS, officers=st.integers(1, 9))
def test_an_officer_who_is_tried_last_takes_from_overflow_only(seed, officers):
    arrivals, service, preference = random_system(seed, officers=officers)
    last = np.full((len(arrivals), 1), officers)
    before = hypercube(arrivals, service, preference)
    after = hypercube(arrivals, [*service, 0.5], np.hstack([preference, last]))
    assert after.busy_share[:-1] == pytest.approx(before.busy_share, abs=1e-11)
    assert after.overflow_share < before.overflow_share


@settings(max_examples=20)
@given(seed=SEEDS, officers=st.integers(1, 8), load=st.floats(0.05, 5), spread=st.floats(0, 2))
def test_both_ways_of_solving_agree(seed, officers, load, spread):
    arrivals, service, preference = random_system(seed, officers=officers, load=load, spread=spread)
    found = []
    for most in (8, 0):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hypercube_balance, "_MOST_BY_ELIMINATION", most)
            found.append(hypercube(arrivals, service, preference).state_probability)
    assert found[1] == pytest.approx(found[0], rel=1e-8)


@pytest.mark.parametrize("officers", [12, 15])
def test_many_officers(officers):
    arrivals, service, preference = random_system(1, officers=officers, places=9, spread=0)
    found = hypercube(arrivals, service, preference)
    assert found.overflow_share == pytest.approx(erlang_b(arrivals.sum(), officers), rel=1e-10)
    unequal = hypercube(arrivals, np.linspace(0.5, 3, officers), preference)
    assert unequal.balance_error <= 1e-12
    assert arrivals @ unequal.place_share == pytest.approx(unequal.busy_share * unequal.service_per_h, rel=1e-9)


def test_fifteen_officers_who_take_turns_share_alike():
    turns = [np.roll(np.arange(15), place) for place in range(15)]
    found = hypercube(np.full(15, 0.6), np.ones(15), turns)
    assert found.busy_share == pytest.approx(np.full(15, 9 * (1 - erlang_b(9, 15)) / 15), rel=1e-10)


@pytest.mark.parametrize("rates", [np.logspace(-3, 3, 9), np.logspace(6, -6, 12), np.logspace(-6, 6, 5)])
def test_rates_may_be_far_apart(rates):
    preference = np.argsort(np.random.default_rng(3).random((5, len(rates))), axis=1)
    found = hypercube(np.full(5, 1.0), rates, preference)
    assert found.balance_error <= 1e-12
    assert found.place_share.sum(axis=1) + found.overflow_share == pytest.approx(np.ones(5))


def test_overflow_so_rare_that_it_hardly_has_a_number_is_still_erlangs():
    preference = np.argsort(np.random.default_rng(3).random((5, 11)), axis=1)
    found = hypercube(np.full(5, 1e-4), np.full(11, 2.0), preference)
    assert found.overflow_share == pytest.approx(erlang_b(2.5e-4, 11), rel=1e-10)
    assert 0 < found.overflow_share < 1e-40


def test_a_place_without_calls_still_has_an_order():
    found = hypercube([0.0, 1.0], [1.0, 1.0], [[1, 0], [0, 1]])
    # Whoever is asked for first comes when free: 1 − busy.
    assert found.place_share[0, 1] == pytest.approx(1 - found.busy_share[1])
    assert found.busy_share == pytest.approx([0.5, 0.3])


def test_nothing_given_is_changed_or_kept():
    arrivals, service, preference = random_system(5, officers=6)
    copies = [array.copy() for array in (arrivals, service, preference)]
    found = hypercube(arrivals, service, preference, capacity="queue")
    for given_, copy in zip((arrivals, service, preference), copies, strict=True):
        assert (given_ == copy).all()
        given_[:] = 0
    assert found.arrivals_per_h == pytest.approx(copies[0])
    again = hypercube(*copies, capacity="queue")
    assert (again.state_probability == found.state_probability).all()


def test_erlang_by_hand():
    # Two officers, a load of 1: 1/2 over 1 + 1 + 1/2 are lost; of those with a line, 1/3 wait.
    assert erlang_b(1, 2) == pytest.approx(0.2)
    assert erlang_c(1, 2) == pytest.approx(1 / 3)
    assert erlang_b(4, 0) == 1
    assert erlang_b(0, 3) == 0
