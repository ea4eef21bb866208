"""The pages of a term's hotspots: schools and places, a grid, hours, and what rose, fell, came and went."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.drawing import LegendItem, RateClasses, has_place, text
from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.hotspots import BASELINES, DAY_NAMES, EVERYWHERE, GROUP_NAMES, LARGEST, MOST_PLACES, counted_text
from safeschools_geo.pages._charts import bar_intervals, funnel_chart, heat_map, svg
from safeschools_geo.pages._map_layers import VECTORS, DataElement, Drawn, Schools, features_of, small_geometries
from safeschools_geo.pages._page import (
    NONE_NAMED,
    STATUS_MARKS,
    Chart,
    Column,
    DataTable,
    PageContent,
    chart_page,
    count,
    fixed,
    map_page,
    number,
    printed,
)
from safeschools_geo.pages._term import (
    boundary_sign,
    context_of,
    new_map,
    nothing_page,
    outlines,
    thumbnail,
    zone_names,
)
from safeschools_geo.schemas import (
    CATEGORIES,
    HIGH_AGAINST,
    HOTSPOT_KINDS,
    HOTSPOT_STATUSES,
    LEVELS,
    NO_RECORD,
    POPULATIONS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.hotspots import Hotspots
    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.results import TermResult


_REPORTED = POPULATIONS["reported"].capitalize()


def draw_hotspots(result: TermResult, *, tiles: bool = False) -> dict[str, tuple[OfflinePage, str]]:
    """Draw every hotspot page of a term: name of the file → page and one-line finding."""
    return {
        "hotspots.html": (hotspot_map(result, tiles=tiles), _or_none(result, result.hotspots.finding())),
        "hours.html": (hour_charts(result), _or_none(result, hours_finding(result.hotspots))),
        "trends.html": (trend_tables(result), _or_none(result, trends_finding(result.hotspots))),
        "grid.html": (grid_map(result, tiles=tiles), _or_none(result, result.hotspots.places.grid.summary())),
    }


def _or_none(result: TermResult, finding: str) -> str:
    """Say the finding; or that there is no record, of which nothing is found."""
    return NO_RECORD if result.history.empty else finding


# ── How figures of hotspots are written


def ranged(value: object, low: object, high: object, decimals: int = 2) -> str:
    """Print a measure with its interval."""
    if pd.isna(value):  # type: ignore[call-overload]
        return NONE_NAMED
    shown = [number(v, decimals).replace("inf", "∞") for v in (value, low, high)]
    if pd.isna(low) or pd.isna(high):  # type: ignore[call-overload]
        return shown[0]
    return f"{shown[0]} ({shown[1]}–{shown[2]})"


def chance(value: object) -> str:
    """Print a p- or q-value."""
    if pd.isna(value):  # type: ignore[call-overload]
        return NONE_NAMED
    return "< 0.001" if float(value) < 0.0005 else number(value, 3)  # type: ignore[arg-type] # noqa: PLR2004


def _share(value: object) -> str:
    return NONE_NAMED if pd.isna(value) else f"{float(value):.0%}"  # type: ignore[arg-type, call-overload]


def _seen_from(ratio: float) -> str:
    """Print the smallest ratio that would have been seen: none was, where even the largest looked at would not."""
    return f"> {LARGEST:g} ×" if ratio == float("inf") else number(ratio, 1, suffix=" ×")


def _listed(ids: object) -> str:
    return str(ids).replace(";", ", ") if ids else NONE_NAMED


def _named(names: Mapping[str, str], otherwise: str = "") -> Callable[[object], str]:
    """Make what writes the name of an id."""
    return lambda key: names.get(str(key), otherwise or str(key))


_RATE_HEAD = "Per 1,000 student-days (95 %)"
_RATE = ("rate_per_1000", "rate_low_per_1000", "rate_high_per_1000")
_STARTED = Column("Officers started", "officer_initiated_share", _share)


# ── The page of hotspots: schools by what their test says, groups of schools that are high, and places off campus

IN_NO_ZONE = "In no zone"
"""What stands for the zone of schools that are in none."""

_NOT_A_JUDGMENT = (
    "A hotspot says where students need support, not that a school or its students are at fault. It counts what was "
    "reported to the program; what is not reported is not here."
)
_KINDS = {kind: words.split(",")[0].split(";")[0].capitalize() for kind, words in HOTSPOT_KINDS.items()}
_SPOTS = (
    Column("Hotspot", "hotspot_id", str),
    Column("In a sentence", ("sentence", "warning"), lambda sentence, warning: f"{sentence} {warning}".strip()),
    Column("What", "kind", _KINDS.__getitem__),
    Column("Zone", "zone_id", _listed),
    Column("Counted", "observed", lambda value: number(value, 0 if float(value).is_integer() else 1)),
    Column("Expected", "expected", fixed(1)),
    Column("Times expected", ("ratio", "ratio_low", "ratio_high"), partial(ranged, decimals=1)),
    Column("p", "p_value", chance),
    Column("q", "q_value", chance),
    Column("Could have been seen from", "detectable_ratio", _seen_from),
    Column("Stays under other settings", "stability_share", _share),
    _STARTED,
)


def hotspot_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw schools by what their test says, groups of schools that are high, and places off campus.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page; a notebook shows it inline.
    """
    found, zones, term = result.hotspots, result.district.zones, result.term.name
    if result.history.empty:
        return nothing_page("Hotspots", NO_RECORD, result)
    names, rates = zone_names(zones), found.schools.rates.table
    groups = found.schools.groups.table
    groups = groups[groups["status"].isin(["high", "rests_on_officer_initiated"])]
    clusters = found.places.clusters.clusters.head(MOST_PLACES)
    chart = new_map("Map of hotspots at schools and places", result, tiles=tiles)
    outlines(result).add_to(chart)
    if len(clusters):
        features = area_features(
            clusters, kind=lambda _: "place", label=lambda p: p.cluster_id, facts=lambda p: [p.cluster_id, p.sentence]
        )
        _layer("addAreas", features).add_to(chart)
    if len(groups):
        features = area_features(
            groups,
            kind=lambda g: "high" if g.status == "high" else "officers",
            label=lambda g: f"{number(g.ratio, 1)} × expected" if g.status == "high" else "officers’ own work",
            facts=lambda g: [f"{g.group_id}: {HOTSPOT_STATUSES[g.status]}", g.sentence],
        )
        _layer("addAreas", features).add_to(chart)
    status = dict(zip(rates["school_id"], rates["status"], strict=True))
    sentences = dict(zip(rates["school_id"], rates["sentence"], strict=True))
    Schools(status_marks(result.district.schools, status, sentences)).add_to(chart)
    Drawn().add_to(chart)
    seen = set(status.values())
    content = PageContent(
        title="Hotspots",
        finding=found.finding(),
        legends={
            "Schools": [LegendItem(HOTSPOT_STATUSES[w], *STATUS_MARKS[w]) for w in STATUS_MARKS if w in seen],
            "Areas": [*_area_legend(groups, clusters), *boundary_sign(result)],
        },
        charts=[school_funnel(found), zone_rates(result)],
        tables=[
            printed(found.spots, _SPOTS, caption=f"Hotspots of {term}"),
            _group_rates(found.schools.by_level, "Level", LEVELS, term),
            _group_rates(found.schools.by_zone, "Zone", names, term),
            _school_rates(rates, names, term),
        ],
        notes=[note for note in (_NOT_A_JUDGMENT, result.no_zone_sentence(), *_reading(found)) if note],
    )
    high = {z for spot in found.spots["zone_id"] for z in str(spot).split(";")}
    picture = thumbnail(zones, ["#7a0019" if z in high else None for z in zones["zone_id"]])
    context = context_of(result, about="hotspots")
    return map_page(content, context=context, chart=chart, tiles=tiles, thumbnail=picture)


