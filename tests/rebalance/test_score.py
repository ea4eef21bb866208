from __future__ import annotations

import math
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from grid_town import UTM
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box
from town_of_units import PLAN, current, seven_schools, six_edges, six_units

from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.rebalance import Rules
from safeschools_geo.rebalance._price import compare_plans, what_changes
from safeschools_geo.rebalance._score import Score, score_plan, split_table
from safeschools_geo.term._plan import read_plan

ZONES = pd.DataFrame({"zone_id": ["1", "2", "3"], "name": ["West", "Middle", "East"], "team": ["x", "x", "y"]})


def scored(plan: pd.Series | None = None, **options) -> Score:
    return score_plan(six_units(), current() if plan is None else plan, six_edges(), crs=UTM, **options)


def note(score: Score, measure: str) -> str:
    return score.to_frame().set_index("measure")["note"][measure]


def shown(score: Score, measure: str) -> str:
    return score.to_frame().set_index("measure")["shown"][measure]


def test_balance_of_the_zones_as_they_are():
    score = scored()
    assert score.loads.to_dict() == {"1": 5.0, "2": 3.0, "3": 4.0}
    assert score.imbalance == 0.25
    assert score.value("max_min_ratio") == pytest.approx(5 / 3)
    # Deviations 1, −1, 0 around 4: √(2/3) / 4.
    assert score.value("coefficient_of_variation") == pytest.approx(math.sqrt(2 / 3) / 4)
    assert [shown(score, m) for m in ("imbalance", "max_min_ratio", "coefficient_of_variation")] == [
        "25.0%",
        "1.67",
        "20.4%",
    ]
    assert score.is_contiguous
    assert score.value("units_moved") == 0
    assert "Nothing moves." in score.summary()


def test_what_moves():
    score = scored(PLAN)
    assert score.imbalance == 0
    moved = {m: score.value(m) for m in ("units_moved", "schools_moved", "students_moved", "incidents_moved")}
    assert moved == {"units_moved": 1, "schools_moved": 1, "students_moved": 300, "incidents_moved": 10}
    assert score.value("workload_moved_share") == pytest.approx(1 / 12)
    assert note(score, "units_moved") == "a"
    assert "1 of 6 units moved (1 school, 300 students, 10 incidents)." in score.summary()
    assert "4.00 officer-hours per school day in each" in score.summary()


def test_students_not_known_are_reported():
    # c moves, whose students nobody knows; b moves, who has 700.
    score = scored(pd.Series({**current().to_dict(), "c": "2", "b": "3"}))
    assert score.value("students_moved") == 700
    assert note(score, "students_moved") == "not known for 1 of 2 that move"
    bare = six_units().drop(columns=["students", "schools", "incidents"])
    score = score_plan(bare, PLAN, six_edges(), crs=UTM)
    assert math.isnan(score.value("students_moved"))
    assert shown(score, "students_moved") == "not scored: students of units not known"
    assert "1 of 6 units moved." in score.summary()


def test_compactness_of_rectangles():
    score = scored(PLAN)
    shapes = score.zones.set_index("zone_id")[["polsby_popper", "reock"]]
    # Zone 1 is a square, zone 3 one by two; zone 2 has three squares in an L: 3 km², 8 km round.
    assert shapes["polsby_popper"].tolist() == pytest.approx([math.pi / 4, 12 * math.pi / 64, 8 * math.pi / 36])
    # Circles with diameters √2 and √5; the L lies in the circle around its square of two by two, diameter √8.
    assert shapes["reock"].tolist() == pytest.approx([2 / math.pi, 3 / (2 * math.pi), 8 / (5 * math.pi)])
    assert score.value("polsby_popper_min") == pytest.approx(12 * math.pi / 64)
    assert score.value("reock_mean") == pytest.approx(shapes["reock"].mean())
    assert note(score, "reock_min") == "least in zone 2"
    # Cuts b–c, e–f, a–d and d–e, 1 km each, measured with the snapping distance.
    assert score.value("border_km") == pytest.approx(4, rel=1e-3)


