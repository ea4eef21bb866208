"""Ctrl-C in the long steps of the real command: it ends soon, says so, and leaves nothing half-written."""

import os
import signal
import subprocess
import sys
import threading
import time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from checkout import ROOT
from shapely.geometry import box

SOON_S = 10.0
"""Seconds of the clock in which a command ends: far above what it takes, for machines are busy."""

SETTINGS = """
[district]
name = "Grid"
time_zone = "America/Los_Angeles"
crs = "EPSG:32610"

[schools]
crs = "EPSG:4326"

[incidents]
crs = "EPSG:4326"

[hotspots]
simulations = 40000

[[terms]]
name = "Spring"
start = 2025-02-01
end = 2025-05-30
"""
EAST, NORTH, SIDE = 600_000.0, 4_200_000.0, 3000.0


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    """Write 300 schools in nine square zones, with 60,000 calls at them."""
    folder, rng = tmp_path_factory.mktemp("grid"), np.random.default_rng(0)
    for name in ("boundaries", "incidents"):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "district.toml").write_text(SETTINGS, encoding="utf-8")
    corners = [(EAST + SIDE * x, NORTH + SIDE * y) for x in range(3) for y in range(3)]
    ids = [str(number) for number in range(1, 10)]
    shapes = [box(x, y, x + SIDE, y + SIDE) for x, y in corners]
    zones = gpd.GeoDataFrame({"zone_id": ids, "name": ids}, geometry=shapes, crs="EPSG:32610").to_crs(4326)
    zones.to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    xy = rng.uniform((EAST, NORTH), (EAST + 3 * SIDE, NORTH + 3 * SIDE), (300, 2))
    at = gpd.GeoSeries.from_xy(*xy.T, crs="EPSG:32610").to_crs(4326)
    names = np.array([f"S{number:03}" for number in range(300)])
    schools = {"school_id": names, "name": names, "level": "elementary", "in_program": True, "enrollment": 500}
    pd.DataFrame({**schools, "x": at.x, "y": at.y}).to_csv(folder / "data/boundaries/schools.csv", index=False)
    which = rng.integers(300, size=60_000)
    when = rng.choice(pd.bdate_range("2025-02-01", "2025-05-30").to_numpy(), len(which))
    when = when + (rng.integers(8 * 60, 15 * 60, len(which)) * 60).astype("timedelta64[s]")
    calls = {
        "incident_id": np.arange(len(which)),
        "occurred_at": pd.Series(when).dt.strftime("%Y-%m-%d %H:%M"),
        "category": "weapons",
        "school_id": names[which],
        "x": at.x.to_numpy()[which].round(6),
        "y": at.y.to_numpy()[which].round(6),
    }
    pd.DataFrame(calls).to_csv(folder / "data/incidents/calls.csv", index=False)
    return folder


def interrupted(arguments, *, step, after_s):
    """Start a command, send it Ctrl-C in a step: its exit code, what it said, and how long it took from then on."""
    call = [sys.executable, "-m", "safeschools_geo", *map(str, arguments)]
    # A process that is started in the background may have been told to ignore it.
    process = subprocess.Popen(
        call,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no thread yet
    )
    late = threading.Timer(600, process.kill)
    late.start()
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if step in line:
                break
        time.sleep(after_s)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        said.append(process.stderr.read())
        return process.wait(), "".join(said), time.monotonic() - sent
    finally:
        late.cancel()
        process.kill()
        process.wait()
        process.stderr.close()


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.skipif(os.name != "posix", reason="Windows sends Ctrl-C to a whole console")
@pytest.mark.parametrize(
    ("name", "step", "after_s"),
    [("hotspots", "] Reading", 0.2), ("hotspots", "] Finding hotspots", 2.0), ("run", "] Finding hotspots", 0.5)],
)
def test_ctrl_c_ends_a_long_step_soon_and_leaves_nothing(district, tmp_path, name, step, after_s):
    (tmp_path / "out").mkdir()
    before = tree(district)
    code, said, seconds = interrupted([name, district, "--out", tmp_path / "out"], step=step, after_s=after_s)
    assert code == 130, said
    assert "Interrupted: nothing was changed." in said
    assert "Traceback" not in said
    assert seconds < SOON_S
    assert tree(tmp_path / "out") == []
    assert tree(district) == before


@pytest.mark.skipif(os.name != "posix", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_ends_the_search_for_a_plan(tmp_path):
    (tmp_path / "out").mkdir()
    code, said, seconds = interrupted(["run", "--out", tmp_path / "out"], step="] Proposing zones", after_s=1.0)
    assert code == 130, said
    assert "Interrupted: nothing was changed." in said
    assert seconds < SOON_S
    assert tree(tmp_path / "out") == []
