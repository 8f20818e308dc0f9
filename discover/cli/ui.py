"""``discover ui``."""

from __future__ import annotations

import socket
from typing import Annotated

import typer

from discover.base.errors import UserError
from discover.cli.options import PluginsDir, Tracking
from discover.plugin.session import start_plugins
from discover.process.serving import serve

_HOST = "127.0.0.1"


def run(
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=1, max=65535, help="Where the page is served on this machine.")
    ] = 5000,
    shown: Annotated[str | None, typer.Option("--run", metavar="RUN", help="A run whose page is named too.")] = None,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Serve the tracking store's web page to this machine alone, until ctrl-C."""
    plugins = start_plugins(plugins_dir)
    line = plugins.hook.discover_ui(store=tracking, port=port)
    if line is None:
        raise UserError("no loaded plugin serves a page: is the plugin 'mlflow' blocked or broken?")
    links = plugins.hook.discover_ui_links(store=tracking, run=shown) or {}
    _check_port(port)
    serve(line, _HOST, port, links)  # in the place of this process: whatever ends the one ends the other


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise UserError(f"port {port} cannot be used ({error.strerror}): give another with --port.") from None
