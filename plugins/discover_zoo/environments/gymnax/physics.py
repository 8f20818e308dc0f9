"""Classic control with physics of its own for each lifetime."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Continuous, Key, Scalar, Spec, Task, UserError, component, named_keys, nearest, real
from discover_zoo.environments.gymnax.environment import Gymnax, make

Factors = Mapping[str, jax.Array]
"""By how much each number of a task differs from the usual one."""


class Physics(NamedTuple):
    """The numbers that can differ between the tasks of an environment.

    Attributes:
        numbers: names of the numbers that are drawn.
        changes: gymnax's parameters that differ, given gymnax's own ones and the factors.
    """

    numbers: tuple[str, ...]
    changes: Callable[[Any, Factors], Mapping[str, Any]]


def _cart_pole(own: Any, by: Factors) -> Mapping[str, Any]:
    cart, pole, length = own.masscart * by["cart_mass"], own.masspole * by["pole_mass"], own.length * by["length"]
    masses = {"masscart": cart, "masspole": pole, "total_mass": cart + pole, "polemass_length": pole * length}
    return {"gravity": own.gravity * by["gravity"], "length": length, "force_mag": own.force_mag * by["force"], **masses}


def _acrobot(own: Any, by: Factors) -> Mapping[str, Any]:
    return {
        "available_torque": own.available_torque * by["force"],
        "link_mass_1": own.link_mass_1 * by["first_mass"],
        "link_mass_2": own.link_mass_2 * by["second_mass"],
        "link_length_1": own.link_length_1 * by["length"],
        "link_com_pos_1": own.link_com_pos_1 * by["length"],
    }


def _pendulum(own: Any, by: Factors) -> Mapping[str, Any]:
    return {
        "g": own.g * by["gravity"],
        "m": own.m * by["mass"],
        "l": own.l * by["length"],
        "max_torque": own.max_torque * by["force"],
    }


PHYSICS: Mapping[str, Physics] = {
    "Acrobot-v1": Physics(("first_mass", "second_mass", "length", "force"), _acrobot),
    "CartPole-v1": Physics(("cart_mass", "pole_mass", "length", "gravity", "force"), _cart_pole),
    "Pendulum-v1": Physics(("mass", "length", "gravity", "force"), _pendulum),
}
"""By gymnax's name of the environment."""


@component
class RandomPhysics(Gymnax):
    """An environment of gymnax whose masses, lengths, gravity and force are drawn for each lifetime.

    Each number is the usual one times a factor, log-uniform between ``1 / spread`` and ``spread``. Real actions have the usual
    bounds, and act with the force that was drawn. ``spread`` sets no shape: all tasks of an environment are one program.

    >>> family = RandomPhysics(id="CartPole-v1", spread=2.0)
    >>> sorted(family.sample_task(jax.random.key(0)))
    ['cart_mass', 'force', 'gravity', 'length', 'pole_mass']

    Attributes:
        id: gymnax's name: Acrobot-v1, CartPole-v1 or Pendulum-v1.
        start: as in `Gymnax`; a task holds its physics alone, so that this is ``episode``.
        spread: the largest factor.
    """

    paper = "Packer et al. 2018, arXiv 1810.12282"

    id: str = "CartPole-v1"
    spread: Scalar = real(1.5, low=1.0, high=10.0, scale="log")

    def spec(self) -> Spec:
        if self.id not in PHYSICS:
            raise UserError(f"the physics of '{self.id}' cannot be drawn: {nearest(self.id, list(PHYSICS))}.")
        if self.start != "episode":
            raise UserError(f"start of RandomPhysics is '{self.start}': leave it at episode, since a task holds physics alone.")
        return super().spec()

    def sample_task(self, key: Key) -> Task:
        names = PHYSICS[self.id].numbers
        keys = named_keys(key, *names)
        exponents = {name: jax.random.uniform(k, minval=-1.0) for name, k in zip(names, keys, strict=True)}
        return {name: jnp.asarray(self.spread) ** exponent for name, exponent in exponents.items()}

    def _params(self, task: Task) -> Any:
        own = make(self.id).params
        return own.replace(**PHYSICS[self.id].changes(own, task))

    def _taken(self, action: jax.Array, task: Task) -> jax.Array:
        taken = super()._taken(action, task)
        return taken * task["force"] if isinstance(self.spec().action, Continuous) else taken
