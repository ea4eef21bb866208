"""Pages of plans: the page around a map, with more in it than other maps have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.maps import assets
from safeschools_geo.maps.offline import map_parts, require_offline
from safeschools_geo.maps.shell import SYNTHETIC, OfflinePage, templates

if TYPE_CHECKING:
    import folium

    from safeschools_geo.maps.shell import PageContent, PageContext


def plan_map_page(
    template: str,
    folium_map: folium.Map,
    content: PageContent,
    *,
    context: PageContext,
    tiles: bool,
    thumbnail: str,
    **more: object,
) -> OfflinePage:
    """Put a map into a page with a template of its own.

    Parameters
    ----------
    template
        Name of the template, one that extends ``map.html.j2``.
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
    parts = map_parts(folium_map, tiles=tiles)
    styles = [*parts.styles, assets.own("css/page.css"), assets.own("css/plan.css")]
    html = (
        templates()
        .get_template(template)
        .render(
            content=content,
            context=context,
            synthetic=SYNTHETIC,
            map_html=parts.html,
            styles="\n".join(styles),
            scripts=parts.scripts,
            policy=parts.policy,
            tiles=tiles,
            leaflet=assets.vendor_manifest()["leaflet"],
            **more,
        )
    )
    require_offline(html)
    return OfflinePage(html, f"{content.title} – {context.district}, {context.term}", thumbnail, content.title)
