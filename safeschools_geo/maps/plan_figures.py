"""Figures of a plan as its pages show them: whole numbers, rounded half up, so that a page and its browser agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MILLION = 1_000_000
"""Millionths in a unit of load."""


def millionths(workload: pd.Series) -> list[int]:
    """Turn workloads into whole millionths.

    Parameters
    ----------
    workload
        Workload of each unit, finite and not negative.

    Returns
    -------
    list of int
        Millionths, rounded half up, in the same order.
    """
    whole: list[int] = np.floor(workload.to_numpy(dtype="float64") * MILLION + 0.5).astype("int64").tolist()
    return whole


def zone_loads(workload: pd.Series, zone_of: Sequence[int], zones: int) -> list[int]:
    """Add up the loads of zones.

    Parameters
    ----------
    workload
        Workload of each unit.
    zone_of
        Place of each unit's zone, from 0.
    zones
        Number of zones.

    Returns
    -------
    list of int
        Millionths of each zone; 0 where it has no unit.
    """
    loads = [0] * zones
    for zone, load in zip(zone_of, millionths(workload), strict=True):
        loads[zone] += load
    return loads


def load_text(load: int) -> str:
    """Write a load.

    Parameters
    ----------
    load
        Millionths.

    Returns
    -------
    str
        With two decimals and commas.
    """
    whole, rest = divmod(_rounded(load, MILLION, 100), 100)
    return f"{whole:,}.{rest:02d}"


def share_text(numerator: int, denominator: int) -> str:
    """Write a share in percent.

    Parameters
    ----------
    numerator, denominator
        Whole numbers, not negative.

    Returns
    -------
    str
        With one decimal; ``0.0%`` of nothing.
    """
    tenths = _rounded(numerator, denominator, 1000) if denominator else 0
    return f"{tenths // 10}.{tenths % 10}%"


def imbalance_text(loads: Sequence[int]) -> str:
    """Write the imbalance of zones.

    Parameters
    ----------
    loads
        Load of each zone in millionths.

    Returns
    -------
    str
        Largest ``|load − mean| / mean`` in percent.
    """
    total = sum(loads)
    return share_text(max((abs(len(loads) * load - total) for load in loads), default=0), total)


def against_mean_text(load: int, loads: Sequence[int]) -> str:
    """Write how far a zone is from the mean.

    Parameters
    ----------
    load
        Load of the zone in millionths.
    loads
        Load of every zone.

    Returns
    -------
    str
        Such as ``+9.3% over``, ``−4.0% under`` or ``at the mean``.
    """
    total = sum(loads)
    apart = len(loads) * load - total
    if not apart:
        return "at the mean"
    return f"{'+' if apart > 0 else '−'}{share_text(abs(apart), total)} {'over' if apart > 0 else 'under'}"


def _rounded(numerator: int, denominator: int, factor: int) -> int:
    return (2 * numerator * factor + denominator) // (2 * denominator)
