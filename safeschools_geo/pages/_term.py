"""The pages of zones and workload, of the incident history and of rates; and what every page of a term begins with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import folium
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from safeschools_geo.drawing import LegendItem, RateClasses, fit, has_place, neighbor_fills
from safeschools_geo.errors import count_text
from safeschools_geo.hotspots import counted_text
from safeschools_geo.pages._map_layers import (
    Backdrop,
    Barriers,
    DataElement,
    Drawn,
    Incidents,
    PackedPoints,
    Prepared,
    Schools,
    Zones,
    backdrop,
    bounds_of,
    geojson,
    merged,
    pack_points,
    school_marks,
    zone_features,
)
from safeschools_geo.pages._offline import TILE_URL
from safeschools_geo.pages._page import (
    CATEGORY_COLORS,
    NONE_NAMED,
    SYNTHETIC,
    Choice,
    ChoiceGroup,
    Column,
    DataTable,
    Filters,
    PageContent,
    PageContext,
    chart_page,
    count,
    fixed,
    map_page,
    number,
    printed,
    school_legend,
)
from safeschools_geo.schemas import CATEGORIES, LEVELS, NO_RECORD, ORIGINS, POPULATIONS, STATUSES
from safeschools_geo.workload import balance_text, empty_zones_text

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
    place, height = fit((west, south, east, north), _WIDTH, _HEIGHT, _MARGIN)
    below = [0.0, (_HEIGHT - height) / 2]

    def path(geometry: shapely.Geometry) -> str:
        screen = shapely.transform(geometry, lambda xy: place(xy) + below, include_z=False)
        simple = shapely.simplify(screen, _TOLERANCE_PX)
        rings = (shapely.get_coordinates(ring)[:-1].tolist() for ring in shapely.get_rings(simple))
        return "".join(f"M{'L'.join(f'{x:.1f},{y:.1f}' for x, y in ring)}Z" for ring in rings)

    shapes = "".join(
        f'<path d="{path(shape)}" fill="{fill or "#fff"}" fill-opacity="0.6" fill-rule="evenodd"/>'
        for shape, fill in zip(zones.geometry, fills, strict=True)
    )
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" width="{_WIDTH:g}" height="{_HEIGHT:g}" aria-hidden="true" '
        f'stroke="#262626" stroke-linejoin="round">{shapes}</svg>'
    )


# ── The history of incidents as packed points, and the form that filters them

HOUR_UNKNOWN = 24
OUTSIDE_TERMS = "Outside every term"
_PILED_SHARE = 0.5
_MANY = 2_000


@dataclass(frozen=True)
class CodedHistory:
    """Incidents as packed points: those with a place, and how many of the whole history have each code.

    Terms are in order of time, an empty text last where incidents fall in none; piled are most that share their place.
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


