"""The page around a map: its words, its policy, its legend, its tables, and how it is saved or shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from safeschools_geo.io import write_text
from safeschools_geo.pages._offline import MapParts, content_policy, map_parts, own, require_offline, vendor_manifest
from safeschools_geo.schemas import CATEGORIES, LEVELS, POPULATIONS, STATUSES
from safeschools_geo.writing import output_file

if TYPE_CHECKING:
    import folium


# ── Colors that readers with any color vision can tell apart

NEIGHBOR_FILLS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#999999")
"""Fills of zones, M. Okabe and K. Ito, "Color universal design", 2008; the first few are enough for any plane map."""

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

LEVEL_MARKS = {
    "elementary": ("circle", "#ffffff"),
    "middle": ("square", "#56b4e9"),
    "high": ("triangle", "#d55e00"),
    "k8": ("diamond", "#f0e442"),
    "other": ("cross", "#cc79a7"),
}
"""Shape and color of a school, by level: either alone is enough to tell them apart."""

STATUS_MARKS = {
    "high": ("triangle", "#7a0019"),
    "rests_on_officer_initiated": ("diamond", "#f0b000"),
    "not_high": ("circle", "#ffffff"),
    "insufficient_data": ("circle", "#b5b5b0"),
    "no_denominator": ("cross", "#b5b5b0"),
}
"""Shape and color of a school, by what its test says; gray is for what cannot be said."""

RATE_FILLS = ("#ffffcc", "#a1dab4", "#41b6c4", "#2574ad", "#253494")
"""Fills from low to high, "YlGnBu" of C. A. Brewer, ColorBrewer 2.0; safe for color-blind readers and in gray. The
fourth is a shade darker than hers, so that white numbers can be read on it."""

RING = "#a4002a"


# ── Legends, and the form that is legend and filter at once

_SHAPES = {
    "circle": '<circle cx="8" cy="8" r="5"/>',
    "square": '<rect x="3" y="3" width="10" height="10"/>',
    "triangle": '<path d="M8,2L14,13H2Z"/>',
    "diamond": '<path d="M8,1.5L14.5,8L8,14.5L1.5,8Z"/>',
    "cross": '<path d="M6,3h4v3h3v4h-3v3h-4v-3h-3v-4h3Z"/>',
    "fill": '<rect x="1" y="3" width="14" height="10"/>',
}
_SIGNS = {
    "ring": f'<circle cx="8" cy="8" r="6.5" fill="none" stroke="{RING}" stroke-width="2"/>',
    "line": '<path d="M0,8H16" stroke="#4a4a4a" stroke-width="2" stroke-dasharray="5 3"/>',
    "bold": '<rect x="2" y="3" width="12" height="10" fill="none" stroke="#262626" stroke-width="3"/>',
    "hatch": (
        '<rect x="1" y="3" width="14" height="10" fill="#fff" stroke="#262626"/>'
        '<path d="M1,10L8,3M3,13L13,3M9,13L15,7" stroke="#595959" stroke-width="1.5"/>'
    ),
    "high_area": '<rect x="2" y="3" width="12" height="10" fill="#f1dfe2" stroke="#7a0019" stroke-width="3"/>',
    "officer_area": (
        '<rect x="2" y="3" width="12" height="10" fill="none" stroke="#7a0019" stroke-width="2.5" '
        'stroke-dasharray="1 4" stroke-linecap="round"/>'
    ),
    "place_area": (
        '<rect x="1" y="3" width="14" height="10" fill="#fff" stroke="#1a1a1a"/>'
        '<path d="M4,6.5h.01M8,6.5h.01M12,6.5h.01M4,10h.01M8,10h.01M12,10h.01" stroke="#1a1a1a" stroke-width="2.4" '
        'stroke-linecap="round"/>'
    ),
}


@dataclass(frozen=True)
class LegendItem:
    """A sign and what it means.

    Parameters
    ----------
    label
        What it means.
    shape
        One of the shapes, or of the signs that have a color of their own, such as ``ring`` or ``hatch``.
    color
        Fill, for shapes that have one.
    opacity
        Opacity of the fill, 0 to 1.
    """

    label: str
    shape: str
    color: str = ""
    opacity: float = 1.0

    @property
    def svg(self) -> str:
        """The sign as SVG."""
        return f'<svg class="sign" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">{self._inside()}</svg>'

    def _inside(self) -> str:
        if self.shape in _SIGNS:
            return _SIGNS[self.shape]
        return f'<g fill="{self.color}" fill-opacity="{self.opacity:g}" stroke="#1a1a1a">{_SHAPES[self.shape]}</g>'


@dataclass(frozen=True)
class Choice:
    """One box to tick.

    Parameters
    ----------
    code
        Its code in the packed points.
    label
        Its name.
    count
        How many incidents of the whole history have it.
    sign
        Its sign on the map, if it has one.
    """

    code: int
    label: str
    count: int
    sign: LegendItem | None = None


@dataclass(frozen=True)
class ChoiceGroup:
    """Boxes that belong together.

    Parameters
    ----------
    name
        Name of the code in the packed points.
    title
        What the group is called.
    choices
        The boxes.
    """

    name: str
    title: str
    choices: Sequence[Choice]


@dataclass(frozen=True)
class Filters:
    """The form beside the map of incidents.

    Parameters
    ----------
    groups
        Groups of boxes.
    hour_unknown
        Code of an hour that is not known, and how many incidents have it.
    view
        View at first, ``dots`` or ``counts``.
    total
        Number of incidents in all.
    """

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
OUTSIDE_TERMS = "Outside every term"
CALLS = POPULATIONS["calls"].capitalize()
"""Head of a column of calls for zone officers."""

_RECORD = POPULATIONS["record"].capitalize()


@dataclass(frozen=True)
class DataTable:
    """A table as it is printed.

    Parameters
    ----------
    caption
        What it shows, with its units.
    columns
        Heads of the columns; the first is the head of the rows' names.
    rows
        The cells as text.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def text_columns(self) -> frozenset[int]:
        """The columns of words, which are read from the left; columns of numbers are set flush right."""
        return frozenset(
            place for place in range(1, len(self.columns)) if any(c.isalpha() for row in self.rows for c in row[place])
        )


