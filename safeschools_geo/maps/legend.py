"""Legends, and the form that is legend and filter at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from safeschools_geo.maps.palette import LEVEL_MARKS, RING
from safeschools_geo.schemas import LEVELS

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
        One of the shapes, or of the signs that have a colour of their own, such as ``ring`` or ``hatch``.
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
    """List the signs of the schools on a map.

    Parameters
    ----------
    levels
        Levels that occur.
    has_rings
        Whether a school has a ring.

    Returns
    -------
    list of LegendItem
        The signs, in the order of the levels.
    """
    items = [LegendItem(LEVELS[level], *LEVEL_MARKS[level]) for level in LEVELS if level in set(levels)]
    return [*items, *([LegendItem("Not simply inside one zone: see the table", "ring")] if has_rings else [])]