def _area_legend(groups: gpd.GeoDataFrame, clusters: gpd.GeoDataFrame) -> list[LegendItem]:
    statuses = set(groups["status"]) if len(groups) else set()
    return [
        *([LegendItem("Neighboring schools that are high together", "high_area")] if "high" in statuses else []),
        *([LegendItem("High only with officers’ own work", "officer_area")] if statuses - {"high"} else []),
        *([LegendItem("Place off campus: descriptive, no test", "place_area")] if len(clusters) else []),
    ]


def _group_rates(groups: pd.DataFrame, head: str, names: Mapping[str, str], term: str) -> DataTable:
    """Print the rates of levels or of zones."""
    key = str(groups.columns[0])
    columns = (
        Column(head, key, lambda group: names.get(group, NONE_NAMED if group else IN_NO_ZONE)),
        Column("Schools", "schools", count),
        Column("Without a rate", "schools_without_rate", count),
        Column("Reported calls", ("reported", "reported_without_rate"), lambda one, other: count(one + other)),
        Column(_RATE_HEAD, _RATE, ranged),
        Column("Times expected at the schools compared (95 %)", ("ratio", "ratio_low", "ratio_high"), ranged),
        _STARTED,
    )
    return printed(groups, columns, caption=f"{_REPORTED} by {head.lower()}, {term}")


