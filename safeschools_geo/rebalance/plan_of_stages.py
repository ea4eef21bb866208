"""A plan put together from what its objectives came to: its certificate, its loads, and what to know first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.programs import SOLVER
from safeschools_geo.rebalance.certificate import certificate_of, input_hashes
from safeschools_geo.rebalance.plan import PlanSettings, RebalancePlan

if TYPE_CHECKING:
    import geopandas as gpd

    from safeschools_geo.rebalance.problem import Labels, Problem
    from safeschools_geo.rebalance.stages import Stage


def plan_of(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    problem: Problem,
    settings: PlanSettings,
    stages: list[Stage],
    *,
    seconds: float,
    noun: str = "unit",
    disputed: pd.DataFrame | None = None,
) -> RebalancePlan:
    """Put a plan together from what its stages came to.

    Parameters
    ----------
    units, edges
        As they were given.
    problem
        What was rebalanced.
    settings
        What was asked.
    stages
        What each objective came to; the last one holds the plan.
    seconds
        How long it took.
    noun
        What a unit is called in what is said.
    disputed
        Result of `links.disputed_neighbors`: with any, nothing is proven.

    Returns
    -------
    RebalancePlan
        The plan. What it says of bound and proof is what its certificate says.
    """
    label, first = stages[-1].label, stages[0]
    if label is None:
        raise ValueError("there is no plan")
    zones = pd.Index(problem.zone_ids, name="zone_id", dtype="str")
    # Ids are text from here on, also where they were given as numbers.
    units = units.assign(unit_id=units["unit_id"].astype("str"), zone_id=units["zone_id"].astype("str"))
    planned = pd.Series([problem.zone_ids[z] for z in label], index=list(problem.unit_ids), dtype="str")
    ids = pd.Index(units["unit_id"].array, name="unit_id", dtype="str")
    # Units of zones that are set apart are in no problem, and stay.
    assignment = planned.reindex(ids).fillna(units["zone_id"].set_axis(ids)).astype("str").rename("zone_id")
    certificate = certificate_of(
        objective=first.objective,
        value=first.value,
        bound=first.bound,
        is_contiguous=problem.is_contiguous(label),
        moves=problem.moved(label),
        imbalance_before=problem.imbalance(problem.start),
        imbalance_after=problem.imbalance(label),
        zones=problem.zone_ids,
        input_sha256=input_hashes(units, edges),
        tolerance=settings.tolerance,
        max_moves=settings.max_moves,
        slack=settings.slack if first.objective == "imbalance" and len(stages) > 1 else None,
        roots=settings.rules.roots,
        locked=settings.rules.locked,
        forbidden=settings.rules.forbidden,
        together=settings.rules.together,
        stages=[_stage_facts(stage) for stage in stages],
        proof={"method": first.method, "log": "solver.log" if first.log else ""},
        solver=SOLVER,
        seed=settings.seed,
        seconds=round(seconds, 3),
        moves_by=settings.rules.moves_in,
        unit_noun=noun,
        schools_moved=_schools_moved(problem, label, settings),
        zones_set_apart=settings.set_apart,
        apart=settings.rules.apart,
        disputed=[] if disputed is None else disputed[["unit_a", "unit_b", "why"]].to_numpy().tolist(),
    )
    return RebalancePlan(
        units=units,
        edges=edges,
        assignment=assignment,
        loads=pd.DataFrame({"before": problem.loads(problem.start), "after": problem.loads(label)}, index=zones),
        imbalance_before=problem.imbalance(problem.start),
        imbalance=problem.imbalance(label),
        value=certificate["value"],
        bound=certificate["bound"],
        gap=certificate["gap"],
        is_proven=certificate["is_proven"],
        is_contiguous=problem.is_contiguous(label),
        certificate=certificate,
        log=first.log,
        notes=notes_of(problem, noun=noun),
        settings=settings,
    )


def _schools_moved(problem: Problem, label: Labels, settings: PlanSettings) -> int | None:
    """Count the schools that move, where moves are counted in schools."""
    return round(problem.cost(label, problem.move_cost())) if settings.rules.moves_in == "schools" else None


def _stage_facts(stage: Stage) -> dict[str, Any]:
    return {
        "objective": stage.objective,
        "value": stage.value,
        "bound": stage.bound,
        "restricted_bound": stage.restricted_bound,
        "restriction": stage.restriction,
    }


def notes_of(problem: Problem, *, noun: str = "unit") -> tuple[str, ...]:
    """Say first what a plan is up against: lumpy units, and zones that are in pieces to begin with.

    Parameters
    ----------
    problem
        What is to be rebalanced.
    noun
        What a unit is called.

    Returns
    -------
    tuple of str
        One or two sentences.
    """
    largest = int(np.argmax(problem.share))
    share = f"{problem.share[largest]:.0%} of the mean load of a zone"
    named = f"The largest {noun} ({problem.unit_ids[largest]})"
    notes = [f"{named} is {share}: balance cannot be finer than {noun}s allow."]
    pieces = {z: len(problem.pieces(problem.start, i)) for i, z in enumerate(problem.zone_ids)}
    broken = [f"{zone} ({count} pieces)" for zone, count in pieces.items() if count > 1]
    if broken:
        notes.append(f"The current zones are not contiguous: {', '.join(broken)}. Every zone of the plan is.")
    return tuple(notes)
