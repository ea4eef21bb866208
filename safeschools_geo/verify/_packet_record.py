"""The folder of a board packet, its pages and its audit, as the checker reads them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from safeschools_geo.verify._reading import (
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Fields,
    Kind,
    UnreadableError,
    by_name,
    list_of,
    or_none,
    parse_json,
    quoted,
    read_text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable


# ── A page of the packet as the checker reads it: what it shows, which figures it marks, what it would ask for

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
    """What is on a page."""

    lang: str = ""  # Its language, as it says
    text: str = ""  # What can be read on it without scripts
    # Elements that show a figure of the release, those that a script shows included
    marked: list[Marked] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)  # Its content security policies
    requests: list[str] = field(default_factory=list)  # Addresses outside the page that a browser would fetch
    scripts: int = 0  # How many scripts it has
    # Every number that it says, to see, to hear, or after a click, as it is written and in order
    numbers: list[str] = field(default_factory=list)


def page_of(html: str) -> Page:
    """Read a page."""
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


# ── The audit of a release as the checker reads it from ``audit.json``

AUDIT_FORMAT = "safeschools-geo/audit/2"
"""The format that is understood."""

MIXED = -1
"""What stands for the name of a kind whose counts differ in it."""


@dataclass(frozen=True)
class Policy:
    """What may be published, and all of it as it is written."""

    name: str
    smallest_count: int
    smallest_group: int
    source: str
    raw: Mapping[str, object]

    @property
    def largest_small(self) -> int:
        """The largest count that is withheld."""
        return self.smallest_count - 1


@dataclass(frozen=True)
class Ends:
    """How small and how large something can be, and the worlds that show it; `high` is None where nothing limits it."""

    low: int
    high: int | None
    low_world: int
    high_world: int


@dataclass(frozen=True)
class Figure:
    """A figure of the release: `value` where it is published, `ends` where it is withheld."""

    cell: int
    key: Mapping[str, str]
    value: int | None
    ends: Ends | None

    def __str__(self) -> str:
        """Return its number and its name."""
        return f"cell {self.cell} ({', '.join(f'{k} {v}' for k, v in self.key.items()) or 'all'})"


@dataclass(frozen=True)
class Group:
    """Groups that no table shows: at most all there is of `kinds`, at least all there is of `whole`."""

    groups: int
    kinds: Sequence[int]
    whole: Sequence[int]
    ends: Ends


@dataclass(frozen=True)
class Statement:
    """What else was published: a number, and between which two it lies.

    `weights` are those of the kinds whose sum it is, None where they are not public; `value` is the number as the pages
    have it, None for what an earlier release told.
    """

    source: str
    key: Mapping[str, str]
    value: float | None
    low: float | None
    high: float | None
    weights: Mapping[int, float] | None
    raw: Mapping[str, object]


@dataclass(frozen=True)
class World:
    """Made-up counts: how much there is of some kinds, none of the others."""

    kinds: Sequence[int]
    counts: Sequence[int]


@dataclass(frozen=True)
class Audit:
    """All that an audit says; `names` has for each dimension the name of each kind, None where its counts differ."""

    district: str
    term: str
    release: int
    measure: str
    policy: Policy
    is_safe: bool
    knows_rule: bool
    names: Mapping[str, Sequence[str | None]]
    n_kinds: int
    figures: Sequence[Figure]
    statements: Sequence[Statement]
    groups: Sequence[Group]
    worlds: Sequence[World]


def audit_of(value: object) -> Audit:
    """Read an audit; kinds and worlds that it speaks of are there."""
    fields = Fields(value)
    require_format(fields, AUDIT_FORMAT)
    kinds = fields.inner("kinds")
    n_kinds = len(kinds.get("places", list_of(whole(low=1))))
    worlds = [_world(pair, number, n_kinds) for number, pair in enumerate(fields.get("worlds", list_of(_PAIR)))]
    return Audit(
        district=fields.get("district", TEXT),
        term=fields.get("term", TEXT),
        release=fields.get("release", whole()),
        measure=fields.get("measure", TEXT),
        policy=policy_of(fields.inner("policy")),
        is_safe=fields.get("is_safe", FLAG),
        knows_rule=fields.get("knows_rule", FLAG),
        names=_names(kinds, n_kinds),
        n_kinds=n_kinds,
        figures=[_figure(one, len(worlds)) for one in fields.objects("figures")],
        statements=[_statement(one, n_kinds) for one in fields.objects("statements")],
        groups=[_group(one, n_kinds, len(worlds)) for one in fields.objects("groups")],
        worlds=worlds,
    )


def policy_of(fields: Fields) -> Policy:
    """Read a policy."""
    return Policy(
        name=fields.get("name", TEXT),
        smallest_count=fields.get("smallest_count", whole(low=3)),
        smallest_group=fields.get("smallest_group", whole(low=3)),
        source=fields.get("source", TEXT),
        raw=fields.raw,
    )


def require_format(fields: Fields, expected: str) -> None:
    """Refuse a file of another format."""
    found = fields.get("format", TEXT)
    if found != expected:
        raise UnreadableError(f"its format is {quoted(found)}; {quoted(expected)} is understood")


_PAIR: Kind[list[list[int]]] = Kind(
    "two lists of whole numbers",
    lambda v: isinstance(v, list) and len(v) == 2 and all(map(list_of(WHOLE).holds, v)),  # noqa: PLR2004 - a pair
)


def _names(kinds: Fields, n_kinds: int) -> dict[str, list[str | None]]:
    names, numbers = kinds.inner("names"), kinds.inner("numbers")
    if names.raw.keys() != numbers.raw.keys():
        raise UnreadableError("names and numbers of kinds are not of the same dimensions")
    found: dict[str, list[str | None]] = {}
    for dim in names.raw:
        of_dim = names.get(dim, list_of(TEXT))
        of_kind = numbers.get(dim, list_of(whole(low=MIXED, high=len(of_dim) - 1)))
        if len(of_kind) != n_kinds:
            raise UnreadableError(f"{len(of_kind):,} kinds have a {dim}; there are {n_kinds:,}")
        found[dim] = [None if number == MIXED else of_dim[number] for number in of_kind]
    return found


def _world(pair: list[list[int]], number: int, n_kinds: int) -> World:
    kinds, counts = pair
    if len(kinds) != len(counts):
        raise UnreadableError(f"world {number} has {len(kinds):,} kinds and {len(counts):,} counts")
    if len(set(kinds)) < len(kinds):
        raise UnreadableError(f"world {number} has a kind twice")
    strangers = [kind for kind in kinds if not 0 <= kind < n_kinds]
    if strangers:
        raise UnreadableError(f"world {number} has a kind {strangers[0]}; there are {n_kinds:,}, from 0")
    return World(kinds, counts)


def _figure(fields: Fields, n_worlds: int) -> Figure:
    value = fields.get("value", or_none(WHOLE))
    if value is not None and any(name in fields.raw for name in ("low", "high")):
        raise UnreadableError(f"cell {fields.get('cell', whole())} has both a value and an interval")
    return Figure(
        cell=fields.get("cell", whole()),
        key=fields.get("key", by_name(TEXT)),
        value=value,
        ends=None if value is not None else _ends(fields, n_worlds),
    )


def _ends(fields: Fields, n_worlds: int) -> Ends:
    number = whole(high=n_worlds - 1)
    return Ends(
        low=fields.get("low", WHOLE),
        high=fields.get("high", or_none(WHOLE)),
        low_world=fields.get("low_world", number),
        high_world=fields.get("high_world", number),
    )


def _statement(fields: Fields, n_kinds: int) -> Statement:
    weights = fields.get("weights", or_none(by_name(NUMBER)))
    strangers = [kind for kind in weights or {} if not (kind.isascii() and kind.isdecimal() and int(kind) < n_kinds)]
    if strangers:
        raise UnreadableError(f"a statement has a kind {quoted(strangers[0])}; there are {n_kinds:,}, from 0")
    return Statement(
        source=fields.get("source", TEXT),
        key=fields.get("key", by_name(TEXT)) if "key" in fields.raw else {},
        value=fields.get("value", NUMBER) if "value" in fields.raw else None,
        low=fields.get("low", or_none(NUMBER)),
        high=fields.get("high", or_none(NUMBER)),
        weights=None if weights is None else {int(kind): weight for kind, weight in weights.items()},
        raw=fields.raw,
    )


def _group(fields: Fields, n_kinds: int, n_worlds: int) -> Group:
    of_kinds = list_of(whole(high=n_kinds - 1))
    return Group(
        groups=fields.get("groups", whole(low=1)),
        kinds=fields.get("kinds", of_kinds),
        whole=fields.get("whole", of_kinds),
        ends=_ends(fields, n_worlds),
    )


# ── The folder of a board packet as the checker reads it: every fault told, none raised

PACKET, AUDIT, RELEASES = "packet.json", "audit.json", "releases.jsonl"
"""Files of a packet beside its pages."""

PACKET_FORMAT = "safeschools-geo/packet/2"
"""The format that is understood."""

_DEEPEST = 4


@dataclass(frozen=True)
class Packet:
    """What a packet says of itself.

    `releases` and `last` are the length of the record when it was made, and the hash of its last line; `public` has the
    numbers that are public anyway, by what they are; `numbers` those of each page, in order.
    """

    district: str
    term: str
    is_synthetic: bool
    release: int
    policy: Policy
    languages: Sequence[str]
    files: Mapping[str, str]
    releases: int
    last: str | None
    public: Mapping[str, Sequence[str]]
    numbers: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Release:
    """One line of the record of what was published: what is looked at, and all of it."""

    number: int
    district: str
    term: str
    measure: str
    policy: Policy
    figures: Sequence[tuple[Mapping[str, str], int | None]]
    statements: Sequence[str]
    said: Sequence[Mapping[str, Any]]
    previous: str
    hash: str
    raw: Mapping[str, Any]


@dataclass
class PacketRecord:
    """The files of a folder, as far as they can be read; `faults` has the name of a file and what is wrong with it."""

    folder: Path
    packet: Packet | None = None
    audit: Audit | None = None
    releases: Sequence[Release] | None = None
    pages: dict[str, Page] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)


def read_packet_record(folder: Path, releases_file: Path | None = None) -> PacketRecord:
    """Read the files of a packet."""
    record = PacketRecord(folder)

    def attempt(name: str, step: Callable[[str], None]) -> None:
        try:
            step(read_text(folder / name))
        except UnreadableError as error:
            record.faults.append((name, str(error)))

    def packet(text: str) -> None:
        record.packet = _packet(parse_json(text))

    def audit(text: str) -> None:
        record.audit = audit_of(parse_json(text))

    def releases(text: str) -> None:
        record.releases = _releases(text)

    attempt(PACKET, packet)
    attempt(AUDIT, audit)
    kept = releases_file or record_around(folder)
    if kept is not None:
        try:
            # A district that has no record has released nothing, or has lost it: the packet knows.
            releases(read_text(kept) if releases_file or kept.exists() else "")
        except UnreadableError as error:
            record.faults.append((RELEASES, str(error)))
    for name in page_names(folder):
        attempt(name, lambda text, name=name: record.pages.update({name: page_of(text)}))  # type: ignore[misc]
    return record


def record_around(folder: Path) -> Path | None:
    """Find the record of releases of a packet: in its folder, or in those around it, up to the district's."""
    for place in [folder, *folder.resolve().parents[:_DEEPEST]]:
        if (place / RELEASES).is_file():
            return place / RELEASES
        if (place / "district.toml").is_file():
            try:
                settings = tomllib.loads((place / "district.toml").read_text(encoding="utf-8-sig"))
                return place / str(settings.get("board", {}).get("releases", RELEASES))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError):
                return None
    return None


