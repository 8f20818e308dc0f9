"""A critic that predicts values on another scale, for any return function."""

import jax
import jax.numpy as jnp

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, latex_number, real


@component
class ScaledValues(ReturnFunction):
    """Lets the critic predict ``h(value)`` instead of the value (Pohlen et al. 2018).

    Values in the segment are taken back by the inverse of ``h``, ``returns`` computes in units of the reward, and its value
    target is scaled again; the advantage stays in units of the reward. ``h`` is odd and rises everywhere::

        h(x) = scale * x * (2 / (1 + sqrt(1 + squash * |x|)) + slope)

    With ``squash = 0`` and ``slope = 0`` it is linear, ``h(x) = scale * x``, and by default the identity. With ``squash = 1``,
    ``scale = 1/2`` and ``slope = 2 eps`` it is that of the paper and of R2D2, ``sign(x) (sqrt(|x| + 1) - 1) + eps x``, since
    ``sqrt(|x| + 1) - 1 = |x| / (sqrt(|x| + 1) + 1)``. The inverse is in closed form, with ``y = h(x) / scale``::

        x = y (u + 1) / (S + 1 + slope),   S = sqrt((1 + slope)^2 + slope squash |y|),   u = (2 + slope + squash |y|) / (1 + S)

    Pitfalls: the mean of a squashed value is not the squashed mean, so that targets are biased where returns are random, the
    more the larger ``squash``. What is in units of the prediction (``value_clip``, the value loss) is so on the new scale.

    >>> from discover_zoo.returns.gae import GAE
    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 3.0, *[zero] * 6)  # two steps of one environment: each pays 3, all else is 0
    >>> returns = ScaledValues(returns=GAE(gamma=0.8, lam=0.0), squash=1.0, scale=0.5)
    >>> returns(segment).value[:, 0], returns(segment).advantage[:, 0]  # sqrt(3 + 1) - 1 = 1
    (Array([1., 1.], dtype=float32), Array([3., 3.], dtype=float32))

    Attributes:
        returns: any return function.
        scale: of all predictions; 1 for none.
        squash: how strongly large values are drawn together; 0 for not at all.
        slope: of a linear part, beyond which ``h`` never flattens.
    """

    paper = "Pohlen et al. 2018, arXiv 1805.11593, proposition A.2; Kapturowski et al. 2019 (R2D2)"

    returns: ReturnFunction
    scale: Scalar = real(1.0, low=0.01, high=100.0, scale="log")
    squash: Scalar = real(0.0, low=0.0, high=1.0)
    slope: Scalar = real(0.0, low=0.0, high=1.0)

    def effective(self) -> ReturnFunction:
        neutral = (float(self.scale), float(self.squash), float(self.slope)) == (1.0, 0.0, 0.0)
        return self.returns if neutral else self

    def formula(self) -> str:
        bend = rf"\frac{{2}}{{1 + \sqrt{{1 + {latex_number(self.squash)} |x|}}}}"
        inside = "" if float(self.squash) == float(self.slope) == 0.0 else rf" \left({bend} + {latex_number(self.slope)}\right)"
        return rf"V(s) = h(v(s)), \quad h(x) = {latex_number(self.scale)}\, x{inside}"

    def __call__(self, segment: Segment) -> Targets:
        value, following = self.inverse(segment.value), self.inverse(segment.next_value)
        targets = self.returns(segment._replace(value=value, next_value=following))
        return targets._replace(value=self.scaled(targets.value))

    def scaled(self, value: jax.Array) -> jax.Array:
        """``h`` of values in units of the reward."""
        return self.scale * value * (2.0 / (1.0 + jnp.sqrt(1.0 + self.squash * jnp.abs(value))) + self.slope)

    def inverse(self, prediction: jax.Array) -> jax.Array:
        """The values in units of the reward that the critic's predictions stand for."""
        y = prediction / self.scale
        drawn = self.squash * jnp.abs(y)
        root = jnp.sqrt((1.0 + self.slope) ** 2 + self.slope * drawn)
        return y * ((2.0 + self.slope + drawn) / (1.0 + root) + 1.0) / (root + 1.0 + self.slope)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("scaled_values", ScaledValues)
