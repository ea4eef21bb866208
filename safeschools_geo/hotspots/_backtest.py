"""How good a forecast of places was: hit rate, and the indices of accuracy, efficiency and recapture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import special

from safeschools_geo.errors import ColumnError, InputError, count_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Forecast = Callable[[pd.DataFrame], pd.Series]


# ── How good a forecast of places was: hit rate, and the indices of accuracy, efficiency and recapture

_TAIL = 0.025


def predictive_accuracy_index(captured: float, area: float, *, total: float, total_area: float) -> float:
    """Compute how densely incidents lie where a forecast points, against everywhere.

    Share of the incidents over share of the area (S. Chainey, L. Tompson and S. Uhlig, "The utility of hotspot
    mapping for predicting spatial patterns of crime", Security Journal 21, 2008); 1 is no better than everywhere;
    missing where there is no incident or no area.
    """
    if not (total > 0 and area > 0 and total_area > 0):
        return float("nan")
    return (captured / total) / (area / total_area)


def prediction_efficiency_index(captured: float, most: float) -> float:
    """Compute how much of what could have been captured was.

    0 to 1 (J. Hunt, "Do crime hot spots move?", American University, 2016); missing where nothing could be.
    """
    return captured / most if most > 0 else float("nan")


def recapture_rate_index(captured: float, total: float, captured_before: float, total_before: float) -> float:
    """Compute how well hotspots keep their share.

    Ratio of the two ratios (N. Levine, "The 'hottest' part of a hotspot", Security Journal 21, 2008); 1 where
    hotspots keep their share; missing where there was nothing.
    """
    if not (captured_before > 0 and total_before > 0 and total > 0):
        return float("nan")
    return (captured / captured_before) / (total / total_before)


def hit_rate(captured: float, total: float) -> tuple[float, float, float]:
    """Compute the share of the incidents captured, and how sure it is.

    The share, and its exact two-sided 95 % interval (C. Clopper and E. Pearson, Biometrika 26, 1934), by the beta
    distribution, which also serves parts of an incident; missing where there is no incident.
    """
    if not 0 <= captured <= total:
        raise InputError("No such number can be captured.", found=captured, expected=f"0 to {total}")
    if not total:
        return float("nan"), float("nan"), float("nan")
    missed = total - captured
    low = float(special.betaincinv(captured, missed + 1, _TAIL)) if captured else 0.0
    high = float(special.betaincinv(captured + 1, missed, 1 - _TAIL)) if missed else 1.0
    return captured / total, low, high


# ── How far such lists could be trusted: terms forecast from those before them, against simpler lists

FEWEST_TERMS = 3
FEWEST_SCHOOLS = 10
"""Lists of fewer schools are not compared: drawing so few anew says nothing about chance."""
SHRUNKEN = "shrunken rates"
LAST_TERM = "same as last term"
LAST_YEAR = "same as last year"
EQUAL = "every school equal"
LEAST_EXPECTED = 0.1
"""No forecast may rule an incident out: for `log_score`, each school is expected to have at least this many."""
_DRAWS = 2000
_NEEDED = ("term", "school_id", "incidents", "student_days")
_MEASURES = (
    "schools_selected",
    "captured",
    "total",
    "hit_rate",
    "hit_rate_low",
    "hit_rate_high",
    "pai",
    "pei",
    "rri",
    "log_score",
)
_COLUMNS = ("train_until", "judged_on", "forecast", *_MEASURES)
_DIFFERENCES = ("difference", "low", "high")


@dataclass(frozen=True)
class Backtest:
    """Forecasts of past terms, judged."""

    table: pd.DataFrame  # One row for each term judged and each forecast: see `backtest`
    # By how much the first forecast's hit rate exceeds that of each other (index), over all terms both can be judged
    # on: `difference`, and `low` and `high` of its two-sided 95 % interval; empty where nothing can be compared
    differences: pd.DataFrame
    without_days: int  # Schools left out of some or all terms, since their student-days are unknown
    settings: dict[str, Any]  # ``top_share``, ``terms_per_year``, ``seed``

    @property
    def status(self) -> str:
        """How the first forecast does by last year's: ``better``, ``no_better``, ``worse``, ``insufficient_data``."""
        if np.isnan(self.difference):
            return "insufficient_data"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no_better"

    @property
    def difference(self) -> float:
        """By how much the first forecast's hit rate exceeds that of last year's list; missing if not comparable."""
        return self._of_last_year("difference")

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of `difference`."""
        return self._of_last_year("low")

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval of `difference`."""
        return self._of_last_year("high")

    def rates(self) -> pd.Series:
        """Pool the hit rates over the terms on which every forecast can be judged, or over all if there is none."""
        sums = self._pooled().groupby("forecast", sort=False)[["captured", "total"]].sum(min_count=1)
        return (sums["captured"] / sums["total"]).rename("hit_rate")

    def summary(self) -> str:
        """Say in plain English how far to trust the list."""
        if self.table.empty:
            text = f"Backtest: too little history; at least {FEWEST_TERMS} terms with known student-days are needed."
            return f"{text}{self._left_out()}"
        rates = self.rates()
        others = "; ".join(f"{name}: {rate:.0%}" for name, rate in rates.iloc[1:].items() if pd.notna(rate))
        text = (
            f"Backtest over {count_text(self._pooled()['judged_on'].nunique(), 'term')}: with "
            f"{self.settings['top_share']:.0%} of the student-days, the {rates.index[0]} found {rates.iloc[0]:.0%} of "
            f"the next term's incidents ({others})."
        )
        return f"{text} {self._verdict()}{self._closeness()}{self._blind()}{self._left_out()}"

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""
        return self.table.copy()

    def _pooled(self) -> pd.DataFrame:
        is_known = self.table["captured"].notna().groupby(self.table["judged_on"]).transform("all")
        return self.table[is_known] if is_known.any() else self.table

    def _of_last_year(self, name: str) -> float:
        return float(self.differences[name].get(LAST_YEAR, np.nan))

    def _verdict(self) -> str:
        if self.status == "insufficient_data":
            is_seen = self.table.loc[self.table["forecast"] == LAST_YEAR, "captured"].notna().any()
            few = f"With fewer than {FEWEST_SCHOOLS} schools, chance cannot be told from a better list."
            return few if is_seen else "There is no year before to compare with."
        low, high = _signed(self.low), _signed(self.high)
        points = f"{_signed(self.difference)} points, 95 % interval {low} to {high}"
        if self.status == "better":
            return f"That is better than last year's list ({points})."
        if self.status == "worse":
            return f"That is worse than last year's list ({points}): do not go by the ranking."
        return f"That is no better than last year's list ({points}): take the ranking with care."

    def _closeness(self) -> str:
        first = str(self.table["forecast"].iloc[0])
        scores = self.table.pivot_table(index="judged_on", columns="forecast", values="log_score", sort=False)
        if not {first, LAST_YEAR} <= set(scores):
            return ""
        pairs = scores[[first, LAST_YEAR]].dropna()
        closer = int((pairs[first] < pairs[LAST_YEAR]).sum())
        terms = count_text(closer, "term", of=len(pairs))
        return f" The numbers it expected were closer to what came than last year's in {terms}."

    def _blind(self) -> str:
        low = float(self.differences["low"].get(EQUAL, np.nan))
        return " It is not clearly better than schools taken blindly." if low <= 0 else ""

    def _left_out(self) -> str:
        if not self.without_days:
            return ""
        return f" Left out: {count_text(self.without_days, 'school')}, for terms without known student-days."


def shrunken_forecast(train: pd.DataFrame) -> pd.Series:
    """Forecast that a school keeps its rate so far, drawn towards that of its level.

    Named `expected`: incidents in a term with the student-days of the school's last one, by `school_id`. A gamma
    prior of mean 1 on the ratio to the level's rate, its variance by moments (R. Marshall, "Mapping disease and
    mortality rates using empirical Bayes estimators", Applied Statistics 40, 1991); where schools differ no more than
    by chance, all have the rate of their level.
    """
    by = train["school_id"]
    level = train["level"] if "level" in train else pd.Series("", index=train.index)
    sums = train.groupby("school_id", sort=False)[["incidents", "student_days"]].sum().astype(np.float64)
    kind = level.fillna("").groupby(by, sort=False).last().loc[sums.index]
    of_level = sums.groupby(kind).transform("sum")
    rate = of_level["incidents"] / of_level["student_days"]
    expected = rate * sums["student_days"]
    variance = float(((sums["incidents"] - expected) ** 2 - sums["incidents"]).sum() / max((expected**2).sum(), 1e-300))
    ratio = (1 + variance * sums["incidents"]) / (1 + variance * expected) if variance > 0 else 1.0
    return (rate * ratio * train.groupby("school_id", sort=False)["student_days"].last()).rename("expected")


def backtest(
    counts: pd.DataFrame,
    forecasts: Mapping[str, Forecast] | None = None,
    *,
    top_share: float = 0.2,
    terms_per_year: int = 2,
    seed: int = 0,
) -> Backtest:
    """Forecast each term from the terms before it, and judge the forecasts.

    `table` has `train_until`, `judged_on`, `forecast`, `schools_selected` (the last one as far as it fits),
    `captured` and `total` incidents, `hit_rate` (their ratio) with its interval (see `hit_rate`), `pai` (area is
    student-days), `pei`, `rri`, and `log_score` (mean Poisson deviance of a school; lower is better). A forecast
    takes the schools of highest expected rate first until the share of student-days is reached; of the last one it
    takes the part that fits, and its incidents in proportion; schools of equal rates are taken in equal parts. A
    school that a forecast says nothing of is given the rate of all schools so far. Every term from the third on is
    judged, so that every forecast has two terms to learn from, unless it has no incident; measures of ``same as last
    year`` are missing where there is no such term. Schools without known student-days are left out. The intervals in
    `differences` draw the schools anew within each term, the lists kept. All lists are of one size in student-days,
    so what schools taken blindly would have had is first subtracted from each. Terms with fewer than `FEWEST_SCHOOLS`
    schools are not compared.
    """
    given = {SHRUNKEN: shrunken_forecast} if forecasts is None else dict(forecasts)
    _check(counts, given, top_share, terms_per_year)
    is_known = counts["student_days"].astype(np.float64) > 0
    known = counts[is_known].astype({"incidents": np.float64, "student_days": np.float64})
    terms = list(counts["term"].unique())
    rows: list[dict[str, Any]] = []
    gains: list[pd.DataFrame] = []
    for fold in _folds(known, terms):
        rates = fold.rates(given, terms_per_year)
        parts = {name: fold.part(rate, top_share) for name, rate in rates.items()}
        most = float((fold.part(fold.truth["incidents"] / fold.days, top_share) * fold.truth["incidents"]).sum())
        rows += [fold.row(name, rates[name], part, most) for name, part in parts.items()]
        if len(fold.truth) >= FEWEST_SCHOOLS:
            gains.append(fold.gains(parts))
    settings = {"top_share": top_share, "terms_per_year": terms_per_year, "seed": seed}
    left_out = int(counts.loc[~is_known, "school_id"].nunique())
    return Backtest(pd.DataFrame(rows, columns=list(_COLUMNS)), _differences(gains, seed), left_out, settings)


@dataclass(frozen=True)
class _Fold:
    """A term to judge: the terms so far, and what then happened by school."""

    terms: list[Any]
    judged_on: Any
    train: pd.DataFrame
    truth: pd.DataFrame

    @property
    def days(self) -> pd.Series:
        return self.truth["student_days"]

    def rates(self, given: Mapping[str, Forecast], terms_per_year: int) -> dict[str, pd.Series]:
        """Forecast incidents per student-day, by school; missing where there is no term to forecast from."""
        last = self.train.groupby("school_id", sort=False)["student_days"].last()
        everywhere = float(self.train["incidents"].sum() / self.train["student_days"].sum())
        shares = {name: _checked(name, forecast(self.train)) / last for name, forecast in given.items()}
        shares |= {LAST_TERM: self._rate_of(1), LAST_YEAR: self._rate_of(terms_per_year)}
        schools = self.truth.index
        rates = {
            name: rate.reindex(schools).fillna(everywhere if len(rate) else np.nan) for name, rate in shares.items()
        }
        return {**rates, EQUAL: pd.Series(everywhere, schools)}

    def _rate_of(self, back: int) -> pd.Series:
        """Rates so many terms ago; none where there is no such term."""
        is_there = self.train["term"].isin(self.terms[-back:][:1] if back <= len(self.terms) else [])
        rows = self.train[is_there].set_index("school_id")
        rate: pd.Series = rows["incidents"] / rows["student_days"]
        return rate

    def part(self, rate: pd.Series, top_share: float) -> pd.Series:
        """Take schools by falling rate until the share of student-days is reached, the last ones in part."""
        if rate.isna().any():
            return rate
        days = self.days.to_numpy()
        # From the highest rate down; equal rates, equal but for rounding, share a place.
        _, place = np.unique(-rate.round(12).to_numpy(), return_inverse=True)
        size = np.bincount(place, days)
        room = top_share * days.sum() - (np.cumsum(size) - size)
        return pd.Series(np.clip(room / size, 0.0, 1.0)[place], rate.index)

    def row(self, name: str, rate: pd.Series, part: pd.Series, most: float) -> dict[str, Any]:
        """Judge a list."""
        incidents = self.truth["incidents"]
        total, names = float(incidents.sum()), (self.terms[-1], self.judged_on, name)
        if part.isna().any():
            return {**dict(zip(_COLUMNS, names, strict=False)), "total": total}
        last = self.train[self.train["term"] == self.terms[-1]].set_index("school_id")["incidents"]
        before = last.reindex(incidents.index).fillna(0.0)
        captured = min(float((part * incidents).sum()), total)
        area, everywhere = float((part * self.days).sum()), float(self.days.sum())
        measures = (
            float(part.sum()),
            captured,
            total,
            *hit_rate(captured, total),
            predictive_accuracy_index(captured, area, total=total, total_area=everywhere),
            prediction_efficiency_index(captured, most),
            recapture_rate_index(captured, total, float((part * before).sum()), float(before.sum())),
            _deviance(incidents, rate * self.days),
        )
        return dict(zip(_COLUMNS, (*names, *measures), strict=True))

    def gains(self, parts: Mapping[str, pd.Series]) -> pd.DataFrame:
        """By school, how many incidents more than each other list the first one captures; and all incidents."""
        incidents = self.truth["incidents"]
        # The lists are equally large, so this changes no sum; it spares the draws the noise of their sizes.
        excess = incidents - self.days * float(incidents.sum() / self.days.sum())
        first, *others = parts
        gained = {name: (parts[first] - parts[name]) * excess for name in others}
        return pd.DataFrame({**gained, "all": incidents})


def _folds(known: pd.DataFrame, terms: list[Any]) -> Iterator[_Fold]:
    """List the terms that can be judged; one without known student-days still counts in what was a year ago."""
    by_term = {term: known[known["term"] == term] for term in terms}
    for place, term in enumerate(terms):
        earlier = [by_term[t] for t in terms[:place] if len(by_term[t])]
        truth = by_term[term].set_index("school_id")[["incidents", "student_days"]]
        if len(earlier) >= FEWEST_TERMS - 1 and truth["incidents"].sum():
            yield _Fold(terms[:place], term, pd.concat(earlier, ignore_index=True), truth)


def _deviance(incidents: pd.Series, expected: pd.Series) -> float:
    """Mean Poisson deviance."""
    cases, mean = incidents.to_numpy(), np.maximum(expected.to_numpy(), LEAST_EXPECTED)
    return float(2 * (special.xlogy(cases, cases / mean) - cases + mean).mean())


def _differences(gains: list[pd.DataFrame], seed: int) -> pd.DataFrame:
    """Draw the schools anew within each term, and compare the first list with each other on each draw."""
    others = [name for name in gains[0] if name != "all"] if gains else []
    rng = np.random.default_rng(seed)
    gained, total = np.zeros((_DRAWS + 1, len(others))), np.zeros((_DRAWS + 1, len(others)))
    for term in gains:
        drawn = rng.multinomial(len(term), np.full(len(term), 1 / len(term)), size=_DRAWS)
        # The first draw is what happened.
        weights = np.vstack([np.ones(len(term)), drawn])
        is_there = term[others].notna().all().to_numpy()
        gained += weights @ term[others].fillna(0.0).to_numpy()
        total += np.outer(weights @ term["all"].to_numpy(), is_there)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.where(total > 0, gained / total, 0.0)
    shares[:, total[0] == 0] = np.nan
    low, high = np.quantile(shares[1:], [_TAIL, 1 - _TAIL], axis=0)
    columns = dict(zip(_DIFFERENCES, (shares[0], low, high), strict=True))
    return pd.DataFrame(columns, index=pd.Index(others, name="forecast", dtype="str"))


def _signed(share: float) -> str:
    return f"{round(100 * share, 1) + 0.0:+.1f}".replace("-", "−")


def _checked(name: str, expected: pd.Series) -> pd.Series:
    """Refuse what is not one number a school."""
    is_wrong = ~(expected.isna() | ((expected >= 0) & (expected < np.inf))) | expected.index.duplicated()
    if is_wrong.any():
        raise InputError(
            "A forecast is not one number a school, 0 or more.",
            where=name,
            ids=expected.index[is_wrong],
            expected="a Series by school_id of expected incidents, missing where it says nothing",
        )
    return expected.astype(np.float64)


def _check(counts: pd.DataFrame, forecasts: Mapping[str, Forecast], top_share: float, terms_per_year: int) -> None:
    lacking = [name for name in _NEEDED if name not in counts]
    if lacking:
        raise ColumnError("Terms cannot be forecast without these columns.", expected=", ".join(lacking))
    if counts["term"].isna().any() or counts["school_id"].isna().any():
        raise InputError("A row has no term or no school.", where="counts")
    is_double = counts.duplicated(["term", "school_id"])
    if is_double.any():
        raise InputError("A school has two rows in one term.", ids=counts.loc[is_double, "school_id"])
    cases, days = counts["incidents"].astype(np.float64), counts["student_days"].astype(np.float64)
    is_wrong = ~((cases >= 0) & (cases < np.inf)) | (days < 0) | (days == np.inf)
    if is_wrong.any():
        raise InputError(
            "Incidents must be 0 or more and none missing; student-days 0 or more.",
            ids=counts.loc[is_wrong, "school_id"],
        )
    if not (0 < top_share <= 1 and terms_per_year >= 1):
        raise InputError(
            "A backtest has options out of their range.",
            found=f"top_share {top_share}, terms_per_year {terms_per_year}",
            expected="top_share above 0 and at most 1, terms_per_year 1 or more",
        )
    if not forecasts or {LAST_TERM, LAST_YEAR, EQUAL, "all"} & set(forecasts):
        raise InputError(
            "Forecasts need names of their own.", found=", ".join(forecasts) or "no forecast", where="forecasts"
        )
