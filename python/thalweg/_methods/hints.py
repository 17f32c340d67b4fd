# SPDX-License-Identifier: BSD-3-Clause
"""Suggest the right name for a method or keyword that other libraries spell differently."""

from __future__ import annotations

from collections.abc import Iterable

from thalweg import _core

__all__ = ["EQUIVALENTS", "NOT_OFFERED", "instead_of_keyword", "nearest"]

# Names that other libraries use for methods that exist here.
EQUIVALENTS = {
    "l_bfgs_b": "lbfgs", "l_bfgs": "lbfgs", "trust_exact": "newton", "trust_ncg": "newton_cg",
    "trust_krylov": "newton_cg", "conjugate_gradient": "cg",
}  # fmt: skip
# Methods that do not exist here, and what to use instead.
NOT_OFFERED = {
    "sgd": "it is called 'gradient_descent'; data= and batch_size= select minibatches",
    "gd": "it is called 'gradient_descent'",
    "nag": "it is called 'nesterov'",
    "nelder_mead": "use 'compass', which needs no derivatives either",
    "powell": "use 'compass', which needs no derivatives either",
    "tnc": "use 'lbfgs' or 'newton_cg'",
    "dogleg": "use 'newton'",
    "slsqp": "constraints other than bounds are not offered; use 'lbfgs' with bounds=",
    "cobyla": "constraints other than bounds are not offered; use 'compass' with bounds=",
    "cobyqa": "constraints other than bounds are not offered; use 'compass' with bounds=",
    "trust_constr": "constraints other than bounds are not offered; use 'lbfgs' with bounds=",
}
# Names that other libraries and books use for hyper-parameters and limits.
_KEYWORDS = {
    "lr": "learning_rate", "step": "learning_rate", "step_size": "learning_rate",
    "stepsize": "learning_rate", "eta": "learning_rate", "alpha": "learning_rate",
    "learn_rate": "learning_rate", "rate": "learning_rate",
    "beta": "momentum", "beta1": "b1", "beta_1": "b1", "beta2": "b2", "beta_2": "b2",
    "epsilon": "eps", "wd": "weight_decay", "l2": "weight_decay", "clipnorm": "clip_norm",
    "clipvalue": "clip_value", "m": "memory", "maxcor": "memory", "history_size": "memory",
    "iterations": "max_iter", "n_iter": "max_iter", "num_iterations": "max_iter",
    "steps": "max_iter", "max_iterations": "max_iter", "max_fun": "max_nfev",
    "tolerance": "gtol", "batchsize": "batch_size", "n_epochs": "epochs",
}  # fmt: skip


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known name that is spelled most like a word, or "" if none is close."""
    from difflib import get_close_matches  # slow to import

    found = get_close_matches(word.lower(), list(known), 1, 0.6)
    return found[0] if found else ""


def instead_of_keyword(word: str, known: Iterable[str]) -> str:
    """Return a question for the end of a message: which known keyword or limit was meant."""
    names = [*known, *_core.Stopping.limits]
    meant = _KEYWORDS.get(word.lower(), "")
    if meant not in names:
        meant = nearest(word, names)
    return f"; did you mean {meant!r}?" if meant else ""
