"""What the checker reads and how: strictly, every fault told; and what it found."""

from __future__ import annotations

import csv
import json
import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, NoReturn, TypeVar

import pandas as pd

from safeschools_geo.errors import count_text, name_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


# ── What the independent checker found: one line for each check, and whether all of them hold


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str  # A stable word for the check, such as ``contiguity``
    passed: bool | None  # True or False; None for a note, which says what was not checked or is good to know
    message: str  # What was found, in plain English


@dataclass(frozen=True)
class VerifyReport:
    """Everything the checker looked at, in the order it did.

    Parameters
    ----------
    folder
        The folder that was checked.
    checks
        What was found.
    bound
        ``confirmed``: the checker found the bound itself; ``recorded``: it rests on the solver's record, which was not
        repeated; ``refuted``: it contradicts what the checker found; ``unchecked``: the checker did not get that far.
        None for what has no bound, such as a board packet.
    """

    folder: str
    checks: tuple[Check, ...]
    bound: str | None = "unchecked"

    @property
    def is_ok(self) -> bool:
        """Whether no check failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(c for c in self.checks if c.passed is False)

    @property
    def notes(self) -> tuple[Check, ...]:
        """What was not checked, or is good to know."""
        return tuple(c for c in self.checks if c.passed is None)

    def summary(self) -> str:
        """Say in plain English the verdict, the failed checks, the state of the bound and the notes."""
        passed = sum(c.passed is True for c in self.checks)
        if self.is_ok:
            unread = any(c.name == "unread" for c in self.notes)
            head = (
                f"{self.folder}: all {passed} checks {'that were made hold; not all was read' if unread else 'hold'}."
            )
        else:
            head = f"{self.folder}: {len(self.failures)} of {passed + len(self.failures)} checks failed."
        proofs = [c for c in self.checks if c.name in {"bound", "random_plans"} and c.passed is True]
        return "\n".join([head, *_lines("FAILED", self.failures), *_lines("ok", proofs), *_notes(self.notes)])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each check: `name`; `status` (``passed``, ``failed`` or ``note``); `message`."""
        status = {True: "passed", False: "failed", None: "note"}
        rows = [(c.name, status[c.passed], c.message) for c in self.checks]
        return pd.DataFrame(rows, columns=["name", "status", "message"], dtype="str")


def check_of(name: str, faults: Mapping[str, Iterable[str]], otherwise: str, *, noun: str = "unit") -> Check:
    """Make one check of several faults that there could be."""
    found = {what: sorted(set(ids)) for what, ids in faults.items()}
    parts = [f"{count_text(len(ids), noun)} {what}: {name_ids(ids)}" for what, ids in found.items() if ids]
    return Check(name, passed=not parts, message=f"{'; '.join(parts) or _capital(otherwise)}.")


def check_all(name: str, faults: Sequence[str], otherwise: str) -> Check:
    """Make one check that names all faults."""
    return Check(name, passed=not faults, message=f"{_capital('; '.join(faults) or otherwise)}.")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _notes(notes: Sequence[Check]) -> list[str]:
    unread = [c for c in notes if c.name == "unread"]
    return [*_lines("NOT CHECKED", unread), *_lines("note", [c for c in notes if c.name != "unread"])]


def _lines(label: str, checks: Iterable[Check]) -> list[str]:
    return [f"  {label}: {c.name}: {c.message}" for c in checks]


# ── How the checker tells what is wrong: a few faults in full and the number of all, in plain characters

_LISTED = 5
_SHORT = reprlib.Repr()
_SHORT.maxstring = 80


def check_from(name: str, faults: Iterable[str], otherwise: str) -> Check:
    """Make one check of the faults that were found."""
    found = list(faults)
    return Check(name, passed=not found, message=_sentence(several(found) or otherwise))


def note(name: str, text: str) -> Check:
    """Make a note: something that was not checked, or is good to know."""
    return Check(name, passed=None, message=_sentence(text))


def several(items: Sequence[str]) -> str:
    """Name the first few, and say how many there are in all."""
    more = len(items) - _LISTED
    rest = [f"and {more:,} more ({len(items):,} in all)"] if more > 0 else []
    return "; ".join([*items[:_LISTED], *rest])


def quoted(value: object) -> str:
    """Show a value that stands in a file."""
    return _SHORT.repr(value)


def _sentence(text: str) -> str:
    # Names come from files that anybody may have written.
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    is_name = bool(plain) and "." in plain.split(maxsplit=1)[0]
    first = plain[:1] if is_name else plain[:1].upper()
    return f"{first}{plain[1:]}{'' if plain.endswith('.') else '.'}"


# ── JSON as the checker reads it: strictly, with fields of the kind that is asked for, and every fault in words

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LARGEST = 10**15
"""Larger numbers count nothing that a board packet is about."""


