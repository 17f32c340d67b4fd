// The surface of a function of two variables, which turns with the mouse, and the path on it.
const space = byId("space"), turned = { yaw: -0.6, pitch: 0.6 };
const cells = 56, tall = 0.7;  // facets each way; height of the box, as a share of its width
let relief = null;

// Heights on an even grid, from 0 to 1; NaN where there is no value, or one beyond the top.
const measure = () => {
  const along = (d, t) => ranges[d][0] + t * (ranges[d][1] - ranges[d][0]);
  relief = [];
  for (let j = 0; j <= cells; ++j) for (let i = 0; i <= cells; ++i)
    relief.push(value([along(0, i / cells), along(1, j / cells)]));
};

const raised = z => (z - scene.heights[0]) / (scene.heights[1] - scene.heights[0]);

// From the box, each side from 0 to 1, to the picture; and which way is nearer to the eye.
const looking = (width, height) => {
  const [c, s] = [Math.cos(turned.yaw), Math.sin(turned.yaw)], [up, over] = [Math.cos(turned.pitch), Math.sin(turned.pitch)];
  const scale = Math.min(width / 1.75, height / (1.45 * over + tall * up + 0.35));
  return {
    at: (x, y, z) => {
      const [a, b, h] = [x - 0.5, y - 0.5, tall * (z - 0.5)];
      return [width / 2 + scale * (c * a - s * b), height / 2 - scale * (over * (s * a + c * b) + up * h)];
    },
    farX: s > 0, farY: c > 0,  // whether larger x, larger y, lie farther off
  };
};

const shadeAt = z => {
  const levels = scene.levels, last = scene.shades.length - 1;
  let k = 0;
  while (k < levels.length && levels[k] < z) ++k;
  if (k === 0 || k > last - 1) return scene.shades[Math.min(k, last)];
  const t = (z - levels[k - 1]) / (levels[k] - levels[k - 1]);
  return scene.shades[k].map((v, b) => Math.round(v + (t - 0.5) * (scene.shades[k + (t > 0.5)][b] - scene.shades[k - (t <= 0.5)][b])));
};

const drawSpace = () => {
  if (!relief) measure();
  const ratio = window.devicePixelRatio || 1, width = space.clientWidth || 320, height = space.clientHeight || 256;
  space.width = Math.round(width * ratio);
  space.height = Math.round(height * ratio);
  const pen = space.getContext("2d"), { at, farX, farY } = looking(width, height);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  const ink = getComputedStyle(document.body);
  drawBox(pen, at, ink.getPropertyValue("--line"), ink.color);
  pen.lineJoin = "round";
  // From the far side to the near one, so that what is nearer hides what is behind.
  const order = far => [...Array(cells).keys()].sort((a, b) => far ? b - a : a - b);
  for (const j of order(farY)) for (const i of order(farX)) {
    const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
    const z = corners.map(([a, b]) => relief[b * (cells + 1) + a]);
    if (!z.every(v => Number.isFinite(v) && v <= scene.heights[1])) continue;
    pen.fillStyle = pen.strokeStyle = `rgb(${shadeAt((z[0] + z[1] + z[2] + z[3]) / 4)})`;
    pen.lineWidth = 0.7;
    pen.beginPath();
    corners.forEach(([a, b], k) => pen.lineTo(...at(a / cells, b / cells, raised(z[k]))));
    pen.closePath();
    pen.fill();
    pen.stroke();
  }
  drawPathInSpace(pen, at);
};

const drawBox = (pen, at, line, ink) => {
  pen.strokeStyle = line;
  pen.lineWidth = 1;
  for (const z of [0, 1]) {
    pen.beginPath();
    for (const [x, y] of [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]) pen.lineTo(...at(x, y, z));
    if (z === 0) pen.stroke();
  }
  for (const [x, y] of [[0, 0], [1, 0], [1, 1], [0, 1]]) {
    pen.beginPath();
    pen.moveTo(...at(x, y, 0));
    pen.lineTo(...at(x, y, 1));
    pen.stroke();
  }
  pen.fillStyle = ink;
  pen.font = "12px system-ui, sans-serif";
  pen.textAlign = "center";
  // On the two edges of the floor that are lowest on the picture: names in their middles.
  const near = edges => edges.reduce((a, b) => at(...a, 0)[1] > at(...b, 0)[1] ? a : b);
  const beside = ([x, y], text) => {
    const [px, py] = at(x + 0.14 * Math.sign(x - 0.5), y + 0.14 * Math.sign(y - 0.5), 0);
    pen.fillText(text, px, py + 4);
  };
  const [alongX, alongY] = [near([[0.5, 0], [0.5, 1]]), near([[0, 0.5], [1, 0.5]])];
  beside(alongX, scene.names[0]);
  beside(alongY, scene.names[1]);
  pen.font = "10px system-ui, sans-serif";
  for (const t of [0, 1]) {
    beside([t ? 0.92 : 0.08, alongX[1]], shown(ranges[0][t], 3));
    beside([alongY[0], t ? 0.92 : 0.08], shown(ranges[1][t], 3));
  }
};

const drawPathInSpace = (pen, at) => {
  const inside = k => run.path[k].every((v, d) => v >= ranges[d][0] && v <= ranges[d][1]) && Number.isFinite(run.values[k])
    && run.values[k] <= scene.heights[1];
  const spots = [...Array(step + 1).keys()].map(k => inside(k)
    ? at(...run.path[k].map((v, d) => (v - ranges[d][0]) / (ranges[d][1] - ranges[d][0])), raised(run.values[k])) : null);
  for (const [color, thick] of [["#ffffff", 4], ["#c04a00", 1.8]]) {
    pen.strokeStyle = color;
    pen.lineWidth = thick;
    pen.beginPath();
    spots.forEach((p, k) => {
      if (p && k > 0 && spots[k - 1]) pen.lineTo(...p);
      else if (p) pen.moveTo(...p);
    });
    pen.stroke();
  }
  const dot = (p, fill) => {
    if (!p) return;
    pen.fillStyle = fill;
    pen.strokeStyle = "#000000";
    pen.lineWidth = 1.4;
    pen.beginPath();
    pen.arc(...p, 4, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
  };
  dot(spots[0], "#ffffff");
  dot(spots[spots.length - 1], run.settled && step === run.path.length - 1 ? "#f0e442" : "#c04a00");
};

const turn = (yaw, pitch) => {
  turned.yaw += yaw;
  turned.pitch = Math.min(Math.max(turned.pitch + pitch, 0.05), 1.5);
  thalweg.turned = { ...turned };
  drawSpace();
};

if (flat) {
  byId("turning").hidden = false;
  let from = null;
  space.addEventListener("pointerdown", event => {
    from = [event.clientX, event.clientY];
    if (event.pointerId !== undefined && space.setPointerCapture) space.setPointerCapture(event.pointerId);
  });
  space.addEventListener("pointermove", event => {
    if (!(event.buttons & 1) || !from) return;
    turn(0.01 * (event.clientX - from[0]), 0.01 * (event.clientY - from[1]));
    from = [event.clientX, event.clientY];
  });
  const keys = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  space.addEventListener("keydown", event => {
    if (!(event.key in keys)) return;
    turn(...keys[event.key]);
    event.preventDefault();
  });
}
drawAll();
