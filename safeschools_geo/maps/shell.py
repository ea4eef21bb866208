"""The page around a map: its words, its policy, and how it is saved or shown in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined

from safeschools_geo.export import write_text
from safeschools_geo.maps import assets
from safeschools_geo.maps.legend import Filters, LegendItem
from safeschools_geo.maps.offline import MapParts, content_policy, map_parts, require_offline
from safeschools_geo.maps.tables import DataTable
from safeschools_geo.writing import output_file

if TYPE_CHECKING:
    import folium

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
    """Put a map into its page.

    Parameters
    ----------
    folium_map
        The map.
    content
        What stands beside it.
    context
        What every page of the term says.
    tiles
        Whether the map asks for tiles, which the page then says.
    thumbnail
        A small picture of the map as SVG.

    Returns
    -------
    OfflinePage
        The page.

    Raises
    ------
    OfflineError
        When the map needs anything from outside.
    """
    return document("map.html.j2", content, context=context, chart=folium_map, tiles=tiles, thumbnail=thumbnail)


def chart_page(content: PageContent, *, context: PageContext) -> OfflinePage:
    """Draw a page of charts, without a map.

    Parameters
    ----------
    content
        What it holds.
    context
        What every page of the term says.

    Returns
    -------
    OfflinePage
        The page; it runs no script.
    """
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
    """Put a page together.

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
    styles
        Style sheets of its own, below this package.
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
    parts = MapParts([], "", []) if chart is None else map_parts(chart, tiles=tiles)
    html = (
        templates("safeschools_geo.maps")
        .get_template(template)
        .render(
            content=content,
            context=context,
            synthetic=SYNTHETIC,
            map_html=parts.html,
            styles="\n".join([*parts.styles, *map(assets.own, styles)]),
            scripts=parts.scripts,
            policy=parts.policy,
            tiles=tiles and chart is not None,
            leaflet=assets.vendor_manifest()["leaflet"],
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
        templates("safeschools_geo.maps")
        .get_template("index.html.j2")
        .render(
            entries=entries,
            context=context,
            synthetic=SYNTHETIC,
            styles=assets.own(STYLES),
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
