"""What is published of a release, and what an attacker who knows all of it can work out.

The attacker takes any finest counts, whole and not negative, that agree with every published figure: a *world*. The
interval of a figure is from the least to the most it has in any world (the disclosure auditing of M. Fischetti and J.
Salazar-González, "Models and algorithms for optimizing cell suppression in tabular data with linear constraints",
Journal of the American Statistical Association 95(451), 2000, with whole counts).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import highspy
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack, vstack
from scipy.sparse.csgraph import connected_components

from safeschools_geo.disclosure._policy import ALL, Grouping, kinds_of
from safeschools_geo.errors import ColumnError, DisclosureError
from safeschools_geo.solver import Program, model_of, quiet_highs, solve, stop_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Numbers = NDArray[np.float64]
    Indices = NDArray[np.int64]
    Flags = NDArray[np.bool_]


# ── What else is published about the counts: roundings, classes, sentences, and figures of earlier releases


@dataclass(frozen=True, eq=False)
class Fact:
    """A statement that a weighted sum of counts lies between two numbers.

    Parameters
    ----------
    by
        The dimension that weights are given by, such as ``school``.
    weights
        Group of `by` → weight of each of its counts; 0 for groups left out.
    low, high
        The sum lies between them; infinite where nothing is said.
    source
        Where it can be read, such as ``map class`` or ``release 2``.
    where
        Dimension → value that the counts have, as pairs.
    is_need
        Whether this is no statement but what must not be known: that the sum can be as small as `low` and as large as
        `high` has to be possible.
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
        """Return the fields as they are written into files: limits that are infinite are None."""
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
    """Statements as rows over finest counts."""

    matrix: csr_array  # Shape (n_statements, n_atoms)
    # Least and most of each, shape (n_statements,)
    low: Numbers
    high: Numbers

    def holds(self, counts: NDArray[np.int64], *, slack: float = 1e-6) -> NDArray[np.bool_]:
        """Say which statements agree with counts."""
        value = self.matrix @ counts
        return np.asarray((value >= self.low - slack) & (value <= self.high + slack))


def said(facts: Sequence[Fact], atoms: pd.DataFrame) -> Said:
    """Put statements under each other."""
    facts = [fact for fact in facts if not fact.is_need]
    rows = [csr_array(fact.row(atoms)[None, :]) for fact in facts]
    return Said(
        matrix=vstack(rows).tocsr() if rows else csr_array((0, len(atoms))),
        low=np.array([fact.low for fact in facts], dtype="float64"),
        high=np.array([fact.high for fact in facts], dtype="float64"),
    )


def together(one: Said, two: Said) -> Said:
    """Put the statements of two under each other."""
    return Said(
        vstack([one.matrix, two.matrix]).tocsr(),
        np.concatenate([one.low, two.low]),
        np.concatenate([one.high, two.high]),
    )


# ── The cells of a release: every figure that its tables would show, as a sum of the finest counts

# Columns of tables of figures, and of their audit.
_TAKEN = ("count", "students", "cell", "is_withheld", "low", "high", "low_world", "high_world")


@dataclass(frozen=True, eq=False)
class Cells:
    """Figures as sums of the finest counts, whose values are not in here."""

    atoms: pd.DataFrame  # The dimensions of each finest count, as text; shape (n_atoms, n_dims)
    groupings: tuple[Grouping, ...]  # The tables
    # One row for each figure of each table: the dimensions (empty text for "all"), and `cell`, the row of `matrix`. Two
    # keys that name the same counts are one cell.
    keys: pd.DataFrame
    matrix: csr_array  # Which counts each cell adds up, shape (n_cells, n_atoms), 0 or 1
    # How far each cell is a total, shape (n_cells,): 0 for the inside of a table, 1 for its totals, and so on
    rank: NDArray[np.int64]

    @property
    def dims(self) -> list[str]:
        """The dimensions."""
        return [str(name) for name in self.atoms.columns]

    def rows(self, grouping: Grouping) -> pd.DataFrame:
        """Find the figures of a table."""
        is_of = pd.Series(data=True, index=self.keys.index)
        for name in self.dims:
            held = grouping.held.get(name)
            if held is not None:
                is_of &= self.keys[name] == held
            else:
                is_of &= (self.keys[name] != ALL) == (name in grouping.dims)
        return self.keys[is_of]

    def named(self, keys: Iterable[Mapping[str, str]]) -> NDArray[np.bool_]:
        """Find figures by their names."""
        wanted = {tuple(key.get(name, ALL) for name in self.dims) for key in keys if set(key) <= set(self.dims)}
        is_named = np.zeros(self.matrix.shape[0], dtype=bool)
        shown = self.keys[self.dims].itertuples(index=False, name=None)
        hits = [cell for cell, key in zip(self.keys["cell"], shown, strict=True) if key in wanted]
        is_named[hits] = True
        return is_named


