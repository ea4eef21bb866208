"""Figures as they are shown: exact integers and one rule of rounding, so that Python and a web page agree.

The rule, for whoever writes it in another language:

1. The workload of a unit becomes a whole number of millionths, ``floor(workload * 1e6 + 0.5)``, with the multiplication
   and the addition in IEEE double precision. In JavaScript: ``Math.floor(workload * 1e6 + 0.5)``. A page may as well be
   given the whole numbers.
2. The load of a zone is the sum of the whole numbers of its units, 0 for a zone without units. `millionths` refuses
   units whose sum is above 2⁵³ − 1, so a JavaScript number holds every sum exactly.
3. Every figure shown is a fraction n / d of whole numbers, not negative, rounded half up to k decimals:
   ``q = (2 * n * 10**k + d) // (2 * d)`` with division that rounds down. Products can pass 2⁵³: use ``BigInt``.
4. A load is n = the sum, d = 1,000,000, k = 2, with a comma between thousands: ``"1,234.50"``.
5. A share is shown in percent, n and d as they are, rounded to k = 3 decimals of the share, that is to one decimal of
   the percent: ``"9.3%"``, without commas. Where d is 0 it is ``"0.0%"``.
6. The imbalance of Z zones with sums L and total S is the share of n = max |Z · L − S| and d = S.
7. The ratio of the largest to the smallest load is n = max L, d = min L, k = 2, with commas; where d is 0 it is
   ``"–"``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable

MILLION = 1_000_000
"""Millionths in a unit of load."""

LARGEST_SUM = 2**53 - 1
"""Largest sum of millionths that a double holds exactly, with every whole number below it."""

_ROUNDING = 1e-9


def millionths(workload: pd.Series) -> pd.Series:
    """Turn the workload of units into whole millionths.

    Parameters
    ----------
    workload
        Workload of each unit, by `unit_id`: finite and not negative.

    Returns
    -------
    pandas.Series
        Named `millionths`, int64, on the same index.

    Raises
    ------
    ColumnError
        When a workload is missing, infinite or negative, or all together are above 2⁵³ − 1 millionths.
    """
    hours = workload.to_numpy(dtype="float64", na_value=np.nan)
    is_faulty = ~(np.isfinite(hours) & (hours >= 0))
    if is_faulty.any():
        raise ColumnError(
            "Some units have no workload that can be added up.",
            where="units, column workload",
            ids=workload.index[is_faulty],
            found=", ".join(str(v) for v in hours[is_faulty][:3]),
            expected="a number of 0 or more for every unit",
            remedy="Give these units their workload; 0 where there is none.",
        )
    if hours.sum() * MILLION > LARGEST_SUM:
        raise ColumnError(
            "The workload of all units is too large to be added up exactly.",
            where="units, column workload",
            found=f"{hours.sum():,.0f} in all",
            expected=f"at most {LARGEST_SUM // MILLION:,}",
            remedy="State it in a larger unit: hours instead of seconds.",
        )
    return pd.Series(np.floor(hours * MILLION + 0.5).astype("int64"), index=workload.index, name="millionths")


def format_load(load: int) -> str:
    """Write a load.

    Parameters
    ----------
    load
        Millionths, not negative.

    Returns
    -------
    str
        With two decimals, rounded half up: ``"1,234.50"``.
    """
    return _decimal(int(load), MILLION, decimals=2)


def format_share(numerator: int, denominator: int) -> str:
    """Write a share in percent.

    Parameters
    ----------
    numerator, denominator
        Whole numbers, not negative.

    Returns
    -------
    str
        With one decimal, rounded half up: ``"9.3%"``; ``"0.0%"`` where `denominator` is 0.
    """
    if not denominator:
        return "0.0%"
    tenths = _rounded(int(numerator), int(denominator), decimals=3)
    return f"{tenths // 10}.{tenths % 10}%"


def format_imbalance(loads: Iterable[int]) -> str:
    """Write the imbalance of zones.

    Parameters
    ----------
    loads
        Load of each zone in millionths.

    Returns
    -------
    str
        Largest ``|load − mean| / mean`` in percent, as `format_share`.
    """
    sums = [int(load) for load in loads]
    total = sum(sums)
    return format_share(max((abs(len(sums) * load - total) for load in sums), default=0), total)


def format_ratio(loads: Iterable[int]) -> str:
    """Write how many times the smallest load goes into the largest.

    Parameters
    ----------
    loads
        Load of each zone in millionths.

    Returns
    -------
    str
        With two decimals, rounded half up: ``"1.25"``; ``"–"`` where the smallest is 0.
    """
    sums = [int(load) for load in loads]
    smallest = min(sums, default=0)
    return _decimal(max(sums), smallest, decimals=2) if smallest else "–"


def format_change(before: float, after: float, *, decimals: int = 1, most: int = 3) -> tuple[str, str] | None:
    """Write two shares in percent so that their difference can be seen, and is not made by rounding.

    Parameters
    ----------
    before, after
        The shares, not negative.
    decimals
        Decimals of the percent that are enough in general.
    most
        Decimals that are written at most.

    Returns
    -------
    tuple of str or None
        Both in percent with the fewest decimals whose step is no coarser than the difference: ``("56.3%", "16.9%")``,
        ``("12.93%", "12.96%")``; None where even `most` decimals cannot carry the difference: there is none to speak
        of.
    """
    for digits in range(decimals, most + 1):
        if carries_difference(100 * before, 100 * after, step=10.0**-digits):
            return f"{100 * before:.{digits}f}%", f"{100 * after:.{digits}f}%"
    return None


def carries_difference(before: float, after: float, *, step: float) -> bool:
    """Say whether figures rounded to a step can tell two values apart.

    Parameters
    ----------
    before, after
        The values.
    step
        What they are rounded to.

    Returns
    -------
    bool
        True where they differ by the step or more.
    """
    return abs(after - before) >= step * (1 - _ROUNDING)


def shown_step(text: str) -> float:
    """Tell what a figure that is shown is rounded to.

    Parameters
    ----------
    text
        The figure as it is shown, such as ``"7.7"``, ``"16.9%"`` or ``"3 (0 to 3)"``.

    Returns
    -------
    float
        Such as 0.1, 0.001 and 1; missing where it begins with no number.
    """
    found = re.match(r"[−-]?[\d,]+(?:\.(\d+))?(%?)", text)
    if found is None:
        return np.nan
    decimals, percent = found.groups()
    return float(10.0 ** -len(decimals or "") / (100 if percent else 1))


def _rounded(numerator: int, denominator: int, *, decimals: int) -> int:
    scaled = 2 * numerator * int(10**decimals)
    return (scaled + denominator) // (2 * denominator)


def _decimal(numerator: int, denominator: int, *, decimals: int) -> str:
    whole, rest = divmod(_rounded(numerator, denominator, decimals=decimals), 10**decimals)
    return f"{whole:,}.{rest:0{decimals}d}"
