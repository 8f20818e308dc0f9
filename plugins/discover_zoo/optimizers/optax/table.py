"""The optimizers of optax that work with gradients alone: one class each, by optax's name and with its defaults.

The only default that differs is that of ``eps_root``, which is never zero, so that slopes stay finite at a zero gradient.
Arguments that are no plain values (masks, dtypes, functions) keep optax's defaults. Papers are those of optax 0.2.8, but for
ADOPT's number, which is wrong there.
"""

from discover import Scalar, component
from discover_zoo.optimizers.optax.adapter import (
    OptaxOptimizer,
    decay_factor,
    epsilon,
    initial_rate,
    root_epsilon,
    weight_decay_rate,
)


@component
class acprop(OptaxOptimizer):
    """The gradient divided by the root of its running variance, as that was before this step."""

    paper = "Zhuang et al. 2021, arXiv 2110.05454"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-16)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class adabelief(OptaxOptimizer):
    """Adam with the variance of the gradient around its running mean in place of the second moment."""

    paper = "Zhuang et al. 2020, arXiv 2010.07468"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-16)
    eps_root: Scalar = root_epsilon()
    nesterov: bool = False


@component
class adadelta(OptaxOptimizer):
    """The gradient times the running size of earlier steps, divided by that of earlier gradients."""

    paper = "Zeiler 2012, arXiv 1212.5701"

    rho: Scalar = decay_factor(0.9)
    eps: Scalar = epsilon(1e-06)
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class adafactor(OptaxOptimizer):
    """Steps scaled by second moments that are kept as one row and one column for each large matrix."""

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
    """The gradient divided by the root of the sum of all its squares."""

    paper = "Duchi et al. 2011, JMLR 12"

    initial_accumulator_value: float = 0.1
    eps: Scalar = epsilon(1e-07)


@component
class adamax(OptaxOptimizer):
    """Adam with a decaying maximum of absolute gradients in place of the root of the second moment."""

    paper = "Kingma & Ba 2015, arXiv 1412.6980, section 7"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)


@component
class adamaxw(OptaxOptimizer):
    """`adamax` with decoupled weight decay."""

    paper = "Loshchilov & Hutter 2019, arXiv 1711.05101"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    weight_decay: Scalar = weight_decay_rate(0.0001)


@component
class adamw(OptaxOptimizer):
    """Adam with decoupled weight decay."""

    paper = "Loshchilov & Hutter 2019, arXiv 1711.05101"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0001)
    nesterov: bool = False


@component
class adan(OptaxOptimizer):
    """Adam with a Nesterov momentum estimated from differences of gradients."""

    paper = "Xie et al. 2022, arXiv 2208.06677"

    b1: Scalar = decay_factor(0.98)
    b2: Scalar = decay_factor(0.92)
    b3: Scalar = decay_factor(0.99)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon(1e-08)
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class ademamix(OptaxOptimizer):
    """AdamW with a mixture of two means of gradients, one fast and one slow."""

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
    """Adam that divides each gradient by the second moment of earlier gradients, before the momentum."""

    paper = "Taniguchi et al. 2024, NeurIPS, arXiv 2411.02853"
    not_differentiable = ("learning_rate", "anneal", "b1", "b2", "eps")

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.9999)
    eps: Scalar = epsilon(1e-06)
    nesterov: bool = False
    use_clipping: bool = True


@component
class amsgrad(OptaxOptimizer):
    """Adam with the largest second moment so far."""

    paper = "Reddi et al. 2018, On the convergence of Adam and beyond, ICLR"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    bias_correction_mu: bool = True
    bias_correction_nu: bool = True


