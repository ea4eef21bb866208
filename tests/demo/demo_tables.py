"""The embedded demo's files as they are, read with pandas alone, so that the reader is not its own witness."""

from __future__ import annotations

import functools
import json

import geopandas as gpd
import pandas as pd
from checkout import DEMO

from safeschools_geo.district._district import District, read_district
from safeschools_geo.district._settings_file import load_settings

TRUTHS = json.loads((DEMO / "truths.json").read_text(encoding="utf-8"))
PLANTED = TRUTHS["planted"]
EXPORTS = tuple(TRUTHS["files"])
TIMES = ["Occurred", "OccurredTo", "Received", "Dispatched", "Arrived", "Cleared"]


@functools.cache
def district() -> District:
    """Return the demo as the product reads it."""
    return read_district(DEMO)


@functools.cache
def zones() -> gpd.GeoDataFrame:
    """Return the zone file as it is."""
    return gpd.read_file(DEMO / "boundaries/zones.geojson")


@functools.cache
def schools() -> gpd.GeoDataFrame:
    """Return the school file as it is, with the zone of each school."""
    table = pd.read_csv(DEMO / "boundaries/schools.csv", dtype={"SchoolCode": "str"})
    points = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table["Lon"], table["Lat"]), crs="EPSG:4326")
    return points.sjoin(zones()[["zone_id", "geometry"]], predicate="within").drop(columns="index_right")


@functools.cache
def raw() -> pd.DataFrame:
    """Return all rows of the three exports as they are, moments read with pandas alone."""
    american = pd.read_csv(DEMO / "incidents" / EXPORTS[0], sep=";", encoding="cp1252", dtype="str")
    workbook = pd.read_excel(DEMO / "incidents" / EXPORTS[1], dtype="object", engine="openpyxl")
    iso = pd.read_csv(DEMO / "incidents" / EXPORTS[2], encoding="utf-8-sig", dtype="str")
    moments = {EXPORTS[0]: "%m/%d/%y %I:%M %p", EXPORTS[1]: None, EXPORTS[2]: "%Y-%m-%dT%H:%M:%S"}
    tables = []
    for (name, form), table in zip(moments.items(), (american, workbook, iso), strict=True):
        columns = {
            c: pd.to_datetime(table[c].where(table[c].map(_is_moment)), format=form, errors="coerce") for c in TIMES
        }
        texts = table.drop(columns=TIMES).astype({"X": "float64", "Y": "float64"})
        tables.append(texts.assign(file=name, occurred_as=table["Occurred"].astype("str"), **columns))
    return pd.concat(tables, ignore_index=True)


def _is_moment(cell: object) -> bool:
    """Leave what was typed into the workbook as text, so that each system's column has one format."""
    return not isinstance(cell, str) or ":" in cell


@functools.cache
def history() -> pd.DataFrame:
    """Return the incidents of the terms, each once, with their term and category."""
    crosswalk = pd.read_csv(DEMO / "crosswalk.csv").set_index("source_value")["category"]
    rows = raw()
    once = rows[rows["Occurred"].notna()].drop_duplicates("CaseNo")
    day = once["Occurred"].dt.date
    term = pd.Series(pd.NA, index=once.index, dtype="str")
    for t in load_settings(DEMO).terms:
        term[(day >= t.start) & (day <= t.end)] = t.name
    return once.assign(term=term, category=once["CallType"].str.strip().str.upper().map(crosswalk)).dropna(
        subset="term"
    )
