# SPDX-License-Identifier: BSD-3-Clause
"""
Spectra: two peaks on a slope, without a start
==============================================

A Raman microscope records a spectrum at every point of a sample. Where two lines lie, how wide and
how strong they are tells strain and composition. Each of these 10,000 spectra is fitted by two
Lorentzians on a sloping background, and each fit starts from a guess of its own.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

import thalweg as tw

# %%
# The map: the first line moves by strain, the second grows with the composition, and the background
# rises towards one corner.

rng = np.random.default_rng(0)
rows, columns = np.mgrid[:100, :100] / 100.0
shift = np.linspace(480.0, 560.0, 121)  # wavenumbers in 1/cm
strain = 1.5 * np.sin(5 * rows) * np.cos(4 * columns)
share = 0.3 + 0.5 * np.exp(-20 * ((rows - 0.4) ** 2 + (columns - 0.6) ** 2))
model = tw.models.Lorentzian("a_") + tw.models.Lorentzian("b_") + tw.models.Line()
print(model.names)

truth = [9e3 * (1 - share), 521.0 + strain, 2.5, 9e3 * share, 507.0, 4.0, 2.0 * rows, 200.0]
spectra = model(shift, *(np.asarray(p)[..., None] for p in truth))
spectra = rng.poisson(spectra).astype(np.float32)

# %%
# One call: `fit_many` guesses the centers, widths and areas of both lines and the slope in every
# spectrum, and fits them. Of the two, the line that stands out most is `a_`: bounds keep the two
# apart where the second is the stronger one.

bounds = {"a_center": (514.0, 530.0), "b_center": (500.0, 514.0)}
began = time.perf_counter()
fits = model.fit_many(shift, spectra, p0={"b_center": 507.0, "a_center": 521.0}, bounds=bounds)
seconds = time.perf_counter() - began
print(f"{fits.size:,} fits of {len(model.names)} parameters in {seconds:.1f} s\n")
print(fits)

# %%
# Maps of the strain and of the composition.

fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
maps = {
    "first line, 1/cm": fits["a_center"],
    "share of the second": fits["b_amplitude"] / (fits["a_amplitude"] + fits["b_amplitude"]),
}
for ax, (name, values) in zip(axes, maps.items(), strict=True):
    ax.set_title(name)
    fig.colorbar(ax.imshow(values), ax=ax)
plt.show()

# %%
# Against the truth.

off = fits["a_center"] - truth[1]
print(f"strain: off by {off.std():.3f} 1/cm, of a step between channels of {np.diff(shift)[0]:.3f}")
print(f"share:  off by {np.std(maps['share of the second'] - share):.4f}")

# %%
# One spectrum, and the start that the model guessed for it.

one = spectra[70, 20]
start = model.guess(shift, one)
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.plot(shift, one, ".", label="data")
ax.plot(shift, model(shift, *start), "--", label="guess")
ax.plot(shift, model(shift, *fits[70, 20].popt), label="fit")
ax.set_xlabel("1/cm")
ax.legend()
plt.show()
