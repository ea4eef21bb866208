"""What the managers' pages and the public packet share: colors and signs, fills of zones and rates, offline pages."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from dataclasses import dataclass
from functools import cache
from html import escape
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from jinja2 import Environment, PackageLoader, StrictUndefined
from shapely import STRtree

from safeschools_geo.errors import OfflineError, name_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Screen = Callable[[Floats], Floats]
    Box = tuple[float, float, float, float]


# ── Colors that readers with any color vision can tell apart

NEIGHBOR_FILLS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#999999")
"""Fills of zones, M. Okabe and K. Ito, "Color universal design", 2008; the first few are enough for any plane map."""

LEVEL_MARKS = {
    "elementary": ("circle", "#ffffff"),
    "middle": ("square", "#56b4e9"),
    "high": ("triangle", "#d55e00"),
    "k8": ("diamond", "#f0e442"),
    "other": ("cross", "#cc79a7"),
}
"""Shape and color of a school, by level: either alone is enough to tell them apart."""

RATE_FILLS = ("#ffffcc", "#a1dab4", "#41b6c4", "#2574ad", "#253494")
"""Fills from low to high, "YlGnBu" of C. A. Brewer, ColorBrewer 2.0; safe for color-blind readers and in gray. The
fourth is a shade darker than hers, so that white numbers can be read on it."""

RING = "#a4002a"

INK, GRAY, FRAME, FAINT = "#1a1a1a", "#4a4a4a", "#767676", "#dcdcd6"
"""Colors of text, of quiet text, of frames and of lines behind marks."""

LONGEST = 26
"""Letters of a name that are written."""

FONT = "system-ui, -apple-system, Segoe UI, Roboto, sans-serif"
"""Said on every picture, since style sheets do not reach it in every printer."""


# ── Places and boxes in a picture


def has_place(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> NDArray[np.bool_]:
    """Say which rows can be put on a map."""
    shapes = frame.geometry.to_numpy()
    return np.asarray(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))


def fit(bounds: Iterable[float], width: float, tallest: float, margin: float) -> tuple[Screen, float]:
    """Fit degrees (west, south, east, north) into a picture: the way to its pixels, and how tall it becomes."""
    west, south, east, north = bounds
    squeeze = math.cos(math.radians((south + north) / 2))
    wide, tall = max((east - west) * squeeze, 1e-9), max(north - south, 1e-9)
    scale = min((width - 2 * margin) / wide, (tallest - 2 * margin) / tall)
    left = (width - wide * scale) / 2

    def place(xy: Floats) -> Floats:
        return np.asarray((xy - [west, north]) * [squeeze * scale, -scale] + [left, margin])

    return place, tall * scale + 2 * margin


def meet(a: Box, b: Box) -> bool:
    """Say whether two boxes (west, north, east, south) overlap."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


# ── Signs of legends, and text of charts

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
    "barrier": (
        '<path d="M0,8H16" stroke="#1a1a1a" stroke-width="2"/>'
        '<path d="M3,8H16" stroke="#1a1a1a" stroke-width="11" stroke-dasharray="2 4"/>'
    ),
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
    """A sign and what it means: one of the shapes, or a sign with a color of its own, such as ``ring`` or ``hatch``."""

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


