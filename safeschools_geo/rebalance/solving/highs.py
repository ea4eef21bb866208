"""HiGHS as it is used here: silent, on one thread, seeded, precise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import highspy
import numpy as np

from safeschools_geo import programs

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from safeschools_geo.rebalance.median.places import Numbers

_FEASIBILITY = 1e-9


def precise_highs(*, seed: int = 0) -> highspy.Highs:
    """Make an empty model.

    Parameters
    ----------
    seed
        Seed of HiGHS.

    Returns
    -------
    highspy.Highs
        The model; on one thread the same input and seed give the same answer.
    """
    highs = programs.quiet_highs(seed=seed)
    options = {
        "mip_abs_gap": 1e-6,
        "primal_feasibility_tolerance": _FEASIBILITY,
        "mip_feasibility_tolerance": _FEASIBILITY,
    }
    for name, value in options.items():
        highs.setOptionValue(name, value)
    return highs


def pass_rows(
    highs: highspy.Highs, rows: csr_array, *, cost: Numbers, at_least: Numbers, low: Numbers, high: Numbers
) -> None:
    """Pass a linear program whose columns are at most 1.

    Parameters
    ----------
    highs
        An empty model.
    rows
        Matrix of the constraints, shape (rows, columns).
    cost, at_least
        Cost and lower bound of each column.
    low, high
        Limits of each row.
    """
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = rows.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, at_least, np.ones(len(cost))
    lp.row_lower_, lp.row_upper_ = low, high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = rows.indptr, rows.indices, rows.data
    highs.passModel(lp)
