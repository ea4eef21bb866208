"""Sheets to print: whom the dispatcher sends, the day an officer is absent, and the visits of a week."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.drawing import FAINT, FRAME, GRAY, INK, NEIGHBOR_FILLS, LegendItem, has_place, text
from safeschools_geo.errors import count_text
from safeschools_geo.pages._charts import DAYS, LETTER, svg
from safeschools_geo.pages._coverage_map import (
    CoverageSign,
    MapLayers,
    Mark,
    MinuteClasses,
    make_mark,
    place_of,
    still_map,
    zone_layer,
)
from safeschools_geo.pages._map_layers import Drawn, backdrop, geojson, small_geometries
from safeschools_geo.pages._page import (
    MINUTES,
    Chart,
    Column,
    CoverageContent,
    DataTable,
    KeyFigure,
    Link,
    Section,
    change,
    coverage_document,
    decimal,
    finite,
    is_figure,
    level_text,
    missing_notes,
    named,
    printed,
    share,
    whole,
    words,
)
from safeschools_geo.pages._term import context_of, new_map, nothing_page, thumbnail
from safeschools_geo.rebalance import schools_of_units
from safeschools_geo.schemas import CRITICAL_CATEGORIES, OFFICER_CATEGORIES, SPECIALIST_CATEGORY
from safeschools_geo.text import file_names, highest, minutes_text, more_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from safeschools_geo.coverage import AbsenceCase, CoveragePlan, Figure
    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.results import TermResult


_WEEK = 5.0


def draw_sheets(result: TermResult) -> dict[str, OfflinePage]:
    """Draw the sheets that the pages of coverage lead to: for every absence, and for every officer's week."""
    found = result.coverage
    if found.is_empty:
        return {}
    sheets = {
        f"{FOLDER}/{name}": absence_sheet(result, case)
        for name, case in zip(_sheet_names(found), found.absences, strict=True)
    }
    weeks = {
        f"visits/{name}.html": visits_sheet(result, zone)
        for zone, name in file_names(map(str, found.visits.zones.index)).items()
    }
    return {**sheets, **weeks}


def posts_of(found: CoveragePlan) -> dict[str, str]:
    """Give the officer of each zone."""
    posts = found.usual_day.queueing.dispatch.officer_zones
    return {str(zone): str(officer) for officer, zone in posts.items()}


def calls_per_week(found: CoveragePlan) -> pd.Series:
    """Give how many calls come from each school in a week."""
    rates = found.usual_day.rates
    weekly: pd.Series = rates.arrivals_per_h * rates.hours_per_day * _WEEK
    return weekly


# ── The dispatcher's card: whom to send to each school, and who comes for what an officer does not


def dispatch_card(result: TermResult) -> OfflinePage:
    """List whom to send to each school, and when the specialist or patrol, on one page to print."""
    found = result.coverage
    if found.is_empty:
        return nothing_page("Dispatcher's card", found.why, result)
    card = found.dispatch_card()
    has_minutes = bool(card["model_min"].notna().any())
    columns = (
        Column("School", "name", words),
        Column("Level", "level", level_text),
        Column("Zone", "zone_id", words),
        *(
            Column(head, (f"{prefix}officer", f"model_{prefix}min"), _post)
            for head, prefix in (("Send", ""), ("If busy", "second_"), ("Then", "third_"))
        ),
    )
    of = ", with the minutes of the drive from there by the model" if has_minutes else ""
    caption = f"Schools by name: the zone's officer first, then the others by how near they wait{of}"
    mark = found.validation.mark("response")
    about_minutes = f"The minutes are worked out {mark}: they say who is nearer, not when somebody comes."
    content = CoverageContent(
        title="Dispatcher's card",
        finding=card_finding(found),
        sections=[
            Section("whom", "Whom to send", "", (), [printed(card, columns, caption=caption)]),
            Section("which", "Which calls", "", (), [_call_table(result)]),
        ],
        notes=[*_not_on_the_card(result), *([about_minutes] if has_minutes else [])],
    )
    return coverage_document("sections.html.j2", content, context=context_of(result), layout="dispatch")


