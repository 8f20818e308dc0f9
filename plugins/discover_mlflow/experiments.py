"""The experiment of runs: created at the first use, in the mode of MLflow's pages that shows model training."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from discover_mlflow.addresses import path_component, sqlite_path
from discover_mlflow.moved import FOLDER_TAG, home_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "discover"
"""The experiment of runs, unless ``MLFLOW_EXPERIMENT_NAME`` or the tracker's argument names another."""

KIND_TAG, MODEL_TRAINING = "mlflow.experimentKind", "custom_model_development"
"""The tag that decides which pages an experiment has, and its value for the training of models."""

DESCRIPTION_TAG = "mlflow.note.content"

DESCRIPTION = """\
Searches over reinforcement-learning algorithms, trainings and comparisons, as `discover` runs them.

- **One row per command**, with rows below it for its parts. The tag `discover.kind` says what it is; the description of a run
  holds its result.
- **To compare algorithms**: mark their runs and press *Compare*, or open the chart view. Metrics have the same names whatever
  the algorithm is.
- **For a verdict**: `discover compare A B --tasks TASK`, which trains them side by side.
- **What lies here**, as a list in the terminal: `discover runs`.
"""

_UNDECIDED = (None, "", "no_inferred_type", "genai_development_inferred", "custom_model_development_inferred")
"""Kinds that nobody has chosen: the pages write the inferred ones when somebody looks at an experiment."""


def experiment_of(client: MlflowClient, address: str, name: str) -> str:
    """The id of an experiment, which the first use creates; its artifacts go beside a SQLite file."""
    from mlflow.exceptions import MlflowException

    known = client.get_experiment_by_name(name)
    if known is None:
        path = sqlite_path(address)
        location = None if path is None else (path.parent / "mlruns" / path_component(name)).as_uri()
        first = {KIND_TAG: MODEL_TRAINING, DESCRIPTION_TAG: DESCRIPTION}
        tags = first if path is None else {**first, FOLDER_TAG: str(path.parent)}
        try:
            return client.create_experiment(name, location, tags)
        except MlflowException:  # another process was first
            known = client.get_experiment_by_name(name)
            if known is None:
                raise
    if known.lifecycle_stage != "deleted":
        with contextlib.suppress(MlflowException):  # a server may let its users add runs alone
            for key, value in _lacking_tags(address, name, known.tags, known.artifact_location).items():
                client.set_experiment_tag(known.experiment_id, key, value)
    return known.experiment_id


def _lacking_tags(address: str, name: str, tags: Mapping[str, str], location: str) -> dict[str, str]:
    """The tags that an experiment lacks. A kind or a description that somebody has chosen stays."""
    lacking: dict[str, str] = {}
    if tags.get(KIND_TAG) in _UNDECIDED:
        lacking[KIND_TAG] = MODEL_TRAINING
    if name == EXPERIMENT and not tags.get(DESCRIPTION_TAG):
        lacking[DESCRIPTION_TAG] = DESCRIPTION
    path = sqlite_path(address)
    if path is not None and FOLDER_TAG not in tags and home_of(name, location) == path.parent:
        lacking[FOLDER_TAG] = str(path.parent)
    return lacking
