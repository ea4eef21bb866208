"""The folder of a board packet as the checker reads it: every fault told, none raised."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from safeschools_geo.disclosure.checking.audit_record import Audit, Policy, audit_of, policy_of, require_format
from safeschools_geo.disclosure.checking.fields import (
    FLAG,
    TEXT,
    WHOLE,
    Fields,
    UnreadableError,
    by_name,
    list_of,
    or_none,
    parse_json,
    read_text,
    whole,
)
from safeschools_geo.disclosure.checking.html_page import Page, page_of

if TYPE_CHECKING:
    from collections.abc import Callable

PACKET, AUDIT, RELEASES = "packet.json", "audit.json", "releases.jsonl"
"""Files of a packet beside its pages."""

FORMAT = "safeschools-geo/packet/2"
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
class Record:
    """The files of a folder, as far as they can be read; `faults` has the name of a file and what is wrong with it."""

    folder: Path
    packet: Packet | None = None
    audit: Audit | None = None
    releases: Sequence[Release] | None = None
    pages: dict[str, Page] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)


def read_record(folder: Path, releases_file: Path | None = None) -> Record:
    """Read the files of a packet.

    Parameters
    ----------
    folder
        The folder.
    releases_file
        The record of releases; that of the folder or of the district around it, if left out and there is one.

    Returns
    -------
    Record
        What could be read, and what is wrong with the rest.
    """
    record = Record(folder)

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
    """Find the record of releases of a packet: in its folder, or in those around it, up to the district's.

    Parameters
    ----------
    folder
        The folder of the packet.

    Returns
    -------
    pathlib.Path or None
        The file, which may be missing from a district that ought to have it; None where there is no district.
    """
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
    """List the files of a folder and those below it.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    list of str
        Their paths in it, with slashes, sorted.
    """
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )


def page_names(folder: Path) -> list[str]:
    """List the pages of a folder and those below it.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    list of str
        Their paths in it, with slashes, sorted.
    """
    return [name for name in names_in(folder) if PurePosixPath(name).suffix.lower() in {".html", ".htm", ".xhtml"}]


def _packet(value: object) -> Packet:
    fields = Fields(value)
    require_format(fields, FORMAT)
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
        public={what: told.split() for what, told in fields.get("public", by_name(TEXT)).items()},
        numbers={name: told.split() for name, told in fields.get("numbers", by_name(TEXT)).items()},
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
