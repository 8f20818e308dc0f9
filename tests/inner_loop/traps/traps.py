"""A one-file plugin: the toys, and a rule that does what a rule should not, in a way of choice."""

import functools
import os
import sys
import time
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import toys

from discover import (
    Context,
    Head,
    Heads,
    Info,
    Outputs,
    Registry,
    Rollout,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    World,
    component,
    hookimpl,
    real,
)


@component
class Trap(UpdateRule):
    """Raises the action by ``slope`` at each update, as `toys.Climb` does, and breaks as ``how`` says.

    Attributes:
        slope: what an update adds; host callbacks break where it is above 2.
        how: at tracing, or in a host callback (``host``).
    """

    slope: Scalar = real(1.0, low=-10.0, high=10.0)
    how: Literal["not", "exit", "close", "loop", "die", "stop", "host error", "host exit", "host loop"] = "not"

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(4, 2)

    def heads(self, spec: Spec) -> Heads:
        return Heads({"policy": Head((1,)), "value": Head(())})

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return {"updates": jnp.zeros((), jnp.int32)}

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return outputs["policy"], jnp.zeros(outputs["policy"].shape[:-1])

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        if not self.how.startswith("host"):
            misbehave(self.how)
            slope = self.slope
        else:
            shape, host = jax.ShapeDtypeStruct((), jnp.float32), functools.partial(on_the_host, self.how.removeprefix("host "))
            slope = jax.pure_callback(host, shape, self.slope, vmap_method="sequential")
        return {**params, "policy": params["policy"] + slope}, state, {"reward": jnp.mean(trajectory.reward)}


def on_the_host(how: str, slope: Any) -> np.ndarray:
    if np.asarray(slope) > 2.0:
        misbehave(how)
    return np.asarray(slope)


def misbehave(how: str) -> None:
    match how:
        case "exit":
            sys.exit(0)
        case "close":
            raise GeneratorExit
        case "die":
            os._exit(3)
        case "stop":
            raise KeyboardInterrupt
        case "error":
            raise ValueError("above 2")
        case "loop":
            while True:
                time.sleep(0.01)


@hookimpl
def discover_register(registry: Registry) -> None:
    toys.discover_register(registry)
    registry.add("trap", Trap)