def card_finding(found: CoveragePlan) -> str:
    """Say in one line what the card holds."""
    schools, officers = len(found.usual_day.schools), len(posts_of(found))
    who = f"{count_text(officers, 'officer')}, the specialist, or patrol"
    return f"Whom to send to {count_text(schools, 'school')}: {who}."


def _post(officer: object, minutes: object) -> str:
    if not officer:
        return "Patrol"
    return f"{words(officer)}\u00a0({decimal(minutes)}\u00a0min)" if is_figure(minutes) else words(officer)


def _call_table(result: TermResult) -> DataTable:
    """Say who comes for which call, and when."""
    hours, schools = result.district.settings.hours, result.coverage.usual_day.schools
    spans = {hours.of(str(level), str(school)) for level, school in schools[["level", "school_id"]].to_numpy()}
    opens, closes = min(span.start for span in spans), max(span.end for span in spans)
    when = f"{opens:%H:%M} to {closes:%H:%M} on days of school"
    if len(spans) > 1:
        when += "; each school within its own hours, which differ"
    rows = (
        ("; ".join(OFFICER_CATEGORIES.values()), "The officers, as above", when),
        (CRITICAL_CATEGORIES[SPECIALIST_CATEGORY], "The specialist, in every zone", when),
        ("The same calls where no officer is free", "Sheriff's patrol", when),
        ("Every other call; every call outside these hours", "Sheriff's communications and patrol", "Always"),
    )
    return DataTable("Who comes for which call", ("Call", "Send", "When"), rows)


def _not_on_the_card(result: TermResult) -> list[str]:
    schools = result.district.schools
    listed_ids = set(result.coverage.usual_day.schools["school_id"].astype("str"))
    missing = schools[schools["in_program"].astype("bool") & ~schools["school_id"].astype("str").isin(listed_ids)]
    if missing.empty:
        return []
    names = "; ".join(words(name) for name in missing["name"])
    return [f"Not listed, since in no zone or without a place, so that patrol is sent there: {names}."]


# ── The map of the day an officer is absent: the zones of that day, and the schools that change hands

MOVED = "#7a0019"
"""Color of what changes hands."""

_OTHER, _OPACITY, _WIDTH = "#ececea", 0.6, 480.0
_PAPER = "#ffffff"


@dataclass(frozen=True, eq=False)
class AbsenceMap:
    """The map of the day; a zone whose officer is absent has no fill in the small picture."""

    layers: MapLayers
    zone_fills: list[str | None]
    legend: list[LegendItem]
    picture: str


def taker_fills(takers: Sequence[str]) -> dict[str, str]:
    """Give each zone that takes schools a color."""
    return {zone_id: NEIGHBOR_FILLS[i % len(NEIGHBOR_FILLS)] for i, zone_id in enumerate(takers)}


def absence_map(
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    changed: pd.DataFrame,
    *,
    absent: Sequence[str],
    plan_zones: gpd.GeoDataFrame | None,
    takers: Mapping[str, str],
    officers: Mapping[str, str],
    zone_names: Mapping[str, str],
    behind: dict[str, Any],
) -> AbsenceMap:
    """Make the map of the day."""
    fills = taker_fills(list(takers))
    day = zones if plan_zones is None else plan_zones[has_place(plan_zones)]
    counts = changed["zone_after"].astype("str").value_counts().to_dict()
    marks = [*_unchanged(schools, changed), *_changed(schools, changed, takers)]
    ids = day["zone_id"].astype("str").tolist()
    zone_fills = [None if z in absent else fills.get(z, _OTHER) for z in zones["zone_id"].astype("str")]

    def label(zone_id: str) -> list[str]:
        if str(zone_id) in absent:
            return [officers.get(str(zone_id), zone_names.get(str(zone_id), str(zone_id))), "absent"]
        more = [f"+{count_text(counts[str(zone_id)], 'school')}"] if str(zone_id) in counts else []
        return [officers.get(str(zone_id), zone_names.get(str(zone_id), str(zone_id))), *more]

    features = zone_layer(
        day,
        fills=[None if zone in absent else fills.get(zone, _OTHER) for zone in ids],
        opacity=_OPACITY,
        label=label,
        facts=lambda zone_id: [zone_names.get(str(zone_id), str(zone_id)), ", ".join(label(zone_id))],
        heaviest=None,
        marks=marks,
    )
    is_absent = zones["zone_id"].astype("str").isin(list(absent))
    shapes = small_geometries(zones.geometry[is_absent & has_place(zones)].to_numpy())
    layers = MapLayers(features, marks, outlines=[geojson(shape) for shape in shapes], backdrop=behind)
    sentence = "; ".join(
        f"{officer} takes {count_text(counts.get(zone, 0), 'school')}" for zone, officer in takers.items()
    )
    return AbsenceMap(
        layers,
        zone_fills,
        legend=_legend(has_plan=plan_zones is not None, has_changes=len(changed) > 0, has_takers=bool(takers)),
        picture=still_map(
            layers, title="Map of the day", description=sentence or "No school changes hands", width=_WIDTH
        ),
    )


