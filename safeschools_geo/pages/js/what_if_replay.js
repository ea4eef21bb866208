"use strict";
// The recorded calls of a term, played call by call under a plan, as `replay` does in Python, on the same draws.

SafeSchools.mixed = (bits) => {
  for (const [shift, factor] of [[16, 0x85ebca6b], [13, 0xc2b2ae35]]) bits = Math.imul(bits ^ (bits >>> shift), factor);
  return (bits ^ (bits >>> 16)) >>> 0;
};

SafeSchools.Replay = class {
  constructor(facts, today) {
    Object.assign(this, facts);
    const [days, , , , isCall] = this.calls, number = isCall.filter(Boolean).length;
    this.stream = Array.from({ length: 4 * number }, (_, draw) => this.row(draw));
    this.column = Array.from({ length: this.replays }, (_, replay) => SafeSchools.mixed((replay + 0x632be59b) | 0));
    const picks = Array.from({ length: this.days }, (_, pick) => this.row(2 ** 31 + pick));
    this.weights = this.column.map((replay) => {
      const times = new Float64Array(this.days);
      for (const pick of picks) times[Math.floor(this.chance(pick, replay) * this.days)] += 1;
      return times;
    });
    this.number = days.length;
    this.before = this.play(today);
  }

  row(draw) { return SafeSchools.mixed((this.seed + Math.imul(draw, 0x9e3779b9)) | 0); }

  chance(row, column) { return SafeSchools.mixed(row ^ column) / 2 ** 32; }

  // For each school the officers in the order they are tried, with and without the zone's own first, and their trips.
  dispatch(zoneOf) {
    const zones = this.unit_of.map((unit) => zoneOf[unit]);
    const members = this.waiting.map((_, officer) => zones.map((_zone, school) => school).filter((school) => zones[school] === this.officer_zones[officer]));
    return zones.map((zone, school) => {
      const own = this.officer_zones.indexOf(zone);
      const trip = this.waiting.map((place, officer) => {
        const waited = this.minutes[place][school];
        if (this.trip === null) return waited;
        const [turnout, factor, roaming, backup] = this.trip, isOwn = officer === own, near = members[officer];
        const around = isOwn && near.length ? near.reduce((sum, from) => sum + this.minutes[from][school], 0) / near.length : waited;
        const way = (1 - roaming) * waited + roaming * around;
        return Math.max(turnout + factor * way + (isOwn ? 0 : backup) + this.extra[school], this.least_trip);
      });
      const key = trip.map((minutes) => Math.round(minutes * 1e9));
      const others = this.waiting.map((_, officer) => officer).filter((officer) => officer !== own).sort((a, b) => key[a] - key[b] || a - b);
      const mean = (shares) => shares.reduce((sum, share) => sum + share, 0) / shares.length;
      return {
        own, trip,
        first: own < 0 ? others : [own, ...others],
        last: own < 0 ? others : [...others, own],
        diverted: own < 0 ? mean(this.diverted) : this.diverted[own],
        away: own < 0 ? mean(this.away) : this.away[own],
      };
    });
  }

  // The measures of each replay: arrays by name.
  play(zoneOf) {
    const [days, at, schools, scene, isCall] = this.calls, dispatch = this.dispatch(zoneOf);
    const found = { response: [], within: [], backup: [], overflow: [], busiest: [] };
    const free = new Float64Array(this.waiting.length), busy = new Float64Array(this.waiting.length);
    for (let replay = 0; replay < this.replays; replay += 1) {
      const column = this.column[replay], weights = this.weights[replay];
      let day = -1, draw = 0, all = 0, sent = 0, minutes = 0, within = 0, helped = 0;
      busy.fill(0);
      for (let call = 0; call < this.number; call += 1) {
        if (days[call] !== day) { day = days[call]; free.fill(0); }
        const weight = weights[day], now = at[call], { own, trip, first, last, diverted, away } = dispatch[schools[call]];
        if (!isCall[call]) {
          if (own >= 0) {
            free[own] = Math.max(free[own], now + scene[call]);
            busy[own] += scene[call] * weight;
          }
          continue;
        }
        const isAway = this.chance(this.stream[draw + 1], column) < away;
        let officer = (isAway ? last : first).find((one) => free[one] <= now);
        if (own >= 0 && this.kept > 0 && !isAway && free[own] > now && this.chance(this.stream[draw + 2], column) < this.kept) officer = own;
        if (this.chance(this.stream[draw], column) < diverted) officer = undefined;
        all += weight;
        if (officer !== undefined) {
          const lasts = trip[officer] * this.ratios[Math.floor(this.chance(this.stream[draw + 3], column) * this.ratios.length)];
          free[officer] = Math.max(free[officer], now) + lasts + scene[call];
          busy[officer] += (lasts + scene[call]) * weight;
          sent += weight;
          minutes += weight * lasts;
          if (lasts <= this.within) within += weight;
          if (officer !== own) helped += weight;
        }
        draw += 4;
      }
      found.response.push(minutes / sent);
      found.within.push(within / all);
      found.backup.push(helped / all);
      found.overflow.push(1 - sent / all);
      found.busiest.push(Math.max(...busy) / 60 / this.hours);
    }
    return found;
  }

  // Each measure today and under a plan, and the difference with the interval that 95 of 100 replays lie in.
  compared(zoneOf) {
    const after = this.play(zoneOf);
    return this.measures.map(({ key, better }) => {
      const today = this.before[key], then = after[key], difference = then.map((value, i) => value - today[i]);
      const [low, high] = [0.025, 0.975].map((share) => SafeSchools.quantile(difference, share));
      const mean = SafeSchools.mean(difference), isClear = low > 0 || high < 0;
      const verdict = !isClear ? "unclear" : (mean < 0) === (better === "lower") ? "better" : "worse";
      return { today: SafeSchools.mean(today), plan: SafeSchools.mean(then), difference: mean, low, high, verdict };
    });
  }
};

SafeSchools.known = (values) => values.filter(Number.isFinite);

SafeSchools.mean = (values) => {
  const known = SafeSchools.known(values);
  return known.reduce((sum, value) => sum + value, 0) / known.length;
};

SafeSchools.quantile = (values, share) => {
  const sorted = SafeSchools.known(values).sort((a, b) => a - b), at = share * (sorted.length - 1), below = Math.floor(at);
  return sorted.length ? sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]) : NaN;
};

// Figures as the other pages write them: one decimal, rounded half up from the millionth.
SafeSchools.tenths = (value, factor) => {
  const tenths = SafeSchools.rounded(BigInt(Math.floor(Math.abs(value) * 1e6 + 0.5)), 1000000n, factor);
  return `${value < 0 && tenths ? "−" : ""}${tenths / 10n}.${tenths % 10n}`;
};

SafeSchools.figureText = (value, unit) => {
  if (!Number.isFinite(value)) return "–";
  if (unit === "min") return `${SafeSchools.tenths(value, 10n)} min`;
  return value > 0 && value < 0.0005 ? "under 0.1%" : `${SafeSchools.tenths(value, 1000n)}%`;
};

SafeSchools.changeText = ({ difference, low, high }, unit) => {
  if (!Number.isFinite(difference)) return "–";
  const [size, least, most] = [difference, low, high].map((value) => SafeSchools.tenths(value, unit === "min" ? 10n : 1000n));
  return `${size} ${unit === "min" ? "min" : "points"} (${least} to ${most})`;
};
