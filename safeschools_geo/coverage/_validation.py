"""The record beside the model: what is observed, what is predicted, and what may be said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from safeschools_geo.coverage._dispatch import NO_PRACTICE
from safeschools_geo.coverage._record import BACKUP, DISTRICT, LEAST_CALLS, LEAST_SHARE, OWN, PATROL, read_record
from safeschools_geo.coverage._response import WITHIN_ONE_MIN, mean_response_min, response_quantile_min, within_share
from safeschools_geo.errors import InputError, count_text
from safeschools_geo.text import figure_text, interval_text, listed, share_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from safeschools_geo.coverage._dispatch import Dispatch
    from safeschools_geo.coverage._record import CallRates, CallRecord, Observed
    from safeschools_geo.coverage.queueing import Hypercube

    Floats = NDArray[np.float64]


# ── What may be said of coverage: the record's figures first, and the model's beside them, called the model's


class Kind(NamedTuple):
    """A measure that is validated."""

    name: str  # What it is called in a sentence
    unit: str  # ``share`` or ``min``
    says: str  # What is said of a figure, with a place for it
    # What can be behind a record that has more, or less, than the model
    if_more: str = ""
    if_less: str = ""
    # The measure that the record has to say of all zones together, lest the model's figure be left out; empty where it
    # is not left out
    rests_on: str = ""


KINDS = {
    "busy": Kind(
        "busy share",
        "share",
        "officers are busy with calls {} of the time",
        "calls keep officers longer than the model has it",
        "others take some of the calls, or calls keep officers less long than the model has it",
    ),
    "backup": Kind(
        "backup",
        "share",
        "another zone’s officer answers {} of calls",
        "officers are busy with more than calls, or are sent by another rule",
        "calls wait for their own officer, or go to patrol, instead of to a neighbor",
        rests_on="overflow",
    ),
    "overflow": Kind(
        "overflow",
        "share",
        "{} of calls go to patrol",
        "patrol answers calls although an officer is free, or officers are busy with more than calls",
        rests_on="overflow",
    ),
    "response": Kind(
        "mean response",
        "min",
        "the mean trip takes {}",
        "officers are farther away than the model has them wait, or drive more slowly",
        "officers are nearer than the model has them wait, or drive faster",
        rests_on="response",
    ),
    "response_p90": Kind("90% response", "min", "nine trips of ten take at most {}", rests_on="response"),
    "within": Kind(
        f"response within {WITHIN_ONE_MIN:g} minutes",
        "share",
        f"an officer reaches {{}} of calls within {WITHIN_ONE_MIN:g} minutes",
        rests_on="response",
    ),
    "own": Kind("own officer", "share", "the zone’s own officer answers {} of calls", rests_on="overflow"),
}
"""The measures, in the order they are reported."""


class Figure(NamedTuple):
    """What may be said of one measure, of one zone or of all together.

    Parameters
    ----------
    measure
        One of `KINDS`.
    recorded
        The figure of the record, which is *the* figure wherever there is one; missing where the record does not say.
    low, high
        Its 95 % interval.
    modeled
        The model's, to be called so; missing where nothing recorded could ever contradict it.
    is_within
        Whether the model's lies in the interval; None where that cannot be said.
    calls, of
        Calls that the record's figure rests on, and calls that it is about.
    """

    measure: str
    recorded: float = nan
    low: float = nan
    high: float = nan
    modeled: float = nan
    is_within: bool | None = None
    calls: int = 0
    of: int = 0

    @property
    def is_recorded(self) -> bool:
        """Whether the record says it."""
        return isfinite(self.recorded)

    @property
    def text(self) -> str:
        """The figure of the record, such as ``"5.8 min"``."""
        return figure_text(self.recorded, KINDS[self.measure].unit)

    @property
    def interval(self) -> str:
        """The interval, such as ``"5.5 to 6.2 min"``."""
        return interval_text(self.low, self.high, KINDS[self.measure].unit)

    @property
    def modeled_text(self) -> str:
        """The figure of the model, such as ``"4.3 min"``."""
        return figure_text(self.modeled, KINDS[self.measure].unit)

    def __str__(self) -> str:
        """Write the figure of the record with its interval, such as ``"5.8 min (5.5 to 6.2 min)"``."""
        return f"{self.text} ({self.interval})"


@dataclass(frozen=True, eq=False)
class Validation:
    """What the record says of coverage, and what the model predicts beside it.

    Whoever shows a figure of coverage takes it from here: the record's where it has one (`figure`, `lead`), the model's
    with its `mark`, and no figure of the model where the record could never contradict it (`withheld`).
    """

    # `measure` (``busy``, ``backup``, ``overflow``, ``response``, ``response_p90``, ``within``, ``own``), `zone_id`
    # (empty for all together), `predicted` (missing where it may not be reported), `observed` (missing where the record
    # does not say, or rests it on too few calls), `low` and `high` (95 % interval of the observed), `is_within`
    # (whether the predicted lies in it; missing where either is not known), `calls` that the observed rests on, `of`
    # how many, and `note`. Shares are 0 to 1, response is in minutes
    table: pd.DataFrame
    calls: int  # Calls of the record
    days: int  # School days of the record
    is_timed: bool  # Whether any call of the record has times that minutes can be measured from
    has_responders: bool  # Whether any call of the record says who answered
    is_own_days: bool  # Whether the model's rates are of the same days
    # How many calls each kind of responder answered, of those whose responder is known
    answered: Mapping[str, int] = field(default_factory=dict)
    # Recorded trips by school (`CallRecord.trips`). Confidential
    trips: pd.DataFrame = field(default_factory=pd.DataFrame)
    began: int = 0  # Incidents of these days that officers began themselves: they are no calls
    calibrated_on: tuple[str, ...] = ()  # The earlier terms that the model is calibrated on; none where it is not
    # What they say, tested on this one (`assumptions_tested`)
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)

    def figure(self, measure: str, zone_id: str = DISTRICT) -> Figure:
        """Give the figures of the record and the model for a measure of `KINDS`, of one zone or all (`DISTRICT`)."""
        return self._figures.get((measure, zone_id), Figure(measure))

    @cached_property
    def _figures(self) -> dict[tuple[str, str], Figure]:
        found: dict[tuple[str, str], Figure] = {}
        for row in self.table.to_dict("records"):
            within = None if pd.isna(row["is_within"]) else bool(row["is_within"])
            observed, low, high, predicted = (float(row[name]) for name in ("observed", "low", "high", "predicted"))
            figure = Figure(row["measure"], observed, low, high, predicted, within, int(row["calls"]), int(row["of"]))
            found.setdefault((row["measure"], row["zone_id"]), figure)
        return found

    @property
    def shows_minutes(self) -> bool:
        """Whether enough calls have times of dispatch and arrival for minutes to be reported."""
        return self.figure("response").is_recorded

    @property
    def shows_answers(self) -> bool:
        """Whether it is known of enough calls who answered for that to be reported."""
        return self.figure("overflow").is_recorded

    def withheld(
        self, frame: pd.DataFrame, *, minutes: Iterable[str] = (), answers: Iterable[str] = ()
    ) -> pd.DataFrame:
        """Empty the columns of a model's table (on minutes, on who answers) that nothing recorded could contradict."""
        idle = [*(() if self.shows_minutes else minutes), *(() if self.shows_answers else answers)]
        return frame.assign(**{name: nan for name in idle if name in frame.columns})

    def lead(self) -> str:
        """Say what the record says of coverage, and how far the model can be followed.

        A few sentences: minutes, who answered, what was not recorded, and the checks that the model fails.
        """
        return " ".join(text for text in (self._minutes(), self._answers(), self._checks()) if text)

    def answered_by_officers(self) -> str:
        """Say how many calls zone officers answered, as far as the record does.

        For example ``"842 were answered by them; of 41 it is not known"``; empty where the record does not say.
        """
        if not self.shows_answers:
            return ""
        known = sum(self.answered.values())
        officers = self.answered.get(OWN, 0) + self.answered.get(BACKUP, 0)
        unknown = "" if known == self.calls else f"; of {self.calls - known:,} it is not known"
        return f"{officers:,} were answered by them{unknown}"

    def mark(self, *measures: str) -> str:
        """Call figures the model's, and name the checks that it fails.

        For example ``"by the model, which fails its check on mean response (4.3 min, recorded 5.8 min)"``.
        """
        figures = [self.figure(name) for name in measures or KINDS]
        failed = [one for one in figures if one.is_within is False]
        if failed:
            named = listed([f"{KINDS[one.measure].name} ({one.modeled_text}, recorded {one.text})" for one in failed])
            return f"by the model, which fails its {'check' if len(failed) == 1 else 'checks'} on {named}"
        passed = [KINDS[one.measure].name for one in figures if one.is_within]
        if passed:
            return f"by the model, which agrees with the record on {listed(passed)}"
        return "by the model, which could not be checked"

    def finding(self) -> str:
        """Say plainly where model and record differ, before anything is built on the model.

        A few sentences: first what differs for all zones together, then what agrees and what cannot be reported, then
        the zones.
        """
        lacking = self._lacking()
        whole = self.table[self.table["zone_id"] == DISTRICT]
        judged = whole[whole["is_within"].notna()]
        if judged.empty:
            return f"The model cannot be checked: {lacking}. Its figures rest on assumptions alone."
        outside = judged[~judged["is_within"].astype(bool)].to_dict("records")
        said = [" ".join(_difference(row, guess=self.tests.empty) for row in outside)] if outside else []
        if outside:
            said.append("Read every figure of the model with this in mind.")
        alike = [KINDS[name].name for name in judged.loc[judged["is_within"].astype(bool), "measure"]]
        if alike:
            said.append(
                f"Model and record agree on {listed(alike)}, as far as {count_text(self.calls, 'call')} can tell."
            )
        if lacking:
            said.append(f"Not all can be checked: {lacking}.")
        return " ".join(
            text for text in [*said, *self._about_zones(), *self._about_days(), self.about_assumptions()] if text
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure and zone."""
        return self.table.copy()

    def by_zone(self) -> pd.DataFrame:
        """Return what may be said of each zone, a row for each.

        By `zone_id`: for each measure `<measure>_recorded`, `<measure>_low`, `<measure>_high`, and `<measure>_model`,
        shares 0 to 1 and minutes; missing where they may not be said.
        """
        zones = self.table[self.table["zone_id"] != DISTRICT]
        names = {"observed": "recorded", "low": "low", "high": "high", "predicted": "model"}
        wide = {
            f"{measure}_{name}": rows.set_index("zone_id")[column]
            for measure, rows in zones.groupby("measure", sort=False)
            for column, name in names.items()
        }
        ids = pd.Index(zones["zone_id"].unique(), name="zone_id")
        return pd.DataFrame({name: column.reindex(ids) for name, column in wide.items()}, index=ids)

    def _minutes(self) -> str:
        mean = self.figure("response")
        if not mean.is_recorded:
            return f"{self._missing_times()}, so nothing is said of how soon an officer comes."
        who = "an officer" if self.shows_answers else "whoever came"
        text = f"After dispatch, {who} was there in {mean} on average"
        slow, near = self.figure("response_p90"), self.figure("within")
        text += f", and in at most {slow.text} at nine calls of ten" if slow.is_recorded else ""
        text += f"; {near.text} of all calls were reached within {WITHIN_ONE_MIN:g} minutes" if near.is_recorded else ""
        known = (
            "" if mean.calls == mean.of else f" (the trip is known at {mean.calls:,} of {count_text(mean.of, 'call')})"
        )
        return f"{text}{known}."

    def _answers(self) -> str:
        patrol = self.figure("overflow")
        if not patrol.is_recorded:
            return f"{self._missing_responders()}, so nothing is said of that."
        own, other = self.figure("own"), self.figure("backup")
        noun = "reported call" if self.began else "call"
        known = f", as far as it is known who answered (of {patrol.calls:,})" if patrol.calls < patrol.of else ""
        return (
            f"Of {count_text(self.calls, noun)} for zone officers, the zone’s own officer answered {own.text}, "
            f"another zone’s officer {other.text}, and Sheriff’s patrol {patrol}{known}."
        )

    def _checks(self) -> str:
        judged = [one for one in map(self.figure, _BY_WEIGHT) if one.is_within is not None]
        failed = [one for one in judged if not one.is_within]
        if failed:
            named = [f"{KINDS[one.measure].name} (it says {one.modeled_text})" for one in failed[:_NAMED]]
            more = [f"{len(failed) - _NAMED} more"] if len(failed) > _NAMED else []
            names = listed([*named, *more])
            checks = "check" if len(failed) == 1 else "checks"
            return f"The model fails its {checks} on {names}: take differences between plans from it, not levels."
        if judged:
            return f"The model agrees with the record on {listed([KINDS[one.measure].name for one in judged])}."
        return "The model could not be checked: only differences between plans are taken from it."

    def _missing_times(self) -> str:
        mean = self.figure("response")
        if not mean.calls:
            return "No times of dispatch and arrival were recorded"
        return f"Times of dispatch and arrival are known of {mean.calls:,} of {count_text(mean.of, 'call')} ({_RULE})"

    def _missing_responders(self) -> str:
        patrol = self.figure("overflow")
        if not patrol.calls:
            return "The record does not say who answered"
        return f"The record says who answered {patrol.calls:,} of {count_text(patrol.of, 'call')} ({_RULE})"

    def _lacking(self) -> str:
        if not self.calls:
            return "the record has no calls for officers on these days"
        lacking = []
        if not self.is_timed:
            lacking.append("has no times of dispatch, arrival and clearing that can be used")
        elif not self.shows_minutes:
            lacking.append(f"has times of too few calls ({_RULE})")
        if not self.has_responders:
            lacking.append("does not say who answered")
        elif not self.shows_answers:
            lacking.append(f"says of too few calls who answered ({_RULE})")
        return f"the record {listed(lacking)}" if lacking else ""

    def _about_zones(self) -> list[str]:
        judged = self.table[(self.table["zone_id"] != DISTRICT) & self.table["is_within"].notna()]
        outside = judged[~judged["is_within"].astype(bool)]
        if judged.empty:
            return []
        expected = round(0.05 * len(judged))
        text = f"Of {count_text(len(judged), 'figure')} of single zones {len(outside):,} lie outside their intervals"
        return [f"{text}, where chance alone would put about {expected:,}."]

    def _about_days(self) -> list[str]:
        if not self.is_own_days:
            return []
        if self.calibrated_on:
            return ["Its numbers of calls are of the same days; its minutes and shares are of earlier terms."]
        return ["The model’s rates and minutes are of the same days, so that its busy share is bound to come near."]

    def about_assumptions(self) -> str:
        """Say which assumptions of the model failed on this term’s own record; empty where none could be tested."""
        if self.tests.empty:
            return ""
        failed = [str(sentence) for sentence in self.tests.loc[~self.tests["holds"].astype(bool), "told"]]
        number = count_text(len(self.tests), "assumption")
        if not failed:
            return f"All {number} taken from earlier terms hold, tested on this one."
        verb = "does" if len(failed) == 1 else "do"
        return f"Of {number} taken from earlier terms {len(failed)} {verb} not hold in this one: {'; '.join(failed)}."


_BY_WEIGHT = ("response", "overflow", "within", "response_p90", "own", "backup", "busy")
_NAMED = 2
"""Checks that fail are named, the weightiest first, up to so many; all of them stand in `Validation.finding`."""

_RULE = f"at least {LEAST_CALLS} and {share_text(LEAST_SHARE).removesuffix('.0%')}% are needed"


def _difference(row: dict[Any, Any], *, guess: bool) -> str:
    kind = KINDS[row["measure"]]
    observed = figure_text(row["observed"], kind.unit)
    known = interval_text(row["low"], row["high"], kind.unit)
    text = f"The record says that {kind.says.format(f'{observed} ({known})')}; the model says"
    why = kind.if_more if row["observed"] > row["predicted"] else kind.if_less
    reason = f" It could be that {why}." if why and guess else ""
    return f"{text} {figure_text(row['predicted'], kind.unit)}.{reason}"


# ── The queueing model beside the record: what it predicts, what was observed, and where the two differ

COLUMNS = ["measure", "zone_id", "predicted", "observed", "low", "high", "is_within", "calls", "of", "note"]
"""Columns of a validation."""


def validate(
    history: pd.DataFrame,
    rates: CallRates,
    dispatch: Dispatch,
    model: Hypercube,
    *,
    longest_service_min: float,
    days: Iterable[dt.date] | None = None,
    calibrated_on: tuple[str, ...] = (),
    tests: pd.DataFrame | None = None,
    least_calls: int = LEAST_CALLS,
    draws: int = 1000,
    seed: int = 0,
) -> Validation:
    """Compare what the queueing model predicts with what the record says, for each zone and all together.

    `history` are incidents in context (`counts.in_context`), of days on which the zones of `dispatch` were in force;
    `rates` are those that `model` was given, in which calls overflow to patrol. Without `days` those of `rates` are
    compared; rates of one term and the record of the next are the harder test. `calibrated_on` are the earlier terms
    that the model is calibrated on; `tests`, what these say tested on this record (`assumptions_tested`), take the
    place of guesses at what is behind a difference. `draws` is how often the days are drawn again for the intervals.

    The record does not say which officer came as a backup: the busy share of one zone is therefore that of its own
    officer with its own calls, predicted and observed alike, and only all officers together are compared on all calls.
    Minutes run from dispatch to clearing. Incidents that officers began keep them busy, and are in no other figure.
    Visits are no busy time, on neither side. Intervals are bootstrap intervals over whole school days (`day_weights`);
    they are of chance in the record, and of nothing in the model.

    A figure of the record is said where it rests on `least_calls` calls or more, and on half of the calls that it is
    about. Where the record says nothing of response, the model's minutes cannot be held against anything and are left
    out; so are its shares of who answers where the record does not say who did (assumption A67).
    """
    schools = dispatch.school_zones.index
    if not schools.isin(rates.arrivals_per_h.index).all():
        raise InputError(
            "Some schools of the model have no rates.",
            where="rates",
            ids=schools[~schools.isin(rates.arrivals_per_h.index)],
            remedy="Make the rates for the schools that officers are dispatched to.",
        )
    own_days = pd.DatetimeIndex(rates.by_day.index)
    days_seen = own_days
    if days is not None:
        days_seen = pd.DatetimeIndex(pd.to_datetime(list(days))).normalize().unique().sort_values()
    record = read_record(
        history,
        dispatch.school_zones,
        rates.hours_per_day,
        days=days_seen,
        longest_min=longest_service_min,
        draws=draws,
        seed=seed,
    )
    arrivals = rates.arrivals_per_h[schools].to_numpy(dtype=np.float64)
    rows: list[tuple[object, ...]] = []
    for zone_id in (DISTRICT, *dispatch.zones):
        officers = _officers_of(zone_id, dispatch)
        predicted = _predicted(zone_id, arrivals, dispatch, model)
        seen = _seen(zone_id, record, officers)
        rows += [
            _row(name, zone_id, predicted[name], found, guess=tests is None or tests.empty)
            if found.is_enough(least_calls)
            else _unsaid(name, zone_id, predicted[name], found)
            for name, found in seen.items()
        ]
    order = {name: i for i, name in enumerate(KINDS)}
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"is_within": "boolean"})
    compared = set(table.loc[(table["zone_id"] == DISTRICT) & table["observed"].notna(), "measure"])
    is_idle = table["measure"].map(lambda name: bool(KINDS[name].rests_on) and KINDS[name].rests_on not in compared)
    figures = ["predicted", "observed", "low", "high", "is_within"]
    table[figures] = table[figures].mask(is_idle)
    table["note"] = table["note"].mask(is_idle & table["calls"].gt(0), "the record says it of too few calls")
    return Validation(
        table=table.sort_values("measure", key=lambda names: names.map(order), kind="stable", ignore_index=True),
        answered={str(who): int(number) for who, number in record.dispatched["responder"].value_counts().items()},
        trips=record.trips(),
        calls=len(record.dispatched),
        began=len(record.calls) - len(record.dispatched),
        days=len(days_seen),
        is_timed=record.is_timed,
        has_responders=record.has_responders,
        is_own_days=bool(days_seen.equals(own_days)),
        calibrated_on=calibrated_on,
        tests=pd.DataFrame() if tests is None else tests,
    )


def _officers_of(zone_id: str, dispatch: Dispatch) -> int:
    is_here = dispatch.officer_zones == zone_id
    return len(is_here) if zone_id == DISTRICT else int(is_here.sum())


def _predicted(zone_id: str, arrivals: Floats, dispatch: Dispatch, model: Hypercube) -> dict[str, float]:
    shares = model.dispatch_share
    busy = np.asarray(model.busy_share, dtype=np.float64)
    rows = np.ones(len(shares), dtype=bool)
    if zone_id != DISTRICT:
        rows = dispatch.school_zones.to_numpy() == zone_id
        # Busy time is shared over calls as they are answered, since an officer's calls all take the same on average.
        of_officer = np.divide(
            shares[rows].sum(axis=0), shares.sum(axis=0), out=np.zeros(len(busy)), where=shares.sum(axis=0) > 0
        )
        is_theirs = (dispatch.officer_zones == zone_id).to_numpy()
        busy = (busy * of_officer)[is_theirs]
    calls, answered = float(arrivals[rows].sum() / arrivals.sum()), shares[rows]
    here, minutes = dispatch.trips(shares[rows], rows)
    other = float(answered[~dispatch.is_own[rows]].sum())
    return {
        "busy": float(busy.mean()) if len(busy) else np.nan,
        "backup": other / calls if calls else np.nan,
        "overflow": _to_patrol(float(answered.sum()), calls, dispatch, model),
        "response": mean_response_min(here, minutes),
        "response_p90": response_quantile_min(here, minutes),
        "within": within_share(here, minutes, WITHIN_ONE_MIN) / calls if calls else np.nan,
        "own": float(answered[dispatch.is_own[rows]].sum()) / calls if calls else np.nan,
    }


def _to_patrol(answered: float, calls: float, dispatch: Dispatch, model: Hypercube) -> float:
    """Say how many calls go to patrol: zones differ in it only by what is sent there whoever is free."""
    if dispatch.practice is NO_PRACTICE:
        return float(model.overflow_share)
    return 1 - answered / calls if calls else np.nan


def _seen(zone_id: str, record: CallRecord, officers: int) -> dict[str, Observed]:
    seen = {
        "backup": record.answered_share(zone_id, BACKUP),
        "overflow": record.answered_share(zone_id, PATROL),
        "response": record.mean_trip_min(zone_id),
        "response_p90": record.trip_p90_min(zone_id),
        "within": record.reached_share(zone_id, WITHIN_ONE_MIN),
        "own": record.answered_share(zone_id, OWN),
    }
    return {"busy": record.busy_share(zone_id, officers=officers), **seen} if officers else seen


def _unsaid(name: str, zone_id: str, predicted: float, found: Observed) -> tuple[object, ...]:
    known = f": {found.calls:,} of {count_text(found.of, 'call')} have it" if found.calls else ""
    nothing = (np.nan, np.nan, np.nan, pd.NA)
    return name, zone_id, predicted, *nothing, found.calls, found.of, f"the record does not say{known}"


def _row(name: str, zone_id: str, predicted: float, found: Observed, *, guess: bool) -> tuple[object, ...]:
    whole = count_text(found.of, "call")
    note = f"from {whole}" if found.calls == found.of else f"from {found.calls:,} of {whole}"
    is_within: object = pd.NA
    why = ""
    if np.isfinite(predicted):
        is_within = found.low <= predicted <= found.high
        why = "" if is_within or not guess else KINDS[name].if_more if found.value > predicted else KINDS[name].if_less
    sentence = "; ".join(text for text in (note, why) if text)
    return name, zone_id, predicted, found.value, found.low, found.high, is_within, found.calls, found.of, sentence
