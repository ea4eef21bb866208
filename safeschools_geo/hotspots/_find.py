"""Find every hotspot of a term: the story from counts to one sentence each."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
from pyproj import CRS, Transformer

from safeschools_geo.checks import find_piles, pile_of
from safeschools_geo.hotspots._backtest import Backtest, backtest
from safeschools_geo.hotspots._change import (
    EVERYWHERE,
    ZoneChange,
    baseline_terms,
    changes_against,
    cube_classes,
    trend_tests,
)
from safeschools_geo.hotspots._expected import counted, places_m, school_counts
from safeschools_geo.hotspots._hours import hour_hotspots
from safeschools_geo.hotspots._months import school_months
from safeschools_geo.hotspots._places import kernel_density, place_clusters
from safeschools_geo.hotspots._result import (
    Density,
    Hotspots,
    PlaceHotspots,
    SchoolHotspots,
    TermTrends,
    list_spots,
    zone_shares,
)
from safeschools_geo.hotspots._schools import group_rates, school_groups, school_rates
from safeschools_geo.hotspots.grid import grid_hotspots
from safeschools_geo.hotspots.spacetime import knox
from safeschools_geo.schemas import NON_CRITICAL
from safeschools_geo.school_calendar import local_day, school_days
from safeschools_geo.settings import Settings, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from safeschools_geo.hotspots._schools import SchoolRates
    from safeschools_geo.hotspots.spacetime import KnoxResult


_OF_PLACES = ("category", "origin", "occurred_at", "hour", "zone_id", "school_id", "work_of", "geometry")
_PICTURE = (250, 300)
_SIMULATIONS = 999
_MARGIN = 3.0


@dataclass(frozen=True)
class TermInputs:
    """What hotspots of a term are found in.

    Parameters
    ----------
    history
        Incidents in context, of all terms, EPSG:4326.
    schools, zones
        The tables of these names, EPSG:4326.
    school_zones
        Zone of each school, by `school_id`; empty text where a school has none.
    workload
        Table `workload`, of all terms.
    term
        The term. Terms after it are not looked at.
    settings
        Settings of the district.
    crs
        Projected CRS in meters to measure in.
    seed
        Seed of everything random.
    zones_before
        An earlier term, and the zone of each school in it, by `school_id`; None where that is not known.
    """

    history: gpd.GeoDataFrame
    schools: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame
    school_zones: pd.Series
    workload: pd.DataFrame
    term: Term
    settings: Settings
    crs: CRS
    seed: int = 0
    zones_before: tuple[str, pd.Series] | None = None

    @property
    def this(self) -> gpd.GeoDataFrame:
        """The incidents of the term."""
        return self.history[self.history["term"] == self.term.name]

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms up to this one of which the record has any incident, and this one, in the order of time."""
        terms = (t for t in self.settings.terms if t not in self.without_record or t == self.term)
        return tuple(sorted((t for t in terms if t.start <= self.term.start), key=lambda t: t.start))

    @property
    def without_record(self) -> tuple[Term, ...]:
        """The terms up to this one of which the record has no incident: no baseline, and no part of a trend."""
        known = set(self.history["term"].unique())
        return tuple(t for t in self.settings.terms if t.start <= self.term.start and t.name not in known)


def find_hotspots(
    given: TermInputs,
    *,
    inputs: Mapping[str, str] | None = None,
    on_part: Callable[[str], None] = lambda _: None,
) -> Hotspots:
    """Find the hotspots of a term.

    Parameters
    ----------
    given
        What they are found in.
    inputs
        File → SHA-256 of what the history was read from.
    on_part
        Called with what is looked for next.

    Returns
    -------
    Hotspots
        The result.
    """
    settings, term = given.settings, given.term
    on_part("rates of schools")
    counts = school_counts(
        given.history, given.schools, given.school_zones, terms=given.terms, calendar=settings.calendar
    )
    rated = {}
    for at, t in enumerate(given.terms, start=1):
        on_part(f"rates of schools, {at} of {len(given.terms)} terms")
        rated[t.name] = _rates(given, counts, t.name)
    schools = _schools(given, counts, rated[term.name], on_part)
    on_part("hours")
    levels = counts.drop_duplicates("school_id").set_index("school_id")["level"]
    hours = hour_hotspots(given.this, levels, term=term, settings=settings, seed=given.seed)
    on_part("places")
    places = _places(given, counts, on_part)
    on_part("trends, and the backtest")
    high = schools.groups.high
    members = {group: ids.split(";") for group, ids in zip(high["group_id"], high["members"], strict=True)}
    return Hotspots(
        term=term.name,
        schools=schools,
        hours=hours,
        places=places,
        trends=_trends(given, counts, rated),
        backtest=_backtest(given, counts, rated),
        zone_shares=zone_shares(members, given.workload[given.workload["term"] == term.name]),
        # Compared with the last term that has a record, not with one that is missing from it.
        spots=list_spots(schools, hours, places, term=term, settings=replace(settings, terms=given.terms)),
        settings=asdict(settings.hotspots),
        seed=given.seed,
        inputs=dict(inputs or {}),
    )


