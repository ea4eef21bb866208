"""Data tables that stand beside each map, so that its facts can be read without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.schemas import CATEGORIES, LEVELS, POPULATIONS, STATUSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NONE_NAMED = "–"
OUTSIDE_TERMS = "Outside every term"
CALLS = POPULATIONS["calls"].capitalize()
"""Head of a column of calls for zone officers."""

_RECORD = POPULATIONS["record"].capitalize()


@dataclass(frozen=True)
class DataTable:
    """A table as it is printed.

    Parameters
    ----------
    caption
        What it shows, with its units.
    columns
        Heads of the columns; the first is the head of the rows' names.
    rows
        The cells as text.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def text_columns(self) -> frozenset[int]:
        """The columns of words, which are read from the left; columns of numbers are set flush right."""
        return frozenset(
            place for place in range(1, len(self.columns)) if any(c.isalpha() for row in self.rows for c in row[place])
        )


def load_table(loads: pd.DataFrame, *, term: str) -> DataTable:
    """Print the workload of the zones.

    Parameters
    ----------
    loads
        Workload of each zone, by `zone_id`.
    term
        The term.

    Returns
    -------
    DataTable
        A row for each zone.
    """
    columns = ("Zone", "Schools", "Students", CALLS, "On calls", "Travel", "Visits", "Workload", "Of mean")
    rows = tuple(
        (
            str(zone.name),
            count(zone.schools),
            count(zone.enrollment),
            count(zone.incidents),
            number(zone.incident_h, 2),
            number(zone.travel_h, 2),
            number(zone.visit_h, 2),
            number(zone.workload_h, 2),
            number(zone.share_of_mean, 2, suffix=" ×"),
        )
        for zone in loads.itertuples(index=False)
    )
    return DataTable(f"Workload by zone, {term}: officer-hours per school day", columns, rows)


def rate_table(rates: pd.DataFrame, *, term: str) -> DataTable:
    """Print the rates of the zones.

    Parameters
    ----------
    rates
        Rates of each zone, by `zone_id`.
    term
        The term.

    Returns
    -------
    DataTable
        A row for each zone.
    """
    rows = tuple(
        (
            str(zone.name),
            count(zone.schools),
            count(zone.student_days),
            count(zone.incidents),
            number(zone.rate_per_1000, 3),
        )
        for zone in rates.itertuples(index=False)
    )
    columns = ("Zone", "Schools", "Student-days", CALLS, "Rate")
    return DataTable(f"{CALLS} (officer-initiated too) per 1,000 student-days by zone, {term}", columns, rows)


def school_table(
    schools: pd.DataFrame, school_assignments: pd.DataFrame, *, zone_names: Mapping[str, str]
) -> DataTable:
    """Print the schools with their zones.

    Parameters
    ----------
    schools
        Table `schools`.
    school_assignments
        `school_id` and table `assignments`.
    zone_names
        Name of each zone, by `zone_id`.

    Returns
    -------
    DataTable
        A row for each school.
    """
    placed = school_assignments.set_index("school_id").reindex(schools["school_id"])
    rows = tuple(
        (
            str(name),
            LEVELS.get(level, str(level)),
            count(students),
            "Yes" if in_program else "No",
            zone_names.get(zone_id, NONE_NAMED) if isinstance(zone_id, str) else NONE_NAMED,
            STATUSES.get(status, str(status)),
        )
        for name, level, students, in_program, zone_id, status in zip(
            schools["name"],
            schools["level"],
            schools["enrollment"],
            schools["in_program"],
            placed["zone_id"],
            placed["status"].fillna("no_location"),
            strict=True,
        )
    )
    columns = ("School", "Level", "Students", "In programme", "Zone", "How the zone was found")
    return DataTable("Schools and their zones", columns, rows)


def category_table(incidents: pd.DataFrame, *, terms: Sequence[str]) -> DataTable:
    """Print how many incidents there are of each category in each term.

    Parameters
    ----------
    incidents
        Incidents in context.
    terms
        Terms in the order to be shown; empty text stands for none.

    Returns
    -------
    DataTable
        A row for each category.
    """
    return _crossed(
        incidents["category"],
        incidents["term"].fillna("").astype("str"),
        names=CATEGORIES,
        terms=terms,
        caption=f"{_RECORD} by category and term",
        head="Category",
    )


def zone_table(incidents: pd.DataFrame, *, zone_names: Mapping[str, str], terms: Sequence[str]) -> DataTable:
    """Print how many incidents there are in each zone in each term.

    Parameters
    ----------
    incidents
        Incidents in context.
    zone_names
        Name of each zone, by `zone_id`.
    terms
        Terms in the order to be shown; empty text stands for none.

    Returns
    -------
    DataTable
        A row for each zone, and one for incidents in none.
    """
    return _crossed(
        incidents["zone_id"].fillna("").astype("str"),
        incidents["term"].fillna("").astype("str"),
        names={**zone_names, "": "In no zone"},
        terms=terms,
        caption=f"{_RECORD} by zone and term",
        head="Zone",
    )


def at_school_table(incidents: pd.DataFrame, schools: pd.DataFrame) -> DataTable:
    """Print how many incidents there are at each school.

    Parameters
    ----------
    incidents
        Incidents in context.
    schools
        Table `schools`.

    Returns
    -------
    DataTable
        A row for each school with an incident, the most first, and one for incidents at none.
    """
    names = dict(zip(schools["school_id"], schools["name"].astype("str"), strict=True))
    by_school = incidents["school_id"].fillna("").astype("str").value_counts()
    listed = sorted(
        ((int(n), names.get(str(i), str(i))) for i, n in by_school.items() if i), key=lambda x: (-x[0], x[1])
    )
    elsewhere = int(by_school.get("", 0))
    rows = [(name, count(number)) for number, name in listed]
    return DataTable(
        f"{_RECORD} by school, all terms", ("School", _RECORD), (*rows, ("At no school", count(elsewhere)))
    )


def _crossed(
    groups: pd.Series, terms_of: pd.Series, *, names: Mapping[str, str], terms: Sequence[str], caption: str, head: str
) -> DataTable:
    counts = pd.crosstab(groups, terms_of).reindex(index=list(names), columns=list(terms), fill_value=0)
    rows = [(name, *map(count, counts.loc[key]), count(counts.loc[key].sum())) for key, name in names.items()]
    total = ("All", *map(count, counts.sum()), count(counts.to_numpy().sum()))
    return DataTable(caption, (head, *(t or OUTSIDE_TERMS for t in terms), "All"), (*rows, total))


def count(value: object) -> str:
    """Print a count.

    Parameters
    ----------
    value
        A number, or a missing value.

    Returns
    -------
    str
        Whole, with commas; a dash where it is missing.
    """
    return NONE_NAMED if pd.isna(value) else f"{float(value):,.0f}"  # type: ignore[arg-type, call-overload]


def number(value: object, decimals: int, *, suffix: str = "") -> str:
    """Print a measure.

    Parameters
    ----------
    value
        A number, or a missing value.
    decimals
        Decimals to show.
    suffix
        What to put behind it.

    Returns
    -------
    str
        The number; a dash where it is missing.
    """
    return NONE_NAMED if pd.isna(value) else f"{float(value):,.{decimals}f}{suffix}"  # type: ignore[arg-type, call-overload]
