"""Kulldorff's space-time scan: neighboring schools high together in some months of a term."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.errors import InputError
from safeschools_geo.hotspots._expected import (
    FEWEST_EXPECTED,
    NOT_CLEARLY,
    month_counts,
    number_word,
    once_in_terms,
    ratio_interval,
    times,
)
from safeschools_geo.hotspots._schools import officer_share, overlap
from safeschools_geo.hotspots.scan import (
    MOST_CLUSTERS,
    NO_SHARE,
    CircleBlocks,
    Distances,
    EnoughCases,
    LikelihoodRatio,
    Windows,
    critical_ratio,
    gumbel_p_value,
    in_order,
    nested_windows,
    rank_p_value,
    simulate_counts,
    smallest_ratio,
)
from safeschools_geo.schemas import POPULATIONS
from safeschools_geo.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from safeschools_geo.hotspots._schools import SchoolRates
    from safeschools_geo.settings import CalendarSettings, Term

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int32]


# ── Kulldorff's space-time scan: neighboring schools and successive periods with more cases than expected

_BATCH = 64
_LOST = 1e-9


@dataclass(frozen=True)
class SpaceTimeCluster:
    """Neighboring units with more cases than expected over successive periods."""

    members: tuple[Hashable, ...]  # The units, nearest to the center first
    periods: tuple[Hashable, ...]  # The periods, in order
    observed: int  # Cases in them
    expected: float  # Cases expected in them
    # 95 % interval of observed over expected, not adjusted for the search
    ratio_low: float
    ratio_high: float
    llr: float  # Log likelihood ratio
    p_value: float  # One-sided Monte-Carlo p-value, after looking at all windows
    gumbel_p_value: float  # The same from a Gumbel distribution fitted to the simulated maxima
    # Smallest observed over expected at which these units and periods would have had a p-value of 5 %
    detectable_ratio: float


@dataclass(frozen=True)
class SpaceTimeScanResult:
    """What a space-time scan found."""

    # The most likely cluster and further ones that do not overlap it or each other in space and time
    clusters: tuple[SpaceTimeCluster, ...]
    model: str  # ``poisson`` (with a denominator) or ``permutation`` (without)
    windows: int  # Number of windows looked at
    settings: dict[str, Any]  # What it was set to


class NestedScans:
    """Scans for neighbors and successive periods with high rates, on the same simulations for several largest shares.

    Each window is looked at once. Clusters come with p-values (M. Kulldorff, W. Athas et al., "Evaluating cluster
    alarms: a space-time scan statistic", American Journal of Public Health 88, 1998).
    """

    def __init__(
        self,
        cases: pd.DataFrame,
        expected: pd.DataFrame | None,
        xy: NDArray[np.float64],
        max_shares: Iterable[float],
        *,
        max_periods: int | None = None,
        simulations: int = 999,
        seed: int = 0,
        dispersion: float | Floats | None = None,
        distances: Distances = "plane",
        min_cases: int = 2,
        min_expected: float = 0.0,
        on_part: Callable[[float, str], None] = lambda *_: None,
    ) -> None:
        self._labels, self._moments, self._on_part = list(cases.index), list(cases.columns), on_part
        self._counts, self._share = _checked(cases, expected)
        self._total, periods = int(self._counts.sum()), self._counts.shape[1]
        longest = max(1, periods // 2) if max_periods is None else max_periods
        self._windows = nested_windows(xy, self._share.sum(axis=1), max_shares, distances=distances)
        self._model = "permutation" if expected is None else "poisson"
        self._spread = None if dispersion is None or expected is None else float(np.mean(dispersion))
        self._settings = {"max_periods": longest, "simulations": simulations, "seed": seed}
        self._settings |= {"dispersion": self._spread, "distances": distances}
        self._runs = [(a, b) for a in range(periods) for b in range(a + 1, min(a + longest, periods) + 1)]
        self._fewest, self._least = min_cases, min_expected / self._total if self._total else 0.0
        self._known: dict[float, Floats] = {}
        if self._total >= min_cases:
            self._simulated = (
                _permuted(self._counts, simulations=simulations, seed=seed)
                if expected is None
                else _drawn(self._total, self._share, simulations=simulations, seed=seed, dispersion=dispersion)
            )

    def result(self, max_share: float) -> SpaceTimeScanResult:
        """Scan with one of the largest shares."""
        windows, total = self._windows[max_share], self._total
        found, looked = [], windows.count * len(self._runs)
        for members, (a, b), llr in _likeliest(self._counts, self._cylinders(windows)) if total >= self._fewest else ():
            maxima = self._maxima(max_share)
            observed = int(self._counts[members, a:b].sum())
            means = total * self._share[members, a:b].sum(axis=1)
            low, high = ratio_interval(observed, means, dispersion=self._spread)
            found.append(
                SpaceTimeCluster(
                    members=tuple(self._labels[i] for i in members),
                    periods=tuple(self._moments[a:b]),
                    observed=observed,
                    expected=float(means.sum()),
                    ratio_low=low,
                    ratio_high=high,
                    llr=llr,
                    p_value=rank_p_value(llr, maxima),
                    gumbel_p_value=gumbel_p_value(llr, maxima),
                    detectable_ratio=smallest_ratio(float(means.sum()) / total, total, critical_ratio(maxima)),
                )
            )
        return SpaceTimeScanResult(tuple(found), self._model, looked, {"max_share": max_share, **self._settings})

    def _cylinders(self, windows: Windows) -> _Cylinders:
        ratio = LikelihoodRatio(self._total)
        return _Cylinders(windows, self._share, self._runs, ratio, self._fewest, self._least)

    def _maxima(self, max_share: float) -> Floats:
        """Find the largest ratio of each simulation: those of smaller windows first, then those of the others."""
        if max_share not in self._known:
            smaller = max((s for s in self._windows if s < max_share), default=None)
            least = None if smaller is None else self._maxima(smaller)
            rest = self._windows[max_share].without(None if smaller is None else self._windows[smaller])
            cylinders, simulations = self._cylinders(rest), self._simulated.shape[-1]
            batches = []
            for first in range(0, simulations, _BATCH):
                self._on_part(max_share, f"{first:,} of {simulations:,} simulations")
                part = slice(first, first + _BATCH)
                batches.append(
                    cylinders.maxima(self._simulated[:, :, part], least=None if least is None else least[part])
                )
            self._known[max_share] = np.concatenate(batches)
        return self._known[max_share]


def _drawn(total: int, share: Floats, *, simulations: int, seed: int, dispersion: float | Floats | None) -> Counts:
    """Draw counts of units, and spread each unit's over the periods."""
    units = simulate_counts(total, share.sum(axis=1), simulations=simulations, seed=seed, dispersion=dispersion)
    rng = np.random.default_rng([seed, 1])
    within = share / share.sum(axis=1, keepdims=True)
    drawn = np.empty((*share.shape, simulations), dtype=np.int32)
    for unit, counts in enumerate(units):
        drawn[unit] = rng.multinomial(counts, within[unit]).T
    return drawn


def _permuted(counts: Counts, *, simulations: int, seed: int) -> Counts:
    """Deal the periods out anew among the cases: the sums of every unit and period stay."""
    n, periods = counts.shape
    unit, period = (np.repeat(axis.ravel(), counts.ravel()) for axis in np.indices(counts.shape))
    rng = np.random.default_rng(seed)
    result = np.empty((n, periods, simulations), dtype=np.int32)
    for i in range(simulations):
        result[:, :, i] = np.bincount(unit * periods + rng.permutation(period), minlength=n * periods).reshape(n, -1)
    return result


@dataclass(frozen=True)
class _Cylinders:
    """Circles, each over every run of periods."""

    windows: Windows
    share: Floats
    runs: list[tuple[int, int]]
    ratio: LikelihoodRatio
    fewest: int
    least_share: float

    def held(self, counts: Counts) -> Iterator[tuple[int, Counts, Floats]]:
        """Yield for each center the cases in its circles over each run, and the share of them expected there.

        Shapes (circles, runs, simulations) and (circles, runs).
        """
        first, last = np.array(self.runs).T
        from_start = _from_start(counts)
        for center, (order, ends) in enumerate(self.windows):
            held = np.cumsum(from_start[order], axis=0, dtype=np.int32)[ends]
            means = _from_start(np.cumsum(self.share[order], axis=0)[ends])
            yield center, held[:, last] - held[:, first], means[:, last] - means[:, first]

    def ratios(self, inside: Counts, share: Floats) -> Floats:
        """Compute the ratios of windows, shape (windows,): 0 where one is too small to be looked at."""
        values = self.ratio(inside, share + NO_SHARE)
        values[(inside < self.fewest) | (share < self.least_share * (1 - _LOST))] = 0.0
        return values

    @cached_property
    def blocks(self) -> list[CircleBlocks]:
        """The circles of each center, in blocks as long as those of the shortest run may be."""
        units = self.share.sum(axis=1)
        cases = self.ratio.total / self.share.shape[1]
        return [CircleBlocks.of(order, ends, units, cases) for order, ends in self.windows if len(order)]

    def maxima(self, counts: Counts, *, least: Floats | None = None) -> Floats:
        """Find the largest ratio of each simulation, or `least`."""
        largest = np.zeros(counts.shape[-1]) if least is None else least.copy()
        enough, table = EnoughCases(self.ratio), np.ascontiguousarray(_from_start(counts))
        first, last = np.array(self.runs).T
        for center in self.blocks:
            means = _from_start(np.cumsum(self.share[center.order], axis=0))
            share, value = means[:, last] - means[:, first], float(largest.min())
            circle, run, simulation, inside = center.search(
                largest,
                table,
                share,
                (first, last),
                enough=lambda shares: np.maximum(enough(shares, value), self.fewest),  # noqa: B023 - used at once
                ratio=lambda cases, shares, _: self.ratio(cases, shares + NO_SHARE),
            )
            np.maximum.at(largest, simulation, self.ratios(inside, share[circle, run]))
        return largest


def _from_start(table: Any) -> Any:  # noqa: ANN401 - counts in, counts out; shares in, shares out
    """Sum over the periods before each, with a 0 in front: a run is then one difference."""
    zero = np.zeros_like(table[:, :1])
    return np.concatenate([zero, np.cumsum(table, axis=1, dtype=table.dtype)], axis=1)


def _likeliest(counts: Counts, cylinders: _Cylinders) -> list[tuple[NDArray[np.int64], tuple[int, int], float]]:
    """List the likeliest windows that overlap no likelier one in space and time."""
    columns = []
    for center, inside, share in cylinders.held(counts[:, :, None]):
        sizes = np.flatnonzero(cylinders.windows.is_complete[center]) + 1
        values = cylinders.ratios(inside[:, :, 0].ravel(), share.ravel()).reshape(share.shape)
        circle, run = np.nonzero(values > _LOST)
        columns.append((-values[circle, run], sizes[circle], np.full(len(circle), center), run))
    value, size, center_of, run_of = (np.concatenate(column) for column in zip(*columns, strict=True))
    taken = np.zeros(counts.shape, dtype=np.bool_)
    chosen: list[tuple[NDArray[np.int64], tuple[int, int], float]] = []
    for at in in_order(run_of, center_of, size, value):
        members, (a, b) = cylinders.windows.order[center_of[at], : size[at]], cylinders.runs[run_of[at]]
        if not taken[members, a:b].any():
            taken[members, a:b] = True
            chosen.append((members, (a, b), -float(value[at])))
            if len(chosen) == MOST_CLUSTERS:
                break
    return chosen


def _checked(cases: pd.DataFrame, expected: pd.DataFrame | None) -> tuple[Counts, Floats]:
    counts = cases.to_numpy(dtype=np.float64)
    if counts.ndim != 2 or not counts.size:  # noqa: PLR2004 - units and periods
        raise InputError("A space-time scan needs units and periods.", found=f"shape {counts.shape}")
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts == np.round(counts)).all()):
        raise InputError("Cases are whole numbers, 0 or more.")
    if expected is None:
        rows, columns = counts.sum(axis=1), counts.sum(axis=0)
        empty = np.flatnonzero(rows == 0)
        if len(empty):
            raise InputError(
                "The permutation model has no place for units without a case.",
                ids=cases.index[empty],
                remedy="Leave them out: they do not change the result.",
            )
        return counts.astype(np.int32), np.outer(rows, columns) / counts.sum() ** 2
    means = expected.to_numpy(dtype=np.float64)
    if means.shape != counts.shape:
        raise InputError("Cases and expected cases do not fit each other.", found=f"{counts.shape} and {means.shape}")
    if not (np.isfinite(means).all() and (means >= 0).all() and (means.sum(axis=1) > 0).all()):
        raise InputError("Expected cases are 0 or more, and above 0 for every unit in some period.")
    if (counts[means == 0] > 0).any():
        raise InputError("There are cases where none can be expected.", remedy="Count cases on school days only.")
    return counts.astype(np.int32), means / means.sum()