def cells_of(atoms: pd.DataFrame, groupings: Iterable[Grouping]) -> Cells:
    """Work out the figures of tables."""
    tables = tuple(dict.fromkeys(groupings))
    _require_dims(atoms, tables)
    found: dict[bytes, int] = {}
    members: list[NDArray[np.int64]] = []
    rows: list[dict[str, object]] = []
    seen: set[tuple[str, ...]] = set()
    ranks: list[int] = []
    reach = {table: _determined(atoms, {*table.dims, *table.held}) for table in tables}
    for table in tables:
        rank = max(len(wide - reach[table]) for wide in reach.values() if wide >= reach[table])
        for key, inside in _groups(atoms, table):
            if (full := tuple(key.get(str(name), ALL) for name in atoms.columns)) in seen:
                continue
            seen.add(full)
            cell = found.setdefault(inside.tobytes(), len(members))
            if cell == len(members):
                members.append(inside)
                ranks.append(rank)
            ranks[cell] = max(ranks[cell], rank)
            rows.append({**dict(zip(map(str, atoms.columns), full, strict=True)), "cell": cell})
    keys = pd.DataFrame(rows, columns=[*map(str, atoms.columns), "cell"]).astype({"cell": "int64"})
    return Cells(atoms, tables, keys, _indicator(members, len(atoms)), np.array(ranks, dtype="int64"))


def require_free(dims: Sequence[str]) -> None:
    """Refuse dimensions whose names stand for something else, or for two things."""
    taken = [name for i, name in enumerate(dims) if name in _TAKEN or name in dims[:i]]
    if taken:
        raise ColumnError(
            "A dimension cannot have this name.",
            where="the dimensions of the counts",
            found=", ".join(f"`{name}`" for name in dict.fromkeys(taken)),
            expected=f"a name of its own for each, and none of {', '.join(_TAKEN)}",
            remedy="Rename the dimension.",
        )


def _groups(atoms: pd.DataFrame, table: Grouping) -> Iterable[tuple[Mapping[str, str], NDArray[np.int64]]]:
    """Go through the groups of a table with the rows of the counts in them, in order."""
    is_inside = np.ones(len(atoms), dtype=bool)
    for name, value in table.where:
        is_inside &= (atoms[name] == value).to_numpy()
    inside = np.flatnonzero(is_inside)
    if not table.dims:
        if len(inside):
            yield table.held, inside
        return
    part = atoms.iloc[inside].reset_index(drop=True)
    for values, found in part.groupby(list(table.dims), sort=True).indices.items():
        named = values if isinstance(values, tuple) else (values,)
        key = dict(zip(table.dims, map(str, named), strict=True))
        yield {**table.held, **key}, inside[np.sort(found)].astype("int64")


def _determined(atoms: pd.DataFrame, dims: set[str]) -> frozenset[str]:
    """Add the dimensions that these settle: a school settles its zone, so a zone is a total of its schools."""
    others = [str(name) for name in atoms.columns if name not in dims]
    if not dims:
        return frozenset(name for name in others if len(set(atoms[name])) <= 1)
    counts = atoms.groupby(sorted(dims))[others].nunique() if others else pd.DataFrame()
    return frozenset(dims) | {name for name in others if (counts[name] <= 1).all()}


def _indicator(members: Sequence[NDArray[np.int64]], n_atoms: int) -> csr_array:
    ends = np.cumsum([0, *map(len, members)])
    columns = np.concatenate(members) if members else np.empty(0, dtype="int64")
    return csr_array((np.ones(len(columns)), columns, ends), shape=(len(members), n_atoms))


