"""Zones, schools and incidents drawn in meters on the town's sheet, for checks that look at one thing each."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
import town
from pyproj import CRS
from shapely.geometry import Polygon, box

METERS = CRS.from_user_input(town.UTM)


def shape(corners):
    """Put a polygon of the drawing on the globe; four numbers are a rectangle's corners."""
    drawn = box(*corners) if isinstance(corners[0], (int, float)) else Polygon(corners)
    moved = gpd.GeoSeries([drawn], crs=None).translate(town.EAST, town.NORTH)
    return moved.set_crs(town.UTM).to_crs(4326).iloc[0]


def zones_of(**corners):
    """Draw zones: ``A=(0, 0, 100, 100)``; a list of corners is a MultiPolygon's or a polygon's."""
    return gpd.GeoDataFrame(
        {"zone_id": list(corners), "name": [f"Zone {z}" for z in corners]},
        geometry=[shape(c) for c in corners.values()],
        crs=4326,
    )


def boundary_of(*corners):
    """Draw the district."""
    return gpd.GeoDataFrame({"name": ["District"]}, geometry=[shape(corners)], crs=4326)


def schools_at(*places, **columns):
    """Place schools of the program that have nothing wrong with them."""
    n = len(places)
    frame = {
        "school_id": [f"{i + 1:03}" for i in range(n)],
        "name": [f"School of {'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[i]}" for i in range(n)],
        "level": ["elementary"] * n,
        "enrollment": pd.array([400] * n, dtype="Int64"),
        "district": ["Twosquare"] * n,
        "in_program": [True] * n,
        **columns,
    }
    geometry = [town.place(*p) if isinstance(p, tuple) and len(p) == 2 else p for p in places]
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=4326)


def by_code(findings):
    """List findings by their code."""
    found = {}
    for finding in findings:
        found.setdefault(finding.code, []).append(finding)
    return found


def is_at(finding, x0, y0, x1, y1):
    """Say whether a finding is located in a rectangle of the drawing."""
    point = gpd.GeoSeries.from_xy([finding.location[0]], [finding.location[1]], crs=4326).to_crs(town.UTM).iloc[0]
    return x0 <= point.x - town.EAST <= x1 and y0 <= point.y - town.NORTH <= y1
