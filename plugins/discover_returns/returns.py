"""Monte-Carlo, n-step and lambda returns, and generalised advantage estimation.

All are the backward recursion ``G_t = r_t + d_t * ((1 - l_t) * v_{t+1} + l_t * G_{t+1})`` with ``d = gamma * (1 - terminated)``.
The recursion stops at the last step of the segment, at a termination (nothing follows) and at a truncation (the value of
the true next state follows, the rewards of the next episode do not).
"""

import jax
import jax.numpy as jnp

from discover import Integer, ReturnFunction, Scalar, Segment, Targets, component, integer, option_index, real


def lambda_return(segment: Segment, gamma: Scalar, lam: Scalar) -> jax.Array:
    """``G^lambda_t = r_t + d_t * ((1 - lam) * v_{t+1} + lam * G^lambda_{t+1})``, ``[T, B]``."""
    discount = gamma * (1.0 - segment.terminated)
    mix = lam * (1.0 - segment.truncated)

    def step(following: jax.Array, x: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        reward, discount, mix, next_value = x
        target = reward + discount * ((1.0 - mix) * next_value + mix * following)
        return target, target

    xs = (segment.reward, discount, mix, segment.next_value)
    return jax.lax.scan(step, segment.next_value[-1], xs, reverse=True)[1]


@component
class MonteCarlo(ReturnFunction):
    """The discounted sum of the rewards to the end of the episode, bootstrapped where the segment cuts it off.

    The lambda return at ``lam = 1`` (Sutton & Barto 2018, eq. 3.11).
    """

    paper = "Sutton & Barto 2018, eq. 3.11"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")

    def __call__(self, segment: Segment) -> Targets:
        target = lambda_return(segment, self.gamma, 1.0)
        return Targets(target, target - segment.value)


@component
class LambdaReturn(ReturnFunction):
    """The lambda return (Sutton & Barto 2018, eq. 12.18 with constant gamma and lambda)."""

    paper = "Sutton & Barto 2018, eq. 12.18"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(0.95, low=0.0, high=1.0)

    def __call__(self, segment: Segment) -> Targets:
        target = lambda_return(segment, self.gamma, self.lam)
        return Targets(target, target - segment.value)


@component
class GAE(ReturnFunction):
    """Generalised advantage estimation (Schulman et al. 2016, eq. 16).

    ``A_t = sum_k (gamma * lam)^k delta_{t+k}`` with ``delta_t = r_t + d_t * v_{t+1} - v_t``; the value target is ``A_t + v_t``.
    """

    paper = "Schulman et al. 2016, arXiv 1506.02438, eq. 16"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(0.95, low=0.0, high=1.0)

    def __call__(self, segment: Segment) -> Targets:
        discount = self.gamma * (1.0 - segment.terminated)
        delta = segment.reward + discount * segment.next_value - segment.value
        decay = discount * self.lam * (1.0 - segment.truncated)

        def step(following: jax.Array, x: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            delta, decay = x
            advantage = delta + decay * following
            return advantage, advantage

        start = jnp.zeros_like(segment.reward[-1])
        advantage = jax.lax.scan(step, start, (delta, decay), reverse=True)[1]
        return Targets(advantage + segment.value, advantage)


@component
class NStep(ReturnFunction):
    """The n-step return (Sutton & Barto 2018, eq. 7.1), shorter where the segment or the episode ends earlier.

    ``n`` is a leaf and sets no shape: all horizons up to the longest are computed, the wanted one is taken.
    """

    paper = "Sutton & Barto 2018, eq. 7.1"
    not_differentiable = ("n",)

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    n: Integer = integer(5, low=1, high=32)

    longest = 32

    def __call__(self, segment: Segment) -> Targets:
        discount = self.gamma * (1.0 - segment.terminated)
        goes_on = 1.0 - segment.truncated
        one_step = segment.reward + discount * segment.next_value

        def lengthen(k: jax.Array, target: jax.Array) -> tuple[jax.Array, None]:
            """From (k - 1)-step to k-step targets, up to n."""
            following = jnp.concatenate([target[1:], segment.next_value[-1:]])
            ahead = goes_on * following + (1.0 - goes_on) * segment.next_value
            longer = segment.reward + discount * ahead
            return jnp.where(k <= self.n, longer, target), None

        def scan_step(target: jax.Array, k: jax.Array) -> tuple[jax.Array, None]:
            return lengthen(k, target)

        target, _ = jax.lax.scan(scan_step, one_step, jnp.arange(2, self.longest + 1))
        return Targets(target, target - segment.value)


@component
class OneOfReturns(ReturnFunction):
    """One of several return functions, by index: all options share one compiled program.

    A `choice` between components compiles each structure anew; this one searches over the same choice for the price of
    computing every option.
    """

    not_differentiable = ("index",)

    options: tuple[ReturnFunction, ...]
    index: Integer = option_index(count=lambda self: len(self.options))

    def __call__(self, segment: Segment) -> Targets:
        return jax.lax.switch(self.index, [lambda s, f=f: f(s) for f in self.options], segment)
