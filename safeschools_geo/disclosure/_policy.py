"""What may be published: the policy of a release, and how its figures are grouped."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from scipy.sparse import csr_array

from safeschools_geo.errors import SettingsError
from safeschools_geo.sections import require

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Indices = NDArray[np.int64]


# ── How figures are grouped: by which dimensions, and over which part of the record

GroupingLike: TypeAlias = "Grouping | str | Iterable[str]"
ALL = ""
"""What stands in a key for "all of them"."""


@dataclass(frozen=True)
class Grouping:
    """A table of counts: one for each combination of its dimensions.

    Parameters
    ----------
    dims
        The dimensions, such as ``("zone", "term")``; none for the total.
    where
        Dimensions that are held at one value, as pairs: ``(("term", "Fall 2025"),)``.
    """

    dims: tuple[str, ...]
    where: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Put what is held in one order."""
        object.__setattr__(self, "where", tuple(sorted(self.where)))

    @classmethod
    def of(cls, grouping: GroupingLike, **where: str) -> Grouping:
        """Make a grouping.

        The grouping. `grouping`: a grouping, one dimension, or several; `**where`: dimensions that are held at one
        value.
        """
        if isinstance(grouping, Grouping):
            return cls(grouping.dims, (*grouping.where, *where.items()))
        return cls((grouping,) if isinstance(grouping, str) else tuple(grouping), tuple(where.items()))

    @property
    def held(self) -> Mapping[str, str]:
        """What is held at one value, by dimension."""
        return dict(self.where)

    @property
    def text(self) -> str:
        """The grouping in words, such as ``zone × level, Fall 2025``."""
        return ", ".join([" × ".join(self.dims) or "all", *self.held.values()])

    def with_margins(self) -> tuple[Grouping, ...]:
        """List the grouping and every smaller choice of its dimensions, down to the total."""
        sizes = range(len(self.dims), -1, -1)
        return tuple(Grouping(dims, self.where) for n in sizes for dims in combinations(self.dims, n))


# ── Counts that are alike: those that enter the same published figures cannot be distinguished by anyone


@dataclass(frozen=True, eq=False)
class Kinds:
    """Kinds of finest counts; what is published only tells how much there is of each kind."""

    of_atom: Indices  # Kind of each finest count, shape (n_atoms,), numbered in the order of their first count
    first: Indices  # First count of each kind, shape (n_kinds,)
    size: Indices  # Number of counts of each kind, shape (n_kinds,)

    def added(self, matrix: csr_array) -> csr_array:
        """Write figures as sums over kinds."""
        return matrix.tocsc()[:, self.first].tocsr()

    def reach(self, matrix: csr_array) -> tuple[csr_array, csr_array]:
        """Write the most and the least that figures can be as sums over kinds."""
        n_atoms, n_kinds = len(self.of_atom), len(self.first)
        belongs = csr_array((np.ones(n_atoms), (np.arange(n_atoms), self.of_atom)), shape=(n_atoms, n_kinds))
        inside = (matrix @ belongs).tocsr()
        most, least = inside.copy(), inside.copy()
        most.data = np.ones_like(inside.data)
        least.data = (inside.data >= self.size[inside.indices]).astype("float64")
        least.eliminate_zeros()
        return most, least


def kinds_of(rows: csr_array) -> Kinds:
    """Sort finest counts by the figures that they enter."""
    columns = rows.tocsc()
    columns.sort_indices()
    numbers: dict[bytes, int] = {}
    of_atom = np.empty(columns.shape[1], dtype="int64")
    for atom, (a, b) in enumerate(zip(columns.indptr[:-1], columns.indptr[1:], strict=True)):
        sign = columns.indices[a:b].tobytes() + columns.data[a:b].tobytes()
        of_atom[atom] = numbers.setdefault(sign, len(numbers))
    _, first, size = np.unique(of_atom, return_index=True, return_counts=True)
    return Kinds(of_atom, first.astype("int64"), size.astype("int64"))


# ── What may be published: the policy of a release, read from TOML

