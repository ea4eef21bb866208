"""Repeats: whether incidents follow each other near and soon more often than places and days alone explain."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial import KDTree

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._expected import NOT_CLEARLY, carried, chance_text, times
from safeschools_geo.hotspots.scan import LAST_BITS, ONE_DISTANCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


_MOST_DRAWN = 500_000
"""Pairs near in space that simulations look at: of more, every second, third, … one."""

_STRIP = 2_000_000
_STEP = 20_000
_FEW = 8
_SAID_EVERY = 50
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
        ``distance_m``, ``days``, ``simulations``, ``seed``, and ``every``: the p-value is worked out from every how
        many of the pairs near in space (1 for all of them).
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
        text = f"{self.observed:,} pairs of incidents lie {within} of each other"
        if np.isnan(carried(self.ratio, self.expected)):
            return f"{text}; with {self.expected:.1f} expected from places and days alone, that is too few to judge."
        ratio = f"{times(self.ratio)} the {self.expected:,.1f} that places and days alone lead to expect"
        end = "incidents follow each other more often than chance explains" if self.p_value <= _CLEAR else NOT_CLEARLY
        every = self.settings["every"]
        drawn = f", from 1 in {every:,} of the {self.near_in_space:,} pairs near in space" if every > 1 else ""
        return f"{text}, {ratio} (one-sided p {chance_text(self.p_value)}{drawn}): {end}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row: the fields, those of `settings` beside them."""
        fields = ("observed", "expected", "p_value", "near_in_space", "near_in_time", "events")
        return pd.DataFrame([{**self.settings, **{name: getattr(self, name) for name in fields}, "ratio": self.ratio}])


