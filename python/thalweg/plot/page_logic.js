"use strict";
// What the page computes: the function, the core's rules, and one descent. It draws nothing.
const thalweg = (() => {
@functions@
@rules@
const scene = @scene@;
const bounds = [scene.lower, scene.upper];
const finite = x => x.every(Number.isFinite);

// One descent by a rule, inside the bounds, for as long as there is a value.
const descend = (start, rate, count, name = "gradient_descent", given = {}) => {
  const rule = rules[name];
  const hyper = rule.hyper.map(([key, usual]) => key === "learning_rate" ? rate : given[key] ?? usual);
  let memory = rule.memory.map(([initial, each, source]) => {
    const first = source < 0 ? initial : hyper[source];
    return each && start.length > 1 ? start.map(() => first) : first;
  });
  const path = [start.map((v, i) => Math.min(Math.max(v, bounds[0][i]), bounds[1][i]))];
  const values = [value(path[0])];
  let stopped = false;
  for (let k = 0; k < count && Number.isFinite(values[k]); ++k) {
    const [next, kept] = rule.step(path[k], slope(path[k]), memory, hyper, bounds);
    stopped = !finite(Array.from(next));
    if (stopped) break;
    memory = kept;
    path.push(Array.from(next));
    values.push(value(next));
  }
  const best = values.reduce((b, v, k) => !(v >= values[b]) && v === v ? k : b, 0);
  const run = { path, values, best, ...ended(path, values, count, stopped) };
  return { ...run, settled: run.reason === "gradient_small" || atRest(run) };
};

// ---- why it ended, in the core's words

const ended = (path, values, count, stopped) => {
  const n = path.length - 1, x = path[n], after = `after ${n} iteration${n === 1 ? "" : "s"}`;
  if (!Number.isFinite(values[n])) return blamed(valueNodes(x), "the value", n, after);
  const g = slope(x);
  if (!finite(Array.from(g))) return blamed(slopeNodes(x), "the gradient", n, after);
  if (stopped) {
    const why = `the next step is not finite ${after}: the learning rate is too large`;
    return { reason: "diverged", message: why };
  }
  const norm = rules.gradient_descent.step(x, g, [], [0], bounds)[2];
  if (norm <= 1e-8) {
    return { reason: "gradient_small", message: `gradient norm ${shown(norm, 3)} <= 1e-08 ${after}`, norm };
  }
  return { reason: "max_iterations", message: `${n} iterations >= max_iter = ${count}; not converged`, norm };
};

// The operation that made a number that is not finite from numbers that are. From the output back
// to what it used, so that a branch that `where` did not take is not to blame.
const blamed = (nodes, what, n, after) => {
  let k = nodes.length - 1, e = 0;
  const list = v => typeof v === "number" ? [v] : Array.from(v);
  const operand = (o, i) => {
    const all = list(typeof o === "number" ? nodes[o][1] : o[0]);
    return all.length === 1 ? all[0] : all[i];
  };
  const bad = v => !Number.isFinite(v);
  for (let deeper = true; deeper;) {
    const [name, made, operands, domains] = nodes[k];
    e = Math.max(0, list(made).findIndex(bad));
    const used = operands.filter((o, i) => {
      if (name === "where" && i > 0) return (operand(operands[0], e) !== 0) === (i === 1);
      return true;
    });
    const from = used.find(o => typeof o === "number"
      && (domains === null ? list(nodes[o][1]).some(bad) : bad(operand(o, e))));
    deeper = from !== undefined;
    if (deeper) k = from;
  }
  const [name, made, operands, domains] = nodes[k], result = list(made)[e];
  const inputs = domains === null ? [] : operands.map(o => operand(o, e));
  let outside = inputs.some((v, i) => {
    const [low, high, lowOpen, highOpen] = domains[i] ?? [-Infinity, Infinity, 0, 0];
    return v < low || v > high || (lowOpen && v === low) || (highOpen && v === high);
  });
  if (name === "power" && Number.isInteger(inputs[1])) outside = false;
  const call = `${name}(${inputs.length ? inputs.map(v => shown(v)).join(", ") : "..."})`;
  const text = `${call} = ${shown(result)} in ${what} ${after}`;
  if (outside) return { reason: "left_domain", message: `left the domain: ${text}` };
  const grew = Math.abs(result) === Infinity && n > 0;
  return { reason: grew ? "diverged" : "non_finite", message: `${grew ? "diverged" : "not finite"}: ${text}` };
};

// A star may stand where the last steps are too short to be seen: `Trail.settled`, in Python.
const atRest = ({ path, values, best }) => {
  const n = path.length - 1;
  if (!Number.isFinite(values[n]) || n === 0) return false;
  const whole = Math.max(...path.flatMap(x => x.map((v, i) => Math.abs(v - path[n][i]))));
  return [path[best], path[n - 1]].every(x => x.every((v, i) => Math.abs(v - path[n][i]) <= 0.02 * whole));
};

// A number as Python writes it with `:.6g`.
const shown = (v, digits = 6) => {
  if (!Number.isFinite(v)) return v !== v ? "nan" : v > 0 ? "inf" : "-inf";
  const [mantissa, exponent] = v.toExponential(digits - 1).split("e").map(Number);
  if (v === 0 || (exponent >= -4 && exponent < digits)) return String(Number(v.toPrecision(digits)));
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
};
return { scene, rules, value, slope, descend, shown };
})();
