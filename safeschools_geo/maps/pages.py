"""The pages of a term's maps: zones and loads, the history of incidents, rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import folium
import numpy as np
import pandas as pd

from safeschools_geo.maps import layers as parts
from safeschools_geo.maps import tables
from safeschools_geo.maps.basemap import backdrop, bounds_of
from safeschools_geo.maps.classes import RateClasses
from safeschools_geo.maps.history import coded_history, history_filters
from safeschools_geo.maps.legend import LegendItem, school_legend
from safeschools_geo.maps.offline import TILE_URL
from safeschools_geo.maps.palette import CATEGORY_COLORS
from safeschools_geo.maps.shell import SYNTHETIC, PageContent, map_page
from safeschools_geo.maps.thumbnail import thumbnail
from safeschools_geo.schemas import POPULATIONS

if TYPE_CHECKING:
    import geopandas as gpd

    from safeschools_geo.maps.shell import OfflinePage, PageContext

_TILE_CREDIT = '&copy; <a href="https://www.openstreetmap.org/copyright">OpenStreetMap contributors</a>'
_ZONE_OPACITY, _RATE_OPACITY = 0.4, 0.75
_BOUNDARY = LegendItem("District boundary", "line")


def zones_page(
    *,
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    school_assignments: pd.DataFrame,
    loads: pd.DataFrame,
    finding: str,
    context: PageContext,
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw the zones with their loads, and the schools by level and status.

    Parameters
    ----------
    zones, schools
        The tables of these names, EPSG:4326.
    school_assignments
        `school_id` and table `assignments`, one row for each school.
    loads
        Workload of each zone of the term, by `zone_id`.
    finding
        What the map shows, in one line.
    context
        What every page of the term says.
    boundary, roads, places
        The backdrop, EPSG:4326, as far as there is one.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page.
    """
    heaviest = str(loads["workload_h"].idxmax()) if loads["workload_h"].sum() > 0 else None
    names = zone_names(zones)
    fills = parts.neighbour_fills(zones)

    def label(zone_id: str) -> list[str]:
        load = f"{tables.number(_cell(loads, zone_id, 'workload_h'), 1)} h/day"
        return [names[zone_id], load, *(["the most"] if zone_id == heaviest else [])]

    def facts(zone_id: str) -> list[str]:
        return [
            names[zone_id],
            f"Workload: {tables.number(_cell(loads, zone_id, 'workload_h'), 2)} officer-hours per school day",
            f"Schools: {tables.count(_cell(loads, zone_id, 'schools'))}",
            f"{tables.CALLS}: {tables.count(_cell(loads, zone_id, 'incidents'))}",
        ]

    chart = new_map("Map of the zones, their workload and the schools", zones, context, boundary=boundary, tiles=tiles)
    parts.Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    features = parts.zone_features(
        zones, fills=fills, opacity=_ZONE_OPACITY, label=label, facts=facts, heaviest=heaviest
    )
    parts.Zones(features).add_to(chart)
    marks = parts.school_marks(schools, school_assignments)
    parts.Schools(marks).add_to(chart)
    parts.Drawn().add_to(chart)
    zone_signs = [LegendItem("Zone with the most work", "bold")] if heaviest else []
    located = schools[parts.has_place(schools)]
    content = PageContent(
        title="Zones and workload",
        finding=finding,
        legends={
            "Zones": [LegendItem("Colours only tell neighbours apart", "fill", fills[0], _ZONE_OPACITY), *zone_signs]
            + ([_BOUNDARY] if boundary is not None else []),
            "Schools": school_legend(located["level"].tolist(), has_rings=any(m["has_ring"] for m in marks)),
        },
        tables=[
            tables.load_table(loads, term=context.term),
            tables.school_table(schools, school_assignments, zone_names=names),
        ],
        notes=["h/day: officer-hours per school day.", *_left_off(len(schools) - len(located), "school")],
    )
    return map_page(chart, content, context=context, tiles=tiles, thumbnail=thumbnail(zones, fills))


