"""Somebody outside, who has the published figures, a linear program, and nothing of ours.

Shares no code with the package: the equations are written from the names of the figures alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEAR = 1e-6
SMALL = 10
FAR = 1e5


@dataclass
class Outsider:
    """What is known: which finest counts there are, figures as ``sum == value``, and limits ``low <= sum <= high``."""

    finest: pd.DataFrame
    equal: list[tuple[np.ndarray, float]] = field(default_factory=list)
    limits: list[tuple[np.ndarray, float, float]] = field(default_factory=list)

    def row(self, key: Mapping[str, str]) -> np.ndarray:
        """Say which finest counts a figure adds up."""
        is_in = np.ones(len(self.finest), dtype=bool)
        for name, value in key.items():
            is_in &= (self.finest[name] == value).to_numpy()
        return is_in.astype("float64")

    def interval(self, row: np.ndarray) -> tuple[float, float]:
        """Work out how small and how large a sum can be."""
        a_eq = np.array([r for r, _ in self.equal]) if self.equal else None
        b_eq = np.array([v for _, v in self.equal]) if self.equal else None
        sides = [(r, high) for r, _, high in self.limits if high < np.inf]
        sides += [(-r, -low) for r, low, _ in self.limits if low > -np.inf]
        a_ub = np.array([r for r, _ in sides]) if sides else None
        b_ub = np.array([v for _, v in sides]) if sides else None
        ends = []
        for sign in (1.0, -1.0):
            found = linprog(sign * row, A_ub=a_ub, b_ub=b_ub, A_eq=a_eq, b_eq=b_eq, bounds=(0, FAR), method="highs")
            assert found.status == 0, found.message
            ends.append(sign * float(found.fun))
        return ends[0], ends[1]


def figures(told: pd.DataFrame, dims: Sequence[str]) -> list[tuple[dict[str, str], int | None]]:
    """List what a release tells: the name of each figure, and its value or None."""
    rows: list[dict[Any, Any]] = told.to_dict("records")
    return [
        ({name: row[name] for name in dims if row[name]}, None if row["is_withheld"] else int(row["count"]))
        for row in rows
    ]


def reader_of(finest: pd.DataFrame, told: Sequence[tuple[dict[str, str], int | None]]) -> Outsider:
    """Read a release."""
    reader = Outsider(finest)
    reader.equal = [(reader.row(key), float(value)) for key, value in told if value is not None]
    return reader


def is_small(count: float) -> bool:
    """Say whether a count is from 1 to 10."""
    return 1 <= count <= SMALL


def narrowed(reader: Outsider, keys: Sequence[Mapping[str, str]], truth: np.ndarray) -> list[str]:
    """Name the small counts that cannot be anything from 1 to 10."""
    found = []
    for key in keys:
        row = reader.row(key)
        if is_small(row @ truth):
            low, high = reader.interval(row)
            if low > 1 + NEAR or high < SMALL - NEAR:
                found.append(f"{dict(key)}: {low:g} to {high:g}")
    return found


def learn_rule(reader: Outsider, withheld: Sequence[Mapping[str, str]]) -> int:
    """Conclude that withheld figures which cannot be anything from 1 to 10 are 0, or 11 and more; say how many."""
    told = []
    for key in withheld:
        row = reader.row(key)
        low, high = reader.interval(row)
        is_narrow = low > 1 + NEAR or high < SMALL - NEAR
        if is_narrow and low <= SMALL + NEAR and high >= 1 - NEAR:
            told.append((row, 0.0, 0.0) if high < SMALL + 1 else (row, SMALL + 1.0, np.inf))
    reader.limits += told
    return len(told)
