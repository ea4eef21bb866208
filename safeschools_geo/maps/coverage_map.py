"""The map of coverage, its legend, and the list beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from safeschools_geo.maps.coverage_figures import decimal, finite, is_figure, share, whole, words
from safeschools_geo.maps.coverage_layers import MapLayers, zone_layer
from safeschools_geo.maps.coverage_marks import school_dots, staging_legend, staging_links, staging_marks
from safeschools_geo.maps.coverage_shell import FinderEntry
from safeschools_geo.maps.layers import has_place
from safeschools_geo.maps.legend import LegendItem
from safeschools_geo.maps.minute_classes import MinuteClasses
from safeschools_geo.maps.palette import RATE_FILLS
from safeschools_geo.maps.plan_layers import zone_signs
from safeschools_geo.maps.still_map import still_map

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

_OPACITY = 0.7


@dataclass(frozen=True, eq=False)
class CoverageMap:
    """The map of coverage and what stands beside it.

    Parameters
    ----------
    layers
        What it shows.
    fills
        Colour of each zone; None where it has no figure.
    legends
        Title of each legend → its items.
    finder
        Title of each group of the list → its entries.
    picture
        The map as SVG.
    """

    layers: MapLayers
    fills: list[str | None]
    legends: dict[str, list[LegendItem]]
    finder: dict[str, list[FinderEntry]]
    picture: str


def slowest_zone(by_zone: pd.DataFrame) -> str | None:
    """Find the zone with the longest mean response.

    Parameters
    ----------
    by_zone
        `zone_id` and `response_min`.

    Returns
    -------
    str or None
        Its id; None where fewer than two zones have a figure, or all have the same.
    """
    known = [(float(m), str(z)) for z, m in by_zone[["zone_id", "response_min"]].to_numpy() if is_figure(m)]
    if len({decimal(minutes) for minutes, _ in known}) <= 1:
        return None
    return max(known, key=lambda pair: pair[0])[1]


def coverage_map(
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    *,
    by_zone: pd.DataFrame,
    by_school: pd.DataFrame,
    staging: gpd.GeoDataFrame,
    zone_names: Mapping[str, str],
    within_min: float,
    behind: dict[str, Any],
) -> CoverageMap:
    """Make the map of coverage.

    Parameters
    ----------
    zones, schools, by_zone, by_school, staging
        As for `coverage_pages.coverage_page`.
    zone_names
        Name of each zone, by `zone_id`.
    within_min
        Minutes of `within_share`.
    behind
        The backdrop (`basemap.backdrop`).

    Returns
    -------
    CoverageMap
        The map.
    """
    values = [frame["response_min"].to_numpy(dtype="float64", na_value=np.nan) for frame in (by_zone, by_school)]
    classes = MinuteClasses.of(np.concatenate(values))
    points = staging[has_place(staging)]
    dots = school_dots(schools, by_school, classes=classes, zone_names=zone_names, within_min=within_min)
    waiting = staging_marks(points, zone_names=zone_names)
    slowest = slowest_zone(by_zone)
    zone_ids = zones["zone_id"].astype("str").tolist()
    minutes = _minutes_of(zone_ids, by_zone)
    fills = [classes.fill(minutes[zone]) for zone in zone_ids]
    labels = dict(zip(zone_ids, (sign.label for sign in zone_signs(zones)), strict=True))
    records = {str(row["zone_id"]): row for row in by_zone.to_dict("records")}

    def label(zone_id: str) -> list[str]:
        longest = ["the longest"] if str(zone_id) == slowest else []
        return [labels[str(zone_id)], f"{decimal(minutes[str(zone_id)])} min", *longest]

    features = zone_layer(
        zones,
        fills=fills,
        opacity=_OPACITY,
        label=label,
        facts=lambda zone_id: _zone_facts(zone_names[str(zone_id)], records.get(str(zone_id)), within_min),
        heaviest=slowest,
        marks=[*waiting, *dots],
    )
    layers = MapLayers(features, [*dots, *waiting], links=staging_links(points), backdrop=behind)
    told = "; ".join(f"{zone_names[zone]} {decimal(value)} min" for zone, value in minutes.items())
    return CoverageMap(
        layers,
        fills,
        legends=_legends(classes, points, has_gap=None in fills, has_slowest=slowest is not None, dots=dots)
        | ({"Lines": [LegendItem("District boundary", "line")]} if behind["boundary"] else {}),
        finder={
            "Zones": [FinderEntry(f["properties"]["label_at"], f["properties"]["facts"]) for f in features["features"]],
            "Officers": [FinderEntry(mark["at"], mark["facts"]) for mark in waiting],
            "Schools": [
                FinderEntry(mark["at"], mark["facts"]) for mark in sorted(dots, key=lambda m: m["facts"][0].casefold())
            ],
        },
        picture=still_map(layers, title="Map of patrol coverage", description=f"Mean minutes: {told}"),
    )


def _minutes_of(zone_ids: Sequence[str], by_zone: pd.DataFrame) -> dict[str, float]:
    known = {str(zone): finite(value) for zone, value in by_zone[["zone_id", "response_min"]].to_numpy()}
    return {zone: known.get(zone, np.nan) for zone in zone_ids}


def _zone_facts(name: str, row: Mapping[Any, Any] | None, within_min: float) -> list[str]:
    if row is None:
        return [name, "No figure"]
    return [
        name,
        f"Officer: {words(row['officer'])}",
        f"Schools: {whole(row['schools'])}, calls a day: {decimal(row['calls_per_day'])}",
        f"Until an officer is there: {decimal(row['response_min'])} min on average",
        f"Nine calls of ten: within {decimal(row['response_p90_min'])} min",
        f"Within {within_min:g} min: {share(row['within_share'])} of calls",
        f"Own officer answers {share(row['in_zone_share'])}, another zone’s {share(row['backup_share'])}",
        f"Goes to patrol: {share(row['overflow_share'])} of calls",
        f"The officer is busy with calls {share(row['busy_share'])} of the time",
    ]


def _legends(
    classes: MinuteClasses, points: gpd.GeoDataFrame, *, has_gap: bool, has_slowest: bool, dots: Sequence[Any]
) -> dict[str, list[LegendItem]]:
    has_cross = any(mark["shape"] == "cross" for mark in dots)
    return {
        "Mean minutes until an officer is there": [
            *classes.legend(opacity=_OPACITY),
            *([LegendItem("Zone with the longest", "bold")] if has_slowest else []),
            *([LegendItem("Zone without a figure", "hatch")] if has_gap else []),
        ],
        "Schools": [
            *([LegendItem("School: same colours; the larger, the longer", "circle", RATE_FILLS[2])] if dots else []),
            *([LegendItem("School without a figure", "cross", "#b5b5b0")] if has_cross else []),
        ],
        "Officers": staging_legend(points),
    }
