"""The page of patrol coverage: who comes, how soon, who helps out, and where officers wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from safeschools_geo.coverage import WITHIN_ONE_MIN as _WITHIN_MIN
from safeschools_geo.drawing import has_place
from safeschools_geo.errors import count_text
from safeschools_geo.pages._charts import hour_text, hours_chart, reach_chart, staffing_chart
from safeschools_geo.pages._coverage_map import Finder, draw_coverage_map, reach_maps, slowest_zones
from safeschools_geo.pages._map_layers import Drawn
from safeschools_geo.pages._page import (
    MINUTES,
    Chart,
    Column,
    CoverageContent,
    DataTable,
    KeyFigure,
    Section,
    change,
    coverage_document,
    decimal,
    figure,
    interval,
    is_figure,
    level_text,
    missing_notes,
    named,
    printed,
    share,
    whole,
    words,
)
from safeschools_geo.pages._sheets import (
    absence_index,
    absences_finding,
    calls_per_week,
    card_finding,
    dispatch_card,
    posts_of,
)
from safeschools_geo.pages._term import backdrop_of, context_of, new_map, nothing_page, thumbnail
from safeschools_geo.text import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.coverage import CoveragePlan, Figure
    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.results import TermResult

    Names = Mapping[str, str]


def draw_coverage(result: TermResult, *, tiles: bool = False) -> dict[str, tuple[OfflinePage, str]]:
    """Draw the pages of a term's coverage that the index links: name of the file → page and one-line finding."""
    found = result.coverage
    if found.is_empty:
        return {}
    pages = {
        "coverage.html": (coverage_map(result, tiles=tiles), found.finding()),
        "dispatch.html": (dispatch_card(result), card_finding(found)),
    }
    if found.absences:
        pages["absences.html"] = (absence_index(result, found), absences_finding(found))
    return pages


def coverage_map(result: TermResult, *, tiles: bool = False) -> OfflinePage:
    """Draw how soon an officer comes, where officers wait, and what other choices would change.

    Parameters
    ----------
    result
        All results of the term.
    tiles
        Whether to add map tiles.

    Returns
    -------
    OfflinePage
        The page; a notebook shows it inline. Where there is no coverage it says why.
    """
    if result.coverage.is_empty:
        return nothing_page("Patrol coverage", result.coverage.why, result)
    return page_of(result, shown_of(result, result.coverage), tiles=tiles)


# ── What the page shows: tables of the result, without what nothing recorded could bear out

_WEEK = 5.0
_MINUTES_OF = ["response_min", "response_p90_min", "within_share"]
_SHARES_OF_REACH = ["now_share", "best_share", "now_twice_share", "best_twice_share"]
_SHOWN_COLUMNS = [
    *_MINUTES_OF,
    *("in_zone_share", "backup_share", "overflow_share"),
    *("busy_share", "response_low_min", "response_high_min", "mean_response_min", "p90_response_min"),
]


@dataclass(frozen=True, eq=False)
class CoverageShown:
    """What the page shows, as far as it may be reported; `marks` say whose figures are a model's."""

    by_zone: pd.DataFrame
    by_school: pd.DataFrame
    staging: gpd.GeoDataFrame
    reach: pd.DataFrame
    backup: pd.DataFrame
    by_hour: pd.DataFrame
    staffing: pd.DataFrame
    comparison: pd.DataFrame
    validation: pd.DataFrame
    caseload: pd.DataFrame
    reached: pd.DataFrame | None
    finding: str
    statements: Sequence[str]
    notes: Sequence[str]
    figures: Sequence[KeyFigure]
    marks: Names
    assumptions: pd.DataFrame = field(default_factory=pd.DataFrame)
    replayed: pd.DataFrame = field(default_factory=pd.DataFrame)


