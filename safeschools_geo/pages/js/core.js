"use strict";
// What every map of the product shares: reading its data, its name for assistive technology, its mark when drawn.
const SafeSchools = {
  read(id) {
    return JSON.parse(document.getElementById(id).textContent);
  },

  // Text from data goes into the page as text, never as markup.
  element(tag, className, text) {
    const element = document.createElement(tag);
    element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  },

  // The mark says when the first picture is on the screen.
  drawn(map) {
    requestAnimationFrame(() => requestAnimationFrame(() => {
      performance.mark("safeschools-drawn");
      map.getContainer().dataset.drawn = "true";
    }));
  },

  prepare(map, { label, note }) {
    const container = map.getContainer();
    const missing = document.getElementById("map-missing");
    if (missing) missing.hidden = true;
    container.setAttribute("role", "application");
    container.setAttribute("aria-label", label);
    map.attributionControl.setPrefix(false);
    // The wheel scrolls the page until the map has been clicked or reached by keyboard.
    map.scrollWheelZoom.disable();
    map.on("focus", () => map.scrollWheelZoom.enable());
    map.on("blur", () => map.scrollWheelZoom.disable());
    if (note) {
      const control = L.control({ position: "bottomleft" });
      control.onAdd = () => SafeSchools.element("div", "map-note", note);
      control.addTo(map);
    }
    L.control.scale({ position: "bottomright" }).addTo(map);
  },

  fail(message) {
    const place = document.getElementById("map-problem");
    place.textContent = message;
    place.hidden = false;
  },
};

// Leaflet takes a string for markup. Here it is text, whoever gives it: only an element of ours is shown as it is.
const updateContent = L.DivOverlay.prototype._updateContent;
L.DivOverlay.include({
  _updateContent() {
    const content = this._content;
    const shown = typeof content === "function" ? content(this._source || this) : content;
    this._content = typeof shown === "string" ? SafeSchools.element("span", "", shown) : shown;
    updateContent.call(this);
    this._content = content;
  },
});

if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
  L.Map.mergeOptions({ zoomAnimation: false, fadeAnimation: false, markerZoomAnimation: false, inertia: false });
  const panBy = L.Map.prototype.panBy;
  L.Map.include({ panBy(offset, options) { return panBy.call(this, offset, { ...options, animate: false }); } });
}
