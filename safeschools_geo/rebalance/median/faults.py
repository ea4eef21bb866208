"""What is wrong with a p-median: faulty input, and requests that no plan meets, with the nearest tolerance one does."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from safeschools_geo.errors import ColumnError, SettingsError
from safeschools_geo.rebalance.contiguity import adjacency_matrix
from safeschools_geo.rebalance.median.problem import MedianProblem
from safeschools_geo.rebalance.median.solve import MedianSolver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.rebalance.median.places import Labels

_CLOSE = 0.002
"""The nearest tolerance is looked for to this precision."""

_TRY_S = 10.0
_SEARCH_S = 40.0


def check_median(
    load: pd.Series,
    distance: pd.DataFrame,
    edges: pd.DataFrame,
    *,
    zones: int,
    tolerance: float,
    centres: Mapping[str, str] | Sequence[str] | None,
) -> tuple[MedianProblem, dict[str, str] | None]:
    """Check what `p_median` was given, and turn it into arrays.

    Parameters
    ----------
    load, distance, edges, zones, tolerance, centres
        As `p_median.p_median`.

    Returns
    -------
    tuple
        The problem, and the centre of each zone by its name, if centres were given.

    Raises
    ------
    ColumnError, SettingsError
        As `p_median.p_median`.
    """
    named = _named(centres)
    units = load.index
    columns = distance.columns if named is None else pd.Index(list(named.values()))
    _check_figures(load, distance)
    _check_settings(units, columns, distance, zones=zones, tolerance=tolerance, named=named)
    figures = load.to_numpy(dtype="float64")
    problem = MedianProblem(
        load=figures / (figures.sum() / zones),
        travel=figures[:, None] * distance.loc[units, columns].to_numpy(dtype="float64"),
        candidates=units.get_indexer(columns).astype("int64"),
        neighbours=adjacency_matrix(units, edges),
        zones=zones,
        tolerance=tolerance,
    )
    _check_parts(problem, units)
    return problem, named


def _named(centres: Mapping[str, str] | Sequence[str] | None) -> dict[str, str] | None:
    if centres is None:
        return None
    return dict(centres) if isinstance(centres, Mapping) else {unit: unit for unit in centres}


def _check_figures(load: pd.Series, distance: pd.DataFrame) -> None:
    figures = pd.to_numeric(load, errors="coerce")
    is_faulty = ~(figures >= 0) | ~np.isfinite(figures) | load.index.duplicated(keep=False)
    if is_faulty.any() or figures.sum() <= 0:
        raise ColumnError(
            "Zones cannot be balanced by these loads.",
            where="load",
            ids=load.index[is_faulty],
            expected="a number of 0 or more for each unit, each unit once, and one above 0",
            remedy="Mend the loads.",
        )
    missing = load.index.difference(distance.index)
    if len(missing) or distance.index.has_duplicates or not (distance.loc[load.index].to_numpy() >= 0).all():
        raise ColumnError(
            "Distances are missing or negative.",
            where="distance",
            ids=missing,
            expected="a number of 0 or more from each unit to each possible centre",
            remedy="Mend the distances; a unit that no road reaches takes those of its neighbour.",
        )


def _check_settings(
    units: pd.Index,
    columns: pd.Index,
    distance: pd.DataFrame,
    *,
    zones: int,
    tolerance: float,
    named: dict[str, str] | None,
) -> None:
    rules = {
        "zones of 1 or more": zones >= 1,
        "tolerance of 0 or more": tolerance >= 0,
        "at most as many zones as units that may be centres": zones <= len(columns),
        "centres that are units, each once, with their distances": columns.isin(units).all()
        and columns.isin(distance.columns).all()
        and columns.is_unique,
        "a centre for each zone": named is None or len(named) == zones,
    }
    broken = [rule for rule, is_kept in rules.items() if not is_kept]
    if broken:
        unknown = columns[~(columns.isin(units) & columns.isin(distance.columns)) | columns.duplicated()]
        raise SettingsError(
            "Zones cannot be drawn with these settings.",
            ids=unknown,
            found=f"zones = {zones}, tolerance = {tolerance}, {len(units)} units, {len(columns)} possible centres",
            expected="; ".join(broken),
            remedy="Mend the settings named.",
        )


def _check_parts(problem: MedianProblem, units: pd.Index) -> None:
    """Every part that the edges leave apart needs a centre of its own."""
    number, part = connected_components(problem.neighbours, directed=False)
    without = np.setdiff1d(np.arange(number), part[problem.candidates])
    if len(without) or number > problem.zones:
        lost = np.flatnonzero(np.isin(part, without)) if len(without) else np.unique(part, return_index=True)[1]
        raise SettingsError(
            "The units do not hang together, and some part of them can have no zone.",
            where="edges",
            ids=units[lost],
            found=f"{number} parts, {problem.zones} zones",
            expected="a centre in every part",
            remedy="Add links between the parts (bridges), or centres in them.",
        )


def refuse_impossible(problem: MedianProblem, units: pd.Index, solver: MedianSolver) -> NoReturn:
    """Say why there is no plan, and which tolerance would do.

    Parameters
    ----------
    problem
        What could not be divided.
    units
        Ids of the units.
    solver
        The solver that found no plan.

    Raises
    ------
    SettingsError
        Always.
    """
    largest = int(problem.load.argmax())
    nearest = nearest_tolerance(problem, seed=solver.seed)
    with_these = "with these centres " if problem.is_fixed else ""
    reason = "There is no plan" if solver.is_impossible else "No plan was found in the time given"
    cause = (
        f"{units[largest]} alone has {problem.load[largest]:.0%} of the mean load of a zone"
        if problem.load[largest] > problem.upper
        else f"largest unit {problem.load[largest]:.0%} of the mean load of a zone"
    )
    raise SettingsError(
        f"{reason} {with_these}whose zones are contiguous and within the tolerance.",
        where="tolerance",
        found=f"tolerance {problem.tolerance:.2%}; {cause}",
        expected=None if nearest is None else f"{nearest:.2%} or more: the nearest tolerance a plan was found for",
        remedy=("Raise the tolerance" if nearest is not None else "Add time or links between units")
        + (", or leave the centres free." if problem.is_fixed else ", or ask for another number of zones."),
    )


def nearest_tolerance(problem: MedianProblem, *, seed: int) -> float | None:
    """Look for the smallest tolerance that some contiguous plan keeps.

    Parameters
    ----------
    problem
        What is to be divided, within a tolerance that no plan keeps.
    seed
        Seed of everything random.

    Returns
    -------
    float or None
        The imbalance of the most balanced plan found, rounded up to a hundredth of a percent; None when none was found.
    """
    low, step, best = problem.tolerance, max(problem.tolerance, 0.05), None
    spent = _Budget(_SEARCH_S)
    while best is None and step < 2 * problem.zones + problem.load.max() and spent.left_s > 0:
        best = _imbalance(problem.within(low + step), seed, spent)
        low, step = (low, step) if best is not None else (low + step, 2 * step)
    while best is not None and best - low > _CLOSE and spent.left_s > 0:
        middle = (low + best) / 2
        found = _imbalance(problem.within(middle), seed, spent)
        low, best = (middle, best) if found is None else (low, found)
    return None if best is None else float(np.ceil(best * 1e4 - 1e-6) / 1e4)


def _imbalance(problem: MedianProblem, seed: int, budget: _Budget) -> float | None:
    solver = MedianSolver(problem, gap=1.0, time_limit_s=min(_TRY_S, budget.left_s), starts=3, seed=seed).run()
    return None if solver.label is None else _largest_deviation(problem, solver.label)


def _largest_deviation(problem: MedianProblem, label: Labels) -> float:
    loads = np.bincount(np.unique(label, return_inverse=True)[1], weights=problem.load)
    return float(np.abs(loads - 1).max())


class _Budget:
    """Seconds that several attempts share."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        return self._until - time.monotonic()
