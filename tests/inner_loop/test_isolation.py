"""A candidate never ends the search: whatever it does costs its own structure, or its own member, and nobody else a bit."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scripted import Scripted

from discover import Done, Executor, Failure, Proposal, Registry, Space, Strategy, Told, UserError, Work, component, hookimpl
from discover.base.errors import EvaluationError
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.contract.events import Generation, Status, TaskRun
from discover.contract.executor import Curves
from discover.contract.results import SearchResult
from discover.evaluation.compare import compare
from discover.evaluation.train import train
from discover.inner_loop.isolation import ATTEMPTS, Outcomes, outcomes_of
from discover.outer_loop.search import search
from discover.plugin.loader import Plugins, load_plugins

SOUND, OTHER = {"trap": {"slope": "free"}}, {"toy_climb": {"slope": "free"}}
LARGE = (2.0, 3.0)  # coordinates of slopes above 2, where host callbacks break


class Watcher:
    def __init__(self) -> None:
        self.generations: list[Generation] = []

    @hookimpl
    def discover_generation_done(self, generation: Generation) -> None:
        self.generations.append(generation)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin folder with the rule that breaks."""
    return Path(shutil.copytree(Path(__file__).parent / "traps", tmp_path_factory.mktemp("traps") / "folder"))


@pytest.fixture(scope="module")
def trapped(folder: Path) -> Plugins:
    """Plugins with that folder: what is compiled for them is compiled once."""
    return load_plugins(folder)


def trap(how: str) -> dict[str, Any]:
    return {"trap": {"slope": "free", "how": how}}


def genome(option: int, options: int, coordinate: float) -> list[float]:
    return [float(i == option) for i in range(options)] + [coordinate] * options


def words(rules: list[Any], genomes: list[list[float]], **change: Any) -> dict[str, Any]:
    return {
        "candidate": {"rule": {"choice": rules} if len(rules) > 1 else rules[0], "network": "toy_blank"},
        "strategy": {"toy_listed": {"genomes": genomes}},
        "objective": "toy_finalreturn",
        "population": len(genomes),
        "generations": 1,
        "seeds": 2,
        "finalists": 2,
        "selection_seeds": 2,
        "tasks": [{"task": "payday", "steps": 40}],
        **change,
    }


def searched(plugins: Plugins, words: dict[str, Any], directory: Path) -> tuple[Generation, SearchResult]:
    watcher = Watcher()
    plugins.manager.register(watcher)
    try:
        result = search(plugins, words, directory)
    finally:
        plugins.manager.unregister(watcher)
    return watcher.generations[0], result


def same(one: Generation, other: Generation, members: list[int]) -> None:
    for a, b in zip(one.returns, other.returns, strict=True):
        assert a[members].tobytes() == b[members].tobytes()


# Tracing --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("how", "why"), [("exit", "SystemExit: 0"), ("close", "GeneratorExit")])
def test_a_rule_that_exits_while_it_is_traced_costs_its_structure_alone(
    trapped: Plugins, tmp_path: Path, how: str, why: str
) -> None:
    population = [genome(0, 2, 0.1), genome(1, 2, 0.1), genome(0, 2, 0.4)]
    broken, result = searched(trapped, words([SOUND, trap(how)], population), tmp_path / "broken")
    sound, _ = searched(trapped, words([SOUND, OTHER], population), tmp_path / "sound")
    assert broken.status.tolist() == [Status.OK, Status.ERROR, Status.OK]
    told = rf"{why}, in folder/traps\.py:\d+, with rule=Trap\(slope=free\(\), how='{how}'\)"
    assert re.fullmatch(told, broken.errors[1]), broken.errors
    same(broken, sound, [0, 2])
    assert result.champion_path.exists()
    assert result.broken == {"error": 1}


def test_a_first_candidate_that_exits_is_one_sentence(trapped: Plugins, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"^the first candidate cannot be traced on payday @ 40 \(SystemExit: 0, in fold"):
        search(trapped, words([trap("exit")], [[0.1]]), tmp_path / "it")