def _unchanged(schools: gpd.GeoDataFrame, changed: pd.DataFrame) -> list[Mark]:
    others = schools[has_place(schools) & schools["in_program"].astype("bool")]
    others = others[~others["school_id"].astype("str").isin(changed["school_id"].astype("str"))]
    return [
        make_mark(
            place_of(shape),
            ("circle", GRAY),
            line="#ffffff",
            radius=3,
            facts=[words(name), "Its officer is the usual one"],
        )
        for name, shape in zip(others["name"], others.geometry, strict=True)
    ]


def _changed(schools: gpd.GeoDataFrame, changed: pd.DataFrame, takers: Mapping[str, str]) -> list[Mark]:
    located = schools[has_place(schools)]
    at = dict(zip(located["school_id"].astype("str"), map(place_of, located.geometry), strict=True))
    return [
        make_mark(
            at[str(row["school_id"])],
            ("circle", _PAPER),
            line=MOVED,
            radius=9,
            weight=2.5,
            facts=[
                f"{row['number']}. {words(row['name'])}",
                f"{level_text(row['level'])}: {takers[str(row['zone_after'])]} covers",
                f"By the model {change(row['response_change_min'], MINUTES)} min against a usual day",
            ],
            label=str(row["number"]),
            side="center",
        )
        for row in changed.to_dict("records")
        if str(row["school_id"]) in at
    ]


def _legend(*, has_plan: bool, has_changes: bool, has_takers: bool) -> list[LegendItem]:
    return [
        *([CoverageSign("School that changes hands, with its number in the lists", "number")] if has_changes else []),
        LegendItem("Other school", "circle", GRAY),
        *(
            [LegendItem("Zone of an officer who takes schools", "fill", NEIGHBOR_FILLS[0], _OPACITY)]
            if has_takers
            else []
        ),
        LegendItem("Zone as usual", "fill", _OTHER),
        CoverageSign("Zone whose officer is absent", "absent"),
        *([] if has_plan else [LegendItem("No officer of its own this day", "hatch")]),
    ]


# ── Tables of the day an officer is absent: who takes which school, loads usually and on that day, and all cases

FOLDER = "absence"
"""Folder of the pages of cases, beside the page that lists them."""

_CASES = (
    Column("Absent", "absent", words),
    Column("Mean minutes, by the model against a usual day", "response_change_min", partial(change, unit=MINUTES)),
    Column("Goes to patrol, points", "overflow_change_share", partial(change, unit="")),
    Column("Busiest zone", "busiest_zone", words),
    Column("Its hours", "busiest_load_h", decimal),
    Column("Who covers what", "finding", words),
)
_NUMBER = re.compile(r"(\d+)")


def taker_sections(
    changed: pd.DataFrame, *, takers: Mapping[str, str], fills: Mapping[str, str], zone_names: Mapping[str, str]
) -> list[Section]:
    """Print who takes which schools, a part for each officer."""
    columns = (
        Column("No.", "number", whole),
        Column("School", "name", words),
        Column("Level", "level", level_text),
        Column("Minutes, by the model", "response_change_min", partial(change, unit=MINUTES)),
        Column("Calls a week", "calls_per_week", partial(decimal, decimals=2)),
    )
    parts: list[Section] = []
    for zone_id, officer in takers.items():
        mine = changed[changed["zone_after"].astype("str") == zone_id]
        name = zone_names.get(zone_id, zone_id)
        title = f"{officer} takes {count_text(len(mine), 'school')}"
        table = printed(mine, columns, caption=f"Of {name}; minutes more or less than on a usual day")
        parts.append(Section(f"taker-{len(parts) + 1}", title, "", (), [table], swatch=fills.get(zone_id, "")))
    return parts


