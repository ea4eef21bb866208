"""JSON as the checker reads it: strictly, with fields of the kind that is asked for, and every fault in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from safeschools_geo.disclosure.checking.telling import quoted

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

LARGEST = 10**15
"""Larger numbers count nothing that a board packet is about."""


class UnreadableError(ValueError):
    """A file is not what its name says; the message says why."""


def read_text(path: Path) -> str:
    """Read a text.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str
        Its text.

    Raises
    ------
    UnreadableError
        When it is not there, cannot be read, or is not text in UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise UnreadableError("it is not there") from error
    except OSError as error:
        raise UnreadableError(f"it cannot be read ({error.strerror or type(error).__name__})") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not text in UTF-8 ({error.reason} at byte {error.start:,})") from error


def parse_json(text: str) -> Any:  # noqa: ANN401 - as JSON has it
    """Parse JSON.

    Parameters
    ----------
    text
        The text.

    Returns
    -------
    object
        What it says.

    Raises
    ------
    UnreadableError
        When it is no JSON; when it holds what JSON does not have (NaN, half a character), or one name twice in an
        object, of which readers see only one.
    """
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
    """Write JSON in the one way that hashes are taken of.

    Parameters
    ----------
    value
        What `parse_json` returned.

    Returns
    -------
    bytes
        Names sorted, no spaces, in UTF-8.
    """
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Kind(Generic[T_co]):
    """What a field may hold.

    Parameters
    ----------
    what
        What that is, in words.
    holds
        Says whether a value is of the kind.
    """

    what: str
    holds: Callable[[object], bool]


def whole(*, low: int = 0, high: int = LARGEST) -> Kind[int]:
    """Make the kind of whole numbers within limits.

    Parameters
    ----------
    low, high
        The limits.

    Returns
    -------
    Kind
        The kind.
    """
    limits = "" if low == -LARGEST else f", {low:,} or more" if high == LARGEST else f" from {low:,} to {high:,}"
    return Kind(
        f"a whole number{limits}", lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high
    )


def or_none(kind: Kind[T]) -> Kind[T | None]:
    """Allow null too.

    Parameters
    ----------
    kind
        The kind.

    Returns
    -------
    Kind
        The kind, or null.
    """
    return Kind(f"{kind.what}, or null", lambda v: v is None or kind.holds(v))


def list_of(kind: Kind[T]) -> Kind[list[T]]:
    """Make the kind of lists.

    Parameters
    ----------
    kind
        What is in them.

    Returns
    -------
    Kind
        Lists of it.
    """
    return Kind(f"a list, each of it {kind.what}", lambda v: isinstance(v, list) and all(map(kind.holds, v)))


def by_name(kind: Kind[T]) -> Kind[dict[str, T]]:
    """Make the kind of objects that have the same under every name.

    Parameters
    ----------
    kind
        What they have.

    Returns
    -------
    Kind
        Objects with it.
    """
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
    """An object of a JSON file, asked for its fields by kind.

    Parameters
    ----------
    value
        The object.
    what
        What it is, for messages; empty for the whole file.
    """

    def __init__(self, value: object, what: str = "") -> None:
        self._what = what
        if not isinstance(value, dict):
            raise UnreadableError(f"{what or 'it'} is {quoted(value)}, not an object")
        self.raw: dict[str, Any] = value

    def get(self, name: str, kind: Kind[T]) -> T:
        """Return a field.

        Parameters
        ----------
        name
            Its name.
        kind
            What it has to hold.

        Returns
        -------
        object
            What it holds.

        Raises
        ------
        UnreadableError
            When it is not there, or holds something else.
        """
        if name not in self.raw:
            raise UnreadableError(f"{self._what or 'it'} has no {name}")
        value: T = self.raw[name]
        if not kind.holds(value):
            raise UnreadableError(f"{self._name(name)} is {quoted(value)}, not {kind.what}")
        return value

    def inner(self, name: str) -> Fields:
        """Return an object within.

        Parameters
        ----------
        name
            Its name.

        Returns
        -------
        Fields
            Its fields.

        Raises
        ------
        UnreadableError
            When there is none.
        """
        return Fields(self.get(name, _ANYTHING), self._name(name))

    def objects(self, name: str) -> list[Fields]:
        """Return a list of objects.

        Parameters
        ----------
        name
            Its name.

        Returns
        -------
        list of Fields
            The fields of each.

        Raises
        ------
        UnreadableError
            When there is none, or it holds something else.
        """
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
