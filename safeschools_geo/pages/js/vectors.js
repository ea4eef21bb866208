"use strict";
// Zones, schools, and the backdrop: roads, places, the boundary.
SafeSchools.SHAPES = {
  circle: (x, y, r) => `M${x - r},${y}a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0Z`,
  square: (x, y, r) => `M${x - r},${y - r}h${2 * r}v${2 * r}h${-2 * r}Z`,
  triangle: (x, y, r) => `M${x},${y - 1.2 * r}L${x + 1.2 * r},${y + r}H${x - 1.2 * r}Z`,
  diamond: (x, y, r) => `M${x},${y - 1.3 * r}L${x + 1.3 * r},${y}L${x},${y + 1.3 * r}L${x - 1.3 * r},${y}Z`,
  cross: (x, y, r) => {
    const t = r / 2.2;
    return `M${x - t},${y - r}h${2 * t}v${r - t}h${r - t}v${2 * t}h${t - r}v${r - t}h${-2 * t}v${t - r}h${t - r}v${-2 * t}h${r - t}Z`;
  },
};

// A mark of a fixed size on the screen, in one of the shapes.
SafeSchools.Mark = L.CircleMarker.extend({
  _updatePath() {
    const { x, y } = this._point;
    this._renderer._setPath(this, SafeSchools.SHAPES[this.options.shape](x, y, this._radius));
  },
});

SafeSchools.popup = (facts) => {
  const box = document.createElement("div");
  facts.forEach((fact, i) => box.append(SafeSchools.element(i ? "div" : "strong", "", fact)));
  return box;
};

SafeSchools.addBackdrop = (map, id) => {
  const { boundary, roads, places } = SafeSchools.read(id);
  const quiet = { interactive: false };
  if (roads) L.geoJSON(roads, { ...quiet, style: { color: "#a9a9a4", weight: 1 } }).addTo(map);
  if (boundary) L.geoJSON(boundary, { ...quiet, style: { color: "#4a4a4a", weight: 2, dashArray: "6 4", fill: false } }).addTo(map);
  map.createPane("places").style.zIndex = 420;
  for (const { name, at } of places) {
    L.tooltip({ permanent: true, direction: "center", className: "place-name", pane: "places" })
      .setLatLng([at[1], at[0]]).setContent(SafeSchools.element("span", "", name)).addTo(map);
  }
};

// Ticks across a line are distinguished from every other line by their shape, and hide little of what runs along it.
SafeSchools.addBarriers = (map, id) => {
  const pane = map.createPane("barriers");
  pane.style.zIndex = 415;
  pane.style.pointerEvents = "none";
  for (const style of [{ color: "#ffffff", weight: 4 }, { color: "#1a1a1a", weight: 2 }, { color: "#1a1a1a", weight: 11, dashArray: "2 9" }]) {
    L.geoJSON(SafeSchools.read(id), { pane: "barriers", interactive: false, style: { ...style, lineCap: "butt" } }).addTo(map);
  }
};

SafeSchools.addHatch = (map) => {
  map.getPane("overlayPane").querySelector("svg").insertAdjacentHTML("afterbegin",
    '<defs><pattern id="no-data" width="8" height="8" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
    '<rect width="8" height="8" fill="#fff"/><path d="M0,0V8" stroke="#595959" stroke-width="3"/></pattern></defs>');
};

SafeSchools.addZones = (map, id) => {
  const zones = SafeSchools.read(id);
  L.geoJSON(zones, {
    style: ({ properties: p }) => ({
      color: "#262626", weight: p.is_heaviest ? 4 : 1.5, opacity: 1,
      fillColor: p.fill || "url(#no-data)", fillOpacity: p.opacity, fill: p.opacity > 0, interactive: p.facts.length > 0,
    }),
    onEachFeature: ({ properties: p }, shape) => {
      if (p.facts.length) shape.bindPopup(SafeSchools.popup(p.facts));
    },
  }).addTo(map);
  if (zones.features.some(({ properties: p }) => !p.fill)) SafeSchools.addHatch(map);
  const pane = map.createPane("labels");
  pane.style.zIndex = zones.quiet ? 430 : 640;
  const labels = zones.features.map(({ properties: p }) => {
    const label = SafeSchools.element("div", "");
    p.label.forEach((line, i) => label.append(SafeSchools.element(i ? "span" : "strong", "", line)));
    const className = `zone-label${p.is_heaviest ? " heaviest" : ""}${zones.quiet ? " quiet" : ""}`;
    return L.tooltip({ permanent: true, direction: "center", className, pane: "labels" })
      .setLatLng([p.label_at[1], p.label_at[0]]).setContent(label).addTo(map);
  });
  map.on("zoomend resize", () => SafeSchools.fitLabels(labels));
  SafeSchools.fitLabels(labels);
};

// Labels that would lie on each other lose their first line; those that still do give way, the later to the earlier.
SafeSchools.fitLabels = (labels) => {
  const boxes = labels.map((label) => label.getElement());
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  boxes.forEach((box) => box.classList.remove("compact", "crowded-out"));
  labels.forEach((label) => label.update());
  const full = boxes.map((box) => box.getBoundingClientRect());
  boxes.forEach((box, i) => box.classList.toggle("compact", full.some((other, j) => i !== j && meet(full[i], other))));
  labels.forEach((label) => label.update());
  const kept = [];
  const isHeaviest = (box) => Number(box.classList.contains("heaviest"));
  for (const box of [...boxes].sort((a, b) => isHeaviest(b) - isHeaviest(a))) {
    const place = box.getBoundingClientRect();
    if (kept.some((other) => meet(place, other))) box.classList.add("crowded-out");
    else kept.push(place);
  }
};

SafeSchools.addSchools = (map, id) => {
  for (const { at, shape, color, has_ring, facts } of SafeSchools.read(id)) {
    const place = [at[1], at[0]];
    if (has_ring) L.circleMarker(place, { radius: 10, color: "#a4002a", weight: 2.5, fill: false, interactive: false }).addTo(map);
    new SafeSchools.Mark(place, { shape, radius: 5, color: "#1a1a1a", weight: 1, fillColor: color, fillOpacity: 1 })
      .bindPopup(SafeSchools.popup(facts)).addTo(map);
  }
};
