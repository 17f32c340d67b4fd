# SPDX-License-Identifier: BSD-3-Clause
"""SciPy's own call: every method object is a custom method of `scipy.optimize.minimize`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from thalweg._descents.minimize import minimize
from thalweg._methods.method import Method
from thalweg._objectives.objective import Objective
from thalweg._tracing.errors import TraceError

__all__ = ["minimize_as_scipy"]

_OURS = ("max_iter", "max_nfev", "max_time", "record", "progress", "threads")


def minimize_as_scipy(
    method: Method,
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    callback: Callable[..., Any] | None = None,
    **options: Any,
) -> Any:
    """Minimize with SciPy's conventions: `x` goes in whole, an OptimizeResult comes back.

    Parameters
    ----------
    method : Method
        What is called.
    fun, x0, args, jac, bounds, callback
        As in `scipy.optimize.minimize`. `fun` is traced where it can be and is then differentiated
        exactly, whatever `jac` says; else it is called, with `jac` or differences.
    hess, hessp
        Left out where `fun` can be traced; otherwise refused.
    constraints
        Refused: only bounds are offered.
    **options
        As in `options=`: ``maxiter``, ``gtol``, …, and ``tol``.

    Returns
    -------
    scipy.optimize.OptimizeResult

    Raises
    ------
    TypeError
        For constraints, and for Hessians of functions that cannot be traced.
    """
    from scipy.optimize import OptimizeResult

    if np.any(constraints):
        raise TypeError(
            "constraints= is not offered: bounds= hold for every method; other constraints are not "
            "offered: add a penalty to the function"
        )
    start = np.atleast_1d(np.asarray(x0))
    args = args if isinstance(args, tuple) else (args,)
    # SciPy wraps a function that returns value and gradient; what it wraps is the user's.
    both = jac is True or type(fun).__name__ == "MemoizeJac"
    function = getattr(fun, "fun", fun) if both else fun
    own = {key: options.pop(key) for key in _OURS if key in options}
    tol = options.pop("tol", None)
    how: dict[str, Any] = {
        "bounds": bounds, "callback": callback, "tol": tol, "options": options, **own,
    }  # fmt: skip
    value = (lambda *x: function(*x)[0]) if both else function
    try:
        result = minimize(Objective(value, start, args, unpack=False), start, method, **how)
    except TraceError:
        if hess is not None or hessp is not None:
            raise TypeError(
                "hess= and hessp= are not offered: second derivatives are made from a traced "
                "function, and this one cannot be traced"
            ) from None
        result = minimize(
            function, start, method, args=args, trace=False, unpack=False,
            jac=True if both else jac if callable(jac) else None, **how,
        )  # fmt: skip
    return OptimizeResult({k: v for k, v in result.items() if v is not None})
