"""The town of `town.py` with its results, as the pages take them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import town

from safeschools_geo.pages._page import PageContext
from safeschools_geo.pages._term import history_page, rates_page, zones_page
from safeschools_geo.schemas import CATEGORIES, ORIGINS

if TYPE_CHECKING:
    from safeschools_geo.pages._page import OfflinePage

CONTEXT = PageContext(district="Twosquare", term="Spring", is_synthetic=True, settings={"Visit": "30 min"})
HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">{{ 7 * 7 }}'


def schools() -> gpd.GeoDataFrame:
    """Give the schools; the third has no place on record."""
    frame = town.schools()
    return frame.set_geometry([*frame.geometry[:2], None], crs=4326)


def assignments() -> pd.DataFrame:
    """Say where the schools lie; the second on the border."""
    return pd.DataFrame(
        {
            "school_id": ["001", "002", "003"],
            "zone_id": ["A", "B", ""],
            "status": ["inside", "boundary", "no_location"],
            "distance_m": [0.0, 0.0, np.nan],
            "candidates": ["A", "B;A", ""],
        }
    )


def loads() -> pd.DataFrame:
    """Give the loads; East has no rate."""
    return pd.DataFrame(
        {
            "name": ["West", "East"],
            "schools": [1, 1],
            "enrollment": [300, 1000],
            "student_days": [3000.0, 0.0],
            "incidents": [6, 2],
            "rate_per_1000": [2.0, np.nan],
            "incident_h": [3.0, 0.5],
            "travel_h": [1.2, 0.5],
            "visit_h": [1.0, 0.8],
            "workload_h": [5.2, 1.8],
            "share_of_mean": [5.2 / 3.5, 1.8 / 3.5],
        },
        index=pd.Index(["A", "B"], name="zone_id"),
    )


def history(count: int, *, seed: int = 0) -> gpd.GeoDataFrame:
    """Scatter incidents over the town: each tenth without an hour, the first without a place if there is any."""
    rng = np.random.default_rng(seed)
    west, south, east, north = town.zones().total_bounds
    points = gpd.points_from_xy(rng.uniform(west, east, count), rng.uniform(south, north, count), crs=4326)
    has_time = np.arange(count) % 10 != 9
    fall = np.arange(count) % 2 == 0
    frame = gpd.GeoDataFrame(
        {
            "incident_id": [f"I{i}" for i in range(count)],
            "occurred_at": pd.to_datetime(np.where(fall, "2025-09-02", "2026-02-03")).tz_localize(town.ZONE),
            "has_time": has_time,
            "category": np.array(list(CATEGORIES))[np.arange(count) % len(CATEGORIES)],
            "origin": np.array(list(ORIGINS))[(np.arange(count) % 4 == 3).astype(int)],
            "school_id": pd.Series(np.where(np.arange(count) % 3 == 0, "001", None), dtype="str"),
            "zone_id": pd.Series(np.where(points.x < (west + east) / 2, "A", "B"), dtype="str"),
            "term": pd.Series(np.where(fall, "Fall", "Spring"), dtype="str"),
            "hour": pd.Series(np.arange(count) % 24, dtype="Int64").where(has_time),
        },
        geometry=points,
        crs=4326,
    )
    if count:
        frame.loc[0, "geometry"] = None
    return frame


def backdrop() -> dict[str, gpd.GeoDataFrame]:
    """Give the town a boundary, a road and a place."""
    return {
        "boundary": gpd.GeoDataFrame(geometry=[town.square(-50, -50, 2050, 1050)], crs=4326),
        "roads": gpd.GeoDataFrame(
            geometry=gpd.GeoSeries([town.square(0, 0, 2000, 500).exterior], crs=4326).values, crs=4326
        ),
        "places": gpd.GeoDataFrame({"name": ["Old Mill"]}, geometry=[town.place(1000, 900)], crs=4326),
    }


def draw(name: str, *, bare: bool = False, tiles: bool = False, **changed: Any) -> OfflinePage:
    """Draw one of the pages, on the backdrop unless `bare`."""
    options = {"zones": town.zones(), "finding": "West carries the most.", "context": CONTEXT, "tiles": tiles}
    options |= dict.fromkeys(("boundary", "roads", "places")) if bare else backdrop()
    if name == "zones":
        options |= {"schools": schools(), "school_assignments": assignments(), "loads": loads()}
        return zones_page(**(options | changed))
    if name == "history":
        options |= {"schools": schools(), "incidents": history(200)}
        return history_page(**(options | changed))
    return rates_page(**(options | {"rates": loads()} | changed))


@cache
def page(name: str) -> OfflinePage:
    """Draw one of the pages once for all tests."""
    return draw(name)
