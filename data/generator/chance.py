"""Chance that is the same on every machine: one seed, and a stream of its own for each purpose."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SEED = 20260604
T = TypeVar("T")


def stream(purpose: str) -> Random:
    """Start the stream of random numbers of one purpose.

    Parameters
    ----------
    purpose
        What it is for; streams of different purposes are independent, so that a change in one leaves the others.

    Returns
    -------
    random.Random
        Seeded by `SEED` and the purpose. Python promises that its ``random()`` stays the same from version to version.
    """
    return Random(f"{SEED}/{purpose}")  # noqa: S311 - made-up data, not secrets


def pick(chance: Random, weights: Mapping[T, float]) -> T:
    """Draw one of several things.

    Parameters
    ----------
    chance
        Random numbers.
    weights
        Thing → its weight.

    Returns
    -------
    object
        One of the things.
    """
    left = chance.random() * sum(weights.values())
    for thing, weight in weights.items():
        left -= weight
        if left < 0:
            return thing
    return thing


def happens(chance: Random, probability: float) -> bool:
    """Toss a coin.

    Parameters
    ----------
    chance
        Random numbers.
    probability
        How likely it is, 0 to 1.

    Returns
    -------
    bool
        Whether it happens.
    """
    return chance.random() < probability


def one_of(chance: Random, things: Sequence[T]) -> T:
    """Draw one of a sequence, each as likely as the others.

    Parameters
    ----------
    chance
        Random numbers.
    things
        What to draw from.

    Returns
    -------
    object
        One of the things.
    """
    return things[int(len(things) * chance.random())]


def sample(chance: Random, things: Sequence[T], size: int) -> list[T]:
    """Draw several of a sequence, none twice, in the order of the sequence.

    Parameters
    ----------
    chance
        Random numbers.
    things
        What to draw from.
    size
        How many.

    Returns
    -------
    list
        Those drawn.
    """
    by_lot = sorted(range(len(things)), key=[chance.random() for _ in things].__getitem__)
    return [things[n] for n in sorted(by_lot[:size])]


def poisson(chance: Random, mean: float) -> int:
    """Draw a Poisson number.

    Parameters
    ----------
    chance
        Random numbers.
    mean
        Its mean, at most some hundreds.

    Returns
    -------
    int
        The number.

    Notes
    -----
    Knuth, The Art of Computer Programming 2, 3.4.1: uniform numbers are multiplied
    until the product is below exp(-mean).
    """
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def gamma(chance: Random, *, shape: int) -> float:
    """Draw a gamma number of mean 1, with which a Poisson number becomes a negative binomial one.

    Parameters
    ----------
    chance
        Random numbers.
    shape
        Shape; the variance is its inverse.

    Returns
    -------
    float
        The number: the mean of so many exponential ones.
    """
    return -sum(math.log(1 - chance.random()) for _ in range(shape)) / shape


def normal(chance: Random) -> float:
    """Draw a standard normal number.

    Parameters
    ----------
    chance
        Random numbers.

    Returns
    -------
    float
        The number (Box and Muller's method).
    """
    return math.sqrt(-2 * math.log(1 - chance.random())) * math.cos(2 * math.pi * chance.random())


def minutes(chance: Random, median: float, *, spread: float = 0.5) -> float:
    """Draw a length of time.

    Parameters
    ----------
    chance
        Random numbers.
    median
        Median, in minutes.
    spread
        Standard deviation of the logarithm.

    Returns
    -------
    float
        Log-normal minutes.
    """
    return median * math.exp(spread * normal(chance))
