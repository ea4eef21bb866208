"use strict";
// Points as the package packs them (packed.py): raw deflate of byte planes, Morton deltas first, then the codes.
SafeSchools.unpack = async (header, text) => {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser is too old to draw the points. The tables below hold the counts; a browser of 2023 or later draws the map.");
  }
  const bytes = atob(text), packed = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) packed[i] = bytes.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const { count, bits } = header;
  const keyBytes = Math.ceil(2 * bits / 8);
  const points = { count, x: new Float64Array(count), y: new Float64Array(count), codes: {} };
  let key = 0;
  for (let i = 0; i < count; i++) {
    let delta = 0;
    for (let byte = keyBytes - 1; byte >= 0; byte--) delta = delta * 256 + planes[byte * count + i];
    key += delta;
    const low = key % 67108864, high = Math.floor(key / 67108864);
    const cells = 2 ** bits;
    const lon = header.west + (SafeSchools.evenBits(low) + SafeSchools.evenBits(high) * 8192 + 0.5) / cells * header.width;
    const lat = header.south + (SafeSchools.evenBits(low >> 1) + SafeSchools.evenBits(high >> 1) * 8192 + 0.5) / cells * header.height;
    // Web Mercator at zoom 0, in pixels: what Leaflet's projection would give, without an object for each point.
    points.x[i] = (lon + 180) / 360 * 256;
    points.y[i] = 128 - Math.log(Math.tan(Math.PI / 4 + lat * Math.PI / 360)) * 128 / Math.PI;
  }
  let plane = keyBytes;
  for (const { name, bytes } of header.codes) {
    const codes = points.codes[name] = new Uint16Array(count);
    for (let byte = 0; byte < bytes; byte++, plane++) {
      for (let i = 0; i < count; i++) codes[i] |= planes[plane * count + i] << (8 * byte);
    }
  }
  return points;
};

// Gather every second bit of a number of at most 26 bits.
SafeSchools.evenBits = (value) => {
  let v = value & 0x15555555;
  v = (v | (v >> 1)) & 0x33333333;
  v = (v | (v >> 2)) & 0x0f0f0f0f;
  v = (v | (v >> 4)) & 0x00ff00ff;
  return (v | (v >> 8)) & 0xffff;
};
