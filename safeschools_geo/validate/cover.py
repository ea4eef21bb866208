"""Whether the zones cover the district once: no overlaps, no gaps, nothing beyond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from safeschools_geo.errors import name_ids
from safeschools_geo.results import Finding, Severity
from safeschools_geo.validate.geometry import area_text
from safeschools_geo.validate.patches import SLIVER_M, by_zones, gaps, outside, overlaps
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from pyproj import CRS

    from safeschools_geo.validate.patches import Patch

MOST_PLACES = 10
"""Patches of one kind that get a finding of their own; the rest share one."""


@dataclass(frozen=True)
class _Kind:
    """What is said of one patch (`one`) and of several (`many`): ``{zones}``, ``{area}`` and ``{n}`` are filled in."""

    severity: Severity
    code: str
    one: str
    many: str
    expected: str
    remedy: str


_OVERLAP = _Kind(
    "error",
    "zones_overlap",
    "The zones {zones} overlap by {area}.",
    "{n} more pairs of zones overlap, by {area} together.",
    "every place in one zone only",
    "Snap the border that the zones share in your GIS; until then such places go to the zone that comes first in the "
    "file.",
)
_GAP = _Kind(
    "warning",
    "zones_gap",
    "A part of the district, {area} beside {zones}, lies in no zone.",
    "{n} more parts of the district, {area} together, lie in no zone.",
    "the whole district covered by zones",
    "Extend the zones beside the gap to each other, or to the border of the district.",
)
_HOLE = _Kind(
    "warning",
    "zones_gap",
    "A hole of {area} beside {zones} lies in no zone.",
    "{n} more holes, {area} together, lie in no zone.",
    "no holes between zones, unless the place is not the district's",
    "Extend the zones around the hole; if it is meant, add the boundary of the district, with the hole, as a layer.",
)
_EXCESS = _Kind(
    "warning",
    "zones_outside_boundary",
    "Zone {zones} reaches beyond the district, by {area}.",
    "{n} more zones reach beyond the district, by {area} together.",
    "zones within the boundary of the district",
    "Clip the zones to the boundary, or correct the boundary.",
)


def check_cover(zones: gpd.GeoDataFrame, *, crs: CRS, boundary: gpd.GeoDataFrame | None = None) -> list[Finding]:
    """Find where zones overlap, leave gaps, or leave the district.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in metres to measure in.
    boundary
        The district, EPSG:4326; without it only gaps that zones enclose can be told.

    Returns
    -------
    list of Finding
        Overlaps by pair of zones, gaps one by one, excesses by zone, each with its area and location. The largest
        `MOST_PLACES` of a kind come one by one, the others together, as do all slivers, narrower than `SLIVER_M`.
    """
    shared, bare = overlaps(zones, crs=crs), gaps(zones, crs=crs, boundary=boundary)
    beyond = [] if boundary is None else outside(zones, boundary, crs=crs)
    return [
        *_by_place(by_zones(_wide(shared)), _OVERLAP),
        *_by_place(_wide(bare), _HOLE if boundary is None else _GAP),
        *_by_place(by_zones(_wide(beyond)), _EXCESS),
        *_slivers({"overlaps": shared, "gaps": bare, "strips outside the district": beyond}),
    ]


def _wide(patches: Sequence[Patch]) -> list[Patch]:
    return [p for p in patches if not p.is_sliver]


def _by_place(patches: Sequence[Patch], kind: _Kind) -> list[Finding]:
    alone, rest = patches[:MOST_PLACES], patches[MOST_PLACES:]
    return [_finding([p], kind) for p in alone] + ([_finding(rest, kind)] if rest else [])


def _finding(patches: Sequence[Patch], kind: _Kind) -> Finding:
    ids = tuple(dict.fromkeys(zone for p in patches for zone in p.ids))
    message = (kind.one if len(patches) == 1 else kind.many).format(
        zones=name_ids(ids) or "no zone", area=_area(patches), n=len(patches)
    )
    return Finding(
        kind.severity,
        kind.code,
        "zones",
        message,
        ids=ids,
        expected=kind.expected,
        remedy=kind.remedy,
        location=patches[0].location,
    )


def _slivers(patches_by_kind: Mapping[str, Sequence[Patch]]) -> list[Finding]:
    slivers = {kind: [p for p in patches if p.is_sliver] for kind, patches in patches_by_kind.items()}
    largest_first = sorted((p for found in slivers.values() for p in found), key=lambda p: -p.area_m2)
    if not largest_first:
        return []
    counts = ", ".join(f"{kind}: {len(found)} ({_area(found)})" for kind, found in slivers.items() if found)
    message = f"Borders that should meet miss each other by less than {SLIVER_M:.0f} m; {counts}."
    return tell(
        dict.fromkeys(zone for p in largest_first for zone in p.ids),
        "note",
        "zones_slivers",
        "zones",
        message,
        expected="neighbours that share their border vertex for vertex",
        remedy="Snap the borders in your GIS; places in a sliver are few, but their zone is an accident.",
        location=largest_first[0].location,
    )


def _area(patches: Sequence[Patch]) -> str:
    return area_text(sum(p.area_m2 for p in patches))
