"use strict";
// One canvas for all points: as dots, or as counts on a grid of the screen.
SafeSchools.PackedLayer = L.Layer.extend({
  initialize(points, { colors, colorBy }) {
    this._points = points;
    this._codes = points.codes[colorBy];
    this._colors = colors;
    this._shown = new Uint8Array(points.count).fill(1);
    this._view = "dots";
  },

  onAdd(map) {
    this._canvas = L.DomUtil.create("canvas", "leaflet-zoom-animated packed-points");
    this._canvas.setAttribute("aria-hidden", "true");
    const pane = map.getPane("points") || map.createPane("points");
    pane.style.zIndex = 450;
    pane.append(this._canvas);
    this._draw();
  },

  onRemove() {
    this._canvas.remove();
  },

  getEvents() {
    return { moveend: this._draw, zoomend: this._draw, resize: this._draw, zoomanim: this._onZoomAnimation };
  },

  // `shown` holds a 1 for each point to draw; `view` is "dots" or "counts".
  show(shown, view) {
    this._shown = shown;
    this._view = view;
    if (this._map) this._draw();
  },

  _onZoomAnimation({ zoom, center }) {
    const offset = this._map._latLngBoundsToNewLayerBounds(this._bounds, zoom, center).min;
    L.DomUtil.setTransform(this._canvas, offset, this._map.getZoomScale(zoom));
  },

  _draw() {
    const size = this._map.getSize(), ratio = window.devicePixelRatio || 1;
    this._bounds = this._map.getBounds();
    const corner = this._map.containerPointToLayerPoint([0, 0]);
    L.DomUtil.setTransform(this._canvas, corner, 1);
    this._canvas.width = Math.round(size.x * ratio);
    this._canvas.height = Math.round(size.y * ratio);
    this._canvas.style.width = `${size.x}px`;
    this._canvas.style.height = `${size.y}px`;
    const context = this._canvas.getContext("2d");
    context.scale(ratio, ratio);
    const frame = { size, ratio, scale: 2 ** this._map.getZoom(), origin: this._map.getPixelOrigin().add(corner) };
    if (this._view === "counts") this._drawCounts(context, frame);
    else this._drawDots(context, frame);
  },

  _drawDots(context, { size, ratio, scale, origin }) {
    const { x, y, count } = this._points;
    const { radius, rim } = count > 20000 ? { radius: 1.5, rim: 0 } : { radius: 4, rim: 0.75 };
    const sprites = this._colors.map((color) => SafeSchools.dot(color, radius, rim, ratio));
    const half = radius + 1;
    // A dot that lies on one of its own kind would not be seen: at most one of a kind for each pixel.
    const taken = this._colors.map(() => new Uint8Array(size.x * size.y));
    for (let i = 0; i < count; i++) {
      if (!this._shown[i]) continue;
      const px = Math.round(x[i] * scale - origin.x), py = Math.round(y[i] * scale - origin.y);
      if (px < 0 || py < 0 || px >= size.x || py >= size.y) continue;
      const code = this._codes[i], pixel = py * size.x + px;
      if (taken[code][pixel]) continue;
      taken[code][pixel] = 1;
      context.drawImage(sprites[code], px - half, py - half, 2 * half, 2 * half);
    }
  },

  _drawCounts(context, { size, scale, origin }) {
    const cells = SafeSchools.gridCounts(this._points, this._shown, { scale, cell: 64, origin, size });
    const most = Math.max(1, ...cells.map(({ count }) => count));
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { count, x, y } of cells) {
      const text = count.toLocaleString(document.documentElement.lang);
      const radius = Math.max(9 + 17 * Math.sqrt(count / most), 4 * text.length + 3);
      context.beginPath();
      context.arc(x - origin.x, y - origin.y, radius, 0, 2 * Math.PI);
      context.fillStyle = "#0b3d66";
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = "#fff";
      context.stroke();
      context.fillStyle = "#fff";
      context.font = "600 12px system-ui, sans-serif";
      context.fillText(text, x - origin.x, y - origin.y);
    }
  },
});

// Count the points of each cell of a grid fixed to the ground; each cell's place is the mean of its points.
SafeSchools.gridCounts = ({ x, y, count }, shown, { scale, cell, origin, size }) => {
  const left = Math.floor(origin.x / cell) - 1, top = Math.floor(origin.y / cell) - 1;
  const across = Math.ceil(size.x / cell) + 3, down = Math.ceil(size.y / cell) + 3;
  const counts = new Uint32Array(across * down), sumX = new Float64Array(across * down), sumY = new Float64Array(across * down);
  for (let i = 0; i < count; i++) {
    if (!shown[i]) continue;
    const px = x[i] * scale, py = y[i] * scale;
    const column = Math.floor(px / cell) - left, row = Math.floor(py / cell) - top;
    if (column < 0 || row < 0 || column >= across || row >= down) continue;
    const k = row * across + column;
    counts[k]++;
    sumX[k] += px;
    sumY[k] += py;
  }
  const cells = [];
  counts.forEach((n, k) => { if (n) cells.push({ count: n, x: sumX[k] / n, y: sumY[k] / n }); });
  return cells.sort((a, b) => a.count - b.count);
};

// A dot, drawn once and stamped many times; where there is room it has a dark rim.
SafeSchools.dot = (color, radius, rim, ratio) => {
  const sprite = document.createElement("canvas"), side = 2 * (radius + 1);
  sprite.width = sprite.height = Math.ceil(side * ratio);
  const context = sprite.getContext("2d");
  context.scale(ratio, ratio);
  context.beginPath();
  context.arc(side / 2, side / 2, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
  if (rim) {
    context.lineWidth = rim;
    context.strokeStyle = "#1a1a1a";
    context.stroke();
  }
  return sprite;
};
