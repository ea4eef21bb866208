"""Zones from scratch: contiguous, balanced and compact."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from safeschools_geo.checks import report_rows
from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import ColumnError, SettingsError, count_text, name_ids
from safeschools_geo.findings import Finding
from safeschools_geo.rebalance._areas import units_of_areas
from safeschools_geo.rebalance._cells import service_areas
from safeschools_geo.rebalance._measures import imbalance_of, polsby_popper
from safeschools_geo.rebalance._neighbors import (
    adjacency_matrix,
    bridges,
    is_contiguous,
    part_by_barriers,
    rook_adjacency,
)
from safeschools_geo.rebalance._partition import Places, compact_partition, interrupted_travel, least_travel, travel_of
from safeschools_geo.rebalance._tiling import SHORTEST_BORDER_M, reading_order, zones_of_units
from safeschools_geo.solver import Labels
from safeschools_geo.text import school_of_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyproj import CRS

    from safeschools_geo.rebalance._partition import DraftTravel
    from safeschools_geo.sections import RebalanceSettings


# ── Weights: what each school counts for when zones are balanced, and how missing figures are filled


@dataclass(frozen=True, eq=False)
class Weights:
    """What each school counts for."""

    values: pd.Series  # Weight of each school, float64, by `school_id`; named after the column, or `schools`
    estimated: tuple[str, ...]  # Ids of the schools whose figure was missing

    @property
    def is_count(self) -> bool:
        """Whether every school counts 1."""
        return self.values.name == "schools"


def school_weights(schools: gpd.GeoDataFrame, weight: str | None) -> Weights:
    """Find what each school counts for."""
    ids = _school_ids(schools)
    if weight is None or (weight in schools.columns and schools[weight].isna().all()):
        missing = () if weight is None else tuple(ids)
        return Weights(pd.Series(1.0, index=pd.Index(ids, name="school_id"), name="schools"), missing)
    figures = _figures(schools, weight, ids)
    is_missing = figures.isna()
    level = schools["level"].to_numpy() if "level" in schools.columns else pd.Series("", index=figures.index).to_numpy()
    filled = figures.fillna(figures.groupby(level).transform("median")).fillna(figures.median())
    if filled.sum() == 0:
        raise ColumnError(
            f"Zones cannot be balanced by {weight}: it is 0 for every school.",
            where="schools",
            expected="a number above 0 for some school",
            remedy="Choose another weight, or None to count schools.",
        )
    return Weights(filled.rename(weight), tuple(figures.index[is_missing]))


def _school_ids(schools: gpd.GeoDataFrame) -> pd.Series:
    if "school_id" not in schools.columns:
        raise ColumnError(
            "The schools have no ids.",
            where="schools",
            found=", ".join(map(str, schools.columns)),
            expected="a column school_id",
            remedy="Rename the column that holds the ids.",
        )
    ids = schools["school_id"]
    is_faulty = ids.isna() | ids.duplicated(keep=False)
    if is_faulty.any():
        raise ColumnError(
            "Some schools have no id, or one that another school has too.",
            where="schools",
            ids=ids[is_faulty],
            expected="one row for each school, each with an id",
            remedy="Leave out the rows that repeat, and give every school its own id.",
        )
    texts: pd.Series = ids.astype("str")
    return texts


def _figures(schools: gpd.GeoDataFrame, weight: str, ids: pd.Series) -> pd.Series:
    if weight not in schools.columns:
        raise ColumnError(
            f"The schools have no column {weight}.",
            where="schools",
            found=", ".join(map(str, schools.columns)),
            expected=f"a column {weight} of numbers",
            remedy="Name another column as the weight, or None to count schools.",
        )
    figures = pd.to_numeric(schools[weight], errors="coerce").astype("Float64")
    is_faulty = (figures.isna() & schools[weight].notna()) | (figures < 0).fillna(value=False)
    if is_faulty.any():
        raise ColumnError(
            f"Some schools have a {weight} that is not a number of 0 or more.",
            where="schools",
            ids=ids[is_faulty],
            found=", ".join(str(v) for v in schools.loc[is_faulty, weight].head(3)),
            expected="numbers of 0 or more, or nothing where unknown",
            remedy="Fix the figures.",
        )
    values = figures.to_numpy(dtype="float64", na_value=float("nan"))
    return pd.Series(values, index=pd.Index(ids, name="school_id"))


# ── A draft of zones, with what was asked of it and how good it is

OBJECTIVES = ("compactness", "travel")
"""What a draft can aim at, within its tolerance."""


@dataclass(frozen=True)
class DraftSettings:
    """What was asked of a draft."""

    zones: int = 8  # Number of zones, at least 1
    weight: str | None = "enrollment"  # Column of the schools that zones are balanced by; None counts every school as 1
    tolerance: float = 0.05  # Imbalance that is aimed at, from 0 up to but not including 1
    starts: int = 50  # Number of starts of the search, at least 1
    seed: int = 0  # Seed of the starts, at least 0
    objective: str = "compactness"  # What the zones are made as good as they can in: ``compactness`` or ``travel``

    def __post_init__(self) -> None:
        """Check every setting."""
        rules = {
            "zones of 1 or more": self.zones >= 1,
            "tolerance from 0 to below 1": 0 <= self.tolerance < 1,
            "starts of 1 or more": self.starts >= 1,
            "seed of 0 or more": self.seed >= 0,
            f"objective {' or '.join(OBJECTIVES)}": self.objective in OBJECTIVES,
        }
        broken = [rule for rule, is_kept in rules.items() if not is_kept]
        if broken:
            raise SettingsError(
                "Zones cannot be drafted with these settings.",
                found=", ".join(f"{name} = {value}" for name, value in vars(self).items() if name != "weight"),
                expected="; ".join(broken),
                remedy="Fix the settings named.",
            )


@dataclass(frozen=True, eq=False)
class ZoneDraft:
    """Zones drawn from scratch, and how good they are.

    Parameters
    ----------
    zones
        Table `zones`: `zone_id` ("1", "2", … from north-west to south-east), `name`, geometry in EPSG:4326; the zones
        tile the district.
    units
        Service areas (`service_areas`), or the units given, with their `load` and `zone_id`.
    edges
        Rook adjacency of the units.
    bridges
        Links over a gap or water that join the parts of a zone.
    assignment
        Zone of each school, by `school_id`; of each unit, by `unit_id`, where units were given.
    loads
        Load of each zone, by `zone_id`; named after the weight, or `schools`.
    is_contiguous
        Whether every zone hangs together, by the edges and the bridges.
    table
        One row for each zone, as `to_frame` gives it.
    weights
        What each school, or unit, counts for, and which figures were missing.
    settings
        What was asked.
    input_sha256
        Hash of the schools (or units) and of the district as they were given.
    centers
        Unit that is the center of each zone, by `zone_id`: the one with the least travel within it.
    travel
        Σ load × kilometers in a straight line from the unit to the center of its zone.
    bound
        No contiguous plan within `bound_tolerance` has less travel, wherever its centers lie.
    any_bound
        Neither has any other plan, contiguous or not.
    findings
        What barriers part.
    is_complete
        Whether the search came to its end; where it was interrupted, this is the best it had found.
    """

    zones: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    bridges: pd.DataFrame
    assignment: pd.Series
    loads: pd.Series
    is_contiguous: bool
    table: pd.DataFrame
    weights: Weights
    settings: DraftSettings
    input_sha256: Mapping[str, str]
    centers: pd.Series
    travel: float
    bound: float
    any_bound: float
    findings: tuple[Finding, ...] = ()
    is_complete: bool = True

    @property
    def gap(self) -> float:
        """Share of the travel that another contiguous plan could save at most."""
        return 0.0 if self.travel == 0 else (self.travel - self.bound) / self.travel

    @property
    def bound_tolerance(self) -> float:
        """Largest imbalance of the plans that the bounds are over: the tolerance, or what the draft has if more."""
        return max(self.settings.tolerance, self.imbalance)

    @property
    def imbalance(self) -> float:
        """Largest ``|load - mean| / mean`` over the zones."""
        return imbalance_of(self.loads)

    @property
    def largest_unit_share(self) -> float:
        """Load of the largest unit as a share of the mean load of a zone: what balance is limited by."""
        return float(self.units["load"].max() / self.loads.mean())

    def summary(self) -> str:
        """Say in plain English what was drafted and how good it is."""
        cut = [] if self.is_complete else ["The search was interrupted and is not finished; this is the best so far."]
        return " ".join(
            [
                *cut,
                self._about_zones(),
                *self._about_balance(),
                self._about_compactness(),
                *self._about_gaps(),
                *self._about_travel(),
            ]
        )

    @property
    def _is_of_units(self) -> bool:
        return self.assignment.index.name == "unit_id"

    def _about_zones(self) -> str:
        units = count_text(len(self.units), "unit" if self._is_of_units else "site")
        given = units if self._is_of_units else f"{count_text(len(self.assignment), 'school')} at {units}"
        return (
            f"{count_text(len(self.zones), 'zone')} drafted from {given} (seed "
            f"{self.settings.seed}); {'every' if self.is_contiguous else 'not every'} zone is contiguous."
        )

    def _about_compactness(self) -> str:
        measure = self.table["polsby_popper"]
        return f"Compactness (Polsby–Popper) from {measure.min():.2f} to {measure.max():.2f}, where a circle has 1."

    def _about_balance(self) -> list[str]:
        unit = self.weights.values.name
        low, high, mean = self.loads.min(), self.loads.max(), self.loads.mean()
        said = [f"Load ({unit}) from {low:,.0f} to {high:,.0f}, mean {mean:,.0f}; imbalance {self.imbalance:.1%}."]
        if self.imbalance > self.settings.tolerance:
            said.append(
                f"That is more than the {self.settings.tolerance:.1%} aimed at: sites cannot be split, and the largest "
                f"alone is {self.largest_unit_share:.0%} of the mean zone."
            )
        missing = self.weights.estimated
        if missing and self.weights.is_count:
            said.append(f"No school has a figure for {self.settings.weight}, so schools are counted.")
        elif missing:
            said.append(
                f"The {unit} of {len(missing)} of the {len(self.assignment)} schools is not known and taken as the "
                f"median of their level ({name_ids(missing)})."
            )
        return said

    def _about_travel(self) -> list[str]:
        unit = self.weights.values.name
        within = f"within an imbalance of {self.bound_tolerance:.1%}"
        least = (
            f"no plan {within}, contiguous or not, can have less than {self.any_bound:,.5g} (gap {self.gap:.1%})"
            if self.any_bound >= self.bound
            else f"no contiguous plan {within} can have less than {self.bound:,.5g} (gap {self.gap:.1%}), "
            f"no other plan less than {self.any_bound:,.5g}"
        )
        if not self.is_complete and self.any_bound <= 0:
            least = "how much less another plan could have was not worked out"
        said = [f"Total travel {self.travel:,.5g} ({unit} × km to the center of the zone); {least}."]
        if self.settings.objective == "compactness":
            said.append(
                "Zones are drafted for compactness, on which no bound is known: a good draft, not a proven best."
            )
        return said

    def _about_gaps(self) -> Iterator[str]:
        if len(self.bridges):
            over = [f"{m:,.0f} m" if m > 0 else "across a barrier" for m in self.bridges["distance_m"]]
            pairs = zip(self.bridges["unit_a"], self.bridges["unit_b"], over, strict=True)
            links = "; ".join(f"{a} and {b}, {way}" for a, b, way in pairs)
            yield f"The district is in parts; zones reach over the gaps between them ({links})."
        islands = self.units.loc[self.units["islands"] > 0, "unit_id"]
        if len(islands):
            yield f"Parts of the district without a school go with the nearest school ({name_ids(islands)})."

    def about_rules(self, rules: RebalanceSettings, schools: gpd.GeoDataFrame) -> list[Finding]:
        """Say which rules of ``[rebalance]`` the draft does not keep, and which say nothing of a draft.

        A warning with those that are broken, and a note with those that were not looked at.
        """
        level = schools.set_index("school_id")["level"].reindex(self.assignment.index)
        broken: dict[str, Sequence[str]] = {}
        for name in rules.one_of_each:
            there = set(self.assignment[level == name])
            without = [zone for zone in self.zones["zone_id"] if zone not in there]
            broken |= {f"no {school_of_level(name)} in {count_text(len(without), 'zone')}": without} if without else {}
        groups = {" + ".join(group): group for group in rules.together}
        groups |= {f"feeder pattern {name}": ids for name, ids in rules.feeders.items() if rules.keeps_feeders}
        for name, ids in groups.items():
            zones = sorted(set(self.assignment.reindex(ids).dropna()))
            broken |= {f"{name} divided": zones} if len(zones) > 1 else {}
        said = "; ".join(f"{what} (zone {', '.join(zones)})" for what, zones in broken.items())
        about_today = ("locked", "forbidden", "roots", "most_students_moved", "keeps_hotspots", "feeder_file")
        unread = [name for name in about_today if getattr(rules, name)]
        remedy = (
            "Draw with another seed or number of zones, or move schools by `safeschools rebalance`, which keeps them."
        )
        return [
            *report_rows(
                list(broken),
                "warning",
                "draft_breaks_rules",
                "zones",
                f"The draft is not drawn by the rules of [rebalance], and does not keep these: {said}.",
                expected="zones that keep the rules",
                remedy=remedy,
            ),
            *report_rows(
                unread,
                "note",
                "draft_rules_not_looked_at",
                "zones",
                f"A draft knows no zones of today, hotspots or files of feeders: {', '.join(unread)} not looked at.",
                expected="",
                remedy=remedy,
            ),
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each zone.

        `zone_id`, `name`, `schools` (or `units`), `load`, `share_of_mean` (1 where a zone carries the mean load),
        `area_km2`, `polsby_popper`.
        """
        return self.table.copy()


