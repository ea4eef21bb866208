"""Kulldorff's scan: groups of neighboring units with more cases than expected."""

from __future__ import annotations

import os
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, special
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._expected import ratio_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import ArrayLike

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Counts = NDArray[np.int32]


# ── The likelihood ratio of a window, and how rare a maximum of it is

EULER = 0.57721566490153286


class LikelihoodRatio:
    """Kulldorff's log likelihood ratio of "more inside than outside", quick for very many windows.

    With `c` of `C` cases inside a window in which a share `s` of them is expected it is
    ``c log(c / (C s)) + (C - c) log((C - c) / (C - C s))`` where ``c > C s``, else 0. The part that depends on whole
    numbers only is looked up (M. Kulldorff, "A spatial scan statistic", Communications in Statistics 26, 1997).
    `totals` are the cases in all: one number, or one for each simulation, shape (simulations,).
    """

    def __init__(self, totals: int | Ints) -> None:
        cases = np.arange(int(np.max(totals)) + 1, dtype=np.float64)
        self._x_log_x = cases * np.log(np.maximum(cases, 1.0))
        self._totals = np.asarray(totals, dtype=np.int32)
        self.total = int(np.max(totals))
        # With one total for all, both looked-up parts are one.
        self._both = self._x_log_x + self._x_log_x[::-1] if self._totals.ndim == 0 else None

    def __call__(self, cases: NDArray[np.int32], share: Floats, *, of: Ints | None = None) -> Floats:
        """Compute the ratio; `of` tells the simulation of each number of cases, where not all of each are asked for."""
        along = (slice(None), *([None] * (cases.ndim - 1)))
        share = np.minimum(share, 1 - 1e-15)[along]
        totals = self._totals if of is None or self._both is not None else self._totals[of]
        inside, outside = np.log(share), np.log1p(-share)
        ratio = self._looked_up(cases, totals)
        ratio -= cases * (inside - outside)
        ratio -= totals * outside + self._x_log_x[totals]
        # A ratio is of interest only above expectation; comparing whole numbers is quicker than comparing fractions.
        ratio[cases <= np.floor(totals * share).astype(np.int32)] = 0.0
        return ratio

    def _looked_up(self, cases: NDArray[np.int32], totals: NDArray[np.int32]) -> Floats:
        if self._both is not None:
            return np.asarray(self._both.take(cases))
        found = self._x_log_x.take(cases)
        found += self._x_log_x.take(totals - cases)
        return np.asarray(found)

    @property
    def of_least(self) -> LikelihoodRatio:
        """The ratio with the fewest cases in all: as many inside are then more unusual than in any other simulation."""
        return self if self._both is not None else LikelihoodRatio(int(self._totals.min()))


NO_SHARE = 1e-18
"""So little that it changes no share, and keeps its logarithm possible."""


class EnoughCases:
    """Tells how many cases a window has to hold for its ratio to exceed a value, or fewer, but never more."""

    _POINTS = 4096
    _GROWTH = 1.03

    def __init__(self, ratio: LikelihoodRatio) -> None:
        self._ratio = ratio
        self._shares = np.arange(self._POINTS) / self._POINTS
        self._value, self._needed = 0.0, np.zeros(self._POINTS, dtype=np.int32)

    def __call__(self, share: Floats, value: float) -> Counts:
        """Give the fewest cases, for each share that is expected in a window."""
        if value > self._value * self._GROWTH:
            self._value, self._needed = value, self._search(value)
        # The number grows with the share that is expected: that of the point below is never too large.
        at = np.minimum((share * self._POINTS).astype(np.int64), self._POINTS - 1)
        return self._needed[at]

    def _search(self, value: float) -> Counts:
        """Halve the range in which, for each share, the fewest cases lie whose ratio exceeds the value."""
        low, high = np.zeros(self._POINTS, dtype=np.int32), np.full(self._POINTS, self._ratio.total, dtype=np.int32)
        while (low < high).any():
            middle = (low + high) // 2
            exceeds = self._ratio(middle, self._shares + NO_SHARE) > value
            low, high = np.where(exceeds, low, np.minimum(middle + 1, high)), np.where(exceeds, middle, high)
        return low


