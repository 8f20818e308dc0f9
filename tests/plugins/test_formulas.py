"""The equations of the zoo: they hold the numbers of the component, and can be drawn."""

import numpy as np
import pytest
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.lambda_return import LambdaReturn
from discover_zoo.returns.leaky_v_trace import LeakyVTrace
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.returns.n_step import NStep
from discover_zoo.returns.retrace import Retrace
from discover_zoo.returns.v_trace import VTrace
from discover_zoo.rules.dqn import DQN
from discover_zoo.rules.ppo import PPO
from discover_zoo.rules.reinforce import Reinforce

import discover
from discover import Registry, UserError
from discover.base.formula_svg import formula_svg
from discover.base.latex import latex_as_text
from discover.components.open_values import Free
from discover.config.build import algorithm_from

RULES = ("a2c", "dpo", "dqn", "impala", "lpo", "mql", "ppo", "q_learning", "reinforce", "residual_lpo", "sac", "td3", "trpo")


def complete(registry: Registry, recipe: str) -> discover.Algorithm:
    """A recipe, with weights of zero where its drift is open."""
    candidate = algorithm_from(registry, recipe)
    if not isinstance(getattr(candidate.rule, "drift_weights", ()), Free):
        return candidate
    weights = {"hidden": np.zeros((8, 128), np.float32), "output": np.zeros(128, np.float32)}
    return discover.replace(candidate, {"rule.drift_weights": weights})


def drawn(svg: str) -> bool:
    """Whether a formula became one path of finite numbers."""
    return svg.startswith("<svg") and svg.count('fill="currentColor"') == 1 and "nan" not in svg


@pytest.mark.slow
def test_the_equations_of_every_part_of_a_known_rule_can_be_drawn(registry: Registry) -> None:
    candidates = {recipe: complete(registry, recipe) for recipe in RULES}
    for recipe, candidate in candidates.items():
        rules = [node for _, node in discover.nodes(candidate) if isinstance(node, discover.UpdateRule)]
        assert any(rule.formula() for rule in rules), recipe
    every = {line for one in candidates.values() for _, node in discover.nodes(one) for line in node.formula().splitlines()}
    assert len(every) > 30
    assert [line for line in every if not drawn(formula_svg(line))] == []


@pytest.mark.parametrize(
    "returns",
    [
        GAE(gamma=0.91, lam=0.52),
        LambdaReturn(gamma=0.91, lam=0.52),
        LeakyVTrace(gamma=0.91, alpha_rho=0.52),
        MonteCarlo(gamma=0.91),
        NStep(gamma=0.91, n=7),
        Retrace(gamma=0.91, lam=0.52),
        VTrace(gamma=0.91, rho_bar=0.52),
    ],
    ids=lambda returns: type(returns).__name__,
)
def test_the_equation_of_a_return_function_holds_its_numbers(returns: discover.ReturnFunction) -> None:
    text = latex_as_text(returns.formula().replace("\n", " "))
    numbers = {path: leaf for path, leaf in discover.values_by_path(returns).items() if leaf in (0.91, 0.52, 7)}
    assert numbers
    assert all(str(value) in text for value in numbers.values())


def test_ppo_is_the_minimum_that_its_paper_writes() -> None:
    text = latex_as_text(PPO(returns=GAE(), optimizer=Adam(), clip=0.25).formula().splitlines()[2])
    assert text == "r Â - D(r, Â) = min(r Â, clip(r, 0.75, 1.25) Â)"


def test_a_term_that_has_no_effect_is_left_out() -> None:
    parts = {"returns": MonteCarlo(), "optimizer": Adam()}
    assert "H(" not in latex_as_text(Reinforce(**parts, entropy_coefficient=0.0).formula())
    assert "V_θ" not in latex_as_text(Reinforce(**parts, baseline="none").formula())
    assert "V_θ" in latex_as_text(Reinforce(**parts, entropy_coefficient=0.0).formula())


def test_the_target_of_dqn_says_who_chooses_the_action() -> None:
    plain, double = (DQN(optimizer=Adam(), double=double, gamma=0.9).formula().splitlines()[0] for double in (False, True))
    assert latex_as_text(plain) == "y = r + 0.9 (1 - d) max_a' Q_θ̄(s', a')"
    assert latex_as_text(double) == "y = r + 0.9 (1 - d) Q_θ̄(s', argmax_a' Q_θ(s', a'))"


def test_a_formula_outside_of_mathtext_is_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="cannot be drawn"):
        formula_svg(r"\begin{cases} 1 \end{cases}")
