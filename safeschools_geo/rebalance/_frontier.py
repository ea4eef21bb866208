"""The frontier: how even the zones can be made by moving 0, 1, 2, … units, each point with its bound."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.errors import count_text
from safeschools_geo.rebalance._plan import PlanSettings, RebalancePlan, disputed_text
from safeschools_geo.rebalance._price import moved_text
from safeschools_geo.rebalance._problem import EXACT, Rules, problem_of, that_count
from safeschools_geo.rebalance._propose import (
    Stage,
    edges_given,
    is_few,
    moves_limits,
    no_plan,
    notes_of,
    plan_of,
    solve_stage,
)
from safeschools_geo.rebalance._set_partition import plans_of_few_moves
from safeschools_geo.text import carries_difference, format_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import geopandas as gpd

    from safeschools_geo.rebalance._problem import Problem
    from safeschools_geo.rebalance._program import Limits
    from safeschools_geo.solver import Labels


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

LEAST_GAIN = 0.01
"""A plan that is proposed lowers the imbalance by this much of the mean load for each move: a percentage point."""

_SHOWN = 0.001
"""A gain by more moves is spoken of from a tenth of a percentage point on."""

_KNEE = 0.1
"""A knee lies below the straight line by at least this part of the whole gain."""

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
        Row of the proposal (`knee_of`).
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
        """The plan that is proposed: that of `knee_of`."""
        return self.plans[self.knee]

    def finding(self, plan: RebalancePlan | None = None) -> str:
        """Say in one line what a plan achieves, and what more moves would.

        One or two sentences, on the plans as they are written: a plan that gives up a little evenness for shorter
        travel is spoken of with the imbalance it has.
        """
        plan = self.proposal if plan is None else plan
        if not len(plan.moves):
            return self._why_none(plan)
        moved = _moved(plan, self.noun)
        told = format_change(plan.imbalance_before, plan.imbalance)
        if told is None:
            return f"Moving {moved} leaves the imbalance at {plan.imbalance:.1%} ({self._proof(plan)})."
        said = f"Moving {moved} brings the imbalance from {told[0]} to {told[1]} ({self._proof(plan)})."
        return " ".join([said, *self._beyond(plan)])

    def _why_none(self, plan: RebalancePlan) -> str:
        """Say why nothing is proposed, from the rows of the table."""
        now, best = plan.imbalance_before, self.plans[int(np.argmin([p.imbalance for p in self.plans]))]
        last = self.table.iloc[-1]
        within = f"at most {count_text(int(last['moves']), 'move')}"
        told = format_change(now, best.imbalance)
        if told is None or best.imbalance > now:
            proof = "proven" if last["is_proven"] else "not proven: none was found"
            return f"No plan of {within} is clearly more even than today: the imbalance is {now:.1%} ({proof})."
        return (
            f"No move is proposed: the imbalance is {told[0]}, and moving {_moved(best, self.noun)} would bring it to "
            f"{told[1]}, which is less than {100 * LEAST_GAIN:g} percentage point for each move."
        )

    def _proof(self, plan: RebalancePlan) -> str:
        """Say in brackets what is proven of a plan, over which plans."""
        certificate = plan.certificate
        if certificate.get("disputed"):
            return "not proven: it is in dispute who borders whom"
        kept = " that keep the roots" if plan.settings.rules.roots else ""
        if certificate["objective"] == "moves":
            bound = f"{plan.bound:g} or more {self.noun}s move in every plan within {plan.settings.tolerance or 0:.1%}"
            return f"proven to be the fewest moves of all contiguous plans{kept}" if plan.is_proven else bound
        if not plan.is_proven:
            return f"not proven to be the least; no contiguous plan{kept} can be below {plan.bound:.1%}"
        told = format_change(plan.imbalance, plan.value)
        if told is None:
            return f"proven to be the least of all contiguous plans{kept}" if kept else "proven to be the least"
        return f"at so many moves no contiguous plan{kept} is below {told[1]}: proven"

    def _beyond(self, plan: RebalancePlan) -> list[str]:
        """Say how far the fewest further moves would go; a gain that the figures do not show is none."""
        further = [p for p in self.plans if len(p.moves) > len(plan.moves)]
        if not further:
            return []
        least = min(p.imbalance for p in further)
        if least > plan.imbalance or not carries_difference(least, plan.imbalance, step=_SHOWN):
            return []
        best = min((p for p in further if f"{p.imbalance:.1%}" == f"{least:.1%}"), key=lambda p: len(p.moves))
        more = _size(best, self.noun) - _size(plan, self.noun)
        return [f"{count_text(more, 'more move')} would bring it to {best.imbalance:.1%}."] if more > 0 else []

    def summary(self, plan: RebalancePlan | None = None) -> str:
        """Say in plain English what the frontier shows."""
        return " ".join([*self.notes, self.finding(plan), *self.about_points()])

    def about_points(self) -> list[str]:
        """Say how many points of the frontier are proven, over which plans."""
        proven = int(self.table["is_proven"].sum())
        points = f"{proven} of {count_text(len(self.table), 'point')} proven over all contiguous plans"
        kept = " that keep the roots" if self.settings.rules.roots else ""
        cut = [] if self.is_complete else ["The search was interrupted; this is what it had found."]
        return [f"{points}{kept}.", *cut]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each number of moves."""
        return self.table.copy()


