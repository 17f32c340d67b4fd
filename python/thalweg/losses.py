# SPDX-License-Identifier: BSD-3-Clause
"""Compute losses of predictions and targets: numbers, arrays or traced values.

A loss has one value for each element or row. Take the mean or the sum yourself:
``np.mean(tw.losses.logistic(X @ w, y))``. Predictions and targets may both be traced. Targets are
checked, unless they are traced, as the data of a minibatch are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from thalweg._tracing.elementary import operand, operation, where
from thalweg._tracing.tracer import Tracer
from thalweg.nn import relu

__all__ = ["hinge", "huber", "logistic", "poisson", "softmax_cross_entropy", "squared"]

_log_expit, _gammaln = map(operation, ("log_expit", "gammaln"))


def _paired(predictions: Any, targets: Any, what: str = "targets") -> tuple[Any, Any]:
    """Convert both to arrays or traced values, of which one must have the shape of the loss.

    Shapes such as (n,) and (n, 1), which NumPy would broadcast to (n, n), raise ValueError.
    """
    p, t = operand(predictions, "predictions"), operand(targets, what)
    try:
        shape = np.broadcast_shapes(p.shape, t.shape)
    except ValueError:
        shape = None
    if shape not in (p.shape, t.shape):
        raise ValueError(f"{what} must have the shape of the predictions, {p.shape}, got {t.shape}")
    return p, t


def _require(holds: Any, targets: Any, wanted: str) -> None:
    """Raise ValueError for the first target that does not meet the condition."""
    wrong = np.argwhere(~np.broadcast_to(holds, targets.shape))
    if len(wrong):
        at = tuple(wrong[0].tolist())
        place = f" at index {at[0] if len(at) == 1 else at}" if at else ""
        raise ValueError(f"{wanted}, got {targets[at]}{place}")


def squared(predictions: Any, targets: Any) -> Any:
    """Return the squared error, ``(predictions - targets)**2``.

    Its mean is the mean squared error; textbooks often minimize half of that.

    Parameters
    ----------
    predictions, targets : array_like or traced
        The predictions and the targets. One has the shape of the result, to which the other is
        broadcast.

    Returns
    -------
    float, ndarray or traced
        The error of each element.

    Raises
    ------
    ValueError
        If neither has the shape of the result, as with (n,) and (n, 1).

    References
    ----------
    A.-M. Legendre, Nouvelles méthodes pour la détermination des orbites des comètes (1805).

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.losses.squared([1.0, 2.0], [1.0, 4.0])
    array([0., 4.])
    """
    p, t = _paired(predictions, targets)
    return np.square(p - t)


def huber(predictions: Any, targets: Any, delta: Any = 1.0) -> Any:
    """Return Huber's robust error of the residual r.

    It is ``r**2 / 2`` up to ``abs(r) = delta``, and ``delta * (abs(r) - delta / 2)`` beyond.

    Parameters
    ----------
    predictions, targets : array_like or traced
        The predictions and the targets. One has the shape of the result, to which the other is
        broadcast.
    delta : float, array_like or traced, default 1
        The residual at which the parabola becomes a line, > 0, in units of the predictions.

    Returns
    -------
    float, ndarray or traced
        The error of each element.

    Raises
    ------
    ValueError
        If `delta` is not positive, or if neither has the shape of the result.

    References
    ----------
    P. J. Huber, Ann. Math. Statist. 35 (1964), 73-101.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.losses.huber([0.0, 0.0, 0.0], [0.5, 1.0, 1000.0])
    array([1.250e-01, 5.000e-01, 9.995e+02])
    """
    p, t = _paired(predictions, targets)
    delta = operand(delta, "delta")
    if not isinstance(delta, Tracer):
        _require(delta > 0, delta, "delta must be > 0")
    r = p - t
    near = np.clip(r, -delta, delta)  # one formula for both branches, which squares no large r
    return near * (r - 0.5 * near)


def logistic(logits: Any, labels: Any) -> Any:
    """Return the logistic loss (binary cross-entropy) of logits, ``log(1 + exp(z)) - y z``.

    Parameters
    ----------
    logits : array_like or traced
        The log-odds of label 1.
    labels : array_like or traced
        0 or 1, or a probability of 1 in between. Convert labels of -1 and 1 by
        ``(labels + 1) / 2``. Either the logits or the labels have the shape of the result, to which
        the other is broadcast.

    Returns
    -------
    float, ndarray or traced
        The loss of each element. If labels are 0 or 1, value and slope are accurate to rounding
        for logits of any size.

    Raises
    ------
    ValueError
        If a label lies outside [0, 1], or if neither has the shape of the result.

    References
    ----------
    D. R. Cox, J. R. Stat. Soc. B 20 (1958), 215-242.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.losses.logistic([0.0, 1000.0, 1000.0], [1, 1, 0])
    array([6.93147181e-01, 0.00000000e+00, 1.00000000e+03])
    """
    z, y = _paired(logits, labels, "labels")
    known = not isinstance(y, Tracer)
    if known:
        wanted = "labels must lie in [0, 1]; convert labels of -1 and 1 by (labels + 1) / 2"
        _require((y >= 0) & (y <= 1), y, wanted)
    # The label rounded to 0 or 1 decides the sign; the remainder, mostly 0, adds a linear term.
    one = where(y >= 0.5, 1.0, 0.0)
    loss = -_log_expit((2.0 * one - 1.0) * z)
    rest = one - y
    return loss if known and not np.any(rest) else loss + rest * z


def softmax_cross_entropy(logits: Any, labels: Any) -> Any:
    """Return the cross-entropy of the softmax of logits, ``log(sum(exp(z))) - z[label]`` by row.

    Parameters
    ----------
    logits : array_like or traced
        The logits, shape (..., classes).
    labels : array_like or traced
        The index of the class of each row, shape (...), of any dtype; or probabilities, shape
        (..., classes), which are not negative and sum to 1 in each row.

    Returns
    -------
    float, ndarray or traced
        The loss of each row, shape (...).

    Raises
    ------
    ValueError
        If the shapes do not match, if a class is not a whole number from 0 to ``classes - 1``, or
        if probabilities are negative or do not sum to 1.

    References
    ----------
    J. S. Bridle, in Neurocomputing: Algorithms, Architectures and Applications (1990), 227-236.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> tw.losses.softmax_cross_entropy([[0.0, 0.0], [0.0, 1000.0]], [0, 0])
    array([6.93147181e-01, 1.00000000e+03])
    >>> tw.losses.softmax_cross_entropy([[0.0, 0.0], [0.0, 1000.0]], np.eye(2))
    array([0.69314718, 0.        ])
    """
    z, y = operand(logits, "logits"), operand(labels, "labels")
    if z.ndim == 0 or y.shape not in (z.shape, z.shape[:-1]):
        raise ValueError(
            "labels must have the shape of logits (..., classes), with or without the last axis, "
            f"got logits {z.shape} and labels {y.shape}"
        )
    numbers = y.ndim < z.ndim
    classes = np.arange(z.shape[-1])
    if not isinstance(y, Tracer):
        if numbers:
            wanted = f"labels must be whole numbers from 0 to {z.shape[-1] - 1}"
            _require((y >= 0) & (y < z.shape[-1]) & (y == np.floor(y)), y, wanted)
        else:
            _require(y >= 0, y, "probabilities must be >= 0")
            total = np.asarray(np.sum(y, axis=-1))
            near = np.abs(total - 1.0) <= 1e-3  # tables may give few digits
            _require(near, total, "the probabilities of a row must sum to 1")
    if isinstance(z, Tracer) and numbers:
        y = z.trace.wrap(y)  # the tape then reads one number for each row, not a row of classes
    # Any shift near the largest logit keeps exp in range. A rounded shift has slope 0, so that the
    # gradient is softmax minus label, without terms from the shift.
    shifted = z - np.rint(np.max(z, axis=-1, keepdims=True))
    log_sum = np.log(np.sum(np.exp(shifted), axis=-1))
    if numbers:
        return log_sum - np.sum(where(y[..., None] == classes, shifted, 0.0), axis=-1)
    return np.sum(y * (log_sum[..., None] - shifted), axis=-1)


def hinge(scores: Any, labels: Any) -> Any:
    """Return the hinge loss, ``max(0, 1 - label * score)``, with slope 0 at its corner.

    Parameters
    ----------
    scores : array_like or traced
        The scores; a positive score predicts label 1.
    labels : array_like or traced
        -1 or 1. Convert labels of 0 and 1 by ``2 * labels - 1``. Either the scores or the labels
        have the shape of the result, to which the other is broadcast.

    Returns
    -------
    float, ndarray or traced
        The loss of each element.

    Raises
    ------
    ValueError
        If a label is neither -1 nor 1, or if neither has the shape of the result.

    References
    ----------
    C. Cortes and V. Vapnik, Machine Learning 20 (1995), 273-297.

    Examples
    --------
    >>> import thalweg as tw
    >>> tw.losses.hinge([2.0, 0.5, 0.5], [1, 1, -1])
    array([0. , 0.5, 1.5])
    """
    s, y = _paired(scores, labels, "labels")
    if not isinstance(y, Tracer):
        wanted = "labels must be -1 or 1; convert labels of 0 and 1 by 2 * labels - 1"
        _require((y == 1) | (y == -1), y, wanted)
    return relu(1.0 - y * s)


def poisson(log_rates: Any, counts: Any, full: bool = False) -> Any:
    """Return the negative log-likelihood of Poisson counts with given log rates, ``exp(z) - y z``.

    Parameters
    ----------
    log_rates : array_like or traced
        The logarithm of the expected counts. Above 709.78 the loss is infinite.
    counts : array_like or traced
        The counts, not negative. Either the log rates or the counts have the shape of the result,
        to which the other is broadcast.
    full : bool, default False
        Whether to add log(y!), which does not depend on the rates.

    Returns
    -------
    float, ndarray or traced
        The loss of each element.

    Raises
    ------
    ValueError
        If a count is negative, or if neither has the shape of the result.

    References
    ----------
    J. A. Nelder and R. W. M. Wedderburn, J. R. Stat. Soc. A 135 (1972), 370-384.

    Examples
    --------
    >>> import numpy as np
    >>> import thalweg as tw
    >>> tw.losses.poisson(np.log([1.0, 2.0]), [1, 3])
    array([ 1.        , -0.07944154])
    >>> tw.losses.poisson(np.log([1.0, 2.0]), [1, 3], full=True)
    array([1.        , 1.71231793])
    """
    z, y = _paired(log_rates, counts, "counts")
    if not isinstance(y, Tracer):
        _require(y >= 0, y, "counts must be >= 0")
    loss = np.exp(z) - y * z
    return loss + _gammaln(y + 1.0) if full else loss
