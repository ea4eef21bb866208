"use strict";
// The map of a proposed plan, with a choice between the zones of today, the proposal, and what changes.
SafeSchools.addPlanViews = (map, id) => {
  const data = SafeSchools.read(id), chart = new SafeSchools.PlanMap(map, data);
  const { units, zones, today, proposed } = data;
  const form = document.getElementById("views");
  chart.shapes.forEach((shape, unit) => shape.bindPopup(SafeSchools.popup(units[unit].facts)));
  const show = () => {
    const view = form.elements.view.value, zoneOf = view === "today" ? today : proposed;
    const labels = zones.flatMap((zone, i) => {
      const members = units.map((_, unit) => unit).filter((unit) => zoneOf[unit] === i);
      const load = view === "today" ? zone.load_today : zone.load_proposed;
      return members.length ? [{ at: chart.middle(members), lines: [zone.label, load] }] : [];
    });
    chart.show(zoneOf, { former: today, labels, onlyMoved: view === "changes" });
  };
  form.hidden = false;
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
  map.whenReady(() => SafeSchools.fitLabels(chart.labels));
  SafeSchools.drawn(map);
};
