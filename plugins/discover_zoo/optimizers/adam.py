"""Adam, with numbers that can be searched and derivatives that stay finite at a zero gradient."""

import jax
import optax

from discover import Optimizer, OptimizerState, Params, ParamsMap, Registry, Scalar, component, hookimpl, latex_number, real
from discover_zoo.optimizers.equations import moving_average, step_size
from discover_zoo.optimizers.slopes import FINITE_SLOPE


@component
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015, algorithm 1) on the parameters as one flat vector.

    The step is ``learning_rate * (1 - anneal * progress)``: ``anneal = 1`` falls linearly to zero over the lifetime. The
    moments and their bias correction are those of ``optax.scale_by_adam``.

    >>> import jax.numpy as jnp
    >>> adam, params = Adam(learning_rate=0.5), jnp.zeros(2)
    >>> params, _ = adam.update(jnp.array([3.0, -4.0]), adam.init(params), params, progress=jnp.zeros(()))
    >>> params.round(3)
    Array([-0.5,  0.5], dtype=float32)

    Attributes:
        learning_rate: size of the step.
        beta1, beta2: decay rates of the first and second moment.
        eps: added to the root of the second moment.
        anneal: share of the learning rate that is gone at the end of the lifetime.
    """

    paper = "Kingma & Ba 2015, arXiv 1412.6980"

    learning_rate: Scalar = real(3e-4, low=1e-5, high=1e-1, scale="log")
    beta1: Scalar = real(0.9, low=0.0, high=0.999)
    beta2: Scalar = real(0.999, low=0.5, high=0.99999, scale="log1m")
    eps: Scalar = real(1e-8, low=1e-10, high=1e-2, scale="log")
    anneal: Scalar = real(0.0, low=0.0, high=1.0)

    def formula(self) -> str:
        first, second = moving_average(self.beta1, "m", "g"), moving_average(self.beta2, "v", "g^2")
        return "\n".join(
            [
                rf"m \leftarrow {first}, \quad v \leftarrow {second}",
                rf"\theta \leftarrow \theta - {step_size(self.learning_rate, self.anneal)}\, "
                rf"\frac{{\hat m}}{{\sqrt{{\hat v}} + {latex_number(self.eps)}}}",
            ]
        )

    @property
    def layerwise(self) -> bool:
        return False

    def init(self, params: Params) -> OptimizerState:
        return self._transform().init(params)

    def update(
        self, gradient: Params, state: OptimizerState, params: Params, progress: jax.Array
    ) -> tuple[Params, OptimizerState]:
        direction, state = self._transform().update(gradient, state, params)
        rate = self.learning_rate * (1.0 - self.anneal * progress)
        return jax.tree.map(lambda p, d: p - rate * d, params, direction), state

    def map_state(self, state: OptimizerState, params: Params, change: ParamsMap) -> OptimizerState:
        flat = change.flat(params)
        return state._replace(mu=flat.gradient(state.mu, 1), nu=flat.gradient(state.nu, 2))

    def _transform(self) -> optax.GradientTransformation:
        inner = optax.scale_by_adam(self.beta1, self.beta2, self.eps, eps_root=FINITE_SLOPE)
        return optax.flatten(inner)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("adam", Adam)