# ── Neighboring schools that are high together in some months of a term, with a denominator or without

FEWEST_INCIDENTS = 20
FEWEST_MONTHS = 3
MOST_SIMULATIONS = 999
_OTHER_SHARES = (0.1, 0.5)
_COLUMNS = (
    "wave_id",
    "status",
    "members",
    "months",
    "zone_id",
    "observed",
    "expected",
    "ratio",
    "ratio_low",
    "ratio_high",
    "llr",
    "p_value",
    "gumbel_p_value",
    "detectable_ratio",
    "stability_share",
    "officer_initiated_share",
    "sentence",
)


@dataclass(frozen=True)
class SchoolMonths:
    """Groups of neighboring schools in runs of months."""

    table: pd.DataFrame  # One row for each, the likeliest first: see `school_months`
    scan: SpaceTimeScanResult | None  # Result of the scan; None where there was too little to scan
    # ``poisson`` (over student-days), ``permutation`` (no school can be compared with its level) or ``none``
    model: str
    share_of_days: pd.Series  # Share of the term's school days in each month
    settings: dict[str, Any]  # What the scan was set to

    @property
    def high(self) -> pd.DataFrame:
        """Those that are high."""
        return self.table[self.table["status"] == "high"]

    def summary(self) -> str:
        """Say in plain English what was found."""
        if self.scan is None:
            return (
                f"Months were not compared: fewer than {FEWEST_INCIDENTS} {POPULATIONS['reported']} at schools that "
                f"can be compared, or fewer than {FEWEST_MONTHS} months."
            )
        why = (
            ""
            if self.model == "poisson"
            else " No school can be compared with others of its level for its enrollment: each is compared with its "
            "own other months, and the months with those of the other schools (permutation model)."
        )
        if self.high.empty:
            return f"No schools are clearly above what is expected in any months of the term.{why}"
        return " ".join(self.high["sentence"]) + why

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()


