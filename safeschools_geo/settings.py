"""Settings of a district: frozen values that check themselves, each key with its default."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field

from safeschools_geo.crs import parse_crs
from safeschools_geo.errors import SettingsError, SeveralFaultsError
from safeschools_geo.sections import (
    COLUMNS,
    TIME_COLUMNS,
    AtLeastOne,
    Change,
    CriticalCategory,
    FromZero,
    Level,
    NotNegative,
    Origin,
    Positive,
    RebalanceSettings,
    Responder,
    Several,
    ShareInside,
    Text,
    column_faults,
    one_of,
    require,
    section,
)
from safeschools_geo.text import folder_fault, folder_key

# ── Who the district is, how it is measured, and where its files are


@section
class DistrictSettings:
    """``[district]``: who the district is and how it is measured.

    Parameters
    ----------
    name
        Name of the district.
    time_zone
        IANA time zone of the district, for example ``America/Los_Angeles``.
    crs
        Projected CRS in meters to measure in; the district's UTM zone if left out.
    zones
        Number of zones there ought to be; not checked if left out.
    is_synthetic
        Whether the data are made up, which every output then says.
    """

    name: str
    time_zone: str
    crs: str | int | None = None
    zones: AtLeastOne | None = None
    is_synthetic: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SettingsError(
                "This is not a time zone.",
                where="[district] time_zone",
                found=self.time_zone,
                expected="an IANA name such as America/Los_Angeles",
                remedy="Look it up in the list of tz database time zones.",
            ) from error
        if self.crs is not None:
            parse_crs(self.crs, where="[district] crs")


@section
class PathSettings:
    """``[paths]``: where things are, relative to the district folder.

    Parameters
    ----------
    boundaries
        Folder of the layers: zones, boundary, schools, roads, barriers, places.
    incidents
        Folder of the incident exports.
    crosswalk
        File that maps the source's categories to ours.
    outputs
        Folder of the results.
    """

    boundaries: str = "data/boundaries"
    incidents: str = "data/incidents"
    crosswalk: str = "crosswalk.csv"
    outputs: str = "outputs"


# ── How the files are read: layers, schools, incidents

TimeMeaning = Literal["local", "utc", "local_tagged_utc"]
SimilarIds = Literal["stop", "same", "apart"]
TimeOfDay = Literal["known", "unknown"]
TimeColumn = Annotated[str, one_of(TIME_COLUMNS)]


@section
class ReadingSettings:
    """``[reading]``: how much a file may hold; a file that holds more is refused before it fills the memory.

    Commands that take no district folder keep to the defaults.

    Parameters
    ----------
    max_mb
        Megabytes of a file, and of what a zip archive, a workbook or a Parquet file unpacks to.
    max_ratio
        How many times its own size such a file may unpack to; up to 16 megabytes are always unpacked.
    max_entries
        Files inside a zip archive or a workbook.
    max_rows
        Rows of a table.
    max_columns
        Columns of a table.
    max_cells
        Rows × columns of a table, or the cells of a workbook that hold a value.
    """

    max_mb: Positive = 1_000.0
    max_ratio: Positive = 100.0
    max_entries: AtLeastOne = 10_000
    max_rows: AtLeastOne = 5_000_000
    max_columns: AtLeastOne = 2_000
    max_cells: AtLeastOne = 100_000_000


@section
class FileSettings:
    """Where in a file the table is that is meant.

    Parameters
    ----------
    sheet, layer
        Sheet of a workbook (left out, those of its longest table, hidden ones apart), layer of a file with several; a
        list of layers, such as the folders of a KML file, is read as one.
    header_row
        Row of a sheet or a text file with the names of the columns, counted from 1; found by its content if left out.
    """

    sheet: str | None = None
    layer: str | tuple[str, ...] | None = None
    header_row: AtLeastOne | None = None


@section
class LayerSettings(FileSettings):
    """``[zones]``, ``[boundary]``, ``[roads]``, ``[barriers]``, ``[places]``, ``[units]``: one layer of the map.

    Parameters
    ----------
    file
        File or pattern, relative to the district folder; by default the file of the layer's name in
        ``paths.boundaries``.
    crs
        CRS of the coordinates, where the file states none.
    columns
        Our column → the file's column; names that are equal need no entry, and ``""`` says that the file has none.
        A list of columns is read as a whole where it means something: `category` joins them by ``" | "``, `level`
        takes the first that `levels` knows, and a time joins a date and a time of day.
    """

    file: str | None = None
    crs: str | int | None = None
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@section
class EnrollmentFile(FileSettings):
    """``[schools.enrollment_file]``: enrollment kept in a file of its own.

    Parameters
    ----------
    file
        File, relative to the district folder.
    key
        Columns that together make the school's id; ``"School Code:7"`` is padded with zeros to seven digits.
    value
        Column of the number of students.
    """

    file: str
    key: tuple[str, ...]
    value: str


@section
class SchoolSettings(LayerSettings):
    """``[schools]``: where the schools are and which of them count; ``preset`` names a known directory.

    Parameters
    ----------
    keep
        Column of the file → pattern or patterns that a row must match to be kept (``"Active"``, ``"3467447*"``).
    levels
        Value of the file's level column → our level.
    in_program
        What values of the column `in_program` mean: value → true or false, ``""`` for a blank cell; a list gives those
        that mean true. Yes, y, true, t, 1 and no, n, false, f, 0 need no entry; any other value stops the run. Without
        such a column every school is in the program.
    default_level
        Level of a school whose value is in no entry of `levels`; without it such a value stops the run.
    enrollment_file
        A file of enrollments to join, if they are not in the school file.
    """

    keep: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[str, Level] = field(default_factory=dict)
    in_program: tuple[str, ...] | Mapping[str, bool] = ()
    default_level: Level | None = None
    enrollment_file: EnrollmentFile | None = None


@section
class IncidentSettings(LayerSettings):
    """``[incidents]``, or ``[[incidents]]`` for each of several sources: how to read the history.

    ``preset`` names a known export. A call that two sources hold under one id is one call: the source that is named
    first goes before, and what it lacks is taken from the others.

    Parameters
    ----------
    name
        What a source is called, where there are several.
    files
        Files or patterns of the source, relative to the district folder; all of ``paths.incidents`` if left out, where
        there is one source.
    keep
        Column of the file → pattern or patterns that a row must match to be kept.
    rows
        What a row is: an ``incident``, or an ``offense`` or ``unit``, several of which have the id of one incident.
        Its most serious category, first arrival and last clearing then count: weapons, intruder, assault,
        gang activity, threat assessment, 5150, alcohol and drugs, welfare check, other, in this order.
    times
        What the times of the export mean: ``local`` time, ``utc``, or ``local_tagged_utc`` (local times that the file
        says are UTC).
    day_first
        Whether 3/4/2025 is the third of April. Left out, the month comes first, unless dates exist only the other way
        round: then it has to be said.
    time_format
        How times are written, as ``strptime`` has it (``"%d.%m.%Y %Hh%M"``), if no known spelling fits; or several, of
        which the first that fits a value counts. Values that none fits are then unreadable.
    time_of_day
        Our column of times → ``known``, if its times of day are what they seem, or ``unknown``, if it holds only dates.
        Left out, a column that is all at midnight holds dates, and one that has another time of day in nearly all rows
        is refused.
    midnight_is_unknown
        Whether exactly 00:00:00 means that the time of day is not known.
    unmapped
        What to do with categories that the crosswalk lacks: ``stop``, or count them as ``non_critical``.
    origins, responders
        Value of the file → our word; a value without an entry stops the run. A responder may be ``unknown``.
    default_origin
        Origin of a row whose cell is blank.
    similar_ids
        What ids are that differ only in zeros, blanks, capitals or the way a number is written (``0123``, ``123.0``):
        ``stop`` until it is decided; the ``same``; or ``apart``. Of incidents, and of schools that incidents name.
    name_score
        Likeness, 0 to 100, from which a school's name in the export is taken for a school's.
    address_score
        Likeness, 0 to 100, from which the street of an address with a school's house number is taken for the school's.
    within
        ``district`` leaves out the calls that lie outside the district and name no school of it, as in a county's
        export; they are counted.
    nearest_school_m
        Distance within which an incident that names no school is taken to be at the nearest one; 0 for never.
    pile_up
        Number of incidents at one coordinate, away from any school, from which it is reported as a geocoder's default.
    """

    name: str | None = None
    files: Several[str] = ()
    keep: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    rows: Literal["incident", "offense", "unit"] = "incident"
    times: TimeMeaning = "local"
    day_first: bool | None = None
    time_format: Several[str] = ()
    time_of_day: Mapping[TimeColumn, TimeOfDay] = field(default_factory=dict)
    midnight_is_unknown: bool = False
    unmapped: Literal["stop", "non_critical"] = "stop"
    origins: Mapping[str, Origin] = field(default_factory=dict)
    responders: Mapping[str, Responder] = field(default_factory=dict)
    default_origin: Origin = "reported"
    similar_ids: SimilarIds = "stop"
    name_score: Annotated[float, Field(gt=0, le=100)] = 90.0
    address_score: Annotated[float, Field(gt=0, le=100)] = 92.0
    within: Literal["district"] | None = None
    nearest_school_m: NotNegative = 0.0
    pile_up: AtLeastOne = 25


OF_THE_HISTORY = ("unmapped", "similar_ids", "name_score", "address_score", "within", "nearest_school_m", "pile_up")
"""Settings of incidents that hold for all sources together."""


# ── When school is in session: terms, days, hours

Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_SHOWN = 60
_TAKEN = frozenset({"compare", "check.html", "releases", "releases.jsonl"})
"""What stands beside the folders of terms."""


@section
class Term:
    """``[[terms]]``: a term, first and last day included.

    Parameters
    ----------
    name
        Its name, which is also the name of its folder of outputs.
    start, end
        First and last day.
    """

    name: str
    start: dt.date
    end: dt.date

    def __post_init__(self) -> None:
        """Check that it ends after it starts."""
        require(
            self.start <= self.end,
            f"[[terms]] {self.name}",
            "The term ends before it starts.",
            found=f"start {self.start}, end {self.end}",
            expected="a last day after the first",
        )


def term_name_faults(names: Sequence[str]) -> list[SettingsError]:
    """Find names of terms that cannot be names of folders beside each other, on whatever file system."""
    faults = [_name_fault(name, f"it {reason}") for name in dict.fromkeys(names) if (reason := folder_fault(name))]
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(folder_key(name), []).append(name)
    faults += [
        _name_fault(of[0], "outputs/ has a file or folder of that name") for key, of in alike.items() if key in _TAKEN
    ]
    for several in alike.values():
        if len(several) > 1:
            same = "Two terms have the same name."
            twins = "Two terms have names that are one folder on some systems."
            faults.append(
                SettingsError(
                    same if len(set(several)) < len(several) else twins,
                    where="[[terms]] name",
                    found=", ".join(ascii(name) for name in several),
                    expected="names that differ in more than upper and lower case or the way letters are encoded",
                    remedy="Rename one of them in district.toml.",
                )
            )
    return faults


def _name_fault(name: str, reason: str) -> SettingsError:
    return SettingsError(
        "The name of a term is also the name of a folder, and cannot be this.",
        where="[[terms]] name",
        found=f"{name[:_SHOWN]!a}{'…' if len(name) > _SHOWN else ''}: {reason}",
        expected='a name such as "Fall 2025"',
        remedy="Rename the term in district.toml.",
    )


@section
class CalendarSettings:
    """``[calendar]``: the days school is in session, and those on which it ends early.

    Parameters
    ----------
    weekdays
        Days of the week with school.
    holidays
        Days without: ``"2025-11-11"``, or first and last as ``"2025-12-22/2026-01-02"``.
    early_release
        Days of the week on which schools end early, every week: at `early_release_end` of ``[hours]``.
    minimum_days
        Single days on which schools end early, written as `holidays`: at `minimum_day_end` of ``[hours]``.
    file
        The district's calendar as ``.ics``, relative to the district folder. Events that say that there is no school
        are holidays, those of minimum days and early release are minimum days; others are listed and left out.
    """

    weekdays: Several[Weekday] = ("Mon", "Tue", "Wed", "Thu", "Fri")
    holidays: Several[str] = ()
    early_release: Several[Weekday] = ()
    minimum_days: Several[str] = ()
    file: str | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        for name in ("holidays", "minimum_days"):
            for written in getattr(self, name):
                try:
                    days = [dt.date.fromisoformat(day) for day in written.split("/")]
                except ValueError:
                    days = []
                require(
                    len(days) in (1, 2) and days == sorted(days),
                    f"[calendar] {name}",
                    "This is not a day, nor a first and a last day.",
                    found=written,
                    expected='"2025-11-11" or "2025-12-22/2026-01-02"',
                )


@section
class Bells:
    """``[hours.levels.<level>]``, ``[hours.schools.<school_id>]``: program hours at schools of a level, or at one.

    Parameters
    ----------
    start, end
        From when, and to when, a call is the program's; the start is included, the end is not.
    early_release_end, minimum_day_end
        The end on days of early release and on minimum days; that of ``[hours]`` if left out.
    """

    start: dt.time
    end: dt.time
    early_release_end: dt.time | None = None
    minimum_day_end: dt.time | None = None

    def __post_init__(self) -> None:
        """Check that every day ends after it starts."""
        ends = (self.end, self.early_release_end, self.minimum_day_end)
        require(
            all(self.start < end for end in ends if end),
            "[hours]",
            "Program hours end before they start.",
            found=", ".join(f"{self.start:%H:%M} to {end:%H:%M}" for end in ends if end),
            expected="times of a clock of 24 hours, such as 08:00 to 15:00",
        )

    @property
    def hours(self) -> float:
        """Length of the program's whole day, in hours."""
        return (self.end.hour - self.start.hour) + (self.end.minute - self.start.minute) / 60

    def end_on(self, kind: str) -> dt.time:
        """Return when program hours end on a day of a kind of `school_calendar.DAY_KINDS`."""
        early = {"early_release": self.early_release_end, "minimum_day": self.minimum_day_end}.get(kind)
        return self.end if early is None else min(early, self.end)


