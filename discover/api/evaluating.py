"""Evaluation of trained agents from Python."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from discover.api.loaded import plugins
from discover.api.running import count
from discover.base.errors import UserError

if TYPE_CHECKING:
    from discover.evaluation.episodes import Evaluation


def evaluate(
    agent: str | os.PathLike[str],
    task: str | None = None,
    *,
    episodes: int = 100,
    seed: int = 0,
    sample: bool = False,
    gif: str | os.PathLike[str] | None = None,
    store: str | None = None,
) -> Evaluation:
    """Let a trained agent act for whole episodes; it learns no more, and a normalizer counts no more.

    Args:
        agent: a file that ``discover.train(..., agents=folder)`` or ``discover train --agents`` wrote, or that of a run in
            MLflow (``runs:/RUN_ID/agents/seed-0.agent``).
        task: where to act; by default the task that it was trained on.
        episodes: how many, at least 2.
        seed: of all randomness.
        sample: act as in training, with all exploration; otherwise greedily, by `UpdateRule.act_greedily`.
        gif: a file for an animated picture of one more episode.
        store: address of the tracking store.

    Returns:
        The returns and lengths of the episodes, and the mean return with its interval.

    Raises:
        UserError: the file is damaged, the task has other observations or actions or is not drawn, or an episode
            does not end.
    """
    from discover.base.randomness import seed_keys
    from discover.evaluation.agent_file import load_agent
    from discover.evaluation.animation import animate
    from discover.evaluation.episodes import play
    from discover.evaluation.kept_agents import kept_agents

    with kept_agents(plugins(), os.fspath(agent), store) as files:
        if len(files) > 1:
            raise UserError(f"'{os.fspath(agent)}' holds {len(files)} agents: give one of them, such as '{next(iter(files))}'.")
        loaded, environment = load_agent(next(iter(files.values())), plugins().registry, task)
    key_play, key_picture = seed_keys(count("seed", seed, 0), "evaluate", 2)
    result = play(loaded, environment, key_play, episodes=count("episodes", episodes), sample=sample)
    if gif is not None:
        animate(loaded, environment, key_picture, Path(gif), sample=sample)
    return result
