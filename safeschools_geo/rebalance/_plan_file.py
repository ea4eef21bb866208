"""What can be wrong with a plan that somebody wrote, told all at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.checks import tell
from safeschools_geo.errors import ColumnError, InputError, count_text, name_ids, refuse
from safeschools_geo.findings import Finding
from safeschools_geo.io import as_text, read_table, take
from safeschools_geo.rebalance._units import in_order, natural_order, schools_of_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import geopandas as gpd

    from safeschools_geo.io import RawTable


# ── What can be wrong with a plan that somebody wrote, told all at once

KEEP = "keep"
"""In the place of a zone: the unit keeps the zone it has."""

EVERY_OTHER = "*"
"""In the place of an id: every unit that the file does not name."""

_NAMED = 12


@dataclass(frozen=True, eq=False)
class PlanRows:
    """The rows of a plan, each with the unit it is about."""

    path: Path  # The file
    # `id` and `zone` as written, `unit_id` (missing where the id is not known), `is_every_other` and `keeps` (bool);
    # the index is the row in the file
    rows: pd.DataFrame
    unreadable: pd.DataFrame  # Table `rejects` of the rows that could not be read
    is_of_schools: bool  # Whether the ids are those of schools
    unit_of: pd.Series  # Unit of each id that is known
    zones: list[str]  # Ids of the zones there are

    @property
    def id_column(self) -> str:
        """Name of the column of ids."""
        return "school_id" if self.is_of_schools else "unit_id"

    def nameless(self, unit_ids: list[str]) -> list[str]:
        """Find the units that no id stands for."""
        with_id = set(self.unit_of)
        return [unit for unit in unit_ids if unit not in with_id]


def require_sound(plan: PlanRows, unit_ids: list[str]) -> None:
    """Refuse a plan with faults."""
    refuse(_faults(plan, unit_ids))


def _faults(plan: PlanRows, unit_ids: list[str]) -> Iterator[InputError]:
    rows, column, path = plan.rows, plan.id_column, plan.path
    if len(plan.unreadable):
        yield InputError(
            "Some rows of the plan cannot be read.",
            where=path,
            ids=(f"row {row}" for row in plan.unreadable["row"]),
            found=plan.unreadable["reason"].iloc[0],
            expected="as many cells in every row as in the header",
            remedy="Mend these rows.",
        )
    lost = rows.index[rows["id"].isna() | rows["zone"].isna()]
    if len(lost):
        yield InputError(
            "Some rows of the plan have no id or no zone.",
            where=path,
            ids=(f"row {row}" for row in lost),
            expected=f"an id and a zone in every row; {KEEP} for a unit that keeps its zone",
            remedy="Fill them in, or delete the rows.",
        )
    unknown = rows.loc[rows["unit_id"].isna() & ~rows["is_every_other"], "id"].dropna().drop_duplicates()
    if len(unknown):
        shortened = _with_zeros(unknown, plan.unit_of.index)
        yield InputError(
            f"The plan names {'schools' if plan.is_of_schools else 'units'} that are not known.",
            where=f"{path}, column {column}",
            ids=unknown,
            expected=f"ids such as {', '.join(plan.unit_of.index[:3])}",
            remedy=f"A spreadsheet has taken leading zeros away: write {name_ids(shortened)}, as text."
            if shortened
            else "Correct the ids, or delete the rows; a file of schools has its ids in a column school_id.",
        )
    twice = rows[rows["id"].duplicated(keep=False) & (rows["unit_id"].notna() | rows["is_every_other"])]
    if len(twice):
        rows_of = twice.groupby("id", sort=False).groups
        yield InputError(
            "The plan has several rows for one id.",
            where=path,
            ids=(f"{i} (rows {', '.join(map(str, numbers))})" for i, numbers in rows_of.items()),
            expected=f"one row for each {column}",
            remedy="Keep the row that is meant.",
        )
    # A school named twice with two zones is told as that.
    placed = rows[rows["unit_id"].notna() & rows["zone"].notna()].drop_duplicates("id")
    torn = placed[placed.groupby("unit_id")["zone"].transform("nunique") > 1]
    if plan.is_of_schools and len(torn):
        yield InputError(
            "The plan puts schools of one unit into two zones.",
            where=path,
            ids=[
                f"{unit} ({'; '.join(f'{i} → {z}' for i, z in zip(part['id'], part['zone'], strict=True))})"
                for unit, part in torn.groupby("unit_id", sort=False)
            ],
            expected="one zone for all schools of a unit: they share a site",
            remedy="Give them the same zone.",
        )
    is_unknown = rows["zone"].notna() & ~rows["zone"].isin(plan.zones) & ~rows["keeps"] & ~rows["is_every_other"]
    if is_unknown.any():
        yield InputError(
            "The plan names zones that are not known.",
            where=path,
            ids=rows.loc[is_unknown, "zone"].drop_duplicates(),
            expected=f"one of {name_ids(plan.zones, shown=_NAMED)}",
            remedy="Correct the zones; a plan moves units between the zones there are.",
        )
    wrong = rows.loc[rows["is_every_other"] & ~rows["keeps"], "zone"].dropna()
    if len(wrong):
        yield InputError(
            "Units that the plan does not name can only keep their zones.",
            where=path,
            found=f"{EVERY_OTHER},{wrong.iloc[0]}",
            expected=f"{EVERY_OTHER},{KEEP}",
            remedy="Name every unit that is to have this zone.",
        )
    # A plan of schools cannot name a unit without any; such a unit keeps its zone, which is told.
    named = {*rows["unit_id"].dropna(), *plan.nameless(unit_ids)}
    missing = [unit for unit in unit_ids if unit not in named]
    if missing and not rows["is_every_other"].any():
        yield InputError(
            f"The plan leaves out {count_text(len(missing), 'unit', of=len(unit_ids))}.",
            where=path,
            ids=missing,
            expected="a zone for every unit",
            remedy=f"Add them, or a row with the id {EVERY_OTHER} and the zone {KEEP} if they keep their zones.",
        )


def _with_zeros(unknown: pd.Series, known: pd.Index) -> list[str]:
    bare = pd.Series(known, index=known.str.lstrip("0"))
    bare = bare[~bare.index.duplicated(keep=False)]
    return [bare[i] for i in unknown if i in bare.index]


# ── Plans as files: one that a person or the product wrote is read, and one is put into the columns of plan.csv


@dataclass(frozen=True, eq=False)
class PlanRead:
    """A plan as it was read."""

    assignment: pd.Series  # Zone of each unit, named `zone_id`, dtype str, by `unit_id` in the order of the units
    findings: tuple[Finding, ...]  # What was found on the way
    path: Path  # The file


def read_plan(path: Path, units: gpd.GeoDataFrame, *, zones: Iterable[str] | None = None) -> PlanRead:
    """Read a plan: the product's plan.csv, or a table that a person made.

    Parameters
    ----------
    path
        Any table that `io.read_table` reads, with `unit_id` or `school_id`, and `zone_after` or `zone_id` (the first
        of each pair goes where a file has both). The zone may be ``keep``. A row with the id ``*`` and the zone
        ``keep`` says that every unit the file does not name keeps its zone.
    units
        `unit_id`, the current `zone_id`, and `school_ids` where a unit holds other schools than the one of its id.
    zones
        Ids of zones there are besides those of the units.

    Returns
    -------
    PlanRead
        A school stands for its unit, so a file of schools may leave out those that share a unit with one it names;
        they are told in a finding. So are units without a school, which such a file cannot name and which keep their
        zone, and units whose `zone_before` in the file is not their zone now.

    Raises
    ------
    FileReadError
        When the file cannot be read.
    ColumnError
        When it has no column of ids or none of zones.
    InputError
        When rows cannot be read, have no id or no zone, name an unknown id or zone or the same id twice, put schools
        of one unit into two zones, or leave units out. All faults are told at once.
    """
    raw = read_table(path)
    plan = _plan_rows(raw, units, natural_order([*units["zone_id"], *(zones or ())]))
    unit_ids = units["unit_id"].tolist()
    require_sound(plan, unit_ids)
    current = pd.Series(units["zone_id"].to_numpy(), index=pd.Index(units["unit_id"], name="unit_id"), dtype="str")
    moved = plan.rows[~plan.rows["keeps"]].drop_duplicates("unit_id").set_index("unit_id")["zone"]
    assignment = moved.reindex(current.index).fillna(current).astype("str").rename("zone_id")
    findings = (*raw.findings, *_stale(raw, plan, current), *_silent(plan, unit_ids))
    return PlanRead(assignment, findings, path)


def plan_frame(units: gpd.GeoDataFrame, assignment: pd.Series) -> pd.DataFrame:
    """Put a plan into the columns of plan.csv."""
    before = pd.Series(units["zone_id"].to_numpy(), dtype="str")
    after = in_order(assignment, units).reset_index(drop=True)
    optional = {name: units[name].array for name in ("name", "schools", "students") if name in units.columns}
    return pd.DataFrame(
        {
            "unit_id": pd.Series(units["unit_id"].to_numpy(), dtype="str"),
            "zone_before": before,
            "zone_after": after,
            "moved": after != before,
            "workload": units["workload"].to_numpy(dtype="float64"),
            **optional,
        }
    )


def _plan_rows(raw: RawTable, units: gpd.GeoDataFrame, zones: list[str]) -> PlanRows:
    written, zone = _column(raw, ("unit_id", "school_id")), _column(raw, ("zone_after", "zone_id"))
    is_of_schools = written.name == "school_id"
    unit_of = schools_of_units(units) if is_of_schools else _units_by_themselves(units)
    ids, zone = _without_guards(written, unit_of.index), _without_guards(zone, pd.Index(zones))
    unit_id = ids.map(unit_of).astype("str")
    rows = pd.DataFrame(
        {
            "id": ids,
            "zone": zone,
            "unit_id": unit_id,
            "is_every_other": (ids == EVERY_OTHER) & unit_id.isna(),
            "keeps": (zone.str.casefold() == KEEP) & ~zone.isin(zones),
        }
    )
    return PlanRows(raw.path, rows, raw.rejects, is_of_schools, unit_of, zones)


def _column(raw: RawTable, names: tuple[str, str]) -> pd.Series:
    for name in names:
        column = take(raw, {}, name)
        if column is not None:
            return as_text(column).rename(name)
    raise ColumnError(
        f"The plan has neither a column {names[0]} nor {names[1]}.",
        where=raw.path,
        found=", ".join(map(str, raw.frame.columns)) or "no columns",
        expected="unit_id or school_id, and zone_after or zone_id",
        remedy=f"Rename the column that holds it to {names[0]}.",
    )


def _units_by_themselves(units: gpd.GeoDataFrame) -> pd.Series:
    ids = units["unit_id"].to_numpy()
    return pd.Series(ids, index=pd.Index(ids, dtype="str"), dtype="str")


def _without_guards(texts: pd.Series, known: pd.Index) -> pd.Series:
    # The product's own CSV files put an apostrophe before text that a spreadsheet would take for a formula.
    bare = texts.str.removeprefix("'")
    return bare.where(~texts.isin(known) & bare.isin(known), texts)


def _stale(raw: RawTable, plan: PlanRows, current: pd.Series) -> list[Finding]:
    column = take(raw, {}, "zone_before")
    if column is None:
        return []
    before, now = _without_guards(as_text(column), pd.Index(plan.zones)), plan.rows["unit_id"].map(current)
    differs = (before != now) & before.notna() & now.notna()
    return tell(
        plan.rows.loc[differs, "unit_id"],
        "warning",
        "plan_of_other_zones",
        plan.path.name,
        "The plan was made from other zones than there are now: zone_before is not the zone that units have.",
        expected="the current zone of the unit",
        remedy="Make the plan again from the current zones, or check the moves one by one.",
    )


def _silent(plan: PlanRows, unit_ids: list[str]) -> list[Finding]:
    """Tell what a plan does not name and need not."""
    is_of_named_unit = plan.unit_of.isin(plan.rows["unit_id"])
    told: dict[str, tuple[Iterable[str], str]] = {
        "schools_with_their_unit": (
            plan.unit_of.index[is_of_named_unit & ~plan.unit_of.index.isin(plan.rows["id"])],
            "The plan does not name some schools; they go with the schools that they share a unit with.",
        ),
        "units_without_schools": (
            plan.nameless(unit_ids),
            "Units without a school keep their zone: a plan of schools cannot name them.",
        ),
    }
    return [
        finding
        for code, (ids, message) in told.items()
        for finding in tell(ids, "note", code, plan.path.name, message, expected="", remedy="")
    ]