def school_months(
    history: pd.DataFrame,
    rates: SchoolRates,
    places: gpd.GeoSeries,
    *,
    term: Term,
    calendar: CalendarSettings,
    crs: CRS,
    alpha: float = 0.05,
    max_share: float = 0.25,
    simulations: int = 999,
    seed: int = 0,
    on_part: Callable[[str], None] = lambda _: None,
) -> SchoolMonths:
    """Scan schools and months of a term for runs that stand out.

    `table` has `wave_id`, `status` (``high`` or ``not_high``), `members` (ids joined by ``;``), `months` (``2026-02``
    … joined by ``;``), `zone_id`, `observed` (reported incidents), `expected`, `ratio` with an interval, `llr`,
    `p_value` (one-sided, after all windows), `gumbel_p_value`, `detectable_ratio`, `stability_share` (mean overlap
    with what is high with windows of 10 % and 50 %), `officer_initiated_share` (of the term) and `sentence`. With a
    denominator a school's expected incidents are spread over the months by their school days; without one the
    permutation model takes the sums of schools and months as given.
    """
    cases, days = month_counts(history, rates.table, term=term, calendar=calendar)
    table = rates.table.set_index("school_id", drop=False)
    at = places.to_crs(crs).representative_point().reindex(cases.index)
    is_placed = ~(at.isna() | at.is_empty)
    is_rated = table["expected"].gt(0)
    has_rates = bool(is_rated.any())
    used = is_placed & (is_rated if has_rates else cases.sum(axis=1).gt(0))
    cases, at = cases[used], at[used]
    draws = min(simulations, MOST_SIMULATIONS)
    settings = {"alpha": alpha, "max_share": max_share, "simulations": draws, "seed": seed}
    model = "poisson" if has_rates else "permutation"
    spread = days / days.sum()
    if cases.to_numpy().sum() < FEWEST_INCIDENTS or len(days) < FEWEST_MONTHS:
        return SchoolMonths(pd.DataFrame(columns=list(_COLUMNS)), None, "none", spread, settings)
    expected = (
        pd.DataFrame(np.outer(table.loc[cases.index, "expected"], spread), cases.index, cases.columns)
        if has_rates
        else None
    )

    scans = NestedScans(
        cases,
        expected,
        np.c_[at.x, at.y],
        {max_share, *_OTHER_SHARES},
        simulations=draws,
        seed=seed,
        dispersion=rates.ordinary.sample_dispersions(draws, seed=seed) if has_rates else None,
        min_expected=FEWEST_EXPECTED,
        on_part=lambda share, what: on_part(f"windows of {share:.0%}, {what}"),
    )
    found = scans.result(max_share)
    significant = [c for c in found.clusters if c.p_value <= alpha]
    others = [scans.result(share) for share in _OTHER_SHARES] if significant else []
    rows = []
    for number, cluster in enumerate(found.clusters, start=1):
        is_high = cluster.p_value <= alpha
        ids = list(cluster.members)
        rows.append(
            {
                "wave_id": f"M{number}",
                "status": "high" if is_high else "not_high",
                "members": ";".join(map(str, ids)),
                "months": ";".join(map(str, cluster.periods)),
                "zone_id": ";".join(_zones(table, ids)),
                "observed": cluster.observed,
                "expected": cluster.expected,
                "ratio": cluster.observed / cluster.expected,
                "ratio_low": cluster.ratio_low,
                "ratio_high": cluster.ratio_high,
                "llr": cluster.llr,
                "p_value": cluster.p_value,
                "gumbel_p_value": cluster.gumbel_p_value,
                "detectable_ratio": cluster.detectable_ratio,
                "stability_share": float(np.mean([_stays(cluster, o, alpha) for o in others])) if is_high else np.nan,
                "officer_initiated_share": officer_share(table, ids),
                "sentence": _sentence(cluster, table, model, is_high=is_high),
            }
        )
    return SchoolMonths(pd.DataFrame(rows, columns=list(_COLUMNS)), found, model, spread, settings)


