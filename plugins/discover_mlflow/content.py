"""Params, tags, metrics and the description of a search, within MLflow's limits.

MLflow sorts charts by the names of metrics: results come first (``adapted``, ``champion``, ``curve``, ``difference``,
``fitness``, ``gradient``, ``iqm``, ``p``, ``paid``, ``return_of_...``), then what may be zero all the time (``rule``,
``spent``, ``status``, ``structures``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discover import (
    Generation,
    SearchInfo,
    SearchResult,
    Selection,
    Space,
    Status,
    TaskRun,
    effective,
    values_by_path,
)
from discover_mlflow.addresses import without_secrets
from discover_mlflow.limits import LONGEST_PARAM, LONGEST_TAG, cut, finite, flattened, keys, number, texts
from discover_mlflow.returns import comparison_table, difference_metrics, end_metrics, hardest
from discover_mlflow.tags import DIRECTORY_TAG, VERDICT_TAG

MOST_KEYS = 40
"""The most metric keys of the generations and of the champion of a search: with more, its page becomes slow."""

ERROR_TAG = "discover.error"
"""The tag with the error that ended a run."""

_CHAMPION_KEYS = 2  # reserved for the end of a search
_SHIPPED = "discover-rl"  # the distribution that has the plugins of discover itself


def search_params(search: SearchInfo) -> dict[str, str]:
    """Params of a search: its config, flattened as deep as 100 params allow, and its sizes."""
    sizes = {"population": search.population, "generations": search.generations, "seeds": search.seeds}
    tasks = ", ".join(run.label for run in search.tasks)
    return texts({**flattened(search.config), **sizes, "tasks": tasks, "dimension": search.space.dimension}, LONGEST_PARAM)


def search_tags(search: SearchInfo, outer: str | None = None) -> dict[str, str]:
    """Tags of a search: its directory, provenance and description; ``outer`` is the search that it tunes a baseline for."""
    tags = run_tags("search", search.provenance, search=outer or search.name, split=_split_text(search.config.get("split")))
    return tags | directory_tags(search) | described(_space_text(search))


def _split_text(split: Any) -> str:
    """The content of a split of tasks, its file first; empty if there is none."""
    if not isinstance(split, Mapping):
        return ""
    runs = {key: ", ".join(f"{each['task']} @ {each['steps']}" for each in split[key]) for key in ("meta_train", "meta_test")}
    return "; ".join([*([split["file"]] if split.get("file") else []), *(f"{key}: {text}" for key, text in runs.items())])


def directory_tags(search: SearchInfo) -> dict[str, str]:
    """The tag with the directory of a search."""
    return texts({DIRECTORY_TAG: search.directory.absolute()}, LONGEST_TAG)


def described(markdown: str) -> dict[str, str]:
    """The tag that MLflow's pages show above a run."""
    return {"mlflow.note.content": cut(markdown, LONGEST_TAG)}


def parent_tags(run_id: str | None) -> dict[str, str]:
    """The tag that files a run below another on MLflow's pages."""
    return {} if run_id is None else {"mlflow.parentRunId": run_id}


def error_tags(error: BaseException, address: str) -> dict[str, str]:
    """The tag with the error that ended a run, without the secrets of the tracking store's address."""
    return texts({ERROR_TAG: without_secrets(f"{type(error).__name__}: {error}", address)}, LONGEST_TAG)


