# SPDX-License-Identifier: BSD-3-Clause
"""Walk the functions of NumPy and SciPy: what is traced, and what is refused with which advice.

Each function is called with numbers first, with arguments that it accepts, and then with a traced
value in their place.
"""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.fft
import scipy.special

import thalweg as tw

MODULES = {
    "np": np,
    "np.linalg": np.linalg,
    "np.fft": np.fft,
    "scipy.special": scipy.special,
}

X = np.array([0.3, 0.6, 0.45, 0.7])
SQUARE = np.array([[2.0, 0.3, 0.1], [0.3, 1.5, 0.2], [0.1, 0.2, 1.0]])

# What a function may be called with besides its first argument; the first that it accepts counts.
BESIDES: tuple[tuple[Any, ...], ...] = (
    (), (np.array([0.5, 0.8, 0.2, 0.9]),), (2,), (1,), (0.5,), (0,), (0.5, 0.8), (1, 2),
    (2, 0.5), (0.5, 2.0, 0.3), (SQUARE,), (SQUARE[0],), ((4,),), ((2, 2),), ([0, 1],),
    (1, 2, 0.5), (2, 1, 0.4),
)  # fmt: skip
FIRST: tuple[Any, ...] = (X, SQUARE, SQUARE[None], SQUARE[0, 0])


class Found(NamedTuple):
    """What became of a function."""

    traced: bool
    said: str = ""  # the message of its refusal
    problem: str = ""  # anything that is neither


# They make no number of their argument, or have nothing to do with numbers.
NOT_OF_NUMBERS = frozenset(
    re.findall(
        r"\w+",
        """
    array2string array_repr array_str asmatrix base_repr binary_repr bmat broadcast busday_count
    busday_offset busdaycalendar byte_bounds can_cast common_type copyto datetime_as_string
    datetime_data errstate fill_diagonal format_float_positional format_float_scientific
    frombuffer fromfile fromfunction frompyfunc fromregex fromstring genfromtxt get_include
    get_printoptions getbufsize geterr geterrcall info is_busday isdtype isfortran iterable load
    loadtxt matrix may_share_memory memmap min_scalar_type mintypecode ndenumerate ndindex nditer
    nested_iters place poly1d printoptions promote_types put put_along_axis putmask recarray
    record result_type save savetxt savez savez_compressed set_printoptions setbufsize seterr
    seterrcall shares_memory show_config show_runtime test typename vectorize issubdtype isscalar
    empty_like unpackbits packbits flatiter ndarray dtype finfo iinfo generic from_dlpack
    LinAlgError SpecialFunctionError SpecialFunctionWarning errprint
    """,
    )
)


# They are traced above 1 alone; below, they leave the domain.
ABOVE_ONE = frozenset({"zeta", "zetac"})
# Vectors that may be multiplied by -1.
UP_TO_SIGNS = frozenset({"eigh", "svd"})


def functions(module: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the public functions of a module, by name."""
    names = getattr(module, "__all__", None) or [n for n in dir(module) if n[0] != "_"]
    for name in sorted(set(names)):
        function = getattr(module, name, None)
        if not callable(function) or inspect.isclass(function) or name in NOT_OF_NUMBERS:
            continue
        yield name, function


def _numbers(value: Any) -> np.ndarray[Any, Any] | None:
    """Return all real numbers in a result as one array, or None if there are none."""
    if isinstance(value, tuple | list) and value:
        parts = [_numbers(v) for v in value]
        if any(p is None for p in parts):
            return None
        return np.concatenate(parts)
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        return None
    if array.dtype.kind == "c":
        return np.concatenate([array.real.ravel(), array.imag.ravel()])
    return array.astype(float).ravel() if array.dtype.kind in "fiub" else None


def arguments_of(function: Callable[..., Any]) -> tuple[Any, tuple[Any, ...]] | None:
    """Return a first argument and others with which a function gives finite numbers."""
    for rest in BESIDES:
        for first in FIRST:
            try:
                value = function(np.array(first) if np.ndim(first) else first, *rest)
            except Exception:
                continue
            found = _numbers(value)
            if found is not None and found.size and np.isfinite(found).all():
                return first, rest
    return None


def _flat(value: Any) -> Any:
    """Return a traced result as one real array."""
    if isinstance(value, tuple | list):
        return np.concatenate([_flat(v) for v in value])
    if getattr(getattr(value, "dtype", None), "kind", "") == "c":
        return np.concatenate([np.ravel(np.real(value)), np.ravel(np.imag(value))])
    return np.ravel(value) * 1.0


def outcome(name: str, module: str, function: Callable[..., Any]) -> Found | None:
    """Return what becomes of a function, or None if no arguments were found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = arguments_of(function)
        if given is None:
            return None
        first, rest = given
        if name in ABOVE_ONE:
            first = first + 1.0
        wanted = _numbers(function(np.array(first) if np.ndim(first) else first, *rest))
        space = {"np": np, "scipy": scipy, "rest": rest, "_flat": _flat}
        exec(f"def f(x):\n    return _flat({module}.{name}(x, *rest))", space)
        try:
            F = tw.objective(space["f"], np.array(first), unpack=False)
        except tw.TraceError as error:
            return Found(False, said=str(error))
        except Exception as error:
            return Found(False, problem=f"{type(error).__name__}: {error}")
        try:
            got = np.ravel(F(np.array(first)))
        except Exception as error:
            return Found(False, problem=f"evaluation: {type(error).__name__}: {error}")
        if name in UP_TO_SIGNS:
            got, wanted = abs(got), abs(wanted)
        if got.shape != wanted.shape or not np.allclose(got, wanted, rtol=1e-9, atol=1e-12):
            return Found(False, problem=f"gives {got}, not {wanted}")
        return Found(True)


def outcomes() -> dict[str, dict[str, Found | None]]:
    """Return what becomes of every function, by module and name."""
    return {
        module: {name: outcome(name, module, f) for name, f in functions(home)}
        for module, home in MODULES.items()
    }
