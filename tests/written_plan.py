"""A plan written to a folder as `rebalance` writes it, on a small town of squares, with its bound by brute force."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.rebalance._plan import certificate_of, input_hashes

if TYPE_CHECKING:
    from pathlib import Path

STEP = 0.01


def square(column: float, row: float, *, wide: float = 1.0, high: float = 1.0) -> dict:
    west, south = -121.4 + STEP * column, 38.6 + STEP * row
    east, north = west + STEP * wide, south + STEP * high
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [[[round(x, 7), round(y, 7)] for x, y in ring]]}


def layer(rows: list[tuple[dict, dict]]) -> str:
    features = [{"type": "Feature", "properties": p, "geometry": g} for p, g in rows]
    return json.dumps({"type": "FeatureCollection", "features": features})


def imbalance(loads: list[float], labels: list[str], zones: list[str]) -> float:
    mean = sum(loads) / len(zones)
    sums = [sum(w for w, z in zip(loads, labels, strict=True) if z == zone) for zone in zones]
    return max(abs(s - mean) for s in sums) / mean


def is_contiguous(labels: list[str], links: set[tuple[int, int]], zones: list[str]) -> bool:
    for zone in zones:
        left = {i for i, z in enumerate(labels) if z == zone}
        if not left:
            return False
        front = {min(left)}
        while front:
            left -= front
            front = {b for a, b in links | {(b, a) for a, b in links} if a in front and b in left}
        if left:
            return False
    return True


def row_links(n: int) -> set[tuple[int, int]]:
    return {(i, i + 1) for i in range(n - 1)}


def best_by_moves(loads, before, links, *, most, keep=lambda _: True):
    """Try every labelling; return the smallest imbalance with at most k moves, and a plan that has it, for k ≤ most."""
    zones = sorted(set(before))
    best = [(float("inf"), None)] * (most + 1)
    for labels in itertools.product(zones, repeat=len(loads)):
        moves = sum(a != b for a, b in zip(labels, before, strict=True))
        if moves <= most and keep(labels) and is_contiguous(labels, links, zones):
            found = (imbalance(loads, labels, zones), labels)
            best = [found if k >= moves and found[0] < b[0] - 1e-12 else b for k, b in enumerate(best)]
    return best


def write_row(folder: Path, loads, before, after, *, frontier=None, **facts) -> Path:
    """Write a town whose units A, B, C, … are squares in a row, each linked to the next.

    `facts` go into the certificate.
    """
    ids, zones = [chr(65 + i) for i in range(len(loads))], sorted(set(before))
    plan = pd.DataFrame(
        {
            "unit_id": ids,
            "zone_before": list(before),
            "zone_after": list(after),
            "moved": [a != b for a, b in zip(before, after, strict=True)],
            "workload": [float(w) for w in loads],
        }
    )
    pairs = [(ids[i], ids[i + 1]) for i in range(len(ids) - 1)]
    edges = pd.DataFrame(pairs, columns=["unit_a", "unit_b"]).assign(shared_m=1110.0, kind="border")
    units = [(plan.iloc[i].drop("moved").to_dict(), square(i, 0)) for i in range(len(ids))]
    runs = [(z, [i for i, a in enumerate(after) if a == z]) for z in zones]
    shapes = [
        (
            {"zone_id": z, "name": f"Zone {z}", "workload": float(sum(loads[i] for i in members))},
            {"type": "MultiPolygon", "coordinates": [run_of(run)["coordinates"] for run in runs_of(members)]},
        )
        for z, members in runs
    ]
    moves = int(plan["moved"].sum())
    found = imbalance(loads, after, zones)
    defaults = {
        "objective": "imbalance",
        "value": found,
        "bound": found,
        "is_contiguous": True,
        "moves": moves,
        "imbalance_before": imbalance(loads, before, zones),
        "imbalance_after": found,
        "zones": zones,
        "max_moves": moves if facts.get("objective", "imbalance") == "imbalance" else None,
        "input_sha256": input_hashes(plan.rename(columns={"zone_before": "zone_id"}), edges),
    }
    certificate = certificate_of(**{**defaults, **facts})
    folder.mkdir(parents=True, exist_ok=True)
    plan.to_csv(folder / "plan.csv", index=False, lineterminator="\n")
    edges.to_csv(folder / "edges.csv", index=False, lineterminator="\n")
    (folder / "units.geojson").write_text(layer(units), encoding="utf-8")
    (folder / "zones.geojson").write_text(layer(shapes), encoding="utf-8")
    if frontier is not None:
        pd.DataFrame(frontier).to_csv(folder / "frontier.csv", index=False, lineterminator="\n")
    (folder / "certificate.json").write_text(json.dumps(certificate), encoding="utf-8")
    seal(folder)
    return folder


def runs_of(members: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for i in members:
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def run_of(run: list[int]) -> dict:
    """Draw squares in a row as one polygon, with every corner of theirs."""
    west, east = run[0], run[-1] + 1
    xs = [round(-121.4 + STEP * i, 7) for i in range(west, east + 1)]
    south, north = 38.6, round(38.6 + STEP, 7)
    ring = [[x, south] for x in xs] + [[x, north] for x in reversed(xs)]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def seal(folder: Path) -> None:
    """Write the hashes of the files into the certificate, as whoever forges a plan would."""
    names = sorted(p.name for p in folder.iterdir() if p.name != "certificate.json")
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    edit_certificate(folder, files=hashes)


def edit_certificate(folder: Path, **changes) -> None:
    path = folder / "certificate.json"
    certificate = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**certificate, **changes}), encoding="utf-8")


def rehash_inputs(folder: Path) -> None:
    """Make a forged plan consistent: hashes of the inputs, then of the files."""
    plan = pd.read_csv(folder / "plan.csv", dtype={"unit_id": str, "zone_before": str})
    edges = pd.read_csv(folder / "edges.csv", dtype=str)
    hashes = input_hashes(plan.rename(columns={"zone_before": "zone_id"}), edges)
    edit_certificate(folder, input_sha256=hashes)
    seal(folder)


def edit_csv(folder: Path, name: str, edit) -> None:
    table = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
    edit(table).to_csv(folder / name, index=False, lineterminator="\n")


def edit_layer(folder: Path, name: str, edit) -> None:
    path = folder / name
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content["features"])
    path.write_text(json.dumps(content), encoding="utf-8")
