"""The crosswalk: from the source's categories to ours, nothing mapped by guessing; and suggestions with reasons."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo import io
from safeschools_geo.errors import CrosswalkError, count_text
from safeschools_geo.findings import Finding
from safeschools_geo.schemas import CATEGORIES, NON_CRITICAL

if TYPE_CHECKING:
    from collections.abc import Mapping

SEPARATOR = " | "
_LISTED = 20
_READ = ("source_value", "category", "service_min")
_SHOWN = ("incidents", "in_district", "at_schools", "suggested", "reason")
"""Columns that the product writes beside those it reads, for the person who fills the crosswalk in."""


@dataclass(frozen=True)
class Crosswalk:
    """The crosswalk of a district."""

    table: pd.DataFrame  # Table `crosswalk`; the index is the source value without case and outer spaces
    path: Path | None  # Its file; None when there is none and the source must use our words
    unused: tuple[str, ...] = ()  # Columns of the file that nothing reads

    def findings(self) -> list[Finding]:
        """Name the columns that nothing reads, lest somebody think that they weigh."""
        if not self.unused or self.path is None:
            return []
        message = f"Columns of {self.path.name} are not used: {', '.join(self.unused)}."
        remedy = "Leave them out, or rename them if they are meant to be one of these."
        return [Finding("note", "crosswalk_unused", "incidents", message, expected=", ".join(_READ), remedy=remedy)]


def key_of(values: pd.Series) -> pd.Series:
    """Take case and needless spaces off category names."""
    # Of a million names few are distinct.
    number, names = pd.factorize(values)
    keys = pd.Series(names, dtype="str").str.casefold().str.replace(r"\s+", " ", regex=True).str.strip()
    return pd.Series(keys.array.take(number, allow_fill=True), index=values.index, name=values.name)


def read_crosswalk(path: Path) -> Crosswalk:
    """Read ``crosswalk.csv``."""
    own = pd.DataFrame({"source_value": list(CATEGORIES), "category": list(CATEGORIES)}, dtype="str")
    if not path.is_file():
        return Crosswalk(_indexed(own.assign(service_min=float("nan"))), None)
    raw = io.read_table(path)
    table = pd.DataFrame(
        {name: io.as_text(io.require(raw, {}, name)) for name in ("source_value", "category")},
    )
    cells = io.take(raw, {}, "service_min")
    table["service_min"] = float("nan") if cells is None else _numbers(io.as_text(cells), "service_min", path)
    _require_plain_names(raw, ["source_value", "category", "service_min"], path)
    table["category"] = key_of(table["category"])
    # A row whose category is empty is one that nobody has decided yet: its calls are unmapped.
    table = table[table["category"].fillna("") != ""]
    _require_sound(table, path)
    return Crosswalk(
        _indexed(table), path, tuple(str(name) for name in raw.frame.columns if name not in (*_READ, *_SHOWN))
    )


def _numbers(cells: pd.Series, name: str, path: Path) -> pd.Series:
    numbers = pd.to_numeric(cells, errors="coerce").astype("float64")
    wrong = cells.notna() & numbers.isna()
    if wrong.any():
        raise CrosswalkError(
            f"The crosswalk has values of {name} that are no numbers.",
            where=path,
            ids=[f"row {row}" for row in wrong.index[wrong]],
            found=", ".join(dict.fromkeys(cells[wrong])),
            expected="numbers without units, or empty cells",
            remedy="Correct these cells.",
        )
    return numbers


def _require_plain_names(raw: io.RawTable, names: list[str], path: Path) -> None:
    """Refuse a column that is one slip away from one of ours: it would be passed over."""
    required = names[:2]
    found = io.check_columns(raw, {}, names, required=required, table="crosswalk", section="crosswalk")
    for finding in (f for f in found if f.is_blocking):
        raise CrosswalkError(
            finding.message,
            where=path,
            found=", ".join(map(str, raw.frame.columns)),
            expected=", ".join(names),
            remedy="Correct the name of the column, or give it one that looks like none of these.",
        )


def _require_sound(table: pd.DataFrame, path: Path) -> None:
    is_unknown = ~table["category"].isin(list(CATEGORIES))
    keys = key_of(table["source_value"])
    is_contradicted = table.groupby(keys)["category"].transform("nunique") > 1
    for is_wrong, problem in (
        (is_unknown, "The crosswalk maps to categories that are not ours."),
        (is_contradicted, "The crosswalk maps a value to two categories."),
    ):
        if is_wrong.any():
            pairs = table["source_value"].fillna("(empty)") + " → " + table["category"].fillna("(empty)")
            raise CrosswalkError(
                problem,
                where=path,
                ids=pairs[is_wrong],
                expected="one of " + ", ".join(CATEGORIES),
                remedy="Correct these rows.",
            )


def _indexed(table: pd.DataFrame) -> pd.DataFrame:
    keyed = table.assign(key=key_of(table["source_value"]))
    return keyed.dropna(subset="key").drop_duplicates("key").set_index("key")


def category_columns(rows: pd.DataFrame) -> list[pd.Series]:
    """List the columns of the source's categories, the coarse before the fine."""
    names = [name for name in rows.columns if str(name).startswith("category_")]
    return [rows[name] for name in sorted(names, key=lambda name: int(name.removeprefix("category_")))]


