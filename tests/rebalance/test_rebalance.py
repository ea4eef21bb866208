"""`rebalance`: what is promised of a plan, held against every plan of small towns, and San Juan's census tracts."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from brute_force import every_plan, measured, most_even
from drawn_towns import (
    FEW_TOWNS,
    PIECES,
    STAIRS,
    TOWNS,
    drawn,
    plan_of_town,
    plans_of,
    random_rules,
    random_town,
    rules_of_town,
    tables_of_town,
    units_of_town,
    zone_names,
)
from grid_town import EAST, NORTH, UTM
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box
from town_of_units import six_units

from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.rebalance._areas import units_of_areas
from safeschools_geo.rebalance._neighbors import adjacency_matrix, is_contiguous, unit_edges
from safeschools_geo.rebalance._partition import Places, compact_partition
from safeschools_geo.rebalance._problem import EXACT, problem_of
from safeschools_geo.rebalance._propose import Stage, rebalance
from safeschools_geo.rebalance._set_partition import Aim
from safeschools_geo.rebalance._set_partition import most_even as most_even_of
from safeschools_geo.workload import imbalance

SLACK = 0.005
NEARLY = 1e-6


def measures(town, plan) -> dict[str, float]:
    """Measure a plan from its assignment alone."""
    names = zone_names(town)
    label = tuple(names.index(zone) for zone in plan.assignment)
    (row,) = zip(*(values for values in vars(measured(town, [label])).values()), strict=True)
    return dict(zip(("label", "imbalance", "moves", "travel", "boundary"), row, strict=True))


def is_among(town, plan, plans) -> bool:
    label = measures(town, plan)["label"]
    return bool((plans.label == label).all(axis=1).any())


@pytest.mark.parametrize("name", FEW_TOWNS)
def test_max_moves_asks_for_the_least_imbalance_then_evenness_then_the_shortest_travel(name):
    town, plans = TOWNS[name], plans_of(name)
    for moves in (1, 3, len(town)):
        within = plans.within(max_moves=moves)
        if not len(within):
            with pytest.raises(InputError):
                plan_of_town(town, max_moves=moves)
            continue
        plan = plan_of_town(town, max_moves=moves)
        assert plan.value == plan.bound == pytest.approx(within.least("imbalance"), abs=NEARLY)
        assert (plan.gap, plan.is_proven, plan.is_contiguous) == (0.0, True, True)
        assert is_among(town, plan, plans)
        found = measures(town, plan)
        assert found["moves"] <= moves
        assert found["imbalance"] == pytest.approx(plan.imbalance)
        assert found["imbalance"] <= plan.bound + SLACK + NEARLY
        even = most_even(town, within, SLACK)
        assert is_among(town, plan, even)
        assert found["travel"] == pytest.approx(even.least("travel"), abs=1e-5)
        assert all(stage["is_proven"] for stage in plan.certificate["stages"])


HEAVY = drawn("cbbbd abbb.", "1 1 1 1 1  6 1 1 1")
HEAVY = replace(HEAVY, distance=1.0 - np.eye(4)[list(HEAVY.start)])
"""Zone a is one school of 6, whatever moves; b has 6 schools of 1, c and d one each. The mean is 3.5. Where each school
is now, it is nearest."""


def loads_of(town, plan):
    label = np.array(measures(town, plan)["label"])
    return [sum(w for w, z in zip(town.load, label, strict=True) if z == zone) for zone in range(town.zones)]


def test_a_heavy_school_does_not_leave_the_other_zones_uneven():
    # By the farthest zone alone nothing is worth a move; two moves make 6, 4, 2, 2 of 6, 6, 1, 1.
    alone = plan_of_town(HEAVY, max_moves=2, objectives=("imbalance", "travel"))
    assert loads_of(HEAVY, alone) == [6, 6, 1, 1]
    plan = plan_of_town(HEAVY, max_moves=2)
    assert loads_of(HEAVY, plan) == [6, 4, 2, 2]
    assert plan.moves["zone_after"].tolist() == ["z2", "z3"]
    sums = [(s["rank"], s["value"], s["is_proven"]) for s in plan.certificate["stages"] if s["objective"] == "evenness"]
    assert sums == [(rank, pytest.approx(x / 3.5), True) for rank, x in ((2, 4.0), (3, 5.5), (4, 6.0))]
    assert plan.summary().endswith("are as even as they can be (each within 0.5 percentage points): proven.")
    # Six, three, three and two are as even as four moves can make them.
    assert sorted(loads_of(HEAVY, plan_of_town(HEAVY, max_moves=4))) == [2, 3, 3, 6]


def test_where_sets_cannot_be_listed_evenness_is_as_found(monkeypatch):
    monkeypatch.setattr("safeschools_geo.rebalance._propose.most_even", lambda *_, **__: None)
    plan = plan_of_town(HEAVY, max_moves=2)
    ranks = [stage for stage in plan.certificate["stages"] if stage["objective"] == "evenness"]
    deviations = np.sort(np.abs(np.array(loads_of(HEAVY, plan)) - 3.5) / 3.5)[::-1]
    assert [stage["rank"] for stage in ranks] == [2, 3, 4]
    for stage in ranks:
        assert not stage["is_proven"]
        assert 2.5 / 3.5 - NEARLY <= stage["bound"] <= stage["value"]
        assert deviations[: stage["rank"]].sum() <= stage["value"] + SLACK + NEARLY
    assert plan.is_proven
    assert "that none are more even is not proven" in plan.summary()


def test_a_search_for_evenness_that_is_given_up_keeps_what_it_had(monkeypatch):
    units, tables = units_of_town(HEAVY), tables_of_town(HEAVY)
    problem = problem_of(units, tables["adjacency"], travel=tables["travel"])
    aim = Aim(problem.move_cost(), 2.0)
    asked = {"start": problem.start, "bound": 2.5 / 3.5, "tolerance": 2.5 / 3.5 + SLACK, "slack": SLACK, "max_moves": 2}
    found = most_even_of(problem, aim, **asked, deadline=np.inf)
    assert [is_proven for _, is_proven in found.ranks] == [True] * 4
    assert problem.loads(found.ranks[0][0]).tolist() == [6, 4, 2, 2]
    monkeypatch.setattr("safeschools_geo.rebalance._set_partition.CHOICES", 0)
    given_up = most_even_of(problem, aim, **asked, deadline=np.inf)
    assert [is_proven for _, is_proven in given_up.ranks[:3]] == [False] * 3
    assert (given_up.ranks[-1][0] == problem.start).all()


def test_the_time_limit_holds_for_all_that_follows_the_search():
    rng, side, limit_s = np.random.default_rng(1), 22, 3.0
    cells = [(row, column) for row in range(side) for column in range(side)]
    squares = [box(EAST + 1e3 * c, NORTH + 1e3 * r, EAST + 1e3 * (c + 1), NORTH + 1e3 * (r + 1)) for r, c in cells]
    zones = [f"z{2 * (row // 6) + column // 11}" for row, column in cells]
    table = {"unit_id": [f"r{r:02d}c{c:02d}" for r, c in cells], "zone_id": zones}
    units = gpd.GeoDataFrame(table, geometry=squares, crs=UTM).assign(workload=rng.gamma(2.0, size=len(cells)))
    began = time.process_time()
    plan = rebalance(units, max_moves=15, time_limit_s=limit_s)
    assert time.process_time() - began < 2 * limit_s
    assert plan.is_contiguous
    assert 0 < len(plan.moves) <= 15
    assert plan.imbalance < plan.imbalance_before
    assert plan.bound <= plan.imbalance


def test_evenness_is_the_same_whether_plans_are_listed_or_searched_rank_by_rank(monkeypatch):
    for seed in range(6):
        town = random_town(seed, 9, 4)
        listed = plan_of_town(town, max_moves=4)
        with monkeypatch.context() as patched:
            patched.setattr("safeschools_geo.rebalance._set_partition._MOST_PLANS", -1)
            walked = plan_of_town(town, max_moves=4)
        assert [(s["value"], s["bound"]) for s in walked.certificate["stages"]] == [
            (pytest.approx(s["value"]), pytest.approx(s["bound"])) for s in listed.certificate["stages"]
        ]


def test_evenness_follows_imbalance_and_nothing_but_travel_follows_it():
    for objectives in (("evenness",), ("imbalance", "travel", "evenness"), ("imbalance", "evenness", "boundary")):
        with pytest.raises(InputError, match="evenness, with max_moves, right after imbalance"):
            plan_of_town(HEAVY, max_moves=2, objectives=objectives)
    with pytest.raises(InputError, match="evenness, with max_moves"):
        plan_of_town(HEAVY, objectives=("imbalance", "evenness"))
    only = plan_of_town(HEAVY, max_moves=2, objectives=("imbalance", "evenness"))
    assert [stage["objective"] for stage in only.certificate["stages"]] == ["imbalance", *["evenness"] * 3]


@pytest.mark.parametrize("name", FEW_TOWNS)
def test_tolerance_asks_for_the_fewest_moves_then_the_shortest_travel(name):
    town, plans = TOWNS[name], plans_of(name)
    for tolerance in (plans.least("imbalance") + 0.02, plans.least("imbalance") + 0.3):
        within = plans.within(tolerance=tolerance)
        plan = plan_of_town(town, tolerance=tolerance)
        assert plan.value == plan.bound == within.least("moves")
        assert plan.is_proven
        assert is_among(town, plan, within)
        found = measures(town, plan)
        assert found["moves"] == plan.value == len(plan.moves)
        assert found["travel"] == pytest.approx(within.within(max_moves=plan.value).least("travel"), abs=1e-5)


@pytest.mark.parametrize("name", FEW_TOWNS)
def test_both_ask_for_the_shortest_travel(name):
    town, plans = TOWNS[name], plans_of(name)
    tolerance = plans.least("imbalance") + 0.2
    fewest = plans.within(tolerance=tolerance).least("moves")
    within = plans.within(tolerance=tolerance, max_moves=fewest + 1)
    plan = plan_of_town(town, tolerance=tolerance, max_moves=int(fewest) + 1)
    assert plan.certificate["objective"] == "travel"
    assert plan.value == plan.bound == pytest.approx(within.least("travel"), abs=1e-5)
    assert is_among(town, plan, within)


ORDERS = [
    ("boundary", "travel"),
    ("travel", "moves"),
    ("imbalance", "boundary", "moves"),
    ("moves", "imbalance"),
    ("boundary", "moves", "imbalance", "travel"),
]


@pytest.mark.parametrize("objectives", ORDERS)
@pytest.mark.parametrize("is_large", [False, True])
def test_objectives_one_after_another(objectives, is_large, monkeypatch):
    # A plan of a later objective keeps what the ones before it reached, whichever method finds it.
    if is_large:
        monkeypatch.setattr("safeschools_geo.rebalance._propose._SMALL", 0)
    # Borders are measured on the map, so this town is drawn with its squares side by side.
    squares = square_units(STAIRS)
    plans, slack = plans_of("stairs").within(tolerance=0.5, max_moves=4), 0.02
    plan = rebalance(
        squares,
        objectives=objectives,
        slack=slack,
        tolerance=0.5,
        max_moves=4,
        travel=tables_of_town(STAIRS)["travel"],
    )
    assert [stage["objective"] for stage in plan.certificate["stages"]] == list(objectives)
    for stage in plan.certificate["stages"]:
        # The map is measured on the ground: a side is a kilometer but for 0.04 %.
        near = {"boundary": 1e-3}.get(stage["objective"], NEARLY)
        values = getattr(plans, stage["objective"])
        assert stage["value"] == pytest.approx(values.min(), rel=near, abs=near)
        assert stage["is_proven"]
        kept = values <= values.min() + (slack if stage["objective"] == "imbalance" else 0) + 1e-5
        plans = type(plans)(*(v[kept] for v in vars(plans).values()))
    assert is_among(STAIRS, plan, plans)


def square_units(town) -> gpd.GeoDataFrame:
    """Draw `STAIRS` as a map: nine squares side by side."""
    cells = [
        box(EAST + 1000 * c, NORTH - 1000 * r, EAST + 1000 * (c + 1), NORTH - 1000 * (r - 1))
        for r in range(3)
        for c in range(3)
    ]
    return units_of_town(town).set_geometry(gpd.GeoSeries(cells, crs=UTM))


def test_neighbors_and_distances_are_taken_from_the_map():
    # a 5, b 3, c 4 of six squares: a (workload 1) from zone 1 to zone 2 makes all 4; no other move does.
    plan = rebalance(six_units(), max_moves=1)
    assert plan.imbalance == plan.bound == 0.0
    assert plan.moves.to_dict("records")[0] | {} == {
        "unit_id": "a",
        "zone_before": "1",
        "zone_after": "2",
        "workload": 1.0,
        "name": "Ash",
        "schools": 1,
        "students": 300.0,
    }
    assert plan.loads.to_dict("list") == {"before": [5, 3, 4], "after": [4, 4, 4]}
    assert plan.imbalance_before == 0.25
    assert plan.assignment.name == "zone_id"
    assert plan.assignment.to_dict() == {"a": "2", "b": "2", "c": "3", "d": "1", "e": "2", "f": "3"}
    assert plan.edges["kind"].eq("border").all()
    assert "Move 1 unit (a)" in plan.summary()
    assert "The largest unit (Dogwood) is 100% of the mean load of a zone" in plan.summary()
    assert plan.to_frame()["moved"].tolist() == [True, False, False, False, False, False]


def test_moves_in_schools_students_and_workload():
    # Unit b has two schools and weighs 2; to even zones 1 to 3 out, a (one school) is enough.
    units = six_units().assign(students=[300.0, 700, 500, 1500, 600, 400])
    for moves_in, value in (("units", 1), ("schools", 1), ("students", 300), ("workload", 1)):
        plan = rebalance(units, tolerance=0.0, moves_in=moves_in)
        assert plan.value == plan.bound == pytest.approx(value)
        assert plan.certificate["moves_by"] == moves_in
    with pytest.raises(ColumnError, match="counted in students"):
        rebalance(six_units(), tolerance=0.0, moves_in="students")


def test_the_certificate_says_what_was_asked_and_found():
    town = replace(TOWNS["all rules"], together=((2, 5),))
    plan = plan_of_town(town, max_moves=4, seed=3)
    certificate = plan.certificate
    assert list(certificate)[:20] == [
        "objective",
        "value",
        "bound",
        "gap",
        "is_proven",
        "is_contiguous",
        "moves",
        "imbalance_before",
        "imbalance_after",
        "tolerance",
        "max_moves",
        "slack",
        "roots",
        "locked",
        "forbidden",
        "together",
        "zones",
        "stages",
        "proof",
        "solver",
    ]
    assert {"seed", "seconds", "input_sha256", "files"} <= set(certificate)
    assert json.loads(json.dumps(certificate)) == certificate
    assert certificate["objective"] == "imbalance"
    assert (certificate["value"], certificate["bound"]) == (plan.value, plan.bound)
    assert (certificate["gap"], certificate["is_proven"], certificate["is_contiguous"]) == (0.0, True, True)
    assert certificate["moves"] == len(plan.moves)
    assert (certificate["imbalance_before"], certificate["imbalance_after"]) == (plan.imbalance_before, plan.imbalance)
    assert (certificate["tolerance"], certificate["max_moves"], certificate["slack"]) == (None, 4, SLACK)
    assert certificate["roots"] == {"z2": "u04"}
    assert certificate["locked"] == ["u00"]
    assert certificate["forbidden"] == [["u08", "z2"]]
    assert certificate["together"] == [["u02", "u05"]]
    assert certificate["zones"] == ["z0", "z1", "z2"]
    objectives = [(stage["objective"], stage.get("rank")) for stage in certificate["stages"]]
    assert objectives == [("imbalance", None), ("evenness", 2), ("evenness", 3), ("travel", None)]
    assert {"value", "bound", "gap", "is_proven", "restricted_bound", "restriction"} <= set(certificate["stages"][0])
    assert {"method", "statement", "log"} <= set(certificate["proof"])
    assert "HiGHS" in certificate["solver"]
    assert certificate["seed"] == plan.settings.seed == 3
    units = "".join(
        f"{row.unit_id}\t{row.zone_id}\t{float(row.workload)!r}\n" for row in plan.units.itertuples(index=False)
    )
    pairs = sorted("\t".join(sorted(pair)) for pair in plan.edges[["unit_a", "unit_b"]].itertuples(index=False))
    for key, text in (("units", units), ("adjacency", "".join(f"{pair}\n" for pair in pairs))):
        assert plan.input_sha256[key] == hashlib.sha256(text.encode()).hexdigest()


def test_zones_that_are_in_pieces_are_reported_first_and_repaired():
    plan = plan_of_town(PIECES, max_moves=3)
    assert "not contiguous: z0 (2 pieces), z1 (2 pieces)" in plan.summary()
    assert plan.is_contiguous
    assert plan.imbalance_before == pytest.approx(measured(PIECES, [PIECES.start]).imbalance[0])


def test_what_was_given_is_left_as_it_was():
    units, tables = units_of_town(PIECES), tables_of_town(PIECES)
    rules = {"roots": {"z2": "u04"}, "locked": ["u00"], "together": [["u02", "u05"]], "forbidden": [("u08", "z2")]}
    kept = units.copy(), {k: t.copy() for k, t in tables.items()}, json.dumps(rules)
    plan = rebalance(units, **tables, **rules, max_moves=3)
    pd.testing.assert_frame_equal(units, kept[0])
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, kept[1][name])
    assert json.dumps(rules) == kept[2]
    assert plan.assignment.index.tolist() == units["unit_id"].tolist()


@pytest.mark.parametrize("name", ["stairs", "pieces", "random, in pieces", "all rules"])
def test_the_same_input_and_seed_give_the_same_plan(name):
    one, other = (plan_of_town(TOWNS[name], max_moves=5, seed=7) for _ in range(2))
    pd.testing.assert_series_equal(one.assignment, other.assignment)
    differing = {"seconds"}
    assert {k: v for k, v in one.certificate.items() if k not in differing} == {
        k: v for k, v in other.certificate.items() if k not in differing
    }


@pytest.mark.parametrize("name", ["stairs", "pieces", "group apart"])
def test_the_order_of_rows_and_of_pairs_does_not_matter(name):
    town = TOWNS[name]
    units, tables, rules = units_of_town(town), tables_of_town(town), rules_of_town(town)
    plan = rebalance(units, **tables, **rules, max_moves=4)
    shuffled = {"adjacency": tables["adjacency"].sample(frac=1, random_state=1)[["unit_b", "unit_a"]]}
    shuffled["adjacency"].columns = ["unit_a", "unit_b"]
    shuffled["travel"] = tables["travel"].sample(frac=1, random_state=2).iloc[:, ::-1]
    mixed = rebalance(units.sample(frac=1, random_state=3), **shuffled, **rules, max_moves=4)
    assert mixed.value == pytest.approx(plan.value, abs=NEARLY)
    assert mixed.bound == pytest.approx(plan.bound, abs=NEARLY)
    shortest = [p.certificate["stages"][-1]["value"] for p in (plan, mixed)]
    assert shortest[0] == pytest.approx(shortest[1], abs=1e-5)


def test_ids_that_are_numbers_are_text():
    units = units_of_town(STAIRS).assign(unit_id=range(9), zone_id=[1, 1, 2, 1, 2, 2, 3, 3, 2])
    links = pd.DataFrame(list(STAIRS.links), columns=["one", "other"])
    plan = rebalance(units, adjacency=links, max_moves=1, locked=[0], roots={1: 0})
    assert plan.assignment.loc["8"] == "3"
    assert plan.imbalance == 0.0
    assert plan.moves["zone_after"].tolist() == ["3"]
    assert len(plan.to_frame()) == 9


# --- out of time, and at random


def test_out_of_time_there_is_still_a_contiguous_plan_and_a_bound():
    # Sixty squares whose loads cannot be evened out by one move after another.
    rng = np.random.default_rng(4)
    town = drawn(" ".join(["aaabbbcccd"] * 6), " ".join(map(str, rng.integers(10_000, 99_999, 60))))
    plan = plan_of_town(town, max_moves=12, time_limit_s=1e-3)
    assert plan.is_contiguous
    assert not plan.is_proven
    assert 0 <= plan.bound <= plan.value <= plan.imbalance_before
    assert plan.gap == pytest.approx(plan.value - plan.bound)
    assert len(plan.moves) <= 12
    assert plan.certificate["is_proven"] is False
    assert "Not proven" in plan.summary()
    assert all(stage["is_cut"] for stage in plan.certificate["stages"])
    said = "that none are more even is not proven, for time ran out. Nor was there time to prove that no plan as even"
    assert said in plan.summary()


def test_a_busy_machine_proves_as_much(monkeypatch):
    town = drawn("aabbcc aabbcc", "90 10 30 40 20 60 10 20 30 40 50 10")
    quiet = plan_of_town(town, max_moves=3, time_limit_s=20)
    # Others keep the processors, so that an hour goes by between any two looks at the clock on the wall.
    hours = itertools.count(0, 3600)
    for clock in ("perf_counter", "monotonic", "time"):
        monkeypatch.setattr(time, clock, lambda: next(hours))
    busy = plan_of_town(town, max_moves=3, time_limit_s=20)
    assert busy.is_proven
    pd.testing.assert_series_equal(busy.assignment, quiet.assignment)
    assert busy.bound == quiet.bound


@pytest.mark.parametrize(("gap", "is_proven"), [(0.0, True), (EXACT / 2, True), (5 * EXACT, False), (0.01, False)])
@pytest.mark.parametrize("objective", ["imbalance", "moves", "travel", "boundary"])
def test_a_plan_and_its_certificate_agree_on_what_is_proven(monkeypatch, objective, gap, is_proven):
    value = 1000.0 if objective in {"travel", "boundary"} else 1.0

    def solved(problem, *_, **__):
        return Stage(objective, problem.start, value, value * (1 - gap), is_proven=gap == 0)

    monkeypatch.setattr("safeschools_geo.rebalance._propose.solve_stage", solved)
    plan = rebalance(six_units(), tolerance=0.5, objectives=[objective])
    claimed = plan.certificate
    assert (plan.value, plan.bound, plan.gap) == tuple(claimed[key] for key in ("value", "bound", "gap"))
    assert plan.is_proven is claimed["is_proven"] is claimed["stages"][0]["is_proven"] is is_proven
    assert plan.gap == pytest.approx(gap, abs=1e-12)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), n=st.integers(4, 8), zones=st.integers(2, 3))
def test_any_town_with_any_rules(seed, n, zones):
    town = random_rules(random_town(seed, n, zones, is_contiguous=seed % 3 > 0), seed)
    plans, moves = every_plan(town), 1 + seed % n
    within = plans.within(max_moves=moves)
    if not len(within):
        with pytest.raises(InputError):
            plan_of_town(town, max_moves=moves)
        return
    plan = plan_of_town(town, max_moves=moves)
    assert plan.bound <= plan.value <= plan.imbalance + NEARLY
    assert plan.is_proven
    assert plan.bound == pytest.approx(within.least("imbalance"), abs=NEARLY)
    assert is_among(town, plan, within.within(tolerance=plan.bound + SLACK + NEARLY))
    found = measures(town, plan)
    assert found["imbalance"] == pytest.approx(plan.imbalance)
    assert is_among(town, plan, most_even(town, within, SLACK))
    assert plan.certificate["stages"][-1]["value"] == pytest.approx(found["travel"])


@pytest.mark.real_data
def test_san_juan_census_tracts(real_data):
    tracts = gpd.read_file(real_data / "san_juan" / "census2000_tracts.geojson")
    bare = units_of_areas(tracts.assign(zone="1"), unit_id="FIPS", zone="zone", workload="TOT_POP").units
    edges = unit_edges(bare, crs="EPSG:26910")
    metric = bare.to_crs("EPSG:26910")
    places = Places(
        xy_km=metric.representative_point().get_coordinates().to_numpy() / 1000,
        size=np.ones(len(bare)),
        load=np.ones(len(bare)),
        neighbors=adjacency_matrix(bare["unit_id"], edges),
        border_km=adjacency_matrix(bare["unit_id"], edges),
        area_km2=metric.area.sum() / 1e6,
    )
    label = compact_partition(places, zones=8, tolerance=0.1, starts=5, seed=0)
    units = bare.assign(zone_id=pd.array([str(z + 1) for z in label], dtype="str"))
    plan = rebalance(units, adjacency=edges, max_moves=3, time_limit_s=20, crs="EPSG:26910")
    assert len(plan.assignment) == 73
    assert plan.is_contiguous
    assert is_contiguous(plan.assignment, edges)
    assert 0 < plan.bound <= plan.value <= plan.imbalance <= plan.value + SLACK + NEARLY
    assert plan.imbalance < plan.imbalance_before
    assert len(plan.moves) <= 3
    loads = units.set_index("unit_id")["workload"].groupby(plan.assignment).sum()
    assert plan.imbalance == pytest.approx(imbalance(loads))
    assert plan.certificate["is_proven"] == plan.is_proven