BellColumn = Literal["school_id", "start", "end", "early_release_end", "minimum_day_end"]


@section
class HoursFile(FileSettings):
    """``[hours.file]``: hours of single schools kept in a file of their own, such as the district's bell schedule.

    Parameters
    ----------
    file
        File, relative to the district folder: a row for each school, with `school_id`, `start`, `end` and, if they
        differ, `early_release_end` and `minimum_day_end`.
    columns
        Our column → the file's, where they differ: `school_id`, `start`, `end` and those of the shorter days.
    """

    file: str
    columns: Mapping[BellColumn, str] = field(default_factory=dict)


@section
class HoursSettings:
    """``[hours]``: program hours, and those of single levels and schools where they differ.

    Parameters
    ----------
    start, end
        From when, and to when, a call is the program's; the start is included, the end is not.
    early_release_end, minimum_day_end
        The end on days of early release and on minimum days of ``[calendar]``; `end` if left out.
    levels
        Level → its own hours.
    schools
        School → its own hours, which go before those of its level.
    file
        A file of hours by school, or ``[hours.file]``; what ``[hours.schools]`` says goes before it.
    """

    start: dt.time = dt.time(7, 30)
    end: dt.time = dt.time(15, 30)
    early_release_end: dt.time | None = None
    minimum_day_end: dt.time | None = None
    levels: Mapping[Level, Bells] = field(default_factory=dict)
    schools: Mapping[str, Bells] = field(default_factory=dict)
    file: Annotated[HoursFile | None, BeforeValidator(lambda v: HoursFile(file=v) if isinstance(v, str) else v)] = None

    def __post_init__(self) -> None:
        """Check the values."""
        self.of("other")

    def of(self, level: str, school_id: str | None = None) -> Bells:
        """Return the program hours of a school, or at schools of a level."""
        own = (school_id is not None and self.schools.get(school_id)) or self.levels.get(level)
        if not own:
            own = Bells(start=self.start, end=self.end)
        return replace(
            own,
            early_release_end=own.early_release_end or self._early(self.early_release_end, own),
            minimum_day_end=own.minimum_day_end or self._early(self.minimum_day_end, own),
        )

    @staticmethod
    def _early(end: dt.time | None, own: Bells) -> dt.time | None:
        return end if end is not None and end > own.start else None


