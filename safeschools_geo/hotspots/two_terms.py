"""Two terms beside each other: rates of schools, zones and levels, and whether they changed by more than chance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.hotspots.change import term_change
from safeschools_geo.hotspots.rates import group_rates

if TYPE_CHECKING:
    from safeschools_geo.hotspots.rates import SchoolRates

EVERYWHERE = "everywhere"
"""What all schools together are compared by: a column of its own, with one value."""

OF_A_TERM = ("rate_per_1000", "rate_low_per_1000", "rate_high_per_1000", "officer_initiated_share")
"""What is told of each term, with ``_before`` and ``_after`` behind it."""

_MORE = {"zone_id": ("schools",), "school_id": ("expected", "ratio", "status")}
_SAME = ("ratio", "ratio_low", "ratio_high", "q_value")


def rates_beside(before: SchoolRates, after: SchoolRates, *, by: str) -> pd.DataFrame:
    """Put the rates of two terms beside each other, and test their change.

    Parameters
    ----------
    before, after
        Rates of the schools in the earlier and in the later term, each with the zones that its schools had then.
    by
        ``school_id``, ``zone_id``, ``level``, or `EVERYWHERE` for all schools together.

    Returns
    -------
    pandas.DataFrame
        The columns of `change.term_change`, and of each term, with ``_before`` and ``_after`` behind the name,
        `OF_A_TERM`; of zones also `schools`; of schools also `expected`, `ratio` (of observed over expected) and
        `status`. All rates are of reported incidents, per 1,000 student-days, so terms may differ in length.
    """
    tables = [_with_everywhere(rates) for rates in (before, after)]
    names = [str(table["term"].iloc[0]) if len(table) else "" for table in tables]
    counts = pd.concat(tables, ignore_index=True)
    changes = term_change(counts.assign(incidents=counts["reported"]), before=names[0], after=names[1], by=by)
    shown = [*OF_A_TERM, *_MORE.get(by, ())]
    for rates, table, suffix in zip((before, after), tables, ("_before", "_after"), strict=True):
        told = table if by == "school_id" else group_rates(replace(rates, table=table), by)
        changes = changes.merge(told.set_index(by)[shown].add_suffix(suffix).reset_index(), on=by, how="left")
    return changes


def change_at_same_schools(before: SchoolRates, after: SchoolRates) -> pd.DataFrame:
    """Test the change of each zone of the later term at the schools that it has now.

    Parameters
    ----------
    before, after
        Rates of the schools in the earlier and in the later term.

    Returns
    -------
    pandas.DataFrame
        `zone_id`, and `same_schools_ratio`, `same_schools_ratio_low`, `same_schools_ratio_high` and
        `same_schools_q_value`: as `change.term_change`, with the schools of the later term's zones in both terms. What
        a zone gained or lost by other schools is not in it.
    """
    zone_of = after.table.set_index("school_id")["zone_id"]
    earlier = before.table.assign(zone_id=before.table["school_id"].map(zone_of).fillna("").astype("str"))
    table = rates_beside(replace(before, table=earlier), after, by="zone_id")
    return table.set_index("zone_id")[list(_SAME)].add_prefix("same_schools_").reset_index()


def _with_everywhere(rates: SchoolRates) -> pd.DataFrame:
    return rates.table.assign(**{EVERYWHERE: EVERYWHERE})