@component
class cocob(OptaxOptimizer):
    """Continuous coin betting: no learning rate to tune."""

    paper = "Orabona & Tommasi 2017, arXiv 1705.07795, algorithm 2"

    learning_rate: Scalar = initial_rate(1.0)
    alpha: float = 100.0
    eps: Scalar = epsilon(1e-08)
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class dadapt_adamw(OptaxOptimizer):
    """`adamw` whose learning rate follows an estimate of the distance from the start to the solution."""

    paper = "Defazio & Mishchenko 2023, arXiv 2301.07733"
    not_differentiable = ("learning_rate", "anneal", "eps", "weight_decay")

    learning_rate: Scalar = initial_rate(1.0)
    eps: Scalar = epsilon(1e-08)
    estim_lr0: float = 1e-06
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class dog(OptaxOptimizer):
    """Distance over gradients: the step is the distance from the start over the root of summed squared norms."""

    paper = "Ivgi et al. 2023, arXiv 2302.12022"
    not_differentiable = ("learning_rate", "anneal", "eps")

    learning_rate: Scalar = initial_rate(1.0)
    eps: Scalar = epsilon(1e-08)


@component
class dowg(OptaxOptimizer):
    """Distance over weighted gradients: as `dog`, with each gradient weighted by the distance at its step."""

    paper = "Khaled et al. 2023, arXiv 2305.16284"
    not_differentiable = ("learning_rate", "anneal", "eps")

    learning_rate: Scalar = initial_rate(1.0)
    eps: Scalar = epsilon(0.0001)


@component
class fromage(OptaxOptimizer):
    """Gradient descent whose step is relative to the norm of each layer."""

    paper = "Bernstein et al. 2020, arXiv 2002.03432"

    min_norm: float = 1e-06


@component
class lamb(OptaxOptimizer):
    """Adam whose step is relative to the norm of each layer, for large batches."""

    paper = "You et al. 2020, arXiv 1904.00962"
    not_differentiable = ("learning_rate", "anneal", "b1", "b2", "eps", "eps_root", "weight_decay")

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-06)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class lars(OptaxOptimizer):
    """Momentum whose step is relative to the norm of each layer, for large batches."""

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
class lion(OptaxOptimizer):
    """The sign of a mean of gradients, with weight decay; an optimizer that program search discovered."""

    paper = "Chen et al. 2023, arXiv 2302.06675"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.99)
    weight_decay: Scalar = weight_decay_rate(0.001)


@component
class madgrad(OptaxOptimizer):
    """Dual averaging with momentum and adaptive steps."""

    paper = "Defazio & Jelassi 2021, arXiv 2101.11075"
    not_differentiable = ("learning_rate", "anneal", "momentum", "weight_decay", "eps")

    momentum: Scalar = decay_factor(0.9)
    weight_decay: Scalar = weight_decay_rate(0.0)
    eps: Scalar = epsilon(1e-06)


@component
class muon(OptaxOptimizer):
    """The momentum of each matrix, orthogonalized by Newton-Schulz iteration; AdamW for all else."""

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


@component
class nadam(OptaxOptimizer):
    """Adam with Nesterov momentum."""

    paper = "Dozat 2016, Incorporating Nesterov momentum into Adam"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    nesterov: bool = True


@component
class nadamw(OptaxOptimizer):
    """`nadam` with decoupled weight decay."""

    paper = "Dozat 2016; Loshchilov & Hutter 2019, arXiv 1711.05101"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0001)
    nesterov: bool = True


@component
class novograd(OptaxOptimizer):
    """Adam with one second moment for each layer, half the memory."""

    paper = "Ginsburg et al. 2019, arXiv 1905.11286"
    not_differentiable = ("learning_rate", "anneal", "b1", "b2", "eps", "eps_root", "weight_decay")

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.25)
    eps: Scalar = epsilon(1e-06)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class optimistic_adam_v2(OptaxOptimizer):
    """Adam along an extrapolated gradient, for saddle-point problems such as games."""

    paper = "Daskalakis et al. 2017, arXiv 1711.00141"

    alpha: float = 1.0
    beta: float = 1.0
    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    nesterov: bool = True


@component
class optimistic_gradient_descent(OptaxOptimizer):
    """Gradient descent along an extrapolated gradient, for saddle-point problems such as games."""

    paper = "Mokhtari et al. 2019, arXiv 1901.08511"

    alpha: float = 1.0
    beta: float = 1.0


