"""The same rules played through with SimPy, event by event."""

import numpy as np
import simpy
from scipy.stats import t as student_t


class Patrol:
    """Officers, the calls in line, and what is counted once the first calls have gone by."""

    def __init__(self, seed, arrivals, service, preference, *, capacity):
        self.env, self.rng = simpy.Environment(), np.random.default_rng(seed)
        self.arrivals, self.service, self.preference, self.capacity = arrivals, service, preference, capacity
        self.is_busy, self.line = [False] * len(service), []
        self.calls = self.overflows = 0
        self.busy_h, self.since = np.zeros(len(service)), 0.0

    def send(self, officer):
        self.is_busy[officer] = True
        self.env.process(self.answer(officer))

    def answer(self, officer):
        begun = self.env.now
        yield self.env.timeout(self.rng.exponential(1 / self.service[officer]))
        self.busy_h[officer] += self.env.now - max(begun, self.since)
        self.is_busy[officer] = False
        if self.line:
            self.line.pop(0)
            self.send(officer)

    def call(self, place):
        self.calls += 1
        for officer in self.preference[place]:
            if not self.is_busy[officer]:
                self.send(int(officer))
                return
        self.overflows += 1
        if self.capacity == "queue":
            self.line.append(place)

    def town(self, *, before, calls):
        chances = self.arrivals / self.arrivals.sum()
        for number in range(before + calls):
            yield self.env.timeout(self.rng.exponential(1 / self.arrivals.sum()))
            if number == before:
                self.calls = self.overflows = 0
                self.busy_h[:], self.since = 0, self.env.now
            self.call(self.rng.choice(len(chances), p=chances))

    def run(self, *, before, calls):
        """Return the share of calls that find nobody, and the share of time that each officer is busy."""
        end = self.env.process(self.town(before=before, calls=calls))
        self.env.run(until=end)
        return self.overflows / self.calls, self.busy_h / (self.env.now - self.since)


def simpy_intervals(arrivals, service, preference, *, capacity, runs, calls, seed, before=60, confidence=0.999):
    """Return mean and half width of the interval, for overflow and then each officer's busy share."""
    found = []
    for run in range(runs):
        patrol = Patrol([seed, run], arrivals, service, preference, capacity=capacity)
        overflow, busy = patrol.run(before=before, calls=calls)
        found.append([overflow, *busy])
    found = np.array(found)
    half = student_t.ppf((1 + confidence) / 2, runs - 1) * found.std(axis=0, ddof=1) / np.sqrt(runs)
    return found.mean(axis=0), half
