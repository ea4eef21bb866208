"""What can be wrong with a plan that somebody wrote, told all at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.errors import InputError, SeveralFaultsError, count_text, name_ids

if TYPE_CHECKING:
    from collections.abc import Callable

KEEP = "keep"
"""In the place of a zone: the unit keeps the zone it has."""

EVERY_OTHER = "*"
"""In the place of an id: every unit that the file does not name."""

_NAMED = 12


@dataclass(frozen=True, eq=False)
class PlanRows:
    """The rows of a plan, each with the unit it is about.

    Parameters
    ----------
    path
        The file.
    rows
        `id` and `zone` as written, `unit_id` (missing where the id is not known), `is_every_other` and `keeps` (bool);
        the index is the row in the file.
    unreadable
        Table `rejects` of the rows that could not be read.
    is_of_schools
        Whether the ids are those of schools.
    unit_of
        Unit of each id that is known.
    zones
        Ids of the zones there are.
    """

    path: Path
    rows: pd.DataFrame
    unreadable: pd.DataFrame
    is_of_schools: bool
    unit_of: pd.Series
    zones: list[str]

    @property
    def id_column(self) -> str:
        """Name of the column of ids."""
        return "school_id" if self.is_of_schools else "unit_id"

    def nameless(self, unit_ids: list[str]) -> list[str]:
        """Find the units that no id stands for.

        Parameters
        ----------
        unit_ids
            Ids of all units.

        Returns
        -------
        list of str
            In a plan of schools, the units without a school.
        """
        with_id = set(self.unit_of)
        return [unit for unit in unit_ids if unit not in with_id]


def require_sound(plan: PlanRows, unit_ids: list[str]) -> None:
    """Refuse a plan with faults.

    Parameters
    ----------
    plan
        The plan.
    unit_ids
        Ids of all units.

    Raises
    ------
    InputError
        Every fault there is, at once.
    """
    found = [*(check(plan) for check in _CHECKS), _left_out(plan, unit_ids)]
    faults = [fault for fault in found if fault is not None]
    if len(faults) > 1:
        raise SeveralFaultsError(faults)
    if faults:
        raise faults[0]


def _unreadable(plan: PlanRows) -> InputError | None:
    if plan.unreadable.empty:
        return None
    return InputError(
        "Some rows of the plan cannot be read.",
        where=plan.path,
        ids=(f"row {row}" for row in plan.unreadable["row"]),
        found=plan.unreadable["reason"].iloc[0],
        expected="as many cells in every row as in the header",
        remedy="Mend these rows.",
    )


def _no_id(plan: PlanRows) -> InputError | None:
    lost = plan.rows.index[plan.rows["id"].isna() | plan.rows["zone"].isna()]
    if lost.empty:
        return None
    return InputError(
        "Some rows of the plan have no id or no zone.",
        where=plan.path,
        ids=(f"row {row}" for row in lost),
        expected=f"an id and a zone in every row; {KEEP} for a unit that keeps its zone",
        remedy="Fill them in, or delete the rows.",
    )


def _unknown_ids(plan: PlanRows) -> InputError | None:
    rows = plan.rows
    unknown = rows.loc[rows["unit_id"].isna() & ~rows["is_every_other"], "id"].dropna().drop_duplicates()
    if unknown.empty:
        return None
    shortened = _with_zeros(unknown, plan.unit_of.index)
    return InputError(
        f"The plan names {'schools' if plan.is_of_schools else 'units'} that are not known.",
        where=f"{plan.path}, column {plan.id_column}",
        ids=unknown,
        expected=f"ids such as {', '.join(plan.unit_of.index[:3])}",
        remedy=f"A spreadsheet has taken leading zeros away: write {name_ids(shortened)}, as text."
        if shortened
        else "Correct the ids, or delete the rows; a file of schools has its ids in a column school_id.",
    )


def _with_zeros(unknown: pd.Series, known: pd.Index) -> list[str]:
    bare = pd.Series(known, index=known.str.lstrip("0"))
    bare = bare[~bare.index.duplicated(keep=False)]
    return [bare[i] for i in unknown if i in bare.index]


def _repeated(plan: PlanRows) -> InputError | None:
    is_known = plan.rows["unit_id"].notna() | plan.rows["is_every_other"]
    twice = plan.rows[plan.rows["id"].duplicated(keep=False) & is_known]
    if twice.empty:
        return None
    rows_of = twice.groupby("id", sort=False).groups
    return InputError(
        "The plan has several rows for one id.",
        where=plan.path,
        ids=(f"{i} (rows {', '.join(map(str, rows))})" for i, rows in rows_of.items()),
        expected=f"one row for each {plan.id_column}",
        remedy="Keep the row that is meant.",
    )


def _torn_units(plan: PlanRows) -> InputError | None:
    # A school named twice with two zones is told as that.
    placed = plan.rows[plan.rows["unit_id"].notna() & plan.rows["zone"].notna()].drop_duplicates("id")
    torn = placed[placed.groupby("unit_id")["zone"].transform("nunique") > 1]
    if not plan.is_of_schools or torn.empty:
        return None
    told = [
        f"{unit} ({'; '.join(f'{i} → {z}' for i, z in zip(part['id'], part['zone'], strict=True))})"
        for unit, part in torn.groupby("unit_id", sort=False)
    ]
    return InputError(
        "The plan puts schools of one unit into two zones.",
        where=plan.path,
        ids=told,
        expected="one zone for all schools of a unit: they share a site",
        remedy="Give them the same zone.",
    )


def _unknown_zones(plan: PlanRows) -> InputError | None:
    rows = plan.rows
    is_unknown = rows["zone"].notna() & ~rows["zone"].isin(plan.zones) & ~rows["keeps"] & ~rows["is_every_other"]
    if not is_unknown.any():
        return None
    return InputError(
        "The plan names zones that are not known.",
        where=plan.path,
        ids=rows.loc[is_unknown, "zone"].drop_duplicates(),
        expected=f"one of {name_ids(plan.zones, shown=_NAMED)}",
        remedy="Correct the zones; a plan moves units between the zones there are.",
    )


def _not_keep(plan: PlanRows) -> InputError | None:
    rows = plan.rows
    wrong = rows.loc[rows["is_every_other"] & ~rows["keeps"], "zone"].dropna()
    if wrong.empty:
        return None
    return InputError(
        "Units that the plan does not name can only keep their zones.",
        where=plan.path,
        found=f"{EVERY_OTHER},{wrong.iloc[0]}",
        expected=f"{EVERY_OTHER},{KEEP}",
        remedy="Name every unit that is to have this zone.",
    )


_CHECKS: tuple[Callable[[PlanRows], InputError | None], ...] = (
    _unreadable,
    _no_id,
    _unknown_ids,
    _repeated,
    _torn_units,
    _unknown_zones,
    _not_keep,
)


def _left_out(plan: PlanRows, unit_ids: list[str]) -> InputError | None:
    # A plan of schools cannot name a unit without any; such a unit keeps its zone, which is told.
    named = {*plan.rows["unit_id"].dropna(), *plan.nameless(unit_ids)}
    missing = [unit for unit in unit_ids if unit not in named]
    if not missing or plan.rows["is_every_other"].any():
        return None
    return InputError(
        f"The plan leaves out {count_text(len(missing), 'unit', of=len(unit_ids))}.",
        where=plan.path,
        ids=missing,
        expected="a zone for every unit",
        remedy=f"Add them, or a row with the id {EVERY_OTHER} and the zone {KEEP} if they keep their zones.",
    )
