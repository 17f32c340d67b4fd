# SPDX-License-Identifier: BSD-3-Clause
"""Let `scipy.optimize.minimize` use any method object as its custom method."""

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
    """Minimize with SciPy's conventions: pass `x` as one array, return an OptimizeResult.

    Parameters
    ----------
    method : Method
        The method that SciPy calls.
    fun, x0, args, jac, bounds, callback
        As in `scipy.optimize.minimize`. If `fun` can be traced, it is differentiated exactly and
        `jac` is ignored; otherwise it is called, with `jac` or finite differences.
    hess, hessp
        Ignored if `fun` can be traced, refused otherwise.
    constraints
        Refused; only bounds are supported.
    **options
        The entries of SciPy's `options`: ``maxiter``, ``gtol``, …, and ``tol``.

    Returns
    -------
    scipy.optimize.OptimizeResult
        The result in SciPy's own class.

    Raises
    ------
    TypeError
        If constraints are given, or Hessians of a function that cannot be traced.
    """
    from scipy.optimize import OptimizeResult

    if np.any(constraints):
        raise TypeError(
            "constraints= is not offered: every method accepts bounds=, but no other constraints: "
            "add a penalty to the function"
        )
    start = np.atleast_1d(np.asarray(x0))
    args = args if isinstance(args, tuple) else (args,)
    # SciPy wraps a function that returns value and gradient; `fun.fun` is the user's function.
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
                "hess= and hessp= are not offered: second derivatives are computed from a traced "
                "function, and this one cannot be traced"
            ) from None
        result = minimize(
            function, start, method, args=args, trace=False, unpack=False,
            jac=True if both else jac if callable(jac) else None, **how,
        )  # fmt: skip
    return OptimizeResult({k: v for k, v in result.items() if v is not None})
