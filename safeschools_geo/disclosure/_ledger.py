"""The record of what was published: append-only, each release chained to the one before by its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from safeschools_geo.disclosure._attacker import Fact
from safeschools_geo.disclosure._policy import ALL
from safeschools_geo.errors import LedgerError, count_text

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from safeschools_geo.disclosure._tables import CountTable, SafeTable


_FIRST = "0" * 64
_ID = "school"
_NEAR = 1e-6


@dataclass(frozen=True, eq=False)
class Release:
    """What was published at one time.

    Parameters
    ----------
    number
        1 for the first release.
    district, term
        What it is of.
    released
        Day of the release, in ISO 8601.
    policy
        The policy it was protected with.
    measure
        What is counted.
    people
        School → its zone, level and the like at that time.
    figures
        Every figure: its `key` (dimension → value) and `value`, None where it was withheld.
    statements
        What else was published, as `Fact` writes it.
    previous
        Hash of the release before.
    said
        Numbers that were published besides, as they stand in the audit.
    counts
        The finest counts at that time: `dims`, and `rows` of their names and a count above 0. Without them a school
        that left and a correction of another can look like no change at all.
    """

    number: int
    district: str
    term: str
    released: str
    policy: Mapping[str, Any]
    measure: str
    people: Mapping[str, Mapping[str, str]]
    figures: Sequence[Mapping[str, Any]]
    statements: Sequence[Mapping[str, Any]]
    previous: str = _FIRST
    said: Sequence[Mapping[str, Any]] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as they are recorded, without those that a release of an earlier version lacks."""
        later = ("said", "counts")
        return {name: value for name, value in asdict(self).items() if name not in later or value}

    @property
    def hash(self) -> str:
        """SHA-256 of all of it."""
        return hashlib.sha256(_canonical(self.to_dict()).encode()).hexdigest()

    def says_the_same(self, other: Release) -> bool:
        """Say whether another release publishes the same, whenever it did."""
        unlike = ("number", "released", "previous", "counts")
        one, two = ({k: v for k, v in r.to_dict().items() if k not in unlike} for r in (self, other))
        return _canonical(one) == _canonical(two)

    def line(self) -> str:
        """Write the release as a line of the record: JSON, with its hash."""
        return _canonical({**self.to_dict(), "hash": self.hash})


@dataclass(frozen=True, eq=False)
class Earlier:
    """What earlier releases tell about the counts of a new one.

    Parameters
    ----------
    figures
        Their figures that still hold for the counts.
    statements
        What else they said that does.
    restated
        Figures that have been corrected since, or lack schools that have left: each as it was published, and as it
        would have been with the corrections alone and with the schools that left alone.
    withheld
        Figures that the last release which could have told them withheld, each by the value of its dimensions.
    """

    figures: tuple[Fact, ...]
    statements: tuple[Fact, ...]
    restated: tuple[Fact, ...]
    withheld: tuple[Mapping[str, str], ...]


def read_ledger(path: Path) -> tuple[Release, ...]:
    """Read the record of what was published.

    Parameters
    ----------
    path
        The file, one release a line; a file that is not there is an empty record.

    Returns
    -------
    tuple of Release
        The releases, in order.

    Raises
    ------
    LedgerError
        When it cannot be read, or a release was changed, left out, or put elsewhere.
    """
    if not path.exists():
        return ()
    try:
        # Only at line feeds: names may hold characters that count as ends of lines elsewhere.
        lines = path.read_text(encoding="utf-8").split("\n")
        entries = [json.loads(line) for line in lines if line.strip()]
        releases = [Release(**{k: v for k, v in entry.items() if k != "hash"}) for entry in entries]
    except (OSError, UnicodeDecodeError, ValueError, TypeError, AttributeError) as error:
        raise _broken(path, "It cannot be read.", error) from error
    previous = _FIRST
    for number, (entry, release) in enumerate(zip(entries, releases, strict=True), start=1):
        if entry.get("hash") != release.hash:
            raise _broken(path, f"Release {number} has been changed since it was written.", entry.get("hash"))
        if release.number != number or release.previous != previous:
            raise _broken(path, f"Before release {release.number} one is missing, or another was put in.", number)
        previous = release.hash
    return tuple(releases)


def require_whole(releases: Sequence[Release], packets: Iterable[Path], *, record: Path) -> None:
    """Refuse a record that lacks releases which packets know of.

    Parameters
    ----------
    releases
        The record, as it is now.
    packets
        Files ``packet.json`` of packets that were made earlier: each says how the record ended then.
    record
        File of the record.

    Raises
    ------
    LedgerError
        When the record is shorter than one of them says, or another.
    """
    for path in packets:
        number, last = _end_of(path)
        if last and (len(releases) < number or releases[number - 1].hash != last):
            found = f"{count_text(len(releases), 'release')}; {path} knows of {number}"
            raise _broken(record, "It lacks releases, or it is the record of something else.", found)


