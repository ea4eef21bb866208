"""What else is published about the counts: roundings, classes, sentences, and figures of earlier releases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, vstack

from safeschools_geo.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fact:
    """A statement that a weighted sum of counts lies between two numbers.

    Parameters
    ----------
    by
        The dimension that weights are given by, such as ``school``.
    weights
        Group of `by` → weight of each of its counts; 0 for groups left out.
    where
        Dimension → value that the counts have, as pairs.
    is_need
        Whether this is no statement but what must not be known: that the sum can be as small as `low` and as large as
        `high` has to be possible.
    low, high
        The sum lies between them; infinite where nothing is said.
    source
        Where it can be read, such as ``map class`` or ``release 2``.
    """

    by: str
    weights: Mapping[str, float]
    low: float
    high: float
    source: str
    where: tuple[tuple[str, str], ...] = ()
    is_need: bool = False

    def row(self, atoms: pd.DataFrame) -> Numbers:
        """Weigh the finest counts.

        Parameters
        ----------
        atoms
            The dimensions of each finest count.

        Returns
        -------
        numpy.ndarray
            Shape (n_atoms,).

        Raises
        ------
        ColumnError
            When the statement is about a dimension that the counts do not have.
        """
        lacking = sorted({self.by, *dict(self.where)} - set(map(str, atoms.columns)))
        if lacking:
            raise ColumnError(
                "A statement is not about the counts of this release.",
                where=self.source,
                found=", ".join(lacking),
                expected="one of: " + ", ".join(map(str, atoms.columns)),
            )
        weight = atoms[self.by].map(dict(self.weights)).astype("float64").fillna(0.0).to_numpy().copy()
        for name, value in self.where:
            weight[(atoms[name] != value).to_numpy()] = 0.0
        return np.asarray(weight)

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as it is written into files.

        Returns
        -------
        dict
            Its fields; limits that are infinite are None.
        """
        return {
            "source": self.source,
            "by": self.by,
            "where": dict(self.where),
            "weights": dict(self.weights),
            "low": self.low if np.isfinite(self.low) else None,
            "high": self.high if np.isfinite(self.high) else None,
        }


@dataclass(frozen=True, eq=False)
class Said:
    """Statements as rows over finest counts.

    Parameters
    ----------
    matrix
        Shape (n_statements, n_atoms).
    low, high
        Shape (n_statements,).
    """

    matrix: csr_array
    low: Numbers
    high: Numbers

    def holds(self, counts: NDArray[np.int64], *, slack: float = 1e-6) -> NDArray[np.bool_]:
        """Say which statements agree with counts.

        Parameters
        ----------
        counts
            The finest counts, shape (n_atoms,).
        slack
            How far outside is still taken as agreeing, as rounding is.

        Returns
        -------
        numpy.ndarray
            Shape (n_statements,).
        """
        value = self.matrix @ counts
        return np.asarray((value >= self.low - slack) & (value <= self.high + slack))


def said(facts: Sequence[Fact], atoms: pd.DataFrame) -> Said:
    """Put statements under each other.

    Parameters
    ----------
    facts
        The statements; what must not be known is left out.
    atoms
        The dimensions of each finest count.

    Returns
    -------
    Said
        A row for each.

    Raises
    ------
    ColumnError
        When a statement is not about these counts.
    """
    facts = [fact for fact in facts if not fact.is_need]
    rows = [csr_array(fact.row(atoms)[None, :]) for fact in facts]
    return Said(
        matrix=vstack(rows).tocsr() if rows else csr_array((0, len(atoms))),
        low=np.array([fact.low for fact in facts], dtype="float64"),
        high=np.array([fact.high for fact in facts], dtype="float64"),
    )


def together(one: Said, two: Said) -> Said:
    """Put the statements of two under each other.

    Parameters
    ----------
    one, two
        The statements.

    Returns
    -------
    Said
        All of them.
    """
    return Said(
        vstack([one.matrix, two.matrix]).tocsr(),
        np.concatenate([one.low, two.low]),
        np.concatenate([one.high, two.high]),
    )
