"""Plugin: environment wrappers."""

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_wrappers import actions, observations, time_limit

    registry.add("action_repeat", actions.ActionRepeat)
    registry.add("sticky_actions", actions.StickyActions)
    registry.add("frame_stack", observations.FrameStack)
    registry.add("last_action_and_reward", observations.LastActionAndReward)
    registry.add("time_limit", time_limit.TimeLimit)
