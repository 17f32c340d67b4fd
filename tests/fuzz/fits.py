# SPDX-License-Identifier: BSD-3-Clause
"""Random fits of ten families from poor starts: a success is a minimum by mpmath, or it warns.

    python -m tests.fuzz fits --count 1000 --notes

The notes count how many fits reach the least sum of squares that is known to within 1 %: here, and
by SciPy's `lm` and `trf` from the same start with exact derivatives. Fits of data without noise,
and one and many at a time, are trials too.
"""

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from mpmath import mp
from scipy import optimize

import thalweg as tw

SECONDS = 60.0
NOTES: Counter[str] = Counter()

# How far from its minimum a fit may be, in standard errors.
_FAR = 1e-2
_WITHIN = 1.01


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


# Formula (of NumPy's or mpmath's functions m), abscissas, ranges of the true parameters: (low,
# high), by their logarithms where low > 0.
FAMILIES: dict[str, tuple[Callable[..., Any], Any, list[tuple[float, float]]]] = {
    "decay": (
        lambda m, x, a, b, c: a * m.exp(-x / b) + c,
        np.linspace(0.1, 8, 40), [(1, 1000), (0.5, 5), (-50, 50)],
    ),
    "rate": (
        lambda m, x, a, b, c: a * m.exp(-b * x) + c,
        np.linspace(0, 5, 40), [(1, 1000), (0.2, 4), (-50, 50)],
    ),
    "gaussian": (
        lambda m, x, a, u, s, c: a * m.exp(-0.5 * ((x - u) / s) ** 2) + c,
        np.linspace(0, 10, 60), [(1, 100), (2, 8), (0.4, 2), (-5, 5)],
    ),
    "lorentzian": (
        lambda _, x, a, u, s, c: a / (1 + ((x - u) / s) ** 2) + c,
        np.linspace(0, 10, 60), [(1, 100), (2, 8), (0.4, 2), (-5, 5)],
    ),
    "logistic": (
        lambda m, x, a, u, s: a / (1 + m.exp(-(x - u) / s)),
        np.linspace(0, 20, 40), [(1, 1000), (5, 15), (0.5, 3)],
    ),
    "power": (
        lambda _, x, a, b, c: a * x**b + c,
        np.linspace(0.5, 10, 40), [(0.1, 100), (-2, 2.5), (-50, 50)],
    ),
    "two decays": (
        lambda m, x, a, b, c, d: a * m.exp(-b * x) + c * m.exp(-d * x),
        np.linspace(0, 6, 60), [(1, 100), (1.5, 5), (1, 100), (0.1, 0.7)],
    ),
    "damped": (
        lambda m, x, a, b, w, p: a * m.exp(-b * x) * m.sin(w * x + p),
        np.linspace(0, 10, 80), [(1, 50), (0.05, 0.5), (1, 4), (-1, 1)],
    ),
    "hill": (
        lambda _, x, a, k, n: a * x**n / (k**n + x**n),
        np.linspace(0.1, 10, 40), [(1, 1000), (0.5, 6), (0.7, 4)],
    ),
    "gompertz": (
        lambda m, x, a, b, c: a * m.exp(-b * m.exp(-c * x)),
        np.linspace(0, 10, 40), [(1, 1000), (1, 8), (0.2, 1.5)],
    ),
}  # fmt: skip


class Case:
    """A model, its data, and where it is begun."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([54, seed])
        self.family = list(FAMILIES)[seed % len(FAMILIES)]
        self.formula, self.x, ranges = FAMILIES[self.family]
        true = np.array([
            log_uniform(rng, *r) if r[0] > 0 else rng.uniform(*r) for r in ranges
        ])  # fmt: skip
        clean = self(true)
        noise = 0.0 if rng.random() < 0.1 else log_uniform(rng, 0.003, 0.1)
        self.true, self.noise = true, noise
        self.y = clean + noise * np.ptp(clean) * rng.normal(size=clean.size)
        kind = rng.integers(4)
        self.p0: Any = None
        if kind == 1:
            self.p0 = np.ones(true.size)
        elif kind == 2:
            self.p0 = true * np.exp(1.2 * rng.normal(size=true.size))
        elif kind == 3:
            sign = np.where(rng.random(true.size) < 0.1, -1, 1)
            self.p0 = true * np.exp(0.6 * rng.normal(size=true.size)) * sign

    def __call__(self, p: Any) -> Any:
        return self.formula(np, self.x, *p)

    @property
    def model(self) -> Callable[..., Any]:
        """f(x, a, b, ...) with a signature."""
        names = ", ".join("abcd"[: self.true.size])
        made: Callable[..., Any] = eval(
            f"lambda x, {names}: formula(np, x, {names})", {"formula": self.formula, "np": np}
        )
        return made

    def squares(self, p: Any) -> float:
        with np.errstate(all="ignore"):
            total = float(np.sum((self(p) - self.y) ** 2))
        return total if np.isfinite(total) else np.inf

    def jacobian(self, x: Any, *p: float) -> Any:
        """By complex steps."""
        columns = []
        for i in range(len(p)):
            moved = np.array(p, dtype=complex)
            moved[i] += 1e-200j
            columns.append(np.imag(self.formula(np, x.astype(complex), *moved)) / 1e-200)
        return np.stack(columns, axis=-1)


def scipys(case: Case, method: str, p0: Any) -> float:
    """The sum of squares that SciPy reaches."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            popt, _ = optimize.curve_fit(
                case.model, case.x, case.y, p0, method=method, jac=case.jacobian
            )
    except (RuntimeError, ValueError):
        return np.inf
    return case.squares(popt)


