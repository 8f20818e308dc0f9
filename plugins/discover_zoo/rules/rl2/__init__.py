"""RL^2 (Duan et al. 2016, arXiv 1611.02779): the memory of a network as the algorithm that learns a new task.

There is no rule of its own: any on-policy rule with a recurrent network, on trials (see the wrapper ``trials``), is RL^2. The
memory lives for a whole trial, which is several episodes of one task, and sees the last action, reward and end of an episode;
the rule maximizes the return of the trial, so that the memory has to find out what the task is and use it.

>>> from discover import recipe
>>> recipe("rl2").rule.steps  # a whole trial
10
"""

from discover import Registry, hookimpl
from discover_zoo.rules.recipes import RECIPES

PAPER = "Duan et al. 2016, arXiv 1611.02779"


@hookimpl
def discover_register(registry: Registry) -> None:
    for name, summary in (
        ("rl2", "RL^2 by PPO, for trials of 10 steps: 10 pulls of a bandit"),
        ("rl2_100", "RL^2 by PPO, for trials of 100 steps: 100 pulls of a bandit"),
        ("rl2_mdp", "RL^2 by PPO, for 10 episodes of a random decision process"),
        ("rl2_trpo", "RL^2 by TRPO, as in the publication, for trials of 10 steps"),
    ):
        registry.add_recipe(name, RECIPES / f"{name}.yaml", summary=summary, paper=PAPER)