def load_table(loads: pd.DataFrame, *, takers: Mapping[str, str]) -> DataTable:
    """Print loads usually and on the day."""

    def with_usual(after: object, before: object, *, written: Callable[[Any], str]) -> str:
        return f"{written(after)}\u00a0({written(before)})"

    columns = (
        Column("Zone", "name", words),
        Column("Officer", "officer", words),
        Column("Schools", ("schools_after", "schools_before"), partial(with_usual, written=whole)),
        Column("Hours", ("load_after_h", "load_before_h"), partial(with_usual, written=decimal)),
        Column("Busy", ("busy_after_share", "busy_before_share"), partial(with_usual, written=share)),
    )
    caption = "This day (usually): schools, officer-hours per school day, and busy with calls by the model"
    return printed(loads, columns, caption=caption, marked=loads["zone_id"].astype("str").isin(list(takers)))


def in_order(cases: pd.DataFrame) -> list[dict[Any, Any]]:
    """Sort the cases by officer, one officer alone before two."""
    rows = cases.to_dict("records")
    return sorted(rows, key=lambda row: (len(row["officers"]), [_natural(one) for one in row["officers"]]))


def case_table(rows: Sequence[dict[Any, Any]], *, caption: str) -> DataTable:
    """Print cases with links to their pages."""
    links = {(i, 0): Link(_href(row), words(row["absent"])) for i, row in enumerate(rows)}
    return replace(printed(pd.DataFrame(rows), _CASES, caption=caption), links=links)


def case_matrix(rows: Sequence[dict[Any, Any]]) -> DataTable | None:
    """Cross the officers who are absent: one alone on the diagonal."""
    officers = sorted({one for row in rows for one in row["officers"]}, key=_natural)
    place = {officer: i for i, officer in enumerate(officers)}
    minutes = np.array([finite(row["response_change_min"]) for row in rows])
    classes = MinuteClasses.of(minutes)
    texts: dict[tuple[int, int], str] = {}
    shades: dict[tuple[int, int], int] = {}
    links: dict[tuple[int, int], Link] = {}
    for row, value in zip(rows, minutes.tolist(), strict=True):
        if len(row["officers"]) > 2:  # noqa: PLR2004 - a table has two sides
            continue
        ends = {place[row["officers"][0]], place[row["officers"][-1]]}
        for a, b in {(min(ends), max(ends)), (max(ends), min(ends))}:
            cell = (a, b + 1)
            texts[cell] = change(value, MINUTES)
            links[cell] = Link(_href(row), f"{row['absent']} absent: {change(value, MINUTES)} min")
            if (shade := classes.place(value)) is not None:
                shades[cell] = shade
    if all(a == b - 1 for a, b in texts):
        return None
    cells = tuple(
        (officer, *(texts.get((i, j + 1), "") for j in range(len(officers)))) for i, officer in enumerate(officers)
    )
    diagonal = frozenset((i, i + 1) for i in range(len(officers)))
    caption = "Mean minutes more than on a usual day, by the model; framed: one officer absent"
    return DataTable(caption, ("Absent", *officers), cells, shades=shades, bold=diagonal, links=links)


def _href(row: Mapping[Any, Any]) -> str:
    return f"{FOLDER}/{quote(str(row['name']))}"


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(text)]


# ── The day an officer is absent: a sheet for each case, and the page that lists them


