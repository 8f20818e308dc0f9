"""The process that runs lifetimes under a time limit: ``python -P -m discover.outer_loop.worker``.

Its standard input brings first the search, then pieces of work. Its standard output takes the answers. It may be killed at any
time, and ends when its input ends.
"""

from __future__ import annotations

import os
import queue
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from discover.process.pipes import own_pipes

if TYPE_CHECKING:
    from discover.evaluation.messages import Message


def main() -> None:
    """Do work until the input ends."""
    jobs, answers = own_pipes()
    warnings.simplefilter("ignore")  # the process that started this one has shown them
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(jobs, inbox), daemon=True).start()
    from discover.inner_loop.reasons import reason
    from discover.process.frames import write_message

    settings, _ = inbox.get()
    try:
        answer = _answerer(settings)
    except BaseException as error:
        write_message(answers, {"error": reason(error)})
        return
    write_message(answers, {"ready": True})
    while True:
        values, arrays = answer(*inbox.get())
        write_message(answers, values, *arrays)


def _listen(jobs: IO[bytes], inbox: queue.SimpleQueue[Message]) -> None:
    """Put messages in a queue, and end the process with its input."""
    from discover.process.frames import read_message

    try:
        while True:
            inbox.put(read_message(jobs))
    except BaseException:  # the other process has ended, by whatever means: nobody waits for an answer
        os._exit(0)


def _answerer(settings: dict[str, Any]) -> Callable[[dict[str, Any], list[np.ndarray]], Message]:
    """The function that does the work in a message, with the plugins and the config of the process that sends it."""
    from discover.process.jax_settings import take_jax_settings

    take_jax_settings(settings["jax"])
    from discover.config.search_config import checked_config
    from discover.contract.executor import Failure
    from discover.evaluation.messages import message_of_result, work_from
    from discover.inner_loop.reasons import reason
    from discover.plugin.loader import load_plugins
    from discover.storage.yaml_text import values_in

    plugins = load_plugins(settings["plugins"] and Path(settings["plugins"]))
    config = checked_config(plugins.registry, values_in(settings["config"]))
    executor = config.objective.executor(config.executor)

    def answer(values: dict[str, Any], arrays: list[np.ndarray]) -> Message:
        try:
            ((_, result),) = executor.run([work_from(plugins.registry, values, arrays)])
        except KeyboardInterrupt as error:  # the candidate's own: the user's goes to the other process
            result = Failure("candidate", reason(error))
        return message_of_result(result)

    return answer


if __name__ == "__main__":
    main()
