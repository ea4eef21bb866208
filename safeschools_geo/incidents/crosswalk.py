"""The crosswalk: from the source's categories to ours, nothing mapped by guessing."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from safeschools_geo import io
from safeschools_geo.errors import CrosswalkError
from safeschools_geo.results import Finding
from safeschools_geo.schemas import CATEGORIES, NON_CRITICAL

SEPARATOR = " | "
_LISTED = 40
_READ = ("source_value", "category", "service_min")


@dataclass(frozen=True)
class Crosswalk:
    """The crosswalk of a district.

    Parameters
    ----------
    table
        Table `crosswalk`; the index is the source value without case and outer spaces.
    path
        Its file; None when there is none and the source must use our words.
    unused
        Columns of the file that nothing reads.
    """

    table: pd.DataFrame
    path: Path | None
    unused: tuple[str, ...] = ()

    def findings(self) -> list[Finding]:
        """Name the columns that nothing reads, lest somebody think that they weigh.

        Returns
        -------
        list of Finding
            A note, or nothing.
        """
        if not self.unused or self.path is None:
            return []
        message = f"Columns of {self.path.name} are not used: {', '.join(self.unused)}."
        remedy = "Leave them out, or rename them if they are meant to be one of these."
        return [Finding("note", "crosswalk_unused", "incidents", message, expected=", ".join(_READ), remedy=remedy)]


def key_of(values: pd.Series) -> pd.Series:
    """Take case and needless spaces off category names.

    Parameters
    ----------
    values
        Text.

    Returns
    -------
    pandas.Series
        Text, on the same index.
    """
    return values.str.casefold().str.replace(r"\s+", " ", regex=True).str.strip()


def read_crosswalk(path: Path) -> Crosswalk:
    """Read ``crosswalk.csv``.

    Parameters
    ----------
    path
        The file. Where there is none, only our own words are mapped, to themselves.

    Returns
    -------
    Crosswalk
        The crosswalk.

    Raises
    ------
    CrosswalkError
        When a value is mapped twice, or to a category that is not ours; all are named.
    FileReadError, ColumnError
        When the file cannot be read or lacks a column.
    """
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
    _require_sound(table, path)
    return Crosswalk(_indexed(table), path, tuple(str(name) for name in raw.frame.columns if name not in _READ))


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


def categorise(sources: list[pd.Series], crosswalk: Crosswalk, *, unmapped: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Give each incident one of our categories.

    Parameters
    ----------
    sources
        One or more columns of the source. Joined by ``" | "`` they are looked up first; failing that, the first one
        alone, so that a crosswalk can be as coarse or as fine as it needs to be.
    crosswalk
        The crosswalk.
    unmapped
        ``stop``, or the category of values that the crosswalk lacks.

    Returns
    -------
    table : pandas.DataFrame
        `category`, `source_category` and `service_min`, on the index of `sources`.
    findings : list of Finding
        Values that were not mapped, with their counts.

    Raises
    ------
    CrosswalkError
        When values are not mapped and `unmapped` is ``stop``; all are listed with their counts.
    """
    filled = [s.fillna("") for s in sources]
    whole = functools.reduce(lambda coarse, fine: coarse + SEPARATOR + fine, filled)
    whole_key, first_key = key_of(whole), key_of(filled[0])
    key = whole_key.where(whole_key.isin(crosswalk.table.index), first_key)
    found = crosswalk.table.reindex(key)[["category", "service_min"]].set_axis(whole.index)
    is_unmapped = found["category"].isna()
    findings = _unmapped(whole[is_unmapped], crosswalk, unmapped) if is_unmapped.any() else []
    table = found.assign(source_category=whole.mask(whole == "").astype("str"))
    table["category"] = table["category"].fillna(NON_CRITICAL).astype("str")
    return table, findings


def _unmapped(values: pd.Series, crosswalk: Crosswalk, unmapped: str) -> list[Finding]:
    counts = values.replace("", "(empty)").value_counts()
    listed = "; ".join(f"{value} ({count:,})" for value, count in counts.head(_LISTED).items())
    more = f"; and {len(counts) - _LISTED} more" if len(counts) > _LISTED else ""
    where = crosswalk.path.name if crosswalk.path else "crosswalk.csv, which is not there"
    alike = io.alike_groups([*crosswalk.table["source_value"].dropna(), *values])
    close = [g for g in alike if set(g) & set(values) and set(g) & set(crosswalk.table["source_value"])]
    if close:
        more += f". Written otherwise in the crosswalk: {io.groups_text(close)}"
    if unmapped == "stop":
        raise CrosswalkError(
            f"{len(counts)} categories of the source ({len(values):,} incidents) are in no row of the crosswalk.",
            where=where,
            found=listed + more,
            expected="a row for each: source_value,category",
            remedy='Add them, or set [incidents] unmapped = "non_critical" to count them as other work.',
        )
    return [
        Finding(
            "warning",
            "category_unmapped",
            "incidents",
            f"{len(counts)} categories of the source ({len(values):,} incidents) are in no row of the crosswalk and "
            f"count as not programme work: {listed}{more}.",
            ids=tuple(str(value) for value in counts.index),
            expected=f"a row for each in {where}",
            remedy="Add a row for each that is programme work.",
        )
    ]
