"""From a table of counts to one that may be published: primary and complementary suppression.

The fewest cells are found by integer programming with cuts from the attacker's dual prices: M. Fischetti and J.
Salazar-González, "Models and algorithms for optimizing cell suppression in tabular data with linear constraints",
Journal of the American Statistical Association 95(451), 2000. Totals are kept: one is only withheld where nothing
inside would do.

Whoever knows that every small count can be anything from 1 to 10 sees a withheld figure that must lie between 4 and 20,
and knows that it is 11 or more: were it small, it would not have been left so. That may narrow down others, and so on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from safeschools_geo.disclosure._attacker import (
    ASKED_EVERY,
    Attacker,
    Known,
    Said,
    asked_text,
    room_for,
    said,
    together,
)
from safeschools_geo.disclosure._policy import PolicyLike, load_policy
from safeschools_geo.disclosure._tables import CountTable, SafeTable, TableLike, count_table, sealed
from safeschools_geo.errors import DisclosureError
from safeschools_geo.solver import Program, solve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from safeschools_geo.disclosure._attacker import Cells, Extreme, Fact
    from safeschools_geo.disclosure._policy import Grouping, Policy

    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Indices = NDArray[np.int64]


# ── Primary suppression: which figures are too small to publish


def is_sensitive(counts: NDArray[np.int64], students: NDArray[np.float64], policy: Policy) -> NDArray[np.bool_]:
    """Find the figures that may not be reported."""
    is_small = (counts >= 1) & (counts < policy.smallest_count)
    is_few = (students >= 1) & (students < policy.smallest_group)
    return np.asarray(is_small | is_few)


# ── How small and how large a figure has to be able to be for nobody to know it


def needs_of_small(is_small: NDArray[np.bool_], policy: Policy) -> Numbers:
    """Ask that small counts can be any small count."""
    return np.where(is_small[:, None], [[1.0, float(policy.largest_small)]], np.nan)


def needs_of_restated(
    restated: Sequence[Fact], atoms: pd.DataFrame, truth: NDArray[np.int64], policy: Policy
) -> tuple[Fact, ...]:
    """Ask that corrections by a small count can be any small correction."""
    needs = []
    for fact in restated:
        moved = round(float(fact.row(atoms) @ truth) - fact.low)
        if policy.is_small(abs(moved)):
            near, far = (1, policy.largest_small) if moved > 0 else (-policy.largest_small, -1)
            needs.append(replace(fact, low=fact.low + near, high=fact.low + far, is_need=True))
    return tuple(needs)


def targets(
    cells: Cells,
    is_small: NDArray[np.bool_],
    hidden: Cells,
    is_hidden_small: NDArray[np.bool_],
    *,
    needs: Sequence[Fact],
    policy: Policy,
) -> tuple[csr_array, Numbers, Numbers]:
    """List the figures nobody may narrow down.

    The figures as sums of the finest counts, shape (n_targets, n_atoms). How small and how large each has to be able
    to be, shape (n_targets,).
    """
    shown, unseen = np.flatnonzero(is_small), np.flatnonzero(is_hidden_small)
    others = [csr_array(fact.row(cells.atoms)[None, :]) for fact in needs]
    rows = vstack([cells.matrix[shown], hidden.matrix[unseen], *others]).tocsr()
    both = np.vstack(
        [
            needs_of_small(np.ones(len(shown) + len(unseen), dtype=bool), policy),
            np.array([[fact.low, fact.high] for fact in needs]).reshape(-1, 2),
        ]
    )
    return rows, both[:, 0], both[:, 1]


# ── Complementary suppression: what else has to be withheld so that nobody can work out what is

MOST_ROUNDS = 60
_MOST_NODES = 2000
_TINY = 1e-7
_WORLDS_KEPT = 400
_FEW = 4


@dataclass(frozen=True, eq=False)
class Problem:
    """What has to be protected."""

    known: Known  # All figures with their true values, and what else is known
    is_sensitive: Flags  # Figures that are withheld for themselves, shape (n_cells,)
    # Figures nobody may narrow down, shown or not, as sums of the finest counts, shape (n_targets, n_atoms)
    targets: csr_array
    # Every target must be able to be as small as `low` and as large as `high`, shape (n_targets,)
    low: Numbers
    high: Numbers
    rank: NDArray[np.int64]  # How far each figure is a total, shape (n_cells,)
    # What withholding a figure costs, shape (n_cells,), above 0 and, of all together, below `total_weight`
    weight: Numbers
    may: Flags  # Figures that may be withheld besides, shape (n_cells,)
    # Groups that no table shows and that are not small, as sums of the finest counts, shape (n_groups, n_atoms)
    groups: csr_array
    whole: bool = False  # Whether that has to be so with whole counts
    on_part: Callable[[str], None] = lambda _: None  # Called with how many figures were asked


@dataclass(frozen=True, eq=False)
class Pattern:
    """Which figures are withheld."""

    is_withheld: Flags  # Shape (n_cells,)
    is_proven: bool  # Whether no pattern that protects costs less


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
    """Find the fewest further figures to withhold."""
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
    """Say whether a pattern protects every target."""
    try:
        _repair(_begin(problem, is_withheld), is_withheld)
    except _NotEnoughError:
        return False
    return True


def narrow(
    problem: Problem, is_withheld: Flags, figures: csr_array, *, low: float, high: float
) -> tuple[NDArray[np.int64], Numbers]:
    """Find figures that cannot be as small and as large as wanted, those that published zeros leave nothing of apart.

    Which cannot. The least and the most that each of these can be, shape (n_rows, 2).
    """
    attacker = Attacker(problem.known, is_withheld, whole=problem.whole)
    most, least = attacker.kinds.reach(figures)
    # Of thousands of groups that no table shows, most may be of what is published as 0: they are not small.
    some = np.flatnonzero(~attacker.is_nothing(most))
    most, least, n = most[some], least[some], len(some)
    nothing = np.zeros(len(is_withheld), dtype=bool)
    search = _Search(problem, attacker, (most, np.full(n, high)), (least, np.full(n, low)), nothing, problem.weight, [])
    found: set[int] = set()
    reach = np.full((n, 2), np.nan)
    for row, is_most in _unproven(search):
        weights = (most if is_most else least)[[row]].toarray()[0]
        end = attacker.extreme(weights, most=is_most)
        reach[row, int(is_most)] = end.value
        search.worlds.append(end.world)
        reached = float(weights @ end.world)
        if (reached < high - _TINY) if is_most else (reached > low + _TINY):
            found.add(row)
    rows = np.array(sorted(found), dtype="int64")
    for row, is_most in product(sorted(found), (False, True)):
        if np.isnan(reach[row, int(is_most)]):
            weights = (most if is_most else least)[[row]].toarray()[0]
            reach[row, int(is_most)] = attacker.extreme(weights, most=is_most).value
    return some[rows], reach[rows]


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
        repaired = _repair(search, chosen)
        if best is None or _cost(search, repaired) < _cost(search, best) - _TINY:
            best = repaired
        if (repaired == chosen).all():
            return Pattern(chosen, is_proven=_cost(search, chosen) <= bound + _TINY)
        if rounds >= MOST_ROUNDS:
            break
        cheapest, bound = _cheapest(search)
        if cheapest is None or _cost(search, best) <= bound + _TINY:
            break
        chosen = cheapest
    kept = _pruned(search, best)
    return Pattern(kept, is_proven=_cost(search, kept) <= bound + _TINY)


def _cost(search: _Search, is_withheld: Flags) -> float:
    return float(search.weight[is_withheld & ~search.problem.is_sensitive].sum())


def _repair(search: _Search, chosen: Flags) -> Flags:
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
        waiting, seen, is_stuck, asked = np.arange(figures.shape[0]), 0, not most, 0
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
            if asked % ASKED_EVERY == 0:
                search.problem.on_part(asked_text(figures.shape[0] - len(waiting), figures.shape[0], most=most))
            target, waiting, asked = int(waiting[0]), waiting[1:], asked + 1
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
        if (_repair(search, kept) != kept).any():
            kept[i] = True
    return kept


# ── What the rule itself gives away: a withheld figure that could not be hidden, were it small, is known not to be

_MOST_ROUNDS = 8
_NEAR = 1e-6


def known_by_rule(figures: csr_array, low: Numbers, high: Numbers, *, largest_small: int) -> tuple[Indices, Said]:
    """Work out which figures are known not to be small.

    Those that could be small by this, but could not be hidden if they were. What the rule tells of each of these: 0
    where only 0 is left, else above the small counts.
    """
    is_partly_small = (low <= largest_small + _NEAR) & (high >= 1 - _NEAR)
    is_narrow = (low > 1 + _NEAR) | (high < largest_small - _NEAR)
    rows = np.flatnonzero(is_partly_small & is_narrow)
    is_none = low[rows] <= 1 + _NEAR
    above = np.where(is_none, 0.0, float(largest_small + 1))
    return rows, Said(figures[rows], above, np.where(is_none, 0.0, np.inf))


def against_rule(problem: Problem, pattern: Pattern, *, largest_small: int) -> Pattern:
    """Withhold more where the rule would give a small count away."""
    # As little more as it takes; where that goes round in circles, all that the rule tells; in the end, whole ranks.
    for only_harmful in (True, False):
        found, wanted = pattern, problem
        for _ in range(_MOST_ROUNDS):
            learned = _learn(problem, found, largest_small)
            if _reveals_nothing(problem, found, learned.said):
                return found if found is pattern else replace(found, is_proven=False)
            hidden = _harmful(problem, found, learned) if only_harmful else learned
            try:
                found, wanted = _next(wanted, hidden, largest_small)
            except DisclosureError:
                break
    for rank in range(int(problem.rank.max(initial=0)) + 1):
        found = replace(pattern, is_withheld=pattern.is_withheld | (problem.rank <= rank), is_proven=False)
        learned = _learn(problem, found, largest_small)
        if _reveals_nothing(problem, found, learned.said):
            return found
    raise DisclosureError(
        "No pattern was found that is safe from somebody who knows the rule.",
        remedy="Publish a coarser table.",
    )


@dataclass(frozen=True, eq=False)
class _Learned:
    """What the rule tells, and of which figures."""

    said: Said  # What is reported of each
    cells: Indices  # Number of each among the cells of the tables; −1 for a group that no table shows

    def only(self, chosen: Flags) -> _Learned:
        """Keep what is reported of these figures, shape (n,)."""
        said = self.said
        return _Learned(Said(said.matrix[chosen], said.low[chosen], said.high[chosen]), self.cells[chosen])


def _knowing(problem: Problem, said: Said) -> Problem:
    return replace(problem, known=replace(problem.known, said=together(problem.known.said, said)))


def _reveals_nothing(problem: Problem, pattern: Pattern, said: Said) -> bool:
    return not len(said.low) or is_protected(_knowing(problem, said), pattern.is_withheld)


def _learn(problem: Problem, pattern: Pattern, largest_small: int) -> _Learned:
    """Follow the rule to its end: what it tells of one figure may narrow another."""
    cells = np.flatnonzero(pattern.is_withheld & ~problem.is_sensitive)
    rows = vstack([problem.known.matrix[cells], problem.groups]).tocsr()
    number = np.concatenate([cells, np.full(problem.groups.shape[0], -1)])
    left, learned = np.arange(rows.shape[0]), np.empty(0, dtype="int64")
    said = Said(rows[:0], np.empty(0), np.empty(0))
    while len(left):
        short, ends = narrow(
            _knowing(problem, said), pattern.is_withheld, rows[left], low=1.0, high=float(largest_small)
        )
        is_learned, new = known_by_rule(rows[left[short]], ends[:, 0], ends[:, 1], largest_small=largest_small)
        if not len(is_learned):
            break
        said = together(said, new)
        learned, left = np.concatenate([learned, left[short[is_learned]]]), np.setdiff1d(left, left[short[is_learned]])
    return _Learned(said, number[learned])


def _harmful(problem: Problem, pattern: Pattern, learned: _Learned) -> _Learned:
    """Leave out figures that may be known not to be small, one after another, as long as nothing is given away."""
    harmless = np.zeros(len(learned.cells), dtype=bool)
    for i in range(len(harmless)):
        harmless[i] = True
        harmless[i] = _reveals_nothing(problem, pattern, learned.only(harmless).said)
    return learned.only(~harmless)


def _next(problem: Problem, learned: _Learned, largest_small: int) -> tuple[Pattern, Problem]:
    """Hide these figures as if they were small; where that cannot be, publish those that tables show."""
    cells, n = learned.cells[learned.cells >= 0], len(learned.cells)
    hiding = replace(
        problem,
        is_sensitive=problem.is_sensitive | np.isin(np.arange(len(problem.is_sensitive)), cells),
        targets=vstack([problem.targets, learned.said.matrix]).tocsr(),
        low=np.concatenate([problem.low, np.ones(n)]),
        high=np.concatenate([problem.high, np.full(n, float(largest_small))]),
    )
    try:
        return complementary(hiding), hiding
    except DisclosureError:
        may = problem.may.copy()
        may[cells] = False
        showing = replace(problem, may=may)
        return complementary(showing), showing


# ── Protection: from a table of counts to one that may be published


def protect(
    table: TableLike,
    policy: PolicyLike = "default",
    *,
    facts: Sequence[Fact] = (),
    restated: Sequence[Fact] = (),
    withheld: Sequence[Mapping[str, str]] = (),
    knows_rule: bool = False,
    whole: bool = False,
    on_part: Callable[[str], None] = lambda _: None,
) -> SafeTable:
    """Withhold what may not be reported, and no more than is needed for it.

    Parameters
    ----------
    table
        The counts: a `CountTable`; a cross table of counts; a long table, or a Series of counts by its index. The
        totals of a cross table or of a long one are published too.
    policy
        A `Policy`, the name of one that ships with the product, a TOML file, or its values.
    facts
        What else is published about the same counts, or was before: roundings, classes of a map, sentences, earlier
        releases. The counts must agree with it.
    restated
        Figures that were published once and have been corrected since, `low` and `high` as published. Where the
        correction is a small count, nobody may work out how large it is.
    withheld
        Figures that stay withheld since they were before, each by the value of its dimensions.
    knows_rule
        Whether it has to hold against somebody who also reasons that a withheld figure which could not be hidden, were
        it small, is not small (`rule`). The board packet asks for it; it may take more than the least.
    whole
        Whether every small count has to stay possible with whole counts; else fractions will do, as in the literature,
        which is faster. The audit always asks for whole counts.
    on_part
        Called with how many figures were asked how small and how large they can be.

    Returns
    -------
    SafeTable
        Every figure that may be reported, with its true value. Withheld are the small counts and every figure of a
        small group (primary suppression), and as few others as it takes for each small count to stay possible anywhere
        from 1 to the policy's largest small count, whatever is known (complementary suppression). Totals are kept
        unless nothing else would do. It is not yet audited: `audit` does that without the counts.

    Raises
    ------
    ColumnError
        When the table is no table of counts.
    DisclosureError
        When `facts` contradict the counts, or give a small count away by themselves.
    """
    raw, chosen = count_table(table), load_policy(policy)
    statements = said(facts, raw.atoms)
    _require_true([f for f in facts if not f.is_need], statements.holds(raw.values))
    shown, unseen = _both(raw, chosen, statements)
    cells, values, small, alone = shown
    needs = needs_of_restated(restated, raw.atoms, raw.values, chosen)
    rows, low, high = targets(cells, small, unseen.cells, unseen.is_small, needs=needs, policy=chosen)
    problem = Problem(
        known=Known(cells.matrix, values.astype("float64"), statements),
        is_sensitive=small | alone | cells.named(withheld),
        targets=rows,
        low=low,
        high=high,
        rank=cells.rank,
        weight=_weights(values, chosen),
        may=np.ones(len(values), dtype=bool),
        groups=unseen.cells.matrix[np.flatnonzero(~unseen.is_small)],
        # With weights, what fractions allow can be out of reach of whole counts.
        whole=whole or bool(facts),
        on_part=on_part,
    )
    pattern = complementary(problem)
    if knows_rule:
        pattern = against_rule(problem, pattern, largest_small=chosen.largest_small)
    notes = (_pattern_text(pattern),)
    return _released(shown, unseen, pattern.is_withheld, (*facts, *needs), raw, policy=chosen, notes=notes)


def withhold(
    table: TableLike, keys: Sequence[Mapping[str, str]], policy: PolicyLike = "default", *, facts: Sequence[Fact] = ()
) -> SafeTable:
    """Withhold the figures that somebody chose, and no others, for the audit to look at.

    Parameters
    ----------
    table
        As for `protect`.
    keys
        The figures, each by the value of its dimensions.
    policy, facts
        As for `protect`.

    Returns
    -------
    SafeTable
        A release that may well tell too much: `audit` says whether it does, and the pages ask it.
    """
    raw, chosen = count_table(table), load_policy(policy)
    shown, unseen = _both(raw, chosen, said(facts, raw.atoms))
    return _released(shown, unseen, shown.cells.named(keys), tuple(facts), raw, policy=chosen)


class _Counted(NamedTuple):
    """Figures with their values; which have to be able to be any small count; which are of one school alone."""

    cells: Cells
    values: NDArray[np.int64]
    is_small: NDArray[np.bool_]
    is_alone: NDArray[np.bool_]


def _both(raw: CountTable, policy: Policy, statements: Said) -> tuple[_Counted, _Counted]:
    """Count the figures that tables show, and those that none does."""
    shown, unseen = _counted(raw, raw.cells(), policy), _counted(raw, raw.hidden_cells(), policy)
    if len(statements.low) and (shown.is_alone.any() or unseen.is_alone.any()):
        known = Known(shown.cells.matrix, shown.values.astype("float64"), statements)
        attacker = Attacker(known, np.ones(len(shown.values), dtype=bool), whole=False)
        shown, unseen = (_not_yet_known(counted, attacker, policy) for counted in (shown, unseen))
    return shown, unseen


def _counted(raw: CountTable, cells: Cells, policy: Policy) -> _Counted:
    values = np.asarray(np.rint(cells.matrix @ raw.values), dtype="int64")
    is_alone = raw.is_alone(cells)
    return _Counted(cells, values, is_sensitive(values, raw.students_of(cells), policy) | is_alone, is_alone)


def _not_yet_known(counted: _Counted, attacker: Attacker, policy: Policy) -> _Counted:
    """Ask no longer that a school's larger count be unknown where earlier releases have told it."""
    is_small = counted.is_small.copy()
    most, least = attacker.kinds.reach(counted.cells.matrix)
    for row in np.flatnonzero(counted.is_alone & (counted.values > policy.largest_small)):
        low = attacker.extreme(least[[row]].toarray()[0], most=False).value
        high = attacker.extreme(most[[row]].toarray()[0], most=True).value
        is_small[row] = low <= 1 + _NEAR and high >= policy.largest_small - _NEAR
    return counted._replace(is_small=is_small)


