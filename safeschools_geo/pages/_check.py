"""A check report for people: a page that opens anywhere, and tables for the terminal."""

from __future__ import annotations

import base64
import hashlib
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from safeschools_geo.drawing import templates
from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from safeschools_geo.findings import CheckReport


MOST_IDS = 500
"""Ids that the page spells out for one finding; the JSON report has all of them."""

_SYNTHETIC = "SYNTHETIC DATA: no school, person or incident in it is real"


_LABEL_WIDTH = 9
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class _Group:
    """Findings of one severity, and how they are presented."""

    severity: Severity
    heading: str
    meaning: str
    style: str
    findings: tuple[Finding, ...] = ()

    @property
    def cards(self) -> list[tuple[Finding, ...]]:
        """Neighbors that differ only in their message, rows and place."""
        alike = itertools.groupby(self.findings, key=lambda f: (f.table, f.code, f.expected, f.remedy))
        return [tuple(found) for _, found in alike]


_GROUPS = (
    _Group("error", "Errors", "Results would be wrong. Fix these first.", "bold red"),
    _Group("warning", "Warnings", "Look at these before you rely on the results.", "bold yellow"),
    _Group("note", "Notes", "Good to know.", "bold cyan"),
)


def is_check_page(path: Path) -> bool:
    """Say whether a file is a page that `check_html` made.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    bool
        Whether its head says so.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return b'<meta name="generator" content="safeschools-geo check">' in head.partition(b"<style>")[0]


def check_html(report: CheckReport) -> str:
    """Write a report as a page.

    Parameters
    ----------
    report
        What a check found.

    Returns
    -------
    str
        One self-contained HTML document without scripts, the same for the same report. It asks the network for
        nothing, and its content security policy would not let it.
    """
    environment = templates("safeschools_geo")
    environment.filters |= {"csp_hash": _csp_hash, "location": location_text}
    return environment.get_template("check.html.j2").render(
        report=report,
        groups=_groups(report),
        verdict=verdict(report),
        synthetic=_SYNTHETIC if report.is_synthetic else "",
        most_ids=MOST_IDS,
    )


def verdict(report: CheckReport) -> str:
    """Say in plain English what a check found and what it means."""
    if not report.findings:
        return "Nothing to fix was found."
    counts = [_count(report.count(g.severity), g.severity) for g in _GROUPS]
    if not report.is_ok:
        advice = "Fix the errors first: results would be wrong."
    elif report.count("warning"):
        advice = "Results can be made; look at the warnings before you rely on them."
    else:
        advice = "Results can be made."
    text = f"{counts[0]}, {counts[1]} and {counts[2]}. {advice}"
    return text[0].upper() + text[1:]


def print_report(report: CheckReport, console: Console) -> None:
    """Print a report to a terminal.

    Parameters
    ----------
    report
        What a check found.
    console
        Where to print it; 80 columns are enough.
    """
    if report.is_synthetic:
        console.print(Text(_SYNTHETIC, style="bold magenta"))
    console.print(Text(f"Check of {report.district}", style="bold"))
    if report.counts:
        console.print(_counts_table(report))
    for group in _groups(report):
        heading = (f"{group.heading} ({len(group.findings)})", group.style)
        console.print(Text.assemble(heading, f"  {group.meaning}"), end="\n\n")
        for card in group.cards:
            _print_card(card, console)
    console.print(Text(verdict(report), style="bold"))


def location_text(finding: Finding) -> str:
    """Write where a finding is."""
    if finding.location is None:
        return ""
    x, y = finding.location
    return f"longitude {x:.6f}, latitude {y:.6f}"


def _groups(report: CheckReport) -> list[_Group]:
    groups = [replace(g, findings=tuple(f for f in report.findings if f.severity == g.severity)) for g in _GROUPS]
    return [g for g in groups if g.findings]


def _count(number: int, noun: str) -> str:
    return count_text(number, noun) if number else f"no {noun}s"


def _counts_table(report: CheckReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("Table")
    for heading in ("Rows read", "= kept", "+ not kept"):
        table.add_column(heading, justify="right")
    for name, counts in report.counts.items():
        table.add_row(Text(name), *(f"{counts.get(key, 0):,}" for key in ("read", "kept", "rejected")))
    return table


def _print_card(card: tuple[Finding, ...], console: Console) -> None:
    for finding in card:
        console.print(Padding(Text(finding.message), (0, 0, 0, 2)))
        _print_parts({"Rows": name_ids(finding.ids), "Where": location_text(finding)}, console)
    _print_parts({"Expected": card[0].expected, "Remedy": card[0].remedy}, console)
    console.print()


def _print_parts(parts: Mapping[str, str], console: Console) -> None:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_LABEL_WIDTH, style="dim")
    grid.add_column(overflow="fold")
    for label, part in parts.items():
        if part:
            grid.add_row(label, Text(part))
    if grid.row_count:
        console.print(Padding(grid, (0, 0, 0, 4)))


def _csp_hash(text: str) -> str:
    digest = hashlib.sha256(str(text).encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
