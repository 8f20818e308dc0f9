"""The kind optimizer."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from discover.components.component import Component


class Optimizer(Component):
    """Turns gradients into new parameters. Differentiable, also at a zero gradient, so that meta-gradients pass.

    One that is not lists all its numbers in ``not_differentiable``: evolution may use it, a meta-gradient may not.
    """

    kind: ClassVar[str] = "optimizer"

    @property
    def layerwise(self) -> bool:
        """Whether it matters which array a parameter is in; where not, a wrapper may hand over one flat vector."""
        return True

    def init(self, params: Any) -> Any:
        """State for parameters of this structure."""
        raise NotImplementedError

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        """New parameters and state. ``progress`` in ``[0, 1]`` drives schedules."""
        raise NotImplementedError
