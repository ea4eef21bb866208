"""The coarsening adviser: how much of each table on offer would be withheld, and the finest that still says much."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.disclosure.protect import protect
from safeschools_geo.disclosure.raw_table import RawTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.disclosure.grouping import Grouping
    from safeschools_geo.disclosure.policy import Policy


def advise(
    table: RawTable, offered: Sequence[Grouping], policy: Policy, *, not_chosen: Sequence[Grouping] = ()
) -> pd.DataFrame:
    """Measure how much of each table on offer would be withheld.

    Parameters
    ----------
    table
        The counts.
    offered
        The tables on offer. One with more figures is finer; among equals the one that is offered first.
    policy
        The policy.
    not_chosen
        Tables of these that are shown to the manager, but not chosen.

    Returns
    -------
    pandas.DataFrame
        One row for each, the finest first: `position` (in `offered`), `grouping` (as text), `figures` (int64, totals
        not counted), `withheld` (int64), `withheld_share` (0 to 1), `is_choosable`, and `is_chosen`: the finest of
        which less than the policy's share would be withheld. Each is measured with its own totals and by itself; beside
        other tables more may have to be withheld.
    """
    rows = [(i, *_row(table, grouping, policy), grouping not in not_chosen) for i, grouping in enumerate(offered)]
    columns = ["position", "grouping", "figures", "withheld", "withheld_share", "is_choosable"]
    found = pd.DataFrame(rows, columns=columns).sort_values(
        ["figures", "position"], ascending=[False, True], kind="stable", ignore_index=True
    )
    fits = found["is_choosable"] & (found["withheld_share"] < policy.most_withheld_share) & (found["figures"] > 0)
    return found.assign(is_chosen=fits & (fits.cumsum() == 1))


def _row(table: RawTable, grouping: Grouping, policy: Policy) -> tuple[str, int, int, float]:
    safe = protect(_alone(table, grouping), policy)
    withheld = safe.table(*grouping.dims)["is_withheld"]
    return grouping.text, len(withheld), int(withheld.sum()), float(withheld.mean())


def _alone(table: RawTable, grouping: Grouping) -> RawTable:
    """Take one table by itself, its counts added up as far as it shows them."""
    counts = table.counts
    for name, value in grouping.where:
        counts = counts[counts[name] == value]
    dims = dict.fromkeys([*grouping.dims, *([table.alone] if table.alone else [])])
    added = counts.groupby(list(dims))["count"].sum().reset_index()
    people = None
    if table.students is not None and (shared := [d for d in grouping.dims if d in table.students.columns]):
        people = table.students.groupby(shared)["students"].sum(min_count=1).reset_index()
    margins = replace(grouping, where=()).with_margins()
    return RawTable(added, margins, students=people, measure=table.measure, alone=table.alone)
