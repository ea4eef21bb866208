"""What cannot be used is refused, with what is wrong and where."""

import numpy as np
import pytest

from safeschools_geo.coverage.queueing import hypercube, hypercube_approximation
from safeschools_geo.errors import InputError, SettingsError, SeveralFaultsError

GOOD = {"arrivals_per_h": [1.0, 0.5], "service_per_h": [1.0, 2.0], "preference": [[0, 1], [1, 0]]}

FAULTS = {
    "arrival missing": ({"arrivals_per_h": [1.0, np.nan]}, r"arrivals_per_h[\s\S]*Rows: 1\n[\s\S]*nan"),
    "arrival negative": ({"arrivals_per_h": [-1.0, 0.5]}, r"Rows: 0\n[\s\S]*-1[\s\S]*0 or more"),
    "arrival infinite": ({"arrivals_per_h": [1.0, np.inf]}, r"Rows: 1\n"),
    "no calls at all": ({"arrivals_per_h": [0.0, 0.0]}, "No place has any calls"),
    "no places": ({"arrivals_per_h": [], "preference": np.empty((0, 2))}, "There is no place"),
    "no officers": ({"service_per_h": [], "preference": np.empty((2, 0))}, "There is no officer"),
    "service zero": ({"service_per_h": [1.0, 0.0]}, r"service_per_h[\s\S]*Rows: 1\n[\s\S]*above 0"),
    "service missing": ({"service_per_h": [np.nan, 2.0]}, r"Rows: 0\n"),
    "rates in a table": ({"service_per_h": [[1.0, 2.0]]}, r"shape \(1, 2\)"),
    "words": ({"arrivals_per_h": ["many", "few"]}, "numbers"),
    "shape of the order": ({"preference": [[0, 1]]}, r"shape \(1, 2\)[\s\S]*shape \(2, 2\)"),
    "an officer twice": ({"preference": [[0, 1], [1, 1]]}, r"not complete[\s\S]*Rows: 1\n[\s\S]*\[1, 1\]"),
    "counted from 1": ({"preference": [[1, 2], [2, 1]]}, r"Rows: 0, 1\n[\s\S]*0 to 1 once"),
    "half an officer": ({"preference": [[0, 1], [0.5, 1]]}, r"Rows: 1\n"),
    "no order": ({"preference": None}, "does not fit"),
    "unknown capacity": ({"capacity": "line"}, r"'line'[\s\S]*\"loss\" or \"queue\""),
    "an unstable line": (
        {"arrivals_per_h": [2.0, 1.0], "capacity": "queue"},
        r"3 calls per hour for 3[\s\S]*load of 1\n",
    ),
    "other units": ({"service_per_h": [1e20, 1e20]}, "not in the same units"),
}


@pytest.mark.parametrize("model", [hypercube, hypercube_approximation])
@pytest.mark.parametrize(("change", "told"), FAULTS.values(), ids=FAULTS.keys())
def test_faults_are_reported(model, change, told):
    given = GOOD | change
    with pytest.raises(InputError, match=told):
        model(given.pop("arrivals_per_h"), given.pop("service_per_h"), given.pop("preference"), **given)


def test_an_overloaded_line_is_reported_with_its_load():
    with pytest.raises(SettingsError, match=r"load of 1.5[\s\S]*Sheriff's patrol"):
        hypercube([3.0], [1.0, 1.0], [[0, 1]], capacity="queue")


def test_all_faults_are_reported_at_once():
    with pytest.raises(SeveralFaultsError) as told:
        hypercube([np.nan, 1.0], [0.0, 1.0], [[0, 1], [1, 0]], capacity="none")
    assert len(told.value.faults) == 3


def test_more_than_fifteen_officers_are_sent_to_the_approximation():
    order = np.tile(np.arange(16), (2, 1))
    with pytest.raises(SettingsError, match=r"16 officers[\s\S]*at most 15[\s\S]*hypercube_approximation"):
        hypercube([1.0, 2.0], np.ones(16), order)
    assert not hypercube_approximation([1.0, 2.0], np.ones(16), order).is_exact


@pytest.mark.parametrize("rates", [np.logspace(-140, 140, 9), np.logspace(-8, 8, 5)])
def test_rates_beyond_reason_are_an_error_and_no_number(rates):
    order = np.argsort(np.random.default_rng(0).random((4, len(rates))), axis=1)
    with pytest.raises(SettingsError, match="not in the same units"):
        hypercube(np.full(4, rates.sum() / 8), rates, order)
