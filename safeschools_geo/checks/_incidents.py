"""Incidents: their times, what the history leaves out, and where it piles up."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import shapely

from safeschools_geo.checks._places import AWAY_M, FAR_M, classify_coordinates, find_piles, pile_of
from safeschools_geo.checks._polygons import part_text, report_rows
from safeschools_geo.errors import count_text
from safeschools_geo.findings import Finding
from safeschools_geo.schemas import CRITICAL_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from safeschools_geo.settings import Settings, Term


# ── Times of incidents: in order, within the terms, and not all at midnight

IN_ORDER = ("received_at", "dispatched_at", "arrived_at", "cleared_at")
"""A call's moments in the order in which they come."""

LATEST_DAYS = 366
"""Days after the last term from which a date is taken for a slip."""

EARLIEST_YEARS = 30
"""Years before the first term beyond which a date is taken for a slip."""

MIDNIGHT_TIMES = 3.0
"""How many times as many incidents at midnight as at the full hours around it are a pile."""

_FEWEST_AT_MIDNIGHT = 10
_SHORTEST_SILENCE_DAYS = 14
_SURPRISE = 0.001
_MANY = 0.2


def check_times(incidents: gpd.GeoDataFrame, terms: Sequence[Term], *, time_zone: str = "UTC") -> list[Finding]:
    """Check the times of incidents."""
    today = dt.datetime.now(tz=ZoneInfo(time_zone)).date()
    return [
        *check_order(incidents),
        *check_hours(incidents),
        *check_midnight(incidents),
        *check_terms(incidents, terms, today=today),
    ]


