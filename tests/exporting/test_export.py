"""Exported files: they need no framework, and their updates are those of the original."""

import ast
import functools
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import jax
import numpy as np
import pytest
import toys

from discover import Algorithm, Continuous, Head, Heads, Key, Rollout, Space, Spec, UpdateRule, UserError, World, component
from discover.config.build import algorithm_from
from discover.exporting import export
from discover.exporting.export import export_candidate
from discover.exporting.module import module_of
from discover.exporting.reference import fitting_spec, reference_of

SIZES = {"steps": 8, "num_envs": 4}
MIRROR = {**SIZES, "epochs": 2, "minibatches": 2}
CLIPPED = {"clip_norm": {"optimizer": "adam", "max_norm": 0.5}}
NETWORK = {"mlp": {"hidden": [8]}}


def candidate(rule: dict, network: object = NETWORK) -> Algorithm:
    return algorithm_from(toys.plugins().registry, {"rule": rule, "network": network})


def filled(algorithm: Algorithm, key: Key) -> Algorithm:
    """A candidate with random weights in the place of open ones."""
    space = Space(algorithm)
    return space.decode(jax.random.normal(key, (space.dimension,)))


def drift(name: str) -> Algorithm:
    options = {"one_of_returns": {"options": ["gae", {"n_step": {"n": 3}}], "index": 1}}
    rule = {name: {"returns": options, "optimizer": CLIPPED, "drift_weights": "free", **MIRROR}}
    shared = {"mlp": {"hidden": [8], "shared": True, "activation": "relu", "initializer": "lecun"}}
    return filled(candidate(rule, shared), jax.random.key(3))


def learned() -> Algorithm:
    network = {"backward_network": {"predictions": 3, "units": 4, "cell": "gru", "time": "relative", "weights": "free"}}
    return filled(candidate({"lpg": {"meta_network": network, "optimizer": CLIPPED, **SIZES}}), jax.random.key(3))


def on_policy(name: str, returns: object, **settings: object) -> Algorithm:
    return candidate({name: {"returns": returns, "optimizer": "adam", **SIZES, **settings}})


DEAR: dict[str, Callable[[], Algorithm]] = {
    "double dqn": lambda: candidate(
        {"dqn": {"optimizer": "adam", "capacity": 60, "batch": 8, "double": True, "gradient_steps": 2}}
    ),
    "small ppo": lambda: candidate({"ppo": {"returns": "gae", "optimizer": CLIPPED, **MIRROR}}),
    "lpo": lambda: drift("lpo"),
    "ta_lpg": learned,
    "dpo": lambda: candidate({"dpo": {"returns": "lambda_return", "optimizer": "adam", **MIRROR}}),
    "a2c": lambda: on_policy("a2c", {"n_step": {"n": 3}}),
    "reinforce": lambda: on_policy("reinforce", "monte_carlo", baseline="none"),
    "impala": lambda: on_policy("impala", "v_trace", lag=2),
    "impala leaky": lambda: on_policy("impala", {"leaky_v_trace": {"alpha_rho": 0.5}}, lag=0),
    "policy_gradient": lambda: on_policy("policy_gradient", "monte_carlo", surrogate="dice"),
    "pictures": lambda: candidate({"a2c": {"returns": "retrace", "optimizer": "sgd", **SIZES}}, {"cnn": {"filters": [2]}}),
    "adamw of optax": lambda: candidate({"a2c": {"returns": "gae", "optimizer": {"adamw": {"b2": 0.9}}, **SIZES}}),
    "linear": lambda: candidate({"a2c": {"returns": "gae", "optimizer": "sgd", **SIZES}}, "linear"),
    "published ppo_pendulum": lambda: algorithm_from(toys.plugins().registry, "ppo_pendulum"),
    **{name: functools.partial(algorithm_from, toys.plugins().registry, name) for name in ("ppo", "a2c", "dqn", "reinforce")},
}