def text(
    x: float, y: float, words: str, *, anchor: str = "start", color: str = INK, size: float = 14, more: str = ""
) -> str:
    """Write text, which is escaped; its baseline begins, has its middle or ends at x, as `anchor` says."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{color}" font-size="{size:g}"{more and " "}{more}>{escape(words)}</text>'


# ── Classes of a choropleth: equal steps with round edges

_ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class RateClasses:
    """Edges between the fills of a choropleth."""

    start: float  # Lower edge of the lowest class
    step: float  # Width of a class
    number: int  # Number of classes, at most as many as there are fills; 0 where there is no rate at all

    @classmethod
    def of(cls, rates: NDArray[np.float64]) -> RateClasses:
        """Find the smallest round step that needs no more classes than there are fills."""
        known = rates[np.isfinite(rates)]
        if not len(known):
            return cls(0.0, 1.0, 0)
        low, high = float(known.min()), float(known.max())
        power = 10.0 ** math.floor(math.log10((high - low or abs(high) or 1.0) / len(RATE_FILLS)))
        for factor in _ROUND_STEPS:
            step = factor * power
            start = math.floor(low / step) * step
            number = math.floor((high - start) / step + 1e-9) + 1
            if number <= len(RATE_FILLS):
                return cls(start, step, number)
        return cls(low, (high - low) / len(RATE_FILLS), len(RATE_FILLS))

    def fill(self, rate: float) -> str | None:
        """Find the fill of a rate; None where it is missing."""
        if not np.isfinite(rate):
            return None
        place = min(int((rate - self.start) / self.step + 1e-9), self.number - 1)
        return self._fills()[place]

    def legend(self, *, opacity: float = 1.0) -> list[LegendItem]:
        """List the classes, from low to high."""
        decimals = max(0, -math.floor(math.log10(self.step)) + (1 if f"{self.step:e}".startswith("2.5") else 0))
        edges = [self.start + i * self.step for i in range(self.number + 1)]
        labels = [f"{a:.{decimals}f} to below {b:.{decimals}f}" for a, b in pairwise(edges)]
        return [LegendItem(text, "fill", fill, opacity) for text, fill in zip(labels, self._fills(), strict=True)]

    def _fills(self) -> tuple[str, ...]:
        """Spread few classes over the whole range of fills."""
        if self.number <= 1:
            return RATE_FILLS[2 : 2 + self.number]
        spread = np.linspace(0, len(RATE_FILLS) - 1, self.number).round().astype(int)
        return tuple(RATE_FILLS[i] for i in spread)


# ── Signs of zones

_TOUCH_DEGREES = 0.00002
_LONGEST_ID, _LONGEST_LABEL = 3, 10


@dataclass(frozen=True)
class ZoneSign:
    """How a zone is distinguished from the others: never by its color alone."""

    name: str  # Its name
    short: str  # Its id, or a number where ids are long
    label: str  # Its name where that is short, else the word and `short`
    fill: str  # Its color


def zone_signs(zones: gpd.GeoDataFrame) -> list[ZoneSign]:
    """Give every zone its signs.

    Up to eight zones each have a color of their own, since any two of them may come to lie side by side; more zones
    share colors as neighbors today do not.
    """
    ids = zones["zone_id"].astype("str").tolist()
    names = zones["name"].astype("str").tolist() if "name" in zones.columns else ids
    fills = NEIGHBOR_FILLS[: len(ids)] if len(ids) <= len(NEIGHBOR_FILLS) else neighbor_fills(zones)
    is_short = max(map(len, ids), default=0) <= _LONGEST_ID
    shorts = ids if is_short else [str(i + 1) for i in range(len(ids))]
    return [
        ZoneSign(name, short, name if len(name) <= _LONGEST_LABEL else f"Zone {short}", fill)
        for name, short, fill in zip(names, shorts, fills, strict=True)
    ]


def neighbor_fills(zones: gpd.GeoDataFrame) -> list[str]:
    """Give every zone a fill that differs from its neighbors'."""
    shapes = shapely.buffer(zones.geometry.to_numpy(), _TOUCH_DEGREES)
    left, right = STRtree(shapes).query(shapes, predicate="intersects")
    neighbors: list[set[int]] = [set() for _ in shapes]
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        if a != b:
            neighbors[a].add(b)
    chosen: dict[int, int] = {}
    for i in sorted(range(len(shapes)), key=lambda i: (-len(neighbors[i]), i)):
        taken = {chosen[j] for j in neighbors[i] if j in chosen}
        free = (color for color in range(len(NEIGHBOR_FILLS)) if color not in taken)
        chosen[i] = next(free, i % len(NEIGHBOR_FILLS))
    return [NEIGHBOR_FILLS[chosen[i]] for i in range(len(shapes))]