def test_a_border_without_a_link_is_as_long_as_it_was():
    # Along a barrier, or where a person closed a link, units are no neighbors, and no edge has the length.
    plan = pd.Series({"a": "1", "b": "2", "c": "2", "d": "1", "e": "2", "f": "2"})
    edges = six_edges()
    is_closed = ((edges["unit_a"] == "a") & (edges["unit_b"] == "b")).to_numpy()

    def border_km(edges, *apart):
        return score_plan(six_units(), plan, edges, rules=Rules(apart=apart), crs=UTM).value("border_km")

    assert border_km(edges) == pytest.approx(2, rel=1e-3)
    assert border_km(edges[~is_closed], ("b", "a")) == pytest.approx(2, rel=1e-3)
    # A pair that meets in no border adds none, and one that is still linked counts once.
    assert border_km(edges, ("a", "f"), ("a", "b")) == border_km(edges)


def test_compactness_of_units_that_are_no_exact_coverage():
    # b has a vertex in the middle of the edge that it shares with a; the union has no line inside all the same.
    units = six_units()
    shape = units.geometry[1]
    x, y = shape.bounds[0], (shape.bounds[1] + shape.bounds[3]) / 2
    bent = box(*shape.bounds).union(box(x, y, *shape.bounds[2:])).segmentize(300)
    units = units.set_geometry(units.geometry.where(units["unit_id"] != "b", bent))
    assert score_plan(units, PLAN, six_edges(), crs=UTM).value("polsby_popper_min") == pytest.approx(12 * math.pi / 64)


def test_zones_in_pieces_are_named():
    plan = pd.Series({"a": "1", "b": "2", "c": "1", "d": "1", "e": "2", "f": "3"})
    score = scored(plan)
    assert not score.is_contiguous
    assert score.zones.set_index("zone_id")["pieces"].to_dict() == {"1": 2, "2": 1, "3": 1}
    assert score.zones.set_index("zone_id")["detached"].to_dict() == {"1": "c", "2": "", "3": ""}
    assert (score.value("zones_in_pieces"), score.value("units_detached")) == (1, 1)
    assert note(score, "zones_in_pieces") == "zone 1 in 2 pieces"
    assert "Not contiguous: zone 1 in 2 pieces." in score.summary()


def test_the_piece_of_the_root_is_the_zone():
    plan = pd.Series({"a": "1", "b": "2", "c": "1", "d": "1", "e": "2", "f": "3"})
    zones = scored(plan, roots={"1": "c", "2": "a"}).zones.set_index("zone_id")
    assert zones["detached"].to_dict() == {"1": "a;d", "2": "", "3": ""}
    assert scored(roots={"1": "a"}).travel == pytest.approx(4 + 1 + 2)


def test_a_zone_held_together_by_a_link_is_reported():
    link = pd.DataFrame({"unit_a": ["a"], "unit_b": ["c"], "shared_m": [0.0], "kind": ["bridge"]})
    plan = pd.Series({"a": "1", "b": "2", "c": "1", "d": "1", "e": "2", "f": "3"})
    score = score_plan(six_units(), plan, pd.concat([six_edges(), link]), crs=UTM)
    assert score.is_contiguous
    assert note(score, "zones_in_pieces") == "only a link that is no border holds together zone 1"


def test_a_zone_without_units_counts():
    score = scored(zones=pd.DataFrame({"zone_id": ["1", "2", "3", "4"]}))
    # Mean 3: the empty zone is 100 % off, more than 5 is.
    assert score.imbalance == 1.0
    assert score.value("max_min_ratio") == math.inf
    assert shown(score, "max_min_ratio") == "–"
    assert note(score, "zones_without_units") == "4"
    assert not score.is_contiguous
    assert "No unit in zone 4." in score.summary()
    assert math.isnan(score.zones["polsby_popper"].iloc[3])


