"""Addresses as they may be printed."""

from __future__ import annotations

import re

_LOGIN = re.compile(r"(?<=://).*(?=@)|^[^/:@]+:[^/@]*(?=@)")  # the second: an address without a scheme


def without_secrets(text: str) -> str:
    """A text without user name, password and query if it is an address.

    >>> without_secrets("http://ann:secret@host:5000/?key=1"), without_secrets("ann:secret@host"), without_secrets("my.yaml")
    ('http://***@host:5000/?***', '***@host', 'my.yaml')
    >>> without_secrets("models:/quickstart@champion")
    'models:/quickstart@champion'
    """
    if "://" in text:
        place, mark, query = text.partition("?")
        text = place + (f"{mark}***" if query else mark)
    return _LOGIN.sub("***", text, count=1)