def absence_sheet(result: TermResult, case: AbsenceCase | None = None) -> OfflinePage:
    """Draw who covers what when one officer or more are absent: a sheet for the team leader.

    Parameters
    ----------
    result
        All results of the term.
    case
        The absence, one of those of its coverage; the first if left out.

    Returns
    -------
    OfflinePage
        One sheet to print; where nobody could cover it says so.
    """
    found, district, context = result.coverage, result.district, context_of(result)
    if found.is_empty or not (case or found.absences):
        return nothing_page("When an officer is absent", found.why or "There is nobody who could cover.", result)
    case = case or found.absences[0]
    zones, posts = district.zones, posts_of(found)
    loads = case.loads.assign(name=case.loads["zone_id"].map(zones.set_index("zone_id")["name"]))
    names = named(loads, "name") | named(zones, "name")
    officers = named(zones, "officer") | named(loads, "officer")
    schools = case.schools.join(found.usual_day.schools.set_index("school_id")[["name", "level"]], on="school_id")
    takeover = schools.assign(
        calls_per_week=schools["school_id"].map(calls_per_week(found)),
        response_change_min=schools["response_after_min"] - schools["response_before_min"],
    )
    changed = _numbered(takeover)
    takers = {
        str(zone): words(officer) if pd.notna(officer) else officers.get(str(zone), names.get(str(zone), str(zone)))
        for zone, officer in changed[["zone_after", "officer_after"]].drop_duplicates("zone_after").to_numpy().tolist()
    }
    behind = backdrop(boundary=district.boundary, roads=None, places=None)
    drawn = absence_map(
        zones,
        district.schools,
        changed,
        absent=case.absent,
        plan_zones=_zones_of_the_day(result, case),
        takers=takers,
        officers=officers,
        zone_names=names,
        behind=behind,
    )
    who = [f"{posts[zone]} ({names.get(zone, zone)})" for zone in case.absent]
    content = CoverageContent(
        title=f"{'Officer' if len(who) == 1 else 'Officers'} {' and '.join(who)} absent: who covers what",
        finding=case.finding(),
        figures=_key_figures(found, case, schools=len(changed), takers=len(takers)),
        legends={"Signs": drawn.legend},
        picture=drawn.picture,
        sections=[
            *taker_sections(changed, takers=takers, fills=taker_fills(list(takers)), zone_names=names),
            Section("loads", "What it does to loads", "", (), [load_table(loads, takers=takers)]),
        ],
        notes=[*missing_notes({"takeover": changed, "loads": loads}), *_notes(found)],
    )
    chart = new_map("Map of the day", result, behind=behind)
    drawn.layers.add_to(chart)
    Drawn().add_to(chart)
    return coverage_document(
        "absence.html.j2", content, context=context, chart=chart, thumbnail=thumbnail(zones, drawn.zone_fills)
    )


def absence_index(result: TermResult, found: CoveragePlan) -> OfflinePage:
    """List the sheets of all absences, to be found by who is absent."""
    posts = posts_of(found)
    officers = [[posts[zone] for zone in case.absent] for case in found.absences]
    cases = found.absences_table().rename(columns=lambda name: name.removeprefix("model_"))
    cases = cases.assign(
        name=_sheet_names(found),
        absent=[" and ".join(posts_absent) for posts_absent in officers],
        officers=pd.Series(officers, dtype="object"),
    )
    return absences_page(result, cases, finding=absences_finding(found), notes=[*found.not_covered, *_notes(found)])


def absences_page(result: TermResult, cases: pd.DataFrame, *, finding: str, notes: Sequence[str] = ()) -> OfflinePage:
    """List cases: a table to look up who is absent, then those of one officer and of two."""
    rows = in_order(cases)
    if not rows:
        notes = ["There is no case: somebody always has to be there.", *notes]
    matrix = case_matrix(rows)
    lead = (
        "Find one officer in the rows and the other in the columns; darker is slower. Each figure is the minutes by "
        "which the model has the mean response longer than on a usual day, and opens its page."
    )
    groups = (
        ("one", "One officer absent", [row for row in rows if len(row["officers"]) == 1]),
        ("two", "Two officers absent", [row for row in rows if len(row["officers"]) > 1]),
    )
    content = CoverageContent(
        title="When an officer is absent",
        finding=finding,
        sections=[
            *([Section("look-up", "Look up who is absent", lead, (), [matrix])] if matrix else []),
            *(
                Section(anchor, heading, "", (), [case_table(some, caption=f"{heading}: each name opens its page")])
                for anchor, heading, some in groups
                if some
            ),
        ],
        notes=[*missing_notes({"cases": cases}), *notes],
    )
    return coverage_document("sections.html.j2", content, context=context_of(result), layout="list")


_NAMED = 3


