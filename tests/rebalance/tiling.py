"""Where zones fail to tile their ground, in words."""

from __future__ import annotations

import geopandas as gpd
import shapely

from safeschools_geo.checks import Patch, area_text, gaps, outside, overlaps
from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import name_ids


def tiling_faults(
    zones: gpd.GeoDataFrame, ground: gpd.GeoDataFrame | gpd.GeoSeries, *, crs: object = None
) -> list[str]:
    """Say where zones fail to tile their ground: gaps, overlaps, slivers, ground beyond."""
    faults = _faults_of_rows(zones)
    if faults:
        return faults
    meters = measuring_crs(ground, stated=crs)
    own = zones.to_crs(STORAGE_CRS)
    whole = gpd.GeoDataFrame(geometry=ground.geometry.to_crs(STORAGE_CRS).to_numpy(), crs=STORAGE_CRS)
    told = {
        "{zones} overlap by {area}{sliver}.": overlaps(own, crs=meters),
        "Ground beside {zones} lies in no zone: {area}{sliver}.": gaps(own, crs=meters, boundary=whole),
        "{zones} reaches beyond its ground by {area}{sliver}.": outside(own, whole, crs=meters),
    }
    faults = [_sentence(text, patch) for text, patches in told.items() for patch in patches]
    shapes = own.geometry.to_numpy()
    if not faults and not shapely.coverage_is_valid(shapes):
        edges = shapely.coverage_invalid_edges(shapes)
        is_wrong = ~(shapely.is_missing(edges) | shapely.is_empty(edges))
        ids = name_ids(zones["zone_id"][is_wrong])
        faults = [f"Neighbors do not share the vertices of their borders: zones {ids}."]
    return faults


def _faults_of_rows(zones: gpd.GeoDataFrame) -> list[str]:
    ids, shapes = zones["zone_id"].astype("str"), zones.geometry
    is_area = shapes.geom_type.isin(["Polygon", "MultiPolygon"]) & ~shapes.is_empty
    rows = {
        "Zone {ids} comes more than once.": ids[ids.duplicated()],
        "Zone {ids} is no area.": ids[~is_area],
        "The polygon of zone {ids} is not valid.": ids[is_area & ~shapes.is_valid],
    }
    return [text.format(ids=name_ids(found)) for text, found in rows.items() if len(found)]


def _sentence(text: str, patch: Patch) -> str:
    sliver = " (a sliver)" if patch.is_sliver else ""
    zones = f"zone{'s' if len(patch.ids) > 1 else ''} {' and '.join(patch.ids) or 'none'}"
    told = text.format(zones=zones, area=area_text(patch.area_m2), sliver=sliver)
    return told[0].upper() + told[1:]