def _zones(table: pd.DataFrame, ids: list[Any]) -> list[str]:
    return sorted({z for z in table.loc[ids, "zone_id"] if z})


def _stays(cluster: SpaceTimeCluster, other: SpaceTimeScanResult, alpha: float) -> float:
    """Measure the best overlap, in schools and months, with what is high under another window."""
    cells = [(m, p) for m in cluster.members for p in cluster.periods]
    found = [[(m, p) for m in c.members for p in c.periods] for c in other.clusters if c.p_value <= alpha]
    return max((overlap(cells, theirs) for theirs in found), default=0.0)


def _sentence(cluster: SpaceTimeCluster, table: pd.DataFrame, model: str, *, is_high: bool) -> str:
    number, zones = len(cluster.members), _zones(table, list(cluster.members))
    where = f" in Zone{'s' if len(zones) > 1 else ''} {listed(zones)}" if zones else ""
    first, last = (pd.Timestamp(f"{p}-01").strftime("%B %Y") for p in (cluster.periods[0], cluster.periods[-1]))
    when = f"in {first}" if first == last else f"from {first} to {last}"
    basis = (
        f"for {'its enrollment and level' if number == 1 else 'their enrollment and levels'}"
        if model == "poisson"
        else "from these schools' other months and the district's"
    )
    text = (
        f"{number_word(number)} school{'s' if number != 1 else ''}{where} had "
        f"{times(cluster.observed / cluster.expected)} the {POPULATIONS['reported']} expected {basis} {when} "
        f"({cluster.observed:,} against {cluster.expected:.1f}); a pattern this strong arises by chance "
        f"{once_in_terms(cluster.p_value)} after looking at all schools and months"
    )
    return f"{text}." if is_high else f"{text}: {NOT_CLEARLY}."
