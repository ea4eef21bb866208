"""Marks of the map of coverage: schools by their minutes, and the points where officers wait, now and best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo.maps.coverage_figures import decimal, finite, is_figure, share, words
from safeschools_geo.maps.coverage_layers import CoverageSign, Mark, place_of
from safeschools_geo.maps.coverage_tables import level_text
from safeschools_geo.maps.layers import has_place
from safeschools_geo.maps.legend import LegendItem
from safeschools_geo.maps.svg import INK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import geopandas as gpd

    from safeschools_geo.maps.minute_classes import MinuteClasses

NOW, BEST = ("square", "#ffffff"), ("diamond", "#d55e00")
"""Shape and colour of a waiting point."""

_NO_FIGURE = ("cross", "#b5b5b0")


def school_dots(
    schools: gpd.GeoDataFrame,
    by_school: pd.DataFrame,
    *,
    classes: MinuteClasses,
    zone_names: Mapping[str, str],
    within_min: float,
) -> list[Mark]:
    """Mark the schools: the longer a school waits, the larger and darker.

    Parameters
    ----------
    schools
        Table `schools`; those without a place, or without a row in `by_school`, are left out.
    by_school
        Coverage of each school.
    classes
        Classes of minutes.
    zone_names
        Name of each zone, by `zone_id`.
    within_min
        Minutes of `within_share`.

    Returns
    -------
    list of Mark
        The schools that wait longest last, so that none is hidden under others.
    """
    located = schools[has_place(schools)]
    at = dict(zip(located["school_id"].astype("str"), map(place_of, located.geometry), strict=True))
    rows = [row for row in by_school.to_dict("records") if str(row["school_id"]) in at]
    marks = []
    for row in sorted(
        rows, key=lambda row: finite(row.get("response_min")) if is_figure(row.get("response_min")) else -1
    ):
        minutes = finite(row.get("response_min"))
        shape, color = ("circle", fill) if (fill := classes.fill(minutes)) else _NO_FIGURE
        facts = [
            words(row["name"]),
            f"{level_text(row['level'])}, {zone_names.get(str(row['zone_id']), words(row['zone_id']))}",
            *(
                [
                    f"Until an officer is there, by the model: {decimal(minutes)} min on average",
                    f"Nine calls of ten, by the model: within {decimal(row['response_p90_min'])} min",
                    f"Within {within_min:g} min, by the model: {share(row['within_share'])} of calls",
                ]
                if is_figure(minutes)
                else []
            ),
            f"Calls a week: {decimal(row['calls_per_week'], 2)}",
        ]
        marks.append(
            Mark(
                at=at[str(row["school_id"])],
                shape=shape,
                color=color,
                line=INK,
                radius=classes.radius_px(minutes),
                weight=1,
                facts=facts,
                label="",
                side="right",
            )
        )
    return marks


def staging_marks(points: gpd.GeoDataFrame, *, zone_names: Mapping[str, str]) -> list[Mark]:
    """Mark where officers wait: a square for now, a diamond for best, both in one where an officer stays.

    Parameters
    ----------
    points
        Waiting points with a place, EPSG:4326.
    zone_names
        Name of each zone, by `zone_id`.

    Returns
    -------
    list of Mark
        The marks, each with the officer's name.
    """
    marks = []
    for sides in _officers(points):
        stays = len(sides) == len({tuple(side["at"]) for side in sides.values()}) + 1
        west = min(sides.values(), key=lambda side: side["at"][0])
        for kind in ("best", "now"):
            if kind not in sides:
                continue
            row = sides[kind]
            officer = zone_names.get(row["zone_id"], row["zone_id"]) if pd.isna(row["officer"]) else str(row["officer"])
            is_under = stays and kind == "best"
            shape, color = NOW if kind == "now" else BEST
            marks.append(
                Mark(
                    at=row["at"],
                    shape=shape,
                    color=color,
                    line=INK,
                    radius=9 if is_under else 5 if stays else 6,
                    weight=2,
                    facts=_facts(row, officer, zone_names),
                    label="" if is_under else officer if kind == "now" else f"{officer} best",
                    side="left" if row is west and len(sides) > 1 and not stays else "right",
                )
            )
    return marks


def staging_links(points: gpd.GeoDataFrame) -> list[list[list[float]]]:
    """Link where each officer waits now with the best point.

    Parameters
    ----------
    points
        Waiting points with a place, EPSG:4326.

    Returns
    -------
    list
        Both ends of each line, as longitude and latitude.
    """
    return [
        [sides["now"]["at"], sides["best"]["at"]]
        for sides in _officers(points)
        if len(sides) == len(("now", "best")) and sides["now"]["at"] != sides["best"]["at"]
    ]


def staging_legend(points: gpd.GeoDataFrame) -> list[LegendItem]:
    """Explain the signs of waiting points, as far as they occur.

    Parameters
    ----------
    points
        Waiting points with a place, EPSG:4326.

    Returns
    -------
    list of LegendItem
        The signs.
    """
    kinds = set(points["kind"])
    pairs = [sides for sides in _officers(points) if len(sides) > 1]
    stays = [sides for sides in pairs if sides["now"]["at"] == sides["best"]["at"]]
    return [
        *([LegendItem("Where an officer waits now", *NOW)] if "now" in kinds else []),
        *([LegendItem("Best place to wait", *BEST)] if "best" in kinds else []),
        *([CoverageSign("Waits at the best place now", "stays")] if stays else []),
        *([CoverageSign("From now to best", "moves")] if len(pairs) > len(stays) else []),
    ]


def _officers(points: gpd.GeoDataFrame) -> Iterator[dict[str, dict[str, Any]]]:
    """Give the points of each officer, by kind."""
    rows = [
        {**row, "zone_id": words(row["zone_id"]), "at": place_of(shape)}
        for row, shape in zip(points.drop(columns="geometry").to_dict("records"), points.geometry, strict=True)
    ]
    for key in dict.fromkeys((row["zone_id"], words(row["officer"])) for row in rows):
        yield {row["kind"]: row for row in rows if (row["zone_id"], words(row["officer"])) == key}


def _facts(row: Mapping[str, Any], officer: str, zone_names: Mapping[str, str]) -> list[str]:
    return [
        f"{officer}, waiting point now" if row["kind"] == "now" else f"{officer}, best waiting point",
        words(row["place_name"]),
        zone_names.get(row["zone_id"], row["zone_id"]),
        *(
            [f"Minutes to schools by the ways on the map, mean: {decimal(row['mean_min'])}"]
            if is_figure(row.get("mean_min"))
            else []
        ),
    ]