def trial(seed: int) -> list[str]:
    case = Case(seed)
    begun = np.ones(case.true.size) if case.p0 is None else case.p0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            popt, _ = tw.curve_fit(case.model, case.x, case.y, case.p0)
        except (RuntimeError, ValueError) as error:
            popt, failure = None, str(error)
    said = [str(w.message) for w in caught]
    with np.errstate(all="ignore"):
        many = tw.curve_fit_many(case.model, case.x, case.y[None], case.p0)
    found = []
    if bool(many.success[0]) != (popt is not None):
        found.append(f"curve_fit and curve_fit_many differ\n{many[0].message}")
    elif popt is not None:
        if not np.array_equal(popt, many.popt[0]):
            found.append(f"curve_fit and curve_fit_many differ\n{popt} {many.popt[0]}")
        if bool(said) == bool(many.determined[0] & ~many.worse[0]):
            found.append(f"a warning and the columns differ\n{said} {many[0].message}")

    ours = np.inf if popt is None else case.squares(popt)
    lm, trf = scipys(case, "lm", begun), scipys(case, "trf", begun)
    least = min(ours, lm, trf, scipys(case, "lm", case.true), case.squares(case.true))
    enough = _WITHIN * least + 1e-20 * float(case.y @ case.y)
    for name, reached in (("ours", ours), ("lm", lm), ("trf", trf)):
        NOTES[f"{case.family}: {name}"] += reached <= enough
        NOTES[f"within 1 %: {name}"] += reached <= enough
    NOTES["within 1 %: lm or trf"] += min(lm, trf) <= enough
    NOTES["within 1 %: ours, warned"] += ours <= enough and bool(said)
    NOTES["success"] += popt is not None
    NOTES["success, warned"] += popt is not None and bool(said)
    NOTES["evaluations"] += int(many.nfev[0])
    if popt is not None and not said and (fault := no_minimum(case, popt)):
        found.append(f"success at no minimum\n{fault}")
    if popt is None:
        NOTES["failed: " + failure.split(":")[-1][:60]] += 1
    about = f"{case.family} from {case.p0}, true {case.true}, noise {case.noise}: {popt}"
    return [f"{text}\n{about}" for text in found]


def no_minimum(case: Case, popt: Any) -> str:
    """Why the parameters are no minimum of the sum of squares, by gradient and Hessian; or ''."""
    n, m = popt.size, case.y.size
    with mp.workdps(60):
        x, y = [mp.mpf(v) for v in case.x], [mp.mpf(v) for v in case.y]
        p = [mp.mpf(float(v)) for v in popt]
        # What moves the model by as much as the data are large, where that is less.
        columns = np.abs(case.jacobian(case.x, *popt))
        scales = np.abs(case.y).max() / columns.max(axis=0)
        steps = [
            mp.mpf(10) ** -15 * min(max(abs(v), 1e-6), s) for v, s in zip(p, scales, strict=True)
        ]

        def cost(*moves: tuple[int, int]) -> Any:
            at = list(p)
            for i, sign in moves:
                at[i] += sign * steps[i]
            return sum(
                (case.formula(mp, u, *at) - v) ** 2 for u, v in zip(x, y, strict=True)
            ) / 2  # fmt: skip

        here = cost()
        up, down = ([cost((i, sign)) for i in range(n)] for sign in (1, -1))
        g = [(up[i] - down[i]) / (2 * steps[i]) for i in range(n)]
        h = mp.matrix(n, n)
        for i in range(n):
            h[i, i] = (up[i] - 2 * here + down[i]) / steps[i] ** 2
            for j in range(i):
                both = cost((i, 1), (j, 1)) + cost((i, -1), (j, -1))
                alone = up[i] + up[j] + down[i] + down[j] - 2 * here
                h[i, j] = h[j, i] = (both - alone) / (2 * steps[i] * steps[j])
        if any(h[i, i] <= 0 for i in range(n)):
            return f"a second derivative is {float(min(h[i, i] for i in range(n))):.3g}"
        unit = [1 / mp.sqrt(h[i, i]) for i in range(n)]
        scaled = mp.matrix(n, n)
        for i in range(n):
            for j in range(n):
                scaled[i, j] = h[i, j] * unit[i] * unit[j]
        least = min(mp.eigsy(scaled, eigvals_only=True))
        if least <= 0:
            return f"the smallest eigenvalue is {float(least):.3g}"
        slope = mp.matrix([g[i] * unit[i] for i in range(n)])
        decrement = (slope.T * mp.lu_solve(scaled, slope))[0]
        # In standard errors; data without noise have residuals of their rounding, and of that of p.
        terms = columns @ np.abs(popt)
        rounding = sum(max(v * v, mp.mpf(t) ** 2) for v, t in zip(y, terms, strict=True))
        rounding *= mp.mpf(2) ** -84
        error = 2 * here / (m - n) + rounding
        if decrement > _FAR**2 * error:
            return f"the minimum is {float(mp.sqrt(decrement / error)):.3g} standard errors away"
    return ""