# ── Zones from scratch: contiguous, balanced and compact, drawn from the schools and the district alone

_NO_ZONE = "_no_zone"


def draft_zones(
    schools: gpd.GeoDataFrame,
    district: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    zones: int = 8,
    weight: str | None = "enrollment",
    tolerance: float = 0.05,
    starts: int = 50,
    seed: int = 0,
    objective: str = "compactness",
    crs: object = None,
    barriers: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    keeps_interrupted: bool = False,
    on_part: Callable[[str], None] = lambda _: None,
) -> ZoneDraft:
    """Draw zones from scratch.

    Parameters
    ----------
    schools
        The schools to divide, with `school_id`, the column of `weight`, `level` if weights may be missing, and
        geometry inside the district. Leave out schools that are not to count, such as those outside the program.
    district
        Valid polygons that together are the district.
    zones
        How many zones.
    weight
        Column that zones are balanced by, such as ``enrollment`` or an expected workload; None counts schools. A
        missing figure is taken as the median of the school's level (`school_weights`).
    tolerance
        Imbalance that is aimed at; zones get as compact as they can within it.
    starts
        Number of starts of the search; the time taken is in proportion.
    seed
        Seed of the starts. The same input and seed give the same zones.
    objective
        ``compactness``, or ``travel``: the least Σ weight × kilometers to the center of the zone, to 1 %.
    crs
        Projected CRS in meters to measure in; the UTM zone of the district by default.
    barriers, roads
        Lines that part neighbors, but along roads that lead across (`part_by_barriers`). Where nothing else joins what
        a barrier parts, zones may reach over it; that is reported.
    keeps_interrupted
        Whether an interruption from the keyboard ends the search with the best zones so far; else it ends the run.
    on_part
        Hears what the search is doing, and the imbalance or the gap so far.

    Returns
    -------
    ZoneDraft
        The zones. They tile the district to the seventh decimal of a degree, every school lies in its zone, and every
        zone is one polygon, except where the district itself is in parts.

    Raises
    ------
    SettingsError
        When a setting is out of range, or there are fewer sites of schools than zones; with ``travel``, when no plan
        within the tolerance was found.
    ColumnError
        When a column is missing, ids repeat, or weights are not numbers of 0 or more that add up to something.
    CRSError, GeometryError
        As `service_areas`.

    Notes
    -----
    Units are the service areas of the schools. For compactness, `compact_partition` joins them, and no bound
    on compactness is known; for travel, `MedianSolver` does. Either way the travel is reported with a
    bound on that of all plans within the tolerance, or within the imbalance of the draft where that is larger.
    """
    settings = DraftSettings(
        zones=zones, weight=weight, tolerance=tolerance, starts=starts, seed=seed, objective=objective
    )
    weights = school_weights(schools, weight)
    units = service_areas(schools, district, crs=crs)
    _require_enough(units, zones, f"{len(schools)} schools at {len(units)} sites", what="sites of schools")
    meters = measuring_crs(units, stated=crs)
    unit = units.explode("school_ids").set_index("school_ids")["unit_id"].loc[weights.values.index]
    hashes = _hashes({"schools": schools, "district": district}, weights)
    points = schools.geometry.to_crs(meters).representative_point()
    asked = _Asked(settings, barriers, roads, keeps_interrupted, on_part)
    return _drafted(units, points, unit, weights, asked, meters=meters, hashes=hashes)


