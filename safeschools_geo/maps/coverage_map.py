"""The map of coverage, its legend, and the list beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.coverage.figure_text import highest
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
    from collections.abc import Callable, Mapping, Sequence

    import geopandas as gpd

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


def slowest_zones(by_zone: pd.DataFrame) -> list[str]:
    """Find the zones with the longest mean response, as it is printed.

    Parameters
    ----------
    by_zone
        `zone_id` and `response_min`.

    Returns
    -------
    list of str
        Their ids, several where they tie; none where fewer than two zones have a figure, or all have the same.
    """
    if "response_min" not in by_zone.columns:
        return []
    return highest({str(z): finite(m) for z, m in by_zone[["zone_id", "response_min"]].to_numpy()}, decimal)


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
    values = [
        frame.get("response_min", pd.Series(dtype="float64")).to_numpy(dtype="float64", na_value=np.nan)
        for frame in (by_zone, by_school)
    ]
    classes = MinuteClasses.of(np.concatenate(values))
    points = staging[has_place(staging)]
    dots = school_dots(schools, by_school, classes=classes, zone_names=zone_names, within_min=within_min)
    waiting = staging_marks(points, zone_names=zone_names)
    slowest = slowest_zones(by_zone)
    zone_ids = zones["zone_id"].astype("str").tolist()
    minutes = _minutes_of(zone_ids, by_zone)
    fills = [classes.fill(minutes[zone]) for zone in zone_ids]
    labels = dict(zip(zone_ids, (sign.label for sign in zone_signs(zones)), strict=True))
    records = {str(row["zone_id"]): row for row in by_zone.to_dict("records")}

    def label(zone_id: str) -> list[str]:
        which = "the longest" if len(slowest) == 1 else "among the longest"
        known = [f"{decimal(minutes[str(zone_id)])} min"] if is_figure(minutes[str(zone_id)]) else []
        return [labels[str(zone_id)], *known, *([which] if str(zone_id) in slowest else [])]

    features = zone_layer(
        zones,
        fills=fills,
        opacity=_OPACITY,
        label=label,
        facts=lambda zone_id: _zone_facts(zone_names[str(zone_id)], records.get(str(zone_id)), within_min),
        heaviest=slowest[0] if len(slowest) == 1 else None,
        marks=[*waiting, *dots],
    )
    layers = MapLayers(features, [*dots, *waiting], links=staging_links(points), backdrop=behind)
    told = "; ".join(f"{zone_names[zone]} {decimal(value)} min" for zone, value in minutes.items() if is_figure(value))
    return CoverageMap(
        layers,
        fills,
        legends=_legends(classes, points, has_gap=None in fills, has_slowest=len(slowest) == 1, dots=dots)
        | ({"Lines": [LegendItem("District boundary", "line")]} if behind["boundary"] else {}),
        finder={
            "Zones": [FinderEntry(f["properties"]["label_at"], f["properties"]["facts"]) for f in features["features"]],
            "Officers": [FinderEntry(mark["at"], mark["facts"]) for mark in waiting],
            "Schools": [
                FinderEntry(mark["at"], mark["facts"]) for mark in sorted(dots, key=lambda m: m["facts"][0].casefold())
            ],
        },
        picture=still_map(
            layers, title="Map of patrol coverage", description=f"Recorded mean minutes: {told or 'none'}"
        ),
    )


def _minutes_of(zone_ids: Sequence[str], by_zone: pd.DataFrame) -> dict[str, float]:
    rows = by_zone.reindex(columns=["zone_id", "response_min"]).to_numpy()
    known = {str(zone): finite(value) for zone, value in rows}
    return {zone: known.get(zone, np.nan) for zone in zone_ids}


def _zone_facts(name: str, row: Mapping[Any, Any] | None, within_min: float) -> list[str]:
    if row is None:
        return [name, "No figure"]
    facts: dict[str, Callable[[Any], str]] = {
        "response_min": lambda value: f"Until an officer is there, as recorded: {decimal(value)} min on average",
        "response_p90_min": lambda value: f"Nine calls of ten, as recorded: within {decimal(value)} min",
        "within_share": lambda value: f"Within {within_min:g} min, as recorded: {share(value)} of calls",
        "in_zone_share": lambda value: (
            f"Own officer answered {share(value)}, another zone’s {share(row['backup_share'])}"
        ),
        "overflow_share": lambda value: f"Went to patrol: {share(value)} of calls",
        "busy_share": lambda value: f"The officer was busy with calls of the zone {share(value)} of the time",
    }
    return [
        name,
        f"Officer: {words(row['officer'])}",
        f"Schools: {whole(row['schools'])}, calls a day: {decimal(row['calls_per_day'])}",
        *(told(row[column]) for column, told in facts.items() if column in row and is_figure(row[column])),
    ]


def _legends(
    classes: MinuteClasses, points: gpd.GeoDataFrame, *, has_gap: bool, has_slowest: bool, dots: Sequence[Any]
) -> dict[str, list[LegendItem]]:
    has_cross, has_dot = (any(mark["shape"] == shape for mark in dots) for shape in ("cross", "circle"))
    return {
        "Mean minutes until an officer is there, as recorded": [
            *classes.legend(opacity=_OPACITY),
            *([LegendItem("Zone with the longest", "bold")] if has_slowest else []),
            *([LegendItem("Zone of which the record does not say", "hatch")] if has_gap else []),
        ],
        "Schools": [
            *([LegendItem("School, by the model: the larger, the longer", "circle", RATE_FILLS[2])] if has_dot else []),
            *([LegendItem("School without a figure", "cross", "#b5b5b0")] if has_cross else []),
        ],
        "Officers": staging_legend(points),
    }
