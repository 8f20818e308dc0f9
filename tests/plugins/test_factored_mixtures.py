"""Mix & Match over actions that are several choices at once: what is mixed, the masked divergence, and one head for all."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.curricula.mix_and_match.growing_actions import GrowingActions
from discover_zoo.curricula.mix_and_match.mix_and_match import MixAndMatch
from discover_zoo.curricula.mix_and_match.shares import Held, Ramp
from discover_zoo.environments.orchard import Orchard

from discover import (
    AUXILIARY_LOSS,
    JOINT,
    Curriculum,
    Discrete,
    Factored,
    Heads,
    Inputs,
    Joint,
    MultiDiscrete,
    Network,
    Outputs,
    Spec,
    UserError,
    component,
    load,
    policy_heads,
    run_lifetime,
)
from discover.contract.distributions import policy_of

SPACE = MultiDiscrete((3, 2, 2))
FACTORED, FLAT = Spec((2,), SPACE), Spec((2,), Discrete(12))
KNOWN = ((0, 0, 1), (2, 1, 0), (1, 0, 0))
NUMBERS = [int(np.ravel_multi_index(action, SPACE.factors)) for action in KNOWN]
INPUTS = Inputs(jnp.zeros((2, 2)), jnp.zeros(2, bool), {}, jnp.float32(0.5))


@component
class Given(Network):
    """Outputs that are its parameters, for each of two states."""

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        keys = jax.random.split(key, len(heads.outputs))
        return {
            name: jax.random.normal(k, (2, *head.shape)) for k, (name, head) in zip(keys, heads.outputs.items(), strict=True)
        }

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        return params, carry


def said(curriculum: Curriculum, spec: Spec = FACTORED, params: Any = None) -> tuple[Outputs, Any]:
    """The outputs of the mixture, and the parameters."""
    network, heads = curriculum.wrap_network(Given()), Heads(policy_heads(spec))
    params = network.init(jax.random.key(0), spec, heads) if params is None else params
    return network.apply(params, heads, INPUTS, network.carry(heads))[0], params


def growing(alpha: float = 0.3, **fields: Any) -> GrowingActions:
    return GrowingActions(known=(KNOWN,), share=Held(alpha=alpha), **fields)


def softmax(logits: Any) -> np.ndarray:
    shifted = np.exp(np.asarray(logits, np.float64))
    return shifted / shifted.sum(-1, keepdims=True)


def product(logits: Any) -> np.ndarray:
    """The probabilities ``[2, 12]`` of independent choices."""
    parts = np.split(np.asarray(logits), np.cumsum(SPACE.factors)[:-1], axis=-1)
    return np.einsum("bi,bj,bk->bijk", *map(softmax, parts)).reshape(2, -1)


def agents(params: Any) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities ``[2, 12]`` of the simple agent and of the last one."""
    simple = np.zeros((2, 12))
    simple[:, NUMBERS] = softmax(params["policy@0"])
    return simple, product(params["policy"])


def divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.sum(np.where(p > 0, p * (np.log(np.maximum(p, 1e-300)) - np.log(q)), 0.0), axis=-1)


