"""Places off campus: distinct points with weights, in metres, whatever the order of rows."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely.geometry import Point
from sklearn.cluster import DBSCAN
from sklearn.metrics import adjusted_rand_score

from safeschools_geo.errors import CRSError, InputError
from safeschools_geo.hotspots.clusters import place_clusters, weighted_dbscan

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
    assert row["top_hours"] == "12:00–13:00 (11 of 11)"
    # Under half of the distance, 75 m, the two places part and neither has ten; under the other four nothing changes.
    assert row["stability_share"] == 0.8
    # Two circles of 75 m that overlap, on the ground.
    assert 0.0177 < row["area_km2"] < 2 * 0.0177
    assert found.labels.tolist() == ["P1"] * 11 + [""] * 3
    assert row["sentence"].startswith("Descriptive: 11 incidents at 2 places close together in Zone 4")
    assert "not a test" in found.summary()


def test_one_address_is_one_point_with_weight():
    found = place_clusters(incidents_at(*[(0, 0)] * 12), crs=UTM)
    row = found.clusters.iloc[0]
    assert bool(row["is_one_place"])
    assert row["stability_share"] == 1
    assert row["area_km2"] == pytest.approx(np.pi * 0.075**2, rel=0.02)


def test_hours_that_are_not_known_are_never_midnight():
    rows = incidents_at(*[(0, 0)] * 12)
    rows["hour"] = pd.array([pd.NA] * 10 + [9, 9], dtype="Int64")
    assert place_clusters(rows, crs=UTM).clusters["top_hours"].item() == "09:00–10:00 (2 of 2)"
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


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_weights_are_repeated_points(seed):
    rng = np.random.default_rng(seed)
    spots = np.unique(rng.integers(0, 40, (30, 2)) * 10.0, axis=0)
    weights = rng.integers(1, 5, len(spots))
    ours = weighted_dbscan(spots, weights, eps_m=25, min_weight=6)
    plain = DBSCAN(eps=25, min_samples=6).fit_predict(np.repeat(spots, weights, axis=0))
    at_first = np.cumsum(weights) - weights
    # Places on the border of two clusters may go to either; what is in none, and how many there are, may not differ.
    assert ((ours < 0) == (plain[at_first] < 0)).all()
    assert ours.max() == plain.max()
    assert adjusted_rand_score(ours, plain[at_first]) > 0.8


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    rows = incidents_at(*(rng.integers(0, 30, (60, 2)) * 40.0))
    order = rng.permutation(60)
    first, other = place_clusters(rows, crs=UTM), place_clusters(rows.iloc[order], crs=UTM)
    assert first.labels.iloc[order].tolist() == other.labels.tolist()
    pd.testing.assert_frame_equal(first.to_frame(), other.to_frame())


def test_hdbscan_keeps_only_what_has_enough_incidents():
    rng = np.random.default_rng(0)
    near = [tuple(p) for p in rng.normal(0, 30, (15, 2))]
    rows = incidents_at(*near, (9000, 0), (9010, 0), (20_000, 5000), (40_000, 9000))
    found = place_clusters(rows, crs=UTM, method="hdbscan")
    assert (found.clusters["incidents"] >= 10).all()
    assert found.labels.iloc[15:].eq("").all()


def test_degrees_are_refused():
    with pytest.raises(CRSError, match="no distances"):
        place_clusters(incidents_at((0, 0)), crs=CRS("EPSG:4326"))
    with pytest.raises(InputError, match="do not fit"):
        weighted_dbscan([[0, 0]], [1, 2], eps_m=1, min_weight=1)
