"""An executor whose results a test writes down."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from discover import Curves, Done, Executor, Failure, Work, attempt


class Scripted(Executor):
    """Gives what `made` makes of each piece of work; what that raises is a failure."""

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        for place, piece in enumerate(work):
            yield place, attempt(lambda piece=piece: self.made(piece, progress))

    def made(self, work: Work, progress: Callable[[float], None] | None) -> Done:
        """The result of a piece of work."""
        return Done(self.curves(work, progress))

    def curves(self, work: Work, progress: Any) -> Curves:
        """The curves of a piece of work."""
        raise NotImplementedError
