"""The other end of a worker in a process of its own: ``python -P -m discover.workers.process_end``.

Jobs come by standard input, and run one after the other; what is asked about lifetimes that it holds is answered at once. The
process may be killed at any time, and ends when its input ends.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import IO, TYPE_CHECKING, Any

from discover.process.pipes import own_pipes

if TYPE_CHECKING:
    from discover.evaluation.messages import Message


def main() -> None:
    """Do jobs until the input ends."""
    jobs, answers = own_pipes()
    inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
    end = _End(answers)
    threading.Thread(target=_listen, args=(jobs, end, inbox), daemon=True).start()
    while True:
        end.answer(*inbox.get())


class _End:
    """Gives what comes in to a workshop, and answers."""

    def __init__(self, answers: IO[bytes]):
        self._answers, self._lock = answers, threading.Lock()

    def answer(self, values: dict[str, Any], arrays: list[Any]) -> None:
        """Answer one message."""
        import numpy as np

        from discover.process.frames import write_message

        data = self._answer(values, [array.tobytes() for array in arrays])
        with self._lock:
            write_message(self._answers, {"number": values["number"]}, np.frombuffer(data, np.uint8))

    def _answer(self, values: dict[str, Any], blocks: list[bytes]) -> bytes:
        if values["do"] == "begin":
            from discover.workers.workshop import Workshop

            self._workshop = Workshop()
            return self._workshop.begin(*blocks)
        if values["do"] == "answer":
            return self._workshop.answer(blocks[0], blocks[1:])
        if values["do"] == "pack":
            return self._workshop.pack(values["token"], values["rows"])
        self._workshop.drop(values["token"])
        return b""


def _listen(jobs: IO[bytes], end: _End, inbox: queue.SimpleQueue[Message]) -> None:
    """Put jobs in a queue, answer all else at once, and end the process with its input."""
    from discover.process.frames import read_message

    try:
        while True:
            values, arrays = read_message(jobs)
            if values["do"] in ("begin", "answer"):
                inbox.put((values, arrays))
            else:
                end.answer(values, arrays)
    except BaseException:  # the other process has ended, by whatever means: nobody waits for an answer
        os._exit(0)


if __name__ == "__main__":
    main()
