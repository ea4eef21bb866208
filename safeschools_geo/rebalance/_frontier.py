"""The frontier: how even the zones can be made by moving 0, 1, 2, … units, each point with its bound."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.errors import count_text
from safeschools_geo.rebalance._measures import imbalances
from safeschools_geo.rebalance._neighbors import edges_given
from safeschools_geo.rebalance._plan import (
    PlanSettings,
    RebalancePlan,
    Stage,
    asked_text,
    disputed_text,
    held_text,
    longer_text,
    notes_of,
    plan_of,
    whole_text,
)
from safeschools_geo.rebalance._price import moved_text
from safeschools_geo.rebalance._problem import EXACT, Rules, plans_of_few_moves, problem_of, that_count, with_response
from safeschools_geo.rebalance._propose import (
    all_stages,
    even_stages,
    is_few,
    least_no_slower,
    moves_limits,
    no_plan,
    solve_stage,
    with_better,
)
from safeschools_geo.text import carries_difference, format_change, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

    from safeschools_geo.rebalance._problem import Problem, Response
    from safeschools_geo.rebalance._program import Objective
    from safeschools_geo.solver import Labels, Numbers


FRONTIER_COLUMNS = [
    "moves",
    "imbalance",
    "bound",
    "gap",
    "is_proven",
    "plan_imbalance",
    "more_even_share",
    "units_moved",
    "travel",
    "restricted_bound",
    "restriction",
    "seconds",
    "moved",
]
"""Columns of ``frontier.csv``."""

TRADE_COLUMNS = ["longer_min", "imbalance", "bound", "gap", "is_proven", "units_moved", "moved"]
"""Columns of a table of evenness against minutes (`Frontier.trade`)."""

_STEPS_MIN = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_MOST_STEPS = 5
"""Steps from today's minutes to those of the plan that is as even as it can be."""

_TRADE_SHARE = 0.5

LEAST_GAIN = 0.01
"""Moves are proposed as long as they lower the imbalance by this much of the mean load each: a percentage point."""

_MORE_OFTEN = 0.9
"""And as long as they do so in this share of redrawn terms."""

_FLOOR = f"{100 * LEAST_GAIN:g} percentage point"
_CHANCE = f"{10 * _MORE_OFTEN:g} of 10 terms redrawn from the school days"

_SHOWN = 0.001
"""A gain by more moves is spoken of from a tenth of a percentage point on."""

_IMBALANCE_SHARE = 0.8
"""Of the time, at most; the rest is for the zones beyond the farthest, and for shorter travel."""