def _released(
    shown: _Counted,
    unseen: _Counted,
    is_withheld: NDArray[np.bool_],
    facts: tuple[Fact, ...],
    raw: CountTable,
    *,
    policy: Policy,
    notes: tuple[str, ...] = (),
) -> SafeTable:
    return sealed(
        cells=shown.cells,
        values=np.where(is_withheld, -1, shown.values),
        hidden=unseen.cells,
        needs=needs_of_small(shown.is_small, policy),
        hidden_sensitive=unseen.is_small,
        facts=facts,
        policy=policy,
        measure=raw.measure,
        notes=notes,
    )


def _weights(values: NDArray[np.int64], policy: Policy) -> NDArray[np.float64]:
    """Weigh figures: all alike, and among equals by their counts; or by their counts alone."""
    if policy.minimize == "counts":
        return np.asarray(values + 1.0 / (1 + len(values)))
    return np.asarray(1.0 + values / (1.0 + float(values.sum())))


def _pattern_text(pattern: Pattern) -> str:
    # Not how many of what is withheld are totals, or are small: that would tell something.
    if pattern.is_proven:
        return "What is withheld besides small counts is the least that protects them."
    return "What is withheld besides small counts protects them; whether less would do is not proven."


def _require_true(facts: Sequence[Fact], holds: NDArray[np.bool_]) -> None:
    wrong = [fact.source for fact, is_true in zip(facts, holds, strict=True) if not is_true]
    if wrong:
        raise DisclosureError(
            "What is said elsewhere contradicts the counts.",
            ids=dict.fromkeys(wrong),
            expected="statements that hold for the counts",
            remedy="Leave out figures that have been corrected since, or correct the statement.",
        )


