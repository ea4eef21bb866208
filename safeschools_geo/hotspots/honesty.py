"""What a hotspot may rest on besides harm: officers who looked there, or who came to be there more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from safeschools_geo.hotspots.rates import MOSTLY
from safeschools_geo.hotspots.words import counted_text
from safeschools_geo.schemas import POPULATIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

    from safeschools_geo.settings import PatrolChange, Term

CLEARLY = 0.01
"""p-value from which the number of incidents that officers started counts as changed."""


def officer_share(counts: pd.DataFrame, schools: Collection[object]) -> float:
    """Give the share of the incidents at some schools that officers started themselves.

    Parameters
    ----------
    counts
        Rows of `exposure.school_counts` for one term.
    schools
        Ids of the schools.

    Returns
    -------
    float
        0 to 1; missing where there is no incident.
    """
    rows = counts[counts["school_id"].isin(list(schools))]
    incidents = rows["incidents"].sum()
    return float((incidents - rows["reported"].sum()) / incidents) if incidents else float("nan")


def warning_for(
    counts: pd.DataFrame,
    schools: Collection[object],
    *,
    term: str,
    terms: Sequence[Term],
    changes: Sequence[PatrolChange] = (),
) -> str:
    """Say what a hotspot at some schools may rest on.

    Parameters
    ----------
    counts
        Result of `exposure.school_counts`.
    schools
        Ids of the schools.
    term
        The term.
    terms
        Terms of the district, in order.
    changes
        Days from which patrol changed, as the settings have them.

    Returns
    -------
    str
        Sentences; empty where nothing speaks against it. A warning is given where officers started most of the
        incidents, where the settings name a change of patrol since the term before began, and where officers started
        clearly more or fewer incidents for each school day than in the term before (exact conditional test of two
        Poisson counts, two-sided, p ≤ 1 %; J. Przyborowski and H. Wilenski, Biometrika 31, 1940): the only trace that
        an unrecorded change of patrol hours leaves.
    """
    this = counts[(counts["term"] == term) & counts["school_id"].isin(list(schools))]
    told = []
    share = officer_share(this, schools)
    if share >= MOSTLY:
        told.append(f"Officers started {share:.0%} of the {POPULATIONS['calls']} themselves.")
    names = [t.name for t in terms]
    place = names.index(term)
    before = terms[place - 1] if place else None
    told += _named_changes(this, changes, first=before or terms[place], last=terms[place])
    # A term of which nothing is on record says nothing of what officers did then.
    if before is not None and counts.loc[counts["term"] == before.name, "incidents"].sum():
        earlier = counts[(counts["term"] == before.name) & counts["school_id"].isin(list(schools))]
        told += _started_change(earlier, this, before.name)
    return " ".join(told)


def _named_changes(this: pd.DataFrame, changes: Sequence[PatrolChange], *, first: Term, last: Term) -> list[str]:
    zones = set(this["zone_id"])
    return [
        f"Patrol changed on {change.start:%d %B %Y}{': ' + change.note if change.note else ''}."
        for change in changes
        if first.start <= change.start <= last.end and (not change.zones or zones & set(change.zones))
    ]


def _started_change(earlier: pd.DataFrame, this: pd.DataFrame, name: str) -> list[str]:
    counts = [int((rows["incidents"] - rows["reported"]).sum()) for rows in (earlier, this)]
    # Student-days of the same schools stand for school days; without any, the terms count as equally long.
    days = [float(rows["student_days"].sum()) or 1.0 for rows in (earlier, this)]
    if not sum(counts) or not np.isfinite(days).all():
        return []
    if stats.binomtest(counts[1], sum(counts), days[1] / sum(days)).pvalue > CLEARLY:
        return []
    return [
        (
            f"Officers started {counted_text(counts[1], 'calls')} here and {counts[0]:,} in {name}: "
            "their hours there may have changed."
        )
    ]
