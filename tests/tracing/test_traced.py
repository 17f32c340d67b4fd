"""What real and complex traced values share."""

import numpy as np
import pytest

import thalweg as tw
from thalweg._tracing.errors import TraceError
from thalweg._tracing.trace import Trace
from thalweg._tracing.traced import Traced, method

KINDS = {"real": lambda x: x, "complex": lambda x: x + 1j * x**2}


@pytest.mark.parametrize("kind", KINDS)
def test_the_form_is_that_of_arrays(kind):
    x = KINDS[kind](Trace().input(0, (2, 3)))
    assert isinstance(x, Traced)
    assert (x.shape, x.ndim, x.size, len(x)) == ((2, 3), 2, 6, 2)
    assert (x.T.shape, x.flat.shape, x.flatten().shape) == ((3, 2), (6,), (6,))
    assert (x.reshape(3, 2).shape, x.reshape((6,)).shape) == ((3, 2), (6,))
    assert (x.transpose(1, 0).shape, x.transpose((0, 1)).shape) == ((3, 2), (2, 3))
    assert [row.shape for row in x] == [(3,), (3,)]
    assert {type(row) for row in x} == {type(x)}
    assert +x is x
    assert ((x @ np.ones(3)).shape, (np.ones((4, 2)) @ x).shape) == ((2,), (4, 3))
    with pytest.raises(TypeError, match="unsized"):
        len(x[0, 0])
    with pytest.raises(TypeError, match="0-d"):
        iter(x[0, 0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [float, int, complex])
def test_there_are_no_numbers_yet(kind, number):
    with pytest.raises(TraceError, match="a traced value has none yet"):
        tw.objective(lambda x: number(KINDS[kind](x)), 1.0)


def test_methods_are_named_after_functions():
    total = method("sum")
    assert total.__name__ == "sum"
    assert "numpy.ndarray.sum" in (total.__doc__ or "")
    x = Trace().input(0, (2, 3))
    assert total(x, axis=0).node == np.sum(x, axis=0).node
