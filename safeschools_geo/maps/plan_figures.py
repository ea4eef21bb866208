"""Loads of zones as pages of plans show them: sums of whole millionths, and how far each is from the mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.shown import format_share, millionths

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


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
    for zone, load in zip(zone_of, millionths(workload).tolist(), strict=True):
        loads[zone] += load
    return loads


def counted_loads(loads: Sequence[int], is_apart: Sequence[bool]) -> list[int]:
    """Take the loads that count for the balance.

    Parameters
    ----------
    loads
        Load of each zone in millionths.
    is_apart
        Whether each zone is set apart: it counts only once it has a load.

    Returns
    -------
    list of int
        Loads of the zones that count, in their order.
    """
    return [load for load, apart in zip(loads, is_apart, strict=True) if load or not apart]


def against_mean_text(load: int, loads: Sequence[int], *, is_apart: bool = False) -> str:
    """Write how far a zone is from the mean.

    Parameters
    ----------
    load
        Load of the zone in millionths.
    loads
        Load of every zone that counts.
    is_apart
        Whether the zone is set apart: it counts only once it has a load.

    Returns
    -------
    str
        Such as ``9.3% over the mean``, ``4.0% under the mean``, ``at the mean`` or ``not counted``.
    """
    if is_apart and not load:
        return "not counted: no school"
    total = sum(loads)
    apart = len(loads) * load - total
    if not apart:
        return "at the mean"
    return f"{format_share(abs(apart), total)} {'over' if apart > 0 else 'under'} the mean"
