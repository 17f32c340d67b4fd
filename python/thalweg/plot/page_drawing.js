"use strict";
// What the page shows, and what happens where somebody clicks, drags or types.
const { scene, rules, value, descend, shown } = thalweg, flat = scene.box.length === 2;
const byId = id => document.getElementById(id), view = byId("view");
const svg = view.querySelector("svg"), canvas = view.querySelector("canvas");
const ranges = [scene.box[0], flat ? scene.box[1] : scene.heights];
const margin = { left: 56, right: 12, top: 12, bottom: 42 };
let size = [1, 1], start = scene.start.slice(), run = null;
let rule = "gradient_descent";
const rates = { ...scene.rates }, settings = {};  // by rule: what was chosen last

// The slider goes from a part of a rule's usual rate to a multiple of it.
const rateOf = t => Number((scene.rates[rule] * Math.pow(scene.spread, t / 500 - 1)).toPrecision(3));
const sliderOf = rate => 500 * (1 + Math.log(rate / scene.rates[rule]) / Math.log(scene.spread));

// ---- from numbers to the picture and back

const inner = d => d === 0 ? size[0] - margin.left - margin.right : size[1] - margin.top - margin.bottom;
const place = (d, v) => {
  const t = (v - ranges[d][0]) / (ranges[d][1] - ranges[d][0]);
  const at = d === 0 ? margin.left + t * inner(0) : size[1] - margin.bottom - t * inner(1);
  return Math.min(Math.max(at, -1e4), 1e4);
};
const numberAt = (d, pixel) => {
  const t = d === 0 ? (pixel - margin.left) / inner(0) : (size[1] - margin.bottom - pixel) / inner(1);
  return ranges[d][0] + Math.min(Math.max(t, 0), 1) * (ranges[d][1] - ranges[d][0]);
};
const ticks = ([low, high], count) => {
  const raw = (high - low) / count, power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= raw);
  const found = [];
  for (let k = Math.ceil(low / step); k * step <= high * (1 + 1e-12); ++k)
    found.push(Number((k * step).toPrecision(12)));
  return found;
};
const element = (tag, attributes, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, v] of Object.entries(attributes)) made.setAttribute(name, v);
  if (text !== undefined) made.textContent = text;
  return made;
};
const line = points => points.map(p => p.map(v => v.toFixed(2)).join(",")).join(" ");

// ---- what stands still: the map or the curve, and the axes

const paint = () => {
  const ratio = window.devicePixelRatio || 1, width = Math.round(inner(0) * ratio);
  const height = Math.round(inner(1) * ratio);
  canvas.width = Math.round(size[0] * ratio);
  canvas.height = Math.round(size[1] * ratio);
  if (!flat || width < 2 || height < 2 || scene.levels.length < 2) return;
  const n = 160, grid = new Float64Array((n + 1) * (n + 1));
  const along = (d, t) => ranges[d][0] + t * (ranges[d][1] - ranges[d][0]);
  for (let j = 0; j <= n; ++j) for (let i = 0; i <= n; ++i)
    grid[j * (n + 1) + i] = value([along(0, i / n), along(1, 1 - j / n)]);
  const band = new Int16Array(width * height);
  for (let r = 0; r < height; ++r) for (let c = 0; c < width; ++c) {
    const u = c / (width - 1) * n, v = r / (height - 1) * n;
    const i = Math.min(Math.floor(u), n - 1), j = Math.min(Math.floor(v), n - 1), s = u - i, t = v - j;
    const at = j * (n + 1) + i;
    const z = (1 - t) * ((1 - s) * grid[at] + s * grid[at + 1])
      + t * ((1 - s) * grid[at + n + 1] + s * grid[at + n + 2]);
    let k = -1;
    if (Number.isFinite(z)) for (k = 0; k < scene.levels.length && scene.levels[k] < z; ++k);
    band[r * width + c] = k;
  }
  const context = canvas.getContext("2d"), image = context.createImageData(width, height);
  for (let r = 0; r < height; ++r) for (let c = 0; c < width; ++c) {
    const at = r * width + c, k = band[at];
    const edge = k !== band[r * width + Math.min(c + 1, width - 1)]
      || k !== band[Math.min(r + 1, height - 1) * width + c];
    const shade = k < 0 ? [224, 224, 224] : scene.shades[Math.min(k, scene.shades.length - 1)];
    for (let b = 0; b < 3; ++b) image.data[4 * at + b] = edge ? 0.72 * shade[b] : shade[b];
    image.data[4 * at + 3] = 255;
  }
  context.putImageData(image, Math.round(margin.left * ratio), Math.round(margin.top * ratio));
};