def _school_rates(rates: pd.DataFrame, names: Mapping[str, str], term: str) -> DataTable:
    """Print the rates of the schools, those that stand out first."""
    order = {status: place for place, status in enumerate(HOTSPOT_STATUSES)}
    place = rates["status"].map(order).where(rates["status"] != "insufficient_data", order["not_high"])
    ordered = rates.assign(_order=place).sort_values(["_order", "name"], kind="stable")
    columns = (
        Column("School", "name", str),
        Column("Level", "level", LEVELS.__getitem__),
        Column("Zone", "zone_id", _named(names, NONE_NAMED)),
        Column("Reported calls", "reported", count),
        Column("Expected", "expected", fixed(1)),
        Column("Its past predicts", "predicted", fixed(1)),
        Column(_RATE_HEAD, _RATE, ranged),
        Column(
            "Shrunken rate (95 %)",
            ("shrunken_per_1000", "shrunken_low_per_1000", "shrunken_high_per_1000"),
            ranged,
        ),
        Column("q", "q_value", chance),
        Column("Would have been seen from", "detectable_ratio", _seen_from),
        _STARTED,
        Column(
            "What the test says",
            ("not_judged", "high_against", "status"),
            lambda why, against, status: (
                f"not judged: {why}" if why else HIGH_AGAINST.get(against) or HOTSPOT_STATUSES[status]
            ),
        ),
    )
    return printed(ordered, columns, caption=f"{_REPORTED} at program schools, {term}")


def _reading(found: Hotspots) -> Sequence[str]:
    rates = found.schools.rates
    share = found.zone_shares[found.zone_shares["workload_inside_h"] > 0]
    dispersion = (
        "Schools ordinarily differ: the variance of what is their own is estimated at "
        f"{rates.ordinary.dispersion:.2f}, from all terms so far, and every test allows for it."
        if len(rates.ordinary.expected)
        else ""
    )
    inside = [
        f"{row['inside_share']:.0%} of the load of Zone {row['zone_id']} lies inside groups that are high."
        for row in share.to_dict("records")
    ]
    return [found.backtest.summary(), rates.summary(), dispersion, *inside, *_piles(found)]


