"""Net2WiderNet: hidden layers that become wider."""

import jax
import jax.numpy as jnp
import numpy as np

from discover import Component, Count, Key, Params, ParamsMap, Scalar, UserError, component, real
from discover_zoo.curricula.growing_network.growing_perceptron import GrowingPerceptron, first_torso, units_in_use
from discover_zoo.curricula.growing_network.times import due
from discover_zoo.curricula.growing_network.units import Units, copied, widened


@component
class Net2Wider(Component):
    """Hidden layers that become wider in steps, without a change of the outputs (Chen et al. 2016, section 2.2).

    Each layer goes from ``start`` units to the width N that it has in the candidate's network, by a constant factor: after
    step k of K it has ``start (N / start)^(k / K)`` units, rounded. A new unit j is a copy of a random unit g(j) of those
    before (``g(j) = j`` for these). With c the number of copies of a unit, itself included, the parameters become::

        W_in'[:, j] = W_in[:, g(j)],    b'[j] = b[g(j)],    W_out'[j, :] = W_out[g(j), :] / c(g(j))

    So every layer gives the next one the same sums as before. A copy gets the c-th part of the gradient of its source, and what
    comes behind it the whole: ``h'_j = h_g(j)``, and the slope at unit j is ``W_out'[j, :]`` times the slope behind it. So::

        gradients:          W_in, b:  1 / c(g(j)),      W_out:  1
        squared gradients:  W_in, b:  1 / c(g(j))^2,    W_out:  1

    and Adam's ``m`` and ``v`` are mapped in this way, as if all gradients so far had been those of the wider network. Two
    copies would get the same steps for ever, so each new one begins with a bit of noise, which is all that changes the outputs.

    Exact for any activation. Pitfall: Adam's step on each of c copies is as long as that on their source was, so that what
    they give together moves faster.

    Attributes:
        start: units of each hidden layer at first.
        steps: K, the number of steps; each is a doubling where N is ``start * 2^K``.
        first, last: share of the lifetime at which the first and the last step are due; others lie evenly between.
        noise: standard deviation of a new unit's incoming parameters around those of its source, as a share of each.

    >>> Net2Wider(start=8, steps=2).widths((32, 64))
    [(8, 8), (16, 23), (32, 64)]
    """

    kind = "growth in width"
    paper = "Chen et al. 2016, Net2Net: accelerating learning via knowledge transfer, arXiv 1511.05641"
    not_differentiable = ("first", "last")

    start: Count = 16
    steps: Count = 2
    first: Scalar = real(0.25, low=0.0, high=1.0)
    last: Scalar = real(0.5, low=0.0, high=1.0)
    noise: Scalar = real(0.01, low=0.0, high=0.5)

    def widths(self, hidden: tuple[int, ...]) -> list[tuple[int, ...]]:
        """The widths of all hidden layers after 0, 1, ... steps.

        Raises:
            UserError: a hidden layer has fewer units than it begins with.
        """
        if self.start > min(hidden):
            raise UserError(
                f"net2wider begins with {self.start} units (start), but the network's hidden layers end with {list(hidden)}: "
                f"set start to at most {min(hidden)}."
            )
        shares = [step / self.steps for step in range(self.steps + 1)]
        return [tuple(round(self.start * (units / self.start) ** share) for units in hidden) for share in shares]

    def change(self, key: Key, network: GrowingPerceptron, params: Params, progress: jax.Array) -> tuple[jax.Array, ParamsMap]:
        """Whether the next step is due, and the change that it is."""
        widths = np.asarray(self.widths(network.hidden), np.int32)
        widest = int(np.argmax(network.hidden[: network.kept]))
        in_use = units_in_use(first_torso(params)[widest])
        done = jnp.sum(in_use[widths[1:, widest] - 1].astype(jnp.int32))  # a step has been taken if its last unit is in use
        before, after = jnp.asarray(widths)[done], jnp.asarray(widths)[jnp.minimum(done + 1, self.steps)]
        key_units, key_noise = jax.random.split(key)
        units = list[Units]()
        for place, size in enumerate(network.hidden):
            if place < network.kept:  # an inserted layer is square: its units are those of the layer before
                units.append(copied(jax.random.fold_in(key_units, place), size, before[place], after[place]))
            else:
                units.append(units[-1])
        return due(done, self.steps, progress, self.first, last=self.last), widened(units, key_noise, self.noise)