const axes = () => {
  const group = element("g", {});
  const [left, bottom] = [margin.left, size[1] - margin.bottom];
  group.append(element("rect", {
    class: "axis", x: left, y: margin.top, width: Math.max(inner(0), 0), height: Math.max(inner(1), 0),
  }));
  for (const v of ticks(ranges[0], 6)) {
    group.append(element("line", { class: "axis", x1: place(0, v), x2: place(0, v), y1: bottom, y2: bottom + 5 }));
    group.append(element("text", { x: place(0, v), y: bottom + 19, "text-anchor": "middle" }, shown(v)));
  }
  for (const v of ticks(ranges[1], 6)) {
    group.append(element("line", { class: "axis", x1: left - 5, x2: left, y1: place(1, v), y2: place(1, v) }));
    group.append(element("text", { x: left - 8, y: place(1, v) + 4, "text-anchor": "end" }, shown(v)));
  }
  const names = flat ? scene.names : [scene.names[0], scene.height];
  group.append(element("text", { x: left + inner(0) / 2, y: size[1] - 4, "text-anchor": "middle" }, names[0]));
  group.append(element("text", {
    x: 13, y: margin.top + inner(1) / 2, "text-anchor": "middle",
    transform: `rotate(-90 13 ${margin.top + inner(1) / 2})`,
  }, names[1]));
  return group;
};

const curve = () => {
  const group = element("g", { "clip-path": "url(#inside)" });
  let piece = [];
  const end = () => {
    if (piece.length > 1) group.append(element("polyline", { class: "curve", points: line(piece) }));
    piece = [];
  };
  for (let i = 0; i <= 600; ++i) {
    const x = ranges[0][0] + i / 600 * (ranges[0][1] - ranges[0][0]), y = value([x]);
    if (Number.isFinite(y)) piece.push([place(0, x), place(1, y)]);
    else end();
  }
  end();
  return group;
};

// ---- what moves: the path, and what is said about it

const around = (x, y, count, radii) => line([...Array(count).keys()].map(k => {
  const r = radii[k % radii.length], a = Math.PI * (2 * k / count - 0.5);
  return [x + r * Math.cos(a), y + r * Math.sin(a)];
}));
const star = (x, y) => around(x, y, 10, [9, 3.6]);
const cross = (x, y) => line([[0, 3], [4, 7], [7, 4], [3, 0], [7, -4], [4, -7], [0, -3], [-4, -7], [-7, -4],
  [-3, 0], [-7, 4], [-4, 7]].map(([a, b]) => [x + a, y + b]));
const spot = k => [place(0, run.path[k][0]), place(1, flat ? run.path[k][1] : run.values[k])];

// The path up to a step; a star where it came to rest at its end, else a cross.
const trace = step => {
  const group = element("g", { "clip-path": "url(#inside)", id: "path" });
  const points = [...Array(step + 1).keys()].filter(k => Number.isFinite(flat ? run.path[k][1] : run.values[k]))
    .map(spot);
  if (flat) group.append(element("polyline", { class: "edge", points: line(points) }));
  group.append(element("polyline", { class: flat ? "path on-map" : "path", points: line(points) }));
  if (points.length <= 300)
    for (const [x, y] of points.slice(1)) group.append(element("circle", { class: "dot", cx: x, cy: y, r: 3 }));
  if (!points.length) return group;
  const last = points[points.length - 1];
  group.append(element("circle", { class: "start", cx: points[0][0], cy: points[0][1], r: 6 }));
  if (step < run.path.length - 1) group.append(element("circle", { class: "head", cx: last[0], cy: last[1], r: 5 }));
  else if (run.settled) group.append(element("polygon", { class: "best", points: star(...spot(run.best)) }));
  else if (points.length > 1) group.append(element("polygon", { class: "end", points: cross(...last) }));
  return group;
};

