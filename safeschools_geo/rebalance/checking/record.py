"""The written plan as the independent checker reads it: standard library only, every fault told, none raised."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REQUIRED = ("plan.csv", "edges.csv", "units.geojson", "zones.geojson", "certificate.json")
"""Files without which a plan cannot be checked."""

_PAIR = 2
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _is_stage(value: object) -> bool:
    numbers = ("value", "bound", "gap")
    return (
        isinstance(value, dict)
        and isinstance(value.get("objective"), str)
        and isinstance(value.get("is_proven"), bool)
        and all(_is_number_or_none(value.get(n)) for n in numbers)
    )


CERTIFICATE_KINDS: dict[str, Callable[[object], bool]] = {
    "objective": lambda v: v in ("imbalance", "moves", "travel", "boundary"),
    "value": _is_number,
    "bound": _is_number_or_none,
    "gap": _is_number_or_none,
    "is_proven": lambda v: isinstance(v, bool),
    "is_contiguous": lambda v: isinstance(v, bool),
    "moves": _is_count,
    "imbalance_before": _is_number_or_none,
    "imbalance_after": _is_number,
    "tolerance": _is_number_or_none,
    "max_moves": lambda v: v is None or _is_count(v),
    "slack": _is_number_or_none,
    "roots": _is_mapping,
    "locked": _is_texts,
    "forbidden": lambda v: isinstance(v, list) and all(_is_texts(p) and len(p) == _PAIR for p in v),
    "together": lambda v: isinstance(v, list) and all(_is_texts(group) for group in v),
    "zones": lambda v: _is_texts(v) and v != [],
    "stages": lambda v: isinstance(v, list) and all(_is_stage(stage) for stage in v),
    "proof": lambda v: v is None or isinstance(v, dict),
    "input_sha256": _is_mapping,
    "files": _is_mapping,
}
"""Key of the certificate that the checker needs → whether a value is of the right kind."""


@dataclass(frozen=True)
class Unit:
    """One row of plan.csv."""

    unit_id: str
    before: str
    after: str
    is_moved: bool
    workload: float
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Edge:
    """One row of edges.csv."""

    a: str
    b: str
    shared_m: float
    kind: str


@dataclass
class Record:
    """The files of a folder, as far as they can be read.

    `faults` holds what could not be read: name of the file and what is wrong with it.
    """

    folder: Path
    units: list[Unit] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    unit_features: list[dict[str, Any]] = field(default_factory=list)
    zone_features: list[dict[str, Any]] = field(default_factory=list)
    is_degrees: bool = True
    frontier: list[dict[str, Any]] | None = None
    certificate: dict[str, Any] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def ids(self, key: str) -> list[str]:
        """Give a list of ids that the certificate may hold.

        Parameters
        ----------
        key
            Its name.

        Returns
        -------
        list of str
            The ids; none where the certificate does not have it.
        """
        value = self.certificate.get(key, [])
        return value if _is_texts(value) else []

    def pairs(self, key: str) -> list[list[str]]:
        """Give a list of pairs of ids that the certificate may hold.

        Parameters
        ----------
        key
            Its name.

        Returns
        -------
        list of list of str
            The pairs; none where the certificate does not have it.
        """
        value = self.certificate.get(key, [])
        return [p for p in value if _is_texts(p) and len(p) == _PAIR] if isinstance(value, list) else []

    def counted(self) -> list[Unit]:
        """Give the units of the zones that count for the balance.

        Returns
        -------
        list of Unit
            All but those of the zones that are set apart.
        """
        apart = set(self.ids("zones_set_apart"))
        return [u for u in self.units if u.before not in apart]


class UnreadableError(ValueError):
    """A file is not what its name says; the message says why."""


def read_record(folder: Path) -> Record:
    """Read the files of a written plan.

    Parameters
    ----------
    folder
        The folder.

    Returns
    -------
    Record
        What could be read, and what is wrong with the rest.
    """
    record = Record(folder)
    steps: dict[str, Callable[[], None]] = {
        "plan.csv": lambda: _read_units(record),
        "edges.csv": lambda: _read_edges(record),
        "units.geojson": lambda: _read_features(record, "units.geojson", record.unit_features, "unit_id"),
        "zones.geojson": lambda: _read_features(record, "zones.geojson", record.zone_features, "zone_id"),
        "certificate.json": lambda: _read_certificate(record),
    }
    if (folder / "frontier.csv").is_file():
        steps["frontier.csv"] = lambda: _read_frontier(record)
    for name, step in steps.items():
        try:
            step()
        except UnreadableError as error:
            record.faults.append((name, str(error)))
        except (OSError, UnicodeError) as error:
            record.faults.append((name, f"it cannot be read ({error})"))
    return record


def number_of(text: str, *, what: str) -> float:
    """Read a finite number.

    Parameters
    ----------
    text
        The number as it was written.
    what
        What it is, for the message.

    Returns
    -------
    float
        The number.

    Raises
    ------
    UnreadableError
        When it is none.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UnreadableError(f"{what} is {text!r}, not a number")
    return number


