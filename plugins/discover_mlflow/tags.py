"""Tags of runs, models and versions that more than one module reads or writes."""

DIRECTORY_TAG = "discover.directory"
"""Directory of a search."""

CHECKSUM_TAG = "discover.sha256"
"""Checksum of the candidate file of a model or a version."""

VERDICT_TAG = "discover.verdict"
"""Verdict of a comparison, or of the report of a search."""

BEST_TAG = "discover.best"
"""Name of the best candidate of a comparison."""

BEST_FIGURE_TAG = "discover.best_figure"
"""Figure of that candidate, see `best_candidate`."""

SEARCH_TAG = "discover.search"
"""Name of the searches whose champions are the versions of a registered model."""

TASKS_TAG = "discover.tasks"
"""Tasks and steps of the search of a version."""

REPORT_TASKS_TAG = "discover.report_tasks"
"""Tasks and steps of that search's report."""

PROMOTED_TAG = "discover.promoted"
"""Reason why a version has got the alias of the champion."""
