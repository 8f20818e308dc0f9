"""Params, tags, metrics and tables of searches, trainings and comparisons, within MLflow's limits."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from discover import Comparison, Generation, Interval, SearchInfo, SearchResult, Status, TaskRun, Training
from discover_mlflow.addresses import without_secrets
from discover_mlflow.names import distinct
from discover_mlflow.tags import DIRECTORY_TAG

MOST_KEYS = 40
"""The most metric keys of a run: with more, its page becomes slow."""

ERROR_TAG = "discover.error"
"""The tag with the error that ended a run."""

_MOST_PARAMS = 100
_LONGEST_PARAM, _LONGEST_TAG = 500, 5000  # characters; older servers take no more
_LONGEST_NAME = 230  # characters; a key is a group, a name and perhaps a number, of 250 in all
_CHAMPION_KEYS = 2  # reserved for the end of a search


def search_params(search: SearchInfo) -> dict[str, str]:
    """Params of a search: its config, flattened as deep as 100 params allow, and its sizes."""
    sizes = {"population": search.population, "generations": search.generations, "seeds": search.seeds}
    tasks = ", ".join(run.label for run in search.tasks)
    return _texts({**_flattened(search.config), **sizes, "tasks": tasks, "dimension": search.space.dimension}, _LONGEST_PARAM)


def search_tags(search: SearchInfo) -> dict[str, str]:
    """Tags of a search: its directory, provenance and description."""
    return provenance_tags("search", search.provenance) | directory_tags(search) | described(_space_text(search))


def directory_tags(search: SearchInfo) -> dict[str, str]:
    """The tag with the directory of a search."""
    return _texts({DIRECTORY_TAG: search.directory.absolute()}, _LONGEST_TAG)


def described(markdown: str) -> dict[str, str]:
    """The tag that MLflow's pages show above a run."""
    return {"mlflow.note.content": _cut(markdown, _LONGEST_TAG)}


def parent_tags(run_id: str | None) -> dict[str, str]:
    """The tag that files a run below another on MLflow's pages."""
    return {} if run_id is None else {"mlflow.parentRunId": run_id}


def error_tags(error: BaseException, address: str) -> dict[str, str]:
    """The tag with the error that ended a search, without the secrets of the tracking store's address."""
    return _texts({ERROR_TAG: without_secrets(f"{type(error).__name__}: {error}", address)}, _LONGEST_TAG)


def provenance_tags(kind: str, provenance: Mapping[str, Any]) -> dict[str, str]:
    """Versions, plugins, commit and device as tags, and the tags that MLflow's pages know."""
    known = {
        "discover.kind": kind,
        "mlflow.source.name": f"discover {kind}",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": str(provenance.get("commit", "")).rstrip("+"),
    }
    return _texts({**known, **_flattened(provenance)}, _LONGEST_TAG)


def generation_metrics(generation: Generation, tasks: Sequence[TaskRun]) -> dict[str, float]:
    """Metrics of a generation, at most 38. Fitness is that of its sound members; a return is that at the end of a lifetime."""
    sound = generation.status == Status.OK
    fitness = generation.fitness[sound]
    metrics: dict[str, float] = {"fitness/best_so_far": generation.best_fitness}
    if len(fitness):
        low, median, high = np.quantile(fitness, [0.25, 0.5, 0.75])
        metrics |= {
            "fitness/best": fitness.max(),
            "fitness/mean": fitness.mean(),
            "fitness/median": median,
            "fitness/quantile_25": low,
            "fitness/quantile_75": high,
            "fitness/std": fitness.std(),
        }
    metrics |= {
        "cost/env_steps": generation.env_steps_so_far,
        "cost/env_steps_per_second": generation.env_steps / max(generation.seconds, 1e-9),
        "cost/seconds": generation.seconds,
        "cost/evaluation_share": generation.evaluation_seconds / max(generation.seconds, 1e-9),
        "structures": generation.structures,
    }
    for status in Status:
        if status != Status.OK:
            metrics[f"broken/{status.name.lower()}"] = int((generation.status == status).sum())
    if len(fitness):
        final = np.stack([returns[:, :, -2:] for returns in generation.returns]).mean(axis=(2, 3))[:, sound]
        best, mean = final[:, fitness.argmax()], final.mean(axis=1)
        labels = [run.label for run in tasks]
        metrics |= dict(zip(_keys("return_of_best", labels), best, strict=True))
        metrics |= dict(zip(_keys("return", labels), mean, strict=True))
    return _finite(metrics, MOST_KEYS - _CHAMPION_KEYS)