def frontier(
    units: gpd.GeoDataFrame,
    *,
    adjacency: pd.DataFrame | None = None,
    max_moves: int = 12,
    rules: Rules | None = None,
    travel: pd.DataFrame | None = None,
    set_apart: Iterable[str] = (),
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
        As for `rebalance`.
    adjacency
        As for `rebalance`; a table with `kind` is taken as it is.
    max_moves
        Most units that may move; most schools where the rules count moves in schools.
    rules
        Roots, locks, groups and forbidden pairs.
    travel
        Distance of each unit (rows) from the center of each zone (columns); straight kilometers by default.
    set_apart
        Zones that stay as they are and do not count for the balance, such as those without a school.
    slack
        By how much the imbalance of a plan may be above the smallest, for the sake of shorter travel.
    time_limit_s
        Longest time in seconds for all points together.
    seed
        Seed of the solver.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.
    noun
        What a unit is called in what is said.
    keeps_interrupted
        Whether an interruption from the keyboard ends the search with the points found so far; else it ends the run.
    on_point
        Called with the moves, the imbalance and the bound of each point as it is found; no bound where the drawing
        leaves open who borders whom.

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
    rules, gone = rules or Rules(), tuple(map(str, set_apart))
    given = edges_given(units, adjacency, apart=rules.apart, crs=crs)
    balanced, edges, rules = that_count(units, given.edges, replace(rules, apart=given.apart), gone)
    settings = PlanSettings(max_moves, None, ("imbalance", "travel"), slack, rules, time_limit_s, seed, gone)
    problem = problem_of(balanced, edges, rules=rules, travel=travel, crs=crs)
    known = plans_of_few_moves(problem, max_moves=min(max_moves, len(problem)))
    points: dict[int, _Point] = {}
    is_complete, is_proven = True, True
    try:
        for moves in range(max_moves + 1):
            deadline = _deadline(began, time_limit_s * _IMBALANCE_SHARE, moves, max_moves)
            least, seconds = _least_imbalance(problem, known, moves, rules, deadline=deadline, seed=seed)
            if least.label is None:
                is_proven &= least.is_infeasible
                continue
            known.append(least.label)
            points[moves] = _Point([least], seconds)
            on_point(moves, least.value, np.nan if len(given.disputed) else least.bound)
        for at, (moves, point) in enumerate(points.items()):
            left = max(began + time_limit_s - time.perf_counter(), 0.0) / (len(points) - at)
            limits = moves_limits(moves, rules)
            _shorten_travel(problem, known, limits, point, slack=slack, time_limit_s=left, seed=seed)
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
            *(units, given.edges, problem, replace(settings, max_moves=moves), point.stages),
            seconds=point.seconds,
            noun=noun,
            disputed=given.disputed,
        )
        for moves, point in points.items()
    )
    rows = [_row(problem, moves, point, plan) for (moves, point), plan in zip(points.items(), plans, strict=True)]
    table = pd.DataFrame(rows, columns=FRONTIER_COLUMNS)
    notes = (*notes_of(problem, noun=noun), *dispute_notes(plans[0].certificate))
    return Frontier(table, plans, knee_of(table), notes, is_complete, settings, noun)


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
    problem: Problem, known: list[Labels], moves: int, rules: Rules, *, deadline: float, seed: int
) -> tuple[Stage, float]:
    began = time.perf_counter()
    limits = moves_limits(moves, rules)
    within = [p for p in known if is_few(problem, p, limits)]
    start = min(within, key=problem.imbalance, default=None)
    least = solve_stage(problem, "imbalance", limits, start=start, deadline=deadline, seed=seed)
    return least, time.perf_counter() - began