def _table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        # A file that ends in the middle of a row has rows of too few cells; `strict` finds an open quotation mark.
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            rows = [dict(zip(header, map(_without_apostrophe, row), strict=True)) for row in reader if row]
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not text in UTF-8 ({error.reason})") from error
    except csv.Error as error:
        raise UnreadableError(f"it is not a CSV file ({error})") from error
    except ValueError as error:
        raise UnreadableError("a row has more or fewer cells than the header; the file is not whole") from error
    missing = [c for c in columns if c not in header]
    if missing:
        raise UnreadableError(f"it lacks the columns {', '.join(missing)}")
    return rows


def _without_apostrophe(text: str) -> str:
    # Text that a spreadsheet would take for a formula is written with an apostrophe in front.
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text


def _boolean(text: str, *, what: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise UnreadableError(f"{what} is {text!r}, not True or False")
    return text.lower() == "true"


def _read_units(record: Record) -> None:
    rows = _table(record.folder / "plan.csv", ("unit_id", "zone_before", "zone_after", "moved", "workload"))
    for row in rows:
        unit = row["unit_id"]
        record.units.append(
            Unit(
                unit,
                row["zone_before"],
                row["zone_after"],
                _boolean(row["moved"], what=f"moved of {unit}"),
                number_of(row["workload"], what=f"the workload of {unit}"),
                {c: _figure(row[c]) for c in ("schools", "students") if c in row},
            )
        )
    if not rows:
        raise UnreadableError("it has no rows")


def _figure(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _read_edges(record: Record) -> None:
    for row in _table(record.folder / "edges.csv", ("unit_a", "unit_b", "shared_m", "kind")):
        a, b = row["unit_a"], row["unit_b"]
        shared_m = number_of(row["shared_m"], what=f"the shared border of {a} and {b}")
        record.edges.append(Edge(a, b, shared_m, row["kind"]))


def _read_frontier(record: Record) -> None:
    numbers = ("moves", "imbalance", "bound", "gap")
    rows = _table(record.folder / "frontier.csv", (*numbers, "is_proven"))
    optional = ("plan_imbalance", "units_moved", "restricted_bound")
    record.frontier = [
        {
            **{c: number_of(r[c], what=f"{c} of the frontier") if r.get(c) else None for c in (*numbers, *optional)},
            "is_proven": _boolean(r["is_proven"], what="is_proven of the frontier"),
            "moved": [i for i in r["moved"].split(";") if i] if "moved" in r else None,
        }
        for r in rows
    ]
    if any(row["moves"] is None for row in record.frontier):
        raise UnreadableError("a row does not say how many moves it is for")


def _json(path: Path) -> Any:  # noqa: ANN401 - as JSON has it
    def refuse(name: str) -> None:
        raise UnreadableError(f"it holds {name}, which is not JSON")

    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is not JSON, or not whole ({error})") from error


def _read_features(record: Record, name: str, features: list[dict[str, Any]], key: str) -> None:
    layer = _json(record.folder / name)
    found = layer.get("features") if isinstance(layer, dict) else None
    if not isinstance(found, list) or not found:
        raise UnreadableError("it is not a GeoJSON layer with features")
    for feature in found:
        properties = feature.get("properties") if isinstance(feature, dict) else None
        if not isinstance(properties, dict) or not isinstance(properties.get(key), str):
            raise UnreadableError(f"a feature has no {key}, or one that is not text")
        if not isinstance(feature.get("geometry"), dict):
            raise UnreadableError(f"{properties[key]} has no geometry")
        features.append(feature)
    stated = json.dumps(layer.get("crs"))
    record.is_degrees &= layer.get("crs") is None or "CRS84" in stated or "4326" in stated


def _read_certificate(record: Record) -> None:
    certificate = _json(record.folder / "certificate.json")
    if not isinstance(certificate, dict):
        raise UnreadableError("it is not a JSON object")
    missing = [k for k in CERTIFICATE_KINDS if k not in certificate]
    if missing:
        raise UnreadableError(f"it lacks {', '.join(missing)}")
    wrong = [k for k, is_kind in CERTIFICATE_KINDS.items() if not is_kind(certificate[k])]
    if wrong:
        raise UnreadableError(f"these hold the wrong kind of thing: {', '.join(wrong)}")
    record.certificate = certificate