# ── The assumptions behind workload and assignment


def _default_service_min() -> dict[str, float]:
    return {
        "assault_battery": 45.0,
        "weapons": 75.0,
        "intruder": 35.0,
        "gang_activity": 45.0,
        "alcohol_drugs": 50.0,
        "assessment_5150": 90.0,
        "threat_assessment": 120.0,
        "welfare_check": 30.0,
    }


def _default_visits() -> dict[str, float]:
    return {"elementary": 1.0, "middle": 2.0, "high": 3.0, "k8": 1.5, "other": 1.0}


@section
class WorkloadSettings:
    """``[workload]``: the assumptions that turn incidents and visits into officer-hours.

    Parameters
    ----------
    service_min
        Minutes on scene by category, where neither timestamps nor the crosswalk say.
    longest_service_min
        Longest time between arrival and clearing that is believed, in minutes.
    visits_per_week
        Routine visits to each school by level, a week of five school days.
    visit_min
        Minutes of one routine visit.
    detour_factor
        Road distance over straight-line distance.
    speed_kph
        Average driving speed.
    """

    service_min: Mapping[CriticalCategory, NotNegative] = field(default_factory=_default_service_min)
    longest_service_min: Positive = 480.0
    visits_per_week: Mapping[Level, NotNegative] = field(default_factory=_default_visits)
    visit_min: NotNegative = 12.0
    detour_factor: Annotated[float, Field(ge=1)] = 1.3
    speed_kph: Positive = 40.0

    def __post_init__(self) -> None:
        """Fill in what a partial table leaves out."""
        object.__setattr__(self, "service_min", {**_default_service_min(), **self.service_min})
        object.__setattr__(self, "visits_per_week", {**_default_visits(), **self.visits_per_week})


