"""The process that evaluates structures under a time limit: ``python -P -m discover.outer_loop.worker``.

Its standard input brings first the search, then jobs: a structure of some genomes to evaluate. Its standard output takes the
answers. It may be killed at any time, and ends when its input ends.
"""

from __future__ import annotations

import os
import queue
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from discover.inner_loop.isolation import Outcomes

Message: TypeAlias = "tuple[dict[str, Any], list[np.ndarray]]"
"""A mapping, and arrays."""


class Job(NamedTuple):
    """A structure of a population to evaluate on one task.

    Attributes:
        task: its index.
        place: of the structure among those of the population.
        purpose, generation: name and number of the stream of seeds.
        seeds: S.
    """

    task: int
    place: int
    purpose: str
    generation: int
    seeds: int


def main() -> None:
    """Answer jobs until the input ends."""
    jobs, answers = _own_pipes()
    warnings.simplefilter("ignore")  # the process that started this one has shown them
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, inbox), daemon=True).start()
    from discover.inner_loop.reasons import reason
    from discover.process.frames import write_message

    settings, _ = inbox.get()
    try:
        evaluate = _evaluator(settings)
    except BaseException as error:
        write_message(answers, {"error": reason(error)})
        return
    write_message(answers, {"ready": True})
    while True:
        job, (genomes,) = inbox.get()
        part = evaluate(Job(**job), genomes)
        values = {"env_steps": part.env_steps, "errors": {str(place): why for place, why in part.errors.items()}}
        write_message(answers, values, part.returns, part.status)


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Copies of standard input and output for messages alone.

    Afterwards a candidate reads nothing from standard input, and its prints go to standard error.
    """
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return jobs, answers


def _listen(jobs: IO[bytes], inbox: queue.SimpleQueue[Message]) -> None:
    """Put messages in a queue, and end the process with its input."""
    from discover.process.frames import read_message

    try:
        while True:
            inbox.put(read_message(jobs))
    except BaseException:  # the other process has ended, by whatever means: nobody waits for an answer
        os._exit(0)


def _evaluator(settings: dict[str, Any]) -> Callable[[Job, np.ndarray], Outcomes]:
    """The function that evaluates jobs, with the plugins and the config of the other process."""
    import jax

    for name, value in settings["jax"].items():
        if jax.config.values[name] != value:
            jax.config.update(name, value)
    from discover.base.randomness import seed_keys
    from discover.components.space import Space
    from discover.config.build import environment_from
    from discover.config.search_config import checked_config
    from discover.contract.events import Status
    from discover.inner_loop.isolation import evaluated, failed
    from discover.inner_loop.reasons import reason
    from discover.plugin.loader import load_plugins
    from discover.storage.yaml_text import values_in

    plugins = load_plugins(settings["plugins"] and Path(settings["plugins"]))
    config = checked_config(plugins.registry, values_in(settings["config"]))
    space = Space(config.template)
    environments = [environment_from(plugins.registry, run.task) for run in config.tasks]
    executor = config.objective.executor(config.executor)

    def evaluate(job: Job, genomes: np.ndarray) -> Outcomes:
        group = space.groups(genomes)[job.place]
        keys = seed_keys(config.seed, job.purpose, job.seeds, job.generation, job.task)
        task, steps = environments[job.task], config.tasks[job.task].steps
        try:
            return evaluated(executor, task, group.candidates, keys, steps=steps)
        except KeyboardInterrupt as error:  # the candidate's own: the user's goes to the other process
            return failed(len(group.members), job.seeds, reason(error), Status.ERROR)

    return evaluate


if __name__ == "__main__":
    main()