def draft_zones_of_units(
    units: gpd.GeoDataFrame,
    *,
    unit_id: str = "unit_id",
    workload: str = "workload",
    zones: int = 8,
    tolerance: float = 0.05,
    starts: int = 50,
    seed: int = 0,
    objective: str = "compactness",
    crs: object = None,
    barriers: gpd.GeoDataFrame | None = None,
    roads: gpd.GeoDataFrame | None = None,
    keeps_interrupted: bool = False,
    on_part: Callable[[str], None] = lambda _: None,
) -> ZoneDraft:
    """Draw zones from scratch from areal units, such as tracts or reporting areas.

    Parameters
    ----------
    units
        Polygons that together are the district, with a CRS; travel is measured from their column `anchor` (points)
        where there is one, else from a point inside.
    unit_id, workload
        Columns with the id of each unit and with what zones are balanced by.
    zones, tolerance, starts, seed, objective, crs, barriers, roads, keeps_interrupted, on_part
        As `draft_zones`.

    Returns
    -------
    ZoneDraft
        The zones; `assignment` is by `unit_id`.

    Raises
    ------
    SettingsError
        As `draft_zones`.
    ColumnError, CRSError, GeometryError
        As `units_of_areas`.
    """
    settings = DraftSettings(
        zones=zones, weight=workload, tolerance=tolerance, starts=starts, seed=seed, objective=objective
    )
    built = units_of_areas(units.assign(**{_NO_ZONE: "1"}), unit_id=unit_id, zone=_NO_ZONE, workload=workload, crs=crs)
    areas = built.units.assign(islands=0)
    _require_enough(areas, zones, f"{len(areas)} units", what="units")
    meters = measuring_crs(areas, stated=crs)
    load = areas.set_index("unit_id")["workload"].astype("float64").rename(workload)
    weights = Weights(load, ())
    unit = pd.Series(areas["unit_id"].to_numpy(), index=load.index)
    hashes = _hashes({"units": units}, weights)
    points = gpd.GeoSeries(areas["anchor"], crs=areas.crs).to_crs(meters)
    asked = _Asked(settings, barriers, roads, keeps_interrupted, on_part)
    draft = _drafted(areas, points, unit, weights, asked, meters=meters, hashes=hashes)
    return replace(draft, findings=(*built.findings, *draft.findings))


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is asked of a draft, besides its units."""

    settings: DraftSettings
    barriers: gpd.GeoDataFrame | None
    roads: gpd.GeoDataFrame | None
    keeps_interrupted: bool
    on_part: Callable[[str], None]


def _drafted(
    units: gpd.GeoDataFrame,
    points: gpd.GeoSeries,
    unit: pd.Series,
    weights: Weights,
    asked: _Asked,
    *,
    meters: CRS,
    hashes: dict[str, str],
) -> ZoneDraft:
    """Draw zones of units, given the unit and the point of everything that has a weight."""
    settings = asked.settings
    edges = rook_adjacency(units, crs=meters, min_shared_m=SHORTEST_BORDER_M)
    edges, parted = _without_barred(units, edges, asked, meters)
    links = bridges(units, edges, crs=meters)
    places = _places(points, unit, units, weights, edges=pd.concat([edges, links]), meters=meters)
    found = _divided(places, units["unit_id"], asked)
    zone_id = reading_order(units, found.label, crs=meters)
    units = units.assign(load=places.load, zone_id=zone_id[found.label])
    zones_frame = zones_of_units(units)
    zone_of = units.set_index("unit_id")["zone_id"]
    assignment = unit.map(zone_of).rename("zone_id").rename_axis(str(weights.values.index.name))
    loads = units.groupby("zone_id")["load"].sum().loc[zones_frame["zone_id"]].rename(weights.values.name)
    centers = pd.Series(units["unit_id"].to_numpy()[found.centers], index=pd.Index(zone_id, name="zone_id"))
    return ZoneDraft(
        zones=zones_frame,
        units=units,
        edges=edges,
        bridges=links[(links["unit_a"].map(zone_of) == links["unit_b"].map(zone_of)).to_numpy()],
        assignment=assignment,
        loads=loads,
        is_contiguous=is_contiguous(zone_of, pd.concat([edges, links])),
        table=_table(zones_frame, assignment, loads, meters),
        weights=weights,
        settings=settings,
        input_sha256=hashes,
        centers=centers.loc[zones_frame["zone_id"]].rename("unit_id"),
        travel=found.travel,
        bound=found.bound,
        any_bound=found.any_bound,
        findings=parted,
        is_complete=found.is_complete,
    )


def _without_barred(
    units: gpd.GeoDataFrame, edges: pd.DataFrame, asked: _Asked, meters: CRS
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Take out the borders that a barrier parts, and say which."""
    if asked.barriers is None:
        return edges, ()
    # There is no zone yet that a barrier could cut: every unit is one of its own.
    alone = units.assign(zone_id=units["unit_id"])
    left, _, found = part_by_barriers(alone, edges.assign(kind="border"), asked.barriers, asked.roads, crs=meters)
    return left[edges.columns], tuple(replace(one, table="zones") for one in found)


