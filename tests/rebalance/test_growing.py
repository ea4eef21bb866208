"""A program that grows has, at every moment, the answer of the whole program."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csc_array

from safeschools_geo.rebalance._program import GrowingProgram, OutOfTimeError


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 6), steps=st.integers(1, 4))
def test_the_answer_is_that_of_the_whole_program(seed, rows, steps):
    rng = np.random.default_rng(seed)
    program = GrowingProgram(np.ones(rows), np.full(rows, 3.0))
    cost, columns = np.full(rows, 5.0), np.eye(rows)
    program.add(cost, csc_array(columns))
    for _ in range(steps):
        more, price = rng.integers(0, 2, (rows, 7)).astype(float), rng.uniform(0.5, 4, 7)
        program.add(price, csc_array(more))
        cost, columns = np.r_[cost, price], np.hstack([columns, more])
        found = program.solve()
        whole = linprog(cost, A_ub=np.vstack([columns, -columns]), b_ub=np.r_[np.full(rows, 3.0), -np.ones(rows)])
        assert found.value == pytest.approx(whole.fun, abs=1e-7)
        assert found.x @ cost == pytest.approx(whole.fun, abs=1e-7)
        # Duals price the columns: none is worth more than it costs.
        assert (cost - found.row_dual @ columns >= -1e-7).all()


def test_no_answer_in_no_time():
    program = GrowingProgram(np.ones(1), np.ones(1))
    program.add(np.ones(1), csc_array(np.ones((1, 1))))
    with pytest.raises(OutOfTimeError):
        program.solve(deadline=0.0)
    assert program.solve().value == pytest.approx(1.0)
