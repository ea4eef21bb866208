"use strict";
// The form beside the map of incidents: what is ticked is drawn and counted.
SafeSchools.addPoints = async (map, id) => {
  const { header, colors, color_by: colorBy, total } = SafeSchools.read(`${id}_header`);
  let points;
  try {
    points = await SafeSchools.unpack(header, document.getElementById(`${id}_points`).textContent);
  } catch (error) {
    SafeSchools.fail(error.message);
    return;
  }
  const layer = new SafeSchools.PackedLayer(points, { colors, colorBy });
  const lang = document.documentElement.lang;
  const form = document.getElementById("filters"), status = document.getElementById("shown-count");
  const apply = () => {
    const { shown, count } = SafeSchools.select(points, SafeSchools.wanted(form));
    layer.show(shown, form.elements.view.value);
    status.textContent = `Showing ${count.toLocaleString(lang)} of ${total.toLocaleString(lang)} incidents.`;
  };
  form.hidden = false;
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const button of form.querySelectorAll("button[data-group]")) {
    button.addEventListener("click", () => {
      for (const box of form.querySelectorAll(`input[name="${button.dataset.group}"]`)) box.checked = button.dataset.tick === "all";
      apply();
    });
  }
  apply();
  layer.addTo(map);
  SafeSchools.drawn(map);
};

// For each code, which of its values the form asks for.
SafeSchools.wanted = (form) => {
  const wanted = {};
  for (const box of form.querySelectorAll("input[type=checkbox][name]")) {
    wanted[box.name] ??= new Uint8Array(65536);
    if (box.checked) wanted[box.name][Number(box.value)] = 1;
  }
  const from = Number(form.elements.hour_from.value), to = Number(form.elements.hour_to.value);
  for (let hour = 0; hour < 24; hour++) {
    // From 22 to 5 runs over midnight.
    wanted.hour[hour] = from <= to ? hour >= from && hour <= to : hour >= from || hour <= to;
  }
  return wanted;
};

SafeSchools.select = (points, wanted) => {
  const shown = new Uint8Array(points.count).fill(1);
  for (const [name, values] of Object.entries(wanted)) {
    const codes = points.codes[name];
    for (let i = 0; i < points.count; i++) shown[i] &= values[codes[i]];
  }
  return { shown, count: shown.reduce((sum, one) => sum + one, 0) };
};