def result_metrics(result: SearchResult) -> dict[str, float]:
    """Metrics of a finished search: the champion's fitness is that on seeds which had no part in its choice."""
    return _finite({"champion/fitness": result.champion_fitness, "champion/search_seconds": result.seconds}, _CHAMPION_KEYS)


def result_description(search: SearchInfo, result: SearchResult) -> str:
    """The description of a finished search in Markdown: the verdict, the table, the champion."""
    parts = [f"Champion `{result.champion!r}`, fitness {result.champion_fitness:.4g} on fresh seeds."]
    if result.comparison is not None:
        parts = [f"**{result.comparison.verdict}**", comparison_table(result.comparison), *parts]
    return "\n\n".join([*parts, _space_text(search)])


def model_params(result: SearchResult) -> dict[str, str]:
    """Params of the champion as a model."""
    facts = {"fitness": result.champion_fitness, "generations": result.generations, "env_steps": result.env_steps}
    return _texts({**facts, "candidate": repr(result.champion)}, _LONGEST_PARAM)


def training_params(training: Training) -> dict[str, str]:
    """Params of a training."""
    facts = {"candidate": training.name, "task": training.run.task, "steps": training.run.steps, "seeds": len(training.returns)}
    return _texts(facts, _LONGEST_PARAM)


def training_description(training: Training) -> str:
    """The description of a training in Markdown: its result and its algorithm."""
    result = f"**{training.name}** on {training.run.label}: {_interval(*_numbers(training.interval))}"
    return f"{result} ({len(training.returns)} seeds)\n\n`{training.algorithm!r}`"


def training_facts(training: Training) -> dict[str, Any]:
    """The result of a training, as JSON can hold it."""
    estimate, low, high = _numbers(training.interval)
    return {
        "candidate": training.name,
        "algorithm": repr(training.algorithm),
        "task": training.run.task,
        "steps": training.run.steps,
        "returns": [_number(value) for value in training.returns],
        "status": [Status(status).name.lower() for status in training.status],
        "iqm": estimate,
        "interval": [low, high],
        "env_steps": training.env_steps,
        "seconds": training.seconds,
        "provenance": training.provenance,
    }


def training_metrics(training: Training) -> Iterator[tuple[int, dict[str, float]]]:
    """The step of each row of the curve, and its means over seeds; the last row has the results of the end too."""
    rows = training.curves.shape[1]
    curves = {"curve/return": training.curves, "curve/length": training.lengths}
    names = sorted(training.info)
    curves |= dict(zip(_keys("info", names), [training.info[name] for name in names], strict=True))
    last = {
        "end/iqm": training.interval.estimate,
        "end/interval_low": training.interval.low,
        "end/interval_high": training.interval.high,
        "end/env_steps_per_second": training.env_steps / max(training.seconds, 1e-9),
        "end/broken_seeds": int((training.status != Status.OK).sum()),
    }
    for row in range(rows):
        means = _means(curves, row, MOST_KEYS - len(last))
        yield training.run.steps * (row + 1) // rows, _finite(means | (last if row == rows - 1 else {}), MOST_KEYS)


def comparison_params(comparison: Comparison) -> dict[str, str]:
    """Params of a comparison."""
    facts = {
        "candidates": ", ".join(comparison.candidates),
        "tasks": ", ".join(run.label for run in comparison.runs),
        "seeds": max(len(training.returns) for training in comparison.trainings[comparison.candidates[0]]),
    }
    return _texts(facts, _LONGEST_PARAM)


def comparison_description(comparison: Comparison) -> str:
    """The description of a comparison in Markdown: the verdict and the table."""
    return f"**{comparison.verdict}**\n\n{comparison_table(comparison)}"


