"""The rules of dispatch written out naively, state by state: generator matrices, and flows in and out."""

import numpy as np


def free_and_first(ranks_of_place, busy):
    """List the officers who may be sent, each with an equal chance: the free ones of lowest rank."""
    free = [i for i in range(len(ranks_of_place)) if not busy[i]]
    if not free:
        return []
    lowest = min(ranks_of_place[i] for i in free)
    return [i for i in free if ranks_of_place[i] == lowest]


def ranks_of(preference):
    ranks = np.empty_like(preference)
    for place, order in enumerate(preference):
        for position, officer in enumerate(order):
            ranks[place, officer] = position
    return ranks


def transitions(arrivals, service, ranks, line=0):
    """List (from, to, rate); states are (bits of busy officers, calls in line)."""
    n = len(service)
    full = 2**n - 1
    for state in range(2**n):
        busy = [(state >> i) & 1 == 1 for i in range(n)]
        for place, rate in enumerate(arrivals):
            sent = free_and_first(ranks[place], busy)
            for officer in sent:
                yield (state, 0), (state + 2**officer, 0), rate / len(sent)
        for officer in range(n):
            if busy[officer]:
                yield (state, 0), (state - 2**officer, 0), service[officer]
    for waiting in range(line):
        yield (full, waiting), (full, waiting + 1), sum(arrivals)
        yield (full, waiting + 1), (full, waiting), sum(service)


def stationary(arrivals, service, ranks, line=0):
    """Solve the dense generator matrix; return the chances of the bits, calls in line folded into all busy."""
    n = len(service)
    index = {(state, 0): state for state in range(2**n)}
    index |= {(2**n - 1, waiting): 2**n - 1 + waiting for waiting in range(line + 1)}
    generator = np.zeros((len(index), len(index)))
    for one, other, rate in transitions(arrivals, service, ranks, line):
        generator[index[one], index[other]] += rate
        generator[index[one], index[one]] -= rate
    system = np.vstack([generator.T, np.ones(len(index))])
    right = np.zeros(len(index) + 1)
    right[-1] = 1
    chances = np.linalg.lstsq(system, right, rcond=None)[0]
    return np.append(chances[: 2**n - 1], chances[2**n - 1 :].sum())


def dispatch_shares(arrivals, service, ranks, chances, *, has_line):
    """Share out the calls of each place from the chances of the states."""
    n = len(service)
    shares = np.zeros((len(arrivals), n))
    for state in range(2**n):
        busy = [(state >> i) & 1 == 1 for i in range(n)]
        for place in range(len(arrivals)):
            sent = free_and_first(ranks[place], busy)
            for officer in sent:
                shares[place, officer] += chances[state] / len(sent)
    if has_line:
        shares += chances[-1] * np.asarray(service) / sum(service)
    return shares


def largest_net_flow(arrivals, service, ranks, chances):
    """Give the largest difference between what flows in and out of a state of a model without a line."""
    net = np.zeros(len(chances))
    for (one, _), (other, _), rate in transitions(arrivals, service, ranks):
        net[one] -= chances[one] * rate
        net[other] += chances[one] * rate
    return np.abs(net).max()


def random_system(seed, *, officers, places=4, load=0.5, spread=0.6):
    """Draw arrivals, service rates and an order for each place."""
    rng = np.random.default_rng(seed)
    service = np.exp(rng.normal(0, spread, officers))
    arrivals = rng.random(places) + 0.05
    arrivals *= load * service.sum() / arrivals.sum()
    return arrivals, service, np.argsort(rng.random((places, officers)), axis=1)


def erlang_b(offered_load: float, officers: int) -> float:
    """Chance that a call finds all officers busy and is lost (M/M/n/n): Cooper (1981), §3.3."""
    blocked = 1.0
    for number in range(1, officers + 1):
        blocked = offered_load * blocked / (number + offered_load * blocked)
    return blocked


def erlang_c(offered_load: float, officers: int) -> float:
    """Chance that a call has to wait (M/M/n): Cooper (1981), Introduction to Queueing Theory, 2nd ed., §3.4."""
    blocked = erlang_b(offered_load, officers)
    return officers * blocked / (officers - offered_load * (1 - blocked))