def absences_finding(found: CoveragePlan) -> str:
    has_pairs = any(len(case.absent) > 1 for case in found.absences)
    who = "an officer, or two, are absent" if has_pairs else "an officer is absent"
    head = f"{count_text(len(found.absences), 'sheet')} for the morning when {who}."
    changes = {case.absent[0]: case.change("response_min") for case in found.absences if len(case.absent) == 1}
    worst = highest(changes, minutes_text)
    usual = found.validation.figure("response")
    recorded = f" On a usual day the record says {usual}." if usual.is_recorded else ""
    if not worst:
        return f"{head}{recorded}"
    longer = more_text(changes[worst[0]], "min", more="longer", less="shorter")
    whose = f"zone {' or '.join(worst)}" if len(worst) <= _NAMED else f"that of any of {len(worst)} zones"
    return f"{head} The model says that one absence makes the mean response at most {longer} ({whose}).{recorded}"


_FEWER = (
    "That an absence sends fewer calls to patrol is no gain of an absence: in the model a school’s calls are sent to "
    "patrol as often as those of the zone that covers it were, and zones differ in that."
)


def _notes(found: CoveragePlan) -> list[str]:
    """Say what a sheet's figures are, beside what the record says of a usual day."""
    mark = found.validation.mark("response", "overflow")
    return [
        f"What the day does to response and to patrol is worked out {mark}, and told as the difference to a usual day.",
        *([_FEWER] if any(case.change("overflow_share") < 0 for case in found.absences) else []),
        f"A usual day, as recorded: {found.finding()}",
        *([about] if (about := found.usual_day.about_empty_zones()) else []),
    ]


def _zones_of_the_day(result: TermResult, case: AbsenceCase) -> gpd.GeoDataFrame | None:
    """Join the service areas as they are covered on the day."""
    if result.proposal.is_empty:
        return None
    units = result.proposal.inputs.units
    first = schools_of_units(units).reset_index().drop_duplicates("unit_id").set_index("unit_id")["school_id"]
    after = units["unit_id"].map(first).map(case.school_zones).fillna(units["zone_id"])
    shapes = units.geometry.groupby(after.to_numpy()).agg(lambda some: shapely.coverage_union_all(some.to_numpy()))
    return gpd.GeoDataFrame({"zone_id": shapes.index}, geometry=shapes.to_numpy(), crs=units.crs)


def _sheet_names(found: CoveragePlan) -> list[str]:
    """Name the sheet of every absence; the pages that list them link these names."""
    names = file_names(zone for case in found.absences for zone in case.absent)
    return [f"zone-{'+'.join(names[zone] for zone in case.absent)}.html" for case in found.absences]


def _numbered(takeover: pd.DataFrame) -> pd.DataFrame:
    """Keep what changes hands, the officers in the order of how many schools they take, and number it."""
    before, after = (takeover[column].astype("str") for column in ("zone_before", "zone_after"))
    changed = takeover[(before != after).to_numpy()]
    many = changed["zone_after"].astype("str").value_counts().to_dict()
    rows = zip(changed["zone_after"].astype("str"), changed["name"].astype("str"), range(len(changed)), strict=True)
    order = [place for _, _, _, place in sorted((-many[zone], zone, name, place) for zone, name, place in rows)]
    changed = changed.iloc[order]
    return changed.assign(number=range(1, len(changed) + 1))


def _key_figures(found: CoveragePlan, case: AbsenceCase, *, schools: int, takers: int) -> list[KeyFigure]:
    def against(usual: Figure) -> str:
        return f"against a usual day, when the record says {usual}" if usual.is_recorded else "against a usual day"

    response, overflow = (found.validation.figure(measure) for measure in ("response", "overflow"))
    return [
        KeyFigure("Schools to cover", f"{schools}", f"by {takers} officer{'' if takers == 1 else 's'}"),
        KeyFigure(
            "Mean response, by the model", f"{change(case.change('response_min'), MINUTES)} min", against(response)
        ),
        KeyFigure(
            "Calls that go to patrol, by the model",
            f"{change(case.change('overflow_share'), '')} points",
            against(overflow),
        ),
        KeyFigure("Imbalance this day", share(case.figures["imbalance_after"]), "of the officers who are there"),
    ]


# ── The visits of a week as inline SVG: a line for each day, a bar for each visit

