"""Addresses of stores and of files, as URLs and as paths, and without their secrets."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

DEFAULT = "sqlite:///mlflow.db"
"""A SQLite file in the working folder; artifacts go into the folder ``mlruns`` beside it."""

HIDDEN = "***"
"""Text in the place of a secret."""

_SQLITE = "sqlite:///"
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "%?#")  # as they are in an address of SQLite
_SECRETS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")
_LONGEST_COMPONENT = 200  # bytes; file systems take 255
_LOGIN = re.compile(r"(?<=://).*(?=@)|^[^/]*:[^/]*(?=@)")  # the second: an address without a scheme
_SHORT = 4  # characters; a shorter secret is replaced only where it is a whole word


def resolve_store(address: str | None = None) -> str:
    """The address of a store: ``address``, else ``MLFLOW_TRACKING_URI``, else SQLite in the working folder.

    The path of a SQLite file is made absolute, so that the address means the same from everywhere.
    """
    chosen = address or os.environ.get("MLFLOW_TRACKING_URI") or sqlite_address(sqlite_path(DEFAULT))
    path, mark, query = sqlite_path(chosen), *chosen.partition("?")[1:]
    return chosen if path is None else f"{sqlite_address(path)}{mark}{query}"


def sqlite_path(address: str) -> Path | None:
    """The file of a SQLite store, None for any other store (and for one in memory).

    >>> sqlite_path("sqlite:////data/mlflow.db"), sqlite_path("http://host:5000")
    (PosixPath('/data/mlflow.db'), None)
    """
    path = unquote(address.partition("?")[0].removeprefix(_SQLITE))
    return Path(path).absolute() if address.startswith(_SQLITE) and path not in ("", ":memory:") else None


def sqlite_address(path: Path | None) -> str:
    """The address of the store in a SQLite file, as SQLAlchemy reads it: a URL, with ``%``, ``?`` and ``#`` escaped.

    >>> sqlite_address(Path("/data/50 %/mlflow.db"))
    'sqlite:////data/50 %25/mlflow.db'
    """
    text = str(path)
    return _SQLITE + "".join(c if c in _PLAIN or ord(c) > 0x7F else quote(c) for c in text)


def client_address(address: str) -> str:
    """A store's address for MLflow's client.

    Of a SQLite address MLflow makes the folder without unescaping it: with its slashes escaped too there is none to make.
    """
    path, mark, query = sqlite_path(address), *address.partition("?")[1:]
    return address if path is None or "%" not in address else f"{_SQLITE}{quote(str(path), safe='')}{mark}{query}"


def local_path(address: str) -> Path | None:
    """The file behind a ``file:`` address or a plain path, None for any other address.

    >>> local_path("file:///data/a%20b"), local_path("s3://bucket/a")
    (PosixPath('/data/a b'), None)
    """
    if address.startswith("file:"):
        return Path(url2pathname(urlsplit(address).path))
    return None if re.match(r"[\w+.-]+:", address) else Path(address)


def path_component(name: str) -> str:
    """A name as one component of a path; different names have different ones.

    >>> path_component("discover"), path_component("../a b"), path_component("x_1.2")
    ('discover', '~2E.~2Fa~20b', 'x_1.2')
    """
    escaped = re.sub(r"[^\w.-]|^\.", lambda match: "".join(f"~{byte:02X}" for byte in match[0].encode()), name)
    if len(escaped.encode()) <= _LONGEST_COMPONENT:
        return escaped
    start = escaped.encode()[: _LONGEST_COMPONENT // 2].decode(errors="ignore")
    return f"{start}~{hashlib.sha256(name.encode()).hexdigest()}"


def public_address(address: str) -> str:
    """An address that may be printed and tracked: without user, password and the values of its query.

    >>> public_address("http://ann:secret@host:5000/?key=1")
    'http://***@host:5000/?key=***'
    """
    if sqlite_path(address) is not None or address.startswith("file:"):
        return address
    place, mark, query = address.partition("?")
    place = _LOGIN.sub(HIDDEN, place, count=1)
    return place + mark + "&".join(re.sub(r"(?<==).*|^[^=]+$", HIDDEN, part) for part in query.split("&") if part)


def without_secrets(text: str, address: str) -> str:
    """A text without the secrets of an address and of MLflow's environment variables.

    >>> without_secrets("the password 'secret' is wrong", "http://ann:secret@host")
    "the password '***' is wrong"
    """
    text = re.sub(r"(?<=://)[^/\s'\"]*@", f"{HIDDEN}@", text.replace(address, public_address(address)))
    for secret in sorted(_secrets(address), key=len, reverse=True):
        whole = re.escape(secret)
        text = re.sub(whole if len(secret) >= _SHORT else rf"(?<!\w){whole}(?!\w)", HIDDEN, text)
    return text


def _secrets(address: str) -> set[str]:
    """All forms that the secrets of an address and of the environment may have in a text."""
    name, password, token = (os.environ.get(variable, "") for variable in _SECRETS)
    users, secrets = [(name, password)], {token}
    if sqlite_path(address) is None:
        place, _, query = address.partition("?")
        inside = _LOGIN.search(place)
        users += [tuple(unquote(part) for part in inside[0].partition(":")[::2])] if inside else []
        secrets |= {part.partition("=")[2] or part for part in query.split("&")}
    for user in users:
        secrets |= {*user, base64.b64encode(":".join(user).encode()).decode() if any(user) else ""}
    return {form for secret in secrets for form in (secret, unquote(secret), quote(secret, safe="")) if form}