def loaded_tests(folder: Path) -> ModuleType:
    """The test file of an export, as a module."""
    spec = importlib.util.spec_from_file_location("exported_test", folder / "test_rule.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exported(algorithm: Algorithm, folder: Path) -> None:
    """Export a candidate, which fails unless its five updates are those of the original."""
    files = export_candidate(algorithm, "mine", folder, fingerprint="ab12")
    assert {"rule.py", "test_rule.py", "reference.npz"} <= {file.name for file in files}
    for file in folder.glob("*.py"):
        roots = {alias.name.split(".")[0] for node in ast.walk(ast.parse(file.read_text())) for alias in names(node)}
        assert roots <= {"jax", "numpy", "optax", "rule", *sys.stdlib_module_names}


def check_on_other_seeds(algorithm: Algorithm, folder: Path) -> None:
    """Check an exported file on numbers that are not its own."""
    tests = loaded_tests(folder)
    rule, spec, _ = tests.reference()
    fresh = reference_of(algorithm, fitting_spec(algorithm), seed=1)
    params, state = rule.init(spec, tests.key_of(fresh, "init key"), tests.params_of(rule, spec, fresh, 0))
    learn = jax.jit(functools.partial(rule.update, spec))
    for update in range(5):
        fields = {name: fresh[f"trajectory {name}"][update] for name in rule.Trajectory._fields if name != "outputs"}
        key, clock = tests.key_of(fresh, "update keys", update), fresh["clock"][update]
        params, state, _ = learn(key, params, state, rule.Trajectory(**fields), *clock)
    for ours, theirs in zip(jax.tree.leaves(params), jax.tree.leaves(tests.params_of(rule, spec, fresh, 5)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def names(node: ast.AST) -> list[ast.alias]:
    """The packages that an import statement imports."""
    if isinstance(node, ast.ImportFrom):
        return [ast.alias(name=str(node.module))]
    return node.names if isinstance(node, ast.Import) else []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of LPO on top of PPO, with random weights."""
    place = tmp_path_factory.mktemp("exports") / "mine"
    exported(drift("residual_lpo"), place)
    return place


def test_five_updates_are_those_of_the_original(folder: Path) -> None:
    loaded_tests(folder).test_five_updates_equal_those_of_the_original()
    assert (folder / "arrays.npz").exists()
    assert "\nGAMMA = 0.99  # discount" in (folder / "rule.py").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("name", DEAR)
def test_five_updates_of_more_rules_are_those_of_the_original(name: str, tmp_path: Path) -> None:
    exported(DEAR[name](), tmp_path)
    check_on_other_seeds(DEAR[name](), tmp_path)


@pytest.mark.slow
def test_an_export_passes_its_test_and_learns_where_nothing_of_ours_is_installed(tmp_path: Path) -> None:
    export_candidate(algorithm_from(toys.plugins().registry, "ppo"), "ppo", tmp_path, fingerprint="ab12")
    (tmp_path / "conftest.py").write_text("import sys\nsys.modules['discover'] = sys.modules['discover_zoo'] = None\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=600, check=False)
    assert "2 passed" in result.stdout, result.stdout + result.stderr
    command = [sys.executable, "example.py"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path, timeout=600, check=True)
    assert float(result.stdout.splitlines()[-1].split("end: ")[1].split(" of")[0]) > 450.0


def test_the_test_of_an_export_notices_another_number(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    source = (tmp_path / "rule.py").read_text()
    (tmp_path / "rule.py").write_text(source.replace("GAMMA = 0.99 ", "GAMMA = 0.98 "))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        loaded_tests(tmp_path).test_five_updates_equal_those_of_the_original()


def test_a_file_shows_numbers_equations_and_parts_that_are_used() -> None:
    text = module_of(drift("residual_lpo"), "models:/mine/3", "ab12").text
    assert "\nThe candidate 'models:/mine/3', written by discover " in text
    assert "\nFingerprint of the candidate: ab12\n" in text
    assert "\nN = 3  # how many rewards are summed before the value follows\n" in text
    assert "G_t = r_t + gamma * r_{t+1}" in text
    assert "drift = relu(clip_drift(ratio, A) + network(ratio, A) - 1e-4)" in text
    assert "class NStep:" in text
    assert "class GAE:" not in text
    assert ">>>" not in text


@component
class Framed(UpdateRule):
    """A rule that needs the framework."""

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(2, 2)

    def heads(self, spec: Spec) -> Heads:
        return Heads({"policy": Head((2,))})

    def init(self, key: object, world: object, params: object) -> object:
        return ()

    def update(self, key: object, world: World, params: object, state: object, trajectory: object) -> object:  # type: ignore[override]
        return world.view().initial_params(key), state, {}  # type: ignore[arg-type]


def refused(algorithm: Algorithm, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        export_candidate(algorithm, "mine", folder / "mine", fingerprint="ab12")
    assert not (folder / "mine").exists()
    return str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "reason"),
    [
        ("maml", "the rule MAML collects its own experience"),
        ("meta_gradient", "the rule MetaGradient adds 'eta' to the observation"),
        ("ppo_gru", "the network GRU has a memory"),
        ("sac", "the head 'q1' of SAC reads 'action' beside the observation"),
        ("trpo", "the rule LinearBaseline wraps another one"),
    ],
)
def test_a_refusal_names_the_component_and_what_can_be_exported(recipe: str, reason: str, tmp_path: Path) -> None:
    message = refused(algorithm_from(toys.plugins().registry, recipe), tmp_path)
    assert message.startswith(f"'mine' cannot be exported, since {reason}: export a rule that learns from batches")


def test_parts_around_the_rule_are_refused(tmp_path: Path) -> None:
    (normalizer, *_), (curriculum, *_) = (toys.plugins().registry.entries(kind) for kind in ("normalizer", "curriculum"))
    registry, words = toys.plugins().registry, {"rule": {"ppo": {"returns": "gae", "optimizer": "adam", **MIRROR}}}
    for part, value, reason in (
        ("normalizer", normalizer.name, "the normalizer"),
        ("curriculum", curriculum.name, "the curriculum"),
        ("wrappers", [{"time_limit": {"steps": 5}}], "the wrapper TimeLimit changes the environment"),
    ):
        assert reason in refused(algorithm_from(registry, {**words, "network": NETWORK, part: value}), tmp_path)


def test_what_a_rule_needs_of_the_framework_is_named(tmp_path: Path) -> None:
    algorithm = Algorithm(rule=Framed(), network=drift("residual_lpo").network)
    assert "Framed uses 'world.view', which exists only in the framework" in refused(algorithm, tmp_path)


def test_an_open_value_is_refused(tmp_path: Path) -> None:
    registry = toys.plugins().registry
    assert "is open" in refused(algorithm_from(registry, "lpo"), tmp_path)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    for place in (tmp_path, tmp_path / "mine"):
        with pytest.raises(UserError, match=r"export folder '.*' is (not empty|a file)"):
            export_candidate(drift("residual_lpo"), "mine", place, fingerprint="ab12")
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_a_strangers_rule_is_exported_from_its_own_source(tmp_path: Path) -> None:
    climb = algorithm_from(toys.plugins().registry, "climb")
    exported(climb, tmp_path / "mine")


@pytest.mark.slow
def test_a_rule_of_real_actions_is_exported_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = Spec((3,), Continuous((-2.0, 0.0), (2.0, 1.0)))
    monkeypatch.setattr(export, "fitting_spec", lambda algorithm: spec)
    algorithm = on_policy("reinforce", "monte_carlo")
    exported(algorithm, tmp_path)
    assert not (tmp_path / "example.py").exists()
    assert loaded_tests(tmp_path).reference()[1].action == spec.action


def test_the_two_sizes_of_a_batch_are_told_apart() -> None:
    text = module_of(on_policy("ppo", "gae", epochs=1, minibatches=1), "ppo", "ab12").text
    lines = {line.partition(" = ")[0]: line.partition("  # ")[2] for line in text.splitlines() if "  # " in line}
    assert lines["STEPS"] == "T of a batch: steps in each environment between two updates"
    assert lines["NUM_ENVS"] == "B of a batch: environments side by side"
