"""A plotly whose script is one line, and the absence of any plotly: tests of reports depend on neither."""

import contextlib
import sys
import types
from collections.abc import Iterator
from importlib.machinery import ModuleSpec

import pytest

from discover.reports.plotly_script import packed_script

SCRIPT = "window.Plotly = {};"


@contextlib.contextmanager
def with_plotly(there: bool = True) -> Iterator[None]:
    """Within it, the short plotly is installed, or none is."""
    package, offline = types.ModuleType("plotly"), types.ModuleType("plotly.offline")
    package.__spec__ = ModuleSpec("plotly", None)
    offline.get_plotlyjs = lambda: SCRIPT  # type: ignore[attr-defined]
    modules = {"plotly": package, "plotly.offline": offline} if there else {"plotly": None, "plotly.offline": None}
    with pytest.MonkeyPatch.context() as patched:
        for name, module in modules.items():
            patched.setitem(sys.modules, name, module)
        packed_script.cache_clear()
        yield
    packed_script.cache_clear()
