# SPDX-License-Identifier: BSD-3-Clause
"""Define the core's operations in JavaScript, and the functions that `Math` lacks."""

__all__ = ["LIBRARY", "OPERATIONS"]

# Operands are names, elements or literals, so an expression may use them twice.
OPERATIONS = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}",
    "negative": "-{0}", "square": "{0} * {0}", "reciprocal": "1 / {0}",
    "sqrt": "Math.sqrt({0})", "cbrt": "Math.cbrt({0})", "power": "Math.pow({0}, {1})",
    "absolute": "Math.abs({0})", "sign": "Math.sign({0})",
    "maximum": "Math.max({0}, {1})", "minimum": "Math.min({0}, {1})",
    "fmax": "fmax({0}, {1})", "fmin": "-fmax(-{0}, -{1})",
    "copysign": "copysign({0}, {1})", "remainder": "remainder({0}, {1})", "fmod": "{0} % {1}",
    "floor_divide": "floor_divide({0}, {1})", "floor": "Math.floor({0})", "ceil": "Math.ceil({0})",
    "rint": "rint({0})", "trunc": "Math.trunc({0})",
    "exp": "Math.exp({0})", "exp2": "Math.pow(2, {0})", "expm1": "Math.expm1({0})",
    "exprel": "({0} === 0 ? 1 : Math.expm1({0}) / {0})",
    "log": "Math.log({0})", "log2": "Math.log2({0})", "log10": "Math.log10({0})",
    "log1p": "Math.log1p({0})", "expit": "expit({0})",
    "log_expit": "Math.min({0}, 0) - Math.log1p(Math.exp(-Math.abs({0})))", "logit": "logit({0})",
    "logaddexp": "logaddexp({0}, {1})",
    "logaddexp2": "logaddexp({0} * Math.LN2, {1} * Math.LN2) / Math.LN2",
    "xlogy": "xlog({0}, {1}, Math.log)", "xlog1py": "xlog({0}, {1}, Math.log1p)",
    "sin": "Math.sin({0})", "cos": "Math.cos({0})",
    "sinc": "sinc({0})", "tan": "Math.tan({0})",
    "arcsin": "Math.asin({0})", "arccos": "Math.acos({0})", "arctan": "Math.atan({0})",
    "arctan2": "Math.atan2({0}, {1})", "hypot": "Math.hypot({0}, {1})",
    "sinh": "Math.sinh({0})", "cosh": "Math.cosh({0})", "tanh": "Math.tanh({0})",
    "arcsinh": "Math.asinh({0})", "arccosh": "Math.acosh({0})", "arctanh": "Math.atanh({0})",
    "erf": "erf({0})", "erfc": "erfc({0})", "gammaln": "gammaln({0})", "digamma": "digamma({0})",
    "polygamma": "polygamma({0}, {1})",
    "faddeeva_real": "faddeeva({0}, {1})[0]", "faddeeva_imag": "faddeeva({0}, {1})[1]",
    "faddeeva_slope_real": "faddeeva_slope({0}, {1})[0]",
    "faddeeva_slope_imag": "faddeeva_slope({0}, {1})[1]",
    "less": "+({0} < {1})", "less_equal": "+({0} <= {1})", "greater": "+({0} > {1})",
    "greater_equal": "+({0} >= {1})", "equal": "+({0} === {1})", "not_equal": "+({0} !== {1})",
    # NaN counts as true, as in NumPy.
    "logical_and": "+({0} !== 0 && {1} !== 0)", "logical_or": "+({0} !== 0 || {1} !== 0)",
    "logical_xor": "+(({0} !== 0) !== ({1} !== 0))", "logical_not": "+({0} === 0)",
    "isnan": "+Number.isNaN({0})", "isfinite": "+Number.isFinite({0})",
    "isinf": "+(Math.abs({0}) === Infinity)",
    "heaviside": "({0} > 0 ? 1 : {0} < 0 ? 0 : {0} === 0 ? {1} : NaN)",
    "where": "({0} !== 0 ? {1} : {2})",
}  # fmt: skip

