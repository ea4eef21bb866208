"""Repeats: whether incidents follow each other near and soon more often than places and days alone explain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._expected import NOT_CLEARLY, carried, chance_text, times
from safeschools_geo.hotspots.scan import LAST_BITS, ONE_DISTANCE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


_PAIR_COST, _CELL_COST, _VISIT_COST = 6.0, 2.5, 4.0
_MOST_CELLS = 50_000_000
_CLEAR = 0.05


@dataclass(frozen=True)
class KnoxResult:
    """How many pairs of incidents are near in space and in time.

    Parameters
    ----------
    observed
        Pairs within the distance and within the days.
    expected
        Pairs near in space times pairs near in time over all pairs (Knox 1964).
    p_value
        One-sided: the share of simulations with as many pairs or more.
    near_in_space, near_in_time
        Pairs within the distance; pairs within the days.
    events
        Number of incidents.
    settings
        ``distance_m``, ``days``, ``simulations``, ``seed``.
    """

    observed: int
    expected: float
    p_value: float
    near_in_space: int
    near_in_time: int
    events: int
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """Observed over expected; missing where none is expected."""
        return self.observed / self.expected if self.expected > 0 else float("nan")

    def summary(self) -> str:
        """Say in plain English whether incidents repeat."""
        within = f"within {self.settings['distance_m']:g} m and {self.settings['days']:g} days"
        if not self.expected:
            return f"No two incidents are expected {within} of each other: nothing can be said of repeats."
        told = f"{self.observed:,} pairs of incidents lie {within} of each other"
        if np.isnan(carried(self.ratio, self.expected)):
            return f"{told}; with {self.expected:.1f} expected from places and days alone, that is too few to judge."
        ratio = f"{times(self.ratio)} the {self.expected:,.1f} that places and days alone lead to expect"
        end = "incidents follow each other more often than chance explains" if self.p_value <= _CLEAR else NOT_CLEARLY
        return f"{told}, {ratio} (one-sided p {chance_text(self.p_value)}): {end}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row: the fields, those of `settings` beside them."""
        fields = ("observed", "expected", "p_value", "near_in_space", "near_in_time", "events")
        return pd.DataFrame([{**self.settings, **{name: getattr(self, name) for name in fields}, "ratio": self.ratio}])


