"""Variants of Adam."""

from discover import Scalar, component
from discover_zoo.optimizers.optax.adapter import OptaxOptimizer, decay_factor, epsilon, root_epsilon, weight_decay_rate


@component
class acprop(OptaxOptimizer):
    """The gradient divided by the root of its running variance, as that was before this step.

    >>> acprop()
    acprop(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-16, eps_root=1e-16, weight_decay=0.0)
    """

    paper = "Zhuang et al. 2021, arXiv 2110.05454"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-16)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class adabelief(OptaxOptimizer):
    """Adam with the variance of the gradient around its running mean in place of the second moment.

    >>> adabelief()
    adabelief(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-16, eps_root=1e-16)
    """

    paper = "Zhuang et al. 2020, arXiv 2010.07468"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-16)
    eps_root: Scalar = root_epsilon()
    nesterov: bool = False


@component
class adamax(OptaxOptimizer):
    """Adam with a decaying maximum of absolute gradients in place of the root of the second moment.

    >>> adamax()
    adamax(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-08)
    """

    paper = "Kingma & Ba 2015, arXiv 1412.6980, section 7"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)


@component
class adamaxw(OptaxOptimizer):
    """`adamax` with decoupled weight decay.

    >>> adamaxw()
    adamaxw(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-08, weight_decay=1e-04)
    """

    paper = "Loshchilov & Hutter 2019, arXiv 1711.05101"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    weight_decay: Scalar = weight_decay_rate(0.0001)


@component
class adamw(OptaxOptimizer):
    """Adam with decoupled weight decay.

    >>> adamw()
    adamw(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-08, eps_root=1e-16, weight_decay=1e-04)
    """

    paper = "Loshchilov & Hutter 2019, arXiv 1711.05101"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0001)
    nesterov: bool = False


@component
class adan(OptaxOptimizer):
    """Adam with a Nesterov momentum estimated from differences of gradients.

    >>> adan()
    adan(learning_rate=0.001, anneal=0.0, b1=0.98, b2=0.92, b3=0.99, eps=1e-08, eps_root=1e-08, weight_decay=0.0)
    """

    paper = "Xie et al. 2022, arXiv 2208.06677"

    b1: Scalar = decay_factor(0.98)
    b2: Scalar = decay_factor(0.92)
    b3: Scalar = decay_factor(0.99)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon(1e-08)
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class ademamix(OptaxOptimizer):
    """AdamW with a mixture of two means of gradients, one fast and one slow.

    >>> ademamix()
    ademamix(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, b3=0.9999, eps=1e-08, eps_root=1e-16, weight_decay=0.0)
    """

    paper = "Pagliardini et al. 2024, arXiv 2409.03137"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    b3: Scalar = decay_factor(0.9999)
    alpha: float = 5.0
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class adopt(OptaxOptimizer):
    """Adam that divides each gradient by the second moment of earlier gradients, before the momentum.

    >>> adopt()
    adopt(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.9999, eps=1e-06)
    """

    paper = "Taniguchi et al. 2024, NeurIPS, arXiv 2411.02853"
    not_differentiable = ("learning_rate", "anneal", "b1", "b2", "eps")

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.9999)
    eps: Scalar = epsilon(1e-06)
    nesterov: bool = False
    use_clipping: bool = True


@component
class amsgrad(OptaxOptimizer):
    """Adam with the largest second moment so far.

    >>> amsgrad()
    amsgrad(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-08, eps_root=1e-16)
    """

    paper = "Reddi et al. 2018, On the convergence of Adam and beyond, ICLR"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    bias_correction_mu: bool = True
    bias_correction_nu: bool = True


@component
class nadam(OptaxOptimizer):
    """Adam with Nesterov momentum.

    >>> nadam()
    nadam(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-08, eps_root=1e-16)
    """

    paper = "Dozat 2016, Incorporating Nesterov momentum into Adam"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    nesterov: bool = True


@component
class nadamw(OptaxOptimizer):
    """`nadam` with decoupled weight decay.

    >>> nadamw()
    nadamw(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-08, eps_root=1e-16, weight_decay=1e-04)
    """

    paper = "Dozat 2016; Loshchilov & Hutter 2019, arXiv 1711.05101"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0001)
    nesterov: bool = True


@component
class novograd(OptaxOptimizer):
    """Adam with one second moment for each layer, half the memory.

    >>> novograd()
    novograd(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.25, eps=1e-06, eps_root=1e-16, weight_decay=0.0)
    """

    paper = "Ginsburg et al. 2019, arXiv 1905.11286"
    not_differentiable = ("learning_rate", "anneal", "b1", "b2", "eps", "eps_root", "weight_decay")

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.25)
    eps: Scalar = epsilon(1e-06)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class optimistic_adam_v2(OptaxOptimizer):
    """Adam along an extrapolated gradient, for saddle-point problems such as games.

    >>> optimistic_adam_v2()
    optimistic_adam_v2(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-08, eps_root=1e-16)
    """

    paper = "Daskalakis et al. 2017, arXiv 1711.00141"

    alpha: float = 1.0
    beta: float = 1.0
    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    nesterov: bool = True


@component
class radam(OptaxOptimizer):
    """Adam with a correction for the large variance of its first steps.

    >>> radam()
    radam(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=1e-08, eps_root=1e-16)
    """

    paper = "Liu et al. 2020, arXiv 1908.03265"
    not_differentiable = ("learning_rate", "anneal", "b1", "b2", "eps", "eps_root")

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    threshold: float = 5.0
    nesterov: bool = False


@component
class simplified_ademamix(OptaxOptimizer):
    """`ademamix` with one mean of gradients in place of two, mixed with the present gradient.

    >>> simplified_ademamix()
    simplified_ademamix(learning_rate=0.001, anneal=0.0, b1=0.99, b2=0.95, eps=1e-08, eps_root=1e-16, weight_decay=0.0)
    """

    paper = "Morwani et al. 2025, arXiv 2502.02431"

    b1: Scalar = decay_factor(0.99)
    b2: Scalar = decay_factor(0.95)
    alpha: float = 0.0
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class yogi(OptaxOptimizer):
    """Adam whose second moment moves towards the squared gradient by ``(1 - b2) g^2``, however far it is.

    >>> yogi()
    yogi(learning_rate=0.001, anneal=0.0, b1=0.9, b2=0.999, eps=0.001)
    """

    paper = "Zaheer et al. 2018, NeurIPS"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(0.001)