def test_zones_that_are_not_known():
    with pytest.raises(InputError, match="Rows: 3"):
        scored(zones=ZONES[:2])


def test_travel_to_the_centers_of_the_current_zones():
    # The medoids: d for zone 1 (4 × 0 + 1 × 1 km), b for zone 2, c for zone 3 (c and f tie; the first wins).
    score = scored()
    assert score.travel == pytest.approx(1 * 1 + 1 * 1 + 2 * 1)
    # a goes to zone 2, whose center b is 1 km off as well.
    assert scored(PLAN).travel == pytest.approx(4)
    assert scored(PLAN).value("travel_mean") == pytest.approx(4 / 12)
    far = pd.Series({"1": "a", "2": "e", "3": "f"})
    # a 1 × √2, b 2 × 1, c 2 × 1, d 4 × 1.
    assert scored(PLAN, centers=far).travel == pytest.approx(math.sqrt(2) + 8)


def test_travel_by_a_table():
    minutes = pd.DataFrame(10.0, index=list("fedcba"), columns=["3", "2", "1"])
    minutes.loc["a", "2"] = 25.0
    score = scored(PLAN, costs=minutes, cost_unit="min")
    assert score.travel == 10 * 11 + 25
    assert score.to_frame().set_index("measure")["unit"]["travel"] == "load × min"
    score = scored(PLAN, costs=minutes.drop(columns="2"))
    assert math.isnan(score.travel)
    assert shown(score, "travel") == "not scored: no distance for unit a, b, e"


def test_feeders_groups_and_hotspots():
    score = scored(
        PLAN,
        feeders={"Dogwood": ["d", "b1", "a"], "Birch": ["b1", "b2", "e"], "Elsewhere": ["e", "zz"]},
        groups={"twins": ["a", "b"], "torn": ["a", "d"]},
        hotspot_splits=pd.DataFrame({"hotspot_id": ["h1"], "zones": ["1;2"], "is_split": [True]}),
    )
    assert [score.value(f"{kind}_split") for kind in ("feeders", "groups", "hotspots")] == [1, 1, 1]
    assert note(score, "feeders_split") == "Dogwood in zones 1, 2; in no unit: zz"
    assert score.splits["kind"].tolist() == ["feeders"] * 3 + ["groups"] * 2 + ["hotspots"]
    assert score.splits["is_split"].tolist() == [True, False, False, False, True, True]
    assert "1 of 3 feeder patterns split (Dogwood)." in score.summary()


def test_split_table():
    found = split_table({"x": ["p", "q"], "y": ["q"], "z": []}, pd.Series({"p": "10", "q": "2"}))
    assert found.to_dict(orient="list") == {
        "name": ["x", "y", "z"],
        "zones": ["2;10", "2", ""],
        "is_split": [True, False, False],
        "not_placed": ["", "", ""],
    }


def test_levels_per_zone():
    score = scored(schools=seven_schools())
    counts = score.zones.set_index("zone_id")[["elementary", "middle", "high", "k8", "other"]]
    assert counts.to_numpy().tolist() == [[1, 0, 1, 0, 0], [2, 1, 0, 0, 0], [2, 0, 0, 0, 0]]
    assert (shown(score, "elementary_spread"), shown(score, "high_spread")) == ("1 (1 to 2)", "1 (0 to 1)")
    assert "k8_spread" not in set(score.measures["measure"])


def test_teams():
    score = scored(zones=ZONES)
    assert score.teams.to_dict(orient="list") == {
        "team": ["x", "y"],
        "zones": [2, 1],
        "workload": [8.0, 4.0],
        "load_per_zone": [4.0, 4.0],
    }
    assert shown(score, "team_zones_spread") == "1 (1 to 2)"
    assert score.value("team_imbalance") == 0
    assert score.zones["name"].tolist() == ["West", "Middle", "East"]


