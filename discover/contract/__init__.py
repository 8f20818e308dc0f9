"""The contract: everything that a plugin implements, and everything that the framework hands to it.

A plugin author finds the whole contract in this folder. One order in which to read it:

1. `types`: names for trees of arrays, such as `Params`. `registry` and `hooks`: how a plugin registers what it brings.
2. `environment`: tasks. `network`: heads, networks and curricula. `distributions`: policies over actions.
3. `trajectory`: what an agent has experienced. `collector` and `world`: what an update rule may use.
4. `return_function`, `optimizer`, `normalizer`, `exploration_bonus`, `update_rule`: how an agent learns.
5. `algorithm`: a whole candidate. `strategy` and `executor`: how candidates are searched for, and where they run.
6. `events`: what a search, a training and a comparison report to plugins that watch them.

Every component is written for *one* lifetime; seeds, members and tasks are axes that the framework adds by ``jax.vmap``.
The letters in shapes are the same everywhere: T steps, B environments, S seeds, P members of a population, G groups of
environments, A actions, D dimensions of an action or of a genome.
"""
