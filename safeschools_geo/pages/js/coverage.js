"use strict";
// Coverage: marks with labels, lines between them, dashed outlines, and the list that finds places by keyboard.
SafeSchools.addMarks = (map, id) => {
  const { marks, links, outlines } = SafeSchools.read(id);
  const quiet = { interactive: false, fill: false };
  L.geoJSON(outlines, { ...quiet, style: { color: "#7a0019", weight: 4, dashArray: "8 5", fill: false } }).addTo(map);
  for (const ends of links) {
    L.polyline(ends.map(([lon, lat]) => [lat, lon]), { ...quiet, color: "#1a1a1a", weight: 2, dashArray: "5 4" }).addTo(map);
  }
  const labels = [];
  map.eachLayer((layer) => {
    if (layer instanceof L.Tooltip && layer.options.className.includes("zone-label")) labels.push(layer);
  });
  for (const { at, shape, color, line, radius, weight, facts, label, side } of marks) {
    const place = [at[1], at[0]], look = { color: line, weight, fillColor: color, fillOpacity: 1 };
    new SafeSchools.Mark(place, { shape, radius, ...look }).bindPopup(SafeSchools.popup(facts)).addTo(map);
    if (!label) continue;
    const isInside = side === "center", offset = { left: [-radius - 2, 0], right: [radius + 2, 0], center: [0, 0] }[side];
    const className = isInside ? "mark-number" : "zone-label mark-label";
    const tooltip = L.tooltip({ permanent: true, direction: side, offset, className, pane: "labels" })
      .setLatLng(place).setContent(SafeSchools.element("strong", "", label)).addTo(map);
    tooltip.getElement().dir = "auto";
    if (!isInside) labels.push(tooltip);
  }
  map.on("zoomend resize", () => SafeSchools.fitLabels(labels));
  SafeSchools.fitLabels(labels);
};

SafeSchools.addFinder = (map, id) => {
  const places = SafeSchools.read(id);
  const form = document.getElementById("finder"), told = document.getElementById("found");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.place.addEventListener("change", ({ target }) => {
    told.replaceChildren();
    map.closePopup();
    if (target.value === "") return;
    const { at, facts } = places[Number(target.value)];
    told.append(...SafeSchools.popup(facts).children);
    L.popup().setLatLng([at[1], at[0]]).setContent(SafeSchools.popup(facts.slice(0, 1))).openOn(map);
  });
};
