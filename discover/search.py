"""The search: ask, evaluate population x tasks x seeds, tell; checkpoints, champion, report."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.algorithm import Algorithm
from discover.compare import compare
from discover.config import SearchConfig, checked_config, read_config, slug, tuned_space
from discover.errors import DiscoverError, EvaluationError, UserError
from discover.evaluation import describe_shapes
from discover.events import Comparison, Generation, SearchInfo, SearchResult, Status, TaskRun
from discover.files import checked_path, is_file
from discover.fitness import Evaluated, Evaluator, Lives
from discover.json_text import values_in_json
from discover.limit import Limited
from discover.plugins import Plugins
from discover.provenance import provenance
from discover.randomness import named_key
from discover.reasons import reason, stop_in
from discover.registry import Registry
from discover.saving import save_candidate
from discover.space import Space
from discover.trees import tree_from_bytes, tree_to_bytes, write_atomically
from discover.words import algorithm_from, environment_from, words_of
from discover.yaml_text import text_of

CONFIG_FILE = "config.yaml"
STATE_FILE = "state.npz"
CHAMPION_FILE = "champion.candidate"


class State(NamedTuple):
    """All that a search carries from one generation to the next: a tree of arrays."""

    strategy: Any
    archive: jax.Array  # [F, D] the best genomes so far
    archive_fitness: jax.Array  # [F], -inf where empty
    lives: Lives = ()  # ongoing lifetimes, once there are any


class Counters(NamedTuple):
    """What has been spent so far; plain numbers, saved beside the state."""

    generations: int = 0
    env_steps: int = 0
    seconds: float = 0.0
    best_fitness: float = -np.inf
    lowest_fitness: float = np.inf  # of sound candidates
    broken: Mapping[str, int] = {}


class Now(NamedTuple):
    """Where a search stands between two generations; replaced as a whole, so that its halves never disagree."""

    state: State
    counters: Counters


def search(
    plugins: Plugins,
    words: Mapping[str, Any],
    directory: Path | None = None,
    *,
    resume: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> SearchResult:
    """Run a search as its config says, or go on with one.

    Args:
        plugins: the loaded plugins; their hooks are told of everything.
        words: the config, as in a YAML file.
        directory: where checkpoints and the champion go; made from the config's name and the time unless given.
        resume: go on from the directory's checkpoint, to the same bits as if nothing had happened.
        progress: called with what is being done and the share of it that is done, between generations too.

    Returns:
        The result; its champion lies in ``directory / champion.candidate``.

    Raises:
        UserError: anything wrong with the config, before the first generation.
    """
    config = checked_config(plugins.registry, words)
    if directory is not None:
        checked_path(directory, "directory")
    if not resume and directory is not None and (directory / CONFIG_FILE).is_file():
        raise UserError(f"'{directory}' holds a search already: go on with it (discover resume), or give another directory.")
    runner = _Runner(plugins, config, directory, progress)
    try:
        if resume:
            runner.restore()
        return runner.run()
    except BaseException as error:
        if runner.now.counters.generations > runner.info.resumed_from:
            runner.save()
        plugins.tell("discover_search_failed", search=runner.info, error=error)
        raise
    finally:
        runner.close()


def resume(plugins: Plugins, directory: Path, progress: Callable[[str, float], None] | None = None) -> SearchResult:
    """Go on with the search whose directory this is."""
    path = Path(directory) / CONFIG_FILE
    if not is_file(path, "directory"):
        raise UserError(f"'{directory}' is not the directory of a search (it has no {CONFIG_FILE}): give one that search made.")
    return search(plugins, read_config(path), Path(directory), resume=True, progress=progress)


class _Runner:
    """One search in progress."""

    def __init__(self, plugins: Plugins, config: SearchConfig, directory: Path | None, progress: Any):
        self.plugins, self.config = plugins, config
        self.registry: Registry = plugins.registry
        self.progress = progress or (lambda what, share: None)
        self.space = Space(config.template)
        first = self.space.decode(self.space.start(jax.random.key(0)))
        self._check(first)
        environments = [environment_from(self.registry, run.task) for run in config.tasks]
        self.executor = config.executor.settle(config.population * config.seeds, first, environments)
        self._settled = {**config.words, "executor": words_of(self.registry, self.executor)}
        self._config_text = text_of(self._settled, "the config")
        limit = config.time_limit
        self._limited = None if limit is None else Limited(self.registry, self._config_text, plugins.folder, limit)
        self.evaluator = Evaluator(plugins.registry, config, self.space, self.executor, self.progress, self._limited)
        self.now = Now(self._initial_state(), Counters())
        self._ask = jax.jit(lambda key, state: config.strategy.ask(key, state, self.space, config.population))
        self._tell = jax.jit(lambda key, state, x, y: config.strategy.tell(key, state, self.space, x, y))
        self._lives_form = self._checked_lives()
        self._last_error = ""
        self.directory = directory or _new_directory(config)  # once nothing is wrong
        self.info = SearchInfo(
            name=config.name,
            directory=self.directory,
            config=self._settled,
            space=self.space,
            tasks=config.tasks,
            population=config.population,
            generations=config.generations,
            seeds=config.seeds,
            provenance={**provenance(self.registry), "executor": repr(self.executor)},
            registry=self.registry,
        )

    # The loop ---------------------------------------------------------------------------------------------------------

    def run(self) -> SearchResult:
        self._prepare_directory()
        self.plugins.tell("discover_search_started", search=self.info)
        saved = time.perf_counter()
        while self.now.counters.generations < self.config.generations:
            generation, now = self._generation()
            self.plugins.tell("discover_generation_done", search=self.info, generation=generation)
            self.now = now  # only once it has been reported: a checkpoint is never ahead of a ledger
            if time.perf_counter() - saved > 60 * self.config.checkpoint_minutes:
                self.save()
                saved = time.perf_counter()
        self.save()
        result = self._finish()
        self.plugins.tell("discover_search_finished", search=self.info, result=result)
        return result

    def _generation(self) -> tuple[Generation, Now]:
        started, (state, counters) = time.perf_counter(), self.now
        index = counters.generations
        key = jax.random.fold_in(named_key(jax.random.key(self.config.seed), "strategy"), index)
        proposal, strategy = self._ask(named_key(key, "ask"), state.strategy)
        genomes, lives, seeds = np.asarray(proposal.genomes), state.lives, self.config.seeds
        parents = None if proposal.parents is None else np.asarray(proposal.parents)
        total, lowest = self.config.generations, counters.lowest_fitness
        if parents is None:
            evaluated = self.evaluator.evaluate(genomes, "search", index, seeds, lowest)
        else:
            lives, evaluated = self.evaluator.go_on(genomes, parents, lives, index, total, seeds, lowest)
        self._last_error = next(iter(evaluated.errors.values()), self._last_error)
        strategy = self._tell(named_key(key, "tell"), strategy, proposal.genomes, jnp.asarray(evaluated.fitness))
        counters = _counted(counters, evaluated, time.perf_counter() - started)
        now = Now(self._archived(strategy, genomes, evaluated)._replace(lives=lives), counters._replace(generations=index + 1))
        generation = Generation(
            index=index,
            genomes=genomes,
            fitness=evaluated.fitness,
            status=evaluated.status,
            errors=evaluated.errors,
            returns=evaluated.returns,
            structures=evaluated.structures,
            env_steps=evaluated.env_steps,
            env_steps_so_far=counters.env_steps,
            evaluation_seconds=evaluated.seconds,
            seconds=time.perf_counter() - started,
            best_fitness=counters.best_fitness,
            broken_so_far=counters.broken,
            parents=parents,
        )
        return generation, now

    def _finish(self) -> SearchResult:
        finalists, evaluated = self._finalists()
        self.close()
        fitness = np.where(evaluated.status == Status.OK, evaluated.fitness, -np.inf)
        counters = _counted(self.now.counters, evaluated, evaluated.seconds)
        if not np.isfinite(fitness).any():
            raise EvaluationError(
                f"each of the {len(fitness)} best candidates broke on fresh seeds, so there is no champion: narrow the space, "
                "or search with more seeds."
            )
        champion: Algorithm = self.space.decode(jnp.asarray(finalists[int(np.argmax(fitness))]))
        notes = {"search": self.config.name, "fitness": float(fitness.max()), "provenance": self.info.provenance}
        path = save_candidate(self.directory / CHAMPION_FILE, champion, self.registry, notes)
        return SearchResult(
            champion=champion,
            champion_path=path,
            champion_fitness=float(fitness.max()),
            finalists=finalists,
            finalist_fitness=fitness,
            generations=counters.generations,
            env_steps=counters.env_steps,
            seconds=counters.seconds,
            broken=counters.broken,
            comparison=self._report(champion) if self.config.report is not None else None,
        )

    def _finalists(self) -> tuple[np.ndarray, Evaluated]:
        """The best few, and the strategy's own favourite, on fresh seeds."""
        state = self.now.state
        known = np.asarray(state.archive)[np.isfinite(np.asarray(state.archive_fitness))]
        favourite = self.config.strategy.favourite(state.strategy, self.space)
        rows = [*known] if favourite is None else [*known, np.asarray(favourite)]
        if not len(known):
            broken = ", ".join(f"{name} {count}" for name, count in self.now.counters.broken.items())
            last = f" (last error: {self._last_error})" if self._last_error else ""
            raise EvaluationError(
                f"every candidate of the search broke ({broken}), so there is no champion: narrow the space{last}."
            )
        finalists = np.stack(rows)
        return finalists, self.evaluator.evaluate(finalists, "selection", 0, self.config.selection_seeds)

    # The report -------------------------------------------------------------------------------------------------------

    def _report(self, champion: Algorithm) -> Comparison:
        report = self.config.report
        assert report is not None
        candidates = {"champion": champion}
        for name, words in report.baselines.items():
            space = tuned_space(words)
            if space is not None:
                candidates[name] = self._tuned(name, space)
            else:
                candidates[name] = algorithm_from(self.registry, words, f"report.baselines.{name}")
        return compare(
            self.registry,
            self.executor,
            candidates,
            report.runs,
            report.seeds,
            self.config.seed,
            report.notes,
            progress=self.progress,
        )

    def _tuned(self, name: str, space: Any) -> Algorithm:
        """The champion of a search over a baseline's own space, with the same budget, strategy, tasks and seeds."""
        directory = self.directory / f"tune-{slug(name)}"
        words = {**self._settled, "candidate": space, "report": None, "name": f"{self.config.name}: {name}"}
        going_on = (directory / CONFIG_FILE).is_file()
        return search(self.plugins, words, directory, resume=going_on, progress=self.progress).champion

    # State ------------------------------------------------------------------------------------------------------------

    def _initial_state(self) -> State:
        key = named_key(named_key(jax.random.key(self.config.seed), "strategy"), "init")
        size = self.config.finalists
        return State(
            strategy=self.config.strategy.init(key, self.space, self.config.population),
            archive=jnp.zeros((size, self.space.dimension), jnp.float32),
            archive_fitness=jnp.full(size, -jnp.inf, jnp.float32),
        )

    def _archived(self, strategy: Any, genomes: np.ndarray, evaluated: Evaluated) -> State:
        """The state with the best few of archive and generation in the archive."""
        state = self.now.state
        sound = np.where(evaluated.status == Status.OK, evaluated.fitness, -np.inf)
        every = np.concatenate([np.asarray(state.archive_fitness), sound]).astype(np.float32)
        best = np.argsort(-every, kind="stable")[: self.config.finalists]
        rows = np.concatenate([np.asarray(state.archive), genomes])
        return State(strategy, jnp.asarray(rows[best]), jnp.asarray(every[best]))

    def _prepare_directory(self) -> None:
        path = self.directory / CONFIG_FILE
        if not path.is_file():
            _make(self.directory, exist_ok=True)
            write_atomically(path, self._config_text.encode())

    def save(self) -> None:
        """Write the checkpoint: one file, replaced as a whole."""
        text = json.dumps(self.now.counters._asdict())
        write_atomically(self.directory / STATE_FILE, tree_to_bytes(self.now.state, text))

    def restore(self) -> None:
        """Take up the checkpoint. Killed before the first one, a search starts over, to the same bits."""
        path = self.directory / STATE_FILE
        if not path.is_file():
            return
        form = self.now.state._replace(lives=self._lives_form)
        state, text = tree_from_bytes(path.read_bytes(), form, f"checkpoint '{path}'")
        self.now = Now(state, _counters(text, path))
        self.info = dataclasses.replace(self.info, resumed_from=self.now.counters.generations)

    def close(self) -> None:
        """End what evaluates structures beside this process."""
        if self._limited is not None:
            self._limited.close()

    # Checks -----------------------------------------------------------------------------------------------------------

    def _checked_lives(self) -> Lives:
        """Shapes of the lifetimes that go on from one generation to the next; none if every generation starts new ones."""
        if jax.eval_shape(self._ask, jax.random.key(0), self.now.state.strategy)[0].parents is None:
            return ()
        if self._limited is not None:
            raise UserError(
                f"time_limit_seconds {self.config.time_limit:g} does not go with a strategy that keeps agents alive: take "
                "either out."
            )
        self.evaluator.check_shares(self.config.generations)
        return self.evaluator.lives_form(self.config.population, self.config.seeds)

    def _check(self, candidate: Algorithm) -> None:
        """Trace the first candidate and the baselines on their tasks, so that a mistake is told before a long run."""
        report = self.config.report
        for run in dict.fromkeys([*self.config.tasks, *(report.runs if report else ())]):
            self._trace("the first candidate", candidate, run)
        for name, words in report.baselines.items() if report else ():
            where, space = f"report.baselines.{name}", tuned_space(words)
            baseline = algorithm_from(self.registry, words if space is None else space, where)
            if space is not None:
                over = Space(baseline)
                baseline = over.decode(over.start(jax.random.key(0)))
            for run in dict.fromkeys(report.runs if report else ()):
                try:
                    self._trace(where, baseline, run)
                except UserError as error:
                    raise UserError(f"{where} on {run.label}: {error}") from None

    def _trace(self, what: str, candidate: Algorithm, run: TaskRun) -> None:
        try:
            describe_shapes(environment_from(self.registry, run.task), candidate, run.steps)
        except DiscoverError:
            raise
        except BaseException as error:
            raise stop_in(error) or EvaluationError(
                f"{what} cannot be traced on {run.label} ({reason(error)}): repair the component that raises this, or take "
                "it out."
            ) from error


