"use strict";
// A plan on the map: units colored by zone, the borders and labels of the zones, and what moved; redrawn at will.
SafeSchools.PlanMap = class {
  constructor(map, { units, zones, shapes, is_coverage, dots }) {
    Object.assign(this, { map, units, zones });
    this.sides = is_coverage ? SafeSchools.sidesOf(shapes) : [];
    map.createPane("borders").style.zIndex = 410;
    map.createPane("labels").style.zIndex = 640;
    map.getPane("borders").style.pointerEvents = "none";
    this.shapes = shapes.map((shape) => L.geoJSON(shape, { style: { color: "#4a4a4a", weight: 0.8, smoothFactor: 0 } }).addTo(map));
    const line = { pane: "borders", interactive: false, smoothFactor: 0 };
    this.borders = L.polyline([], { ...line, color: "#1a1a1a", weight: 3 }).addTo(map);
    this.former = L.polyline([], { ...line, color: "#1a1a1a", weight: 2.5, dashArray: "2 6" }).addTo(map);
    this.marked = L.featureGroup().addTo(map);
    for (const { at, shape, color } of dots) {
      new SafeSchools.Mark([at[1], at[0]], { pane: "borders", interactive: false, shape, radius: 4, color: "#1a1a1a", weight: 1, fillColor: color, fillOpacity: 1 }).addTo(map);
    }
    this.labels = [];
    map.on("zoomend resize", () => SafeSchools.fitLabels(this.labels));
  }

  // Each unit in the color of its zone. `labels` are {at, lines, is_cut_off}; `former` is the plan to compare with.
  show(zoneOf, { labels, former, chosen = [], onlyMoved = false }) {
    this.shapes.forEach((shape, unit) => {
      const has_moved = zoneOf[unit] !== former[unit], is_chosen = chosen.includes(unit);
      shape.setStyle({ fillColor: this.zones[zoneOf[unit]].fill, fillOpacity: is_chosen ? 0.85 : has_moved ? 0.65 : onlyMoved ? 0 : 0.45 });
    });
    this.borders.setLatLngs(this.between(zoneOf));
    this.former.setLatLngs(this.between(former, zoneOf));
    this.marked.clearLayers();
    this.units.forEach((_, unit) => {
      if (zoneOf[unit] !== former[unit]) this.outline(unit, { color: "#7a0019", weight: 4 });
    });
    chosen.forEach((unit) => {
      this.outline(unit, { color: "#ffffff", weight: 7 });
      this.outline(unit, { color: "#0b57d0", weight: 4 });
    });
    this.label([...this.moves(zoneOf, former), ...labels]);
  }

  outline(unit, style) {
    this.shapes[unit].eachLayer((shape) => L.polygon(shape.getLatLngs(), { pane: "borders", interactive: false, fill: false, smoothFactor: 0, ...style }).addTo(this.marked));
  }

  moves(zoneOf, former) {
    return this.units.flatMap(({ at }, unit) => (zoneOf[unit] === former[unit] ? []
      : [{ at, lines: [`${this.zones[former[unit]].short} → ${this.zones[zoneOf[unit]].short}`], kind: "moved" }]));
  }

  label(labels) {
    this.labels.forEach((label) => label.remove());
    this.labels = labels.map(({ at, lines, kind }) => {
      const words = SafeSchools.element("div", "");
      lines.forEach((line, i) => words.append(SafeSchools.element(i ? "span" : "strong", "", line)));
      return L.tooltip({ permanent: true, direction: "center", className: `zone-label plan-label ${kind || ""}`, pane: "labels" })
        .setLatLng([at[1], at[0]]).setContent(words).addTo(this.map);
    });
    SafeSchools.fitLabels(this.labels);
  }

  // The borders between zones; those that `unless` has as well are left out.
  between(zoneOf, unless) {
    const differ = (plan, [, , a, b]) => b < 0 || plan[a] !== plan[b];
    return this.sides.filter((side) => differ(zoneOf, side) && !(unless && differ(unless, side))).map(([from, to]) => [from, to]);
  }

  // The place inside these units that is nearest to their middle.
  middle(members) {
    const mean = [0, 1].map((k) => members.reduce((sum, unit) => sum + this.units[unit].at[k], 0) / members.length);
    const apart = (unit) => Math.hypot(...this.units[unit].at.map((x, k) => x - mean[k]));
    return this.units[members.reduce((best, unit) => (apart(unit) < apart(best) ? unit : best))].at;
  }
};

// Every side of the units' polygons once: where from, where to, and the units on both hands, -1 for none.
SafeSchools.sidesOf = (shapes) => {
  const sides = new Map();
  shapes.forEach(({ type, coordinates }, unit) => {
    for (const ring of type === "Polygon" ? coordinates : coordinates.flat()) {
      for (let i = 1; i < ring.length; i++) {
        const [from, to] = [ring[i - 1], ring[i]];
        const key = [from, to].map(String).sort().join(" ");
        const side = sides.get(key);
        if (side) side[3] = unit;
        else sides.set(key, [[from[1], from[0]], [to[1], to[0]], unit, -1]);
      }
    }
  });
  return [...sides.values()];
};
