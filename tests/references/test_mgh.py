# SPDX-License-Identifier: BSD-3-Clause
"""Solvers on published problems, against what is published and what SciPy takes."""

import pytest
from published import MGH, NIST_ALL

import thalweg as tw

# The setting of docs/solvers.md that takes fits to the limit of precision.
TIGHT = {"gtol": 0.0, "max_iter": 200_000}
SCIPYS = {"lbfgs": "LBFGSB", "bfgs": "BFGS", "newton": "trust_exact"}


@pytest.mark.parametrize("solver", SCIPYS)
def test_what_scipy_solves_is_solved_with_no_more_evaluations(solver):
    ours = theirs = 0
    for problem in MGH:
        known = problem.scipy.get(SCIPYS[solver])
        if known is None or known["reached"] not in ("min", "local"):
            continue
        result = tw.minimize(problem.function, problem.x0, solver)
        assert problem.solved(result.fun), (problem.name, result.message)
        ours, theirs = ours + result.nfev, theirs + known["nfev"]
    assert ours <= 1.05 * theirs


@pytest.mark.parametrize("solver", ["lbfgs", "bfgs", "newton", "newton_cg"])
def test_every_problem_is_solved_from_its_standard_start(solver):
    for problem in MGH:
        result = tw.minimize(problem.function, problem.x0, solver)
        assert problem.solved(result.fun), (problem.name, result.message)


# From ten times the standard start: how many of 20, at least.
@pytest.mark.parametrize(("solver", "least"), [("lbfgs", 18), ("bfgs", 18), ("newton", 19)])
def test_most_problems_are_solved_from_far_away(solver, least):
    runs = [(p, tw.minimize(p.function, 10 * p.x0, solver)) for p in MGH]
    assert sum(p.solved(r.fun) for p, r in runs) >= least


@pytest.mark.parametrize(
    ("solver", "hyper", "least"),
    [("lbfgs", {"x_scale": 0.1}, 52), ("bfgs", {"x_scale": 0.1}, 50), ("newton", {}, 52)],
)
def test_nists_fits_with_one_tight_setting(solver, hyper, least):
    assert len(NIST_ALL) == 54
    digits = [
        fit.digits(tw.minimize(fit.function, fit.starts[k], solver, **hyper, **TIGHT).x)
        for fit, k in NIST_ALL
    ]
    assert sum(d > 4 for d in digits) >= least
