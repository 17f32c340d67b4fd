# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of pictures of descents share: descents written in NumPy, and the lines drawn."""

import numpy as np

import thalweg as tw
from thalweg._results.reasons import STATUS_MINIMIZE, Reason
from thalweg._results.result import LastPoint, Path, Result


def descend(f, x0, rate, steps, record=True):
    """Gradient descent by differences, ended where a value is not finite."""
    xs, fs, gs = [np.array(x0, dtype=float)], [], []
    objective = tw.objective(f, xs[0])
    call = f if objective.structure.form == "whole" else (lambda x: f(*x))
    reason = Reason.max_iterations
    with np.errstate(all="ignore"):
        for k in range(steps + 1):
            x = xs[-1]
            h = 1e-6
            shifts = h * np.eye(x.size).reshape(x.size, *x.shape)
            g = np.array([(call(x + s) - call(x - s)) / (2 * h) for s in shifts]).reshape(x.shape)
            fs.append(float(call(x)))
            gs.append(float(np.max(np.abs(g))))
            if not np.isfinite(fs[-1]):
                reason = Reason.left_domain
                break
            if k < steps:
                xs.append(x - rate * g)
    fs, xs = np.array(fs), np.array(xs)
    best = int(np.nanargmin(np.where(np.isfinite(fs), fs, np.nan)))
    point = float if xs.ndim == 1 else np.array
    return Result(
        x=point(xs[best]), fun=fs[best], jac=point(0 * xs[best]), nit=len(fs) - 1, nfev=len(fs),
        njev=len(fs), nhev=0, success=reason.success, status=STATUS_MINIMIZE[reason],
        message=f"stopped: {reason}", reason=reason,
        last=LastPoint(point(xs[-1]), fs[-1], point(0 * xs[-1])),
        path=Path(xs, fs, np.array(gs)) if record else None,
        _objective=objective,
    )  # fmt: skip
