"""How the files are read: layers, schools, incidents."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from safeschools_geo.schemas import LEVELS, ORIGINS, RESPONDERS
from safeschools_geo.settings.checks import require, require_values

TimeMeaning = Literal["local", "utc", "local_tagged_utc"]
SimilarIds = Literal["stop", "same", "apart"]
UNKNOWN_RESPONDER = "unknown"

TimeOfDay = Literal["known", "unknown"]
TIME_COLUMNS = ("occurred_at", "occurred_to", "received_at", "dispatched_at", "arrived_at", "cleared_at")
"""Our columns of incidents that hold moments."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "zones": ("zone_id", "name", "officer", "team"),
    "boundary": (),
    "schools": ("school_id", "name", "level", "enrollment", "district", "in_program", "address"),
    "roads": ("name", "minutes", "speed_kph", "one_way"),
    "places": ("name",),
    "units": ("unit_id", "name"),
    "incidents": ("incident_id", *TIME_COLUMNS, "category", "origin", "school_id", "school_name", "responder"),
}
"""Section of ``district.toml`` → the columns that are read of its files, beside those of `PLACE_COLUMNS`."""
PLACE_COLUMNS = ("x", "y", "wkt")
_LISTS = {"category", "level", *TIME_COLUMNS}
"""Columns of ours that several columns of a file can make together."""


def column_faults(section: str, columns: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    """Find what is wrong with the names of columns that the settings give.

    Parameters
    ----------
    section
        A key of `COLUMNS`.
    columns
        Our column → the file's.

    Returns
    -------
    list of str
        Names that are none of ours, and lists of which all but the first would be ignored; one sentence each.
    """
    known = (*COLUMNS[section], *PLACE_COLUMNS)
    faults = []
    if "wkt" in columns and {"x", "y"} & set(columns):
        faults.append(f"[{section}.columns] wkt: beside it x and y are not read; name one of the two")
    for ours, theirs in columns.items():
        where = f"[{section}.columns] {ours}"
        if ours not in known:
            near = difflib.get_close_matches(ours, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            faults.append(f"{where}: no such column{hint}")
        elif not isinstance(theirs, str) and len(theirs) != 1 and ours not in _LISTS:
            able = ", ".join(sorted(_LISTS))
            faults.append(f"{where}: expected one column, found {len(theirs)}; only {able} can be made of several")
        elif not theirs and not isinstance(theirs, str):
            faults.append(f'{where}: an empty list names no column; "" says that the file has none')
    return faults


@dataclass(frozen=True, kw_only=True)
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

    max_mb: float = 1_000.0
    max_ratio: float = 100.0
    max_entries: int = 10_000
    max_rows: int = 5_000_000
    max_columns: int = 2_000
    max_cells: int = 100_000_000

    def __post_init__(self) -> None:
        """Check the values."""
        for name, value in vars(self).items():
            require(value > 0, f"[reading] {name}", "A limit is above 0.", found=value)


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
        Our column → the file's column; names that are equal need no entry, and ``""`` says that the file has none.
        A list of columns is read as a whole where it means something: `category` joins them by ``" | "``, `level`
        takes the first that `levels` knows, and a time joins a date and a time of day.
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
        What values of the column `in_program` mean: value → true or false, ``""`` for a blank cell; a list gives those
        that mean true. Yes, y, true, t, 1 and no, n, false, f, 0 need no entry; any other value stops the run. Without
        such a column every school is in the program.
    default_level
        Level of a school whose value is in no entry of `levels`; without it such a value stops the run.
    enrollment_file
        A file of enrolments to join, if they are not in the school file.
    """

    keep: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    in_program: tuple[str, ...] | Mapping[str, bool] = ()
    default_level: str | None = None
    enrollment_file: EnrollmentFile | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        require_values(set(self.levels.values()), LEVELS, "[schools.levels]")
        require_values({self.default_level} - {None}, LEVELS, "[schools] default_level")  # type: ignore[arg-type]


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
        Whether 3/4/2025 is the third of April. Left out, the month comes first, unless dates exist only the other way
        round: then it has to be said.
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
    nearest_school_m
        Distance within which an incident that names no school is taken to be at the nearest one; 0 for never.
    pile_up
        Number of incidents at one coordinate, away from any school, from which it is reported as a geocoder's default.
    """

    keep: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    times: TimeMeaning = "local"
    day_first: bool | None = None
    time_of_day: Mapping[str, TimeOfDay] = field(default_factory=dict)
    midnight_is_unknown: bool = False
    unmapped: Literal["stop", "non_critical"] = "stop"
    origins: Mapping[str, str] = field(default_factory=dict)
    responders: Mapping[str, str] = field(default_factory=dict)
    default_origin: str = "reported"
    similar_ids: SimilarIds = "stop"
    name_score: float = 90.0
    nearest_school_m: float = 0.0
    pile_up: int = 25

    def __post_init__(self) -> None:
        """Check the values."""
        require_values(set(self.origins.values()) | {self.default_origin}, ORIGINS, "[incidents.origins]")
        require_values(set(self.responders.values()), (*RESPONDERS, UNKNOWN_RESPONDER), "[incidents.responders]")
        require_values({self.times}, ("local", "utc", "local_tagged_utc"), "[incidents] times")
        require_values(self.time_of_day, TIME_COLUMNS, "[incidents.time_of_day]")
        require_values(set(self.time_of_day.values()), ("known", "unknown"), "[incidents.time_of_day]")
        require_values({self.unmapped}, ("stop", "non_critical"), "[incidents] unmapped")
        require(0 < self.name_score <= 100, "[incidents] name_score", "A score is above 0 and at most 100.")  # noqa: PLR2004
        require(self.nearest_school_m >= 0, "[incidents] nearest_school_m", "A distance is not negative.")
