"""The measures of a plan that are not of its zones: what moves, how far it is to travel, what is cut, and coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError, count_text, name_ids
from safeschools_geo.rebalance.ground.unit_tables import natural_order, schools_of_units
from safeschools_geo.rebalance.scoring.measures import Measure, counted, not_scored
from safeschools_geo.schemas import LEVELS
from safeschools_geo.shown import format_share, millionths

if TYPE_CHECKING:
    import geopandas as gpd

COVERAGE = {"response": "Response", "backup": "Backup", "overflow": "Overflow to patrol"}
"""Measures of coverage, which are passed in where there are any."""


def moves(units: gpd.GeoDataFrame, assignment: pd.Series) -> list[Measure]:
    """Count what changes its zone.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, `workload`, and `schools`, `students`, `incidents` where they are known.
    assignment
        Zone of each unit, in the order of the units.

    Returns
    -------
    list of Measure
        Units, schools, students, incidents and share of the workload moved.
    """
    is_moved = units["zone_id"].to_numpy() != assignment.to_numpy()
    rows = [counted("units_moved", "Units moved", int(is_moved.sum()), "units", name_ids(assignment.index[is_moved]))]
    for noun in ("schools", "students", "incidents"):
        name, label = f"{noun}_moved", f"{noun.capitalize()} moved"
        if noun not in units.columns:
            rows.append(not_scored(name, label, f"{noun} of units not known", unit=noun))
            continue
        figures = units.loc[is_moved, noun]
        unknown = int(figures.isna().sum())
        if unknown and unknown == len(figures):
            rows.append(not_scored(name, label, f"{noun} of the units moved not known", unit=noun))
            continue
        note = f"not known for {count_text(unknown, 'unit', of=len(figures))} moved" if unknown else ""
        rows.append(counted(name, label, float(figures.sum()), noun, note))
    exact = millionths(units["workload"])
    share = float(units.loc[is_moved, "workload"].sum() / units["workload"].sum()) if exact.sum() else 0.0
    shown = format_share(int(exact[is_moved].sum()), int(exact.sum()))
    return [*rows, Measure("workload_moved_share", "Workload moved", share, shown, "share of all workload")]


def travel(units: gpd.GeoDataFrame, assignment: pd.Series, costs: pd.DataFrame, *, unit: str) -> list[Measure]:
    """Add up the travel of a plan.

    Parameters
    ----------
    units
        `unit_id` and `workload`.
    assignment
        Zone of each unit, in the order of the units.
    costs
        Travel of each unit (`unit_id`) in each zone (`zone_id`).
    unit
        Unit of `costs`.

    Returns
    -------
    list of Measure
        Sum of workload × travel, and the mean travel by workload.
    """
    rows = costs.index.get_indexer(assignment.index)
    columns = costs.columns.get_indexer(pd.Index(assignment))
    cost = np.where((rows >= 0) & (columns >= 0), costs.to_numpy(dtype="float64")[rows, columns], np.nan)
    load = units["workload"].to_numpy(dtype="float64")
    labels = {"travel": ("Travel", f"load × {unit}"), "travel_mean": ("Mean travel, by workload", unit)}
    lost = np.isnan(cost) & (load > 0)
    if lost.any():
        why = f"no distance for unit {name_ids(assignment.index[lost])}"
        return [not_scored(name, label, why, unit=u) for name, (label, u) in labels.items()]
    total = float(load @ np.nan_to_num(cost))
    mean = total / load.sum() if load.sum() > 0 else 0.0
    values = {"travel": (total, f"{total:,.1f}"), "travel_mean": (mean, f"{mean:,.2f}")}
    return [Measure(name, label, *values[name], u) for name, (label, u) in labels.items()]


def splits(kind: str, label: str, table: pd.DataFrame | None, why: str) -> Measure:
    """Count the groups that a plan cuts.

    Parameters
    ----------
    kind
        Word for the kind of group, in the plural.
    label
        The same for a reader.
    table
        `name`, `zones`, `is_split` and `not_placed` of each group; None where there are none.
    why
        What is missing where there are none.

    Returns
    -------
    Measure
        Groups in two zones or more.
    """
    if table is None:
        return not_scored(f"{kind}_split", f"{label} split", why, unit=kind)
    cut = table[table["is_split"]]
    notes = [f"{n} in zones {z.replace(';', ', ')}" for n, z in zip(cut["name"], cut["zones"], strict=True)]
    lost = [member for members in table["not_placed"] for member in members.split(";") if member]
    if lost:
        notes.append(f"in no unit: {name_ids(lost)}")
    return counted(f"{kind}_split", f"{label} split", len(cut), kind, "; ".join(notes))


def levels_lost(units: gpd.GeoDataFrame, assignment: pd.Series, schools: pd.DataFrame | None) -> Measure:
    """Count the zones that have a level of school today and would have none.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id` and `school_ids`.
    assignment
        Zone of each unit, in the order of the units.
    schools
        `school_id` and `level`; None where they are not known.

    Returns
    -------
    Measure
        Pairs of a zone and a level, all named in the note.
    """
    name, label = "levels_lost", "Zones that lose their last school of a level"
    if schools is None:
        return not_scored(name, label, "no schools with levels given", unit="zones")
    lost = lost_levels(units, assignment, schools)
    notes = [f"zone {zone}: {LEVELS[level].lower()}" for zone, level in lost]
    return counted(name, label, len(lost), "zones", "; ".join(notes))


def lost_levels(units: gpd.GeoDataFrame, assignment: pd.Series, schools: pd.DataFrame) -> list[tuple[str, str]]:
    """List the zones that have a level of school today and would have none.

    Parameters
    ----------
    units, assignment, schools
        As for `levels_lost`.

    Returns
    -------
    list of tuple of str
        Zone and level, in their order.
    """
    unit_of = schools["school_id"].map(schools_of_units(units))
    today = units.set_index("unit_id")["zone_id"].astype("str")
    old, new = (
        {(zone, level) for zone, level in zip(unit_of.map(plan), schools["level"], strict=True) if pd.notna(zone)}
        for plan in (today, assignment)
    )
    zones, levels = natural_order(zone for zone, _ in old), list(LEVELS)
    return sorted(old - new, key=lambda pair: (zones.index(pair[0]), levels.index(pair[1])))


def coverage_measures(coverage: pd.DataFrame | None) -> list[Measure]:
    """Take over what is known about coverage.

    Parameters
    ----------
    coverage
        `measure`, `value`, and `label`, `shown`, `unit`, `better`, `note` where there are any; None where coverage was
        not worked out.

    Returns
    -------
    list of Measure
        The rows of `coverage`; without it, one for each of response, backup and overflow that says so.

    Raises
    ------
    ColumnError
        When `measure` or `value` is missing, or a measure comes twice.
    """
    if coverage is None:
        return [not_scored(name, label, "no coverage", better="") for name, label in COVERAGE.items()]
    if not {"measure", "value"} <= set(coverage.columns) or coverage["measure"].duplicated().any():
        raise ColumnError(
            "The measures of coverage cannot be used.",
            where="coverage",
            found=", ".join(map(str, coverage.columns)),
            expected="columns measure and value, each measure once",
            remedy="Give one row for each measure.",
        )
    return [
        Measure(
            str(row["measure"]),
            str(row.get("label", row["measure"])),
            float(row["value"]),
            str(row.get("shown", f"{row['value']:,.2f}")),
            str(row.get("unit", "")),
            row.get("better", ""),
            str(row.get("note", "")),
        )
        for row in coverage.to_dict(orient="records")
    ]
