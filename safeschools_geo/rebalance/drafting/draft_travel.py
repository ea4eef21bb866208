"""Travel of a draft: the load of each unit over the distance to the centre of its zone, and a bound on all plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from safeschools_geo.rebalance.median.faults import refuse_impossible
from safeschools_geo.rebalance.median.hess_bound import hess_bound
from safeschools_geo.rebalance.median.places import Labels
from safeschools_geo.rebalance.median.problem import MedianProblem
from safeschools_geo.rebalance.median.solve import MedianSolver
from safeschools_geo.rebalance.median.transport import TransportModel

if TYPE_CHECKING:
    import pandas as pd

    from safeschools_geo.rebalance.median.places import Places

_GAP = 0.01
_TIME_LIMIT_S = 60.0


@dataclass(frozen=True, eq=False)
class DraftTravel:
    """A partition with its centres and travel.

    Parameters
    ----------
    label
        Zone of each place, from 0 to k - 1, shape (n,).
    centres
        Place that is the centre of each zone, shape (k,): the one with the least travel within the zone.
    travel
        Σ load × kilometres in a straight line to the centre.
    bound
        No contiguous plan within the tolerance has less, wherever its centres lie.
    any_bound
        Neither has any other plan, contiguous or not.
    """

    label: Labels
    centres: Labels
    travel: float
    bound: float
    any_bound: float


def travel_of(places: Places, label: Labels, *, zones: int, tolerance: float) -> DraftTravel:
    """Measure the travel of a partition, and bound that of all others from below.

    Parameters
    ----------
    places
        What is divided.
    label
        Zone of each place, shape (n,).
    zones
        Number of zones.
    tolerance
        Largest imbalance of the plans that the bound is over; at least that of the partition.

    Returns
    -------
    DraftTravel
        The partition with its travel; both bounds are that of Hess's model (`hess_bound.hess_bound`).
    """
    problem = _problem(places, zones, tolerance)
    members = [np.flatnonzero(label == zone) for zone in range(zones)]
    centres = np.array([m[problem.travel[np.ix_(m, m)].sum(axis=0).argmin()] for m in members])
    travel = problem.total(centres[label])
    served = TransportModel(problem).solve(centres)
    known = [served] if np.isfinite(served.travel) else []
    bound = hess_bound(problem, known, travel=travel, time_limit_s=_TIME_LIMIT_S).bound
    bound = max(min(bound, travel), 0.0)
    return DraftTravel(label, centres, travel, bound, bound)


def least_travel(places: Places, unit_ids: pd.Index, *, zones: int, tolerance: float, seed: int) -> DraftTravel:
    """Divide places with the least travel.

    Parameters
    ----------
    places
        What is divided.
    unit_ids
        Ids of the places, for messages.
    zones
        Number of zones.
    tolerance
        Largest imbalance.
    seed
        Seed of everything random.

    Returns
    -------
    DraftTravel
        The plan of `median_solve.MedianSolver`, within 1 % of the best unless a minute did not do.

    Raises
    ------
    SettingsError
        When no plan was found within the tolerance; the nearest that one was found for is named.
    """
    problem = _problem(places, zones, tolerance)
    solver = MedianSolver(problem, gap=_GAP, time_limit_s=_TIME_LIMIT_S, starts=15, seed=seed).run()
    if solver.label is None:
        refuse_impossible(problem, unit_ids, solver)
    centres, label = np.unique(solver.label, return_inverse=True)
    travel = solver.travel
    return DraftTravel(label.astype("int64"), centres, travel, solver.bound, min(solver.any_bound, travel))


def _problem(places: Places, zones: int, tolerance: float) -> MedianProblem:
    return MedianProblem(
        load=places.load / (places.load.sum() / zones),
        travel=places.load[:, None] * cdist(places.xy_km, places.xy_km),
        candidates=np.arange(len(places)),
        neighbours=places.neighbours,
        zones=zones,
        tolerance=tolerance,
    )
