"""All that is wrong, told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import InputError, SeveralFaultsError

if TYPE_CHECKING:
    from collections.abc import Iterable


def refuse(faults: Iterable[InputError]) -> None:
    """Raise what is wrong, all of it.

    Parameters
    ----------
    faults
        The errors, none of them if all is well.

    Raises
    ------
    InputError
        The error, if there is one; `SeveralFaultsError`, if there are several.
    """
    told = list(faults)
    if told:
        raise told[0] if len(told) == 1 else SeveralFaultsError(told)
