"""The choice of one set of units for each zone: the sets that plans could hold, and the best choice among them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from safeschools_geo.rebalance._program import (
    Choice,
    Closing,
    GrowingProgram,
    OutOfTimeError,
    SetPool,
    close_pool,
    require_time,
)
from safeschools_geo.rebalance._zone_sets import (
    MOST_SETS,
    Bits,
    Budget,
    Crossing,
    TooManySetsError,
    ZoneSets,
    bits_of,
    bits_of_members,
    what_moves,
)
from safeschools_geo.solver import Labels, Numbers

if TYPE_CHECKING:
    from safeschools_geo.rebalance._problem import Flags, Problem


# ── One set of units for each zone, every unit once: plans below a cost, or the proof that there are none

_ROUNDING = 1e-6
_SET_PARTITION_NEW_SETS = 60
_MOST_ROUNDS = 400
_NEAR = 0.02
_BATCH = 20_000
_NARROW_SETS = 100_000
_SHARES = (1.0, 0.5, 0.25, 0.0)
"""Where there are too many sets, those within such a part of the gap are tried for a plan."""

_MOST_LISTED = 1_000_000
"""Sets that are looked at before those of few minutes are not listed all, but as the linear program asks for them."""

_LARGEST_POOL = 250_000_000
"""Bytes that the sets of a choice may take, one for every unit of each."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the search for a plan below a cost came to."""

    bound: float  # No plan costs less; infinite where there is no plan at all
    label: Labels | None  # The best plan found, shape (n,); None where none was
    is_closed: bool  # Whether it is proven that there is no better plan below the cost that was asked for
    log: str = ""  # What was done, in a few lines


@dataclass(frozen=True, eq=False)
class Aim:
    """What is looked for."""

    cost: Numbers  # Cost of each unit in each zone, shape (n, k)
    cutoff: float  # Plans may cost this much at most
    max_moves: int | None = None  # Most units that may move; None where the cost says so already
    # Whether, among the plans below the cutoff, the one of smallest imbalance is wanted, not that of smallest cost
    levels_loads: bool = False
    most_sets: int | None = None  # Most sets to choose among; None for as many as memory takes


def find_plan(problem: Problem, aim: Aim, *, tolerance: float, max_moves: int, deadline: float) -> Outcome:
    """Find a plan below a cost, or prove that there is none.

    A plan picks one contiguous set for each zone such that every unit is picked once. The linear program over sets is
    solved with those that change few units. At its prices all other sets are looked for that are worth while, until
    there are none: then its value is a bound for every contiguous plan. Every set that could belong to a plan below
    the cutoff is listed with them, and the choice among these is an integer program (`close_pool`). Rows that
    say what has to cross between zones (`crossings`) make the linear program tighter, and their prices add up over
    units, so that the search for sets stays the same.

    Mehrotra, A., Johnson, E. L., and Nemhauser, G. L. (1998). An optimization based heuristic for political
    districting. Management Science 44(8), 1100–1114. Baldacci, R., Christofides, N., and Mingozzi, A. (2008). An exact
    algorithm for the vehicle routing problem based on the set partitioning formulation with additional cuts.
    Mathematical Programming 115, 351–385.
    """
    known, pool = _sets_below(problem, aim, tolerance=tolerance, max_moves=max_moves, deadline=deadline)
    if pool is None:
        return known
    chosen = close_pool(
        pool,
        cutoff=aim.cutoff,
        max_moves=aim.max_moves,
        levels_loads=aim.levels_loads,
        deadline=deadline,
    )
    is_closed = chosen.is_closed and pool.is_whole
    text = (
        f"{known.log}; choosing among them: {'a plan' if chosen.sets is not None else 'no plan'}, "
        f"{'closed' if is_closed else 'not closed'}"
    )
    bound = max(known.bound, chosen.bound) if pool.is_whole else known.bound
    return Outcome(bound, _label_of(problem, chosen), is_closed=is_closed, log=text)