def _rates(given: TermInputs, counts: pd.DataFrame, term: str) -> SchoolRates:
    chosen = given.settings.hotspots
    return school_rates(
        counts,
        term=term,
        alpha=chosen.alpha,
        fewest_peers=chosen.fewest_peers,
        largest_detectable=chosen.largest_detectable,
    )


def _schools(
    given: TermInputs, counts: pd.DataFrame, rates: SchoolRates, on_part: Callable[[str], None]
) -> SchoolHotspots:
    chosen, term = given.settings.hotspots, given.term
    at = given.schools.set_index("school_id").geometry
    groups = school_groups(
        rates,
        at,
        crs=given.crs,
        alpha=chosen.alpha,
        max_share=chosen.max_share,
        simulations=chosen.simulations,
        seed=given.seed,
        on_part=lambda what: on_part(f"groups of schools: {what}"),
    )
    months = school_months(
        given.history,
        rates,
        at,
        term=term,
        calendar=given.settings.calendar,
        crs=given.crs,
        alpha=chosen.alpha,
        max_share=chosen.max_share,
        simulations=chosen.simulations,
        seed=given.seed,
        on_part=lambda what: on_part(f"groups of schools by month: {what}"),
    )
    by_level, by_zone = (group_rates(rates, by) for by in ("level", "zone_id"))
    return SchoolHotspots(counts, rates, by_level, by_zone, groups, months, _stability(given, counts))


def _stability(given: TermInputs, counts: pd.DataFrame) -> pd.Series:
    """Judge the schools in two other ways: by this term alone, and with what officers started."""
    this = counts[counts["term"] == given.term.name]
    alone = _rates(given, this, given.term.name).table.set_index("school_id")
    everything = _rates(given, counts.assign(reported=counts["incidents"]), given.term.name).table.set_index(
        "school_id"
    )
    return ((alone["status"] == "high").astype(float) + (everything["status"] == "high")) / 2


def _places(given: TermInputs, counts: pd.DataFrame, on_part: Callable[[str], None]) -> PlaceHotspots:
    """Look at critical incidents wherever they are, piles of equal coordinates apart."""
    chosen, schools = given.settings.hotspots, given.schools
    # Of a million incidents the columns that nothing here looks at are large.
    this = given.history.loc[given.history["term"] == given.term.name, list(_OF_PLACES)]
    critical = this[this["category"] != NON_CRITICAL]
    smallest = given.settings.incidents.pile_up
    piles = find_piles(given.history.geometry, schools.geometry, smallest=smallest, crs=given.crs)
    usable = critical[pile_of(critical.geometry, piles) < 0]
    located = usable[~(usable.geometry.isna() | usable.geometry.is_empty)]
    clusters = place_clusters(
        usable[usable["school_id"].isna()],
        crs=given.crs,
        eps_m=chosen.place_distance_m,
        min_incidents=chosen.place_incidents,
        width_m=chosen.place_width_m,
        on_part=lambda what: on_part(f"places {what}"),
    )
    on_part("the grid and the density")
    sums = counts[counts["term"] == given.term.name]
    days = schools.merge(sums[["school_id", "student_days"]], on="school_id")
    at_schools = this[counted(this) & (this["origin"] == "reported")]
    has_rates = days["student_days"].notna().any()
    grid = grid_hotspots(
        at_schools if has_rates else located,
        crs=given.crs,
        area=given.zones.geometry.to_crs(given.crs).union_all(),
        size_m=chosen.cell_m,
        kind=chosen.cell_kind,
        schools=days if has_rates else None,
        alpha=chosen.alpha,
    )
    density = _density(given, located)
    return PlaceHotspots(clusters, piles, grid, density, _repeats(given, located, on_part))


