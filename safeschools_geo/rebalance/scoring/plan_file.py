"""Plans as files: one that a person or the product wrote is read, and one is put into the columns of plan.csv."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.errors import ColumnError
from safeschools_geo.io import as_text, read_table, take
from safeschools_geo.rebalance.ground.unit_tables import in_order, natural_order, schools_of_units
from safeschools_geo.rebalance.scoring.plan_faults import EVERY_OTHER, KEEP, PlanRows, require_sound
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from safeschools_geo.io import RawTable


@dataclass(frozen=True, eq=False)
class PlanRead:
    """A plan as it was read.

    Parameters
    ----------
    assignment
        Zone of each unit, named `zone_id`, dtype str, by `unit_id` in the order of the units.
    findings
        What was found on the way.
    path
        The file.
    """

    assignment: pd.Series
    findings: tuple[Finding, ...]
    path: Path


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
    findings = (*raw.findings, *_stale(raw, plan, current), *_silent_schools(plan), *_silent_units(plan, unit_ids))
    return PlanRead(assignment, findings, path)


def plan_frame(units: gpd.GeoDataFrame, assignment: pd.Series) -> pd.DataFrame:
    """Put a plan into the columns of plan.csv.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, `workload`, and `name`, `schools`, `students` where they are known.
    assignment
        Zone of each unit, by `unit_id`.

    Returns
    -------
    pandas.DataFrame
        `unit_id`, `zone_before`, `zone_after`, `moved`, `workload`, and those of `name`, `schools` and `students` that
        the units have; one row for each unit, in their order.

    Raises
    ------
    InputError
        When `assignment` does not give every unit a zone, or names another unit.
    """
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
    if not differs.any():
        return []
    return [
        Finding(
            "warning",
            "plan_of_other_zones",
            plan.path.name,
            "The plan was made from other zones than there are now: zone_before is not the zone that units have.",
            ids=tuple(plan.rows.loc[differs, "unit_id"]),
            expected="the current zone of the unit",
            remedy="Make the plan again from the current zones, or check the moves one by one.",
        )
    ]


def _silent_schools(plan: PlanRows) -> list[Finding]:
    is_of_named_unit = plan.unit_of.isin(plan.rows["unit_id"])
    silent = plan.unit_of.index[is_of_named_unit & ~plan.unit_of.index.isin(plan.rows["id"])]
    if silent.empty:
        return []
    return [
        Finding(
            "note",
            "schools_with_their_unit",
            plan.path.name,
            "The plan does not name some schools; they go with the schools that they share a unit with.",
            ids=tuple(silent),
        )
    ]


def _silent_units(plan: PlanRows, unit_ids: list[str]) -> list[Finding]:
    nameless = tuple(plan.nameless(unit_ids))
    if not nameless:
        return []
    message = "Units without a school keep their zone: a plan of schools cannot name them."
    return [Finding("note", "units_without_schools", plan.path.name, message, ids=nameless)]