def history_filters(history: CodedHistory, term: str) -> Filters:
    """Make the form that filters the history; at first it shows the term that the page is of, if that has incidents."""
    signs = {CATEGORIES[key]: LegendItem(CATEGORIES[key], "circle", color) for key, color in CATEGORY_COLORS.items()}
    names = {
        "category": ("Category", list(CATEGORIES.values())),
        "term": ("Term", [term or OUTSIDE_TERMS for term in history.terms]),
        "origin": ("Origin", list(ORIGINS.values())),
    }
    shown = {term} if term in history.terms else {*history.terms, OUTSIDE_TERMS}
    groups = [
        ChoiceGroup(
            name,
            title,
            [
                Choice(i, x, int(history.counts[name][i]), signs.get(x), name != "term" or x in shown)
                for i, x in enumerate(labels)
            ],
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


# ── What every page of a term is made with: its map, its context, and the lines that all maps explain

_TILE_CREDIT = '&copy; <a href="https://www.openstreetmap.org/copyright">OpenStreetMap contributors</a>'


def new_map(
    label: str, result: TermResult, *, tiles: bool = False, behind: Mapping[str, Any] | None = None
) -> folium.Map:
    """Begin a map that shows the whole district, on the backdrop of the district unless another is given."""
    district = result.district
    (south, west), (north, east) = bounds = bounds_of(district.zones, district.boundary)
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
    Prepared(described, note=SYNTHETIC if district.settings.district.is_synthetic else "").add_to(chart)
    Backdrop(backdrop_of(result) if behind is None else behind).add_to(chart)
    return chart


def backdrop_of(result: TermResult) -> dict[str, Any]:
    """Draw the layers of the district that lie behind its zones."""
    district = result.district
    return backdrop(boundary=district.boundary, roads=district.roads, places=district.places)


def map_with_barriers(label: str, result: TermResult, *, tiles: bool) -> tuple[folium.Map, list[LegendItem]]:
    """Begin a map that shows what no officer crosses as well, and explain its sign; nothing where there is none."""
    chart, lines = new_map(label, result, tiles=tiles), merged(result.district.barriers)
    if lines is None:
        return chart, []
    Barriers(geojson(lines)).add_to(chart)
    return chart, [LegendItem("Barrier: crossed at roads only", "barrier")]


def boundary_sign(result: TermResult) -> list[LegendItem]:
    """Explain the line around the district, where there is one."""
    return [] if result.district.boundary is None else [LegendItem("District boundary", "line")]


def outlines(result: TermResult) -> DataElement:
    """Draw the zones as lines with their names."""
    zones = result.district.zones
    names = zone_names(zones)
    return Zones(
        zone_features(
            zones,
            fills=["#ffffff"] * len(zones),
            opacity=0,
            label=lambda z: [names[z]],
            facts=lambda _: [],
            is_quiet=True,
        )
    )


def zone_names(zones: gpd.GeoDataFrame) -> dict[str, str]:
    """Give the name of each zone."""
    return dict(zip(zones["zone_id"], zones["name"].astype("str"), strict=True))


def context_of(result: TermResult, *, about: Literal["work", "hotspots"] = "work") -> PageContext:
    """Say what every page of the term says, with the settings that it names."""
    settings = result.district.settings
    workload = settings.workload
    return PageContext(
        district=settings.district.name,
        term=result.term.name,
        days=" to ".join(f"{day:%B} {day.day}, {day.year}" for day in (result.term.start, result.term.end)),
        is_synthetic=settings.district.is_synthetic,
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
        "Simulations": f"{result.hotspots.schools.groups.settings['simulations']:,} (months, hours, repeats: at most "
        f"999), seed {result.seed}",
        "Group of schools": f"at most {chosen.max_share:.0%} of what is expected; 10 % and 50 % beside it",
        "Compared with": f"schools of the same level, at least {chosen.fewest_peers} of them with a known enrollment",
        "Too little data": f"where only a rise by more than {chosen.largest_detectable:g} times could have been seen",
        "Places off campus": f"at least {chosen.place_incidents} incidents within {chosen.place_distance_m:g} m of the "
        f"next, at most {chosen.place_width_m:,.0f} m across",
        "Grid": f"{chosen.cell_kind}s of {chosen.cell_m:g} m; density with a bandwidth of {chosen.bandwidth_m:g} m",
        "Repeats": f"within {chosen.repeat_distance_m:g} m and {chosen.repeat_days} days",
        "Measured in": result.district.crs.name,
    }


def _listed(amounts: Mapping[str, float], names: Mapping[str, str]) -> str:
    return "; ".join(f"{names[key]} {amount:g}" for key, amount in amounts.items())


def nothing_page(title: str, why: str, result: TermResult) -> OfflinePage:
    """Draw a page that only says why there is nothing to show.

    Parameters
    ----------
    title
        Its title.
    why
        Why, in one sentence.
    result
        All results of the term.

    Returns
    -------
    OfflinePage
        The page.
    """
    return chart_page(PageContent(title=title, finding=why, tables=()), context=context_of(result))


# ── The page of zones and workload

_ZONE_OPACITY, _RATE_OPACITY = 0.4, 0.75
_CALLS, _RECORD = POPULATIONS["calls"].capitalize(), POPULATIONS["record"].capitalize()


def zones_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw the zones with their loads, and the schools by level and status.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles, which the page then asks the network for.

    Returns
    -------
    OfflinePage
        The page; a notebook shows it inline.
    """
    zones, schools, loads = result.district.zones, result.district.schools, result.loads
    heaviest = str(loads["workload_h"].idxmax()) if loads["workload_h"].sum() > 0 else None
    names, fills = zone_names(zones), neighbor_fills(zones)

    def label(zone_id: str) -> list[str]:
        load = f"{number(_cell(loads, zone_id, 'workload_h'), 1)} h/day"
        return [names[zone_id], load, *(["the most"] if zone_id == heaviest else [])]

    def facts(zone_id: str) -> list[str]:
        return [
            names[zone_id],
            f"Workload: {number(_cell(loads, zone_id, 'workload_h'), 2)} officer-hours per school day",
            f"Schools: {count(_cell(loads, zone_id, 'schools'))}",
            f"{_CALLS}: {count(_cell(loads, zone_id, 'incidents'))}",
        ]

    chart, barriers = map_with_barriers("Map of the zones, their workload and the schools", result, tiles=tiles)
    features = zone_features(zones, fills=fills, opacity=_ZONE_OPACITY, label=label, facts=facts, heaviest=heaviest)
    Zones(features).add_to(chart)
    marks = school_marks(schools, result.school_zones)
    Schools(marks).add_to(chart)
    Drawn().add_to(chart)
    located = schools[has_place(schools)]
    content = PageContent(
        title="Zones and workload",
        finding=zones_finding(result),
        legends={
            "Zones": [
                LegendItem("Colors only tell neighbors apart", "fill", fills[0], _ZONE_OPACITY),
                *([LegendItem("Zone with the most work", "bold")] if heaviest else []),
                *boundary_sign(result),
                *barriers,
            ],
            "Schools": school_legend(located["level"].tolist(), has_rings=any(m["has_ring"] for m in marks)),
        },
        tables=[
            printed(loads, _LOADS, caption=f"Workload by zone, {result.term.name}: officer-hours per school day"),
            _school_table(schools, result.school_zones, names),
        ],
        notes=[
            "h/day: officer-hours per school day.",
            *["Students are those of schools whose enrollment is known."] * bool(schools["enrollment"].isna().any()),
            *_left_off(len(schools) - len(located), "school"),
        ],
    )
    return map_page(content, context=context_of(result), chart=chart, tiles=tiles, thumbnail=thumbnail(zones, fills))


def zones_finding(result: TermResult) -> str:
    """Say in one line which zone carries most."""
    loads = result.loads
    if not loads["workload_h"].sum():
        return f"{count_text(len(loads), 'zone')}; no workload could be counted for {result.term.name}."
    empty = empty_zones_text(loads.loc[loads["schools"] == 0, "name"])
    return f"{empty + ' ' if empty else ''}{balance_text(loads)}."


def _known(total: float, schools: float) -> str:
    """Print a sum over schools of known enrollment: of schools of which none is known there is none."""
    return NONE_NAMED if schools and not total else count(total)


_LOADS = (
    Column("Zone", "name", str),
    Column("Schools", "schools", count),
    Column("Students", ("enrollment", "schools"), _known),
    Column(_CALLS, "incidents", count),
    Column("On calls", "incident_h", fixed(2)),
    Column("Travel", "travel_h", fixed(2)),
    Column("Visits", "visit_h", fixed(2)),
    Column("Workload", "workload_h", fixed(2)),
    Column("Of mean", "share_of_mean", fixed(2, " ×")),
)


def _school_table(schools: pd.DataFrame, school_zones: pd.DataFrame, names: Mapping[str, str]) -> DataTable:
    placed = school_zones.set_index("school_id").reindex(schools["school_id"])
    columns = (
        Column("School", "name", str),
        Column("Level", "level", lambda level: LEVELS.get(level, str(level))),
        Column("Students", "enrollment", count),
        Column("In program", "in_program", lambda is_in: "Yes" if is_in else "No"),
        Column("Zone", "zone_id", lambda zone: names.get(zone, NONE_NAMED) if isinstance(zone, str) else NONE_NAMED),
        Column("How the zone was found", "status", lambda status: STATUSES.get(status, str(status))),
    )
    rows = pd.DataFrame(schools.drop(columns="geometry")).assign(
        zone_id=placed["zone_id"].to_numpy(), status=placed["status"].fillna("no_location").to_numpy()
    )
    return printed(rows, columns, caption="Schools and their zones")


# ── The page of the incident history


def history_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw every incident of the history, with filters by term, category, hour and origin.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page.
    """
    zones, incidents = result.district.zones, result.history
    if incidents.empty:
        return nothing_page("Incident history", history_finding(result), result)
    history = coded_history(incidents)
    chart = new_map("Map of incidents", result, tiles=tiles)
    outlines(result).add_to(chart)
    colors = list(CATEGORY_COLORS.values())
    Incidents(history.points, colors=colors, color_by="category", total=len(incidents)).add_to(chart)
    term_of = incidents["term"].fillna("").astype("str")
    zone_of = incidents["zone_id"].fillna("").astype("str")
    content = PageContent(
        title="Incident history",
        finding=history_finding(result),
        legends={"Lines": [LegendItem("Zone", "bold"), *boundary_sign(result)]},
        filters=history_filters(history, result.term.name),
        tables=[
            _crossed("Category", incidents["category"], term_of, names=CATEGORIES, terms=history.terms),
            _crossed("Zone", zone_of, term_of, names={**zone_names(zones), "": "In no zone"}, terms=history.terms),
            _at_schools(incidents, result.district.schools),
        ],
        notes=[
            *_left_off(len(incidents) - history.points.header["count"], "incident"),
            "Dots: at one place there is one dot for each category, in a rosette; with very many incidents, one speck.",
        ],
    )
    picture = thumbnail(zones, [None] * len(zones))
    return map_page(content, context=context_of(result), chart=chart, tiles=tiles, thumbnail=picture)


def history_finding(result: TermResult) -> str:
    """Say in one line how many incidents there were and whose work they were."""
    history = result.history
    this = history[history["term"] == result.term.name]
    if history.empty:
        return NO_RECORD
    head = f"{counted_text(len(this), 'record')} in {result.term.name}, of {len(history):,} in all terms"
    if this.empty:
        return f"{head}."
    # An export that does not record who started an incident must not read as "officers started none".
    is_origin_known = (history["origin"] == "officer_initiated").any()
    mine, started = int((this["work_of"] == "zone_officer").sum()), int((this["origin"] == "officer_initiated").sum())
    call = f"a {POPULATIONS['calls'].replace('calls', 'call', 1)}"
    if len(this) == 1:
        whose = f"it was {call}" if mine else f"it was not {call}"
        origin = f" {'An' if started else 'No'} officer started it."
    else:
        whose = f"{mine:,} of the {len(this):,} {f'was {call}' if mine == 1 else 'were ' + POPULATIONS['calls']}"
        origin = f" Officers started {started:,} of the {len(this):,}."
    return f"{head}; {whose}.{origin if is_origin_known else ''}"


def _at_schools(incidents: pd.DataFrame, schools: pd.DataFrame) -> DataTable:
    """Print how many incidents there are at each school."""
    names = dict(zip(schools["school_id"], schools["name"].astype("str"), strict=True))
    by_school = incidents["school_id"].fillna("").astype("str").value_counts()
    listed = sorted(
        ((int(n), names.get(str(i), str(i))) for i, n in by_school.items() if i), key=lambda x: (-x[0], x[1])
    )
    rows = [(name, count(number)) for number, name in [*listed, (int(by_school.get("", 0)), "At no school")]]
    return DataTable(f"{_RECORD} by school, all terms", ("School", _RECORD), tuple(rows))


def _crossed(
    head: str, groups: pd.Series, terms_of: pd.Series, *, names: Mapping[str, str], terms: Sequence[str]
) -> DataTable:
    """Print how many incidents there are of each group in each term."""
    counts = pd.crosstab(groups, terms_of).reindex(index=list(names), columns=list(terms), fill_value=0)
    rows = [(name, *map(count, counts.loc[key]), count(counts.loc[key].sum())) for key, name in names.items()]
    total = ("All", *map(count, counts.sum()), count(counts.to_numpy().sum()))
    heads = (head, *(term or OUTSIDE_TERMS for term in terms), "All")
    return DataTable(f"{_RECORD} by {head.lower()} and term", heads, (*rows, total))


# ── The page of rates by zone


def rates_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw the incident rate of each zone; a missing rate is hatched.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page.
    """
    zones, loads = result.district.zones, result.loads
    if result.history.empty:
        return nothing_page("Rate of calls by zone", rates_finding(result), result)
    caption = f"{_CALLS} (officer-initiated too) per 1,000 student-days by zone, {result.term.name}"
    table = printed(loads, _RATES, caption=caption)
    if loads["rate_per_1000"].isna().all():
        none = PageContent(title="Rate of calls by zone", finding=rates_finding(result), tables=[table])
        return chart_page(none, context=context_of(result))
    names = zone_names(zones)
    rate = {z: _cell(loads, z, "rate_per_1000") for z in zones["zone_id"]}
    classes = RateClasses.of(np.array(list(rate.values()), dtype="float64"))
    fills = [classes.fill(rate[z]) for z in zones["zone_id"]]

    def label(zone_id: str) -> list[str]:
        return [names[zone_id], "no data" if pd.isna(rate[zone_id]) else number(rate[zone_id], 3)]

    def facts(zone_id: str) -> list[str]:
        return [
            names[zone_id],
            f"Rate: {number(rate[zone_id], 3)} {POPULATIONS['calls']} per 1,000 student-days",
            f"{_CALLS}: {count(_cell(loads, zone_id, 'incidents'))}",
            f"Student-days: {_known(*(_cell(loads, zone_id, name) for name in ('student_days', 'schools')))}",
        ]

    chart = new_map("Map of the rate of calls by zone", result, tiles=tiles)
    Zones(zone_features(zones, fills=fills, opacity=_RATE_OPACITY, label=label, facts=facts)).add_to(chart)
    Drawn().add_to(chart)
    content = PageContent(
        title="Rate of calls by zone",
        finding=rates_finding(result),
        legends={
            f"{_CALLS} per 1,000 student-days": [
                *classes.legend(opacity=_RATE_OPACITY),
                *([LegendItem("No data", "hatch")] if None in fills else []),
            ],
            "Lines": boundary_sign(result),
        },
        tables=[table],
        notes=[
            (
                "A rate counts all calls for zone officers at schools in the zone with a known enrollment, those that "
                "officers started included, as the board packet does. The pages of hotspots count reported calls only."
            )
        ],
    )
    return map_page(content, context=context_of(result), chart=chart, tiles=tiles, thumbnail=thumbnail(zones, fills))


def rates_finding(result: TermResult) -> str:
    """Say in one line how far apart the rates are, without calling any of them high."""
    rates = result.loads["rate_per_1000"].dropna()
    if result.history.empty:
        return NO_RECORD
    if rates.empty or not np.isfinite(rates).any():
        return "No rates: no zone has schools with a known enrollment."
    return (
        f"Rates run from {rates.min():.3f} to {rates.max():.3f} {POPULATIONS['calls']} (officer-initiated too) per "
        "1,000 student-days. Whether a difference is more than chance is not judged on this map."
    )


_RATES = (
    Column("Zone", "name", str),
    Column("Schools", "schools", count),
    Column("Student-days", ("student_days", "schools"), _known),
    Column(_CALLS, "incidents", count),
    Column("Rate", "rate_per_1000", fixed(3)),
)


def _cell(table: pd.DataFrame, zone_id: str, column: str) -> Any:  # noqa: ANN401 -- a cell of any column
    return table.loc[zone_id, column] if zone_id in table.index else np.nan


def _left_off(number: int, what: str) -> list[str]:
    if not number:
        return []
    some = f"{number:,} {what} has" if number == 1 else f"{number:,} {what}s have"
    them = "it is" if number == 1 else "they are"
    return [f"{some} no place on record: {them} not on the map, but counted in the tables."]
