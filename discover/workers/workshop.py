"""The work of a worker: jobs, one after the other, and lifetimes that it holds for the next job."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discover.contract.executor import Done, Failure, Work
from discover.contract.types import Lifetimes
from discover.evaluation.messages import leaves_of, lifetimes_from, message_of_result, work_from
from discover.inner_loop.here import run_here
from discover.inner_loop.reasons import reason
from discover.plugin.loader import Plugins
from discover.plugin.provenance import provenance
from discover.workers.assembly import Streams, assembled, from_bytes, to_bytes
from discover.workers.settings import plugins_by


class Workshop:
    """The other end of a `discover.workers.worker.Worker`: takes and gives bytes, which hold JSON and arrays alone."""

    _plugins: Plugins

    def __init__(self) -> None:
        self._chunk = 0
        self._held = dict[int, Lifetimes]()

    def begin(self, settings: bytes) -> bytes:
        """Make everything ready; the answer has the facts about this place, or the error that keeps it from working."""
        warnings.simplefilter("ignore")  # the process that gives the work has shown them
        values, _ = from_bytes(settings)
        try:
            self._plugins, self._chunk = plugins_by(values), values["chunk"]
            facts = provenance(self._plugins.registry)
        except BaseException as error:
            return to_bytes({"error": reason(error)})
        return to_bytes({"host": platform.node(), "versions": facts["versions"], "device": facts["device"]["kind"]})

    def answer(self, job: bytes, parcels: Sequence[bytes] = ()) -> bytes:
        """Do a job; the answer is its result, in which lifetimes that are to be held are missing."""
        values, arrays = from_bytes(job)
        result = self._result(values, arrays, parcels)
        if isinstance(result, Done) and values["token"] is not None:
            self._held[values["token"]] = result.lifetimes
            result = Done(result.curves)
        values, arrays = message_of_result(result)
        return to_bytes(values, *arrays)

    def pack(self, token: int, rows: Sequence[int]) -> bytes:
        """Members of lifetimes that are held."""
        return to_bytes({}, *(leaf[np.asarray(rows)] for leaf in leaves_of(self._held[token])))

    def drop(self, token: int) -> None:
        """Forget lifetimes."""
        self._held.pop(token, None)

    def _result(self, values: Mapping[str, Any], arrays: Sequence[np.ndarray], parcels: Sequence[bytes]) -> Done | Failure:
        try:
            work = work_from(self._plugins.registry, values, arrays)
            if values["from"] is not None:
                work = work._replace(ongoing=self._before(work, values["from"], parcels))
        except Exception as error:  # a component that is not here, or lifetimes that are not
            return Failure("machine", reason(error), "again")
        try:
            ((_, result),) = run_here([work], self._chunk)
        except KeyboardInterrupt as error:  # the candidate's own: the user's goes to the other process
            return Failure("candidate", reason(error))
        return result

    def _before(self, work: Work, origin: Mapping[str, Any], parcels: Sequence[bytes]) -> Lifetimes:
        """The lifetimes that a job goes on with."""
        packed = [lifetimes_from(work, from_bytes(parcel)[1]) for parcel in parcels]
        boxes = [packed[box["parcel"]] if "parcel" in box else self._held[box["token"]] for box in origin["boxes"]]
        streams = [
            Streams(generation, np.asarray(places), np.asarray(moved)) for generation, places, moved in origin["streams"]
        ]
        return assembled(work, boxes, origin["rows"], streams)
