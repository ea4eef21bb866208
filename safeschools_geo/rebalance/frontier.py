"""The frontier: how even the zones can be made by moving 0, 1, 2, … units, each point with its bound."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import count_text
from safeschools_geo.rebalance.exact.few_moves import plans_of_few_moves
from safeschools_geo.rebalance.model import Limits
from safeschools_geo.rebalance.plan import PlanSettings, RebalancePlan
from safeschools_geo.rebalance.plan_of_stages import notes_of, plan_of
from safeschools_geo.rebalance.problem import EXACT
from safeschools_geo.rebalance.problem_of_units import Rules, problem_of
from safeschools_geo.rebalance.propose import edges_given, no_plan
from safeschools_geo.rebalance.stages import Stage, solve_stage

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from safeschools_geo.rebalance.problem import Labels, Problem

FRONTIER_COLUMNS = [
    "moves",
    "imbalance",
    "bound",
    "gap",
    "is_proven",
    "plan_imbalance",
    "units_moved",
    "travel",
    "restricted_bound",
    "restriction",
    "seconds",
    "moved",
]
"""Columns of ``frontier.csv``."""

_IMBALANCE_SHARE = 0.8
"""Of the time; the rest is for shorter travel."""


@dataclass(frozen=True, eq=False)
class Frontier:
    """How even the zones can be made by few moves.

    Parameters
    ----------
    table
        `FRONTIER_COLUMNS`, a row for each number of moves.
    plans
        The plan of each row.
    knee
        Row after which moves gain little.
    notes
        What to know first.
    is_complete
        Whether every number of moves that was asked for is there; not after an interruption.
    settings
        What was asked.
    noun
        What a unit is called.
    """

    table: pd.DataFrame
    plans: tuple[RebalancePlan, ...]
    knee: int
    notes: tuple[str, ...]
    is_complete: bool
    settings: PlanSettings
    noun: str = "unit"

    @property
    def proposal(self) -> RebalancePlan:
        """The plan at the knee."""
        return self.plans[self.knee]

    def finding(self) -> str:
        """Say in one line what few moves achieve.

        Returns
        -------
        str
            One or two sentences.
        """
        now, knee = self.proposal.imbalance_before, self.table.iloc[self.knee]
        if not int(knee["moves"]):
            return f"No move within reach makes the zones clearly more even: the imbalance is {now:.1%}."
        kept = " of all contiguous plans that keep the roots" if self.settings.rules.roots else ""
        proof = f"proven to be the least{kept}" if knee["is_proven"] else f"no plan can be below {knee['bound']:.1%}"
        told = (
            f"Moving {count_text(int(knee['moves']), self.noun)} brings the imbalance from {now:.1%} to "
            f"{knee['imbalance']:.1%} ({proof})."
        )
        last = self.table.iloc[-1]
        more = int(last["moves"]) - int(knee["moves"])
        # A gain that the figures do not show is none that one could speak of.
        if more <= 0 or f"{last['imbalance']:.1%}" == f"{knee['imbalance']:.1%}":
            return told
        return f"{told} {count_text(more, 'more move')} would bring it to {last['imbalance']:.1%}."

    def summary(self) -> str:
        """Say in plain English what the frontier shows.

        Returns
        -------
        str
            A few sentences.
        """
        proven = int(self.table["is_proven"].sum())
        points = f"{proven} of {count_text(len(self.table), 'point')} proven over all contiguous plans"
        kept = " that keep the roots" if self.settings.rules.roots else ""
        cut = [] if self.is_complete else ["The search was interrupted; this is what it had found."]
        return " ".join([*self.notes, self.finding(), f"{points}{kept}.", *cut])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each number of moves.

        Returns
        -------
        pandas.DataFrame
            `FRONTIER_COLUMNS`.
        """
        return self.table.copy()


def frontier(
    units: gpd.GeoDataFrame,
    *,
    adjacency: pd.DataFrame | None = None,
    max_moves: int = 12,
    rules: Rules | None = None,
    travel: pd.DataFrame | None = None,
    slack: float = 0.005,
    time_limit_s: float = 60.0,
    seed: int = 0,
    crs: object = None,
    noun: str = "unit",
    keeps_interrupted: bool = False,
    on_point: Callable[[int, float, float], None] = lambda *_: None,
) -> Frontier:
    """Find how even the zones can be made by moving 0, 1, …, `max_moves` units.

    Parameters
    ----------
    units
        As for `propose.rebalance`.
    adjacency
        As for `propose.rebalance`; a table with `kind` is taken as it is.
    max_moves
        Most units that may move.
    rules
        Roots, locks, groups and forbidden pairs.
    travel
        Distance of each unit (rows) from the centre of each zone (columns); straight kilometres by default.
    slack
        By how much the imbalance of a plan may be above the smallest, for the sake of shorter travel.
    time_limit_s
        Longest time in seconds for all points together.
    seed
        Seed of the solver.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.
    noun
        What a unit is called in what is said.
    keeps_interrupted
        Whether an interruption from the keyboard ends the search with the points found so far; else it ends the run.
    on_point
        Called with the moves, the imbalance and the bound of each point as it is found.

    Returns
    -------
    Frontier
        The points.

    Raises
    ------
    ColumnError, SettingsError, CRSError
        When units, edges or rules cannot be used, or the current zones break a rule and no move can mend it.

    Notes
    -----
    Every point starts from the plans found before it: a plan of k moves is one of at most k + 1.
    """
    began = time.perf_counter()
    settings = PlanSettings(max_moves, None, ("imbalance", "travel"), slack, rules or Rules(), time_limit_s, seed)
    edges = edges_given(units, adjacency, crs=crs)
    problem = problem_of(units, edges, rules=settings.rules, travel=travel, crs=crs)
    known = plans_of_few_moves(problem, max_moves=min(max_moves, len(problem)))
    points: dict[int, _Point] = {}
    is_complete, is_proven = True, True
    try:
        for moves in range(max_moves + 1):
            deadline = _deadline(began, time_limit_s * _IMBALANCE_SHARE, moves, max_moves)
            least, seconds = _least_imbalance(problem, known, moves, deadline=deadline, seed=seed)
            if least.label is None:
                is_proven &= least.is_infeasible
                continue
            known.append(least.label)
            points[moves] = _Point([least], seconds)
            on_point(moves, least.value, least.bound)
        for at, (moves, point) in enumerate(points.items()):
            left = max(began + time_limit_s - time.perf_counter(), 0.0) / (len(points) - at)
            _shorten_travel(problem, known, moves, point, slack=slack, time_limit_s=left, seed=seed)
    except KeyboardInterrupt:
        is_complete = False
        if not points or not keeps_interrupted:
            raise
    if not points:
        raise no_plan(problem, settings, is_proven=is_proven)
    for point, least in zip(points.values(), _tightened([point.stages[0] for point in points.values()]), strict=True):
        point.stages[0] = least
    plans = tuple(
        plan_of(
            *(units, edges, problem, replace(settings, max_moves=moves), point.stages), seconds=point.seconds, noun=noun
        )
        for moves, point in points.items()
    )
    rows = [_row(problem, moves, point, plan) for (moves, point), plan in zip(points.items(), plans, strict=True)]
    table = pd.DataFrame(rows, columns=FRONTIER_COLUMNS)
    return Frontier(table, plans, knee_of(table), notes_of(problem, noun=noun), is_complete, settings, noun)


