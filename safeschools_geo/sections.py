"""How a section of settings checks itself, and the section of proposals: values, names of columns, faults in words."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, Literal, TypeVar, cast, dataclass_transform, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from safeschools_geo.errors import InputError, SettingsError, SeveralFaultsError
from safeschools_geo.schemas import CRITICAL_CATEGORIES, LEVELS, ORIGINS, RESPONDERS

T = TypeVar("T")
UNKNOWN_RESPONDER = "unknown"


def require(condition: object, where: str, problem: str, *, found: object = None, expected: object = None) -> None:
    """Refuse a setting that does not make sense."""
    if not condition:
        raise SettingsError(problem, where=where, found=found, expected=expected, remedy="Correct it in district.toml.")


def one_of(words: Collection[str]) -> AfterValidator:
    """Take one of our words and no other."""

    def check(value: str) -> str:
        if value not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return value

    return AfterValidator(check)


def _several(value: object) -> object:
    """Take one value where several may stand."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Several = Annotated[tuple[T, ...], BeforeValidator(_several)]
Text = Annotated[str, Field(min_length=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
ShareInside = Annotated[float, Field(gt=0, lt=1)]
FromZero = Annotated[int, Field(ge=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
Level = Annotated[str, one_of(LEVELS)]
Origin = Annotated[str, one_of(ORIGINS)]
Responder = Annotated[str, one_of((*RESPONDERS, UNKNOWN_RESPONDER))]
CriticalCategory = Annotated[str, one_of(CRITICAL_CATEGORIES)]

# ── The columns that are read of a file, and what can be wrong with the names that the settings give them

TIME_COLUMNS = ("occurred_at", "occurred_to", "received_at", "dispatched_at", "arrived_at", "cleared_at")
"""Our columns of incidents that hold moments."""
COLUMNS: dict[str, tuple[str, ...]] = {
    "zones": ("zone_id", "name", "officer", "team"),
    "boundary": (),
    "schools": ("school_id", "name", "level", "enrollment", "district", "in_program", "address"),
    "roads": ("name", "minutes", "speed_kph", "one_way"),
    "places": ("name",),
    "barriers": ("name",),
    "units": ("unit_id", "name"),
    "incidents": (
        *("incident_id", *TIME_COLUMNS, "category", "origin", "responder"),
        *("school_id", "school_name", "address"),
    ),
}
"""Section of ``district.toml`` → the columns that are read of its files, beside those of `PLACE_COLUMNS`."""
PLACE_COLUMNS = ("x", "y", "wkt")
_LISTS = {"category", "level", *TIME_COLUMNS}
"""Columns of ours that several columns of a file can make together."""


def column_faults(section: str, columns: Mapping[str, str | tuple[str, ...]]) -> list[str]:
    """Find what is wrong with the names of columns that the settings give."""
    known = (*COLUMNS[section], *PLACE_COLUMNS)
    faults = []
    if "wkt" in columns and {"x", "y"} & set(columns):
        faults.append(f"[{section}.columns] wkt: beside it x and y are not read; name one of the two")
    for ours, theirs in columns.items():
        where = f"[{section}.columns] {ours}"
        if ours not in known:
            near = difflib.get_close_matches(ours, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
            faults.append(f"{where}: no such column{hint}")
        elif not isinstance(theirs, str) and len(theirs) != 1 and ours not in _LISTS:
            able = ", ".join(sorted(_LISTS))
            faults.append(f"{where}: expected one column, found {len(theirs)}; only {able} can be made of several")
        elif not theirs and not isinstance(theirs, str):
            faults.append(f'{where}: an empty list names no column; "" says that the file has none')
    return faults


# ── What pydantic found wrong, in the words of the person who writes the file

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "date_type": "a date such as 2025-08-14",
    "date_parsing": "a date such as 2025-08-14",
    "date_from_datetime_parsing": "a date such as 2025-08-14",
    "time_type": 'a time of day such as "07:30"',
    "time_parsing": 'a time of day such as "07:30"',
    "tuple_type": "a list",
    "mapping_type": "a table",
    "dict_type": "a table",
    "dataclass_type": "a table",
    "string_too_short": "some text",
    "too_short": "at least one entry",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
}
"""Kind of fault, as pydantic names it → what was expected, in the words of the person who writes the file."""


def setting_faults(error: ValidationError, table: object, kind: type) -> list[str]:
    """Say what pydantic found wrong in a table of settings, nested as it was given: ``"[section] key: what is wrong"``.

    Of several ways to read a value, only the one that got farthest is reported.
    """
    lines: dict[tuple[int | str, ...], list[str]] = {}
    for fault in error.errors():
        path = tuple(_path_in(table, fault["loc"]))
        if fault["type"] == "missing":
            path = (*path, fault["loc"][-1])
        cause = fault.get("ctx", {}).get("error")
        causes = cause.faults if isinstance(cause, SeveralFaultsError) else (cause,)
        ours = [" ".join(str(one).split()) for one in causes if isinstance(one, InputError)]
        lines.setdefault(path, ours or [f"{_label(path)}: {_said(fault, path, kind)}"])
    deeper = {other[:cut] for other in lines for cut in range(len(other))}
    return [line for path, texts in lines.items() if path not in deeper for line in texts]


def _path_in(table: object, place: Sequence[int | str]) -> Iterator[int | str]:
    """Follow a place as far as the table goes: pydantic also names the alternatives of a type on the way."""
    for step in place:
        is_key = isinstance(table, Mapping) and step in table
        is_item = isinstance(table, list | tuple) and isinstance(step, int) and step < len(table)
        if is_key or is_item:
            table = table[step]  # type: ignore[index]
            yield step


def _label(path: Sequence[int | str]) -> str:
    """Name a setting as the file writes it: ``[section.table] key``, or the n-th ``[[section]]``."""
    path = ["incidents" if path[0] == "sources" else path[0], *path[1:]]
    if len(path) > 1 and isinstance(path[1], int):
        return " ".join([f"[[{path[0]}]] {path[1] + 1}", *map(str, path[2:])])
    keys = [str(step) for step in path if isinstance(step, str)]
    entries = [f", entry {step + 1}" for step in path if isinstance(step, int)]
    return (f"[{'.'.join(keys[:-1])}] {keys[-1]}" if len(keys) > 1 else f"[{keys[0]}]") + "".join(entries)


def _said(fault: Mapping[str, Any], path: Sequence[int | str], kind: type) -> str:
    if fault["type"] == "missing":
        return "missing, and there is no default"
    if fault["type"] == "unexpected_keyword_argument":
        near = difflib.get_close_matches(str(path[-1]), _near_names(kind, path), n=1)
        if near:
            return f"no such setting; did you mean {near[0]!r}?"
        homes = _homes_of(str(path[-1]), kind)
        return "no such setting" + (f" here; it belongs under {' or '.join(homes)}" if homes else "")
    context = fault.get("ctx", {})
    if fault["type"] == "literal_error":
        return f"{fault['input']!r} is none of {context['expected'].replace(' or ', ', ').replace(chr(39), '')}"
    if fault["type"] == "value_error":
        return str(context["error"])
    is_section = fault["type"] == "tuple_type" and isinstance(fault["input"], Mapping) and len(path) == 1
    expected = _EXPECTED.get(fault["type"], fault["msg"]).format(**context)
    if is_section:
        expected = f"a section for each, with two brackets: [[{path[0]}]]"
    return f"expected {expected}" + ("" if is_section else f", found {fault['input']!r}")


_MOST_HOMES = 3


def _homes_of(name: str, kind: Any) -> list[str]:  # noqa: ANN401 - a dataclass
    """List the sections that have a setting of a name, if they are few: where it stands under another's heading."""
    homes = []
    for section_name, one in getattr(kind, "__pydantic_fields__", {}).items():
        kinds = [inner for each in (one.annotation, *get_args(one.annotation)) for inner in (each, *get_args(each))]
        is_list = any(get_origin(each) is tuple for each in kinds)
        if any(name in getattr(each, "__pydantic_fields__", {}) for each in kinds) and section_name != "sources":
            homes.append(f"[[{section_name}]]" if is_list else f"[{section_name}]")
    return homes if len(homes) <= _MOST_HOMES else []


def _near_names(kind: Any, path: Sequence[int | str]) -> list[str]:  # noqa: ANN401 - a dataclass or what lies in it
    """List the settings that a wrong name stands among."""
    for step in path[:-1]:
        if isinstance(step, str):
            fields = getattr(kind, "__pydantic_fields__", {})
            kind = getattr(fields.get(step), "annotation", None)
        kind = next((one for one in (kind, *get_args(kind)) if hasattr(one, "__pydantic_fields__")), kind)
    return list(getattr(kind, "__pydantic_fields__", {}))


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def section(kind: type[T]) -> type[T]:
    """Make a frozen section of settings, which checks its values however it is made."""
    made: Any = dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", strict=True))(kind)
    build = made.__init__

    @functools.wraps(build)
    def __init__(self: T, **values: object) -> None:  # noqa: N807 - it takes the place of the one pydantic made
        try:
            build(self, **values)
        except ValidationError as error:
            causes = [fault.get("ctx", {}).get("error") for fault in error.errors()]
            ours = [cause for cause in causes if isinstance(cause, InputError)]
            if len(ours) == len(causes):
                raise ours[0] if len(ours) == 1 else SeveralFaultsError(ours) from None
            raise SettingsError("\n".join(setting_faults(error, values, kind)), where=kind.__name__) from None

    made.__init__ = __init__
    return cast("type[T]", made)


# ── What a proposal of other zones has to keep


@section
class RebalanceSettings:
    """``[rebalance]``: what a proposal of other zones has to keep, and how far it may go.

    Parameters
    ----------
    max_moves
        Most schools that a proposal may move; the frontier shows 0, 1, … up to this.
    tolerance
        Imbalance to reach: the proposal is then the plan of the fewest moves that does; else what the rule chooses.
    slack
        By how much the imbalance, and then the sum of the 2, 3, … largest deviations, may be above the smallest, for
        the sake of more even zones beyond the farthest, and of shorter travel.
    time_limit_s
        Longest search, in seconds of processor time: a busy machine takes longer, and finds the same.
    keeps_roots
        Whether the school in the middle of each zone (the one of least travel) stays in it, so that officers keep their
        base; ``false`` allows every contiguous plan.
    fills_empty_zones
        Whether a proposal gives schools to zones that have none; ``false`` leaves these zones as they are and out of
        the imbalance, which would else be 100 % whatever the others do.
    roots
        Zone → school that stays in it, in place of the one in the middle.
    locked
        Schools that keep their zone.
    together
        Groups of schools that have to be in one zone.
    forbidden
        Pairs of a school and a zone it must not be in.
    feeders
        Name of a feeder pattern → its schools; scores say which of them a plan splits.
    feeder_file
        File of more feeder patterns, relative to the district folder: `school_id` and `feeder`, the name of the pattern
        or the id of its high school, which then belongs to it.
    keeps_feeders
        Whether only plans are allowed that have the schools of each feeder pattern in one zone.
    keeps_hotspots
        Whether only plans are allowed that have the schools of each hotspot of several schools in one zone.
    links
        File of extra and forbidden links between schools, relative to the district folder.
    neighbor_tolerance_m
        Units whose edges run this near to each other, in meters, are neighbors; ground between them that none claims is
        divided among them. Wider gaps, such as water, part them.
    one_of_each
        Levels of which every zone has to have a school, such as ``high``.
    most_students_moved
        Most students whose zone officer may change; no limit if left out. The enrollment of every school that may move
        has to be known.
    bootstrap
        Redrawn terms behind "holds up in x % of them".
    protect
        What a proposal may not make worse: ``response``, the mean minutes until an officer is there, in every zone and
        in all; empty for nothing.
    random_plans
        Random plans of as many moves that the proposal is compared with; 0 for none. Needs the extra ``random-plans``.
    """

    max_moves: FromZero = 8
    tolerance: NotNegative | None = None
    slack: NotNegative = 0.005
    time_limit_s: Positive = 60.0
    keeps_roots: bool = True
    fills_empty_zones: bool = False
    roots: Mapping[str, str] = field(default_factory=dict)
    locked: Several[str] = ()
    together: Several[Several[str]] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    feeders: Mapping[str, Several[str]] = field(default_factory=dict)
    feeder_file: str | None = None
    keeps_feeders: bool = False
    keeps_hotspots: bool = False
    links: str | None = None
    neighbor_tolerance_m: Positive = 10.0
    one_of_each: Several[Level] = ()
    most_students_moved: FromZero | None = None
    bootstrap: AtLeastOne = 200
    protect: Several[Literal["response"]] = ("response",)
    random_plans: FromZero = 0


@section
class Change:
    """``[[changes]]``: what is to change at a school, such as next year. ``rebalance`` then plans on a forecast.

    Parameters
    ----------
    school_id
        Id of the school; of one that opens, the id it is to have.
    change
        ``opens``, ``closes`` or ``grows`` (also where it shrinks).
    enrollment
        Students of a school that opens, or to which it grows.
    factor
        What the hours of calls at a school that grows are multiplied by; new over present enrollment if left out.
    level
        Level of a school that opens.
    name
        Name of a school that opens.
    lon, lat
        Where a school opens, in degrees.
    """

    school_id: Text
    change: Literal["opens", "closes", "grows"]
    enrollment: FromZero | None = None
    factor: NotNegative | None = None
    level: Level | None = None
    name: str | None = None
    lon: Annotated[float, Field(ge=-180, le=180)] | None = None
    lat: Annotated[float, Field(ge=-90, le=90)] | None = None

    def __post_init__(self) -> None:
        """Check that it says what its kind needs, and no more."""
        keys = ("enrollment", "factor", "level", "name", "lon", "lat")
        given = {key for key in keys if getattr(self, key) is not None}
        where = f"[[changes]] {self.school_id}"
        needed = {"opens": {"level", "lon", "lat"}, "closes": set[str](), "grows": set[str]()}[self.change]
        allowed = {"opens": needed | {"name", "enrollment"}, "closes": set[str](), "grows": {"enrollment", "factor"}}
        require(needed <= given, where, "A school that opens needs a level and a place.", expected="level, lon and lat")
        says = self.change != "grows" or given
        require(says, where, "It is not said how a school grows.", expected="enrollment or factor")
        strange = ", ".join(sorted(given - allowed[self.change]))
        require(not strange, where, f"This says nothing of a school that {self.change}.", found=strange)
