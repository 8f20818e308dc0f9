"""The process that rehearses a search once more, with the compiled programs of the first time from the cache.

It runs as ``python -P -m discover.outer_loop.rehearsal_process``. Its standard input brings the config, the plugins' folder and
settings of JAX as YAML; its standard output takes the estimate as JSON.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

from discover.process.pipes import own_pipes


def main() -> None:
    """Rehearse once."""
    settings_pipe, answer = own_pipes()
    warnings.simplefilter("ignore")  # the process that started this one has shown them
    from discover.storage.yaml_text import values_in

    settings = values_in(settings_pipe.read().decode())
    from discover.process.jax_settings import take_jax_settings

    take_jax_settings(settings["jax"])
    from discover.outer_loop.estimate import rehearsed
    from discover.plugin.loader import load_plugins

    plugins = load_plugins(settings["plugins"] and Path(settings["plugins"]))
    expected = rehearsed(plugins, values_in(settings["config"]))
    answer.write(json.dumps(expected.values()).encode())
    answer.close()


if __name__ == "__main__":
    main()
