# SPDX-License-Identifier: BSD-3-Clause
"""Call a method that is bound to an objective with its settings, for loops over many starts."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from thalweg._descents.descent import Descent
from thalweg._descents.interrupts import with_result
from thalweg._methods.method import Method, make
from thalweg._methods.stopping import checked_given, defaults
from thalweg._objectives.bounds import box_from_pairs, check_inside
from thalweg._objectives.making import objective_of
from thalweg._objectives.objective import Objective
from thalweg._objectives.points import FloatArray, one_start
from thalweg._objectives.programs import checked_threads
from thalweg._results.result import Result

__all__ = ["Minimizer", "minimizer_of"]


class Minimizer:
    """A method that is bound to an objective with its settings, created by `Objective.minimizer`.

    Call it with a start. Any number of threads may call it at once, and it can be pickled if its
    objective and its method can be.

    Attributes
    ----------
    objective : Objective
        The traced function.
    method : method object
        The method with its hyper-parameters, such as ``tw.LBFGS(memory=20)``.

    See Also
    --------
    minimize : Descend once.
    minimize_many : Descend from many starts that are known at once, which is faster than a loop.
    """

    __slots__ = ("_run", "method", "objective")

    def __init__(
        self,
        objective: Objective,
        method: Method,
        stops: dict[str, Any],
        box: list[FloatArray],
    ) -> None:
        self.objective, self.method = objective, method
        self._run = Descent(objective, method, stops, box)

    def __call__(self, x0: Any, *args: Any) -> Result:
        """Find a minimum by descending from a start.

        Parameters
        ----------
        x0 : array_like, tuple or dict
            The start, in the form of the objective's own.
        *args : array_like
            Other values of the objective's `args`, all or none, with the same shapes.

        Returns
        -------
        Result
            What `minimize` returns, bit for bit.

        Raises
        ------
        ValueError, TypeError
            If the start or an argument does not fit; the message says what was expected.
        KeyboardInterrupt
            On Ctrl-C, with the best point so far in ``.result``.

        Examples
        --------
        >>> import numpy as np
        >>> import thalweg as tw
        >>> F = tw.objective(lambda x, a: np.exp(x) - a * np.log(x), 1.0, args=(1.0,))
        >>> solve = F.minimizer("newton")
        >>> [round(solve(1.0, a).x, 6) for a in (1.0, 2.0, 3.0)]
        [0.567143, 0.852606, 1.049909]
        """
        began = time.perf_counter()
        try:
            objective = self.objective.with_args(args) if args else self.objective
            row = one_start(x0, objective.structure)
            if self._run.box:
                check_inside(self._run.box, objective.structure, row[0])
        except KeyboardInterrupt as interrupt:
            raise with_result(interrupt, lambda: None, "nothing yet") from None
        return self._run.result(began, row, objective)

    def __repr__(self) -> str:
        return f"<thalweg.Minimizer {self.method!r} of {self.objective!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Minimizer, (self.objective, self.method, self._run.stops, self._run.box)


def minimizer_of(
    objective: Objective,
    method: Any,
    hyper: dict[str, Any],
    bounds: Any,
    stops: dict[str, Any],
    threads: int | None,
) -> Minimizer:
    """Check the arguments of `Objective.minimizer`, and return what they bind."""
    objective = objective_of(objective, None, (), None)
    chosen = make("lbfgs" if method is None else method, hyper)
    limits = defaults(chosen) | checked_given(stops)
    limits["threads"] = objective.threads if threads is None else checked_threads(threads)
    box = [] if bounds is None else box_from_pairs(bounds, objective.structure)
    return Minimizer(objective, chosen, limits, [np.array(end) for end in box])
