"""A map as one file that asks the network for nothing: everything inline, held to its hashes."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from importlib import resources
from typing import TYPE_CHECKING

import folium
from branca.element import Element, Figure

from safeschools_geo.drawing import TILE_HOST, Request, content_policy, refuse_requests
from safeschools_geo.errors import OfflineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable


# ── Files that pages are made of: vendored libraries, held to their hashes, and our own scripts and styles

_FOLDER = resources.files("safeschools_geo.pages")
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
_CSS_IMAGE = re.compile(r"url\(['\"]?(images/[\w.-]+\.png)['\"]?\)")
_MARKER_IMAGES = {"iconUrl": "marker-icon", "iconRetinaUrl": "marker-icon-2x", "shadowUrl": "marker-shadow"}


@cache
def vendor_manifest() -> dict[str, dict[str, str]]:
    """List the vendored packages."""
    text = (_FOLDER / "vendor" / "manifest.json").read_text(encoding="utf-8")
    return {
        entry["name"]: {"version": entry["version"], "license": entry["license"], **entry["files"]}
        for entry in json.loads(text)["packages"]
    }


@cache
def vendored(path: str) -> bytes:
    """Read a vendored file."""
    expected = vendor_manifest()[path.split("/", maxsplit=1)[0]].get(path)
    content = _below(_FOLDER / "vendor", path).read_bytes()
    if hashlib.sha256(content).hexdigest() != expected:
        raise OfflineError(f"The vendored file {path} is not the one that was published. Reinstall the package.")
    return content


@cache
def leaflet_script() -> str:
    """Return Leaflet, without the comment that sends developer tools looking for its source map."""
    return _SOURCE_MAP.sub("", vendored("leaflet/leaflet.js").decode()).strip()


@cache
def leaflet_styles() -> str:
    """Return Leaflet's styles, with their images inside."""
    text = vendored("leaflet/leaflet.css").decode()
    # An old remedy for Internet Explorer, which no present browser reads.
    text = text.replace("behavior: url(#default#VML);", "")
    return _CSS_IMAGE.sub(lambda match: f"url({_data_uri(match[1])})", text)


def marker_images_script() -> str:
    """Return the script that gives Leaflet's own marker its images."""
    images = {option: _data_uri(f"images/{stem}.png") for option, stem in _MARKER_IMAGES.items()}
    return f"delete L.Icon.Default.prototype._getIconUrl;\nL.Icon.Default.mergeOptions({json.dumps(images)});"


@cache
def own(path: str) -> str:
    """Read one of our own scripts or styles."""
    return _below(_FOLDER, path).read_text(encoding="utf-8").strip()


def _below(folder: Traversable, path: str) -> Traversable:
    return folder.joinpath(*path.split("/"))


def _data_uri(path: str) -> str:
    return "data:image/png;base64," + base64.b64encode(vendored(f"leaflet/{path}")).decode()


# ── A folium map as one file that asks the network for nothing: everything inlined, the rest forbidden or refused

TILE_URL = "https://tile.openstreetmap.org/{z}/{x}/{y}.png"
_LEAFLET = re.compile(r"/leaflet(@[\d.]+)?/dist/leaflet(\.min)?\.(js|css)$")
# What folium links by default, and what a document that needs it would have to contain.
_DEFAULT_LINKS = (
    (re.compile(r"https://code\.jquery\.com/jquery-[\d.]+\.min\.js"), re.compile(r"\$\(|jQuery")),
    (
        re.compile(
            r"https://cdn\.jsdelivr\.net/npm/bootstrap@[\d.]+/dist/(js/bootstrap\.bundle\.min\.js|css/bootstrap\.min\.css)"
        ),
        re.compile(r"data-bs-|\bbootstrap\.|class=\\?[\"'][^\"']*\b(?:btn|navbar|modal|container-fluid)\b"),
    ),
    (
        re.compile(r"https://netdna\.bootstrapcdn\.com/bootstrap/[\d.]+/css/bootstrap-glyphicons\.css"),
        re.compile(r"glyphicon"),
    ),
    (
        re.compile(r"https://cdn\.jsdelivr\.net/npm/@fortawesome/fontawesome-free@[\d.]+/css/all\.min\.css"),
        re.compile(r"\bfa-|AwesomeMarkers"),
    ),
    (re.compile(r"https://\S+/leaflet\.awesome[-.](markers|rotate)(\.min)?\.(js|css)"), re.compile(r"AwesomeMarkers")),
)
_URL_LITERAL = re.compile(r"""(?<!\\)["'`]((?:(?:https?|wss?):)?//[\w.{-][^"'`\s]*)""")
_DATA_TYPES = ("application/json", "text/plain")


class OfflineElement(folium.MacroElement):
    """A part of a folium map that needs scripts of this package, such as ``js/core.js``, in their order."""

    scripts: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = type(self).__name__

    @property
    def map_name(self) -> str:
        """The variable that holds the map in the page."""
        return "" if self._parent is None else self._parent.get_name()

    def blocks(self) -> dict[str, str]:
        """Markup to put into the page as it is, by name."""
        return {}

    def render(self, **kwargs: object) -> str:
        """Put the element into the page of its map."""
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        figure = _figure_of(self)
        for name, markup in self.blocks().items():
            figure.html.add_child(_Verbatim(markup), name=name)
        return ""