@dataclass(frozen=True, eq=False)
class Frontier:
    """How even the zones can be made by few moves.

    Parameters
    ----------
    table
        `FRONTIER_COLUMNS`, a row for each number of moves.
    plans
        The plan of each row.
    proposed
        Row of the proposal (`proposed_row`).
    notes
        What to know first.
    is_complete
        Whether every number of moves that was asked for is there; not after an interruption.
    settings
        What was asked.
    noun
        What a unit is called.
    trade
        `TRADE_COLUMNS`, a row for each number of minutes that anybody may wait longer, all of the most moves; empty
        where that was not asked for.
    """

    table: pd.DataFrame
    plans: tuple[RebalancePlan, ...]
    proposed: int
    notes: tuple[str, ...]
    is_complete: bool
    settings: PlanSettings
    noun: str = "unit"
    trade: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=TRADE_COLUMNS))

    @property
    def proposal(self) -> RebalancePlan:
        """The plan that is proposed: that of `proposed_row`."""
        return self.plans[self.proposed]

    @property
    def rule(self) -> str:
        """By which rule the proposal is chosen, in a sentence."""
        is_tried = self.table["more_even_share"].notna().any()
        chance = f", and the plan is more even in {_CHANCE}" if is_tried else ""
        return f"More moves are proposed as long as each lowers the imbalance by {_FLOOR} or more{chance}."

    def finding(self, plan: RebalancePlan | None = None) -> str:
        """Say in one line what a plan achieves, and what more moves would.

        One or two sentences, on the plans as they are written: a plan that gives up a little evenness for shorter
        travel is spoken of with the imbalance it has.
        """
        plan = self.proposal if plan is None else plan
        if not len(plan.moves):
            return self._why_none(plan)
        moved = _moved(plan, self.noun)
        change = format_change(plan.imbalance_before, plan.imbalance)
        if change is None:
            return f"Moving {moved} leaves the imbalance at {plan.imbalance:.1%} ({self._proof(plan)})."
        said = f"Moving {moved} brings the imbalance from {change[0]} to {change[1]} ({self._proof(plan)})."
        return " ".join([said, *self._beyond(plan)])

    def _why_none(self, plan: RebalancePlan) -> str:
        """Say why nothing is proposed, from the rows of the table."""
        now, best = plan.imbalance_before, self.plans[int(np.argmin([p.imbalance for p in self.plans]))]
        last = self.table.iloc[-1]
        within = f"at most {count_text(int(last['moves']), 'move')}"
        change = format_change(now, best.imbalance)
        if change is None or best.imbalance > now:
            proof = "proven" if last["is_proven"] else "not proven: none was found"
            return f"No plan of {within} is clearly more even than today: the imbalance is {now:.1%} ({proof})."
        is_small = now - best.imbalance < LEAST_GAIN * _size(best, self.noun) - EXACT
        why = f"less than {_FLOOR} for each move" if is_small else f"a gain that holds in fewer than {_CHANCE}"
        return (
            f"No move is proposed: the imbalance is {change[0]}, and moving {_moved(best, self.noun)} would bring it "
            f"to {change[1]}, which is {why}."
        )

    def _proof(self, plan: RebalancePlan) -> str:
        """Say in brackets what is proven of a plan, over which plans."""
        certificate = plan.certificate
        if certificate.get("disputed"):
            return "not proven: it is in dispute who borders whom"
        kept, keeping = (_kept_text(plan.settings.rules, are_many=are_many) for are_many in (True, False))
        kept, keeping = kept + _held_text(plan), keeping + _held_text(plan)
        if certificate["objective"] == "moves":
            bound = f"{plan.bound:g} or more {self.noun}s move in every plan within {plan.settings.tolerance or 0:.1%}"
            return f"proven to be the fewest moves of all contiguous plans{kept}" if plan.is_proven else bound
        if not plan.is_proven:
            return f"not proven to be the least; no contiguous plan{keeping} can be below {plan.bound:.1%}"
        change = format_change(plan.imbalance, plan.value)
        if change is None:
            return f"proven to be the least of all contiguous plans{kept}" if kept else "proven to be the least"
        return f"at so many moves no contiguous plan{keeping} is below {change[1]}: proven"

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
        kept = _kept_text(self.settings.rules, are_many=True)
        kept += _held_text(self.plans[0])
        cut = [] if self.is_complete else ["The search was interrupted; this is what it had found."]
        return [f"{points}{kept}.", *cut]

    def about_trade(self) -> list[str]:
        """Say how even the zones can be made for how many minutes, and what nothing less than these can bring."""
        if self.trade.empty:
            return []
        rows = self.trade.assign(shown=[f"{value:.1%}" for value in self.trade["imbalance"]]).drop_duplicates("shown")
        steps = [
            f"to {row['shown']} where nobody waits {longer_text(row['longer_min'])}" for row in rows.to_dict("records")
        ]
        said = f"By at most {count_text(self.settings.max_moves or 0, 'move')} the imbalance comes"
        if len(steps) == 1:
            return [f"{said} {steps[0]}; longer waits would not lower it."]
        below = self.trade[self.trade["bound"] > self.trade["imbalance"].min() + _SHOWN]
        dear = below.iloc[-1:].to_dict("records")
        needed = [
            f"To come below {row['bound']:.1%}, calls of some zone, or all together, have to wait "
            f"{longer_text(row['longer_min'])}: proven."
            for row in dear
        ]
        return [f"{said} {listed(steps)}.", *needed]

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
    response: pd.DataFrame | None = None,
    no_slower: bool = False,
    longer_min: float = 0.0,
    forecast: Iterable[str] = (),
    against: Frontier | None = None,
    redrawn: pd.DataFrame | None = None,
    neighbor_tolerance_m: float | None = None,
    time_limit_s: float = 60.0,
    seed: int = 0,
    crs: object = None,
    noun: str = "unit",
    keeps_interrupted: bool = False,
    on_point: Callable[[str], None] = lambda _: None,
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
        By how much the imbalance of a plan, and then each sum of its largest deviations, may be above the smallest, for
        the sake of what comes after it.
    response, no_slower, longer_min, forecast
        As for `rebalance`.
    against
        The frontier without `no_slower`, of as many moves: `trade` then says how even the zones can be made for some
        minutes. It takes up to half of the time limit once more.
    redrawn
        Workload of each unit (columns) in each term that chance could have brought (rows), of `redrawn_terms`: moves
        that fit one term only are not proposed. None proposes by the loads of the units alone.
    neighbor_tolerance_m
        As for `rebalance`.
    time_limit_s
        Longest time for all points together, in seconds of processor time.
    seed
        Seed of the solver.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.
    noun
        What a unit is called in what is said.
    keeps_interrupted
        Whether an interruption from the keyboard ends the search with the points found so far; else it ends the run.
    on_point
        Called with what each point came to, in words, in their order, as soon as it is final: at
        once as long as all are proven, at the end where a later search may still find more.

    Returns
    -------
    Frontier
        The points.

    Raises
    ------
    ColumnError, SettingsError, CRSError
        When units, edges or rules cannot be used, or the current zones break a rule and no move can fix it.

    Notes
    -----
    Every point starts from the plans found before it: a plan of k moves is one of at most k + 1.
    """
    began = time.process_time()
    rules, gone = rules or Rules(), tuple(map(str, set_apart))
    given = edges_given(units, adjacency, apart=rules.apart, tolerance_m=neighbor_tolerance_m, crs=crs)
    balanced, edges, rules = that_count(units, given.edges, replace(rules, apart=given.apart), gone)
    wanted: tuple[Objective, ...] = ("imbalance", "evenness", "travel")
    settings = PlanSettings(max_moves, None, wanted, slack, rules, time_limit_s, seed, gone, tuple(forecast))
    settings = replace(settings, neighbor_tolerance_m=given.tolerance_m)
    problem = problem_of(balanced, edges, rules=rules, travel=travel, crs=crs)
    problem, measured = with_response(problem, units, response, no_slower=no_slower, longer_min=longer_min)

    held = held_text(longer_min if no_slower else None)

    def say(moves: int, least: Stage) -> None:
        on_point(_point_text(moves, least, held, is_disputed=len(given.disputed) > 0))

    # What no plan of so many moves can do, none can in which nobody waits longer.
    floors = (
        {} if against is None else dict(zip(against.table["moves"], against.table["bound"].fillna(0.0), strict=True))
    )
    found = _Search(problem, settings, say, floors=floors, keeps_interrupted=keeps_interrupted)
    points = found.run(began)
    if not points:
        raise no_plan(problem, settings, is_proven=found.is_proven)
    plans = tuple(
        plan_of(
            *(units, given.edges, problem, replace(settings, max_moves=moves), point.stages),
            seconds=point.seconds,
            noun=noun,
            disputed=given.disputed,
            response=measured,
        )
        for moves, point in points.items()
    )
    rows = [_row(problem, moves, point, plan) for (moves, point), plan in zip(points.items(), plans, strict=True)]
    table = pd.DataFrame(rows, columns=FRONTIER_COLUMNS)
    notes = (*notes_of(problem, units, noun=noun, forecast=settings.forecast), *dispute_notes(plans[0].certificate))
    drawn = None if redrawn is None or redrawn.empty else _redrawn_imbalances(problem, points, redrawn)
    row, shares = proposed_row(table, drawn)
    result = Frontier(table.assign(more_even_share=shares), plans, row, notes, found.is_complete, settings, noun)
    return (
        replace(result, trade=found.trade(result, against)) if no_slower and against and found.is_complete else result
    )


def _point_text(moves: int, least: Stage, held: str, *, is_disputed: bool) -> str:
    gap = f"bound {least.bound:.2%}, gap {least.gap:.2%}" if least.gap > EXACT else "proven"
    proof = "not proven" if is_disputed else gap
    return f"the least imbalance of {count_text(moves, 'move')}{held} is {least.value:.2%} ({proof})"


def _deadline(until: float, *, is_last: bool) -> float:
    """Share what time is left: later points are harder, so each may take half of it, the last all."""
    now = time.process_time()
    left = max(until - now, 0.0)
    return now + (left if is_last else left / 2)


@dataclass(eq=False)
class _Point:
    """What each objective came to for a number of moves."""

    stages: list[Stage]
    seconds: float


class _Search:
    """The search for the points, one number of moves after another."""

    def __init__(
        self,
        problem: Problem,
        settings: PlanSettings,
        say: Callable[[int, Stage], None],
        *,
        floors: Mapping[int, float],
        keeps_interrupted: bool,
    ) -> None:
        self._problem, self._settings, self._say, self._floors = problem, settings, say, floors
        self._keeps_interrupted = keeps_interrupted
        self._most = settings.max_moves or 0
        self._known = plans_of_few_moves(problem, max_moves=min(self._most, len(problem)))
        self._points: dict[int, _Point] = {}
        self._said = 0
        # Whether all points were looked for, and whether it is proven that there is no plan where none was found
        self.is_complete, self.is_proven = True, True

    def run(self, began: float) -> dict[int, _Point]:
        """Find the points; each is said when it is final, in their order."""
        try:
            self._find_least(began)
            self._even_out(began + self._settings.time_limit_s)
        except KeyboardInterrupt:
            self.is_complete = False
            if not self._points or not self._keeps_interrupted:
                raise
        least = _tightened([point.stages[0] for point in self._points.values()])
        for at, (stage, (moves, point)) in enumerate(zip(least, self._points.items(), strict=True)):
            point.stages[0] = stage
            if at >= self._said:
                self._say(moves, stage)
        return self._points

    def trade(self, held: Frontier, free: Frontier) -> pd.DataFrame:
        """Find how even the zones can be made where everybody may wait some minutes longer, up to those of a plan."""
        problem, response = self._problem, self._problem.response
        if response is None:
            raise ValueError("nobody's minutes are limited")
        limits = moves_limits(self._most, self._settings.rules)
        known = [p for p in map(self._label, (*held.plans, *free.plans)) if is_few(problem, p, limits)]
        allowed = allowances(
            response, problem.members(problem.start), problem.members(min(known, key=problem.imbalance))
        )
        # What no plan can do at all, none can within some minutes.
        floor = max((plan.bound or 0.0 for plan in free.plans if plan.settings.max_moves == self._most), default=0.0)
        stages = [list(self._points.values())[-1].stages[0]]
        until = time.process_time() + self._settings.time_limit_s * _TRADE_SHARE
        for at, longer_min in enumerate(allowed[1:], start=1):
            if stages[-1].value - floor <= EXACT:
                break
            freer = replace(problem, response=response.allowing(longer_min))
            now = time.process_time()
            deadline = now + max(until - now, 0.0) / (len(allowed) - at)
            near = plans_of_few_moves(freer, max_moves=min(self._most, len(problem)))
            near = [p for p in near if is_few(problem, p, limits)]
            start = min((p for p in (*known, *near) if freer.is_plan(p)), key=freer.imbalance)
            try:
                stages.append(least_no_slower(freer, limits, start, deadline=deadline, floor=floor))
            except KeyboardInterrupt:
                if not self._keeps_interrupted:
                    raise
                break
            known += [stages[-1].label] if stages[-1].label is not None else []
        stages = _tightened(stages, floor)
        return pd.DataFrame([_trade_row(problem, *row) for row in zip(allowed, stages, strict=False)])

    def _label(self, plan: RebalancePlan) -> Labels:
        zone = {name: row for row, name in enumerate(self._problem.zone_ids)}
        return np.array([zone[z] for z in plan.assignment.loc[list(self._problem.unit_ids)]], dtype="int64")

    def _find_least(self, began: float) -> None:
        is_final, until = True, began + self._settings.time_limit_s * _IMBALANCE_SHARE
        for moves in range(self._most + 1):
            point = self._point(moves, _deadline(until, is_last=moves == self._most))
            least = point.stages[0]
            if least.label is None:
                self.is_proven &= least.is_infeasible
                continue
            self._known += [stage.label for stage in (least, point.stages[-1]) if stage.label is not None]
            if self._floors.get(moves, 0.0) > least.bound:
                least = replace(
                    least.bounded(self._floors[moves]),
                    log=f"{least.log}\nno plan that lets calls wait longer is below either",
                )
                point.stages[0] = least
            self._points[moves] = point
            # What is not proven may be bettered by a plan, or a bound, that is found later.
            is_final &= least.is_proven
            if is_final:
                self._said += 1
                self._say(moves, least)

    def _point(self, moves: int, deadline: float) -> _Point:
        """Find the smallest imbalance, and what follows it where that takes no search of its own."""
        problem, known, began = self._problem, self._known, time.process_time()
        limits = moves_limits(moves, self._settings.rules)
        stages: list[Stage] | None = None
        if problem.response is not None:
            stages = all_stages(problem, limits, known, slack=self._settings.slack, deadline=deadline)
        if stages is None:
            start = min((p for p in known if is_few(problem, p, limits)), key=problem.imbalance, default=None)
            seed = self._settings.seed
            stages = [solve_stage(problem, "imbalance", limits, start=start, deadline=deadline, seed=seed)]
        return _Point(stages, time.process_time() - began)

    def _even_out(self, until: float) -> None:
        """Add the evenness of the zones beyond the farthest, and the shortest travel, of plans about as even."""
        problem, known, settings = self._problem, self._known, self._settings
        open_points = {moves: point for moves, point in self._points.items() if len(point.stages) == 1}
        for at, (moves, point) in enumerate(open_points.items(), start=1):
            began = time.process_time()
            deadline = _deadline(until, is_last=at == len(open_points))
            limits = moves_limits(moves, settings.rules)
            least = with_better(problem, point.stages[0], [p for p in known if is_few(problem, p, limits)])
            slack, seed = settings.slack, settings.seed
            stages = even_stages(problem, limits, least, known, slack=slack, deadline=deadline, seed=seed)
            point.stages = [with_better(problem, least, [stage.label for stage in stages[-1:]]), *stages]
            point.seconds += time.process_time() - began
            known += [stage.label for stage in stages[-1:] if stage.label is not None]


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
        "more_even_share": np.nan,
        "units_moved": len(moved),
        "travel": problem.cost(label, problem.travel),
        "restricted_bound": least.restricted_bound,
        "restriction": least.restriction,
        "seconds": round(point.seconds, 3),
        "moved": ";".join(moved),
    }


def _tightened(points: list[Stage], least: float = 0.0) -> list[Stage]:
    """Carry bounds back, each with its record: what no plan of more moves can do, no plan of fewer can.

    `least`: no plan at all is below it.
    """
    kept: list[Stage] = []
    for stage in reversed(points):
        later = kept[-1] if kept else replace(stage, bound=max(stage.bound, least))
        if later.bound <= stage.bound:
            kept.append(stage)
            continue
        kept.append(replace(stage.bounded(later.bound), method=later.method, log=later.log))
    return kept[::-1]


def allowances(response: Response, now: NDArray[np.int8], then: NDArray[np.int8]) -> list[float]:
    """Give the minutes to allow, from those that are allowed to where a plan is, in few steps of a round number."""
    longer = response.means(then) - response.means(now)
    in_all = response.mean_of_all(then) - response.mean_of_all(now)
    more = float(np.nanmax(np.r_[longer, in_all], initial=0.0)) - response.longer_min
    step = next((step for step in _STEPS_MIN if more <= step * _MOST_STEPS), more / _MOST_STEPS)
    return [round(response.longer_min + step * at, 6) for at in range(max(0, math.ceil(more / step - EXACT)) + 1)]


def _trade_row(problem: Problem, longer_min: float, stage: Stage) -> dict[str, object]:
    label = problem.start if stage.label is None else stage.label
    moved = [problem.unit_ids[i] for i in np.flatnonzero(label != problem.start)]
    proof = (stage.value, stage.bound, stage.gap, stage.is_proven)
    return dict(zip(TRADE_COLUMNS, (longer_min, *proof, len(moved), ";".join(moved)), strict=True))


def proposed_row(table: pd.DataFrame, redrawn: Numbers | None = None) -> tuple[int, Numbers]:
    """Choose the point that is proposed, and say how often each is more even than the one chosen of those before it.

    From no move on, a point takes the place of the last one taken where its plan lowers the imbalance by `LEAST_GAIN`
    or more for each further move, and is more even than that one in nine of ten redrawn terms (assumption A36).
    Without redrawn terms the gain alone decides.

    By the gain alone the choice is the point with the smallest sum of imbalance and `LEAST_GAIN` for each move. It
    depends on no other point, so that looking further never makes it worse.
    """
    value, moves = (table[name].to_numpy(dtype="float64") for name in ("plan_imbalance", "moves"))
    shares = np.full(len(table), np.nan)
    row = 0
    for at in range(1, len(table)):
        if redrawn is not None:
            shares[at] = float((redrawn[at] < redrawn[row] - EXACT).mean())
        is_worth = value[row] - value[at] >= LEAST_GAIN * (moves[at] - moves[row]) - EXACT
        if is_worth and value[at] < value[row] - EXACT and not shares[at] < _MORE_OFTEN - EXACT:
            row = at
    return row, shares


def _redrawn_imbalances(problem: Problem, points: Mapping[int, _Point], redrawn: pd.DataFrame) -> Numbers:
    """Measure the imbalance of the plan of each point in each redrawn term, shape (points, terms)."""
    loads = redrawn.set_axis(redrawn.columns.astype("str"), axis=1)[list(problem.unit_ids)].to_numpy(dtype="float64")
    labels = [point.stages[-1].label for point in points.values()]
    zones = np.eye(problem.zones)
    return np.array([imbalances(loads @ zones[label]) for label in labels if label is not None])


def _kept_text(rules: Rules, *, are_many: bool) -> str:
    """Say of which plans something is proven: those that keep the roots and have what is asked for."""
    held = [*(["the roots"] if rules.roots else []), *whole_text(rules.whole)]
    keeps = [f"keep{'' if are_many else 's'} {listed(held)}"] if held else []
    kept = [*keeps, *asked_text(rules.one_of_each, rules.most_students, are_many=are_many)]
    return f" that {listed(kept)}" if kept else ""


def _held_text(plan: RebalancePlan) -> str:
    """Say of which plans something is proven, where only those were allowed in which nobody waits longer."""
    response = plan.certificate.get("response", {})
    return held_text(response.get("longer_min", 0.0) if response.get("no_slower") else None)


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