@pytest.mark.slow
def test_an_exit_is_never_the_end_of_a_command_in_silence(folder: Path, trapped: Plugins, tmp_path: Path) -> None:
    """Neither of a training, nor of a comparison, nor by what nobody foresaw."""
    (tmp_path / "bad.yaml").write_text("rule: {trap: {how: exit}}\nnetwork: toy_blank\n")
    registry = trapped.registry
    candidate = algorithm_from(registry, {"rule": {"trap": {"how": "exit"}}, "network": "toy_blank"})
    executor, run = default_executor(registry), TaskRun("payday", 40)
    told = r"^bad cannot be traced on payday @ 40 \(SystemExit: 0, in folder/traps\.py:\d+\): repair the component"
    with pytest.raises(EvaluationError, match=told):
        train(registry, executor, "bad", candidate, run=run, seeds=2)
    with pytest.raises(EvaluationError, match=told):
        compare(registry, executor, {"bad": candidate}, [run], seeds=2)
    line = ["train", "bad.yaml", "--task", "payday", "--steps", "40", "--no-tracking", "--plugins-dir", str(folder)]
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    made = subprocess.run(
        [sys.executable, "-m", "discover", *line],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
        env={**os.environ, "PYTHONPATH": paths, "DISCOVER_CACHE": "off"},
    )
    assert (made.returncode, made.stdout) == (1, ""), made.stderr
    assert made.stderr.startswith("error: bad.yaml cannot be traced on payday @ 40 (SystemExit: 0, in folder/traps.py:")
    assert len(made.stderr.splitlines()) == 1


