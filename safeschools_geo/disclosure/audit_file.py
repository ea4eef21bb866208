"""The audit as a file that anyone can check with arithmetic alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.disclosure.facts import said
from safeschools_geo.disclosure.grouping import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from safeschools_geo.disclosure.audit import AuditReport

FORMAT = "safeschools-geo/audit/2"
"""Name of the format, and its version."""


def audit_document(
    report: AuditReport, *, district: str, term: str, release: int, said: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Write an audit so that it can be checked without the solver.

    Parameters
    ----------
    report
        The audit.
    district, term
        What the release is of.
    release
        Its number; 0 for a draft.
    said
        Numbers that are published and are no counts: `source`, `key`, `value`, `low`, `high`, `basis`, and `weights`,
        None where they are not public.

    Returns
    -------
    dict
        ``kinds``: what nobody can tell apart: for each dimension its `names`, and in `numbers` for each kind the
        position of its name, −1 where its counts differ (dimensions in which all differ are left out); `places`, how
        many counts each kind has. ``figures``: every published or withheld figure with its `key`; it is the sum of the
        kinds that have all of the key. ``statements``: what else is published, each between `low` and `high`, with the
        weights of the kinds where these are public. ``groups``: groups that no table shows; they have up to all there
        is of their `kinds`, and at least all of those in `whole`. ``worlds``: how much there is of each kind, as two
        lists, in made-up counts that agree with every published figure and every statement with weights. Each withheld
        figure names the worlds in which it is as small and as large as it can be. No true count that is withheld is in
        it.
    """
    table = report.table
    return {
        "format": FORMAT,
        "district": district,
        "term": term,
        "release": release,
        "measure": table.measure,
        "policy": table.policy.to_dict(),
        "knows_rule": report.knows_rule,
        "is_safe": report.is_safe,
        "note": "Worlds are made up: they show what is possible, not what was.",
        "kinds": _kinds(report),
        "figures": _figures(report),
        "statements": [*_statements(report), *map(dict, said)],
        "groups": _groups(report),
        "worlds": [_sparse(world) for world in report.worlds],
    }


def _kinds(report: AuditReport) -> dict[str, Any]:
    """Write the kinds by dimension: the names, and for each kind the number of its name, −1 where its counts differ."""
    atoms = report.table._cells.atoms  # noqa: SLF001 -- public by now: no counts are in it
    first = report.kinds.first
    names, numbers = {}, {}
    for dim in map(str, atoms.columns):
        codes, found = pd.factorize(atoms[dim], sort=True)
        is_mixed = np.zeros(len(first), dtype=bool)
        is_mixed[report.kinds.of_atom[codes != codes[first][report.kinds.of_atom]]] = True
        if not is_mixed.all():
            names[dim] = [str(name) for name in found]
            numbers[dim] = np.where(is_mixed, -1, codes[first]).tolist()
    return {"names": names, "numbers": numbers, "places": report.kinds.size.tolist()}


def _figures(report: AuditReport) -> list[dict[str, Any]]:
    table = report.table
    found = report.intervals.set_index("cell")
    rows = []
    for row in table.to_frame().to_dict("records"):
        figure: dict[str, Any] = {
            "cell": int(row["cell"]),
            "key": {name: row[name] for name in table.dims if row[name] != ALL},
            "value": None if row["is_withheld"] else int(row["count"]),
        }
        if row["is_withheld"]:
            figure |= {name: _whole(found.at[row["cell"], name]) for name in _ENDS}
        rows.append(figure)
    return rows


_ENDS = ("low", "high", "low_world", "high_world")


def _statements(report: AuditReport) -> list[dict[str, Any]]:
    table = report.table
    told = [fact for fact in table.facts if not fact.is_need]
    rows = said(told, table._cells.atoms)  # noqa: SLF001
    weights = report.kinds.added(rows.matrix).toarray()
    return [
        {
            "source": fact.source,
            "low": fact.low if np.isfinite(fact.low) else None,
            "high": fact.high if np.isfinite(fact.high) else None,
            "weights": {str(kind): float(row[kind]) for kind in np.flatnonzero(row)},
        }
        for fact, row in zip(told, weights, strict=True)
    ]


def _groups(report: AuditReport) -> list[dict[str, Any]]:
    """List groups that no table shows, those of the same kinds as one."""
    most, least = report.kinds.reach(report.table._hidden.matrix)  # noqa: SLF001
    alike: dict[tuple[bytes, bytes], dict[str, Any]] = {}
    for row in report.hidden.to_dict("records"):
        cell = int(row["cell"])
        kinds = np.sort(most.indices[most.indptr[cell] : most.indptr[cell + 1]])
        whole = np.sort(least.indices[least.indptr[cell] : least.indptr[cell + 1]])
        group = alike.setdefault(
            (kinds.tobytes(), whole.tobytes()),
            {
                "groups": 0,
                "kinds": kinds.tolist(),
                "whole": whole.tolist(),
                **{name: _whole(row[name]) for name in _ENDS},
            },
        )
        group["groups"] += 1
    return list(alike.values())


def _sparse(world: NDArray[np.int64]) -> list[list[int]]:
    kinds = np.flatnonzero(world)
    return [kinds.tolist(), world[kinds].tolist()]


def _whole(value: object) -> int | None:
    return None if pd.isna(value) else int(str(value))  # type: ignore[call-overload]
