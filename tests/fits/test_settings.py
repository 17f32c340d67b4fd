# SPDX-License-Identifier: BSD-3-Clause
"""Keywords of fits: checked once, the same ones wherever they are taken, shared among tries."""

import inspect
import time
from dataclasses import fields

import pytest

import thalweg as tw
from thalweg._fits.settings import ManyFitSettings, SquaresSettings, within_limits


def keywords(settings):
    return {f.name: f.default for f in fields(settings) if f.init}


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        (tw.least_squares, SquaresSettings),
        (tw.least_squares_many, SquaresSettings),
        (tw.curve_fit_many, ManyFitSettings),
        (tw.Model.fit_many, ManyFitSettings),
    ],
)
def test_every_setting_is_a_keyword_with_the_same_default(function, settings):
    signature = inspect.signature(function).parameters
    for name, default in keywords(settings).items():
        assert signature[name].default == default, name


def test_keywords_of_many_fits_are_all_settings():
    """None is read beside them, so that it cannot be forgotten in one of the two functions."""
    for function in (tw.curve_fit_many, tw.Model.fit_many):
        alone = {
            name
            for name, p in inspect.signature(function).parameters.items()
            if p.kind is p.KEYWORD_ONLY
        }
        assert alone == set(keywords(ManyFitSettings))


def test_the_default_of_max_nfev_depends_on_what_is_fitted():
    assert SquaresSettings().stopping(3).max_nfev == 4000
    assert SquaresSettings(max_nfev=7).stopping(3, threads=2).max_nfev == 7
    assert SquaresSettings().stopping(3, threads=2).threads == 2


def test_tolerances_that_are_none_switch_a_test_off():
    stopping = SquaresSettings(ftol=None, gtol=1e-3).stopping(1)
    assert (stopping.ftol, stopping.xtol, stopping.gtol) == (0.0, 1e-10, 1e-3)


def test_tries_share_the_evaluations_and_the_time():
    stopping = SquaresSettings(max_nfev=2000, max_time=100.0).stopping(1)
    tries = list(within_limits("abc", 1, stopping))
    assert [one for one, _ in tries] == ["a", "b", "c"]
    assert [own.max_nfev for _, own in tries] == [500, 750, 750]
    assert all(99.0 < own.max_time <= 100.0 for _, own in tries)
    assert [one for one, _ in within_limits("abc", 1, stopping.replace(max_nfev=9))] == ["a"]


def test_a_try_that_begins_late_has_no_time():
    stopping = SquaresSettings(max_time=0.0).stopping(1)
    assert [own.max_time for _, own in within_limits("ab", 1, stopping)] == [0.0, 0.0]
    ((_, own),) = within_limits("a", 1, stopping, ends=time.monotonic() + 50.0)
    assert 49.0 < own.max_time <= 50.0


def test_limits_without_a_time_are_made_once():
    settings = SquaresSettings()
    stopping = settings.stopping(3)
    assert settings.stopping(3) is stopping
    assert settings.stopping(3, 2) is not stopping
    first, again = (list(within_limits([1, 2], 3, stopping)) for _ in range(2))
    assert [a is b for (_, a), (_, b) in zip(first, again, strict=True)] == [True, True]
