"""Optimizers that use the sign of the gradient, or of a mean of gradients."""

from discover import Scalar, component
from discover_zoo.optimizers.optax.adapter import OptaxOptimizer, decay_factor, weight_decay_rate


@component
class lion(OptaxOptimizer):
    """The sign of a mean of gradients, with weight decay; an optimizer that program search discovered.

    >>> lion()
    lion(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.99, weight_decay=0.001)
    """

    paper = "Chen et al. 2023, arXiv 2302.06675"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.99)
    weight_decay: Scalar = weight_decay_rate(0.001)


@component
class rprop(OptaxOptimizer):
    """Steps by the sign of the gradient; a size for each parameter grows while the sign stays, else shrinks.

    >>> rprop()
    rprop(learning_rate=0.001, anneal=0.0)
    """

    paper = "Riedmiller & Braun 1993, ICNN"

    eta_minus: float = 0.5
    eta_plus: float = 1.2
    min_step_size: float = 1e-06
    max_step_size: float = 50.0


@component
class sign_sgd(OptaxOptimizer):
    """The sign of the gradient.

    >>> sign_sgd()
    sign_sgd(learning_rate=0.001, anneal=0.0)
    """

    paper = "Bernstein et al. 2018, arXiv 1802.04434"


@component
class signum(OptaxOptimizer):
    """The sign of a running mean of gradients.

    >>> signum()
    signum(learning_rate=0.001, anneal=0.0, beta=0.9)
    """

    paper = "Bernstein et al. 2018, arXiv 1802.04434"

    beta: Scalar = decay_factor(0.9)
