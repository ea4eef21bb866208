"""How settings check themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection


def require(condition: object, where: str, problem: str, *, found: object = None, expected: object = None) -> None:
    """Refuse a setting that does not make sense.

    Parameters
    ----------
    condition
        What has to hold.
    where
        Section and key of ``district.toml``.
    problem
        What is wrong, in one sentence.
    found, expected
        What is there, and what should be.

    Raises
    ------
    SettingsError
        When it does not hold.
    """
    if not condition:
        raise SettingsError(problem, where=where, found=found, expected=expected, remedy="Correct it in district.toml.")


def require_values(values: Collection[str], allowed: Collection[str], where: str) -> None:
    """Refuse values that are none of ours.

    Parameters
    ----------
    values
        The values given.
    allowed
        Ours.
    where
        Section and key of ``district.toml``.

    Raises
    ------
    SettingsError
        When there is another; all are named.
    """
    wrong = sorted(set(values) - set(allowed))
    require(not wrong, where, "A value is not one of ours.", found=", ".join(wrong), expected=", ".join(allowed))
