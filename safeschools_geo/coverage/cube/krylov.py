"""A few steps of GMRES: what has to be added to a vector so that a map leaves it unchanged."""

from __future__ import annotations

from math import hypot, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def null_correction(step: Callable[[Floats], Floats], change: Floats, tolerance: float, most_steps: int) -> Floats:
    """Find d so that x + d stays what it is under a linear map, given by how much the map changes x.

    Parameters
    ----------
    step
        The linear map, of vectors of shape (n,), which has 1 among its eigenvalues.
    change
        ``step(x) − x``, shape (n,).
    tolerance
        Root mean square of the change at which to stop.
    most_steps
        Most times to take the map.

    Returns
    -------
    numpy.ndarray
        Shape (n,): the d in the Krylov space for which ``step(x + d) − (x + d)`` is least.

    Notes
    -----
    The equations are singular and consistent, and GMRES solves those as well, where the eigenvalue 1 is simple (Ipsen
    & Meyer 1998). Sums are taken by `numpy.einsum`: a BLAS of many threads waits for a busy machine far longer than
    these small products take.

    References
    ----------
    Saad, Y., & Schultz, M. H. (1986). GMRES: a generalized minimal residual algorithm for solving nonsymmetric linear
    systems. SIAM Journal on Scientific and Statistical Computing 7(3), 856–869. Ipsen, I. C. F., & Meyer, C. D.
    (1998). The idea behind Krylov methods. American Mathematical Monthly 105(10), 889–899.
    """
    length = _length(change)
    if not length > 0:
        return np.zeros_like(change)
    basis = np.empty((most_steps + 1, len(change)))
    basis[0] = change / length
    triangle = np.zeros((most_steps, most_steps))
    right, turns = [length], list[tuple[float, float]]()
    for k in range(most_steps):
        vector = basis[k] - step(basis[k])
        column = np.zeros(k + 2)
        # Twice, so that rounding does not undo that the vectors are at right angles.
        for _ in range(2):
            along = np.einsum("ij,j->i", basis[: k + 1], vector)
            vector -= np.einsum("i,ij->j", along, basis[: k + 1])
            column[: k + 1] += along
        column[k + 1] = rest = _length(vector)
        for j, (cosine, sine) in enumerate(turns):
            column[j], column[j + 1] = (
                cosine * column[j] + sine * column[j + 1],
                cosine * column[j + 1] - sine * column[j],
            )
        diagonal = hypot(column[k], column[k + 1])
        if not diagonal > 0:
            break
        cosine, sine = column[k] / diagonal, column[k + 1] / diagonal
        turns.append((cosine, sine))
        column[k] = diagonal
        triangle[: k + 1, k] = column[: k + 1]
        right.append(-sine * right[k])
        right[k] *= cosine
        if abs(right[-1]) <= tolerance * sqrt(len(change)) or not rest > 0:
            break
        basis[k + 1] = vector / rest
    steps = len(turns)
    if not steps:
        return np.zeros_like(change)
    weights = np.linalg.solve(triangle[:steps, :steps], np.array(right[:steps]))
    found: Floats = np.einsum("i,ij->j", weights, basis[:steps])
    return found


def _length(vector: Floats) -> float:
    return sqrt(float(np.einsum("i,i->", vector, vector)))
