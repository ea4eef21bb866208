"""Every hotspot of a term in one table, each with what the rules of the trade ask of it and one plain sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import shapely

from safeschools_geo.errors import count_text
from safeschools_geo.hotspots.honesty import warning_for
from safeschools_geo.hotspots.hour_hotspots import GROUP_NAMES
from safeschools_geo.hotspots.words import chance_text, counted_text
from safeschools_geo.schemas import HOTSPOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import geopandas as gpd

    from safeschools_geo.hotspots.grid import GridHotspots
    from safeschools_geo.hotspots.hour_hotspots import HourHotspots
    from safeschools_geo.hotspots.result import PlaceHotspots, SchoolHotspots
    from safeschools_geo.settings import Settings, Term

MOST_PLACES = 10
"""Places off campus that are listed, those with most incidents; the table of places has all."""

_TOUCH_DEGREES = 1e-7
_TEXTS = [c.name for c in HOTSPOTS.columns if c.dtype == "str"]


def list_spots(
    schools: SchoolHotspots,
    hours: HourHotspots,
    places: PlaceHotspots,
    *,
    term: Term,
    settings: Settings,
) -> pd.DataFrame:
    """List every hotspot of a term.

    Parameters
    ----------
    schools, hours, places
        What was found.
    term
        The term.
    settings
        Settings of the district.

    Returns
    -------
    pandas.DataFrame
        Table `hotspots`: groups of schools first, then single schools, months, hours, cells and, last, places off
        campus, which are descriptive. What is high only with what officers started is not among them: see the tables
        of schools and groups.
    """

    def warn(ids: list[str]) -> str:
        return warning_for(schools.counts, ids, term=term.name, terms=settings.terms, changes=settings.patrol_changes)

    rows = [
        *_groups(schools, warn),
        *_schools(schools, warn),
        *_months(schools, warn),
        *_hours(hours),
        *_cells(places.grid),
        *_places(places.clusters.clusters),
    ]
    table = pd.DataFrame(rows, columns=HOTSPOTS.column_names).assign(term=term.name)
    numbers = [c.name for c in HOTSPOTS.columns if c.dtype == "float64"]
    # A column that no kind of hotspot fills is read as numbers.
    texts = {name: table[name].astype(object).where(table[name].notna(), "").astype("str") for name in _TEXTS}
    return table.assign(**texts).astype(dict.fromkeys(numbers, "float64"))


def _groups(schools: SchoolHotspots, warn: Callable[[list[str]], str]) -> Iterator[dict[str, Any]]:
    for row in _rows(schools.groups.to_frame().query("status == 'high'")):
        yield {**row, "hotspot_id": row["group_id"], "kind": "schools", "warning": warn(row["members"].split(";"))}


def _schools(schools: SchoolHotspots, warn: Callable[[list[str]], str]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(_rows(schools.rates.high), start=1):
        # The interval of the rate is that of the count, which is what the ratio has too.
        per_rate = row["ratio"] / row["rate_per_1000"]
        yield {
            **row,
            "hotspot_id": f"S{number}",
            "kind": "school",
            "members": row["school_id"],
            "observed": row["reported"],
            "ratio_low": row["rate_low_per_1000"] * per_rate,
            "ratio_high": row["rate_high_per_1000"] * per_rate,
            "stability_share": schools.stability.get(row["school_id"]),
            "warning": warn([row["school_id"]]),
        }


def _months(schools: SchoolHotspots, warn: Callable[[list[str]], str]) -> Iterator[dict[str, Any]]:
    days = schools.rates.table.set_index("school_id")["student_days"]
    share = schools.months.share_of_days
    for row in _rows(schools.months.high):
        ids, months = row["members"].split(";"), row["months"].split(";")
        student_days = days.reindex(ids).sum(min_count=1) * share.reindex(months).sum()
        yield {
            **row,
            "hotspot_id": row["wave_id"],
            "kind": "schools_in_time",
            "rate_per_1000": 1000 * row["observed"] / student_days,
            "warning": warn(ids),
        }


def _hours(hours: HourHotspots) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(_rows(hours.high), start=1):
        scale = row["rate_per_1000_h"] / (row["observed"] / row["expected"])
        yield {
            **row,
            "hotspot_id": f"H{number}",
            "kind": "hours",
            "members": f"{row['weekdays']} {row['start_hour']:02}:00–{row['end_hour']:02}:00",
            "ratio": row["observed"] / row["expected"],
            "ratio_low": row["rate_low_per_1000_h"] / scale,
            "ratio_high": row["rate_high_per_1000_h"] / scale,
            "rate_per_1000": row["rate_per_1000_h"],
            "sentence": f"{GROUP_NAMES.get(row['group'], row['group'])}: {_uncapitalised(row['sentence'])}",
        }


def _cells(grid: GridHotspots) -> Iterator[dict[str, Any]]:
    """Join hot cells that touch: one patch is one hotspot."""
    hot = grid.hot
    if hot.empty:
        return
    joined = shapely.union_all(shapely.buffer(hot.geometry.to_numpy(), _TOUCH_DEGREES))
    for number, patch in enumerate(shapely.get_parts(joined), start=1):
        mine = hot[hot.geometry.representative_point().within(patch)]
        yield {
            "hotspot_id": f"C{number}",
            "kind": "cell",
            "members": ";".join(mine["cell_id"].astype("str")),
            "observed": mine["incidents"].sum(),
            "q_value": mine["q_value"].min(),
            "stability_share": mine["stability_share"].mean(),
            "sentence": (
                f"{count_text(len(mine), 'cell')} of the grid {'is' if len(mine) == 1 else 'are'} hot with the "
                f"neighboring cells: {counted_text(int(mine['incidents'].sum()), grid.population)}; the strongest has "
                f"q {chance_text(mine['q_value'].min())} over all {len(grid.cells):,} cells."
            ),
            "warning": "" if grid.has_rates else "These are counts: they follow where people are.",
        }


def _places(clusters: gpd.GeoDataFrame) -> Iterator[dict[str, Any]]:
    for row in _rows(pd.DataFrame(clusters.drop(columns="geometry").head(MOST_PLACES))):
        yield {
            **row,
            "hotspot_id": row["cluster_id"],
            "kind": "place",
            "members": row["cluster_id"],
            "observed": row["incidents"],
        }


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in frame.to_dict("records"):
        yield {str(name): value for name, value in row.items()}


def _uncapitalised(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
