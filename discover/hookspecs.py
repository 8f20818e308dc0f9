"""The hooks that a plugin may implement: typed, documented signatures and nothing else.

Any subset of a hook's arguments may be taken. A hook that watches must not block: a search waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from discover.events import Comparison, Generation, SearchInfo, SearchResult, Training
    from discover.registry import Registry

hookspec = pluggy.HookspecMarker("discover")
hookimpl = pluggy.HookimplMarker("discover")


@hookspec
def discover_register(registry: Registry) -> None:
    """Register components, recipes and tasks. Import heavy modules here, not at the top of the plugin."""


@hookspec
def discover_search_started(search: SearchInfo) -> None:
    """A search is about to run its first generation, or the first one after it was resumed."""


@hookspec
def discover_generation_done(search: SearchInfo, generation: Generation) -> None:
    """A generation has been evaluated and told to the strategy."""


@hookspec
def discover_search_finished(search: SearchInfo, result: SearchResult) -> None:
    """The champion has been chosen and saved."""


@hookspec
def discover_search_failed(search: SearchInfo, error: BaseException) -> None:
    """The search ends early: an error, or ctrl-C (``KeyboardInterrupt``). Its last checkpoint stands."""


@hookspec
def discover_training_finished(training: Training) -> None:
    """``discover train`` has trained a candidate on one task over several seeds."""


@hookspec
def discover_comparison_finished(comparison: Comparison) -> None:
    """``discover compare`` has compared candidates over tasks and seeds."""
