"""The start of the command ``discover``: it checks that Python finds this package, and not another of the same name.

Another distribution also installs a module called ``discover``, and a file ``discover.py`` on the path hides the package too.
This module has another name, so that it can check which one would be imported.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Check which ``discover`` would be imported, then run the command line."""
    try:
        foreign = foreign_module()
        if foreign is not None:
            print(
                f"error: '{foreign}' hides the package 'discover' of discover-rl: uninstall it (pip uninstall discover), or "
                "take its folder out of PYTHONPATH, then reinstall discover-rl.",
                file=sys.stderr,
            )
            sys.exit(2)
        from discover.__main__ import main as run

        run()
    except KeyboardInterrupt:  # before the command line handles signals
        sys.exit(130)


def foreign_module() -> str | None:
    """The place of the ``discover`` that would be imported, if it is another package; else None."""
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("discover")
    origin = spec.origin if spec is not None else None
    if origin is not None and (Path(origin).parent / "contract" / "hooks.py").is_file():
        return None
    return origin or "(nothing)"
