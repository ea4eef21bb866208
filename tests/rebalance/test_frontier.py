"""The frontier: every point is the best there is, no point is worse than the one before, and it can be interrupted."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from brute_force import every_plan, measured, most_even
from drawn_towns import (
    FEW_TOWNS,
    PIECES,
    ROW,
    STAIRS,
    TOWNS,
    drawn,
    plans_of,
    random_rules,
    random_town,
    rules_of_town,
    tables_of_town,
    units_of_town,
    zone_names,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from town_of_units import six_units

from safeschools_geo.errors import ColumnError, InputError, SettingsError, count_text
from safeschools_geo.rebalance._draft import draft_zones
from safeschools_geo.rebalance._frontier import FRONTIER_COLUMNS, _tightened, frontier, proposed_row
from safeschools_geo.rebalance._problem import Rules
from safeschools_geo.rebalance._propose import Stage, solve_stage
from safeschools_geo.rebalance._units import units_of_schools

SLACK = 0.005
UTM = "EPSG:26910"
# a5 a1 a1 a1 b1 b1: the second zone takes d, then c, then b.
ROW_UNITS = gpd.GeoDataFrame(
    {"unit_id": list("abcdef"), "zone_id": list("aaaabb"), "workload": [5.0, 1.0, 1.0, 1.0, 1.0, 1.0]},
    geometry=[shapely.box(600_000 + 1000 * i, 4_200_000, 601_000 + 1000 * i, 4_201_000) for i in range(6)],
    crs=UTM,
)


def frontier_of_town(town, **options):
    return frontier(units_of_town(town), **tables_of_town(town), rules=Rules(**rules_of_town(town)), **options)


@pytest.mark.parametrize("name", FEW_TOWNS)
def test_every_point_is_the_best_of_all_plans(name):
    town, plans = TOWNS[name], plans_of(name)
    found = frontier_of_town(town, max_moves=len(town))
    table = found.table
    assert list(table.columns) == FRONTIER_COLUMNS
    feasible = [k for k in range(len(town) + 1) if len(plans.within(max_moves=k))]
    assert table["moves"].tolist() == feasible
    least = [plans.within(max_moves=k).least("imbalance") for k in feasible]
    assert table["imbalance"].tolist() == pytest.approx(least, abs=1e-6)
    assert table["bound"].tolist() == pytest.approx(least, abs=1e-6)
    assert table["is_proven"].all()
    assert (table["gap"] == 0).all()
    assert (table["imbalance"].diff().dropna() <= 0).all()
    for row, plan in zip(table.itertuples(index=False), found.plans, strict=True):
        label = tuple(zone_names(town).index(zone) for zone in plan.assignment)
        (shown,) = pd.DataFrame({k: v for k, v in vars(measured(town, [label])).items() if k != "label"}).itertuples(
            index=False
        )
        assert label in set(map(tuple, plans.label.tolist()))
        assert row.units_moved == shown.moves <= row.moves
        assert row.plan_imbalance == pytest.approx(shown.imbalance)
        assert row.plan_imbalance <= row.imbalance + SLACK + 1e-6
        near = most_even(town, plans.within(max_moves=row.moves), SLACK)
        assert row.travel == pytest.approx(near.least("travel"), abs=1e-5)
        assert row.moved == ";".join(plan.moves["unit_id"])
        assert plan.certificate["max_moves"] == row.moves


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 8), zones=st.integers(2, 3))
def test_no_point_is_worse_than_one_of_fewer_moves(seed, n, zones):
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 3 > 0), seed)
    plans = every_plan(town).within(max_moves=3)
    if not len(plans):
        with pytest.raises(InputError):
            frontier_of_town(town, max_moves=3)
        return
    table = frontier_of_town(town, max_moves=3).table
    assert (table["imbalance"].diff().dropna() <= 1e-9).all()
    assert (table["bound"].diff().dropna() <= 1e-9).all()
    assert (table["bound"] <= table["imbalance"]).all()
    assert table["imbalance"].iloc[-1] == pytest.approx(plans.least("imbalance"), abs=1e-6)
    assert table["moves"].iloc[0] == plans.least("moves")


def test_points_that_zone_sets_cannot_close_are_distinguished():
    # The clock has run out before the search begins: what the quick search has found stays, with a bound of its own.
    loads = np.random.default_rng(4).integers(10_000, 99_999, 60)
    town = drawn(" ".join(["aaabbbcccd"] * 6), " ".join(map(str, loads)))
    found = frontier_of_town(town, max_moves=5, time_limit_s=1e-3)
    table = found.table
    assert table["moves"].tolist() == list(range(6))
    assert not table["is_proven"].all()
    assert (table["bound"] <= table["imbalance"]).all()
    assert table["gap"].to_numpy() == pytest.approx((table["imbalance"] - table["bound"]).to_numpy())
    assert (table["imbalance"].diff().dropna() <= 0).all()
    assert all(plan.is_contiguous for plan in found.plans)
    assert f"{int(table['is_proven'].sum())} of 6 points proven" in found.summary()


def test_what_a_later_search_finds_more_even_is_the_point(monkeypatch):
    # The search for the smallest imbalance gives up on what it was given; that for evenness finds better plans.
    def given_up(problem, objective, limits, **options):
        stage = solve_stage(problem, objective, limits, **options)
        if objective != "imbalance" or not limits.max_moves:
            return stage
        start = problem.start
        return replace(stage, label=start, value=problem.imbalance(start), bound=0.0, is_proven=False)

    monkeypatch.setattr("safeschools_geo.rebalance._frontier.solve_stage", given_up)
    found = frontier(ROW_UNITS, max_moves=3)
    for row, plan in zip(found.table.itertuples(index=False), found.plans, strict=True):
        assert row.imbalance - 1e-9 <= plan.imbalance <= row.imbalance + SLACK + 1e-9
        assert plan.certificate["value"] == row.imbalance
    assert (found.table["imbalance"].diff().dropna() <= 1e-9).all()
    assert found.table["imbalance"].iloc[-1] < found.table["imbalance"].iloc[0]


def stage_of(value, bound, record):
    return Stage("imbalance", np.zeros(1, dtype="int64"), value, bound, is_proven=value == bound, log=record)


def test_a_bound_for_more_moves_holds_for_fewer():
    bounds = [0.5, 0.0, 0.3, 0.1]
    given = [stage_of(*point) for point in zip([0.5, 0.4, 0.3, 0.3], bounds, "abcd", strict=True)]
    tightened = _tightened(given)
    assert [stage.bound for stage in given] == bounds
    # What no plan of two moves can be below, none of one move can be; but not the other way round.
    assert [stage.bound for stage in tightened] == [0.5, 0.3, 0.3, 0.1]
    assert [stage.gap for stage in tightened] == pytest.approx([0.0, 0.1, 0.0, 0.2])
    assert [stage.is_proven for stage in tightened] == [True, False, True, False]
    # The record goes with the bound.
    assert "".join(stage.log for stage in tightened) == "accd"
    # With as good a bound as a plan, the point is proven.
    proven = _tightened([stage_of(*point) for point in zip([0.5, 0.3, 0.3, 0.3], bounds, "abcd", strict=True)])
    assert [stage.is_proven for stage in proven] == [True, True, True, False]
    assert [stage.gap for stage in proven] == pytest.approx([0.0, 0.0, 0.0, 0.2])


def test_points_and_certificates_say_the_same_when_a_bound_is_carried_back(monkeypatch):
    def solved(problem, objective, limits, **options):
        stage = solve_stage(problem, objective, limits, **options)
        if objective == "imbalance" and limits.max_moves == 1:
            return replace(stage, bound=0.0, is_proven=False)
        return stage

    monkeypatch.setattr("safeschools_geo.rebalance._frontier.solve_stage", solved)
    found = frontier_of_town(ROW, max_moves=3)
    for row, plan in zip(found.table.itertuples(index=False), found.plans, strict=True):
        claimed = plan.certificate
        assert (row.bound, row.gap, row.is_proven) == (plan.bound, plan.gap, plan.is_proven)
        assert (plan.bound, plan.gap, plan.is_proven) == (claimed["bound"], claimed["gap"], claimed["is_proven"])
        assert claimed["stages"][0]["bound"] == plan.bound
    # One move: nothing was proven of it, but what holds for two moves.
    assert found.plans[1].bound == found.plans[2].bound > 0


def table_of(*imbalances: float) -> pd.DataFrame:
    return pd.DataFrame({"moves": range(len(imbalances)), "plan_imbalance": imbalances})


@pytest.mark.parametrize(
    ("imbalance", "row"),
    [
        ([0.8, 0.4, 0.2, 0.15, 0.1], 4),  # the last moves lower it by five points each
        ([0.8, 0.1, 0.1, 0.1], 1),
        ([0.8, 0.6, 0.4, 0.2], 3),
        ([0.3, 0.3, 0.3], 0),
        ([0.3], 0),
        ([0.3, 0.1], 1),
        ([0.5, 0.5, 0.5, 0.1], 3),  # one has to move three to gain anything
        ([0.5, 0.1, 0.095, 0.09, 0.06], 4),  # four points for three further moves, though little for the first two
        ([0.5, 0.1, 0.095, 0.09, 0.075], 1),  # two and a half points for three further moves
        ([0.5, 0.1, 0.09], 2),  # exactly a point
        ([0.058, 0.058, 0.058, 0.058, 0.045, 0.045, 0.045, 0.014], 0),  # 0.6 points for each of seven moves
        ([0.058, 0.041, 0.04, 0.039, 0.038], 1),
        ([0.06, 0.055, 0.045, 0.043, 0.042, 0.041], 0),  # 0.75 points for each of two moves is the most
        ([0.3, 0.32, 0.25], 2),  # a plan may be less even than one of fewer moves by the slack
    ],
)
def test_more_moves_are_proposed_as_long_as_each_gains_a_point(imbalance, row):
    found, shares = proposed_row(table_of(*imbalance))
    assert found == row
    assert np.isnan(shares).all()
    # The choice is the least sum of imbalance and a point for each move, and looking less far changes no better choice.
    sums = np.round(np.array(imbalance) + 0.01 * np.arange(len(imbalance)), 9)
    assert sums[row] == sums.min()
    assert proposed_row(table_of(*imbalance[: row + 1]))[0] == row


def test_moves_that_fit_one_term_only_are_not_proposed():
    # Ten redrawn terms. One move is more even in all, two in nine of them, three in eight of them.
    drawn = np.array([[0.5] * 10, [0.3] * 10, [0.2] * 9 + [0.3], [0.1] * 8 + [0.2, 0.4]])
    drawn[3, 8] = 0.25
    row, shares = proposed_row(table_of(0.5, 0.3, 0.2, 0.1), drawn)
    assert row == 2
    assert shares[1:].tolist() == [1.0, 0.9, 0.8]
    # Against one move the third and fourth alone would stand: each is compared with the one taken before it.
    assert proposed_row(table_of(0.5, 0.3, 0.2, 0.1), drawn[[0, 1, 1, 2]])[0] == 3


def test_redrawn_terms_decide_in_the_frontier():
    # a5 b1 c1 d1 | e1 f1: with one unit more the second zone is nearer the mean, if only a is as heavy as it is said.
    redrawn = pd.DataFrame([[5.0, 1, 1, 1, 1, 1]] * 8 + [[1.0, 1, 1, 1, 4, 4]] * 2, columns=list("abcdef"))
    alone = frontier(ROW_UNITS, max_moves=2)
    steady = frontier(ROW_UNITS, max_moves=2, redrawn=redrawn.iloc[:8])
    shaken = frontier(ROW_UNITS, max_moves=2, redrawn=redrawn)
    assert [found.proposed for found in (alone, steady, shaken)] == [2, 2, 0]
    assert shaken.table["more_even_share"].tolist()[1:] == [0.8, 0.8]
    assert alone.rule == "More moves are proposed as long as each lowers the imbalance by 1 percentage point or more."
    assert shaken.rule == f"{alone.rule[:-1]}, and the plan is more even in 9 of 10 terms redrawn from the school days."
    assert shaken.finding() == (
        "No move is proposed: the imbalance is 60.0%, and moving 2 units would bring it to 20.0%, which is a gain that "
        "holds in fewer than 9 of 10 terms redrawn from the school days."
    )


def test_the_finding_in_words():
    # a5 b3 c4: unit a evens all out, and nothing is left to gain.
    found = frontier(six_units(), max_moves=3)
    assert found.proposed == 1
    assert found.proposal is found.plans[1]
    assert found.proposal.moves["unit_id"].tolist() == ["a"]
    assert "from 25.0% to 0.0% (proven to be the least)" in found.finding()
    assert found.summary().startswith("The largest unit (Dogwood) is 100% of the mean load of a zone")
    assert "4 of 4 points proven over all contiguous plans." in found.summary()
    assert found.is_complete
    pd.testing.assert_frame_equal(found.to_frame(), found.table)
    assert found.to_frame() is not found.table
    schools = frontier(six_units(), max_moves=1, noun="school")
    assert schools.finding().startswith("Moving 1 school brings")
    assert schools.summary().startswith("The largest school (Dogwood) is 100% of the mean load of a zone: balance ")
    assert "The plan moves 1 school:" in schools.proposal.summary()
    rooted = frontier(six_units(), max_moves=1, rules=Rules(roots={"1": "b"})).proposal
    assert "roots (1: b)" in rooted.certificate["proof"]["statement"]
    assert "roots (1: Birch)" in rooted.summary()
    assert "moves at most 1 school has an imbalance below 0.00%. After the farthest zone" in schools.proposal.summary()
    stuck = frontier(six_units(), max_moves=2, rules=Rules(locked=tuple("abcdef")))
    assert stuck.finding() == (
        "No plan of at most 2 moves is clearly more even than today: the imbalance is 25.0% (proven)."
    )
    rooted = frontier(six_units(), max_moves=1, rules=Rules(roots={"1": "d"}))
    assert "proven over all contiguous plans that keep the roots" in rooted.summary()


def with_imbalances(found, imbalances):
    """Pretend that the plans of a frontier are as even as this."""
    plans = tuple(
        replace(plan, imbalance=value, value=value) for plan, value in zip(found.plans, imbalances, strict=True)
    )
    return replace(found, plans=plans, table=found.table.assign(imbalance=imbalances, plan_imbalance=imbalances))


@pytest.mark.parametrize(
    ("last", "said"),
    [
        # Shown to a tenth of a point, a gain of 0.08 points would be made by rounding.
        (0.0906, "(proven to be the least)."),
        (0.0813, "1 more move would bring it to 8.1%."),
        (0.0914, "(proven to be the least)."),
    ],
)
def test_more_moves_that_gain_nothing_to_be_seen_are_not_spoken_of(last, said):
    found = frontier(ROW_UNITS, max_moves=2)
    assert [len(plan.moves) for plan in found.plans] == [0, 1, 2]
    finding = replace(with_imbalances(found, [0.6, 0.0914, last]), proposed=1).finding()
    assert "brings the imbalance from 60.0% to 9.1% (proven to be the least)" in finding
    assert finding.endswith(said)


def test_more_moves_are_as_many_as_the_best_plan_takes():
    # Five moves are allowed after the first, and two of them reach what all five do.
    found = frontier(ROW_UNITS, max_moves=6)
    moved = [len(plan.moves) for plan in found.plans]
    assert moved[:4] == [0, 1, 2, 3]
    imbalances = [0.6, 0.4, 0.25, *[0.04] * 4]
    finding = replace(with_imbalances(found, imbalances), proposed=1).finding()
    assert finding.endswith("2 more moves would bring it to 4.0%.")


def test_the_finding_speaks_of_the_plan_that_is_written():
    # The least imbalance is 12.9 %, and the plan kept for its shorter travel has 13.09 %.
    found = frontier(ROW_UNITS, max_moves=1)
    plan = replace(found.plans[1], imbalance=0.1309, value=0.129)
    finding = found.finding(plan)
    assert "to 13.1% (at so many moves no contiguous plan is below 12.9%: proven)" in finding


def test_zones_in_pieces_begin_with_the_first_number_of_moves_that_repairs_them():
    found = frontier_of_town(PIECES, max_moves=2)
    assert found.table["moves"].tolist() == [1, 2]
    assert "not contiguous: z0 (2 pieces), z1 (2 pieces)" in found.summary()
    with pytest.raises(SettingsError, match="detached units"):
        frontier_of_town(PIECES, max_moves=0)


def test_an_interruption_keeps_what_was_found():
    told = []

    def stop_at_two(text):
        told.append(text)
        if "2 moves" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        frontier_of_town(ROW, max_moves=6, on_point=stop_at_two)
    told.clear()
    found = frontier_of_town(ROW, max_moves=6, keeps_interrupted=True, on_point=stop_at_two)
    assert not found.is_complete
    assert found.table["moves"].tolist() == [0, 1, 2]
    assert told == [
        f"the least imbalance of {count} is {least:.2%} (proven)"
        for count, least in zip(("0 moves", "1 move", "2 moves"), found.table["imbalance"], strict=True)
    ]
    assert "interrupted" in found.summary()
    assert len(found.plans) == 3


def test_an_interruption_before_the_first_point_is_one(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("safeschools_geo.rebalance._frontier.solve_stage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        frontier_of_town(STAIRS, max_moves=2, keeps_interrupted=True)


def test_running_out_of_time_is_no_proof_that_there_is_no_plan(monkeypatch):
    nothing = Stage("imbalance", None, np.inf, 0.0, is_proven=False)
    monkeypatch.setattr("safeschools_geo.rebalance._frontier.solve_stage", lambda *_, **__: nothing)
    with pytest.raises(SettingsError, match=r"(?s)No plan was found in the time there was.*Allow more time"):
        frontier_of_town(PIECES, max_moves=3)


def test_what_was_given_is_left_as_it_was_and_gives_the_same_again():
    units, tables = units_of_town(PIECES), tables_of_town(PIECES)
    kept = units.copy(), {k: t.copy() for k, t in tables.items()}
    one, other = (frontier(units, **tables, max_moves=4, seed=5) for _ in range(2))
    pd.testing.assert_frame_equal(one.table.drop(columns="seconds"), other.table.drop(columns="seconds"))
    for plan, again in zip(one.plans, other.plans, strict=True):
        pd.testing.assert_series_equal(plan.assignment, again.assignment)
    pd.testing.assert_frame_equal(units, kept[0])
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, kept[1][name])


def test_units_and_rules_that_cannot_be_used():
    with pytest.raises(ColumnError, match="lack columns"):
        frontier(six_units().drop(columns="workload"))
    with pytest.raises(SettingsError, match="units that there are not"):
        frontier(six_units(), rules=Rules(locked=("x",)))
    with pytest.raises(InputError, match="f"):
        frontier(six_units(), rules=Rules(locked=("f",), forbidden=(("f", "3"),)))


@pytest.fixture(scope="module")
def san_juan_units(real_data, san_juan_schools):
    """Draft eight zones by the number of schools, and give the schools hours at random: high schools have most."""
    district = gpd.read_file(real_data / "san_juan" / "district_2012.geojson")
    draft = draft_zones(san_juan_schools, district, zones=8, weight=None, starts=5)
    rng = np.random.default_rng(0)
    hours = san_juan_schools["level"].map({"elementary": 0.4, "middle": 1.0, "high": 2.2, "other": 0.5})
    workload = pd.Series(
        (hours * rng.gamma(4, 0.25, len(hours))).to_numpy(), index=san_juan_schools["school_id"], name="workload"
    )
    return units_of_schools(san_juan_schools, draft.zones, district, draft.assignment, workload, crs=UTM).units


@pytest.mark.real_data
def test_san_juan_is_proven_over_all_plans_and_the_same_again(san_juan_units):
    one, other = (frontier(san_juan_units, max_moves=4, time_limit_s=60, crs=UTM) for _ in range(2))
    table = one.table
    assert len(san_juan_units) == 76
    assert table["moves"].tolist() == [0, 1, 2, 3, 4]
    assert table["is_proven"].all()
    assert (table["bound"] == table["imbalance"]).all()
    assert (table["imbalance"].diff().dropna() <= 0).all()
    assert table["imbalance"].iloc[-1] < table["imbalance"].iloc[0] / 1.5
    assert all(plan.is_contiguous for plan in one.plans)
    assert "5 of 5 points proven over all contiguous plans." in one.summary()
    pd.testing.assert_frame_equal(table.drop(columns="seconds"), other.table.drop(columns="seconds"))


def test_points_are_said_as_they_stand_in_the_table_though_a_better_plan_was_found_later(monkeypatch):
    """The search for the least imbalance stops early at 1 move; what comes later finds a better plan of 1 move."""

    def stopped(problem, objective, limits, *, start, **options):
        stage = solve_stage(problem, objective, limits, start=start, **options)
        if objective != "imbalance" or limits.max_moves != 1:
            return stage
        value = problem.imbalance(problem.start)
        return replace(stage, label=problem.start, value=value, bound=0.0, is_proven=False)

    monkeypatch.setattr("safeschools_geo.rebalance._frontier.solve_stage", stopped)
    monkeypatch.setattr("safeschools_geo.rebalance._frontier.plans_of_few_moves", lambda problem, **_: [problem.start])
    said = []
    found = frontier_of_town(ROW, max_moves=3, slack=1.0, on_point=said.append)
    assert found.table["imbalance"].iloc[1] < found.table["imbalance"].iloc[0]
    assert len(said) == 4
    for moves, (text, least, bound) in enumerate(
        zip(said, found.table["imbalance"], found.table["bound"], strict=True)
    ):
        gap = "proven" if least == bound else f"bound {bound:.2%}, gap {least - bound:.2%}"
        assert text == f"the least imbalance of {count_text(moves, 'move')} is {least:.2%} ({gap})"
