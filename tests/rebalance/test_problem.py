"""A problem measures plans as the definitions say, and refuses tables that no plan could rest on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from brute_force import connected_sets, every_plan, hangs_together, measured
from drawn_towns import PIECES, ROW, STAIRS, TOWNS, problem_of_town, random_rules, random_town
from hypothesis import given, settings
from hypothesis import strategies as st
from town_of_units import six_edges, six_units

from safeschools_geo.errors import ColumnError, SettingsError, SeveralFaultsError
from safeschools_geo.rebalance._problem import NO_ROOT, Rules, problem_of, reach
from safeschools_geo.rebalance._program import centers_of, moves_needed, outward_order, within_moves


def six(**rules):
    return problem_of(six_units(), six_edges(), rules=Rules(**rules))


def test_the_towns_that_others_are_held_against():
    # A row of three in two zones: the cut is after the first or after the second, and the zones can be swapped.
    assert connected_sets(3, {(0, 1): 1, (1, 2): 1}) == {
        frozenset(s) for s in ({0}, {1}, {2}, {0, 1}, {1, 2}, {0, 1, 2})
    }
    row = random_town(0, 2, 2)
    assert sorted(map(tuple, every_plan(row).label.tolist())) == [(0, 1), (1, 0)]
    # Twelve in a row in three zones: 11 × 10 / 2 ways to cut, 6 ways to name the zones.
    assert len(every_plan(ROW)) == 55 * 6
    assert not hangs_together({0, 2}, ROW.links)
    assert not hangs_together(set(), ROW.links)


def test_a_table_becomes_arrays():
    problem = six(roots={"2": "e"}, locked=("a",), together=(("c", "f"), ("d",), ("b", "b")), forbidden=(("f", "1"),))
    assert len(problem) == 6
    assert problem.unit_ids == tuple("abcdef")
    assert problem.zone_ids == ("1", "2", "3")
    assert problem.start.tolist() == [0, 1, 2, 0, 1, 2]
    assert problem.load.tolist() == [1, 2, 2, 4, 1, 2]
    assert problem.neighbors == ((1, 3), (0, 2, 4), (1, 5), (0, 4), (1, 3, 5), (2, 4))
    assert problem.border_km[1] == pytest.approx((1, 1, 1), abs=1e-3)
    assert problem.roots.tolist() == [NO_ROOT, 4, NO_ROOT]
    assert problem.together == ((2, 5),)
    assert problem.allowed.astype(int).tolist() == [
        [1, 0, 0],
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
        [0, 1, 0],
        [0, 1, 1],
    ]
    assert problem.counts_units
    # Centers: d, the heavier of zone 1; e, the root of zone 2; c, the first of two alike in zone 3.
    expected_km = [[1, 2**0.5, 2], [2**0.5, 1, 1], [5**0.5, 2**0.5, 0], [0, 1, 5**0.5], [1, 0, 2**0.5], [2, 1, 1]]
    assert problem.travel == pytest.approx(np.array(expected_km) * problem.load[:, None], abs=2e-3)


def test_measures_of_a_plan_worked_out_by_hand():
    problem = six()
    # Unit a goes to zone 2: loads 4, 4, 4. Borders: a–d, c–b, f–e, d–e.
    even = np.array([1, 1, 2, 0, 1, 2])
    assert problem.loads(even).tolist() == [4, 4, 4]
    assert problem.imbalance(even) == 0.0
    assert problem.imbalance(problem.start) == 0.25
    assert problem.moved(even) == 1
    assert problem.border(even) == pytest.approx(4, abs=4e-3)
    assert problem.cost(even, problem.move_cost()) == 1.0
    assert problem.is_plan(even)
    assert problem.sizes.tolist() == [2, 2, 2]
    assert problem.share.tolist() == [0.25, 0.5, 0.5, 1.0, 0.25, 0.5]
    from_even = replace(problem, start=even)
    assert (from_even.moved(even), from_even.moved(problem.start)) == (0, 1)
    assert problem.moved(problem.start) == 0


def test_zones_are_in_natural_order():
    units = six_units().assign(zone_id=["10", "9", "9", "10", "9", "2"])
    assert problem_of(units, six_edges()).zone_ids == ("2", "9", "10")


def test_pieces_of_a_zone():
    # a b a / b c a / c c a: a falls into {0} and {2, 5, 8}, b into two single units.
    problem = problem_of_town(PIECES)
    assert problem.pieces(problem.start, 0) == [{2, 5, 8}, {0}]
    assert problem.pieces(problem.start, 1) == [{1}, {3}]
    assert problem.pieces(problem.start, 2) == [{4, 6, 7}]
    assert problem_of_town(TOWNS["roots"]).pieces(problem.start, 0)[0] == {0}
    assert not problem.is_contiguous(problem.start)
    assert not problem.is_contiguous(np.zeros(9, dtype="int64"))
    assert reach({0}, {0, 2, 5}, problem.neighbors) == {0}


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 8), zones=st.integers(1, 3))
def test_plans_are_distinguished_from_labellings_and_measured_alike(seed, n, zones):
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 2 == 0), seed)
    problem, plans = problem_of_town(town), every_plan(town)
    known = {tuple(label) for label in plans.label.tolist()}
    labels = [*np.random.default_rng(seed).integers(0, zones, (20, n)), *plans.label[:20]]
    theirs = measured(town, [tuple(label) for label in labels])
    for row, label in enumerate(labels):
        assert problem.is_plan(label) == (tuple(label.tolist()) in known)
        assert problem.imbalance(label) == pytest.approx(theirs.imbalance[row])
        assert problem.moved(label) == theirs.moves[row]
        assert problem.cost(label, problem.move_cost()) == theirs.moves[row]
        assert problem.cost(label, problem.travel) == pytest.approx(theirs.travel[row])
        assert problem.border(label) == pytest.approx(theirs.boundary[row])


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), n=st.integers(3, 8), zones=st.integers(2, 3))
def test_no_plan_brings_a_unit_into_a_zone_with_fewer_moves_than_are_needed(seed, n, zones):
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 2 == 0), seed)
    problem, plans = problem_of_town(town), every_plan(town)
    needed = moves_needed(problem)
    assert (needed[np.arange(n), problem.start] == 0).all()
    for label, moves in zip(plans.label, plans.moves, strict=True):
        assert (needed[np.arange(n), label] <= moves).all()
        assert within_moves(problem, int(moves))[np.arange(n), label].all()


def test_moves_needed_in_a_row():
    # aaaa bbbb cccc: unit 0 comes into zone b with its whole zone; into zone c by a way of 8, or when c leaves all of
    # its 4 units and takes this one.
    needed = moves_needed(problem_of_town(ROW))
    assert needed[0].tolist() == [0, 4, 5]
    assert needed[3].tolist() == [0, 1, 5]
    # A root keeps zone c where it is; one that lies elsewhere now does not.
    rooted = problem_of_town(TOWNS["stairs"])
    assert rooted.can_move_away.all()
    assert not problem_of_town(TOWNS["roots"]).can_move_away.any()
    assert moves_needed(problem_of_town(replace(ROW, roots={2: 8})))[0].tolist() == [0, 4, 8]
    assert moves_needed(problem_of_town(replace(ROW, roots={2: 4})))[0].tolist() == [0, 4, 5]


def test_the_way_outward_leads_from_the_center():
    problem = problem_of_town(STAIRS)
    # Unit 0 is nearest to the middle of zone a, 5 to that of b; in c two units are, and the first is taken.
    assert centers_of(problem).tolist() == [0, 5, 6]
    order = outward_order(problem)
    for zone, center in enumerate(centers_of(problem)):
        assert order[center, zone] == 0
        own = np.flatnonzero(problem.start == zone)
        assert (order[own, zone] < len(problem)).all()
        nearer = [min(order[j, zone] for j in problem.neighbors[i]) for i in own if i != center]
        assert (np.array(nearer) < order[own[own != center], zone]).all()


def test_moves_can_be_counted_in_schools_students_or_workload():
    assert six(moves_in="schools").move_size.tolist() == [1, 2, 1, 1, 1, 1]
    assert six(moves_in="workload").move_size.tolist() == [1, 2, 2, 4, 1, 2]
    assert not six(moves_in="workload").counts_units
    with pytest.raises(ColumnError, match="students"):
        six(moves_in="students")
    with pytest.raises(SettingsError, match=r"(?s)cannot be counted.*pupils.*units, schools, students, workload"):
        six(moves_in="pupils")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"workload": [1.0, -2, 2, 4, 1, 2]}, ColumnError, r"(?s)not numbers of 0 or more.*b"),
        ({"workload": [1.0, np.nan, 2, 4, np.inf, 2]}, ColumnError, r"(?s)not numbers of 0 or more.*b, e"),
        ({"workload": [0.0] * 6}, ColumnError, r"(?s)no workload.*6 units, all of workload 0"),
        ({"unit_id": ["a", "a", "c", "d", "e", "f"]}, ColumnError, r"(?s)no id, or one that another has.*a, a"),
        ({"zone_id": ["1", None, "3", "1", "2", "3"]}, ColumnError, r"(?s)in no zone.*b"),
    ],
)
def test_units_that_cannot_be_used(change, error, message):
    with pytest.raises(error, match=message):
        problem_of(six_units().assign(**change), six_edges())


def test_all_faults_of_the_units_at_once():
    units = six_units().assign(workload=[1, 2, "x", 4, 1, 2], zone_id=[None, "2", "3", "1", "2", "3"])
    with pytest.raises(SeveralFaultsError) as caught:
        problem_of(units, six_edges())
    assert "in no zone" in str(caught.value)
    assert "not numbers" in str(caught.value)


def test_columns_and_edges_that_are_missing():
    with pytest.raises(ColumnError, match=r"(?s)lack columns.*workload"):
        problem_of(six_units().drop(columns="workload"), six_edges())
    with pytest.raises(ColumnError, match=r"(?s)units that there are not.*z"):
        problem_of(six_units(), pd.DataFrame({"unit_a": ["a"], "unit_b": ["z"]}))
    bare = problem_of(six_units(), pd.DataFrame({"unit_a": ["a", "b"], "unit_b": ["b", "b"]}))
    assert bare.neighbors == ((1,), (0,), (), (), (), ())
    assert bare.border_km[0] == (0.0,)


def test_rules_that_name_what_there_is_not():
    with pytest.raises(SettingsError, match=r"(?s)units that there are not.*x, y"):
        six(locked=("x",), together=(("a", "y"),))
    with pytest.raises(SettingsError, match=r"(?s)zones that there are not.*9"):
        six(roots={"9": "a"})
    with pytest.raises(SettingsError, match=r"(?s)zones that there are not.*9"):
        six(forbidden=(("a", "9"),))


def test_distances_that_are_given():
    km = pd.DataFrame(np.arange(18.0).reshape(6, 3), index=list("fedcba"), columns=["3", "2", "1"])
    problem = problem_of(six_units(), six_edges(), travel=km)
    assert problem.travel[0].tolist() == [17, 16, 15]
    assert problem.travel[3].tolist() == [4 * 8, 4 * 7, 4 * 6]
    for bad in (km.drop("c"), km.drop(columns="2"), km.replace(4.0, np.nan), km.replace(4.0, -1.0)):
        with pytest.raises(ColumnError, match="distances between units and zones are missing or below 0"):
            problem_of(six_units(), six_edges(), travel=bad)
    with pytest.raises(ColumnError, match=r"(?s)c.*3 of 18"):
        problem_of(six_units(), six_edges(), travel=km.drop("c"))


def test_rules_come_in_any_sequence():
    rules = Rules(roots={1: "e"}, locked=(u for u in "ab"), together=[{"c"}, ["a", "b"]], forbidden=[["a", 2]])
    assert rules == Rules(
        roots={"1": "e"}, locked=("a", "b"), together=(("c",), ("a", "b")), forbidden=(("a", "2"),), moves_in="units"
    )
