"""Trained agents: kept, read again, evaluated and drawn."""

import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest
import toys
from PIL import Image

from discover import Algorithm, Executor, TaskRun, UserError
from discover.config.build import algorithm_from, component_from, environment_from
from discover.evaluation.agent_file import agent_files, load_agent, save_agents
from discover.evaluation.animation import animate
from discover.evaluation.episodes import play
from discover.evaluation.train import train
from discover.inner_loop.agents import Learned

REGISTRY = toys.plugins().registry
KEY = jax.random.key(0)


def executor() -> Executor:
    return component_from(REGISTRY, Executor, "local", "executor")


def trained(algorithm: Algorithm, folder: Path, run: TaskRun, seeds: int = 2) -> list[Learned]:
    """Train a candidate, and keep its agents."""
    learned: list[Learned] = []
    training = train(REGISTRY, executor(), "mine", algorithm, run=run, seeds=seeds, keep=learned.extend)
    save_agents(folder, REGISTRY, training, learned)
    return learned


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The agents of a toy: ten updates raise the action to 20."""
    place = tmp_path_factory.mktemp("agents")
    words = {"recipe": "climb", "rule": {"toy_climb": {"slope": 2.0, "noise": 0.0, "steps": 5}}}
    trained(algorithm_from(REGISTRY, words), place, TaskRun("payday", 100))
    return place


def test_an_agent_comes_back_from_its_file_and_acts(folder: Path) -> None:
    first, second = agent_files(folder)
    agent, environment = load_agent(second, REGISTRY)
    assert (first.name, agent.name, agent.run, agent.seed) == ("seed-0.agent", "mine", TaskRun("payday", 100), 1)
    assert agent.trained_return == pytest.approx(82.0)
    assert agent.learned.params["policy"].tolist() == [20.0]
    result = play(agent, environment, KEY, episodes=3, sample=True)
    assert result.returns.tolist() == [100.0] * 3
    assert result.lengths.tolist() == [5] * 3
    assert result.interval == (100.0, 100.0, 100.0)
    assert str(result) == "mean return 100.0, 95 % interval [100.0, 100.0], of 3 episodes"


def test_numpy_reads_the_parameters_by_their_path(folder: Path) -> None:
    with np.load(folder / "seed-0.agent") as arrays:
        assert arrays["learned/params/policy"].tolist() == [20.0]


@pytest.mark.slow
def test_to_keep_agents_changes_no_number() -> None:
    toy, run = algorithm_from(REGISTRY, "climb"), TaskRun("payday", 80)
    alone = train(REGISTRY, executor(), "toy", toy, run=run, seeds=3)
    kept = train(REGISTRY, executor(), "toy", toy, run=run, seeds=3, keep=lambda learned: None)
    assert np.array_equal(alone.curves, kept.curves)
    assert alone.env_steps == kept.env_steps


@pytest.mark.slow
def test_a_greedy_agent_catches_and_is_drawn_with_the_statistics_of_its_normalizer(tmp_path: Path) -> None:
    rule = {"dqn": {"optimizer": "sgd", "capacity": 80, "batch": 8, "learning_starts": 0, "num_envs": 8}}
    words = {"rule": rule, "network": "linear", "normalizer": "observations"}
    algorithm = algorithm_from(REGISTRY, words)
    (learned,) = trained(algorithm, tmp_path, TaskRun("catch", 160), seeds=1)
    agent, environment = load_agent(tmp_path / "seed-0.agent", REGISTRY)
    assert jax.tree.all(jax.tree.map(np.array_equal, agent.learned, learned))
    assert jax.tree.leaves(learned.statistics)
    result = play(agent, environment, KEY, episodes=4)
    assert set(result.lengths.tolist()) == {7}
    assert set(np.abs(result.returns)) == {1.0}
    assert (tmp_path / "seed-0.agent").stat().st_size < 30_000  # without a replay buffer
    assert animate(agent, environment, KEY, tmp_path / "it.gif") == 7
    with Image.open(tmp_path / "it.gif") as picture:
        assert picture.format == "GIF"
        assert picture.n_frames > 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("task", "inside"), [("cliff", 30), ("navigation-square", 8), ("CartPole-v1", 30), ("Pendulum-v1", 8), ("Acrobot-v1", 8)]
)
def test_an_environment_draws_its_states(task: str, inside: int) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    environment, figure = environment_from(REGISTRY, task), Figure(figsize=(1, 1))
    canvas, drawn = FigureCanvasAgg(figure), environment.sample_task(KEY)
    environment.render(figure.add_subplot(), jax.device_get(environment.reset(KEY, drawn)[0]), jax.device_get(drawn))
    canvas.draw()
    assert (np.asarray(canvas.buffer_rgba())[..., :3] < 255).any(axis=-1).sum() > inside


def altered(source: Path, target: Path, old: bytes, new: bytes) -> Path:
    """A copy of an agent file whose text has changed."""
    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            after.writestr(name, data.replace(old, new) if name.endswith(".json") else data)
    return target


def test_a_file_that_is_damaged_altered_or_no_agent_is_refused(folder: Path, tmp_path: Path) -> None:
    whole = folder / "seed-0.agent"
    (tmp_path / "cut.agent").write_bytes(whole.read_bytes()[:-40])
    (tmp_path / "text.agent").write_text("hello")
    with pytest.raises(UserError, match="is damaged or no agent"):
        load_agent(tmp_path / "cut.agent", REGISTRY)
    with pytest.raises(UserError, match="is damaged or no agent"):
        load_agent(tmp_path / "text.agent", REGISTRY)
    with pytest.raises(UserError, match="does not exist"):
        load_agent(tmp_path / "none.agent", REGISTRY)
    with pytest.raises(UserError, match="has been altered"):
        load_agent(altered(whole, tmp_path / "a.agent", b'"steps": 100', b'"steps": 900'), REGISTRY)
    with pytest.raises(UserError, match="this version reads 1"):
        load_agent(altered(whole, tmp_path / "b.agent", b'"format": 1', b'"format": 7'), REGISTRY)


def test_another_task_must_have_the_same_spaces(folder: Path) -> None:
    with pytest.raises(UserError, match=r"was trained on 'payday' .* but 'catch' has observations \[8, 8\], 3 actions"):
        load_agent(folder / "seed-0.agent", REGISTRY, "catch")
    with pytest.raises(UserError, match="no task is called 'paydya'"):
        load_agent(folder / "seed-0.agent", REGISTRY, "paydya")


def test_what_cannot_be_evaluated_says_why(folder: Path) -> None:
    agent, environment = load_agent(folder / "seed-0.agent", REGISTRY)
    with pytest.raises(UserError, match="episodes must be at least 2"):
        play(agent, environment, KEY, episodes=1, sample=True)
    with pytest.raises(UserError, match="Climb chooses actions in its own way"):
        play(agent, environment, KEY, episodes=2)
    with pytest.raises(UserError, match="the environment Payday draws no pictures"):
        animate(agent, environment, KEY, folder / "it.gif", sample=True)
    with pytest.raises(UserError, match=r"ends in '\.gif'"):
        animate(agent, environment, KEY, folder / "it.png", sample=True)
