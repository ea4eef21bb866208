"""Maps of single and double coverage: the schools that no officer, one, or two and more reach in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import count_text
from safeschools_geo.maps.coverage_layers import MapLayers, Mark, zone_layer
from safeschools_geo.maps.layers import has_place
from safeschools_geo.maps.palette import RATE_FILLS
from safeschools_geo.maps.plan_layers import zone_signs
from safeschools_geo.maps.shell import Chart
from safeschools_geo.maps.still_map import still_map

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    import shapely

_TWO = 2
_WIDTH = 520.0
_LAND = "#f1f1ee"
_PLANS = {"now": "where officers wait today", "best": "from the best points"}


def reach_maps(
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    staging: gpd.GeoDataFrame,
    reached: pd.DataFrame,
    *,
    within_min: float,
) -> list[Chart]:
    """Draw which schools officers reach in time, now and from the best points.

    Parameters
    ----------
    zones, schools
        The tables of these names, EPSG:4326.
    staging
        Waiting points, EPSG:4326: `kind` (``now`` or ``best``).
    reached
        `school_id`, and how many officers reach it in time: `now` and `best`.
    within_min
        The minutes.

    Returns
    -------
    list of Chart
        A map for each; colours are told apart by shape and size as well.
    """
    here = schools[has_place(schools)].set_index("school_id")
    known = reached[reached["school_id"].isin(here.index)]
    at = here.loc[known["school_id"]].geometry.to_crs(4326).representative_point()
    signs = {zone: sign.label for zone, sign in zip(zones["zone_id"].astype("str"), zone_signs(zones), strict=True)}
    charts = []
    for kind, words in _PLANS.items():
        counts = known[kind].astype("int64").tolist()
        points = staging[(staging["kind"] == kind) & has_place(staging)].geometry
        marks = [_school(point, count) for point, count in zip(at, counts, strict=True)]
        marks += [_officer(point, kind) for point in points]
        land = zone_layer(
            zones,
            fills=[_LAND] * len(zones),
            opacity=1.0,
            label=lambda zone_id: [signs[str(zone_id)]],
            facts=lambda zone_id: [signs[str(zone_id)]],
            heaviest=None,
            marks=marks,
        )
        none, one = counts.count(0), counts.count(1)
        told = f"{count_text(none, 'school')} by no officer, {one} by one, {len(counts) - none - one} by two or more"
        shapes = "squares" if kind == "now" else "diamonds"
        caption = (
            f"By the ways on the map, reached within {within_min:g} minutes {words}: {told}. Crosses: nobody; "
            f"light dots: one officer; large dark dots: two or more; {shapes}: officers"
        )
        charts.append(Chart(still_map(MapLayers(land, marks), title=caption, description=told, width=_WIDTH), caption))
    return charts


def _school(point: shapely.Point, count: int) -> Mark:
    shape, color, radius = ("cross", "#7a0019", 7.0) if count == 0 else ("circle", RATE_FILLS[1], 5.0)
    if count >= _TWO:
        color, radius = RATE_FILLS[-1], 7.5
    return _mark(point, shape, color, radius)


def _officer(point: shapely.Point, kind: str) -> Mark:
    return _mark(point, "square", "#ffffff", 5.5) if kind == "now" else _mark(point, "diamond", "#d95f02", 6.0)


def _mark(point: shapely.Point, shape: str, color: str, radius: float) -> Mark:
    return {
        "at": [round(point.x, 6), round(point.y, 6)],
        "shape": shape,
        "color": color,
        "line": "#1a1a1a",
        "radius": radius,
        "weight": 1.5,
        "facts": [],
        "label": "",
        "side": "right",
    }
