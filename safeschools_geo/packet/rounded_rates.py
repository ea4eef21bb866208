"""Rates where an enrolment is unknown, rounded so that the school that is left out cannot be worked out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.disclosure.facts import Fact
from safeschools_geo.packet.counts import KNOWN
from safeschools_geo.packet.rounded import rounded, within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.disclosure import RawTable
    from safeschools_geo.packet.rounded import Rounding

    Numbers = NDArray[np.float64]

RATE_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""What rates, in incidents per 1,000 student-days, can be rounded to."""

_PER = 1000
_COARSEST_SHARE = 0.25
_TRIES = 3


def with_rounded_rates(
    tables: Mapping[str, pd.DataFrame], days: Mapping[str, int], raw: RawTable, rounding: Rounding
) -> dict[str, pd.DataFrame]:
    """Give a rounded rate where an exact one would give a school away that it leaves out.

    Parameters
    ----------
    tables
        Name of a grouping (``zone``, ``level``, ``district``) → its rates by term, from `packet.rates.public_rates`.
    days
        School days of each term.
    raw
        The counts.
    rounding
        What has been published so far; rates are added to it.

    Returns
    -------
    dict of str to pandas.DataFrame
        The tables with `rate_step`: what the rate is rounded to, missing where it is exact or there is none. A group
        has a rounded rate in all its terms or in none, the district's first, and only where the step is small beside
        it.
    """
    of_term = pd.Series(dict(days))
    order = sorted(tables, key=lambda name: (name != "district", name))
    found = {name: _of_table(tables[name], name, of_term, raw, rounding) for name in order}
    return {name: found[name] for name in tables}


def _of_table(table: pd.DataFrame, name: str, days: pd.Series, raw: RawTable, rounding: Rounding) -> pd.DataFrame:
    told = table.assign(rate_step=pd.Series(np.nan, index=table.index, dtype="Float64"))
    groups = told[name] if name in told else pd.Series("", index=told.index, dtype="str")
    lacks = told["is_partial"] & told["rate_per_1000"].isna() & (told["students"].fillna(0) > 0) & ~told["is_withheld"]
    for group in groups[lacks].drop_duplicates():
        rows = told[lacks & (groups == group)]
        about = {name: str(group)} if name in told else {}
        keys = [{**about, "term": str(term)} for term in rows["term"]]
        exposure = (rows["students"] * rows["term"].map(days)).to_numpy(dtype="float64")
        rate = _PER * np.array([_count(raw, key) for key in keys]) / exposure
        said = partial(_facts, rate, exposure, keys)
        step = rounding.publish(_steps(rate, exposure, rounding.policy.smallest_count), said)
        if step is not None:
            told.loc[rows.index, "rate_per_1000"] = [rounded(float(value), step) for value in rate]
            told.loc[rows.index, "rate_step"] = step
    return told


def _steps(rate: Numbers, exposure: Numbers, smallest_count: int) -> list[float]:
    """List steps wide enough to hide a small count, and narrow enough to say something."""
    finest = 2 * smallest_count * _PER / float(exposure.min())
    return [step for step in RATE_STEPS if finest <= step <= _COARSEST_SHARE * float(rate.min())][:_TRIES]


def _facts(rate: Numbers, exposure: Numbers, keys: Sequence[Mapping[str, str]], step: float) -> list[Fact]:
    """State what rounded rates tell: the incidents at schools whose enrolment is known."""
    facts = []
    for value, days, key in zip(rate, exposure, keys, strict=True):
        low, high = (float(limit * days / _PER) for limit in within(float(value), step))
        facts.append(Fact("enrolled", {KNOWN: 1.0}, low, high, "rounded rate", tuple(sorted(key.items()))))
    return facts


def _count(raw: RawTable, key: Mapping[str, str]) -> int:
    rows = raw.counts[raw.counts["enrolled"] == KNOWN]
    for name, value in key.items():
        rows = rows[rows[name] == value]
    return int(rows["count"].sum())
