"""Kill writing processes by SIGKILL, let the next command repair, and count what is lost or left over.

python benchmarks/kill_writes.py [--kills 1000] [--seed 0] [--json]

A term folder with files of the user's in it is replaced again and again, and packets are released one after the other.
Every second process is killed at a random moment of its whole work, every other one at a random moment after all is
written and before the process ends: while it is put in place. After each kill the folder has to be the old or the new
one, whole, as soon as it is read by way of the product; the user's files have to be there, and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from safeschools_geo.io._export import write_bytes, write_manifest
from safeschools_geo.writing import output_folder, output_release, put_release, repair

if TYPE_CHECKING:
    from collections.abc import Callable

MINE = {"notes.txt": b"mine", "maps/marked.png": b"\x89PNG" * 500, "own/deep/list.csv": b"a,b\n"}
N_FILES, FILE_BYTES = 40, 20_000


def files_of(number: int) -> dict[str, bytes]:
    """Make up the files of a run: some have the same name in every run, some have not."""
    names = [f"{folder}/{i}.csv" for i in range(N_FILES // 4) for folder in ("plan", "maps", "board", "coverage")]
    names[::7] = [f"only {number}/{i}.csv" for i in range(len(names[::7]))]
    return {name: hashlib.sha256(f"{number} {name}".encode()).digest() * (FILE_BYTES // 32) for name in names}


def replace_term(folder: Path, number: int, on_written: Callable[[], object]) -> None:
    """Replace the folder of a term, as `safeschools run` does."""
    with output_folder(folder / "Fall", public="board") as fresh:
        for name, content in files_of(number).items():
            write_bytes(fresh / name, content)
        write_manifest(fresh, {"seed": number})
        on_written()


def term_faults(folder: Path, number: int) -> tuple[list[str], list[str], bool]:
    """Say what is lost and what is left over, and whether the new folder stands."""
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    lost = [name for name, content in MINE.items() if found.pop(f"Fall/{name}", None) != content]
    manifest = json.loads(found.pop("Fall/manifest.json", b'{"seed": -1}'))
    stands = manifest["seed"]
    expected = {f"Fall/{name}": content for name, content in files_of(stands).items()}
    lost += [name for name, content in expected.items() if found.get(name) != content]
    lost += [] if stands in (number - 1, number) else [f"run {stands} stands, not {number - 1} or {number}"]
    return lost, [*(found.keys() - expected.keys()), *_hidden(folder)], stands == number


def release(folder: Path, number: int, on_written: Callable[[], object]) -> None:
    """Release a packet, as `safeschools board --release` does."""
    record = folder / "releases.jsonl"
    with output_release(record) as fresh:
        for name, content in files_of(number).items():
            write_bytes(fresh / name, content)
        before = record.read_text("utf-8") if record.exists() else ""
        on_written()
        put_release(fresh, number, f"{before}{number}\n")


def release_faults(folder: Path, number: int) -> tuple[list[str], list[str], bool]:
    """Say what is lost and what is left over, and whether the new release is out."""
    record = folder / "releases.jsonl"
    lines = [int(line) for line in record.read_text("utf-8").split()] if record.exists() else []
    packets = sorted(int(p.name) for p in (folder / "releases").glob("*"))
    lost = [] if lines == packets == [*range(1, len(lines) + 1)] else [f"record {lines}, packets {packets}"]
    for last in packets[-1:]:
        place = folder / "releases" / str(last)
        found = {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()}
        lost += [] if found == files_of(last) else [f"packet {last} is not whole"]
        lost += [str(p) for p in (place, *place.rglob("*")) if p.stat().st_mode & 0o222]
    return lost, _hidden(folder), number in lines


def _hidden(folder: Path) -> list[str]:
    return [p.name for p in (*folder.glob(".*"), *folder.glob("Fall/**/.*"), *folder.glob("releases/.*"))]


def killed(work: Callable[[Callable[[], object]], None], *, at_swap: bool, pause_s: float) -> bool:
    """Do some work in another process, and kill it a while after it began, or after all was written."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        work(partial(os.write, writes, b"w"))
        os._exit(0)
    os.close(writes)
    if at_swap:
        os.read(reads, 1)
    time.sleep(pause_s)
    os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(reads)
    return code == -signal.SIGKILL


def campaign(
    name: str,
    do: Callable[[Path, int, Callable[[], object]], None],
    faults: Callable[[Path, int], tuple[list[str], list[str], bool]],
    *,
    kills: int,
    chance: random.Random,
) -> dict[str, object]:
    """Kill until it has been done as often as asked."""
    report = dict.fromkeys(("kills", "came_through", "old", "new", "lost", "left_over"), 0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        began = time.perf_counter()
        do(folder, 1, lambda: None)
        whole_s = swap_s = time.perf_counter() - began
        if do is replace_term:
            for mine, content in MINE.items():
                write_bytes(folder / "Fall" / mine, content)
        number = 2
        while report["kills"] < kills:
            at_swap = bool((report["kills"] + report["came_through"]) % 2)
            pause_s = chance.uniform(0, swap_s if at_swap else whole_s)
            was_killed = killed(partial(do, folder, number), at_swap=at_swap, pause_s=pause_s)
            if not was_killed:
                # It was done before: aim nearer next time.
                swap_s, whole_s = (swap_s * 0.9, whole_s) if at_swap else (swap_s, whole_s * 0.95)
            elif at_swap:
                swap_s *= 1.02
            else:
                whole_s *= 1.01
            repair(folder / "Fall")
            lost, left_over, is_new = faults(folder, number)
            report["kills" if was_killed else "came_through"] += 1
            report["new" if is_new else "old"] += was_killed
            report["lost"] += bool(lost)
            report["left_over"] += bool(left_over)
            number += is_new
        for path in folder.rglob("*"):
            path.chmod(0o755)
    return {"name": name, **report}


def main() -> None:
    """Run both campaigns and print what came of them."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=1000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    reports = [
        campaign(name, do, faults, kills=asked.kills, chance=random.Random(asked.seed))  # noqa: S311 - not for secrets
        for name, do, faults in (
            ("a term with files of the user's", replace_term, term_faults),
            ("releases", release, release_faults),
        )
    ]
    if asked.json:
        print(json.dumps(reports, indent=2))
    else:
        for report in reports:
            print(", ".join(f"{key} {value}" for key, value in report.items()))
    sys.exit(any(report["lost"] or report["left_over"] for report in reports))


if __name__ == "__main__":
    main()