def _deadline(began: float, time_limit_s: float, moves: int, max_moves: int) -> float:
    """Share what time is left: later points are harder, so each may take a third of it, the last all."""
    now = time.perf_counter()
    left = max(began + time_limit_s - now, 0.0)
    return now + (left if moves == max_moves else left / 3)


@dataclass(eq=False)
class _Point:
    """What each objective came to for a number of moves."""

    stages: list[Stage]
    seconds: float


def _least_imbalance(
    problem: Problem, known: list[Labels], moves: int, *, deadline: float, seed: int
) -> tuple[Stage, float]:
    began = time.perf_counter()
    start = min((p for p in known if problem.moved(p) <= moves), key=problem.imbalance, default=None)
    least = solve_stage(problem, "imbalance", Limits(max_moves=moves), start=start, deadline=deadline, seed=seed)
    return least, time.perf_counter() - began


def _shorten_travel(
    problem: Problem, known: list[Labels], moves: int, point: _Point, *, slack: float, time_limit_s: float, seed: int
) -> None:
    """Add the shortest travel of plans about as even as the most even."""
    began = time.perf_counter()
    tolerance = point.stages[0].value + slack
    within = [p for p in known if problem.moved(p) <= moves and problem.imbalance(p) <= tolerance]
    nearest = min(within, key=lambda p: problem.cost(p, problem.travel))
    limits = Limits(tolerance=tolerance, max_moves=moves)
    travel = solve_stage(problem, "travel", limits, start=nearest, deadline=began + time_limit_s, seed=seed)
    point.stages.append(travel)
    point.seconds += time.perf_counter() - began
    if travel.label is not None:
        known.append(travel.label)


def _row(problem: Problem, moves: int, point: _Point, plan: RebalancePlan) -> dict[str, object]:
    """Say of a point what its plan and certificate say."""
    least, label = point.stages[0], point.stages[-1].label
    if label is None:
        raise ValueError("a point without a plan")
    moved = plan.moves["unit_id"]
    return {
        "moves": moves,
        "imbalance": plan.value,
        "bound": plan.bound,
        "gap": plan.gap,
        "is_proven": plan.is_proven,
        "plan_imbalance": plan.imbalance,
        "units_moved": len(moved),
        "travel": problem.cost(label, problem.travel),
        "restricted_bound": least.restricted_bound,
        "restriction": least.restriction,
        "seconds": round(point.seconds, 3),
        "moved": ";".join(moved),
    }


def _tightened(points: list[Stage]) -> list[Stage]:
    """Carry bounds back, each with its record: what no plan of more moves can do, no plan of fewer can."""
    kept: list[Stage] = []
    for stage in reversed(points):
        later = kept[-1] if kept else stage
        if later.bound <= stage.bound:
            kept.append(stage)
            continue
        is_proven = stage.value - later.bound <= EXACT
        bound = stage.value if is_proven else later.bound
        kept.append(replace(stage, bound=bound, is_proven=is_proven, method=later.method, log=later.log))
    return kept[::-1]


def knee_of(table: pd.DataFrame) -> int:
    """Find the point after which moves gain little.

    Parameters
    ----------
    table
        `moves` and `imbalance`, ascending in moves.

    Returns
    -------
    int
        Row of the point farthest below the straight line from the first point to the last.

    References
    ----------
    Satopää, V., Albrecht, J., Irwin, D., and Raghavan, B. (2011). Finding a "kneedle" in a haystack. 31st
    International Conference on Distributed Computing Systems Workshops, 166–171.
    """
    value, moves = table["imbalance"].to_numpy(dtype="float64"), table["moves"].to_numpy(dtype="float64")
    span = value[0] - value[-1]
    if len(table) < 3 or span <= EXACT:  # noqa: PLR2004 - a knee lies between two ends
        return int(np.argmin(value))
    below = (value[0] - value) / span - (moves - moves[0]) / (moves[-1] - moves[0])
    return int(np.argmax(np.round(below, 9)))
