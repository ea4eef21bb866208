"""The map of the day an officer is absent: the zones of that day, and the schools that change hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safeschools_geo.errors import count_text
from safeschools_geo.maps.coverage_figures import MINUTES, change, words
from safeschools_geo.maps.coverage_layers import CoverageSign, MapLayers, Mark, outlines_of, place_of, zone_layer
from safeschools_geo.maps.coverage_tables import level_text
from safeschools_geo.maps.layers import has_place
from safeschools_geo.maps.legend import LegendItem
from safeschools_geo.maps.palette import NEIGHBOUR_FILLS
from safeschools_geo.maps.still_map import still_map
from safeschools_geo.maps.svg import GREY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    import pandas as pd

MOVED = "#7a0019"
"""Colour of what changes hands."""

_OTHER, _OPACITY, _WIDTH = "#ececea", 0.6, 480.0
_PAPER = "#ffffff"


@dataclass(frozen=True, eq=False)
class AbsenceMap:
    """The map of the day.

    Parameters
    ----------
    layers
        What it shows.
    zone_fills
        Colour of each of today's zones, for the small picture; None where the officer is absent.
    legend
        Its signs.
    picture
        The map as SVG.
    """

    layers: MapLayers
    zone_fills: list[str | None]
    legend: list[LegendItem]
    picture: str


def taker_fills(takers: Sequence[str]) -> dict[str, str]:
    """Give each zone that takes schools a colour.

    Parameters
    ----------
    takers
        Their `zone_id`.

    Returns
    -------
    dict of str to str
        Colour by `zone_id`.
    """
    return {zone_id: NEIGHBOUR_FILLS[i % len(NEIGHBOUR_FILLS)] for i, zone_id in enumerate(takers)}


def absence_map(
    zones: gpd.GeoDataFrame,
    schools: gpd.GeoDataFrame,
    changed: pd.DataFrame,
    *,
    absent: Sequence[str],
    plan_zones: gpd.GeoDataFrame | None,
    takers: Mapping[str, str],
    officers: Mapping[str, str],
    zone_names: Mapping[str, str],
    behind: dict[str, Any],
    title: str,
) -> AbsenceMap:
    """Make the map of the day.

    Parameters
    ----------
    zones, schools
        The tables of these names, EPSG:4326.
    changed
        Schools that change hands, with their `number`.
    absent
        Zones whose officer is absent.
    plan_zones
        `zone_id` and areas of the day, EPSG:4326; without them the zones of the absent are hatched.
    takers
        Officer of each zone that takes schools, by `zone_id`.
    officers, zone_names
        Officer and name of each zone, by `zone_id`.
    behind
        The backdrop (`basemap.backdrop`).
    title
        Title of the map.

    Returns
    -------
    AbsenceMap
        The map.
    """
    fills = taker_fills(list(takers))
    day = zones if plan_zones is None else plan_zones[has_place(plan_zones)]
    counts = changed["zone_after"].astype("str").value_counts().to_dict()
    marks = [*_unchanged(schools, changed), *_changed(schools, changed, takers)]
    ids = day["zone_id"].astype("str").tolist()
    zone_fills = [None if z in absent else fills.get(z, _OTHER) for z in zones["zone_id"].astype("str")]

    def label(zone_id: str) -> list[str]:
        if str(zone_id) in absent:
            return [officers.get(str(zone_id), zone_names.get(str(zone_id), str(zone_id))), "absent"]
        more = [f"+{count_text(counts[str(zone_id)], 'school')}"] if str(zone_id) in counts else []
        return [officers.get(str(zone_id), zone_names.get(str(zone_id), str(zone_id))), *more]

    features = zone_layer(
        day,
        fills=[None if zone in absent else fills.get(zone, _OTHER) for zone in ids],
        opacity=_OPACITY,
        label=label,
        facts=lambda zone_id: [zone_names.get(str(zone_id), str(zone_id)), ", ".join(label(zone_id))],
        heaviest=None,
        marks=marks,
    )
    is_absent = zones["zone_id"].astype("str").isin(list(absent))
    layers = MapLayers(features, marks, outlines=outlines_of(zones[is_absent & has_place(zones)]), backdrop=behind)
    told = "; ".join(f"{officer} takes {count_text(counts.get(zone, 0), 'school')}" for zone, officer in takers.items())
    return AbsenceMap(
        layers,
        zone_fills,
        legend=_legend(has_plan=plan_zones is not None, has_changes=len(changed) > 0, has_takers=bool(takers)),
        picture=still_map(layers, title=title, description=told or "No school changes hands", width=_WIDTH),
    )


def _unchanged(schools: gpd.GeoDataFrame, changed: pd.DataFrame) -> list[Mark]:
    others = schools[has_place(schools) & schools["in_program"].astype("bool")]
    others = others[~others["school_id"].astype("str").isin(changed["school_id"].astype("str"))]
    return [
        Mark(
            at=place_of(shape),
            shape="circle",
            color=GREY,
            line="#ffffff",
            radius=3,
            weight=1,
            facts=[words(name), "Its officer is the usual one"],
            label="",
            side="right",
        )
        for name, shape in zip(others["name"], others.geometry, strict=True)
    ]


def _changed(schools: gpd.GeoDataFrame, changed: pd.DataFrame, takers: Mapping[str, str]) -> list[Mark]:
    located = schools[has_place(schools)]
    at = dict(zip(located["school_id"].astype("str"), map(place_of, located.geometry), strict=True))
    return [
        Mark(
            at=at[str(row["school_id"])],
            shape="circle",
            color=_PAPER,
            line=MOVED,
            radius=9,
            weight=2.5,
            facts=[
                f"{row['number']}. {words(row['name'])}",
                f"{level_text(row['level'])}: {takers[str(row['zone_after'])]} covers",
                f"By the model {change(row['response_change_min'], MINUTES)} min against a usual day",
            ],
            label=str(row["number"]),
            side="center",
        )
        for row in changed.to_dict("records")
        if str(row["school_id"]) in at
    ]


def _legend(*, has_plan: bool, has_changes: bool, has_takers: bool) -> list[LegendItem]:
    return [
        *([CoverageSign("School that changes hands, with its number in the lists", "number")] if has_changes else []),
        LegendItem("Other school", "circle", GREY),
        *(
            [LegendItem("Zone of an officer who takes schools", "fill", NEIGHBOUR_FILLS[0], _OPACITY)]
            if has_takers
            else []
        ),
        LegendItem("Zone as usual", "fill", _OTHER),
        CoverageSign("Zone whose officer is absent", "absent"),
        *([] if has_plan else [LegendItem("No officer of its own this day", "hatch")]),
    ]
