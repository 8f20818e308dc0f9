"""The hooks that a plugin may implement: typed, documented signatures and nothing else.

A hook function may take any subset of the arguments, by their names. A search waits for every hook, so a hook must return
soon. An error in a hook becomes a warning, unless the hook's description says otherwise; it never costs the result. ctrl-C
(``KeyboardInterrupt``) and SIGTERM (``Terminated``, a subclass of it) stop the command as usual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from discover.contract.ablation import Ablation, AblationInfo
    from discover.contract.adaptation import AdaptationInfo, AdaptationResult
    from discover.contract.events import (
        Command,
        ComparisonInfo,
        Generation,
        SearchInfo,
        Selection,
        TaskRun,
        TrainingInfo,
    )
    from discover.contract.promotion import ModelVersion
    from discover.contract.registry import Registry
    from discover.contract.results import Comparison, SearchResult, Training
    from discover.contract.run_summary import RunSummary

hookspec = pluggy.HookspecMarker("discover")
hookimpl = pluggy.HookimplMarker("discover")


@hookspec
def discover_register(registry: Registry) -> None:
    """Register components, recipes and tasks. A module that is slow to import is best imported here, not at the top."""


@hookspec
def discover_observers(command: Command) -> Sequence[object]:
    """Objects whose hooks watch one command (a tracker, a progress bar); an empty list to leave it alone.

    Called before any expensive work. If watching is impossible (a tracking server does not answer), raise a `UserError`: it
    ends the command.
    """
    raise NotImplementedError


@hookspec
def discover_search_started(search: SearchInfo) -> None:
    """A search is about to run its first generation, or to continue; ``search.phase`` says which work is left.

    The report of a search may tune a baseline by another search, inside this one; ``search.directory`` distinguishes them.
    A `DiscoverError` ends the command.
    """


@hookspec
def discover_generation_done(search: SearchInfo, generation: Generation) -> None:
    """A generation has been evaluated, and the strategy has received its fitness."""


@hookspec
def discover_checkpoint(search: SearchInfo) -> None:
    """The search is about to write a checkpoint, or the note that it is finished. Events before it will not be repeated.

    So a watcher makes durable (``fsync``) what it has received so far. If it cannot, it raises an ``OSError`` or a
    `DiscoverError`: the checkpoint is then not written now, but after the next generation.
    """


@hookspec
def discover_selection_started(search: SearchInfo) -> None:
    """The last generation is done, and the champion is about to be chosen among the best candidates, on fresh seeds."""


@hookspec
def discover_selection_finished(search: SearchInfo, selection: Selection) -> None:
    """The champion has been chosen and saved; the report is still to come. Called again when a report is resumed."""


@hookspec
def discover_ablation_started(search: SearchInfo | None, ablation: AblationInfo) -> None:
    """Each value of a candidate is about to be put back to that of a known algorithm; all that can be checked is checked.

    In a search whose config asks for it (``after``) it is the champion, which has been saved; this is called again when a
    report is resumed. ``search`` is None in a command of its own.
    """


@hookspec
def discover_ablation_finished(search: SearchInfo | None, ablation: Ablation) -> None:
    """An ablation is over: that of a search's champion, which is saved, or that of a command."""


@hookspec
def discover_ablation_failed(ablation: AblationInfo, error: BaseException) -> None:
    """The ablation of a command ends early, by an error, ctrl-C (``KeyboardInterrupt``) or SIGTERM (`Terminated`).

    That of a search ends with its search (`discover_search_failed`).
    """


@hookspec
def discover_search_finished(search: SearchInfo, result: SearchResult) -> None:
    """The champion has been chosen and saved, and compared with its baselines if the config asks for a report.

    Called again when the search is resumed after it has finished, or after it was killed just before: record nothing twice.
    """


@hookspec
def discover_search_failed(search: SearchInfo, error: BaseException) -> None:
    """The search ends early, by an error, ctrl-C (``KeyboardInterrupt``) or SIGTERM (`Terminated`). Its checkpoint remains."""


@hookspec
def discover_training_started(training: TrainingInfo) -> None:
    """A training is about to run its lifetimes; all that can be checked before is checked."""


@hookspec
def discover_training_finished(training: Training) -> None:
    """A training has ended: one candidate on one task with several seeds."""


@hookspec
def discover_training_failed(training: TrainingInfo, error: BaseException) -> None:
    """A training that had started ends early, by an error, ctrl-C (``KeyboardInterrupt``) or SIGTERM (`Terminated`)."""


@hookspec
def discover_comparison_started(comparison: ComparisonInfo) -> None:
    """A comparison is about to run its lifetimes: that of a command, or the report of a search (``comparison.directory``).

    All that can be checked before is checked. A report that was interrupted starts again when its search is resumed; lifetimes
    that were run before are not repeated, but reported again.
    """


