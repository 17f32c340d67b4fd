# SPDX-License-Identifier: BSD-3-Clause
"""Read the arguments of `thalweg fit`, run the fit, and format its result."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thalweg._version import __version__
from thalweg.cli.options import save_picture
from thalweg.cli.words import (
    BadInputError,
    by_name,
    read_bounds,
    read_expression,
    read_number,
    read_start,
)

if TYPE_CHECKING:
    import argparse

    from thalweg._formulas.expressions import Expression

__all__ = ["FitRequest", "Fitted"]


@dataclass(frozen=True, slots=True)
class FitRequest:
    """The arguments of a fit: model, data columns, start, bounds and fixed parameters."""

    file: str
    expression: Expression
    predictors: dict[str, str]  # variable to column
    y: str
    sigma: str | float | None
    parameters: tuple[str, ...]
    fixed: dict[str, float]
    ties: dict[str, Tied]
    priors: dict[str, tuple[float, float]]
    start: dict[str, float]
    bounds: list[tuple[float | None, float | None]] | None

    @classmethod
    def of(cls, given: argparse.Namespace) -> FitRequest:
        """Read the arguments, or raise BadInputError."""
        expression = read_expression(given.expression, "expression")
        if not given.x:
            raise BadInputError("there is no predictor: add --x COLUMN")
        if given.y is None:
            raise BadInputError("there are no data to fit: add --y COLUMN")
        predictors = _predictors(given.x, expression.variables)
        parameters = tuple(v for v in expression.variables if v not in predictors)
        if not parameters:
            raise BadInputError(f"expression {given.expression.strip()!r} has no parameter to fit")
        fixed = {
            name: read_number(text, f"--fixed {name}")
            for name, text in by_name(given.fixed, "--fixed", parameters).items()
        }
        ties = _ties(given.tie, parameters, fixed)
        free = tuple(p for p in parameters if p not in fixed and p not in ties)
        if not free:
            which = "--fixed fixes" if not ties else "--fixed and --tie fix"
            raise BadInputError(f"{which} every parameter: nothing is left to fit")
        begun = read_start(given.start, free)
        ends = read_bounds(given.bounds, free, begun)
        start = dict(zip(free, begun, strict=True)) | fixed
        start = {p: start[p] for p in parameters if p in start}
        bounds = None
        if ends is not None:
            pairs = dict(zip(free, ends, strict=True))
            bounds = [pairs.get(p, (None, None)) for p in parameters]
        return cls(
            given.file, expression, predictors, given.y, _sigma(given.sigma), parameters, fixed,
            ties, _priors(given.prior, free + tuple(ties)), start, bounds,
        )  # fmt: skip

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_ONLY
        return inspect.Signature(
            [inspect.Parameter(name, kind) for name in ("predictors", *self.parameters)]
        )

    def __call__(self, x: Any, *p: Any) -> Any:
        """Evaluate the model for predictors (k, m) and parameters."""
        values = dict(zip(self.predictors, x, strict=True)) | dict(
            zip(self.parameters, p, strict=True)
        )
        return self.expression(*(values[name] for name in self.expression.variables))

    def run(self, given: argparse.Namespace) -> Fitted:
        """Read the file and run the fit."""
        from thalweg.cli.tables import read_table

        columns = [*self.predictors.values(), self.y]
        if isinstance(self.sigma, str):
            columns.append(self.sigma)
        table = read_table(self.file, list(dict.fromkeys(columns)))

        import numpy as np

        import thalweg as tw

        x = np.array([table[c] for c in self.predictors.values()])
        y = np.array(table[self.y])
        for column, values in zip((self.y, *self.predictors.values()), (y, *x), strict=True):
            if np.isinf(values).any():
                row = int(np.flatnonzero(np.isinf(values))[0])
                raise BadInputError(
                    f"{self.file}: {column} is {values[row]} in row {row + 1} of the data"
                )
        sigma = self.sigma if self.sigma is None or not isinstance(self.sigma, str) else np.array(
            table[self.sigma])  # fmt: skip
        inf = float("inf")
        keywords: dict[str, Any] = {}
        if self.bounds is not None:
            keywords["bounds"] = tuple(
                [other if pair[i] is None else pair[i] for pair in self.bounds]
                for i, other in enumerate((-inf, inf))
            )
        there = ~np.isnan(x).any(axis=0) & ~np.isnan(y)
        if isinstance(sigma, np.ndarray):
            there &= ~np.isnan(sigma)
            sigma = sigma[there]
        try:
            fits = tw.curve_fit_many(
                self, x[:, there], y[there], self.start, sigma=sigma,
                absolute_sigma=given.absolute_sigma and sigma is not None,
                fixed=self.fixed or None, ties={**self.ties} or None, priors=self.priors or None,
                loss=given.loss, f_scale=given.f_scale,
                likelihood=given.likelihood, max_nfev=given.max_nfev, threads=1, **keywords,
            )  # fmt: skip
        except (ValueError, TypeError, ArithmeticError) as error:  # reported in one line
            raise BadInputError(" ".join(str(error).split())) from error
        return Fitted(self, fits, x[:, there], y[there], sigma, int((~there).sum()))


def _predictors(words: list[str], variables: tuple[str, ...]) -> dict[str, str]:
    """Return the column of each predictor by the variable of the expression."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, column = (part.strip() for part in word.partition("="))
        if not equals:
            column = name
            name = column if column in variables or len(words) > 1 else "x"
        if not (name and column):
            raise BadInputError(f"--x takes COLUMN or NAME=COLUMN, got {word.strip()!r}")
        if name not in variables:
            raise BadInputError(
                f"--x {word.strip()}: the expression has no {name!r}; it has "
                f"{', '.join(variables) or 'no variables'}"
            )
        if name in found:
            raise BadInputError(f"--x {name} is given twice")
        found[name] = column
    return found


