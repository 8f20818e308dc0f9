"""The optimizers of optax that work with gradients alone: a class each, by optax's name and with its defaults.

The only default that differs is that of ``eps_root``, which is never zero, so that slopes stay finite at a zero gradient.
Arguments that are no plain values (masks, dtypes, functions) keep optax's defaults. Papers follow the
docstrings of optax 0.2.8, with two corrections: the number of ADOPT's paper and the year of AMSGrad's.
"""

from discover_zoo.optimizers.optax.adam_variants import (
    acprop,
    adabelief,
    adamax,
    adamaxw,
    adamw,
    adan,
    ademamix,
    adopt,
    amsgrad,
    nadam,
    nadamw,
    novograd,
    optimistic_adam_v2,
    radam,
    simplified_ademamix,
    yogi,
)
from discover_zoo.optimizers.optax.adapter import OptaxOptimizer
from discover_zoo.optimizers.optax.layerwise import fromage, lamb, lars, muon
from discover_zoo.optimizers.optax.rate_free import cocob, dadapt_adamw, dog, dowg, prodigy
from discover_zoo.optimizers.optax.scaled_descent import (
    adadelta,
    adafactor,
    adagrad,
    madgrad,
    optimistic_gradient_descent,
    rmsprop,
    sm3,
)
from discover_zoo.optimizers.optax.signs import lion, rprop, sign_sgd, signum

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
