"""The process in which structures are evaluated while a limit of time holds: ``python -P -m discover.outer_loop.worker``.

It is told over its standard input what the search is, then which structure of which genomes to evaluate, and answers over its
standard output; whoever runs it may kill it at any time. It ends when its input does.
"""

from __future__ import annotations

import os
import queue
import threading
import warnings
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np


class Job(NamedTuple):
    """What is to be evaluated: one structure of a population, on one task.

    Attributes:
        task: its index.
        place: of the structure among those of the population.
        purpose, generation: which stream of seeds is taken.
        seeds: S.
    """

    task: int
    place: int
    purpose: str
    generation: int
    seeds: int


def main() -> None:
    """Answer until the input ends."""
    asked, answers = _own_pipes()
    warnings.simplefilter("ignore")  # the one who asks has shown them
    inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asked, inbox), daemon=True).start()
    from discover.inner_loop.reasons import reason
    from discover.process.frames import write_message

    settings, _ = inbox.get()
    try:
        answer = _prepared(settings)
    except BaseException as error:
        write_message(answers, {"error": reason(error)})
        return
    write_message(answers, {"ready": True})
    while True:
        words, (genomes,) = inbox.get()
        part = answer(Job(**words), genomes)
        told = {"env_steps": part.env_steps, "errors": {str(place): why for place, why in part.errors.items()}}
        write_message(answers, told, part.returns, part.status)


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output for ourselves: what a candidate prints goes to standard error, and it has nothing to read."""
    asked, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return asked, answers


def _listen(asked: IO[bytes], inbox: queue.SimpleQueue[Any]) -> None:
    from discover.process.frames import read_message

    try:
        while True:
            inbox.put(read_message(asked))
    except BaseException:  # the one who asks has ended, by whatever means: nobody waits for an answer
        os._exit(0)


def _prepared(settings: dict[str, Any]) -> Any:
    """What answers a question, with the plugins and the search of the one who asks."""
    import jax

    for name, value in settings["jax"].items():
        if jax.config.values[name] != value:
            jax.config.update(name, value)
    from discover.base.randomness import seed_keys
    from discover.components.space import Space
    from discover.config.build import environment_from
    from discover.config.search_config import checked_config
    from discover.contract.events import Status
    from discover.inner_loop.isolation import Outcomes, evaluated, failed
    from discover.inner_loop.reasons import reason
    from discover.plugin.loader import load_plugins
    from discover.storage.yaml_text import values_in

    plugins = load_plugins(settings["plugins"] and Path(settings["plugins"]))
    config = checked_config(plugins.registry, values_in(settings["config"]))
    space = Space(config.template)
    environments = [environment_from(plugins.registry, run.task) for run in config.tasks]

    def answer(piece: Job, genomes: np.ndarray) -> Outcomes:
        group = space.groups(genomes)[piece.place]
        keys = seed_keys(config.seed, piece.purpose, piece.seeds, piece.generation, piece.task)
        task, steps = environments[piece.task], config.tasks[piece.task].steps
        try:
            return evaluated(config.executor, task, group.candidates, keys, steps)
        except KeyboardInterrupt as error:  # the candidate's own: the user's goes to the one who asks
            return failed(len(group.members), piece.seeds, reason(error), Status.ERROR)

    return answer


if __name__ == "__main__":
    main()
