"""Places off campus: distinct points with weights, in meters, whatever the order of rows."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from scipy.spatial.distance import pdist
from shapely.geometry import LineString, Point, Polygon, box
from sklearn.cluster import DBSCAN

from safeschools_geo.errors import ColumnError, CRSError, GeometryError, InputError
from safeschools_geo.hotspots import _places
from safeschools_geo.hotspots._places import _dbscan, _made_valid, place_clusters, weighted_dbscan

UTM = CRS("EPSG:32610")
EAST, NORTH = 600_000.0, 4_200_000.0


def incidents_at(*places, hour=12, category="weapons", origin="reported", zone="4"):
    points = gpd.GeoSeries([Point(EAST + x, NORTH + y) if x is not None else None for x, y in places], crs=UTM)
    n = len(places)
    return gpd.GeoDataFrame(
        {
            "incident_id": [f"I{i}" for i in range(n)],
            "category": np.broadcast_to(category, n),
            "origin": np.broadcast_to(origin, n),
            "hour": pd.array(np.broadcast_to(hour, n), dtype="Int64"),
            "zone_id": np.broadcast_to(zone, n),
        },
        geometry=points.to_crs(4326),
        crs=4326,
    )


def test_a_town_by_hand():
    # Six at a corner, five within 100 m of it, three far away.
    rows = incidents_at(*[(0, 0)] * 6, *[(80, 10)] * 5, (5000, 0), (5100, 0), (5200, 0))
    found = place_clusters(rows, crs=UTM)
    assert found.clusters["cluster_id"].tolist() == ["P1"]
    row = found.clusters.iloc[0]
    assert (row["incidents"], row["places"], row["zone_id"]) == (11, 2, "4")
    assert row["top_categories"] == "Weapons (11)"
    assert row["top_hours"] == "12:00–14:00 (11 of 11)"
    # Under half of the distance, 75 m, the two places part and neither has ten; under the other four nothing changes.
    assert row["stability_share"] == 0.8
    # Two circles of 75 m that overlap, on the ground.
    assert 0.0177 < row["area_km2"] < 2 * 0.0177
    assert found.labels.tolist() == ["P1"] * 11 + [""] * 3
    # The two stand √(80² + 10²) = 80.6 m apart, told rounded up.
    assert row["sentence"] == (
        "Descriptive: 11 critical incidents at 2 places within 90 m of each other in Zone 4, mostly weapons (11); "
        "no count of people present, so this is not a test of harm."
    )
    assert "not a test" in found.summary()


def test_one_address_is_one_point_with_weight():
    found = place_clusters(incidents_at(*[(0, 0)] * 12), crs=UTM)
    row = found.clusters.iloc[0]
    assert bool(row["is_one_place"])
    assert row["stability_share"] == 1
    assert row["area_km2"] == pytest.approx(np.pi * 0.075**2, rel=0.02)


def test_what_happens_there_is_recognized_by_its_most_frequent():
    rows = incidents_at(
        *[(0, 0)] * 13,
        category=["weapons"] * 4 + ["intruder"] * 4 + ["gang_activity"] * 3 + ["alcohol_drugs"] * 2,
        origin=["officer_initiated"] * 7 + ["reported"] * 6,
        hour=[23] * 4 + [0] * 5 + [12] * 4,
        zone=["2"] * 6 + ["1"] * 5 + [""] * 2,
    )
    row = place_clusters(rows, crs=UTM).clusters.iloc[0]
    # Weapons and intruder tie and stand in the order of the table of categories; the fourth is not reported.
    assert row["top_categories"] == "Weapons (4); Intruder (4); Gang activity (3)"
    # From 23 to 1: 4 + 5; the day goes round.
    assert row["top_hours"] == "23:00–01:00 (9 of 13)"
    assert (row["zone_id"], row["officer_initiated_share"]) == ("2", 7 / 13)
    assert row["sentence"] == (
        "Descriptive: 13 critical incidents at one place in and around Zone 2, most often weapons (4); officers "
        "started 54% of them; no count of people present, so this is not a test of harm."
    )


def test_without_a_zone_none_is_reported():
    row = place_clusters(incidents_at(*[(0, 0)] * 10, zone=""), crs=UTM).clusters.iloc[0]
    assert row["zone_id"] == ""
    assert row["sentence"].startswith("Descriptive: 10 critical incidents at one place, mostly weapons (10);")


def test_midnight_ends_the_day():
    rows = incidents_at(*[(0, 0)] * 10, hour=[22] * 5 + [23] * 5)
    assert place_clusters(rows, crs=UTM).clusters["top_hours"].item() == "22:00–24:00 (10 of 10)"


def test_distances_are_meters_in_every_direction():
    # At 38° north 150 m is 0.00171° of longitude but 0.00135° of latitude: in degrees one of the two would be missed
    # or the other not.
    for step in ((140, 0), (0, 140), (99, 99)):
        rows = incidents_at(*[(0, 0)] * 9, step)
        assert place_clusters(rows, crs=UTM).clusters["places"].tolist() == [2]
    for step in ((160, 0), (0, 160), (113, 113)):
        assert place_clusters(incidents_at(*[(0, 0)] * 9, step), crs=UTM).clusters.empty


def test_a_tight_cluster_is_itself_under_every_distance():
    # All within 40 m, the next incident 2 km away: from 75 to 300 m always the same twelve.
    rows = incidents_at(*[(10 * i, 10 * (i % 3)) for i in range(4)] * 3, (2000, 0))
    row = place_clusters(rows, crs=UTM).clusters.iloc[0]
    assert (row["incidents"], row["places"], row["stability_share"]) == (12, 4, 1)


def test_stability_is_the_overlap_in_incidents():
    # Ten at one place, five 200 m off: apart up to 187.5 m, together from 225 m on, where the overlap is 10 of 15.
    found = place_clusters(incidents_at(*[(0, 0)] * 10, *[(200, 0)] * 5), crs=UTM)
    assert found.clusters["stability_share"].item() == pytest.approx((3 + 2 * 10 / 15) / 5)
    assert np.isnan(
        place_clusters(incidents_at(*[(0, 0)] * 10), crs=UTM, eps_sweep=()).clusters["stability_share"].item()
    )


def test_shapes_are_valid_and_hold_their_places():
    rng = np.random.default_rng(3)
    # Pairs exactly 150 m apart: circles that touch in one point.
    corners = [(1000 * k + 150 * i, 150 * j) for k in range(5) for i in range(3) for j in range(3)]
    rows = incidents_at(*corners * 4, *(rng.normal(0, 200, (80, 2)) - 5000))
    found = place_clusters(rows, crs=UTM)
    shapes = found.clusters.set_index("cluster_id").geometry
    assert found.clusters.crs == "EPSG:4326"
    assert shapes.is_valid.all()
    assert shapes.geom_type.isin(["Polygon", "MultiPolygon"]).all()
    inside = rows[found.labels != ""]
    of_each = gpd.GeoSeries(shapes.loc[found.labels[inside.index]].to_numpy(), index=inside.index, crs=4326)
    assert inside.geometry.within(of_each).all()


def test_every_cluster_has_enough_incidents():
    # The places at 0 and 290 each have 1 + 8 + 1 within 150 m; the one between has 3, and belongs to the west alone.
    places, weights = [(-140, 0), (0, 0), (145, 0), (290, 0), (430, 0)], [8, 1, 1, 1, 8]
    assert weighted_dbscan(places, weights, eps_m=150, min_weight=10).tolist() == [0, 0, 0, 1, 1]
    rows = incidents_at(*(place for place, n in zip(places, weights, strict=True) for _ in range(n)))
    found = place_clusters(rows, crs=UTM)
    assert found.clusters["incidents"].tolist() == [10]
    assert found.labels.eq("P1").sum() == 10


def test_hours_that_are_not_known_are_never_midnight():
    rows = incidents_at(*[(0, 0)] * 12)
    rows["hour"] = pd.array([pd.NA] * 10 + [9, 9], dtype="Int64")
    assert place_clusters(rows, crs=UTM).clusters["top_hours"].item() == "09:00–11:00 (2 of 2)"
    rows["hour"] = pd.array([pd.NA] * 12, dtype="Int64")
    assert place_clusters(rows, crs=UTM).clusters["top_hours"].item() == "unknown"


def test_incidents_without_a_place_are_counted():
    found = place_clusters(incidents_at(*[(0, 0)] * 10, (None, None)), crs=UTM)
    assert (found.incidents, found.without_place) == (10, 1)
    assert found.labels.iloc[-1] == ""


def test_too_few_and_none_at_all():
    few = place_clusters(incidents_at((0, 0), (1, 1)), crs=UTM)
    assert few.clusters.empty
    assert "too few" in few.summary()
    none = place_clusters(incidents_at((0, 0)).iloc[:0], crs=UTM)
    assert none.clusters.empty
    assert none.labels.empty
    spread = place_clusters(incidents_at(*[(1000 * i, 0) for i in range(20)]), crs=UTM)
    assert "no 10 of them stand close together" in spread.summary()


def test_the_most_incidents_come_first_then_the_west():
    rows = incidents_at(*[(9000, 0)] * 20, *[(5000, 0)] * 12, *[(0, 0)] * 12)
    ids = place_clusters(rows, crs=UTM).labels
    assert [ids.iloc[0], ids.iloc[20], ids.iloc[32]] == ["P1", "P3", "P2"]


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_weights_are_repeated_points(seed):
    rng = np.random.default_rng(seed)
    # Sorted from west to east, so that plain DBSCAN meets cores in our order and gives edges to the same clusters.
    spots = np.unique(rng.integers(0, 40, (60, 2)) * 10.0, axis=0)
    weights = rng.integers(1, 5, len(spots))
    ours = weighted_dbscan(spots, weights, eps_m=40, min_weight=8)
    plain = DBSCAN(eps=40, min_samples=8).fit_predict(np.repeat(spots, weights, axis=0))[np.cumsum(weights) - 1]
    assert ((ours < 0) == (plain < 0)).all()
    assert len(set(zip(ours, plain, strict=True))) == len(set(ours)) == len(set(plain))
    held = np.bincount(ours[ours >= 0], weights[ours >= 0])
    assert (np.diff(held) <= 0).all()


@settings(max_examples=80)
@given(
    seed=st.integers(0, 10**6),
    spread_m=st.sampled_from([60.0, 200.0, 900.0]),
    fewest=st.integers(1, 25),
    most_looked_at=st.sampled_from([0, 3, 400]),
    is_lattice=st.booleans(),
)
def test_groups_cluster_as_each_by_itself_by_another_program(seed, spread_m, fewest, most_looked_at, is_lattice):
    rng = np.random.default_rng(seed)
    spots = np.concatenate([rng.normal(middle, spread_m, (90, 2)) for middle in rng.uniform(0, 1500, (3, 2))])
    spots = np.unique(spots.round(-1) if is_lattice else spots, axis=0)
    weights, group = rng.integers(1, 4, len(spots)).astype(float), rng.integers(-1, 3, len(spots))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_places, "_FEW", most_looked_at)
        patch.setattr(_places, "_STEP", 11)
        ours = _dbscan(spots, weights, 50.0, fewest, group)
    assert (ours[group < 0] == -1).all()
    seen = []
    for one in range(3):
        mine = group == one
        theirs = DBSCAN(eps=50.0, min_samples=fewest).fit_predict(spots[mine], sample_weight=weights[mine])
        assert ((ours[mine] < 0) == (theirs < 0)).all()
        pairs = set(zip(ours[mine].tolist(), theirs.tolist(), strict=True)) - {(-1, -1)}
        assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})
        seen += [a for a, _ in pairs]
    # No cluster of one group has the number of one of another.
    assert sorted(seen) == list(range(len(seen)))


@settings(max_examples=50)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_places_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    spots = np.unique(rng.integers(0, 40, (60, 2)) * 10.0, axis=0)
    weights, order = rng.integers(1, 5, len(spots)), rng.permutation(len(spots))
    ours = weighted_dbscan(spots, weights, eps_m=40, min_weight=8)
    assert weighted_dbscan(spots[order], weights[order], eps_m=40, min_weight=8).tolist() == ours[order].tolist()


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    rows = incidents_at(*(rng.integers(0, 30, (60, 2)) * 40.0))
    order = rng.permutation(60)
    first, other = place_clusters(rows, crs=UTM), place_clusters(rows.iloc[order], crs=UTM)
    assert first.labels.iloc[order].tolist() == other.labels.tolist()
    pd.testing.assert_frame_equal(first.to_frame(), other.to_frame())


def test_a_chain_along_a_road_is_no_place_but_what_stands_closer_in_it_is():
    # One incident every 15 m along 3 km of road, and 12 at an address 55 m from its middle.
    road, address = [(15 * i, 0) for i in range(201)], [(1500, 55)] * 12
    found = place_clusters(incidents_at(*road, *address), crs=UTM)
    # At 150, 112 and 84 m the road hangs together; at 63 m each of its points has 9 within reach, one too few, but for
    # the five from 1470 to 1530 m, which reach the address, and the points from 1410 to 1590 m in reach of these.
    assert found.clusters["incidents"].tolist() == [25]
    assert found.labels.tolist() == ["P1" if 94 <= i <= 106 else "" for i in range(201)] + ["P1"] * 12
    wide = place_clusters(incidents_at(*road, *address), crs=UTM, width_m=5000)
    assert wide.clusters["incidents"].tolist() == [213]
    assert wide.clusters["sentence"].str.contains("at 202 places within 3,0").all()


@settings(max_examples=6)
@given(seed=st.integers(0, 10**6), width_m=st.sampled_from([60.0, 200.0, 1000.0]))
def test_no_place_is_wider_than_it_may_be_nor_holds_too_few(seed, width_m):
    xy = np.random.default_rng(seed).integers(0, 40, (120, 2)) * 30.0
    found = place_clusters(incidents_at(*xy), crs=UTM, min_incidents=4, width_m=width_m)
    for name in found.clusters["cluster_id"]:
        inside = xy[found.labels.to_numpy() == name]
        assert pdist(inside).max(initial=0) <= width_m + 1e-3
        assert len(inside) >= 4


def test_nothing_clusters_to_nothing():
    assert weighted_dbscan([], [], eps_m=1, min_weight=1).tolist() == []
    none = place_clusters(incidents_at((0, 0)).iloc[:0], crs=UTM)
    some = place_clusters(incidents_at(*[(0, 0)] * 10), crs=UTM)
    assert none.to_frame().dtypes.equals(some.to_frame().dtypes)
    assert none.summary() == (
        "0 critical incidents off campus: too few to look for places where they stand close together (10 are needed)."
    )


def test_rows_keep_their_labels_and_the_input_its_rows():
    rows = incidents_at(*[(0, 0)] * 10, (None, None), (9000, 0)).set_index(pd.Index([5, 5, *range(10)]))
    before = rows.copy()
    found = place_clusters(rows, crs=UTM)
    assert found.labels.index.equals(rows.index)
    assert found.labels.tolist() == ["P1"] * 10 + ["", ""]
    assert found.labels.dtype == "str"
    pd.testing.assert_frame_equal(rows, before)
    assert found.summary().endswith("not a test. 1 critical incident without a place left out.")


def test_no_coordinates_come_in_several_ways():
    rows = incidents_at(*[(0, 0)] * 10, (None, None), (0, 0))
    rows.geometry = [*rows.geometry.iloc[:11], Point()]
    assert place_clusters(rows, crs=UTM).without_place == 2


def test_other_projections_find_the_same():
    rng = np.random.default_rng(5)
    rows = incidents_at(*rng.normal(0, 300, (60, 2)))
    here, there = (place_clusters(rows, crs=CRS(code)) for code in ("EPSG:32610", "EPSG:3310"))
    assert here.labels.tolist() == there.labels.tolist()
    assert place_clusters(rows.to_crs(UTM), crs=UTM).labels.tolist() == here.labels.tolist()


@pytest.mark.parametrize("code", ["EPSG:4326", "EPSG:2226"])
def test_only_meters_are_measured_in(code):
    with pytest.raises(CRSError, match="in meters"):
        place_clusters(incidents_at((0, 0)), crs=CRS(code))


def test_what_cannot_be_meant_is_refused():
    rows = incidents_at(*[(0, 0)] * 10)
    with pytest.raises(CRSError, match="states no"):
        place_clusters(rows.set_crs(None, allow_override=True), crs=UTM)
    with pytest.raises(CRSError, match="said to be in degrees"):
        place_clusters(rows.to_crs(UTM).set_crs(4326, allow_override=True), crs=UTM)
    with pytest.raises(ColumnError, match="zone_id"):
        place_clusters(rows.drop(columns="zone_id"), crs=UTM)
    with pytest.raises(ColumnError, match="category"):
        place_clusters(rows.assign(category="theft"), crs=UTM)
    with pytest.raises(ColumnError, match="hour"):
        place_clusters(rows.assign(hour=24), crs=UTM)
    with pytest.raises(GeometryError, match="points"):
        place_clusters(rows.set_geometry([LineString([(0, 0), (1, 1)])] * 10, crs=4326), crs=UTM)


@pytest.mark.parametrize("wrong", [{"eps_m": 0}, {"eps_m": np.nan}, {"min_incidents": 0}, {"eps_sweep": (0.5, -1)}])
def test_settings_are_above_nothing(wrong):
    with pytest.raises(InputError, match="above 0"):
        place_clusters(incidents_at((0, 0)), crs=UTM, **wrong)


@pytest.mark.parametrize(
    ("xy", "weights", "fewest", "match"),
    [
        ([[0, 0]], [1, 2], 1, "do not fit"),
        ([0, 0], [1, 2], 1, "do not fit"),
        ([[0, np.nan]], [1], 1, "missing"),
        ([[0, 0]], [-1], 1, "below 1"),
        ([[0, 0]], [1], 2.5, "whole number"),
    ],
)
def test_places_and_weights_are_looked_at(xy, weights, fewest, match):
    with pytest.raises(InputError, match=match):
        weighted_dbscan(xy, weights, eps_m=1, min_weight=fewest)


def test_a_shape_that_crosses_itself_is_repaired_and_the_others_stay():
    bow_tie, square = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]), box(0, 0, 1, 1)
    frame = gpd.GeoDataFrame(geometry=[bow_tie, square], crs=4326)
    mended = _made_valid(frame)
    assert mended.is_valid.all()
    # Both triangles of the bow-tie are kept: a quarter each.
    assert mended.geometry.iloc[0].area == pytest.approx(0.5)
    assert mended.geometry.iloc[1].equals(square)
    assert frame.geometry.iloc[0].equals_exact(bow_tie)
