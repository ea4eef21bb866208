"""Neighbouring schools that are high together, under several windows, and whether officers' own work makes them so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from safeschools_geo.hotspots.honesty import officer_share
from safeschools_geo.hotspots.intervals import rate_interval
from safeschools_geo.hotspots.rates import MOSTLY
from safeschools_geo.hotspots.scan import ScanResult, poisson_scan
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
    from collections.abc import Iterable, Sequence

    from pyproj import CRS

    from safeschools_geo.hotspots.dispersion import OrdinaryRates
    from safeschools_geo.hotspots.rates import SchoolRates
    from safeschools_geo.hotspots.scan import Cluster

OTHER_SHARES = (0.1, 0.5)
"""Largest windows whose results stand beside those of the chosen one."""

FEWEST_SCHOOLS = 10
"""Fewest schools with a rate and a place among which groups are looked for."""

FEWEST_CALLS = 20
"""Fewest reported calls at them."""

_AROUND_M = 250.0


@dataclass(frozen=True)
class SchoolGroups:
    """Groups of neighbouring schools.

    Parameters
    ----------
    table
        One row for each group, the likeliest first: see `school_groups`.
    scans
        Largest share of a window → result of the scan of reported incidents.
    schools
        Number of schools looked at.
    reported
        Reported calls for zone officers at them.
    without_place
        Ids of schools with a rate and no place, which no group can hold.
    settings
        What the scans were set to.
    """

    table: gpd.GeoDataFrame
    scans: dict[float, ScanResult]
    schools: int
    reported: int
    without_place: tuple[str, ...]
    settings: dict[str, Any]

    @property
    def high(self) -> gpd.GeoDataFrame:
        """The groups that are high."""
        return self.table[self.table["status"] == "high"]

    def summary(self) -> str:
        """Say in plain English what was found.

        Returns
        -------
        str
            The sentences of the groups that are high, or that there is none.
        """
        if not self.scans:
            return (
                f"No groups of neighboring schools were looked for: that takes {FEWEST_SCHOOLS} schools with a place "
                f"that can be compared and {FEWEST_CALLS} {POPULATIONS['reported']} at them; there are {self.schools} "
                f"schools and {self.reported:,} calls."
            )
        if self.high.empty:
            return f"No group of neighbors among the {self.schools} schools compared is clearly above what is expected."
        return " ".join(self.high["sentence"])

    def to_frame(self) -> pd.DataFrame:
        """Return the table without its shapes.

        Returns
        -------
        pandas.DataFrame
            `table` without `geometry`.
        """
        return pd.DataFrame(self.table.drop(columns="geometry"))


def school_groups(
    rates: SchoolRates,
    places: gpd.GeoSeries,
    *,
    crs: CRS,
    alpha: float = 0.05,
    max_share: float = 0.25,
    simulations: int = 999,
    seed: int = 0,
) -> SchoolGroups:
    """Look for groups of neighbouring schools that are high together.

    Parameters
    ----------
    rates
        Rates of the schools in a term.
    places
        Place of each school, by `school_id`, any CRS.
    crs
        Projected CRS in metres to measure in.
    alpha
        Largest p-value of a group called high.
    max_share
        Largest share of the expected incidents in a group; results at `OTHER_SHARES` stand beside it.
    simulations
        Number of simulations.
    seed
        Seed.

    Returns
    -------
    SchoolGroups
        `table` has `group_id`, `status` (``high``, ``not_high`` or ``rests_on_officer_initiated``: high only when what
        officers started is counted, and mostly that), `members` (ids joined by ``;``), `schools`, `zone_id` (zones
        joined by ``;``), `observed`, `expected`, `ratio` with `ratio_low` and `ratio_high`, `relative_risk`,
        `rate_per_1000` with its exact interval, `llr`, `p_value`, `gumbel_p_value`, `p_value_10`, `p_value_50` (of the
        group that overlaps it most with windows of 10 % and 50 %), `stability_share` (mean overlap, as Jaccard's
        coefficient, with a group that is high there), `detectable_ratio`, `officer_initiated_share`, `sentence` and
        `geometry` (a hull around the schools, EPSG:4326).
    """
    at = places.to_crs(crs).representative_point()
    table = rates.table.assign(all_expected=rates.all_expected).set_index("school_id", drop=False)
    rated = table[table["expected"].gt(0)]
    xy = pd.DataFrame({"x": at.x, "y": at.y}).reindex(rated.index)
    is_placed = xy.notna().all(axis=1)
    rated, xy = rated[is_placed], xy[is_placed]
    settings = {"alpha": alpha, "max_share": max_share, "simulations": simulations, "seed": seed}
    lost = tuple(map(str, is_placed.index[~is_placed]))
    calls = int(rated["reported"].sum())
    if len(rated) < FEWEST_SCHOOLS or calls < FEWEST_CALLS:
        return SchoolGroups(_as_table([], crs), {}, len(rated), calls, lost, settings)

    def scan(cases: str, expected: str, ordinary: OrdinaryRates, share: float) -> ScanResult:
        known = rated[expected].clip(lower=1e-6)
        dispersions = ordinary.sample_dispersions(simulations, seed=seed)
        return poisson_scan(
            rated[cases],
            known,
            xy.to_numpy(),
            max_share=share,
            simulations=simulations,
            seed=seed,
            dispersion=dispersions,
            min_expected=FEWEST_EXPECTED,
        )

    scans = {share: scan("reported", "expected", rates.ordinary, share) for share in (max_share, *OTHER_SHARES)}
    everything = scan("incidents", "all_expected", rates.all_ordinary, max_share)
    rows = [
        _row(cluster, rated, scans, alpha, "high" if cluster.p_value <= alpha else "not_high")
        for cluster in scans[max_share].clusters
    ]
    rows += [
        _row(cluster, rated, scans, alpha, "rests_on_officer_initiated")
        for cluster in everything.significant(alpha)
        if officer_share(rated, cluster.members) >= MOSTLY
    ]
    for number, row in enumerate(rows, start=1):
        row["group_id"] = f"G{number}"
        row["geometry"] = gpd.GeoSeries(at[row.pop("ids")]).union_all().convex_hull.buffer(_AROUND_M)
    return SchoolGroups(_as_table(rows, crs), scans, len(rated), calls, lost, settings)


def overlap(one: Iterable[object], other: Iterable[object]) -> float:
    """Measure how far two groups are the same.

    Parameters
    ----------
    one, other
        Members of the groups.

    Returns
    -------
    float
        Jaccard's coefficient: shared members over all members, 0 to 1.
    """
    first, second = set(one), set(other)
    return len(first & second) / len(first | second) if first | second else 0.0


_COLUMNS = (
    "group_id",
    "status",
    "members",
    "schools",
    "zone_id",
    "observed",
    "expected",
    "ratio",
    "ratio_low",
    "ratio_high",
    "relative_risk",
    "rate_per_1000",
    "rate_low_per_1000",
    "rate_high_per_1000",
    "llr",
    "p_value",
    "gumbel_p_value",
    "p_value_10",
    "p_value_50",
    "stability_share",
    "detectable_ratio",
    "officer_initiated_share",
    "sentence",
    "geometry",
)


def _as_table(rows: list[dict[str, Any]], crs: CRS) -> gpd.GeoDataFrame:
    frame = gpd.GeoDataFrame(pd.DataFrame(rows, columns=list(_COLUMNS)), geometry="geometry", crs=crs)
    return frame.to_crs("EPSG:4326")


def _row(
    cluster: Cluster, rated: pd.DataFrame, scans: dict[float, ScanResult], alpha: float, status: str
) -> dict[str, Any]:
    ids = list(cluster.members)
    rows = rated.loc[ids]
    days, reported = float(rows["student_days"].sum()), int(rows["reported"].sum())
    low, high = rate_interval(reported, days)
    others = {share: _likest(cluster, scans[share].clusters) for share in OTHER_SHARES}
    stays = [overlap(ids, c.members) if c and c.p_value <= alpha else 0.0 for c in others.values()]
    share = officer_share(rows, ids)
    return {
        "ids": ids,
        "status": status,
        "members": ";".join(map(str, ids)),
        "schools": len(ids),
        "zone_id": ";".join(sorted({z for z in rows["zone_id"] if z})),
        "observed": cluster.observed,
        "expected": cluster.expected,
        "ratio": cluster.ratio,
        "ratio_low": cluster.ratio_low,
        "ratio_high": cluster.ratio_high,
        "relative_risk": cluster.relative_risk,
        "rate_per_1000": 1000 * reported / days,
        "rate_low_per_1000": 1000 * float(low),
        "rate_high_per_1000": 1000 * float(high),
        "llr": cluster.llr,
        "p_value": cluster.p_value,
        "gumbel_p_value": cluster.gumbel_p_value,
        "p_value_10": others[0.1].p_value if others[0.1] else np.nan,
        "p_value_50": others[0.5].p_value if others[0.5] else np.nan,
        "stability_share": float(np.mean(stays)),
        "detectable_ratio": cluster.detectable_ratio,
        "officer_initiated_share": share,
        "sentence": _sentence(cluster, rows, len(rated), status, share),
    }


def _likest(cluster: Cluster, others: Sequence[Cluster]) -> Cluster | None:
    touching = [c for c in others if overlap(cluster.members, c.members) > 0]
    return max(touching, key=lambda c: overlap(cluster.members, c.members), default=None)


def _sentence(cluster: Cluster, rows: pd.DataFrame, looked_at: int, status: str, share: float) -> str:
    number = len(cluster.members)
    zones = sorted({z for z in rows["zone_id"] if z})
    where = f" in Zone{'s' if len(zones) > 1 else ''} {listed(zones)}" if zones else ""
    whose = "its enrollment and level" if number == 1 else "their enrollment and levels"
    what = POPULATIONS["calls" if status == "rests_on_officer_initiated" else "reported"]
    told = (
        f"{number_word(number)} school{'s' if number != 1 else ''}{where} had {times(cluster.ratio)} the {what} "
        f"expected for {whose} ({cluster.observed:,} against {cluster.expected:.1f})"
    )
    chance = f"a pattern this strong arises by chance {once_in_terms(cluster.p_value)}"
    looking = f"after looking at all {looked_at} schools compared"
    if status == "rests_on_officer_initiated":
        return f"{told}, but officers started {share:.0%} of them themselves: this says where officers looked."
    if status == "not_high":
        return f"{told}; {chance} {looking}: {NOT_CLEARLY}."
    return f"{told}; {chance} {looking}."