def school_funnel(found: Hotspots) -> Chart:
    """Draw the funnel of the schools.

    Parameters
    ----------
    found
        The hotspots of a term.

    Returns
    -------
    Chart
        Observed over expected of each school, with the limits that ordinary schools keep.
    """
    table = found.schools.rates.table
    points = table.loc[table["ratio"].notna(), ["expected", "ratio", "status"]].assign(label=table["name"])
    caption = "Each school against what its enrollment and level lead to expect"
    described = (
        "Every mark is a school. The farther right, the more reported calls were expected; the higher, the more were "
        "reported for each expected. Schools that expect less than one, or that no others of the level can be compared "
        "with, are not drawn. Between the inner lines lie 95 % of ordinary schools, between the outer 99.8 %. A school "
        "that is high between the lines is high against its own past."
    )
    svg = funnel_chart(points, found.schools.rates.limits, title=caption, description=described)
    return Chart(svg, f"{caption}. {described}")


def zone_rates(result: TermResult) -> Chart:
    """Draw the rates of zones and levels with their intervals.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    Chart
        A dot with an interval for each.
    """
    schools = result.hotspots.schools
    title = f"{_REPORTED} per 1,000 student-days, by level and by zone, with 95 % intervals"
    if result.history.empty:
        return Chart(svg(760, 44, title, NO_RECORD, [text(16, 28, NO_RECORD)]), title)
    rows = pd.concat(
        [
            _interval_rows(schools.by_level, LEVELS),
            _interval_rows(schools.by_zone, {**zone_names(result.district.zones), "": IN_NO_ZONE}),
        ],
        ignore_index=True,
    )
    return Chart(
        bar_intervals(rows, title=title, unit="per 1,000 student-days", reference=_district_rate(schools.by_level)),
        title,
    )


def _district_rate(by_level: pd.DataFrame) -> float | None:
    days = float(by_level["student_days"].sum())
    return 1000 * float(by_level["reported"].sum()) / days if days else None


def _interval_rows(groups: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "label": groups.iloc[:, 0].map(names).fillna("–"),
            "value": groups["rate_per_1000"],
            "low": groups["rate_low_per_1000"],
            "high": groups["rate_high_per_1000"],
            "status": "not_high",
        }
    )


# ── The page of the grid

_CELL_OPACITY = 0.75


def grid_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw the cells of a grid with their values, the hot ones with a bold line, over a picture of density.

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
    places, zones = result.hotspots.places, result.district.zones
    if result.history.empty:
        return nothing_page("Grid of incidents", NO_RECORD, result)
    grid, density = places.grid, places.density
    counted = POPULATIONS[grid.population].capitalize()
    chart = new_map("Map of a grid of incidents", result, tiles=tiles)
    outlines(result).add_to(chart)
    if density is not None:
        _layer("addPicture", density_picture(density.values, density.bounds)).add_to(chart)
    shown = grid.cells[grid.cells["value"].notna()]
    classes = RateClasses.of(shown["value"].to_numpy(dtype="float64"))
    fills = [classes.fill(v) for v in shown["value"]]

    def facts(cell: Any) -> list[str]:  # noqa: ANN401 -- a row of the frame
        return [
            f"{grid.measure}: {number(cell.value, 2)}",
            f"{counted}: {count(cell.incidents)}",
            f"Gi* z {number(cell.z, 1)}, q {chance(cell.q_value)}",
            f"Hot under {_share(cell.stability_share)} of shifted grids",
        ]

    _layer("addCells", cell_features(shown, fills=fills, facts=facts)).add_to(chart)
    Drawn().add_to(chart)
    hot = shown[shown["is_hot"]]
    columns = (
        Column("Cell", "cell_id", str),
        Column(counted, "incidents", count),
        Column(grid.measure, "value", fixed(2)),
        Column("Gi* z", "z", fixed(1)),
        Column("q", "q_value", chance),
        Column("Hot under shifted grids", "stability_share", _share),
    )
    caption = "Hot cells" if len(hot) else "No cell is hot: the ten with the highest values"
    content = PageContent(
        title="Grid of incidents",
        finding=grid.summary(),
        legends={
            grid.measure: classes.legend(opacity=_CELL_OPACITY),
            "Lines": [
                *([LegendItem("Hot with its neighbors (Gi*, q ≤ 0.05)", "bold")] if len(hot) else []),
                *boundary_sign(result),
            ],
            "Picture": []
            if density is None
            else [LegendItem("Density of critical incidents, no test", "fill", "#7a0019", 0.5)],
        },
        tables=[printed(hot if len(hot) else shown.nlargest(10, "value"), columns, caption=caption)],
        notes=[
            (
                "Where cells are drawn decides part of what they show: trust a hot cell by the share of shifted grids "
                "in which it stays hot, and the tests of schools before it."
            ),
            "The shading behind the cells is a picture of density. It is no test, and follows where people are.",
            *([places.repeats.summary()] if places.repeats is not None else []),
            *_piles(result.hotspots),
        ],
    )
    context, picture = context_of(result, about="hotspots"), thumbnail(zones, [None] * len(zones))
    return map_page(content, context=context, chart=chart, tiles=tiles, thumbnail=picture)