# ── Templates, and pages that ask the network for nothing


@cache
def templates(package: str) -> Environment:
    """Open the templates of a package: all that comes from data is escaped, and an unknown name is an error."""
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def content_policy(scripts: list[str], *, with_tiles: bool = False) -> str:
    """Write the policy of a page: it may run these inline scripts, and ask for nothing but map tiles."""
    hashes = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts]
    sources = " ".join(f"'sha256-{h}'" for h in hashes) or "'none'"
    images = f"data: {TILE_HOST}" if with_tiles else "data:"
    return (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src {images}; "
        "base-uri 'none'; form-action 'none'"
    )


def require_offline(html: str) -> None:
    """Refuse a document that would ask for anything outside itself, every address by name.

    Addresses in prose, links to follow, namespaces and comments are no requests.
    """
    refuse_requests(requests_of(html))


def refuse_requests(requests: list[Request]) -> None:
    """Refuse a page for what it would ask for, every address by name."""
    if requests:
        named = name_ids(dict.fromkeys(str(request) for request in requests))
        raise OfflineError(f"The page would ask for {named}. Pages carry everything they need inside.")


# ── What a page would ask for: every address that a browser fetches by itself

_FETCHED = {
    "script": ("src", "href", "xlink:href"),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "frame": ("src",),
    "embed": ("src",),
    "audio": ("src",),
    "video": ("src", "poster"),
    "track": ("src",),
    "input": ("src",),
    "object": ("data",),
    "base": ("href",),
    "body": ("background",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
    "feimage": ("href", "xlink:href"),
}
# Relations of a link that make a browser fetch, connect or look up.
_FETCHED_LINKS = {
    "stylesheet",
    "icon",
    "apple-touch-icon",
    "preload",
    "modulepreload",
    "prefetch",
    "prerender",
    "preconnect",
    "dns-prefetch",
    "manifest",
}
_INSIDE = ("data:", "blob:", "about:", "#")
_CSS_URL = re.compile(
    r"""url\(\s*(?:"([^"]*)"|'([^']*)'|([^)"'\s]*))\s*\)|(?:@import\s+|image-set\(\s*)["']([^"']+)["']""", re.IGNORECASE
)
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_REFRESH_URL = re.compile(r"url\s*=\s*['\"]?([^'\"]+)", re.IGNORECASE)
TILE_HOST = "https://tile.openstreetmap.org"


@dataclass(frozen=True)
class Request:
    """An address that a page would ask for, and the tag that asks."""

    tag: str
    url: str

    def __str__(self) -> str:
        """Return the address with its tag."""
        return f"{self.url} ({self.tag})"


def requests_of(html: str) -> list[Request]:
    """List what a page would ask for.

    Every address outside the page that a browser would fetch by itself, in order. What a script does is not read: the
    page's content security policy answers for that.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.requests


class _Reader(HTMLParser):
    """Gather the addresses of a document."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        for name in _FETCHED.get(tag, ()):
            self._add_all(tag, _addresses(name, given.get(name, "")))
        if tag == "link" and set(given.get("rel", "").lower().split()) & _FETCHED_LINKS:
            self._add_all(tag, [given.get("href", "")])
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self._add_all(tag, _REFRESH_URL.findall(given.get("content", "")))
        if "style" in given:
            self._add_all(tag, _css_addresses(given["style"]))
        if "srcdoc" in given:
            self.requests.extend(requests_of(given["srcdoc"]))

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._add_all("style", _css_addresses(data))

    def _add_all(self, tag: str, urls: list[str]) -> None:
        self.requests.extend(
            Request(tag, url) for url in map(str.strip, urls) if url and not url.lower().startswith(_INSIDE)
        )


def _addresses(name: str, value: str) -> list[str]:
    if name != "srcset":
        return [value]
    return [candidate.split()[0] for candidate in re.split(r",\s+", value) if candidate.split()]


def _css_addresses(css: str) -> list[str]:
    return ["".join(found) for found in _CSS_URL.findall(_CSS_COMMENT.sub("", css))]
