"""Response and backup: by hand on two officers, and by brute force on many."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from queueing_brute_force import random_system

from safeschools_geo.coverage._response import response
from safeschools_geo.coverage.queueing import hypercube, hypercube_approximation
from safeschools_geo.errors import InputError, SeveralFaultsError


def two_officers():
    # One place in zone A, one without calls in B. As in the test of the model: officer 0 answers 0.5, officer 1 0.3 of
    # all calls, 0.2 are lost; of the answered 5/8 and 3/8.
    model = hypercube([1.0, 0.0], [1.0, 1.0], [[0, 1], [1, 0]])
    return response(model, [[2.0, 6.0], [9.0, 1.0]], zone_of_place=["A", "B"], home_zone=["A", "B"])


def test_two_officers_by_hand():
    found = two_officers()
    assert found.zone_ids == ("A", "B")
    assert found.district.mean_min[0] == pytest.approx(2 * 5 / 8 + 6 * 3 / 8)
    assert found.district.p90_min[0] == 6
    assert found.district.within_share[0] == pytest.approx([5 / 8, 5 / 8, 1, 1])
    assert found.in_zone_share[0] == pytest.approx(5 / 8)
    assert found.district_in_zone_share == pytest.approx(5 / 8)
    assert found.backup_share[0] == pytest.approx([5 / 8, 3 / 8])
    assert found.hypercube.officer_share == pytest.approx([5 / 8, 3 / 8])
    assert found.overflow_share == pytest.approx([0.2, 0.2])
    assert found.calls_per_h == pytest.approx([1, 0])


def test_a_zone_without_calls_has_no_response_but_its_place_has():
    found = two_officers()
    assert np.isnan([found.zones.mean_min[1], found.zones.p90_min[1], found.in_zone_share[1]]).all()
    assert np.isnan(found.backup_share[1]).all()
    # Officer 1 is free 0.7 of the time and comes; else officer 0, if free: P(10) = 0.1.
    assert found.places.mean_min[1] == pytest.approx((0.7 * 1 + 0.1 * 9) / 0.8)
    assert found.places.p90_min[1] == 9


def test_frames_of_two_officers():
    found = two_officers()
    frame = found.by_place()
    assert list(frame.columns[1:6]) == ["zone_id", "calls_per_h", "mean_min", "p90_min", "within_3_min_share"]
    assert frame["zone_id"].tolist() == ["A", "B"]
    assert frame["p90_min"].tolist() == [6, 9]
    assert found.backup_frame().loc["A", 1] == pytest.approx(3 / 8)


def test_nine_of_ten_exactly_is_enough():
    # Ten officers answer a tenth each, after 0, 1, … 9 minutes.
    turns = hypercube(np.full(10, 0.1), np.ones(10), [np.roll(np.arange(10), place) for place in range(10)])
    minutes = np.tile(np.arange(10.0), (10, 1))
    found = response(turns, minutes, zone_of_place=["A"] * 10, home_zone=["A"] * 10)
    assert found.district.p90_min[0] == 8


def test_one_officer_with_a_line_waits_as_in_m_m_1():
    # P(wait > t) = load × exp(−(service − calls) t), and then the travel: 5 minutes and 1 of preparation.
    model = hypercube([1.0], [2.0], [[0]], capacity="queue")
    found = response(model, [[5.0]], zone_of_place=["A"], home_zone=["A"], within_min=[5, 6, 30], preparation_min=1)
    assert found.district.mean_min[0] == pytest.approx(6 + 30)
    assert found.district.p90_min[0] == pytest.approx(6 + 60 * np.log(0.5 / 0.1))
    assert found.district.within_share[0, 0] == 0
    assert found.district.within_share[0, 1] == pytest.approx(0.5)
    assert found.district.within_share[0, 2] == pytest.approx(1 - 0.5 * np.exp(-24 / 60))


def answered_within(model, travel, places, minutes):
    """Add up call by call what share of the calls of some places is answered within some minutes."""
    rate = (model.service_per_h.sum() - model.arrivals_per_h.sum()) / 60
    there = answered = 0.0
    for place in places:
        for officer in range(travel.shape[1]):
            share = model.arrivals_per_h[place] * model.place_share[place, officer]
            waited = 0.0
            if model.capacity == "queue":
                waited = model.overflow_share * model.service_per_h[officer] / model.service_per_h.sum()
                waited *= model.arrivals_per_h[place]
            left = max(minutes - travel[place, officer], 0)
            there += (share - waited) * (travel[place, officer] <= minutes)
            there += waited * (1 - np.exp(-rate * left)) if waited else 0
            answered += share
    return there / answered


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), officers=st.integers(1, 5), load=st.floats(0.2, 0.95), spread=st.floats(0, 1))
@pytest.mark.parametrize("capacity", ["loss", "queue"])
def test_brute_force(capacity, seed, officers, load, spread):
    arrivals, service, preference = random_system(seed, officers=officers, places=6, load=load, spread=spread)
    rng = np.random.default_rng(seed)
    travel = rng.integers(0, 12, (6, officers)).astype(float)
    zones = np.arange(6) % 2
    model = hypercube(arrivals, service, preference, capacity=capacity)
    home = [int(z) for z in rng.integers(0, 2, officers)]
    found = response(model, travel, zone_of_place=zones.tolist(), home_zone=home, within_min=[0, 4.5, 7])
    row = {zone: found.zone_ids.index(zone) for zone in (0, 1)}
    groups = [(found.zones, row[z], np.flatnonzero(zones == z)) for z in (0, 1)]
    groups += [(found.places, p, [p]) for p in range(6)] + [(found.district, 0, range(6))]
    for told, at, places in groups:
        for i, minutes in enumerate(found.within_min):
            assert told.within_share[at, i] == pytest.approx(answered_within(model, travel, places, minutes), abs=1e-9)
        p90 = told.p90_min[at]
        assert answered_within(model, travel, places, p90 + 1e-7) >= 0.9 - 1e-9
        assert answered_within(model, travel, places, p90 - 1e-7) < 0.9 + 1e-9 or p90 == 0
        weights = arrivals[places, None] * model.place_share[places]
        wait = model.wait_min if capacity == "queue" else 0
        assert told.mean_min[at] == pytest.approx((weights * travel[places]).sum() / weights.sum() + wait)
    assert found.backup_share.sum(axis=1) == pytest.approx(np.ones(2))
    own = [sum(found.backup_share[row[z], i] for i in range(officers) if home[i] == z) for z in (0, 1)]
    assert found.in_zone_share[[row[0], row[1]]] == pytest.approx(own)
    answered = [found.calls_per_h[row[z]] for z in (0, 1)]
    assert found.district_in_zone_share == pytest.approx(np.average(own, weights=answered))


def test_the_approximation_has_a_response_too():
    arrivals, service, preference = random_system(3, officers=16, places=5)
    model = hypercube_approximation(arrivals, service, preference, capacity="queue")
    travel = np.random.default_rng(3).uniform(1, 9, (5, 16))
    found = response(model, travel, zone_of_place=list("ABCAB"), home_zone=[*"ABC", *[None] * 13])
    assert 1 <= found.district.mean_min[0] <= found.district.p90_min[0]
    assert found.backup_share.sum(axis=1) == pytest.approx(np.ones(3))


def test_waits_a_millionth_of_the_travel_do_no_harm():
    model = hypercube([1e5], [2e5, 3e5], [[0, 1]], capacity="queue")
    lost = hypercube([1e5], [2e5, 3e5], [[0, 1]], capacity="loss")
    found, without = (
        response(one, [[1.0, 60.0]], zone_of_place=["A"], home_zone=["A", None]).district for one in (model, lost)
    )
    assert found.p90_min[0] == pytest.approx(60, abs=0.01)
    assert found.mean_min[0] >= without.mean_min[0]


def test_what_does_not_fit_is_reported_all_at_once():
    model = hypercube([1.0, 1.0], [1.0, 1.0], [[0, 1], [1, 0]])
    with pytest.raises(SeveralFaultsError) as told:
        response(model, [[1.0, 2.0]], zone_of_place=["A", None], home_zone=["A"], within_min=[-1.0])
    assert len(told.value.faults) == 4
    with pytest.raises(InputError, match=r"Rows: \(0, 1\), \(1, 0\)\n[\s\S]*straight-line"):
        response(model, [[1.0, np.nan], [-2.0, 1.0]], zone_of_place=["A", "B"], home_zone=["A", "B"])


def test_groups_put_together_a_few_at_a_time_are_the_same(monkeypatch):
    rng = np.random.default_rng(5)
    arrivals, order = rng.gamma(2, 0.1, 12), np.argsort(rng.random((12, 4)), axis=1)
    model = hypercube(arrivals, np.full(4, 2.0), order)
    given = {"zone_of_place": list("ABCD") * 3, "home_zone": list("ABCD"), "ratios": (0.5, 1.0, 1.5)}
    minutes = rng.uniform(2, 20, (12, 4))
    whole = response(model, minutes, **given)
    monkeypatch.setattr("safeschools_geo.coverage._response._AT_ONCE", 1)
    parts = response(model, minutes, **given)
    for name in ("mean_min", "p90_min", "within_share"):
        for of in ("zones", "district"):
            np.testing.assert_array_equal(getattr(getattr(parts, of), name), getattr(getattr(whole, of), name))
