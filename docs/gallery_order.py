# SPDX-License-Identifier: BSD-3-Clause
"""The order of the gallery: the ideas of a first course, one after the other, then real uses."""

from pathlib import Path

PAGES = [
    "partial_derivatives",
    "sauna",
    "omega",
    "local_minima",
    "power_lines",
    "advertising",
    "perceptron",
    "small_network",
    "newton",
    "choosing_a_method",
    "global_fit",
    "solver_in_a_loop",
    "t2_maps",
    "spectra",
]


class Order:
    """Sphinx-gallery's key: made for a folder, called with a file's name."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return "<Order: the pages' own>"

    def __call__(self, file: str) -> tuple[int, str]:
        """A page that the list does not have comes last."""
        name = Path(file).stem
        return (PAGES.index(name) if name in PAGES else len(PAGES), name)
