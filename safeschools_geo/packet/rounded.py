"""Rounded figures: what is published of work and response is rounded until no count can be worked out from it.

Loads, response times and rates are sums over schools, weighted. Beside the counts that are published they could tell
how much of a sum is one school's. Each is therefore tried with an attacker who knows the weights, which the public does
not: rounded finely first, then more coarsely, and not published if nothing helps.

Categories and origins play no part here. They are published for groups of schools at most, of zones or of levels, so
any counts of schools that agree with all else can be split into categories that agree too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from safeschools_geo.disclosure import RawTable, audit
from safeschools_geo.disclosure.grouping import ALL
from safeschools_geo.disclosure.protect import withhold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from safeschools_geo.disclosure import SafeTable
    from safeschools_geo.disclosure.facts import Fact

_WITHOUT = ("category", "origin")


class Rounding:
    """What has been published so far, and whether more can be.

    Parameters
    ----------
    raw
        The counts.
    safe
        What is published of them.
    facts
        What was published about them earlier.
    """

    def __init__(self, raw: RawTable, safe: SafeTable, facts: Sequence[Fact] = ()) -> None:
        dims = [name for name in raw.dims if name not in _WITHOUT]
        added = raw.counts.groupby(dims)["count"].sum().reset_index()
        kept = [g for g in raw.groupings if not {*g.dims, *g.held} & set(_WITHOUT)]
        self._raw = RawTable(
            added,
            tuple(kept),
            hidden=tuple(g for g in raw.hidden if not {*g.dims, *g.held} & set(_WITHOUT)),
            students=raw.students,
            measure=raw.measure,
            alone=raw.alone,
        )
        table = safe.to_frame()
        shown = table[table["is_withheld"] & (table[[d for d in _WITHOUT if d in table]] == ALL).all(axis=1)]
        self._withheld = [{name: row[name] for name in dims if row[name] != ALL} for row in shown.to_dict("records")]
        self.policy = safe.policy
        # What was said of categories and origins earlier says nothing here either.
        self.facts = [fact for fact in facts if {fact.by, *dict(fact.where)} <= set(dims)]
        self.published: list[Fact] = []
        self.withholds_single_schools = raw.alone is not None

    def is_safe(self, more: Iterable[Fact] = ()) -> bool:
        """Say whether these statements can be published too.

        Parameters
        ----------
        more
            The statements.

        Returns
        -------
        bool
            Whether no small count can be narrowed down then.
        """
        release = withhold(self._raw, self._withheld, self.policy, facts=[*self.facts, *more])
        return audit(release, knows_rule=True, exact=False).is_safe

    def publish(self, steps: Iterable[float], said: Callable[[float], Sequence[Fact]]) -> float | None:
        """Publish figures as finely as can be.

        Parameters
        ----------
        steps
            What they could be rounded to, the finest first.
        said
            What is told of the counts if they are rounded to a step.

        Returns
        -------
        float or None
            The step; None where no step would do, and nothing is published.
        """
        for step in steps:
            more = [self._true(fact) for fact in said(step)]
            if self.is_safe(more):
                self.facts += more
                self.published += more
                return step
        return None

    def _true(self, fact: Fact) -> Fact:
        """Widen a statement that does not quite hold, as those do that rest on a model."""
        value = float(fact.row(self._raw.atoms) @ self._raw.values)
        return replace(fact, low=min(fact.low, value), high=max(fact.high, value))


def rounded(value: float, step: float) -> float:
    """Round a figure.

    Parameters
    ----------
    value
        The figure.
    step
        What it is rounded to.

    Returns
    -------
    float
        The nearest multiple of `step`, half up, free of the noise of binary fractions.
    """
    return round(int(value / step + 0.5) * step, 10)


def within(value: float, step: float) -> tuple[float, float]:
    """Say what a rounded figure tells.

    Parameters
    ----------
    value
        The figure, not rounded.
    step
        What it is rounded to.

    Returns
    -------
    low, high : float
        The figure lies between them.
    """
    middle = rounded(value, step)
    return middle - step / 2, middle + step / 2


def by_school(weights: Mapping[str, float]) -> dict[str, float]:
    """Leave out weights of 0.

    Parameters
    ----------
    weights
        Weight of each school.

    Returns
    -------
    dict of str to float
        The others.
    """
    return {school: float(weight) for school, weight in weights.items() if weight}
