"""The hooks that a plugin may implement: typed, documented signatures and nothing else.

Any subset of a hook's arguments may be taken. A hook that watches must not block: a search waits for it. Whatever it raises
costs a warning, and never the result; ctrl-C (``KeyboardInterrupt``, of which ``Terminated`` is the one by SIGTERM) passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from discover.contract.events import Command, Comparison, Generation, SearchInfo, SearchResult, Training
    from discover.contract.registry import Registry

hookspec = pluggy.HookspecMarker("discover")
hookimpl = pluggy.HookimplMarker("discover")


@hookspec
def discover_register(registry: Registry) -> None:
    """Register components, recipes and tasks. Import heavy modules here, not at the top of the plugin."""


@hookspec
def discover_observers(command: Command) -> Sequence[object]:
    """Objects with hook implementations that watch one command (a tracker, a progress bar); none if it is not theirs.

    Called before anything dear begins: what cannot work (a tracking server that does not answer) is a `UserError` here.
    """
    raise NotImplementedError


@hookspec
def discover_search_started(search: SearchInfo) -> None:
    """A search is about to run its first generation, or the first one after it was resumed; ``search.phase`` says what is left.

    A report may tune a baseline by a search of its own, inside this one: tell searches apart by ``search.directory``.
    A `DiscoverError` ends the command.
    """


@hookspec
def discover_generation_done(search: SearchInfo, generation: Generation) -> None:
    """A generation has been evaluated and told to the strategy."""


@hookspec
def discover_checkpoint(search: SearchInfo) -> None:
    """The search is about to write its checkpoint, or that it is finished: it will never tell again what it has told so far.

    Make it durable (``fsync``), or raise an ``OSError`` or a `DiscoverError`: then the checkpoint is not written now, but tried
    again after the next generation. Any other error costs a warning and holds up nothing.
    """


@hookspec
def discover_search_finished(search: SearchInfo, result: SearchResult) -> None:
    """The champion has been chosen and saved.

    Told again when a search that was killed right after it is resumed, and when a finished one is: add nothing twice.
    """


@hookspec
def discover_search_failed(search: SearchInfo, error: BaseException) -> None:
    """The search ends early: an error, ctrl-C (``KeyboardInterrupt``) or SIGTERM (`Terminated`). Its last checkpoint stands."""


@hookspec
def discover_training_finished(training: Training) -> None:
    """``discover train`` has trained a candidate on one task over several seeds."""


@hookspec
def discover_comparison_finished(comparison: Comparison) -> None:
    """``discover compare`` has compared candidates over tasks and seeds."""


@hookspec
def discover_command_finished() -> Mapping[str, Any] | None:
    """The command is over, in whatever way: flush. What is returned (``run_id``, ...) joins its ``--json`` summary.

    A `DiscoverError` is told after the result has been printed, and gives the exit status.
    """


@hookspec(firstresult=True)
def discover_fetch_candidate(address: str, store: str | None, folder: Path) -> Path | None:
    """The candidate file behind an address of a tracking store, brought into ``folder``; None for any other text."""


@hookspec(firstresult=True)
def discover_find_search(address: str, store: str | None) -> Path | None:
    """The directory of the search behind a run's address; None for any other text."""


@hookspec(firstresult=True)
def discover_ui(store: str | None, port: int) -> Sequence[str] | None:
    """The command line that serves the tracking store's web page on 127.0.0.1."""