class _Verbatim(Element):
    """Markup as it is; branca else reads it as a template."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.markup = markup

    def render(self, **_kwargs: object) -> str:
        """Return the markup."""
        return self.markup


@dataclass
class MapParts:
    """What a folium map puts into a page, with nothing left outside it; `html` holds the data blocks too."""

    styles: list[str]
    html: str
    scripts: list[str]
    with_tiles: bool = False

    @property
    def policy(self) -> str:
        """The content security policy: no request, and no script but these."""
        return content_policy(self.scripts, with_tiles=self.with_tiles)


def map_parts(folium_map: folium.Map, *, tiles: bool = False) -> MapParts:
    """Take a folium map apart, with every library inlined."""
    # folium adds children to a map each time it renders it: a copy leaves the caller's map as it was.
    figure = copy.deepcopy(_figure_of(folium_map))
    figure.render()
    renumber = _Renumber({element.get_name().rsplit("_", 1)[-1] for element in _elements(figure)})
    header = _Fragment.of(renumber(figure.header.render()))
    body = _Fragment.of(renumber(figure.html.render()))
    script = renumber(figure.script.render())
    own_text = "\n".join([*header.scripts, *body.scripts, body.rest, script])
    links = [link for link in (*header.links, *body.links) if not _LEAFLET.search(link.url)]
    refuse_requests([link for link in links if not _is_idle_default(link.url, own_text)])
    _check_literals(own_text, tiles=tiles)
    libraries = [leaflet_script(), *map(own, _package_scripts(figure))]
    if "L.marker(" in script:
        libraries.append(marker_images_script())
    return MapParts(
        styles=[leaflet_styles(), *header.styles, *body.styles],
        html="\n".join([(header.rest + body.rest).strip(), *header.data, *body.data]),
        scripts=[*header.scripts, *libraries, *body.scripts, _close_guard(script.strip())],
        with_tiles=tiles,
    )


def _figure_of(element: Element) -> Figure:
    root = element.get_root()
    if not isinstance(root, Figure):
        raise OfflineError("Only a map that stands in a page can be rendered.")
    return root


def _is_idle_default(url: str, text: str) -> bool:
    """Say whether folium links this with every map and this one does without."""
    return any(known.fullmatch(url) and not use.search(text) for known, use in _DEFAULT_LINKS)


def _check_literals(script: str, *, tiles: bool) -> None:
    urls = [url for url in _URL_LITERAL.findall(script) if not (tiles and url.startswith(TILE_HOST))]
    refuse_requests([Request("script", url) for url in urls])


def _elements(element: Element, seen: set[int] | None = None) -> Iterator[Element]:
    """Walk the tree, and the parts that folium keeps as attributes (popups, icons, tooltips)."""
    seen = set() if seen is None else seen
    if id(element) in seen:
        return
    seen.add(id(element))
    yield element
    for value in [*element._children.values(), *vars(element).values()]:  # noqa: SLF001 -- branca has no public walk
        if isinstance(value, Element):
            yield from _elements(value, seen)


def _package_scripts(figure: Element) -> list[str]:
    wanted = [s for e in _elements(figure) if isinstance(e, OfflineElement) for s in e.scripts]
    return list(dict.fromkeys(wanted))


def _close_guard(script: str) -> str:
    """Keep text inside a script from closing it."""
    return re.sub(r"<(?=/script|!--|script)", r"\\x3c", script, flags=re.IGNORECASE)


class _Renumber:
    """Turn folium's random ids into 1, 2, 3 … in their order of appearance."""

    def __init__(self, ids: set[str]) -> None:
        self._pattern = re.compile("|".join(sorted(map(re.escape, ids)))) if ids else re.compile(r"(?!)")
        self._numbers: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        return self._pattern.sub(lambda match: self._numbers.setdefault(match[0], str(len(self._numbers) + 1)), text)


@dataclass
class _Fragment:
    """A piece of markup, sorted into what it links, styles, scripts, data blocks, and the rest."""

    links: list[Request] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    rest: str = ""

    @classmethod
    def of(cls, markup: str) -> _Fragment:
        sorter = _Sorter()
        sorter.feed(markup)
        sorter.close()
        return sorter.fragment


class _Sorter(HTMLParser):
    """Sort markup into a `_Fragment`; the page brings its own ``meta``."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.fragment = _Fragment()
        self._into: list[str] | None = None
        self._is_in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        source = given.get("src") or given.get("href") or given.get("xlink:href")
        if tag == "script" and source:
            self.fragment.links.append(Request("script", source))
            self._is_in_link = True
        elif tag == "script" and given.get("type", "") in _DATA_TYPES:
            self._open(self.fragment.data)
            self.fragment.data[-1] = self.get_starttag_text() or ""
        elif tag == "script":
            self._open(self.fragment.scripts)
        elif tag == "style":
            self._open(self.fragment.styles)
        elif tag == "link":
            self.fragment.links.append(Request("link", given.get("href", "")))
        elif tag != "meta":
            self.fragment.rest += self.get_starttag_text() or ""

    def _open(self, into: list[str]) -> None:
        into.append("")
        self._into = into

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._into is not None:
            closing = f"</{tag}>" if self._into is self.fragment.data else ""
            self._into[-1] = self._into[-1].strip() + closing
            self._into = None
        elif self._is_in_link:
            self._is_in_link = False
        else:
            self.fragment.rest += f"</{tag}>"

    def handle_data(self, data: str) -> None:
        if self._into is not None:
            self._into[-1] += data
        else:
            self.fragment.rest += data

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")
