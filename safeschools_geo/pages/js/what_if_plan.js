"use strict";
// The rules of moving: loads, pieces, and why a move is refused. Nothing here touches the page.

// n / d rounded half up to whole `1 / factor`s; both are BigInt.
SafeSchools.rounded = (n, d, factor) => (2n * n * factor + d) / (2n * d);

SafeSchools.loadText = (millionths) => {
  const hundredths = SafeSchools.rounded(BigInt(millionths), 1000000n, 100n);
  return `${SafeSchools.commas(hundredths / 100n)}.${String(hundredths % 100n).padStart(2, "0")}`;
};

SafeSchools.shareText = (n, d) => {
  const tenths = d ? SafeSchools.rounded(n, d, 1000n) : 0n;
  return `${tenths / 10n}.${tenths % 10n}%`;
};

SafeSchools.commas = (whole) => String(whole).replace(/\B(?=(\d{3})+$)/g, ",");

SafeSchools.listed = (names, most = 5) =>
  names.length <= most ? names.join(", ") : `${names.slice(0, most).join(", ")} and ${names.length - most} more`;

// The cells of each row of a table, as a spreadsheet writes them.
SafeSchools.rowsOf = (text) => {
  const rows = [[]];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    rows.at(-1).push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ",") rows.push([]);
  }
  return rows.filter((cells) => cells.length > 1);
};

// The first cell of a row, with its quotation marks.
SafeSchools.firstCell = (row) => /^(?:"(?:[^"]|"")*"|[^,]*)/.exec(row)[0];

