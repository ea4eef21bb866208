"""Protection: from a table of counts to one that may be published."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from safeschools_geo.disclosure.attacker import Attacker, Known
from safeschools_geo.disclosure.complement import Pattern, Problem, complementary
from safeschools_geo.disclosure.facts import said
from safeschools_geo.disclosure.needs import needs_of_restated, needs_of_small, targets
from safeschools_geo.disclosure.policy import PolicyLike, load_policy
from safeschools_geo.disclosure.primary import is_sensitive
from safeschools_geo.disclosure.raw_table import TableLike, raw_table
from safeschools_geo.disclosure.rule import against_rule
from safeschools_geo.disclosure.safe_table import SafeTable, sealed
from safeschools_geo.errors import DisclosureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.disclosure.cells import Cells
    from safeschools_geo.disclosure.facts import Fact, Said
    from safeschools_geo.disclosure.policy import Policy
    from safeschools_geo.disclosure.raw_table import RawTable

_NEAR = 1e-6


def protect(
    table: TableLike,
    policy: PolicyLike = "default",
    *,
    facts: Sequence[Fact] = (),
    restated: Sequence[Fact] = (),
    withheld: Sequence[Mapping[str, str]] = (),
    knows_rule: bool = False,
    whole: bool = False,
) -> SafeTable:
    """Withhold what may not be told, and no more than is needed for it.

    Parameters
    ----------
    table
        The counts: a `RawTable`; a cross table of counts; a long table, or a Series of counts by its index. The totals
        of a cross table or of a long one are published too.
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

    Returns
    -------
    SafeTable
        Every figure that may be told, with its true value. Withheld are the small counts and every figure of a small
        group (primary suppression), and as few others as it takes for each small count to stay possible anywhere from
        1 to the policy's largest small count, whatever is known (complementary suppression). Totals are kept unless
        nothing else would do. It is not yet audited: `audit` does that without the counts.

    Raises
    ------
    ColumnError
        When the table is no table of counts.
    DisclosureError
        When `facts` contradict the counts, or give a small count away by themselves.
    """
    raw, chosen = raw_table(table), load_policy(policy)
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
    )
    pattern = complementary(problem)
    if knows_rule:
        pattern = against_rule(problem, pattern, largest_small=chosen.largest_small)
    return _released(shown, unseen, pattern.is_withheld, (*facts, *needs), raw, policy=chosen, notes=(_told(pattern),))


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
    raw, chosen = raw_table(table), load_policy(policy)
    shown, unseen = _both(raw, chosen, said(facts, raw.atoms))
    return _released(shown, unseen, shown.cells.named(keys), tuple(facts), raw, policy=chosen)


class _Counted(NamedTuple):
    """Figures with their values; which have to be able to be any small count; which are of one school alone."""

    cells: Cells
    values: NDArray[np.int64]
    is_small: NDArray[np.bool_]
    is_alone: NDArray[np.bool_]


def _both(raw: RawTable, policy: Policy, statements: Said) -> tuple[_Counted, _Counted]:
    """Count the figures that tables show, and those that none does."""
    shown, unseen = _counted(raw, raw.cells(), policy), _counted(raw, raw.hidden_cells(), policy)
    if len(statements.low) and (shown.is_alone.any() or unseen.is_alone.any()):
        known = Known(shown.cells.matrix, shown.values.astype("float64"), statements)
        attacker = Attacker(known, np.ones(len(shown.values), dtype=bool), whole=False)
        shown, unseen = (_not_yet_told(counted, attacker, policy) for counted in (shown, unseen))
    return shown, unseen


def _counted(raw: RawTable, cells: Cells, policy: Policy) -> _Counted:
    values = np.asarray(np.rint(cells.matrix @ raw.values), dtype="int64")
    is_alone = raw.is_alone(cells)
    return _Counted(cells, values, is_sensitive(values, raw.students_of(cells), policy) | is_alone, is_alone)


def _not_yet_told(counted: _Counted, attacker: Attacker, policy: Policy) -> _Counted:
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
    raw: RawTable,
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
    if policy.minimise == "counts":
        return np.asarray(values + 1.0 / (1 + len(values)))
    return np.asarray(1.0 + values / (1.0 + float(values.sum())))


def _told(pattern: Pattern) -> str:
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
