"""The options that several commands share, with their help texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from discover.base.errors import UserError
from discover.base.secrets import without_secrets

if TYPE_CHECKING:
    from discover.contract.events import Command

STEPS = 100_000
"""Environment steps of a lifetime by default."""

MOST_STEPS, MOST_SEEDS, MOST_EPISODES = 2**31 - 1, 2**16, 100_000

Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")]
PluginsDir = Annotated[
    Path | None, typer.Option("--plugins-dir", metavar="DIR", help="A folder of one-file plugins to load as well.")
]
Tracking = Annotated[
    str | None, typer.Option("--tracking", metavar="ADDRESS", help="Tracking store; a SQLite file in this folder by default.")
]
NoTracking = Annotated[bool, typer.Option("--no-tracking", help="Track nothing.")]
Promote = Annotated[
    bool, typer.Option("--promote", help="Make the champion that of its registered model, without a comparison.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="a.b=c", help="Change one value of the config; repeatable.")
]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=c", help="Change one value of the candidate (rule.ppo.clip=0.3); repeatable."),
]
Seeds = Annotated[
    int, typer.Option("--seeds", metavar="N", min=1, max=MOST_SEEDS, help="How many lifetimes with different seeds.")
]
Steps = Annotated[int, typer.Option("--steps", metavar="N", min=1, max=MOST_STEPS, help="Environment steps of each lifetime.")]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", min=0, max=2**32 - 1, help="Seed of the stream that all seeds come from.")
]


class Common(NamedTuple):
    """The options of every command that runs lifetimes."""

    json: bool = False
    plugins_dir: Path | None = None
    store: str | None = None
    tracking: bool = True
    promote: bool = False

    def command(self, name: str, directory: Path | None = None) -> Command:
        """The command as its watchers see it.

        Args:
            name: ``search``, ``resume``, ``refine``, ``train``, ``compare``, ``adapt``, ``ablate``, ``promote`` or ``show``.
            directory: of the search that is resumed.
        """
        from discover.contract.events import Command

        return Command(name, directory, tracking=self.tracking, store=self.store, json=self.json, promote=self.promote)


def common(json: bool, plugins_dir: Path | None, store: str | None, no_tracking: bool, *, promote: bool = False) -> Common:
    """The common options.

    Raises:
        UserError: two of them exclude each other.
    """
    if store is not None and no_tracking:
        raise UserError(f"--tracking '{without_secrets(store)}' and --no-tracking exclude each other: leave one out.")
    if promote and no_tracking:
        raise UserError("--promote and --no-tracking exclude each other: leave one out.")
    return Common(json, plugins_dir, store, not no_tracking, promote=promote)


def examples(*lines: str) -> str:
    """The examples at the end of a help text; typer needs an empty line between two lines.

    >>> examples("discover ui")
    'Example:\\n\\n  discover ui'
    """
    return "\n\n".join(["Example:", *(f"  {line}" for line in lines)])