def _require_dims(atoms: pd.DataFrame, tables: Sequence[Grouping]) -> None:
    wanted = {name for table in tables for name in (*table.dims, *table.held)}
    lacking = sorted(wanted - set(map(str, atoms.columns)))
    if lacking:
        raise ColumnError(
            "Tables are grouped by what the counts do not have.",
            found=", ".join(lacking),
            expected="one of: " + ", ".join(map(str, atoms.columns)),
        )


# ── One block of an attack: kinds of counts that published figures join, as a linear program

CEILING = 10_000
"""Counts that nothing published limits are not followed further than this."""

_NEAR = 1e-6
# The nodes are the limit; the seconds only keep a slow machine from standing still.
_INTEGER_NODES, _INTEGER_LIMIT_S = 1000, 60.0
_ENOUGH = 0.1
_OPTIMAL = highspy.HighsModelStatus.kOptimal

_DEPENDENT_EQUATIONS = 1 << 10
"""Bit of the rule of HiGHS's presolve that looks for equations which follow from others."""


class ContradictionError(Exception):
    """No counts agree with what is published."""


class Block:
    """A linear program over kinds, with a second column for each that `spread` rewards.

    `rows` are everything published, shape (n_rows, n_kinds), of which `own_rows` and `kinds` are of this block;
    `limits` are the least and the greatest value of all rows, `ceiling` the greatest value of a count.
    """

    def __init__(
        self, rows: csr_array, own_rows: Indices, kinds: Indices, limits: tuple[Numbers, Numbers], *, ceiling: float
    ) -> None:
        self.rows, self.kinds = own_rows, kinds
        self._matrix = rows[own_rows][:, kinds].tocsc()
        self._n = len(kinds)
        self._low, self._high = limits[0][own_rows].copy(), limits[1][own_rows].copy()
        self._ceiling = ceiling
        self._costs, self._room = np.zeros(2 * self._n), np.zeros(self._n)
        self._highs = quiet_highs()
        # Among the totals of many schools it takes seconds, more than it saves, and hears nobody.
        self._highs.setOptionValue("presolve_rule_off", _DEPENDENT_EQUATIONS)
        # There is no limit, but it has to ask for one to hear of Ctrl-C.
        stop_after(self._highs, np.inf)
        self._pass_model()

    def _pass_model(self) -> None:
        both = hstack([self._matrix, self._matrix]).tocsc()
        high = np.concatenate([np.full(self._n, self._ceiling), np.zeros(self._n)])
        nothing = np.zeros(2 * self._n)
        self._highs.passModel(model_of(Program(nothing, both, self._low, self._high, nothing, high)))

    def limit(self, rows: Indices, low: Numbers, high: Numbers) -> None:
        """Change what is known of figures."""
        own = np.searchsorted(self.rows, rows)
        self._low[own], self._high[own] = low, high
        for i in own:
            self._highs.changeRowBounds(int(i), float(self._low[i]), float(self._high[i]))

    def extreme(self, weights: Numbers, *, most: bool, whole: bool) -> tuple[float, Numbers, Numbers]:
        """Find the least or the most that a sum can be, by linear programming.

        The value, its change with each row of the block, and counts that reach it, or, if they have to be whole, come
        closest; shape (n,).
        """
        sign = -1.0 if most else 1.0
        self._run(sign * weights, np.zeros(self._n))
        found = self._highs.getSolution()
        value = sign * float(self._highs.getInfo().objective_function_value)
        counts = np.maximum(np.asarray(found.col_value)[: self._n], 0.0)
        duals = sign * np.asarray(found.row_dual)
        if whole:
            rounded = np.rint(counts)
            counts = rounded if self._is_whole(counts, rounded) else self._whole(sign * weights)
        return value, duals, counts

    def spread(self, room: Numbers, *, whole: bool) -> Numbers:
        """Make as many kinds large as go together."""
        self._run(np.zeros(self._n), room)
        x = np.maximum(np.asarray(self._highs.getSolution().col_value), 0.0)
        counts = x[: self._n] + x[self._n :]
        if whole:
            rounded = np.rint(counts)
            if not self._is_whole(counts, rounded):
                x = self._whole(self._costs, room, gap=_ENOUGH)
                rounded = x[: self._n] + x[self._n :]
            counts = rounded
        return np.asarray(counts)

    def _run(self, cost: Numbers, room: Numbers) -> None:
        """Minimize; columns with room are rewarded, and shut where there is none."""
        costs = np.concatenate([cost, -(room > 0).astype("float64")])
        wanted = np.flatnonzero(costs != self._costs).astype("int32")
        if len(wanted):
            self._highs.changeColsCost(len(wanted), wanted, costs[wanted])
        moved = np.flatnonzero(room != self._room).astype("int32") + self._n
        if len(moved):
            self._highs.changeColsBounds(len(moved), moved, np.zeros(len(moved)), room[moved - self._n])
        self._costs, self._room = costs, room
        self._highs.run()
        if self._highs.getModelStatus() != _OPTIMAL:
            raise ContradictionError(str(self._highs.getModelStatus()).rsplit(".", maxsplit=1)[-1])

    def _is_whole(self, counts: Numbers, rounded: Numbers) -> bool:
        values = self._matrix @ rounded
        fits = (values >= self._low - _NEAR) & (values <= self._high + _NEAR)
        return bool(fits.all()) and bool(np.abs(counts - rounded).max(initial=0.0) <= _NEAR)

    def _whole(self, cost: Numbers, room: Numbers | None = None, *, gap: float = 0.0) -> Numbers:
        """Find whole counts where linear programming came to fractions."""
        parts = 1 if room is None else 2
        top = np.full(self._n, self._ceiling)
        found = solve(
            Program(
                cost=cost,
                matrix=hstack([self._matrix] * parts).tocsc(),
                row_low=self._low,
                row_high=self._high,
                low=np.zeros(parts * self._n),
                high=top if room is None else np.concatenate([top, room]),
                is_integer=np.ones(parts * self._n, dtype=bool),
            ),
            processor_limit_s=_INTEGER_LIMIT_S,
            node_limit=_INTEGER_NODES,
            gap=gap,
        )
        if found.x is None:
            raise ContradictionError("no whole counts were found in time")
        return np.asarray(np.rint(found.x))