def whole_value(sources: list[pd.Series]) -> pd.Series:
    """Join the source's categories, the coarse before the fine, as `crosswalk.csv` writes them."""
    filled = [cells.fillna("") for cells in sources]
    return functools.reduce(lambda coarse, fine: coarse + SEPARATOR + fine, filled)


def categorize(sources: list[pd.Series], crosswalk: Crosswalk, *, unmapped: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Give each incident one of our categories.

    `category`, `source_category` and `service_min`, on the index of `sources`. Values that were not mapped, with
    their counts.
    """
    whole = whole_value(sources)
    whole_key, first_key = key_of(whole), key_of(sources[0].fillna(""))
    key = whole_key.where(whole_key.isin(crosswalk.table.index), first_key)
    number, keys = pd.factorize(key)
    found = crosswalk.table[["category", "service_min"]].reindex(keys).iloc[number].set_axis(whole.index)
    is_unmapped = found["category"].isna()
    findings = _unmapped(whole[is_unmapped], crosswalk, unmapped) if is_unmapped.any() else []
    table = found.assign(source_category=whole.mask(whole == "").astype("str"))
    table["category"] = table["category"].fillna(NON_CRITICAL).astype("str")
    return table, findings


def _unmapped(values: pd.Series, crosswalk: Crosswalk, unmapped: str) -> list[Finding]:
    counts = values.replace("", "(empty)").value_counts()
    listed = "; ".join(f"{value} ({count:,})" for value, count in counts.head(_LISTED).items())
    suggested = suggest_categories({str(value): int(number) for value, number in counts.items() if value != "(empty)"})
    rows = zip(suggested["source_value"], suggested["incidents"], suggested["suggested"], strict=True)
    ids = [f"{value} ({number:,})" + (f" → {guess}?" if guess else "") for value, number, guess in rows]
    more = f"; and {len(counts) - _LISTED} more" if len(counts) > _LISTED else ""
    unknown = f"{count_text(len(counts), 'source value')} ({count_text(len(values), 'incident')})"
    where = crosswalk.path.name if crosswalk.path else "crosswalk.csv, which is not there"
    ours, theirs = set(crosswalk.table["source_value"]), dict.fromkeys(values.unique())
    alike = io.alike_groups([*crosswalk.table["source_value"].dropna(), *theirs])
    close = [group for group in alike if theirs.keys() & set(group) and ours & set(group)]
    if close:
        more += f". Written otherwise in the crosswalk: {io.groups_text(close)}"
    if unmapped == "stop":
        raise CrosswalkError(
            f"{unknown} without a category in the crosswalk.",
            where=where,
            ids=ids,
            found=listed + more,
            expected="a row for each: source_value,category",
            remedy="`safeschools new` on this folder adds them, each with a suggestion; or set [incidents] unmapped = "
            '"non_critical" to count them as other work.',
        )
    return [
        Finding(
            "warning",
            "category_unmapped",
            "incidents",
            f"{unknown} without a category in the crosswalk, taken as not program work: {listed}{more}.",
            ids=tuple(ids),
            expected=f"a row for each in {where}",
            remedy="Add a row for each that is program work; `safeschools new` on this folder adds all of them.",
        )
    ]


# ── Suggestions for a crosswalk, from codes and words that ship with the product

_SYSTEMS = {
    "penal": "Penal Code",
    "welfare": "Welfare and Institutions Code",
    "health": "Health and Safety Code",
    "business": "Business and Professions Code",
    "education": "Education Code",
    "vehicle": "Vehicle Code",
    "nibrs": "NIBRS",
    "ucr": "UCR",
    "ten_code": "ten-code (agencies differ: check it)",
}
_LETTERS = {
    "penal": r"c?pc|p\.c\.?|penal(?: code)?",
    "welfare": r"w ?[&/]? ?ic?|wic|w\.i\.c?\.?",
    "health": r"h ?[&/]? ?sc?|hsc|h\.s\.c?\.?",
    "business": r"b ?[&/]? ?pc?|bpc",
    "education": r"e\.?c\.?|ed\.? ?code|educ?(?: code)?",
    "vehicle": r"c?vc|v\.c\.?",
}
_SECTION = r"\d{2,5}(?:\.\d{1,3})?(?:[a-z](?![a-z]))?(?: ?\([a-z0-9]{1,3}\))*"
_CODES = {
    system: re.compile(rf"(?<![\w.])(?:(?:{letters}) ?[-#:]? ?({_SECTION})|({_SECTION}) ?[-/]? ?(?:{letters})(?!\w))")
    for system, letters in _LETTERS.items()
}
_BARE = re.compile(rf"({_SECTION}|\d\d[a-z]|\d\d\d|1[01][- ]\d\d)")


def suggest_categories(values: Mapping[str, int]) -> pd.DataFrame:
    """Suggest one of our categories for each category of a source, by its number of calls, with the reason.

    A section with the letters of its code (``245(a)(1) PC``) comes first, then the words of the whole value, then a
    bare code (``13B``, ``242``): it is read in the one system that knows most of the source's calls, since the same
    number means different things in two of them. A value that is known, and suits none of our categories or several, is
    left to a person, with nothing suggested. Columns of a source are joined by ``" | "``; the most frequent come first.
    """
    known = _dictionary()
    bare = {value: _bare_matches(value, known) for value in values}
    calls = {
        system: sum(number for value, number in values.items() if system in bare[value])
        for system in dict.fromkeys(_SYSTEMS)
    }
    rows = [
        (value, number, *_suggestion(value, known, dict(sorted(bare[value].items(), key=lambda m: -calls[m[0]]))))
        for value, number in sorted(values.items(), key=lambda item: (-item[1], item[0]))
    ]
    return pd.DataFrame(rows, columns=["source_value", "incidents", "suggested", "reason"]).astype(
        {"source_value": "str", "incidents": "int64", "suggested": "str", "reason": "str"}
    )


@functools.cache
def _dictionary() -> dict[str, dict[str, tuple[str, str]]]:
    """Read the dictionary: system → code or pattern → our category and the meaning."""
    with (resources.files("safeschools_geo") / "dictionary" / "calls.csv").open(encoding="utf-8") as file:
        table = pd.read_csv(file, dtype="str", keep_default_na=False)
    return {
        str(system): {
            str(code).casefold(): (str(category), str(meaning))
            for _, code, category, meaning in rows.itertuples(index=False)
        }
        for system, rows in table.groupby("system", sort=False)
    }


def _suggestion(
    value: str, known: Mapping[str, Mapping[str, tuple[str, str]]], bare: Mapping[str, tuple[str, str, str]]
) -> tuple[str, str]:
    text = value.casefold()
    if text.strip() in CATEGORIES:
        return text.strip(), "one of our own words"
    for system, pattern in _CODES.items():
        for found in pattern.finditer(text):
            section = re.sub(r"\s", "", found[1] or found[2])
            if match := _section(section, known[system]):
                return _meaning(system, *match)
    plain = " ".join(re.sub(r"[^\w&]+", " ", text).split())
    for pattern_text, (category, meaning) in known["words"].items():
        if found_words := re.search(pattern_text, plain):
            return category, f"“{found_words[0].strip()}”: {meaning}"
    if bare:
        (system, match), *others = bare.items()
        category, reason = _meaning(system, *match)
        also = [f"{_SYSTEMS[other]}: {meaning}" for other, (_, theirs, meaning) in others if theirs != category]
        return category, reason + (f" (but {'; '.join(also)})" if also else "")
    return "", "no code or word that is known"


def _section(section: str, codes: Mapping[str, tuple[str, str]]) -> tuple[str, str, str] | None:
    """Look a section up, its subdivisions taken off from the end until it is known."""
    while section:
        for spelled in (section, re.sub(r"(?<=\d)([a-z])$", r"(\1)", section)):
            if spelled in codes:
                return (spelled, *codes[spelled])
        shorter = re.sub(r"(\([a-z0-9]+\)|[a-z]|\.\d+)$", "", section)
        section = "" if shorter == section else shorter
    return None


def _exact(code: str, codes: Mapping[str, tuple[str, str]]) -> tuple[str, str, str] | None:
    return (code, *codes[code]) if code in codes else None


def _bare_matches(value: str, known: Mapping[str, Mapping[str, tuple[str, str]]]) -> dict[str, tuple[str, str, str]]:
    """Find what a value of nothing but a code means in each system that knows it."""
    matches: dict[str, tuple[str, str, str]] = {}
    for part in value.casefold().split(SEPARATOR):
        code = part.strip().replace("10 ", "10-").replace("11 ", "11-")
        if _BARE.fullmatch(code):
            for system in _SYSTEMS:
                key = re.sub(r"\s", "", code)
                found = _section(key, known[system]) if system in _LETTERS else _exact(key, known[system])
                if found:
                    matches.setdefault(system, found)
    return matches


def _meaning(system: str, code: str, category: str, meaning: str) -> tuple[str, str]:
    undecided = "" if category else "; none of our categories is meant by it, decide"
    shown = code if system in _LETTERS else code.upper()
    return category, f"{_SYSTEMS[system]} {shown}: {meaning}{undecided}"
