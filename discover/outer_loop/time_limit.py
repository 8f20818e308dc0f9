"""A time limit per piece of work: each runs in a second process, which is killed when the time is over.

Neither a compilation nor an endless Python loop can be interrupted from within its process. The second process
(`discover.outer_loop.worker`) loads the plugins itself and receives everything else as JSON and arrays. The same process runs
all pieces, until one of them is too slow.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import jax
import numpy as np

from discover.base.errors import DiscoverWarning, EvaluationError, UserError
from discover.contract.executor import Done, Executor, Failure, Work
from discover.contract.registry import Registry
from discover.evaluation.messages import Message, message_of_work, result_from
from discover.process.children import SETTINGS, command_of, environment_of_children
from discover.process.frames import read_message, write_message
from discover.process.jax_settings import jax_settings

_START = 600.0  # seconds in which the process must be ready


class TimeLimited(Executor):
    """Runs pieces of work in another process, each within a time limit.

    Args:
        executor: the one that the other process has.
        registry: has the components.
        config: the config of the search as the text of a YAML file, with the chunk size of its executor.
        plugins: folder of one-file plugins, if there is one.
        seconds: the limit for one structure on one task in one generation, compilation included.

    Raises:
        UserError: a component comes from an object of this process, which another process cannot load.
    """

    def __init__(self, executor: Executor, registry: Registry, config: str, plugins: Path | None, *, seconds: float):
        for entry in registry.entries():
            if entry.provenance.is_here_alone:
                raise UserError(
                    f"time_limit_seconds {seconds:g}: structures run in another process then, which cannot load the plugin "
                    f"object '{entry.provenance.plugin}': put it in a folder (--plugins-dir) or a package, or leave the limit "
                    "out."
                )
        if jax.default_backend() == "gpu" and os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE", "").lower() not in ("false", "0"):
            text = (
                "time_limit_seconds: this process keeps most of the GPU's memory from the one that evaluates structures: set "
                "XLA_PYTHON_CLIENT_PREALLOCATE=false."
            )
            warnings.warn(text, DiscoverWarning, stacklevel=2)
        self._settings = {"config": config, "plugins": plugins and str(plugins), "jax": jax_settings(SETTINGS)}
        self._executor, self._registry, self._seconds = executor, registry, seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.SimpleQueue[Message | None] = queue.SimpleQueue()

    def __repr__(self) -> str:
        return repr(self._executor)

    def shaping(self) -> str:
        return self._executor.shaping()

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        """Run pieces of work; what took too long on one task is not tried on the others."""
        late = dict[object, Failure]()
        for place, piece in enumerate(work):
            structure = jax.tree.structure(piece.candidates)
            result = late.get(structure) or self._result(piece)
            if isinstance(result, Failure) and result.fault == "time":
                late[structure] = result
            yield place, result
            if progress is not None:
                progress((place + 1) / len(work))

    def _result(self, work: Work) -> Done | Failure:
        if self._process is None:
            self._start()
        values, arrays = message_of_work(self._registry, work)
        answer = self._ask(values, *arrays, seconds=self._seconds)
        if answer is None:
            return Failure("time", f"it took longer than {self._seconds:g} s and was ended")
        if isinstance(answer, str):
            return Failure("candidate", answer)
        return result_from(*answer)

    def close(self) -> None:
        """End the process, also in the middle of an evaluation."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            command_of("discover.outer_loop.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment_of_children(),
            start_new_session=True,  # ctrl-C reaches this process alone, which ends the other one
        )
        self._answers = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()
        answer = self._ask(self._settings, seconds=_START)
        if not isinstance(answer, tuple) or "error" in answer[0]:
            why = answer[0]["error"] if isinstance(answer, tuple) else answer or "it does not answer"
            self.close()
            raise EvaluationError(f"the process that evaluates structures cannot begin ({why}): take time_limit_seconds out.")

    def _ask(self, values: Mapping[str, Any], *arrays: np.ndarray, seconds: float) -> Message | str | None:
        """The answer of the process; None if it is late, a reason if the process has ended. Either leaves no process."""
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            write_message(self._process.stdin, values, *arrays)
        try:
            answer = self._answers.get(timeout=seconds)
        except queue.Empty:
            self.close()
            return None
        except BaseException:  # ctrl-C: nobody waits for the answer any longer
            self.close()
            raise
        if answer is None:
            status = self._process.wait()
            self.close()
            return f"it ended its process (exit status {status})"
        return answer


def _listen(pipe: IO[bytes], answers: queue.SimpleQueue[Message | None]) -> None:
    """Put the answers of a process in a queue, and None when the process has ended."""
    try:
        while True:
            answers.put(read_message(pipe))
    except (EOFError, OSError, ValueError):
        answers.put(None)
