"""Copies of functions whose names mean the traced forms; NumPy and SciPy stay as they are."""

import functools
import sys

import numpy
import numpy as np
import pytest
import scipy.special
from numpy import asarray
from scipy.special import logsumexp

import thalweg as tw
from thalweg._tracing.stand_ins import module_of, with_stand_ins

X = np.array([0.3, 0.7])
CALLS = 0


def helper(x):
    return 2.0 * np.asarray(x, dtype=float)


def by_name(x):
    return np.sum(asarray(x, dtype=float)) + logsumexp(x)


def by_module(x):
    return numpy.sum(numpy.array(x, float)) + scipy.special.logsumexp(x)


def by_helper(x):
    return np.sum(helper(x))


def by_a_function_inside(x):
    def inside(y):
        return np.asarray(y, dtype=float)

    return np.sum([inside(v) for v in (x, x)])


def recursive(x, n=3):
    return np.sum(np.asarray(x, dtype=float)) if n == 0 else recursive(x, n - 1) + n


def by_closure():
    lib, more = np, helper

    def f(x):
        return lib.sum(lib.asarray(x, dtype=float)) + more(x)[0]

    return f


class Model:
    scale = 3.0

    def __call__(self, x):
        return self.value(x)

    def value(self, x):
        return self.scale * np.sum(np.asarray(x, dtype=float))


FUNCTIONS = {
    "imported names": by_name,
    "modules": by_module,
    "a helper": by_helper,
    "a function inside": by_a_function_inside,
    "a closure": by_closure(),
    "a method": Model().value,
    "partial": functools.partial(recursive, n=0),
    "lambda": lambda x: np.sum(np.asarray(x, dtype=float)),
    "defaults": lambda x, *, lib=np.pi: np.sum(np.asarray(x, dtype=float)) * lib,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_forms_are_found_however_they_are_named(name):
    f = FUNCTIONS[name]
    assert tw.objective(f, X)(X) == pytest.approx(f(X), rel=1e-15)
    assert tw.grad(f)(X).shape == (2,)


def test_numpy_and_scipy_stay_as_they_are():
    before = np.asarray, np.array, scipy.special.logsumexp
    for f in FUNCTIONS.values():
        tw.objective(f, X)
    assert (np.asarray, np.array, scipy.special.logsumexp) == before
    assert numpy is np is sys.modules["numpy"]
    assert by_name.__globals__["asarray"] is np.asarray


def test_functions_that_need_no_form_are_called_themselves():
    def plain(x):
        return np.sum(np.exp(x))

    assert with_stand_ins(plain) is plain
    assert with_stand_ins(np.exp) is np.exp
    assert with_stand_ins(len) is len


def test_what_writes_or_reads_its_globals_keeps_them():
    def counts(x):
        global CALLS
        CALLS += 1
        return np.sum(np.stack(np.asarray(x).tolist()))

    def reads(x):
        return globals()["X"][0] * np.sum(x) + np.asarray(1.0)

    assert with_stand_ins(counts) is counts
    assert with_stand_ins(reads) is reads
    tw.objective(counts, X)
    assert CALLS > 0


def test_globals_are_those_of_the_moment():
    space = {"np": np, "scale": 2.0}
    exec("def f(x): return scale * np.sum(np.asarray(x, dtype=float))", space)
    assert tw.objective(space["f"], X)(X) == pytest.approx(2.0)
    space["scale"] = 5.0
    assert tw.objective(space["f"], X)(X) == pytest.approx(5.0)
    del space["scale"]
    with pytest.raises(NameError, match="scale"):
        tw.objective(space["f"], X)


def test_modules_without_forms_have_no_stand_in():
    assert module_of(functools) is functools
    stand_in = module_of(np)
    assert stand_in is module_of(np)
    assert stand_in.random is np.random
    assert stand_in.asarray([1, 2]).tolist() == [1, 2]
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        stand_in.nothing_of_this_name  # noqa: B018