# Host callbacks -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("how", "why"), [("host error", "ValueError: above 2"), ("host exit", "SystemExit: 0")])
def test_a_host_callback_that_fails_for_some_values_costs_those_members(
    trapped: Plugins, tmp_path: Path, how: str, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [0.1, *LARGE, 0.4, 0.2]
    broken, result = searched(trapped, words([trap(how)], [[row] for row in rows]), tmp_path / "broken")
    printed = capfd.readouterr()
    sound, _ = searched(trapped, words([trap(how)], [[0.1], [0.3], [0.5], [0.4], [0.2]]), tmp_path / "sound")
    assert broken.status.tolist() == [Status.OK, Status.ERROR, Status.ERROR, Status.OK, Status.OK]
    assert set(broken.errors) == {1, 2}
    for reason in broken.errors.values():
        assert re.fullmatch(rf"{why}, in folder/traps\.py:\d+", reason), reason
    same(broken, sound, [0, 3, 4])
    assert result.champion_path.exists()
    assert "Traceback" not in printed.err + printed.out


@pytest.mark.slow
def test_an_agent_that_lives_on_stays_as_it_was_where_a_host_callback_fails(folder: Path, tmp_path: Path) -> None:
    plugins = load_plugins(folder, extra=[_Brings()])

    def lived(*rows: float) -> tuple[Generation, SearchResult]:
        kept = {"kept": {"genomes": [[row] for row in rows]}}
        change = {"strategy": kept, "generations": 2, "seeds": 1, "tasks": [{"task": "payday", "steps": 80}]}
        change |= {"finalists": 1, "selection_seeds": 1}
        return searched(plugins, words([trap("host error")], [[row] for row in rows], **change), tmp_path / str(rows[1]))

    broken, result = lived(0.1, 2.0, 0.4)
    sound, _ = lived(0.1, 0.2, 0.4)
    assert broken.status.tolist() == [Status.OK, Status.ERROR, Status.OK]
    assert re.fullmatch(r"ValueError: above 2, in folder/traps\.py:\d+", broken.errors[1])
    same(broken, sound, [0, 2])
    assert result.broken == {"error": 2}


def test_ctrl_c_inside_a_host_callback_stops_the_search(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins = load_plugins(folder)
    traps = sys.modules["discover_file_plugin_traps"]

    def interrupt(how: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(traps, "misbehave", interrupt)
    with pytest.raises(KeyboardInterrupt):
        search(plugins, words([trap("host error")], [[0.1], [2.0]]), tmp_path / "it")


# A limit of time ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_alike")
def test_what_never_ends_or_ends_its_process_costs_its_structure_alone(
    trapped: Plugins, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """As does what says that it was ctrl-C: that of the user comes to nobody but the process that asks."""
    rules = [SOUND, trap("loop"), trap("die"), OTHER, trap("stop")]
    population = [genome(place, 5, value) for place, value in [(0, 0.1), (1, 0.1), (3, 0.1), (2, 0.1), (0, 0.4), (4, 0.1)]]
    sound, _ = searched(trapped, words([SOUND, SOUND, SOUND, OTHER, SOUND], population), tmp_path / "sound")
    started = time.monotonic()
    broken, result = searched(trapped, words(rules, population, time_limit_seconds=10), tmp_path / "broken")
    assert time.monotonic() - started < 60
    assert "Traceback" not in capfd.readouterr().err
    assert broken.status.tolist() == [Status.OK, Status.TIME, Status.OK, Status.ERROR, Status.OK, Status.ERROR]
    assert re.fullmatch(r"KeyboardInterrupt, in folder/traps\.py:\d+, with rule=Trap\(.*'stop'\)", broken.errors[5])
    assert {member: why for member, why in broken.errors.items() if member != 5} == {
        1: "it took longer than 10 s and was ended, with rule=Trap(slope=free(), how='loop')",
        3: "it ended its process (exit status 3), with rule=Trap(slope=free(), how='die')",
    }
    same(broken, sound, [0, 2, 4])
    assert result.broken == {"time": 1, "error": 2}
    assert result.champion_path.exists()


@pytest.mark.slow
def test_the_process_ends_with_the_one_that_asks(folder: Path, tmp_path: Path) -> None:
    """Even if that one is killed without warning while a structure never ends."""
    script = (
        "import json, pathlib, sys\n"
        "from discover.plugin.loader import load_plugins\n"
        "from discover.outer_loop.search import search\n"
        "search(load_plugins(sys.argv[1]), json.loads(sys.argv[2]), pathlib.Path(sys.argv[3]))\n"
    )
    config = words([SOUND, trap("loop")], [genome(1, 2, 0.1), genome(0, 2, 0.1)], time_limit_seconds=500)
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    asking = subprocess.Popen(
        [sys.executable, "-c", script, str(folder), json.dumps(config), str(tmp_path / "it")],
        env={**os.environ, "PYTHONPATH": paths},
    )
    try:
        (child,) = _until(lambda: _children(asking.pid))
        _until(lambda: (tmp_path / "it" / "config.yaml").exists())
    finally:
        asking.kill()
        asking.wait()
    _until(lambda: not Path(f"/proc/{child}").exists())


def _children(process: int) -> list[int]:
    """Workers of a process that are alive."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in found if b"discover.outer_loop.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _until(holds: Callable[[], Any]) -> Any:
    """What a condition gives, once it holds."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it does not come to hold")


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_alike")
def test_a_host_callback_that_never_ends_costs_its_structure_alone(folder: Path, tmp_path: Path) -> None:
    plugins, population = load_plugins(folder), [genome(0, 2, 0.1), genome(1, 2, 3.0), genome(0, 2, 0.4)]
    sound, _ = searched(plugins, words([SOUND, SOUND], population), tmp_path / "sound")
    limited = words([SOUND, trap("host loop")], population, time_limit_seconds=20)
    broken, _ = searched(plugins, limited, tmp_path / "broken")
    assert broken.status.tolist() == [Status.OK, Status.TIME, Status.OK]
    same(broken, sound, [0, 2])


def test_a_limit_of_time_is_refused_where_it_cannot_hold(folder: Path, tmp_path: Path) -> None:
    limited = words([SOUND], [[0.1]], time_limit_seconds=1)
    with pytest.raises(UserError, match=r"^time_limit_seconds 1: structures run in another process then, which cannot"):
        search(load_plugins(folder, extra=[Watcher(), _Brings()]), limited, tmp_path / "it")
    ongoing = {**limited, "strategy": "pbt", "population": 4}
    with pytest.raises(UserError, match=r"^time_limit_seconds 1 does not go with a strategy that keeps agents alive: take"):
        search(load_plugins(folder), ongoing, tmp_path / "it")
    for wrong in (0, -1, "long", float("inf"), float("nan")):
        with pytest.raises(UserError, match=r"^time_limit_seconds must be a number"):
            search(load_plugins(folder), {**limited, "time_limit_seconds": wrong}, tmp_path / "it")
    assert not (tmp_path / "it").exists()


@component
class Kept(Strategy):
    """Proposes the genomes that it was given; each agent goes on with its own life."""

    genomes: tuple[tuple[float, ...], ...]

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        return jnp.zeros(())

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        return Proposal(jnp.asarray(self.genomes, jnp.float32), jnp.arange(population)), state

    def tell(self, key: jax.Array, state: Any, space: Space, told: Told) -> Any:
        return state


class _Brings:
    """A plugin that is an object and brings a component."""

    @hookimpl
    def discover_register(self, registry: Registry) -> None:
        registry.add("kept", Kept)


# By hand --------------------------------------------------------------------------------------------------------------


class Breaks(Scripted):
    """Returns each number, breaks with it as a host callback would above 2, and otherwise above 5."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def made(self, work: Work, progress: Any) -> Done:
        curves, life = self.curves(work, progress), work.ongoing
        if life is not None:
            life = life._replace(level=life.level + (work.stop - work.start) * jnp.asarray(work.candidates["number"])[:, None])
        return Done(curves, life)

    def curves(self, work: Work, progress: Any) -> Curves:
        numbers = np.asarray(work.candidates["number"])
        self.asked.append(len(numbers))
        if numbers.max() > 9:
            raise KeyboardInterrupt
        if numbers.max() > 2:
            raise RuntimeError("broken") if numbers.max() > 5 else ValueError("Error calling callback: above 2")
        returns = np.broadcast_to(numbers[:, None, None], (*work.shape, 100)).astype(np.float32)
        finite = np.asarray(numbers >= 0)[:, None] | np.asarray([True, False])
        return Curves(returns, returns, {}, finite, np.full(finite.shape, 2**30, np.int32))


def piece(*numbers: float, stop: int = 8, **more: Any) -> Work:
    keys: Any = jax.random.split(jax.random.key(0))
    return Work(None, {"number": np.asarray(numbers)}, keys, stop=stop, total=8, **more)  # type: ignore[arg-type]


def parted(*numbers: float) -> tuple[Outcomes, list[int]]:
    executor = Breaks()
    ((_, made),) = outcomes_of(executor, [piece(*numbers)])
    np.testing.assert_array_equal(made.returns[:, :, 3], [[number if number <= 2 else np.nan] * 2 for number in numbers])
    assert made.returns.shape == (len(numbers), 2, 100)
    return made, executor.asked


def test_members_are_run_alone_only_where_a_callback_failed_for_one_of_several() -> None:
    made, asked = parted(0.0, -1.0, 2.0)
    assert (made.status.tolist(), made.errors, made.env_steps.sum(), asked) == ([0, 1, 0], {}, 6 * 2**30, [3])
    made, asked = parted(0.0, 3.0, -1.0, 4.0)
    assert (made.status.tolist(), list(made.errors), made.env_steps.sum()) == ([0, 3, 1, 3], [1, 3], 4 * 2**30)
    assert asked == [4, 1, 1, 1, 1]
    assert made.errors[3] == "Error calling callback: above 2"
    made, asked = parted(3.0)
    assert (made.status.tolist(), list(made.errors), made.env_steps.sum(), asked) == ([3], [0], 0, [1])
    made, asked = parted(6.0, 7.0)
    assert (made.status.tolist(), list(made.errors), made.env_steps.sum(), asked) == ([3, 3], [0, 1], 0, [2])
    assert made.errors[0].startswith("RuntimeError: broken, in inner_loop/test_isolation.py:")
    with pytest.raises(KeyboardInterrupt):
        parted(10.0, 0.0)


class Lives(NamedTuple):
    """Lifetimes that go on, two seeds of each member, as far as this module knows them."""

    counts: jax.Array
    level: jax.Array


def gone_on(*numbers: float) -> tuple[Any, Outcomes, list[int]]:
    executor, lives = Breaks(), Lives(jnp.zeros((len(numbers), 2, 100)), jnp.full((len(numbers), 2), 7.0))
    ((_, part),) = outcomes_of(executor, [piece(*numbers, start=4, stop=6, ongoing=lives, keep=True)])
    assert part.lifetimes is not None
    assert part.lifetimes.counts.shape == lives.counts.shape
    return part.lifetimes.level.tolist(), part, executor.asked


def test_agents_go_on_alone_only_where_a_callback_failed_and_the_broken_ones_stay_as_they_were() -> None:
    level, part, asked = gone_on(0.5, -1.0, 2.0)
    assert (level, part.status.tolist(), part.errors, asked) == ([[8.0] * 2, [5.0] * 2, [11.0] * 2], [0, 1, 0], {}, [3])
    level, part, asked = gone_on(0.5, 3.0, 2.0, 4.0)
    assert (level, part.status.tolist(), asked) == (
        [[8.0] * 2, [7.0] * 2, [11.0] * 2, [7.0] * 2],
        [0, 3, 0, 3],
        [4, 1, 1, 1, 1],
    )
    assert part.errors == dict.fromkeys((1, 3), "Error calling callback: above 2")
    assert (part.returns.shape, part.env_steps.sum()) == ((4, 2, 100), 4 * 2**30)
    with pytest.raises(
        EvaluationError, match=r"^no agent can go on \(RuntimeError: broken, in .*\): repair the component that"
    ):
        gone_on(0.5, 6.0)
    with pytest.raises(KeyboardInterrupt):
        gone_on(0.5, 10.0)


class Loses(Executor):
    """Gives the last piece first, and loses each piece some times before it is done."""

    def __init__(self, losses: int) -> None:
        self.losses, self.inner = losses, Breaks()

    def run(self, work: Any, progress: Any = None) -> Any:
        self.losses -= 1
        for place in reversed(range(len(work))):
            if self.losses >= 0 and place:
                yield place, Failure("machine", "a worker was killed", "again")
            elif self.losses < 0:
                yield place, next(self.inner.run([work[place]]))[1]


@pytest.mark.parametrize("losses", range(ATTEMPTS))
def test_work_that_a_machine_loses_is_done_again_and_costs_no_candidate(losses: int) -> None:
    executor = Loses(losses)
    found = list(outcomes_of(executor, [piece(0.0, 1.0), piece(-1.0), piece(0.5, 3.0)]))
    assert sorted(place for place, _ in found) == [0, 1, 2]
    made = dict(found)
    assert [made[place].status.tolist() for place in range(3)] == [[0, 0], [1], [0, 3]]
    assert executor.inner.asked == [2, 1, 2, 1, 1]


def test_a_machine_that_never_works_ends_the_search() -> None:
    told = r"^2 pieces of work failed 3 times through no fault of a candidate \(a worker was killed\): repair the machine, and"
    with pytest.raises(EvaluationError, match=told):
        list(outcomes_of(Loses(99), [piece(0.0), piece(1.0)]))