def comparison_metrics(comparison: Comparison) -> Iterator[tuple[int, dict[str, float]]]:
    """Interquartile means at step 0, then mean learning curves by row (0 to 99: horizons differ), as far as 40 keys go."""
    trainings = [training for name in comparison.candidates for training in comparison.trainings[name]]
    labels = [f"{t.name} {t.run.label}" for t in trainings]
    ends = _finite(dict(zip(_keys("iqm", labels), [t.interval.estimate for t in trainings], strict=True)), MOST_KEYS)
    curves = dict(zip(_keys("curve", labels), [t.curves for t in trainings], strict=True))
    yield 0, ends
    for row in range(trainings[0].curves.shape[1]):
        yield row, _finite(_means(curves, row, MOST_KEYS - len(ends)), MOST_KEYS)


def comparison_table(comparison: Comparison) -> str:
    """The table of a comparison as Markdown: a row per run and candidate."""
    first = comparison.candidates[0]
    heads = ["task", "candidate", "return, IQM [95 % interval]", "seeds", f"{first} minus this", "verdict"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    rows = sorted(comparison.rows(), key=lambda row: comparison.runs.index(TaskRun(row["task"], row["steps"])))
    for row in rows:
        run, difference = TaskRun(row["task"], row["steps"]).label, row["first_minus_this"]
        task = f"{run} ({row['note']})" if row["note"] else run
        seeds = f"{row['seeds']}" + (f", {row['broken']} broken" if row["broken"] else "")
        gap = "" if difference is None else f"{_interval(difference['estimate'], *difference['interval'])}"
        verdict = "" if difference is None else f"{difference['verdict']} (p = {difference['p_value']:.2g})"
        cells = [task, row["candidate"], _interval(row["iqm"], *row["interval"]), seeds, gap, verdict]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def plain(value: object) -> Any:
    """A value as YAML and JSON can hold it.

    >>> plain({"a": np.float32(0.5), "b": (1, None)})
    {'a': 0.5, 'b': [1, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return value if isinstance(value, str | bool | int | float | None) else str(value)


def _space_text(search: SearchInfo) -> str:
    return f"Search over\n```\n{search.space.template!r}\n```"


def _numbers(interval: Interval) -> tuple[float | None, float | None, float | None]:
    return _number(interval.estimate), _number(interval.low), _number(interval.high)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _interval(estimate: float | None, low: float | None, high: float | None) -> str:
    if estimate is None:
        return "broken"
    return f"{estimate:.4g}" + ("" if low is None or high is None else f" [{low:.4g}, {high:.4g}]")


def _means(curves: Mapping[str, np.ndarray], row: int, most: int) -> dict[str, float]:
    return {key: values[:, row].mean() for key, values in itertools.islice(curves.items(), max(most, 0))}


def _finite(metrics: Mapping[str, Any], most: int) -> dict[str, float]:
    """The first ``most`` metrics, of those the finite ones (MLflow's charts cannot show others)."""
    return {key: float(value) for key, value in itertools.islice(metrics.items(), most) if math.isfinite(value)}


def _flattened(config: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings as dotted keys, as deep as ``_MOST_PARAMS`` keys allow; a deeper mapping is one value."""
    flat = dict(plain(config))
    while True:
        deeper: dict[str, Any] = {}
        for key, value in flat.items():
            inner = value if isinstance(value, dict) and value else None
            deeper |= {key: value} if inner is None else {f"{key}.{name}": v for name, v in inner.items()}
        if len(deeper) > _MOST_PARAMS or deeper == flat:
            return flat
        flat = deeper


def _texts(values: Mapping[str, Any], longest: int) -> dict[str, str]:
    texts = {key: _cut(str(value), longest) for key, value in values.items() if str(value)}
    return dict(zip(distinct(map(_clean, texts)), texts.values(), strict=True))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _keys(group: str, labels: Iterable[str]) -> list[str]:
    """A key for each label, with the characters that MLflow allows."""
    return distinct(f"{group}/{_clean(label).replace('/', '_')}" for label in labels)


def _clean(text: str) -> str:
    """A text with the characters that MLflow allows in keys."""
    return re.sub(r"[^\w./ -]+", "_", text.replace(" @ ", " ").replace(",", ""))[:_LONGEST_NAME]
