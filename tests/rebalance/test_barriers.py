"""Barriers: no neighbor across a freeway or a river, but where a road crosses; in plans, and by the checker."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
from grid_town import EAST, NORTH, UTM
from shapely.geometry import LineString, Point
from town_of_units import six_units
from written_plan import edit_certificate, edit_csv, rehash_inputs, seal

from safeschools_geo.errors import InputError
from safeschools_geo.rebalance._neighbors import part_by_barriers, unit_edges
from safeschools_geo.rebalance._propose import rebalance
from safeschools_geo.rebalance._tiling import zones_of_plan
from safeschools_geo.term._write import write_plan
from safeschools_geo.verify._verify import verify_folder


def lines(*drawn):
    """Draw lines in meters from the corner of the town."""
    shapes = [LineString([(EAST + x, NORTH + y) for x, y in line]) for line in drawn]
    return gpd.GeoDataFrame(geometry=shapes, crs=UTM).to_crs(4326)


def parted(barriers, roads=None, units=None, **options):
    units = six_units() if units is None else units
    return part_by_barriers(units, unit_edges(units, crs=UTM), barriers, roads, crs=UTM, **options)


def upright(x, south=-100, north=2100):
    return [(x, south), (x, north)]


@pytest.mark.parametrize(
    ("barrier", "roads", "pairs"),
    [
        # On the border of the first column, from end to end.
        (upright(1000), None, "ab de"),
        # A road over or under it joins the two it leads through, and no others.
        (upright(1000), [[(700, 400), (1300, 400)]], "de"),
        # One that ends at the barrier, or runs along it, does not cross it.
        (upright(1000), [[(700, 400), (997, 400)], [(1003, 500), (1300, 500)]], "ab de"),
        (upright(1000), [upright(1002, 100, 900)], "ab de"),
        # A road made of two pieces that meet beside the barrier crosses it.
        (upright(1000), [[(700, 400), (1010, 400)], [(1010, 400), (1300, 400)]], "de"),
        # Where it ends inside the second of two, there is a way around it.
        (upright(1000, north=1500), None, "ab"),
        # Off the border it parts those whose places lie on different sides of it.
        (upright(1200), None, "ab de"),
        (upright(1700), None, "bc ef"),
        # Half a meter off the border, as somebody else drew it.
        ([(1000.5, -100), (999.5, 2100)], None, "ab de"),
        ([(5000, 0), (5000, 2000)], None, ""),
    ],
)
def test_no_neighbor_across_a_barrier_but_at_roads(barrier, roads, pairs):
    units = six_units()
    left, facts, _ = parted(lines(barrier), None if roads is None else lines(*roads))
    named = ["".join(pair) for pair in facts.get("pairs", [])]
    assert named == pairs.split()
    every = {tuple(sorted(pair)) for pair in unit_edges(units, crs=UTM)[["unit_a", "unit_b"]].to_numpy().tolist()}
    assert {tuple(sorted(p)) for p in left[["unit_a", "unit_b"]].to_numpy().tolist()} == every - set(map(tuple, named))


def test_places_decide_where_units_stand_for_schools_and_a_person_may_link():
    anchors = [
        Point(EAST + x, NORTH + y)
        for x, y in ((500, 500), (1150, 500), (2500, 500), (500, 1500), (1500, 1500), (2500, 1500))
    ]
    units = six_units().assign(anchor=gpd.GeoSeries(anchors, crs=UTM).to_numpy())
    # The school of b stands west of a barrier that its other ground lies east of: it goes with a, and not with c.
    assert parted(lines(upright(1200)), units=units)[1]["pairs"] == [("b", "c"), ("b", "e"), ("d", "e")]
    assert parted(lines(upright(1000)), linked=[("b", "a")])[1]["pairs"] == [("d", "e")]


def test_zones_that_a_barrier_cuts_are_named_and_every_plan_is_whole_or_there_is_none():
    across = lines([(-100, 1000), (1100, 1000)])
    left, facts, findings = parted(across)
    assert facts["pairs"] == [("a", "d")]
    found = {f.code: f for f in findings}
    assert found["barrier_cuts_zone"].ids == ("1",)
    assert found["barriers_part_units"].ids == ("a and d",)
    asked = {"adjacency": left, "apart": facts["pairs"], "barriers": facts, "crs": UTM}
    plan = rebalance(six_units(), max_moves=1, **asked)
    assert plan.is_contiguous
    assert plan.assignment[["a", "d"]].unique().size == 2
    assert "1 pair of units with a common border unlinked (1 of them across barriers)" in plan.summary()
    assert "The current zones are not contiguous: 1 (2 pieces)." in plan.summary()
    with pytest.raises(InputError, match=r"(?s)no plan.*Add the road that crosses a barrier \(between a and d\)"):
        rebalance(six_units(), max_moves=1, locked=["a", "d"], **asked)
    with pytest.raises(InputError, match=r"(?s)both a and d in zone 1, but every way between them leads through"):
        rebalance(six_units(), max_moves=3, locked=["a", "b", "d", "e"], **asked)


@pytest.fixture
def written(tmp_path):
    units = six_units()
    left, facts, _ = parted(lines(upright(1000)), lines([(700, 1400), (1300, 1400)]))
    plan = rebalance(units, adjacency=left, apart=facts["pairs"], barriers=facts, max_moves=2, crs=UTM)
    names = pd.DataFrame({"zone_id": ["1", "2", "3"], "name": ["Zone 1", "Zone 2", "Zone 3"]})
    write_plan(tmp_path, plan, zones_of_plan(units, plan.assignment, names, crs=UTM))
    return tmp_path


def failed(folder):
    return {c.name: c.message for c in verify_folder(folder).failures}


def test_the_checker_follows_the_ways_again(written):
    report = verify_folder(written)
    assert report.is_ok, report.summary()
    told = {c.name: c.message for c in report.checks}
    assert told["barriers"] == "1 pair parted by barriers, and no link crosses one but at roads."
    assert told["links_kept_apart"].endswith("a–b.")


def test_a_link_across_a_barrier_and_a_barrier_that_is_none_are_found(written):
    facts = json.loads((written / "certificate.json").read_text(encoding="utf-8"))["barriers"]
    edit_certificate(written, barriers={**facts, "roads": []})
    assert "linked though a barrier parts them, and no road crosses: d–e" in failed(written)["barriers"]
    edit_certificate(written, barriers={**facts, "lines": []})
    assert "with a way that crosses none: a–b" in failed(written)["barriers"]
    edit_certificate(written, barriers={**facts, "places": {}})
    assert "not drawn or placed" in failed(written)["barriers"]
    edit_certificate(written, barriers={"lines": "x"})
    assert "is not whole" in failed(written)["barriers"]
    edit_certificate(written, barriers=facts)
    extra = pd.DataFrame({"unit_a": ["a"], "unit_b": ["b"], "shared_m": ["1000"], "kind": ["border"]})
    edit_csv(written, "edges.csv", lambda t: pd.concat([t, extra]))
    rehash_inputs(written)
    seal(written)
    assert "and yet linked: a–b" in failed(written)["barriers"]