def _piles(found: Hotspots) -> list[str]:
    piles = found.places.piles
    if piles.empty:
        return []
    named = name_ids(f"{n:,} at {y:.5f}, {x:.5f}" for x, y, n in piles.itertuples(index=False, name=None))
    text = f"Left out of places: {count_text(len(piles), 'pile')} of equal coordinates that are no school ({named})"
    return [f"{text}, as a geocoder gives when it finds nothing."]


# ── The page of hours

_HOURS = {
    "high": "clearly more than the hours in session lead to expect",
    "not_high": "not clearly more than chance",
    "insufficient_data": "not judged: too few",
}
_WINDOWS = (
    Column("Which calls", "group", _named({**CATEGORIES, **LEVELS, "all": "All"})),
    Column("In session", "incidents", fixed(0)),
    Column("Days", "weekdays", _listed),
    Column(
        "Hours",
        ("start_hour", "end_hour"),
        lambda start, end: NONE_NAMED if pd.isna(start) else f"{int(start):02}:00–{int(end):02}:00",
    ),
    Column("Counted", "observed", fixed(1)),
    Column("Expected", "expected", fixed(1)),
    Column("q", "q_value", chance),
    Column("What the test says", "status", _HOURS.__getitem__),
)


def hour_charts(result: TermResult) -> OfflinePage:
    """Draw the hours of the week: a heat map of all, one for each category or level whose hours stand out."""
    hours, term = result.hotspots.hours, result.term.name
    if result.history.empty:
        return nothing_page("Hours", NO_RECORD, result)
    shown = ["all", *(g for g in hours.high["group"] if g != "all")]
    content = PageContent(
        title="Hours",
        finding=hours_finding(result.hotspots),
        charts=[hour_chart(result.hotspots, group) for group in shown],
        tables=[
            printed(hours.windows, _WINDOWS, caption=f"Worst hours of {POPULATIONS['reported']}, {term}"),
            _week_table(hours.week(), term),
        ],
        notes=[
            (
                "Reported calls for zone officers are divided by the hours in which schools are in session: a quiet "
                "hour is not quiet because few schools are open. An incident that was found later is spread over the "
                "hours in which it may have happened."
            ),
            *(
                [f"Left out: {counted_text(hours.without_time)} without a known time of day."]
                * bool(hours.without_time)
            ),
        ],
    )
    return chart_page(content, context=context_of(result, about="hotspots"))


def _week_table(week: pd.DataFrame, term: str) -> DataTable:
    """Print incidents for each 1,000 school-hours."""
    wide = week[week["school_hours"] > 0].pivot_table(index="weekday", columns="hour", values="rate_per_1000_h")
    rows = tuple((DAY_NAMES[int(str(day))], *(number(v, 1) for v in values)) for day, values in wide.iterrows())
    columns = ("Day", *(f"{int(hour):02}:00" for hour in wide.columns))
    return DataTable(f"{_REPORTED} per 1,000 school-hours, {term}", columns, rows)


