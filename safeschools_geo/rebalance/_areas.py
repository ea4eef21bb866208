"""Areal units that are supplied, made an exact coverage, and what was decided on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.checks import SLIVER_M, area_text, report_rows
from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import ColumnError, GeometryError, attempt_all, count_text
from safeschools_geo.findings import Finding
from safeschools_geo.io import as_text
from safeschools_geo.rebalance._cells import require_areas, require_columns
from safeschools_geo.rebalance._tiling import TOLERANCE_M, as_coverage, shared_borders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from shapely import Geometry

    from safeschools_geo.findings import Severity
    from safeschools_geo.rebalance._cells import Land, Standing
    from safeschools_geo.rebalance._tiling import Coverage, Faces


# ── Units as they were built, and what had to be decided on the way

_LEAST_M2 = 1.0
"""Less ground than this is the rounding of borders, and not reported."""


@dataclass(frozen=True, eq=False)
class UnitsBuilt:
    """Units, and what had to be decided to make them.

    Parameters
    ----------
    units
        Table of units: `unit_id`, `zone_id`, `workload`, geometry and `anchor` in EPSG:4326, and what else is known.
    findings
        What the input left open, and how it was decided.
    """

    units: gpd.GeoDataFrame
    findings: tuple[Finding, ...] = ()


def about_left_out(schools: gpd.GeoDataFrame, left_out: pd.Series) -> Iterator[Finding]:
    """Say which schools are no part of any unit."""
    for reason, rows in left_out.groupby(left_out, sort=False):
        is_meant = reason == "not in the program"
        yield from _findings_of(
            schools["school_id"].loc[rows.index],
            "note" if is_meant else "warning",
            f"schools_{str(reason).replace(' ', '_')}",
            "{n} {is_are} " + f"{reason}, and in no unit: the plan does not count such schools.",
            remedy="" if is_meant else "Fix the coordinates, or raise `max_snap_m`, if the program serves it.",
        )


def about_land(land: Land, faces: Faces, zone: NDArray[np.object_], is_gap: NDArray[np.bool_]) -> Iterator[Finding]:
    """Say where the zones do not cover the district exactly once."""
    is_bare = is_gap & ~faces.is_dust()
    bare = shapely.union_all(faces.shapes[is_bare])
    kinds = {
        "units_gap": (bare, "{area} of the district lie in no zone; they go with the nearest units."),
        "units_overlap": (land.overlap, "{area} lie in two zones or more; they count to the first in the zone file."),
        "units_beyond": (land.beyond, "{area} of the zones lie beyond the district; they stay with their zones."),
    }
    if land.closed_m2 >= _LEAST_M2:
        yield from report_rows(
            [land.zone_ids[row] for row in land.given_to],
            "note",
            "units_slivers",
            "zones",
            f"{area_text(land.closed_m2)} between zones were in none; they are divided among them.",
            expected="zones that share their borders vertex for vertex",
            remedy="Snap the borders of the zones to each other in your GIS.",
        )
    for code, (shape, message) in kinds.items():
        if (area_m2 := land.area_m2(shape)) >= _LEAST_M2:
            ids = dict.fromkeys(zone[is_bare]) if code == "units_gap" else _touching(land, shape)
            yield from report_rows(
                ids,
                "warning" if _is_wide(land, shape) else "note",
                code,
                "zones",
                message.format(area=area_text(area_m2)),
                expected="zones that cover the district exactly once",
                remedy="Snap the borders of the zones to each other and to the district in your GIS.",
            )


def _is_wide(land: Land, shape: Geometry) -> bool:
    """Say whether ground is more than a sliver."""
    metric = gpd.GeoSeries([shape], crs=STORAGE_CRS).to_crs(land.meters)
    return not metric.buffer(-SLIVER_M / 2).is_empty.all()


def _touching(land: Land, shape: Geometry) -> list[str]:
    return [i for i, z in zip(land.zone_ids, land.shapes, strict=True) if shapely.intersects(z, shape)]


def about_schools(
    kept: gpd.GeoDataFrame,
    standing: Standing,
    units: gpd.GeoDataFrame,
    unit: NDArray[np.int64],
    *,
    islands: Sequence[int],
) -> list[Finding]:
    """Say which schools do not simply stand inside their zone, and which zones have none."""
    ids = kept["school_id"].astype("str")
    in_unit = units["zone_id"].to_numpy()[unit]
    is_moved = in_unit != kept["zone_id"].astype("str").to_numpy()
    size = np.bincount(unit)[unit]
    far_m = float(standing.away_m[standing.is_away].max(initial=0))
    unit_ids = units["unit_id"].to_numpy()
    return [
        *_findings_of(
            ids[is_moved],
            "warning",
            "units_zone_differs",
            "{n} {is_are} assigned to another zone than a school at the same place; all go with the zone they stand "
            "in.",
            remedy="Assign schools at one place to one zone.",
        ),
        *_findings_of(
            ids[standing.is_foreign & ~is_moved],
            "warning",
            "units_in_other_zone",
            "{n} {is_are} well inside another zone than the one assigned to; the service area there counts to the zone "
            "assigned, so that the edge of the zone moves.",
            remedy="Assign the schools again, or correct the zones.",
        ),
        *_findings_of(
            ids[standing.is_edge],
            "note",
            "units_on_edge",
            "{n} {is_are} on the edge of two zones; the service area lies on the side of the zone assigned to.",
        ),
        *_findings_of(
            ids[standing.is_away],
            "note",
            "units_outside_zones",
            f"{{n}} {{is_are}} outside every zone, by up to {far_m:,.0f} m; the service area is the nearest ground of "
            "the zone assigned to.",
        ),
        *_findings_of(
            ids[size > 1],
            "note",
            "units_one_site",
            "{n} share a site with others, and can only move together with them.",
        ),
        *_findings_of(
            units.loc[units["schools"] == 0, "zone_id"],
            "note",
            "units_zone_without_school",
            "{n} {has_have} no school; the ground stays a unit of its own, without workload.",
            noun="zone",
        ),
        *_findings_of(
            unit_ids[np.unique(np.array(islands, dtype="int64"))],
            "note",
            "units_islands",
            "{n} {is_are} in parts: a part of the zone without a school goes with the nearest service area.",
            noun="unit",
        ),
    ]


def _findings_of(
    ids: Iterable[object],
    severity: Severity,
    code: str,
    message: str,
    *,
    noun: str = "school",
    remedy: str = "",
) -> list[Finding]:
    named = tuple(str(i) for i in ids)
    words = ("is", "has") if len(named) == 1 else ("are", "have")
    text = message.format(n=count_text(len(named), noun), is_are=words[0], has_have=words[1])
    expected = "every school inside the zone it is assigned to"
    return report_rows(named, severity, code, "units", text, expected=expected, remedy=remedy)


# ── Areal units that are supplied, such as tracts or reporting areas, made an exact coverage

_PASSED_ON = ("name", "school_ids", "schools", "students", "incidents")

_OVERLAP_SHARE = 0.01
"""Areas that share more than this part of the smaller one, wider than the tolerance, are not drawn as one coverage."""


def units_of_areas(
    areas: gpd.GeoDataFrame,
    *,
    unit_id: str,
    zone: str,
    workload: str,
    no_zone: Iterable[str] = (),
    tolerance_m: float = TOLERANCE_M,
    crs: object = None,
) -> UnitsBuilt:
    """Make units of areas that are supplied.

    Parameters
    ----------
    areas
        Polygons that together are the district, with a CRS. Columns `name`, `school_ids`, `schools`, `students`,
        `incidents` and `anchor` (points) are passed on where they are given.
    unit_id, zone, workload
        Names of the columns with the id of each area, its current zone, and its load. Ids stay text: ``2E47`` is no
        number, and 3.0 is ``3``.
    no_zone
        Values of `zone` that mean "none" (with ``""``, a missing one does): such areas join the zone beside them that
        they share the longest border with, one after another.
    tolerance_m
        Borders that miss each other by less than this, in meters, are one; the ground between them is divided.
    crs
        Projected CRS in meters to measure in; the UTM zone of the areas by default.

    Returns
    -------
    UnitsBuilt
        `units` on a fresh index, in the order given: `unit_id`, `zone_id`, `workload`, what is passed on, geometry and
        `anchor` (else a point inside), both EPSG:4326. The units are an exact coverage on the grid of seven decimals.

    Raises
    ------
    ColumnError, CRSError, GeometryError, SeveralFaultsError
        When a column is missing; ids are missing or repeat; an area has no zone; a load is missing, negative or not a
        number; an area is not a valid polygon; two areas overlap by more than the tolerance. All faults are gathered.
    """
    require_columns(areas, [unit_id, zone, workload], "units")
    plain = pd.DataFrame(
        {
            "unit_id": as_text(areas[unit_id]).to_numpy(),
            "zone_id": as_text(areas[zone]).fillna("").to_numpy(),
            "workload": pd.to_numeric(areas[workload], errors="coerce").to_numpy(dtype="float64", na_value=np.nan),
        }
    )
    none = frozenset(no_zone)
    labels = plain["unit_id"].fillna("(no id)").to_numpy(dtype=object)
    attempt_all(
        {
            "ids": lambda: _require_ids(plain["unit_id"]),
            "zones": lambda: _require_zones(plain, none),
            "loads": lambda: _require_loads(plain),
            "shapes": lambda: _require_coverage(areas, labels, tolerance_m=tolerance_m, crs=crs),
        }
    )
    meters = measuring_crs(areas, stated=crs)
    repaired = as_coverage(areas.geometry, meters, tolerance_m=tolerance_m)
    shapes = gpd.GeoSeries(repaired.shapes, crs=STORAGE_CRS)
    plain["zone_id"], joined = _with_zones(plain, none, shapes.to_crs(meters))
    for name in _PASSED_ON:
        if name in areas and name not in plain:
            plain[name] = areas[name].to_numpy()
    plain["anchor"] = _anchors(areas, shapes)
    units = gpd.GeoDataFrame(plain, geometry=shapes, crs=STORAGE_CRS)
    return UnitsBuilt(units, (*_about_zones(joined, none), *_repair_findings(repaired, labels)))


def _require_ids(ids: pd.Series) -> None:
    repeated = ids[ids.duplicated(keep=False)].dropna().unique()
    if len(repeated) or ids.isna().any():
        raise ColumnError(
            "Some areas have no id, or one that others have as well.",
            where="units",
            ids=[*repeated, *(f"row {i + 1}" for i in np.flatnonzero(ids.isna()))],
            expected="each id once",
            remedy="Join the pieces of an area into one row, and give every area an id.",
        )


def _require_zones(plain: pd.DataFrame, none: frozenset[str]) -> None:
    is_missing = (plain["zone_id"] == "") & ("" not in none)
    if is_missing.any() or plain["zone_id"].isin(none).all():
        raise ColumnError(
            "Some areas have no zone.",
            where="units",
            ids=plain["unit_id"][is_missing | plain["zone_id"].isin(none)],
            expected="the current zone of every area",
            remedy='Fill the column, or let such areas join their neighbors with `no_zone=("",)`.',
        )


def _require_loads(plain: pd.DataFrame) -> None:
    load = plain["workload"]
    is_wrong = ~(np.isfinite(load) & (load >= 0))
    if is_wrong.any():
        raise ColumnError(
            "The workload of some areas is not known.",
            where="units",
            ids=plain["unit_id"][is_wrong],
            found=", ".join(f"{v:g}" for v in load[is_wrong].head(3)),
            expected="a number of 0 or more for every area",
            remedy="Fill the column; 0 where there is no work.",
        )


def _require_coverage(areas: gpd.GeoDataFrame, labels: np.ndarray, *, tolerance_m: float, crs: object) -> None:
    require_areas(areas, "units", labels)
    shapes = areas.geometry.to_crs(measuring_crs(areas, stated=crs)).to_numpy()
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    a, b = a[a < b], b[a < b]
    common = shapely.intersection(shapes[a], shapes[b])
    wide = shapely.area(shapely.buffer(common, -tolerance_m / 2))
    is_wide = wide > _OVERLAP_SHARE * np.minimum(shapely.area(shapes[a]), shapely.area(shapes[b]))
    if is_wide.any():
        raise GeometryError(
            "Some areas overlap.",
            where="units",
            ids=[f"{labels[i]} and {labels[j]}" for i, j in zip(a[is_wide], b[is_wide], strict=True)],
            found=f"{area_text(float(shapely.area(common[is_wide]).sum()))} in two areas",
            expected="every place in one area only",
            remedy="Cut the areas at one border in your GIS.",
        )


def _with_zones(plain: pd.DataFrame, none: frozenset[str], metric: gpd.GeoSeries) -> tuple[pd.Series, pd.DataFrame]:
    """Let areas without a zone join the zone beside them, the longest border first."""
    zone = plain["zone_id"].astype("str").copy()
    is_open = zone.isin(none).to_numpy().copy()
    was_open = is_open.copy()
    shapes = metric.to_numpy()
    a, b, shared_m = shared_borders(shapes)
    both = pd.DataFrame({"unit": np.r_[a, b], "other": np.r_[b, a], "shared_m": np.r_[shared_m, shared_m]})
    while is_open.any():
        rim = both[is_open[both["unit"]] & ~is_open[both["other"]]]
        if len(rim):
            borders = rim["shared_m"].groupby([rim["unit"], zone.to_numpy()[rim["other"]]]).sum()
            unit, taker = borders.index[int(borders.to_numpy().argmax())]
        else:
            settled = np.flatnonzero(~is_open)
            (i, j), far_m = shapely.STRtree(shapes[settled]).query_nearest(shapes[is_open], return_distance=True)
            unit, taker = np.flatnonzero(is_open)[i[far_m.argmin()]], zone.iloc[settled[j[far_m.argmin()]]]
        zone.iloc[unit] = taker
        is_open[unit] = False
    return zone, pd.DataFrame({"unit_id": plain["unit_id"], "zone_id": zone})[was_open]


def _anchors(areas: gpd.GeoDataFrame, shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    inside = shapes.representative_point()
    if "anchor" not in areas:
        return inside
    given = gpd.GeoSeries(areas["anchor"].to_numpy(), crs=getattr(areas["anchor"], "crs", None) or areas.crs)
    given = given.to_crs(STORAGE_CRS)
    return given.where(given.notna() & ~given.is_empty, inside)


def _about_zones(joined: pd.DataFrame, none: frozenset[str]) -> list[Finding]:
    text = "; ".join(f"{u} to {z}" for u, z in joined.head(5).itertuples(index=False))
    return report_rows(
        joined["unit_id"],
        "warning",
        "units_without_zone",
        "units",
        f"{count_text(len(joined), 'area')} without a zone ({', '.join(map(repr, sorted(none)))} means none), in that "
        f"of the neighbor now: {text}{' …' if len(joined) > 5 else ''}.",  # noqa: PLR2004 - as many as errors name
        expected="the current zone of every area",
        remedy="Fill the column if another zone is meant.",
    )


def _repair_findings(repaired: Coverage, labels: np.ndarray) -> Iterator[Finding]:
    for code, kind, area_m2, rows in (
        ("units_overlap", "lie in two areas; they are divided among them", repaired.overlap_m2, repaired.overlapping),
        ("units_slivers", "between areas were in none; divided among them", repaired.closed_m2, repaired.given_to),
    ):
        if area_m2 >= 1.0:
            yield from report_rows(
                labels[list(rows)],
                "note",
                code,
                "units",
                f"{area_text(area_m2)} {kind}.",
                expected="neighbors that share their border vertex for vertex",
                remedy="Snap the borders in your GIS.",
            )