def sibling_packets(record: Path, outputs: Path) -> list[Path]:
    """Find the packets that tell how the record ended when they were made.

    Parameters
    ----------
    record
        File of the record.
    outputs
        Folder of the results, with a folder for each term.

    Returns
    -------
    list of pathlib.Path
        Files ``packet.json``: those of releases, kept beside the record, and those of the terms.
    """
    released = record.parent.glob("releases/*/packet.json")
    drafts = {path for folder in (record.parent, outputs) for path in folder.glob("*/board/packet.json")}
    return [*sorted(released), *sorted(drafts)]


def _end_of(packet: Path) -> tuple[int, str]:
    """Read how the record ended when a packet was made; a file that cannot be read says nothing."""
    try:
        end = json.loads(packet.read_text(encoding="utf-8"))["record"]
        return int(end["releases"]), str(end["last"] or "")
    except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError):
        return 0, ""


def ledger_text(releases: Sequence[Release]) -> str:
    """Write the record.

    Parameters
    ----------
    releases
        The releases, in order.

    Returns
    -------
    str
        One line for each.
    """
    return "".join(f"{release.line()}\n" for release in releases)


def with_release(
    releases: Sequence[Release],
    safe: SafeTable,
    people: pd.DataFrame,
    *,
    district: str,
    term: str,
    released: str,
    statements: Sequence[Fact] = (),
    said: Sequence[Mapping[str, Any]] = (),
    raw: CountTable | None = None,
) -> tuple[Release, ...]:
    """Add a release to the record, unless the last one says the same.

    Parameters
    ----------
    releases
        The record.
    safe
        What is published.
    people
        `school`, and the other dimensions that a school settles, as text.
    district, term
        What it is of.
    released
        Day of the release, in ISO 8601.
    statements
        What is published besides the figures, as weighted sums of counts.
    said
        The numbers that are published besides, as they stand in the audit.
    raw
        The counts that `safe` is made of. They are recorded, so that a later release knows what has changed.

    Returns
    -------
    tuple of Release
        The record with it.
    """
    dims = [str(name) for name in people.columns if name in safe.dims and name != _ID]
    new = Release(
        number=len(releases) + 1,
        district=district,
        term=term,
        released=released,
        policy=safe.policy.to_dict(),
        measure=safe.measure,
        people={row[_ID]: {name: row[name] for name in dims} for row in people.astype("str").to_dict("records")},
        figures=_figures(safe),
        statements=[_of_schools(fact, people.astype("str")).to_dict() for fact in statements],
        previous=releases[-1].hash if releases else _FIRST,
        said=[dict(one) for one in said],
        counts={} if raw is None else _finest(raw, dims),
    )
    if releases and releases[-1].says_the_same(new):
        return tuple(releases)
    return (*releases, new)


def earlier(releases: Sequence[Release], raw: CountTable) -> Earlier:
    """Work out what earlier releases tell about the counts of a new one.

    Parameters
    ----------
    releases
        The record.
    raw
        The counts.

    Returns
    -------
    Earlier
        Figures are taken with the schools that their zone or level had when they were published, so that the same
        schools in other zones are no way around. Figures that have been corrected since, or are of schools that have
        left, say nothing certain about the counts, but their difference from what would now be published does
        (`protect(…, restated=…)`). Where the release records its counts, schools that left and corrections are kept
        apart: one more here and one less there is not nothing.
    """
    figures: list[Fact] = []
    statements: list[Fact] = []
    restated: list[Fact] = []
    for release in releases:
        if release.measure != raw.measure or _ID not in raw.dims:
            continue
        for fact in _figures_of(release, raw):
            changes = _changes_of(fact, release, raw)
            (restated if changes else figures).extend(changes or [fact])
        statements += [fact for fact in _statements_of(release) if _holds(fact, raw)]
    known, also, moved = (tuple(_distinct(facts, raw)) for facts in (figures, statements, restated))
    return Earlier(known, also, moved, _still_withheld(releases))


def _changes_of(fact: Fact, release: Release, raw: CountTable) -> list[Fact]:
    """Write a figure as it was, and as it would be with each kind of change alone; nothing if nothing has changed."""
    now = float(fact.row(raw.atoms) @ raw.values)
    left = _of_schools_that_left(fact, release, set(raw.atoms[_ID]))
    corrected = now - (fact.low - left)
    if abs(left) < _NEAR and abs(corrected) < _NEAR:
        return []
    before = [fact.low, *([now + left] if left else []), *([now - corrected] if corrected else [])]
    return [replace(fact, low=value, high=value) for value in dict.fromkeys(before)]