def hour_chart(found: Hotspots, group: str = "all") -> Chart:
    """Draw the hours of the week of one group of incidents.

    Parameters
    ----------
    found
        The hotspots of a term.
    group
        ``all``, a category or a level.

    Returns
    -------
    Chart
        A heat map, the worst window outlined where it stands out.
    """
    week = found.hours.week(group)
    values, exposure = (week[name].to_numpy().reshape(7, 24) for name in ("rate_per_1000_h", "school_hours"))
    high = found.hours.high
    mine = high[high["group"] == group]
    window = None
    if len(mine):
        row = mine.iloc[0]
        days = tuple(DAY_NAMES.index(day) for day in str(row["weekdays"]).split(";"))
        window = (days, int(row["start_hour"]), int(row["end_hour"]))
    unit = f"{POPULATIONS['reported']} per 1,000 school-hours"
    title = f"{GROUP_NAMES.get(group, group)}: {unit}"
    svg = heat_map(values, exposure, title=title, unit=unit, window=window)
    return Chart(svg, title)


def hours_finding(found: Hotspots) -> str:
    """Say in one line which hours stand out."""
    hours = found.spots[found.spots["kind"] == "hours"]
    windows = found.hours.windows
    if hours.empty:
        every = windows[windows["group"] == "all"]
        if every.empty or every["status"].iloc[0] == "insufficient_data":
            return every["sentence"].iloc[0] if len(every) else "No hours can be compared: no school is in session."
        judged = windows[windows["status"] != "insufficient_data"]
        return (
            f"In {found.term} no hours in session clearly had more {POPULATIONS['reported']} than the others: "
            f"{count_text(len(judged), 'group')} of calls could be judged, of {len(windows)}."
        )
    more = len(hours) - 1
    rest = (
        f" {count_text(more, 'more group')} of calls {'has' if more == 1 else 'have'} hours of their own."
        if more
        else ""
    )
    return f"{hours['sentence'].iloc[0]}{rest}"


# ── The page of what rose, fell, came, stayed and went

CHANGES = {
    "rose": "rose",
    "fell": "fell",
    "no clear change": "not clearly more than chance",
    "insufficient_data": "too few to compare",
}
"""How a rate changed (`term_change`), and its name in print."""

_CLASSES = {
    "persistent": "high, as in the term before",
    "emerging": "high, for the first time on record",
    "sporadic": "high, as in some earlier term but not the last",
    "fading": "no longer high",
}


def trend_tables(result: TermResult) -> OfflinePage:
    """Print what rose, fell, came, stayed and went."""
    found, trends = result.hotspots, result.hotspots.trends
    if result.history.empty:
        return nothing_page("Rises and falls", NO_RECORD, result)
    names = result.district.schools.set_index("school_id")["name"].astype("str").to_dict()
    notes = [
        trends.left_out_sentence(),
        (
            "High is what the test of a term says of a school beside the others of its level in that term. Rising and "
            "falling compare a school with itself over all terms. Change compares two terms. One does not follow from "
            "another."
        ),
        "Only changes with q ≤ 0.05 after looking at all schools, or all zones, are called a rise or a fall.",
        "Schools are counted in their zones of today in all terms.",
    ]
    content = PageContent(
        title="Rises and falls",
        finding=trends_finding(found),
        tables=[
            _class_table(trends.classes, names),
            _trend_table(trends.trends, names),
            *_change_tables(found, zone_names(result.district.zones), names),
        ],
        notes=[note for note in notes if note],
    )
    return chart_page(content, context=context_of(result, about="hotspots"))


