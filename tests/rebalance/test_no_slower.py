"""Plans in which nobody waits longer: held against every plan of small towns, and a town worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from brute_force import Plans, Town, every_plan, most_even
from drawn_towns import drawn, plan_of_town, random_town, rules_of_town, tables_of_town, units_of_town, zone_names

from safeschools_geo.errors import ColumnError, InputError, SettingsError
from safeschools_geo.rebalance._frontier import frontier
from safeschools_geo.rebalance._problem import Rules

SLACK = 0.005


def response_table(town: Town, calls, places, minutes) -> pd.DataFrame:
    """Make the table of response: `places` are units, `minutes` a row for each unit, a column for each place."""
    ids = units_of_town(town)["unit_id"].tolist()
    rows = [
        (unit, float(calls[i]), f"p{place}", ids[place], float(minutes[i][at]))
        for i, unit in enumerate(ids)
        for at, place in enumerate(places)
    ]
    return pd.DataFrame(rows, columns=["unit_id", "calls", "place_id", "place_unit_id", "minutes"])


def waits(town: Town, label, calls, places, minutes):
    """Give the mean minutes of each zone, missing without a call, and the minutes of all calls, from the definition."""
    means, total = [], 0.0
    for zone in range(town.zones):
        units = [i for i, z in enumerate(label) if z == zone]
        number = sum(calls[i] for i in units)
        sums = [sum(calls[i] * minutes[i][at] for i in units) for at, p in enumerate(places) if p in units]
        best = min(sums, default=np.inf) if number else 0.0
        means.append(best / number if number else np.nan)
        total += best
    return means, total


def no_slower(town: Town, plans: Plans, *response, longer_min: float = 0.0) -> Plans:
    now, total = waits(town, town.start, *response)
    kept = []
    for label in plans.label:
        then, in_all = waits(town, label, *response)
        longer = [
            a > b + longer_min + 1e-6 for a, b in zip(then, now, strict=True) if not np.isnan(b) and not np.isnan(a)
        ]
        kept.append(not any(longer) and in_all <= total + longer_min * sum(response[0]) + 1e-6)
    return Plans(*(values[np.array(kept, dtype=bool)] for values in vars(plans).values()))


def town_and_response(seed: int):
    """Draw a town at random, with calls, some places, and minutes that are no distances."""
    rng = np.random.default_rng(seed)
    n, zones = int(rng.integers(5, 8)), 2 + seed % 2
    town = random_town(seed, n, zones)
    calls = rng.integers(0 if seed % 4 == 0 else 1, 6, n)
    firsts = [town.start.index(zone) for zone in range(zones)]
    places = sorted({*firsts, *rng.choice(n, size=n // 2, replace=False).tolist()})
    minutes = rng.integers(1, 12, (n, len(places)))
    return town, (calls.tolist(), places, minutes.tolist())


def label_of(town: Town, plan) -> tuple[int, ...]:
    return tuple(zone_names(town).index(zone) for zone in plan.assignment)


@pytest.mark.parametrize("seed", range(30))
def test_the_plan_is_the_best_of_all_in_which_nobody_waits_longer(seed):
    town, response = town_and_response(seed)
    moves = 1 + seed % 4
    kept = no_slower(town, every_plan(town), *response)
    options = {"response": response_table(town, *response), "no_slower": True, "crs": "EPSG:26910"}
    within = kept.within(max_moves=moves)
    plan = plan_of_town(town, max_moves=moves, **options)
    assert plan.value == plan.bound == pytest.approx(within.least("imbalance"), abs=1e-6)
    assert all(stage["is_proven"] for stage in plan.certificate["stages"])
    even = most_even(town, within, SLACK)
    assert label_of(town, plan) in set(map(tuple, even.label.tolist()))
    assert plan.certificate["stages"][-1]["value"] == pytest.approx(even.least("travel"), abs=1e-5)
    # What is reported of response is what the definition gives.
    for label, name in ((town.start, "minutes_before"), (label_of(town, plan), "minutes_after")):
        assert plan.response[name].to_numpy() == pytest.approx(waits(town, label, *response)[0], nan_ok=True)
    if seed % 3:
        return
    # And the fewest moves within a tolerance, or the proof that none is enough.
    tolerance = kept.least("imbalance") + 0.1
    fewest = plan_of_town(town, tolerance=tolerance, **options)
    assert fewest.value == fewest.bound == kept.within(tolerance=tolerance).least("moves")
    if kept.least("imbalance") > 0.01:
        with pytest.raises(InputError, match=r"no (such )?plan"):
            plan_of_town(town, tolerance=kept.least("imbalance") - 0.005, **options)


BEAD = drawn("aaabb", "3 1 1 1 1")
"""a a a b b in a row: loads 5 and 2, the mean is 3.5. With c in b, 4 and 3."""
NEAR = ([1] * 5, [0, 3], [[0, 9], [2, 9], [2, 6], [9, 0], [9, 4]])
"""Officers wait at the first and the fourth. Calls of b wait (0 + 4) / 2 = 2 minutes; with c they would wait 10 / 3."""


@pytest.mark.parametrize("seed", range(0, 30, 5))
def test_the_best_plan_is_found_where_none_is_known_to_begin_with(seed, monkeypatch):
    town, response = town_and_response(seed)
    options = {"response": response_table(town, *response), "no_slower": True, "crs": "EPSG:26910"}
    known = plan_of_town(town, max_moves=2, **options)
    monkeypatch.setattr("safeschools_geo.rebalance._propose.plans_of_few_moves", lambda *_, **__: [])
    found = plan_of_town(town, max_moves=2, objectives=("imbalance", "travel"), **options)
    assert found.value == found.bound == pytest.approx(known.value, abs=1e-9)


def test_a_plan_that_lets_a_zone_wait_longer_is_none():
    table = response_table(BEAD, *NEAR)
    free = plan_of_town(BEAD, max_moves=1, response=table)
    assert free.moves["unit_id"].tolist() == ["u02"]
    assert free.response["minutes_before"].tolist() == pytest.approx([4 / 3, 2.0])
    assert free.response["minutes_after"].tolist() == pytest.approx([1.0, 10 / 3])
    assert free.response["place_after"].tolist() == ["p0", "p3"]
    assert free.summary().endswith("goes from 1.6 to 2.4 min; it is longer than today in zone z1.")
    held = plan_of_town(BEAD, max_moves=1, response=table, no_slower=True)
    assert len(held.moves) == 0
    assert held.is_proven
    assert "and lets nobody wait longer than today has an imbalance below 42.86%" in held.summary()
    assert held.summary().endswith(
        "the mean way to a call, by the map, stays at 1.6 min; it is in no zone longer than today."
    )
    with pytest.raises(SettingsError, match="within these limits in which nobody waits longer than today"):
        plan_of_town(BEAD, tolerance=0.2, response=table, no_slower=True)
    # Officers are placed anew: from a place beside c the calls of b wait no longer than today.
    anew = (NEAR[0], [0, 2, 3], [[0, 9, 9], [2, 9, 9], [2, 0, 6], [9, 1, 0], [9, 2, 4]])
    plan = plan_of_town(BEAD, max_moves=1, response=response_table(BEAD, *anew), no_slower=True)
    assert plan.moves["unit_id"].tolist() == ["u02"]
    assert plan.response["place_after"].tolist() == ["p0", "p2"]


def test_the_frontier_of_plans_in_which_nobody_waits_longer():
    table = response_table(BEAD, *NEAR)
    found = frontier(
        units_of_town(BEAD),
        **tables_of_town(BEAD),
        rules=Rules(**rules_of_town(BEAD)),
        max_moves=2,
        response=table,
        no_slower=True,
    )
    kept = no_slower(BEAD, every_plan(BEAD), *NEAR)
    least = [kept.within(max_moves=k).least("imbalance") for k in range(3)]
    assert found.table["imbalance"].tolist() == pytest.approx(least)
    assert found.table["is_proven"].all()
    assert found.proposed == 0
    assert "proven over all contiguous plans in which nobody waits longer" in found.summary()


def frontiers(town: Town, response, moves: int):
    """Give the frontier with no limit on minutes, and that in which nobody waits longer, with what lies between."""
    asked = {"units": units_of_town(town), **tables_of_town(town), "response": response_table(town, *response)}
    asked |= {"rules": Rules(**rules_of_town(town)), "max_moves": moves}
    free = frontier(**asked)
    return free, frontier(**asked, no_slower=True, against=free)


def test_evenness_and_the_minutes_it_costs_by_hand():
    # Moving c leaves 4 and 3, and makes the calls of b wait 10 / 3 - 2 = 4 / 3 minutes longer, those of all 0.8.
    free, held = frontiers(BEAD, NEAR, 1)
    assert held.trade["longer_min"].tolist() == [0, 0.5, 1, 1.5]
    assert held.trade["imbalance"].tolist() == pytest.approx([3 / 7, 3 / 7, 3 / 7, 1 / 7])
    assert held.trade["bound"].tolist() == held.trade["imbalance"].tolist()
    assert held.trade["moved"].tolist() == ["", "", "", "u02"]
    assert " ".join(held.about_trade()) == (
        "By at most 1 move the imbalance comes to 42.9% where nobody waits longer and to 14.3% where "
        "nobody waits more than 1.5 min longer. "
        "To come below 42.9%, calls of some zone, or all together, have to wait more than 1 min longer: proven."
    )
    assert free.trade.empty
    assert free.about_trade() == []
    # From a place beside c nobody waits longer, and there is nothing to trade.
    anew = (NEAR[0], [0, 2, 3], [[0, 9, 9], [2, 9, 9], [2, 0, 6], [9, 1, 0], [9, 2, 4]])
    _, held = frontiers(BEAD, anew, 1)
    assert held.trade["longer_min"].tolist() == [0]
    assert held.about_trade() == [
        "By at most 1 move the imbalance comes to 14.3% where nobody waits longer; longer waits would not lower it."
    ]
    # A plan of some minutes longer says so.
    asked = {"max_moves": 1, "response": response_table(BEAD, *NEAR), "no_slower": True}
    assert len(plan_of_town(BEAD, **asked, longer_min=1.33).moves) == 0
    plan = plan_of_town(BEAD, **asked, longer_min=4 / 3)
    assert plan.moves["unit_id"].tolist() == ["u02"]
    assert plan.certificate["response"]["longer_min"] == 4 / 3
    assert "and lets nobody wait more than 1.33333 min longer than today" in plan.summary()


@pytest.mark.parametrize("seed", range(0, 30, 2))
def test_evenness_for_minutes_is_that_of_the_best_of_all_plans(seed):
    town, response = town_and_response(seed)
    moves = 1 + seed % 4
    free, held = frontiers(town, response, moves)
    trade, plans = held.trade, every_plan(town)
    for longer_min, imbalance, bound in zip(*(trade[c] for c in ("longer_min", "imbalance", "bound")), strict=True):
        kept = no_slower(town, plans, *response, longer_min=longer_min).within(max_moves=moves)
        assert imbalance == bound == pytest.approx(kept.least("imbalance"), abs=1e-6)
    assert trade["imbalance"].iloc[-1] == pytest.approx(free.table["imbalance"].iloc[-1])
    assert trade["is_proven"].all()
    assert len(trade) <= 6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="calls"), "lacks columns"),
        (lambda t: t.iloc[1:], "cannot be used"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "cannot be used"),
        (lambda t: t.assign(minutes=-1.0), "cannot be used"),
        (lambda t: t.assign(calls=range(len(t))), "cannot be used"),
        (lambda t: t.assign(unit_id=t["unit_id"].replace("u00", "x")), "units that there are not"),
        (lambda t: t[t["place_id"] == "p0"], "no place where their officer could wait"),
    ],
)
def test_a_table_of_response_that_cannot_be_used(change, words):
    with pytest.raises(ColumnError, match=words):
        plan_of_town(BEAD, max_moves=1, response=change(response_table(BEAD, *NEAR)), no_slower=True)


def test_what_cannot_be_asked_together():
    with pytest.raises(SettingsError, match="not known how long anybody waits"):
        plan_of_town(BEAD, max_moves=1, no_slower=True)
    table = response_table(BEAD, *NEAR)
    for asked in ({"longer_min": 1.0}, {"longer_min": -1.0, "no_slower": True}):
        with pytest.raises(SettingsError, match="not clear how much longer"):
            plan_of_town(BEAD, max_moves=1, response=table, **asked)
    with pytest.raises(SettingsError, match="border between zones cannot"):
        plan_of_town(BEAD, objectives=("boundary",), response=table, no_slower=True)
