// A map of zones answers to mouse, touch and keyboard: pick a zone, enlarge, move, show the names of schools.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const MOST = 8, STEP = 1.5, SLACK = 3;

  document.querySelectorAll(".map").forEach((map) => {
    const svg = map.querySelector(".map-view > svg");
    const view = map.querySelector(".map-view");
    const facts = map.querySelector(".map-facts");
    const tools = map.querySelector(".map-tools");
    const list = map.querySelector("select");
    const names = map.querySelector("input[type=checkbox]");
    const zones = [...svg.querySelectorAll("[data-zone]")];
    const [, , wide, tall] = svg.getAttribute("viewBox").split(" ").map(Number);
    const at = { zoom: 1, x: 0, y: 0 };
    let picked = null;

    // Rings lie above all zones, so that no neighbor covers them.
    const areas = svg.querySelector(".areas");
    const ring = (color, width, dash) => {
      const path = document.createElementNS(SVG, "path");
      for (const [key, value] of Object.entries({
        fill: "none", stroke: color, "stroke-width": width, "stroke-dasharray": dash,
        "vector-effect": "non-scaling-stroke", "pointer-events": "none", "aria-hidden": "true", display: "none",
      })) path.setAttribute(key, value);
      areas.after(path);
      return path;
    };
    const focusRing = ring("#0b57d0", 3, "2 4");
    const innerRing = ring("#ffffff", 3, "none");
    const pickRing = ring("#1a1a1a", 7, "none");
    const surround = (path, zone) => {
      path.setAttribute("display", zone ? "inline" : "none");
      if (zone) path.setAttribute("d", zone.querySelector("path").getAttribute("d"));
    };

    const draw = () => {
      const w = wide / at.zoom, h = tall / at.zoom;
      at.x = Math.min(Math.max(at.x, 0), wide - w);
      at.y = Math.min(Math.max(at.y, 0), tall - h);
      svg.setAttribute("viewBox", `${at.x} ${at.y} ${w} ${h}`);
      view.style.touchAction = at.zoom > 1 ? "none" : "";
      write();
    };

    // Text and marks keep their size on the screen. What has no room is left out: first the names of zones that have a
    // figure, then names of schools, the picked zone's last; what sticks out is moved inside.
    const write = () => {
      const scale = (svg.clientWidth || wide) / (wide / at.zoom);
      const size = Math.min(1, 0.75 + svg.clientWidth / 3000) / scale;
      svg.querySelectorAll(".fixed").forEach((g) => g.setAttribute("transform", `scale(${size})`));
      const frame = view.getBoundingClientRect();
      const taken = new Map();
      const show = (g, wanted) => g.setAttribute("display", wanted ? "inline" : "none");
      const moved = (g, dx) => {
        g.querySelector(".fixed").setAttribute("transform", `translate(${dx / scale},0) scale(${size})`);
        return g.getBoundingClientRect();
      };
      const inside = (g) => {
        moved(g, 0);
        const box = g.getBoundingClientRect(), { e: x, f: y } = g.getScreenCTM();
        if (x < frame.left || x > frame.right || y < frame.top || y > frame.bottom) return null;
        if (g.classList.contains("name")) {
          return box.right <= frame.right ? box : moved(g, box.left - box.right - 2 * (box.left - x));
        }
        const dx = Math.max(0, frame.left + SLACK - box.left) + Math.min(0, frame.right - SLACK - box.right);
        return dx ? moved(g, dx) : box;
      };
      const fits = (g, key) => {
        const box = inside(g);
        if (!box) return false;
        const meets = ([other, o]) => other !== key && box.left < o.right - SLACK && o.left < box.right - SLACK
          && box.top < o.bottom - SLACK && o.top < box.bottom - SLACK;
        if ([...taken].some(meets)) return false;
        taken.set(key, box);
        return true;
      };
      const first = (a, b) => (b.dataset.of === picked) - (a.dataset.of === picked);
      const labels = [...svg.querySelectorAll(".label")].sort(first);
      const short = labels.filter((g) => g.querySelector(".value"));
      labels.forEach((g) => { show(g, true); g.querySelectorAll(".lines").forEach((lines) => show(lines, !short.includes(g))); });
      labels.forEach((g) => { if (!fits(g, g)) show(g, false); });
      short.filter((g) => g.getAttribute("display") === "inline").forEach((g) => {
        const lines = g.querySelector(".lines"), fixed = g.querySelector(".fixed");
        const before = fixed.getAttribute("transform");
        show(lines, true);
        if (fits(g, g)) return;
        show(lines, false);
        fixed.setAttribute("transform", before);
      });
      const put = (g, isWanted) => { show(g, isWanted); if (isWanted && !fits(g, g)) show(g, false); };
      const schools = [...svg.querySelectorAll(".name")];
      schools.forEach((g) => show(g, false));
      schools.filter((g) => names && g.dataset.of === picked).forEach((g) => put(g, true));
      svg.querySelectorAll(".mark").forEach((g) => taken.set(g, g.getBoundingClientRect()));
      schools.filter((g) => names && g.dataset.of !== picked).forEach((g) => put(g, names.checked));
      svg.querySelectorAll(".place").forEach((g) => put(g, true));
    };

    const pick = (id) => {
      picked = id;
      const zone = zones.find((z) => z.dataset.zone === id) || null;
      zones.forEach((z) => z.setAttribute("aria-pressed", String(z === zone)));
      surround(pickRing, zone);
      surround(innerRing, zone);
      if (zone) rove(zone);
      list.value = zone ? id : "";
      document.querySelectorAll("tr[data-row]").forEach((tr) => tr.classList.toggle("is-picked", tr.dataset.row === id));
      const told = [...map.querySelectorAll("template")].find((t) => t.dataset.facts === (id || ""));
      facts.replaceChildren(told.content.cloneNode(true));
      write();
    };

    const rove = (zone) => zones.forEach((z) => z.setAttribute("tabindex", z === zone ? "0" : "-1"));

    const zoom = (factor) => {
      const w = wide / at.zoom, h = tall / at.zoom;
      const next = Math.min(Math.max(at.zoom * factor, 1), MOST);
      at.x += (w - wide / next) / 2;
      at.y += (h - tall / next) / 2;
      at.zoom = next;
      draw();
    };
    const move = (x, y) => { at.x += (x * wide) / at.zoom / 5; at.y += (y * tall) / at.zoom / 5; draw(); };
    const actions = {
      in: () => zoom(STEP), out: () => zoom(1 / STEP), all: () => zoom(0),
      left: () => move(-1, 0), right: () => move(1, 0), up: () => move(0, -1), down: () => move(0, 1),
    };
    const KEYS = {
      "+": "in", "=": "in", "-": "out", _: "out", "−": "out", 0: "all",
      ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down",
    };
    const NEXT = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

    svg.setAttribute("role", "group");
    svg.querySelectorAll(".mark, .name, .label, .place").forEach((g) => g.setAttribute("aria-hidden", "true"));
    zones.forEach((zone, place) => {
      zone.setAttribute("role", "button");
      zone.setAttribute("aria-label", zone.dataset.label);
      zone.setAttribute("aria-pressed", "false");
      zone.addEventListener("focus", () => { rove(zone); surround(focusRing, zone); });
      zone.addEventListener("blur", () => surround(focusRing, null));
      zone.addEventListener("keydown", (event) => {
        const ends = { Home: zones[0], End: zones[zones.length - 1] };
        const to = ends[event.key] || zones[(place + NEXT[event.key] + zones.length) % zones.length];
        if (event.key === "Enter" || event.key === " ") pick(picked === zone.dataset.zone ? null : zone.dataset.zone);
        else if (to) to.focus();
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
    });
    rove(zones[0]);

    view.tabIndex = 0;
    view.setAttribute("role", "group");
    view.setAttribute("aria-label", view.dataset.label);
    view.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
      event.preventDefault();
      actions[KEYS[event.key]]();
    });
    map.addEventListener("keydown", (event) => { if (event.key === "Escape") pick(null); });

    let drag = null, dragged = false;
    view.addEventListener("pointerdown", (event) => {
      drag = { x: event.clientX, y: event.clientY, from: { ...at }, pointer: event.pointerId };
      dragged = false;
    });
    view.addEventListener("pointermove", (event) => {
      if (!drag || drag.pointer !== event.pointerId) return;
      const x = event.clientX - drag.x, y = event.clientY - drag.y;
      dragged ||= Math.hypot(x, y) > 5;
      if (!dragged || at.zoom === 1) return;
      const unit = wide / at.zoom / svg.clientWidth;
      at.x = drag.from.x - x * unit;
      at.y = drag.from.y - y * unit;
      draw();
    });
    ["pointerup", "pointercancel", "pointerleave"].forEach((kind) => view.addEventListener(kind, () => { drag = null; }));
    view.addEventListener("click", (event) => {
      const zone = event.target.closest("[data-zone]");
      if (!zone || dragged) return;
      pick(picked === zone.dataset.zone ? null : zone.dataset.zone);
    });

    tools.querySelectorAll("button").forEach((b) => b.addEventListener("click", actions[b.dataset.do]));
    list.addEventListener("change", () => pick(list.value || null));
    if (names) names.addEventListener("change", write);
    new ResizeObserver(write).observe(view);
    tools.hidden = facts.hidden = false;
    list.value = "";
    if (names) names.checked = false;
    map.dataset.ready = "true";
    pick(null);
    performance.mark("safeschools-drawn");
  });
})();
