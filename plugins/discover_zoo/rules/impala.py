"""IMPALA: actors that lag behind the learner, corrected by V-trace (Espeholt et al. 2018, arXiv 1802.01561)."""

from discover import Registry, component, hookimpl
from discover_zoo.rules.lagging_actors import LaggingActorCritic
from discover_zoo.rules.recipes import RECIPES


@component
class IMPALA(LaggingActorCritic):
    """IMPALA (Espeholt et al. 2018): actors use parameters of ``lag`` updates ago, the return function corrects for it.

    The loss is that of `ActorCritic`. With the return function `VTrace` (section 4.1 of the paper) it is IMPALA: target and
    advantage weigh each temporal difference by the truncated ratio ``min(rho_bar, pi / mu)`` of the policy ``pi`` that learns
    and the policy ``mu`` that acted.

    Pitfall: a return function that ignores the ratios learns from actions of another policy, uncorrected; use it only to
    measure what the correction is worth.

    Attributes:
        lag: in updates; 0 acts with the newest parameters.

    The other fields are those of `ActorCritic` and `discover.OnPolicy`.

    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.v_trace import VTrace
    >>> IMPALA(returns=VTrace(), optimizer=Adam(), lag=3).lag
    3
    >>> Space(IMPALA(returns=VTrace(rho_bar=free(), c_bar=free()), optimizer=Adam())).dimension
    2
    """

    paper = "Espeholt et al. 2018, arXiv 1802.01561"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("impala", IMPALA)
    registry.add_recipe(
        "impala",
        RECIPES / "impala.yaml",
        summary="IMPALA with actors one update behind; the optimizer is that of the recipe a2c",
        paper=IMPALA.paper,
    )
