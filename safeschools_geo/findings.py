"""What every step hands on: findings of a check, rejected rows, where a result came from, and tables that conform."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import geopandas as gpd
import pandas as pd

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import ColumnError, InputError, count_text, name_ids
from safeschools_geo.schemas import REJECTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from safeschools_geo.schemas import Column, Table


# ── What every step hands on: findings of a check, rejected rows, and where a result came from

Severity = Literal["error", "warning", "note"]
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Finding:
    """One thing that a check found."""

    severity: Severity  # ``error``: results would be wrong; ``warning``: look at it; ``note``: good to know
    code: str  # A stable word for the kind of finding, such as ``zones_overlap``
    table: str  # The table it was found in
    message: str  # What is wrong, in one sentence
    ids: tuple[str, ...] = ()  # The rows concerned, all of them
    expected: str = ""
    remedy: str = ""
    location: tuple[float, float] | None = None  # Longitude and latitude of the place, where there is one
    is_blocking: bool = False  # Whether nothing can be concluded until it is settled: all commands but ``check`` stop

    def __str__(self) -> str:
        """Return the finding as one line."""
        ids = f" [{name_ids(self.ids)}]" if self.ids else ""
        return f"{self.severity}: {self.message}{ids}"

    def as_fault(self) -> InputError:
        """Make an error of the finding, for a command that it stops."""
        parts = {"expected": self.expected or None, "remedy": self.remedy or None}
        return InputError(self.message, where=self.table, ids=self.ids, **parts)


@dataclass(frozen=True)
class CheckReport:
    """Everything a check found, worst first."""

    district: str
    findings: tuple[Finding, ...]
    # What was read, by table: ``{"incidents": {"read": 10, "kept": 9, "rejected": 1}}``
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    is_synthetic: bool = False  # Whether the data are synthetic, which every rendering then says

    def __post_init__(self) -> None:
        """Put the worst first; equal severities stay in the order they were found."""
        object.__setattr__(self, "findings", tuple(sorted(self.findings, key=lambda f: _ORDER[f.severity])))

    @property
    def is_ok(self) -> bool:
        """Whether nothing found is an error."""
        return not any(f.severity == "error" for f in self.findings)

    def count(self, severity: Severity) -> int:
        """Count the findings of a severity."""
        return sum(f.severity == severity for f in self.findings)

    def summary(self) -> str:
        """Say in plain English what was found."""
        severities = Counter(f.severity for f in self.findings)
        text = ", ".join(count_text(severities[word], word) for word in _ORDER)
        head = f"{self.district}: {text}."
        rows = [
            f"{table}: {count_text(c.get('read', 0), 'row')} read, {c.get('kept', 0):,} kept, "
            f"{c.get('rejected', 0):,} not kept."
            for table, c in self.counts.items()
        ]
        return " ".join([head, *rows])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each finding: `ids` joined by ``;``, their `count`, and `lon` and `lat` (EPSG:4326)."""
        return pd.DataFrame(
            [
                {
                    "severity": f.severity,
                    "code": f.code,
                    "table": f.table,
                    "message": f.message,
                    "count": len(f.ids),
                    "ids": ";".join(f.ids),
                    "expected": f.expected,
                    "remedy": f.remedy,
                    "lon": f.location[0] if f.location else None,
                    "lat": f.location[1] if f.location else None,
                }
                for f in self.findings
            ],
            columns=["severity", "code", "table", "message", "count", "ids", "expected", "remedy", "lon", "lat"],
        )

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(
            {
                "district": self.district,
                "is_ok": self.is_ok,
                "is_synthetic": self.is_synthetic,
                "counts": {k: dict(v) for k, v in self.counts.items()},
                "findings": [asdict(f) for f in self.findings],
            },
            indent=2,
            ensure_ascii=False,
        )


def rejects_frame(
    rows: pd.DataFrame, *, source_file: str, id_column: str | None, code: str, reason: str
) -> pd.DataFrame:
    """Make a table `rejects` of rows as they were read, whose index is the number of the row in the file.

    `code` and `reason` say why they are rejected, as a word and as a sentence.
    """
    ids = rows[id_column].astype("str") if id_column in rows.columns else pd.Series(None, index=rows.index, dtype="str")
    plain = rows.drop(columns=[c for c in rows.columns if str(rows[c].dtype) == "geometry"])
    return pd.DataFrame(
        {
            "source_file": source_file,
            "row": rows.index.to_numpy(dtype="int64"),
            "id": ids.to_numpy(),
            "reason_code": code,
            "reason": reason,
            "row_as_read": [_as_json(record) for record in plain.to_dict(orient="records")],
        },
        columns=REJECTS.column_names,
    ).astype({"source_file": "str", "id": "str", "reason_code": "str", "reason": "str", "row_as_read": "str"})


def empty_rejects() -> pd.DataFrame:
    """Return the table `rejects` with no rows."""
    dtypes = {c.name: "str" if c.dtype == "str" else c.dtype for c in REJECTS.columns}
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in dtypes.items()})


def join_rejects(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Put several tables `rejects` under each other, ordered by file and row."""
    kept = [f for f in frames if len(f)]
    if not kept:
        return empty_rejects()
    return pd.concat(kept, ignore_index=True).sort_values(["source_file", "row"], kind="stable", ignore_index=True)


def _as_json(record: Mapping[Any, Any]) -> str:
    present = {str(k): None if pd.isna(v) else v for k, v in record.items()}
    return json.dumps(present, ensure_ascii=False, default=str)


@dataclass(frozen=True)
class TableRead:
    """A table as it was read: what was kept, what was not, and what was found on the way."""

    frame: gpd.GeoDataFrame  # The rows kept, in the table's schema
    rows_read: int  # Rows in the files; always the rows kept plus the rows rejected
    rejects: pd.DataFrame  # Table `rejects`
    findings: tuple[Finding, ...]
    files: tuple[Path, ...]

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows read, kept and rejected."""
        return {"read": self.rows_read, "kept": self.rows_read - len(self.rejects), "rejected": len(self.rejects)}


# ── Whether a frame is the table it is said to be, and whether its words are those that a column may hold

TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}
"""Words that are plainly true or false."""
BLANK = "(blank)"
_LINES = 8


