"""The kind optimiser."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from discover.components import Component


class Optimiser(Component):
    """Turns gradients into new parameters. Differentiable, also at a zero gradient, so that meta-gradients pass."""

    kind: ClassVar[str] = "optimiser"

    def init(self, params: Any) -> Any:
        """State for parameters of this structure."""
        raise NotImplementedError

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        """New parameters and state. ``progress`` in ``[0, 1]`` drives schedules."""
        raise NotImplementedError
