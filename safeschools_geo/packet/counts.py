"""The counts behind the board packet: confidential, at their finest, with the tables that are published of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.disclosure import Grouping, RawTable
from safeschools_geo.schemas import OFFICER_CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.settings import Term
    from safeschools_geo.term_results import TermResult

PEOPLE = ("school", "zone", "level", "enrolled")
"""Dimensions that say whom a count is about."""

ALWAYS = ("zone", "level", "category", "origin")
"""What each term's counts are published by, whatever else is."""

KNOWN = "known"
"""What `enrolled` is at schools whose enrolment is known: rates are those of these schools."""

_JULY = 7


def school_year(term: Term) -> str:
    """Name the school year of a term.

    Parameters
    ----------
    term
        The term.

    Returns
    -------
    str
        For example ``2025–26``: from July to June.
    """
    first = term.start.year if term.start.month >= _JULY else term.start.year - 1
    return f"{first}–{(first + 1) % 100:02d}"


def terms_told(result: TermResult) -> list[Term]:
    """List the terms that the packet tells of.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    list of Term
        Those of the record up to this one that have any of zone officers' work, and this one.
    """
    worked = set(result.history.loc[result.history["work_of"] == "zone_officer", "term"].dropna())
    return [
        t
        for t in result.district.settings.terms
        if t.start <= result.term.start and (t.name in worked or t == result.term)
    ]


def programme_people(result: TermResult) -> pd.DataFrame:
    """List the programme's schools that are in a zone.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    pandas.DataFrame
        `school`, `zone`, `level`, and `enrolled` (``known`` or ``unknown``) as text, `students` (Int64, missing where
        unknown), sorted by `school`.
    """
    schools = result.district.schools
    zone = schools["school_id"].map(result.school_zones.set_index("school_id")["zone_id"]).fillna("").astype("str")
    people = pd.DataFrame(
        {
            "school": schools["school_id"].astype("str"),
            "zone": zone,
            "level": schools["level"].astype("str"),
            "enrolled": schools["enrollment"].isna().map({True: "unknown", False: KNOWN}).astype("str"),
            "students": schools["enrollment"].astype("Int64"),
        }
    )
    is_told = (schools["in_program"] & (zone != "")).to_numpy()
    return pd.DataFrame(people.loc[is_told]).sort_values("school", ignore_index=True)


def confidential_counts(result: TermResult) -> RawTable:
    """Count zone officers' work at its finest.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    RawTable
        Counts by `school`, `zone`, `level`, `enrolled`, `category`, `origin`, `term` and `year`, 0 where nothing
        happened, with the tables of each term by zone, level, category and origin, and its total; by zone and level
        also of the schools that rates are of. No table shows a school; its small counts may not be worked out either,
        nor any count of a school that is alone in its group or, by its unknown enrolment, between two groups. Where
        the settings allow numbers by school, that last is not asked.
    """
    people, terms = programme_people(result), terms_told(result)
    history = result.history
    work = history[(history["work_of"] == "zone_officer") & history["term"].isin([t.name for t in terms])]
    origins = sorted(set(work["origin"].fillna("unknown").astype("str"))) or ["reported"]
    grid = pd.MultiIndex.from_product(
        [people["school"], list(OFFICER_CATEGORIES), origins, [t.name for t in terms]],
        names=["school", "category", "origin", "term"],
    )
    counted = (
        work.assign(school=work["school_id"].astype("str"), origin=work["origin"].fillna("unknown").astype("str"))
        .groupby(["school", "category", "origin", "term"], observed=True)
        .size()
    )
    years = {t.name: school_year(t) for t in terms}
    counts = counted.reindex(grid, fill_value=0).rename("count").reset_index().merge(people, on="school")
    counts["year"] = counts["term"].map(years)
    order = [*PEOPLE, "category", "origin", "term", "year", "count"]
    always = [*(Grouping((by, "term")) for by in ALWAYS), Grouping(("term",))]
    rated = [Grouping.of(dims, enrolled=KNOWN) for dims in (("zone", "term"), ("level", "term"), ("term",))]
    between = [Grouping.of(dims, enrolled="unknown") for dims in (("zone", "term"), ("level", "term"), ("term",))]
    return RawTable(
        counts[order],
        groupings=(*always, *rated),
        hidden=(Grouping(("school", "term")), Grouping(("school", "category", "term")), *between),
        students=people,
        alone=None if result.district.settings.board.by_school else "school",
    )


def confidential_students(people: pd.DataFrame, groupings: Sequence[Grouping]) -> RawTable:
    """Count the students that rates are worked out with.

    Parameters
    ----------
    people
        Result of `programme_people`.
    groupings
        The tables to publish, of `zone` and `level`.

    Returns
    -------
    RawTable
        Students by `school`, `zone` and `level`, as far as enrolments are known.
    """
    counts = people.assign(count=people["students"].fillna(0).astype("int64"))
    return RawTable(counts[[*PEOPLE, "count"]], tuple(groupings), measure="students")


def offered_tables(table: RawTable, term: Term) -> list[Grouping]:
    """List the tables that the adviser looks at, the finest period first.

    Parameters
    ----------
    table
        The counts.
    term
        The term.

    Returns
    -------
    list of Grouping
        By school, zone and level, with and without the category, and by zone and level, in this term and this school
        year.
    """
    crossed = [
        ("school", "category"),
        ("school",),
        ("zone", "category"),
        ("level", "category"),
        ("zone", "level"),
    ]
    year = school_year(term)
    periods: list[dict[str, str]] = [{"term": term.name}]
    if len(set(table.counts.loc[table.counts["year"] == year, "term"])) > 1:
        periods.append({"year": year})
    return [Grouping.of(dims, **period) for dims in crossed for period in periods]


def with_detail(table: RawTable, detail: Grouping | None) -> RawTable:
    """Publish one more table.

    Parameters
    ----------
    table
        The counts.
    detail
        The table; none if None. Its totals are published too: they follow from those of the terms anyway.

    Returns
    -------
    RawTable
        The counts, with it.
    """
    return table if detail is None else table.publishing([*table.groupings, *detail.with_margins()])
