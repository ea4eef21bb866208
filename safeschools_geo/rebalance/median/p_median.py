"""The capacitated, contiguous p-median: zones around centres with the least travel, and a bound on all such plans."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.rebalance.contiguity import is_contiguous
from safeschools_geo.rebalance.median.faults import check_median, refuse_impossible
from safeschools_geo.rebalance.median.solve import EXACT, MedianSolver
from safeschools_geo.workload import imbalance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.rebalance.median.places import Labels


@dataclass(frozen=True, eq=False)
class PMedianPlan:
    """Zones around centres, and how near they are to the least travel.

    Parameters
    ----------
    assignment
        Zone of each unit, named `zone_id`, by `unit_id`.
    centres
        Centre of each zone, named `unit_id`, by `zone_id`.
    loads
        Load of each zone, by `zone_id`.
    travel
        Σ load × distance to the centre.
    bound
        No contiguous plan within the tolerance has less travel; with the same centres if they were given, else
        wherever its centres lie.
    any_bound
        The same over all plans within the tolerance, contiguous or not, even with units divided.
    tolerance
        Largest imbalance that was allowed.
    is_fixed
        Whether the centres were given.
    is_contiguous
        Whether every zone hangs together.
    seconds
        Time taken.
    seed
        Seed of everything random.
    """

    assignment: pd.Series
    centres: pd.Series
    loads: pd.Series
    travel: float
    bound: float
    any_bound: float
    tolerance: float
    is_fixed: bool
    is_contiguous: bool
    seconds: float
    seed: int

    @property
    def gap(self) -> float:
        """Share of the travel that a better contiguous plan could save at most."""
        return 0.0 if self.travel == 0 else max(self.travel - self.bound, 0.0) / self.travel

    @property
    def any_gap(self) -> float:
        """Share of the travel that any better plan, contiguous or not, could save at most."""
        return 0.0 if self.travel == 0 else max(self.travel - self.any_bound, 0.0) / self.travel

    @property
    def is_proven(self) -> bool:
        """Whether no contiguous plan within the tolerance (and with the same centres, if given) has less travel."""
        return self.gap <= EXACT

    @property
    def imbalance(self) -> float:
        """Largest ``|load - mean| / mean`` over the zones."""
        return imbalance(self.loads)

    def summary(self) -> str:
        """Say in plain English what was found and what is proven.

        Returns
        -------
        str
            A few sentences.
        """
        which = "with these centres" if self.is_fixed else "wherever its centres lie"
        proof = (
            f"It is proven that no contiguous plan within the tolerance, {which}, has less."
            if self.is_proven
            else f"No contiguous plan within the tolerance, {which}, can have less than {self.bound:,.6g} "
            f"(gap {self.gap:.2%}); no plan at all, contiguous or not, less than {self.any_bound:,.6g}."
        )
        return (
            f"{len(self.centres)} zones of {len(self.assignment)} units with an imbalance of {self.imbalance:.1%} "
            f"(tolerance {self.tolerance:.1%}); {'every' if self.is_contiguous else 'not every'} zone is contiguous. "
            f"Total travel {self.travel:,.6g}. {proof}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each zone.

        Returns
        -------
        pandas.DataFrame
            `zone_id`, `centre`, `units`, `load`, `share_of_mean` (1 where a zone carries the mean load).
        """
        units = self.assignment.value_counts().loc[self.centres.index].to_numpy()
        share = self.loads / self.loads.mean()
        columns = {"centre": self.centres, "units": units, "load": self.loads, "share_of_mean": share}
        return pd.DataFrame(columns, index=self.centres.index).reset_index()