_LEFT, _RIGHT, _WEEK_CHART_WIDTH, _TOP, _LINE = 110.0, 30.0, 760.0, 34.0, 34.0
_HOUR_MIN = 60

WINDOWS = {
    "arrival": ("Arrival", "A", "#56b4e9"),
    "class": ("During class", "C", "#d9d9d4"),
    "lunch": ("Lunch", "L", "#f0e442"),
    "dismissal": ("Dismissal", "D", "#e69f00"),
}
"""Windows of a visit: what they are called, their letter and their color."""


class Bar(NamedTuple):
    """A visit in the row of its day, from 0, in minutes of the day; driving is 0 where it is not known."""

    day: int
    arrive_min: int
    leave_min: int
    drive_min: float
    window: str
    label: str


def week_chart(days: Sequence[str], bars: Sequence[Bar], *, title: str) -> str:
    """Draw the visits of a week."""
    if not bars:
        return svg(_WEEK_CHART_WIDTH, 50, title, "No visit is planned.", [text(16, 30, "No visit is planned.")])
    first = min(int(bar.arrive_min - bar.drive_min) for bar in bars) // _HOUR_MIN
    last = -(-max(bar.leave_min for bar in bars) // _HOUR_MIN)
    south = _TOP + _LINE * len(days)

    def x(minutes: float) -> float:
        return _LEFT + (minutes - _HOUR_MIN * first) / (_HOUR_MIN * (last - first)) * (
            _WEEK_CHART_WIDTH - _LEFT - _RIGHT
        )

    parts = []
    for hour in range(first, last + 1):
        parts.append(f'<path d="M{x(_HOUR_MIN * hour):.1f},{_TOP}V{south}" stroke="{FAINT}"/>')
        parts.append(text(x(_HOUR_MIN * hour), _TOP - 10, f"{hour}:00", anchor="middle", color=GRAY, size=13))
    for row, day in enumerate(days):
        y = _TOP + row * _LINE
        parts.append(text(_LEFT - 12, y + 22, day, anchor="end"))
        parts.append(f'<path d="M{_LEFT},{y}H{_WEEK_CHART_WIDTH - _RIGHT}" stroke="{FRAME}"/>')
    parts.append(f'<path d="M{_LEFT},{south}H{_WEEK_CHART_WIDTH - _RIGHT}" stroke="{FRAME}"/>')
    for bar in bars:
        y, left, right = _TOP + bar.day * _LINE, x(bar.arrive_min), x(bar.leave_min)
        _, letter, color = WINDOWS.get(bar.window, WINDOWS["class"])
        drive = (
            f'<path d="M{x(bar.arrive_min - bar.drive_min):.1f},{y + 17}H{left:.1f}" stroke="{INK}" stroke-width="4"/>'
        )
        box = f'x="{left:.1f}" y="{y + 5}" width="{max(right - left, 1):.1f}" height="24"'
        parts.append(
            f"<g><title>{escape(bar.label)}</title>{drive}"
            f'<rect {box} fill="{color}" stroke="{INK}"/>'
            f"{text((left + right) / 2, y + 22, letter, anchor='middle', size=13)}</g>"
        )
    said = "A line for each day, a bar for each visit; the table below holds the same."
    return svg(_WEEK_CHART_WIDTH, south + 38, title, said, [*parts, *_key(south + 26)])


def _key(y: float) -> list[str]:
    parts, at = [], _LEFT
    for name, letter, color in WINDOWS.values():
        parts.append(f'<rect x="{at:.1f}" y="{y - 13}" width="18" height="18" fill="{color}" stroke="{INK}"/>')
        parts.append(text(at + 9, y + 1, letter, anchor="middle", size=13))
        parts.append(text(at + 24, y + 1, name, size=13))
        at += 44 + LETTER * len(name)
    parts.append(f'<path d="M{at:.1f},{y - 4}h18" stroke="{INK}" stroke-width="4"/>')
    parts.append(text(at + 24, y + 1, "drive", size=13))
    return parts


# ── The weekly visits of an officer as a page to print: day by day, and what does not fit

_KINDS = {"visits": "Visits", "windows": "Visits at arrival, lunch and dismissal", "first_windows": "Required windows"}
_UNMET = (
    Column("School", "school_name", words),
    Column("Of what", "kind", lambda kind: _KINDS.get(str(kind), words(kind))),
    Column("Wanted", "wanted", whole),
    Column("Given", "given", whole),
    Column("Why", "reason", words),
)


class _Stop(NamedTuple):
    time: str
    school: str
    window: str
    drive: str


class _Day(NamedTuple):
    name: str
    label: str
    stops: list[_Stop]


def visits_sheet(result: TermResult, zone_id: str | None = None) -> OfflinePage:
    """Print the visits of one officer in a week.

    Parameters
    ----------
    result
        All results of the term.
    zone_id
        The zone; the first if left out.

    Returns
    -------
    OfflinePage
        The page; where there is no coverage it says why.
    """
    found, context = result.coverage, context_of(result)
    if found.is_empty:
        return nothing_page("Visits", found.why, result)
    plan = found.visits
    zone = str(plan.zones.index[0]) if zone_id is None else zone_id
    stops, unmet = (table[table["zone_id"] == zone] for table in (plan.table, plan.unmet))
    school_names = found.usual_day.schools.set_index("school_id")["name"]
    unmet = unmet.assign(school_name=unmet["school_id"].map(school_names).fillna(""))
    zone_name = str(result.district.zones.set_index("zone_id")["name"].get(zone, zone))
    officer = posts_of(found).get(zone)
    who = zone_name if officer is None else f"{officer}, {zone_name}"
    days = _in_order(stops)
    schools = int(stops["school_id"].nunique())
    caption = "The week at a glance: the gaps are free for calls and the break"
    content = CoverageContent(
        title=f"Visits of {who}: Week {plan.week}",
        finding=plan.sentence(zone),
        figures=[
            KeyFigure("Visits this week", whole(len(stops)), f"at {count_text(schools, 'school')}"),
            KeyFigure(
                "Does not fit",
                count_text(unmet["school_id"].nunique(), "school"),
                "see below why" if len(unmet) else "",
            ),
        ],
        sections=[_unmet_section(unmet)],
    )
    picture = Section("glance", "The week", "", [Chart(week_chart(list(days), _bars(days), title=caption), caption)])
    weekdays = [_Day(day, count_text(len(rows), "visit"), [_stop(row) for row in rows]) for day, rows in days.items()]
    return coverage_document("visits.html.j2", content, context=context, picture=picture, days=weekdays)


def _in_order(stops: pd.DataFrame) -> dict[str, list[dict[Any, Any]]]:
    """Give the visits of each day, the days in the order of the week."""
    rows = [{**row, "day": _day(str(row["day"]))} for row in stops.to_dict("records")]
    order = {day: i for i, day in enumerate(DAYS)}
    days = sorted({row["day"] for row in rows}, key=lambda day: (order.get(day, len(order)), day))
    return {day: sorted((r for r in rows if r["day"] == day), key=lambda r: r["stop"]) for day in days}


def _day(name: str) -> str:
    return next((day for day in DAYS if day.casefold().startswith(name.casefold()[:3])), name)


def _bars(days: Mapping[str, list[dict[Any, Any]]]) -> list[Bar]:
    return [
        Bar(
            i,
            row["arrive_min"],
            row["leave_min"],
            float(row["drive_min"]) if is_figure(row["drive_min"]) else 0.0,
            str(row["window"]),
            f"{day} {_clock(row['arrive_min'])} to {_clock(row['leave_min'])}: {row['name']}",
        )
        for i, (day, rows) in enumerate(days.items())
        for row in rows
    ]


def _stop(row: Mapping[Any, Any]) -> _Stop:
    window = WINDOWS.get(str(row["window"]), (words(row["window"]),))[0]
    time = f"{_clock(row['arrive_min'])}–{_clock(row['leave_min'])}"
    return _Stop(time, words(row["name"]), window, whole(row["drive_min"]))


def _unmet_section(unmet: pd.DataFrame) -> Section:
    if unmet.empty:
        return Section("unmet", "What does not fit", "Every school gets what is wanted.")
    table = printed(unmet, _UNMET, caption="What schools do not get this week, and why")
    return Section("unmet", "What does not fit, and why", "", (), [table])


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