def _sets_below(
    problem: Problem, aim: Aim, *, tolerance: float, max_moves: int, deadline: float
) -> tuple[Outcome, SetPool | None]:
    """List every set that could belong to a plan below a cost; no list where the answer is known without it."""
    asked = f"plans of at most {max_moves} moves, imbalance at most {tolerance:.9f}, cost at most {aim.cutoff:.9g}"
    try:
        crossed, budgets, can_settle = what_moves(problem, tolerance=tolerance, max_moves=max_moves, deadline=deadline)
        if budgets is None:
            none = f"{asked}: none, for zones need more moves than there are"
            return Outcome(np.inf, None, is_closed=True, log=none), None
        limits = {"tolerance": tolerance, "can_settle": can_settle}
        search = _Search(problem, aim, budgets, crossed, limits=limits, deadline=deadline)
        pool = None if problem.response is None else search.whole_pool()
        if pool is not None:
            text = f"{asked}: {_counted(pool)} wait no longer than they may"
            is_none = len(np.unique(pool.zone)) < pool.zones
            known = Outcome(np.inf if is_none else -np.inf, None, is_closed=is_none, log=text)
            return known, None if is_none else pool
        bound, pool = search.bound_and_pool()
    except (TooManySetsError, OutOfTimeError) as error:
        why = "too many sets to list" if isinstance(error, TooManySetsError) else "no answer in the time given"
        return Outcome(-np.inf, None, is_closed=False, log=f"{asked}: {why}"), None
    text = f"{asked}: cost at least {bound:.9g} by the linear program"
    if pool is None or bound > aim.cutoff + _ROUNDING:
        is_none = bound > aim.cutoff + _ROUNDING
        return Outcome(bound, None, is_closed=is_none, log=f"{text}{', so none' if is_none else ''}"), None
    text = f"{text}; {_counted(pool)} could belong to such a plan"
    return Outcome(bound, None, is_closed=False, log=text), pool


def _counted(pool: SetPool) -> str:
    by_zone = ", ".join(map(str, np.bincount(pool.zone, minlength=pool.zones)))
    return f"{'' if pool.is_whole else 'more than '}{len(pool)} sets (by zone: {by_zone})"


@dataclass(frozen=True, eq=False)
class _Prices:
    """What covering each unit and each zone is worth, and a move from each zone to each other."""

    unit: Numbers
    zone: Numbers
    by_pair: Numbers
    crossed: Numbers
    move: float


