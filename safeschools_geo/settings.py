"""Settings of a district: frozen values that check themselves, read from ``district.toml``."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from safeschools_geo.crs import parse_crs
from safeschools_geo.errors import SettingsError
from safeschools_geo.schemas import CRITICAL_CATEGORIES, LEVELS, ORIGINS, RESPONDERS

TimeMeaning = Literal["local", "utc", "local_tagged_utc"]
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _require(condition: object, where: str, problem: str, *, found: object = None, expected: object = None) -> None:
    if not condition:
        raise SettingsError(problem, where=where, found=found, expected=expected, remedy="Correct it in district.toml.")


def _require_values(values: Collection[str], allowed: Collection[str], where: str) -> None:
    wrong = sorted(set(values) - set(allowed))
    _require(not wrong, where, "A value is not one of ours.", found=", ".join(wrong), expected=", ".join(allowed))


@dataclass(frozen=True, kw_only=True)
class DistrictSettings:
    """``[district]``: who the district is and how it is measured.

    Parameters
    ----------
    name
        Name of the district.
    time_zone
        IANA time zone of the district, for example ``America/Los_Angeles``.
    crs
        Projected CRS in metres to measure in; the district's UTM zone if left out.
    zones
        Number of zones there ought to be; not checked if left out.
    is_synthetic
        Whether the data are made up, which every output then says.
    lang
        Language of the pages, as an IETF tag.
    """

    name: str
    time_zone: str
    crs: str | int | None = None
    zones: int | None = None
    is_synthetic: bool = False
    lang: str = "en"

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
        _require(self.zones is None or self.zones >= 1, "[district] zones", "There must be a zone.", found=self.zones)


@dataclass(frozen=True, kw_only=True)
class PathSettings:
    """``[paths]``: where things are, relative to the district folder.

    Parameters
    ----------
    boundaries
        Folder of the layers: zones, boundary, schools, roads, places.
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


