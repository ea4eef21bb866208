"""Erlang's formulas: the chance that all of several equal officers are busy."""

from __future__ import annotations

import math

from safeschools_geo.errors import SettingsError


def erlang_b(offered_load: float, officers: int) -> float:
    """Compute the chance that a call finds all officers busy and is lost to them (Erlang B, M/M/n/n).

    Parameters
    ----------
    offered_load
        Calls per hour times the mean hours of a call: how many officers would be busy if there were always one free.
    officers
        How many officers there are; 0 loses every call.

    Returns
    -------
    float
        The chance, in 0 to 1.

    Raises
    ------
    SettingsError
        When the load is not a finite number of 0 or more, or there are fewer than 0 officers.

    References
    ----------
    Cooper, R. B. (1981). Introduction to Queueing Theory, 2nd ed., §3.3. North Holland.
    """
    _require(offered_load, officers)
    blocked = 1.0
    for number in range(1, officers + 1):
        blocked = offered_load * blocked / (number + offered_load * blocked)
    return blocked


def erlang_c(offered_load: float, officers: int) -> float:
    """Compute the chance that a call has to wait (Erlang C, M/M/n).

    Parameters
    ----------
    offered_load
        Calls per hour times the mean hours of a call; less than `officers`.
    officers
        How many officers there are.

    Returns
    -------
    float
        The chance, in 0 to 1.

    Raises
    ------
    SettingsError
        When the load is not a finite number of 0 or more, or is not below the number of officers.

    References
    ----------
    Cooper, R. B. (1981). Introduction to Queueing Theory, 2nd ed., §3.4. North Holland.
    """
    _require(offered_load, officers)
    if offered_load >= officers:
        raise SettingsError(
            "The line grows without end: there are more calls than the officers can answer.",
            found=f"a load of {offered_load:g} for {officers} officers",
            expected="a load below the number of officers",
        )
    blocked = erlang_b(offered_load, officers)
    return officers * blocked / (officers - offered_load * (1 - blocked))


def _require(offered_load: float, officers: int) -> None:
    if not (math.isfinite(offered_load) and offered_load >= 0 and officers >= 0):
        raise SettingsError(
            "Load and number of officers are 0 or more.", found=f"a load of {offered_load}, {officers} officers"
        )
