"""Which functions of optax are no optimisers here, and why."""

OURS = frozenset({"adam", "sgd"})
"""Names that stand for our own optimisers, which are the same rules on one flat vector: faster, and differentiable anywhere."""

UNSUITED = {
    "dpsgd": "it needs the gradient of every example",
    "galore": "it wraps another optimiser, and takes singular values of every matrix",
    "lbfgs": "its line search evaluates the loss",
    "momo": "it needs the value of the loss",
    "momo_adam": "it needs the value of the loss",
    "optimistic_adam": "optax has put optimistic_adam_v2 in its place",
    "noisy_sgd": "it draws noise, for which an optimiser here is given no key",
    "schedule_free": "it wraps another optimiser, and acting would need other parameters than those that learn",
    "schedule_free_adamw": "acting would need other parameters than those that learn",
    "schedule_free_sgd": "acting would need other parameters than those that learn",
    "sophia": "it needs the loss itself, for a second derivative",
}
"""Optimisers of optax that cannot work with gradients alone, and why."""