def load_table(loads: pd.DataFrame, *, term: str) -> DataTable:
    """Print the workload of the zones."""
    columns = ("Zone", "Schools", "Students", CALLS, "On calls", "Travel", "Visits", "Workload", "Of mean")
    rows = tuple(
        (
            str(zone.name),
            count(zone.schools),
            count(zone.enrollment),
            count(zone.incidents),
            number(zone.incident_h, 2),
            number(zone.travel_h, 2),
            number(zone.visit_h, 2),
            number(zone.workload_h, 2),
            number(zone.share_of_mean, 2, suffix=" ×"),
        )
        for zone in loads.itertuples(index=False)
    )
    return DataTable(f"Workload by zone, {term}: officer-hours per school day", columns, rows)


def rate_table(rates: pd.DataFrame, *, term: str) -> DataTable:
    """Print the rates of the zones."""
    rows = tuple(
        (
            str(zone.name),
            count(zone.schools),
            count(zone.student_days),
            count(zone.incidents),
            number(zone.rate_per_1000, 3),
        )
        for zone in rates.itertuples(index=False)
    )
    columns = ("Zone", "Schools", "Student-days", CALLS, "Rate")
    return DataTable(f"{CALLS} (officer-initiated too) per 1,000 student-days by zone, {term}", columns, rows)


def school_table(
    schools: pd.DataFrame, school_assignments: pd.DataFrame, *, zone_names: Mapping[str, str]
) -> DataTable:
    """Print the schools with their zones."""
    placed = school_assignments.set_index("school_id").reindex(schools["school_id"])
    rows = tuple(
        (
            str(name),
            LEVELS.get(level, str(level)),
            count(students),
            "Yes" if in_program else "No",
            zone_names.get(zone_id, NONE_NAMED) if isinstance(zone_id, str) else NONE_NAMED,
            STATUSES.get(status, str(status)),
        )
        for name, level, students, in_program, zone_id, status in zip(
            schools["name"],
            schools["level"],
            schools["enrollment"],
            schools["in_program"],
            placed["zone_id"],
            placed["status"].fillna("no_location"),
            strict=True,
        )
    )
    columns = ("School", "Level", "Students", "In program", "Zone", "How the zone was found")
    return DataTable("Schools and their zones", columns, rows)


def category_table(incidents: pd.DataFrame, *, terms: Sequence[str]) -> DataTable:
    """Print how many incidents there are of each category in each term."""
    return _crossed(
        incidents["category"],
        incidents["term"].fillna("").astype("str"),
        names=CATEGORIES,
        terms=terms,
        caption=f"{_RECORD} by category and term",
        head="Category",
    )


def zone_table(incidents: pd.DataFrame, *, zone_names: Mapping[str, str], terms: Sequence[str]) -> DataTable:
    """Print how many incidents there are in each zone in each term."""
    return _crossed(
        incidents["zone_id"].fillna("").astype("str"),
        incidents["term"].fillna("").astype("str"),
        names={**zone_names, "": "In no zone"},
        terms=terms,
        caption=f"{_RECORD} by zone and term",
        head="Zone",
    )


def at_school_table(incidents: pd.DataFrame, schools: pd.DataFrame) -> DataTable:
    """Print how many incidents there are at each school."""
    names = dict(zip(schools["school_id"], schools["name"].astype("str"), strict=True))
    by_school = incidents["school_id"].fillna("").astype("str").value_counts()
    listed = sorted(
        ((int(n), names.get(str(i), str(i))) for i, n in by_school.items() if i), key=lambda x: (-x[0], x[1])
    )
    elsewhere = int(by_school.get("", 0))
    rows = [(name, count(number)) for number, name in listed]
    return DataTable(
        f"{_RECORD} by school, all terms", ("School", _RECORD), (*rows, ("At no school", count(elsewhere)))
    )


