"""How often a school that is high is found, and how often a term without any is flagged, beside an oracle, in one run.

python -m benchmarks.power_of_schools [--terms 1000] [--quick] [--out benchmarks/reports/power_of_schools.md]

The demo's schools of known enrollment, in simulated terms: five of history, or none, and the one that is judged. Every
school has a gamma factor of its own that lasts, with the variance in the first column, and one of each term, with that
in the second. In half as many terms one school, drawn at random, has 2.5 times the number that its enrollment and level
lead to expect. The oracle makes the same two tests with the true rates and variances. *Before* is the funnel of earlier
versions, with p-values averaged over the dispersions that the data support.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.calibrate_hotspots import ALPHA, demo_town
from safeschools_geo.hotspots import q_values
from safeschools_geo.hotspots._expected import p_values
from safeschools_geo.hotspots._schools import FEWEST_PEERS, OF_PAST, _test

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.calibrate_hotspots import Town

    Floats = NDArray[np.float64]

FACTOR = 2.5


class Setting(NamedTuple):
    """What a district is like."""

    variance: float  # Of the schools' own factors
    of_terms: float = 0.0  # Variance of the factor of each school in each term
    is_uneven: bool = False  # Whether terms differ in length and season
    history: int = 5  # Terms before the one that is judged


SETTINGS = (
    *(Setting(variance) for variance in (0.05, 0.1, 0.2)),
    Setting(0.1, of_terms=0.03),
    Setting(0.1, is_uneven=True),
    *(Setting(variance, history=0) for variance in (0.05, 0.2)),
)
METHODS = ("before", "funnel alone", "funnel and past", "oracle")
REPORT = Path(__file__).resolve().parent / "reports" / "power_of_schools.md"


def draw(town: Town, given: Setting, *, high: int | None, rng: np.random.Generator) -> tuple[pd.DataFrame, Floats]:
    """Draw the counts of the terms, the last with one high school if asked for, and what is truly expected."""
    lasting, passing = given.variance, given.of_terms
    shape = (given.history + 1, len(town.expected))
    factors = np.tile(rng.gamma(1 / lasting, lasting, shape[1]), (shape[0], 1))
    if passing:
        factors *= rng.gamma(1 / passing, passing, shape)
    length = rng.uniform(0.6, 1.2, (shape[0], 1)) if given.is_uneven else np.ones((shape[0], 1))
    levels, level = np.unique(town.schools["level"], return_inverse=True)
    season = rng.lognormal(0, 0.2, (shape[0], 1)) * rng.lognormal(0, 0.05, (shape[0], len(levels)))[:, level]
    expected = town.expected * length * (season if given.is_uneven else 1.0)
    means = expected * factors
    if high is not None:
        means[-1, high] = FACTOR * expected[-1, high]
    counts = rng.poisson(means)
    terms = [
        town.schools.assign(
            term=f"T{term}",
            student_days=town.schools["student_days"] * length[term, 0],
            reported=counts[term],
            incidents=counts[term],
            officer_initiated_share=0.0,
        )
        for term in range(shape[0])
    ]
    return pd.concat(terms, ignore_index=True), expected


def oracle(counts: pd.DataFrame, expected: Floats, given: Setting) -> NDArray[np.bool_]:
    """Make the two tests, without a history the funnel alone, as who knows the rates and the variances would."""
    lasting, passing = given.variance, given.of_terms
    cases = counts["reported"].to_numpy().reshape(expected.shape)
    weights = 1 / (1 + passing * expected[:-1])
    shape = 1 / lasting + (weights * cases[:-1]).sum(axis=0)
    mean = expected[-1] * shape / (1 / lasting + (weights * expected[:-1]).sum(axis=0))
    past = p_values(cases[-1], mean, 1 / shape + passing * (1 + 1 / shape))
    level = p_values(cases[-1], expected[-1], lasting + passing + lasting * passing)
    both = np.minimum(np.minimum(level / (1 - OF_PAST), past / OF_PAST), 1.0)
    return q_values(both if given.history else level) <= ALPHA


def flagged(counts: pd.DataFrame, town: Town) -> dict[str, NDArray[np.bool_]]:
    """Say which schools each method flags: those that `school_rates` calls high are those of its p-values."""
    terms = list(counts["term"].unique())
    schools = town.schools["level"].value_counts()
    is_compared = counts["level"].isin(schools.index[schools >= FEWEST_PEERS]).to_numpy()
    test = _test(counts, is_compared, "reported", terms, counts["term"].eq(terms[-1]).to_numpy())
    seen, found = counts["reported"].to_numpy()[-len(town.expected) :][test.is_tested], test.ordinary
    averaged = [
        w * p_values(seen, found.expected, a) for a, w in zip(found.alphas, found.weights, strict=True) if w > 0
    ]
    before = np.full(len(town.expected), np.nan)
    before[test.is_tested] = np.minimum(np.sum(averaged, axis=0), 1.0)
    by = {"before": before, "funnel alone": np.minimum(test.against_level, 1.0), "funnel and past": test.p_value}
    return {name: q_values(values) <= ALPHA for name, values in by.items()}


def one_setting(town: Town, given: Setting, terms: int) -> list[dict[str, object]]:
    """Judge many terms without a high school, and half as many with one."""
    false, hits = [], []
    for number in range(terms + terms // 2):
        rng = np.random.default_rng([number, *(int(1000 * value) for value in given)])
        high = int(rng.integers(len(town.expected))) if number >= terms else None
        counts, expected = draw(town, given, high=high, rng=rng)
        found = flagged(counts, town)
        found["oracle"] = oracle(counts, expected, given)
        if high is None:
            false.append({name: found[name].any() for name in METHODS})
        else:
            hits.append({name: found[name][high] for name in METHODS})
    start = {
        "variance": given.variance,
        "of terms": given.of_terms,
        "terms": "uneven" if given.is_uneven else "alike",
        "before it": given.history,
    }
    return [
        {**start, "what": what, **{str(name): f"{share:.1%}" for name, share in pd.DataFrame(rows).mean().items()}}
        for what, rows in (("false terms", false), (f"power at {FACTOR:g} ×", hits))
    ]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terms", type=int, default=1000, help="terms without a high school; half as many with one")
    parser.add_argument("--quick", action="store_true", help="40 terms, printed only: some ten seconds")
    parser.add_argument("--out", type=Path, default=REPORT)
    options = parser.parse_args()
    town, start = demo_town(), time.process_time()
    terms = 40 if options.quick else options.terms
    rows: list[dict[str, object]] = []
    for given in SETTINGS:
        rows += one_setting(town, given, terms)
        print(*rows[-2:], sep="\n", flush=True)
    heads = list(rows[0])
    lines = [
        "| " + " | ".join(map(str, row)) + " |" for row in (heads, ["---"] * len(heads), *(r.values() for r in rows))
    ]
    print("\n".join(lines))
    if options.quick:
        return
    error = 100 * 1.96 * np.sqrt(0.05 * 0.95 / terms)
    text = [
        "# Power and false alarms of the tests of schools",
        "",
        (
            f"Made by `python -m benchmarks.power_of_schools --terms {terms}` in {time.process_time() - start:,.0f} "
            f"seconds of processor time: {terms:,} terms without a high school and {terms // 2:,} with one a setting. "
            "*False terms* are those of the former in which any school is flagged, at 5 % nominal "
            f"± {error:.1f}; *power* is the share of the latter in which the school that is high is flagged."
        ),
        "",
        *lines,
        "",
    ]
    options.out.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()
