"""Registered models: a version per search, once whatever happens, an alias that moves for a reason, and addresses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from discover_mlflow import registered, search_runs, sender
from discover_mlflow.__main__ import send
from discover_mlflow.models import fetch_candidate
from discover_mlflow.part import Part
from discover_mlflow.registered import registered_name
from discover_mlflow.session import TrackingWarning
from discover_mlflow.tracker import Tracker
from discover_mlflow.version_record import tasks_in, tasks_text
from discover_mlflow.versions import fixed_address, make_champion, version_at
from plugins.tracked import (
    TASKS,
    artifacts,
    client_of,
    comparison,
    copied,
    generation,
    search_info,
    search_result,
    toy_registry,
    tracked,
)

from discover import CandidatePage, ModelVersion, Registry, SearchInfo, TaskRun, UserError

Search = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return toy_registry()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> str:
    """A store for tests that use search names of their own."""
    return copied(empty_store, tmp_path_factory.mktemp("registry"))


@pytest.fixture
def search(shared: str, tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Search:
    """Run a search of some name to its end, in a directory of some name; returns the facts of the command."""

    monkeypatch.setattr(Part, "figures", lambda self, figures: None)
    monkeypatch.setattr(search_runs, "add_report", lambda *_: None)
    monkeypatch.setattr(CandidatePage, "html", lambda self: "<!doctype html>")  # it takes a while to draw
    monkeypatch.setattr(sender, "_GATHERING", 0.01)

    def run(name: str, directory: str = "s", *, promote: bool = False, resumed: bool = False) -> dict[str, Any]:
        info = named(search_info(tmp_path / directory, registry, resumed_from=1 if resumed else 0), name)
        result = search_result(tmp_path / directory, registry, comparison())
        tracker = Tracker(shared, promote=promote, directory=info.directory if resumed else None)
        tracker.discover_search_started(info)
        if not resumed:
            tracker.discover_generation_done(info, generation(0))
        tracker.discover_search_finished(info, result)
        return dict(tracker.discover_command_finished())

    return run


def named(info: SearchInfo, name: str) -> SearchInfo:
    return dataclasses.replace(info, name=name)


def test_the_alias_of_a_resumed_search_is_not_told_from_memory(shared: str, search: Search, tmp_path: Path) -> None:
    search("memory", "a")
    search("memory", "b", promote=True)
    tracker = Tracker(shared, directory=tmp_path / "a")
    facts = tracker.discover_command_finished()
    assert facts["model"] == "models:/memory/1"
    assert "model_alias" not in facts


def versions(store: str, name: str) -> list[Any]:
    found = client_of(store).search_model_versions(f"name = '{name}'", order_by=["version_number ASC"])
    return list(found)


def champion_of(store: str, name: str) -> str:
    return str(client_of(store).get_registered_model(name).aliases["champion"])


# A version per search -----------------------------------------------------------------------------------------------------


def test_the_champion_of_a_search_is_a_version_of_the_model_of_its_name(shared: str, search: Search, tmp_path: Path) -> None:
    facts = search("first")
    assert (facts["model"], facts["model_alias"]) == ("models:/first/1", "models:/first@champion")
    client = client_of(shared)
    model = client.get_registered_model("first")
    assert "discover train models:/first@champion --task CartPole-v1 --steps 10000" in model.description
    assert 'discover.load("models:/first@champion")' in model.description
    version = client.get_model_version("first", "1")
    assert (version.run_id, version.status) == (facts["run_id"], "READY")
    assert "champion is better than ppo on 1 of 2 runs.\n" in version.description
    assert "rate | 0.75 |" in version.description
    page = tmp_path / "s" / "tracking" / "artifacts" / "champion.md"
    assert page.read_text() == version.description
    assert page.with_suffix(".html").read_text().startswith("<!doctype html>")
    assert {"champion.md", "champion.html"} <= artifacts(shared, facts["run_id"])
    saved = (tmp_path / "s" / "champion.candidate").read_bytes()
    assert {key: version.tags[f"discover.{key}"] for key in ("verdict", "fitness", "directory", "tasks", "report_tasks")} == {
        "verdict": "champion is better than ppo on 1 of 2 runs.",
        "fitness": "3.5",
        "directory": str(tmp_path / "s"),
        "tasks": "CartPole-v1@10000, Acrobot-v1@20000",
        "report_tasks": "CartPole-v1@10000, Acrobot-v1@20000",
    }
    assert len(version.tags["discover.fingerprint"]) == 64
    logged = client.get_logged_model(client.get_run(facts["run_id"]).outputs.model_outputs[0].model_id)
    assert '"name": "first"' in logged.tags["mlflow.modelVersions"]
    for address in ("models:/first/1", "models:/first@champion", "models:/first/latest"):
        assert fetch_candidate(address, shared, tmp_path).read_bytes() == saved


def test_only_the_first_version_gets_the_alias_by_itself(shared: str, search: Search) -> None:
    search("alias", "a")
    second = search("alias", "b")
    assert second["model"] == "models:/alias/2"
    assert "model_alias" not in second
    assert champion_of(shared, "alias") == "1"
    client_of(shared).delete_registered_model_alias("alias", "champion")
    assert "model_alias" not in search("alias", "c")  # not the first: a comparison, or the user, decides


def test_promote_gives_the_alias_without_a_comparison(shared: str, search: Search) -> None:
    search("forced", "a")
    facts = search("forced", "b", promote=True)
    assert (facts["model"], facts["model_alias"]) == ("models:/forced/2", "models:/forced@champion")
    assert champion_of(shared, "forced") == "2"
    assert versions(shared, "forced")[1].tags["discover.promoted"] == "without a comparison (--promote)"


@pytest.mark.slow
def test_sending_again_makes_no_second_version_and_moves_no_alias_back(shared: str, search: Search, tmp_path: Path) -> None:
    search("again", "a", promote=True)
    search("again", "b", promote=True)
    for lose in (lambda: None, (tmp_path / "a" / "tracking" / "state.json").unlink):
        lose()
        assert send(tmp_path / "a" / "tracking", shared) == 0
        assert search("again", "a", resumed=True, promote=True)["model"] == "models:/again/1"
    assert [version.version for version in versions(shared, "again")] == [1, 2]
    assert champion_of(shared, "again") == "2"
    runs = client_of(shared).search_runs(["1"], "attributes.run_name = 'again'")
    assert {version.run_id for version in versions(shared, "again")} == {run.info.run_id for run in runs}


def test_searches_that_end_at_once_get_a_version_each_and_one_champion(shared: str, search: Search) -> None:
    with ThreadPoolExecutor() as pool:
        facts = [*pool.map(lambda directory: search("at once", directory), "abc")]
    assert sorted(fact["model"] for fact in facts) == [f"models:/at once/{number}" for number in (1, 2, 3)]
    assert {version.run_id for version in versions(shared, "at once")} == {fact["run_id"] for fact in facts}
    assert champion_of(shared, "at once") == "1"


@pytest.mark.parametrize("place", ["_link", pytest.param("promote", marks=pytest.mark.slow)])
def test_a_failure_halfway_makes_no_second_version(
    shared: str, search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*_: object) -> None:
        monkeypatch.undo()
        raise ConnectionError("connection reset")

    monkeypatch.setattr(registered, place, fail)
    name = f"halfway {place}"
    with pytest.warns(TrackingWarning, match="connection reset"):
        facts = search(name)
    assert facts["model_alias"] == f"models:/{name}@champion"
    assert len(versions(shared, name)) == 1


def test_a_report_that_is_made_again_updates_its_version(
    shared: str, search: Search, tmp_path: Path, registry: Registry
) -> None:
    search("report")
    result = search_result(tmp_path / "s", registry, dataclasses.replace(comparison(), verdict="champion is worse than ppo."))
    info = named(search_info(tmp_path / "s", registry, resumed_from=1), "report")
    tracked(shared, info, range(0), lambda tracker: tracker.discover_search_finished(info, result))
    (version,) = versions(shared, "report")
    assert version.tags["discover.verdict"] == "champion is worse than ppo."
    assert "champion is worse than ppo.\n" in version.description


def test_a_search_inside_another_is_no_version(shared: str, tmp_path: Path, registry: Registry) -> None:
    outer, inner = (named(search_info(tmp_path / name, registry), name) for name in ("outer", "inner"))
    tracker = Tracker(shared)
    tracker.discover_search_started(outer)
    tracker.discover_search_started(inner)
    tracker.discover_search_finished(inner, search_result(inner.directory, registry))
    tracker.discover_search_finished(outer, search_result(outer.directory, registry))
    assert tracker.discover_command_finished()["model"] == "models:/outer/1"
    assert not versions(shared, "inner")


# Names --------------------------------------------------------------------------------------------------------------------


def test_a_name_that_mlflow_would_refuse_is_made_to_fit_and_said_once(shared: str, search: Search, tmp_path: Path) -> None:
    with pytest.warns(TrackingWarning, match="of the search 'drift/v2: long' is called 'drift_v2_ long-3cd7bd'"):
        facts = search("drift/v2: long")
    assert facts["model_alias"] == "models:/drift_v2_ long-3cd7bd@champion"
    assert search("drift/v2: long", resumed=True)["model"] == facts["model"]  # a second warning would be an error
    assert fetch_candidate(facts["model_alias"], shared, tmp_path).exists()


@pytest.mark.parametrize("name", ["a/b", "a:b", "a@b", "..", "/", " ", "it's", "100 %", "x" * 300, "é/ü", "m\nn"])
def test_every_name_fits_and_none_twice(shared: str, name: str) -> None:
    fitting = registered_name(name)
    assert len(fitting) < 250
    assert fitting != registered_name(name + "/")
    client = client_of(shared)
    assert client.create_registered_model(fitting).name == fitting
    assert list(client.search_model_versions(f"name = '{fitting}'")) == []


def test_the_model_of_something_else_is_left_alone(shared: str, search: Search, tmp_path: Path) -> None:
    client_of(shared).create_registered_model("production")
    with pytest.warns(TrackingWarning) as caught:
        facts = search("production")
    assert "the registered model 'production' is not of a search: rename it, or the search" in str(caught[0].message)
    assert "model" not in facts
    assert not versions(shared, "production")
    client_of(shared).rename_registered_model("production", "of something else")
    assert send(tmp_path / "s" / "tracking", shared) == 0  # nothing is lost
    assert len(versions(shared, "production")) == 1


def test_a_store_without_a_registry_costs_one_warning(
    shared: str, search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    def disabled(*_: object) -> None:
        error = MlflowException("Model Registry features are not supported by the store")
        error.error_code = "FEATURE_DISABLED"
        raise error

    monkeypatch.setattr(MlflowClient, "get_registered_model", disabled)
    with pytest.warns(TrackingWarning) as caught:
        facts = search("bare")
    (warning,) = caught
    assert "has no registry of models (Model Registry features are not supported" in str(warning.message)
    assert "model" not in facts
    assert fetch_candidate(facts["run_id"], shared, tmp_path).exists()


# Addresses ----------------------------------------------------------------------------------------------------------------


def test_a_mistake_in_an_address_names_what_there_is(shared: str, search: Search, tmp_path: Path) -> None:
    search("quickstart", "a")
    search("quickstart", "b")
    mistakes = {
        "models:/quikstart/1": r"no registered model is called 'quikstart': did you mean 'quickstart'\? Known: ",
        "models:/quikstart@champion": r"no registered model is called 'quikstart': did you mean 'quickstart'\? Known: ",
        "models:/quickstart/7": r"the registered model 'quickstart' has no version '7'\. The newest: 2, 1\.",
        "models:/quickstart/Production": r"the registered model 'quickstart' has no version 'Production'\. The newest: 2, 1\.",
        "models:/quickstart@champoin": r"has no alias 'champoin': did you mean 'champion \(version 1\)'\? Known: ",
        "models:/quickstart": r"^'models:/quickstart' names no version: give one, such as models:/quickstart/2 \(the newest\) "
        r"or models:/quickstart@champion \(version 1\)\.$",
        "models:/m-0123456789abcdef0123456789abcdef": r"there is no candidate at 'models:/m-0123",
    }
    for address, why in mistakes.items():
        with pytest.raises(UserError, match=why) as caught:
            fetch_candidate(address, shared, tmp_path)
        assert "\n" not in str(caught.value)


def test_an_empty_registry_says_how_models_get_there(store: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no model is registered there yet; a search that has finished registers its champion"):
        fetch_candidate("models:/quickstart/1", store, tmp_path)


def test_a_run_without_a_champion_says_why(shared: str, tmp_path: Path, registry: Registry) -> None:
    info = search_info(tmp_path, registry)
    failed = tracked(shared, info, range(1), lambda tracker: tracker.discover_search_failed(info, ValueError("no")))
    with pytest.raises(UserError, match=r"has no champion \(the search has failed; discover resume [0-9a-f]{32} goes on with"):
        fetch_candidate(str(failed.run_id), shared, tmp_path)


# The alias ----------------------------------------------------------------------------------------------------------------


def test_a_version_knows_its_champion_and_the_tasks_to_compare_on(shared: str, search: Search) -> None:
    search("known", "a")
    run_id = search("known", "b")["run_id"]
    expected = ModelVersion("models:/known/2", "models:/known/1", list(TASKS))
    for address in ("models:/known/2", "models:/known/latest", run_id, f"runs:/{run_id}"):
        assert version_at(address, shared) == expected
    assert version_at("models:/known@champion", shared).address == "models:/known/1"
    with pytest.raises(UserError, match="has no version of a registered model"):
        version_at("0" * 32, shared)


def test_an_alias_is_told_by_the_version_that_it_is(shared: str, search: Search, tmp_path: Path) -> None:
    search("fixed", "a")
    search("fixed", "b")
    assert fixed_address("models:/fixed@champion", shared) == "models:/fixed/1"
    assert fixed_address("models:/fixed/latest", shared) == "models:/fixed/2"
    for address in ("models:/fixed/7", "runs:/ab", "models:/m-0123456789abcdef0123456789abcdef"):
        assert fixed_address(address, None) == address
    with pytest.raises(UserError, match="the registered model 'fixed' has no alias 'champoin': did you mean 'champion"):
        fixed_address("models:/fixed@champoin", shared)


def test_the_alias_moves_with_its_reason_unless_the_champion_has_changed(shared: str, search: Search) -> None:
    for directory in "abc":
        search("moved", directory)
    second, third = (version_at(f"models:/moved/{number}", shared) for number in (2, 3))
    make_champion(second, "better on 2 of 2 runs.", shared)
    assert champion_of(shared, "moved") == "2"
    assert versions(shared, "moved")[1].tags["discover.promoted"] == "better on 2 of 2 runs."
    make_champion(second, "better on 2 of 2 runs.", shared)  # a repetition changes nothing
    with pytest.raises(UserError, match=r"^models:/moved/2 has become the champion meanwhile, instead of models:/moved/1"):
        make_champion(third, "better on 1 of 2 runs.", shared)
    assert champion_of(shared, "moved") == "2"


def test_tasks_survive_their_tag() -> None:
    runs = [TaskRun("CartPole-v1", 20_000), TaskRun("a, b@c", 3), TaskRun("catch", 1)]
    assert tasks_in(tasks_text([*runs[::2]])) == [*runs[::2]]
    assert tasks_in("") == tasks_in("nothing of the kind") == []
