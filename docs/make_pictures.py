# SPDX-License-Identifier: BSD-3-Clause
"""Make the pictures that README.md shows: ``python docs/make_pictures.py [folder]``.

The same package and matplotlib make the same files, byte for byte.
"""

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import thalweg as tw


def wells(x, y):
    """Three wells of different depth."""
    return 10 - (
        10 / (3 + 3 * (x - 0.5) ** 2 + 3 * (y - 0.5) ** 2)
        + 2 / (1 + 2 * (x - 3) ** 2 + 2 * (y - 1.5) ** 2)
        + 3 / (1 + 0.5 * (x - 3.5) ** 2 + 0.5 * (y - 4) ** 2)
    )


def omega(x):
    """A valley with its floor at the omega constant."""
    return np.exp(x) - np.log(x)


def basins_of_the_wells() -> Figure:
    """Where three descents go, and where 90,000 do."""
    box = [(0, 5), (0, 5)]
    figure = Figure(figsize=(10.4, 4.1), layout="constrained")
    left, right = figure.subplots(1, 2)
    runs = {
        f"from ({x:g}, {y:g})": tw.minimize(
            wells, [x, y], "gradient_descent", learning_rate=0.2, max_iter=100, record=True
        )
        for x, y in [(0.5, 3.0), (2.0, 3.0), (4.0, 0.5)]
    }
    tw.plot.contours(wells, runs, bounds=box, ax=left)
    many = tw.basins(wells, box, (300, 300), "gradient_descent", learning_rate=0.2)
    tw.plot.basins(many, ax=right)
    return figure


def learning_rates() -> Figure:
    """What three learning rates do, and what a hundred do."""
    figure = Figure(figsize=(10.4, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.0, 1.0])
    runs = {
        f"learning rate {rate:g}": tw.minimize(
            omega, 1.6, "gradient_descent", learning_rate=rate, max_iter=25, record=True
        )
        for rate in (0.04, 0.2, 0.3)
    }
    tw.plot.curve(omega, runs, bounds=(0.02, 1.9), ax=left)
    rates = np.geomspace(1e-3, 1, 100)
    sweep = tw.sweep(omega, 1.6, learning_rate=rates, max_iter=100)
    tw.plot.sweep(sweep, ax=right)
    return figure


def main() -> None:
    """Write every picture."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).with_name("pictures"))
    folder.mkdir(exist_ok=True)
    for make in (basins_of_the_wells, learning_rates):
        file = folder / f"{make.__name__}.png"
        drawn = io.BytesIO()
        make().savefig(drawn, dpi=100, bbox_inches="tight", pad_inches=0.05)
        # 256 colours are enough for the eye, and half the size.
        Image.open(drawn).convert("RGB").quantize(256).save(file, optimize=True)
        print(f"{file}: {file.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
