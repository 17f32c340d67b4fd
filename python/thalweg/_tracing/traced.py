# SPDX-License-Identifier: BSD-3-Clause
"""Define what real and complex traced values share: the form of an array, and its movements."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from thalweg._tracing.errors import no_number
from thalweg._tracing.operations import Shape
from thalweg._tracing.registry import call_function

if TYPE_CHECKING:
    from thalweg._tracing.trace import Trace

__all__ = ["Traced", "method"]


class Traced:
    """A traced value, real or complex."""

    __slots__ = ()

    if TYPE_CHECKING:
        trace: Trace

        @property
        def shape(self) -> Shape:
            """The shape, as in NumPy."""

        def __getitem__(self, index: Any) -> Any: ...

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def T(self) -> Self:
        """The transpose."""
        return self.transpose()

    @property
    def flat(self) -> Self:
        """The elements in C order."""
        return self.reshape(-1)

    def _call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Self:
        result: Self = call_function(self.trace, function, args, kwargs)
        return result

    def __matmul__(self, other: Any) -> Self:
        return self._call(np.linalg.matmul, (self, other), {})

    def __rmatmul__(self, other: Any) -> Self:
        return self._call(np.linalg.matmul, (other, self), {})

    def __pos__(self) -> Self:
        return self

    # -- the container --

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("len() of unsized object")
        return shape[0]

    def __iter__(self) -> Iterator[Self]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return map(self.__getitem__, range(self.shape[0]))

    # -- conversions to numbers, which a traced value does not have --

    def __float__(self) -> NoReturn:
        raise no_number("float")

    def __int__(self) -> NoReturn:
        raise no_number("int")

    def __complex__(self) -> NoReturn:
        raise no_number("complex")

    # -- methods --

    def reshape(self, *shape: Any, order: str = "C") -> Self:
        """Do the same as `numpy.ndarray.reshape`."""
        wanted = shape[0] if len(shape) == 1 else shape
        return self._call(np.reshape, (self, wanted), {"order": order})

    def transpose(self, *axes: Any) -> Self:
        """Do the same as `numpy.ndarray.transpose`."""
        wanted = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return self._call(np.transpose, (self, wanted), {})

    def flatten(self, order: str = "C") -> Self:
        """Do the same as `numpy.ndarray.flatten`."""
        return self._call(np.ravel, (self, order), {})

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: dict[str, Any]
    ) -> Any:
        return call_function(self.trace, function, args, kwargs)


def method(name: str) -> Callable[..., Any]:
    """Return the method that does the same as NumPy's function of its name."""
    function = getattr(np, name)

    def call(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return call_function(self.trace, function, (self, *args), kwargs)

    call.__name__ = name
    call.__doc__ = f"Do the same as `numpy.ndarray.{name}`."
    return call