SafeSchools.Plan = class {
  constructor({ units, zones, edges, together, noun, one_of_each = [], most_students = null, barred = [] }) {
    Object.assign(this, { units, zones, noun, one_of_each, most_students, barred });
    this.neighbors = units.map(() => []);
    for (const [a, b] of edges) {
      this.neighbors[a].push(b);
      this.neighbors[b].push(a);
    }
    this.group = units.map((_, unit) => this.joined([unit], together));
    this.groups = together;
  }

  // All that is kept together with these units, also by one group after another.
  joined(members, groups) {
    const more = groups.filter((group) => group.some((unit) => members.includes(unit)) && !group.every((unit) => members.includes(unit)));
    return more.length ? this.joined([...new Set([...members, ...more.flat()])].sort((a, b) => a - b), groups) : members;
  }

  members(zoneOf, zone) {
    return this.units.map((_, unit) => unit).filter((unit) => zoneOf[unit] === zone);
  }

  names(members) {
    return SafeSchools.listed(members.map((unit) => this.units[unit].name));
  }

  // How many students move, and of how many units that is not known.
  students(moved) {
    const known = moved.filter(({ students }) => students !== null), unknown = moved.length - known.length;
    if (moved.length && !known.length) return "students not known";
    const told = this.count(known.reduce((sum, unit) => sum + unit.students, 0), "student");
    return unknown ? `${told}, ${unknown} without a number` : told;
  }

  count(number, noun = this.noun) {
    return `${SafeSchools.commas(number)} ${noun}${number === 1 ? "" : "s"}`;
  }

  // Millionths of each zone; their sum is below 2 ** 53, so that a number holds every one exactly.
  loads(zoneOf) {
    const loads = this.zones.map(() => 0);
    this.units.forEach(({ load }, unit) => { loads[zoneOf[unit]] += load; });
    return loads;
  }

  // The loads of the zones that count: one without a school today counts once it has a load.
  counted(loads) {
    return loads.filter((load, zone) => load || !this.zones[zone].is_apart);
  }

  apart(load, loads) {
    const total = BigInt(loads.reduce((sum, one) => sum + one, 0));
    const apart = BigInt(loads.length) * BigInt(load) - total;
    return { is_over: apart > 0n, n: apart < 0n ? -apart : apart, total };
  }

  imbalance(loads) {
    const counted = this.counted(loads), all = counted.map((load) => this.apart(load, counted));
    return SafeSchools.shareText(all.reduce((most, { n }) => (n > most ? n : most), 0n), all[0].total);
  }

  againstMean(load, loads, zone) {
    if (!load && zone !== undefined && this.zones[zone].is_apart) return "not counted: no school";
    const { is_over, n, total } = this.apart(load, this.counted(loads));
    return n ? `${SafeSchools.shareText(n, total)} ${is_over ? "over" : "under"} the mean` : "at the mean";
  }

  // The pieces a zone falls into, the one that counts as the zone first: that of its root, else the largest.
  pieces(zoneOf, zone) {
    const left = new Set(this.members(zoneOf, zone)), pieces = [];
    for (const first of left) {
      const piece = [first];
      left.delete(first);
      for (const unit of piece) {
        for (const next of this.neighbors[unit]) {
          if (left.delete(next)) piece.push(next);
        }
      }
      pieces.push(piece.sort((a, b) => a - b));
    }
    const has_root = (piece) => piece.some((unit) => this.units[unit].root === zone);
    return pieces.sort((a, b) => has_root(b) - has_root(a) || b.length - a.length || a[0] - b[0]);
  }

  // What each zone lacks of what it is to have; one that does not count, and that nothing enters, lacks nothing.
  missing(zoneOf) {
    return this.one_of_each.flatMap(({ name, units }) => this.zones.flatMap(({ is_apart }, zone) => {
      const isAsked = this.units.some(({ zone: today }, i) => (today === zone ? !is_apart : zoneOf[i] === zone));
      return isAsked && !units.some((unit) => zoneOf[unit] === zone) ? [{ name, zone }] : [];
    }));
  }

  // Students who change officer where they are limited, and the units of which that is not known.
  changing(zoneOf) {
    const moved = this.most_students === null ? [] : this.units.filter(({ zone }, i) => zone !== zoneOf[i]);
    const of = ({ schools, students }) => (schools === 0 ? 0 : students);
    return { number: moved.reduce((sum, unit) => sum + (of(unit) || 0), 0), unknown: moved.filter((unit) => of(unit) === null) };
  }

  tooMany(number, change) {
    return `${this.count(number, "student")} ${change} officer; at most ${SafeSchools.commas(this.most_students)} may.`;
  }

  notKnown({ name }) {
    return `It is not known how many students ${name} has; at most ${this.count(this.most_students, "student")} may change officer.`;
  }

  // Which barrier parts what is cut off from the rest, in words; empty where none does.
  parted(main, lost) {
    const pair = this.barred.find(([a, b]) => (main.includes(a) && lost.includes(b)) || (main.includes(b) && lost.includes(a)));
    return pair ? ` A barrier parts ${pair.map((unit) => this.units[unit].name).join(" and ")}.` : "";
  }

  // Everything that is wrong with a plan, in words; `kind` is "limit" for what no further move fixes by itself.
  faults(zoneOf) {
    const faults = [];
    this.zones.forEach(({ name }, zone) => {
      const [main, ...cut_off] = this.pieces(zoneOf, zone);
      // A zone that has nothing today is no fault of the plan.
      if (!main && this.units.some((unit) => unit.zone === zone)) faults.push({ kind: "limit", text: `${name} has no ${this.noun}.` });
      if (cut_off.length) faults.push({ kind: "pieces", zone, text: `${name} is in ${cut_off.length + 1} pieces; cut off: ${this.names(cut_off.flat())}.${this.parted(main, cut_off.flat())}` });
    });
    this.missing(zoneOf).forEach(({ name, zone }) => faults.push({ kind: "missing", text: `${this.zones[zone].name} is without ${name}.` }));
    const { number, unknown } = this.changing(zoneOf);
    if (this.most_students !== null && number > this.most_students) faults.push({ kind: "limit", text: this.tooMany(number, "change") });
    unknown.forEach((unit) => faults.push({ kind: "limit", text: this.notKnown(unit) }));
    this.units.forEach(({ name, not_in, root, is_locked, zone: today }, unit) => {
      const zone = zoneOf[unit];
      if (is_locked && root === null && zone !== today) faults.push({ kind: "limit", text: `${name} is locked in ${this.zones[today].name}, but not in it.` });
      if (not_in.includes(zone)) faults.push({ kind: "limit", text: `${name} may not be in ${this.zones[zone].name}.` });
      if (root !== null && root !== zone) faults.push({ kind: "limit", text: `${name} is the root of ${this.zones[root].name}, but not in it.` });
    });
    this.groups.forEach((members) => {
      if (new Set(members.map((unit) => zoneOf[unit])).size > 1) faults.push({ kind: "limit", text: `Kept together but not in one zone: ${this.names(members)}.` });
    });
    return faults;
  }

  // What a plan.csv says: the zone of every unit, and in words what of it is not of this district.
  read(text) {
    const [head = [], ...rows] = SafeSchools.rowsOf(text.replace(/^\ufeff/, ""));
    const at = ["unit_id", "zone_after"].map((name) => head.indexOf(name));
    if (at.includes(-1)) return { zoneOf: null, problem: "This is no plan: the columns unit_id and zone_after are needed." };
    const place = (rows) => new Map(rows.map((row, i) => [SafeSchools.rowsOf(`${row},`)[0][0], i]));
    const units = place(this.units.map(({ csv: [ids] }) => ids)), zones = place(this.zones.map(({ csv }) => csv));
    const zoneOf = this.units.map(({ zone }) => zone), unknown = [], left = new Set(zoneOf.keys());
    for (const row of rows) {
      const [unit, zone] = [units.get(row[at[0]]), zones.get(row[at[1]])];
      if (unit === undefined || zone === undefined) unknown.push(`${row[at[0]]} in zone ${row[at[1]]}`);
      else {
        zoneOf[unit] = zone;
        left.delete(unit);
      }
    }
    if (left.size === this.units.length) return { zoneOf: null, problem: `This is a plan of other ${this.noun}s, or of other zones.` };
    return { zoneOf, left: [...left], problem: unknown.length ? `Not of this district, and left out: ${SafeSchools.listed(unknown)}.` : "" };
  }

  moved(zoneOf, members, to) {
    const after = [...zoneOf];
    members.forEach((unit) => { after[unit] = to; });
    return after;
  }

  // Why these units may not go to a zone: `short` for a list, `text` in full; empty where they may.
  reasons(zoneOf, chosen, to) {
    const reasons = [], zone = this.zones[to].name;
    const add = (kind, short, text) => reasons.push({ kind, short, text });
    const going = chosen.filter((unit) => zoneOf[unit] !== to);
    const after = this.moved(zoneOf, going, to);
    const who = (name) => (going.length > 1 ? `${name} ` : "");
    for (const unit of going) {
      const { name, is_locked, root, not_in } = this.units[unit], from = this.zones[zoneOf[unit]].name;
      if (root !== null) add("limit", `${who(name)}stays put`, `${name} is the ${this.noun} of ${this.zones[root].name} that stays put (its root).`);
      else if (is_locked) add("limit", `${who(name)}is locked`, `${name} is locked: it stays in ${from}.`);
      if (not_in.includes(to)) add("limit", `${who(name)}may not be there`, `${name} may not be in ${zone}.`);
      const left = this.group[unit].filter((other) => after[other] !== to);
      if (left.length) add("limit", "would split what is kept together", `${name} is kept together with ${this.names(left)}.`);
    }
    const touched = new Set([...going.map((unit) => zoneOf[unit]), to]);
    for (const one of touched) {
      const before = this.pieces(zoneOf, one), then = this.pieces(after, one), { name } = this.zones[one];
      if (!then.length) {
        add("limit", `last ${this.noun} of ${name}`, `${name} would be left without a ${this.noun}.`);
      } else if (then.length > Math.max(before.length, 1)) {
        const lost = then.slice(1).flat();
        const short = one === to ? "no border with it" : `cuts ${this.count(lost.length)} off ${name}`;
        add("pieces", short, `${name} would be in ${then.length} pieces${before.length > 1 ? ` (${before.length} now)` : ""}; cut off from it: ${this.names(lost)}.${this.parted(then[0], lost)}`);
      }
    }
    const lacking = this.missing(zoneOf);
    this.missing(after).filter(({ name, zone: at }) => !lacking.some((one) => one.name === name && one.zone === at)).forEach(({ name, zone: at }) => {
      add("missing", `${this.zones[at].name} without ${name}`, `${this.zones[at].name} would be without ${name}.`);
    });
    const now = this.changing(zoneOf), then = this.changing(after);
    if (then.number > now.number && then.number > this.most_students) add("limit", "too many students", this.tooMany(then.number, "would change"));
    then.unknown.filter((unit) => !now.unknown.includes(unit)).forEach((unit) => add("limit", "students not known", this.notKnown(unit)));
    return reasons;
  }
};
