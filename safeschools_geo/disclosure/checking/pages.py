"""Whether the pages of a packet show what the audit is about, say what they have to, and ask for nothing."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from safeschools_geo.disclosure.checking.telling import note, quoted, told
from safeschools_geo.errors import count_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from safeschools_geo.check_report import Check
    from safeschools_geo.disclosure.checking.audit_record import Audit, Figure, Policy
    from safeschools_geo.disclosure.checking.html_page import Marked, Page
    from safeschools_geo.disclosure.checking.record import Packet

    Pages = Mapping[str, Page]


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
_NEAR, _FEW = 1e-9, 5
_DIGIT = re.compile(r"\d")
_RANGE = r"(?<![\d.,])1(?:[^\d.]{{1,8}}){top}(?!\d)"
_SOURCES = re.compile(r"'none'|'unsafe-inline'|'sha(?:256|384|512)-[A-Za-z0-9+/=_-]+'|data:", re.IGNORECASE)


def page_checks(packet: Packet, audit: Audit, pages: Pages) -> list[Check]:
    """Check the pages.

    Parameters
    ----------
    packet
        What the packet says of itself.
    audit
        The audit.
    pages
        Every page by its path.

    Returns
    -------
    list of Check
        ``languages``, ``identity``, ``policy``, ``synthetic``, ``pages``, ``numbers``, ``said``, ``same`` and
        ``offline``, and notes on what the pages
        do not show or was not checked.
    """
    n = count_text(len(pages), "page")
    unknown = sorted({page.lang for page in pages.values()} - MARKS.keys())
    languages = f"{n} in {', '.join(packet.languages)}, the same pages in each"
    checks = [
        told("languages", _language_faults(packet, pages), languages),
        told(
            "identity", _identity_faults(packet, audit, pages), f"{n} and the audit are of the same district and term"
        ),
        told("policy", _policy_faults(packet, audit, pages), f"{n} tell the policy, and what it withholds"),
        told("synthetic", _synthetic_faults(packet, pages), _synthetic_text(packet, n)),
        *_shown_checks(audit, pages),
        told("numbers", _number_faults(packet, pages), _numbers_text(pages)),
        told("said", _said_faults(packet, audit, pages), "every number on a page is in the audit, or public anyway"),
        told("same", _same_faults(packet, pages), "the pages of every language say the same numbers"),
        told("offline", _request_faults(pages), f"{n} forbid themselves every request, and make none"),
    ]
    elsewhere = sum(page.lang != _SOURCE_LANG and not _is_in(audit.policy.source, page) for page in pages.values())
    if elsewhere:
        told_of = f"{count_text(elsewhere, 'page')} in other languages"
        checks.append(note("policy", f"{told_of} may tell the source of the policy in their own words, not compared"))
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


def _policy_faults(packet: Packet, audit: Audit, pages: Pages) -> list[str]:
    faults = []
    if packet.policy.raw != audit.policy.raw:
        keys = sorted(packet.policy.raw.keys() | audit.policy.raw.keys())
        unlike = [key for key in keys if packet.policy.raw.get(key) != audit.policy.raw.get(key)]
        faults.append(f"packet.json and audit.json have different policies: {', '.join(unlike)}")
    policy = audit.policy
    for name, page in pages.items():
        texts = [("name", policy.name)]
        texts += [("source", policy.source)] if page.lang == _SOURCE_LANG else []
        faults += [
            f"{name} does not tell the policy's {what}, {quoted(text)}"
            for what, text in texts
            if not _is_in(text, page)
        ]
        if not _has_range(policy, page):
            faults.append(f"{name} does not say that counts from 1 to {policy.largest_small} are withheld")
    return faults


def _synthetic_faults(packet: Packet, pages: Pages) -> list[str]:
    faults = []
    for name, page in pages.items():
        marks = [MARKS[page.lang]] if page.lang in MARKS else list(MARKS.values())
        is_marked = any(_is_in(mark.synthetic, page) for mark in marks)
        if packet.is_synthetic and not is_marked:
            faults.append(f"{name} does not say that its data are made up")
        if is_marked and not packet.is_synthetic:
            faults.append(f"{name} says that its data are made up, and packet.json does not")
    return faults


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
    checks = [told("pages", faults, text)]
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


def _said_faults(packet: Packet, audit: Audit, pages: Pages) -> list[str]:
    """Look for numbers that are no figure, no statement and no end of an interval, and not public either."""
    public = {number for numbers in packet.public.values() for number in numbers}
    ends = [end for figure in audit.figures if figure.ends for end in (figure.ends.low, figure.ends.high)]
    known = [float(f.value) for f in audit.figures if f.value is not None] + [float(e) for e in ends if e is not None]
    said = [abs(s.value) for s in audit.statements if s.value is not None]
    faults = []
    for name, page in sorted(pages.items()):
        strangers = [n for n in dict.fromkeys(page.numbers) if n not in public and not _is_told(n, known, said)]
        faults += [f"{name}: {number} is neither in the audit nor public" for number in strangers]
    return faults


def _is_told(token: str, known: Sequence[float], said: Sequence[float]) -> bool:
    if not _WRITTEN.fullmatch(token):
        return False
    value, half = float(token.replace(",", "")), 0.5 * 10.0 ** -len(token.partition(".")[2]) + _NEAR
    is_count = "." not in token and value in known
    # A share may stand as it is, or in percent.
    return is_count or any(min(abs(value - one), abs(value - 100 * one)) <= half for one in said)


def _same_faults(packet: Packet, pages: Pages) -> list[str]:
    main, *others = packet.languages
    faults = []
    for lang in others:
        for name in sorted(n for n in pages if "/" not in n and f"{lang}/{n}" in pages):
            here, there = Counter(pages[name].numbers), Counter(pages[f"{lang}/{name}"].numbers)
            unlike = sorted({*(here - there), *(there - here)})
            faults += [f"{lang}/{name} and {name} ({main}) differ in {', '.join(unlike[:_FEW])}"] if unlike else []
    return faults


def _fault(marked: Marked, figure: Figure) -> str:
    text = marked.text.strip()
    if not marked.is_closed:
        return "the element does not end, so it is not certain what it shows"
    if figure.value is None:
        told_of = [text, *marked.labels, *([marked.value] if marked.value is not None else [])]
        numbers = [t for t in told_of if _DIGIT.search(t)]
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


def _request_faults(pages: Pages) -> list[str]:
    faults = []
    for name, page in pages.items():
        faults += [f"{name} would ask for {request}" for request in page.requests]
        if not any(_forbids(policy) for policy in page.policies):
            faults.append(f"{name} has no content security policy that forbids requests")
    return faults


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