def test_what_is_not_scored_says_so():
    told = scored().summary()
    for why in (
        "Response, Backup, Overflow to patrol (no coverage)",
        "Feeder patterns split (no feeder patterns given)",
    ):
        assert why in told
    coverage = pd.DataFrame({"measure": ["response"], "value": [7.25], "unit": ["min"], "better": ["lower"]})
    score = scored(coverage=coverage)
    assert (score.value("response"), shown(score, "response")) == (7.25, "7.25")
    assert "no coverage" not in score.summary()
    with pytest.raises(ColumnError, match="coverage"):
        scored(coverage=coverage.drop(columns="value"))


def test_nothing_given_is_changed():
    units, plan, edges = six_units(), PLAN.copy(), six_edges()
    score_plan(units, plan, edges, zones=ZONES, schools=seven_schools())
    pd.testing.assert_frame_equal(pd.DataFrame(units), pd.DataFrame(six_units()))
    pd.testing.assert_series_equal(plan, PLAN)
    pd.testing.assert_frame_equal(edges, six_edges())
    score = scored()
    table = score.to_frame()
    table.loc[:, "value"] = 0.0
    assert score.imbalance == 0.25


def test_plans_side_by_side():
    table = compare_plans({"current": scored(zones=ZONES), "proposed": scored(PLAN)})
    assert table.columns.tolist() == ["measure", "label", "unit", "better", "current", "proposed", "best"]
    table = table.set_index("measure")
    assert table.loc["imbalance", ["better", "current", "proposed", "best"]].tolist() == [
        "lower",
        0.25,
        0.0,
        "proposed",
    ]
    assert table.loc["polsby_popper_min", ["better", "best"]].tolist() == ["higher", "current"]
    assert table.loc["units_moved", "best"] == "current"
    assert table.loc["travel", "best"] == ""
    assert table.loc["team_imbalance", "best"] == ""
    texts = compare_plans({"current": scored(), "proposed": scored(PLAN)}, shown=True).set_index("measure")
    assert texts.loc["imbalance", ["current", "proposed"]].tolist() == ["25.0%", "0.0%"]
    assert texts.loc["response", ["proposed", "best"]].tolist() == ["not scored: no coverage", ""]


def test_what_changes():
    table = what_changes(six_units(), current(), PLAN)
    assert table.to_dict(orient="records") == [
        {
            "unit_id": "a",
            "name": "Ash",
            "zone_before": "1",
            "zone_after": "2",
            "workload": 1.0,
            "schools": 1,
            "students": 300.0,
            "sentence": "Ash (1 school, 300 students, 1.00 officer-hours per school day) goes from zone 1 to zone 2.",
        }
    ]
    bare = six_units()[["unit_id", "workload", "geometry"]]
    (row,) = what_changes(bare, current(), PLAN, load_unit="calls").to_dict(orient="records")
    assert row["sentence"] == "a (1.00 calls) goes from zone 1 to zone 2."
    assert pd.isna(row["schools"])
    none = what_changes(six_units(), PLAN, PLAN)
    assert len(none) == 0
    assert none.columns.tolist() == table.columns.tolist()


plans = st.lists(st.sampled_from("123"), min_size=6, max_size=6).map(lambda z: pd.Series(z, index=list("abcdef")))
FEW = settings(max_examples=20)


@FEW
@given(plans)
def test_the_names_of_zones_do_not_matter(plan):
    renamed = plan.map({"1": "3", "2": "1", "3": "2"})
    one, other = scored(plan, zones=ZONES), scored(renamed, zones=ZONES)
    same = ["imbalance", "coefficient_of_variation", "polsby_popper_mean", "reock_min", "border_km", "zones_in_pieces"]
    for measure in same:
        assert one.value(measure) == pytest.approx(other.value(measure))
    assert shown(one, "imbalance") == shown(other, "imbalance")


