"use strict";
// Hotspots: areas that a finding belongs to, cells of a grid, and a picture of density.
SafeSchools.AREA_STYLES = {
  high: { color: "#7a0019", weight: 3.5, fillColor: "#7a0019", fillOpacity: 0.12 },
  officers: { color: "#7a0019", weight: 3, dashArray: "2 7", fillOpacity: 0 },
  place: { color: "#1a1a1a", weight: 1.5, fillColor: "url(#place-dots)", fillOpacity: 0.8 },
};

SafeSchools.addAreas = (map, id) => {
  const areas = SafeSchools.read(id);
  L.geoJSON(areas, {
    style: ({ properties: p }) => SafeSchools.AREA_STYLES[p.kind],
    onEachFeature: ({ properties: p }, shape) => {
      shape.bindPopup(SafeSchools.popup(p.facts));
      if (p.label) {
        shape.bindTooltip(SafeSchools.element("span", "", p.label), { permanent: true, direction: "top", className: "area-label" });
      }
    },
  }).addTo(map);
  const svg = map.getPane("overlayPane").querySelector("svg");
  if (svg && areas.features.some(({ properties: p }) => p.kind === "place")) {
    svg.insertAdjacentHTML("afterbegin",
      '<defs><pattern id="place-dots" width="7" height="7" patternUnits="userSpaceOnUse">' +
      '<rect width="7" height="7" fill="#fff" fill-opacity="0.6"/><circle cx="3.5" cy="3.5" r="1.7" fill="#1a1a1a"/></pattern></defs>');
  }
};

SafeSchools.addCells = (map, id) => {
  const cells = SafeSchools.read(id);
  const pane = map.createPane("cells");
  pane.style.zIndex = 390;
  const style = ({ properties: p }) => ({
    pane: "cells", color: p.is_hot ? "#1a1a1a" : "#8a8a85", weight: p.is_hot ? 3 : 0.5,
    fillColor: p.fill || "#ffffff", fillOpacity: p.fill ? 0.75 : 0,
  });
  const draw = (hot) => L.geoJSON(cells, {
    pane: "cells", style, filter: ({ properties: p }) => p.is_hot === hot,
    onEachFeature: ({ properties: p }, shape) => shape.bindPopup(SafeSchools.popup(p.facts)),
  }).addTo(map);
  // Hot cells last, so that no neighbor's line covers theirs.
  draw(false);
  draw(true);
};

SafeSchools.addPicture = (map, id) => {
  const { url, bounds } = SafeSchools.read(id);
  const pane = map.createPane("picture");
  pane.style.zIndex = 250;
  L.imageOverlay(url, bounds, { pane: "picture", opacity: 0.75, alt: "" }).addTo(map);
};
