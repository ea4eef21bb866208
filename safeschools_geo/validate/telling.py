"""How findings are told: only of rows that there are, and in numbers that read well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import count_text
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from safeschools_geo.results import Severity


def tell(
    ids: Iterable[object],
    severity: Severity,
    code: str,
    table: str,
    message: str,
    *,
    expected: str,
    remedy: str,
    location: tuple[float, float] | None = None,
) -> list[Finding]:
    """Tell of rows, if there are any.

    Parameters
    ----------
    ids
        The rows concerned.
    severity, code, table, message, expected, remedy, location
        As in `Finding`.

    Returns
    -------
    list of Finding
        One finding; none when there are no rows.
    """
    named = tuple(str(i) for i in ids)
    return [Finding(severity, code, table, message, named, expected, remedy, location)] if named else []


def part_text(number: int, total: int, noun: str) -> str:
    """Write a number of things out of all, and its share.

    Parameters
    ----------
    number
        How many.
    total
        Out of how many.
    noun
        What they are, in the singular.

    Returns
    -------
    str
        For example ``"686 of 125,590 incidents (0.5 %)"``.
    """
    return f"{count_text(number, noun, of=total)} ({100 * number / max(total, 1):.1f} %)"