@section
class AssignSettings:
    """``[assign]``: how points are given zones.

    Parameters
    ----------
    max_snap_m
        Meters outside every zone at which a point is still given the nearest.
    """

    max_snap_m: NotNegative = 0.0


# ── How hotspots are looked for. None of these is ever chosen by what it makes significant

CellKind = Literal["hexagon", "square"]


@section
class HotspotSettings:
    """``[hotspots]``: how hotspots are looked for, set before looking.

    Parameters
    ----------
    alpha
        Largest p- or q-value of what is called a hotspot.
    simulations
        Simulations behind every Monte-Carlo p-value; at most 999 for months, hours and repeats, and for groups among
        more than 1,000 schools.
    max_share
        Largest share of the expected incidents in a group of schools.
    fewest_peers
        Fewest schools of one level that are compared with each other.
    largest_detectable
        A school at which only a rise by more than this factor could have been seen has too little data.
    place_distance_m
        Meters between places off campus that belong together.
    place_incidents
        Fewest incidents of a place off campus.
    place_width_m
        Largest distance in meters between two points of a place off campus: a chain along a road is no place.
    cell_m
        Width of a cell of the grid, in meters.
    cell_kind
        ``hexagon`` or ``square``.
    bandwidth_m
        Bandwidth of the density picture, in meters.
    repeat_distance_m
        Meters within which an incident is near an earlier one.
    repeat_days
        Days within which it is soon after.
    longest_window_h
        Longest run of hours that may be the worst.
    top_share
        Share of all student-days that a forecast may point at in the backtest.
    terms_per_year
        Terms in a school year, for comparison with the same term last year.
    """

    alpha: ShareInside = 0.05
    simulations: Annotated[int, Field(ge=99)] = 9999
    max_share: Annotated[float, Field(gt=0, le=0.5)] = 0.25
    fewest_peers: AtLeastOne = 5
    largest_detectable: Positive = 5.0
    place_distance_m: Positive = 150.0
    place_incidents: AtLeastOne = 10
    place_width_m: Positive = 1000.0
    cell_m: Positive = 1500.0
    cell_kind: CellKind = "hexagon"
    bandwidth_m: Positive = 500.0
    repeat_distance_m: Positive = 400.0
    repeat_days: AtLeastOne = 7
    longest_window_h: AtLeastOne = 4
    top_share: ShareInside = 0.2
    terms_per_year: AtLeastOne = 2


