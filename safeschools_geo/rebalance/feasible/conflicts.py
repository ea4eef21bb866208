"""Rules of a request that cannot hold together: how they are told, and how they are raised."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from safeschools_geo.errors import InputError, SettingsError, SeveralFaultsError, name_ids
from safeschools_geo.rebalance.feasible.forced_zones import reached

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROUNDING = 1e-9
"""Loads this near to a limit, as shares of the mean, are within it."""


@dataclass(frozen=True)
class Conflict:
    """Rules that cannot hold together.

    Parameters
    ----------
    code
        A stable word for it, such as ``locks_cut``.
    message
        What conflicts, in one sentence or two, with ids.
    ids
        The units concerned.
    zones
        The zones concerned.
    nearest_tolerance
        No plan has a smaller imbalance than this, for this reason alone; None where the tolerance is not the reason.
    remedy
        What can be done about it.
    """

    code: str
    message: str
    ids: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    nearest_tolerance: float | None = None
    remedy: str = ""


@dataclass(frozen=True, eq=False)
class Request:
    """What is asked for, in plain arrays.

    Parameters
    ----------
    start
        Current zone of each unit, shape (n,).
    links
        Rows of the units that each unit is linked to.
    loads
        Load of each unit, shape (n,).
    unit_ids, zone_ids
        Ids of the n units and the k zones.
    allowed
        Whether a unit may be in a zone, shape (n, k): locks, roots and forbidden pairs.
    groups
        Rows of units that stay in one zone; no unit is in two groups.
    tolerance
        Largest imbalance, if it is limited.
    max_moves
        Most units that may move, if that is limited.
    """

    start: NDArray[np.int64]
    links: tuple[tuple[int, ...], ...]
    loads: NDArray[np.float64]
    unit_ids: tuple[str, ...]
    zone_ids: tuple[str, ...]
    allowed: NDArray[np.bool_]
    groups: tuple[tuple[int, ...], ...]
    tolerance: float | None
    max_moves: int | None

    @property
    def mean(self) -> float:
        """The mean load of a zone."""
        return math.fsum(self.loads) / len(self.zone_ids)

    @property
    def least(self) -> float:
        """The smallest load that a zone may have."""
        return -math.inf if self.tolerance is None else self.mean * (1 - self.tolerance - ROUNDING)

    @property
    def most(self) -> float:
        """The largest load that a zone may have."""
        return math.inf if self.tolerance is None else self.mean * (1 + self.tolerance + ROUNDING)

    def names(self, rows: Iterable[int]) -> tuple[str, ...]:
        """Name some units.

        Parameters
        ----------
        rows
            Their rows.

        Returns
        -------
        tuple of str
            Their ids.
        """
        return tuple(self.unit_ids[i] for i in rows)

    def parts(self) -> list[list[int]]:
        """Find the parts of the district that no links join.

        Returns
        -------
        list of list of int
            Rows of the units of each part, sorted; the part of the first unit first.
        """
        left, found = set(range(len(self.unit_ids))), []
        while left:
            part = reached(min(left), left, self.links)
            left -= part
            found.append(sorted(part))
        return found


def nearest_tolerance(conflicts: Iterable[Conflict]) -> float | None:
    """Find the smallest tolerance that the conflicts leave open.

    Parameters
    ----------
    conflicts
        Result of `explain_infeasible`.

    Returns
    -------
    float or None
        No plan has a smaller imbalance; None where no conflict is one of tolerance.
    """
    return max((c.nearest_tolerance for c in conflicts if c.nearest_tolerance is not None), default=None)


def infeasible_error(conflicts: Iterable[Conflict], *, where: str = "the request") -> InputError:
    """Turn conflicts into the error to raise.

    Parameters
    ----------
    conflicts
        Result of `explain_infeasible`, at least one.
    where
        What they are in, such as a file of settings.

    Returns
    -------
    InputError
        A `SettingsError` for one conflict, a `SeveralFaultsError` of them for several.
    """
    faults = [
        SettingsError(f"There is no such plan. {c.message}", where=where, ids=c.ids, remedy=c.remedy or None)
        for c in conflicts
    ]
    return faults[0] if len(faults) == 1 else SeveralFaultsError(faults)


def zone_names(zones: Sequence[str]) -> str:
    """Name some zones.

    Parameters
    ----------
    zones
        Their ids, at least one.

    Returns
    -------
    str
        For example ``"zone 1"`` or ``"zones 1, 2"``.
    """
    return f"zone {zones[0]}" if len(zones) == 1 else f"zones {name_ids(zones, shown=12)}"
