"""Neighbouring schools that are high together in some months of a term, with a denominator or without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.hotspots.exposure import month_counts
from safeschools_geo.hotspots.groups import overlap
from safeschools_geo.hotspots.honesty import officer_share
from safeschools_geo.hotspots.space_time_scan import SpaceTimeScanResult, space_time_scan
from safeschools_geo.hotspots.words import (
    FEWEST_EXPECTED,
    NOT_CLEARLY,
    listed,
    number_word,
    once_in_terms,
    times,
)
from safeschools_geo.schemas import POPULATIONS

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.hotspots.rates import SchoolRates
    from safeschools_geo.hotspots.space_time_scan import SpaceTimeCluster
    from safeschools_geo.settings import CalendarSettings, Term

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
    """Groups of neighbouring schools in runs of months.

    Parameters
    ----------
    table
        One row for each, the likeliest first: see `school_months`.
    scan
        Result of the scan; None where there was too little to scan.
    model
        ``poisson`` (over student-days), ``permutation`` (no school can be compared with its level) or ``none``.
    share_of_days
        Share of the term's school days in each month.
    settings
        What the scan was set to.
    """

    table: pd.DataFrame
    scan: SpaceTimeScanResult | None
    model: str
    share_of_days: pd.Series
    settings: dict[str, Any]

    @property
    def high(self) -> pd.DataFrame:
        """Those that are high."""
        return self.table[self.table["status"] == "high"]

    def summary(self) -> str:
        """Say in plain English what was found.

        Returns
        -------
        str
            The sentences of those that are high, or that there is none.
        """
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
        """Return the table.

        Returns
        -------
        pandas.DataFrame
            A copy of `table`.
        """
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
) -> SchoolMonths:
    """Scan schools and months of a term for runs that stand out.

    Parameters
    ----------
    history
        Incidents in context.
    rates
        Rates of the schools in this term.
    places
        Place of each school, by `school_id`, any CRS.
    term
        The term.
    calendar
        Weekdays with school, and holidays.
    crs
        Projected CRS in metres to measure in.
    alpha
        Largest p-value of what is called high.
    max_share
        Largest share of the expected incidents in the circle.
    simulations
        Number of simulations, at most `MOST_SIMULATIONS` of which are used: windows are many.
    seed
        Seed.

    Returns
    -------
    SchoolMonths
        `table` has `wave_id`, `status` (``high`` or ``not_high``), `members` (ids joined by ``;``), `months`
        (``2026-02`` … joined by ``;``), `zone_id`, `observed` (reported incidents), `expected`, `ratio` with an
        interval, `llr`, `p_value` (one-sided, after all windows), `gumbel_p_value`, `detectable_ratio`,
        `stability_share` (mean overlap with what is high with windows of 10 % and 50 %), `officer_initiated_share` (of
        the term) and `sentence`. With a denominator a school's expected incidents are spread over the months by their
        school days; without one the permutation model takes the sums of schools and months as given.
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

    def scan(share: float) -> SpaceTimeScanResult:
        return space_time_scan(
            cases,
            expected,
            np.c_[at.x, at.y],
            max_share=share,
            simulations=draws,
            seed=seed,
            dispersion=rates.ordinary.sample_dispersions(draws, seed=seed) if has_rates else None,
            min_expected=FEWEST_EXPECTED,
        )

    found = scan(max_share)
    significant = [c for c in found.clusters if c.p_value <= alpha]
    others = [scan(share) for share in _OTHER_SHARES] if significant else []
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
    told = (
        f"{number_word(number)} school{'s' if number != 1 else ''}{where} had "
        f"{times(cluster.observed / cluster.expected)} the {POPULATIONS['reported']} expected {basis} {when} "
        f"({cluster.observed:,} against {cluster.expected:.1f}); a pattern this strong arises by chance "
        f"{once_in_terms(cluster.p_value)} after looking at all schools and months"
    )
    return f"{told}." if is_high else f"{told}: {NOT_CLEARLY}."
