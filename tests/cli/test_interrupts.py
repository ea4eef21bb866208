"""Ctrl-C in the long steps of the real command: it ends soon, says so, and leaves nothing half-written."""

import os
import shutil
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

LATE_S, TRIES = 1.0, 5
"""A command that is done so soon after the signal was done before it: the test comes late on a busy machine."""

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
simulations = SIMULATIONS

[[terms]]
name = "Spring"
start = 2025-02-01
end = 2025-05-30
"""
EAST, NORTH, SIDE = 600_000.0, 4_200_000.0, 3000.0


def write_district(folder, *, side, schools, calls, simulations):
    """Write schools in square zones, so many on a side, with calls at them."""
    rng, far = np.random.default_rng(0), SIDE * side
    for name in ("boundaries", "incidents"):
        (folder / "data" / name).mkdir(parents=True)
    settings = SETTINGS.replace("SIMULATIONS", str(simulations))
    (folder / "district.toml").write_text(settings, encoding="utf-8")
    corners = [(EAST + SIDE * x, NORTH + SIDE * y) for x in range(side) for y in range(side)]
    ids = [str(number) for number in range(1, len(corners) + 1)]
    shapes = [box(x, y, x + SIDE, y + SIDE) for x, y in corners]
    zones = gpd.GeoDataFrame({"zone_id": ids, "name": ids}, geometry=shapes, crs="EPSG:32610").to_crs(4326)
    zones.to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    xy = rng.uniform((EAST, NORTH), (EAST + far, NORTH + far), (schools, 2))
    at = gpd.GeoSeries.from_xy(*xy.T, crs="EPSG:32610").to_crs(4326)
    names = np.array([f"S{number:03}" for number in range(schools)])
    table = {"school_id": names, "name": names, "level": "elementary", "in_program": True, "enrollment": 500}
    pd.DataFrame({**table, "x": at.x, "y": at.y}).to_csv(folder / "data/boundaries/schools.csv", index=False)
    which = rng.integers(schools, size=calls)
    when = rng.choice(pd.bdate_range("2025-02-01", "2025-05-30").to_numpy(), len(which))
    when = when + (rng.integers(8 * 60, 15 * 60, len(which)) * 60).astype("timedelta64[s]")
    history = {
        "incident_id": np.arange(len(which)),
        "occurred_at": pd.Series(when).dt.strftime("%Y-%m-%d %H:%M"),
        "category": "weapons",
        "school_id": names[which],
        "x": at.x.to_numpy()[which].round(6),
        "y": at.y.to_numpy()[which].round(6),
    }
    pd.DataFrame(history).to_csv(folder / "data/incidents/calls.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    """Write a district whose reading and scans take long."""
    return write_district(tmp_path_factory.mktemp("grid"), side=3, schools=300, calls=60_000, simulations=40_000)


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """Write a district that is soon done, so that the last steps are soon begun."""
    return write_district(tmp_path_factory.mktemp("town"), side=2, schools=8, calls=600, simulations=99)


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


def interrupts(folder, out, name, *, step, after_s):
    """Interrupt a command in a step, and see that it ends soon, says so, and leaves everything as it was."""
    before = tree(folder)
    for _ in range(TRIES):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        code, said, seconds = interrupted([name, folder, "--out", out], step=step, after_s=after_s)
        if code != 0 or seconds > LATE_S:
            break
    assert code == 130, said
    assert "Interrupted: nothing was changed." in said
    assert "Traceback" not in said
    assert seconds < SOON_S
    assert tree(out) == []
    assert tree(folder) == before


@pytest.mark.skipif(os.name != "posix", reason="Windows sends Ctrl-C to a whole console")
@pytest.mark.parametrize(
    ("name", "step", "after_s"),
    [("hotspots", "] Reading", 0.2), ("hotspots", "] Finding hotspots", 2.0), ("run", "] Finding hotspots", 0.5)],
)
def test_ctrl_c_ends_a_long_step_soon_and_leaves_nothing(district, tmp_path, name, step, after_s):
    interrupts(district, tmp_path / "out", name, step=step, after_s=after_s)


@pytest.mark.skipif(os.name != "posix", reason="Windows sends Ctrl-C to a whole console")
@pytest.mark.parametrize(
    ("name", "step", "after_s"),
    [
        ("coverage", "] Working out coverage", 0.3),
        ("board", "] Protecting", 0.2),
        ("board", "] Drawing", 0.2),
        ("run", "] Writing", 0.0),
    ],
)
def test_ctrl_c_ends_the_last_steps_soon_and_leaves_nothing(town, tmp_path, name, step, after_s):
    interrupts(town, tmp_path / "out", name, step=step, after_s=after_s)


@pytest.mark.skipif(os.name != "posix", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_ends_the_search_for_a_plan(tmp_path):
    (tmp_path / "out").mkdir()
    code, said, seconds = interrupted(["run", "--out", tmp_path / "out"], step="] Proposing zones", after_s=1.0)
    assert code == 130, said
    assert "Interrupted: nothing was changed." in said
    assert seconds < SOON_S
    assert tree(tmp_path / "out") == []
