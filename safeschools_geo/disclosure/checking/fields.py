"""JSON as the checker reads it: strictly, with fields of the kind that is asked for, and every fault in words."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

from safeschools_geo.disclosure.checking.telling import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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


class Fields:
    """An object of a JSON file, asked for its fields by kind; a field of another kind raises `UnreadableError`.

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

    def __contains__(self, name: str) -> bool:
        """Say whether there is such a field."""
        return name in self.raw

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._of(name)
        return value if isinstance(value, str) else self._fail(name, "text")

    def flag(self, name: str) -> bool:
        """Return whether something is so."""
        value = self._of(name)
        return value if isinstance(value, bool) else self._fail(name, "true or false")

    def whole(self, name: str, *, low: int = 0, high: int = LARGEST) -> int:
        """Return a whole number within limits."""
        value: int = self._of(name)
        return value if _is_whole(value, low, high) else self._fail(name, _whole_text(low, high))

    def whole_or_none(self, name: str, *, low: int = 0) -> int | None:
        """Return a whole number, None for null."""
        return None if self._of(name) is None else self.whole(name, low=low)

    def number_or_none(self, name: str) -> float | None:
        """Return a number, None for null."""
        value: float | None = self._of(name)
        return value if value is None or _is_number(value) else self._fail(name, "a number or null")

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        value: list[str] = self._of(name)
        is_fine = isinstance(value, list) and all(isinstance(v, str) for v in value)
        return value if is_fine else self._fail(name, "a list of texts")

    def wholes(self, name: str, *, low: int = 0, high: int = LARGEST) -> list[int]:
        """Return a list of whole numbers within limits."""
        value: list[int] = self._of(name)
        return value if _are_whole(value, low, high) else self._fail(name, f"a list of: {_whole_text(low, high)}")

    def pair_of_wholes(self, name: str) -> list[tuple[list[int], list[int]]]:
        """Return a list of pairs of lists of whole numbers."""
        value = self._of(name)
        if not isinstance(value, list):
            self._fail(name, "a list")
        for number, pair in enumerate(value):
            if not (isinstance(pair, list) and len(pair) == 2 and all(_are_whole(v, -LARGEST, LARGEST) for v in pair)):  # noqa: PLR2004 - a pair
                raise UnreadableError(f"{self._name(name)}, number {number}, is not two lists of whole numbers")
        return [(pair[0], pair[1]) for pair in value]

    def texts_by_name(self, name: str) -> Mapping[str, str]:
        """Return texts by name."""
        value: Mapping[str, str] = self._of(name)
        is_fine = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
        return value if is_fine else self._fail(name, "texts by name")

    def numbers_by_name(self, name: str) -> Mapping[str, float]:
        """Return numbers by name."""
        value: Mapping[str, float] = self._of(name)
        is_fine = isinstance(value, dict) and all(_is_number(v) for v in value.values())
        return value if is_fine else self._fail(name, "numbers by name")

    def inner(self, name: str) -> Fields:
        """Return an object within."""
        return Fields(self._of(name), self._name(name))

    def objects(self, name: str) -> list[Fields]:
        """Return a list of objects."""
        value = self._of(name)
        if not isinstance(value, list):
            self._fail(name, "a list")
        return [Fields(item, f"{self._name(name)}, number {number},") for number, item in enumerate(value)]

    def _of(self, name: str) -> Any:  # noqa: ANN401 - as JSON has it
        if name not in self.raw:
            raise UnreadableError(f"{self._what or 'it'} has no {name}")
        return self.raw[name]

    def _name(self, name: str) -> str:
        return f"{name} of {self._what}" if self._what else name

    def _fail(self, name: str, expected: str) -> NoReturn:
        raise UnreadableError(f"{self._name(name)} is {quoted(self.raw[name])}, not {expected}")


def _refuse(name: str) -> NoReturn:
    raise UnreadableError(f"it holds {name}, which is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise UnreadableError(f"an object has {quoted(twice)} twice")
    return found


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _are_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, list) and all(_is_whole(v, low, high) for v in value)


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (isinstance(value, int) or math.isfinite(value))
        and abs(value) <= LARGEST
    )


def _whole_text(low: int, high: int) -> str:
    limits = f", {low:,} or more" if high == LARGEST else f" from {low:,} to {high:,}"
    return f"a whole number{'' if low == -LARGEST else limits}"