def p_median(
    load: pd.Series,
    distance: pd.DataFrame,
    edges: pd.DataFrame,
    *,
    zones: int,
    tolerance: float,
    centres: Mapping[str, str] | Sequence[str] | None = None,
    gap: float = 0.0,
    time_limit_s: float = 60.0,
    starts: int = 15,
    seed: int = 0,
) -> PMedianPlan:
    """Divide units into contiguous, balanced zones around centres, with the least travel.

    Parameters
    ----------
    load
        Load of each of n units, by `unit_id`; not negative, with a positive sum.
    distance
        Distance from each unit (row) to each unit that may be a centre (column), such as kilometres or minutes.
    edges
        Which units may follow each other within a zone: at least `unit_a` and `unit_b`; adjacency and bridges.
    zones
        Number of zones.
    tolerance
        Largest imbalance of a zone, ``|load - mean| / mean``; 0 or more.
    centres
        The centres, if they are given: unit by zone, or units alone, whose zones are then called after them.
        None chooses the best among the columns of `distance`.
    gap
        Relative gap at which to stop; 0 goes on until the plan is proven the best, or time is up.
    time_limit_s
        Seconds it may take. When they run out, the best plan is returned with its gap.
    starts
        Random starts of the search for centres.
    seed
        Seed of everything random. The same input and seed give the same plan unless time ran out.

    Returns
    -------
    PMedianPlan
        The plan; every zone holds its centre, zones are in the order of `centres` if given, else of the units.

    Raises
    ------
    ColumnError
        When loads are not numbers of 0 or more that add up to something, or distances are missing or negative.
    SettingsError
        When a setting is out of range, centres are unknown or repeat, or no plan was found: then with the reason,
        whether it is proven that there is none, and the nearest tolerance for which one was found.

    Notes
    -----
    Every unit belongs to one centre, every centre to itself; loads lie within the tolerance; every zone is contiguous.
    With given centres, the transport problem (units divisible, contiguity forgotten) is the first bound. A plan is
    sought in an integer program whose units join a zone only with a neighbour nearer to its centre by steps on the
    adjacency. The bound is lifted by linear relaxations and integer programs over *all* contiguous plans, in which a
    unit joins a zone only with a unit of every set that lies between it and the centre; sets are added as they are
    broken. With free centres, Hess's model over all candidate centres gives the first bound (`hess_bound.hess_bound`)
    and leaves few pairs of unit and centre that a better plan could hold; on these the same programs are solved.

    References
    ----------
    Wheeler, A. P. (2019). Creating optimal patrol areas using the p-median model. Policing 42(3), 318–333.
    Oehrlein, J., and Haunert, J.-H. (2017). A cutting-plane method for contiguity-constrained spatial aggregation.
    Journal of Spatial Information Science 15, 89–120.
    """
    start = time.monotonic()
    problem, named = check_median(load, distance, edges, zones=zones, tolerance=tolerance, centres=centres)
    solver = MedianSolver(problem, gap=gap, time_limit_s=time_limit_s, starts=starts, seed=seed).run()
    if solver.label is None:
        refuse_impossible(problem, load.index, solver)
    return _plan(load, edges, solver, solver.label, named, seconds=time.monotonic() - start)


def _plan(
    load: pd.Series,
    edges: pd.DataFrame,
    solver: MedianSolver,
    label: Labels,
    named: dict[str, str] | None,
    *,
    seconds: float,
) -> PMedianPlan:
    problem = solver.problem
    unit = load.index[problem.candidates]
    zone_of = dict(zip(unit, unit, strict=True)) if named is None else {unit: zone for zone, unit in named.items()}
    assignment = pd.Series([zone_of[u] for u in unit[label]], index=load.index, name="zone_id", dtype="str")
    assignment = assignment.rename_axis("unit_id")
    centres = pd.Series({zone_of[u]: u for u in unit[np.unique(label)]}, name="unit_id").rename_axis("zone_id")
    centres = centres if named is None else centres.loc[list(named)]
    return PMedianPlan(
        assignment=assignment,
        centres=centres,
        loads=load.astype("float64").groupby(assignment).sum().loc[centres.index],
        travel=solver.travel,
        bound=solver.bound,
        any_bound=min(solver.any_bound, solver.travel),
        tolerance=problem.tolerance,
        is_fixed=problem.is_fixed,
        is_contiguous=is_contiguous(assignment, edges),
        seconds=seconds,
        seed=solver.seed,
    )