def _crossed(
    groups: pd.Series, terms_of: pd.Series, *, names: Mapping[str, str], terms: Sequence[str], caption: str, head: str
) -> DataTable:
    counts = pd.crosstab(groups, terms_of).reindex(index=list(names), columns=list(terms), fill_value=0)
    rows = [(name, *map(count, counts.loc[key]), count(counts.loc[key].sum())) for key, name in names.items()]
    total = ("All", *map(count, counts.sum()), count(counts.to_numpy().sum()))
    return DataTable(caption, (head, *(t or OUTSIDE_TERMS for t in terms), "All"), (*rows, total))


def count(value: object) -> str:
    """Print a count."""
    return NONE_NAMED if pd.isna(value) else f"{float(value):,.0f}"  # type: ignore[arg-type, call-overload]


def number(value: object, decimals: int, *, suffix: str = "") -> str:
    """Print a measure."""
    return NONE_NAMED if pd.isna(value) else f"{float(value):,.{decimals}f}{suffix}"  # type: ignore[arg-type, call-overload]


# ── The page around a map: its words, its policy, and how it is saved or shown in a notebook

SYNTHETIC = "SYNTHETIC DATA"
STYLES = "css/page.css"
"""Style sheet of every page."""

PLAN_STYLES = (STYLES, "css/plan.css")
"""Style sheets of pages of plans."""

_NOTEBOOK_HEIGHT_PX = 760


@dataclass(frozen=True)
class PageContext:
    """What every page of a term says.

    Parameters
    ----------
    district
        Name of the district.
    term
        Name of the term.
    is_synthetic
        Whether the data are synthetic, which the page and the map then say.
    is_internal
        Whether the page is for internal use, which it then says.
    lang
        Language of the page.
    settings
        Settings behind the numbers: name → value.
    """

    district: str
    term: str
    is_synthetic: bool = False
    is_internal: bool = True
    lang: str = "en"
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class MapEntry:
    """A map as the index names it.

    Parameters
    ----------
    href
        File of the map, beside the index.
    title
        Title of the map.
    finding
        Its one-line finding.
    thumbnail
        A small picture of it as SVG, from `OfflinePage.thumbnail`.
    """

    href: str
    title: str
    finding: str
    thumbnail: str = ""


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
        """Write the page to a file.

        Parameters
        ----------
        path
            The file; replaced as a whole if it is there.

        Returns
        -------
        pathlib.Path
            The file.
        """
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
    """A picture that is not a map.

    Parameters
    ----------
    svg
        The picture as SVG.
    caption
        What it shows.
    """

    svg: str
    caption: str

    def _repr_html_(self) -> str:
        """Show the chart inside a notebook."""
        return f"<figure><figcaption>{escape(self.caption)}</figcaption>{self.svg}</figure>"


class Titled(Protocol):
    """What a page holds, whatever it is."""

    @property
    def title(self) -> str:
        """Title of the page."""


@dataclass(frozen=True)
class PageContent:
    """What a page holds beside its map, or without one.

    Parameters
    ----------
    title
        Title of the page.
    finding
        The finding, in one line.
    legends
        Title of each legend → its items.
    filters
        The form that filters incidents, if the map has one.
    notes
        What the reader has to know: what is left off the map, and the like.
    tables
        The facts of the page as tables.
    charts
        Pictures that are not maps.
    """

    title: str
    finding: str
    tables: Sequence[DataTable]
    legends: Mapping[str, Sequence[LegendItem]] = field(default_factory=dict)
    charts: Sequence[Chart] = ()
    notes: Sequence[str] = ()
    filters: Filters | None = None


def map_page(
    folium_map: folium.Map, content: PageContent, *, context: PageContext, tiles: bool, thumbnail: str = ""
) -> OfflinePage:
    """Put a map into its page."""
    return document("map.html.j2", content, context=context, chart=folium_map, tiles=tiles, thumbnail=thumbnail)


def chart_page(content: PageContent, *, context: PageContext) -> OfflinePage:
    """Draw a page of charts, without a map."""
    return document("chart.html.j2", content, context=context)


def document(
    template: str,
    content: Titled,
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


def index_page(entries: Sequence[MapEntry], *, context: PageContext) -> OfflinePage:
    """Draw the page that links the maps of a term, each with its finding.

    Parameters
    ----------
    entries
        The maps, in order.
    context
        What every page of the term says.

    Returns
    -------
    OfflinePage
        The page.
    """
    html = (
        templates("safeschools_geo.pages")
        .get_template("index.html.j2")
        .render(
            entries=entries,
            context=context,
            synthetic=SYNTHETIC,
            styles=own(STYLES),
            policy=content_policy([]),
        )
    )
    require_offline(html)
    return OfflinePage(html, f"Maps – {context.district}, {context.term}")


@cache
def templates(package: str) -> Environment:
    """Open the templates of a package's pages.

    Parameters
    ----------
    package
        The package that holds them, in ``templates``.

    Returns
    -------
    jinja2.Environment
        It escapes all that comes from data, and an unknown name is an error.
    """
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