# ── An attacker who knows all that is published, and asks how small and how large a figure can be

_STRIDE = 7919


class Extreme(NamedTuple):
    """The least or the most that a figure can be."""

    value: float  # By linear programming, which allows for fractions
    duals: Numbers  # How much `value` changes with each published figure, shape (n_cells,); 0 where it is withheld
    # How much there is of each kind, shape (n_kinds,), in a world that comes to it, or closest to it if counts have to
    # be whole
    world: Numbers


@dataclass(frozen=True, eq=False)
class Known:
    """What is published: some figures exactly, and statements."""

    matrix: csr_array  # The figures as sums of the finest counts, shape (n_cells, n_atoms)
    values: Numbers  # Their values, shape (n_cells,); those of open cells are not looked at
    said: Said  # The statements


class Attacker:
    """All that can be worked out from what is published.

    Counts that enter the same figures are of one kind, and one variable. Kinds fall into blocks that no figure joins,
    such as the terms of a release: each is a linear program of its own. `is_open` says which figures are withheld,
    shape (n_cells,). Worlds are `whole`, or may have fractions, which is faster and nearly as strict.
    """

    def __init__(self, known: Known, is_open: Flags, *, whole: bool = True) -> None:
        said = known.said
        rows = vstack([known.matrix, said.matrix]).tocsr() if said.matrix.shape[0] else known.matrix
        self.kinds = kinds_of(rows)
        self._rows, self._values = self.kinds.added(rows), known.values
        self._fact_low, self._fact_high = said.low, said.high
        # Nobody is helped by a ceiling below what the published figures and statements allow.
        bounds = np.concatenate([known.values, said.low, said.high])
        self.ceiling = float(max(CEILING, 2 * np.abs(bounds[np.isfinite(bounds)]).max(initial=0.0)))
        self.is_open = np.ones(len(is_open), dtype=bool)
        self._whole = whole
        free = np.full(len(is_open), np.inf)
        limits = np.concatenate([-free, said.low]), np.concatenate([free, said.high])
        self._blocks = [
            Block(self._rows, own, kinds, limits, ceiling=self.ceiling) for own, kinds in _parts(self._rows)
        ]
        self._world = np.full(self._rows.shape[1], np.nan)
        self.open(is_open)

    def open(self, is_open: Flags) -> None:
        """Withhold these figures and no others."""
        changed = np.flatnonzero(is_open != self.is_open)
        low = np.where(is_open, -np.inf, self._values)
        high = np.where(is_open, np.inf, self._values)
        for block in self._blocks:
            mine = changed[np.isin(changed, block.rows)]
            if len(mine):
                block.limit(mine, low[mine], high[mine])
                self._world[block.kinds] = np.nan
        self.is_open = is_open.copy()

    def is_nothing(self, figures: csr_array) -> Flags:
        """Say which figures hold only what published zeros hold: they are 0, and need no program. Shape (n,)."""
        n = len(self.is_open)
        is_zero = np.concatenate([~self.is_open & (self._values == 0), self._fact_high <= 0])
        is_zero[n:] &= np.array([(self._rows[[row]].data >= 0).all() for row in range(n, len(is_zero))], dtype=bool)
        left = np.ones(self._rows.shape[1])
        left[self._rows[np.flatnonzero(is_zero)].indices] = 0.0
        return np.asarray(figures @ left == 0)

    def extreme(self, weights: Numbers, *, most: bool) -> Extreme:
        """Find the least or the most that a figure can be."""
        value, duals = 0.0, np.zeros(len(self.is_open))
        for block in self._blocks:
            mine = weights[block.kinds]
            if not mine.any():
                continue
            with _in_our_words():
                found, prices, counts = block.extreme(mine, most=most, whole=self._whole)
            value += found
            is_cell = block.rows < len(duals)
            duals[block.rows[is_cell]] += prices[is_cell]
            self._world[block.kinds] = counts
        return Extreme(value, duals, self._whole_world())

    def spread(self, room: Numbers) -> Numbers:
        """Look for a world in which much is large at once."""
        for block in self._blocks:
            mine = room[block.kinds]
            if mine.any():
                with _in_our_words():
                    self._world[block.kinds] = block.spread(mine, whole=self._whole)
        return self._whole_world()

    def agrees(self, world: Numbers) -> bool:
        """Say whether a world agrees with all that is published."""
        found = self._rows @ world
        n = len(self.is_open)
        is_near = np.abs(found[:n] - self._values) <= _NEAR
        says = (found[n:] >= self._fact_low - _NEAR) & (found[n:] <= self._fact_high + _NEAR)
        return bool((world >= 0).all() and (is_near | self.is_open).all() and says.all())

    def _whole_world(self) -> Numbers:
        """Put the latest counts of every block together, and find some where there are none yet."""
        for block in self._blocks:
            if np.isnan(self._world[block.kinds[0]]):
                with _in_our_words():
                    nothing = np.zeros(len(block.kinds))
                    self._world[block.kinds] = block.extreme(nothing, most=False, whole=self._whole)[2]
        return self._world.copy()