def knox(
    xy: ArrayLike, t_days: ArrayLike, *, distance_m: float, days: float, simulations: int = 999, seed: int = 0
) -> KnoxResult:
    """Test whether incidents that are near each other are also soon after each other.

    Parameters
    ----------
    xy
        Places in the plane, shape (n, 2), in any unit.
    t_days
        Moments in days, whole or not, shape (n,).
    distance_m
        Largest distance of a pair that is near, included, in the unit of `xy`: meters, if that is in meters.
    days
        Largest number of days of a pair that is soon, included.
    simulations
        Number of permutations of the moments over the incidents.
    seed
        Seed of the permutations.

    Returns
    -------
    KnoxResult
        The count, what is expected of it, and a one-sided Monte-Carlo p-value ``(1 + number at least as large) /
        (simulations + 1)`` (E. Knox, "The detection of space-time interactions", Applied Statistics 13, 1964; N.
        Mantel, Cancer Research 27, 1967). A season shared by all places is no repeat; one of its own at some place is.

    Raises
    ------
    InputError
        When places and moments do not fit each other, or are missing.
    """
    places, moments = _checked(xy, t_days)
    _require_settings(distance_m, days, simulations)
    settings = {"distance_m": distance_m, "days": days, "simulations": simulations, "seed": seed}
    spots, where = np.unique(places, axis=0, return_inverse=True)
    where = where.ravel()
    numbers = np.bincount(where, minlength=len(spots))
    # A distance that is the largest one up to rounding is included, in whatever unit both are.
    reach = distance_m * (1 + ONE_DISTANCE) + LAST_BITS * float(np.abs(places).max(initial=0.0))
    touching = KDTree(spots).query_pairs(reach, output_type="ndarray").astype(np.int64)
    in_space = int((numbers[touching[:, 0]] * numbers[touching[:, 1]]).sum() + (numbers * (numbers - 1) // 2).sum())
    in_time = _pairs_in_time(moments, days)
    counter = _cheaper(where, moments, numbers=numbers, touching=touching, in_space=in_space, days=days)
    observed = counter.count(moments)
    rng = np.random.default_rng(seed)
    reached = sum(counter.count(rng.permutation(moments)) >= observed for _ in range(simulations))
    pairs = len(moments) * (len(moments) - 1) // 2
    return KnoxResult(
        observed=observed,
        expected=in_space * in_time / pairs if pairs else 0.0,
        p_value=(1 + reached) / (simulations + 1),
        near_in_space=in_space,
        near_in_time=in_time,
        events=len(moments),
        settings=settings,
    )


class _Counter(Protocol):
    def count(self, moments: Floats) -> int:
        """Count the pairs that are near in space, and in time by these moments."""


class ByPairs:
    """Counts with a list of the pairs that are near in space: quick where these are few.

    Parameters
    ----------
    where
        Place of each incident, shape (n,).
    touching
        Pairs of places that are near each other, shape (m, 2).
    days
        Largest number of days.
    """

    def __init__(self, where: Ints, touching: Ints, days: float) -> None:
        order = np.argsort(where, kind="stable")
        sizes = np.bincount(where)
        first = np.cumsum(sizes) - sizes
        left, right = _all_pairs(touching, first, sizes)
        own_left, own_right = _own_pairs(first, sizes)
        self._left, self._right = order[np.r_[left, own_left]], order[np.r_[right, own_right]]
        self._days = days

    def count(self, moments: Floats) -> int:
        """Count the pairs."""
        return int(np.count_nonzero(np.abs(moments.take(self._left) - moments.take(self._right)) <= self._days))


class ByPlaceAndDay:
    """Counts with a table of places and days: quick where many incidents share places. Whole days only.

    Parameters
    ----------
    where
        Place of each incident, shape (n,).
    touching
        Pairs of places that are near each other, shape (m, 2).
    days
        Largest number of days.
    span
        First and last day.
    """

    def __init__(self, where: Ints, touching: Ints, days: float, span: tuple[int, int]) -> None:
        self._places = int(where.max()) + 1
        self._first, self._length = span[0], span[1] - span[0] + 1
        self._days = min(int(np.floor(days)), self._length)
        self._where = where
        # Every incident looks at its own place and at those near it.
        sources = np.r_[touching[:, 0], touching[:, 1], np.arange(self._places)]
        targets = np.r_[touching[:, 1], touching[:, 0], np.arange(self._places)]
        order = np.argsort(sources, kind="stable")
        degree = np.bincount(sources, minlength=self._places)
        start = np.cumsum(degree) - degree
        of_event = degree[where]
        self._event = np.repeat(np.arange(len(where), dtype=np.int32), of_event)
        step = np.arange(len(self._event)) - np.repeat(np.cumsum(of_event) - of_event, of_event)
        # Days without incidents before the first and after the last, so that every reach stays in its place's row.
        self._width = self._length + 2 * self._days + 1
        self._row = (targets[order][start[where][self._event] + step] * self._width).astype(np.int32)

    def count(self, moments: Floats) -> int:
        """Count the pairs."""
        day = (moments - self._first).astype(np.int32)
        cells = self._where * self._width + day + self._days + 1
        table = np.bincount(cells, minlength=self._places * self._width).astype(np.int32)
        # Sums over the whole table: what lies in rows before falls out of the difference.
        sums = np.cumsum(table, dtype=np.int32)
        before = self._row + day.take(self._event)
        seen = sums.take(before + np.int32(2 * self._days + 1)).sum(dtype=np.int64) - sums.take(before).sum(
            dtype=np.int64
        )
        # Every pair was seen from both ends, and every incident saw itself.
        return int((seen - len(day)) // 2)


def _cheaper(where: Ints, moments: Floats, *, numbers: Ints, touching: Ints, in_space: int, days: float) -> _Counter:
    """Choose the way with less work for one count."""
    is_whole = bool((moments == np.round(moments)).all())
    if not is_whole or not len(moments):
        return ByPairs(where, touching, days)
    span = (int(moments.min()), int(moments.max()))
    cells = len(numbers) * (span[1] - span[0] + 1)
    visits = len(where) + int((numbers[touching[:, 0]] + numbers[touching[:, 1]]).sum())
    by_table = cells * _CELL_COST + visits * _VISIT_COST
    if cells <= _MOST_CELLS and by_table < in_space * _PAIR_COST:
        return ByPlaceAndDay(where, touching, days, span)
    return ByPairs(where, touching, days)


def _pairs_in_time(moments: Floats, days: float) -> int:
    ordered = np.sort(moments)
    # Floating-point days: the same difference that the pairs are judged by.
    last = np.searchsorted(ordered, ordered + days, side="right")
    return int((last - np.arange(len(ordered)) - 1).sum())


def _all_pairs(touching: Ints, first: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Pair every incident of one place with every one of another."""
    a, b = touching.T if len(touching) else (np.empty(0, np.int64), np.empty(0, np.int64))
    number = sizes[a] * sizes[b]
    pair = np.repeat(np.arange(len(a)), number)
    step = np.arange(len(pair)) - np.repeat(np.cumsum(number) - number, number)
    left, right = np.divmod(step, sizes[b][pair]) if len(pair) else (step, step)
    return first[a][pair] + left, first[b][pair] + right


def _own_pairs(first: Ints, sizes: Ints) -> tuple[Ints, Ints]:
    """Pair the incidents of each place with each other, once."""
    left, right = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for size in np.unique(sizes[sizes > 1]):
        one, other = np.triu_indices(size, k=1)
        starts = first[sizes == size][:, None]
        left.append((starts + one).ravel())
        right.append((starts + other).ravel())
    return np.concatenate(left), np.concatenate(right)


def _checked(xy: ArrayLike, t_days: ArrayLike) -> tuple[Floats, Floats]:
    places, moments = np.asarray(xy, dtype=np.float64), np.asarray(t_days, dtype=np.float64)
    if places.ndim != 2 or places.shape != (len(moments), 2) or moments.ndim != 1:  # noqa: PLR2004 - x and y
        raise InputError(
            "Places and moments do not fit each other.",
            found=f"shapes {places.shape} and {moments.shape}",
            expected="(n, 2) and (n,)",
        )
    lost = np.flatnonzero(~(np.isfinite(places).all(axis=1) & np.isfinite(moments)))
    if len(lost):
        raise InputError("Incidents lack a place or a moment.", ids=lost, remedy="Leave them out, and say so.")
    return places, moments


def _require_settings(distance_m: float, days: float, simulations: int) -> None:
    if not (distance_m >= 0 and days >= 0 and simulations >= 1):
        raise InputError(
            "Distance and days are 0 or more, and there is at least one simulation.",
            found=f"distance_m {distance_m}, days {days}, simulations {simulations}",
        )
