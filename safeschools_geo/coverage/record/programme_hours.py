"""How much of each clock hour is programme time at each school."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from safeschools_geo.settings import HoursSettings

_CLOCK = np.arange(24)


def programme_hours(levels: pd.Series, hours: HoursSettings) -> pd.DataFrame:
    """Tell how much of each clock hour is programme time.

    Parameters
    ----------
    levels
        Level of each school, by `school_id`.
    hours
        Programme hours, by level.

    Returns
    -------
    pandas.DataFrame
        Share of the hour, 0 to 1, for each clock hour with programme time anywhere (`hour`, int64) and each school; a
        column adds up to the programme hours of a day.
    """
    of_level = {}
    for level in levels.unique():
        bells = hours.of(level)
        start, end = (time.hour + time.minute / 60 + time.second / 3600 for time in (bells.start, bells.end))
        of_level[level] = np.clip(np.minimum(end, _CLOCK + 1) - np.maximum(start, _CLOCK), 0.0, 1.0)
    table = pd.DataFrame(
        {school: of_level[level] for school, level in levels.items()}, index=pd.Index(_CLOCK, name="hour")
    ).rename_axis(columns="school_id")
    return table[(table > 0).any(axis=1)]