ASKED_EVERY = 5
"""After so many figures it is said how many were asked."""


def asked_text(done: int, of: int, *, most: bool) -> str:
    """Say how many figures were asked how large, or how small, they can be."""
    return f"how {'large' if most else 'small'} figures can be, {done:,} of {of:,}"


def room_for(figures: csr_array, rows: NDArray[np.int64], amount: Numbers, *, turn: int) -> Numbers:
    """Say how large kinds should be for these figures to be, one kind for each."""
    starts, sizes = figures.indptr[rows], np.diff(figures.indptr)[rows]
    some = sizes > 0
    kinds = figures.indices[starts[some] + (turn * _STRIDE + rows[some]) % sizes[some]]
    room = np.zeros(figures.shape[1])
    np.maximum.at(room, kinds, amount[some])
    return room


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Say it in our words where what is published contradicts itself."""
    try:
        yield
    except ContradictionError as error:
        raise DisclosureError(
            "What is published contradicts itself: no counts agree with all of it.",
            found=str(error),
            remedy="Look for figures of earlier releases that have been corrected since.",
        ) from error


def _parts(rows: csr_array) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split figures and kinds into parts that no figure joins."""
    n_rows, n_kinds = rows.shape
    links = rows.tocoo()
    size = n_rows + n_kinds
    graph = csr_array((np.ones(links.nnz), (links.row, links.col + n_rows)), shape=(size, size))
    _, part = connected_components(graph, directed=False)
    found = []
    for number in np.unique(part[n_rows:]):
        members = np.flatnonzero(part == number)
        found.append((members[members < n_rows], members[members >= n_rows] - n_rows))
    return found
