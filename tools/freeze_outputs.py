"""Digest what the product writes and prints, to show that a refactoring changed no result.

python tools/freeze_outputs.py --out before.txt        run the cases and write their digest
python tools/freeze_outputs.py --compare A.txt B.txt   list what differs, is missing or new; exit 1 if anything

The product is run by its command line alone, and the cases read no module of it: its insides may be moved between two
digests. Everything random in it has a seed, so that two runs of one tree give one digest on one machine.
"""

from __future__ import annotations

import argparse
import ast
import csv
import datetime as dt
import hashlib
import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
TERMINAL = "terminal.txt"
SKIPPED = "skipped"
SAME = "as the file"

RULES = (
    # Versions of Python and of libraries say where a run was made, not what it found.
    ("manifest.json", re.compile(r'"versions": \{[^{}]*\}'), '"versions": {}'),
    # How long the search for a plan took.
    ("certificate.json", re.compile(r'"seconds": [\d.e+-]+'), '"seconds": null'),
)
"""Name of a file, what is taken out of it, and what is put there."""

FINGERPRINT = re.compile(r'"([^"]+)": "([0-9a-f]{64})"')
"""A file and its SHA-256, as manifests and certificates list them."""

SAN_JUAN_MORE = """
[[terms]]
name = "Fall 2017"
start = 2017-08-14
end = 2017-12-20

[[terms]]
name = "Spring 2017"
start = 2017-01-09
end = 2017-06-08

[[terms]]
name = "Fall 2016"
start = 2016-08-15
end = 2016-12-20

[incidents]
crs = "EPSG:4326"
"""
SAN_JUAN_TERMS = ("2016-08-15", "2017-01-09", "2017-08-14", "2018-01-08")
"""First days of the terms, Mondays all of them."""


@dataclass(frozen=True)
class Case:
    """A district and what is done with it, in a folder of its own."""

    commands: tuple[tuple[str, ...], ...]
    prepare: Callable[[Path, Path], None]
    """Called with the folder of the case and that of the real data."""
    needs: str = ""
    """Folder of the real data without which the case is skipped."""


def _constant(file: str, name: str) -> str:
    """Read a text that a test module sets, without importing what the module imports."""
    for node in ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return str(ast.literal_eval(node.value))
    raise LookupError(f"tests/{file} sets no {name}")


def _nothing(_folder: Path, _data: Path) -> None:
    """Prepare nothing: the demo is in the package."""


def _town(folder: Path, _data: Path) -> None:
    runpy.run_path(str(ROOT / "tests" / "town.py"))["write_town"](folder / "district")


def _chicago(folder: Path, data: Path) -> None:
    file = "crimes_at_schools_2018_h1.csv"
    settings = _constant("test_real_chicago.py", "SETTINGS").format(file=file, nearest=500)
    boundaries = ("police_districts.geojson", "cps_school_locations_sy1415.csv")
    district = _district(folder, settings, [data / "chicago" / name for name in boundaries])
    shutil.copy(data / "chicago" / file, district / "data" / "incidents")
    crosswalk = _constant("test_real_chicago.py", "CROSSWALK")
    (district / "crosswalk.csv").write_text(crosswalk, encoding="utf-8")


