# SPDX-License-Identifier: BSD-3-Clause
"""Write `ml_data.npz`: four of scikit-learn's data sets as they come, for tests without it.

    python tests/data/make_ml.py

Last run with scikit-learn 1.9.1 and NumPy 2.4.6. Nothing is written unless each table is, to the
bit, the one whose SHA-256 (float64, rows in C order) `ml_reference.json` states.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
from sklearn import datasets

HERE = Path(__file__).parent


def main():
    reference = json.loads((HERE / "ml_reference.json").read_text("utf-8"))
    arrays = {}
    for name in ("breast_cancer", "iris", "wine", "digits"):
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        stated = {
            entry["X_sha256"]
            for key, entry in reference.items()
            if key.startswith(name) and "X_sha256" in entry
        }
        got = hashlib.sha256(X.astype(np.float64).tobytes()).hexdigest()
        if stated != {got}:
            raise SystemExit(f"{name}: wanted SHA-256 {stated}, got {got}")
        arrays[f"{name}_X"] = X.astype(np.uint8) if name == "digits" else X  # 0 to 16
        arrays[f"{name}_y"] = y.astype(np.uint8)
    np.savez_compressed(HERE / "ml_data.npz", **arrays)


if __name__ == "__main__":
    main()
