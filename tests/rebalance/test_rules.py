"""Rules that people ask for: held against every plan of small towns, in every way of solving; and what is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from brute_force import every_plan, most_even
from drawn_towns import (
    drawn,
    plan_of_town,
    random_rules,
    random_town,
    rules_of_town,
    tables_of_town,
    units_of_town,
    zone_names,
)
from test_no_slower import no_slower, response_table
from written_plan import best_by_moves, edit_certificate, edit_csv, row_links, seal, write_row

from safeschools_geo.errors import ColumnError, InputError, SettingsError
from safeschools_geo.rebalance._frontier import frontier
from safeschools_geo.rebalance._problem import Rules
from safeschools_geo.rebalance._propose import rebalance
from safeschools_geo.verify._verify import verify_folder

SLACK = 0.005


def town_with_rules(seed: int):
    """Draw a town with some of: a high school in each zone, a limit on students, and the rules of every town."""
    rng = np.random.default_rng(1000 + seed)
    zones = 2 + seed % 2
    n = int(rng.integers(zones + 3, 9))
    town = random_town(seed, n, zones, is_contiguous=bool(seed % 5))
    if seed % 4 == 1:
        town = random_rules(town, seed)
    students = tuple(rng.integers(0, 9, n).tolist())
    few = {}
    if seed % 3 != 1:
        few["high school"] = tuple(sorted(rng.choice(n, int(rng.integers(zones, n)), replace=False).tolist()))
    if seed % 7 == 0:
        few["middle school"] = tuple(sorted(rng.choice(n, n - 2, replace=False).tolist()))
    most = None if seed % 3 == 0 else int(rng.integers(0, 14))
    town = replace(town, one_of_each=few, students=students, most_students=most)
    if seed % 4 != 2:
        return town
    return replace(town, whole={"hotspot 1": tuple(sorted(rng.choice(n, 2 + seed % 3, replace=False).tolist()))})


def label_of(town, plan) -> tuple[int, ...]:
    return tuple(zone_names(town).index(zone) for zone in plan.assignment)


@pytest.mark.parametrize("by_sets", [False, True])
@pytest.mark.parametrize("seed", range(15))
def test_the_plan_is_the_best_of_all_that_keep_the_rules(seed, by_sets, monkeypatch):
    if by_sets:
        # Sets of zones, which are for larger towns, are listed for these too.
        monkeypatch.setattr("safeschools_geo.rebalance._propose._SMALL", 0)
    town = town_with_rules(seed)
    plans = every_plan(town)
    moves = 1 + seed % 4
    within = plans.within(max_moves=moves)
    if not len(within):
        with pytest.raises(InputError, match=r"no (such )?plan"):
            plan_of_town(town, max_moves=moves)
    else:
        plan = plan_of_town(town, max_moves=moves)
        assert plan.value == plan.bound == pytest.approx(within.least("imbalance"), abs=1e-6)
        assert all(stage["is_proven"] for stage in plan.certificate["stages"])
        even = most_even(town, within, SLACK)
        assert label_of(town, plan) in set(map(tuple, even.label.tolist()))
        assert plan.certificate["stages"][-1]["value"] == pytest.approx(even.least("travel"), abs=1e-5)
    tolerance = plans.least("imbalance") + 0.1
    if np.isfinite(tolerance):
        fewest = plan_of_town(town, tolerance=tolerance)
        assert fewest.value == fewest.bound == plans.within(tolerance=tolerance).least("moves")
        assert tuple(label_of(town, fewest)) in set(map(tuple, plans.label.tolist()))


@pytest.mark.parametrize("seed", range(0, 12, 3))
def test_the_frontier_is_that_of_the_plans_that_keep_the_rules(seed):
    town = town_with_rules(seed)
    plans = every_plan(town)
    given = rules_of_town(town)
    asked = {**tables_of_town(town), "rules": Rules(**given), "max_moves": 3}
    least = {k: best for k in range(4) if np.isfinite(best := plans.within(max_moves=k).least("imbalance"))}
    if not least:
        with pytest.raises(InputError, match=r"no (such )?plan"):
            frontier(units_of_town(town), **asked)
        return
    found = frontier(units_of_town(town), **asked)
    assert dict(zip(found.table["moves"], found.table["imbalance"], strict=True)) == pytest.approx(least)
    assert found.table["is_proven"].all()


@pytest.mark.parametrize("seed", range(0, 6, 2))
def test_rules_hold_where_nobody_waits_longer_too(seed):
    town = replace(town_with_rules(seed), roots={}, locked=(), forbidden=(), together=())
    n = len(town)
    firsts = [town.start.index(zone) for zone in range(town.zones)]
    rng = np.random.default_rng(seed)
    response = (rng.integers(1, 6, n).tolist(), firsts, rng.integers(1, 12, (n, len(firsts))).tolist())
    within = no_slower(town, every_plan(town), *response).within(max_moves=2)
    asked = {"max_moves": 2, "response": response_table(town, *response), "no_slower": True}
    if not len(within):
        with pytest.raises(InputError, match=r"no (such )?plan"):
            plan_of_town(town, **asked)
        return
    plan = plan_of_town(town, **asked)
    assert plan.value == plan.bound == pytest.approx(within.least("imbalance"), abs=1e-6)


LINE = drawn("aaaabb", "2 2 2 2 1 1", students=(100, 200, 300, 500, 50, 60))
"""a a a a b b in a row: loads 8 and 2, the mean is 5. Moving unit 3 makes 6 and 4, units 2 and 3 make 4 and 6."""


def test_students_who_change_officer_are_limited_by_hand():
    # With 500 students unit 3 may move, and it has to, before unit 2; with 499 nothing can.
    free = plan_of_town(LINE, max_moves=1)
    assert free.moves["unit_id"].tolist() == ["u03"]
    assert "most_students" not in free.certificate
    assert "student" not in free.summary()
    held = plan_of_town(replace(LINE, most_students=500), max_moves=1)
    assert held.moves["unit_id"].tolist() == ["u03"]
    none = plan_of_town(replace(LINE, most_students=499), max_moves=1)
    assert len(none.moves) == 0
    assert none.certificate["most_students"] == 499
    assert (
        "Proven: no contiguous plan that moves at most 1 unit and moves at most 499 students has an imbalance below"
        in none.summary()
    )


def test_unknown_students_are_reported_and_never_taken_for_none():
    units = units_of_town(LINE).assign(students=[100, 200, np.nan, 500, 50, 60])
    asked = {**tables_of_town(LINE), "max_moves": 1, "most_students": 400}
    with pytest.raises(ColumnError, match=r"(?s)cannot be limited.*u02.*1 of 6 that may move.*Fill in"):
        rebalance(units, **asked)
    # One that cannot move is in no sum.
    assert len(rebalance(units, locked=["u02"], **asked).moves) == 0
    # An area without a school has no students.
    schools = np.where(units["unit_id"] == "u02", 0, 1)
    assert len(rebalance(units.assign(schools=schools), **asked).moves) == 0
    with pytest.raises(ColumnError, match="6 of 6 that may move"):
        rebalance(units.drop(columns="students"), **asked)


def test_a_school_of_a_level_in_each_zone_by_hand():
    # With high schools at the ends nothing changes; with those of units 2 and 3 one of the two has to stay.
    town = replace(LINE, one_of_each={"high school": (0, 5)})
    assert plan_of_town(town, max_moves=2).imbalance == pytest.approx(0.2)
    both = replace(LINE, one_of_each={"high school": (3, 2)})
    plan = plan_of_town(both, max_moves=2)
    assert plan.moves["unit_id"].tolist() == ["u03"]
    assert plan.certificate["one_of_each"] == {"high school": ["u03", "u02"]}
    assert "moves at most 2 units and has a high school in each zone has an imbalance" in plan.summary()
    # Today's zones have none in b: the frontier begins with the first plan that does.
    found = frontier(units_of_town(both), **tables_of_town(both), rules=Rules(**rules_of_town(both)), max_moves=2)
    assert found.table["moves"].tolist() == [1, 2]
    assert found.summary().endswith(
        "2 of 2 points proven over all contiguous plans that have a high school in each zone."
    )


@pytest.mark.parametrize(
    ("rules", "asked", "words"),
    [
        ({"one_of_each": {"high school": (0,)}}, {}, r"Each of 2 zones is to have a high school, and there are 1"),
        (
            {"one_of_each": {"high school": (0, 1)}, "together": ((0, 1),)},
            {},
            r"(?s)2 zones is to have a high school, and there are 2, and those kept together count as one",
        ),
        (
            {"one_of_each": {"high school": (0, 1)}, "locked": (0, 1)},
            {},
            r"(?s)Every zone is to have a high school.*zone z1 can have none.*free locks or roots",
        ),
        (
            {"most_students": 400, "forbidden": ((3, 0),)},
            {},
            r"(?s)At least 500 students change officer, for u03 may not stay.*at most 400 may",
        ),
        ({"most_students": 400, "together": ((3, 4),)}, {"max_moves": 5}, None),
        (
            {"whole": {"hotspot 7": (0, 5)}, "roots": {0: 0, 1: 5}},
            {},
            r"(?s)u00, u05 are to be kept together \(hotspot 7\), but no zone.*Do not keep the group whole, or",
        ),
        (
            {"whole": {"hotspot 7": (0, 1, 4, 5)}},
            {"max_moves": 1},
            r"(?s)At least 2 units move, for .* brought together \(hotspot 7\); at most 1 may.*at least 2 moves",
        ),
        (
            {"whole": {"hotspot 7": (2, 5)}, "one_of_each": {"high school": (2, 3)}, "roots": {0: 0}},
            {"max_moves": 1},
            r"(?s)without one of them there is one: hotspot 7 whole",
        ),
        (
            {"most_students": 400, "one_of_each": {"high school": (2, 3)}},
            {"max_moves": 1},
            r"(?s)there is one: a high school in each zone, at most 400 students who change officer\.",
        ),
        (
            {"most_students": 400},
            {"tolerance": 0.2},
            r"(?s)without one of them there is one: at most 400 students who change officer, the tolerance of 20\.00%",
        ),
        ({"most_students": -1}, {}, "most_students of 0 or more"),
    ],
)
def test_a_request_that_no_plan_meets_names_the_rules_that_conflict(rules, asked, words):
    town = replace(LINE, **rules)
    if words is None:
        # Unit 4, of 50 students, can join unit 3.
        assert plan_of_town(town, **asked).is_proven
        return
    with pytest.raises(SettingsError, match=words):
        plan_of_town(town, **({"max_moves": 3} | asked if "tolerance" not in asked else asked))


ROW_LOADS, ROW_BEFORE = [4, 1, 2, 3, 5, 1], list("111122")
"""Six squares in a row, A to F: zone 1 has 10 and zone 2 has 6."""


def written(folder, *, keep, moved, **facts):
    """Write the best plan of at most 2 moves that keeps a rule, with its true bound, and students."""
    value, labels = best_by_moves(ROW_LOADS, ROW_BEFORE, row_links(6), most=2, keep=keep)[2]
    assert "".join(labels) == moved
    write_row(folder, ROW_LOADS, ROW_BEFORE, labels, max_moves=2, value=value, bound=value, **facts)
    plan = pd.read_csv(folder / "plan.csv", dtype=str)
    plan.assign(students=[10, 20, 30, 40, 50, 60]).to_csv(folder / "plan.csv", index=False, lineterminator="\n")
    seal(folder)
    return folder


def failed(folder):
    return {c.name: c.message for c in verify_folder(folder).failures}


def test_the_checker_adds_up_the_students_and_fails_on_a_forged_plan(tmp_path):
    free = written(tmp_path / "free", keep=lambda _: True, moved="111222")
    assert verify_folder(free).bound == "confirmed"

    def is_kept(labels):
        return sum(s for s, a, b in zip((10, 20, 30, 40, 50, 60), ROW_BEFORE, labels, strict=True) if a != b) <= 39

    folder = written(tmp_path / "held", keep=is_kept, moved="111122", most_students=39)
    report = verify_folder(folder)
    assert report.is_ok, report.summary()
    assert report.bound == "confirmed"
    told = {c.name: c.message for c in report.checks}
    assert told["students"] == "Students of the units that move: 0, at most 39 were allowed."
    assert "that keeps the limit on students has an imbalance below 25.0000%" in told["bound"]
    # The plan of more students, under the limit.
    edit_certificate(free, most_students=39)
    assert failed(free)["students"] == "Students of the units that move: 40, at most 39 were allowed."
    edit_csv(free, "plan.csv", lambda t: t.assign(students=t["students"].where(t["unit_id"] != "D", "")))
    assert "among those that move, without a number of students: D" in failed(free)["students"]
    edit_certificate(free, most_students="few")
    assert "not a number" in failed(free)["students"]


def test_the_checker_looks_for_one_of_each_in_every_zone(tmp_path):
    free = written(tmp_path / "free", keep=lambda _: True, moved="111222")
    ids = {"high school": ["D", "E"]}
    folder = written(tmp_path / "held", keep=lambda labels: labels[3] != labels[4], moved="111122", one_of_each=ids)
    report = verify_folder(folder)
    assert report.is_ok, report.summary()
    assert report.bound == "confirmed"
    told = {c.name: c.message for c in report.checks}
    assert told["one_of_each"] == "Every zone has a high school."
    assert "that keeps a high school in each zone has an imbalance" in told["bound"]
    edit_certificate(free, one_of_each=ids)
    assert failed(free)["one_of_each"] == "1 id of a zone without a high school: 1."
    edit_certificate(free, one_of_each={"high school": ["D", "X", "A"]})
    assert "listed as a high school but not in the plan: X" in failed(free)["one_of_each"]


def test_a_group_kept_whole_is_reported_where_it_is_split_or_its_units_border_no_other():
    split = plan_of_town(replace(LINE, whole={"hotspot 7": (3, 4)}), max_moves=2)
    label = dict(zip(split.assignment.index, split.assignment, strict=True))
    assert label["u03"] == label["u04"]
    assert "Hotspot 7 is split over zones z0 and z1 today; every plan brings it into one." in split.summary()
    assert "Proven: no contiguous plan that keeps hotspot 7 whole and moves at most 2 units" in split.summary()
    assert split.certificate["whole"] == {"hotspot 7": ["u03", "u04"]}
    apart = plan_of_town(replace(LINE, whole={"hotspot 7": (0, 2)}), max_moves=2)
    assert "Hotspot 7 is of units that do not all border each other (u00, u02)" in apart.summary()
    assert "hotspot" not in plan_of_town(LINE, max_moves=1).summary()
    found = frontier(
        units_of_town(LINE), **tables_of_town(LINE), rules=Rules(whole={"hotspot 7": ["u03", "u04"]}), max_moves=2
    )
    assert found.summary().endswith("2 of 2 points proven over all contiguous plans that keep hotspot 7 whole.")


def test_the_checker_finds_a_group_that_is_split(tmp_path):
    whole = {"hotspot 7": ["D", "C"]}
    free = written(tmp_path / "free", keep=lambda _: True, moved="111222")
    folder = written(tmp_path / "held", keep=lambda labels: labels[2] == labels[3], moved="111122", whole=whole)
    report = verify_folder(folder)
    assert report.is_ok, report.summary()
    assert report.bound == "confirmed"
    told = {c.name: c.message for c in report.checks}
    assert told["together"] == "0 groups, each in one zone, and hotspot 7 whole."
    assert "that keeps hotspot 7 whole has an imbalance" in told["bound"]
    edit_certificate(free, whole=whole)
    assert failed(free)["together"] == "1 unit to be kept whole and yet split: hotspot 7 over 1, 2."