# Each function may use those above it. B holds the Bernoulli numbers B2, B4, … (DLMF 24.2).
LIBRARY = {
    "fmax": "(a, b) => a !== a ? b : b !== b ? a : Math.max(a, b)",
    "copysign": "(a, b) => b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a)",
    "remainder": "(a, b) => { const r = a % b; return r !== 0 && r < 0 !== b < 0 ? r + b : r; }",
    "floor_divide": """(a, b) => {
  const q = (a - remainder(a, b)) / b, f = Math.floor(q);
  return b === 0 ? Math.floor(a / b) : q - f > 0.5 ? f + 1 : f;
}""",
    "rint": """a => {
  const f = Math.floor(a), d = a - f;
  return d < 0.5 || d === 0.5 && f % 2 === 0 ? f : f + 1;
}""",
    "sinc": """a => {
  const n = Math.round(a), s = Math.sin(Math.PI * (a - n));
  return a === 0 ? 1 : (n % 2 === 0 ? s : -s) / (Math.PI * a);
}""",
    "expit": "a => { const e = Math.exp(-Math.abs(a)); return (a < 0 ? e : 1) / (1 + e); }",
    # Near 1/2 it is computed as 2 artanh(2a - 1), whose argument is exact.
    "logit": """a => {
  const t = 2 * a - 1;
  return Math.abs(t) < 0.5 ? 2 * Math.atanh(t) : Math.log(a / (1 - a));
}""",
    "logaddexp": """(a, b) => a === b ? a + Math.LN2
  : Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))""",
    "xlog": "(a, b, log) => a === 0 && b === b ? 0 : a * log(b)",
    # Below 2, DLMF 7.6.2, whose terms have one sign; above, the continued fraction 7.9.2, evaluated
    # from its end.
    "erf": """a => {
  const x = Math.abs(a);
  if (x >= 2) return a < 0 ? erfc(-a) - 1 : 1 - erfc(a);
  let t = a, sum = a;
  for (let n = 1; Math.abs(t) > 1e-17 * Math.abs(sum); ++n) sum += t *= 2 * x * x / (2 * n + 1);
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
}""",
    "erfc": """a => {
  if (a < 2) return 1 - erf(a);
  if (!(a < 28)) return a === a ? 0 : a;
  let t = a;
  for (let n = 120; n > 0; --n) t = a + n / 2 / t;
  return Math.exp(-a * a) / Math.sqrt(Math.PI) / t;
}""",
    "B": "[1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510]",
    # Stirling's series (DLMF 5.11.1) above 10, which is reached by gamma(a + 1) = a gamma(a).
    "gammaln": """a => {
  if (a <= 0) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * a))) - gammaln(1 - a);
  let x = a, p = 1;
  for (; x < 10; ++x) p *= x;
  let sum = (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2, t = 1 / x;
  for (let k = 0; k < 8; ++k, t /= x * x) sum += B[k] * t / ((2 * k + 1) * (2 * k + 2));
  return sum - Math.log(p);
}""",
    # DLMF 5.11.2, 5.5.2.
    "digamma": """a => {
  let x = a, sum = 0;
  if (!(x > 0)) return NaN;
  for (; x < 10; ++x) sum -= 1 / x;
  sum += Math.log(x) - 0.5 / x;
  let t = 1 / (x * x);
  for (let k = 0; k < 8; ++k, t /= x * x) sum -= B[k] * t / (2 * k + 2);
  return sum;
}""",
    # DLMF 5.15.9, 5.15.5.
    "polygamma": """(n, a) => {
  let x = a, sum = 0, f = 1;
  if (!(x > 0)) return NaN;
  for (let k = 2; k < n; ++k) f *= k;
  for (; x < 16 + n; ++x) sum += f * n / Math.pow(x, n + 1);
  sum += f / Math.pow(x, n) + f * n / 2 / Math.pow(x, n + 1);
  let t = f * n * (n + 1) / 2 / Math.pow(x, n + 2);
  for (let k = 0, m = 2; k < 8; ++k, m += 2) {
    sum += B[k] * t;
    t *= (m + n) * (m + n + 1) / ((m + 1) * (m + 2)) / (x * x);
  }
  return n % 2 ? sum : -sum;
}""",
    # The slope of the Faddeeva function, far from 0 by its asymptotic series.
    "faddeeva_slope": """(a, b) => {
  if (!(a * a + b * b > 100) || (b < 0 && a * a - b * b < 80)) {
    const [u, v] = faddeeva(a, b);
    return [-2 * (a * u - b * v), 2 / Math.sqrt(Math.PI) - 2 * (a * v + b * u)];
  }
  const r = Math.hypot(a, b), c = a / r / r, d = -b / r / r;
  const u = c * c - d * d, v = 2 * c * d, K = [1];
  for (let k = 1; k < 15; ++k) K.push(K[k - 1] * (k + 0.5));
  let p = K[14], q = 0;
  for (let k = 13; k >= 0; --k) [p, q] = [K[k] + u * p - v * q, u * q + v * p];
  const s = 1 / Math.sqrt(Math.PI), axis = b * b < 1e-40 ? -2 * a * Math.exp(-a * a) : 0;
  return [s * (u * q + v * p) + axis, s * (v * q - u * p)];
}""",
    # The modified trapezoidal rule with step h; below 0, w(-z) = 2 exp(-z^2) - w(z). Above 8, the
    # continued fraction (Gautschi 1970, SIAM J. Numer. Anal. 7, 187-198), from its end.
    "faddeeva": """(a, b) => {
  const x = Math.abs(a), y = Math.abs(b), h = Math.sqrt(Math.PI / 12), s = x * x + y * y;
  let u = 0, v = 0;
  if (x + y > 8) {
    let p = 0, q = 0;
    for (let n = 16; n > 0; --n) {
      const c = x - p, d = y - q, m = n / 2 / (c * c + d * d);
      p = c * m, q = -d * m;
    }
    const c = x - p, d = y - q, r = Math.hypot(c, d);
    [u, v] = [d / r / r / Math.sqrt(Math.PI), c / r / r / Math.sqrt(Math.PI)];
  } else {
    const part = x / h - Math.floor(x / h), whole = y < x && part >= 0.25 && part <= 0.75;
    for (let k = 0; k < 13; ++k) {
      const t = h * (k + (whole ? 0 : 0.5)), e = whole && k === 0 ? 0.5 : Math.exp(-t * t);
      const c = (x - t) * (x + t) - y * y, r = e / (c * c + 4 * x * x * y * y);
      u += 2 * r * (s + t * t), v += 2 * r * (s - t * t);
    }
    u *= h * y / Math.PI, v *= h * x / Math.PI;
    const q = Math.exp(2 * Math.PI * y / h), m = whole ? -1 : 1;
    const c = m * Math.cos(2 * Math.PI * part), d = m * Math.sin(2 * Math.PI * part);
    const g = 2 * Math.exp(y * y - x * x) / (q * q + 2 * q * c + 1);
    const f = 1 + q * c, i = q * d, C = Math.cos(2 * x * y), S = Math.sin(2 * x * y);
    u += g * (f * C + i * S), v += g * (i * C - f * S);
  }
  if (b < 0) {
    const g = 2 * Math.exp(y * y - x * x);
    u = g * Math.cos(2 * x * y) - u, v += g * Math.sin(2 * x * y);
  }
  return [u, a < 0 ? -v : v];
}""",
    "ipow": """(a, n) => {
  let y = 1, m = Math.abs(n);
  for (let s = a; m > 0; s *= s, m = Math.floor(m / 2)) if (m % 2) y *= s;
  return n < 0 ? 1 / y : y;
}""",
    "fill": """(n, f) => {
  const a = new Float64Array(n);
  for (let i = 0; i < n; ++i) a[i] = f(i);
  return a;
}""",
    "put": "(a, b, at) => { for (let i = 0; i < b.length; ++i) a[at(i)] += b[i]; }",
    "reduce": """(a, [outer, length, inner], join) => fill(outer * inner, i => {
  const at = k => a[(Math.floor(i / inner) * length + k) * inner + i % inner];
  let s = at(0);
  for (let k = 1; k < length; ++k) s = join(s, at(k));
  return s;
})""",
    "matmul": """(a, b, batch, m, k, n, ta, tb) => fill(batch * m * n, i => {
  const c = i % n, r = Math.floor(i / n) % m, l = Math.floor(i / n / m);
  let s = 0;
  for (let j = 0; j < k; ++j)
    s += a[l * m * k + (ta ? j * m + r : r * k + j)] * b[l * k * n + (tb ? c * k + j : j * n + c)];
  return s;
})""",
    "scan": """(a, b, [outer, length, inner], back) => {
  const s = Float64Array.from(b);
  for (let o = 0; o < outer; ++o) for (let i = 0; i < inner; ++i) for (let k = 1; k < length; ++k) {
    const at = (o * length + (back ? length - 1 - k : k)) * inner + i;
    s[at] += a[at] * s[at + (back ? inner : -inner)];
  }
  return s;
}""",
    "lookup": """(x, t) => {
  if (x !== x) return x;
  let k = -1;
  while (k + 1 < t.breaks.length && t.breaks[k + 1] <= x) ++k;
  return k < 0 ? t.below : t.c0[k] + (t.c1[k] === 0 ? 0 : t.c1[k] * (x - t.breaks[k]));
}""",
}