def check_order(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Find moments that come before those they should follow."""
    columns = [c for c in IN_ORDER if c in incidents.columns]
    wrong = {
        f"{later} before {earlier}": incidents[later] < incidents[earlier]
        for earlier, later in itertools.combinations(columns, 2)
    }
    counts = ", ".join(f"{name}: {int(rows.sum()):,}" for name, rows in wrong.items() if rows.any())
    is_wrong = pd.DataFrame(wrong, index=incidents.index).any(axis=1)
    has_span = "occurred_to" in incidents.columns
    reversed_ids = incidents["incident_id"][incidents["occurred_to"] < incidents["occurred_at"]] if has_span else ()
    return [
        *report_rows(
            incidents["incident_id"][is_wrong],
            "warning",
            "times_out_of_order",
            "incidents",
            f"{count_text(int(is_wrong.sum()), 'incident')} with moments out of order ({counts}).",
            expected="received, dispatched, arrived, cleared, in this order",
            remedy="Correct them in the export; minutes on scene that come out negative are not used.",
        ),
        *report_rows(
            reversed_ids,
            "warning",
            "span_reversed",
            "incidents",
            f"{count_text(len(reversed_ids), 'incident')} with an end before the beginning.",
            expected="occurred_to at or after occurred_at",
            remedy="Correct them in the export, or see whether the two columns are exchanged.",
        ),
    ]


def check_hours(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Count incidents without a time of day."""
    timeless = incidents["incident_id"][~incidents["has_time"]]
    return report_rows(
        timeless,
        "warning" if len(timeless) > _MANY * len(incidents) else "note",
        "incident_no_time",
        "incidents",
        f"{part_text(len(timeless), len(incidents), 'incident')} with a date but no time of day.",
        expected="a time of day for every incident",
        remedy="Export the time; without it an incident is in no hour, and its program hours are not known.",
    )


def check_midnight(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Find out whether midnight stands for "not known".

    Parameters
    ----------
    incidents
        Table `incidents`.

    Returns
    -------
    list of Finding
        One, or none. Incidents at exactly 00:00:00 are compared with the mean of those at exactly 22, 23, 1 and 2
        o'clock, so that a habit of writing full hours is not taken for it.
    """
    timed = incidents[incidents["has_time"]]
    wall = timed["occurred_at"].dt.tz_localize(None)
    is_full_hour = wall == wall.dt.floor("h")
    at_hour = wall[is_full_hour].dt.hour.value_counts().reindex(range(24), fill_value=0)
    usual = at_hour[[22, 23, 1, 2]].mean()
    midnight = timed["incident_id"][is_full_hour & (wall.dt.hour == 0)]
    is_pile = len(midnight) >= _FEWEST_AT_MIDNIGHT and len(midnight) > MIDNIGHT_TIMES * usual
    return report_rows(
        midnight if is_pile else (),
        "warning",
        "midnight_pile_up",
        "incidents",
        f"{count_text(len(midnight), 'incident')} at exactly midnight; the full hours around it "
        f"have {usual:,.0f} on average.",
        expected="times of day as they were",
        remedy="If midnight stands for an unknown time, set `midnight_is_unknown = true` under [incidents].",
    )


def check_terms(incidents: gpd.GeoDataFrame, terms: Sequence[Term], *, today: dt.date) -> list[Finding]:
    """Lay the history beside the terms.

    Terms without incidents: an error, since nothing can be concluded about them. Terms silent at their beginning or
    end; incidents outside all terms; dates that are hard to believe, measured against the terms and not against
    today.
    """
    if not terms:
        return report_rows(
            ["terms"],
            "warning",
            "no_terms",
            "settings",
            "The settings name no term, so no term can be run.",
            expected="at least one [[terms]] with name, start and end",
            remedy="Add it to district.toml.",
        )
    day = incidents["occurred_at"].dt.tz_localize(None).dt.normalize()
    return [
        *(finding for term in terms for finding in _of_term(day, term, today)),
        *_outside_terms(incidents, day, terms),
        *_unlikely_dates(incidents, day, terms),
    ]


def _of_term(day: pd.Series, term: Term, today: dt.date) -> Iterator[Finding]:
    start, end = pd.Timestamp(term.start), pd.Timestamp(term.end)
    days = day[(day >= start) & (day <= end)]
    if days.empty:
        yield from report_rows(
            [term.name],
            "error" if term.start <= max(today, day.max().date()) else "note",
            "term_without_incidents",
            "incidents",
            f"The record holds no incident of the term {term.name}; it runs from {day.min():%Y-%m-%d} to "
            f"{day.max():%Y-%m-%d}. Nothing is concluded about that term: it cannot be run, and trends and comparisons "
            "leave it out.",
            expected=f"incidents from {term.start} to {term.end}",
            remedy="Add the export of that term, or correct its dates in district.toml.",
        )
        return
    silences = {"begins": days.min() - start, "ends": end - days.max()}
    length = (end - start).days + 1
    for side, silence in silences.items():
        # If incidents were spread evenly, all of them would miss these days with this probability.
        is_surprise = (1 - silence.days / length) ** len(days) < _SURPRISE
        if silence.days >= _SHORTEST_SILENCE_DAYS and is_surprise:
            yield from report_rows(
                [term.name],
                "warning",
                "term_partly_silent",
                "incidents",
                f"The term {term.name} {side} with {silence.days} days without incidents; the rest has {len(days):,}.",
                expected=f"incidents from {term.start} to {term.end}",
                remedy="See whether the export covers the whole term, or whether school was out.",
            )


def _outside_terms(incidents: gpd.GeoDataFrame, day: pd.Series, terms: Sequence[Term]) -> list[Finding]:
    is_out = ~pd.concat([day.between(pd.Timestamp(t.start), pd.Timestamp(t.end)) for t in terms], axis=1).any(axis=1)
    before = int((day < pd.Timestamp(terms[0].start)).sum())
    after = int((day > pd.Timestamp(terms[-1].end)).sum())
    between = int(is_out.sum()) - before - after
    parts = {"before the first": before, "between two": between, "after the last": after}
    return report_rows(
        incidents["incident_id"][is_out],
        "note",
        "incident_outside_terms",
        "incidents",
        f"{part_text(int(is_out.sum()), len(incidents), 'incident')} outside every term: "
        f"{', '.join(f'{n:,} {where}' for where, n in parts.items() if n)}.",
        expected="incidents within the terms of district.toml",
        remedy="They are in the history but in no term's counts; add the terms if they should count.",
    )


def _unlikely_dates(incidents: gpd.GeoDataFrame, day: pd.Series, terms: Sequence[Term]) -> list[Finding]:
    latest = pd.Timestamp(terms[-1].end) + pd.Timedelta(days=LATEST_DAYS)
    earliest = pd.Timestamp(terms[0].start) - pd.DateOffset(years=EARLIEST_YEARS)
    is_odd = (day > latest) | (day < earliest)
    odd = day[is_odd]
    span = f"{odd.min():%Y-%m-%d} to {odd.max():%Y-%m-%d}" if len(odd) else ""
    return report_rows(
        incidents["incident_id"][is_odd],
        "warning",
        "incident_date_unlikely",
        "incidents",
        f"{count_text(len(odd), 'incident')} with dates that are hard to believe, {span}.",
        expected=f"dates between {earliest:%Y-%m-%d} and {latest:%Y-%m-%d}",
        remedy="Correct the dates in the export, or add the terms they belong to.",
    )


# ── Incidents: what the history says, what it leaves out, and where it piles up

MOST_PILES = 5
"""Piles that get a finding of their own; the rest share one."""

_INCIDENTS_MANY = 0.05
_AT_SCHOOL_M = 50.0
_MOST = 0.5
_NEARLY_ALL = 0.99


def check_incidents(
    incidents: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    *,
    settings: Settings,
    crs: CRS,
    terms: Sequence[Term] | None = None,
    district: gpd.GeoSeries | None = None,
    on_part: Callable[[str], None] = lambda _: None,
) -> list[Finding]:
    """Check the history of incidents.

    Parameters
    ----------
    incidents
        Table `incidents`, EPSG:4326.
    schools
        Table `schools`, EPSG:4326.
    settings
        Settings of the district.
    crs
        Projected CRS in meters to measure in.
    terms
        Terms of the district; those of the settings if left out.
    district
        Zones and boundary of the district, EPSG:4326; places are not held against them if left out.
    on_part
        Called with what is checked next.

    Returns
    -------
    list of Finding
        All faults; none for a clean history, nor for an empty one, of which reading has told.
    """
    if incidents.empty:
        return []
    known, zone = settings.terms if terms is None else terms, settings.district.time_zone
    checks: dict[str, Callable[[], list[Finding]]] = {
        "times": lambda: check_times(incidents, known, time_zone=zone),
        "places": lambda: check_places(incidents),
        "places outside the district": lambda: [] if district is None else check_outside(incidents, district),
        "piles": lambda: check_piles(incidents, schools, pile_up=settings.incidents.pile_up, crs=crs),
        "categories": lambda: check_categories(incidents),
        "responders": lambda: check_responders(incidents),
        "schools": lambda: [
            *check_schools_seen(incidents, schools),
            *check_unnamed(incidents, schools, nearest_school_m=settings.incidents.nearest_school_m, crs=crs),
        ],
    }
    found: list[Finding] = []
    for name, check in checks.items():
        on_part(f"{count_text(len(incidents), 'incident')}, their {name}")
        found += check()
    return found


def check_places(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Count incidents without coordinates."""
    is_bare = ~_has_place(incidents)
    has_school = incidents["school_id"].notna().to_numpy()
    ids, total = incidents["incident_id"], len(incidents)
    by_school, nowhere = ids[is_bare & has_school], ids[is_bare & ~has_school]
    return [
        *report_rows(
            by_school,
            "note",
            "incident_placed_by_school",
            "incidents",
            f"{part_text(len(by_school), total, 'incident')} without usable coordinates, placed at their school.",
            expected="coordinates for every incident",
            remedy="Nothing needs doing if the schools are right.",
        ),
        *report_rows(
            nowhere,
            "error"
            if len(nowhere) >= _NEARLY_ALL * total
            else "warning"
            if len(nowhere) > _INCIDENTS_MANY * total
            else "note",
            "incident_no_location",
            "incidents",
            f"{part_text(len(nowhere), total, 'incident')} with neither usable coordinates nor a known school, and so "
            "on no map and in no zone.",
            expected="coordinates or a school for every incident",
            remedy="Export the addresses' coordinates, or the names of the schools.",
        ),
    ]


def check_outside(incidents: gpd.GeoDataFrame, district: gpd.GeoSeries) -> list[Finding]:
    """Find exports that lie mostly outside the district."""
    shape = shapely.union_all(district.to_numpy())
    bounds = shapely.bounds(incidents.geometry.to_numpy())
    has_place = np.isfinite(bounds).all(axis=1)
    has_school = incidents["school_id"].notna().to_numpy()
    shapely.prepare(shape)
    is_out = has_place & ~has_school & ~shapely.intersects_xy(shape, bounds[:, 0], bounds[:, 1])
    is_far = is_out & (classify_coordinates(incidents.geometry, district) != "ok").to_numpy()
    places = pd.DataFrame({"known": has_place | has_school, "out": is_out, "far": is_far}, index=incidents.index)
    findings = []
    for file, rows in places.groupby(incidents["source_file"], sort=True):
        known, out, far = (int(rows[name].sum()) for name in ("known", "out", "far"))
        if out <= _MOST * known:
            continue
        is_elsewhere = far > _MOST * out
        findings += report_rows(
            incidents["incident_id"][rows.index[rows["out"]]],
            "error" if out >= _NEARLY_ALL * known else "warning",
            "export_outside_district",
            "incidents",
            f"{part_text(out, known, 'incident')} of {file} outside the district and at none of its schools, {far:,} "
            f"of them more than {FAR_M / 1000:.0f} km away; {known - out:,} are left. "
            + (
                "That is what coordinates in another CRS, or another place's export, look like."
                if is_elsewhere
                else "That is what an export of the whole county or city looks like."
            ),
            expected="incidents in the district or at its schools",
            remedy="See whether `crs` under [incidents] is that of the export, and whether the export is this "
            "district's."
            if is_elsewhere
            else "Keep the district's own calls with a pattern for one of the export's columns under [incidents.keep], "
            "such as its agency or beat; if all are meant, correct the zones.",
        )
    return findings


def check_piles(incidents: gpd.GeoDataFrame, schools: gpd.GeoDataFrame, *, pile_up: int, crs: CRS) -> list[Finding]:
    """Find places, away from every school, where incidents pile up, as a geocoder's default does."""
    piles = find_piles(incidents.geometry, schools.geometry, smallest=pile_up, crs=crs)
    pile, ids = pile_of(incidents.geometry, piles).to_numpy(), incidents["incident_id"].to_numpy()
    spots = [(float(x), float(y)) for x, y in zip(piles["x"], piles["y"], strict=True)]
    order = np.argsort(pile, kind="stable")
    ends = np.searchsorted(pile[order], np.arange(len(piles) + 1))
    members = [ids[order[first:last]] for first, last in itertools.pairwise(ends)]
    findings = [_pile(members[i], spots[i]) for i in range(min(MOST_PILES, len(spots)))]
    return [*findings, *_more_piles(members[MOST_PILES:], spots[MOST_PILES:])]


def check_categories(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Name the critical categories that never occur."""
    seen = set(incidents["category"].unique())
    never = [c for c in CRITICAL_CATEGORIES if c not in seen]
    return report_rows(
        never,
        "note",
        "category_never_seen",
        "incidents",
        f"{len(never)} of the {len(CRITICAL_CATEGORIES)} critical categories never occur: "
        f"{', '.join(CRITICAL_CATEGORIES[c] for c in never)}.",
        expected="every critical category in a long history",
        remedy="See whether crosswalk.csv leads to them, and whether the export leaves such calls out.",
    )


def check_responders(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Count incidents of which nobody says who came."""
    cells = incidents.get("responder")
    expected = "zone_officer, backup_officer, patrol or specialist"
    remedy = "Map the export's values under [incidents.responders]; without them backup is not counted."
    if cells is None or cells.isna().all():
        message = f"The export does not say who came to any of its {count_text(len(incidents), 'incident')}."
        return [Finding("note", "responder_unknown", "incidents", message, expected=expected, remedy=remedy)]
    unknown = incidents["incident_id"][cells.isna()]
    message = f"{part_text(len(unknown), len(incidents), 'incident')} without a known responder."
    return report_rows(unknown, "note", "responder_unknown", "incidents", message, expected=expected, remedy=remedy)


def check_schools_seen(incidents: gpd.GeoDataFrame, schools: gpd.GeoDataFrame) -> list[Finding]:
    """Name the program schools at which nothing ever happened."""
    members = schools["school_id"][schools["in_program"]]
    quiet = members[~members.isin(incidents["school_id"].dropna())]
    is_all = len(quiet) == len(members)
    return report_rows(
        quiet,
        "warning" if is_all else "note",
        "school_without_incidents",
        "incidents",
        "No incident is known to have happened at a program school."
        if is_all
        else f"{count_text(len(quiet), 'program school', of=len(members))} without an incident in all the history.",
        expected="some incidents at every school over the years",
        remedy="See whether the export names these schools differently, or says nothing of schools; then set "
        "`nearest_school_m` under [incidents], or map the names.",
    )


def check_unnamed(
    incidents: gpd.GeoDataFrame, schools: gpd.GeoDataFrame, *, nearest_school_m: float, crs: CRS
) -> list[Finding]:
    """Count the incidents that lie at a school and are tied to none, where others are tied to theirs."""
    is_unnamed = incidents["school_id"].isna() & _has_place(incidents)
    places = schools.geometry[~(schools.geometry.isna() | schools.geometry.is_empty)].to_crs(crs).to_numpy()
    named = int(incidents["school_id"].notna().sum())
    if nearest_school_m > 0 or not named or not is_unnamed.any() or not len(places):
        return []
    points = incidents.geometry[is_unnamed].to_crs(crs).to_numpy()
    near = shapely.STRtree(places).query_nearest(points, max_distance=_AT_SCHOOL_M, all_matches=False)[0]
    ids = incidents["incident_id"][is_unnamed].iloc[near]
    return report_rows(
        ids,
        "warning" if len(ids) > _INCIDENTS_MANY * (named + len(ids)) else "note",
        "school_unnamed",
        "incidents",
        f"{count_text(len(ids), 'incident')} within {_AT_SCHOOL_M:.0f} m of a school but tied to none, and so counted "
        f"as off campus; tied to a school: {named:,}.",
        expected="the school of every incident at one",
        remedy="Set `nearest_school_m` under [incidents] if such incidents are at the school.",
    )


def _has_place(incidents: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(shapely.bounds(incidents.geometry.to_numpy())).all(axis=1))


def _pile(ids: np.ndarray, spot: tuple[float, float]) -> Finding:
    return Finding(
        "warning",
        "incident_pile_up",
        "incidents",
        f"{len(ids):,} incidents at one point that is no school.",
        tuple(str(i) for i in ids),
        expected=f"incidents where they happened, or within {AWAY_M:.0f} m of a school",
        remedy="Look the point up: a city hall, a station or the middle of the district is what a geocoder gives when "
        "it finds nothing. Leave such coordinates out of the export.",
        location=spot,
    )


def _more_piles(members: list[np.ndarray], spots: list[tuple[float, float]]) -> list[Finding]:
    ids = np.concatenate(members) if members else np.array([])
    return report_rows(
        ids,
        "warning",
        "incident_pile_up",
        "incidents",
        f"{len(ids):,} incidents at {count_text(len(spots), 'more point')} that are no schools.",
        expected=f"incidents where they happened, or within {AWAY_M:.0f} m of a school",
        remedy="If the export rounds addresses to blocks this is its doing; raise `pile_up` under [incidents].",
        location=spots[0] if spots else None,
    )
