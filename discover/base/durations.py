"""Durations as text."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A duration as minutes and seconds, or as hours, minutes and seconds.

    >>> duration(61.2), duration(3725)
    ('1:01', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
