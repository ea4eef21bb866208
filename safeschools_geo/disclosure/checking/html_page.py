"""A page of the packet as the checker reads it: what it shows, which figures it marks, what it would ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from safeschools_geo.disclosure.checking.fields import UnreadableError

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "param")
)
_FOREIGN = frozenset(("svg", "math"))
_UNSEEN = frozenset(("script", "style", "template", "head", "title", "desc"))
# Between other elements there is a gap in the text, as there is on the page.
_IN_LINE = frozenset(
    ("a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "em", "i", "mark", "q", "s", "small", "span", "strong")
) | {"sub", "sup", "time", "tspan", "u", "var"}
_LABELS = ("aria-label", "aria-description", "aria-valuetext", "title", "alt", "data-value")
_ADDRESSES = frozenset(
    ("src", "srcset", "imagesrcset", "srcdoc", "href", "xlink:href", "data", "poster", "background", "action")
) | {"formaction", "ping", "manifest"}
_LINKS = frozenset(("a", "area"))
_FOLLOWED = frozenset(("href", "xlink:href"))
_INSIDE = ("data:", "#", "about:")
_CSS_ADDRESS = re.compile(
    r"""(?:url|src)\(\s*["']?([^"')]*)|@import\s*["']?([^"';]*)|image-set\(([^)]*)""", re.IGNORECASE
)
_CSS_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_HEARD = frozenset(("aria-label", "aria-description", "aria-valuetext", "title", "alt", "data-value", "data-label"))
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass
class Marked:
    """An element that says which figure it shows: number of its cell, its text, and what else it says of it."""

    cell: str
    text: str = ""
    value: str | None = None
    labels: list[str] = field(default_factory=list)
    is_withheld: bool = False
    is_closed: bool = False


@dataclass
class Page:
    """What is on a page.

    Parameters
    ----------
    lang
        Its language, as it says.
    text
        What can be read on it without scripts.
    marked
        Elements that show a figure of the release, those that a script shows included.
    policies
        Its content security policies.
    requests
        Addresses outside the page that a browser would fetch.
    scripts
        How many scripts it has.
    numbers
        Every number that it says, to see, to hear, or after a click, as it is written and in order.
    """

    lang: str = ""
    text: str = ""
    marked: list[Marked] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    scripts: int = 0
    numbers: list[str] = field(default_factory=list)


def page_of(html: str) -> Page:
    """Read a page.

    Parameters
    ----------
    html
        The document.

    Returns
    -------
    Page
        What is on it.

    Raises
    ------
    UnreadableError
        When it is no HTML, or not whole.
    """
    reader = _Reader()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError, RecursionError) as error:
        raise UnreadableError(f"it is no HTML that can be read ({error})") from error
    if not reader.is_whole:
        raise UnreadableError("it is not a whole HTML document")
    page = reader.page
    page.text = " ".join("".join(reader.pieces).split())
    return page


@dataclass
class _Open:
    """An element that has not ended."""

    tag: str
    is_unseen: bool
    is_foreign: bool
    marked: Marked | None


class _Reader(HTMLParser):
    """Go through a document once."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.pieces: list[str] = []
        self.is_whole = False
        self._open: list[_Open] = []
        self._styles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs)
        if tag in _VOID:
            self._end(self._open.pop())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._start(tag, attrs)
        # In HTML the slash means nothing; in drawings it ends the element.
        if tag in _VOID or self._open[-1].is_foreign:
            self._end(self._open.pop())

    def handle_endtag(self, tag: str) -> None:
        self._gap(tag)
        if all(one.tag != tag for one in self._open):
            return
        while (last := self._open.pop()).tag != tag:
            pass
        self._end(last)
        self.is_whole |= tag == "html"

    def handle_data(self, data: str) -> None:
        tag = self._open[-1].tag if self._open else ""
        if tag not in {"script", "style"}:
            self.page.numbers += _NUMBER.findall(data)
        if tag == "style":
            self._styles.append(data)
        for one in self._open:
            if one.marked and tag not in {"script", "style"}:
                one.marked.text += data
        if not (self._open and self._open[-1].is_unseen):
            self.pieces.append(data)

    def _start(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Of an attribute that is there twice, browsers take the first.
        given = {name: value or "" for name, value in reversed(attrs)}
        self._gap(tag)
        for name, value in attrs:
            self.page.numbers += _NUMBER.findall(value or "") if name in _HEARD else []
        labels = [given[name] for name in _LABELS if name in given]
        for one in self._open:
            if one.marked:
                one.marked.labels += [*labels, *([given["value"]] if "value" in given else [])]
        marked = None
        if "data-cell" in given:
            is_withheld = "withheld" in given.get("class", "").split()
            marked = Marked(given["data-cell"], "", given.get("value"), labels, is_withheld)
            self.page.marked.append(marked)
        self._open.append(_Open(tag, self._is_unseen(tag, given), self._is_foreign(tag), marked))
        self._look(tag, given)

    def _is_unseen(self, tag: str, given: dict[str, str]) -> bool:
        is_own = tag in _UNSEEN or "hidden" in given or bool(_CSS_UNSEEN.search(given.get("style", "")))
        return is_own or bool(self._open and self._open[-1].is_unseen)

    def _is_foreign(self, tag: str) -> bool:
        above = self._open[-1] if self._open else None
        return tag in _FOREIGN or bool(above and above.is_foreign and above.tag != "foreignobject")

    def _look(self, tag: str, given: dict[str, str]) -> None:
        if tag == "html" and not self.page.lang:
            self.page.lang = given.get("lang", "")
        self.page.scripts += tag == "script"
        if tag == "meta":
            kind = given.get("http-equiv", "").strip().lower()
            if kind == "content-security-policy":
                self.page.policies.append(given.get("content", ""))
            if kind == "refresh":
                self.page.requests.append("another page (meta refresh)")
        fetched = _ADDRESSES - _FOLLOWED if tag in _LINKS else _ADDRESSES
        self._add(tag, [given[name] for name in sorted(fetched & given.keys())])
        self._add(tag, [address for value in given.values() for address in _css(value)])

    def _add(self, tag: str, addresses: list[str]) -> None:
        outside = [a.strip() for a in addresses if a.strip() and not a.strip().lower().startswith(_INSIDE)]
        self.page.requests += [f"{address[:100]} ({tag})" for address in outside]

    def _gap(self, tag: str) -> None:
        if tag not in _IN_LINE:
            self.pieces.append(" ")

    def _end(self, one: _Open) -> None:
        if one.tag == "style":
            self._add("style", _css("".join(self._styles)))
            self._styles.clear()
        if one.marked:
            one.marked.is_closed = True


def _css(css: str) -> list[str]:
    return ["".join(found) for found in _CSS_ADDRESS.findall(_CSS_COMMENT.sub("", css))]