@dataclass(frozen=True, kw_only=True)
class LayerSettings:
    """``[zones]``, ``[boundary]``, ``[roads]``, ``[places]``, ``[units]``: one layer of the map.

    Parameters
    ----------
    file
        File or pattern, relative to the district folder; by default the file of the layer's name in
        ``paths.boundaries``.
    crs
        CRS of the coordinates, where the file states none.
    columns
        Our column → the file's column; names that are equal need no entry.
    """

    file: str | None = None
    crs: str | int | None = None
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class EnrollmentFile:
    """``[schools.enrollment_file]``: enrolment kept in a file of its own.

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


@dataclass(frozen=True, kw_only=True)
class SchoolSettings(LayerSettings):
    """``[schools]``: where the schools are and which of them count; ``preset`` names a known directory.

    Parameters
    ----------
    keep
        Column of the file → pattern or patterns that a row must match to be kept (``"Active"``, ``"3467447*"``).
    levels
        Value of the file's level column → our level.
    in_program
        Values of the programme column that mean yes; without such a column every school is in the programme.
    default_level
        Level of a school whose value is in no entry of `levels`.
    enrollment_file
        A file of enrolments to join, if they are not in the school file.
    """

    keep: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    in_program: tuple[str, ...] = ("true", "yes", "y", "1")
    default_level: str | None = None
    enrollment_file: EnrollmentFile | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        _require_values(set(self.levels.values()), LEVELS, "[schools.levels]")
        _require_values({self.default_level} - {None}, LEVELS, "[schools] default_level")  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class IncidentSettings(LayerSettings):
    """``[incidents]``: how to read the history; ``preset`` names a known export.

    Parameters
    ----------
    keep
        Column of the file → pattern or patterns that a row must match to be kept.
    times
        What the times of the export mean: ``local`` time, ``utc``, or ``local_tagged_utc`` (local times that the file
        says are UTC).
    day_first
        Whether 3/4/2025 is the third of April.
    midnight_is_unknown
        Whether exactly 00:00:00 means that the time of day is not known.
    unmapped
        What to do with categories that the crosswalk lacks: ``stop``, or count them as ``non_critical``.
    origins, responders
        Value of the file → our word.
    default_origin
        Origin of a row that does not say.
    name_score
        Likeness, 0 to 100, from which a school's name in the export is taken for a school's.
    nearest_school_m
        Distance within which an incident that names no school is taken to be at the nearest one; 0 for never.
    pile_up
        Number of incidents at one coordinate, away from any school, from which it is reported as a geocoder's default.
    """

    keep: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    times: TimeMeaning = "local"
    day_first: bool = False
    midnight_is_unknown: bool = False
    unmapped: Literal["stop", "non_critical"] = "stop"
    origins: Mapping[str, str] = field(default_factory=dict)
    responders: Mapping[str, str] = field(default_factory=dict)
    default_origin: str = "reported"
    name_score: float = 90.0
    nearest_school_m: float = 0.0
    pile_up: int = 25

    def __post_init__(self) -> None:
        """Check the values."""
        _require_values(set(self.origins.values()) | {self.default_origin}, ORIGINS, "[incidents.origins]")
        _require_values(set(self.responders.values()), RESPONDERS, "[incidents.responders]")
        _require_values({self.times}, ("local", "utc", "local_tagged_utc"), "[incidents] times")
        _require_values({self.unmapped}, ("stop", "non_critical"), "[incidents] unmapped")
        _require(0 < self.name_score <= 100, "[incidents] name_score", "A score is above 0 and at most 100.")  # noqa: PLR2004
        _require(self.nearest_school_m >= 0, "[incidents] nearest_school_m", "A distance is not negative.")


@dataclass(frozen=True, kw_only=True)
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
        _require(self.start <= self.end, f"[[terms]] {self.name}", "The term ends before it starts.")
        is_plain = (
            self.name.strip() == self.name
            and self.name not in {"", ".", ".."}
            and not set('/\\:*?"<>|') & set(self.name)
        )
        _require(is_plain, "[[terms]] name", "The name of a term is also the name of a folder.", found=repr(self.name))


@dataclass(frozen=True, kw_only=True)
class CalendarSettings:
    """``[calendar]``: the days school is in session.

    Parameters
    ----------
    weekdays
        Days of the week with school.
    holidays
        Days without: ``"2025-11-11"``, or first and last as ``"2025-12-22/2026-01-02"``.
    """

    weekdays: tuple[str, ...] = _DAYS[:5]
    holidays: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the values."""
        _require_values(self.weekdays, _DAYS, "[calendar] weekdays")
        for holiday in self.holidays:
            try:
                days = [dt.date.fromisoformat(day) for day in holiday.split("/")]
            except ValueError:
                days = []
            _require(
                len(days) in (1, 2) and days == sorted(days),
                "[calendar] holidays",
                "This is not a day, nor a first and a last day.",
                found=holiday,
                expected='"2025-11-11" or "2025-12-22/2026-01-02"',
            )


@dataclass(frozen=True, kw_only=True)
class Bells:
    """``[hours.levels.<level>]``: programme hours at schools of a level.

    Parameters
    ----------
    start, end
        From when, and to when, a call is the programme's; the start is included, the end is not.
    """

    start: dt.time
    end: dt.time

    def __post_init__(self) -> None:
        """Check that the day ends after it starts."""
        _require(self.start < self.end, "[hours]", "Programme hours end before they start.")

    @property
    def hours(self) -> float:
        """Length of the programme's day, in hours."""
        return (self.end.hour - self.start.hour) + (self.end.minute - self.start.minute) / 60


