"""A one-file plugin that watches commands as a tracker does: it counts what it is told, and knows a run and a model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from discover import Command, SearchInfo, UserError, hookimpl


class Watcher:
    def __init__(self, command: Command):
        self._facts: dict[str, Any] = {"run_id": f"{command.name}-run", "told": []}

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        print("a plugin that prints")
        self._facts["told"].append("search started")

    @hookimpl
    def discover_training_finished(self) -> None:
        self._facts["told"].append("training finished")

    @hookimpl
    def discover_comparison_finished(self) -> None:
        self._facts["told"].append("comparison finished")

    @hookimpl
    def discover_adaptation_finished(self) -> None:
        self._facts["told"].append("adaptation finished")

    @hookimpl
    def discover_command_finished(self) -> Mapping[str, Any]:
        return self._facts


@hookimpl
def discover_observers(command: Command) -> Sequence[object]:
    if command.store == "nowhere":
        raise UserError("the tracking store 'nowhere' cannot be used: leave tracking out with --no-tracking.")
    return [Watcher(command)] if command.tracking else []


@hookimpl
def discover_find_search(address: str, store: str | None) -> Path | None:
    return Path("found") if address == "search-run" else None


@hookimpl
def discover_fixed_address(address: str, store: str | None) -> str | None:
    return {"models:/champion@best": "models:/champion/1"}.get(address)


@hookimpl
def discover_fetch_candidate(address: str, store: str | None, folder: Path) -> Path | None:
    if address != "models:/champion/1":
        return None
    copy = folder / "fetched.candidate"
    copy.write_bytes(Path("found/champion.candidate").read_bytes())
    return copy


@hookimpl
def discover_ui(store: str | None, port: int) -> Sequence[str]:
    return ["server", str(store), str(port)]
