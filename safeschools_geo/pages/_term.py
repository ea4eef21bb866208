"""The pages of a term's maps: zones and loads, the history, rates, and their index."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import folium
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from safeschools_geo.pages import _page as tables
from safeschools_geo.pages._map_layers import (
    Backdrop,
    Drawn,
    Incidents,
    PackedPoints,
    Prepared,
    RateClasses,
    Schools,
    Zones,
    backdrop,
    bounds_of,
    has_place,
    neighbor_fills,
    pack_points,
    school_marks,
    zone_features,
)
from safeschools_geo.pages._offline import TILE_URL
from safeschools_geo.pages._page import (
    CATEGORY_COLORS,
    OUTSIDE_TERMS,
    SYNTHETIC,
    Choice,
    ChoiceGroup,
    Filters,
    LegendItem,
    PageContent,
    PageContext,
    map_page,
    school_legend,
)
from safeschools_geo.schemas import CATEGORIES, LEVELS, ORIGINS, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import geopandas as gpd

    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.results import TermResult


# ── A small picture of the zones, for the index

_WIDTH, _HEIGHT = 160.0, 110.0
_MARGIN = 4.0
_TOLERANCE_PX = 0.5


def thumbnail(zones: gpd.GeoDataFrame, fills: Sequence[str | None]) -> str:
    """Draw the zones small."""
    (south, west), (north, east) = bounds_of(zones)
    squeeze = math.cos(math.radians((south + north) / 2))
    scale = min(
        (_WIDTH - 2 * _MARGIN) / max((east - west) * squeeze, 1e-9), (_HEIGHT - 2 * _MARGIN) / max(north - south, 1e-9)
    )
    left = (_WIDTH - (east - west) * squeeze * scale) / 2
    top = (_HEIGHT - (north - south) * scale) / 2

    def path(geometry: shapely.Geometry) -> str:
        screen = shapely.transform(
            geometry, lambda xy: (xy - [west, north]) * [squeeze * scale, -scale] + [left, top], include_z=False
        )
        simple = shapely.simplify(screen, _TOLERANCE_PX)
        return "".join(_ring(ring) for ring in shapely.get_rings(simple))

    shapes = "".join(
        f'<path d="{path(shape)}" fill="{fill or "#fff"}" fill-opacity="0.6" fill-rule="evenodd"/>'
        for shape, fill in zip(zones.geometry, fills, strict=True)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="{_WIDTH:g}" height="{_HEIGHT:g}" aria-hidden="true" '
        f'stroke="#262626" stroke-linejoin="round">{shapes}</svg>'
    )


def _ring(ring: shapely.LinearRing) -> str:
    points = [f"{x:.1f},{y:.1f}" for x, y in shapely.get_coordinates(ring)[:-1].tolist()]
    return f"M{'L'.join(points)}Z"


# ── The history of incidents as packed points, and the form that filters them

HOUR_UNKNOWN = 24
_PILED_SHARE = 0.5
_MANY = 2_000


@dataclass(frozen=True)
class CodedHistory:
    """Incidents as packed points.

    Parameters
    ----------
    points
        The located incidents with the codes `category`, `term`, `hour` and `origin`.
    terms
        Terms in order of time; empty text, last, where incidents fall in none.
    counts
        For each code, how many incidents of the whole history have each value.
    is_piled
        Whether most incidents share their place with others.
    """

    points: PackedPoints
    terms: tuple[str, ...]
    counts: Mapping[str, NDArray[np.int64]]
    is_piled: bool


def coded_history(incidents: gpd.GeoDataFrame) -> CodedHistory:
    """Code and pack incidents."""
    terms = _terms_in_order(incidents)
    codes = {
        "category": _codes(incidents["category"], CATEGORIES),
        "term": _codes(incidents["term"].fillna("").astype("str"), terms),
        "hour": incidents["hour"].astype("Int64").fillna(HOUR_UNKNOWN).to_numpy(dtype=np.int64),
        "origin": _codes(incidents["origin"], ORIGINS),
    }
    sizes = {"category": len(CATEGORIES), "term": len(terms), "hour": HOUR_UNKNOWN + 1, "origin": len(ORIGINS)}
    is_located = has_place(incidents)
    xy = shapely.get_coordinates(incidents.geometry.to_numpy()[is_located]).reshape(-1, 2)
    return CodedHistory(
        pack_points(xy[:, 0], xy[:, 1], {name: code[is_located] for name, code in codes.items()}),
        terms,
        {name: np.bincount(code, minlength=sizes[name]).astype(np.int64) for name, code in codes.items()},
        is_piled=len(np.unique(xy, axis=0)) < _PILED_SHARE * len(xy),
    )


def history_filters(history: CodedHistory) -> Filters:
    """Make the form that filters the history."""
    signs = {CATEGORIES[key]: LegendItem(CATEGORIES[key], "circle", color) for key, color in CATEGORY_COLORS.items()}
    names = {
        "category": ("Category", list(CATEGORIES.values())),
        "term": ("Term", [term or OUTSIDE_TERMS for term in history.terms]),
        "origin": ("Origin", list(ORIGINS.values())),
    }
    groups = [
        ChoiceGroup(
            name, title, [Choice(i, x, int(history.counts[name][i]), signs.get(x)) for i, x in enumerate(labels)]
        )
        for name, (title, labels) in names.items()
    ]
    hours = history.counts["hour"]
    return Filters(
        groups,
        Choice(HOUR_UNKNOWN, "Hour unknown", int(hours[HOUR_UNKNOWN])),
        view="counts" if history.is_piled or history.points.header["count"] > _MANY else "dots",
        total=int(hours.sum()),
    )


def _codes(values: pd.Series, known: Iterable[str]) -> NDArray[np.int64]:
    numbers = {value: code for code, value in enumerate(known)}
    return np.array([numbers[value] for value in values], dtype=np.int64)


def _terms_in_order(incidents: gpd.GeoDataFrame) -> tuple[str, ...]:
    first = incidents.groupby(incidents["term"].fillna("").astype("str"))["occurred_at"].min().sort_values()
    named = [str(term) for term in first.index if term]
    return (*named, *([""] if "" in first.index else []))


# ── The pages of a term's maps: zones and loads, the history of incidents, rates

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
    fills = neighbor_fills(zones)

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
    Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    features = zone_features(zones, fills=fills, opacity=_ZONE_OPACITY, label=label, facts=facts, heaviest=heaviest)
    Zones(features).add_to(chart)
    marks = school_marks(schools, school_assignments)
    Schools(marks).add_to(chart)
    Drawn().add_to(chart)
    zone_signs = [LegendItem("Zone with the most work", "bold")] if heaviest else []
    located = schools[has_place(schools)]
    content = PageContent(
        title="Zones and workload",
        finding=finding,
        legends={
            "Zones": [LegendItem("Colors only tell neighbors apart", "fill", fills[0], _ZONE_OPACITY), *zone_signs]
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
    Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    outlines = zone_features(
        zones, fills=["#ffffff"] * len(zones), opacity=0, label=lambda z: [names[z]], facts=lambda _: [], is_quiet=True
    )
    Zones(outlines).add_to(chart)
    Incidents(history.points, colors=list(CATEGORY_COLORS.values()), color_by="category", total=len(incidents)).add_to(
        chart
    )
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
    Backdrop(backdrop(boundary=boundary, roads=roads, places=places)).add_to(chart)
    Zones(zone_features(zones, fills=fills, opacity=_RATE_OPACITY, label=label, facts=facts)).add_to(chart)
    Drawn().add_to(chart)
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
    """Begin a map that shows the whole district."""
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
    Prepared(described, note=SYNTHETIC if context.is_synthetic else "").add_to(chart)
    return chart


def zone_names(zones: gpd.GeoDataFrame) -> dict[str, str]:
    """Give the name of each zone."""
    return dict(zip(zones["zone_id"], zones["name"].astype("str"), strict=True))


def _cell(table: pd.DataFrame, zone_id: str, column: str) -> Any:  # noqa: ANN401 -- a cell of any column
    return table.loc[zone_id, column] if zone_id in table.index else np.nan


def _left_off(number: int, what: str) -> list[str]:
    if not number:
        return []
    some = f"{number:,} {what} has" if number == 1 else f"{number:,} {what}s have"
    them = "it is" if number == 1 else "they are"
    return [f"{some} no place on record: {them} not on the map, but counted in the tables."]


# ── What every page of a term is made with: its context and the layers behind its maps


def layers_of(result: TermResult) -> dict[str, Any]:
    """Give the layers behind the maps.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    dict
        Zones, boundary, roads and towns, by the name of the page's argument.
    """
    district = result.district
    return {"zones": district.zones, "boundary": district.boundary, "roads": district.roads, "places": district.places}


def context_of(result: TermResult, *, about: Literal["work", "hotspots"] = "work") -> PageContext:
    """Say what every page of the term says.

    Parameters
    ----------
    result
        All results of the term.
    about
        Which settings the page names.

    Returns
    -------
    PageContext
        The context.
    """
    settings = result.district.settings
    workload = settings.workload
    return PageContext(
        district=settings.district.name,
        term=result.term.name,
        is_synthetic=settings.district.is_synthetic,
        is_internal=True,
        settings=_hotspot_settings(result)
        if about == "hotspots"
        else {
            "Minutes on scene, where not recorded": _listed(workload.service_min, CATEGORIES),
            "Visits a week": _listed(workload.visits_per_week, LEVELS),
            "Minutes of a visit": f"{workload.visit_min:g}",
            "Road over straight line": f"{workload.detour_factor:g}",
            "Speed": f"{workload.speed_kph:g} km/h",
            "Measured in": result.district.crs.name,
        },
    )


def _hotspot_settings(result: TermResult) -> dict[str, str]:
    chosen = result.district.settings.hotspots
    return {
        "Called a hotspot": f"p or q at most {chosen.alpha:g}, after all looking; set before looking",
        "Simulations": f"{chosen.simulations:,} (months, hours, repeats: at most 999), seed {result.seed}",
        "Group of schools": f"at most {chosen.max_share:.0%} of what is expected; 10 % and 50 % beside it",
        "Compared with": f"schools of the same level, at least {chosen.fewest_peers} of them with a known enrollment",
        "Too little data": f"where only a rise by more than {chosen.largest_detectable:g} times could have been seen",
        "Places off campus": f"at least {chosen.place_incidents} incidents within {chosen.place_distance_m:g} m",
        "Grid": f"{chosen.cell_kind}s of {chosen.cell_m:g} m; density with a bandwidth of {chosen.bandwidth_m:g} m",
        "Repeats": f"within {chosen.repeat_distance_m:g} m and {chosen.repeat_days} days",
        "Measured in": result.district.crs.name,
    }


def _listed(amounts: Mapping[str, float], names: Mapping[str, str]) -> str:
    return "; ".join(f"{names[key]} {amount:g}" for key, amount in amounts.items())
