"""The other end of a worker process, without JAX: it answers a job with the job and its parcels, once it may."""

import os
import sys
import threading
import time

from discover.process.frames import read_message, write_message
from discover.process.pipes import own_pipes

jobs, answers = own_pipes()
lock = threading.Lock()


def answer(number: int, data: bytes) -> None:
    import numpy as np

    with lock:
        write_message(answers, {"number": number}, np.frombuffer(data, np.uint8))


def job(number: int, blocks: list[bytes]) -> None:
    if blocks[0] == b"sleep":
        time.sleep(60)
    answer(number, b"+".join(blocks))


try:
    while True:
        values, arrays = read_message(jobs)
        blocks = [array.tobytes() for array in arrays]
        if values["do"] == "begin":
            answer(values["number"], str(os.getpid()).encode())
        elif values["do"] == "answer":
            threading.Thread(target=job, args=(values["number"], blocks), daemon=True).start()
        else:
            answer(values["number"], f"{values['token']}:{values.get('rows')}".encode())
except EOFError:
    sys.exit(3)
