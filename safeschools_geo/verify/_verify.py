"""Check a written board packet again, without the solver: files, arithmetic, pages, releases.

A world is a set of counts that somebody outside cannot rule out, since it agrees with all that is published. Two worlds
in which a figure is 0 and 40 prove that nobody can narrow it down to less than that; no solver is needed to see it.

It uses the standard library alone, and none of the code that makes packets. What it can find itself it finds itself:
that the files are those that were written, that pages and audit agree, that nothing small is published, and that
what is withheld can be as small and as large as it has to be, by worlds that agree with all that is published. What it
cannot find from public files, it says.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from safeschools_geo.errors import count_text
from safeschools_geo.verify._packet_record import AUDIT, PACKET, RELEASES, names_in, page_names, read_packet_record
from safeschools_geo.verify._plan import (
    draw,
    hash_checks,
    load_checks,
    response_checks,
    rule_checks,
    shape_checks,
    unit_checks,
)
from safeschools_geo.verify._plan_bound import PLANS_TRIED, bound_checks, claim_checks, random_plan_checks
from safeschools_geo.verify._reading import (
    REQUIRED,
    Check,
    PlanRecord,
    VerifyReport,
    canonical,
    check_from,
    note,
    quoted,
    read_plan_record,
    several,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from safeschools_geo.verify._packet_record import (
        Audit,
        Ends,
        Figure,
        Group,
        Marked,
        Packet,
        PacketRecord,
        Page,
        Policy,
        Release,
        World,
    )

    Pages = Mapping[str, Page]


# ── Whether a packet holds the files it says, byte for byte, and no others

# What file managers leave behind where somebody looked.
_LITTER = frozenset((".ds_store", "thumbs.db", "desktop.ini"))
_MANIFEST = "manifest.json"
_VERSION = re.compile(r"[0-9]+(\.[0-9a-z+]+){1,4}")
_READ = frozenset((".html", ".htm", ".xhtml", ".json", ".jsonl"))


def file_checks(folder: Path, packet: Packet) -> list[Check]:
    """Compare the files of a packet with its list."""
    there = {name for name in names_in(folder) if PurePosixPath(name).name.lower() not in _LITTER} - {PACKET}
    if _is_list(folder, packet):
        there -= {_MANIFEST}
    faults = [f"{name} is not there" for name in sorted(packet.files.keys() - there)]
    faults += [f"{name} is not one of the packet's" for name in sorted(there - packet.files.keys() - {RELEASES})]
    for name in sorted(packet.files.keys() & there):
        faults += _fault_of(folder, name, packet.files[name])
    checks = [check_from("files", faults, f"{count_text(len(there), 'file')}, each as it was written, and no others")]
    unread = [name for name in sorted(there) if PurePosixPath(name).suffix.lower() not in _READ]
    if unread and not faults:
        checks.append(note("unread", f"only the hashes of these were compared, they were not read: {several(unread)}"))
    return checks


def _is_list(folder: Path, packet: Packet) -> bool:
    """Say whether the list by which the product knows its folders is there, and tells nothing but what is in them."""
    try:
        listed = json.loads((folder / _MANIFEST).read_bytes())
        own = hashlib.sha256((folder / PACKET).read_bytes()).hexdigest()
    except (OSError, ValueError, RecursionError):
        return False
    version = listed.get("product", {}).get("version", "") if isinstance(listed, dict) else ""
    return _VERSION.fullmatch(str(version)) is not None and listed == {
        "product": {"name": "safeschools-geo", "version": version},
        "district": packet.district,
        "term": packet.term,
        "outputs": {**packet.files, PACKET: own},
    }


def _fault_of(folder: Path, name: str, expected: str) -> list[str]:
    try:
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except OSError as error:
        return [f"{name} cannot be read ({error.strerror or type(error).__name__})"]
    return [] if found == expected.lower() else [f"{name} has been changed since the packet was written"]


# ── What the worlds of an audit show, by adding up: that nothing published is small, and what can be worked out

_NEAR = 1e-6
_RESTS = "The audit knows them not to be small; that rests on the audit, not on this check"


@dataclass(frozen=True)
class Found:
    """What adding up came to."""

    sums: Sequence[Sequence[int]]  # For each world, the sum of every figure in it, in the order of the figures
    # For each world, how much there is of each kind; kinds of which there is none are left out
    worlds: Sequence[Mapping[int, int]]


def add_up(audit: Audit) -> Found:
    """Add up every figure in every world."""
    return Found(sums_of(audit, [f.key for f in audit.figures]), [_counts(world) for world in audit.worlds])


def sums_of(audit: Audit, keys: Sequence[Mapping[str, str]]) -> list[list[int]]:
    """Add up figures in every world."""
    entered: list[list[int]] = [[] for _ in range(audit.n_kinds)]
    for number, kinds in enumerate(_kinds_of(audit, keys)):
        for kind in kinds:
            entered[kind].append(number)
    found = []
    for world in audit.worlds:
        row = [0] * len(keys)
        for kind, count in zip(world.kinds, world.counts, strict=True):
            for number in entered[kind]:
                row[number] += count
        found.append(row)
    return found


def figure_checks(audit: Audit) -> list[Check]:
    """Check the figures by themselves."""
    published = [f for f in audit.figures if f.value is not None]
    n, withheld = len(published), len(audit.figures) - len(published)
    top = audit.policy.largest_small
    small = [f"{f} is published, and is {f.value}" for f in published if 1 <= (f.value or 0) <= top]
    unsafe = [] if audit.is_safe else ["the audit itself says that small counts can be worked out (is_safe is false)"]
    return [
        check_from("figures", _figure_faults(audit), f"{count_text(n, 'figure')} published, {withheld:,} withheld"),
        check_from("small", small, f"none of {count_text(n, 'published figure')} is from 1 to {top}"),
        check_from("safe", unsafe, "the audit found no small count that the published figures give away"),
    ]


def world_checks(audit: Audit, found: Found) -> list[Check]:
    """Check that nothing published rules a world out."""
    faults: list[str] = []
    for number, (world, counts, sums) in enumerate(zip(audit.worlds, found.worlds, found.sums, strict=True)):
        least = min(world.counts, default=0)
        faults += [f"world {number} has a negative count, {least}"] if least < 0 else []
        faults += [
            f"in world {number} {figure} is {value}, and {figure.value} is published"
            for figure, value in zip(audit.figures, sums, strict=True)
            if figure.value is not None and value != figure.value
        ]
        faults += _statement_faults(audit, counts, number)
    weighed = [s for s in audit.statements if s.weights is not None]
    said = f" and {count_text(len(weighed), 'statement')} whose weights are public" if weighed else ""
    published = sum(f.value is not None for f in audit.figures)
    otherwise = f"{count_text(len(audit.worlds), 'made-up world')}: whole counts, 0 or more; each agrees with"
    checks = [check_from("worlds", faults, f"{otherwise} all {count_text(published, 'published figure')}{said}")]
    rest = len(audit.statements) - len(weighed)
    if rest:
        text = f"{count_text(rest, 'statement')} of rates, loads, minutes and shares"
        checks.append(note("unread", f"{text}: whether the worlds agree with them rests on the audit"))
    return checks


def interval_checks(audit: Audit, found: Found) -> list[Check]:
    """Check what can be worked out about what is withheld."""
    top = audit.policy.largest_small
    columns = [(number, f, f.ends) for number, f in enumerate(audit.figures) if f.ends is not None]
    reached = [
        (f, ends, found.sums[ends.low_world][number], found.sums[ends.high_world][number])
        for number, f, ends in columns
    ]
    faults = [fault for f, ends, low, high in reached for fault in _end_faults(str(f), ends, low, high, top)]
    unseen, group_faults = _groups(audit, found)
    n = len(reached)
    otherwise = f"both ends of {count_text(n, 'withheld figure')} are reached in worlds" if n else "nothing is withheld"
    checks = [check_from("intervals", [*faults, *group_faults], otherwise)]
    if checks[0].passed:
        checks += _cover(reached, top)
        checks += _group_cover(unseen, top)
        checks += _beyond(columns, found)
    return checks


def _counts(world: World) -> dict[int, int]:
    return dict(zip(world.kinds, world.counts, strict=True))


def _kinds_of(audit: Audit, keys: Iterable[Mapping[str, str]]) -> list[set[int]]:
    named: dict[tuple[str, str], set[int]] = {}
    for dim, names in audit.names.items():
        for kind, name in enumerate(names):
            if name is not None:
                named.setdefault((dim, name), set()).add(kind)
    everything = set(range(audit.n_kinds))
    return [everything.intersection(*(named.get(part, set()) for part in key.items())) for key in keys]


def _figure_faults(audit: Audit) -> list[str]:
    first: dict[int, Figure] = {}
    keys: set[tuple[tuple[str, str], ...]] = set()
    faults = []
    for figure, kinds in zip(audit.figures, _kinds_of(audit, [f.key for f in audit.figures]), strict=True):
        key = tuple(sorted(figure.key.items()))
        other = first.setdefault(figure.cell, figure)
        if (figure.value, figure.ends) != (other.value, other.ends):
            faults.append(f"{figure} is reported in two ways")
        if key in keys:
            faults.append(f"{figure} is there twice")
        if figure.value is not None and figure.value < 0:
            faults.append(f"{figure} is negative, {figure.value}")
        if not kinds:
            faults.append(f"{figure} is a sum of nothing: no kind has these names")
        keys.add(key)
    return [*faults, *([] if audit.figures else ["there are none"])]


def _statement_faults(audit: Audit, counts: Mapping[int, int], world: int) -> Iterator[str]:
    for statement in audit.statements:
        if statement.weights is None:
            continue
        value = math.fsum(w * counts.get(kind, 0) for kind, w in statement.weights.items())
        low = -math.inf if statement.low is None else statement.low
        high = math.inf if statement.high is None else statement.high
        if not low - _NEAR <= value <= high + _NEAR:
            yield f"in world {world} the statement of {statement.source} is {value:g}, not {low:g} to {high:g}"


def _end_faults(what: str, ends: Ends, low: int, high: int, top: int) -> Iterator[str]:
    if ends.low != low:
        yield f"{what} is said to be {ends.low} in world {ends.low_world}, and is {low}"
    # Where nothing limits a figure, some world has to show at least what is needed of it.
    if ends.high is None and high < top:
        yield f"{what} is said to have no limit, and is no more than {high} in world {ends.high_world}"
    if ends.high is not None and ends.high != high:
        yield f"{what} is said to be {ends.high} in world {ends.high_world}, and is {high}"
    if ends.high is not None and ends.low > ends.high:
        yield f"{what} is said to be at least {ends.low} and at most {ends.high}"


def _groups(audit: Audit, found: Found) -> tuple[list[tuple[Group, int, int]], list[str]]:
    reached: list[tuple[Group, int, int]] = []
    faults: list[str] = []
    for number, group in enumerate(audit.groups):
        low, high = found.worlds[group.ends.low_world], found.worlds[group.ends.high_world]
        least, most = (sum(w.get(k, 0) for k in set(ks)) for w, ks in ((low, group.whole), (high, group.kinds)))
        what = f"groups that no table shows, entry {number},"
        faults += _end_faults(what, group.ends, least, most, audit.policy.largest_small)
        if not set(group.whole) <= set(group.kinds):
            faults.append(f"{what} have all of a kind and none of it")
        reached.append((group, least, most))
    return reached, faults


def _cover(reached: Sequence[tuple[Figure, Ends, int, int]], top: int) -> list[Check]:
    """Say which withheld figures can be any small count; what is certain to be small and cannot is a fault."""
    if not reached:
        return []
    narrow = [(f, low, high) for f, _, low, high in reached if not (low <= 1 and high >= top)]
    faults = [f"{f} is small for certain: {low} to {high}" for f, low, high in narrow if low >= 1 and high <= top]
    covered = count_text(len(reached) - len(narrow), "withheld figure", of=len(reached))
    checks = [check_from("cover", faults, f"{covered} can be 1 or less, and {top} or more, by all that is published")]
    large = [f for f, low, high in narrow if low > top or high < 1]
    partly = [f"{f}: {low} to {high}" for f, low, high in narrow if (low < 1 <= high) or (low <= top < high)]
    if large:
        text = f"{count_text(len(large), 'withheld figure')} cannot be from 1 to {top} by what is published"
        checks.append(note("cover", f"{text}: withheld only to protect others"))
    if partly:
        text = f"{count_text(len(partly), 'withheld figure')} can be some counts from 1 to {top}, and not others"
        checks.append(note("cover", f"{text}: {several(partly)}. {_RESTS}"))
    return checks


def _group_cover(unseen: Sequence[tuple[Group, int, int]], top: int) -> list[Check]:
    if not unseen:
        return []
    total = sum(group.groups for group, _, _ in unseen)
    covered = sum(group.groups for group, low, high in unseen if low <= 1 and high >= top)
    # Their ends are looked for only where 1 or the largest small count is out of reach: the others may be wider.
    certain = sum(group.groups for group, low, high in unseen if low > 1 and high < top)
    faults = [f"{count_text(certain, 'group')} that no table shows can be narrowed down below {top}"] if certain else []
    text = f"{count_text(covered, 'group', of=total)} that no table shows can be 1 or less, and {top} or more"
    checks = [check_from("groups", faults, text)]
    left = total - covered - certain
    if left:
        text = f"{count_text(left, 'group')} that no table shows cannot be just any count from 1 to {top}"
        checks.append(note("groups", f"{text}. {_RESTS}"))
    return checks


def _beyond(columns: Sequence[tuple[int, Figure, Ends]], found: Found) -> list[Check]:
    wider = []
    for number, figure, ends in columns:
        values = [sums[number] for sums in found.sums]
        if min(values) < ends.low or (ends.high is not None and max(values) > ends.high):
            wider.append(f"{figure}: {min(values)} to {max(values)}")
    if not wider:
        return []
    text = (
        f"{count_text(len(wider), 'withheld figure')} can be still less or more than is said, which hides them better"
    )
    return [note("intervals", f"{text}: {several(wider)}")]


# ── Whether the pages of a packet show what the audit is about, say what they have to, and ask for nothing


class Marks(NamedTuple):
    """What the pages of a language say of the state of a packet, and how the range of small counts may be written."""

    synthetic: str
    draft: str
    release: str


MARKS = {
    "en": Marks("SYNTHETIC DATA", "Draft, not for release", "Release"),
    "es": Marks("DATOS SINTÉTICOS", "Borrador, no publicar", "Publicación"),
}
"""Language → its marks, in the spelling of the pages."""

_SOURCE_LANG = "en"
"""The language that policies are written in; the pages of others may tell the source in their own."""

_NUMBER = re.compile(r"[0-9]{1,3}(?:[,.’'\u00a0\u2009\u202f ][0-9]{3})+|[0-9]+")
_WRITTEN = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?")
_PAGES_NEAR, _FEW = 1e-9, 5
_DIGIT = re.compile(r"\d")
_RANGE = r"(?<![\d.,])1(?:[^\d.]{{1,8}}){top}(?!\d)"
_SOURCES = re.compile(r"'none'|'unsafe-inline'|'sha(?:256|384|512)-[A-Za-z0-9+/=_-]+'|data:", re.IGNORECASE)


def page_checks(packet: Packet, audit: Audit, pages: Pages) -> list[Check]:
    """Check the pages."""
    n = count_text(len(pages), "page")
    unknown = sorted({page.lang for page in pages.values()} - MARKS.keys())
    languages = f"{n} in {', '.join(packet.languages)}, the same pages in each"
    checks = [
        check_from("languages", _language_faults(packet, pages), languages),
        check_from(
            "identity", _identity_faults(packet, audit, pages), f"{n} and the audit are of the same district and term"
        ),
        check_from("policy", _policy_faults(packet, audit, pages), f"{n} tell the policy, and what it withholds"),
        check_from("synthetic", _synthetic_faults(packet, pages), _synthetic_text(packet, n)),
        *_shown_checks(audit, pages),
        check_from("numbers", _number_faults(packet, pages), _numbers_text(pages)),
        check_from(
            "said", _said_faults(packet, audit, pages), "every number on a page is in the audit, or public anyway"
        ),
        check_from("same", _same_faults(packet, pages), "the pages of every language say the same numbers"),
        check_from("offline", _request_faults(pages), f"{n} forbid themselves every request, and make none"),
    ]
    elsewhere = sum(page.lang != _SOURCE_LANG and not _is_in(audit.policy.source, page) for page in pages.values())
    if elsewhere:
        text_of = f"{count_text(elsewhere, 'page')} in other languages"
        checks.append(note("policy", f"{text_of} may tell the source of the policy in their own words, not compared"))
    if unknown:
        known = ", ".join(MARKS)
        checks.append(note("languages", f"the words of {', '.join(unknown)} are not known here, only those of {known}"))
    return checks


def _language_faults(packet: Packet, pages: Pages) -> list[str]:
    main, *others = packet.languages
    folders = {main: "", **{lang: f"{lang}/" for lang in others}}
    own = {name for name in pages if "/" not in name}
    faults = [] if "index.html" in own else ["index.html is not there"]
    for lang, folder in folders.items():
        wanted = {f"{folder}{name}" for name in own}
        found = {name for name in pages if str(PurePosixPath(name).parent) == (folder.rstrip("/") or ".")}
        faults += [f"{name} is not there" for name in sorted(wanted - found)]
        faults += [f"{name} is not there in {main}" for name in sorted(found - wanted)]
        faults += [
            f"{name} says that its language is {quoted(pages[name].lang)}, not {lang}"
            for name in sorted(found)
            if pages[name].lang != lang
        ]
    elsewhere = {name for name in pages if f"{PurePosixPath(name).parent}/".removeprefix("./") not in folders.values()}
    return faults + [f"{name} is in no language of the packet" for name in sorted(elsewhere)]


def _identity_faults(packet: Packet, audit: Audit, pages: Pages) -> list[str]:
    both = (
        ("district", packet.district, audit.district),
        ("term", packet.term, audit.term),
        ("number of the release", packet.release, audit.release),
    )
    faults = [
        f"the {name} is {quoted(a)} in packet.json and {quoted(b)} in audit.json" for name, a, b in both if a != b
    ]
    for name, page in pages.items():
        said = [("district", packet.district), ("term", packet.term)]
        faults += [f"{name} does not name the {what}, {text}" for what, text in said if not _is_in(text, page)]
        if page.lang in MARKS:
            marks = MARKS[page.lang]
            state = f"{marks.release} {packet.release:,}" if packet.release else marks.draft
            faults += [] if _is_in(state, page) else [f"{name} does not say {quoted(state)}"]
            is_draft = bool(packet.release) and _is_in(marks.draft, page)
            faults += [f"{name} says {quoted(marks.draft)}"] if is_draft else []
    return faults


def _policy_faults(packet: Packet, audit: Audit, pages: Pages) -> Iterator[str]:
    if packet.policy.raw != audit.policy.raw:
        keys = sorted(packet.policy.raw.keys() | audit.policy.raw.keys())
        unlike = [key for key in keys if packet.policy.raw.get(key) != audit.policy.raw.get(key)]
        yield f"packet.json and audit.json have different policies: {', '.join(unlike)}"
    policy = audit.policy
    for name, page in pages.items():
        texts = [("name", policy.name)]
        texts += [("source", policy.source)] if page.lang == _SOURCE_LANG else []
        yield from (
            f"{name} does not tell the policy's {what}, {quoted(text)}"
            for what, text in texts
            if not _is_in(text, page)
        )
        if not _has_range(policy, page):
            yield f"{name} does not say that counts from 1 to {policy.largest_small} are withheld"


def _synthetic_faults(packet: Packet, pages: Pages) -> Iterator[str]:
    for name, page in pages.items():
        marks = [MARKS[page.lang]] if page.lang in MARKS else list(MARKS.values())
        is_marked = any(_is_in(mark.synthetic, page) for mark in marks)
        if packet.is_synthetic and not is_marked:
            yield f"{name} does not say that its data are made up"
        if is_marked and not packet.is_synthetic:
            yield f"{name} says that its data are made up, and packet.json does not"


def _synthetic_text(packet: Packet, n: str) -> str:
    return f"{n} say that the data are made up" if packet.is_synthetic else "the data are not said to be made up"


def _shown_checks(audit: Audit, pages: Pages) -> list[Check]:
    """Compare what the pages show of the release with the audit."""
    figures: dict[str, Figure] = {str(f.cell): f for f in audit.figures}
    faults, shown, n = [], set(), 0
    for name, page in pages.items():
        for marked in page.marked:
            n += 1
            figure = figures.get(marked.cell)
            fault = "no figure of the audit" if figure is None else _fault(marked, figure)
            shown.add(marked.cell)
            faults += [f"{name}, cell {marked.cell[:40]}: {fault}"] if fault else []
    places = f"{count_text(n, 'figure')} on {count_text(len(pages), 'page')}"
    text = f"{places} are as the audit has them, and none is shown that is withheld"
    missing = len(figures.keys() - shown)
    checks = [check_from("pages", faults, text)]
    if missing:
        checks.append(note("pages", f"{missing:,} of {count_text(len(figures), 'figure')} of the audit are on no page"))
    rest = "the words of the pages, and lengths and colors of charts and maps, were not checked"
    scripts = sum(page.scripts for page in pages.values())
    run = f", nor was what {count_text(scripts, 'script')} may change when a page is open" if scripts else ""
    return [*checks, note("unread", f"{rest}{run}")]


def _numbers_text(pages: Pages) -> str:
    n = sum(len(page.numbers) for page in pages.values())
    return (
        f"{count_text(n, 'number')} on {count_text(len(pages), 'page')} are those that were written, each in its place"
    )


def _number_faults(packet: Packet, pages: Pages) -> list[str]:
    faults = [f"the numbers of {name} are not listed" for name in sorted(pages.keys() - packet.numbers.keys())]
    for name in sorted(pages.keys() & packet.numbers.keys()):
        found, listed = pages[name].numbers, packet.numbers[name]
        at = [i for i, (one, other) in enumerate(zip(found, listed, strict=False)) if one != other]
        if at:
            faults.append(f"{name}, number {at[0] + 1}: {found[at[0]]} is shown, and {listed[at[0]]} was written")
        elif len(found) != len(listed):
            faults.append(f"{name} has {count_text(len(found), 'number')}, and {len(listed):,} were written")
    return faults


def _said_faults(packet: Packet, audit: Audit, pages: Pages) -> Iterator[str]:
    """Look for numbers that are no figure, no statement and no end of an interval, and not public either."""
    public = {number for numbers in packet.public.values() for number in numbers}
    ends = [end for figure in audit.figures if figure.ends for end in (figure.ends.low, figure.ends.high)]
    known = [float(f.value) for f in audit.figures if f.value is not None] + [float(e) for e in ends if e is not None]
    said = [abs(s.value) for s in audit.statements if s.value is not None]
    for name, page in sorted(pages.items()):
        strangers = [n for n in dict.fromkeys(page.numbers) if n not in public and not _is_stated(n, known, said)]
        yield from (f"{name}: {number} is neither in the audit nor public" for number in strangers)


def _is_stated(token: str, known: Sequence[float], said: Sequence[float]) -> bool:
    if not _WRITTEN.fullmatch(token):
        return False
    value, half = float(token.replace(",", "")), 0.5 * 10.0 ** -len(token.partition(".")[2]) + _PAGES_NEAR
    is_count = "." not in token and value in known
    # A share may stand as it is, or in percent.
    return is_count or any(min(abs(value - one), abs(value - 100 * one)) <= half for one in said)


def _same_faults(packet: Packet, pages: Pages) -> Iterator[str]:
    main, *others = packet.languages
    for lang in others:
        for name in sorted(n for n in pages if "/" not in n and f"{lang}/{n}" in pages):
            here, there = Counter(pages[name].numbers), Counter(pages[f"{lang}/{name}"].numbers)
            unlike = sorted({*(here - there), *(there - here)})
            if unlike:
                yield f"{lang}/{name} and {name} ({main}) differ in {', '.join(unlike[:_FEW])}"


def _fault(marked: Marked, figure: Figure) -> str:
    text = marked.text.strip()
    if not marked.is_closed:
        return "the element does not end, so it is not certain what it shows"
    if figure.value is None:
        text_of = [text, *marked.labels, *([marked.value] if marked.value is not None else [])]
        numbers = [t for t in text_of if _DIGIT.search(t)]
        if numbers:
            return f"it is withheld, and {quoted(numbers[0])} is shown"
        return "" if marked.is_withheld else "it is withheld, and not marked so"
    if marked.is_withheld:
        return f"it is marked as withheld, and {figure.value} is published"
    for shown in [text, *([marked.value] if marked.value is not None else [])]:
        if _number(shown) != figure.value:
            return f"{quoted(shown)} is shown, not {figure.value}"
    return ""


def _number(text: str) -> int | None:
    return int(re.sub(r"[^0-9]", "", text)) if _NUMBER.fullmatch(text) and len(text) <= 40 else None  # noqa: PLR2004 - longer than any count


def _request_faults(pages: Pages) -> Iterator[str]:
    for name, page in pages.items():
        yield from (f"{name} would ask for {request}" for request in page.requests)
        if not any(_forbids(policy) for policy in page.policies):
            yield f"{name} has no content security policy that forbids requests"


def _forbids(policy: str) -> bool:
    """Say whether a content security policy lets nothing in from outside."""
    directives = [part.split() for part in policy.split(";") if part.split()]
    first: dict[str, list[str]] = {}
    for name, *sources in directives:
        first.setdefault(name.lower(), sources)
    is_closed = [s.lower() for s in first.get("default-src", [])] == ["'none'"]
    return is_closed and all(_SOURCES.fullmatch(source) for sources in first.values() for source in sources)


def _is_in(text: str, page: Page) -> bool:
    """Say whether a text stands on a page, not as a part of a longer word or number."""
    wanted = " ".join(text.split())
    return not wanted or re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", page.text) is not None


def _has_range(policy: Policy, page: Page) -> bool:
    # The source may well say it too, in a language that is not the page's.
    text = page.text.replace(" ".join(policy.source.split()), " ") if policy.source else page.text
    top = policy.largest_small
    written: Iterable[str] = {str(top), f"{top:,}"}
    return any(re.search(_RANGE.format(top=re.escape(number)), text) for number in written)


# ── Whether the record of releases is whole, and the packet is what it says was released

_FIRST = "0" * 64


def release_checks(audit: Audit, packet: Packet | None, releases: Sequence[Release] | None) -> list[Check]:
    """Check the record of releases, and what of it the audit has to agree with."""
    if releases is None:
        state = f"release {audit.release}" if audit.release else "a draft"
        kept = "it was not compared with the record of releases, which is confidential (--record FILE)"
        return [note("unread", f"{state}; {kept}")]
    whole = check_from(
        "releases", _chain_faults(releases), f"{count_text(len(releases), 'release')}, none changed or missing"
    )
    checks = [whole]
    if packet is not None:
        text = f"it has {count_text(packet.releases, 'release')} and more, if any, as it had when the packet was made"
        checks.append(check_from("record", _releases_end_faults(packet, releases), text))
    if audit.release:
        checks += _released(audit, releases)
    return checks + (_earlier(audit, releases) if whole.passed else [])


def _chain_faults(releases: Sequence[Release]) -> list[str]:
    faults, previous = [], _FIRST
    for number, release in enumerate(releases, start=1):
        what = f"line {number} (release {release.number})"
        found = hashlib.sha256(canonical({k: v for k, v in release.raw.items() if k != "hash"})).hexdigest()
        if found != release.hash:
            faults.append(f"{what} has been changed since it was written")
        if release.number != number:
            faults.append(f"{what} is not release {number}")
        if release.previous != previous:
            faults.append(f"{what} does not follow the line before it: one is missing, or stands elsewhere")
        previous = release.hash
    return faults


def _releases_end_faults(packet: Packet, releases: Sequence[Release]) -> list[str]:
    if len(releases) < packet.releases:
        return [f"it has {count_text(len(releases), 'release')}, and the packet knows of {packet.releases:,}"]
    if packet.last is not None and (not packet.releases or releases[packet.releases - 1].hash != packet.last):
        return [f"release {packet.releases:,} is not the one that the packet knows"]
    return []


def _released(audit: Audit, releases: Sequence[Release]) -> list[Check]:
    release = next((r for r in releases if r.number == audit.release), None)
    if release is None:
        return [
            check_from(
                "released", [f"it is said to be release {audit.release}, and the record has no such release"], ""
            )
        ]
    text = f"the figures and the policy are those of release {audit.release}"
    return [check_from("released", _released_faults(audit, release), text), *_rounded(release)]


def _released_faults(audit: Audit, release: Release) -> list[str]:
    faults = [
        f"the release has {theirs!r} for {name}, the audit {ours!r}"
        for name, theirs, ours in (
            ("district", release.district, audit.district),
            ("term", release.term, audit.term),
            ("measure", release.measure, audit.measure),
        )
        if theirs != ours
    ]
    if release.policy.raw != audit.policy.raw:
        faults.append("the release had another policy")
    return [*faults, *_releases_figure_faults(audit, release), *_releases_said_faults(audit, release)]


def _releases_said_faults(audit: Audit, release: Release) -> list[str]:
    """Compare the numbers besides counts; releases of earlier versions did not record them."""
    if not release.said:
        return []
    ours = {canonical(s.raw) for s in audit.statements if s.value is not None}
    return [
        f"{one.get('source')} of the release, {one.get('value')}, is not in the audit"
        for one in release.said
        if canonical(dict(one)) not in ours
    ]


def _releases_figure_faults(audit: Audit, release: Release) -> list[str]:
    theirs = {_name(key): value for key, value in release.figures}
    ours = {_name(f.key): f.value for f in audit.figures}
    faults = [f"{name} is not a figure of the release" for name in sorted(ours.keys() - theirs.keys())]
    faults += [f"{name} of the release is not in the audit" for name in sorted(theirs.keys() - ours.keys())]
    faults += [
        f"{name} is {_shown(ours[name])} in the audit, and was {_shown(theirs[name])} in the release"
        for name in sorted(ours.keys() & theirs.keys())
        if ours[name] != theirs[name]
    ]
    return faults


def _rounded(release: Release) -> list[Check]:
    """Note what the release says besides its figures: its weights are not public, so the worlds know nothing of it."""
    if not release.statements:
        return []
    text = f"{count_text(len(release.statements), 'rounded figure')} ({', '.join(sorted(set(release.statements)))})"
    return [note("released", f"{text} were tried together with the counts before the release; here they were not")]


def _earlier(audit: Audit, releases: Sequence[Release]) -> list[Check]:
    """Note which figures of other releases the worlds do not agree with."""
    others = [r for r in releases if r.number != audit.release and r.measure == audit.measure]
    published = [(r.number, key, value) for r in others for key, value in r.figures if value is not None]
    if not published or not audit.worlds:
        return []
    sums = sums_of(audit, [key for _, key, _ in published])
    unlike = [
        f"release {release}, {_name(key)}: {value}"
        for column, (release, key, value) in enumerate(published)
        if any(row[column] != value for row in sums)
    ]
    text = (
        f"{count_text(len(published) - len(unlike), 'figure', of=len(published))} of other releases hold in every world"
    )
    if unlike:
        text += (
            "; the others were corrected since, or are of schools that have another zone now, which rests on the "
            f"audit: {several(unlike)}"
        )
    return [note("releases", text)]


def _name(key: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(key.items())) or "all"


def _shown(value: int | None) -> str:
    return "withheld" if value is None else str(value)


# ── Check a written board packet again, without the solver: an independent reading of its pages and of its audit


def is_packet(folder: Path) -> bool:
    """Say whether a folder is a board packet, or what is left of one."""
    return any((folder / name).is_file() for name in (PACKET, AUDIT, RELEASES))


def verify_packet(folder: str | Path, *, releases: Path | None = None) -> VerifyReport:
    """Check the files of a board packet, by its own record of releases or that around it unless one is given."""
    folder = Path(folder)
    fault = _folder_fault(folder)
    if fault:
        return VerifyReport(str(folder), (Check("folder", passed=False, message=fault),), bound=None)
    record = read_packet_record(folder, releases)
    faults = [f"{name}: {fault}" for name, fault in record.faults]
    checks = [check_from("readable", faults, "every file can be read")]
    if record.packet:
        checks += file_checks(folder, record.packet)
    if record.audit:
        checks += _audit_checks(record)
    if record.packet and record.audit:
        checks += page_checks(record.packet, record.audit, record.pages)
    return VerifyReport(str(folder), tuple(checks), bound=None)


def _no_folder(path: Path) -> str:
    return "It is a file; the folder that holds it is needed." if path.exists() else "There is no such folder."


def _folder_fault(folder: Path) -> str:
    if not folder.is_dir():
        return _no_folder(folder)
    if not is_packet(folder):
        return f"It is no board packet: it holds neither {PACKET} nor {AUDIT}."
    if not page_names(folder):
        return "It holds no pages. Write the packet again."
    return ""


def _audit_checks(record: PacketRecord) -> list[Check]:
    audit = record.audit
    if audit is None:
        return []
    found = add_up(audit)
    checks = [*figure_checks(audit), *world_checks(audit, found), *interval_checks(audit, found)]
    is_shown = any(name == RELEASES for name, _ in record.faults)
    return checks if is_shown else [*checks, *release_checks(audit, record.packet, record.releases)]


# ── Check a written plan again, or whatever a folder holds


def verify_folder(folder: str | Path, *, plans_tried: int = PLANS_TRIED) -> VerifyReport:
    """Check the files that a rebalancing wrote, looking at so many plans for each bound."""
    folder = Path(folder)
    fault = _plan_folder_fault(folder)
    if fault:
        return VerifyReport(str(folder), (Check("folder", passed=False, message=fault),))
    record = read_plan_record(folder)
    checks = _readable(record)
    if record.faults:
        return VerifyReport(str(folder), tuple(checks))
    checks += unit_checks(record)
    # The rest speaks of units and zones by name: it makes sense only when those are the same everywhere.
    if all(c.passed for c in checks if c.name in {"units", "zones"}):
        checks += [*rule_checks(record), *load_checks(record), *claim_checks(record), *response_checks(record)]
    checks += [*shape_checks(record, draw(record)), *hash_checks(record)]
    if any(c.passed is False for c in checks):
        checks.append(Check("bound", passed=None, message="The bound was not tried, since other checks failed."))
        return VerifyReport(str(folder), tuple(checks))
    tried, state = bound_checks(record, plans_tried=plans_tried)
    return VerifyReport(str(folder), (*checks, *tried, *random_plan_checks(record)), state)


def _plan_folder_fault(folder: Path) -> str:
    if not folder.is_dir():
        return _no_folder(folder)
    missing = [name for name in REQUIRED if not (folder / name).is_file()]
    if not missing:
        return ""
    if len(missing) < len(REQUIRED):
        said = f"It is not whole: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there."
        return f"{said} Write the plan again."
    if (folder / "packet.json").is_file():
        return "It is a board packet, and no plan that `rebalance` wrote."
    if (folder / "plan" / "certificate.json").is_file():
        return f"It holds a plan in a folder of its own: check {(folder / 'plan').as_posix()}."
    return (
        f"It is no folder that `rebalance` wrote, and no board packet: it holds none of {', '.join(REQUIRED)}, and no "
        "packet.json."
    )


def _readable(record: PlanRecord) -> list[Check]:
    if not record.faults:
        return [Check("readable", passed=True, message="Every file can be read.")]
    return [Check("readable", passed=False, message=f"{name}: {fault}.") for name, fault in record.faults]


def verify(folder: str | Path, *, record: str | Path | None = None) -> dict[str, VerifyReport]:
    """Check a written plan, a board packet, or both of a term again, without the solver.

    Parameters
    ----------
    folder
        A folder with a plan, one with a packet, or that of a term, which holds both.
    record
        The record of releases that a packet is compared with; that of the district around it if left out.

    Returns
    -------
    dict
        What was found, by ``plan`` and ``board packet``, as far as there are any.
    """
    folder, releases = Path(folder), None if record is None else Path(record)
    if is_packet(folder) or (folder.name == "board" and folder.is_dir()):
        return {"board packet": verify_packet(folder, releases=releases)}
    parts = {}
    if not (folder / "certificate.json").is_file():
        if (folder / "plan").is_dir():
            parts["plan"] = verify_folder(folder / "plan")
        if (folder / "board").is_dir():
            parts["board packet"] = verify_packet(folder / "board", releases=releases)
    return parts or {"plan": verify_folder(folder)}
