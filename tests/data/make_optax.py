# SPDX-License-Identifier: BSD-3-Clause
"""Write optax_rules.json and optax_schedules.json beside this file.

They hold what Optax makes of the cases in tests/optax_cases.py, in double precision.

    pip install jax==0.10.2 optax==0.2.8
    python tests/data/make_optax.py

The tests read the files alone. Run it again when a case is added.
"""

import functools
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import optax

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from optax_cases import CASES, PROBLEMS, SCHEDULES, STEPS, Case, Scheduled  # noqa: E402

jax.config.update("jax_enable_x64", True)

MADE_BY = {
    "gradient_descent": optax.sgd,
    "momentum": functools.partial(optax.sgd, momentum=0.9),
    "nesterov": functools.partial(optax.sgd, momentum=0.9, nesterov=True),
    "adagrad": optax.adagrad, "rmsprop": optax.rmsprop, "adadelta": optax.adadelta,
    "adam": optax.adam, "adamw": optax.adamw, "amsgrad": optax.amsgrad, "nadam": optax.nadam,
    "adamax": optax.adamax, "lion": optax.lion, "rprop": optax.rprop,
}  # fmt: skip
SCHEDULED_BY = {
    "cosine": optax.cosine_decay_schedule,
    "exponential": optax.exponential_decay,
    "piecewise": optax.piecewise_constant_schedule,
    "warmup_cosine": optax.warmup_cosine_decay_schedule,
    "one_cycle": optax.cosine_onecycle_schedule,
}
OPTIONS = {
    "clip_value": optax.clip,
    "clip_norm": optax.clip_by_global_norm,
    "weight_decay": optax.add_decayed_weights,
}


def schedule(value):
    """The value, or Optax's schedule; of a count in double precision, which int32 is not."""
    if not isinstance(value, Scheduled):
        return value
    made = SCHEDULED_BY[value.name](**value.arguments)
    return lambda count: made(jnp.asarray(count, dtype=jnp.float64))


def transformation(case: Case) -> optax.GradientTransformation:
    """Options in their order, then the rule."""
    parts = [make(schedule(case.options[k])) for k, make in OPTIONS.items() if k in case.options]
    hyper = {k: schedule(v) for k, v in case.hyper.items()}
    rule = MADE_BY[case.rule]
    if "momentum" in hyper and callable(hyper["momentum"]):
        nesterov = case.rule == "nesterov"
        rule = functools.partial(
            optax.inject_hyperparams(optax.sgd, hyperparam_dtype=jnp.float64), nesterov=nesterov
        )
    return optax.chain(*parts, rule(**hyper))


def points(case: Case) -> list[list[float]]:
    """The points after STEPS steps."""
    function, start, _ = PROBLEMS[case.problem]
    method = transformation(case)
    slope = jax.grad(lambda x: function(jnp, x))

    def step(carry, _):
        x, state = carry
        change, state = method.update(slope(x), state, x)
        x = optax.apply_updates(x, change)
        return (x, state), x

    x0 = jnp.array(start)
    assert x0.dtype == jnp.float64
    _, path = jax.lax.scan(step, (x0, method.init(x0)), length=max(STEPS))
    assert bool(jnp.all(jnp.isfinite(path))), case
    return [path[k - 1].tolist() for k in STEPS]


def written(name: str, rows: dict[str, list]) -> None:
    """One line a case."""
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
    (HERE / name).write_text("{\n" + lines + "\n}\n", "utf-8")


if __name__ == "__main__":
    written("optax_rules.json", {case.name: points(case) for case in CASES})
    counts = jnp.arange(0.0, 121.0)
    values = {name: jnp.stack([schedule(s)(t) for t in counts]) for name, s in SCHEDULES.items()}
    written("optax_schedules.json", {name: v.tolist() for name, v in values.items()})