# ── The coarsening adviser: how much of each table on offer would be withheld, and the finest that still says much


def advise(
    table: CountTable,
    offered: Sequence[Grouping],
    policy: Policy,
    *,
    not_chosen: Sequence[Grouping] = (),
    on_part: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Measure how much of each table on offer would be withheld.

    Parameters
    ----------
    table
        The counts.
    offered
        The tables on offer. One with more figures is finer; among equals the one that is offered first.
    policy
        The policy.
    not_chosen
        Tables of these that are shown to the manager, but not chosen.
    on_part
        Called with which of the tables is measured next.

    Returns
    -------
    pandas.DataFrame
        One row for each, the finest first: `position` (in `offered`), `grouping` (as text), `figures` (int64, totals
        not counted), `withheld` (int64), `withheld_share` (0 to 1), `is_choosable`, and `is_chosen`: the finest of
        which less than the policy's share would be withheld. Each is measured with its own totals and by itself; beside
        other tables more may have to be withheld.
    """
    rows = []
    for number, grouping in enumerate(offered):
        of = f"{number + 1} of {len(offered)} tables"
        on_part(of)
        rows.append((number, *_row(table, grouping, policy, of, on_part), grouping not in not_chosen))
    columns = ["position", "grouping", "figures", "withheld", "withheld_share", "is_choosable"]
    found = pd.DataFrame(rows, columns=columns).sort_values(
        ["figures", "position"], ascending=[False, True], kind="stable", ignore_index=True
    )
    fits = found["is_choosable"] & (found["withheld_share"] < policy.most_withheld_share) & (found["figures"] > 0)
    return found.assign(is_chosen=fits & (fits.cumsum() == 1))


def _row(
    table: CountTable, grouping: Grouping, policy: Policy, of: str, on_part: Callable[[str], None]
) -> tuple[str, int, int, float]:
    safe = protect(_alone(table, grouping), policy, on_part=lambda what: on_part(f"{of}: {what}"))
    withheld = safe.table(*grouping.dims)["is_withheld"]
    return grouping.text, len(withheld), int(withheld.sum()), float(withheld.mean())


def _alone(table: CountTable, grouping: Grouping) -> CountTable:
    """Take one table by itself, its counts added up as far as it shows them."""
    counts = table.counts
    for name, value in grouping.where:
        counts = counts[counts[name] == value]
    dims = dict.fromkeys([*grouping.dims, *([table.alone] if table.alone else [])])
    added = counts.groupby(list(dims))["count"].sum().reset_index()
    people = None
    if table.students is not None and (shared := [d for d in grouping.dims if d in table.students.columns]):
        people = table.students.groupby(shared)["students"].sum(min_count=1).reset_index()
    margins = replace(grouping, where=()).with_margins()
    return CountTable(added, margins, students=people, measure=table.measure, alone=table.alone)