const tell = () => {
  const last = run.path.length - 1, best = run.best, point = x => x.map(v => shown(v)).join(", ");
  const there = Number.isFinite(run.values[best]);
  const rows = [
    ["ended", run.message],
    ["last point", point(run.path[last])],
    ["value there", Number.isFinite(run.values[last]) ? shown(run.values[last], 10) : "none"],
    ["lowest value", there ? `${shown(run.values[best], 10)} at ${point(run.path[best])}` : "none"],
  ];
  if (run.norm !== undefined) rows.splice(1, 0, ["gradient norm", shown(run.norm, 4)]);
  byId("state").replaceChildren(...rows.map(([name, text]) => {
    const row = document.createElement("tr"), head = document.createElement("th");
    const cell = document.createElement("td");
    head.textContent = name;
    cell.textContent = text;
    row.append(head, cell);
    return row;
  }));
};

// Values above the lowest against iteration, on a log axis: each tick is a power of ten.
const history = step => {
  const chart = byId("history"), [width, height] = [chart.clientWidth || 300, chart.clientHeight || 190];
  const lowest = run.values[run.best], last = run.values.length - 1;
  const above = run.values.map(v => Math.log10(v - lowest)).map((v, k) => [k, v]).filter(p => Number.isFinite(p[1]));
  const logs = above.map(p => p[1]);
  const low = Math.floor(Math.min(...logs, 0)), high = Math.max(Math.ceil(Math.max(...logs)), low + 1);
  const [left, right, top, bottom] = [margin.left, width - margin.right, 24, height - 36];
  const x = k => left + (right - left) * k / Math.max(last, 1);
  const y = v => bottom - (bottom - top) * (v - low) / (high - low);
  const parts = [element("text", { x: left, y: 14 }, `${scene.height} − lowest, against iteration`)];
  const every = Math.ceil((high - low) / 5);
  for (let power = low; logs.length && power <= high; power += every) {
    const text = element("text", { x: left - 8, y: y(power) + 4, "text-anchor": "end" }, "10");
    const raised = element("tspan", { dy: -5, "font-size": 9, class: "power" }, String(power).replace("-", "−"));
    text.append(raised);
    parts.push(element("line", { class: "grid", x1: left, x2: right, y1: y(power), y2: y(power) }), text);
  }
  if (!logs.length) parts.push(element("text", { x: left, y: (top + bottom) / 2 }, "no value above the lowest"));
  parts.push(element("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
  for (const k of ticks([0, Math.max(last, 1)], 5).filter(Number.isInteger))
    parts.push(element("text", { x: x(k), y: bottom + 16, "text-anchor": "middle" }, String(k)));
  const seen = above.filter(p => p[0] <= step).map(([k, v]) => [x(k), y(v)]);
  parts.push(element("polyline", { class: "path", points: line(seen) }));
  chart.replaceChildren(...parts);
};

// ---- one descent, drawn anew, whole or up to a step

let step = 0, playing = 0;

const drawPath = () => {
  const old = svg.querySelector("#path"), made = trace(step);
  if (old) old.replaceWith(made);
  else svg.append(made);
  history(step);
  if (flat) drawSpace();
  const last = run.path.length - 1;
  byId("step-shown").textContent = playing ? `iteration ${step}: ${shown(run.values[step])}` : "";
  byId("play").textContent = playing ? "■ stop" : "▶ play";
  Object.assign(thalweg, { step, last });
};

const stop = () => {
  cancelAnimationFrame(playing);
  playing = 0;
  step = run.path.length - 1;
};

const play = () => {
  const last = run.path.length - 1, began = performance.now();
  const each = Math.min(Math.max(4000 / Math.max(last, 1), 16), 250);  // milliseconds a step
  const next = now => {
    const at = Math.floor(Math.max(now - began, 0) / each);
    if (at > last) {
      stop();
    } else {
      playing = requestAnimationFrame(next);
      if (at === step) return;
      step = at;
    }
    drawPath();
  };
  step = 0;
  playing = requestAnimationFrame(next);
  drawPath();
};

const descendAndDraw = () => {
  const count = Number(byId("count").value), rate = rates[rule];
  run = descend(start, rate, count, rule, settings[rule]);
  stop();
  Object.assign(thalweg, { start, rate, count, rule, path: run.path, values: run.values });
  byId("rate-shown").textContent = String(rate);
  byId("count-shown").textContent = String(count);
  for (const [i, input] of [...byId("start").querySelectorAll("input")].entries())
    if (document.activeElement !== input) input.value = String(Number(start[i].toPrecision(6)));
  drawPath();
  tell();
};

const drawAll = () => {
  size = [view.clientWidth || 560, view.clientHeight || 480];
  const clip = element("clipPath", { id: "inside" }), defs = element("defs", {});
  clip.append(element("rect", {
    x: margin.left, y: margin.top, width: Math.max(inner(0), 0), height: Math.max(inner(1), 0),
  }));
  defs.append(clip);
  svg.setAttribute("viewBox", `0 0 ${size[0]} ${size[1]}`);
  svg.replaceChildren(defs, axes(), ...(flat ? [] : [curve()]));
  paint();
  descendAndDraw();
};

// ---- what can be clicked, dragged and typed

const choose = event => {
  const frame = view.getBoundingClientRect();
  const at = [event.clientX - frame.left, event.clientY - frame.top];
  start = scene.box.map((_, d) => numberAt(d, at[d]));
  descendAndDraw();
};

const numberField = (id, name, title, changed) => {
  const label = document.createElement("label"), row = document.createElement("span");
  const input = document.createElement("input");
  Object.assign(input, { type: "number", step: "any", id });
  label.title = title;
  input.addEventListener("input", () => {
    const v = Number.parseFloat(input.value);
    if (!Number.isFinite(v)) return;
    changed(v);
    descendAndDraw();
  });
  row.append(`${name} `, input);
  label.append(row);
  return label;
};

// The sliders and fields of another rule.
const chooseRule = name => {
  rule = name;
  settings[rule] ??= {};
  byId("rate").value = sliderOf(rates[rule]);
  const fields = rules[rule].hyper.filter(([key]) => key !== "learning_rate").map(([key, usual, meaning]) => {
    const field = numberField(`hyper-${key}`, key, meaning, v => { settings[rule][key] = v; });
    field.querySelector("input").value = String(settings[rule][key] ?? usual);
    return field;
  });
  byId("hyper").replaceChildren(...fields);
  byId("more").hidden = fields.length === 0;
  byId("rule").title = rules[rule].summary;
};

view.addEventListener("pointerdown", event => {
  if (event.pointerId !== undefined && view.setPointerCapture) view.setPointerCapture(event.pointerId);
  choose(event);
});
view.addEventListener("pointermove", event => { if (event.buttons & 1) choose(event); });
byId("rate").addEventListener("input", event => {
  rates[rule] = rateOf(Number(event.target.value));
  descendAndDraw();
});
byId("count").addEventListener("input", descendAndDraw);
byId("play").addEventListener("click", () => {
  if (!playing) return play();
  stop();
  drawPath();
});
byId("rule").append(...Object.keys(rules).map(name => new Option(name.replaceAll("_", " "), name)));
byId("rule").addEventListener("change", event => {
  chooseRule(event.target.value);
  descendAndDraw();
});
byId("start").append(...scene.names.map((name, d) => numberField(`start-${d}`, `start: ${name}`, "", v => {
  start = start.map((old, i) => i === d ? v : old);
})));
byId("count").value = scene.count;
chooseRule(rule);
window.addEventListener("resize", drawAll);