def _divided(places: Places, unit_ids: pd.Series, asked: _Asked) -> DraftTravel:
    settings, best = asked.settings, list[Labels]()
    given: dict[str, Any] = {"zones": settings.zones, "on_part": asked.on_part}
    tolerance, seed = settings.tolerance, settings.seed
    try:
        if settings.objective == "travel":
            return least_travel(
                places, pd.Index(unit_ids), tolerance=tolerance, seed=seed, on_best=best.append, **given
            )
        starts, on_best = settings.starts, best.append
        label = compact_partition(places, tolerance=tolerance, starts=starts, seed=seed, on_best=on_best, **given)
        loads = pd.Series(places.load).groupby(label).sum()
        return travel_of(places, label, tolerance=max(tolerance, imbalance_of(loads)), **given)
    except KeyboardInterrupt:
        if not best or not asked.keeps_interrupted:
            raise
    return interrupted_travel(places, best[-1], zones=settings.zones, tolerance=tolerance)


def _require_enough(units: gpd.GeoDataFrame, zones: int, found: str, *, what: str) -> None:
    if len(units) >= zones:
        return
    raise SettingsError(
        f"There are more zones than {what}.",
        where="zones",
        found=f"{zones} zones, {found}",
        expected="a site for each zone; schools at one place are one site"
        if "sites" in what
        else "a unit for each zone",
        remedy=f"Ask for at most {len(units)} zones.",
    )


