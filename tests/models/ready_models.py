"""Every ready model with points and a wide range of its parameters, in which its shape is seen."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import thalweg as tw

M = tw.models


class Case(NamedTuple):
    """A model, points, and a function that draws k sets of parameters."""

    model: Any
    x: Any
    draw: Callable[[np.random.Generator, int], list[np.ndarray]]

    def parameters(self, seed: int, k: int) -> np.ndarray:
        return np.stack(self.draw(np.random.default_rng(seed), k), axis=-1)

    def values(self, p: np.ndarray) -> np.ndarray:
        return self.model(self.x, *np.moveaxis(p[..., None], -2, 0))


def signed(rng, k, low=0.01, high=100.0):
    """Numbers of either sign over four orders of magnitude."""
    return logs(rng, k, low, high) * rng.choice([-1.0, 1.0], k)


def logs(rng, k, low, high):
    return np.exp(rng.uniform(np.log(low), np.log(high), k))


LINE = np.linspace(-3.0, 7.0, 101)
AFTER = np.linspace(0.0, 10.0, 80)
DOSES = np.concatenate([[0.0], np.geomspace(0.05, 50.0, 40)])
IMAGE = tuple(a.ravel() for a in np.meshgrid(np.arange(24.0), np.arange(18.0)))


def peak(rng, k):
    """Centers within the points, widths from 1.5 distances between points to a tenth of all."""
    return rng.uniform(-2.0, 6.0, k), logs(rng, k, 0.15, 1.0)


def draw_voigt(r, k):
    return [signed(r, k), *peak(r, k), logs(r, k, 0.1, 1.0)]


def fano(r, k):
    return [
        logs(r, k, 0.1, 100),
        r.uniform(-1.5, 5.5, k),
        logs(r, k, 0.3, 2.0),
        r.uniform(-4, 4, k),
    ]


def bi(r, k):
    fast = logs(r, k, 0.3, 1.0)
    a = logs(r, k, 0.1, 100.0)
    return [a, fast, a * logs(r, k, 0.3, 3.0), fast * logs(r, k, 4.0, 10.0)]


def sine(r, k):
    return [logs(r, k, 0.01, 100.0), logs(r, k, 0.8, 15.0), r.uniform(-3.0, 3.0, k)]


def gaussian2d(r, k):
    place = [r.uniform(3.0, 20.0, k), r.uniform(3.0, 14.0, k)]
    return [signed(r, k), *place, logs(r, k, 0.8, 4.0), logs(r, k, 0.8, 4.0)]


CASES = {
    "Gaussian": Case(M.Gaussian(), LINE, lambda r, k: [signed(r, k), *peak(r, k)]),
    "Lorentzian": Case(M.Lorentzian(), LINE, lambda r, k: [signed(r, k), *peak(r, k)]),
    "Voigt": Case(M.Voigt(), LINE, draw_voigt),
    "PseudoVoigt": Case(
        M.PseudoVoigt(), LINE, lambda r, k: [signed(r, k), *peak(r, k), r.uniform(0.1, 0.9, k)]
    ),
    "Moffat": Case(
        M.Moffat(), LINE, lambda r, k: [signed(r, k), *peak(r, k), logs(r, k, 0.6, 4.0)]
    ),
    "SplitLorentzian": Case(
        M.SplitLorentzian(), LINE,
        lambda r, k: [signed(r, k), *peak(r, k), logs(r, k, 0.15, 1.0)],
    ),
    "Lognormal": Case(
        M.Lognormal(), np.linspace(0.05, 12.0, 120),
        lambda r, k: [signed(r, k), r.uniform(-0.5, 1.7, k), logs(r, k, 0.15, 0.8)],
    ),
    "ExponentialGaussian": Case(
        M.ExponentialGaussian(), LINE,
        lambda r, k: [signed(r, k), r.uniform(-1.5, 3.0, k), logs(r, k, 0.2, 0.8),
                      logs(r, k, 0.5, 3.0)],
    ),
    "SkewedGaussian": Case(
        M.SkewedGaussian(), LINE, lambda r, k: [signed(r, k), *peak(r, k), signed(r, k, 0.3, 6.0)]
    ),
    "BreitWigner": Case(M.BreitWigner(), LINE, fano),
    "Gaussian2D": Case(M.Gaussian2D(), IMAGE, gaussian2d),
    "Constant": Case(M.Constant(), LINE, lambda r, k: [signed(r, k)]),
    "Line": Case(M.Line(), LINE, lambda r, k: [signed(r, k), signed(r, k)]),
    "Polynomial": Case(M.Polynomial(4), LINE, lambda r, k: [signed(r, k) for _ in range(5)]),
    "PowerLaw": Case(
        M.PowerLaw(), np.linspace(0.5, 10.0, 60), lambda r, k: [signed(r, k), r.uniform(-4, 4, k)]
    ),
    "Exponential": Case(
        M.Exponential(), AFTER, lambda r, k: [signed(r, k), signed(r, k, 0.3, 20.0)]
    ),
    "BiExponential": Case(M.BiExponential(), AFTER, bi),
    "StretchedExponential": Case(
        M.StretchedExponential(), AFTER,
        lambda r, k: [signed(r, k), logs(r, k, 0.3, 8.0), r.uniform(0.4, 1.8, k)],
    ),
    "Arrhenius": Case(
        M.Arrhenius(), np.linspace(280.0, 400.0, 40),
        lambda r, k: [logs(r, k, 1e-3, 1e12), r.uniform(5e3, 120e3, k)],
    ),
    "Sine": Case(M.Sine(), AFTER, sine),
    "DampedSine": Case(
        M.DampedSine(), AFTER, lambda r, k: [*sine(r, k), logs(r, k, 1.5, 30.0)]
    ),
    "Logistic": Case(
        M.Logistic(), LINE,
        lambda r, k: [signed(r, k), r.uniform(-1.0, 5.0, k), signed(r, k, 0.7, 8.0)],
    ),
    **{
        f"Step-{form}": Case(
            M.Step(form), LINE,
            lambda r, k: [signed(r, k), r.uniform(-1.0, 5.0, k), logs(r, k, 0.12, 1.5)],
        )
        for form in ("erf", "atan", "logistic")
    },
    "MichaelisMenten": Case(
        M.MichaelisMenten(), AFTER, lambda r, k: [signed(r, k), logs(r, k, 0.2, 20.0)]
    ),
    "Hill": Case(
        M.Hill(), DOSES, lambda r, k: [signed(r, k), logs(r, k, 0.3, 15.0), logs(r, k, 0.6, 6.0)]
    ),
    "Langmuir": Case(M.Langmuir(), AFTER, lambda r, k: [signed(r, k), logs(r, k, 0.05, 5.0)]),
    "BET": Case(
        M.BET(), np.linspace(0.02, 0.5, 40),
        lambda r, k: [logs(r, k, 0.01, 100.0), logs(r, k, 2.0, 500.0)],
    ),
}  # fmt: skip


def two_peaks(r, k):
    """Peaks of one sign that stand apart, the smaller one at least 0.3 of the other."""
    a = signed(r, k)
    first = [a, r.uniform(-2.0, 1.2, k), logs(r, k, 0.15, 0.8)]
    return [*first, a * logs(r, k, 0.3, 3.0), r.uniform(2.8, 6.0, k), logs(r, k, 0.15, 0.8)]


SUMS = {
    "a peak on a slope": Case(
        M.Gaussian() + M.Line(), LINE,
        lambda r, k: [signed(r, k, 0.5, 5.0), *peak(r, k), r.uniform(-1, 1, k),
                      r.uniform(-10, 10, k)],
    ),
    "decay to a constant": Case(
        M.Exponential() + M.Constant(), AFTER,
        lambda r, k: [signed(r, k), logs(r, k, 0.3, 10.0), signed(r, k)],
    ),
    "a constant less a peak": Case(
        M.Constant() - M.Lorentzian(), LINE,
        lambda r, k: [signed(r, k), signed(r, k), *peak(r, k)],
    ),
    "a sine that drifts": Case(
        M.Sine() + M.Line(), AFTER, lambda r, k: [*sine(r, k), signed(r, k, 0.01, 10), signed(r, k)]
    ),
    "dose and response": Case(
        M.Hill() + M.Constant(), DOSES,
        lambda r, k: [signed(r, k), logs(r, k, 0.3, 15.0), logs(r, k, 0.6, 6.0), signed(r, k)],
    ),
    "a step from a level": Case(
        M.Step() + M.Constant(), LINE,
        lambda r, k: [signed(r, k), r.uniform(-1.0, 5.0, k), logs(r, k, 0.12, 1.5), signed(r, k)],
    ),
    "two peaks": Case(M.Gaussian("a_") + M.Gaussian("b_"), LINE, two_peaks),
    "two peaks on a slope": Case(
        M.Gaussian("a_") + M.Gaussian("b_") + M.Line(), LINE,
        lambda r, k: [*two_peaks(r, k), signed(r, k, 0.1, 1.0), signed(r, k, 0.1, 10.0)],
    ),
    "a peak on a decay": Case(
        M.Gaussian("a_") + M.Exponential("b_"), AFTER,
        lambda r, k: [logs(r, k, 1, 10), r.uniform(3, 8, k), logs(r, k, 0.2, 0.8),
                      logs(r, k, 1, 10), logs(r, k, 1, 5)],
    ),
}  # fmt: skip


def recovered(case: Case, noise: float, k: int = 1000, seed: int = 1) -> float:
    """Return the share of k fits that find the least squares from starts of their own.

    `noise` is relative to the range of each data set. Without noise all residuals must vanish; with
    it, the cost must not exceed that of the fit that starts from the truth.
    """
    p = case.parameters(seed, k)
    y = case.values(p)
    if noise:
        errors = np.random.default_rng(seed + 1).normal(size=y.shape)
        y = y + noise * np.ptp(y, axis=-1, keepdims=True) * errors
    cost = case.model.fit_many(case.x, y).cost
    if not noise:
        return float(np.mean(2.0 * cost <= 1e-12 * np.sum(y**2, axis=-1)))
    best = tw.curve_fit_many(case.model, case.x, y, p, bounds=case.model.bounds).cost
    # 1e-6 is far above what stopping tests of 1e-10 leave, far below what another minimum costs
    truth = 0.5 * np.sum((y - case.values(p)) ** 2, axis=-1)
    return float(np.mean(cost <= np.fmin(best, truth) * (1 + 1e-6)))


def of(module: str) -> list[str]:
    """Return the names of the cases whose models a module defines."""
    home = f"thalweg.models.{module}"
    return [name for name, case in CASES.items() if type(case.model).__module__ == home]