@FEW
@given(plans, st.permutations(list("abcdef")))
def test_the_order_of_a_plan_does_not_matter(plan, order):
    pd.testing.assert_frame_equal(scored(plan).to_frame(), scored(plan[order]).to_frame())


@FEW
@given(plans)
def test_only_what_changes_moves(plan):
    score = scored(plan)
    changes = what_changes(six_units(), current(), plan)
    assert score.value("units_moved") == len(changes) == (plan != current()).sum()
    assert score.value("workload_moved_share") == pytest.approx(changes["workload"].sum() / 12)
    assert scored(current()).value("workload_moved_share") == 0


@pytest.fixture(scope="module")
def carrollton(real_data):
    """Return the 325 areas with their calls and both their ids, and the neighbors that the author published."""
    folder = real_data / "carrollton"
    areas = pyogrio.read_dataframe(folder / "ReportingAreas.shp")
    work = pyogrio.read_dataframe(folder / "RA_Centroids.dbf").set_index("PDGrid")
    units = gpd.GeoDataFrame(
        {
            "number": areas["NumberId"].astype("str"),
            "grid": areas["PDGrid"].astype("str"),
            "zone_id": areas["BEATNUMBER"].map("{:.0f}".format).astype("str"),
            "workload": areas["PDGrid"].map(work["Cnt_ra"]).astype("float64"),
        },
        geometry=areas.geometry,
        crs=areas.crs,
    )
    pairs = pyogrio.read_dataframe(folder / "RA_ContMat.dbf", columns=["NUMBERID", "NID"]).astype("int64").astype("str")
    pairs = pd.DataFrame({"unit_a": pairs["NUMBERID"], "unit_b": pairs["NID"]})
    return units, pairs[pairs["unit_a"] < pairs["unit_b"]]


@dataclass(frozen=True)
class Published:
    """A published plan of Carrollton: names of its columns, which ids it uses, and what its author found."""

    file: str
    unit_id: str
    zone_id: str
    ids: str
    areas: int
    imbalance: float
    shown: str


PUBLISHED = [
    Published("PMed_Results1.csv", "dest", "source", "number", 320, 0.093, "9.3%"),
    Published("GLPK_Output5hours.csv", "Dest", "Source", "grid", 325, 0.0984, "9.8%"),
]


@pytest.mark.real_data
@pytest.mark.parametrize("plan", PUBLISHED, ids=lambda p: p.file)
def test_the_published_plans_of_carrollton(real_data, tmp_path, carrollton, plan):
    units, pairs = carrollton
    units = units.assign(unit_id=units[plan.ids])
    its_ids = units.set_index("number")["unit_id"]
    edges = pairs.assign(unit_a=pairs["unit_a"].map(its_ids), unit_b=pairs["unit_b"].map(its_ids))
    text = (real_data / "carrollton" / plan.file).read_text()
    path = tmp_path / plan.file
    path.write_text(text.replace(plan.unit_id, "unit_id", 1).replace(plan.zone_id, "zone_id", 1))
    # Zones are called after the areas in their middle.
    zones = pd.read_csv(path, dtype=str)["zone_id"].unique()
    if plan.areas < len(units):
        with pytest.raises(InputError, match="leaves out 5 of 325 units") as error:
            read_plan(path, units, zones=zones)
        units = units[~units["unit_id"].isin(error.value.ids)]
    assignment = read_plan(path, units, zones=zones).assignment
    score = score_plan(units.assign(zone_id=assignment.to_numpy()), assignment, edges, load_unit="calls")
    assert (len(assignment), len(score.zones)) == (plan.areas, 12)
    assert score.imbalance == pytest.approx(plan.imbalance, abs=0.0005)
    assert shown(score, "imbalance") == plan.shown
    assert not score.is_contiguous
    assert "Not contiguous: zone" in score.summary()
    assert score.travel > 0