def knox(
    xy: ArrayLike,
    t_days: ArrayLike,
    *,
    distance_m: float,
    days: float,
    simulations: int = 999,
    seed: int = 0,
    on_part: Callable[[str], None] = lambda _: None,
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
    on_part
        Called with how far it is.

    Returns
    -------
    KnoxResult
        The count, what is expected of it, and a one-sided Monte-Carlo p-value ``(1 + number at least as large) /
        (simulations + 1)`` (E. Knox, "The detection of space-time interactions", Applied Statistics 13, 1964; N.
        Mantel, Cancer Research 27, 1967). A season shared by all places is no repeat; one of its own at some place is.
        Where more than half a million pairs are near in space, record and simulations are compared by every second,
        third, … of these: which ones does not depend on the moments, so that the p-value is as valid, and half a
        million show a ratio that is half a percent or so beyond chance. The count itself is of all pairs.

    Raises
    ------
    InputError
        When places and moments do not fit each other, or are missing.
    """
    places, moments = _checked(xy, t_days)
    _require_settings(distance_m, days, simulations)
    # A distance that is the largest one up to rounding is included, in whatever unit both are.
    reach = distance_m * (1 + ONE_DISTANCE) + LAST_BITS * float(np.abs(places).max(initial=0.0))
    near = _Near.of(places, moments, reach=reach, days=days, seed=seed, on_part=on_part)
    # Small whole numbers are quick to compare.
    since = moments - moments.min(initial=0)
    is_small = bool((since == np.round(since)).all()) and since.max(initial=0) < np.iinfo(np.int16).max
    known = since.astype(np.int16) if is_small else moments

    def soon(at: NDArray[Any]) -> int:
        return int(np.count_nonzero(np.abs(at.take(near.left) - at.take(near.right)) <= days))

    in_time = _pairs_in_time(moments, days)
    rng, observed, reached = np.random.default_rng(seed), soon(known), 0
    for number in range(simulations):
        if number % _SAID_EVERY == 0:
            on_part(f"{number:,} of {simulations:,} simulations")
        reached += soon(rng.permutation(known)) >= observed
    pairs = len(moments) * (len(moments) - 1) // 2
    return KnoxResult(
        observed=near.observed,
        expected=near.count * in_time / pairs if pairs else 0.0,
        p_value=(1 + reached) / (simulations + 1),
        near_in_space=near.count,
        near_in_time=in_time,
        events=len(moments),
        settings={
            "distance_m": distance_m,
            "days": days,
            "simulations": simulations,
            "seed": seed,
            "every": near.every,
        },
    )


@dataclass(frozen=True)
class _Near:
    """Pairs of incidents that are near in space."""

    count: int
    observed: int  # Those that are soon, too
    every: int
    # Incidents of every `every`-th pair
    left: Ints
    right: Ints

    @classmethod
    def of(
        cls, places: Floats, moments: Floats, *, reach: float, days: float, seed: int, on_part: Callable[[str], None]
    ) -> _Near:
        """Count them in strips from west to east, and list every one or every so many."""
        spots, where = np.unique(places, axis=0, return_inverse=True)
        events = _Events(where.ravel(), moments, days, seed)
        ordered = events.sizes * _held_within(KDTree(places), spots, reach)
        every = max(-(-(int(ordered.sum()) - len(moments)) // (2 * _MOST_DRAWN)), 1)
        count, observed, drawn = 0, events.soon_at_one_place(), [(np.empty(0, np.int64),) * 2]
        for first, last in pairwise(_cuts(ordered)):
            on_part(f"pairs of incidents, {first:,} of {len(spots):,} places")
            # Places stand from west to east.
            end = int(np.searchsorted(spots[:, 0], spots[last - 1, 0] + reach, side="right"))
            pairs = KDTree(spots[first:end]).query_pairs(reach, output_type="ndarray").astype(np.int64) + first
            touching = pairs[pairs[:, 0] < last]
            observed += events.soon_at_two_places(touching)
            groups = np.concatenate([touching, np.arange(first, last).repeat(2).reshape(-1, 2)])
            ends = count + np.cumsum(events.pairs(groups))
            at = np.arange(-(-count // every) * every, ends[-1], every)
            group = np.searchsorted(ends, at, side="right")
            drawn.append(events.pair(groups[group], ends[group] - 1 - at))
            count = int(ends[-1])
        left, right = (np.concatenate(side) for side in zip(*drawn, strict=True))
        return cls(count, observed, every, left, right)


def _held_within(tree: KDTree, spots: Floats, reach: float) -> Ints:
    """Count what lies within reach of each place, in steps short enough to be ended between."""
    parts = [spots[first : first + _STEP] for first in range(0, len(spots), _STEP)]
    found = [tree.query_ball_point(part, reach, return_length=True) for part in parts]
    return np.concatenate([np.empty(0, np.int64), *found])


def _cuts(ordered: Ints) -> list[int]:
    """Cut places into runs that hold no more pairs than a strip should, or are one place."""
    strip = np.cumsum(ordered) // _STRIP
    return [*np.flatnonzero(np.diff(strip, prepend=-1)).tolist(), len(ordered)] if len(ordered) else []


class _Events:
    """Incidents by their place, and which of their moments are soon after each other: at most `days` later.

    `where` is the place of each incident, shape (n,). `seed` is that of the order of incidents at one place: it says
    nothing of their moments.
    """

    def __init__(self, where: Ints, moments: Floats, days: float, seed: int) -> None:
        self.sizes = np.bincount(where)
        self._first = np.cumsum(self.sizes) - self.sizes
        mixed = np.random.default_rng([seed, 1]).permutation(len(where))
        self._mixed = mixed[np.argsort(where[mixed], kind="stable")]
        known, rank = np.unique(moments, return_inverse=True)
        order = np.lexsort((rank, where))
        self._rank, self._where = rank[order], where[order]
        # First moment that another is soon after, and the first that no longer is soon after it.
        self._from, self._to = np.searchsorted(known + days, known), np.searchsorted(known, known + days, side="right")
        self._width = len(known) + 1
        self._key = self._where * self._width + self._rank

    def pairs(self, groups: Ints) -> Ints:
        """Count the pairs of two places, or of one with itself, shape (groups,)."""
        one, other = groups.T
        sizes = self.sizes[one]
        return np.asarray(np.where(one == other, sizes * (sizes - 1) // 2, sizes * self.sizes[other]))

    def pair(self, groups: Ints, number: Ints) -> tuple[Ints, Ints]:
        """Give the incidents of one pair of each group, counted from 0."""
        one, other = groups.T
        row, column = np.divmod(number, self.sizes[other])
        # Rows of a triangle: 1 pair, 2 pairs, 3 pairs, …
        triangle = ((1 + np.sqrt(1 + 8 * number)) / 2).astype(np.int64)
        is_own = one == other
        row = np.where(is_own, triangle, row)
        column = np.where(is_own, number - triangle * (triangle - 1) // 2, column)
        return self._mixed[self._first[one] + row], self._mixed[self._first[other] + column]

    def soon_at_one_place(self) -> int:
        """Count the pairs at one place that are soon."""
        last = np.searchsorted(self._key, self._where * self._width + self._to[self._rank])
        return int((last - np.arange(len(last)) - 1).sum())

    def soon_at_two_places(self, touching: Ints) -> int:
        """Count the pairs of incidents of two places that are soon."""
        order = np.argsort(self.sizes[touching], axis=1)
        fewer, more = np.take_along_axis(touching, order, axis=1).T
        # Each incident of the place with fewer looks at the other place.
        number = self.sizes[fewer]
        step = np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
        rank = self._rank[np.repeat(self._first[fewer], number) + step]
        there, soonest, latest = np.repeat(more, number), self._from[rank], self._to[rank]
        is_many = self.sizes[there] > _FEW
        base = there[is_many] * self._width
        ends = (np.searchsorted(self._key, base + edge[is_many]) for edge in (latest, soonest))
        soon = int(next(ends).sum() - next(ends).sum())
        at, size = self._first[there[~is_many]], self.sizes[there[~is_many]]
        for nth in range(_FEW):
            is_there = size > nth
            other = self._rank[at[is_there] + nth]
            soon += int(np.count_nonzero((other >= soonest[~is_many][is_there]) & (other < latest[~is_many][is_there])))
        return soon


def _pairs_in_time(moments: Floats, days: float) -> int:
    ordered = np.sort(moments)
    # Floating-point days: the same difference that the pairs are judged by.
    last = np.searchsorted(ordered, ordered + days, side="right")
    return int((last - np.arange(len(ordered)) - 1).sum())


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
