"""Patrol coverage as the board sees it: what the record says, rounded so that no count can be worked out from it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.board_content import BoardCoverage
from safeschools_geo.coverage.record.call_record import BACKUP, OWN, PATROL
from safeschools_geo.disclosure.facts import Fact
from safeschools_geo.packet.rounded import by_school, rounded, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.disclosure import Policy, SafeTable
    from safeschools_geo.packet.rounded import Rounding
    from safeschools_geo.term_results import TermResult

MINUTE_STEPS = (1.0, 2.0, 5.0, 10.0)
"""What minutes of response can be rounded to."""

SHARE_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""What shares of calls can be rounded to."""

_RESTS_STEP = 0.05


def board_coverage(result: TermResult, counts: SafeTable, rounding: Rounding) -> BoardCoverage | None:
    """Say what the public is told of patrol coverage.

    Parameters
    ----------
    result
        All results of the term.
    counts
        What is published: a zone whose count is withheld has no figures of coverage.
    rounding
        What has been published so far; minutes are added to it.

    Returns
    -------
    BoardCoverage or None
        Figures of the record alone; None where coverage was not asked for. Who answered is told of all zones together,
        since the counts of a zone by who answered are small.
    """
    zones = result.district.zones[["zone_id", "name"]].astype("str").reset_index(drop=True)
    if result.coverage is None:
        this = result.history[result.history["term"] == result.term.name]
        has_calls = bool((this["work_of"] == "zone_officer").any())
        return (
            None if has_calls else BoardCoverage(zones.assign(response_min=np.nan, is_withheld=False), has_calls=False)
        )
    found = result.coverage.validation
    is_withheld = counts.table("zone", term=result.term.name).set_index("zone")["is_withheld"]
    withheld = zones["zone_id"].map(is_withheld).astype("boolean").fillna(value=True).astype("bool")
    exact = zones["zone_id"].map(lambda zone: found.figure("response", zone).recorded).astype("float64").mask(withheld)
    mean = found.figure("response")
    places = found.trips.join(result.coverage.watch.zones, how="inner").reset_index()

    def said(step: float, told: pd.Series) -> list[Fact]:
        of_zones = [
            fact
            for row, minutes in told.dropna().items()
            for fact in _facts(
                places[places["zone_id"] == zones.loc[row, "zone_id"]], float(minutes), step, result.term.name
            )
        ]
        return [*of_zones, *_facts(places, mean.recorded, step, result.term.name)]

    step = None
    if mean.is_recorded:
        step = rounding.publish(MINUTE_STEPS, partial(said, told=exact))
    if mean.is_recorded and step is None and exact.notna().any():
        # The district's mean alone, where those of the zones would tell too much.
        exact = exact.mask(exact.notna())
        step = rounding.publish(MINUTE_STEPS, partial(said, told=exact))
    step_share = _share_step(found.answered, rounding.policy)
    known = sum(found.answered.values())

    def share(*who: str) -> float:
        if not found.tells_answers or np.isnan(step_share):
            return float("nan")
        return rounded(sum(found.answered.get(one, 0) for one in who) / known, step_share)

    patrol = found.figure("overflow")
    return BoardCoverage(
        zones=zones.assign(
            response_min=[np.nan if step is None or pd.isna(m) else rounded(float(m), step) for m in exact],
            is_withheld=withheld,
        ),
        district_response_min=np.nan if step is None else rounded(mean.recorded, step),
        own_share=share(OWN),
        other_share=share(BACKUP),
        patrol_share=share(PATROL),
        officers_share=share(OWN, BACKUP),
        step_min=np.nan if step is None else step,
        step_share=step_share,
        is_timed=found.tells_minutes,
        is_answered=found.tells_answers,
        timed_share=_floor(mean.calls, mean.of),
        answered_share=_floor(patrol.calls, patrol.of),
    )


def _share_step(answered: Mapping[str, int], policy: Policy) -> float:
    """Choose what shares of who answered are rounded to, lest they tell a small count of calls.

    Where every kind of responder answered none or more than is small, to the finest step. Else so coarsely that a share
    that is rounded to nothing can stand for any small count.
    """
    counts = [answered.get(who, 0) for who in (OWN, BACKUP, PATROL)] + [sum(answered.values())]
    counts.append(counts[-1] - sum(counts[:-1]))
    if not any(policy.is_small(count) for count in counts):
        return SHARE_STEPS[0]
    wide = [step for step in SHARE_STEPS if counts[-2] * step / 2 > policy.largest_small]
    return wide[0] if wide else float("nan")


def _floor(calls: int, of: int) -> float:
    """Round down the share of calls that a figure rests on; 1 where it rests on all."""
    if not of:
        return float("nan")
    return 1.0 if calls == of else float(np.floor(calls / of / _RESTS_STEP + 1e-9) * _RESTS_STEP)


def _facts(places: pd.DataFrame, minutes: float, step: float, term: str) -> list[Fact]:
    """State what a rounded mean tells: the sum of (minutes of a school’s trips − the mean) over its calls is 0.

    The weights are those of somebody who knows how long the trips to every school took on average, and at which share
    of its calls the trip is known.
    """
    low, high = within(minutes, step)
    known = (places["timed"] / places["calls"]).fillna(1.0).to_numpy(dtype="float64")
    took = places["mean_min"].fillna(minutes).to_numpy(dtype="float64")
    away = [by_school(dict(zip(places["school_id"], (took - limit) * known, strict=True))) for limit in (low, high)]
    source, where = "minutes of response", (("term", term),)
    return [
        Fact("school", away[0], low=0.0, high=np.inf, source=source, where=where),
        Fact("school", away[1], low=-np.inf, high=0.0, source=source, where=where),
    ]
