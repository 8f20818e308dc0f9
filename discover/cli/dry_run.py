"""``discover search --dry-run``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from discover.cli.options import Common
from discover.cli.output import print_json, print_text, quiet_output
from discover.plugin.progress import progress_on_stderr
from discover.plugin.session import start_plugins
from discover.process.interruption import in_order


def print_estimate(config: Path, settings: Sequence[str], options: Common) -> None:
    """Print what a search would cost."""
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.config.elsewhere import with_candidates
        from discover.config.reading import read_config
        from discover.outer_loop.estimating import estimate

        values = with_candidates(plugins, read_config(config, settings), options.store)
        in_order()
        with progress_on_stderr() as progress:
            expected = estimate(plugins, values, progress)
    if options.json:
        print_json(expected.values())
    else:
        print_text(repr(expected))