def _shorten_travel(
    problem: Problem,
    known: list[Labels],
    limits: Limits,
    point: _Point,
    *,
    slack: float,
    time_limit_s: float,
    seed: int,
) -> None:
    """Add the shortest travel of plans about as even as the most even."""
    began = time.perf_counter()
    tolerance = point.stages[0].value + slack
    within = [p for p in known if is_few(problem, p, limits) and problem.imbalance(p) <= tolerance]
    nearest = min(within, key=lambda p: problem.cost(p, problem.travel))
    limits = replace(limits, tolerance=tolerance)
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
    """Choose the point that is proposed.

    The knee: the row farthest below the straight line from the first point to the last. Where no row lies below it by
    a tenth of the whole gain, moves gain about as much each, or more and more, and there is no knee: then it is the
    row of the fewest moves that reach the smallest imbalance. Either has to gain `LEAST_GAIN` for each move; if it
    does not, the row that gains most for each move is taken, and if that gains less, the first row: nothing is
    proposed (assumption A36).

    References
    ----------
    Satopää, V., Albrecht, J., Irwin, D., and Raghavan, B. (2011). Finding a "kneedle" in a haystack. 31st
    International Conference on Distributed Computing Systems Workshops, 166–171.
    """
    value, moves = table["imbalance"].to_numpy(dtype="float64"), table["moves"].to_numpy(dtype="float64")
    gain = value[0] - value
    if len(table) == 1 or gain.max() <= EXACT:
        return 0
    below = gain / gain.max() - (moves - moves[0]) / (moves[-1] - moves[0])
    end = int(np.flatnonzero(gain >= gain.max() - EXACT)[0])
    row = int(np.argmax(np.round(below, 9))) if below.max() >= _KNEE else end
    for_each = np.divide(gain, moves - moves[0], out=np.zeros(len(table)), where=moves > moves[0])
    if for_each[row] < LEAST_GAIN - EXACT:
        row = int(np.argmax(np.round(for_each, 9)))
    return row if for_each[row] >= LEAST_GAIN - EXACT else 0


def dispute_notes(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    """Say first where nothing is proven."""
    said = disputed_text(certificate)
    return (said,) if said else ()


def _size(plan: RebalancePlan, noun: str) -> int:
    """Count what moves: schools as schools, also where two share a site; else units."""
    moves = plan.moves
    if noun == "school" and "schools" in moves and moves["schools"].notna().all():
        return int(moves["schools"].sum())
    return len(moves)


def _moved(plan: RebalancePlan, noun: str) -> str:
    moves = plan.moves
    schools = int(moves["schools"].sum()) if "schools" in moves and moves["schools"].notna().all() else None
    return moved_text(len(moves), schools if noun != "unit" else None, noun=noun)