def shown_of(result: TermResult, found: CoveragePlan) -> CoverageShown:
    """Take what the page shows from the coverage of a term."""
    validation, backup = found.validation, found.backup_table()
    staffing = found.staffing.to_frame()
    staffing = staffing.assign(is_current=staffing["officers"] == found.staffing.current)
    model = [found.model.summary()] if validation.shows_answers else []
    return CoverageShown(
        by_zone=_by_zone(result, found),
        by_school=validation.withheld(_by_school(found), minutes=_MINUTES_OF),
        staging=gpd.GeoDataFrame(validation.withheld(found.staging_points(), minutes=["mean_min"])),
        reach=validation.withheld(_reach(found), minutes=_SHARES_OF_REACH),
        backup=validation.withheld(backup, answers=backup.columns),
        by_hour=validation.withheld(_by_hour(found), minutes=_MINUTES_OF, answers=["overflow_share"]),
        staffing=validation.withheld(
            staffing, minutes=["mean_response_min", "p90_response_min"], answers=["overflow_share"]
        ),
        comparison=pd.DataFrame() if found.comparison is None else found.comparison.to_frame(),
        validation=validation.to_frame(),
        caseload=found.caseload.to_frame(),
        reached=_reached(found) if validation.shows_minutes else None,
        finding=found.finding(),
        statements=(validation.finding(), *found.about(), found.visits.summary().replace("\n", " ")),
        notes=(found.usual_day.queueing.dispatch.summary(), *model),
        figures=_figures(found),
        marks={
            "minutes": validation.mark("response", "response_p90", "within"),
            "answers": validation.mark("own", "backup", "overflow"),
            "all": validation.mark(),
        },
        assumptions=validation.tests,
        replayed=pd.DataFrame() if found.comparison is None else found.replay_table(),
    )


def _by_zone(result: TermResult, found: CoveragePlan) -> pd.DataFrame:
    """Take what the record says of each zone."""
    table = found.to_frame()
    weekly = calls_per_week(found).groupby(found.usual_day.zones).sum()
    zones = result.district.zones.set_index("zone_id")
    recorded = {
        "busy_share": "busy_recorded",
        "response_min": "response_recorded",
        "response_low_min": "response_low",
        "response_high_min": "response_high",
        "response_p90_min": "response_p90_recorded",
        "within_share": "within_recorded",
        "in_zone_share": "own_recorded",
        "backup_share": "backup_recorded",
        "overflow_share": "overflow_recorded",
    }
    return pd.DataFrame(
        {
            "zone_id": table["zone_id"],
            "name": table["zone_id"].map(zones["name"]),
            "officer": table["zone_id"].map(posts_of(found)),
            "schools": table["zone_id"].map(found.usual_day.zones.value_counts()).fillna(0).astype("int64"),
            "calls_per_day": table["zone_id"].map(weekly).fillna(0.0) / _WEEK,
            **{
                name: table[column].astype("float64") if column in table else np.nan
                for name, column in recorded.items()
            },
        }
    )


def _by_school(found: CoveragePlan) -> pd.DataFrame:
    usual_day, places = found.usual_day, found.response.by_place()
    ids = usual_day.zones.index
    schools = usual_day.schools.set_index("school_id")
    return pd.DataFrame(
        {
            "school_id": ids,
            "name": schools.loc[ids, "name"].to_numpy(),
            "level": schools.loc[ids, "level"].to_numpy(),
            "zone_id": usual_day.zones.to_numpy(),
            "calls_per_week": calls_per_week(found).loc[ids].to_numpy(),
            "response_min": places["mean_min"].to_numpy(),
            "response_p90_min": places["p90_min"].to_numpy(),
            # Of all calls, as everywhere: those that go to patrol count as not reached.
            "within_share": places.get(f"within_{_WITHIN_MIN:g}_min_share", pd.Series(float("nan"), places.index))
            * (1.0 - found.model.overflow_share),
        }
    )


def _reach(found: CoveragePlan) -> pd.DataFrame:
    table = found.staging.coverage.set_index(["plan", "officers", "within_min"])
    rows = []
    for within in dict.fromkeys(found.staging.coverage["within_min"]):
        for of, column in (("schools", "places_share"), ("students", "students_share")):
            cells = [table[column].get((plan, n, within)) for n in (1, 2) for plan in ("current", "best")]
            rows.append((within, of, *cells))
    columns = ["within_min", "of", "now_share", "best_share", "now_twice_share", "best_twice_share"]
    return pd.DataFrame(rows, columns=columns)


