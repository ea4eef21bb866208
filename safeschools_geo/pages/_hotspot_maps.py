"""The hotspot maps of a term: each with its one-line finding, from the term's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.hotspots import BASELINES, DAY_NAMES, EVERYWHERE, GROUP_NAMES, MOST_PLACES, counted_text
from safeschools_geo.pages._charts import bar_intervals, funnel_chart, heat_map
from safeschools_geo.pages._hotspots import (
    IN_NO_ZONE,
    DensityImage,
    cells_page,
    change_table,
    class_table,
    hotspots_page,
    hours_page,
    trend_table,
    trends_page,
)
from safeschools_geo.pages._page import Chart
from safeschools_geo.pages._term import context_of, layers_of
from safeschools_geo.schemas import LEVELS, POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.hotspots import Hotspots
    from safeschools_geo.pages._page import DataTable, OfflinePage
    from safeschools_geo.results import TermResult


_RATE = f"{POPULATIONS['reported'].capitalize()} per 1,000 student-days"
_HOUR_RATE = f"{POPULATIONS['reported']} per 1,000 school-hours"


def draw_hotspots(result: TermResult, *, tiles: bool = False) -> dict[str, tuple[OfflinePage, str]]:
    """Draw every hotspot page of a term.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles, which the pages then ask the network for.

    Returns
    -------
    dict
        Name of the file → page and finding.
    """
    return {
        "hotspots.html": (hotspot_map(result, tiles=tiles), result.hotspots.finding()),
        "hours.html": (hour_charts(result), hours_finding(result.hotspots)),
        "trends.html": (trend_tables(result), trends_finding(result.hotspots)),
        "grid.html": (grid_map(result, tiles=tiles), result.hotspots.places.grid.summary()),
    }


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
    found = result.hotspots
    groups = found.schools.groups.table
    return hotspots_page(
        **layers_of(result),
        schools=result.district.schools,
        rates=found.schools.rates.table,
        groups=groups[groups["status"].isin(["high", "rests_on_officer_initiated"])],
        clusters=found.places.clusters.clusters.head(MOST_PLACES),
        spots=found.spots,
        summaries=[("Level", found.schools.by_level), ("Zone", found.schools.by_zone)],
        charts=[school_funnel(found), zone_rates(result)],
        finding=found.finding(),
        notes=[note for note in (result.no_zone_sentence(), *_trust(found), *_reading(found)) if note],
        context=context_of(result, about="hotspots"),
        tiles=tiles,
    )


def grid_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw the grid of incidents over a picture of their density.

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
    places = result.hotspots.places
    density = places.density
    return cells_page(
        **layers_of(result),
        cells=places.grid.cells,
        measure=places.grid.measure,
        population=places.grid.population,
        density=None if density is None else DensityImage(density.values, density.bounds),
        finding=places.grid.summary(),
        notes=[
            (
                "Where cells are drawn decides part of what they show: trust a hot cell by the share of shifted grids "
                "in which it stays hot, and the tests of schools before it."
            ),
            "The shading behind the cells is a picture of density. It is no test, and follows where people are.",
            *([places.repeats.summary()] if places.repeats is not None else []),
            *_piles(result.hotspots),
        ],
        context=context_of(result, about="hotspots"),
        tiles=tiles,
    )


def hour_charts(result: TermResult) -> OfflinePage:
    """Draw the hours of the week."""
    hours = result.hotspots.hours
    shown = ["all", *(g for g in hours.high["group"] if g != "all")]
    left_out = (
        [f"Left out: {counted_text(hours.without_time)} without a known time of day."] if hours.without_time else []
    )
    return hours_page(
        charts=[hour_chart(result.hotspots, group) for group in shown],
        windows=hours.windows,
        hours=hours.week(),
        days=DAY_NAMES,
        finding=hours_finding(result.hotspots),
        notes=[
            (
                "Reported calls for zone officers are divided by the hours in which schools are in session: a quiet "
                "hour is not quiet because few schools are open. An incident that was found later is spread over the "
                "hours in which it may have happened."
            ),
            *left_out,
        ],
        context=context_of(result, about="hotspots"),
    )


def trend_tables(result: TermResult) -> OfflinePage:
    """Print what rose, fell, came, stayed and went."""
    found = result.hotspots
    names = result.district.schools.set_index("school_id")["name"].astype("str").to_dict()
    zones = result.district.zones.set_index("zone_id")["name"].astype("str").to_dict()
    trends = found.trends
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
    return trends_page(
        printed=[
            class_table(trends.classes, names=names),
            trend_table(trends.trends, names=names),
            *_change_tables(found, zones, names),
        ],
        finding=trends_finding(found),
        notes=[note for note in notes if note],
        context=context_of(result, about="hotspots"),
    )


def _change_tables(found: Hotspots, zones: dict[str, str], schools: dict[str, str]) -> list[DataTable]:
    """Print the changes against each baseline: of all that the board packet counts, then of reported calls."""
    trends = found.trends
    both = pd.concat(
        [trends.change_all.rename(columns={EVERYWHERE: "zone_id"}), trends.change_zones], ignore_index=True
    )
    counted = {
        "calls": f"{POPULATIONS['calls']} (officer-initiated too) per school day at schools in a zone, as the board "
        "packet counts them",
        "reported": f"{POPULATIONS['reported']} per 1,000 student-days at schools with a known enrollment",
    }
    parts = [
        ("calls", both, "zone_id", "Zone", {**zones, EVERYWHERE: "All zones"}),
        ("reported", both, "zone_id", "Zone", {**zones, EVERYWHERE: "All program schools"}),
        ("reported", trends.change_schools, "school_id", "School", schools),
    ]
    printed = []
    for population, changes, key, head, names in parts:
        for baseline, before in trends.baselines.items():
            rows = changes[(changes["baseline"] == baseline) & (changes["population"] == population)]
            caption = f"{found.term} against {BASELINES[baseline]} ({before}), by {head.lower()}: {counted[population]}"
            printed.append(
                change_table(rows, caption=caption, key=key, head=head, names=names, terms=(before, found.term))
            )
    return printed


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
        "with, are not drawn. Between the inner lines lie 95 % of ordinary schools, between the outer 99.8 %."
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
    zones = result.district.zones.set_index("zone_id")["name"].astype("str").to_dict()
    rows = pd.concat(
        [
            _interval_rows(schools.by_level, LEVELS),
            _interval_rows(schools.by_zone, {**zones, "": IN_NO_ZONE}),
        ],
        ignore_index=True,
    )
    title = f"{_RATE}, by level and by zone, with 95 % intervals"
    return Chart(
        bar_intervals(rows, title=title, unit="per 1,000 student-days", reference=_district_rate(schools.by_level)),
        title,
    )


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
    title = f"{GROUP_NAMES.get(group, group)}: {_HOUR_RATE}"
    svg = heat_map(values, exposure, title=title, unit=_HOUR_RATE, window=window)
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


def trends_finding(found: Hotspots) -> str:
    """Say in one line what rose, fell, came and stayed."""
    trends, classes = found.trends.trends, found.trends.classes
    number = classes["class"].value_counts()
    told = [
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
        told.append(
            f"of the {count_text(judged, 'school')} with enough calls over all terms, {' and '.join(ways)} against the "
            "schools of the level"
        )
    else:
        told.append("too few terms or calls to tell a trend of any school")
    sentences = [f"{found.term}: {'; '.join(told)}.", *_changes_told(found), found.trends.left_out_sentence()]
    return " ".join(sentence for sentence in sentences if sentence)


def _changes_told(found: Hotspots) -> list[str]:
    """Say how all schools together changed, against each baseline."""
    rows = found.trends.change_all
    return [
        f"Against {BASELINES[row['baseline']]}, {row['sentence']}"
        for row in rows[rows["population"] == "reported"].to_dict("records")
    ]


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


def _trust(found: Hotspots) -> list[str]:
    return [found.backtest.summary()]


def _reading(found: Hotspots) -> Sequence[str]:
    rates = found.schools.rates
    share = found.zone_shares[found.zone_shares["workload_inside_h"] > 0]
    inside = [
        f"{row['inside_share']:.0%} of the load of Zone {row['zone_id']} lies inside groups that are high."
        for row in share.to_dict("records")
    ]
    return [
        rates.summary(),
        *(
            [
                (
                    "Schools ordinarily differ: the variance of what is their own is estimated at "
                    f"{rates.ordinary.dispersion:.2f}, from all terms so far, and every test allows for it."
                )
            ]
            if len(rates.ordinary.expected)
            else []
        ),
        *inside,
        *_piles(found),
    ]


def _piles(found: Hotspots) -> list[str]:
    piles = found.places.piles
    if piles.empty:
        return []
    named = name_ids(f"{n:,} at {y:.5f}, {x:.5f}" for x, y, n in piles.itertuples(index=False, name=None))
    told = f"Left out of places: {count_text(len(piles), 'pile')} of equal coordinates that are no school ({named})"
    return [f"{told}, as a geocoder gives when it finds nothing."]
