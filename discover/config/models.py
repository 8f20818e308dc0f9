"""Keys of a config: their types, bounds, defaults and descriptions. What components hold is checked where they are built."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from discover.config.values import Baselines, Flag, Items, NotNegative, OneOf, Part, SecondsOrNull, Text, Whole

MOST_LIFETIMES = 2**22
"""Lifetimes of one generation at most: more would take memory by the gigabyte before the first of them has begun."""

_Members = Whole(1, 2**20)
_Seeds = Whole(1, 2**16)
_Count = Whole(1, 2**31 - 1)


START = "candidates, or {nearest: CANDIDATE}"
"""The items of ``init``."""


class Section(BaseModel):
    """A part of a config with keys of its own.

    Attributes:
        form: what it looks like, in a message.
        remedy: what to do about a key that is missing.
    """

    model_config = ConfigDict(extra="forbid")
    form: ClassVar[str]
    remedy: ClassVar[str] = "add it"


class TaskModel(Section):
    """A task, and how long agents live on it."""

    form: ClassVar[str] = "{task: ID, steps: N}"

    task: Annotated[str, Part("task")] = Field(description="Name of a task: `discover plugins list` shows them all.")
    steps: Annotated[int, _Count] = Field(description="Environment steps of each lifetime.")
    note: Annotated[str, Text(0)] = Field("", description="Remark beside the task in the report, such as 'unseen task'.")


class SplitModel(Section):
    """Tasks that a search may see, and tasks that it may not see, on which it is reported."""

    form: ClassVar[str] = "the file of a split, or a mapping with meta_train, meta_test"

    file: Annotated[str, Text(0)] = Field("", description="File of the split, written by discover; nothing depends on it.")
    meta_train: Annotated[list[TaskModel], Items(TaskModel.form)] = Field(
        [], description="Tasks of the search, unless it has 'tasks' of its own."
    )
    meta_test: Annotated[list[TaskModel], Items(TaskModel.form)] = Field(
        [], description="Tasks that the search may not see; those of its report, unless that has 'tasks' of its own."
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler.resolve_ref_schema(handler(schema))]}


class ReportModel(Section):
    """The comparison after a search."""

    form: ClassVar[str] = "a mapping with baselines, tasks, seeds, suite"

    baselines: Annotated[dict[str, Any], Baselines()] = Field(
        {},
        description="Candidates to compare the champion with, by name: a recipe, an address in MLflow (models:/NAME@champion), "
        "a candidate, or {tune: SPACE} for the champion of a search over that space with the same budget.",
    )
    tasks: Annotated[
        Annotated[list[TaskModel], Field(min_length=1)] | None, Items(TaskModel.form, or_null="those of the search")
    ] = Field(
        None,
        description="Tasks to compare on, with seeds that the search never uses; null for the meta-test tasks of the split, or "
        "else for the tasks of the search.",
    )
    seeds: Annotated[int, Whole(2, 2**16)] = Field(
        16, description="Lifetimes of each candidate on each task, with random numbers that the search never uses."
    )
    suite: Annotated[str, OneOf(("none", "unseen", "all"))] = Field(
        "none",
        description="Tasks over which candidates are compared in one number too, the mean of normalized areas under the "
        "curve: those that the search does not see, all, or none.",
    )


class RefineModel(Section):
    """Searches over the numbers of the best structures alone, around the best candidate of each."""

    form: ClassVar[str] = "a mapping with structures, strategy, population, generations, seeds"

    structures: Annotated[int, Whole(1, 2**10)] = Field(2, description="How many structures are refined: those of the best.")
    strategy: Annotated[Any, Part("strategy")] = Field(
        {"SNES": {"std": 0.5}}, description="How numbers are moved; an evolution strategy, since no choice is open."
    )
    population: Annotated[int | None, Whole(1, 2**20, "that of the search")] = Field(
        None, description="Candidates in each generation; null for as many as in the search."
    )
    generations: Annotated[int, _Count] = Field(10, description="Generations of each structure.")
    seeds: Annotated[int | None, Whole(1, 2**16, "twice those of the search")] = Field(
        None, description="Lifetimes of a candidate on each task; null for twice as many as in the search."
    )


class AblateModel(Section):
    """The champion with each of its values back at that of a known algorithm."""

    form: ClassVar[str] = "a mapping with against, seeds, alone"

    against: Annotated[Any, Part("candidate")] = Field(
        None, description="The known algorithm; null for the nearest of 'init', or else of the report's baselines."
    )
    seeds: Annotated[int, Whole(2, 2**16)] = Field(
        16, description="Lifetimes on each task with and without each value, with random numbers that nothing else uses."
    )
    alone: Annotated[bool, Flag()] = Field(
        False, description="Whether each value is measured in the known algorithm too, which doubles the cost."
    )


class AfterModel(Section):
    """The phases after the last generation: the best are refined, and the champion that is chosen is explained."""

    form: ClassVar[str] = "a mapping with refine, ablate"

    refine: RefineModel | None = Field(
        None, description="Search the numbers of the best structures further, before the champion is chosen; null for not."
    )
    ablate: AblateModel | None = Field(
        None, description="Measure what each choice and number of the champion pays beside a known algorithm; null for not."
    )


def _with_tasks(schema: dict[str, Any]) -> None:
    """Have the schema ask for tasks, or for a split, whose tasks are those of the search."""
    schema["required"].remove("tasks")
    schema["anyOf"] = [{"required": ["tasks"]}, {"required": ["split"]}]


class ConfigModel(Section):
    """A search."""

    model_config = ConfigDict(json_schema_extra=_with_tasks)
    form: ClassVar[str] = "a mapping of keys to values"

    name: Annotated[str, Text()] = Field("search", description="Name of the search, and of its directory.")
    seed: Annotated[int, Whole(0, 2**32 - 1)] = Field(
        0, description="Seed of all random numbers: the same config gives the same results on the same machine."
    )
    candidate: Annotated[Any, Part("candidate")] = Field(
        description="Space of algorithms to search: a mapping of an algorithm's fields, which may start from a recipe. "
        "'free' leaves a number open, {choice: [A, B]} a component."
    )
    init: Annotated[Annotated[list[Annotated[Any, Part("start")]], Field(min_length=1)] | None, Items(START, "none")] = Field(
        None,
        description="Known candidates that the first generation holds, from whatever space: a recipe, an address in MLflow, a "
        "file, or a candidate. One that the space does not hold is refused, unless {nearest: CANDIDATE} goes with what it has.",
    )
    strategy: Annotated[Any, Part("strategy")] = Field(description="How the search proposes candidates.")
    objective: Annotated[Any, Part("objective")] = Field("final_return", description="Fitness of a candidate.")
    executor: Annotated[Any, Part("executor")] = Field("local", description="Where and how lifetimes run.")
    population: Annotated[int, _Members] = Field(description="Candidates in each generation.")
    generations: Annotated[int, _Count] = Field(description="How often candidates are proposed and evaluated.")
    seeds: Annotated[int, _Seeds] = Field(2, description="Lifetimes of each candidate on each task in a generation.")
    tasks: Annotated[list[TaskModel], Items(TaskModel.form)] = Field(
        min_length=1, description="Tasks on which candidates are evaluated."
    )
    split: SplitModel | None = Field(
        None,
        description="Split of tasks into those of the search and those of its report, which the search may not see; null for "
        "none.",
    )
    seen_before: Annotated[Annotated[list[TaskModel], Field(min_length=1)] | None, Items(TaskModel.form, "none")] = Field(
        None,
        description="Tasks that the searches have seen which found what this one begins with ('candidate', 'init'), written by "
        "discover: they count as seen; null for none.",
    )
    elites: Annotated[int, Whole(0, 2**20)] = Field(
        0,
        description="Best candidates so far that each generation evaluates again, beside its population, so that they are "
        "known by their mean.",
    )
    finalists: Annotated[int, _Members] = Field(
        8, description="Best candidates that are evaluated again after the last generation."
    )
    selection_seeds: Annotated[int, _Seeds] = Field(
        8, description="Lifetimes of each finalist on each task; the best finalist is the champion."
    )
    checkpoint_minutes: Annotated[float, NotNegative()] = Field(
        2.0, description="Minutes between checkpoints, from which `discover resume` goes on."
    )
    time_limit_seconds: Annotated[float | None, SecondsOrNull()] = Field(
        None,
        description="Seconds that one structure of a candidate may take on a task in a generation, compilation included; a "
        "structure that takes longer counts as broken.",
    )
    directory: Annotated[str, Text()] = Field("discover-runs", description="Folder in which the search's directory is made.")
    after: AfterModel | None = Field(None, description="Further phases, after the last generation; null for none.")
    report: ReportModel | None = Field(
        None, description="Comparison of the champion with baselines after the search; null for none."
    )