def _reached(found: CoveragePlan) -> pd.DataFrame:
    """Count the officers within reach of each school, today and from the best points."""
    usual_day = found.usual_day
    points = {
        "now": list(usual_day.waiting_in_schools),
        "best": found.staging.points["point_id"].astype("str").tolist(),
    }
    minutes = usual_day.travel.response_minutes(usual_day.zones.index, usual_day.zones.index)
    near = {kind: (minutes[chosen] <= _WITHIN_MIN).sum(axis=1) for kind, chosen in points.items()}
    return pd.DataFrame(near).rename_axis("school_id").reset_index()


def _by_hour(found: CoveragePlan) -> pd.DataFrame:
    table = found.hours.to_frame()
    minutes = found.usual_day.queueing.dispatch.travel_min
    response = [
        float("nan") if one is None else float((one.dispatch_share * minutes).sum() / one.dispatch_share.sum())
        for one in found.hours.hypercubes
    ]
    return pd.DataFrame(
        {
            "hour": table["hour"],
            "calls_per_h": table["calls_per_h"],
            "busy_share": table["mean_busy_share"],
            "overflow_share": table["overflow_share"],
            "response_min": response,
        }
    )


def _known(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns of minutes and shares in which there is no figure at all."""
    there = [name for name in _SHOWN_COLUMNS if name in table]
    return table.drop(columns=[name for name in there if not table[name].map(is_figure).any()])


def _figures(found: CoveragePlan) -> list[KeyFigure]:
    """Pick the figures that stand large above the page: the record's, with the model's beside them."""
    validation = found.validation
    response, p90, within, patrol, busy = (
        validation.figure(name) for name in ("response", "response_p90", "within", "overflow", "busy")
    )
    shown = []
    if response.is_recorded:
        nine = f"; nine calls of ten within {p90.text}" if p90.is_recorded else ""
        text = f"recorded, {response.interval}{nine}{_caveat(response)}"
        shown.append(KeyFigure("Until an officer is there", response.text, text))
    if within.is_recorded:
        name = f"Calls reached within {_WITHIN_MIN:g} min"
        shown.append(KeyFigure(name, within.text, f"recorded, {within.interval}{_caveat(within)}"))
    if patrol.is_recorded:
        shown.append(KeyFigure("Calls that go to patrol", patrol.text, f"recorded, {patrol.interval}{_caveat(patrol)}"))
    officers = f"{count_text(len(found.usual_day.waiting), 'officer')} on duty"
    if busy.is_recorded:
        more = f"recorded, {busy.interval}{_caveat(busy)}; {officers}"
        shown.append(KeyFigure("Officers busy with calls", busy.text, more))
    else:
        shown.append(
            KeyFigure("Officers busy with calls, by the model", busy.modeled_text, f"not recorded; {officers}")
        )
    return shown


def _caveat(figure: Figure) -> str:
    """Name the model's figure where it fails its check."""
    return f"; the model says {figure.modeled_text} and fails this check" if figure.is_within is False else ""


# ── The page, made of its sections


def page_of(result: TermResult, shown: CoverageShown, *, tiles: bool = False) -> OfflinePage:
    """Draw how the district is covered."""
    zones, schools = result.district.zones, result.district.schools
    by_zone, by_school, by_hour, staffing = map(_known, (shown.by_zone, shown.by_school, shown.by_hour, shown.staffing))
    names = named(by_zone, "name") | named(zones, "name")
    drawn = draw_coverage_map(
        zones,
        schools,
        by_zone=by_zone,
        by_school=by_school,
        staging=shown.staging,
        zone_names=names,
        behind=backdrop_of(result),
    )
    is_warning, caution = coverage_caution(shown.validation)
    model = shown.marks["all"]
    content = CoverageContent(
        title="Patrol coverage",
        finding=shown.finding,
        figures=shown.figures,
        caution=caution,
        is_warning=is_warning,
        statements=[statement for statement in shown.statements if statement],
        legends=drawn.legends,
        picture=drawn.picture,
        finder=drawn.finder,
        sections=[
            *record_sections(shown.validation, names),
            *assumption_sections(shown.assumptions),
            zone_section(by_zone),
            *backup_sections(shown.backup, names, named(by_zone, "officer"), shown.marks["answers"]),
            staging_section(shown.staging, shown.reach, names, _reach_maps(result, shown)),
            hour_section(by_hour, model),
            *([staffing_section(staffing, model)] if len(staffing) else []),
            *plan_sections(shown.comparison, model, shown.replayed),
            specialist_section(shown.caseload),
            *record_sections(shown.validation, names, of_zones=True),
            school_section(by_school, names, shown.marks["minutes"]),
        ],
        notes=[
            *missing_notes(
                {
                    "by_zone": by_zone,
                    "by_school": by_school,
                    "staging": shown.staging,
                    "reach": shown.reach,
                    "by_hour": by_hour,
                    "staffing": staffing,
                    "comparison": shown.comparison,
                    "validation": shown.validation,
                    "caseload": shown.caseload,
                }
            ),
            *_left_off(schools, by_school),
            *shown.notes,
        ],
    )
    chart = new_map("Map of patrol coverage", result, tiles=tiles)
    drawn.layers.add_to(chart)
    Finder(content.found).add_to(chart)
    Drawn().add_to(chart)
    return coverage_document(
        "coverage.html.j2",
        content,
        context=context_of(result),
        chart=chart,
        tiles=tiles,
        thumbnail=thumbnail(zones, drawn.fills),
    )


def _reach_maps(result: TermResult, shown: CoverageShown) -> list[Chart]:
    if shown.reached is None or shown.reached.empty:
        return []
    return reach_maps(result.district.zones, result.district.schools, shown.staging, shown.reached)


def _left_off(schools: gpd.GeoDataFrame, by_school: pd.DataFrame) -> list[str]:
    located = set(schools.loc[has_place(schools), "school_id"].astype("str"))
    number = int((~by_school["school_id"].astype("str").isin(located)).sum())
    if not number:
        return []
    return [f"Not on the map, but in the tables: {count_text(number, 'school')} without a place on record."]


def _zone_text(names: Names, zone: object) -> str:
    return names.get(str(zone), words(zone))


# ── How soon an officer is there, zone by zone and school by school

_WITHIN = Column(f"Within {_WITHIN_MIN:g} min", "within_share", share)
_MEAN = Column("Minutes, mean", "response_min", decimal)
_P90 = Column("Nine calls of ten within", "response_p90_min", decimal)
_BY_ZONE = (
    Column("Zone", "name", words),
    Column("Officer", "officer", words),
    Column("Schools", "schools", whole),
    Column("Calls a day", "calls_per_day", decimal),
    _MEAN,
    Column("95% interval", ("response_low_min", "response_high_min"), partial(interval, written=decimal)),
    _P90,
    _WITHIN,
    Column("Own officer answered", "in_zone_share", share),
    Column("Another zone’s officer", "backup_share", share),
    Column("Went to patrol", "overflow_share", share),
    Column("Officer busy", "busy_share", share),
)


def zone_section(by_zone: pd.DataFrame) -> Section:
    """Print the zones."""
    slowest, names = slowest_zones(by_zone), named(by_zone, "name")
    is_slow = by_zone["zone_id"].astype("str").isin(slowest)
    caption = "Zones, as recorded: minutes until an officer was there, and who answered"
    table = printed(by_zone, _BY_ZONE, caption=caption, marked=is_slow)
    lead = "Every figure is the record’s; where it rests on too few calls there is a dash."
    if slowest:
        minutes = by_zone.loc[by_zone["zone_id"].astype("str") == slowest[0], "response_min"].iloc[0]
        whose = listed([names.get(zone, zone) for zone in slowest])
        has = (
            "has the longest mean response" if len(slowest) == 1 else "have the longest mean response, alike as printed"
        )
        lead += f" {whose} {has}, {decimal(minutes)} minutes."
    return Section("zones", "How soon an officer is there", lead, (), [table])


def school_section(by_school: pd.DataFrame, names: Names, model: str) -> Section:
    """Print the schools, the longest response first."""
    columns = (
        Column("School", "name", words),
        Column("Level", "level", level_text),
        Column("Zone", "zone_id", partial(_zone_text, names)),
        Column("Calls a week", "calls_per_week", partial(decimal, decimals=2)),
        _MEAN,
        _P90,
        _WITHIN,
    )
    lead, caption = "", "Schools: how often they call"
    if "response_min" in by_school.columns:
        lead = f"Too few calls come from a single school for the record to say: minutes are worked out {model}."
        caption = "Schools, by the model: minutes until an officer is there, longest first"
        known = by_school["response_min"].where(by_school["response_min"].map(is_figure).astype("bool"))
        by_school = by_school.loc[known.sort_values(ascending=False, kind="stable", na_position="last").index]
    return Section("schools", "Every school", lead, (), [printed(by_school, columns, caption=caption)])


# ── Who comes when a zone's own officer is busy

BACKUP_EDGES = (0.01, 0.05, 0.1, 0.2)
"""Shares from which a cell of the backup table is a shade darker."""


def backup_sections(backup: pd.DataFrame, names: Names, officers: Names, model: str) -> list[Section]:
    """Print who answers for whom."""
    if not backup.notna().any(axis=None):
        return []
    lead = (
        f"Worked out {model}: the record does not say which officer came. "
        "Read along a row: of the calls from this zone that an officer answers, which officer comes. Cells are darker "
        f"from {', '.join(f'{edge:.0%}' for edge in BACKUP_EDGES)}."
    )
    table = backup_table(backup, names, officers)
    return [Section("backup", "Who comes when a zone’s own officer is busy", lead, (), [table])]


def backup_table(backup: pd.DataFrame, names: Names, officers: Names) -> DataTable:
    """Print who answers the calls of each zone."""
    heads = [officers.get(str(zone), str(zone)) for zone in backup.columns]
    values = backup.to_numpy(dtype="float64").tolist()
    rows = tuple(
        (names.get(str(zone), str(zone)), *map(share, row)) for zone, row in zip(backup.index, values, strict=True)
    )
    shades = {
        (i, j + 1): sum(value >= edge for edge in BACKUP_EDGES)
        for i, row in enumerate(values)
        for j, value in enumerate(row)
        if is_figure(value)
    }
    own = frozenset(
        (i, j + 1)
        for i, zone in enumerate(backup.index)
        for j, officer_zone in enumerate(backup.columns)
        if str(zone) == str(officer_zone)
    )
    caption = (
        "By the model, of the calls of each zone that an officer answers: share of each officer (own officer framed)"
    )
    return DataTable(caption, ("Call from", *heads), rows, shades=shades, bold=own)


# ── Where officers should wait, and what it brings

_REACHED = {"schools": "Schools", "students": "Students"}
_WHEN = ("now", "best")


def staging_section(staging: pd.DataFrame, reach: pd.DataFrame, names: Names, maps: Sequence[Chart] = ()) -> Section:
    """Show where officers should wait, and what it brings."""
    captions = {
        "_share": "By the ways on the map: reached in time by the nearest officer, all officers free",
        "_twice_share": "By the ways on the map: reached in time by a second officer as well",
    }
    charts = [
        Chart(reach_chart(reach, title=caption, ending=ending, who=_REACHED), caption)
        for ending, caption in captions.items()
    ]
    title, waiting = "Where officers should wait", staging_table(staging, names)
    if not reach[_SHARES_OF_REACH].notna().any(axis=None):
        return Section("staging", title, "", (), [waiting])
    lead = "Minutes here are those of the ways on the map, with all officers free: a model’s, not the record’s."
    return Section("staging", title, lead, [*maps, *charts], [_reach_table(reach), waiting])


def _reach_table(reach: pd.DataFrame) -> DataTable:
    order = reach["of"].map({key: place for place, key in enumerate(_REACHED)})
    columns = (
        Column("Reached", ("of", "within_min"), lambda of, within: f"{_REACHED.get(of, of)} within {within:g} min"),
        Column("Now", "now_share", share),
        Column("Best", "best_share", share),
        Column("By a second officer too, now", "now_twice_share", share),
        Column("By a second officer too, best", "best_twice_share", share),
    )
    return printed(
        reach.assign(_order=order).sort_values(["_order", "within_min"], kind="stable"),
        columns,
        caption="Reached in time by the ways on the map while every officer is free, now and from the best points",
    )


def staging_table(staging: pd.DataFrame, names: Names) -> DataTable:
    """Print where officers wait, now and best."""
    frame = pd.DataFrame(staging.drop(columns="geometry", errors="ignore"))
    keys = pd.MultiIndex.from_frame(frame[["zone_id", "officer"]].drop_duplicates())
    sides = [frame[frame["kind"] == kind].set_index(["zone_id", "officer"]) for kind in _WHEN]
    both = pd.concat(
        [
            side[["place_name", "mean_min"]][~side.index.duplicated()].reindex(keys).add_suffix(f"_{kind}")
            for kind, side in zip(_WHEN, sides, strict=True)
        ],
        axis=1,
    ).reset_index()
    minutes = ["mean_min_now", "mean_min_best"]
    columns = (
        Column(
            "Officer",
            ("zone_id", "officer"),
            lambda zone, officer: _zone_text(names, zone) if pd.isna(officer) else str(officer),
        ),
        Column("Zone", "zone_id", partial(_zone_text, names)),
        Column("Waits now at", "place_name_now", words),
        Column("Minutes, mean, now", "mean_min_now", decimal),
        Column("Best place", "place_name_best", words),
        Column("Minutes, mean, best", "mean_min_best", decimal),
    )
    return printed(
        both if both[minutes].notna().any(axis=None) else both.drop(columns=minutes),
        columns,
        caption="Waiting points: where each officer waits, and mean minutes to schools by the ways on the map",
    )


# ── Through the day, and with other numbers of officers

_BY_HOUR = (
    Column("From", "hour", hour_text),
    Column("Calls an hour", "calls_per_h", decimal),
    Column("Officers busy", "busy_share", share),
    Column("Goes to patrol", "overflow_share", share),
    _MEAN,
)
_STAFFING = (
    Column("Officers", ("officers", "is_current"), lambda n, now: f"{whole(n)}{' (today)' if now else ''}"),
    Column("Goes to patrol", "overflow_share", share),
    Column("Minutes, mean", "mean_response_min", decimal),
    Column("Nine calls of ten within", "p90_response_min", decimal),
    Column("Officers busy", "busy_share_mean", share),
    Column("Officer-hours a term", "officer_h", whole),
    Column("Cost a term", "cost", whole),
)


def hour_section(by_hour: pd.DataFrame, model: str) -> Section:
    """Show the hours of the day."""
    caption = "Each hour of the school day; the highest bars of a row are dark"
    chart = Chart(hours_chart(by_hour, title=caption), caption)
    lead = f"How many calls come is the record’s; all else is worked out {model}."
    table = printed(by_hour, _BY_HOUR, caption="The hours of the day: calls as recorded, all else by the model")
    return Section("hours", "Through the day", lead, [chart], [table])


def staffing_section(staffing: pd.DataFrame, model: str) -> Section:
    """Show coverage with other numbers of officers."""
    caption = "Overflow and response with fewer or more officers"
    measured = {"overflow_share", "mean_response_min", "p90_response_min"} & set(staffing.columns)
    charts = [Chart(staffing_chart(staffing, title=caption), caption)] if measured else []
    lead = f"Worked out {model}: compare the rows with each other, not with the record."
    rows = staffing.sort_values("officers")
    table = printed(
        rows, _STAFFING, caption="By the model: coverage with each number of officers", marked=rows["is_current"]
    )
    return Section("staffing", "How many officers", lead, charts, [table])


# ── Current and proposed zones, and the specialist's cases

_VERDICTS = {"better": "better", "worse": "WORSE", "unclear": "may be chance", "same": "no difference"}


def _unit_text(unit: str) -> str:
    return "minutes" if unit == MINUTES else words(unit)


def _signed(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    text = share(value)
    return f"+{text}" if is_figure(value) and value > 0 else text


_COMPARISON = (
    Column("Measure", "label", words),
    Column("In", "unit", _unit_text),
    Column("Current", ("current", "unit"), figure),
    Column("Proposed", ("proposed", "unit"), figure),
    Column("Difference", ("difference", "unit"), change),
    Column(
        "95% interval of it",
        ("low", "high", "unit"),
        lambda low, high, unit: interval(low, high, partial(change, unit=unit)),
    ),
    Column("Proposed is", "verdict", lambda verdict: _VERDICTS.get(str(verdict), words(verdict))),
)
_CASELOAD = (
    Column("Term", "term", words),
    Column("School weeks", "school_weeks", decimal),
    Column("Cases", "cases", whole),
    Column("Cases a week", "cases_per_week", decimal),
    Column("95% interval", ("low", "high"), partial(interval, written=decimal)),
    Column("Minutes a case", "mean_min", whole),
    Column("Hours a week", "hours_per_week", decimal),
    Column("Open on an ordinary day", "open_cases", decimal),
    Column("Change on the term before", "change_share", _signed),
)


def plan_sections(comparison: pd.DataFrame, model: str, replayed: pd.DataFrame | None = None) -> list[Section]:
    """Print current and proposed zones side by side, measure by measure."""
    if comparison.empty:
        return []
    lead = (
        f"Worked out {model}. Measures that the proposed zones worsen stand out. A difference whose interval holds 0 "
        "may be chance."
    )
    caption = "By the model: current and proposed zones; differences of shares in percentage points"
    tables = [printed(comparison, _COMPARISON, caption=caption, marked=comparison["verdict"] == "worse")]
    if replayed is not None and not replayed.empty:
        lead += " Below, the term’s recorded calls are played again under both, with the minutes on scene as recorded."
        rows = replayed.rename(columns={"today": "current", "plan": "proposed"})
        rows = rows.assign(label=rows["label"].str[:1].str.upper() + rows["label"].str[1:])
        caption = "Recorded calls played again: current and proposed zones; intervals are those of single terms"
        tables.append(printed(rows, _COMPARISON, caption=caption, marked=rows["verdict"] == "worse"))
    return [Section("plan", "Current and proposed zones", lead, (), tables)]


def specialist_section(caseload: pd.DataFrame) -> Section:
    """Print the specialist's cases."""
    lead = "These are not zone officers’ calls, and are in none of the figures above."
    table = printed(caseload, _CASELOAD, caption="Threat assessments by term; they are in no zone’s load")
    return Section("specialist", "Apart: the threat-assessment specialist", lead, (), [table])


# ── The model beside the record


class _Measure(NamedTuple):
    name: str
    unit: str


_MEASURES = {
    "busy": _Measure("Officers busy with calls", "share of the time"),
    "backup": _Measure("Another zone’s officer answers", "share of calls"),
    "overflow": _Measure("Goes to patrol", "share of calls"),
    "response": _Measure("Mean trip", MINUTES),
    "response_p90": _Measure("Trip, nine calls of ten within", MINUTES),
    "within": _Measure(f"Reached within {_WITHIN_MIN:g} minutes", "share of calls"),
    "own": _Measure("The zone’s own officer answers", "share of calls"),
}
_DIFFERS, _AGREES, _UNSHOWN = "differs", "agrees", "not reported"


def record_sections(validation: pd.DataFrame, names: Names, *, of_zones: bool = False) -> list[Section]:
    """Print the model beside the record, what differs first."""
    chosen = _of_zones(validation, of_zones=of_zones)
    if chosen.empty:
        return []
    order = {_DIFFERS: 0, _AGREES: 1, _UNSHOWN: 2}
    rows = chosen.assign(
        unit=[_measure(name).unit for name in chosen["measure"]],
        verdict=chosen["is_within"].map({True: _AGREES, False: _DIFFERS}).fillna(_UNSHOWN),
    )
    rows = rows.sort_values("verdict", key=lambda column: column.map(order), kind="stable")
    columns = (
        Column("Zone", "zone_id", lambda zone: names.get(str(zone), str(zone)) if zone else "All zones"),
        Column("Measure", "measure", lambda name: _measure(name).name),
        Column("In", "unit", _unit_text),
        Column("Record", ("observed", "unit"), figure),
        Column(
            "95% interval of the record",
            ("low", "high", "unit"),
            lambda low, high, unit: interval(low, high, partial(figure, unit=unit)),
        ),
        Column("Model", ("predicted", "unit"), figure),
        Column("Verdict", "verdict", str),
        Column("What is behind it", "note", words),
    )
    which = "zone by zone" if of_zones else "all zones together"
    caption = f"Record, and the model beside it, {which}: what differs first"
    table = printed(rows, columns, caption=caption, marked=rows["verdict"] == _DIFFERS)
    if of_zones:
        lead = "With so many figures, chance alone puts some outside their intervals."
        return [Section("record-zones", "Model and record, zone by zone", lead, (), [table])]
    lead = "Model and record differ where the model lies outside what chance leaves open in the record."
    return [Section("record", "Can the model be trusted?", lead, (), [table])]


def coverage_caution(validation: pd.DataFrame) -> tuple[bool, str]:
    """Say whether the model can be relied on, before anything is read from it; and whether that is a warning."""
    district = _of_zones(validation, of_zones=False)
    judged = district[district["is_within"].notna()]
    differing = judged[~judged["is_within"].astype("bool")].to_dict("records")
    if differing:
        text = "; ".join(f"{_measure(row['measure']).name.lower()}: {_both(row)}" for row in differing)
        return True, f"Before you rely on this: model and record differ. {text[:1].upper()}{text[1:]}."
    if len(judged):
        alike = "; ".join(_measure(name).name.lower() for name in judged["measure"])
        return False, f"Model and record agree, as far as the record tells, on: {alike}."
    return True, "These figures come from a model that could not be checked against a record."


def _of_zones(validation: pd.DataFrame, *, of_zones: bool) -> pd.DataFrame:
    """Take the rows of single zones, or those of all zones together."""
    zone_id = validation["zone_id"].fillna("")
    return validation.assign(zone_id=zone_id)[(zone_id != "") == of_zones]


def _both(row: Mapping[Any, Any]) -> str:
    unit = _measure(row["measure"]).unit
    predicted, observed = (figure(row[name], unit) for name in ("predicted", "observed"))
    return f"record {observed}, model {predicted}{' min' if unit == MINUTES else ''}"


def _measure(name: object) -> _Measure:
    return _MEASURES.get(str(name), _Measure(words(name), "share"))


_ASSUMED = {
    "trip_ratio": _Measure("Minutes of a trip, over those of earlier terms", "times"),
    "backup_extra_min": _Measure("Another zone’s officer takes longer than the nearest would", MINUTES),
    "diverted_share": _Measure("Went to patrol although the zone’s officer was on no call", "share of calls"),
    "unavailable_share": _Measure("Another officer came although the zone’s was on no call", "share of calls"),
    "kept_share": _Measure("Came while the zone’s officer was on a call, and waited", "share of calls"),
    "service_min": _Measure("A call keeps an officer", MINUTES),
}


def assumption_sections(tests: pd.DataFrame) -> list[Section]:
    """Print what earlier terms say, and whether it holds in this one."""
    if tests.empty:
        return []
    rows = tests.assign(
        unit=[_ASSUMED[name].unit for name in tests["measure"]],
        verdict=tests["holds"].map({True: "holds", False: "DOES NOT HOLD"}),
    )

    def between(low: str, high: str) -> Column:
        return Column(
            "95% interval",
            (low, high, "unit"),
            lambda lowest, highest, unit: interval(lowest, highest, partial(_assumed_figure, unit=unit)),
        )

    columns = (
        Column("Assumption", "measure", lambda name: _ASSUMED[name].name),
        Column("In", "unit", _unit_text),
        Column("Earlier terms", ("earlier", "unit"), _assumed_figure),
        between("earlier_low", "earlier_high"),
        Column("This term", ("term", "unit"), _assumed_figure),
        between("low", "high"),
        Column("In this term", "verdict", str),
        Column("Calls of this term", "calls", whole),
    )
    caption = "What the model takes from earlier terms, measured again on this one"
    table = printed(rows, columns, caption=caption, marked=~tests["holds"].astype("bool"))
    lead = "The model is calibrated on earlier terms. Where it differs from the record, look here for why."
    return [Section("assumptions", "What earlier terms say", lead, (), [table])]


def _assumed_figure(value: Any, unit: str) -> str:  # noqa: ANN401 -- a cell of any column
    return decimal(value, decimals=2) if unit == "times" else figure(value, unit)
