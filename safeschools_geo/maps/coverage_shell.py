"""Pages of coverage: sections with their pictures and tables beside each other, with a map or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from safeschools_geo.errors import ColumnError, attempt_all
from safeschools_geo.maps.coverage_figures import MarkedTable
from safeschools_geo.maps.legend import LegendItem
from safeschools_geo.maps.shell import PLAN_STYLES, Chart, OfflinePage, document

if TYPE_CHECKING:
    import folium
    import pandas as pd

    from safeschools_geo.maps.shell import PageContext


class KeyFigure(NamedTuple):
    """A figure that stands large above the page.

    Parameters
    ----------
    name
        What it is.
    value
        The figure as text.
    more
        What it is compared with; nothing if empty.
    """

    name: str
    value: str
    more: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Parameters
    ----------
    anchor
        Its id in the page.
    title
        Its title.
    lead
        How to read it, in a sentence or two.
    charts
        Its pictures.
    tables
        Its tables.
    swatch
        Colour beside the title, as on the map; none if empty.
    """

    anchor: str
    title: str
    lead: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[MarkedTable] = ()
    swatch: str = ""


class FinderEntry(NamedTuple):
    """A place that the list beside the map finds.

    Parameters
    ----------
    at
        Longitude and latitude.
    facts
        Lines of what it tells, its name first.
    """

    at: list[float]
    facts: list[str]


@dataclass(frozen=True)
class CoverageContent:
    """What a page of coverage holds beside its map, or without one.

    Parameters
    ----------
    title
        Title of the page.
    finding
        The finding, in one line.
    figures
        The figures that stand large above the page.
    caution
        What has to be known before anything else.
    is_warning
        Whether the caution is a warning.
    statements
        Sentences above the map.
    legends
        Title of each legend → its items.
    picture
        The map as it is printed, as SVG.
    finder
        Title of each group of the list beside the map → its entries.
    sections
        The parts of the page.
    notes
        What the reader has to know.
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
    """Put a page of coverage together.

    Parameters
    ----------
    template
        Name of its template.
    content
        What it holds.
    context
        What every page of the term says.
    chart
        The map, if it has one; without one the page runs no script.
    tiles
        Whether the map asks for tiles, which the page then says.
    thumbnail
        A small picture of the map as SVG.
    **more
        What else the template shows.

    Returns
    -------
    OfflinePage
        The page.

    Raises
    ------
    OfflineError
        When the map needs anything from outside.
    """
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


def require_tables(tables: Mapping[str, tuple[pd.DataFrame | None, Sequence[str]]]) -> None:
    """Refuse tables that lack columns, all of them at once.

    Parameters
    ----------
    tables
        Name of each table → the table, None where it was left out, and the columns it must have.

    Raises
    ------
    InputError
        When some columns are missing: `ColumnError`, or `SeveralFaultsError` for several tables.
    """
    attempt_all({name: partial(_require, name, *given) for name, given in tables.items()})


def _require(name: str, table: pd.DataFrame | None, columns: Sequence[str]) -> None:
    missing = [] if table is None else [column for column in columns if column not in table.columns]
    if missing:
        raise ColumnError(
            "A page of coverage cannot be drawn without these columns.",
            where=name,
            found=f"no {', '.join(missing)}",
            expected=", ".join(columns),
        )
