"""Optimizers whose step depends on the norm or the singular values of each array."""

from discover import Scalar, component
from discover_zoo.optimizers.optax.adapter import OptaxOptimizer, decay_factor, epsilon, root_epsilon, weight_decay_rate


@component
class fromage(OptaxOptimizer):
    """Gradient descent whose step is relative to the norm of each layer.

    >>> fromage()
    fromage(learning_rate=0.001, anneal=0.0)
    """

    paper = "Bernstein et al. 2020, arXiv 2002.03432"

    min_norm: float = 1e-06


@component
class lamb(OptaxOptimizer):
    """Adam whose step is relative to the norm of each layer, for large batches.

    >>> lamb()
    lamb(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-06, eps_root=1e-16, weight_decay=0.0)
    """

    paper = "You et al. 2020, arXiv 1904.00962"
    not_differentiable = ("learning_rate", "anneal", "b1", "b2", "eps", "eps_root", "weight_decay")

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-06)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class lars(OptaxOptimizer):
    """Momentum whose step is relative to the norm of each layer, for large batches.

    >>> lars()
    lars(learning_rate=0.001, anneal=0.0, weight_decay=0.0, momentum=0.9)
    """

    paper = "You et al. 2017, arXiv 1708.03888"
    not_differentiable = ("learning_rate", "anneal", "weight_decay", "momentum")

    weight_decay: Scalar = weight_decay_rate(0.0)
    weight_decay_mask: bool = True
    trust_coefficient: float = 0.001
    eps: float = 0.0
    trust_ratio_mask: bool = True
    momentum: Scalar = decay_factor(0.9)
    nesterov: bool = False


@component
class muon(OptaxOptimizer):
    """The momentum of each matrix, orthogonalized by Newton-Schulz iteration; AdamW for all else.

    >>> muon()
    muon(learning_rate=0.001, anneal=0.0, beta=0.95, eps=1e-08, weight_decay=0.0)
    """

    paper = "Jordan 2024, modded-nanogpt: Speedrunning the NanoGPT baseline"
    not_differentiable = ("learning_rate", "anneal", "beta", "eps", "weight_decay")

    ns_steps: int = 5
    beta: Scalar = decay_factor(0.95)
    eps: Scalar = epsilon(1e-08)
    weight_decay: Scalar = weight_decay_rate(0.0)
    nesterov: bool = True
    adaptive: bool = False
    adam_b1: float = 0.9
    adam_b2: float = 0.999
    adam_eps_root: float = 0.0
    adam_weight_decay: float = 0.0
