"""Rates for the public: worked out from published figures alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.hotspots.change import term_change
from safeschools_geo.hotspots.intervals import q_values, rate_interval
from safeschools_geo.packet.counts import KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.disclosure import SafeTable

_PER = 1000
_CLEAR = 0.05


def public_rates(
    counts: SafeTable,
    students: SafeTable,
    *dims: str,
    days: Mapping[str, int],
    **where: str,
) -> pd.DataFrame:
    """Work out rates from what is published.

    Parameters
    ----------
    counts
        The counts, by term among others.
    students
        The students.
    *dims
        Dimensions of the table; ``term`` is among them or held.
    days
        School days of each term.
    **where
        Dimensions that are held at one value.

    Returns
    -------
    pandas.DataFrame
        `dims`, `cell`, `count` and `is_withheld` of all schools; of the schools whose enrolment is known `rate_cell`,
        `rate_count`, `students` (Int64), `student_days`, `rate_per_1000`, `rate_low`, `rate_high` (Float64, incidents
        per 1,000 student-days with the exact 95 % interval of a Poisson count), missing where a figure that they need
        is withheld; and `is_partial`: whether there are other schools.
    """
    people = [name for name in dims if name != "term"]
    table = counts.table(*dims, **where)
    known = _of_known(counts, *dims, **where)
    table = table.merge(known, on=list(dims), how="left", validate="1:1")
    table["rate_cell"] = table["rate_cell"].fillna(-1).astype("int64")
    size = students.table(*people).set_index(people)["count"] if people else students.table()["count"]
    table["students"] = size.reindex(table[people[0]]).to_numpy() if people else size.iloc[0]
    table["students"] = table["students"].astype("Int64")
    term = table["term"] if "term" in dims else pd.Series(where["term"], index=table.index)
    student_days = table["students"].astype("Float64") * term.map(dict(days)).astype("Float64")
    student_days = student_days.mask(student_days.fillna(0) <= 0).mask(table["rate_count"].isna())
    rate = _PER * table["rate_count"].astype("Float64") / student_days
    low, high = rate_interval(
        table["rate_count"].to_numpy(dtype="float64", na_value=np.nan),
        student_days.to_numpy(dtype="float64", na_value=np.nan),
    )
    return table.assign(
        student_days=student_days,
        rate_per_1000=rate,
        rate_low=pd.Series(_PER * low, table.index, dtype="Float64").mask(rate.isna()),
        rate_high=pd.Series(_PER * high, table.index, dtype="Float64").mask(rate.isna()),
        is_partial=table["cell"] != table["rate_cell"],
    )


def _of_known(counts: SafeTable, *dims: str, **where: str) -> pd.DataFrame:
    """Count at schools whose enrolment is known; there may be none."""
    if (counts.to_frame()["enrolled"] == KNOWN).any():
        found = counts.table(*dims, enrolled=KNOWN, **where)
    else:
        found = counts.table(*dims, **where).iloc[:0]
    return found.rename(columns={"cell": "rate_cell", "count": "rate_count"})[[*dims, "rate_cell", "rate_count"]]


def public_changes(
    tables: Mapping[str, pd.DataFrame], *, before: str, after: str, days: Mapping[str, int]
) -> pd.DataFrame:
    """Compare two terms by what is published of them.

    Parameters
    ----------
    tables
        Name of a grouping (``zone``, ``level``, ``district``) → its rates by term, from `public_rates`; the first
        column names the groups, but for the district.
    before, after
        The terms; `before` is empty for a first term, which has no changes.
    days
        School days of each term. Enrolments are the same in both terms, so that counts over school days compare as
        rates do.

    Returns
    -------
    pandas.DataFrame
        `by`, `group`, `before`, `after`, `ratio` (of rates, missing where the earlier count does not carry one) with
        `ratio_low` and `ratio_high`, `p_value`, `q_value`, `direction` (``rose``, ``fell``, or ``no clear change``) and
        `is_more_than_chance`: q at most 5 %, over all groups of one grouping (`hotspots.change.term_change`). A group
        whose figures are withheld counts among them as one that did not change, so that nothing is called clear here
        that is not with every figure known. Missing where a figure is withheld, or a term has no calls at all.
    """
    if not before:
        tables = {name: table.iloc[:0] for name, table in tables.items()}
    return pd.concat([_changes(name, table, before, after, days) for name, table in tables.items()], ignore_index=True)


def _changes(name: str, table: pd.DataFrame, before: str, after: str, days: Mapping[str, int]) -> pd.DataFrame:
    both = table[table["term"].isin([before, after])]
    group = both[name] if name in both else pd.Series("", index=both.index, dtype="str")
    known = pd.DataFrame(
        {
            "term": both["term"],
            "group": group,
            "incidents": both["count"].astype("Float64").astype("float64"),
            "student_days": both["term"].map(dict(days)).astype("float64"),
        }
    ).dropna()
    compared = known[known.groupby("group")["term"].transform("size") == 2]  # noqa: PLR2004 - two terms
    found = pd.DataFrame({"group": sorted(set(group))}, dtype="str").assign(by=name, before=before, after=after)
    wanted = ["ratio", "ratio_low", "ratio_high", "p_value"]
    if compared.empty:
        changes = pd.DataFrame({"group": pd.Series(dtype="str"), **{w: pd.Series(dtype="float64") for w in wanted}})
    else:
        changes = term_change(compared, before=before, after=after, by="group", population="calls")
    merged = found.merge(changes[["group", *wanted]], on="group", how="left")
    is_known = merged["p_value"].notna()
    merged["q_value"] = pd.Series(q_values(merged["p_value"].fillna(1.0)), merged.index).where(is_known)
    sums = compared.pivot_table(index="group", columns="term", values="incidents", aggfunc="sum")
    rates = (sums.div(pd.Series(dict(days)), axis=1)).reindex(merged["group"]).reindex(columns=[before, after])
    is_more = (rates[after] > rates[before]).to_numpy() if len(rates) else np.zeros(0, dtype=np.bool_)
    is_clear = (merged["q_value"] <= _CLEAR).to_numpy()
    direction = pd.Series(np.select([~is_clear, is_more], ["no clear change", "rose"], "fell"), dtype="str")
    merged[[*wanted, "q_value"]] = merged[[*wanted, "q_value"]].astype("Float64")
    return merged.assign(
        direction=direction.where(is_known),
        is_more_than_chance=(merged["q_value"] <= _CLEAR).astype("boolean"),
    )[["by", "group", "before", "after", *wanted, "q_value", "direction", "is_more_than_chance"]]
