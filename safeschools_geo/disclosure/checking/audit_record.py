"""The audit of a release as the checker reads it from ``audit.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safeschools_geo.disclosure.checking.fields import (
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Fields,
    Kind,
    UnreadableError,
    by_name,
    list_of,
    or_none,
    whole,
)
from safeschools_geo.disclosure.checking.telling import quoted

FORMAT = "safeschools-geo/audit/2"
"""The format that is understood."""

MIXED = -1
"""What stands for the name of a kind whose counts differ in it."""


@dataclass(frozen=True)
class Policy:
    """What may be published, and all of it as it is written."""

    name: str
    smallest_count: int
    smallest_group: int
    source: str
    raw: Mapping[str, object]

    @property
    def largest_small(self) -> int:
        """The largest count that is withheld."""
        return self.smallest_count - 1


@dataclass(frozen=True)
class Ends:
    """How small and how large something can be, and the worlds that show it; `high` is None where nothing limits it."""

    low: int
    high: int | None
    low_world: int
    high_world: int


@dataclass(frozen=True)
class Figure:
    """A figure of the release: `value` where it is published, `ends` where it is withheld."""

    cell: int
    key: Mapping[str, str]
    value: int | None
    ends: Ends | None

    def __str__(self) -> str:
        """Return its number and its name."""
        return f"cell {self.cell} ({', '.join(f'{k} {v}' for k, v in self.key.items()) or 'all'})"


@dataclass(frozen=True)
class Group:
    """Groups that no table shows: at most all there is of `kinds`, at least all there is of `whole`."""

    groups: int
    kinds: Sequence[int]
    whole: Sequence[int]
    ends: Ends


@dataclass(frozen=True)
class Statement:
    """What else was published: a number, and between which two it lies.

    `weights` are those of the kinds whose sum it is, None where they are not public; `value` is the number as the pages
    have it, None for what an earlier release told.
    """

    source: str
    key: Mapping[str, str]
    value: float | None
    low: float | None
    high: float | None
    weights: Mapping[int, float] | None
    raw: Mapping[str, object]


@dataclass(frozen=True)
class World:
    """Made-up counts: how much there is of some kinds, none of the others."""

    kinds: Sequence[int]
    counts: Sequence[int]


@dataclass(frozen=True)
class Audit:
    """All that an audit says; `names` has for each dimension the name of each kind, None where its counts differ."""

    district: str
    term: str
    release: int
    measure: str
    policy: Policy
    is_safe: bool
    knows_rule: bool
    names: Mapping[str, Sequence[str | None]]
    n_kinds: int
    figures: Sequence[Figure]
    statements: Sequence[Statement]
    groups: Sequence[Group]
    worlds: Sequence[World]


def audit_of(value: object) -> Audit:
    """Read an audit.

    Parameters
    ----------
    value
        The file, parsed.

    Returns
    -------
    Audit
        The audit. Kinds and worlds that it speaks of are there.

    Raises
    ------
    UnreadableError
        When something is not there, or of the wrong kind.
    """
    fields = Fields(value)
    require_format(fields, FORMAT)
    kinds = fields.inner("kinds")
    n_kinds = len(kinds.get("places", list_of(whole(low=1))))
    worlds = [_world(pair, number, n_kinds) for number, pair in enumerate(fields.get("worlds", list_of(_PAIR)))]
    return Audit(
        district=fields.get("district", TEXT),
        term=fields.get("term", TEXT),
        release=fields.get("release", whole()),
        measure=fields.get("measure", TEXT),
        policy=policy_of(fields.inner("policy")),
        is_safe=fields.get("is_safe", FLAG),
        knows_rule=fields.get("knows_rule", FLAG),
        names=_names(kinds, n_kinds),
        n_kinds=n_kinds,
        figures=[_figure(one, len(worlds)) for one in fields.objects("figures")],
        statements=[_statement(one, n_kinds) for one in fields.objects("statements")],
        groups=[_group(one, n_kinds, len(worlds)) for one in fields.objects("groups")],
        worlds=worlds,
    )


def policy_of(fields: Fields) -> Policy:
    """Read a policy.

    Parameters
    ----------
    fields
        The policy as it is written.

    Returns
    -------
    Policy
        The policy.

    Raises
    ------
    UnreadableError
        When something is not there, or of the wrong kind.
    """
    return Policy(
        name=fields.get("name", TEXT),
        smallest_count=fields.get("smallest_count", whole(low=3)),
        smallest_group=fields.get("smallest_group", whole(low=3)),
        source=fields.get("source", TEXT),
        raw=fields.raw,
    )


def require_format(fields: Fields, expected: str) -> None:
    """Refuse a file of another format.

    Parameters
    ----------
    fields
        The file.
    expected
        Name of the format.

    Raises
    ------
    UnreadableError
        When it is another.
    """
    found = fields.get("format", TEXT)
    if found != expected:
        raise UnreadableError(f"its format is {quoted(found)}; {quoted(expected)} is understood")


_PAIR: Kind[list[list[int]]] = Kind(
    "two lists of whole numbers",
    lambda v: isinstance(v, list) and len(v) == 2 and all(map(list_of(WHOLE).holds, v)),  # noqa: PLR2004 - a pair
)


def _names(kinds: Fields, n_kinds: int) -> dict[str, list[str | None]]:
    names, numbers = kinds.inner("names"), kinds.inner("numbers")
    if names.raw.keys() != numbers.raw.keys():
        raise UnreadableError("names and numbers of kinds are not of the same dimensions")
    found: dict[str, list[str | None]] = {}
    for dim in names.raw:
        of_dim = names.get(dim, list_of(TEXT))
        of_kind = numbers.get(dim, list_of(whole(low=MIXED, high=len(of_dim) - 1)))
        if len(of_kind) != n_kinds:
            raise UnreadableError(f"{len(of_kind):,} kinds have a {dim}; there are {n_kinds:,}")
        found[dim] = [None if number == MIXED else of_dim[number] for number in of_kind]
    return found


def _world(pair: list[list[int]], number: int, n_kinds: int) -> World:
    kinds, counts = pair
    if len(kinds) != len(counts):
        raise UnreadableError(f"world {number} has {len(kinds):,} kinds and {len(counts):,} counts")
    if len(set(kinds)) < len(kinds):
        raise UnreadableError(f"world {number} has a kind twice")
    strangers = [kind for kind in kinds if not 0 <= kind < n_kinds]
    if strangers:
        raise UnreadableError(f"world {number} has a kind {strangers[0]}; there are {n_kinds:,}, from 0")
    return World(kinds, counts)


def _figure(fields: Fields, n_worlds: int) -> Figure:
    value = fields.get("value", or_none(WHOLE))
    if value is not None and any(name in fields.raw for name in ("low", "high")):
        raise UnreadableError(f"cell {fields.get('cell', whole())} has both a value and an interval")
    return Figure(
        cell=fields.get("cell", whole()),
        key=fields.get("key", by_name(TEXT)),
        value=value,
        ends=None if value is not None else _ends(fields, n_worlds),
    )


def _ends(fields: Fields, n_worlds: int) -> Ends:
    number = whole(high=n_worlds - 1)
    return Ends(
        low=fields.get("low", WHOLE),
        high=fields.get("high", or_none(WHOLE)),
        low_world=fields.get("low_world", number),
        high_world=fields.get("high_world", number),
    )


def _statement(fields: Fields, n_kinds: int) -> Statement:
    weights = fields.get("weights", or_none(by_name(NUMBER)))
    strangers = [kind for kind in weights or {} if not (kind.isascii() and kind.isdecimal() and int(kind) < n_kinds)]
    if strangers:
        raise UnreadableError(f"a statement has a kind {quoted(strangers[0])}; there are {n_kinds:,}, from 0")
    return Statement(
        source=fields.get("source", TEXT),
        key=fields.get("key", by_name(TEXT)) if "key" in fields.raw else {},
        value=fields.get("value", NUMBER) if "value" in fields.raw else None,
        low=fields.get("low", or_none(NUMBER)),
        high=fields.get("high", or_none(NUMBER)),
        weights=None if weights is None else {int(kind): weight for kind, weight in weights.items()},
        raw=fields.raw,
    )


def _group(fields: Fields, n_kinds: int, n_worlds: int) -> Group:
    of_kinds = list_of(whole(high=n_kinds - 1))
    return Group(
        groups=fields.get("groups", whole(low=1)),
        kinds=fields.get("kinds", of_kinds),
        whole=fields.get("whole", of_kinds),
        ends=_ends(fields, n_worlds),
    )
