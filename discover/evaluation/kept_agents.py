"""Agents by what a user calls them: a file, a folder, or an address in the tracking store."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from discover.base.errors import UserError
from discover.config.candidates import is_address
from discover.evaluation.agent_file import agent_files, not_an_agent
from discover.plugin.loader import Plugins


@contextlib.contextmanager
def kept_agents(plugins: Plugins, text: str, store: str | None = None) -> Iterator[dict[str, Path]]:
    """The files of agents, by their names; those of a store lie in a temporary folder meanwhile.

    Args:
        plugins: the loaded plugins, one of which fetches what is in a tracking store.
        text: an agent file, a folder of them, or ``runs:/RUN_ID/agents/seed-0.agent``; a run alone stands for all its agents.
        store: address of the tracking store; None for the default one.

    Raises:
        UserError: there is none.
    """
    if not is_address(text) or Path(text).exists():
        yield {str(path): path for path in agent_files(Path(text))}
        return
    if text.startswith("models:"):
        raise UserError(not_an_agent(text))
    with tempfile.TemporaryDirectory(prefix="discover-") as folder:
        place = plugins.hook.discover_fetch_agents(address=text, store=store, folder=Path(folder))
        if place is None:
            raise UserError(f"no loaded plugin can fetch the agents '{text}': is the plugin 'mlflow' blocked or broken?")
        files = agent_files(place)
        run = text.removeprefix("runs:/").strip("/").partition("/")[0]
        yield {f"runs:/{run}/agents/{path.name}": path for path in files}
