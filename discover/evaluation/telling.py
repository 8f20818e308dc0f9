"""Progress of trainings, comparisons and adaptations, and the teller of those that nobody watches."""

from __future__ import annotations

from collections.abc import Callable


def tell_nobody(hook: str, **facts: object) -> None:
    """The teller of work that nobody watches."""


def share_of(
    progress: Callable[[str, float], None] | None, label: str, place: int, count: int
) -> Callable[[float], None] | None:
    """The progress of one part of ``count``, as that of the whole, which is shown at once.

    >>> shown = share_of(lambda label, share: print(label, share), "ppo on catch", place=1, count=4)
    ppo on catch 0.25
    >>> shown(0.5)
    ppo on catch 0.375
    """
    if progress is None:
        return None
    progress(label, place / count)
    return lambda share: progress(label, (place + share) / count)