def read_words(cells: pd.Series, meanings: Mapping[str, object]) -> tuple[pd.Series, pd.Series]:
    """Read the words of a column, and none that nobody has given a meaning.

    `meanings` are by word, whose case does not matter; the empty text stands for a blank cell. Returned are the meaning
    of each cell, missing where it has none, and the cells without one, as written; a blank one is `BLANK`.
    """
    known = {word.strip().casefold(): meaning for word, meaning in meanings.items()}
    folded = cells.fillna("").str.casefold()
    is_known = folded.isin(list(known))
    meaning = folded.where(is_known).map(known, na_action="ignore").astype("object")
    return meaning, cells.fillna(BLANK)[~is_known]


def words_text(words: pd.Series) -> str:
    """Write words with their numbers, the most frequent first: ``"“X” (3), (blank) (2)"``."""
    counts = words.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    return ", ".join(f"{word if word == BLANK else f'“{word}”'} ({n:,})" for word, n in counts.items())


def unknown_words(
    unknown: pd.Series, ids: pd.Series, *, table: str, where: str, column: str, expected: str, remedy: str
) -> Finding:
    """Report words without a meaning (`read_words`): a run stops until the settings give them one."""
    return Finding(
        "error",
        f"{column}_unknown",
        table,
        f"{len(unknown):,} of {len(ids):,} rows of {where} with a value of {column} that the settings give no "
        f"meaning: {words_text(unknown)}.",
        ids=tuple(ids.loc[unknown.index].fillna("").astype("str")),
        expected=expected,
        remedy=remedy,
        is_blocking=True,
    )


def lines_to_write(unknown: pd.Series) -> str:
    """Write the lines of ``district.toml`` that would give words a meaning: ``'"X" = …, "" = …'``."""
    words = ["" if word == BLANK else str(word) for word in sorted(set(unknown))]
    lines = [json.dumps(word, ensure_ascii=False) + " = …" for word in words[:_LINES]]
    return ", ".join(lines) + (", …" if len(words) > _LINES else "")


def conform(frame: pd.DataFrame, table: Table) -> None:
    """Check that a frame has the columns, types and values of a table, whatever its geometry; name every fault."""
    pa = import_module("pandera.pandas")  # it takes a quarter of a second, and most commands that read do without
    schema = pa.DataFrameSchema(
        {c.name: _pandera_column(pa, c) for c in table.columns if c.dtype != "geometry"},
        unique_column_names=True,
    )
    try:
        schema.validate(pd.DataFrame(frame.drop(columns="geometry", errors="ignore")), lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        faults = cases.groupby(["column", "check"], dropna=False, sort=True)["failure_case"].agg(["count", "first"])
        lines = [
            f"{column}: {check}, {n:.0f} ×, such as {first!r}" for (column, check), n, first in faults.itertuples()
        ]
        raise ColumnError(
            f"This is not a table {table.name}.",
            found="; ".join(lines),
            expected=", ".join(f"{c.name} ({c.dtype})" for c in table.columns if c.is_required),
            remedy="See docs/data_dictionary.md for the meaning of each column.",
        ) from error


def _pandera_column(pa: Any, column: Column) -> Any:  # noqa: ANN401 - a module
    checks = [pa.Check.isin(list(column.values))] if column.values else []
    dtype = None if column.dtype == "datetime64[tz]" else column.dtype
    if column.dtype == "datetime64[tz]":
        checks = [pa.Check(lambda s: isinstance(s.dtype, pd.DatetimeTZDtype), name="time_zone_aware")]
    return pa.Column(
        dtype,
        checks,
        nullable=column.is_nullable,
        required=column.is_required,
        unique=column.is_unique,
        name=column.name,
    )


def empty_frame(table: Table, *, time_zone: str = "UTC") -> gpd.GeoDataFrame:
    """Return a table without rows, every column in its type, geometry in EPSG:4326."""
    dtypes = {c.name: f"datetime64[us, {time_zone}]" if c.dtype == "datetime64[tz]" else c.dtype for c in table.columns}
    columns = {name: pd.Series(dtype=dtype) for name, dtype in dtypes.items() if dtype != "geometry"}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=STORAGE_CRS), crs=STORAGE_CRS)[table.column_names]


class MayHoldNothing:
    """A result that may hold nothing, and then says why; asking an empty one for its parts is an error."""

    why: str = ""
    """Why the result holds nothing; empty where it does."""

    @classmethod
    def nothing(cls, why: str) -> Self:
        """Make a result that holds nothing, and says why in one sentence."""
        empty = object.__new__(cls)
        object.__setattr__(empty, "why", why)
        return empty

    @property
    def is_empty(self) -> bool:
        """Whether the result holds nothing."""
        return bool(self.why)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give the tables of the result, by name; none where it holds nothing."""
        return {}

    def table(self, name: str, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Give one of the tables, or some columns of it; without a row where there is none."""
        table = self.tables().get(name, pd.DataFrame(columns=list(columns)))
        return table[list(columns)] if columns else table

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            """Say why a part is not there."""
            raise AttributeError(f"{type(self).__name__} holds no {name}: {self.why}")