def _density(given: TermInputs, located: gpd.GeoDataFrame) -> Density | None:
    if located.empty:
        return None
    chosen = given.settings.hotspots
    xy = places_m(located.geometry, given.crs)
    west, south, east, north = given.zones.to_crs(given.crs).total_bounds
    margin = _MARGIN * chosen.bandwidth_m
    bounds = (west - margin, south - margin, east + margin, north + margin)
    values = kernel_density(xy, bounds=bounds, shape=_PICTURE, bandwidth_m=chosen.bandwidth_m)
    to_degrees = Transformer.from_crs(given.crs, "EPSG:4326", always_xy=True)
    return Density(values, to_degrees.transform_bounds(*bounds), chosen.bandwidth_m)


def _repeats(given: TermInputs, located: gpd.GeoDataFrame, on_part: Callable[[str], None]) -> KnoxResult | None:
    reported = located[located["origin"] == "reported"]
    if len(reported) < 2:  # noqa: PLR2004 - a pair
        return None
    chosen = given.settings.hotspots
    days = (local_day(reported["occurred_at"]) - pd.Timestamp(given.term.start)).dt.days.to_numpy()
    return knox(
        places_m(reported.geometry, given.crs),
        days,
        distance_m=chosen.repeat_distance_m,
        days=chosen.repeat_days,
        simulations=min(chosen.simulations, _SIMULATIONS),
        seed=given.seed,
        on_part=lambda what: on_part(f"repeats: {what}"),
    )


def _trends(given: TermInputs, counts: pd.DataFrame, rated: Mapping[str, SchoolRates]) -> TermTrends:
    reported = counts.assign(incidents=counts["reported"], **{EVERYWHERE: EVERYWHERE})
    cube = pd.concat([rated[t.name].table for t in given.terms], ignore_index=True)
    on_record = [t for t in given.terms if t not in given.without_record]
    baselines = baseline_terms(on_record, given.term) if given.term in on_record else {}
    calls = _calls_in_zones(given, counts)

    def change(by: str) -> pd.DataFrame:
        tables = [changes_against(reported, baselines=baselines, after=given.term.name, by=by)]
        if by != "school_id":
            changes = changes_against(calls, baselines=baselines, after=given.term.name, by=by, population="calls")
            tables.append(changes)
        return pd.concat(tables, ignore_index=True)

    known = reported[reported["term"].isin([t.name for t in on_record])]
    return TermTrends(
        change_schools=change("school_id"),
        change_zones=change("zone_id"),
        change_all=change(EVERYWHERE),
        trends=trend_tests(known if len(known) else reported),
        classes=cube_classes(cube),
        baselines=baselines,
        without_record=tuple(t.name for t in given.without_record),
        zone_change=_zone_change(given, counts),
    )


def _zone_change(given: TermInputs, counts: pd.DataFrame) -> ZoneChange | None:
    if given.zones_before is None:
        return None
    before, was = given.zones_before
    return ZoneChange.of(counts, given.schools, was=was, now=given.school_zones, terms=(before, given.term.name))


def _calls_in_zones(given: TermInputs, counts: pd.DataFrame) -> pd.DataFrame:
    """Count all calls for zone officers at schools in a zone, over school days: what the board packet compares."""
    days = {t.name: len(school_days(t, given.settings.calendar)) for t in given.terms}
    sums = counts[counts["zone_id"] != ""].groupby(["term", "zone_id"], sort=False, as_index=False)["incidents"].sum()
    sums["student_days"] = sums["term"].map(days).astype("float64")
    sums[EVERYWHERE] = EVERYWHERE
    return pd.DataFrame(sums)


def _backtest(given: TermInputs, counts: pd.DataFrame, rated: Mapping[str, SchoolRates]) -> Backtest:
    """Forecast each term by the shrunken rates of the term before, which know nothing of the terms after them."""

    def shrunken(train: pd.DataFrame) -> pd.Series:
        table = rated[str(train["term"].iloc[-1])].table.set_index("school_id")
        rate = table["shrunken_per_1000"].fillna(table["rate_per_1000"])
        return rate * table["student_days"] / 1000

    chosen = given.settings.hotspots
    return backtest(
        counts.assign(incidents=counts["reported"]),
        {"shrunken rates": shrunken},
        top_share=chosen.top_share,
        terms_per_year=chosen.terms_per_year,
        seed=given.seed,
    )