Minimize = Literal["cells", "counts"]
_LEAST = 3
_POLICIES = resources.files("safeschools_geo.disclosure").joinpath("policies")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is withheld from the public.

    Parameters
    ----------
    name
        Name of the policy.
    smallest_count
        Counts from 1 to one below this are withheld; 0 and this may be published. At least 3: if 1 were the only small
        count, whoever knows that a count is withheld for being small would know it.
    smallest_group
        Every figure of a group of fewer students than this is withheld. At least 3, since numbers of students are
        published by the same rule.
    most_withheld_share
        A table of which this share or more would be withheld says too little; the adviser then names a coarser one.
    minimize
        What complementary suppression keeps small: the number of ``cells`` withheld (among equals, the counts in
        them), or the ``counts`` withheld.
    source
        Where the rule comes from; printed on every page.
    """

    name: str = "default"
    smallest_count: int = 11
    smallest_group: int = 11
    most_withheld_share: float = 0.2
    minimize: Minimize = "cells"
    source: str = ""

    def __post_init__(self) -> None:
        """Check the values."""
        where = f"disclosure policy {self.name}"
        for name in ("smallest_count", "smallest_group"):
            is_enough = getattr(self, name) >= _LEAST
            problem = f"`{name}` must be {_LEAST} or more: could a withheld number be nothing but 1, it would be known."
            require(is_enough, where, problem, found=getattr(self, name))
        require(0 < self.most_withheld_share <= 1, where, "A share lies between 0 and 1.")
        require(self.minimize in get_args(Minimize), where, "Unknown aim.", found=self.minimize)

    @property
    def largest_small(self) -> int:
        """The largest count that is withheld."""
        return self.smallest_count - 1

    def is_small(self, count: float) -> bool:
        """Say whether a count is withheld for itself: whether it lies between 1 and `largest_small`."""
        return 1 <= count <= self.largest_small

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of the policy as they are written into files."""
        return asdict(self)


PolicyLike: TypeAlias = Policy | str | Path | Mapping[str, object]
"""A policy; the name of one that ships with the product; a TOML file; or its values."""


def policy_names() -> list[str]:
    """List the policies that ship with the product.

    Returns
    -------
    list of str
        Their names.
    """
    return sorted(entry.name.removesuffix(".toml") for entry in _POLICIES.iterdir() if entry.name.endswith(".toml"))


def load_policy(policy: PolicyLike = "default", *, folder: Path | None = None) -> Policy:
    """Find a policy.

    Parameters
    ----------
    policy
        A policy; the name of one that ships with the product; a TOML file; or its values.
    folder
        Folder that a file is looked for in.

    Returns
    -------
    Policy
        The policy.

    Raises
    ------
    SettingsError
        When there is no such policy, or it does not make sense.
    """
    if isinstance(policy, Policy):
        return policy
    if isinstance(policy, Mapping):
        return _policy_of(policy, where="the policy given")
    if str(policy) in policy_names():
        text = _POLICIES.joinpath(f"{policy}.toml").read_text(encoding="utf-8")
        return _policy_of(tomllib.loads(text), where=str(policy))
    path = Path(policy) if folder is None else folder / policy
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            "There is no such disclosure policy.",
            where=policy,
            found=getattr(error, "strerror", None) or error,
            expected=f"{', '.join(policy_names())}, or a TOML file",
            remedy="Name a policy that ships with the product, or give the path of a file.",
        ) from error
    return _policy_of({"name": path.stem, **values}, where=str(path))


def _policy_of(values: Mapping[str, Any], *, where: str) -> Policy:
    known = {field.name: type(field.default) for field in fields(Policy)}
    faults = [name for name in values if name not in known]
    faults += [n for n, kind in known.items() if n in values and not _is_of(values[n], kind)]
    if faults:
        raise SettingsError(
            "The disclosure policy cannot be read.",
            where=where,
            found=", ".join(f"{name} = {values[name]!r}" for name in faults),
            expected=", ".join(f"{name} ({kind.__name__})" for name, kind in known.items()),
            remedy="Correct these keys.",
        )
    return Policy(**values)


def _is_of(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, (int, float) if kind is float else kind)