@section
class PatrolChange:
    """``[[patrol_changes]]``: a day from which officers were somewhere more, or less, than before.

    Parameters
    ----------
    start
        First day.
    zones
        Ids of the zones concerned; all if left out.
    note
        What changed, in a few words.
    """

    start: dt.date
    zones: Several[str] = ()
    note: str = ""


# ── The assumptions behind patrol coverage


@section
class CoverageSettings:
    """``[coverage]``: where officers wait, what is asked of them, and what an hour of theirs costs.

    Parameters
    ----------
    staging
        Zone → school at which its officer waits between calls, in place of the one in the middle of the zone.
    within_min
        Minutes within which a school counts as covered.
    free_share
        Share of an officer's day that routine visits leave free for calls.
    fewest_officers, most_officers
        Numbers of officers that are compared; two fewer and two more than there are where they are left out.
    officer_cost_per_h
        What an officer-hour costs; without it no cost is reported.
    bells_inside_min
        Minutes of program hours before the first bell, and after the last, for the times of routine visits.
    lunch_from, lunch_to
        When pupils are at lunch, for the times of routine visits.
    case_days
        School days that a threat assessment stays open.
    draws
        Redrawn terms behind the intervals.
    turnout_min
        Minutes between dispatch and setting out; estimated from earlier terms where it is left out.
    trip_factor
        Minutes that a trip takes for each minute of the way on the map; estimated from earlier terms where it is left
        out.
    diverted_share
        Share of the calls that are sent to patrol although the zone's officer is on no call; estimated from earlier
        terms where it is left out.
    unavailable_share
        Share of the calls at which the zone's officer is on no call and cannot come: visits, breaks, court; estimated
        from earlier terms where it is left out.
    """

    staging: Mapping[str, str] = field(default_factory=dict)
    within_min: Annotated[Several[Positive], Field(min_length=1)] = (3.0, 5.0, 8.0, 10.0)
    free_share: Annotated[float, Field(ge=0, lt=1)] = 0.35
    fewest_officers: AtLeastOne | None = None
    most_officers: AtLeastOne | None = None
    officer_cost_per_h: NotNegative | None = None
    bells_inside_min: FromZero = 30
    lunch_from: dt.time = dt.time(11, 15)
    lunch_to: dt.time = dt.time(12, 45)
    case_days: Positive = 10.0
    draws: AtLeastOne = 200
    turnout_min: NotNegative | None = None
    trip_factor: Positive | None = None
    diverted_share: Annotated[float, Field(ge=0, lt=1)] | None = None
    unavailable_share: Annotated[float, Field(ge=0, lt=1)] | None = None

    def __post_init__(self) -> None:
        """Check what hangs together."""
        rising = all(a < b for a, b in itertools.pairwise(self.within_min))
        require(rising, "[coverage] within_min", "Minutes rise.", found=self.within_min)
        ordered = (self.fewest_officers or 1) <= (self.most_officers or math.inf)
        require(ordered, "[coverage] fewest_officers", "From few officers to more.", found=self.fewest_officers)
        require(self.lunch_from < self.lunch_to, "[coverage] lunch_to", "Lunch ends before it begins.")


