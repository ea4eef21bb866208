"""What a page would ask for: every address that a browser fetches by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

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

    Parameters
    ----------
    html
        A complete HTML document; pages inside it (``srcdoc``) are read too.

    Returns
    -------
    list of Request
        Every address outside the page that a browser would fetch by itself, in order. What a script does is not read:
        the page's content security policy answers for that.
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