@dataclass(frozen=True, slots=True)
class Tied:
    """A parameter's expression, as a function of the parameters that it names."""

    expression: Expression

    @property
    def __signature__(self) -> inspect.Signature:
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([inspect.Parameter(n, kind) for n in self.expression.variables])

    def __call__(self, **values: Any) -> Any:
        """Evaluate the expression."""
        return self.expression(*(values[name] for name in self.expression.variables))


def _ties(
    words: list[str], parameters: tuple[str, ...], fixed: dict[str, float]
) -> dict[str, Tied]:
    """Read the expressions of tied parameters by name."""
    ties = {}
    for name, text in by_name(words, "--tie", parameters).items():
        tie = ties[name] = Tied(read_expression(text, f"--tie {name}"))
        if name in fixed:
            raise BadInputError(f"--tie {name}: it is fixed too; leave one of them out")
        if unknown := [v for v in tie.expression.variables if v not in parameters]:
            raise BadInputError(
                f"--tie {name}: {unknown[0]!r} is no parameter; they are {', '.join(parameters)}"
            )
    return ties


def _priors(words: list[str], known: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Read the means and standard deviations of normal priors by name."""
    priors = {}
    for name, text in by_name(words, "--prior", known).items():
        mean, sign, sd = text.replace("+-", "±").partition("±")
        if not sign:
            raise BadInputError(f"--prior takes NAME=MEAN±SD, got {name}={text!r}")
        what = f"--prior {name}"
        priors[name] = read_number(mean, what), read_number(sd, what)
    return priors


def _sigma(word: str | None) -> str | float | None:
    """Read a number or the name of a column."""
    if word is None:
        return None
    try:
        return float(word)
    except ValueError:
        return word.strip()


@dataclass(frozen=True, slots=True)
class Fitted:
    """The result of a fit, with the data that were fitted."""

    request: FitRequest
    fits: Any
    x: Any
    y: Any
    sigma: Any
    missing: int

    @property
    def success(self) -> bool:
        """Whether the fit converged."""
        return bool(self.fits.success)

    @property
    def sound(self) -> bool:
        """Whether the data determine the parameters, and no constant fits better."""
        return bool(self.fits.determined) and not bool(self.fits.worse)

    @property
    def reason(self) -> str:
        """Why the fit ended."""
        return str(self.fits[()].reason)

    def _free(self) -> int:
        request = self.request
        return len(request.parameters) - len(request.fixed) - len(request.ties)

    def rows(self) -> list[tuple[str, str]]:
        """Return the result as rows of name and text."""
        from thalweg._results.result import seconds

        one = self.fits[()]
        rows = []
        for i, name in enumerate(self.request.parameters):
            error = float(one.perr[i])
            note = "fixed" if name in self.request.fixed else f"± {error:.3g}"
            note += " tied" * (name in self.request.ties)
            if error != error:
                note = "(at a bound)" if self.success else "± nan"
            rows.append((name, f"{float(one.popt[i])!r} {note}"))
        data = f"{self.y.size}" + (f", {self.missing} missing" if self.missing else "")
        return [
            *rows,
            ("cost", repr(float(one.cost))),
            ("data", data),
            ("degrees of freedom", str(self.y.size + len(self.request.priors) - self._free())),
            *([] if bool(one.determined) else [("determined", "False")]),
            *([("worse", "than a constant")] if bool(one.worse) else []),
            ("success", str(self.success)),
            ("reason", self.reason),
            ("message", one.message),
            ("nfev", str(int(one.nfev))),
            ("elapsed", seconds(self.fits.elapsed)),
        ]

    def data(self) -> dict[str, Any]:
        """Return the whole result as data for JSON."""
        from thalweg.cli.report import plain

        request, one = self.request, self.fits[()]
        found: dict[str, Any] = plain({
            "thalweg": __version__,
            "expression": request.expression.text.strip(),
            "file": request.file,
            "predictors": request.predictors,
            "y": request.y,
            "parameters": request.parameters,
            "start": request.start,
            "fixed": request.fixed,
            "ties": {name: tie.expression.text.strip() for name, tie in request.ties.items()},
            "priors": request.priors,
            "popt": dict(zip(request.parameters, one.popt, strict=True)),
            "perr": dict(zip(request.parameters, one.perr, strict=True)),
            "pcov": one.pcov,
            "cost": one.cost,
            "data": self.y.size,
            "missing": self.missing,
            "success": self.success,
            "determined": bool(one.determined),
            "worse": bool(one.worse),
            "status": one.status,
            "reason": self.reason,
            "message": one.message,
            "nit": one.nit,
            "nfev": one.nfev,
            "elapsed": self.fits.elapsed,
        })  # fmt: skip
        return found

    def draw(self, file: str) -> None:
        """Draw the data and the curve."""
        from thalweg import plot

        request = self.request
        (column,) = request.predictors.values()
        save_picture(
            lambda: plot.fit(
                lambda x, *p: request(x[None], *p), self.x[0], self.y, self.fits.popt,
                self.fits.pcov, self.sigma, names=[column, request.y],
            ),
            file,
        )  # fmt: skip