class _Search:
    """The linear program over the sets found so far, and the search for all that belong in it."""

    def __init__(
        self,
        problem: Problem,
        aim: Aim,
        budgets: list[Budget],
        crossed: list[Crossing],
        *,
        limits: dict[str, Any],
        deadline: float,
    ) -> None:
        self.problem, self.aim, self.budgets, self.crossings = problem, aim, budgets, crossed
        self.limits = limits
        self.deadline = deadline
        self.most_sets = min(_LARGEST_POOL // len(problem), aim.most_sets or _LARGEST_POOL)
        self._n, self._k = len(problem), problem.zones
        self._origin = np.eye(self._k)[problem.start]
        self._crossed = np.array([c.counts for c in crossed]).reshape(-1, self._k, self._k)
        least = np.array([float(c.least) for c in crossed])
        covered = self._n + self._k
        most = np.inf if aim.max_moves is None else float(aim.max_moves)
        low = np.r_[np.ones(covered), least, -np.inf]
        high = np.r_[np.ones(covered), np.full(len(least), np.inf), most]
        self._program = GrowingProgram(low, high)
        # Prices stay within this, so that there is an answer before every unit can be covered.
        penalty = 3.0 * max(1e-9, float(np.abs(aim.cost).max()))
        self._program.soften(range(covered + len(least)), penalty, sign=1.0)
        self._program.soften(range(covered), penalty, sign=-1.0)

    def _add(self, members: NDArray[np.int8], zone: int) -> None:
        held = members.astype("float64")
        came_from = held @ self._origin
        crossed = came_from @ self._crossed[:, :, zone].T
        moved = came_from.sum(axis=1) - came_from[:, zone]
        own = np.zeros((len(held), self._k))
        own[:, zone] = 1.0
        self._program.add(held @ self.aim.cost[:, zone], csc_array(np.hstack([held, own, crossed, moved[:, None]]).T))

    def _solve(self) -> _Prices:
        dual = self._program.solve(deadline=self.deadline).row_dual
        covered = self._n + self._k
        crossed = np.maximum(dual[covered:-1], 0.0)
        move = min(float(dual[-1]), 0.0)
        by_pair = np.tensordot(crossed, self._crossed, axes=1) + move * (1.0 - np.eye(self._k))
        return _Prices(dual[: self._n], dual[self._n : covered], by_pair, crossed, move)

    def _price(self, prices: _Prices, zone: int) -> Numbers:
        """Give the price of each unit in a zone, shape (n,)."""
        price: Numbers = self.aim.cost[:, zone] - prices.unit - prices.by_pair[self.problem.start, zone]
        return price

    def _bound(self, prices: _Prices, least: Numbers) -> float:
        """Give the Lagrangian bound, where the cheapest set of each zone costs so much."""
        crossed = sum(price * c.least for price, c in zip(prices.crossed, self.crossings, strict=True))
        return float(prices.unit.sum() + least.sum() + crossed + prices.move * (self.aim.max_moves or 0))

    def bound_and_pool(self) -> tuple[float, SetPool | None]:
        """Solve the linear program over all sets, and list those that can belong to a plan below the cutoff."""
        prices, cutoff = self._price_out(), self.aim.cutoff
        while True:
            least = self._least_by_zone(prices)
            bound = self._bound(prices, least)
            gap = self._bound(prices, prices.zone) - bound
            if gap < _NEAR * max(1e-9, float(np.abs(self.aim.cost).max())) or bound > cutoff + _ROUNDING:
                break
            prices = self._solve()
        if bound > cutoff + _ROUNDING:
            return bound, None
        for share in _SHARES if self.aim.levels_loads else (1.0,):
            dearest = least + (share * (cutoff - bound) + 2 * _ROUNDING)
            try:
                pool = self._pool_within(prices, dearest, most=self.most_sets)
            except TooManySetsError:
                continue
            return bound, replace(pool, is_whole=share == 1.0)
        return bound, None

    def _narrow_sets(self) -> list[ZoneSets]:
        """List the sets that change few units, as few as can be listed quickly."""
        found = []
        for zone, budget in enumerate(self.budgets):
            require_time(self.deadline)
            for spare in (3, 2, 1, 0):
                most = _NARROW_SETS if spare else MOST_SETS
                try:
                    found.append(ZoneSets(self.problem, zone, budget.narrowed(spare), **self.limits, most=most))
                except TooManySetsError:
                    if spare == 0:
                        raise
                    continue
                break
        return found

    def _price_out(self) -> _Prices:
        """Solve the linear program over the sets that change few units."""
        narrow = self._narrow_sets()
        prices = self._solve()
        for _ in range(_MOST_ROUNDS):
            added = 0
            for zone, sets in enumerate(narrow):
                limit = float(prices.zone[zone]) - _ROUNDING
                _, found = sets.cheapest(self._price(prices, zone), limit, count=_SET_PARTITION_NEW_SETS)
                self._add(sets.members(found), zone)
                added += len(found)
            if added == 0:
                break
            prices = self._solve()
        return prices

    def _least_by_zone(self, prices: _Prices) -> Numbers:
        """Find the price of the cheapest set of each zone, at most what the zone is worth; add the sets below that."""
        least = prices.zone.copy()
        for zone in range(self._k):
            limit = float(prices.zone[zone]) - _ROUNDING
            sums, members = self._cheap_sets(prices, zone, limit=limit, most=self.most_sets)
            least[zone] = min(sums.min(initial=np.inf), least[zone])
            self._add(members[:_SET_PARTITION_NEW_SETS], zone)
        return least

    def whole_pool(self) -> SetPool | None:
        """List every set, at no prices; None where there are too many."""
        none = np.zeros((self._k, self._k))
        prices = _Prices(np.zeros(self._n), np.zeros(self._k), none, np.ones(len(self.crossings)), 0.0)
        try:
            return self._pool_within(prices, np.full(self._k, np.inf), most=min(self.most_sets, _MOST_LISTED))
        except TooManySetsError:
            return None

    def _pool_within(self, prices: _Prices, dearest: Numbers, *, most: int) -> SetPool:
        """List every set that costs at most so much in each zone."""
        parts, left = [], most
        # Only the crossings that have a price bind; there are few.
        used = [c for price, c in zip(prices.crossed, self.crossings, strict=True) if price > _ROUNDING]
        for zone in range(self._k):
            sums, members = self._cheap_sets(prices, zone, limit=float(dearest[zone]), most=left)
            parts.append(self._pool_of_zone(zone, used, members=members, price=sums - prices.zone[zone]))
            left -= len(members)
        names = ("members", "zone", "cost", "moved", "deviation", "minutes", "students", "price", "crossed")
        columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        minutes = np.inf if self.problem.response is None else self.problem.response.limit
        least = np.array([float(c.least) for c in used])
        few = self.problem.most_students
        return SetPool(zones=self._k, least_crossed=least, most_minutes=minutes, most_students=few, **columns)

    def _pool_of_zone(self, zone: int, used: list[Crossing], *, members: NDArray[np.int8], price: Numbers) -> SetPool:
        """Measure the sets of a zone."""
        facts = np.column_stack([self.aim.cost[:, zone], self.problem.share, self._origin])
        # What every set holds is added up once.
        always = members.all(axis=0)
        some = np.flatnonzero(members.any(axis=0) & ~always)
        begins = range(0, max(len(members), 1), _BATCH)
        parts = [members[begin : begin + _BATCH, some].astype("float64") @ facts[some] for begin in begins]
        found = np.concatenate(parts) + facts[always].sum(axis=0)
        cost, share, came_from = found[:, 0], found[:, 1], found[:, 2:]
        counts = np.array([c.counts[:, zone] for c in used]).reshape(-1, self._k)
        moved = came_from.sum(axis=1) - came_from[:, zone]
        crossed = np.rint(came_from @ counts.T).astype(np.int8)
        zones = np.full(len(members), zone)
        deviation, response = np.abs(share - 1.0), self.problem.response
        minutes = np.zeros(len(members)) if response is None else response.of_sets(members)
        known = self.problem.students
        students = np.zeros(len(members))
        if known is not None:
            students = np.asarray(members @ np.where(self.problem.start == zone, 0.0, known), dtype="float64")
        return SetPool(members, zones, self._k, cost, moved, deviation, minutes, price, crossed, np.zeros(0), students)

    def _cheap_sets(self, prices: _Prices, zone: int, *, limit: float, most: int) -> tuple[Numbers, NDArray[np.int8]]:
        """List the contiguous sets of a zone that cost less than a limit, the cheapest first, and their prices."""
        price = self._price(prices, zone)
        # Without a limit no price keeps the lists short.
        grown = most if limit == np.inf else MOST_SETS
        sets = ZoneSets(self.problem, zone, self.budgets[zone], **self.limits, price=price, limit=limit, most=grown)
        sums, bits = sets.cheaper_than(price, limit, most=most)
        parts = []
        for begin in range(0, max(len(bits), 1), _BATCH):
            require_time(self.deadline)
            parts.append(sets.contiguous(bits[begin : begin + _BATCH]))
        is_whole = np.concatenate(parts)
        return sums[is_whole], sets.members(bits[is_whole])


def _label_of(problem: Problem, chosen: Choice) -> Labels | None:
    if chosen.sets is None:
        return None
    label = np.zeros(len(problem), dtype="int64")
    for held, zone in zip(*chosen.sets, strict=True):
        label[held == 1] = zone
    return label


# ── The most even of all choices: zone after zone, each partial choice within what is left of cost and evenness

CHOICES = 100_000_000
"""Pairs of a partial choice and a set that are looked at before a search is given up, the same on every machine."""

_QUICK = CHOICES // 5
"""Pairs that are looked at where something easier can be tried next."""

_MOST_PLANS = 200_000
_AT_ONCE = 400_000
_FEW = 400
_EVEN_ROUNDING = 1e-9
_PAIR = 2
_MOVES = 2
"""Column of moves in the costs of a partial choice."""


@dataclass(frozen=True, eq=False)
class MostEven:
    """What the search for the most even plan came to, rank after rank."""

    # The smallest sum of the 2, 3, … largest deviations (of the largest first, where no bound on it is known), each
    # within what the ones before it leave, then the shortest travel: a plan and whether it is proven that none has less
    ranks: tuple[tuple[Labels, bool], ...]
    log: str


def most_even(
    problem: Problem,
    aim: Aim,
    *,
    start: Labels,
    bound: float | None,
    tolerance: float,
    slack: float,
    max_moves: int,
    deadline: float,
) -> MostEven | None:
    """Find the plan that is even in all zones, not in the farthest alone, then near.

    After the largest deviation, which the tolerance limits, the sum of the two largest is made small, then that of the
    three largest and so on, each within `slack` of the smallest; then travel. Without a `bound` on the largest
    deviation it is made small first. None where there are too many sets, or where that first search is given up.

    Every set that can belong to a plan is listed (`find_plan`). A branch and bound joins sets zone by zone: a partial
    choice goes on while its cost beyond the linear program is within the cutoff, and while its largest deviations, with
    the smallest that the other zones can have, are within what is left. As soon as the plans that are left can be
    listed, the other ranks are read off the list.

    Ogryczak, W., and Tamir, A. (2003). Minimizing the sum of the k largest functions in linear time. Information
    Processing Letters 85(3), 117–122.
    """
    known, pool = _sets_below(problem, aim, tolerance=tolerance, max_moves=max_moves, deadline=deadline)
    if pool is None or not pool.is_whole:
        return None
    closing = Closing(pool, aim.cutoff, aim.max_moves, deadline)
    try:
        is_open = closing.narrow()
    except OutOfTimeError:
        return None
    ranks: list[tuple[Labels, bool]] = []
    best, left, plans, is_tried = start, CHOICES, None, not is_open
    caps, floor = np.full(problem.zones, np.inf), np.zeros(problem.zones)
    caps[0], floor[0] = tolerance + _EVEN_ROUNDING, (bound or 0.0) - _EVEN_ROUNDING
    beyond = range(2, problem.zones + 1 if problem.zones > _PAIR else 0)
    for rank in (*([1] if bound is None else []), *beyond, None):
        goal, is_proven = _Goal(rank, caps, floor, best), True
        is_late = time.process_time() > deadline
        if not is_tried and rank not in {1, _PAIR} and not is_late:
            plans, is_tried = _every_plan(problem, closing, goal, left), True
        if plans is not None:
            best = plans.best(problem, goal, best)
        elif is_late:
            is_proven = not is_open
        elif is_open:
            found, is_proven, left = _narrowed_walk(problem, closing, goal, left).run()
            best = best if found is None else found
        if rank == 1 and not is_proven:
            return None
        ranks.append((best, is_proven))
        if rank is not None:
            least = largest_deviations(problem, best)[rank - 1]
            caps[rank - 1] = least + slack + _EVEN_ROUNDING
            floor[rank - 1] = least - _EVEN_ROUNDING if is_proven else 0.0
    return MostEven(tuple(ranks), known.log)


def largest_deviations(problem: Problem, label: Labels) -> Numbers:
    """Add up the 1, 2, … largest ``|load - mean| / mean``, shape (k,)."""
    deviation = np.abs(np.bincount(label, problem.share, minlength=problem.zones) - 1.0)
    sums: Numbers = np.cumsum(np.sort(deviation)[::-1])
    return sums


def least_deviation(
    problem: Problem,
    aim: Aim,
    *,
    start: Labels | None,
    tolerance: float,
    max_moves: int,
    deadline: float,
    is_long: bool,
) -> Outcome:
    """Find the plan of smallest imbalance within a tolerance, more even than one that is known, by counted steps."""
    known, pool = _sets_below(problem, aim, tolerance=tolerance, max_moves=max_moves, deadline=deadline)
    if pool is None:
        return known
    closing = Closing(pool, aim.cutoff, aim.max_moves, deadline)
    try:
        is_open = closing.narrow()
    except OutOfTimeError:
        return replace(known, log=f"{known.log}; no answer in the time given")
    label, is_closed = None, True
    if is_open:
        caps = np.full(problem.zones, np.inf)
        caps[0] = tolerance + _EVEN_ROUNDING
        goal = _Goal(1, caps, np.zeros(problem.zones), start)
        walk = _narrowed_walk(problem, closing, goal, CHOICES if is_long else _QUICK)
        best, is_closed, _ = walk.run()
        label = None if best is start else best
    is_closed &= pool.is_whole
    text = f"{known.log}; joining them: {'no' if label is None else 'a'} plan, {'' if is_closed else 'not '}closed"
    return Outcome(closing.bound, label, is_closed=is_closed, log=text)


@dataclass(frozen=True, eq=False)
class _Partial:
    """Some choices of a set for each of the first zones, a row each."""

    bits: NDArray[np.uint64]  # Units that are in a set, shape (m, words)
    cost: Numbers  # Cost, cost beyond the linear program, moves, minutes, students and travel, shape (m, 6)
    deviation: Numbers  # Deviation of each zone, the smallest there is where none is chosen, shape (m, k)
    sets: Labels  # The sets chosen, shape (m, zones so far)

    def only(self, which: Labels | Flags | slice) -> _Partial:
        return _Partial(self.bits[which], self.cost[which], self.deviation[which], self.sets[which])


@dataclass(frozen=True, eq=False)
class _Goal:
    """What a walk looks for: a smaller sum of the `rank` largest deviations than that of `best`, or less travel."""

    rank: int | None
    caps: Numbers  # Most that the 1, 2, … largest deviations may come to together, shape (k,)
    floor: Numbers  # Least that they come to in any plan of interest, shape (k,)
    best: Labels | None  # The best plan that is known

    def value(self, problem: Problem, label: Labels) -> float:
        """Measure a plan."""
        return float(
            problem.cost(label, problem.travel)
            if self.rank is None
            else largest_deviations(problem, label)[self.rank - 1]
        )


def _is_less(value: Numbers, known: float) -> Flags:
    margin = _EVEN_ROUNDING * max(1.0, abs(known)) if np.isfinite(known) else 0.0
    return np.asarray(value < known - margin)


@dataclass(frozen=True, eq=False)
class _Plans:
    """All plans within limits, a row each."""

    walk: _Walk  # Puts a plan together
    sets: Labels  # Set of each zone, shape (m, k)
    largest: Numbers  # Sums of the 1, 2, … largest deviations, shape (m, k)
    travel: Numbers  # Shape (m,)

    def best(self, problem: Problem, goal: _Goal, known: Labels) -> Labels:
        """Find the best plan within the limits of a goal: the one that is known where none is better."""
        value = self.travel if goal.rank is None else self.largest[:, goal.rank - 1]
        value = np.where((self.largest <= goal.caps).all(axis=1), value, np.inf)
        is_better = _is_less(value, goal.value(problem, known))
        return self.walk.label_of(self.sets[int(np.argmin(value))]) if is_better.any() else known


def _every_plan(problem: Problem, closing: Closing, goal: _Goal, left: int) -> _Plans | None:
    """List every plan within the limits of a goal; None where there are too many."""
    walk = _narrowed_walk(problem, closing, replace(goal, rank=None, best=None), left // 2)
    chosen = walk.every()
    if chosen is None:
        return None
    deviation = -np.sort(-chosen.deviation, axis=1)
    return _Plans(walk, chosen.sets, np.cumsum(deviation, axis=1), chosen.cost[:, -1])


def _narrowed_walk(problem: Problem, closing: Closing, goal: _Goal, left: int) -> _Walk:
    """Begin a walk; where there are many sets of interest, by what the linear program over these alone excludes."""
    walk = _Walk(problem, closing, goal, left)
    if len(walk.open) <= _FEW:
        return walk
    fewer = Closing(closing.pool.only(walk.open), closing.cutoff, closing.max_moves, closing.deadline)
    try:
        fewer.narrow()
    except OutOfTimeError:
        return walk
    return _Walk(problem, fewer, goal, left)


def _as_text(bits: Bits) -> NDArray[np.bytes_]:
    """Take each set as one word, which can be sorted and looked up."""
    words = np.ascontiguousarray(bits)
    return words.view(f"S{words.shape[1] * words.itemsize}")[:, 0]


def _grouped(keys: NDArray[np.bytes_]) -> tuple[NDArray[np.bytes_], Labels, Labels, Labels]:
    """Group rows of one key: the keys, where each begins in the order of them, how many it has, and that order."""
    unique, count = np.unique(keys, return_counts=True)
    order = np.argsort(keys, kind="stable")
    return unique, np.cumsum(count) - count, count, order


class _Walk:
    """A branch and bound over the choices of one set for each zone."""

    def __init__(self, problem: Problem, closing: Closing, goal: _Goal, left: int) -> None:
        pool = closing.pool
        self._problem, self._pool, self._k = problem, pool, pool.zones
        self._goal, self._left, self._deadline = goal, left, closing.deadline
        self._chosen: Labels | None = None
        self._every: list[_Partial] | None = None
        self._value = np.inf
        if goal.best is not None:
            self._value = goal.value(problem, goal.best)
        travel = np.zeros(len(pool))
        for zone in range(self._k):
            of_zone = pool.zone == zone
            travel[of_zone] = pool.members[of_zone].astype("float64") @ problem.travel[:, zone]
        reduced = closing.reduced_cost()
        self._cost = np.column_stack([pool.cost, reduced, pool.moved, pool.minutes, pool.students, travel])
        room = closing.cutoff - closing.value + _ROUNDING * (self._k + 1)
        few = pool.most_students
        self._most = np.array([closing.cutoff + _ROUNDING, room, closing.most, pool.most_minutes, few, np.inf])
        self._sets = self._of_interest()
        self.open: Labels = np.sort(np.concatenate(self._sets))
        self._bits = bits_of_members(pool.members)
        # What the zones still to come cost at least, and the units that none of them can hold.
        least = np.array([self._cost[rows].min(axis=0, initial=np.inf) for rows in self._sets])
        self._rest = np.vstack([np.cumsum(least[::-1], axis=0)[::-1], np.zeros(least.shape[1])])
        held = np.array([np.bitwise_or.reduce(self._bits[rows], axis=0) for rows in self._sets])
        every = bits_of(range(len(problem)), held.shape[1])
        self._due = [every & ~np.bitwise_or.reduce(held[at + 1 :], axis=0) for at in range(self._k)]
        # The sets of each zone by what they hold of these, so that those that fit are found at once.
        self._by_due = [
            _grouped(_as_text(self._bits[rows] & due)) for rows, due in zip(self._sets, self._due, strict=True)
        ]
        # The units that are now in the zones chosen so far: those that no set holds have left, and still have to join.
        zones = [int(pool.zone[rows[0]]) if len(rows) else 0 for rows in self._sets]
        now = np.array([bits_of(np.flatnonzero(problem.start == zone), held.shape[1]) for zone in zones])
        self._now = np.bitwise_or.accumulate(now, axis=0)

    def _of_interest(self) -> list[Labels]:
        """List the sets of each zone that a better plan can hold, the zones with the fewest first."""
        pool = self._pool
        sets = [np.flatnonzero(pool.zone == zone) for zone in range(self._k)]
        count = -1
        while min(map(len, sets)) and count != (count := sum(map(len, sets))):
            sets.sort(key=len)
            self._least_deviation = np.array([pool.deviation[rows].min() for rows in sets])
            least = np.array([self._cost[rows].min(axis=0) for rows in sets])
            sets = [rows[self._is_open_alone(rows, at, least)] for at, rows in enumerate(sets)]
        return [rows[np.argsort(pool.deviation[rows], kind="stable")] for rows in sets]

    def _is_open_alone(self, rows: Labels, at: int, least: Numbers) -> Flags:
        """Say which sets of a zone can belong to a better plan, whatever the other zones choose."""
        deviation = np.repeat(self._least_deviation[None], len(rows), axis=0)
        deviation[:, at] = self._pool.deviation[rows]
        largest = self._largest(deviation, np.arange(self._k) != at)
        cost = self._cost[rows] + (least.sum(axis=0) - least[at])
        value = cost[:, -1] if self._goal.rank is None else largest[:, self._goal.rank - 1]
        is_within = (largest <= self._goal.caps).all(axis=1) & (cost <= self._most).all(axis=1)
        return np.asarray(is_within & self._is_better(value))

    def run(self) -> tuple[Labels | None, bool, int]:
        """Find the best plan; say whether it is proven, and how many pairs may still be looked at."""
        is_proven = self._descend(self._nothing) if all(map(len, self._sets)) else True
        best = self._goal.best if self._chosen is None else self.label_of(self._chosen)
        return best, is_proven, self._left

    def every(self) -> _Partial | None:
        """List all plans within the limits; None where there are too many."""
        self._every = []
        if all(map(len, self._sets)) and not self._descend(self._nothing):
            return None
        parts = self._every or [self._nothing.only(slice(0))]
        return _Partial(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))

    @property
    def _nothing(self) -> _Partial:
        """The choice of no set."""
        bits, cost = np.zeros((1, self._bits.shape[1]), dtype=np.uint64), np.zeros((1, self._cost.shape[1]))
        return _Partial(bits, cost, self._least_deviation[None], np.zeros((1, 0), dtype=np.int64))

    def label_of(self, sets: Labels) -> Labels:
        """Put a plan together from its sets."""
        label = np.zeros(len(self._problem), dtype="int64")
        for row in sets:
            label[self._pool.members[row] == 1] = self._pool.zone[row]
        return label

    def _descend(self, partial: _Partial) -> bool:
        """Go on from partial choices; say whether all that matters was seen."""
        at = partial.sets.shape[1]
        if not len(partial.sets):
            return True
        if at == self._k:
            value, is_within = self._measured(partial)
            if self._every is not None:
                self._every.append(partial.only(is_within))
                return sum(len(part.sets) for part in self._every) <= _MOST_PLANS
            if is_within.any():
                first = np.flatnonzero(is_within)[np.argmin(value[is_within])]
                self._value, self._chosen = float(value[first]), partial.sets[first]
            return True
        step = max(1, _AT_ONCE // max(1, len(self._sets[at])))
        for begin in range(0, len(partial.sets), step):
            some = partial.only(slice(begin, begin + step))
            # A better plan may have been found since these were put together.
            some = some.only(np.flatnonzero(self._measured(some)[1]))
            if self._left < 0 or time.process_time() > self._deadline or not self._descend(self._joined(some)):
                return False
        return True

    def _joined(self, some: _Partial) -> _Partial:
        """Add a set of the next zone to partial choices, in every way that can lead to a plan."""
        at = some.sets.shape[1]
        sets = self._sets[at]
        rows, columns = self._matched(some.bits, at)
        chosen = sets[columns]
        cost = some.cost[rows] + self._cost[chosen]
        bits = some.bits[rows] | self._bits[chosen]
        left = np.bitwise_count(self._now[at] & ~bits).sum(axis=1)
        is_kept = (cost + self._rest[at + 1] <= self._most).all(axis=1) & (cost[:, _MOVES] + left <= self._most[_MOVES])
        rows, chosen = rows[is_kept], chosen[is_kept]
        deviation = some.deviation[rows]
        deviation[:, at] = self._pool.deviation[chosen]
        joined = _Partial(
            bits[is_kept],
            cost[is_kept],
            deviation,
            np.column_stack([some.sets[rows], chosen]),
        )
        value, is_within = self._measured(joined)
        kept = np.flatnonzero(is_within)
        return joined.only(kept[np.argsort(value[kept], kind="stable")])

    def _matched(self, held: Bits, at: int) -> tuple[Labels, Labels]:
        """Find the pairs of a partial choice and a set that hold no unit twice, and all that no later zone can."""
        keys, begin, count, order = self._by_due[at]
        missing = _as_text(self._due[at] & ~held)
        group = np.minimum(np.searchsorted(keys, missing), len(keys) - 1)
        found = np.flatnonzero(keys[group] == missing)
        group = group[found]
        rows = np.repeat(found, count[group])
        ends = np.cumsum(count[group])
        within = np.arange(len(rows)) - np.repeat(ends - count[group], count[group])
        columns = order[np.repeat(begin[group], count[group]) + within]
        self._left -= len(held) + len(rows)
        is_apart = np.ones(len(rows), dtype=bool)
        for word in range(held.shape[1]):
            is_apart &= (held[rows, word] & self._bits[self._sets[at][columns], word]) == 0
        return rows[is_apart], columns[is_apart]

    def _measured(self, partial: _Partial) -> tuple[Numbers, Flags]:
        """Give the least that each choice can come to, and whether that is within the limits and better than known."""
        at = partial.sets.shape[1]
        largest = self._largest(partial.deviation, np.arange(self._k) >= at)
        value = partial.cost[:, -1] + self._rest[at, -1] if self._goal.rank is None else largest[:, self._goal.rank - 1]
        return value, (largest <= self._goal.caps).all(axis=1) & self._is_better(value)

    def _is_better(self, value: Numbers) -> Flags:
        return _is_less(value, self._value)

    def _largest(self, deviation: Numbers, is_open: Flags) -> Numbers:
        """Give the least that the 1, 2, … largest deviations can come to together, shape (m, k).

        `is_open`: zones whose deviation may still be larger.
        """
        if is_open.any():
            # Some zone is as far from the mean as in the most even plan: where none chosen is, one of the others.
            other = int(np.argmax(np.where(is_open, self._least_deviation, -1.0)))
            is_near = deviation.max(axis=1) < self._goal.floor[0]
            deviation = deviation.copy()
            deviation[is_near, other] = self._goal.floor[0]
        deviation = -np.sort(-deviation, axis=1)
        largest: Numbers = np.cumsum(deviation, axis=1)
        for rank in range(1, self._k):
            # No plan has less in the largest together, and each of the others has what it has.
            beyond = np.maximum(largest[:, rank - 1], self._goal.floor[rank - 1]) + deviation[:, rank]
            largest[:, rank] = np.maximum(largest[:, rank], beyond)
        return largest
