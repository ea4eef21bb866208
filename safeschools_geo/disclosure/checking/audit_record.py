"""The audit of a release as the checker reads it from ``audit.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safeschools_geo.disclosure.checking.fields import LARGEST, Fields, UnreadableError
from safeschools_geo.disclosure.checking.telling import quoted

FORMAT = "safeschools-geo/audit/1"
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
    """What else was published: a weighted sum over kinds that lies between two numbers."""

    source: str
    low: float | None
    high: float | None
    weights: Mapping[int, float]


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
    n_kinds = len(kinds.wholes("places", low=1))
    worlds = [_world(*pair, number, n_kinds) for number, pair in enumerate(fields.pair_of_wholes("worlds"))]
    return Audit(
        district=fields.text("district"),
        term=fields.text("term"),
        release=fields.whole("release"),
        measure=fields.text("measure"),
        policy=policy_of(fields.inner("policy")),
        is_safe=fields.flag("is_safe"),
        knows_rule=fields.flag("knows_rule"),
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
        name=fields.text("name"),
        smallest_count=fields.whole("smallest_count", low=2),
        smallest_group=fields.whole("smallest_group", low=1),
        source=fields.text("source"),
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
    found = fields.text("format")
    if found != expected:
        raise UnreadableError(f"its format is {quoted(found)}; {quoted(expected)} is understood")


def _names(kinds: Fields, n_kinds: int) -> dict[str, list[str | None]]:
    names, numbers = kinds.inner("names"), kinds.inner("numbers")
    if names.raw.keys() != numbers.raw.keys():
        raise UnreadableError("names and numbers of kinds are not of the same dimensions")
    found: dict[str, list[str | None]] = {}
    for dim in names.raw:
        of_dim = names.texts(dim)
        of_kind = numbers.wholes(dim, low=MIXED, high=len(of_dim) - 1)
        if len(of_kind) != n_kinds:
            raise UnreadableError(f"{len(of_kind):,} kinds have a {dim}; there are {n_kinds:,}")
        found[dim] = [None if number == MIXED else of_dim[number] for number in of_kind]
    return found


def _world(kinds: list[int], counts: list[int], number: int, n_kinds: int) -> World:
    if len(kinds) != len(counts):
        raise UnreadableError(f"world {number} has {len(kinds):,} kinds and {len(counts):,} counts")
    if len(set(kinds)) < len(kinds):
        raise UnreadableError(f"world {number} has a kind twice")
    strangers = [kind for kind in kinds if not 0 <= kind < n_kinds]
    if strangers:
        raise UnreadableError(f"world {number} has a kind {strangers[0]}; there are {n_kinds:,}, from 0")
    return World(kinds, counts)


def _figure(fields: Fields, n_worlds: int) -> Figure:
    value = fields.whole_or_none("value", low=-LARGEST)
    if value is not None and any(name in fields for name in ("low", "high")):
        raise UnreadableError(f"cell {fields.whole('cell')} has both a value and an interval")
    return Figure(
        cell=fields.whole("cell"),
        key=fields.texts_by_name("key"),
        value=value,
        ends=None if value is not None else _ends(fields, n_worlds),
    )


def _ends(fields: Fields, n_worlds: int) -> Ends:
    last = n_worlds - 1
    return Ends(
        low=fields.whole("low", low=-LARGEST),
        high=fields.whole_or_none("high", low=-LARGEST),
        low_world=fields.whole("low_world", high=last),
        high_world=fields.whole("high_world", high=last),
    )


def _statement(fields: Fields, n_kinds: int) -> Statement:
    weights = fields.numbers_by_name("weights")
    strangers = [kind for kind in weights if not (kind.isascii() and kind.isdecimal() and int(kind) < n_kinds)]
    if strangers:
        raise UnreadableError(f"a statement has a kind {quoted(strangers[0])}; there are {n_kinds:,}, from 0")
    return Statement(
        source=fields.text("source"),
        low=fields.number_or_none("low"),
        high=fields.number_or_none("high"),
        weights={int(kind): weight for kind, weight in weights.items()},
    )


def _group(fields: Fields, n_kinds: int, n_worlds: int) -> Group:
    return Group(
        groups=fields.whole("groups", low=1),
        kinds=fields.wholes("kinds", high=n_kinds - 1),
        whole=fields.wholes("whole", high=n_kinds - 1),
        ends=_ends(fields, n_worlds),
    )
