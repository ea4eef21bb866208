"""Who covers an absent officer's schools: the most even plan in which nothing else changes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import InputError
from safeschools_geo.rebalance.ground.unit_tables import schools_of_units
from safeschools_geo.rebalance.model import Limits, PlanModel
from safeschools_geo.rebalance.problem_of_units import problem_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from safeschools_geo.rebalance.problem import Labels, Problem
    from safeschools_geo.term_results import Ground

_GAP = 0.05
"""Evenness and travel of a single day need not be exact to the last per cent."""

_TIME_LIMIT_S = 20.0
_ROUNDING = 1e-9


def cover_by_neighbours(ground: Ground, *, crs: object, seed: int = 0) -> Callable[[tuple[str, ...]], pd.Series]:
    """Make the rule by which neighbours cover for absent officers.

    Parameters
    ----------
    ground
        Units, edges, rules and travel of the district.
    crs
        Projected CRS in metres to measure in.
    seed
        Seed of the solver.

    Returns
    -------
    callable
        Given zones without an officer, the zone of each of their schools, by `school_id`: contiguous zones, all other
        schools where they are, the largest load within a twentieth of the smallest that can be, and the travel within
        a twentieth of the shortest for that.

    Notes
    -----
    What stays in a zone counts as one unit, for it does not move: what is left to decide is small, and is solved
    as an integer program (`rebalance.model.PlanModel`) over plans in which every school has a neighbour in its
    zone that is nearer to the zone's centre. Rules of the district on where a school may be hold on such a day too, but
    for those that keep it in the zone that has no officer.
    """
    schools = schools_of_units(ground.units)

    def take_over(absent: tuple[str, ...]) -> pd.Series:
        if not ground.units["zone_id"].isin(absent).any():
            return pd.Series([], index=pd.Index([], dtype="str"), name="zone_id", dtype="str")
        units, edges, travel = _merged(ground, absent)
        staying = {zone: f"zone {zone}" for zone in travel.columns}
        rules = replace(
            ground.rules,
            roots={zone: unit for zone, unit in staying.items() if unit in set(units["unit_id"])},
            locked=(),
            together=(),
            forbidden=tuple(
                (unit, zone)
                for unit, zone in ground.rules.forbidden
                if zone not in absent and unit in set(units["unit_id"])
            ),
        )
        problem = problem_of(units, edges, rules=rules, travel=travel, crs=crs)
        label = _nearest_of_the_even(problem, absent, seed=seed)
        zone_of = pd.Series([problem.zone_ids[z] for z in label], index=list(problem.unit_ids))
        taken: pd.Series = schools.map(zone_of).dropna().astype("str").rename("zone_id")
        return taken

    return take_over


def _nearest_of_the_even(problem: Problem, absent: tuple[str, ...], *, seed: int) -> Labels:
    """Find the plan of the shortest travel of those whose heaviest zone is about as light as can be."""
    deadline = time.perf_counter() + _TIME_LIMIT_S
    for is_outward in (True, False):
        lightest = PlanModel(problem, Limits(), "heaviest", is_outward=is_outward).search(
            deadline=deadline, gap=_GAP, seed=seed
        )
        if lightest.label is None:
            continue
        limits = Limits(heaviest=lightest.value + _ROUNDING)
        nearest = PlanModel(problem, limits, "travel", is_outward=is_outward).search(
            deadline=deadline, start=lightest.label, gap=_GAP, seed=seed
        )
        return lightest.label if nearest.label is None else nearest.label
    raise InputError(
        "Nobody can cover for these officers.",
        where="zones",
        ids=absent,
        expected="neighbours whose zones stay contiguous with the schools they take",
        remedy="Add links between schools that can be driven across ([rebalance] links), or loosen locks.",
    )


def _merged(ground: Ground, absent: tuple[str, ...]) -> tuple[gpd.GeoDataFrame, pd.DataFrame, pd.DataFrame]:
    """Make one unit of all that stays in a zone, and start every other unit in a zone that is near."""
    units, edges = ground.units, ground.edges
    is_open = units["zone_id"].isin(absent).to_numpy()
    name = units["unit_id"].where(is_open, "zone " + units["zone_id"]).astype("str")
    kept = [c for c in ("unit_id", "zone_id", "workload", "geometry", "anchor") if c in units]
    merged = units[kept].assign(unit_id=name)
    first = merged.drop_duplicates("unit_id").reset_index(drop=True)
    loads = merged.groupby("unit_id")["workload"].sum()
    first["workload"] = first["unit_id"].map(loads)
    new = pd.Series(name.to_numpy(), index=units["unit_id"])
    pairs = edges.assign(unit_a=edges["unit_a"].map(new), unit_b=edges["unit_b"].map(new))
    pairs = pairs[pairs["unit_a"] != pairs["unit_b"]]
    swapped = pairs["unit_a"] > pairs["unit_b"]
    pairs.loc[swapped, ["unit_a", "unit_b"]] = pairs.loc[swapped, ["unit_b", "unit_a"]].to_numpy()
    border = pairs.groupby(["unit_a", "unit_b"], as_index=False).agg(
        shared_m=("shared_m", "sum"), kind=("kind", "first")
    )
    there = [zone for zone in ground.travel.columns if zone not in absent]
    travel = ground.travel.loc[units["unit_id"], there]
    travel = travel.groupby(name.to_numpy()).mean().loc[first["unit_id"]]
    nearest = travel.to_numpy().argmin(axis=1)
    is_free = first["unit_id"].isin(units["unit_id"][is_open]).to_numpy()
    start = np.where(is_free, np.array(there, dtype=object)[nearest], first["zone_id"].to_numpy(dtype=object))
    return first.assign(zone_id=pd.array(start, dtype="str")), border, travel