@hookspec
def discover_candidate_started(comparison: ComparisonInfo, candidate: str, run: TaskRun) -> None:
    """Within a comparison, the candidate of a name is about to be trained on one task, with all seeds."""


@hookspec
def discover_candidate_finished(comparison: ComparisonInfo, training: Training) -> None:
    """Within a comparison, one candidate has been trained on one task, with all seeds."""


@hookspec
def discover_comparison_finished(comparison: Comparison) -> None:
    """A comparison has ended: several candidates on several tasks with several seeds. The report of a search is one too."""


@hookspec
def discover_comparison_failed(comparison: ComparisonInfo, error: BaseException) -> None:
    """A comparison that had started ends early, by an error, ctrl-C (``KeyboardInterrupt``) or SIGTERM (`Terminated`)."""


@hookspec
def discover_adaptation_started(adaptation: AdaptationInfo) -> None:
    """Candidates are about to be trained on a task family, to adapt to new tasks of it; all that can be checked is checked."""


@hookspec
def discover_adaptation_finished(adaptation: AdaptationResult) -> None:
    """All candidates have been trained, and have adapted to new tasks."""


@hookspec
def discover_adaptation_failed(adaptation: AdaptationInfo, error: BaseException) -> None:
    """An adaptation that had started ends early, by an error, ctrl-C (``KeyboardInterrupt``) or SIGTERM (`Terminated`)."""


@hookspec
def discover_command_finished() -> Mapping[str, Any] | None:
    """The command has ended, with success or not: finish all work that is still open.

    The mapping that it returns (``run_id``, ...) becomes part of the result's ``facts`` and of the ``--json`` summary. A
    `DiscoverError` is shown after the result has been printed, and determines the exit status.
    """


@hookspec(firstresult=True)
def discover_fetch_candidate(address: str, store: str | None, folder: Path) -> Path | None:
    """Copy the candidate file at an address of a tracking store into ``folder``; None if the text is no such address."""


@hookspec(firstresult=True)
def discover_fixed_address(address: str, store: str | None) -> str | None:
    """The address of the version that an address stands for now (``models:/NAME/3`` for ``models:/NAME@champion``).

    The address itself if it stands for the same for ever; None if the text is no such address. If there is no such version,
    raise a `UserError`: it ends the command.
    """


@hookspec(firstresult=True)
def discover_find_search(address: str, store: str | None) -> Path | None:
    """The directory of the search that a run's address belongs to; None if the text is no such address."""


@hookspec(firstresult=True)
def discover_fetch_agents(address: str, store: str | None, folder: Path) -> Path | None:
    """Copy the agents of a tracked training into ``folder``: one file, or a folder of them; None if the text is no address."""


@hookspec(firstresult=True)
def discover_fetch_run(address: str, store: str | None, folder: Path) -> Path | None:
    """Copy the files of a tracked run that a report needs into ``folder``; None if the text is no such address.

    They are the run's artifacts ``config.yaml``, ``provenance.json``, `REPORT_FILE` and `HISTORY_FOLDER`, as far as it has
    them, and ``run.json``: a mapping with its ``kind`` (search, comparison or training), ``name``, ``status`` (FINISHED,
    FAILED, KILLED or RUNNING) and, of a search, ``champion_fitness``.
    """


@hookspec(firstresult=True)
def discover_model_version(address: str, store: str | None) -> ModelVersion | None:
    """The version of a registered model at an address; None if the text is no such address.

    If there is no such version, raise a `UserError`.
    """


@hookspec(firstresult=True)
def discover_promote(version: ModelVersion, why: str, store: str | None) -> bool | None:
    """Make a version the champion of its registered model, and keep the reason with it; True once it is.

    If ``version.champion`` is no longer the champion, raise a `UserError`: the comparison was with another one.
    """


@hookspec(firstresult=True)
def discover_ui(store: str | None, port: int) -> Sequence[str] | None:
    """The command line that serves the web page of the tracking store on 127.0.0.1, port ``port``."""


@hookspec(firstresult=True)
def discover_ui_links(store: str | None, run: str | None) -> Mapping[str, str] | None:
    """Addresses below that of the page, each with a label: where to begin (the first one), the last run, or a run by its id.

    If there is no such run, raise a `UserError`: it ends the command.
    """


@hookspec(firstresult=True)
def discover_runs(store: str | None, kind: str | None, word: str, limit: int) -> Sequence[RunSummary] | None:
    """The newest runs of the tracking store that are no parts of others, the newest first; None if there is no store.

    Parts are a candidate of a comparison or a phase of a search. ``kind`` is ``search``, ``comparison``, ``training``,
    ``adaptation`` or ``ablation``, or None for all; ``word`` is a part of their names, in lower or upper case; ``limit`` is the
    most that are wanted.
    """
