"""The kind optimizer."""

from __future__ import annotations

from typing import ClassVar

import jax

from discover.components.component import Component
from discover.contract.params_map import ParamsMap
from discover.contract.types import OptimizerState, Params


class Optimizer(Component):
    """Turns a gradient into new parameters.

    A meta-gradient is taken through `update`, so its derivatives must be finite, also where the gradient is zero. An optimizer
    without such derivatives lists its numbers in ``not_differentiable``: evolution may search them, a meta-gradient may not.
    """

    kind: ClassVar[str] = "optimizer"

    @property
    def layerwise(self) -> bool:
        """Whether it matters which array a parameter belongs to. If not, a wrapper may pass one flat vector."""
        return True

    def init(self, params: Params) -> OptimizerState:
        """The state before the first step, for parameters of this structure."""
        raise NotImplementedError

    def update(
        self, gradient: Params, state: OptimizerState, params: Params, progress: jax.Array
    ) -> tuple[Params, OptimizerState]:
        """Take one step *against* the gradient. Unlike optax's ``update``, this returns the new parameters.

        Args:
            gradient: of the loss, with the structure of the parameters.
            state: as `init` or `update` returned it.
            params: the parameters before the step.
            progress: share of the lifetime that has passed, in ``[0, 1]``; it drives schedules.

        Returns:
            The parameters and the state after the step.
        """
        raise NotImplementedError

    def map_state(self, state: OptimizerState, params: Params, change: ParamsMap) -> OptimizerState:
        """The state after the parameters were changed from outside (see `Curriculum.before_update`), of the same form.

        By default a fresh state, as before the first step. An optimizer that knows which of its numbers are running means of
        gradients, or of their squares, carries them over by `ParamsMap.gradient`.

        Args:
            state: before the change.
            params: before the change, in the form in which `init` got them.
            change: the change.
        """
        del state
        return self.init(change.params(params))