def history_page(
    *,
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    finding: str,
    context: PageContext,
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw every incident of the history, with filters by term, category, hour and origin.

    Parameters
    ----------
    zones, schools
        The tables of these names, EPSG:4326.
    incidents
        Incidents in context, of all terms, EPSG:4326.
    finding
        What the map shows, in one line.
    context
        What every page of the term says.
    boundary, roads, places
        The backdrop, EPSG:4326, as far as there is one.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page.
    """
    history = coded_history(incidents)
    names = zone_names(zones)
    chart = new_map("Map of incidents", zones, context, boundary=boundary, tiles=tiles)
    parts.Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    outlines = parts.zone_features(
        zones, fills=["#ffffff"] * len(zones), opacity=0, label=lambda z: [names[z]], facts=lambda _: [], is_quiet=True
    )
    parts.Zones(outlines).add_to(chart)
    parts.Incidents(
        history.points, colors=list(CATEGORY_COLORS.values()), color_by="category", total=len(incidents)
    ).add_to(chart)
    content = PageContent(
        title="Incident history",
        finding=finding,
        legends={"Lines": [LegendItem("Zone", "bold"), *([_BOUNDARY] if boundary is not None else [])]},
        filters=history_filters(history),
        tables=[
            tables.category_table(incidents, terms=history.terms),
            tables.zone_table(incidents, zone_names=names, terms=history.terms),
            tables.at_school_table(incidents, schools),
        ],
        notes=[
            *_left_off(len(incidents) - history.points.header["count"], "incident"),
            "Dots: at one place there is one dot for each category, in a rosette; with very many incidents, one speck.",
        ],
    )
    picture = thumbnail(zones, [None] * len(zones))
    return map_page(chart, content, context=context, tiles=tiles, thumbnail=picture)


def rates_page(
    *,
    zones: gpd.GeoDataFrame,
    rates: pd.DataFrame,
    finding: str,
    context: PageContext,
    boundary: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    places: gpd.GeoDataFrame | None = None,
    tiles: bool = False,
) -> OfflinePage:
    """Draw the incident rate of each zone.

    Parameters
    ----------
    zones
        Table `zones`, EPSG:4326.
    rates
        Each zone of the term, by `zone_id`, with `rate_per_1000`; a missing rate is hatched.
    finding
        What the map shows, in one line.
    context
        What every page of the term says.
    boundary, roads, places
        The backdrop, EPSG:4326, as far as there is one.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page.
    """
    names = zone_names(zones)
    rate = {z: _cell(rates, z, "rate_per_1000") for z in zones["zone_id"]}
    classes = RateClasses.of(np.array(list(rate.values()), dtype="float64"))
    fills = [classes.fill(rate[z]) for z in zones["zone_id"]]

    def label(zone_id: str) -> list[str]:
        return [names[zone_id], "no data" if pd.isna(rate[zone_id]) else tables.number(rate[zone_id], 3)]

    def facts(zone_id: str) -> list[str]:
        return [
            names[zone_id],
            f"Rate: {tables.number(rate[zone_id], 3)} {POPULATIONS['calls']} per 1,000 student-days",
            f"{tables.CALLS}: {tables.count(_cell(rates, zone_id, 'incidents'))}",
            f"Student-days: {tables.count(_cell(rates, zone_id, 'student_days'))}",
        ]

    chart = new_map("Map of the rate of calls by zone", zones, context, boundary=boundary, tiles=tiles)
    parts.Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    parts.Zones(parts.zone_features(zones, fills=fills, opacity=_RATE_OPACITY, label=label, facts=facts)).add_to(chart)
    parts.Drawn().add_to(chart)
    content = PageContent(
        title="Rate of calls by zone",
        finding=finding,
        legends={
            f"{tables.CALLS} per 1,000 student-days": [
                *classes.legend(opacity=_RATE_OPACITY),
                *([LegendItem("No data", "hatch")] if None in fills else []),
            ],
            **({"Lines": [_BOUNDARY]} if boundary is not None else {}),
        },
        tables=[tables.rate_table(rates, term=context.term)],
        notes=[
            (
                "A rate counts all calls for zone officers at schools in the zone with a known enrollment, those that "
                "officers started included, as the board packet does. The pages of hotspots count reported calls only."
            )
        ],
    )
    return map_page(chart, content, context=context, tiles=tiles, thumbnail=thumbnail(zones, fills))


def new_map(
    label: str,
    zones: gpd.GeoDataFrame,
    context: PageContext,
    *,
    boundary: gpd.GeoDataFrame | None,
    tiles: bool,
) -> folium.Map:
    """Begin a map that shows the whole district.

    Parameters
    ----------
    label
        Name of the map, for assistive technology.
    zones
        Table `zones`, EPSG:4326.
    context
        What every page of the term says.
    boundary
        The district, if there is one.
    tiles
        Whether to add map tiles.

    Returns
    -------
    folium.Map
        The map, without layers.
    """
    (south, west), (north, east) = bounds = bounds_of(zones, boundary)
    chart = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        tiles=None,
        zoom_snap=0.25,
        zoom_delta=0.5,
        wheel_px_per_zoom_level=120,
        keyboard_pan_delta=120,
    )
    if tiles:
        folium.TileLayer(TILE_URL, attr=_TILE_CREDIT, max_zoom=19, opacity=0.6).add_to(chart)
    folium.FitBounds(bounds, padding=(12, 12)).add_to(chart)
    described = f"{label}. Arrow keys move it, plus and minus zoom. The tables below hold the same facts."
    parts.Prepared(described, note=SYNTHETIC if context.is_synthetic else "").add_to(chart)
    return chart


def zone_names(zones: gpd.GeoDataFrame) -> dict[str, str]:
    """Give the name of each zone.

    Parameters
    ----------
    zones
        Table `zones`.

    Returns
    -------
    dict of str to str
        Name by `zone_id`.
    """
    return dict(zip(zones["zone_id"], zones["name"].astype("str"), strict=True))


def _cell(table: pd.DataFrame, zone_id: str, column: str) -> Any:  # noqa: ANN401 -- a cell of any column
    return table.loc[zone_id, column] if zone_id in table.index else np.nan


def _left_off(number: int, what: str) -> list[str]:
    if not number:
        return []
    some = f"{number:,} {what} has" if number == 1 else f"{number:,} {what}s have"
    them = "it is" if number == 1 else "they are"
    return [f"{some} no place on record: {them} not on the map, but counted in the tables."]
