"""A small board packet as the product writes one: real protection, audit and record, pages written by hand."""

from __future__ import annotations

import hashlib
import json
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.disclosure._audit import audit, audit_document
from safeschools_geo.disclosure._ledger import earlier, ledger_text, with_release
from safeschools_geo.disclosure._policy import Grouping, load_policy
from safeschools_geo.disclosure._protect import protect
from safeschools_geo.disclosure._tables import CountTable
from safeschools_geo.term._packet import numbers_on

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DISTRICT, FALL, SPRING = "Elm & Oak Unified", "Fall 2025", "Spring 2026"
CSP = "default-src 'none'; script-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"

# By zone, elementary and high: 4 and 7 are small. In a row of two a small count hides only with the other one; in the
# column of high schools, where 60 is published, 4 and 7 hide behind each other: they add up to 11, each is 0 to 11.
COUNTS = {
    FALL: {"N": (216, 4), "S": (150, 7), "W": (1090, 60)},
    SPRING: {"N": (190, 3), "S": (140, 8), "W": (80, 75)},
}
LEVELS = ("elementary", "high")
SAID = {
    "en": ("SYNTHETIC DATA", "Release {n}", "Draft, not for release", "Counts from 1 to 10 are withheld.", "withheld"),
    "es": (
        "DATOS SINTÉTICOS",
        "Publicación {n}",
        "Borrador, no publicar",
        "Se reservan las cifras de 1 a 10 incidentes.",
        "reservado",
    ),
}


def raw_of(*terms: str) -> CountTable:
    """Return two schools for each zone and level, of which the first has all incidents but one."""
    rows = []
    for term in terms:
        for zone, counts in COUNTS[term].items():
            for level, count in zip(LEVELS, counts, strict=True):
                for place, part in enumerate((count - 1, 1)):
                    rows.append((f"{zone}-{level}-{place}", zone, level, term, part))
    groupings = [g for term in terms for g in Grouping(("zone", "level"), (("term", term),)).with_margins()]
    counts = pd.DataFrame(rows, columns=["school", "zone", "level", "term", "count"])
    return CountTable(counts, tuple(groupings), hidden=(Grouping(("school", "term")),))


def page(document: dict, lang: str, *, release: int, is_synthetic: bool = True) -> str:
    synthetic, released, draft, rule, withheld = SAID[lang]
    rows = []
    for figure in document["figures"]:
        cell, value = figure["cell"], figure["value"]
        name = escape(", ".join(figure["key"].values()))
        shown = (
            f'<td class="withheld" data-cell="{cell}">{withheld}</td>'
            if value is None
            else f'<td data-cell="{cell}"><data value="{value}" data-cell="{cell}">{value:,}</data></td>'
        )
        rows.append(f'<tr><th scope="row">{name}</th>{shown}</tr>')
    state = released.format(n=release) if release else draft
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}"><title>Packet</title>'
        "<style>td { background: url(data:image/png;base64,AA==) }</style></head><body>\n"
        f"<p>{synthetic if is_synthetic else ''} <span>{state}</span></p><p><bdi>{escape(DISTRICT)}</bdi> · "
        f"<bdi>{document['term']}</bdi></p>\n"
        f'<h1>Figures</h1><p><a href="https://example.org/">A link</a></p><svg><path d="M0 0"/></svg>'
        f"<table>{''.join(rows)}</table>\n"
        f"<p>{rule} <strong>{document['policy']['name']}</strong>. {escape(document['policy']['source'])}</p>"
        "</body></html>\n"
    )


def write_packet(folder: Path, *, release: bool = True) -> Path:
    """Write a packet: the second release of its district, or a draft."""
    folder.mkdir(parents=True)
    policy = load_policy("default")
    people = raw_of(FALL).atoms[["school", "zone", "level"]].drop_duplicates()
    first = protect(raw_of(FALL), policy)
    record = with_release((), first, people, district=DISTRICT, term=FALL, released="2026-01-09")
    raw = raw_of(FALL, SPRING)
    safe = protect(raw, policy, facts=earlier(record, raw).figures)
    record = with_release(record, safe, people, district=DISTRICT, term=SPRING, released="2026-06-12")
    number = len(record) if release else 0
    report = audit(safe, knows_rule=True).require_safe()
    document = audit_document(report, district=DISTRICT, term=SPRING, release=number)
    (folder / "audit.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8", newline="\n")
    if release:
        (folder / "releases.jsonl").write_text(ledger_text(record), encoding="utf-8", newline="\n")
    pages = {}
    for lang, place in (("en", ""), ("es", "es/")):
        (folder / place).mkdir(exist_ok=True)
        for name in ("index.html", "print.html"):
            pages[f"{place}{name}"] = page(document, lang, release=number)
    for name, html in pages.items():
        (folder / name).write_text(html, encoding="utf-8", newline="\n")
    (folder / "packet-en.pdf").write_bytes(b"%PDF-1.7\n")
    packet = {
        "format": "safeschools-geo/packet/2",
        "district": DISTRICT,
        "term": SPRING,
        "is_synthetic": True,
        "release": number,
        "policy": policy.to_dict(),
        "languages": ["en", "es"],
        "record": {"releases": len(record[:number]), "last": record[-1].hash if number else None},
        "public": {"names and rules": " ".join(_public(document, number))},
        "numbers": {name: " ".join(numbers_on(html)) for name, html in pages.items()},
        "files": {},
    }
    (folder / "packet.json").write_text(json.dumps(packet, indent=2), encoding="utf-8")
    return seal(folder)


def _public(document: dict, number: int) -> list[str]:
    """List the numbers of a page without figures: of names, the term, the rule, and the release."""
    bare = [page({**document, "figures": []}, lang, release=number) for lang in SAID]
    return sorted({n for text in (*bare, FALL, SPRING) for n in numbers_on(text)})


def seal(folder: Path) -> Path:
    """Write the hashes anew, as somebody would who changes a file and hides it."""
    path = folder / "packet.json"
    packet = json.loads(path.read_text(encoding="utf-8"))
    packet["files"] = {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != path
    }
    path.write_text(json.dumps(packet, indent=2), encoding="utf-8")
    return folder


def edit_json(path: Path, change: Callable[[dict], object]) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def edit_text(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8", newline="\n")


def rechain(releases: list[dict]) -> str:
    """Write a record anew from changed releases, each hashed and chained as if it had always been so."""
    lines, previous = [], "0" * 64
    for number, release in enumerate(releases, start=1):
        entry = {**{k: v for k, v in release.items() if k != "hash"}, "number": number, "previous": previous}
        text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256(text.encode()).hexdigest()
        lines.append(json.dumps({**entry, "hash": previous}, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
    return "".join(f"{line}\n" for line in lines)
