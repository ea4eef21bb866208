"""The town of `town.py` with its results, as the pages take them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import town
from pyproj import CRS

from safeschools_geo.district import settings_from
from safeschools_geo.pages._page import PageContext
from safeschools_geo.pages._term import history_map, rates_map, zones_map
from safeschools_geo.results import TermResult
from safeschools_geo.schemas import CATEGORIES, ORIGINS

if TYPE_CHECKING:
    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.settings import Settings

CONTEXT = PageContext(district="Twosquare", term="Spring", is_synthetic=True)
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
            "work_of": np.where(np.arange(count) % 2 == 0, "zone_officer", "patrol"),
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


def settings(*, is_synthetic: bool = True) -> Settings:
    """Give the settings of the town."""
    table = tomllib.loads(town.SETTINGS)
    table["district"]["is_synthetic"] = is_synthetic
    return settings_from(table, folder=Path(), where="district.toml")


def result(*, bare: bool = False, **changed: Any) -> TermResult:
    """Put results together as a run does, on the backdrop unless `bare`; parts of term and district may be changed."""
    layers = {"barriers": None} | (dict.fromkeys(("boundary", "roads", "places")) if bare else backdrop())
    own = {"zones": town.zones(), "schools": schools(), "settings": settings(), "crs": CRS(town.UTM), **layers}
    own |= {name: changed.pop(name) for name in set(changed) & set(own)}
    given = {
        "school_zones": assignments(),
        "history": history(200),
        "zone_loads": loads(),
        "hotspots": None,
        **changed,
    }
    given["zone_loads"] = given["zone_loads"].reset_index().assign(term="Spring")
    return TermResult(SimpleNamespace(**own), own["settings"].term("Spring"), None, workload=None, **given)


def draw(name: str, *, bare: bool = False, tiles: bool = False, **changed: Any) -> OfflinePage:
    """Draw one of the pages."""
    return {"zones": zones_map, "history": history_map, "rates": rates_map}[name](
        result(bare=bare, **changed), tiles=tiles
    )


@cache
def page(name: str) -> OfflinePage:
    """Draw one of the pages once for all tests."""
    return draw(name)