def names_in(folder: Path) -> list[str]:
    """List the files of a folder and those below it."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )


def page_names(folder: Path) -> list[str]:
    """List the pages of a folder and those below it."""
    return [name for name in names_in(folder) if PurePosixPath(name).suffix.lower() in {".html", ".htm", ".xhtml"}]


def _packet(value: object) -> Packet:
    fields = Fields(value)
    require_format(fields, PACKET_FORMAT)
    files = fields.get("files", by_name(TEXT))
    strangers = [name for name in files if not _is_inside(name)]
    if strangers:
        raise UnreadableError(f"it lists {strangers[0]!r}, which is no file of the folder")
    languages = fields.get("languages", list_of(TEXT))
    if not languages:
        raise UnreadableError("it names no language")
    return Packet(
        district=fields.get("district", TEXT),
        term=fields.get("term", TEXT),
        is_synthetic=fields.get("is_synthetic", FLAG),
        release=fields.get("release", whole()),
        policy=policy_of(fields.inner("policy")),
        languages=languages,
        files=files,
        releases=(end := fields.inner("record")).get("releases", whole()),
        last=end.get("last", or_none(TEXT)),
        public={what: reported.split() for what, reported in fields.get("public", by_name(TEXT)).items()},
        numbers={name: reported.split() for name, reported in fields.get("numbers", by_name(TEXT)).items()},
    )


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and PurePosixPath(name).as_posix() == name and not ({"..", "/"} & {*parts}) and _is_plain(name)


def _is_plain(name: str) -> bool:
    return "\\" not in name and ":" not in name and name.isprintable()


def _releases(text: str) -> list[Release]:
    lines = [line for line in text.split("\n") if line.strip()]
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(_release(Fields(parse_json(line))))
        except UnreadableError as error:
            raise UnreadableError(f"line {number}: {error}") from error
    return found


def _release(fields: Fields) -> Release:
    return Release(
        number=fields.get("number", whole(low=1)),
        district=fields.get("district", TEXT),
        term=fields.get("term", TEXT),
        measure=fields.get("measure", TEXT),
        policy=policy_of(fields.inner("policy")),
        figures=[
            (one.get("key", by_name(TEXT)), one.get("value", or_none(WHOLE))) for one in fields.objects("figures")
        ],
        statements=[one.get("source", TEXT) for one in fields.objects("statements")],
        said=[one.raw for one in fields.objects("said")] if "said" in fields.raw else [],
        previous=fields.get("previous", TEXT),
        hash=fields.get("hash", TEXT),
        raw=fields.raw,
    )
