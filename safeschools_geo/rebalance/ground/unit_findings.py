"""Units as they were built, and what had to be decided on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import count_text
from safeschools_geo.results import Finding
from safeschools_geo.validate.geometry import area_text
from safeschools_geo.validate.patches import SLIVER_M
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from shapely import Geometry

    from safeschools_geo.rebalance.ground.faces import Faces
    from safeschools_geo.rebalance.ground.grounds import Ground, Standing
    from safeschools_geo.results import Severity

_LEAST_M2 = 1.0
"""Less ground than this is the rounding of borders, and not told."""


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

    def summary(self) -> str:
        """Say in plain English what was built.

        Returns
        -------
        str
            A few sentences.
        """
        zones = self.units["zone_id"].nunique()
        mean = self.units["workload"].sum() / zones
        share = self.units["workload"].max() / mean if mean > 0 else 0.0
        largest = [f"The largest unit carries {share:.0%} of the mean load of a zone."] if mean > 0 else []
        head = f"{count_text(len(self.units), 'unit')} in {count_text(zones, 'zone')}."
        return " ".join([head, *largest, *(f.message for f in self.findings)])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each unit, without geometry.

        Returns
        -------
        pandas.DataFrame
            The columns of `units` that are not geometry.
        """
        is_shape = [isinstance(self.units[c].dtype, gpd.array.GeometryDtype) for c in self.units.columns]
        return pd.DataFrame(self.units.loc[:, ~np.array(is_shape)])


def about_left_out(schools: gpd.GeoDataFrame, left_out: pd.Series) -> list[Finding]:
    """Tell which schools are no part of any unit.

    Parameters
    ----------
    schools
        All schools.
    left_out
        Why a school is left out, on the index of those that are.

    Returns
    -------
    list of Finding
        One for each reason.
    """
    findings = []
    for reason, rows in left_out.groupby(left_out, sort=False):
        is_meant = reason == "not in the programme"
        findings += _told(
            schools["school_id"].loc[rows.index],
            "note" if is_meant else "warning",
            f"schools_{str(reason).replace(' ', '_')}",
            "{n} {is_are} " + f"{reason}, and in no unit: the plan does not count such schools.",
            remedy="" if is_meant else "Mend the coordinates, or raise `max_snap_m`, if the programme serves it.",
        )
    return findings


def about_ground(ground: Ground, faces: Faces, zone: NDArray[np.object_], is_gap: NDArray[np.bool_]) -> list[Finding]:
    """Tell where the zones do not cover the district exactly once.

    Parameters
    ----------
    ground
        The ground.
    faces
        What it was cut into.
    zone
        Zone that each face went to.
    is_gap
        Whether a face lies in no zone.

    Returns
    -------
    list of Finding
        Gaps with the zones they went to, overlaps, and ground beyond the district.
    """
    is_bare = is_gap & ~faces.is_dust()
    bare = shapely.union_all(faces.shapes[is_bare])
    told = {
        "units_gap": (bare, "{area} of the district lie in no zone; they go with the nearest units."),
        "units_overlap": (ground.overlap, "{area} lie in two zones or more; they count to the first in the zone file."),
        "units_beyond": (ground.beyond, "{area} of the zones lie beyond the district; they stay with their zones."),
    }
    findings = []
    for code, (shape, message) in told.items():
        if (area_m2 := ground.area_m2(shape)) >= _LEAST_M2:
            ids = dict.fromkeys(zone[is_bare]) if code == "units_gap" else _touching(ground, shape)
            findings += tell(
                ids,
                "warning" if _is_wide(ground, shape) else "note",
                code,
                "zones",
                message.format(area=area_text(area_m2)),
                expected="zones that cover the district exactly once",
                remedy="Snap the borders of the zones to each other and to the district in your GIS.",
            )
    return findings


def _is_wide(ground: Ground, shape: Geometry) -> bool:
    """Say whether ground is more than a sliver."""
    metric = gpd.GeoSeries([shape], crs=STORAGE_CRS).to_crs(ground.metres)
    return not metric.buffer(-SLIVER_M / 2).is_empty.all()


def _touching(ground: Ground, shape: Geometry) -> list[str]:
    return [i for i, z in zip(ground.zone_ids, ground.shapes, strict=True) if shapely.intersects(z, shape)]


def about_schools(
    kept: gpd.GeoDataFrame,
    standing: Standing,
    units: gpd.GeoDataFrame,
    unit: NDArray[np.int64],
    *,
    islands: Sequence[int],
) -> list[Finding]:
    """Tell which schools do not simply stand inside their zone, and which zones have none.

    Parameters
    ----------
    kept
        The schools, n rows, with `school_id` and the `zone_id` they are assigned to.
    standing
        Where they stand.
    units
        The units.
    unit
        Unit of each school, shape (n,).
    islands
        Units that were given a part of their zone without a school.

    Returns
    -------
    list of Finding
        What there is to tell.
    """
    ids = kept["school_id"].astype("str")
    in_unit = units["zone_id"].to_numpy()[unit]
    is_moved = in_unit != kept["zone_id"].astype("str").to_numpy()
    size = np.bincount(unit)[unit]
    far_m = float(standing.away_m[standing.is_away].max(initial=0))
    unit_ids = units["unit_id"].to_numpy()
    return [
        *_told(
            ids[is_moved],
            "warning",
            "units_zone_differs",
            "{n} {is_are} assigned to another zone than a school at the same place; all go with the zone they stand "
            "in.",
            remedy="Assign schools at one place to one zone.",
        ),
        *_told(
            ids[standing.is_foreign & ~is_moved],
            "warning",
            "units_in_other_zone",
            "{n} {is_are} well inside another zone than the one assigned to; the service area there counts to the zone "
            "assigned, so that the edge of the zone moves.",
            remedy="Assign the schools again, or correct the zones.",
        ),
        *_told(
            ids[standing.is_edge],
            "note",
            "units_on_edge",
            "{n} {is_are} on the edge of two zones; the service area lies on the side of the zone assigned to.",
        ),
        *_told(
            ids[standing.is_away],
            "note",
            "units_outside_zones",
            f"{{n}} {{is_are}} outside every zone, by up to {far_m:,.0f} m; the service area is the nearest ground of "
            "the zone assigned to.",
        ),
        *_told(
            ids[size > 1],
            "note",
            "units_one_site",
            "{n} share a site with others, and can only move together with them.",
        ),
        *_told(
            units.loc[units["schools"] == 0, "zone_id"],
            "note",
            "units_zone_without_school",
            "{n} {has_have} no school; the ground stays a unit of its own, without workload.",
            noun="zone",
        ),
        *_told(
            unit_ids[np.unique(np.array(islands, dtype="int64"))],
            "note",
            "units_islands",
            "{n} {is_are} in parts: a part of the zone without a school goes with the nearest service area.",
            noun="unit",
        ),
    ]


def _told(
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
    return tell(named, severity, code, "units", text, expected=expected, remedy=remedy)