def run_tags(kind: str, provenance: Mapping[str, Any], **facts: str) -> dict[str, str]:
    """The tags of a run: its kind, the plugins that do not come with discover, and the tags that MLflow's pages know.

    Args:
        kind: ``search``, ``selection``, ``ablation``, ``comparison``, ``candidate``, ``training`` or ``adaptation``.
        provenance: versions, plugins, git commit, device; all of it is in ``provenance.json``.
        facts: further tags, whose names get ``discover.`` before them; empty ones are left out.
    """
    known = {
        "discover.kind": kind,
        "mlflow.source.name": f"discover {kind}",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": str(provenance.get("commit", "")).rstrip("+"),
    }
    others = {
        f"plugins.{name}": origin
        for name, origin in provenance.get("plugins", {}).items()
        if origin.partition(" ")[0] != _SHIPPED
    }
    return texts({**known, **others, **{f"discover.{name}": fact for name, fact in facts.items()}}, LONGEST_TAG)


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
    metrics |= {f"gradient/{name}": values.mean() for name, values in generation.climb.items()}
    metrics |= {
        "spent/generations": generation.index + 1,
        "spent/env_steps_per_second": generation.env_steps / max(generation.seconds, 1e-9),
        "spent/seconds": generation.seconds,
        "spent/evaluation_share": generation.evaluation_seconds / max(generation.seconds, 1e-9),
        "structures/in_generation": generation.structures,
    }
    metrics |= _broken(generation)
    if len(fitness):
        # NaN are the seeds that were not run
        final = np.nanmean([returns[sound, :, -2:] for returns in generation.returns], axis=(2, 3))
        best, mean = final[:, fitness.argmax()], final.mean(axis=1)
        labels = [run.label for run in tasks]
        metrics |= dict(zip(keys("return_of_best", labels), best, strict=True))
        metrics |= dict(zip(keys("return_of_population", labels), mean, strict=True))
    return finite(metrics, MOST_KEYS - _CHAMPION_KEYS)


def result_metrics(result: SearchResult) -> dict[str, float]:
    """Metrics of a finished search: the champion's fitness is that on seeds which had no part in its choice.

    With a report also the champion's returns at its end, and its difference from the hardest baseline, task by task.
    """
    metrics = finite({"champion/fitness": result.champion_fitness, "spent/search_seconds": result.seconds}, _CHAMPION_KEYS)
    report = result.comparison
    if report is None:
        return metrics
    return metrics | end_metrics(report.trainings[report.candidates[0]]) | difference_metrics(hardest(report))


def result_tags(search: SearchInfo, result: SearchResult) -> dict[str, str]:
    """Tags of a finished search: the verdict of its report, and its description."""
    verdict = {} if result.comparison is None else {VERDICT_TAG: result.comparison.verdict}
    return texts(verdict, LONGEST_TAG) | described(result_description(search, result))


def result_description(search: SearchInfo, result: SearchResult) -> str:
    """The description of a finished search in Markdown: the verdict, the table, the champion."""
    doubt = f" ({result.champion_doubt})" if result.champion_doubt else ""
    parts = [f"Champion `{result.champion!r}`, fitness {result.champion_fitness:.4g} on fresh seeds{doubt}."]
    if result.comparison is not None:
        parts = [f"**{result.comparison.verdict}**", comparison_table(result.comparison), *parts]
    return "\n\n".join([*parts, _space_text(search)])


def selection_metrics(selection: Selection) -> dict[str, float]:
    """Metrics of the choice of a champion."""
    fitness = selection.finalist_fitness[np.isfinite(selection.finalist_fitness)]
    best = {"fitness/best": fitness.max(), "fitness/mean": fitness.mean()} if len(fitness) else {}
    broken = len(selection.finalist_fitness) - len(fitness)
    doubt = selection.doubt._asdict() if selection.doubt else {}
    doubts = {f"champion/doubt_{name}": value for name, value in doubt.items()}
    return finite({"champion/fitness": selection.fitness, **doubts, **best} | ({"status/broken": broken} if broken else {}))


def selection_facts(selection: Selection, space: Space) -> list[dict[str, Any]]:
    """The finalists, best first: the fitness of each on the selection seeds, and its values by path."""
    order = np.argsort(-selection.finalist_fitness, kind="stable")
    return [
        {
            "fitness": number(float(selection.finalist_fitness[place])),
            "values": values_by_path(effective(space.decode(selection.finalists[place]))),
        }
        for place in order
    ]


def model_params(result: SearchResult) -> dict[str, str]:
    """Params of the champion as a model."""
    facts = {"fitness": result.champion_fitness, "generations": result.generations, "env_steps": result.env_steps}
    return texts({**facts, "candidate": repr(result.champion)}, LONGEST_PARAM)


def _broken(generation: Generation) -> dict[str, float]:
    """The number of members that are broken or were not run, by what became of them, once there has been one."""
    counts = {status: int((generation.status == status).sum()) for status in Status if status != Status.OK}
    return {
        f"status/{status.name.lower()}": count
        for status, count in counts.items()
        if count or generation.broken_so_far.get(status.name.lower())
    }


def _space_text(search: SearchInfo) -> str:
    return f"Search over\n```\n{search.space.template!r}\n```"
