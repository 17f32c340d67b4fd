# SPDX-License-Identifier: BSD-3-Clause
"""Write the report of a fit in the form that users of lmfit know, and a summary of many fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from thalweg._fits.fits import Fits
from thalweg._inference import statistics

__all__ = ["report"]

Rows = list[tuple[str, str]]


def report(fits: Fits, min_correl: float = 0.1) -> str:
    """Describe a fit, or many, in text."""
    parts = {"[[Model]]": [f"    {_model(fits)}"]}
    if fits.size == 1 and not np.isnan(fits.cost.flat[0]):
        one = fits if not fits.shape else fits[(0,) * len(fits.shape)]._evidence()
        parts |= _of_one(one, min_correl)
    else:
        parts |= _of_many(fits, min_correl)
    return "\n".join(line for title, lines in parts.items() for line in (title, *lines))


def _model(fits: Fits) -> str:
    if "model" in fits._about:
        return str(fits._about["model"])
    source = fits._about.get("source")
    name = fits._about.get("name") or ("f" if source is None else source[0].name)
    return f"{name}(x, {', '.join(fits.names)})"


def _lines(rows: Rows) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"    {name:<{width}} = {value}" for name, value in rows]


# ---- one fit


def _of_one(fits: Fits, min_correl: float) -> dict[str, list[str]]:
    kind = statistics.kind_of(fits)
    count = int(statistics.fitted_count(fits))
    rows: Rows = [
        ("# function evals", str(int(fits.nfev))),
        ("# data points", str(int(statistics.rows_of(fits)))),
        ("# variables", str(count)),
        ("deviance" if kind.poisson else "chi-square", _number(fits.chi2)),
        ("reduced deviance" if kind.poisson else "reduced chi-square", _number(fits.reduced_chi2)),
        ("Akaike info crit", _number(fits.aic)),
        ("Bayesian info crit", _number(fits.bic)),
    ]
    if "source" in fits._about or "flat" in fits._about or "flat" in fits._own:
        rows.append(("R-squared", _number(fits.r2)))
    rows.append(("ended because", fits._message(0)))
    if int(fits._arrays.get("n_missing", 0)):
        rows.insert(2, ("# missing", str(int(fits.n_missing))))
    parts = {"[[Fit Statistics]]": _lines(rows), "[[Variables]]": _variables(fits)}
    if correlated := _correlated(fits.names, fits.correlations, min_correl):
        parts[_heading(min_correl)] = correlated
    return parts


def _heading(min_correl: float) -> str:
    return f"[[Correlations]] (unreported correlations are < {min_correl:.3f})"


def _number(value: float, digits: int = 9) -> str:
    """Format a number with a fixed number of digits."""
    return f"{float(value):#.{digits}g}" if np.isfinite(value) else str(float(value))


def _variables(fits: Fits) -> list[str]:
    width = max(len(name) for name in fits.names) + 1
    free, init = list(fits._about["free"]), _starts(fits)
    open_ = set(fits._left_open(0).split(", "))
    lines = []
    for i, name in enumerate(fits.names):
        value, error = float(fits.popt[i]), float(fits.perr[i])
        line = f"    {name + ':':<{width}} {_number(value)}"
        if i not in free and not error:
            line += " (fixed)"
        else:
            line += _with_error(value, error)
            if i not in free:
                line += " (tied)"
            elif init is not None:
                line += f" (init = {init[i]:.7g})"
        if name in open_:
            line += ", not determined by the data"
        lines.append(line)
    return lines


def _with_error(value: float, error: float) -> str:
    """Write the standard error, and what it is in relation to the value."""
    if np.isnan(error):
        return " at its bound"
    if np.isinf(error):
        return " +/- inf"
    share = f" ({100 * error / abs(value):.2f}%)" if value else ""
    return f" +/- {_number(error, 8)}{share}"


def _starts(fits: Fits) -> Any:
    """Return the start of a fit, or None if it is not known."""
    init = fits._about.get("init")
    if init is None and "source" in fits._about:
        start = fits._about["source"][0].start
        if callable(start) or start is None:
            return None
        start = np.asarray(start)
        if start.ndim == 1:
            return start
        lane = fits._own.get("lane", 0)
        return start.reshape(-1, start.shape[-1])[int(lane)]
    return init


def _correlated(names: Sequence[str], correlations: Any, min_correl: float) -> list[str]:
    """List the correlations from the largest on."""
    found = [
        (abs(value), a, b, value)
        for i, a in enumerate(names)
        for j, b in enumerate(names[:i])
        for value in [float(correlations[i, j])]
        if abs(value) >= min_correl
    ]
    width = max((len(a) + len(b) for _, a, b, _ in found), default=0)
    return [
        f"    C({b}, {a}){' ' * (width - len(a) - len(b))} = {value:+.4f}"
        for _, a, b, value in sorted(found, key=lambda each: -each[0])
    ]


# ---- many fits


def _of_many(fits: Fits, min_correl: float) -> dict[str, list[str]]:
    rows: Rows = [("# fits", f"{fits.size:,}")]
    rows += [(f"# {reason}", f"{count:,}") for reason, count in fits.tally.items()]
    done = ~np.isnan(fits.cost)
    if "n_missing" in fits._arrays:
        rows.append(("# missing values", f"{int(fits.n_missing.sum()):,}"))
    rows.append(("# not determined", f"{int(np.sum(~fits.determined & done)):,}"))
    if "worse" in fits._arrays:
        rows.append(("# worse than a constant", f"{int(fits.worse.sum()):,}"))
    parts = {"[[Fit Statistics]]": _lines(rows)}
    if not done.any():
        return parts
    parts["[[Medians]]"] = _lines(
        [
            ("chi-square", _middle(fits.chi2)),
            ("reduced chi-square", _middle(fits.reduced_chi2)),
            ("Akaike info crit", _middle(fits.aic)),
            ("Bayesian info crit", _middle(fits.bic)),
        ]
    )
    parts["[[Variables]]"] = _medians(fits)
    if "pcov" in fits._arrays:
        middle = _middle_correlations(fits)
        if correlated := _correlated(fits.names, middle, min_correl):
            parts[_heading(min_correl).replace("Corr", "Median corr")] = correlated
    return parts


def _middle_correlations(fits: Fits) -> Any:
    """Return the median of each correlation (p, p), without NaN."""
    middle = np.full((len(fits.names),) * 2, np.nan)
    places = np.tril_indices(len(fits.names), -1)
    middle[places] = [_median(each) for each in statistics.correlation_pairs(fits)]
    return middle


def _median(values: Any) -> float:
    """Return the median of the finite values."""
    values = np.ravel(values)  # a copy, if it is a column
    finite = np.isfinite(values)
    if not finite.all():
        values = values[finite]
    if not values.size:
        return np.nan
    # One element is selected at a time, which NumPy does four times as fast as two.
    half = values.size // 2
    parts = np.partition(values, half)
    middle = float(parts[half])
    return middle if values.size % 2 else 0.5 * (float(parts[:half].max()) + middle)


def _middle(values: Any) -> str:
    return _number(_median(values))


def _medians(fits: Fits) -> list[str]:
    width = max(len(name) for name in fits.names) + 1
    free = list(fits._about["free"])
    lines = []
    for i, name in enumerate(fits.names):
        line = f"    {name + ':':<{width}} {_middle(fits.popt[..., i])}"
        if "perr" in fits._arrays:
            errors = fits.perr[..., i]
            if i in free or errors.any():
                line += f" +/- {_middle(errors)}"
            else:
                line += " (fixed)"
            if i in free and (held := int(np.sum(np.isnan(errors) & ~np.isnan(fits.cost)))):
                line += f", at its bound in {held:,} fits"
            if loose := int(np.isinf(errors).sum()):
                line += f", not determined in {loose:,} fits"
        lines.append(line)
    return lines
