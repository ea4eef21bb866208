"""Everything that a run says, walked: its pages, texts and tables, and where two of them do not agree."""

from __future__ import annotations

import re
from collections import defaultdict
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pandas as pd
from pypdf import PdfReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# What is said in more than one place, each with the groups that have to be the same wherever it is said.
FACTS = {
    "imbalance, gained": r"imbalance (?:falls )?from (\d[\d.]*)\s?% to (\d[\d.]*)\s?%",
    "imbalance today": r"; the imbalance is (\d[\d.]*)\s?%",
    "the other plan": (
        r"Where (longer waits are allowed|nobody may wait longer): (Moving .{0,600}?get another zone officer)"
    ),
    "moves": r"[Mm]oving (\d+|one|two|three) (?:schools?|units?) brings",
    "students who change officer": r"([\d,]+) students (?:\(not known [^)]*\) )?get another zone officer",
    "time, recorded": r"an officer was there in (\d[\d.]*) min \((\d[\d.]*) to (\d[\d.]*) min\) on average",
    "time at nine of ten, recorded": r"at most (\d[\d.]*) min at nine calls of ten",
    "own officer, recorded": r"the zone.s own officer answered (\d[\d.]*)%, another zone.s officer (\d[\d.]*)%",
    "calls of the term": r"([\d,]+) of them calls for zone officers",
    "incidents of the term": r"([\d,]+) incidents in the record",
    "figures withheld": r"(\d[\d,]*) of (?:the )?(\d[\d,]*) figures (?:of calls in this packet are )?withheld",
    "schools that would move": r"(\d+) of (\d+) schools would change patrol zone",
    "heaviest zone": r"carries the most: (\d[\d.]*) officer-hours per school day",
    "the model's time": r"mean response \(it says (\d[\d.]*) min\)",
}


