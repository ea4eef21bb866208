"""Patrol coverage as the board sees it: rounded so that no count can be worked out from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.board.content import BoardCoverage
from safeschools_geo.disclosure.facts import Fact
from safeschools_geo.packet.rounded import by_school, rounded, within

if TYPE_CHECKING:
    from safeschools_geo.disclosure import SafeTable
    from safeschools_geo.packet.rounded import Rounding
    from safeschools_geo.term_result import TermResult

MINUTE_STEPS = (1.0, 2.0, 5.0, 10.0)
"""What minutes of response can be rounded to."""

SHARE_STEP = 0.05
"""What shares of calls are rounded to."""

_OVERFLOW_STEP = 0.001


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
        None where coverage was not worked out. Shares of calls that an officer takes depend on how much there is in
        each zone, not on where in it: they are only told of zones where all zones' counts are published.
    """
    if result.coverage is None:
        return None
    found, settings = result.coverage.response, result.district.settings.workload
    table = counts.table("zone", term=result.term.name)
    is_withheld = table.set_index("zone")["is_withheld"]
    zones = result.district.zones[["zone_id", "name"]].astype("str").reset_index(drop=True)
    withheld = zones["zone_id"].map(is_withheld).astype("boolean").fillna(value=True).astype("bool")
    by_zone = found.to_frame().assign(zone_id=lambda t: t["zone_id"].astype("str")).set_index("zone_id")
    minutes = zones["zone_id"].map(by_zone["mean_min"]).mask(withheld)
    told = minutes.dropna()
    places = found.by_place().assign(school=result.coverage.watch.schools["school_id"].astype("str").to_numpy())

    def said(step: float) -> list[Fact]:
        return [
            fact
            for row, minute in told.items()
            for fact in _facts(places, str(zones.loc[row, "zone_id"]), float(minute), step, result.term.name)
        ]

    step = rounding.publish(MINUTE_STEPS, said)
    mean = float(found.mean_min)
    coarse = [s for s in MINUTE_STEPS if s >= (step or 1.0)]
    district_step = rounding.publish(coarse, lambda s: _facts(places, "", mean, s, result.term.name))
    shares = zones["zone_id"].map(by_zone["in_zone_share"]).mask(pd.Series(withheld.any(), index=zones.index))
    return BoardCoverage(
        zones=zones.assign(
            response_min=[np.nan if step is None or pd.isna(m) else rounded(float(m), step) for m in minutes],
            own_share=[np.nan if pd.isna(share) else rounded(float(share), SHARE_STEP) for share in shares],
            is_withheld=withheld,
        ),
        district_response_min=np.nan if district_step is None else rounded(mean, district_step),
        district_own_share=rounded(found.district_in_zone_share, SHARE_STEP),
        district_overflow_share=rounded(found.hypercube.overflow_share, _OVERFLOW_STEP),
        step_min=np.nan if step is None else step,
        step_share=SHARE_STEP,
        is_by_road=result.district.roads is not None,
        detour_factor=settings.detour_factor,
        speed_kph=settings.speed_kph,
    )


def _facts(places: pd.DataFrame, zone: str, minutes: float, step: float, term: str) -> list[Fact]:
    """State what a rounded mean tells: the sum of (minutes to a school − the mean) over its calls is 0.

    Without a zone it is the mean of all.
    The weights are those of somebody who knows how far every school is.
    """
    inside = places[(places["zone_id"].astype("str") == zone) | (zone == "")]
    low, high = within(minutes, step)
    weights = inside["mean_min"].to_numpy(dtype="float64")
    away = [by_school(dict(zip(inside["school"], weights - limit, strict=True))) for limit in (low, high)]
    source, where = "minutes of response", (("term", term),)
    return [
        Fact("school", away[0], low=0.0, high=np.inf, source=source, where=where),
        Fact("school", away[1], low=-np.inf, high=0.0, source=source, where=where),
    ]
