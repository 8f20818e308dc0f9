"""Plugin: diagnostic environments. A rule that fails on one of them is broken, and which one tells where."""

from discover import Registry, hookimpl

_SAME = "random: 0 so that returns are shown as they are; whatever is done, the return is that of the reference"
_EXACT = "random: exact, by symmetry; reference: optimum"
_PROBES = {
    "constant_reward": ({"constant": 1.0}, "Is a value learned at all? Every episode pays 1", _SAME),
    "observed_reward": ({"observed": 1.0}, "Does the value depend on what is seen? The cue is paid", "random: exact; {}"),
    "delayed_reward": ({"constant": 1.0, "delay": 1}, "Does the value look ahead? 1 is paid one step later", _SAME),
    "chosen_reward": ({"chosen": 1.0}, "Does the policy learn? One action pays 1, the other -1", _EXACT),
    "matched_reward": ({"matched": 1.0}, "Does the policy depend on what is seen? The action that matches pays 1", _EXACT),
}


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_diagnostics.probe import Probe

    registry.add("probe", Probe)
    for name, (settings, summary, origin) in _PROBES.items():
        for actions, suffix in (("discrete", ""), ("continuous", "_continuous")):
            registry.add_task(
                name + suffix,
                {"probe": settings | {"actions": actions}},
                summary=f"{summary} ({actions} actions)",
                random=0.0,
                reference=1.0,
                origin=origin.format("reference: the return after the cue 1; no policy does better than random"),
            )
