"""Zones: one name each, the right number of them, each in one piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.results import Finding
from safeschools_geo.validate.cover import check_cover
from safeschools_geo.validate.geometry import area_text
from safeschools_geo.validate.patches import pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.validate.patches import Patch

_SHOWN = 5


def check_zones(
    zones: gpd.GeoDataFrame,
    zone_pieces: gpd.GeoDataFrame,
    *,
    crs: CRS,
    boundary: gpd.GeoDataFrame | None = None,
    expected: int | None = None,
) -> list[Finding]:
    """Check the zones of a district.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    zone_pieces
        Rows of the zone file, with `zone_id` and its attributes.
    crs
        Projected CRS in metres to measure in.
    boundary
        The district, EPSG:4326, if it is known.
    expected
        Number of zones there ought to be, if it is known.

    Returns
    -------
    list of Finding
        All faults; none for zones that cover the district once.
    """
    located = zones[~(zones.geometry.isna() | zones.geometry.is_empty)]
    return [
        *check_names(zone_pieces),
        *check_number(zones, expected),
        *check_pieces(located, crs=crs),
        *check_cover(located, crs=crs, boundary=boundary),
    ]


def check_names(zone_pieces: gpd.GeoDataFrame) -> list[Finding]:
    """Find zones whose rows contradict each other, and names that several zones have.

    Parameters
    ----------
    zone_pieces
        Rows of the zone file, with `zone_id` and its attributes.

    Returns
    -------
    list of Finding
        One for each attribute that differs between rows of one `zone_id`, and one for shared names.
    """
    findings = []
    for column in [c for c in ("name", "officer", "team") if c in zone_pieces.columns]:
        values = zone_pieces.groupby("zone_id", sort=False)[column].agg(lambda cells: cells.dropna().unique().tolist())
        conflicts = values[values.str.len() > 1]
        if len(conflicts):
            told = "; ".join(f"{zone}: {', '.join(map(str, seen))}" for zone, seen in conflicts.head(_SHOWN).items())
            findings.append(
                Finding(
                    "error" if column == "name" else "warning",
                    "zone_id_conflict",
                    "zones",
                    f"Rows with the same zone_id differ in their {column} ({told}); the first is used for all.",
                    ids=tuple(str(zone) for zone in conflicts.index),
                    expected=f"one {column} for each zone_id",
                    remedy="Give different zones different ids, or the pieces of one zone the same attributes.",
                )
            )
    return [*findings, *_shared_names(zone_pieces)]


def check_number(zones: gpd.GeoDataFrame, expected: int | None) -> list[Finding]:
    """Compare the number of zones with what it ought to be.

    Parameters
    ----------
    zones
        Table `zones`.
    expected
        Number of zones there ought to be; nothing is checked without it.

    Returns
    -------
    list of Finding
        One, or none.
    """
    if expected is None or len(zones) == expected:
        return []
    return [
        Finding(
            "error",
            "zone_count",
            "zones",
            f"There are {len(zones)} zones, and the settings say {expected}.",
            ids=tuple(zones["zone_id"].astype("str")),
            expected=f"{expected} zones",
            remedy="Add or remove zones in the zone file, or correct `zones` under [district] in district.toml.",
        )
    ]


def check_pieces(zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Finding]:
    """Find zones that are not in one piece.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    list of Finding
        One for each zone in several pieces, located at the smallest.
    """
    found: dict[str, list[Patch]] = {}
    for piece in pieces(zones, crs=crs):
        found.setdefault(piece.ids[0], []).append(piece)
    return [
        Finding(
            "warning",
            "zone_in_pieces",
            "zones",
            f"Zone {zone} is in {len(found[zone])} pieces: {_areas_text(found[zone])}.",
            ids=(zone,),
            expected="a zone in one piece, unless it is meant to have several",
            remedy="Look at the smallest piece first: a stray one is often a slip of the pen. Delete it, or give it to "
            "the zone around it.",
            location=found[zone][-1].location,
        )
        for zone in dict.fromkeys(zones["zone_id"].astype("str"))
        if len(found.get(zone, [])) > 1
    ]


def _shared_names(zone_pieces: gpd.GeoDataFrame) -> list[Finding]:
    named = zone_pieces.drop_duplicates("zone_id")
    is_shared = named["name"].notna() & named["name"].str.strip().str.casefold().duplicated(keep=False)
    if not is_shared.any():
        return []
    return [
        Finding(
            "warning",
            "zone_name_shared",
            "zones",
            f"{int(is_shared.sum())} zones have a name that another zone has: "
            f"{', '.join(dict.fromkeys(named.loc[is_shared, 'name']))}.",
            ids=tuple(named.loc[is_shared, "zone_id"].astype("str")),
            expected="a name of its own for each zone",
            remedy="If they are pieces of one zone, give them one zone_id; otherwise name them apart.",
        )
    ]


def _areas_text(patches: Sequence[Patch]) -> str:
    shown = ", ".join(area_text(p.area_m2) for p in patches[:_SHOWN])
    return shown if len(patches) <= _SHOWN else f"{shown} and {len(patches) - _SHOWN} smaller"