def _places(
    points: gpd.GeoSeries,
    unit_of: pd.Series,
    units: gpd.GeoDataFrame,
    weights: Weights,
    *,
    edges: pd.DataFrame,
    meters: CRS,
) -> Places:
    """Put a unit at the middle of its schools, with as many of them as its size."""
    unit = unit_of.to_numpy()
    frame = pd.DataFrame({"x": points.x.to_numpy(), "y": points.y.to_numpy(), "load": weights.values.to_numpy()})
    by_unit = frame.assign(size=1.0).groupby(unit).agg({"x": "mean", "y": "mean", "load": "sum", "size": "sum"})
    by_unit = by_unit.loc[units["unit_id"]]
    ids = units["unit_id"]
    borders = edges.assign(shared_km=edges["shared_m"].fillna(0.0) / 1000)
    return Places(
        xy_km=by_unit[["x", "y"]].to_numpy() / 1000,
        size=by_unit["size"].to_numpy(),
        load=by_unit["load"].to_numpy(),
        neighbors=adjacency_matrix(ids, edges),
        border_km=adjacency_matrix(ids, borders, values="shared_km"),
        area_km2=float(units.geometry.to_crs(meters).area.sum()) / 1e6,
    )


def _table(zones: gpd.GeoDataFrame, assignment: pd.Series, loads: pd.Series, meters: CRS) -> pd.DataFrame:
    pieces = "units" if assignment.index.name == "unit_id" else "schools"
    return pd.DataFrame(
        {
            "zone_id": zones["zone_id"],
            "name": zones["name"],
            pieces: assignment.value_counts().loc[zones["zone_id"]].to_numpy(dtype="int64"),
            "load": loads.to_numpy(),
            "share_of_mean": (loads / loads.mean()).to_numpy(),
            "area_km2": zones.geometry.to_crs(meters).area / 1e6,
            "polsby_popper": polsby_popper(zones, crs=meters),
        }
    )


def _hashes(given: dict[str, gpd.GeoDataFrame | gpd.GeoSeries], weights: Weights) -> dict[str, str]:
    """Hash what was given; the first of it holds the weights."""
    parts = {
        name: [str(frame.crs), *shapely.to_wkb(frame.geometry.to_numpy(), hex=True)] for name, frame in given.items()
    }
    first = next(iter(parts))
    parts[first] = [*weights.values.index, weights.values.to_numpy().tobytes().hex(), *parts[first]]
    return {name: hashlib.sha256("\n".join(lines).encode()).hexdigest() for name, lines in parts.items()}