def _class_table(classes: pd.DataFrame, names: Mapping[str, str]) -> DataTable:
    """Print the schools that are or were high, by how that came about."""
    order = {name: place for place, name in enumerate(_CLASSES)}
    shown = classes[classes["class"].isin(list(order))].assign(_order=lambda t: t["class"].map(order))
    columns = (
        Column("School", "school_id", _named(names)),
        Column("What became of it", "class", _CLASSES.__getitem__),
        Column("High in", "flagged_terms", _listed),
    )
    ordered = shown.sort_values(["_order", "school_id"], kind="stable")
    return printed(ordered, columns, caption="Schools that are or were high, by the test of each term")


def _trend_table(trends: pd.DataFrame, names: Mapping[str, str]) -> DataTable:
    """Print the schools that rose or fell over the terms."""
    shown = trends[trends["class"].isin(["rising", "falling"])].sort_values(["class", "q_value"], kind="stable")
    columns = (
        Column("School", "school_id", _named(names)),
        Column("Trend", "class", str.capitalize),
        Column("Last term over first", "ratio_first_last", fixed(2, " ×")),
        Column("Reported calls, all terms", "incidents", count),
        Column("q", "q_value", chance),
    )
    caption = f"Schools that rose or fell over all terms against the schools of their level: {POPULATIONS['reported']}"
    return printed(shown, columns, caption=caption)


def _change_tables(found: Hotspots, zones: Mapping[str, str], schools: Mapping[str, str]) -> Iterator[DataTable]:
    """Print the changes against each baseline: of all that the board packet counts, then of reported calls."""
    trends = found.trends
    both = pd.concat(
        [trends.change_all.rename(columns={EVERYWHERE: "zone_id"}), trends.change_zones], ignore_index=True
    )
    calls = (
        f"{POPULATIONS['calls']} (officer-initiated too) per school day at schools in a zone, as the board packet "
        "counts them"
    )
    reported = f"{POPULATIONS['reported']} per 1,000 student-days at schools with a known enrollment"
    parts = (
        ("calls", calls, both, "Zone", {**zones, EVERYWHERE: "All zones"}),
        ("reported", reported, both, "Zone", {**zones, EVERYWHERE: "All program schools"}),
        ("reported", reported, trends.change_schools, "School", schools),
    )
    for population, counted, changes, head, names in parts:
        key = f"{head.lower()}_id"
        for baseline, before in trends.baselines.items():
            rows = changes[(changes["baseline"] == baseline) & (changes["population"] == population)]
            known = rows[rows["direction"] != "insufficient_data"].sort_values(["p_value", key], kind="stable")
            columns = (
                Column(head, key, lambda group, names=names: names.get(group, str(group) or IN_NO_ZONE)),
                Column(before, "incidents_before", count),
                Column(found.term, "incidents_after", count),
                Column("Ratio of rates (95 %)", ("ratio", "ratio_low", "ratio_high"), ranged),
                Column("q", "q_value", chance),
                Column("Change", "direction", CHANGES.__getitem__),
            )
            caption = f"{found.term} against {BASELINES[baseline]} ({before}), by {head.lower()}: {counted}"
            yield printed(known, columns, caption=caption)


def trends_finding(found: Hotspots) -> str:
    """Say in one line what rose, fell, came and stayed."""
    trends, classes = found.trends.trends, found.trends.classes
    number = classes["class"].value_counts()
    parts = [
        f"{count_text(int(number[name]), 'school')} {words}"
        for name, words in {
            "persistent": "high, as in the term before",
            "emerging": "high for the first time on record",
            "sporadic": "high as in some earlier term",
            "fading": "no longer high",
        }.items()
        if number.get(name, 0)
    ]
    judged = int((trends["class"] != "insufficient_data").sum())
    if judged:
        ways = [f"{int((trends['class'] == way).sum()) or 'none'} {way}" for way in ("rising", "falling")]
        parts.append(
            f"of the {count_text(judged, 'school')} with enough calls over all terms, {' and '.join(ways)} against the "
            "schools of the level"
        )
    else:
        parts.append("too few terms or calls to tell a trend of any school")
    sentences = [f"{found.term}: {'; '.join(parts)}.", *_changes_text(found), found.trends.left_out_sentence()]
    sentences.append(found.trends.zones_sentence())
    return " ".join(sentence for sentence in sentences if sentence)


