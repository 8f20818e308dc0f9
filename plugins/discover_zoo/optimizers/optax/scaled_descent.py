"""Gradient descent with scaled or extrapolated gradients."""

from discover import Scalar, component
from discover_zoo.optimizers.optax.adapter import OptaxOptimizer, decay_factor, epsilon, weight_decay_rate


@component
class adadelta(OptaxOptimizer):
    """The gradient times the running size of earlier steps, divided by that of earlier gradients.

    >>> adadelta()
    adadelta(learning_rate=0.001, anneal=0.0, rho=0.9, eps=1e-06, weight_decay=0.0)
    """

    paper = "Zeiler 2012, arXiv 1212.5701"

    rho: Scalar = decay_factor(0.9)
    eps: Scalar = epsilon(1e-06)
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class adafactor(OptaxOptimizer):
    """Steps scaled by second moments that are kept as one row and one column for each large matrix.

    >>> adafactor()
    adafactor(learning_rate=0.001, anneal=0.0, decay_rate=0.8, eps=1e-30)
    """

    paper = "Shazeer & Stern 2018, arXiv 1804.04235"
    not_differentiable = ("learning_rate", "anneal", "decay_rate", "eps")

    min_dim_size_to_factor: int = 128
    decay_rate: Scalar = decay_factor(0.8)
    decay_offset: int = 0
    multiply_by_parameter_scale: bool = True
    clipping_threshold: float = 1.0
    momentum: float | None = None
    eps: Scalar = epsilon(1e-30)
    factored: bool = True


@component
class adagrad(OptaxOptimizer):
    """The gradient divided by the root of the sum of all its squares.

    >>> adagrad()
    adagrad(learning_rate=0.001, anneal=0.0, eps=1e-07)
    """

    paper = "Duchi et al. 2011, JMLR 12"

    initial_accumulator_value: float = 0.1
    eps: Scalar = epsilon(1e-07)


@component
class madgrad(OptaxOptimizer):
    """Dual averaging with momentum and adaptive steps.

    >>> madgrad()
    madgrad(learning_rate=0.001, anneal=0.0, momentum=0.9, weight_decay=0.0, eps=1e-06)
    """

    paper = "Defazio & Jelassi 2021, arXiv 2101.11075"
    not_differentiable = ("learning_rate", "anneal", "momentum", "weight_decay", "eps")

    momentum: Scalar = decay_factor(0.9)
    weight_decay: Scalar = weight_decay_rate(0.0)
    eps: Scalar = epsilon(1e-06)


@component
class optimistic_gradient_descent(OptaxOptimizer):
    """Gradient descent along an extrapolated gradient, for saddle-point problems such as games.

    >>> optimistic_gradient_descent()
    optimistic_gradient_descent(learning_rate=0.001, anneal=0.0)
    """

    paper = "Mokhtari et al. 2019, arXiv 1901.08511"

    alpha: float = 1.0
    beta: float = 1.0


@component
class rmsprop(OptaxOptimizer):
    """The gradient divided by the root of a running mean of its square.

    >>> rmsprop()
    rmsprop(learning_rate=0.001, anneal=0.0, decay=0.9, eps=1e-08)
    """

    paper = "Hinton 2012, Overview of mini-batch gradient descent (lecture 6)"

    decay: Scalar = decay_factor(0.9)
    eps: Scalar = epsilon(1e-08)
    initial_scale: float = 0.0
    eps_in_sqrt: bool = True
    centered: bool = False
    momentum: float | None = None
    nesterov: bool = False
    bias_correction: bool = False


@component
class sm3(OptaxOptimizer):
    """`adagrad` with less memory: one number for each row and column in place of each parameter.

    >>> sm3()
    sm3(learning_rate=0.001, anneal=0.0, momentum=0.9)
    """

    paper = "Anil et al. 2019, arXiv 1901.11150"

    momentum: Scalar = decay_factor(0.9)
