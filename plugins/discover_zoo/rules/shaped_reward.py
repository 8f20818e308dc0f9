"""Training from the shaped reward of a task, for any rule."""

from discover import Info, Key, Params, Registry, RuleState, Trajectory, World, WrappingRule, component, hookimpl


@component
class ShapedReward(WrappingRule):
    """Lets a rule learn from the shaped reward of a task, where it has one; what counts remains the real reward.

    The agent does not see the shaped reward, so that it must act on the real one at test time, as it does in training. A step
    of adaptation is from the real reward too.

    Pitfall: a normalizer of rewards rescales the real reward alone.

    Attributes:
        rule: any rule that learns from the trajectories that are collected for it.

    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.rules.ppo import PPO
    >>> ShapedReward(rule=PPO(returns=GAE(), optimizer=Adam())).rule.steps
    128
    """

    paper = "Rakelly et al. 2019, arXiv 1903.08254, section 6.3 (dense rewards in meta-training, sparse ones at test time)"
    changes_rewards = True

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        return super().update(key, world, params, state, trajectory=trajectory._replace(reward=trajectory.dense_reward))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("shaped_reward", ShapedReward)