@component
class prodigy(OptaxOptimizer):
    """`dadapt_adamw` with more weight on recent gradients, so that its learning rate adapts faster."""

    paper = "Mishchenko & Defazio 2023, arXiv 2306.06101"
    not_differentiable = ("learning_rate", "anneal", "eps", "weight_decay")

    learning_rate: Scalar = initial_rate(1.0)
    eps: Scalar = epsilon(1e-08)
    estim_lr0: float = 1e-06
    estim_lr_coef: float = 1.0
    weight_decay: Scalar = weight_decay_rate(0.0)
    safeguard_warmup: bool = False


@component
class radam(OptaxOptimizer):
    """Adam with a correction for the large variance of its first steps."""

    paper = "Liu et al. 2020, arXiv 1908.03265"
    not_differentiable = ("learning_rate", "anneal", "b1", "b2", "eps", "eps_root")

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    threshold: float = 5.0
    nesterov: bool = False


@component
class rmsprop(OptaxOptimizer):
    """The gradient divided by the root of a running mean of its square."""

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
class rprop(OptaxOptimizer):
    """Steps by the sign of the gradient; a size for each parameter grows while the sign stays, else shrinks."""

    paper = "Riedmiller & Braun 1993, ICNN"

    eta_minus: float = 0.5
    eta_plus: float = 1.2
    min_step_size: float = 1e-06
    max_step_size: float = 50.0


@component
class sign_sgd(OptaxOptimizer):
    """The sign of the gradient."""

    paper = "Bernstein et al. 2018, arXiv 1802.04434"


@component
class signum(OptaxOptimizer):
    """The sign of a running mean of gradients."""

    paper = "Bernstein et al. 2018, arXiv 1802.04434"

    beta: Scalar = decay_factor(0.9)


@component
class simplified_ademamix(OptaxOptimizer):
    """`ademamix` with one mean of gradients in place of two, mixed with the present gradient."""

    paper = "Morwani et al. 2025, arXiv 2502.02431"

    b1: Scalar = decay_factor(0.99)
    b2: Scalar = decay_factor(0.95)
    alpha: float = 0.0
    eps: Scalar = epsilon(1e-08)
    eps_root: Scalar = root_epsilon()
    weight_decay: Scalar = weight_decay_rate(0.0)


@component
class sm3(OptaxOptimizer):
    """`adagrad` with less memory: one number for each row and column in place of each parameter."""

    paper = "Anil et al. 2019, arXiv 1901.11150"

    momentum: Scalar = decay_factor(0.9)


@component
class yogi(OptaxOptimizer):
    """Adam whose second moment moves towards the squared gradient by ``(1 - b2) g^2``, however far it is."""

    paper = "Zaheer et al. 2018, NeurIPS"

    b1: Scalar = decay_factor(0.9)
    b2: Scalar = decay_factor(0.999)
    eps: Scalar = epsilon(0.001)


ADAPTED: dict[str, type[OptaxOptimizer]] = {
    optimizer.__name__: optimizer
    for optimizer in (
        acprop,
        adabelief,
        adadelta,
        adafactor,
        adagrad,
        adamax,
        adamaxw,
        adamw,
        adan,
        ademamix,
        adopt,
        amsgrad,
        cocob,
        dadapt_adamw,
        dog,
        dowg,
        fromage,
        lamb,
        lars,
        lion,
        madgrad,
        muon,
        nadam,
        nadamw,
        novograd,
        optimistic_adam_v2,
        optimistic_gradient_descent,
        prodigy,
        radam,
        rmsprop,
        rprop,
        sign_sgd,
        signum,
        simplified_ademamix,
        sm3,
        yogi,
    )
}
"""The classes above by optax's names."""

NOT_DIFFERENTIABLE = frozenset(name for name, optimizer in ADAPTED.items() if optimizer.not_differentiable)
"""Names of those whose derivatives may be NaN, mostly by a root or a norm at zero: not for meta-gradients."""
