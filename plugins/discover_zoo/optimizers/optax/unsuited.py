"""Functions of optax that are no optimizers here, and why."""

REPLACED = frozenset({"adam", "sgd"})
"""Names of this package's own optimizers, the same rules on one flat vector: faster, and differentiable everywhere."""

UNSUITED = {
    "dpsgd": "it needs the gradient of every example",
    "galore": "it wraps another optimizer, and takes singular values of every matrix",
    "lbfgs": "its line search evaluates the loss",
    "momo": "it needs the value of the loss",
    "momo_adam": "it needs the value of the loss",
    "optimistic_adam": "optax has put optimistic_adam_v2 in its place",
    "noisy_sgd": "it draws noise, for which an optimizer here is given no key",
    "schedule_free": "it wraps another optimizer, and acting would need other parameters than those that learn",
    "schedule_free_adamw": "acting would need other parameters than those that learn",
    "schedule_free_sgd": "acting would need other parameters than those that learn",
    "sophia": "it needs the loss itself, for a second derivative",
}
"""Optimizers of optax that cannot work with gradients alone, and why."""
