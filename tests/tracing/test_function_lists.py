# SPDX-License-Identifier: BSD-3-Clause
"""Every function of NumPy and SciPy is traced to NumPy's values, or refused in words."""

import importlib.util
from pathlib import Path

import pytest

_PATH = Path(__file__).parents[2] / "docs" / "function_lists.py"
_SPEC = importlib.util.spec_from_file_location("function_lists", _PATH)
function_lists = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(function_lists)

# What models are written in; the list grows, and nothing leaves it.
TRACED = {
    "np": """
        abs add all allclose any append arctan2 around array_equal array_split asarray atleast_1d
        average broadcast_to ceil clip compress concatenate convolve copy copysign corrcoef
        correlate cos cosh count_nonzero cov cross cumprod cumsum cumulative_sum deg2rad delete diag
        diagonal diff divide dot dsplit dstack ediff1d einsum exp exp2 expand_dims expm1 fabs flip
        float_power floor floor_divide fmax fmin fmod gradient heaviside hsplit hstack hypot inner
        isclose kron linspace log log10 log1p log2 logaddexp logspace matmul max maximum mean median
        meshgrid min minimum mod moveaxis multiply nan_to_num nanmax nanmean nanmedian nansum
        negative outer pad partition percentile poly polyadd polyder polyint polymul polyval power
        prod ptp quantile rad2deg ravel reciprocal remainder repeat reshape rint roll rot90 sign
        sin sinc sinh sort split sqrt square squeeze stack std subtract sum swapaxes take tan tanh
        tensordot tile trace transpose trapezoid tril triu trunc unwrap vander var vdot vsplit
        vstack
    """,
    "np.linalg": """
        cholesky cond cross det diagonal eigh eigvalsh inv lstsq matmul matrix_norm matrix_power
        norm outer pinv qr slogdet solve svd svdvals tensordot tensorinv tensorsolve trace vecdot
        vector_norm
    """,
    "np.fft": "fft fft2 fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 rfft",
    "scipy.special": """
        dawsn digamma entr erf erfc erfcx erfi exp10 exp2 expit expm1 exprel gammaln hyp
        inv_boxcox kl_div log1p log_expit log_ndtr log_softmax logit logsumexp ndtr psi rel_entr
        softmax voigt_profile xlog1py xlogy
    """,
}
# Where the list of what is traced names what no generic arguments fit.
NO_ARGUMENTS = {"asarray", "einsum", "append", "compress", "hyp", "tensorinv", "tensorsolve"}


@pytest.fixture(scope="module", params=list(function_lists.MODULES))
def module(request):
    """A module's name, and what became of each of its functions."""
    home = function_lists.MODULES[request.param]
    found = {
        name: function_lists.outcome(name, request.param, function)
        for name, function in function_lists.functions(home)
    }
    return request.param, found


def test_every_function_is_traced_or_refused_in_words(module):
    name, found = module
    problems = {k: f.problem for k, f in found.items() if f is not None and f.problem}
    assert not problems
    said = [f.said for f in found.values() if f is not None and not f.traced]
    assert all(text.startswith("cannot trace") and ".\n" not in text for text in said)
    assert sum(f is not None for f in found.values()) > 15, name


def test_what_models_are_written_in_is_traced(module):
    name, found = module
    wanted = set(TRACED[name].split()) - NO_ARGUMENTS
    missing = {k for k in wanted if k in found and (found[k] is None or not found[k].traced)}
    assert not missing