def critical_ratio(maxima: Floats, *, alpha: float = 0.05) -> float:
    """Find the likelihood ratio from which a window has a small p-value."""
    return float(np.quantile(maxima, 1 - alpha, method="higher"))


def smallest_ratio(share: float, total: float, critical: float) -> float:
    """Find the smallest observed over expected of a window whose likelihood ratio is the critical one."""

    def beyond(inside: float) -> float:
        outside = special.xlogy(1 - inside, (1 - inside) / (1 - share))
        return float(total * (inside * np.log(inside / share) + outside) - critical)

    if beyond(1.0) <= 0:
        return float("inf")
    return float(optimize.brentq(beyond, share, 1.0) / share)


def rank_p_value(value: float, maxima: Floats) -> float:
    """Rank a value among simulated maxima.

    One-sided p-value ``(1 + number at least as large) / (simulations + 1)`` (Dwass 1957). A hair's breadth is
    granted: equal windows summed in another order are equal.
    """
    return float((1 + (maxima >= value - 1e-9).sum()) / (len(maxima) + 1))


def gumbel_p_value(value: float, maxima: Floats) -> float:
    """Judge a value by the extreme-value distribution fitted to simulated maxima.

    One-sided p-value, not limited by the number of simulations: Gumbel's distribution by moments (A. Abrams, K.
    Kleinman and M. Kulldorff, "Gumbel based p-value approximations for spatial scan statistics", International
    Journal of Health Geographics 9, 2010). 1 where the maxima do not vary.
    """
    scale = float(np.std(maxima, ddof=1)) * np.sqrt(6) / np.pi if len(maxima) > 1 else 0.0
    if scale == 0:
        return 1.0
    location = float(np.mean(maxima)) - EULER * scale
    return float(-np.expm1(-np.exp(-(value - location) / scale)))


# ── Circular windows: each unit with its nearest neighbors, nearest first, up to a share of what is expected

Distances = Literal["plane", "great_circle"]
EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth, GRS 80."""

LAST_BITS = 1e-14
"""Rounding of a coordinate, as a share of the largest one: nothing nearer than that is distinguished."""

ONE_DISTANCE = 1e-9
"""Distances that differ by this share of the largest are one."""

_LOST = 1e-12


@dataclass(frozen=True)
class Windows:
    """Circles around every unit."""

    order: NDArray[np.int64]  # Row i holds the units by distance from unit i, itself first, shape (n, n)
    # Whether the circle around unit i that holds its first j + 1 neighbors is a window: it holds every unit at its own
    # radius, no more than the largest share and no less than the least, shape (n, n)
    is_complete: NDArray[np.bool_]
    # Distance of the (j + 1)-th neighbor, in the unit of the places (meters on the globe), shape (n, n)
    radius: NDArray[np.float64]

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
        """Yield, for every center, its neighbors as far as windows reach, and which of them end a window."""
        for order, is_complete in zip(self.order, self.is_complete, strict=True):
            reach = int(np.flatnonzero(is_complete)[-1]) + 1 if is_complete.any() else 0
            yield order[:reach], is_complete[:reach]

    @property
    def count(self) -> int:
        """How many windows there are."""
        return int(self.is_complete.sum())

    def without(self, others: Windows | None) -> Windows:
        """Leave out windows around the same units."""
        return self if others is None else replace(self, is_complete=self.is_complete & ~others.is_complete)


def nested_windows(
    xy: ArrayLike,
    weights: NDArray[np.float64],
    max_shares: Iterable[float],
    *,
    min_share: float = 0.0,
    distances: Distances = "plane",
) -> dict[float, Windows]:
    """List the circular windows up to several largest shares, rising: those of one are among those of the next."""
    places = np.asarray(xy, dtype=np.float64)
    require_places(places, len(weights), distances)
    apart = great_circle_m(places) if distances == "great_circle" else cdist(places, places)
    largest = EARTH_RADIUS_M if distances == "great_circle" else float(np.abs(places).max(initial=0.0))
    order, radius, starts = _rings(apart, least=LAST_BITS * largest)
    ends_circle = np.ones_like(radius, dtype=np.bool_)
    ends_circle[:, :-1] = starts[:, 1:]
    held = np.cumsum(weights[order], axis=1)
    total = weights.sum()
    ends_circle &= held >= min_share * total * (1 - _LOST)
    return {s: Windows(order, ends_circle & (held <= s * total * (1 + _LOST)), radius) for s in sorted(max_shares)}


def _rings(
    apart: NDArray[np.float64], *, least: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Order the units around each unit, nearest first, and tell where a larger distance begins.

    Distances that differ by no more than rounding are one distance, in whatever unit they are: by `least`, or by
    `ONE_DISTANCE` of the largest. In a ring, units stand in the order given; each unit stands first in its own row.
    """
    nearest = np.argsort(apart, axis=1, kind="stable")
    radius = np.take_along_axis(apart, nearest, axis=1)
    starts = np.zeros_like(radius, dtype=np.bool_)
    starts[:, 1:] = np.diff(radius, axis=1) > max(least, ONE_DISTANCE * float(apart.max(initial=0.0)))
    is_other = nearest != np.arange(len(apart))[:, None]
    within = np.lexsort((nearest, is_other, np.cumsum(starts, axis=1)), axis=1)
    return np.take_along_axis(nearest, within, axis=1), radius, starts


