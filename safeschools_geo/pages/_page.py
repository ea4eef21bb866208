"""What every page is made of: signs and legends, tables, pictures, and the page around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from html import escape
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from safeschools_geo.drawing import LEVEL_MARKS, LegendItem, require_offline, templates
from safeschools_geo.io import write_text
from safeschools_geo.pages._offline import MapParts, map_parts, own, vendor_manifest
from safeschools_geo.schemas import LEVELS
from safeschools_geo.text import decimal_text, share_text
from safeschools_geo.writing import output_file

if TYPE_CHECKING:
    import folium


# ── Colors that readers with any color vision can tell apart


CATEGORY_COLORS = {
    "assault_battery": "#cc3311",
    "weapons": "#332288",
    "intruder": "#ddcc77",
    "gang_activity": "#882255",
    "alcohol_drugs": "#117733",
    "assessment_5150": "#88ccee",
    "threat_assessment": "#aa4499",
    "welfare_check": "#44aa99",
    "non_critical": "#bbbbbb",
}
"""Colors of the categories, after P. Tol, "Color schemes", SRON/EPS/TN/09-002, 2021."""


STATUS_MARKS = {
    "high": ("triangle", "#7a0019"),
    "rests_on_officer_initiated": ("diamond", "#f0b000"),
    "not_high": ("circle", "#ffffff"),
    "insufficient_data": ("circle", "#b5b5b0"),
    "no_denominator": ("cross", "#b5b5b0"),
}
"""Shape and color of a school, by what its test says; gray is for what cannot be said."""


# ── Legends, and the form that is legend and filter at once


@dataclass(frozen=True)
class Choice:
    """One box to tick: its code in the packed points, and how many incidents of the whole history have it."""

    code: int
    label: str
    count: int
    sign: LegendItem | None = None
    is_ticked: bool = True  # At first


@dataclass(frozen=True)
class ChoiceGroup:
    """Boxes that belong together, under the name of their code in the packed points."""

    name: str
    title: str
    choices: Sequence[Choice]


@dataclass(frozen=True)
class Filters:
    """The form beside the map of incidents; at first it shows ``dots`` or ``counts``."""

    groups: Sequence[ChoiceGroup]
    hour_unknown: Choice
    view: str
    total: int


def school_legend(levels: Sequence[str], *, has_rings: bool) -> list[LegendItem]:
    """List the signs of the schools on a map."""
    items = [LegendItem(LEVELS[level], *LEVEL_MARKS[level]) for level in LEVELS if level in set(levels)]
    return [*items, *([LegendItem("Not simply inside one zone: see the table", "ring")] if has_rings else [])]


# ── Data tables that stand beside each map, so that its facts can be read without it

NONE_NAMED = "–"


class Column(NamedTuple):
    """A column of a printed table: its head, the column or columns of the frame behind it, and how it is written."""

    head: str
    of: str | tuple[str, ...]
    written: Callable[..., str]


class Link(NamedTuple):
    """A link to another page, and what it leads to, for those who hear it without its row and column."""

    href: str
    label: str


@dataclass(frozen=True)
class DataTable:
    """A table as it is printed."""

    caption: str  # What it shows, with its units
    columns: tuple[str, ...]  # Heads of the columns; the first is the head of the rows' names
    rows: tuple[tuple[str, ...], ...]  # The cells as text
    marked: frozenset[int] = frozenset()  # Rows that stand out, each of which says so in words or figures as well
    # Row and column of a cell, from 0 → its shade, 0 (light) to 4 (dark)
    shades: Mapping[tuple[int, int], int] = field(default_factory=dict)
    bold: frozenset[tuple[int, int]] = frozenset()  # Cells that are framed, by row and column
    # Cells that lead to another page, by row and column, where column 0 is the head of the row
    links: Mapping[tuple[int, int], Link] = field(default_factory=dict)

    @cached_property
    def text_columns(self) -> frozenset[int]:
        """The columns of words, which are read from the left; columns of numbers are set flush right."""
        return frozenset(
            place for place in range(1, len(self.columns)) if any(c.isalpha() for row in self.rows for c in row[place])
        )


def printed(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    caption: str,
    marked: Iterable[object] = (),
    nothing: str = "None",
) -> DataTable:
    """Print the columns that a frame has; a row is marked where `marked` is true."""
    sources = [(c.of,) if isinstance(c.of, str) else c.of for c in columns]
    shown = [(c, of) for c, of in zip(columns, sources, strict=True) if set(of) <= set(frame.columns)]
    names = list(dict.fromkeys(name for _, of in shown for name in of))
    rows = tuple(
        tuple(column.written(*(row[name] for name in of)) for column, of in shown)
        for row in frame.loc[:, names].to_dict("records")
    )
    return DataTable(
        caption,
        tuple(column.head for column, _ in shown),
        rows or ((nothing, *[NONE_NAMED] * (len(shown) - 1)),),
        marked=frozenset(place for place, is_marked in enumerate(marked) if is_marked),
    )


def count(value: object) -> str:
    """Print a count."""
    return NONE_NAMED if pd.isna(value) else f"{float(value):,.0f}"  # type: ignore[arg-type, call-overload]


def number(value: object, decimals: int, *, suffix: str = "") -> str:
    """Print a measure."""
    return NONE_NAMED if pd.isna(value) else f"{float(value):,.{decimals}f}{suffix}"  # type: ignore[arg-type, call-overload]


def fixed(decimals: int, suffix: str = "") -> Callable[[object], str]:
    """Make what prints a measure with so many decimals."""
    return partial(number, decimals=decimals, suffix=suffix)


# ── Figures of coverage as pages print them, rounded half up; a dash is where there is no figure

MINUTES = "min"
"""Unit of measures in minutes; all other measures of coverage are shares."""

_LEAST = 0.0005


def is_figure(value: object) -> bool:
    """Say whether there is a figure to show."""
    return not pd.isna(value) and isfinite(float(value))  # type: ignore[arg-type, call-overload]


def finite(value: Any) -> float:  # noqa: ANN401 -- a cell of any column
    """Read a figure."""
    return float(value) if is_figure(value) else float("nan")


def words(value: object) -> str:
    """Write words."""
    return NONE_NAMED if pd.isna(value) or str(value) == "" else str(value)  # type: ignore[call-overload]


def decimal(value: Any, decimals: int = 1) -> str:  # noqa: ANN401 -- a cell of any column
    """Write a number, rounded half up as all figures are."""
    return decimal_text(float(value), decimals) if is_figure(value) else NONE_NAMED


def whole(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    """Write a number without decimals."""
    return decimal(value, 0)


def share(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    """Write a share in percent."""
    if not is_figure(value):
        return NONE_NAMED
    if 0 < abs(value) < _LEAST:
        return "<0.1%"
    return share_text(float(value))


def figure(value: Any, unit: str) -> str:  # noqa: ANN401 -- a cell of any column
    """Write minutes as minutes, and all else as a share."""
    return decimal(value) if unit == MINUTES else share(value)


def change(value: Any, unit: str) -> str:  # noqa: ANN401 -- a cell of any column
    """Write by how much a figure changes."""
    text = decimal(value if unit == MINUTES or not is_figure(value) else 100 * value)
    return f"+{text}" if is_figure(value) and value > 0 and text.strip("0.") else text


def level_text(level: object) -> str:
    """Write the level of a school."""
    return LEVELS.get(str(level), words(level))


def interval(low: Any, high: Any, written: Callable[[Any], str]) -> str:  # noqa: ANN401 -- cells of any column
    """Write an interval."""
    ends = written(low), written(high)
    return NONE_NAMED if NONE_NAMED in ends else " to ".join(ends)


# ── The page around a map: its words, its policy, and how it is saved or shown in a notebook

SYNTHETIC = "SYNTHETIC DATA"
STYLES = "css/page.css"
"""Style sheet of every page."""

PLAN_STYLES = (STYLES, "css/plan.css")
"""Style sheets of pages of plans."""

_NOTEBOOK_HEIGHT_PX = 760


@dataclass(frozen=True)
class PageContext:
    """What every page of a term says."""

    district: str  # Name of the district
    term: str  # Name of the term
    is_synthetic: bool = False  # Whether the data are synthetic, which the page and the map then say
    settings: Mapping[str, str] = field(default_factory=dict)  # Settings behind the numbers: name → value
    days: str = ""  # From which day to which the term goes


@dataclass(frozen=True)
class OfflinePage:
    """A page that opens with the network cut.

    Parameters
    ----------
    html
        The complete document.
    title
        Its title.
    thumbnail
        A small picture of its map as SVG.
    heading
        Its title without district and term.
    """

    html: str
    title: str
    thumbnail: str = ""
    heading: str = ""

    def save(self, path: Path | str) -> Path:
        """Write the page to a file, which is replaced as a whole if it is there."""
        target = Path(path)
        with output_file(target) as fresh:
            write_text(fresh, self.html)
        return target

    def _repr_html_(self) -> str:
        """Show the page inside a notebook."""
        return (
            f'<iframe title="{escape(self.title)}" width="100%" height="{_NOTEBOOK_HEIGHT_PX}" '
            f'srcdoc="{escape(self.html)}"></iframe>'
        )


@dataclass(frozen=True)
class Chart:
    """A picture that is not a map, as SVG, and what it shows."""

    svg: str
    caption: str

    def _repr_html_(self) -> str:
        """Show the chart inside a notebook."""
        return f"<figure><figcaption>{escape(self.caption)}</figcaption>{self.svg}</figure>"


@dataclass(frozen=True)
class PageContent:
    """What a page holds beside its map, or without one."""

    title: str
    finding: str
    tables: Sequence[DataTable]
    legends: Mapping[str, Sequence[LegendItem]] = field(default_factory=dict)
    charts: Sequence[Chart] = ()
    notes: Sequence[str] = ()
    filters: Filters | None = None


def document(
    template: str,
    content: PageContent | CoverageContent,
    *,
    context: PageContext,
    chart: folium.Map | None = None,
    styles: Sequence[str] = (STYLES,),
    tiles: bool = False,
    thumbnail: str = "",
    **more: object,
) -> OfflinePage:
    """Put a page together."""
    parts = MapParts([], "", []) if chart is None else map_parts(chart, tiles=tiles)
    html = (
        templates("safeschools_geo.pages")
        .get_template(template)
        .render(
            content=content,
            context=context,
            synthetic=SYNTHETIC,
            map_html=parts.html,
            styles="\n".join([*parts.styles, *map(own, styles)]),
            scripts=parts.scripts,
            policy=parts.policy,
            tiles=tiles and chart is not None,
            leaflet=vendor_manifest()["leaflet"],
            **more,
        )
    )
    require_offline(html)
    return OfflinePage(html, f"{content.title} – {context.district}, {context.term}", thumbnail, content.title)


map_page, chart_page = partial(document, "map.html.j2"), partial(document, "chart.html.j2")


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


coverage_document = partial(document, styles=(*PLAN_STYLES, "css/coverage.css"))


def named(frame: pd.DataFrame, column: str) -> dict[str, str]:
    """Give what zones are called, or their officers."""
    pairs = frame[["zone_id", column]].dropna().to_numpy().tolist() if column in frame.columns else []
    return {str(zone_id): str(name) for zone_id, name in pairs}


# ── Why a figure of coverage is missing: one note for each reason that occurs

_REASONS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "by_zone",
        ("response_min", "response_p90_min", "within_share", "busy_share", "in_zone_share", "overflow_share"),
        "a figure of a zone: too few calls of it are recorded with what it takes (20, and half of all, are needed)",
    ),
    (
        "by_school",
        ("response_min", "response_p90_min", "within_share"),
        "minutes of a school: no call came from there, or no officer can answer one or get there",
    ),
    (
        "staging",
        ("mean_min",),
        "minutes from a waiting point: no school can be reached from there, or it is not known where the officer waits",
    ),
    (
        "reach",
        ("now_share", "best_share", "now_twice_share", "best_twice_share"),
        "a share that is reached: enrollment or waiting points are not known, or there is no second officer",
    ),
    (
        "by_hour",
        ("busy_share", "overflow_share", "response_min"),
        "an hour of the day: no call came in that hour",
    ),
    (
        "staffing",
        ("mean_response_min", "p90_response_min", "overflow_share", "busy_share_mean"),
        "a number of officers: it was not worked out, or no officer answers a call",
    ),
    ("staffing", ("cost",), "cost: the settings name no cost of an officer-hour"),
    (
        "comparison",
        ("low", "high"),
        "the interval of a difference: it was not worked out how far chance in the calls can move it",
    ),
    (
        "comparison",
        ("current", "proposed"),
        "a measure of zones: one of the two has no call that an officer answers, or nothing recorded could bear it out",
    ),
    ("validation", ("observed",), "the record: it does not say, or rests it on too few calls"),
    ("validation", ("predicted",), "the model: it has no figure, or nothing recorded could bear it out"),
    ("caseload", ("mean_min",), "minutes of a case: no case came in that term"),
    ("caseload", ("change_share",), "change on the term before: there is none, or no case came in it"),
    (
        "takeover",
        ("response_change_min",),
        "minutes of a school: no call came from there, or no officer can get there",
    ),
    ("takeover", ("calls_per_week",), "calls of a school: they are not known"),
    (
        "loads",
        ("load_before_h", "load_after_h", "busy_before_share", "busy_after_share"),
        "the load of an officer: the officer is absent, or has no calls",
    ),
    (
        "cases",
        ("response_change_min", "overflow_change_share", "busiest_load_h"),
        "a figure of a case: nobody is left to answer, or it could not be worked out",
    ),
)


def missing_notes(tables: Mapping[str, pd.DataFrame | None]) -> list[str]:
    """Say why there are dashes, as far as there are any."""
    return [
        f"A dash (–) stands for {reason}." for name, columns, reason in _REASONS if _has_gap(tables.get(name), columns)
    ]


def _has_gap(table: pd.DataFrame | None, columns: tuple[str, ...]) -> bool:
    if table is None:
        return False
    return any(not is_figure(value) for column in columns if column in table.columns for value in table[column])
