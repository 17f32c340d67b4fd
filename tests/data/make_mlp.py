# SPDX-License-Identifier: BSD-3-Clause
"""Write `mlp_reference.json`: held-out accuracies of scikit-learn's networks.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python tests/data/make_mlp.py

Last run with scikit-learn 1.9.1 and NumPy 2.4.6. MLPClassifier for cross-entropy, MLPRegressor on a
column for each class for the other costs. No penalty and no early stopping: architecture, rule,
batches and epochs are all there is; float64, one thread. `standard_error` is that of a mean over
the seeds of one training each. `seconds` is what all trainings of a case took there.
"""

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier, MLPRegressor

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from mlp_cases import CASES, REFERENCE_REPEATS, SEEDS, columns, split  # noqa: E402

COSTS = {"squared": ("squared_error", 0.5), "poisson": ("poisson", 0.5)}


def accuracy(case, seed, repeat):
    X, y, X_out, y_out = split(case.data, seed)
    how = {
        "hidden_layer_sizes": (case.hidden,) if case.hidden else (),
        "activation": case.activation, "solver": "adam", "alpha": 0.0,
        "batch_size": case.batch_size, "learning_rate_init": case.learning_rate,
        "max_iter": case.epochs, "n_iter_no_change": case.epochs + 1, "tol": 0.0,
        "random_state": seed + 100 * repeat,
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it has not converged
        if case.cost == "cross-entropy":
            return float(MLPClassifier(**how).fit(X, y).score(X_out, y_out))
        loss, middle = COSTS[case.cost]
        targets = columns(y)
        network = MLPRegressor(loss=loss, **how).fit(X, targets.squeeze())
        z = network.predict(X_out)
        guess = z > middle if z.ndim == 1 else np.argmax(z, axis=1)
        return float(np.mean(guess == y_out))


def main():
    told = []
    for case in CASES:
        began = time.perf_counter()
        found = np.array(
            [[accuracy(case, seed, repeat) for repeat in REFERENCE_REPEATS] for seed in SEEDS]
        )
        variance = np.var(found, axis=0, ddof=1).mean()
        told.append(
            case._asdict()
            | {
                "mean": float(found.mean()),
                "standard_error": float(np.sqrt(variance / len(SEEDS))),
                "seconds": round(time.perf_counter() - began, 2),
            }
        )
    made = {"made_with": f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}"}
    text = json.dumps(made | {"cases": told}, indent=1) + "\n"
    (HERE / "mlp_reference.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
