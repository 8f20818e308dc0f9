"""The executors of one search: with and without its limit of time, and as its objective has them."""

from __future__ import annotations

from discover.config.search_config import SearchConfig
from discover.contract.executor import Executor, Surroundings
from discover.outer_loop.time_limit import TimeLimited
from discover.plugin.loader import Plugins


class SearchExecutors:
    """The executors of one search.

    Attributes:
        running: runs the lifetimes of generations, of the choice of a champion, and of the ablation.
        unlimited: runs those of the report, without a limit of time.

    Args:
        plugins: the loaded plugins.
        config: of the search.
        executor: of the search, with its chunk size.
        text: its config as YAML.
    """

    def __init__(self, plugins: Plugins, config: SearchConfig, executor: Executor, text: str):
        limit, registry = config.time_limit, plugins.registry
        self._opened = executor.open(Surroundings(registry, plugins.folder, limit))
        self.unlimited = self._opened if limit is None else executor.open(Surroundings(registry, plugins.folder))
        self.running, self._limited = config.objective.executor(self._opened), None
        if limit is not None and not executor.limits_time:
            self.running = self._limited = TimeLimited(self.running, registry, text, plugins.folder, seconds=limit)

    def close(self) -> None:
        """End all processes that run lifetimes."""
        self.end_limited()
        self.unlimited.close()

    def end_limited(self) -> None:
        """End the processes that run lifetimes within a limit of time, if there is one."""
        if self._limited is not None:
            self._limited.close()
        if self._opened is not self.unlimited:
            self._opened.close()