class Page(HTMLParser):
    """The words of a page, and the cells of its tables by caption, row and column."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.prose: list[str] = []  # The same, with a bar before each cell, item, and paragraph
        self.cells: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        self._table: dict | None = None
        self._text: list[str] | None = None
        self._hidden = 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):  # noqa: ARG002 - as the parser calls it
        if tag in {"td", "th", "caption", "li", "p", "div", "summary"}:
            self.prose.append("|")
        if tag in {"script", "style"}:
            self._hidden += 1
        elif tag == "table":
            self._table = {"caption": "", "columns": [], "rows": []}
        elif tag == "tr" and self._table is not None:
            self._table["rows"].append([])
        elif tag in {"th", "td", "caption"}:
            self._text = []

    def handle_endtag(self, tag):
        if tag in {"script", "style"}:
            self._hidden -= 1
        elif tag in {"th", "td"} and self._table is not None and self._text is not None and self._table["rows"]:
            self._table["rows"][-1].append((tag, plain(self._text)))
            self._text = None
        elif tag == "caption" and self._table is not None:
            self._table["caption"], self._text = plain(self._text or []), None
        elif tag == "table" and self._table is not None:
            self._close()

    def handle_data(self, data):
        if self._hidden:
            return
        self.words.append(data)
        self.prose.append(data)
        if self._text is not None:
            self._text.append(data)

    def _close(self):
        rows = [row for row in self._table["rows"] if row]
        head, *body = rows or [[]]
        columns = [text for _, text in head]
        seen = defaultdict(list)
        for row in body:
            if len(row) == len(columns) and row[0][0] == "th":
                seen[" / ".join(text for tag, text in row if tag == "th")].append(row)
        for name, same in seen.items():
            if len(same) == 1 and self._table["caption"] and len(set(columns)) == len(columns):
                for column, (tag, text) in zip(columns, same[0], strict=True):
                    if tag == "td":
                        self.cells[self._table["caption"], name, column].add(text)
        self._table = None


ONE_OF_SEVERAL = re.compile(
    r"(?<![Zz]one )(?<![Zz]ones )(?<![\d.,:/–−-])1 (?:(?!and|at|between|for|from|in|of|to)[a-z-]+ )?"
    r"(?:rows|values|incidents|calls|schools|zones|officers|units|moves|students|pairs|groups|terms|visits|days)\b.{20}"
)
"""A count of one with a noun in the plural; not the name of a zone before the noun."""


SLIP = re.compile(r".{20}(?:(?<![.])[.][.](?![./\\])|\bnan\b|\binf\b|(?<!All )\bNone\b(?! of| \|)).{20}")
"""Two periods for one, or what a program calls something unknown."""


def plain(parts: list[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(parts).replace("\xa0", " ")).strip()


def texts(folder: Path, spoken: str) -> Iterator[tuple[str, str]]:
    """List every text of a run for people: terminal, pages, notebooks, files, and the PDF; but those in Spanish."""
    yield "terminal", plain([spoken])
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".html" and "/es/" not in name:
            yield name, plain(Page(path.read_text(encoding="utf-8")).words)
        elif path.name.endswith("-en.pdf"):
            yield name, plain([page.extract_text() for page in PdfReader(path).pages])
        elif path.suffix == ".txt":
            yield name, plain([path.read_text(encoding="utf-8")])


def facts(folder: Path, spoken: str = "") -> dict[str, dict[tuple[str, ...], list[str]]]:
    """Gather what is said of each fact, and where."""
    said: dict[str, dict[tuple[str, ...], list[str]]] = {fact: defaultdict(list) for fact in FACTS}
    for name, text in texts(folder, spoken):
        proposed = re.sub(FACTS["the other plan"], "", text)
        for fact, pattern in FACTS.items():
            for groups in set(re.findall(pattern, text if fact == "the other plan" else proposed)):
                said[fact][(groups,) if isinstance(groups, str) else groups].append(name)
    return said


def contradictions(folder: Path, spoken: str = "") -> list[str]:
    """List facts said in two ways, cells of one table that differ between pages, counts of one with a plural, slips."""
    found = [f"{fact}: {dict(values)}" for fact, values in facts(folder, spoken).items() if len(values) > 1]
    prose = {name: text for name, text in texts(folder, spoken) if not name.endswith(".html")}
    cells: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(folder.rglob("*.html")):
        name = path.relative_to(folder).as_posix()
        if name.startswith("maps/absence/"):  # each of another day
            continue
        page = Page(path.read_text(encoding="utf-8"))
        prose[name] = "" if "/es/" in name else plain(page.prose)
        for key, values in page.cells.items():
            for value in values:
                cells[("es" if "/es/" in name else "en", *key)][value].append(name)
    found += [f"{key}: {dict(values)}" for key, values in cells.items() if len(values) > 1]
    found += [f"{name}: {one}" for name, text in prose.items() for one in sorted(set(ONE_OF_SEVERAL.findall(text)))]
    # The page of a notebook holds code, and tables as pandas prints them.
    spoken_of = {name: text for name, text in prose.items() if not re.search(r"(?:^|/)\d\d_\w+\.html$", name)}
    found += [f"{name}: {one}" for name, text in spoken_of.items() for one in sorted(set(SLIP.findall(text)))]
    return found


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def against_tables(folder: Path, spoken: str = "") -> list[str]:
    """List the facts of which the tables beside them say something else."""
    said, found = facts(folder, spoken), []

    def hold(fact: str, *expected: str) -> None:
        found.extend(
            f"{fact}: {groups} in {names}, and {expected} by the table"
            for groups, names in said[fact].items()
            if tuple(g.replace(",", "") for g in groups) != expected
        )

    zones = folder / "workload_zones.csv"
    if zones.is_file() and (folder / "plan" / "frontier.csv").is_file():
        frontier = pd.read_csv(folder / "plan" / "frontier.csv")
        today = frontier.loc[frontier["moves"] == 0, "imbalance"]
        hold("imbalance today", *map(percent, today))
    if (folder / "plan" / "moves.csv").is_file() and said["imbalance, gained"]:
        before, after = next(iter(said["imbalance, gained"]))
        plan = pd.read_csv(folder / "plan" / "plan.csv", dtype={"zone_before": "str", "zone_after": "str"})
        loads = [plan.groupby(f"zone_{when}")["workload"].sum() for when in ("before", "after")]
        # A zone that is set apart has no load, and is in no mean.
        loads = [load[load > 0] for load in loads]
        shares = [percent(float((load - load.mean()).abs().max() / load.mean())) for load in loads]
        if [before, after] != shares:
            found.append(f"imbalance: {before} to {after} is said, and plan.csv gives {shares}")
    return found
