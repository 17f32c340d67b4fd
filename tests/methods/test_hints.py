# SPDX-License-Identifier: BSD-3-Clause
"""Names that other libraries use: what each is called here, or what to use instead."""

import pytest

import thalweg as tw
from thalweg import _core
from thalweg._methods.hints import _KEYWORDS, EQUIVALENTS, NOT_OFFERED, instead_of_keyword, nearest


@pytest.mark.parametrize(
    ("method", "said"),
    {
        "sgd": r"^method 'sgd' is not offered: it is called 'gradient_descent'",
        "SLSQP": r"^method 'SLSQP' is not offered: constraints other than bounds are not offered",
        "Nelder-Mead": r"^method 'Nelder-Mead' is not offered: use 'compass'",
        "adamm": r"did you mean 'adam'\?$",
        "quux": r"got 'quux'$",
    }.items(),
)
def test_unknown_methods_say_what_is_missing_or_nearest(method, said):
    with pytest.raises(ValueError, match=said):
        tw.minimize(lambda x: x**2, 1.0, method)
    assert tw.minimize(lambda x: x**2, 1.0, "L-BFGS").success


@pytest.mark.parametrize(
    ("word", "meant"),
    {
        "lr": "learning_rate", "step_size": "learning_rate", "learning_rte": "learning_rate",
        "beta1": "b1", "epsilon": "eps", "maxitr": "max_iter", "n_iter": "max_iter",
    }.items(),
)  # fmt: skip
def test_unknown_keywords_name_the_nearest(word, meant):
    with pytest.raises(TypeError, match=f"unexpected keyword '{word}'; did you mean '{meant}'"):
        tw.minimize(lambda x: x**2, 1.0, "adam", **{word: 0.1})
    with pytest.raises(TypeError, match=r"unexpected keyword 'zzzz'$"):
        tw.minimize(lambda x: x**2, 1.0, "adam", zzzz=0.1)


def test_names_of_other_libraries_stand_for_methods_that_exist():
    known = set(tw.methods())
    assert set(EQUIVALENTS.values()) <= known
    assert not set(EQUIVALENTS) & known
    for name, meant in EQUIVALENTS.items():
        if meant in tw.methods("solvers"):
            assert tw.minimize(lambda x: x**2, 1.0, name.replace("_", "-")).success, name


@pytest.mark.parametrize("name", NOT_OFFERED)
def test_what_is_not_offered_says_what_to_use(name):
    assert name not in tw.methods()
    named = [word for word in tw.methods() if f"'{word}'" in NOT_OFFERED[name]]
    assert named, "the sentence names no method that exists"
    with pytest.raises(ValueError, match=rf"method '{name}' is not offered: "):
        tw.minimize(lambda x: x**2, 1.0, name)


def test_keywords_of_other_libraries_stand_for_hyper_parameters_and_limits():
    known = {name for hyper in tw.methods().values() for name in hyper}
    known |= {o[0] for o in _core.options()} | set(_core.Stopping.limits)
    known |= {"batch_size", "epochs"}  # arguments of minimize
    assert set(_KEYWORDS.values()) <= known
    assert not set(_KEYWORDS) & set(_core.Stopping.limits)
    assert all(word == word.lower() for word in _KEYWORDS)


def test_nearest_is_the_most_alike_or_none():
    known = ["learning_rate", "momentum", "memory"]
    assert nearest("Momentun", known) == "momentum"
    assert nearest("MEMORY", known) == "memory"
    assert nearest("quux", known) == ""
    assert nearest("memory", []) == ""


@pytest.mark.parametrize(
    ("word", "known", "said"),
    [
        ("LR", ["learning_rate"], "; did you mean 'learning_rate'?"),
        ("lr", ["memory"], ""),  # it has no learning rate
        ("m", ["memory"], "; did you mean 'memory'?"),
        ("tolerance", [], "; did you mean 'gtol'?"),
        ("iterations", [], "; did you mean 'max_iter'?"),
        ("maxtime", [], "; did you mean 'max_time'?"),
        ("momentm", ["momentum"], "; did you mean 'momentum'?"),
        ("quux", ["momentum"], ""),
    ],
)
def test_a_keyword_is_asked_for_among_those_that_are_taken(word, known, said):
    assert instead_of_keyword(word, known) == said
