"""How often the calibrated model of coverage agrees with a term that it has not seen, over redrawn districts.

Calls, who comes and how long it takes are drawn anew on the ground of the demo. The model is calibrated on the earlier
terms and judged on the last. What was planted is known: it should lie in its 95 % interval in 95 of 100 districts.

Run as ``python -m benchmarks.bench_redrawn [--districts 100] [--first 0]``; some ten seconds of processor time each.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from random import Random
from unittest import mock

import pandas as pd

from data import make_demo
from data.generator import response
from data.generator.chance import SEED
from safeschools_geo import run_term
from safeschools_geo.term._plan import _middle_schools, prepare_plan

PLANTED = {
    "turnout_min": response.TURNOUT_MIN,
    "trip_factor": response.TRIP_FACTOR,
    "diverted_share": response.DIVERTED_SHARE,
    "unavailable_share": response.UNAVAILABLE_SHARE,
}


def middle_schools() -> str:
    """Write as settings where officers wait: in the middle of their zones, as where a run proposes zones."""
    result = run_term(make_demo.HERE, proposes=False, covers=False, protects=False)
    inputs = prepare_plan(result)
    middles = {} if inputs is None else _middle_schools(inputs.units, crs=result.district.crs)
    return "\n".join(["\n[coverage.staging]", *(f'{zone} = "{school}"' for zone, school in middles.items()), ""])


def redrawn(number: int, staging: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw a district anew and judge its last term.

    Parameters
    ----------
    number
        Which drawing.
    staging
        Settings of where officers wait, as TOML.

    Returns
    -------
    tuple of pandas.DataFrame
        The model beside the record, for each measure and zone; what was planted, with its estimate.
    """

    def stream(purpose: str) -> Random:
        return Random(f"{SEED}/redrawn {number}/{purpose}")  # noqa: S311 - made-up data, not secrets

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("district.toml", "crosswalk.csv"):
            shutil.copy(make_demo.HERE / name, folder / name)
        with (folder / "district.toml").open("a", encoding="utf-8") as settings:
            settings.write(staging)
        with (
            mock.patch("data.generator.history.stream", stream),
            mock.patch("data.generator.response.stream", stream),
        ):
            make_demo.main(folder)
        coverage = run_term(folder, proposes=False, protects=False).coverage
    estimates = coverage.tables()["calibration"]
    planted = estimates[estimates["zone_id"].eq("") & estimates["measure"].isin(list(PLANTED))].set_index("measure")
    truth = planted.index.to_series().map(PLANTED)
    return coverage.validation.to_frame(), planted.assign(is_within=truth.between(planted["low"], planted["high"]))


def main() -> None:
    """Print how often model and record agree, and what was planted is recovered."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--districts", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    staging = middle_schools()
    drawn = [redrawn(number, staging) for number in range(asked.first, asked.first + asked.districts)]
    judged = pd.concat([table for table, _ in drawn])
    planted = pd.concat([table for _, table in drawn])
    judged["of"] = judged["zone_id"].eq("").map({True: "district", False: "zones"})
    shares = judged.dropna(subset="is_within").astype({"is_within": "float64"})
    print(f"{asked.districts} districts: share of figures inside the record's 95 % interval")
    print(shares.pivot_table(index="measure", columns="of", values="is_within", margins=True).round(3).to_string())
    print("Share of districts in which what was planted lies in its interval")
    print(planted.groupby("measure")["is_within"].mean().round(3).to_string())


if __name__ == "__main__":
    main()
