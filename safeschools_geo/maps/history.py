"""The history of incidents as packed points, and the form that filters them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from safeschools_geo.maps.layers import has_place
from safeschools_geo.maps.legend import Choice, ChoiceGroup, Filters, LegendItem
from safeschools_geo.maps.packed import PackedPoints, pack_points
from safeschools_geo.maps.palette import CATEGORY_COLORS
from safeschools_geo.maps.tables import OUTSIDE_TERMS
from safeschools_geo.schemas import CATEGORIES, ORIGINS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    import pandas as pd

HOUR_UNKNOWN = 24
_PILED_SHARE = 0.5
_MANY = 2_000


@dataclass(frozen=True)
class CodedHistory:
    """Incidents as packed points.

    Parameters
    ----------
    points
        The located incidents with the codes `category`, `term`, `hour` and `origin`.
    terms
        Terms in order of time; empty text, last, where incidents fall in none.
    counts
        For each code, how many incidents of the whole history have each value.
    is_piled
        Whether most incidents share their place with others.
    """

    points: PackedPoints
    terms: tuple[str, ...]
    counts: Mapping[str, NDArray[np.int64]]
    is_piled: bool


def coded_history(incidents: gpd.GeoDataFrame) -> CodedHistory:
    """Code and pack incidents.

    Parameters
    ----------
    incidents
        Incidents in context, EPSG:4326.

    Returns
    -------
    CodedHistory
        The points; incidents without a place are counted but not packed.
    """
    terms = _terms_in_order(incidents)
    codes = {
        "category": _codes(incidents["category"], CATEGORIES),
        "term": _codes(incidents["term"].fillna("").astype("str"), terms),
        "hour": incidents["hour"].astype("Int64").fillna(HOUR_UNKNOWN).to_numpy(dtype=np.int64),
        "origin": _codes(incidents["origin"], ORIGINS),
    }
    sizes = {"category": len(CATEGORIES), "term": len(terms), "hour": HOUR_UNKNOWN + 1, "origin": len(ORIGINS)}
    is_located = has_place(incidents)
    xy = shapely.get_coordinates(incidents.geometry.to_numpy()[is_located]).reshape(-1, 2)
    return CodedHistory(
        pack_points(xy[:, 0], xy[:, 1], {name: code[is_located] for name, code in codes.items()}),
        terms,
        {name: np.bincount(code, minlength=sizes[name]).astype(np.int64) for name, code in codes.items()},
        is_piled=len(np.unique(xy, axis=0)) < _PILED_SHARE * len(xy),
    )


def history_filters(history: CodedHistory) -> Filters:
    """Make the form that filters the history.

    Parameters
    ----------
    history
        The coded incidents.

    Returns
    -------
    Filters
        A box for each category, term and origin; piled or many incidents are shown as counts at first, since
        their dots would hide each other.
    """
    signs = {CATEGORIES[key]: LegendItem(CATEGORIES[key], "circle", color) for key, color in CATEGORY_COLORS.items()}
    names = {
        "category": ("Category", list(CATEGORIES.values())),
        "term": ("Term", [term or OUTSIDE_TERMS for term in history.terms]),
        "origin": ("Origin", list(ORIGINS.values())),
    }
    groups = [
        ChoiceGroup(
            name, title, [Choice(i, x, int(history.counts[name][i]), signs.get(x)) for i, x in enumerate(labels)]
        )
        for name, (title, labels) in names.items()
    ]
    hours = history.counts["hour"]
    return Filters(
        groups,
        Choice(HOUR_UNKNOWN, "Hour unknown", int(hours[HOUR_UNKNOWN])),
        view="counts" if history.is_piled or history.points.header["count"] > _MANY else "dots",
        total=int(hours.sum()),
    )


def _codes(values: pd.Series, known: Iterable[str]) -> NDArray[np.int64]:
    numbers = {value: code for code, value in enumerate(known)}
    return np.array([numbers[value] for value in values], dtype=np.int64)


def _terms_in_order(incidents: gpd.GeoDataFrame) -> tuple[str, ...]:
    first = incidents.groupby(incidents["term"].fillna("").astype("str"))["occurred_at"].min().sort_values()
    named = [str(term) for term in first.index if term]
    return (*named, *([""] if "" in first.index else []))