def _san_juan(folder: Path, data: Path) -> None:
    settings = _constant("test_real_san_juan.py", "SETTINGS").format(boundary="district_2012")
    files = sorted((data / "san_juan").iterdir())
    district = _district(folder, settings + SAN_JUAN_MORE, files)
    with (district / "data" / "incidents" / "history.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["incident_id", "occurred_at", "category", "school_id", "x", "y"])
        table.writerows(_simulated(data / "san_juan"))


def _district(folder: Path, settings: str, boundaries: list[Path]) -> Path:
    district = folder / "district"
    for name in ("boundaries", "incidents"):
        (district / "data" / name).mkdir(parents=True)
    for file in boundaries:
        shutil.copy(file, district / "data" / "boundaries")
    (district / "district.toml").write_text(settings, encoding="utf-8")
    return district


def _simulated(data: Path) -> list[tuple[str, ...]]:
    """Draw incidents as the test does: 0.03 a student and term, three times that at four schools in the last term."""
    with (data / "frpm_sacramento_county_2014-15.csv").open(encoding="utf-8", newline="") as file:
        key = ("County Code", "District Code", "School Code")
        students = {"".join(row[k] for k in key): row["Enrollment (K-12)"] for row in csv.DictReader(file)}
    with (data / "cde_public_schools_sacramento_county_2018.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["CDSCode"].startswith("3467447")]
    schools = [row for row in rows if row["School"] and row["StatusType"] == "Active"]
    planted = {row["CDSCode"] for row in schools[10:14]}
    categories = ("assault_battery", "weapons", "threat_assessment", "alcohol_drugs", "non_critical")
    incidents: list[tuple[str, ...]] = []
    rng = np.random.default_rng(0)
    for term, first in enumerate(SAN_JUAN_TERMS):
        monday = dt.datetime.fromisoformat(first)
        for row in schools:
            factor = 3.0 if term == len(SAN_JUAN_TERMS) - 1 and row["CDSCode"] in planted else 1.0
            mean = float(students.get(row["CDSCode"]) or 300.0) * 0.03 * rng.gamma(20, 1 / 20)
            for _ in range(rng.poisson(mean * factor)):
                week, day, minute, kind = (int(rng.integers(n)) for n in (17, 5, 450, len(categories)))
                at = monday + dt.timedelta(weeks=week, days=day, hours=7, minutes=45 + minute)
                place = (row["Longitude"], row["Latitude"])
                number, moment = f"I{len(incidents)}", f"{at:%Y-%m-%d %H:%M}"
                incidents.append((number, moment, categories[kind], row["CDSCode"], *place))
    return incidents


_RELEASE = ("--release", "--first-release", "--released", "2026-06-15", "--out", "packet")
_LAYERS = "district/data/boundaries"
_DRAFT = (
    *("draft-zones", "--district", f"{_LAYERS}/district_2012.geojson", "--zones", "8", "--preset", "cde"),
    *("--schools", f"{_LAYERS}/cde_public_schools_sacramento_county_2018.csv", "--keep", "CDSCode=3467447*"),
    *("--out", f"{_LAYERS}/zones.geojson"),
)
_UNITS = (
    *("rebalance", "--units", "out/Spring 2026/plan/units.geojson", "--unit-id", "unit_id"),
    *("--zone", "zone_before", "--workload", "workload", "--max-moves", "2", "--out", "plan of units"),
)
CASES = {
    "demo": Case(
        (
            ("run", "--out", "out"),
            ("compare", "Fall 2025", "Spring 2026", "--out", "out"),
            ("board", *_RELEASE),
            ("verify", "out/Spring 2026"),
            _UNITS,
        ),
        _nothing,
    ),
    "town": Case(
        (
            ("check", "district"),
            ("run", "district", "--out", "out"),
            ("run", "district", "--term", "Fall", "--out", "out", "--json"),
            ("compare", "Fall", "Spring", "district", "--out", "out"),
            ("board", "district", *_RELEASE),
        ),
        _town,
    ),
    "san_juan": Case(
        (_DRAFT, ("run", "district", "--term", "Spring 2018", "--out", "out")), _san_juan, needs="san_juan"
    ),
    "chicago": Case((("run", "district", "--out", "out"),), _chicago, needs="chicago"),
}


def normalized(path: Path) -> bytes:
    """Read an output without what differs from run to run: Parquet as text, all others as bytes after `RULES`."""
    if path.suffix == ".parquet":
        return _rows_of(path)
    content = path.read_bytes()
    if path.name == "frontier.csv":
        return _without_seconds(content.decode()).encode()
    if path.name not in {name for name, _, _ in RULES}:
        return content
    text = content.decode()
    for name, pattern, instead in RULES:
        if path.name == name:
            text = pattern.sub(instead, text)

    def without_hash(found: re.Match[str]) -> str:
        # The hash of a file beside it follows from that file, which has a line of its own; a wrong one stays.
        file = path.parent / found[1]
        is_right = file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == found[2]
        return f'"{found[1]}": "{SAME}"' if is_right else found[0]

    return FINGERPRINT.sub(without_hash, text).encode()


def _rows_of(path: Path) -> bytes:
    """Write a Parquet file as text: its own metadata hold versions of libraries, and its pages depend on them."""

    def plain(value: object) -> str:
        return value.hex() if isinstance(value, bytes) else str(value)

    table = pq.read_table(path)
    geo = (table.schema.metadata or {}).get(b"geo", b"")
    types = [f"{field.name}: {field.type}" for field in table.schema]
    rows = [json.dumps(row, default=plain, ensure_ascii=False) for row in table.to_pylist()]
    return "\n".join([*types, geo.decode(), *rows, ""]).encode()


def _without_seconds(text: str) -> str:
    """Empty the column that says how long each point of the frontier took."""
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or "seconds" not in rows[0]:
        return text
    at = rows[0].index("seconds")
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([rows[0], *([*r[:at], "", *r[at + 1 :]] for r in rows[1:])])
    return out.getvalue()


def _hashes(folder: Path) -> dict[Path, str]:
    return {p: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def _printed(command: tuple[str, ...], folder: Path) -> str:
    """Run a command of the product; return what it said, with the paths of this machine named by what they are."""
    wanted = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "COLUMNS": "120", "NO_COLOR": "1", "TERM": "dumb"}
    left = subprocess.run(
        [sys.executable, "-m", "safeschools_geo", *command],
        cwd=folder,
        env=os.environ | wanted,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    said = f"$ {' '.join(command)}\n{left.stdout}--- messages\n{left.stderr}--- exit code {left.returncode}\n"
    return said.replace(str(folder), "<case>").replace(str(ROOT), "<checkout>")


def run_case(case: Case, folder: Path, data: Path) -> dict[str, bytes]:
    """Run a case in an empty folder; return path → normalized content of what is new or changed, and the terminal."""
    case.prepare(folder, data)
    before = _hashes(folder)
    said = "".join(_printed(command, folder) for command in case.commands)
    written = [path for path, digest in _hashes(folder).items() if before.get(path) != digest]
    outputs = {path.relative_to(folder).as_posix(): normalized(path) for path in written}
    return {TERMINAL: said.encode(), **outputs}


def read_digest(text: str) -> dict[str, str]:
    """Read a digest as path → hash."""
    pairs = (line.split("  ", 1) for line in text.splitlines())
    return {path: digest for digest, path in pairs}


def digest_text(digest: dict[str, str]) -> str:
    """Write a digest: a hash, two spaces and a path on each line, sorted by path."""
    return "".join(f"{digest[path]}  {path}\n" for path in sorted(digest))


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """List, a line each, the paths of two digests that differ, are missing or are new."""

    def kind(path: str) -> str:
        return "missing" if path not in after else "new    " if path not in before else "differs"

    paths = sorted(before.keys() | after.keys())
    return [f"{kind(path)}  {path}" for path in paths if before.get(path) != after.get(path)]


def _freeze(names: list[str], data: Path, keep: Path | None) -> dict[str, str]:
    digest = {}
    for name in names:
        case = CASES[name]
        if case.needs and not (data / case.needs).is_dir():
            print(f"{name}: skipped, there is no {data / case.needs}", file=sys.stderr)
            digest[name] = SKIPPED
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            outputs = run_case(case, Path(folder).resolve(), data)
        for path, content in outputs.items():
            digest[f"{name}/{path}"] = hashlib.sha256(content).hexdigest()
            if keep is not None:
                kept = keep / name / path
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(content)
        failed = re.findall(r"^--- exit code (?!0$).*$", outputs[TERMINAL].decode(), re.MULTILINE)
        trouble = f", {len(failed)} of {len(case.commands)} commands failed" if failed else ""
        print(f"{name}: {len(outputs)} outputs in {time.monotonic() - began:.0f} s{trouble}", file=sys.stderr)
    return digest


def main() -> int:
    """Write a digest, or compare two and return 1 where they differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    todo = parser.add_mutually_exclusive_group(required=True)
    todo.add_argument("--out", type=Path, metavar="FILE", help="write the digest there")
    todo.add_argument("--compare", type=Path, nargs=2, metavar=("BEFORE", "AFTER"), help="compare two digests")
    real = Path(os.environ.get("SAFESCHOOLS_REAL_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=real, metavar="DIR", help="folder of the real public records")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what was hashed, for a diff")
    parser.add_argument("--cases", default=",".join(CASES), metavar="NAMES", help="default: %(default)s")
    asked = parser.parse_args()
    if asked.compare:
        before, after = (read_digest(path.read_text(encoding="utf-8")) for path in asked.compare)
        skipped = [path for path in before if before[path] == after.get(path) == SKIPPED]
        lines = differences(before, after)
        print("\n".join([*(f"skipped  {path} (in both)" for path in skipped), *lines, f"{len(lines)} differences"]))
        return int(bool(lines))
    names = asked.cases.split(",")
    unknown = [name for name in names if name not in CASES]
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    asked.out.write_text(digest_text(_freeze(names, asked.data.resolve(), asked.keep)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
