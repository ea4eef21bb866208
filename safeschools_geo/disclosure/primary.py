"""Primary suppression: which figures are too small to publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.disclosure.policy import Policy


def is_sensitive(counts: NDArray[np.int64], students: NDArray[np.float64], policy: Policy) -> NDArray[np.bool_]:
    """Find the figures that may not be told.

    Parameters
    ----------
    counts
        The figures, shape (n,).
    students
        Students of the group behind each, shape (n,); missing where unknown, and then not taken to be few.
    policy
        The policy.

    Returns
    -------
    numpy.ndarray
        Shape (n,): counts from 1 to the policy's largest small count, and every figure of a group of few students, 0
        too.
    """
    is_small = (counts >= 1) & (counts < policy.smallest_count)
    is_few = (students >= 1) & (students < policy.smallest_group)
    return np.asarray(is_small | is_few)