def _of_schools_that_left(fact: Fact, release: Release, here: set[str]) -> float:
    """Count what a figure had of schools that are not there any more; 0 where the release did not record it."""
    gone = set(fact.weights) - here
    if not gone or not release.counts:
        return 0.0
    dims, about = list(release.counts["dims"]), dict(fact.where)
    at = {name: dims.index(name) for name in (_ID, *about) if name in dims}
    return float(
        sum(
            row[-1]
            for row in release.counts["rows"]
            if row[at[_ID]] in gone and all(row[at[name]] == value for name, value in about.items() if name in at)
        )
    )


def _finest(raw: CountTable, settled: Sequence[str]) -> dict[str, Any]:
    dims = [name for name in raw.dims if name not in settled]
    added = raw.counts.groupby(dims)["count"].sum()
    some = added[added > 0].reset_index()
    return {"dims": dims, "rows": some.astype(object).to_numpy().tolist()}


def _holds(fact: Fact, raw: CountTable) -> bool:
    return fact.low - _NEAR <= float(fact.row(raw.atoms) @ raw.values) <= fact.high + _NEAR


def _figures_of(release: Release, raw: CountTable) -> Iterator[Fact]:
    """Write published figures as statements about the schools that were in their groups."""
    groups = {school: {**has, _ID: school} for school, has in release.people.items()}
    settled = {name for has in groups.values() for name in has} | {_ID}
    for figure in release.figures:
        people = {name: value for name, value in figure["key"].items() if name in settled}
        about = {name: value for name, value in figure["key"].items() if name not in settled}
        if figure["value"] is None or not set(about) <= set(raw.dims):
            continue
        members = {school: 1.0 for school, has in groups.items() if people.items() <= has.items()}
        value = float(figure["value"])
        yield Fact(_ID, members, value, value, f"release {release.number}", tuple(sorted(about.items())))


def _statements_of(release: Release) -> list[Fact]:
    return [
        Fact(
            by=entry["by"],
            weights=entry["weights"],
            low=-np.inf if entry["low"] is None else entry["low"],
            high=np.inf if entry["high"] is None else entry["high"],
            source=f"release {release.number}, {entry['source']}",
            where=tuple(sorted(entry["where"].items())),
        )
        for entry in release.statements
    ]


def _of_schools(fact: Fact, people: pd.DataFrame) -> Fact:
    """Write a statement about zones or levels as one about the schools that were in them when it was published."""
    settled = [str(name) for name in people.columns]
    about = {name: value for name, value in fact.where if name in settled}
    if fact.by not in settled and not about:
        return fact
    if fact.by not in settled:
        raise LedgerError(
            "This statement cannot be recorded.",
            where=fact.source,
            found=f"weights by {fact.by}, of {', '.join(about)}",
            expected="weights by school, or by what a school settles",
        )
    is_in = np.ones(len(people), dtype=bool)
    for name, value in about.items():
        is_in &= (people[name] == value).to_numpy()
    inside = people[is_in]
    weights = inside[fact.by].map(dict(fact.weights)).astype("float64").fillna(0.0)
    by_school = {str(s): float(w) for s, w in zip(inside[_ID], weights, strict=True) if w}
    return replace(fact, by=_ID, weights=by_school, where=tuple(w for w in fact.where if w[0] not in about))


def _still_withheld(releases: Sequence[Release]) -> tuple[Mapping[str, str], ...]:
    """List figures withheld when last they could be reported: a change of mind would tell who compares releases."""
    was_shown: dict[tuple[tuple[str, str], ...], bool] = {}
    for release in releases:
        for figure in release.figures:
            was_shown[tuple(sorted(figure["key"].items()))] = figure["value"] is not None
    return tuple(dict(key) for key, is_shown in was_shown.items() if not is_shown)


def _distinct(facts: Sequence[Fact], raw: CountTable) -> list[Fact]:
    """Leave out what is about none of these counts, and what an earlier statement says already."""
    seen: dict[tuple[bytes, float, float], Fact] = {}
    for fact in facts:
        row = fact.row(raw.atoms)
        if row.any():
            seen.setdefault((row.tobytes(), fact.low, fact.high), fact)
    return list(seen.values())


def _figures(safe: SafeTable) -> list[dict[str, Any]]:
    rows = safe.to_frame().to_dict("records")
    return [
        {
            "key": {name: row[name] for name in safe.dims if row[name] != ALL},
            "value": None if row["is_withheld"] else int(row["count"]),
        }
        for row in rows
    ]


def _canonical(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _broken(path: Path, problem: str, found: object) -> LedgerError:
    return LedgerError(
        f"The record of what was published is not whole. {problem}",
        where=path,
        found=found,
        expected="every release as it was written, in order",
        remedy="Restore the file from a backup. Without it nobody can tell what a new release gives away.",
    )
