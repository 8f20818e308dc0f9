"""The script of plotly.js, packed: a page unpacks it itself, so that it works without a network and is half as large."""

from __future__ import annotations

import base64
import functools
import gzip
import importlib

from discover.base.errors import UserError

MISSING = "the plots of a report need plotly, which is not installed: pip install 'discover-rl[report]', or take --json."


@functools.cache
def packed_script() -> str:
    """plotly.js, as the base64 text of its gzip file.

    Raises:
        UserError: plotly is not installed.
    """
    try:
        script: str = importlib.import_module("plotly.offline").get_plotlyjs()
    except ImportError:
        raise UserError(MISSING) from None
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()
