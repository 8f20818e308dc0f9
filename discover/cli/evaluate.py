"""``discover evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discover.base.text_table import counted, interval, number
from discover.cli.completion import names_of
from discover.cli.options import MOST_EPISODES, Json, PluginsDir, Seed, Tracking
from discover.cli.output import plain, print_json, print_table, print_text, quiet_output
from discover.plugin.session import start_plugins

_AGENT = "A file that train --agents wrote, the folder of all, or those of a run in MLflow (runs:/RUN_ID/agents/seed-0.agent)."
_COLUMNS = ("agent", "candidate", "task", "episodes", "mean return", "95 % interval", "mean length")


def run(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help=_AGENT)],
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="ID", help="Where to act; as in training by default.", autocompletion=names_of("task")),
    ] = None,
    episodes: Annotated[
        int, typer.Option("--episodes", metavar="N", min=1, max=MOST_EPISODES, help="Episodes of each agent, 2 or more.")
    ] = 100,
    seed: Seed = 0,
    sample: Annotated[bool, typer.Option("--sample", help="Explore as in training; greedily by default.")] = False,
    gif: Annotated[Path | None, typer.Option("--gif", metavar="FILE", help="Draw an episode of the first agent.")] = None,
    json: Json = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Let trained agents act for whole episodes, and print their returns with intervals."""
    with quiet_output(json):
        plugins = start_plugins(plugins_dir)
        from discover.base.randomness import seed_keys
        from discover.evaluation.agent_file import load_agent
        from discover.evaluation.animation import animate
        from discover.evaluation.episodes import play
        from discover.evaluation.kept_agents import kept_agents

        key_play, key_picture = seed_keys(seed, "evaluate", 2)
        rows, steps = [], 0
        with kept_agents(plugins, agent, tracking) as files:
            for place, path in files.items():
                loaded, environment = load_agent(path, plugins.registry, task)
                if gif is not None and not rows:
                    steps = animate(loaded, environment, key_picture, gif, sample=sample)
                result = play(loaded, environment, key_play, episodes=episodes, sample=sample)
                rows.append((place, loaded.name, task or loaded.run.task, result))
    if json:
        results = [
            {
                "agent": place,
                "candidate": name,
                "task": acted,
                "mean": result.interval.estimate,
                "interval": [result.interval.low, result.interval.high],
                "returns": result.returns,
                "lengths": result.lengths,
            }
            for place, name, acted, result in rows
        ]
        print_json({"episodes": episodes, "sampled": sample, "gif": gif, "agents": results})
        return
    cells = []
    for place, name, acted, result in rows:
        low, middle, high = result.interval
        bounds = interval(plain([low, high]))
        cells.append(
            (Path(place).name, name, acted, f"{episodes}", number(middle), bounds, number(float(result.lengths.mean())))
        )
    print_table(_COLUMNS, cells)
    print_text(f"actions: {'sampled as in training' if sample else 'greedy'}")
    if gif is not None:
        print_text(f"an episode of {counted(steps, 'step')}: {gif}")