def _changes_text(found: Hotspots) -> list[str]:
    """Say how all schools together changed, against each baseline."""
    rows = found.trends.change_all
    return [
        f"Against {BASELINES[row['baseline']]}, {row['sentence']}"
        for row in rows[rows["population"] == "reported"].to_dict("records")
    ]


# ── Layers of the hotspot maps: areas with their findings, cells of a grid, a picture of density, schools by status

_DECIMALS = 6
_PICTURE_RGB = (122, 0, 25)
_STRONGEST = 200


# Areas with their findings (`area_features`), cells of a grid (`cell_features`), a picture over the map
# (`density_picture`).
_layer = partial(DataElement, scripts=(*VECTORS, "js/hotspots.js"))


def area_features(
    areas: gpd.GeoDataFrame,
    *,
    kind: Callable[[Any], str],
    label: Callable[[Any], str],
    facts: Callable[[Any], list[str]],
) -> dict[str, Any]:
    """Make features of areas."""
    shapes = small_geometries(areas.geometry.to_numpy())
    rows = areas.drop(columns="geometry").itertuples(index=False)
    return features_of(shapes, ({"kind": kind(row), "label": label(row), "facts": facts(row)} for row in rows))


def cell_features(
    cells: gpd.GeoDataFrame, *, fills: Sequence[str | None], facts: Callable[[Any], list[str]]
) -> dict[str, Any]:
    """Make features of the cells of a grid."""
    shapes = small_geometries(cells.geometry.to_numpy())
    rows = cells.drop(columns="geometry").itertuples(index=False)
    return features_of(
        shapes,
        (
            {"fill": fill, "is_hot": bool(row.is_hot), "facts": facts(row)}
            for row, fill in zip(rows, fills, strict=True)
        ),
    )


def status_marks(
    schools: gpd.GeoDataFrame, status: Mapping[str, str], sentences: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Make marks of the schools by what their test says."""
    located = schools[has_place(schools) & schools["school_id"].isin(status)]
    points = located.geometry.representative_point()
    order = list(STATUS_MARKS)
    marks = []
    for school_id, name, point in zip(located["school_id"], located["name"], points, strict=True):
        word = status[school_id]
        shape, color = STATUS_MARKS[word]
        facts = [str(name), HOTSPOT_STATUSES[word].capitalize(), sentences[school_id]]
        mark = {"at": [round(point.x, _DECIMALS), round(point.y, _DECIMALS)], "shape": shape, "color": color}
        marks.append((order.index(word), {**mark, "has_ring": False, "facts": facts}))
    return [mark for _, mark in sorted(marks, key=lambda pair: -pair[0])]


def density_picture(values: NDArray[np.float64], bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    """Make a picture of density, one color from clear to full; the first row lies in the south."""
    highest = float(values.max()) or 1.0
    # The square root keeps the foot of a peak visible.
    alpha = (np.sqrt(np.clip(values, 0, None) / highest) * _STRONGEST).astype(np.uint8)[::-1]
    pixels = np.empty((*alpha.shape, 4), dtype=np.uint8)
    pixels[..., :3], pixels[..., 3] = _PICTURE_RGB, alpha
    west, south, east, north = (round(b, _DECIMALS) for b in bounds)
    image = base64.b64encode(_png(pixels)).decode()
    return {"url": f"data:image/png;base64,{image}", "bounds": [[south, west], [north, east]]}


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Write an image of 8-bit red, green, blue and alpha (PNG, ISO/IEC 15948)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")
