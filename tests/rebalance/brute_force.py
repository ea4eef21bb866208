"""Every plan of a small town, by trying every way to divide it: from the definitions, without the solver's code."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Town:
    """A town of n units in k zones; units and zones are numbers from 0.

    Parameters
    ----------
    links
        Pairs of units that may follow each other, and the length of their border in km (0 for a bridge).
    load
        Load of each unit.
    start
        Current zone of each unit.
    distance
        Kilometers from each unit to the center of each zone, shape (n, k).
    roots
        Zone → unit that stays in it.
    locked, forbidden, together
        Units that stay, pairs of a unit and a zone, and groups of units.
    one_of_each
        What every zone has to have one of → the units that are one.
    whole
        Name of a group → its units, which are in one zone.
    students, most_students
        Students of each unit, and the most that may change their zone.
    """

    links: dict[tuple[int, int], float]
    load: tuple[float, ...]
    start: tuple[int, ...]
    distance: np.ndarray
    roots: dict[int, int] = field(default_factory=dict)
    locked: tuple[int, ...] = ()
    forbidden: tuple[tuple[int, int], ...] = ()
    together: tuple[tuple[int, ...], ...] = ()
    one_of_each: dict[str, tuple[int, ...]] = field(default_factory=dict)
    whole: dict[str, tuple[int, ...]] = field(default_factory=dict)
    students: tuple[int, ...] = ()
    most_students: int | None = None

    def __len__(self) -> int:
        return len(self.load)

    @property
    def zones(self) -> int:
        return self.distance.shape[1]

    def students_moved(self, label: tuple[int, ...]) -> int:
        return sum(s for s, a, b in zip(self.students, self.start, label, strict=True) if a != b)

    def is_kept(self, label: tuple[int, ...]) -> bool:
        """Say whether a labelling keeps the rules, contiguous or not."""
        return (
            all(label[unit] == zone for zone, unit in self.roots.items())
            and all(label[unit] == self.start[unit] for unit in self.locked)
            and all(label[unit] != zone for unit, zone in self.forbidden)
            and all(len({label[unit] for unit in group}) == 1 for group in (*self.together, *self.whole.values()))
            and all(set(range(self.zones)) <= {label[unit] for unit in few} for few in self.one_of_each.values())
            and (self.most_students is None or self.students_moved(label) <= self.most_students)
        )


@dataclass(frozen=True, eq=False)
class Plans:
    """All plans of a town, a row each, and their measures."""

    label: np.ndarray
    imbalance: np.ndarray
    moves: np.ndarray
    travel: np.ndarray
    boundary: np.ndarray

    def __len__(self) -> int:
        return len(self.label)

    def within(self, *, tolerance: float = np.inf, max_moves: float = np.inf, max_travel: float = np.inf) -> Plans:
        """Keep the plans within limits."""
        kept = (
            (self.imbalance <= tolerance + 1e-9) & (self.moves <= max_moves) & (self.travel <= max_travel * (1 + 1e-9))
        )
        return Plans(*(values[kept] for values in vars(self).values()))

    def least(self, objective: str) -> float:
        """Give the smallest value of an objective; infinite where there is no plan."""
        return float(getattr(self, objective).min(initial=np.inf))


def most_even(town: Town, plans: Plans, slack: float) -> Plans:
    """Keep the plans about as even as the most even, in the farthest zone, then in the two farthest and so on."""
    mean = sum(town.load) / town.zones
    loads = np.array([[sum(np.array(town.load)[label == z]) for z in range(town.zones)] for label in plans.label])
    sums = np.cumsum(-np.sort(-np.abs(loads - mean) / mean, axis=1), axis=1)
    kept = np.ones(len(plans), dtype=bool)
    for rank in range(town.zones if town.zones > 2 else 1):
        kept &= sums[:, rank] <= sums[kept, rank].min() + slack + 1e-9
    return Plans(*(values[kept] for values in vars(plans).values()))


def hangs_together(units: set[int], links: dict[tuple[int, int], float]) -> bool:
    """Say whether units hang together; none do not."""
    if not units:
        return False
    seen, todo = set(), [min(units)]
    while todo:
        unit = todo.pop()
        if unit not in seen:
            seen.add(unit)
            todo += [b if a == unit else a for a, b in links if unit in (a, b) and {a, b} <= units]
    return seen == units


def connected_sets(n: int, links: dict[tuple[int, int], float]) -> set[frozenset[int]]:
    """List every set of units that hangs together."""
    every = (frozenset(i for i in range(n) if bits >> i & 1) for bits in range(1 << n))
    return {units for units in every if hangs_together(set(units), links)}


def every_plan(town: Town) -> Plans:
    """List every plan: each zone has units and hangs together, and the rules are kept."""
    everywhere = frozenset(range(len(town)))
    connected = connected_sets(len(town), town.links)
    labels = []
    for zones in _divided(everywhere, town.zones, connected):
        zone_of = {unit: zone for zone, units in enumerate(zones) for unit in units}
        label = tuple(zone_of[unit] for unit in range(len(town)))
        if town.is_kept(label):
            labels.append(label)
    return measured(town, labels)


def measured(town: Town, labels: list[tuple[int, ...]]) -> Plans:
    """Measure labellings, plans or not."""
    mean = sum(town.load) / town.zones
    imbalance, moves, travel, boundary = [], [], [], []
    for label in labels:
        loads = [sum(w for w, z in zip(town.load, label, strict=True) if z == zone) for zone in range(town.zones)]
        imbalance.append(max(abs(load - mean) for load in loads) / mean)
        moves.append(sum(a != b for a, b in zip(label, town.start, strict=True)))
        travel.append(sum(w * town.distance[i, z] for i, (w, z) in enumerate(zip(town.load, label, strict=True))))
        boundary.append(sum(km for (a, b), km in town.links.items() if label[a] != label[b]))
    shape = (len(labels), len(town))
    columns = (np.array(values, dtype="float64") for values in (imbalance, moves, travel, boundary))
    return Plans(np.array(labels, dtype="int64").reshape(shape), *columns)


def _divided(units: frozenset[int], zones: int, connected: set[frozenset[int]]):
    """Divide units among zones, each of which takes a set that hangs together."""
    if zones == 1:
        if units in connected:
            yield (units,)
        return
    for part in connected:
        if part < units:
            for others in _divided(units - part, zones - 1, connected):
                yield (part, *others)
