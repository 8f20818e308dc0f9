"""The searches inside a search: those that refine its best structures, and those that tune baselines of its report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from discover.base.errors import DiscoverWarning, EvaluationError
from discover.config.baselines import Baseline
from discover.config.candidate_file import load_candidate
from discover.config.search_config import SearchConfig
from discover.contract.algorithm import Algorithm
from discover.contract.executor import Executor
from discover.contract.results import SearchResult
from discover.outer_loop import directory as search_directory
from discover.outer_loop.checks import tuning_config
from discover.outer_loop.state import Counters
from discover.plugin.loader import Plugins


class InnerSearches:
    """The searches inside one search. Each goes on where it was stopped; one that has finished is not repeated.

    Args:
        plugins: the loaded plugins.
        config: of the search around them.
        executor: of that search, with its chunk size.
        run: runs a search whose config is checked: `discover.outer_loop.search.search`.
        progress: of that search.

    Attributes:
        anyway: whether they go on although versions, plugins or the device have changed.
        tuning: the config of each search that tunes a baseline, by the baseline's name.
    """

    def __init__(
        self,
        plugins: Plugins,
        config: SearchConfig,
        executor: Executor,
        run: Callable[..., SearchResult],
        *,
        progress: Callable[[str, float], None],
    ):
        self.anyway = False
        self._plugins, self._run, self._progress = plugins, run, progress
        baselines: Mapping[str, Baseline] = config.report.baselines if config.report else {}
        self.tuning = {
            name: tuning_config(plugins.registry, config, name, baseline, executor=executor)
            for name, baseline in baselines.items()
            if baseline.space is not None
        }

    def refined(
        self, refinements: Iterable[tuple[str, SearchConfig]], directory: Path, *, before_each: Callable[[], None]
    ) -> tuple[list[Algorithm], Counters]:
        """The champions of the searches that refine structures, and what they cost. One without a champion is told.

        Args:
            refinements: folder and config of each.
            directory: of the search around them.
            before_each: called before each of them.
        """
        champions, spent = [], Counters()
        for folder, config in refinements:
            before_each()
            try:
                result = self._result(config, directory / folder, folder.replace("-", " "))
            except EvaluationError as error:
                text = f"'{directory / folder}' has no refined candidate: {error}"
                warnings.warn(text, DiscoverWarning, stacklevel=2)
                continue
            champions.append(result.champion)
            spent = spent._replace(env_steps=spent.env_steps + result.env_steps, seconds=spent.seconds + result.seconds)
        return champions, spent

    def refined_before(self, refinements: Iterable[tuple[str, SearchConfig]], directory: Path) -> list[Algorithm]:
        """The champions of refinements that have finished, read from their files."""
        paths = [directory / folder / search_directory.CHAMPION_FILE for folder, _ in refinements]
        return [load_candidate(path, self._plugins.registry) for path in paths if path.is_file()]

    def tune(self, name: str, directory: Path) -> Algorithm:
        """The champion of the search that tunes a baseline."""
        return self._result(self.tuning[name], directory).champion

    def _result(self, config: SearchConfig, directory: Path, label: str = "") -> SearchResult:
        """The result of a search inside this one, whose progress has a label before it."""
        start = f"{label}, " if label else ""
        return self._run(
            self._plugins,
            config,
            directory,
            resume=search_directory.is_search(directory),
            anyway=self.anyway,
            progress=lambda what, share: self._progress(f"{start}{what}", share),
        )
