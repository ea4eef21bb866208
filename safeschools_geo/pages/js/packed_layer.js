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
    const context = this._canvas.getContext("2d", { willReadFrequently: this._points.count > SafeSchools.MANY });
    context.scale(ratio, ratio);
    const frame = { size, ratio, scale: 2 ** this._map.getZoom(), origin: this._map.getPixelOrigin().add(corner) };
    if (this._view === "counts") this._drawCounts(context, frame);
    else this._drawDots(context, frame);
  },

  // Calls `stamp(x, y, code, nth)` for each point in sight, in pixels of the screen (`ratio` of them to one of the page).
  // A dot that lies on one of its own kind would not be seen: at most one of a kind for each pixel, the nth kind there.
  _eachDot({ size, scale, origin }, ratio, stamp) {
    const { x, y, count } = this._points, width = Math.round(size.x * ratio), height = Math.round(size.y * ratio);
    const taken = new Uint16Array(width * height);  // a bit for each kind
    for (let i = 0; i < count; i++) {
      if (!this._shown[i]) continue;
      const px = Math.round((x[i] * scale - origin.x) * ratio), py = Math.round((y[i] * scale - origin.y) * ratio);
      if (px < 0 || py < 0 || px >= width || py >= height) continue;
      const code = this._codes[i], pixel = py * width + px, bit = 1 << code;
      if (taken[pixel] & bit) continue;
      stamp(px, py, code, SafeSchools.bitCount(taken[pixel]));
      taken[pixel] |= bit;
    }
  },

  _drawDots(context, frame) {
    if (this._points.count > SafeSchools.MANY) this._drawSpecks(context, frame);
    else {
      const radius = 4, half = radius + 1;
      const sprites = this._colors.map((color) => SafeSchools.dot(color, radius, frame.ratio));
      this._eachDot(frame, 1, (x, y, code, nth) => {
        // Kinds at one place stand around it like the seeds of a sunflower.
        const away = 5.5 * Math.sqrt(nth), angle = 2.4 * nth;
        const left = x + away * Math.cos(angle) - half, top = y + away * Math.sin(angle) - half;
        context.drawImage(sprites[code], left, top, 2 * half, 2 * half);
      });
    }
  },

  // Very many points: small squares written straight into the picture, which takes no drawing command for each.
  _drawSpecks(context, { size, ratio, scale, origin }) {
    const image = context.getImageData(0, 0, this._canvas.width, this._canvas.height);
    const pixels = new Uint32Array(image.data.buffer), { width, height } = image;
    const inks = this._colors.map(SafeSchools.ink), before = Math.floor(ratio), side = Math.max(2, Math.round(2.5 * ratio));
    this._eachDot({ size, scale, origin }, ratio, (x, y, code) => {
      const left = Math.max(0, x - before), right = Math.min(width, x - before + side);
      for (let row = Math.max(0, y - before); row < Math.min(height, y - before + side); row++) {
        pixels.fill(inks[code], row * width + left, row * width + right);
      }
    });
    context.putImageData(image, 0, 0);
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
  return SafeSchools.mergedCells(cells);
};

// Circles that would hide each other become one, the smaller joining the greater.
SafeSchools.mergedCells = (cells) => {
  const kept = [];
  for (const cell of cells.sort((a, b) => b.count - a.count)) {
    const near = kept.find((other) => Math.hypot(other.x - cell.x, other.y - cell.y) < 40);
    if (near) near.count += cell.count;
    else kept.push(cell);
  }
  return kept.reverse();
};

// From so many points on, dots give way to specks.
SafeSchools.MANY = 20000;

SafeSchools.bitCount = (value) => {
  let count = 0;
  for (let rest = value; rest; rest &= rest - 1) count++;
  return count;
};

// "#rrggbb" as an opaque pixel of a picture (little-endian: red first).
SafeSchools.ink = (color) => {
  const value = parseInt(color.slice(1), 16);
  return (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
};

// A dot with a dark rim, drawn once and stamped many times.
SafeSchools.dot = (color, radius, ratio) => {
  const sprite = document.createElement("canvas"), side = 2 * (radius + 1);
  sprite.width = sprite.height = Math.ceil(side * ratio);
  const context = sprite.getContext("2d");
  context.scale(ratio, ratio);
  context.beginPath();
  context.arc(side / 2, side / 2, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
  context.lineWidth = 0.75;
  context.strokeStyle = "#1a1a1a";
  context.stroke();
  return sprite;
};
