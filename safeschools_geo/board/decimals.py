"""How many decimals a rounded figure needs."""

from __future__ import annotations

import math

_MOST = 3


def decimals_of(step: float) -> int:
    """Count the decimals that show a step in full.

    Parameters
    ----------
    step
        What figures are rounded to, in the unit they are shown in.

    Returns
    -------
    int
        0 to 3; 0 where there is no step.
    """
    if not math.isfinite(step):
        return 0
    return next((n for n in range(_MOST) if math.isclose(step, round(step, n), abs_tol=1e-9)), _MOST)
