"""The patrol zones of a district: read, repaired, one row for each zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.layers import read_layer, require_kind, require_layer
from safeschools_geo.results import TableRead, empty_rejects, join_rejects, rejects_frame
from safeschools_geo.schemas import ZONES
from safeschools_geo.settings import ReadingSettings
from safeschools_geo.validate.geometry import repair

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from safeschools_geo.layers import Layer
    from safeschools_geo.settings import LayerSettings, Settings


@dataclass(frozen=True)
class ZonesRead(TableRead):
    """Zones as they were read.

    Parameters
    ----------
    pieces
        The polygons as they are in the file, before repair, with `zone_id`, `name`, EPSG:4326; the index is the row.
    """

    pieces: gpd.GeoDataFrame


def read_zones(settings: Settings) -> ZonesRead:
    """Read the zones of a district folder.

    Parameters
    ----------
    settings
        Settings of the district.

    Returns
    -------
    ZonesRead
        Table `zones`: pieces that share a `zone_id` are one zone, in the order of first appearance.

    Raises
    ------
    FileReadError, ColumnError, CRSError, GeometryError
        When the file is not there, cannot be read, lacks the ids, states no CRS or holds no polygons.
    """
    return zones_from_file(require_layer(settings, "zones"), settings.zones, limits=settings.reading)


def zones_from_file(path: Path, settings: LayerSettings, *, limits: ReadingSettings | None = None) -> ZonesRead:
    """Read zones from a file.

    Parameters
    ----------
    path
        The file.
    settings
        Names of its columns, and its CRS where it states none.
    limits
        How much the file may hold; the defaults if left out.

    Returns
    -------
    ZonesRead
        As `read_zones`.

    Raises
    ------
    FileReadError, ColumnError, CRSError, GeometryError
        As `read_zones`.
    """
    layer = read_layer(path, settings, "zones", required=["zone_id"], limits=limits or ReadingSettings())
    require_kind(layer.geometry, {"Polygon", "MultiPolygon"}, f"zones ({path.name})", expected="polygons")
    pieces = _pieces(layer)
    is_lost = pieces["zone_id"].isna() | pieces.geometry.isna() | pieces.geometry.is_empty
    rejects = join_rejects([layer.raw.rejects, _rejected(layer, is_lost)])
    repaired, findings = repair(pieces[~is_lost], table="zones", id_column="zone_id")
    zones = dissolve_pieces(repaired)
    return ZonesRead(
        frame=zones,
        rows_read=len(pieces) + len(layer.raw.rejects),
        rejects=rejects,
        findings=(*layer.findings, *findings),
        files=(path,),
        pieces=pieces[~is_lost],
    )


def dissolve_pieces(pieces: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make one zone of the pieces that share a `zone_id`.

    Parameters
    ----------
    pieces
        Valid polygons with `zone_id` and `name`, and `officer` and `team` where they are known.

    Returns
    -------
    geopandas.GeoDataFrame
        Table `zones`, in the order of first appearance; other columns come from a zone's first piece.
    """
    first = pieces.drop_duplicates("zone_id").drop(columns="geometry")
    shapes = pieces.groupby("zone_id", sort=False).geometry.agg(lambda g: g.union_all() if len(g) > 1 else g.iloc[0])
    frame = gpd.GeoDataFrame(
        first.reset_index(drop=True),
        geometry=gpd.GeoSeries(shapes.loc[first["zone_id"]].to_numpy(), crs=pieces.crs),
    )
    return frame[[c for c in ZONES.column_names if c in frame.columns]]


def _pieces(layer: Layer) -> gpd.GeoDataFrame:
    zone_id = layer.required_text("zone_id")
    name = layer.text("name")
    texts = {"zone_id": zone_id, "name": ("Zone " + zone_id) if name is None else name.fillna("Zone " + zone_id)}
    for optional in ("officer", "team"):
        column = layer.text(optional)
        if column is not None:
            texts[optional] = column
    return gpd.GeoDataFrame(texts, geometry=layer.geometry.array, index=layer.geometry.index, crs=STORAGE_CRS)


def _rejected(layer: Layer, is_lost: pd.Series) -> pd.DataFrame:
    if not is_lost.any():
        return empty_rejects()
    return rejects_frame(
        layer.raw.frame[is_lost.to_numpy()],
        source_file=layer.where,
        id_column=None,
        code="zone_without_id_or_shape",
        reason="The row has no zone id or no polygon; give it both, or delete it.",
    )