@dataclass(frozen=True, kw_only=True)
class HoursSettings:
    """``[hours]``: programme hours, and those of single levels where they differ.

    Parameters
    ----------
    start, end
        From when, and to when, a call is the programme's; the start is included, the end is not.
    levels
        Level → its own hours.
    """

    start: dt.time = dt.time(7, 30)
    end: dt.time = dt.time(15, 30)
    levels: Mapping[str, Bells] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values."""
        _require_values(self.levels, LEVELS, "[hours.levels]")
        self.of("other")

    def of(self, level: str) -> Bells:
        """Return the programme hours at schools of a level.

        Parameters
        ----------
        level
            A school level.

        Returns
        -------
        Bells
            Its own hours, else those of the programme.
        """
        return self.levels.get(level) or Bells(start=self.start, end=self.end)


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


@dataclass(frozen=True, kw_only=True)
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

    service_min: Mapping[str, float] = field(default_factory=_default_service_min)
    longest_service_min: float = 480.0
    visits_per_week: Mapping[str, float] = field(default_factory=_default_visits)
    visit_min: float = 12.0
    detour_factor: float = 1.3
    speed_kph: float = 40.0

    def __post_init__(self) -> None:
        """Fill in what a partial table leaves out, and check the values."""
        _require_values(self.service_min, CRITICAL_CATEGORIES, "[workload.service_min]")
        _require_values(self.visits_per_week, LEVELS, "[workload.visits_per_week]")
        object.__setattr__(self, "service_min", {**_default_service_min(), **self.service_min})
        object.__setattr__(self, "visits_per_week", {**_default_visits(), **self.visits_per_week})
        amounts = [*self.service_min.values(), *self.visits_per_week.values(), self.visit_min]
        _require(all(a >= 0 for a in amounts), "[workload]", "Minutes and visits are not negative.")
        _require(self.speed_kph > 0, "[workload] speed_kph", "A speed is above zero.", found=self.speed_kph)
        _require(self.detour_factor >= 1, "[workload] detour_factor", "A road is not shorter than a straight line.")


@dataclass(frozen=True, kw_only=True)
class AssignSettings:
    """``[assign]``: how points are given zones.

    Parameters
    ----------
    max_snap_m
        Metres outside every zone at which a point is still given the nearest.
    """

    max_snap_m: float = 0.0

    def __post_init__(self) -> None:
        """Check the value."""
        _require(self.max_snap_m >= 0, "[assign] max_snap_m", "A distance is not negative.", found=self.max_snap_m)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a district, as ``district.toml`` and its presets give them.

    Parameters
    ----------
    folder
        The district folder; every path is relative to it.
    """

    folder: Path
    district: DistrictSettings
    paths: PathSettings = field(default_factory=PathSettings)
    zones: LayerSettings = field(default_factory=LayerSettings)
    boundary: LayerSettings = field(default_factory=LayerSettings)
    roads: LayerSettings = field(default_factory=LayerSettings)
    places: LayerSettings = field(default_factory=LayerSettings)
    units: LayerSettings = field(default_factory=LayerSettings)
    schools: SchoolSettings = field(default_factory=SchoolSettings)
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    terms: tuple[Term, ...] = ()
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    hours: HoursSettings = field(default_factory=HoursSettings)
    workload: WorkloadSettings = field(default_factory=WorkloadSettings)
    assign: AssignSettings = field(default_factory=AssignSettings)

    def __post_init__(self) -> None:
        """Check that terms have names of their own and do not overlap."""
        names = [t.name for t in self.terms]
        _require(len(set(names)) == len(names), "[[terms]]", "Two terms have the same name.", found=", ".join(names))
        ordered = sorted(self.terms, key=lambda t: t.start)
        for before, after in itertools.pairwise(ordered):
            _require(before.end < after.start, "[[terms]]", f"The terms {before.name} and {after.name} overlap.")
        object.__setattr__(self, "terms", tuple(ordered))

    def term(self, name: str | None = None) -> Term:
        """Find a term by name.

        Parameters
        ----------
        name
            Its name; the last term if left out.

        Returns
        -------
        Term
            The term.

        Raises
        ------
        SettingsError
            When there is no such term.
        """
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