class UnreadableError(ValueError):
    """A file is not what its name says; the message says why."""


def read_text(path: Path) -> str:
    """Read a text."""
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise UnreadableError("it is not there") from error
    except OSError as error:
        raise UnreadableError(f"it cannot be read ({error.strerror or type(error).__name__})") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not text in UTF-8 ({error.reason} at byte {error.start:,})") from error


def parse_json(text: str) -> Any:  # noqa: ANN401 - as JSON has it
    """Parse JSON."""
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_object)
        json.dumps(value, ensure_ascii=False).encode()
    except UnreadableError:
        raise
    except UnicodeEncodeError as error:
        raise UnreadableError("it holds half a character, which is not text") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"it is not JSON, or not whole ({quoted(str(error))})") from error
    return value


def canonical(value: object) -> bytes:
    """Write JSON in the one way that hashes are taken of."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """What a field may hold."""

    what: str  # What that is, in words
    holds: Callable[[object], bool]  # Says whether a value is of the kind


def whole(*, low: int = 0, high: int = LARGEST) -> Kind[int]:
    """Make the kind of whole numbers within limits."""
    limits = "" if low == -LARGEST else f", {low:,} or more" if high == LARGEST else f" from {low:,} to {high:,}"
    return Kind(
        f"a whole number{limits}", lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high
    )


def or_none(kind: Kind[T]) -> Kind[T | None]:
    """Allow null too."""
    return Kind(f"{kind.what}, or null", lambda v: v is None or kind.holds(v))


def list_of(kind: Kind[T]) -> Kind[list[T]]:
    """Make the kind of lists."""
    return Kind(f"a list, each of it {kind.what}", lambda v: isinstance(v, list) and all(map(kind.holds, v)))


def by_name(kind: Kind[T]) -> Kind[dict[str, T]]:
    """Make the kind of objects that have the same under every name."""
    return Kind(
        f"an object, each of it {kind.what}", lambda v: isinstance(v, dict) and all(map(kind.holds, v.values()))
    )


TEXT: Kind[str] = Kind("text", lambda v: isinstance(v, str))
FLAG: Kind[bool] = Kind("true or false", lambda v: isinstance(v, bool))
NUMBER: Kind[float] = Kind(
    "a number", lambda v: isinstance(v, int | float) and not isinstance(v, bool) and -LARGEST <= v <= LARGEST
)
WHOLE = whole(low=-LARGEST)


class Fields:
    """An object of a JSON file, asked for its fields by kind; `what` names it in messages, empty for the whole file."""

    def __init__(self, value: object, what: str = "") -> None:
        self._what = what
        if not isinstance(value, dict):
            raise UnreadableError(f"{what or 'it'} is {quoted(value)}, not an object")
        self.raw: dict[str, Any] = value

    def get(self, name: str, kind: Kind[T]) -> T:
        """Return a field."""
        if name not in self.raw:
            raise UnreadableError(f"{self._what or 'it'} has no {name}")
        value: T = self.raw[name]
        if not kind.holds(value):
            raise UnreadableError(f"{self._name(name)} is {quoted(value)}, not {kind.what}")
        return value

    def inner(self, name: str) -> Fields:
        """Return an object within."""
        return Fields(self.get(name, _ANYTHING), self._name(name))

    def objects(self, name: str) -> list[Fields]:
        """Return a list of objects."""
        items = self.get(name, list_of(_ANYTHING))
        return [Fields(item, f"{self._name(name)}, number {number},") for number, item in enumerate(items)]

    def _name(self, name: str) -> str:
        return f"{name} of {self._what}" if self._what else name


_ANYTHING: Kind[object] = Kind("anything", lambda _: True)


def _refuse(name: str) -> NoReturn:
    raise UnreadableError(f"it holds {name}, which is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise UnreadableError(f"an object has {quoted(twice)} twice")
    return found


# ── The written plan as the independent checker reads it: standard library only, every fault told, none raised

REQUIRED = ("plan.csv", "edges.csv", "units.geojson", "zones.geojson", "certificate.json")
"""Files without which a plan cannot be checked."""

_PAIR = 2
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_TEXTS, _NUMBER_OR_NONE = list_of(TEXT), or_none(NUMBER)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and _TEXTS.holds(value) and len(value) == _PAIR


def _is_stage(value: object) -> bool:
    return (
        isinstance(value, dict)
        and TEXT.holds(value.get("objective"))
        and FLAG.holds(value.get("is_proven"))
        and all(_NUMBER_OR_NONE.holds(value.get(name)) for name in ("value", "bound", "gap"))
    )


CERTIFICATE_KINDS: dict[str, Callable[[object], bool]] = {
    "objective": lambda v: v in ("imbalance", "moves", "travel", "boundary"),
    **dict.fromkeys(("value", "imbalance_after"), NUMBER.holds),
    **dict.fromkeys(("bound", "gap", "imbalance_before", "tolerance", "slack"), _NUMBER_OR_NONE.holds),
    **dict.fromkeys(("is_proven", "is_contiguous"), FLAG.holds),
    "moves": WHOLE.holds,
    "max_moves": or_none(WHOLE).holds,
    "locked": _TEXTS.holds,
    "together": list_of(_TEXTS).holds,
    "forbidden": list_of(Kind("a pair", _is_pair)).holds,
    "zones": lambda v: _TEXTS.holds(v) and v != [],
    "stages": list_of(Kind("a stage", _is_stage)).holds,
    "proof": lambda v: v is None or isinstance(v, dict),
    **dict.fromkeys(("roots", "input_sha256", "files"), by_name(TEXT).holds),
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
class PlanRecord:
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
    response: list[dict[str, Any]] | None = None
    certificate: dict[str, Any] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def ids(self, key: str) -> list[str]:
        """Give a list of ids that the certificate may hold."""
        value = self.certificate.get(key, [])
        return value if _TEXTS.holds(value) else []

    def pairs(self, key: str) -> list[list[str]]:
        """Give a list of pairs of ids that the certificate may hold."""
        value = self.certificate.get(key, [])
        return list(filter(_is_pair, value)) if isinstance(value, list) else []

    def named_ids(self, key: str) -> dict[str, list[str]]:
        """Give lists of ids by name that the certificate may hold."""
        value = self.certificate.get(key, {})
        return value if by_name(_TEXTS).holds(value) else {}

    def counted(self) -> list[Unit]:
        """Give the units of the zones that count for the balance."""
        apart = set(self.ids("zones_set_apart"))
        return [u for u in self.units if u.before not in apart]


def read_plan_record(folder: Path) -> PlanRecord:
    """Read the files of a written plan."""
    record = PlanRecord(folder)
    steps: dict[str, Callable[[], None]] = {
        "plan.csv": lambda: _read_units(record),
        "edges.csv": lambda: _read_edges(record),
        "units.geojson": lambda: _read_features(record, "units.geojson", record.unit_features, "unit_id"),
        "zones.geojson": lambda: _read_features(record, "zones.geojson", record.zone_features, "zone_id"),
        "certificate.json": lambda: _read_certificate(record),
    }
    if (folder / "frontier.csv").is_file():
        steps["frontier.csv"] = lambda: _read_frontier(record)
    if (folder / "response.csv").is_file():
        steps["response.csv"] = lambda: _read_response(record)
    for name, step in steps.items():
        try:
            step()
        except UnreadableError as error:
            record.faults.append((name, str(error)))
        except (OSError, UnicodeError) as error:
            record.faults.append((name, f"it cannot be read ({error})"))
    return record


def number_of(text: str, *, what: str) -> float:
    """Read a finite number."""
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


def _read_units(record: PlanRecord) -> None:
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


def _read_edges(record: PlanRecord) -> None:
    for row in _table(record.folder / "edges.csv", ("unit_a", "unit_b", "shared_m", "kind")):
        a, b = row["unit_a"], row["unit_b"]
        shared_m = number_of(row["shared_m"], what=f"the shared border of {a} and {b}")
        record.edges.append(Edge(a, b, shared_m, row["kind"]))


def _read_frontier(record: PlanRecord) -> None:
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


def _read_response(record: PlanRecord) -> None:
    names, numbers = ("unit_id", "place_id", "place_unit_id"), ("calls", "minutes")
    record.response = [
        {**{c: r[c] for c in names}, **{c: number_of(r[c], what=f"{c} of {r['unit_id']}") for c in numbers}}
        for r in _table(record.folder / "response.csv", (*names, *numbers))
    ]


def _read_features(record: PlanRecord, name: str, features: list[dict[str, Any]], key: str) -> None:
    layer = parse_json(read_text(record.folder / name))
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


def _read_certificate(record: PlanRecord) -> None:
    certificate = parse_json(read_text(record.folder / "certificate.json"))
    if not isinstance(certificate, dict):
        raise UnreadableError("it is not a JSON object")
    missing = [k for k in CERTIFICATE_KINDS if k not in certificate]
    if missing:
        raise UnreadableError(f"it lacks {', '.join(missing)}")
    wrong = [k for k, is_kind in CERTIFICATE_KINDS.items() if not is_kind(certificate[k])]
    if wrong:
        raise UnreadableError(f"these hold the wrong kind of thing: {', '.join(wrong)}")
    record.certificate = certificate
