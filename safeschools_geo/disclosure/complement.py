"""Complementary suppression: what else has to be withheld so that nobody can work out what is.

The fewest cells are found by integer programming with cuts from the attacker's dual prices: M. Fischetti and J.
Salazar-González, "Models and algorithms for optimizing cell suppression in tabular data with linear constraints",
Journal of the American Statistical Association 95(451), 2000. Totals are kept: one is only withheld where nothing
inside would do.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from safeschools_geo.disclosure.attacker import Attacker, Known, room_for
from safeschools_geo.errors import DisclosureError
from safeschools_geo.programs import Program, solve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safeschools_geo.disclosure.attacker import Extreme

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]

MOST_ROUNDS = 60
_MOST_NODES = 2000
_TINY = 1e-7
_WORLDS_KEPT = 400
_FEW = 4


@dataclass(frozen=True, eq=False)
class Problem:
    """What has to be protected.

    Parameters
    ----------
    known
        All figures with their true values, and what else is known.
    is_sensitive
        Figures that are withheld for themselves, shape (n_cells,).
    targets
        Figures nobody may narrow down, shown or not, as sums of the finest counts, shape (n_targets, n_atoms).
    low, high
        Every target must be able to be as small as `low` and as large as `high`, shape (n_targets,).
    rank
        How far each figure is a total, shape (n_cells,).
    weight
        What withholding a figure costs, shape (n_cells,), above 0 and, of all together, below `total_weight`.
    may
        Figures that may be withheld besides, shape (n_cells,).
    groups
        Groups that no table shows and that are not small, as sums of the finest counts, shape (n_groups, n_atoms).
    whole
        Whether that has to be so with whole counts.
    """

    known: Known
    is_sensitive: Flags
    targets: csr_array
    low: Numbers
    high: Numbers
    rank: NDArray[np.int64]
    weight: Numbers
    may: Flags
    groups: csr_array
    whole: bool = False


@dataclass(frozen=True, eq=False)
class Pattern:
    """Which figures are withheld.

    Parameters
    ----------
    is_withheld
        Shape (n_cells,).
    cost
        What the complementary ones cost.
    bound
        No pattern that protects costs less.
    is_proven
        Whether `cost` is the least.
    rounds
        Rounds that it took.
    """

    is_withheld: Flags
    cost: float
    bound: float
    is_proven: bool
    rounds: int


@dataclass(eq=False)
class _Search:
    """Cuts and worlds found so far; `allowed` are the figures that may be withheld besides the sensitive ones."""

    problem: Problem
    attacker: Attacker
    most: tuple[csr_array, Numbers]
    least: tuple[csr_array, Numbers]
    allowed: Flags
    weight: Numbers
    worlds: list[Numbers] = field(default_factory=list)
    cuts: list[Numbers] = field(default_factory=list)


class _NotEnoughError(Exception):
    """Nothing that may be withheld would protect a target."""


def complementary(problem: Problem) -> Pattern:
    """Find the fewest further figures to withhold.

    Parameters
    ----------
    problem
        What has to be protected.

    Returns
    -------
    Pattern
        A pattern that protects every target.

    Raises
    ------
    DisclosureError
        When no pattern does: what is known already tells too much.
    """
    search = _begin(problem, problem.is_sensitive)
    for rank in range(int(problem.rank.max(initial=0)) + 1):
        allowed = (problem.rank <= rank) & ~problem.is_sensitive & problem.may
        try:
            return _search(replace(search, allowed=allowed, weight=_scaled(problem, allowed), cuts=[]))
        except _NotEnoughError:
            continue
    raise DisclosureError(
        "A small count can be worked out whatever is withheld now: earlier releases or other statements give it away.",
        expected="that every small count stays possible",
        remedy="Publish nothing more about these groups, or leave out the statements that say too much.",
    )


def _begin(problem: Problem, is_withheld: Flags) -> _Search:
    """Begin a search in which nothing more may be withheld yet."""
    attacker = Attacker(problem.known, is_withheld, whole=problem.whole)
    most, least = attacker.kinds.reach(problem.targets)
    nothing = np.zeros(len(is_withheld), dtype=bool)
    return _Search(
        problem, attacker, _distinct(most, problem.high), _distinct(least, problem.low), nothing, problem.weight
    )


def _scaled(problem: Problem, allowed: Flags) -> Numbers:
    """Let one total weigh more than all figures below its rank: it is only withheld where none of these would do."""
    weight = problem.weight.copy()
    for rank in range(1, int(problem.rank[allowed].max(initial=0)) + 1):
        below = float(weight[allowed & (problem.rank < rank)].sum())
        weight[problem.rank == rank] *= 1.0 + below
    return weight


def is_protected(problem: Problem, is_withheld: Flags) -> bool:
    """Say whether a pattern protects every target.

    Parameters
    ----------
    problem
        What has to be protected.
    is_withheld
        The pattern, shape (n_cells,).

    Returns
    -------
    bool
        Whether it does.
    """
    try:
        _mend(_begin(problem, is_withheld), is_withheld)
    except _NotEnoughError:
        return False
    return True


def narrow(
    problem: Problem, is_withheld: Flags, figures: csr_array, *, low: float, high: float
) -> tuple[NDArray[np.int64], Numbers]:
    """Find figures that cannot be as small and as large as wanted.

    Parameters
    ----------
    problem
        What is known.
    is_withheld
        The pattern, shape (n_cells,).
    figures
        The figures as sums of the finest counts, shape (n, n_atoms).
    low, high
        How small and how large.

    Returns
    -------
    rows : numpy.ndarray
        Which cannot.
    ends : numpy.ndarray
        The least and the most that each of these can be, shape (n_rows, 2).
    """
    attacker = Attacker(problem.known, is_withheld, whole=problem.whole)
    most, least = attacker.kinds.reach(figures)
    n = figures.shape[0]
    nothing = np.zeros(len(is_withheld), dtype=bool)
    search = _Search(problem, attacker, (most, np.full(n, high)), (least, np.full(n, low)), nothing, problem.weight, [])
    found: set[int] = set()
    for row, is_most in _unproven(search):
        weights = (most if is_most else least)[[row]].toarray()[0]
        end = attacker.extreme(weights, most=is_most)
        search.worlds.append(end.world)
        reached = float(weights @ end.world)
        if (reached < high - _TINY) if is_most else (reached > low + _TINY):
            found.add(row)
    rows = np.array(sorted(found), dtype="int64")
    ends = [
        [
            attacker.extreme(least[[row]].toarray()[0], most=False).value,
            attacker.extreme(most[[row]].toarray()[0], most=True).value,
        ]
        for row in rows
    ]
    return rows, np.array(ends).reshape(-1, 2)


def _distinct(rows: csr_array, wanted: Numbers) -> tuple[csr_array, Numbers]:
    """Leave out figures that are the sum of the same kinds as one before them, and have to reach the same."""
    seen: dict[tuple[bytes, float], int] = {}
    rows.sort_indices()
    for row in range(rows.shape[0]):
        kinds = rows.indices[rows.indptr[row] : rows.indptr[row + 1]].tobytes()
        seen.setdefault((kinds, float(wanted[row])), row)
    kept = np.array(sorted(seen.values()), dtype="int64")
    return rows[kept], wanted[kept]


def _search(search: _Search) -> Pattern:
    problem = search.problem
    chosen = problem.is_sensitive.copy()
    best: Flags | None = None
    bound, rounds = 0.0, 0
    while True:
        rounds += 1
        mended = _mend(search, chosen)
        if best is None or _cost(search, mended) < _cost(search, best) - _TINY:
            best = mended
        if (mended == chosen).all():
            cost = _cost(search, chosen)
            return Pattern(chosen, cost, bound, is_proven=cost <= bound + _TINY, rounds=rounds)
        if rounds >= MOST_ROUNDS:
            break
        cheapest, bound = _cheapest(search)
        if cheapest is None or _cost(search, best) <= bound + _TINY:
            break
        chosen = cheapest
    kept = _pruned(search, best)
    cost = _cost(search, kept)
    return Pattern(kept, cost, bound, is_proven=cost <= bound + _TINY, rounds=rounds)


def _cost(search: _Search, is_withheld: Flags) -> float:
    return float(search.weight[is_withheld & ~search.problem.is_sensitive].sum())


def _mend(search: _Search, chosen: Flags) -> Flags:
    """Withhold more, one figure after another, until every target is protected; keep a cut for each that was not."""
    is_open = chosen.copy()
    search.attacker.open(is_open)
    search.worlds[:] = [world for world in search.worlds[-_WORLDS_KEPT:] if search.attacker.agrees(world)]
    for target, most in _unproven(search):
        figures, wanted = search.most if most else search.least
        weights = figures[[target]].toarray()[0]
        while True:
            found = search.attacker.extreme(weights, most=most)
            search.worlds.append(found.world)
            reached = float(weights @ found.world)
            if reached >= wanted[target] - _TINY if most else reached <= wanted[target] + _TINY:
                break
            cut = _cut(search, found, is_open, wanted=float(wanted[target]), most=most)
            if cut.sum() < 1 - _TINY:
                raise _NotEnoughError
            search.cuts.append(cut)
            while cut[is_open].sum() < 1 - _TINY:
                is_open[int(np.argmax(np.where(is_open, -1.0, cut / search.weight)))] = True
            search.attacker.open(is_open)
    return is_open


def _unproven(search: _Search) -> Iterator[tuple[int, bool]]:
    """Go through the targets that no world found so far shows to be protected; new worlds count at once."""
    for most in (True, False):
        figures, wanted = search.most if most else search.least
        waiting, seen, is_stuck = np.arange(figures.shape[0]), 0, not most
        while True:
            if seen < len(search.worlds):
                reached = figures[waiting] @ np.array(search.worlds[seen:]).T
                short = wanted[waiting] - reached.max(axis=1) if most else reached.min(axis=1) - wanted[waiting]
                done = short <= _TINY
                # One world that shows many targets to be safe spares many programs.
                is_stuck = is_stuck or (seen > 0 and not done.any())
                waiting, seen = waiting[~done], len(search.worlds)
            if not len(waiting):
                break
            if not is_stuck and len(waiting) > _FEW:
                search.worlds.append(search.attacker.spread(room_for(figures, waiting, wanted[waiting], turn=seen)))
                continue
            target, waiting = int(waiting[0]), waiting[1:]
            yield target, most


def _cut(search: _Search, found: Extreme, is_open: Flags, *, wanted: float, most: bool) -> Numbers:
    """State, from the dual prices, what has to be withheld at least: coefficients of a row ``>= 1``.

    Withholding figure i lets it be anything from 0 upwards; the figure sought then changes by at most its price times
    that, which the price of a linear program never understates.
    """
    problem = search.problem
    n = len(problem.is_sensitive)
    need = wanted - found.value if most else found.value - wanted
    may = search.allowed & ~is_open
    if need <= _TINY:
        # Fractions would do, whole counts do not: something else has to be withheld.
        return may.astype("float64")
    price = found.duals[:n] if most else -found.duals[:n]
    # Upwards a withheld figure has no end; downwards it ends at 0.
    gain = np.where(price > _TINY, need, np.where(price < -_TINY, -price * problem.known.values, 0.0))
    return np.minimum(np.where(may, gain, 0.0) / need, 1.0)


def _cheapest(search: _Search) -> tuple[Flags | None, float]:
    """Find the cheapest figures that meet every cut, or none where that takes too long; no others cost less."""
    columns = np.flatnonzero(search.allowed)
    rows = np.vstack([cut[columns] for cut in search.cuts])
    m, n = rows.shape
    found = solve(
        Program(
            cost=search.weight[columns],
            matrix=csc_array(rows),
            row_low=np.ones(m),
            row_high=np.full(m, np.inf),
            low=np.zeros(n),
            high=np.ones(n),
            is_integer=np.ones(n, dtype=bool),
        ),
        node_limit=_MOST_NODES,
    )
    if found.is_infeasible:
        raise _NotEnoughError
    if found.x is None:
        return None, found.bound
    is_withheld = search.problem.is_sensitive.copy()
    is_withheld[columns[found.x > 0.5]] = True  # noqa: PLR2004 - 0 or 1
    return is_withheld, found.bound


def _pruned(search: _Search, is_withheld: Flags) -> Flags:
    """Publish again what need not be withheld, the dearest first."""
    kept = is_withheld.copy()
    extra = np.flatnonzero(is_withheld & ~search.problem.is_sensitive)
    for i in extra[np.argsort(-search.weight[extra], kind="stable")]:
        kept[i] = False
        if (_mend(search, kept) != kept).any():
            kept[i] = True
    return kept
