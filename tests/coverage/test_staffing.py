"""Officers fewer and more: Erlang's B, best places, hours and costs, and what is said of them."""

import math
from dataclasses import replace

import numpy as np
import pytest

from safeschools_geo.coverage._staffing import COLUMNS, Staffing, staffing
from safeschools_geo.coverage.queueing import hypercube, hypercube_approximation
from safeschools_geo.errors import SeveralFaultsError

ARRIVALS = np.array([0.5, 1.0, 1.5, 0.0])
MINUTES = np.array([[1.0, 6.0, 9.0], [6.0, 1.0, 4.0], [9.0, 4.0, 1.0], [5.0, 5.0, 5.0]])
"""From each of three candidates (columns) to each of four schools."""

CHOSEN = {1: [1], 2: [1, 2], 3: [0, 1, 2]}


def staffed(**options):
    options = {
        "travel": lambda rows: MINUTES[:, rows],
        "place": lambda number: np.array(CHOSEN[number]),
        "hypercube": hypercube,
        "hours_per_term": 800.0,
        "current": 2,
        "officers": range(1, 4),
        **options,
    }
    return staffing(options.pop("arrivals", ARRIVALS), options.pop("service_min", 30.0), **options)


def erlang_b(load, officers):
    terms = [load**k / math.factorial(k) for k in range(officers + 1)]
    return terms[-1] / sum(terms)


def test_overflow_is_erlangs_b_whatever_the_places():
    table = staffed().table
    # Three calls an hour of half an hour each: a load of 1.5.
    expected = [erlang_b(1.5, n) for n in (1, 2, 3)]
    assert table["overflow_share"].tolist() == pytest.approx(expected)
    assert table["overflow_per_term"].tolist() == pytest.approx([share * 3 * 800 for share in expected])
    assert table["busy_share_mean"].tolist() == pytest.approx([1.5 * (1 - b) / n for n, b in enumerate(expected, 1)])


def test_response_is_that_of_the_places():
    table = staffed().table.set_index("officers")
    # One officer at the second candidate: 6, 1 and 4 minutes, weighted by the calls.
    assert table.loc[1, "mean_response_min"] == pytest.approx((0.5 * 6 + 1.0 * 1 + 1.5 * 4) / 3)
    assert table.loc[1, "p90_response_min"] == 6.0
    # Where hardly any call overflows, every officer more is nearer; where many do, those left out may be the far ones.
    assert staffed(arrivals=ARRIVALS / 1e3).table["mean_response_min"].is_monotonic_decreasing
    assert table.loc[3, "mean_response_min"] > table.loc[2, "mean_response_min"]


def test_two_officers_by_hand():
    # Officers at candidates 2 and 3. Schools 1 and 2 try the first, school 3 the second; 1.5 calls an hour each, served
    # 2 an hour. With r = 1.5 / 2 for each: states 1, r', r', s. Balance of "only the first busy": p (2 + 3) = 1.5 p0 +
    # 2 p11, and by symmetry of "only the second"; "both": 4 p11 = 3 (p + p).
    p0 = 1.0
    p = 1.5 * p0 / (5 - 2 * 1.5)
    p11 = 1.5 * p
    own = (p0 + p) / (p0 + 2 * p + p11)
    other = p / (p0 + 2 * p + p11)
    trips = own * (0.5 * 6 + 1.0 * 1 + 1.5 * 1) + other * (0.5 * 9 + 1.0 * 4 + 1.5 * 4)
    expected = trips / (3 * (own + other))
    assert staffed().table.set_index("officers").loc[2, "mean_response_min"] == pytest.approx(expected)


def test_hours_and_costs():
    table = staffed(cost_per_h=90.0).table
    assert table.columns.tolist() == COLUMNS
    assert table["officer_h"].tolist() == [800, 1600, 2400]
    assert table["cost"].tolist() == [72_000, 144_000, 216_000]


def test_without_a_rate_there_is_no_cost_and_that_is_said():
    found = staffed()
    assert found.table["cost"].isna().all()
    assert "No cost is given, since no rate per hour is set." in found.finding()
    assert "more a term" not in found.finding()


def test_the_finding_speaks_of_one_more_and_one_fewer():
    found = staffed(cost_per_h=90.0)
    text = found.finding()
    # Of calls 31.0 % find nobody free with two officers, 60.0 % with one and 13.4 % with three.
    assert text.startswith("The model says of one officer fewer than today’s 2: mean trip ")
    assert "calls that go to patrol 29.0 percentage points more, for 72,000 less a term" in text
    assert "one officer more than today’s 2: mean trip " in text
    assert "calls that go to patrol 17.6 percentage points less, for 72,000 more a term" in text
    assert "not tied to zones" in text
    assert "routine visits are not counted" in found.summary()


def test_rare_overflow_is_not_reported_as_nothing():
    found = staffed(arrivals=ARRIVALS / 1e3)
    # Of a million calls one finds both officers busy, and with a third hardly any.
    assert "mean trip 0.8 min shorter, calls that go to patrol under 0.1 percentage points less" in found.finding()


def test_the_current_number_is_always_among_those_tried():
    found = staffed(officers=[1], current=3)
    assert found.table["officers"].tolist() == [1, 3]
    assert {n: rows.tolist() for n, rows in found.points.items()} == {1: [1], 3: [0, 1, 2]}


def test_what_is_not_known_of_places_and_of_the_model_is_said():
    sure = staffed()
    assert "not proven" not in sure.finding()
    assert "approximation" not in sure.finding()
    assert "With 3 officers it is not proven" in replace(sure, unproven=(3,)).finding()
    assert "With 2 and 3 officers it is not proven" in replace(sure, unproven=(2, 3)).finding()
    roughly = staffed(hypercube=hypercube_approximation)
    assert "The queueing model of so many officers is an approximation." in roughly.finding()


def test_where_nothing_is_compared_it_says_why():
    none = Staffing.without(4, why="There are 3 schools to wait at for 4 officers.")
    assert none.finding() == none.summary() == "There are 3 schools to wait at for 4 officers."
    assert none.to_frame().columns.tolist() == COLUMNS
    assert none.to_frame().empty


def test_faults_are_reported_together():
    with pytest.raises(SeveralFaultsError) as caught:
        staffed(arrivals=[np.nan], service_min=0.0, hours_per_term=-1.0, cost_per_h=-2.0, officers=[0])
    text = str(caught.value)
    assert len(caught.value.faults) == 5
    assert all(word in text for word in ("rates of calls", "service_min", "hours_per_term", "cost_per_h", "officers"))
