"""The record that makes the champion of a search a version of its registered model: tags and descriptions."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from typing import Any

from discover import SearchInfo, SearchResult, TaskRun
from discover_mlflow.champion_page import HTML, MARKDOWN
from discover_mlflow.registered import ALIAS, registered_name
from discover_mlflow.tags import DIRECTORY_TAG, REPORT_TASKS_TAG, TASKS_TAG, VERDICT_TAG

_LONGEST = 5000  # characters of a tag or a description; the tables of MLflow hold no more
_SEPARATOR = ", "
_MORE = f"\n\n(The whole page is the artifact `{MARKDOWN}` of the run, and `{HTML}`.)"


def version_record(search: SearchInfo, result: SearchResult, *, promoted: bool) -> dict[str, Any]:
    """The content of a record of kind ``version``, but for the description of the version.

    Args:
        search: a search that has finished.
        result: of the search.
        promoted: whether the user wants the version to be the champion of its registered model without a comparison.
    """
    champion, comparison = result.champion_path.read_bytes(), result.comparison
    tags = {} if comparison is None else {VERDICT_TAG: comparison.verdict, REPORT_TASKS_TAG: tasks_text(comparison.runs)}
    tags |= {
        "discover.fitness": f"{result.champion_fitness:.6g}",
        TASKS_TAG: tasks_text(search.tasks),
        DIRECTORY_TAG: str(search.directory.absolute()),
        "discover.fingerprint": _fingerprint(result),
    }
    return {
        "name": registered_name(search.name),
        "search": search.name,
        "about": _about(search),
        "sha256": hashlib.sha256(champion).hexdigest(),
        "tags": {key: text[:_LONGEST] for key, text in tags.items()},
        "promote": "without a comparison (--promote)" if promoted else "",
    }


def tasks_text(runs: Sequence[TaskRun]) -> str:
    """Tasks and steps as a tag holds them.

    >>> tasks_text([TaskRun("CartPole-v1", 20_000), TaskRun("catch", 30_000)])
    'CartPole-v1@20000, catch@30000'
    """
    return _SEPARATOR.join(f"{run.task}@{run.steps}" for run in runs)


def tasks_in(text: str) -> list[TaskRun]:
    """The tasks and steps that a tag holds; none if it holds anything else.

    >>> tasks_in("CartPole-v1@20000, catch@30000")
    [TaskRun(task='CartPole-v1', steps=20000), TaskRun(task='catch', steps=30000)]
    >>> tasks_in("all of them")
    []
    """
    pairs = [part.rpartition("@") for part in text.split(_SEPARATOR)]
    if not all(task and steps.isdecimal() for task, _, steps in pairs):
        return []
    return [TaskRun(task, int(steps)) for task, _, steps in pairs]


def version_description(page: str) -> str:
    """As many of the lines of a champion's page as the description of a version holds."""
    return page if len(page) <= _LONGEST else page[: page.rindex("\n", 0, _LONGEST - len(_MORE))] + _MORE


def _about(search: SearchInfo) -> str:
    """The description of a registered model: its versions, its alias, and how to use them."""
    name, run = registered_name(search.name), search.tasks[0]
    address = f"models:/{name}@{ALIAS}"
    word = f"'{address}'" if " " in address else address
    return f"""Algorithms that the searches called `{search.name}` have discovered: each version is the champion of one search.
The alias `{ALIAS}` is held by the best of them: it moves to a version that a comparison on fresh seeds finds better.

```sh
discover train {word} --task {run.task} --steps {run.steps}
discover promote {word.replace(f"@{ALIAS}", "/VERSION")}
```

```python
import discover

algorithm = discover.load("{address}")
```
"""


def _fingerprint(result: SearchResult) -> str:
    """The fingerprint in the file of the champion."""
    with zipfile.ZipFile(result.champion_path) as file:
        return json.loads(file.read("candidate.json"))["fingerprint"]
