"use strict";
// The page on which a person moves units between zones and sees at once what comes of it.
SafeSchools.addWhatIf = (map, id) => new SafeSchools.WhatIf(map, SafeSchools.read(id));

SafeSchools.WhatIf = class {
  constructor(map, data) {
    this.data = data;
    this.plan = new SafeSchools.Plan(data);
    this.chart = new SafeSchools.PlanMap(map, data);
    this.today = data.units.map(({ zone }) => zone);
    this.before = { loads: this.plan.loads(this.today) };
    this.replay = data.replay && new SafeSchools.Replay(data.replay, this.today);
    this.history = [{ zoneOf: this.today, done: "" }];
    this.at = 0;
    this.chosen = null;
    this.bind(map);
    document.getElementById("controls").hidden = false;
    this.draw();
    this.readAddress();
    addEventListener("hashchange", () => this.readAddress());
    this.chart.map.whenReady(() => SafeSchools.fitLabels(this.chart.labels));
    SafeSchools.drawn(map);
  }

  get zoneOf() { return this.history[this.at].zoneOf; }

  bind(map) {
    const on = (id, event, act) => document.getElementById(id).addEventListener(event, (happened) => {
      if (document.getElementById(id).getAttribute("aria-disabled") !== "true") act(happened);
    });
    this.list = document.getElementById("unit");
    this.list.addEventListener("change", () => this.choose(this.list.value === "" ? null : Number(this.list.value)));
    this.chart.shapes.forEach((shape, unit) => {
      shape.on("click", () => { this.choose(unit); this.reveal(); });
      shape.bindTooltip(() => SafeSchools.element("span", "", this.described(unit)), { sticky: true });
    });
    for (const row of document.querySelectorAll("#units [data-unit]")) {
      const head = row.querySelector("th"), button = SafeSchools.element("button", "plain", head.textContent);
      button.type = "button";
      button.addEventListener("click", () => { this.choose(Number(row.dataset.unit)); this.reveal(true); });
      head.replaceChildren(button);
    }
    this.targets = [...document.querySelectorAll("#targets button")];
    this.targets.forEach((button, zone) => button.addEventListener("click", () => this.move(zone)));
    on("in-pieces", "change", () => this.draw());
    on("with-group", "change", () => this.draw());
    on("undo", "click", () => this.step(-1));
    on("redo", "click", () => this.step(1));
    on("reset", "click", () => this.go(this.today, "The zones of today are shown."));
    on("proposal", "click", () => this.toggle());
    if (this.data.other) on("other", "click", () => this.go(this.data.other, "The other plan is loaded."));
    on("download", "click", () => this.download());
    on("open", "click", () => document.getElementById("file").click());
    on("file", "change", ({ target }) => {
      const [file] = target.files;
      if (file) file.text().then((text) => this.load(text, `${file.name} is loaded.`));
      target.value = "";
    });
    on("controls", "submit", (event) => event.preventDefault());
  }

  // The schools that a move takes along: those kept together with the chosen one, while the box says so.
  get going() {
    if (this.chosen === null) return [];
    return document.getElementById("with-group").checked ? this.plan.group[this.chosen] : [this.chosen];
  }

  get allowsPieces() { return document.getElementById("in-pieces").checked; }

  described(unit) {
    const { name, load, students, root, is_locked } = this.data.units[unit], zone = this.data.zones[this.zoneOf[unit]];
    return [
      name, zone.name, `${SafeSchools.loadText(load)} ${this.data.load_unit}`,
      ...(students === null ? [] : [this.plan.count(students, "student")]),
      ...(root === null ? (is_locked ? ["locked"] : []) : ["stays put (root of its zone)"]),
    ].join(" · ");
  }

  choose(unit) {
    this.chosen = unit;
    this.say(unit === null ? "" : `Chosen: ${this.data.units[unit].name}. Now choose its zone.`);
    this.draw();
  }

  reveal(withFocus) {
    const panel = document.getElementById("move");
    if (withFocus) panel.focus({ preventScroll: true });
    panel.scrollIntoView({ block: "nearest" });
  }

  move(to) {
    if (this.chosen === null) {
      this.say(`First choose a ${this.data.noun}.`, true);
      return;
    }
    const going = this.going.filter((unit) => this.zoneOf[unit] !== to), zone = this.data.zones[to].name;
    if (!going.length) {
      this.say(`${this.data.units[this.chosen].name} is in ${zone} already.`);
      return;
    }
    const reasons = this.plan.reasons(this.zoneOf, going, to);
    // What a further move may fix is reported only where nothing else stands in the way.
    const fixed = reasons.filter(({ kind }) => kind === "limit");
    const refused = fixed.length || this.allowsPieces ? fixed : reasons;
    if (refused.length) {
      const hint = !fixed.length ? ` Tick “${document.getElementById("for-now").textContent}” if this is a step on the way.` : "";
      this.say(`Not moved. ${refused.map(({ text }) => text).join(" ")}${hint}`, true);
      return;
    }
    this.go(this.plan.moved(this.zoneOf, going, to), `${this.plan.names(going)} moved to ${zone}.`);
  }

  go(zoneOf, done, isProblem = false) {
    if (zoneOf.some((zone, unit) => zone !== this.zoneOf[unit])) {
      this.history.splice(this.at + 1, Infinity, { zoneOf, done });
      this.at += 1;
    }
    this.draw();
    this.keep();
    this.tell(done, isProblem);
  }

  step(by) {
    const { done } = this.history[by < 0 ? this.at : this.at + 1];
    this.at += by;
    this.draw();
    this.keep();
    this.tell(`${by < 0 ? "Undone" : "Done again"}: ${done}`);
  }

  toggle() {
    if (this.showsProposal) this.go(this.today, "The zones of today are shown.");
    else this.go(this.data.plan, "The proposal is loaded.");
  }

  get showsProposal() { return this.zoneOf.every((zone, unit) => zone === this.data.plan[unit]); }

  tell(done, isProblem = false) {
    const loads = this.plan.loads(this.zoneOf), faults = this.plan.faults(this.zoneOf);
    this.say(`${done} Imbalance ${this.plan.imbalance(loads)}. ${faults.map(({ text }) => text).join(" ")}`.trim(), isProblem || faults.length > 0);
  }

  say(words, isProblem = false) {
    const said = document.getElementById("said");
    said.textContent = words;
    said.classList.toggle("problem", isProblem);
  }

  download() {
    const { csv_head, units, zones } = this.data;
    const lines = units.map(({ csv: [head, tail], zone: before }, unit) => {
      const after = this.zoneOf[unit];
      return `${head},${zones[after].csv},${after === before ? "False" : "True"},${tail}\n`;
    });
    const faults = this.plan.faults(this.zoneOf);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${csv_head}\n`, ...lines], { type: "text/csv" }));
    link.download = faults.some(({ kind }) => kind === "pieces") ? "plan_not_contiguous.csv" : faults.length ? "plan_against_limits.csv" : "plan.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    this.say(`${link.download} is downloaded.${faults.length ? " Its name says that the plan breaks a rule." : ""}`, faults.length > 0);
  }

  // A plan in the form of plan.csv: what it leaves out is as today, which is said of one that holds every unit.
  load(text, done, isWhole = true) {
    const { zoneOf, left, problem } = this.plan.read(text);
    if (!zoneOf) {
      this.say(problem, true);
      return;
    }
    this.go(zoneOf, [done, problem, isWhole && left.length ? `As today: ${this.plan.names(left)}.` : ""].filter(Boolean).join(" "), problem !== "");
  }

  // The address holds the moves, in the form of plan.csv, so that a bookmark and a reload keep the plan.
  readAddress() {
    let text = "";
    try {
      text = decodeURIComponent(location.hash.slice(1));
    } catch {
      // An address that was cut in the middle holds no plan.
    }
    if (!text.startsWith("unit_id,") || text === this.kept) return;
    this.load(text, "The plan of this page’s address is loaded.", false);
  }

  keep() {
    const { units, zones } = this.data;
    const rows = units.flatMap(({ csv: [ids], zone }, unit) => (zone === this.zoneOf[unit] ? [] : [`${SafeSchools.firstCell(ids)},${zones[this.zoneOf[unit]].csv}`]));
    this.kept = rows.length ? ["unit_id,zone_after", ...rows].join("\n") : "";
    try {
      history.replaceState(null, "", `${location.href.split("#")[0]}${this.kept && `#${encodeURIComponent(this.kept)}`}`);
    } catch {
      // A page within another has no address of its own.
    }
  }

  draw() {
    const loads = this.plan.loads(this.zoneOf), faults = this.plan.faults(this.zoneOf);
    const pieces = this.data.zones.map((_, zone) => this.plan.pieces(this.zoneOf, zone));
    this.chart.show(this.zoneOf, {
      former: this.today, chosen: this.going,
      labels: pieces.flatMap((parts, zone) => parts.map((part, i) => ({
        at: this.chart.middle(part), kind: i ? "cut-off" : "",
        lines: [this.data.zones[zone].label, i ? "cut off" : SafeSchools.loadText(loads[zone])],
      }))),
    });
    this.drawFigures(loads, faults);
    this.drawLoads(loads);
    this.drawMoves();
    this.drawControls();
    this.drawReplay();
  }

  // Playing the calls takes longer than a click may: the rest of the page is drawn first.
  drawReplay() {
    const table = document.getElementById("replay");
    if (!this.replay || !table) return;
    const zoneOf = this.zoneOf, rows = [...table.querySelectorAll("tbody tr")];
    clearTimeout(this.waiting);
    table.setAttribute("aria-busy", "true");
    this.waiting = setTimeout(() => {
      this.replay.compared(zoneOf).forEach((found, i) => {
        const { unit, is_shown } = this.replay.measures[i], cells = rows[i].querySelectorAll("td");
        const isSame = zoneOf.every((zone, at) => zone === this.today[at]);
        cells[1].textContent = is_shown ? SafeSchools.figureText(found.plan, unit) : "–";
        cells[2].textContent = isSame ? "–" : SafeSchools.changeText(found, unit);
        cells[3].textContent = isSame ? "–" : { better: "better", worse: "worse", unclear: "may be chance" }[found.verdict];
        rows[i].classList.toggle("changed", !isSame && found.verdict === "worse");
      });
      table.removeAttribute("aria-busy");
    }, 30);
  }

  drawFigures(loads, faults) {
    const set = (id, words) => { document.getElementById(id).textContent = words; };
    const heaviest = loads.indexOf(Math.max(...loads));
    const moved = this.data.units.filter((unit, i) => unit.zone !== this.zoneOf[i]);
    set("imbalance", this.plan.imbalance(loads));
    set("heaviest", this.data.zones[heaviest].name);
    set("heaviest-load", `${SafeSchools.loadText(loads[heaviest])} ${this.data.load_unit}, ${this.plan.againstMean(loads[heaviest], loads)}`);
    set("moved", SafeSchools.commas(moved.reduce((sum, unit) => sum + unit.schools, 0)));
    set("moved-students", this.plan.students(moved));
    const inPieces = faults.filter(({ kind }) => kind === "pieces");
    set("pieces", inPieces.length ? "Not contiguous" : "Yes");
    set("pieces-zones", inPieces.length ? SafeSchools.listed(inPieces.map(({ zone }) => this.data.zones[zone].name), 2) : "every zone is contiguous");
    const figure = document.getElementById("pieces").parentElement;
    figure.hidden = false;
    figure.classList.toggle("problem", inPieces.length > 0);
    const list = document.getElementById("faults");
    list.replaceChildren(...faults.map(({ text }) => SafeSchools.element("li", "", text)));
    list.hidden = !faults.length;
  }

  drawLoads(loads) {
    const most = Math.max(...loads, ...this.before.loads, 1);
    const schools = this.data.zones.map(() => 0);
    this.data.units.forEach((unit, i) => { schools[this.zoneOf[i]] += unit.schools; });
    const mean = loads.reduce((sum, one) => sum + one, 0) / Math.max(this.plan.counted(loads).length, 1);
    const drawBar = (box, zone) => {
      box.querySelector(".bar").style.width = `${(100 * loads[zone]) / most}%`;
      box.querySelector(".mean").style.left = `${(100 * mean) / most}%`;
    };
    this.targets.forEach((button, zone) => {
      drawBar(button, zone);
      button.querySelector(".zone-load").textContent = `${SafeSchools.loadText(loads[zone])} (${this.plan.againstMean(loads[zone], loads, zone)})`;
    });
    document.querySelectorAll("#loads [data-zone]").forEach((row, zone) => {
      drawBar(row, zone);
      row.querySelector(".schools").textContent = SafeSchools.commas(schools[zone]);
      row.querySelector(".load").textContent = SafeSchools.loadText(loads[zone]);
      row.querySelector(".apart").textContent = this.plan.againstMean(loads[zone], loads, zone);
      row.classList.toggle("changed", loads[zone] !== this.before.loads[zone]);
    });
  }

  drawMoves() {
    const moved = this.data.units.map((_, unit) => unit).filter((unit) => this.zoneOf[unit] !== this.today[unit]);
    const cell = (words, className = "") => SafeSchools.element("td", className, words);
    document.getElementById("moves").replaceChildren(...moved.map((unit) => {
      const { name, load, students } = this.data.units[unit], row = document.createElement("tr");
      const head = SafeSchools.element("th", "", name);
      head.scope = "row";
      row.append(head, cell(this.data.zones[this.today[unit]].name, "words"), cell(this.data.zones[this.zoneOf[unit]].name, "words"),
        cell(SafeSchools.loadText(load)), cell(students === null ? "–" : SafeSchools.commas(students)));
      return row;
    }));
    document.getElementById("no-moves").hidden = moved.length > 0;
    document.querySelectorAll("#units [data-unit]").forEach((row, i) => {
      const unit = Number(row.dataset.unit), zone = this.zoneOf[unit], cell = row.querySelector(".now");
      if (cell.textContent !== this.data.zones[zone].name) cell.textContent = this.data.zones[zone].name;
      row.classList.toggle("changed", zone !== this.today[unit]);
    });
    for (const option of this.list.options) {
      if (option.value === "") continue;
      option.textContent = `${this.data.units[option.value].name} (${this.data.zones[this.zoneOf[option.value]].label})`;
    }
  }

  drawControls() {
    const unit = this.chosen, group = unit === null ? [] : this.plan.group[unit];
    this.list.value = unit === null ? "" : String(unit);
    document.getElementById("chosen").textContent = unit === null ? "" : this.described(unit);
    document.getElementById("with-group-row").hidden = group.length < 2;
    document.getElementById("with-group-names").textContent = this.plan.names(group.filter((other) => other !== unit));
    this.targets.forEach((button, zone) => {
      const { words, kind } = this.outcome(zone);
      button.querySelector(".outcome").textContent = words;
      button.className = kind;
      button.setAttribute("aria-current", kind === "here");
    });
    // Not `disabled`: a button that switches itself off would lose the keyboard's place.
    const enable = (id, isOn) => document.getElementById(id).setAttribute("aria-disabled", !isOn);
    enable("undo", this.at > 0);
    enable("redo", this.at < this.history.length - 1);
    if (this.data.other) enable("other", this.zoneOf.some((zone, i) => zone !== this.data.other[i]));
    enable("reset", this.zoneOf.some((zone, i) => zone !== this.today[i]));
    document.getElementById("proposal").textContent = this.showsProposal ? "Back to the zones of today" : "Load the proposal";
  }

  // What a button says would come of the move.
  outcome(to) {
    if (this.chosen === null) return { words: "", kind: "" };
    const going = this.going.filter((unit) => this.zoneOf[unit] !== to);
    if (!going.length) return { words: "is here now", kind: "here" };
    const reasons = this.plan.reasons(this.zoneOf, going, to);
    const then = `imbalance ${this.plan.imbalance(this.plan.loads(this.plan.moved(this.zoneOf, going, to)))}`;
    if (!reasons.length) return { words: `move: ${then}`, kind: "legal" };
    if (this.allowsPieces && reasons.every(({ kind }) => kind !== "limit")) return { words: `${then}; for now: ${reasons[0].short}`, kind: "for-now" };
    return { words: `no: ${(reasons.find(({ kind }) => kind === "limit") || reasons[0]).short}`, kind: "refused" };
  }
};
