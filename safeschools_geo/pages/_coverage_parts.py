"""What pages of coverage are made of: figures, sections, and why a figure is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from safeschools_geo.pages._page import PLAN_STYLES, Chart, DataTable, LegendItem, OfflinePage, document, is_figure

if TYPE_CHECKING:
    import folium
    import pandas as pd

    from safeschools_geo.pages._page import PageContext


# ── Pages of coverage: sections with their pictures and tables beside each other, with a map or without


class KeyFigure(NamedTuple):
    """A figure that stands large above the page, and what it is compared with, if anything."""

    name: str
    value: str
    more: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page: its lead says how to read it, its swatch is a color of the map."""

    anchor: str
    title: str
    lead: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[DataTable] = ()
    swatch: str = ""


class FinderEntry(NamedTuple):
    """A place (longitude, latitude) that the list beside the map finds, and the lines it tells, its name first."""

    at: list[float]
    facts: list[str]


@dataclass(frozen=True)
class CoverageContent:
    """What a page of coverage holds beside its map, or without one.

    The caution stands before all else; `picture` is the map as it is printed, `finder` the list beside it.
    """

    title: str
    finding: str
    figures: Sequence[KeyFigure] = ()
    caution: str = ""
    is_warning: bool = False
    statements: Sequence[str] = ()
    legends: Mapping[str, Sequence[LegendItem]] = field(default_factory=dict)
    picture: str = ""
    finder: Mapping[str, Sequence[FinderEntry]] = field(default_factory=dict)
    sections: Sequence[Section] = ()
    notes: Sequence[str] = ()

    @property
    def found(self) -> list[dict[str, Any]]:
        """The entries of the finder, in the order of its options."""
        return [entry._asdict() for entries in self.finder.values() for entry in entries]


def coverage_document(
    template: str,
    content: CoverageContent,
    *,
    context: PageContext,
    chart: folium.Map | None = None,
    tiles: bool = False,
    thumbnail: str = "",
    **more: object,
) -> OfflinePage:
    """Put a page of coverage together."""
    return document(
        template,
        content,
        context=context,
        chart=chart,
        styles=(*PLAN_STYLES, "css/coverage.css"),
        tiles=tiles,
        thumbnail=thumbnail,
        **more,
    )


def named(frame: pd.DataFrame, column: str) -> dict[str, str]:
    """Give what zones are called, or their officers."""
    pairs = frame[["zone_id", column]].dropna().to_numpy().tolist() if column in frame.columns else []
    return {str(zone_id): str(name) for zone_id, name in pairs}


# ── Why a figure of coverage is missing: one note for each reason that occurs

_REASONS: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    (
        ("by_zone",),
        ("response_min", "response_p90_min", "within_share", "busy_share", "in_zone_share", "overflow_share"),
        "a figure of a zone: too few calls of it are recorded with what it takes (20, and half of all, are needed)",
    ),
    (
        ("by_school",),
        ("response_min", "response_p90_min", "within_share"),
        "minutes of a school: no call came from there, or no officer can answer one or get there",
    ),
    (
        ("staging",),
        ("mean_min",),
        "minutes from a waiting point: no school can be reached from there, or it is not known where the officer waits",
    ),
    (
        ("reach",),
        ("now_share", "best_share", "now_twice_share", "best_twice_share"),
        "a share that is reached: enrollment or waiting points are not known, or there is no second officer",
    ),
    (
        ("by_hour",),
        ("busy_share", "overflow_share", "response_min"),
        "an hour of the day: no call came in that hour",
    ),
    (
        ("staffing",),
        ("mean_response_min", "p90_response_min", "overflow_share", "busy_share_mean"),
        "a number of officers: it was not worked out, or no officer answers a call",
    ),
    (("staffing",), ("cost",), "cost: the settings name no cost of an officer-hour"),
    (
        ("comparison",),
        ("low", "high"),
        "the interval of a difference: it was not worked out how far chance in the calls can move it",
    ),
    (
        ("comparison",),
        ("current", "proposed"),
        "a measure of zones: one of the two has no call that an officer answers, or nothing recorded could bear it out",
    ),
    (("validation",), ("observed",), "the record: it does not say, or rests it on too few calls"),
    (("validation",), ("predicted",), "the model: it has no figure, or nothing recorded could bear it out"),
    (("caseload",), ("mean_min",), "minutes of a case: no case came in that term"),
    (("caseload",), ("change_share",), "change on the term before: there is none, or no case came in it"),
    (
        ("takeover",),
        ("response_change_min",),
        "minutes of a school: no call came from there, or no officer can get there",
    ),
    (("takeover",), ("calls_per_week",), "calls of a school: they are not known"),
    (
        ("loads",),
        ("load_before_h", "load_after_h", "busy_before_share", "busy_after_share"),
        "the load of an officer: the officer is absent, or has no calls",
    ),
    (
        ("cases",),
        ("response_change_min", "overflow_change_share", "busiest_load_h"),
        "a figure of a case: nobody is left to answer, or it could not be worked out",
    ),
)


def missing_notes(tables: Mapping[str, pd.DataFrame | None]) -> list[str]:
    """Say why there are dashes, as far as there are any."""
    return [
        f"A dash (–) stands for {reason}."
        for names, columns, reason in _REASONS
        if any(_has_gap(tables.get(name), columns) for name in names)
    ]


def _has_gap(table: pd.DataFrame | None, columns: tuple[str, ...]) -> bool:
    if table is None:
        return False
    return any(not is_figure(value) for column in columns if column in table.columns for value in table[column])