def test_a_product_of_policies_is_mixed_with_one_over_some_of_its_combinations() -> None:
    outputs, params = said(growing())
    simple, last = agents(params)
    assert params["policy@0"].shape == (2, 3)
    np.testing.assert_allclose(jnp.exp(outputs[JOINT]), 0.7 * simple + 0.3 * last, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(outputs[AUXILIARY_LOSS], 0.7 * divergence(simple, last), rtol=1e-5)
    policy = policy_of(FACTORED, outputs)
    assert isinstance(policy, Joint)
    np.testing.assert_allclose(
        jnp.exp(policy.log_prob(jnp.asarray([KNOWN[1]] * 2))), (0.7 * simple + 0.3 * last)[:, NUMBERS[1]]
    )


def test_each_choice_of_a_mixture_has_its_own_distribution_beside_that_of_all() -> None:
    outputs, params = said(growing())
    simple, last = agents(params)
    table = (0.7 * simple + 0.3 * last).reshape(2, *SPACE.factors)
    expected = [table.sum((2, 3)), table.sum((1, 3)), table.sum((1, 2))]
    np.testing.assert_allclose(jnp.exp(outputs["policy"]), np.concatenate(expected, axis=-1), rtol=1e-5)


@pytest.mark.parametrize("fields", [{}, {"divergence": "masked"}, {"head": "shared"}])
def test_a_task_with_flat_actions_has_the_same_mixture_by_factors(fields: dict[str, Any]) -> None:
    outputs, params = said(growing(**fields))
    flat, _ = said(growing(**fields, factors=SPACE.factors), FLAT, params)
    np.testing.assert_array_equal(flat["policy"], outputs[JOINT])
    np.testing.assert_array_equal(flat[AUXILIARY_LOSS], outputs[AUXILIARY_LOSS])
    by_number, _ = said(GrowingActions(known=(tuple(NUMBERS),), share=Held(alpha=0.3), **fields), params=params)
    np.testing.assert_array_equal(by_number[JOINT], outputs[JOINT])


def test_a_masked_divergence_compares_the_known_actions_alone() -> None:
    masked, params = said(growing(divergence="masked"))
    full, _ = said(growing(), params=params)
    simple, last = agents(params)
    restricted = last[:, NUMBERS] / last[:, NUMBERS].sum(-1, keepdims=True)
    np.testing.assert_allclose(masked[AUXILIARY_LOSS], 0.7 * divergence(simple[:, NUMBERS], restricted), rtol=1e-5)
    drawn = -0.7 * np.log(last[:, NUMBERS].sum(-1))
    np.testing.assert_allclose(full[AUXILIARY_LOSS] - masked[AUXILIARY_LOSS], drawn, rtol=1e-4)
    np.testing.assert_array_equal(masked[JOINT], full[JOINT])


def test_with_a_shared_head_the_simple_agent_is_the_last_one_over_what_it_knows() -> None:
    outputs, params = said(growing(head="shared"))
    assert params.keys() == {"policy"}
    last = product(params["policy"])
    simple = np.zeros((2, 12))
    simple[:, NUMBERS] = last[:, NUMBERS] / last[:, NUMBERS].sum(-1, keepdims=True)
    np.testing.assert_allclose(jnp.exp(outputs[JOINT]), 0.7 * simple + 0.3 * last, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(outputs[AUXILIARY_LOSS], -0.7 * np.log(last[:, NUMBERS].sum(-1)), rtol=1e-5)
    masked, _ = said(growing(head="shared", divergence="masked"), params=params)
    np.testing.assert_allclose(masked[AUXILIARY_LOSS], 0.0, atol=1e-6)


@pytest.mark.parametrize("fields", [{}, {"divergence": "masked"}, {"head": "shared", "divergence": "masked"}])
def test_slopes_are_finite_at_both_ends(fields: dict[str, Any]) -> None:
    _, params = said(growing(**fields))

    def total(params: Any, alpha: float) -> jax.Array:
        outputs, _ = said(growing(alpha, **fields), params=params)
        policy = policy_of(FACTORED, outputs)
        return jnp.sum(policy.log_prob(jnp.asarray([KNOWN[0]] * 2)) + policy.entropy() + outputs[AUXILIARY_LOSS])

    for alpha in (0.0, 0.5, 1.0):
        assert all(np.all(np.isfinite(slope)) for slope in jax.tree.leaves(jax.grad(total)(params, alpha)))


def test_two_products_are_mixed_over_all_combinations_and_at_the_end_the_last_is_left() -> None:
    curriculum = MixAndMatch(simple=(Given(),), share=Held(alpha=0.3))
    outputs, params = said(curriculum)
    simple, last = (product(each["policy"]) for each in params)
    np.testing.assert_allclose(jnp.exp(outputs[JOINT]), 0.7 * simple + 0.3 * last, rtol=1e-5)
    np.testing.assert_allclose(outputs[AUXILIARY_LOSS], 0.7 * divergence(simple, last), rtol=1e-5)
    alone = Factored(SPACE.split(params[1]["policy"]))
    for share in (Held(alpha=0.3), Ramp(stop=0.4)):
        ended, _ = said(MixAndMatch(simple=(Given(),), share=share).completed(), params=params)
        np.testing.assert_allclose(policy_of(FACTORED, ended).entropy(), alone.entropy(), rtol=1e-5)
        np.testing.assert_array_equal(ended[AUXILIARY_LOSS], 0.0)


def test_actions_and_factors_that_the_task_has_not_are_refused_in_one_sentence() -> None:
    for known in ((0, 0, 2), (0, 0), 12, -1):
        with pytest.raises(UserError, match=r"^growing_actions needs a policy over discrete actions that has all of known="):
            said(GrowingActions(known=((known,),)))
    for spec in (FACTORED, Spec((2,), Discrete(11))):
        with pytest.raises(UserError, match=r"^growing_actions has factors=\(3, 2, 2\), 12 combinations, which are not the"):
            said(growing(factors=SPACE.factors), spec)


@pytest.mark.slow
@pytest.mark.parametrize("fields", [{}, {"divergence": "masked"}, {"head": "shared"}])
@pytest.mark.parametrize("recipe", ["ppo", "a2c", "impala", "trpo"])
def test_rules_learn_from_a_mixture_that_is_no_product(recipe: str, fields: dict[str, Any]) -> None:
    steps = [[d, 0, h] for d in range(4) for h in (0, 1)]
    words = {"recipe": recipe, "curriculum": {"growing_actions": {"known": [steps], **fields}}}
    made = load(words)
    rollout = made.rule.rollout(Orchard().spec())
    run = jax.jit(lambda key: run_lifetime(made, Orchard(), key, 3 * max(rollout.steps * rollout.num_envs, 200)))
    curve = run(jax.random.key(0))
    assert curve.finite
    assert np.all(np.isfinite(curve.episode_return))
