"""The shortest tour of a day's schools: exact for zones of up to fourteen schools, else by cheapest insertion."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.coverage.visiting.inputs import ZoneWeek

MOST_SCHOOLS = 14
"""Schools of a zone up to which every set of them is looked at."""

_NOWHERE = 10**9
_ROUNDING = 1e-6


class DayWork:
    """Least minutes of visits and driving of a day, for any set of schools.

    Parameters
    ----------
    zone
        One officer's week.

    Attributes
    ----------
    is_exact
        Whether the minutes are the fewest there can be; else they are those of a tour by cheapest insertion.
    """

    def __init__(self, zone: ZoneWeek) -> None:
        self.zone = zone
        self.is_exact = len(zone) <= MOST_SCHOOLS
        self._least = least_work(zone) if self.is_exact else np.empty(0, dtype="int64")
        self._known: dict[frozenset[int], int] = {}

    def minutes(self, schools: Iterable[int]) -> int:
        """Return the minutes of a day.

        Parameters
        ----------
        schools
            Numbers of the schools visited.

        Returns
        -------
        int
            Minutes of visits and driving, with the ways from and to the base if there is one. Windows and the break
            are not looked at.
        """
        today = frozenset(schools)
        if self.is_exact:
            return int(self._least[sum(1 << school for school in today)])
        if today not in self._known:
            self._known[today] = len(today) * self.zone.rules.visit_min + self._drive(sorted(today))
        return self._known[today]

    def feasible_sets(self) -> NDArray[np.int64]:
        """List the largest sets of schools that a day can hold.

        Returns
        -------
        numpy.ndarray
            Shape (sets, n), 1 for a school that is in: sets within the most minutes of work to which no school can be
            added. Only where the minutes are exact.
        """
        n = len(self.zone)
        number = np.arange(len(self._least))
        fits = self._least <= self.zone.limit_min
        is_largest = fits & (number > 0)
        for school in range(n):
            is_largest &= ~(fits[number | (1 << school)] & (number >> school & 1 == 0))
        members: NDArray[np.int64] = (number[is_largest, None] >> np.arange(n)) & 1
        return members

    def _drive(self, schools: Sequence[int]) -> int:
        tour: list[int] = []
        total = 0
        for school in schools:
            extra, at = cheapest_insertion(self.zone, tour, school)
            tour.insert(at, school)
            total += extra
        return total


def cheapest_insertion(zone: ZoneWeek, tour: Sequence[int], place: int) -> tuple[int, int]:
    """Find where a place lengthens a day's driving least.

    Parameters
    ----------
    zone
        One officer's week.
    tour
        Places in the order of the day, without the base.
    place
        The place to add.

    Returns
    -------
    tuple of int
        Minutes of driving it adds, and its position in `tour`.
    """
    drive, base = zone.drive_min, zone.base_place
    if len(tour) == 0:
        return (0 if base is None else int(drive[base, place] + drive[place, base])), 0
    extras = []
    for before, after in pairwise([base, *tour, base]):
        to = 0 if before is None else drive[before, place]
        on = 0 if after is None else drive[place, after]
        straight = 0 if before is None or after is None else drive[before, after]
        extras.append(int(to + on - straight))
    at = int(np.argmin(extras))
    return extras[at], at


def least_work(zone: ZoneWeek) -> NDArray[np.int64]:
    """Work out the fewest minutes of visits and driving for every set of schools.

    Parameters
    ----------
    zone
        One officer's week of n schools.

    Returns
    -------
    numpy.ndarray
        Shape (2 ** n,), minutes; bit i of the index is school i. Windows and the break are not looked at.

    Notes
    -----
    Dynamic programming over sets and the last school of each (Held and Karp). Ways may lead over a third place where
    that is shorter, as a way to the break may, so that no plan has less work.

    References
    ----------
    Held, M. and Karp, R. M. (1962). A dynamic programming approach to sequencing problems. Journal of the Society for
    Industrial and Applied Mathematics 10 (1), 196–210.
    """
    n, drive, base = len(zone), zone.drive_min, zone.base_place
    for place in range(len(drive)):
        drive = np.minimum(drive, drive[:, [place]] + drive[[place], :])
    to = np.zeros(n, dtype="int64") if base is None else drive[base, :n]
    back = np.zeros(n, dtype="int64") if base is None else drive[:n, base]
    members = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    sizes = members.sum(axis=1)
    # Shortest way through a set that ends at each of its schools.
    ends = np.full((2**n, n), _NOWHERE, dtype="int64")
    ends[1 << np.arange(n), np.arange(n)] = to
    for size in range(2, n + 1):
        sets = np.flatnonzero(sizes == size)
        for last in range(n):
            own = sets[members[sets, last]]
            ends[own, last] = (ends[own ^ (1 << last)] + drive[:n, last]).min(axis=1)
    least: NDArray[np.int64] = sizes * zone.rules.visit_min
    least[1:] += (ends[1:] + back).min(axis=1, initial=2 * _NOWHERE)
    return least


class DayCover(NamedTuple):
    """Schools parted into days.

    Parameters
    ----------
    days
        Schools of each day; every school is in one, unless no day can hold it.
    least_days
        Proven: no fewer days can hold all schools.
    """

    days: list[list[int]]
    least_days: int


def fewest_days(day_work: DayWork) -> DayCover:
    """Part the schools of a zone into the fewest days.

    Parameters
    ----------
    day_work
        Least work of its days, exact.

    Returns
    -------
    DayCover
        A smallest set cover by sets of schools within the most minutes of work. Windows and the break are not looked
        at.
    """
    sets = day_work.feasible_sets()
    if not len(sets):
        return DayCover([], 0)
    solved = milp(
        np.ones(len(sets)),
        constraints=LinearConstraint(sets[:, sets.any(axis=0)].T, lb=1),
        integrality=np.ones(len(sets), dtype="int64"),
        bounds=Bounds(0, 1),
    )
    days: list[list[int]] = []
    placed: set[int] = set()
    for row in sets[np.asarray(solved.x) > 0.5]:  # noqa: PLR2004 - whole up to rounding
        today = [school for school in np.flatnonzero(row).tolist() if school not in placed]
        placed |= set(today)
        days.append(today)
    return DayCover(days, math.ceil((solved.mip_dual_bound or 0.0) - _ROUNDING))