def great_circle_m(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure distances on a sphere."""
    lon, lat = np.radians(lonlat).T
    chord = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1))))


def require_places(places: NDArray[np.float64], n: int, distances: Distances) -> None:
    """Refuse places that cannot be measured between."""
    if places.shape != (n, 2):
        raise InputError("The places do not fit the counts.", found=f"shape {places.shape}", expected=f"({n}, 2)")
    lost = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if len(lost):
        raise InputError("Units without a place cannot be scanned.", ids=lost, remedy="Leave them out, and say so.")
    if distances == "great_circle" and (np.abs(places) > [180, 90]).any():
        raise InputError(
            "These are no degrees.",
            found=f"coordinates up to {np.abs(places).max():,.0f}",
            expected="longitude and latitude",
            remedy='Leave out distances="great_circle" for coordinates in meters.',
        )


# ── The largest ratio of each simulation: circles in blocks, of which most are passed over at once

_WIDE = 1.0
"""Standard deviations of a Poisson count by which the circles of a block grow."""

_HAIR = 1e-9


@dataclass(frozen=True)
class CircleBlocks:
    """The circles around one unit in blocks: none holds more cases than the last of its block, nor fewer expected.

    Few circles can hold enough cases for the largest ratio of a simulation. What the last circle of a block holds, with
    what is expected in the first, shows for most blocks that none of theirs does.
    """

    order: Ints  # The units, nearest first, as far as windows reach
    is_complete: NDArray[np.bool_]  # Whether the circle with so many of them is a window
    sums: csr_array  # Adds up the units of each block, shape (blocks, units)
    starts: Ints  # First circle of each block that holds a window
    sizes: Ints  # Circles of each
    windows: Ints  # First window of each
    place: Ints  # Place of each among all blocks

    @classmethod
    def of(cls, order: Ints, is_complete: NDArray[np.bool_], share: Floats, cases: float) -> CircleBlocks:
        """Part circles into blocks; `share` of the `cases` is expected at each unit."""
        deviations = 2 * np.sqrt(cases * np.cumsum(share[order])) // _WIDE
        first = int(np.argmax(is_complete))
        is_start = np.append(True, np.diff(deviations) > 0)
        is_start[1 : first + 1] = False
        is_start[first] = True
        starts = np.append(np.flatnonzero(is_start), len(order))
        sums = csr_array((np.ones(len(order), np.int32), order, starts), shape=(len(starts) - 1, len(share)))
        windows = np.flatnonzero(is_complete)
        place, at = np.unique(np.searchsorted(starts, windows, side="right") - 1, return_index=True)
        return cls(order, is_complete, sums, starts[place], np.diff(starts)[place], windows[at], place)

    def search(
        self,
        best: Floats,
        table: Counts,
        share: Floats,
        runs: tuple[Ints, Ints] | None,
        *,
        enough: Callable[[Floats], Counts],
        ratio: Callable[[Counts, Floats, Ints], Floats],
    ) -> tuple[Ints, Ints, Ints, Counts]:
        """Find the windows whose ratio may be larger than the best so far of a simulation.

        Returned are circle, run, simulation and cases of each. `best` has shape (simulations,). `table` holds the cases
        of each unit before each period, shape (units, periods + 1, simulations); in all without periods, shape (units,
        1, simulations). `share` is what is expected in each circle and run, shape (circles, runs); `runs` are the first
        period of each run and the one after its last, None without periods. `enough` gives the fewest cases that can be
        of interest, rising with the share; `ratio` takes cases, shares and simulations.
        """
        columns, simulations = table.shape[1:]
        held = np.cumsum(self.sums @ table.reshape(len(table), -1), axis=0, dtype=np.int32)
        held = held.reshape(-1, columns, simulations)
        at_end = held if runs is None else held[:, runs[1]] - held[:, runs[0]]
        least = share[self.windows]
        candidates = np.flatnonzero(at_end[self.place] >= enough(least)[:, :, None])
        window, simulation = np.divmod(candidates, simulations)
        block, run = np.divmod(window, share.shape[1])
        # No circle of the block has a larger ratio than its most cases would have where its least is expected.
        most = ratio(at_end[self.place[block], run, simulation], least[block, run], simulation)
        is_open = most > best[simulation] * (1 - _HAIR) - _HAIR
        block, run, simulation = block[is_open], run[is_open], simulation[is_open]
        size = self.sizes[block]
        rows = np.repeat(np.arange(len(block)), size)
        ends = np.cumsum(size)
        circle = self.starts[block][rows] + np.arange(len(rows)) - np.repeat(ends - size, size)
        at = self.order[circle] * (columns * simulations) + simulation[rows]
        flat = table.reshape(-1)
        if runs is None:
            added = flat.take(at)
        else:
            first, last = (periods[run] * simulations for periods in runs)
            added = flat.take(at + last[rows]) - flat.take(at + first[rows])
        inside = np.cumsum(added, dtype=np.int64)
        # Each block counts on from the end of the one before.
        since = np.append(0, inside)[ends - size] - np.where(
            self.place[block] > 0, at_end[self.place[block] - 1, run, simulation], 0
        )
        cases = (inside - since[rows]).astype(np.int32)
        run = run[rows]
        is_found = self.is_complete[circle]
        is_found &= cases >= enough(share)[circle, run]
        return circle[is_found], run[is_found], simulation[rows][is_found], cases[is_found]


# ── Kulldorff's scan: groups of neighboring units with more cases than expected, judged after all looking

MOST_CLUSTERS = 10
_SCAN_LOST = 1e-9
_STEPS = 32
_MOST_LOOKED_UP = 8_000_000
_MOST_CASES = 100_000_000
_BATCH = 250
_SPREAD = 16
_AT_FIRST = 20_000


@dataclass(frozen=True)
class Cluster:
    """Neighboring units that together have more cases than expected."""

    members: tuple[Hashable, ...]  # The units, nearest to the center first: labels of a Series' index, else rows
    observed: int  # Cases in them
    expected: float  # Cases expected in them
    relative_risk: float  # Observed over expected inside, divided by the same outside
    # 95 % interval of observed over expected, not adjusted for the search
    ratio_low: float
    ratio_high: float
    llr: float  # Log likelihood ratio
    p_value: float  # One-sided Monte-Carlo p-value, after looking at all windows
    gumbel_p_value: float  # The same from a Gumbel distribution fitted to the simulated maxima
    radius_m: float  # Radius of the circle, in the unit of the places; in meters with great-circle distances
    # Smallest observed over expected at which these units together would have had a p-value of 5 %
    detectable_ratio: float

    @property
    def ratio(self) -> float:
        """Observed over expected."""
        return self.observed / self.expected


@dataclass(frozen=True)
class ScanResult:
    """What a scan found.

    Parameters
    ----------
    clusters
        The most likely cluster and further ones that do not overlap it or each other, by falling likelihood ratio.
    windows
        Number of windows looked at.
    units
        Number of units.
    settings
        ``max_share``, ``simulations``, ``seed``, ``dispersion`` (mean, if several were given) and ``distances``.
    """

    clusters: tuple[Cluster, ...]
    windows: int
    units: int
    settings: dict[str, Any]

    def significant(self, alpha: float = 0.05) -> tuple[Cluster, ...]:
        """Choose the clusters that chance does not explain: those with a p-value of `alpha` at most."""
        return tuple(c for c in self.clusters if c.p_value <= alpha)

    def summary(self) -> str:
        """Say in plain English what was found."""
        looked = f"after looking at {self.windows:,} windows on {self.units:,} units"
        if not self.clusters:
            return f"No group of neighbors has more cases than expected, {looked}."
        best = self.clusters[0]
        return (
            f"{len(self.significant())} of {len(self.clusters)} clusters have p ≤ 0.05, {looked}. The most likely "
            f"holds {len(best.members)} units with {best.observed:,} cases where {best.expected:,.1f} were expected "
            f"(relative risk {best.relative_risk:.2f}, p = {best.p_value:.3f})."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each cluster: fields of `Cluster`, with `members` joined by ``;``."""
        rows = [{**asdict(c), "members": ";".join(map(str, c.members))} for c in self.clusters]
        return pd.DataFrame(rows, columns=list(Cluster.__dataclass_fields__))


def poisson_scan(
    cases: ArrayLike,
    expected: ArrayLike,
    xy: ArrayLike,
    *,
    max_share: float = 0.25,
    simulations: int = 999,
    seed: int = 0,
    dispersion: float | Floats | None = None,
    distances: Distances = "plane",
    min_cases: int = 2,
    min_expected: float = 0.0,
    on_part: Callable[[str], None] = lambda _: None,
) -> ScanResult:
    """Scan for groups of neighboring units with high rates.

    Parameters
    ----------
    cases
        Cases at each unit, whole numbers, shape (n,). The index of a Series names the members of clusters.
    expected
        Cases expected at each unit, shape (n,), above 0; scaled to the sum of `cases`.
    xy
        Places of the units, shape (n, 2): in any plane unit, or longitude and latitude with
        ``distances="great_circle"``. The unit changes no result but `radius_m`.
    max_share
        Largest share of all expected cases inside a window, above 0 and at most 0.5 or so.
    simulations
        Number of Monte-Carlo simulations.
    seed
        Seed of the simulations.
    dispersion
        Variance of the gamma factor each unit's rate has of its own: counts are then negative-binomial with variance
        ``mean + dispersion * mean ** 2``. One number, or one for each simulation, shape (simulations,), which carries
        its uncertainty into the p-values. None for Poisson counts.
    distances
        ``plane`` or ``great_circle``.
    min_cases
        Fewest cases in a cluster.
    min_expected
        Fewest cases expected in a window: smaller ones are not looked at, here and in the simulations.
    on_part
        Called with how many simulations are done.

    Returns
    -------
    ScanResult
        Clusters with p-values. Simulations keep the number of cases (Kulldorff 1997). With a dispersion each simulation
        draws the units' factors first, and cases count by the inverse of their variance (quasi-likelihood; T. Zhang,
        Z. Zhang and G. Lin, "Spatial scan statistics with overdispersion", Statistics in Medicine 31, 2012): a Poisson
        scan would call ordinary differences between schools clusters. `llr` is then a quasi-likelihood ratio.

    Raises
    ------
    InputError
        When the counts or places cannot be scanned.
    """
    asked: dict[str, Any] = {"simulations": simulations, "seed": seed, "dispersion": dispersion}
    asked |= {"distances": distances, "min_cases": min_cases, "min_expected": min_expected}
    return nested_scans(cases, expected, xy, [max_share], **asked, on_part=lambda _, what: on_part(what))[max_share]


def nested_scans(
    cases: ArrayLike,
    expected: ArrayLike,
    xy: ArrayLike,
    max_shares: Iterable[float],
    *,
    simulations: int = 999,
    seed: int = 0,
    dispersion: float | Floats | None = None,
    distances: Distances = "plane",
    min_cases: int = 2,
    min_expected: float = 0.0,
    on_part: Callable[[float, str], None] = lambda *_: None,
) -> dict[float, ScanResult]:
    """Scan with several largest shares, rising, on the same simulations: each window is looked at once."""
    labels = list(cases.index) if isinstance(cases, pd.Series) else list(range(len(np.asarray(cases))))
    counts, share = _checked(cases, expected)
    shares = sorted(max_shares)
    for max_share in shares:
        _require_settings(max_share, simulations, dispersion)
    total = int(counts.sum())
    least = min_expected / total if total else 0.0
    windows = nested_windows(xy, share, shares, min_share=least, distances=distances)
    spread = None if dispersion is None else float(np.mean(dispersion))
    settings = {"simulations": simulations, "seed": seed, "dispersion": spread, "distances": distances}
    results = {s: ScanResult((), one.count, len(counts), {"max_share": s, **settings}) for s, one in windows.items()}
    if total < min_cases:
        return results
    simulated = simulate_counts(total, share, simulations=simulations, seed=seed, dispersion=dispersion)
    drawn, judge = (_Judge(table, share, spread, min_cases) for table in (simulated, counts[:, None]))
    maxima, smaller = np.zeros(simulations), None
    for max_share, here in windows.items():
        maxima = _maxima(here.without(smaller), drawn, simulations, partial(on_part, max_share), least=maxima)
        smaller = here
        clusters = tuple(
            _cluster(found, counts, share, labels=labels, judge=judge, maxima=maxima)
            for found in _likeliest(here, judge)
        )
        results[max_share] = replace(results[max_share], clusters=clusters)
    return results


def simulate_counts(
    total: int, share: Floats, *, simulations: int, seed: int, dispersion: float | Floats | None = None
) -> Counts:
    """Draw counts as they would be by chance."""
    rng = np.random.default_rng(seed)
    drawn = np.empty((len(share), simulations), dtype=np.int32)
    # A few at a time are the same draws, in steps short enough to be ended between.
    parts = [slice(first, min(first + _BATCH, simulations)) for first in range(0, simulations, _BATCH)]
    if dispersion is None:
        for part in parts:
            drawn[:, part] = rng.multinomial(total, share, size=part.stop - part.start).T
        return drawn
    spread = np.maximum(np.broadcast_to(np.asarray(dispersion, dtype=np.float64), (simulations,)), _SCAN_LOST)[:, None]
    every = [rng.gamma(1 / spread[part], spread[part], size=(part.stop - part.start, len(share))) for part in parts]
    for part, factors in zip(parts, every, strict=True):
        # The least number keeps a draw possible where every factor of a simulation is as good as nothing.
        chances = (factors + np.finfo(np.float64).tiny) * share
        chances /= chances.sum(axis=1, keepdims=True)
        drawn[:, part] = rng.multinomial(total, chances).T
    return drawn


class _Judge:
    """Gives the ratios of the circles of one center: the likelihood ratio, or with a dispersion that of weighted cases.

    Where schools differ, many cases at one large school say less than as many at several: each case counts by the
    inverse of its unit's variance over that of a Poisson count, ``1 / (1 + dispersion * mean)``, in steps of one over
    `_STEPS` so that ratios can still be looked up.
    """

    def __init__(self, counts: Counts, share: Floats, dispersion: float | None, fewest: int) -> None:
        self.dispersion = dispersion
        self._counts, self._expected, self._fewest = np.ascontiguousarray(counts), share, fewest
        if not dispersion:
            self._weighted, self._share, self._scale = self._counts, share, 1
            self._ratio = LikelihoodRatio(int(counts[:, 0].sum()))
            self._enough = EnoughCases(self._ratio)
            return
        total = int(counts[:, 0].sum())
        # Fewer steps for very many cases: the look-up has a place for every weighted case.
        self._scale = max(1, min(_STEPS, _MOST_LOOKED_UP // max(total, 1)))
        weights = np.maximum(np.round(self._scale / (1 + dispersion * total * share)), 1).astype(np.int32)
        self._weighted = self._counts * weights[:, None]
        self._share = share * weights / (share @ weights)
        self._ratio = LikelihoodRatio(self._weighted.sum(axis=0))
        self._enough = EnoughCases(self._ratio.of_least)

    def __call__(self, order: NDArray[np.int64], ends: NDArray[np.bool_]) -> Floats:
        """Give the ratio of each circle in each simulation, shape (circles, simulations)."""
        held = np.cumsum(self._weighted[order], axis=0, dtype=np.int32)
        ratio = self._ratio(held[ends], np.cumsum(self._share[order])[ends])
        if self._scale > 1:
            ratio /= self._scale
        cases = self._cases_of_small(order, held)
        cases = cases[ends[: len(cases)]]
        ratio[: len(cases)][cases < self._fewest] = 0.0
        return ratio

    def raise_to(self, best: Floats, blocks: CircleBlocks) -> None:
        """Raise the largest ratios so far, shape (simulations,), to those of these circles where they are larger."""
        share = np.cumsum(self._share[blocks.order])
        # A hair less, for rounding.
        value = float(best.min()) * self._scale * (1 - _SCAN_LOST) - _SCAN_LOST

        def rate(cases: Counts, shares: Floats, simulation: Ints) -> Floats:
            return self._ratio(cases, shares, of=simulation) / self._scale

        circle, _, simulation, held = blocks.search(
            best,
            self._weighted[:, None],
            share[:, None],
            None,
            enough=lambda shares: np.maximum(self._enough(shares, value), self._fewest),
            ratio=rate,
        )
        ratio = rate(held, share[circle], simulation)
        small = np.flatnonzero(held < self._fewest * self._scale)
        if len(small):
            reach = blocks.order[: int(circle[small].max()) + 1]
            cases = np.cumsum(self._counts[reach], axis=0, dtype=np.int32)[circle[small], simulation[small]]
            ratio[small[cases < self._fewest]] = 0.0
        np.maximum.at(best, simulation, ratio)

    def blocks(self, order: Ints, ends: NDArray[np.bool_]) -> CircleBlocks:
        """Part the circles of a center into blocks."""
        return CircleBlocks.of(order, ends, self._share, float(self._counts[:, 0].sum()))

    def _cases_of_small(self, order: NDArray[np.int64], held: Counts) -> Counts:
        """Count the cases in the first, small circles: only those with little weight can hold too few."""
        small = np.flatnonzero((held < self._fewest * self._scale).any(axis=1))
        return np.cumsum(self._counts[order[: int(small[-1]) + 1 if len(small) else 0]], axis=0, dtype=np.int32)

    def of(self, batch: slice) -> _Judge:
        """Judge some of the simulations only."""
        return _Judge(self._counts[:, batch], self._expected, self.dispersion, self._fewest)

    def detectable_ratio(self, members: NDArray[np.int64], critical: float) -> float:
        """Find the smallest observed over expected of these units whose ratio is the critical one."""
        share, total = float(self._share[members].sum()), float(self._weighted[:, 0].sum()) / self._scale
        return smallest_ratio(share, total, critical)


@dataclass(frozen=True)
class _Found:
    members: NDArray[np.int64]
    llr: float
    radius: float


def _cluster(
    found: _Found, counts: Counts, share: Floats, *, labels: list[Hashable], judge: _Judge, maxima: Floats
) -> Cluster:
    total = int(counts.sum())
    observed, means = int(counts[found.members].sum()), total * share[found.members]
    low, high = ratio_interval(observed, means, dispersion=judge.dispersion)
    return Cluster(
        members=tuple(labels[i] for i in found.members),
        observed=observed,
        expected=float(means.sum()),
        relative_risk=_relative_risk(observed, float(means.sum()), total),
        ratio_low=low,
        ratio_high=high,
        llr=found.llr,
        p_value=rank_p_value(found.llr, maxima),
        gumbel_p_value=gumbel_p_value(found.llr, maxima),
        radius_m=found.radius,
        detectable_ratio=judge.detectable_ratio(found.members, critical_ratio(maxima)),
    )


def _relative_risk(observed: int, expected: float, total: int) -> float:
    if observed == total:
        return float("inf")
    return (observed / expected) / ((total - observed) / (total - expected))


def _maxima(
    windows: Windows,
    judge: _Judge,
    simulations: int,
    on_part: Callable[[str], None],
    *,
    least: Floats | None = None,
) -> Floats:
    """Find the largest ratio of each simulation, or `least`, in batches small enough for the processor's cache."""
    is_ended = Event()
    # From all over the map first: the sooner large ratios are known, the fewer of the others are computed.
    centers = [judge.blocks(order, ends) for order, ends in windows if len(order)]
    centers = [center for start in range(_SPREAD) for center in centers[start::_SPREAD]]

    def largest(batch: slice) -> Floats:
        part = judge.of(batch)
        best = np.zeros(len(range(*batch.indices(simulations)))) if least is None else least[batch].copy()
        for center in centers:
            if is_ended.is_set():
                break
            part.raise_to(best, center)
        return best

    batches = [slice(first, min(first + _BATCH, simulations)) for first in range(0, simulations, _BATCH)]
    found = []
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 4)) as pool:
        running = [pool.submit(largest, batch) for batch in batches]
        try:
            for batch, one in zip(batches, running, strict=True):
                on_part(f"{batch.start:,} of {simulations:,} simulations")
                found.append(one.result())
        finally:
            # Whoever ends it does not wait for the others.
            is_ended.set()
    return np.concatenate(found)


def in_order(*keys: NDArray[Any]) -> Iterator[int]:
    """Go through rows by the last key, ties by the one before; of millions the first ones before others are sorted."""
    last = keys[-1]
    end = np.partition(last, _AT_FIRST)[_AT_FIRST] if len(last) > _AT_FIRST else np.inf
    for rows in (np.flatnonzero(last <= end), np.flatnonzero(last > end)):
        yield from rows[np.lexsort([key[rows] for key in keys])].tolist()


def _likeliest(windows: Windows, judge: _Judge) -> list[_Found]:
    """List the likeliest windows that do not overlap a likelier one."""
    columns = []
    for center, (order, ends) in enumerate(windows):
        values, sizes = judge(order, ends)[:, 0], np.flatnonzero(ends) + 1
        is_more = values > _SCAN_LOST
        columns.append((-values[is_more], sizes[is_more], np.full(int(is_more.sum()), center)))
    value, size, center_of = (np.concatenate(column) for column in zip(*columns, strict=True))
    taken = np.zeros(len(windows.order), dtype=np.bool_)
    chosen: list[_Found] = []
    for at in in_order(center_of, size, value):
        members = windows.order[center_of[at], : size[at]]
        if not taken[members].any():
            taken[members] = True
            chosen.append(_Found(members, -float(value[at]), float(windows.radius[center_of[at], size[at] - 1])))
            if len(chosen) == MOST_CLUSTERS:
                break
    return chosen


def _checked(cases: ArrayLike, expected: ArrayLike) -> tuple[Counts, Floats]:
    """Return whole counts, and the share of them expected at each unit."""
    counts, means = np.asarray(cases, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if counts.ndim != 1 or counts.shape != means.shape or not len(counts):
        raise InputError(
            "Cases and expected cases do not fit each other.",
            found=f"shapes {counts.shape} and {means.shape}",
            expected="two lists of one length",
        )
    wrong = np.flatnonzero(~(np.isfinite(counts) & (counts >= 0) & (counts == np.round(counts))))
    if len(wrong):
        raise InputError("Cases are whole numbers, 0 or more.", ids=wrong, found=counts[wrong[0]])
    wrong = np.flatnonzero(~(np.isfinite(means) & (means > 0)))
    if len(wrong):
        raise InputError(
            "Expected cases are above 0.",
            ids=wrong,
            found=means[wrong[0]],
            remedy="Leave out units without a denominator, and say so.",
        )
    if counts.sum() > _MOST_CASES:
        raise InputError("These are too many cases to scan.", found=f"{counts.sum():,.0f}", expected=f"{_MOST_CASES:,}")
    return counts.astype(np.int32), means / means.sum()


def _require_settings(max_share: float, simulations: int, dispersion: float | Floats | None) -> None:
    if not 0 < max_share <= 1:
        raise InputError("A window holds a share of what is expected.", found=max_share, expected="above 0, at most 1")
    if simulations < 1:
        raise InputError("A p-value needs simulations.", found=simulations, expected="at least 1, better 999")
    if dispersion is None:
        return
    given = np.asarray(dispersion, dtype=np.float64)
    if given.shape not in ((), (simulations,)):
        raise InputError("There is one dispersion, or one for each simulation.", found=f"shape {given.shape}")
    if not (np.isfinite(given).all() and (given >= 0).all()):
        raise InputError("A dispersion is 0 or more.", found=dispersion)
