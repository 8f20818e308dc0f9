"""Optimizers that find the learning rate by themselves."""

from discover import Scalar, component
from discover_zoo.optimizers.optax.adapter import OptaxOptimizer, epsilon, initial_rate, weight_decay_rate


@component
class cocob(OptaxOptimizer):
    """Continuous coin betting: no learning rate to tune.

    >>> cocob()
    cocob(learning_rate=1.0, anneal=0.0, eps=1e-08, weight_decay=0.0)
    """

    paper = "Orabona & Tommasi 2017, arXiv 1705.07795, algorithm 2"

    learning_rate: Scalar = initial_rate(1.0)
    alpha: float = 100.0
    eps: Scalar = epsilon(1e-08)
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class dadapt_adamw(OptaxOptimizer):
    """`adamw` whose learning rate follows an estimate of the distance from the start to the solution.

    >>> dadapt_adamw()
    dadapt_adamw(learning_rate=1.0, anneal=0.0, eps=1e-08, weight_decay=0.0)
    """

    paper = "Defazio & Mishchenko 2023, arXiv 2301.07733"
    not_differentiable = ("learning_rate", "anneal", "eps", "weight_decay")

    learning_rate: Scalar = initial_rate(1.0)
    eps: Scalar = epsilon(1e-08)
    estim_lr0: float = 1e-06
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class dog(OptaxOptimizer):
    """Distance over gradients: the step is the distance from the start over the root of summed squared norms.

    >>> dog()
    dog(learning_rate=1.0, anneal=0.0, eps=1e-08)
    """

    paper = "Ivgi et al. 2023, arXiv 2302.12022"
    not_differentiable = ("learning_rate", "anneal", "eps")

    learning_rate: Scalar = initial_rate(1.0)
    eps: Scalar = epsilon(1e-08)


@component
class dowg(OptaxOptimizer):
    """Distance over weighted gradients: as `dog`, with each gradient weighted by the distance at its step.

    >>> dowg()
    dowg(learning_rate=1.0, anneal=0.0, eps=1e-04)
    """

    paper = "Khaled et al. 2023, arXiv 2305.16284"
    not_differentiable = ("learning_rate", "anneal", "eps")

    learning_rate: Scalar = initial_rate(1.0)
    eps: Scalar = epsilon(0.0001)


@component
class prodigy(OptaxOptimizer):
    """`dadapt_adamw` with more weight on recent gradients, so that its learning rate adapts faster.

    >>> prodigy()
    prodigy(learning_rate=1.0, anneal=0.0, eps=1e-08, weight_decay=0.0)
    """

    paper = "Mishchenko & Defazio 2023, arXiv 2306.06101"
    not_differentiable = ("learning_rate", "anneal", "eps", "weight_decay")

    learning_rate: Scalar = initial_rate(1.0)
    eps: Scalar = epsilon(1e-08)
    estim_lr0: float = 1e-06
    estim_lr_coef: float = 1.0
    weight_decay: Scalar = weight_decay_rate(0.0)
    safeguard_warmup: bool = False