# ── What the packet for the board may say, in which languages, and where releases are recorded


@section
class BoardSettings:
    """``[board]``: what the packet for the board may say, and in which languages.

    Parameters
    ----------
    policy
        Disclosure policy: ``default`` (counts 1 to 10 are withheld), ``cautious`` (1 to 20), or a TOML file relative to
        the district folder.
    languages
        Languages of the packet, ``en`` and ``es``; the pages of the first stand at the top.
    by_school
        Whether figures of single schools may be published: a table with a number for each school, if little enough of
        it would be withheld, and groups that have one school alone.
    pdf
        Whether the packet is printed as PDF too.
    releases
        File that releases are recorded in, relative to the district folder. It holds every figure that was ever
        published: keep it, and keep it confidential.
    """

    policy: Text = "default"
    languages: Annotated[Several[Text], Field(min_length=1)] = ("en", "es")
    by_school: bool = False
    pdf: bool = True
    releases: Text = "releases.jsonl"

    def __post_init__(self) -> None:
        """Check that no language is named twice."""
        distinct = len(set(self.languages)) == len(self.languages)
        require(distinct, "[board] languages", "A language is named twice.", found=", ".join(self.languages))


# ── All settings of a district together


@section
class Settings:
    """All settings of a district, as ``district.toml`` and its presets give them.

    Parameters
    ----------
    folder
        The district folder; every path is relative to it.
    sources
        What ``[[incidents]]`` says of each of several sources; `incidents` then holds what they have in common.
    """

    folder: Path
    district: DistrictSettings
    paths: PathSettings = field(default_factory=PathSettings)
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    zones: LayerSettings = field(default_factory=LayerSettings)
    boundary: LayerSettings = field(default_factory=LayerSettings)
    roads: LayerSettings = field(default_factory=LayerSettings)
    barriers: LayerSettings = field(default_factory=LayerSettings)
    places: LayerSettings = field(default_factory=LayerSettings)
    units: LayerSettings = field(default_factory=LayerSettings)
    schools: SchoolSettings = field(default_factory=SchoolSettings)
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    sources: tuple[IncidentSettings, ...] = ()
    terms: tuple[Term, ...] = ()
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    hours: HoursSettings = field(default_factory=HoursSettings)
    workload: WorkloadSettings = field(default_factory=WorkloadSettings)
    assign: AssignSettings = field(default_factory=AssignSettings)
    rebalance: RebalanceSettings = field(default_factory=RebalanceSettings)
    coverage: CoverageSettings = field(default_factory=CoverageSettings)
    board: BoardSettings = field(default_factory=BoardSettings)
    hotspots: HotspotSettings = field(default_factory=HotspotSettings)
    patrol_changes: tuple[PatrolChange, ...] = ()
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        """Check that columns are ours, and that terms can be folders of their own and do not overlap."""
        faults = [fault for section in COLUMNS for fault in column_faults(section, getattr(self, section).columns)]
        faults += [fault for source in self.sources for fault in column_faults("incidents", source.columns)]
        if len(self.sources) > 1:
            faults += [
                f"[[incidents]] {n}: files: missing" for n, s in enumerate(self.sources, 1) if not (s.files or s.file)
            ]
        require(not faults, "columns in district.toml", "\n  - ".join(faults))
        names = term_name_faults([t.name for t in self.terms])
        if names:
            raise names[0] if len(names) == 1 else SeveralFaultsError(names)
        ordered = sorted(self.terms, key=lambda t: t.start)
        for before, after in itertools.pairwise(ordered):
            require(
                before.end < after.start,
                "[[terms]]",
                f"The terms {before.name} and {after.name} overlap.",
                found=f"{before.name} ends on {before.end}, and {after.name} starts on {after.start}",
                expected="every day in one term at most",
            )
        object.__setattr__(self, "terms", tuple(ordered))

    def term(self, name: str | None = None) -> Term:
        """Find a term by name."""
        for term in reversed(self.terms):
            if name in (None, term.name):
                return term
        raise SettingsError(
            "There is no such term.",
            where="[[terms]] in district.toml",
            found=name or "no terms at all",
            expected=", ".join(t.name for t in self.terms) or "at least one [[terms]] with name, start and end",
            remedy="Name one of these with --term, or add the term.",
        )