def _counters(text: str, path: Path) -> Counters:
    """What a checkpoint counts."""
    try:
        return Counters(**values_in_json(text))
    except (TypeError, ValueError) as error:
        raise UserError(f"checkpoint '{path}' is damaged ({error}): start from an older copy.") from None


def _counted(counters: Counters, evaluated: Evaluated, seconds: float) -> Counters:
    """The counters with an evaluated population added."""
    sound, broken = evaluated.fitness[evaluated.status == Status.OK], dict(counters.broken)
    for status in evaluated.status[evaluated.status != Status.OK]:
        name = Status(status).name.lower()
        broken[name] = broken.get(name, 0) + 1
    return Counters(
        generations=counters.generations,
        env_steps=counters.env_steps + evaluated.env_steps,
        seconds=counters.seconds + seconds,
        best_fitness=max([counters.best_fitness, *map(float, sound)]),
        lowest_fitness=min([counters.lowest_fitness, *map(float, sound)]),
        broken=broken,
    )


def _new_directory(config: SearchConfig) -> Path:
    """A directory of its own for a new search."""
    base = config.directory / f"{slug(config.name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    for number in itertools.count(1):
        path = base if number == 1 else base.with_name(f"{base.name}-{number}")
        with contextlib.suppress(FileExistsError):  # another search may begin in the same second
            _make(path, exist_ok=False)
            return path
    raise AssertionError


def _make(directory: Path, exist_ok: bool) -> None:
    """Make a directory; who asks for a new one is told by ``FileExistsError`` that it exists."""
    try:
        directory.mkdir(parents=True, exist_ok=exist_ok)
    except OSError as error:
        if isinstance(error, FileExistsError) and not exist_ok:
            raise
        raise UserError(f"directory '{directory}' cannot be made ({error.strerror}): choose another.") from None
