"""The numbers that ``free`` leaves open, and what it means: a config that says ``free`` says these ranges and starts.

A change here changes what the configs of others search. It belongs into the changelog.
"""

from dataclasses import fields

from discover import IntegerDomain, RealDomain, Registry

_DOMAIN = "discover.domain"
_CATALOG = "optimizer"  # adapters of a whole library, whose tests look at their settings

RANGES = """
ARS.decay: 0.95 in 0.5 .. 1, linear
ARS.learning_rate: 0.5 in 0.0001 .. 10, log
ARS.std: 1 in 0.001 .. 10, log
ASEBO.decay: 0.95 in 0.5 .. 1, linear
ASEBO.learning_rate: 0.5 in 0.0001 .. 10, log
ASEBO.std: 1 in 0.001 .. 10, log
CMAAnchoredLES.std: 1 in 0.001 .. 10, log
CMA_ES.std: 1 in 0.001 .. 10, log
CR_FM_NES.std: 1 in 0.001 .. 10, log
DES.std: 1 in 0.001 .. 10, log
DiffusionEvolution.pressure: 50 in 1 .. 100, log
DiffusionEvolution.std: 3 in 0.001 .. 10, log
ESMC.decay: 0.95 in 0.5 .. 1, linear
ESMC.learning_rate: 0.5 in 0.0001 .. 10, log
ESMC.std: 1 in 0.001 .. 10, log
EvoTF_ES.std: 1 in 0.001 .. 10, log
GESMR_GA.std: 1 in 0.001 .. 10, log
GradientlessDescent.largest: 2 in 0.001 .. 10, log
HillClimbing.decay: 0.95 in 0.5 .. 1, linear
HillClimbing.std: 1 in 0.001 .. 10, log
IPOP_CMA_ES.std: 1 in 0.001 .. 10, log
IPOP_CMA_ES.tolerance: 0.01 in 1e-06 .. 0.5, log
LES.std: 1 in 0.001 .. 10, log
LGA.std: 1 in 0.001 .. 10, log
LM_MA_ES.std: 1 in 0.001 .. 10, log
MA_ES.std: 1 in 0.001 .. 10, log
MR15_GA.std: 1 in 0.001 .. 10, log
NoiseReuseES.decay: 0.95 in 0.5 .. 1, linear
NoiseReuseES.learning_rate: 0.5 in 0.0001 .. 10, log
NoiseReuseES.std: 1 in 0.001 .. 10, log
Open_ES.decay: 0.95 in 0.5 .. 1, linear
Open_ES.learning_rate: 0.5 in 0.0001 .. 10, log
Open_ES.std: 1 in 0.001 .. 10, log
PGPE.learning_rate: 4 in 0.0001 .. 10, log
PGPE.std: 1 in 0.001 .. 10, log
PGPE.std_rate: 1 in 0.001 .. 10, log
PSO.cognitive: 1.49618 in 0 .. 4, linear
PSO.inertia: 0.7298 in 0 .. 1, linear
PSO.social: 1.49618 in 0 .. 4, linear
PSO.std: 2 in 0.001 .. 10, log
PersistentES.decay: 0.95 in 0.5 .. 1, linear
PersistentES.learning_rate: 0.5 in 0.0001 .. 10, log
PersistentES.std: 1 in 0.001 .. 10, log
Rm_ES.std: 1 in 0.001 .. 10, log
SAMR_GA.std: 1 in 0.001 .. 10, log
SNES.std: 1 in 0.001 .. 10, log
SV_CMA_ES.std: 1 in 0.001 .. 10, log
SV_Open_ES.decay: 0.95 in 0.5 .. 1, linear
SV_Open_ES.learning_rate: 0.5 in 0.0001 .. 10, log
SV_Open_ES.std: 1 in 0.001 .. 10, log
Sep_CMA_ES.std: 1 in 0.001 .. 10, log
SimpleES.std: 1 in 0.001 .. 10, log
SimpleGA.crossover: 0.5 in 0 .. 0.5, linear
SimpleGA.decay: 0.95 in 0.5 .. 1, linear
SimpleGA.elite: 0.25 in 0.01 .. 1, linear
SimpleGA.std: 1 in 0.001 .. 10, log
SimulatedAnnealing.decay: 0.95 in 0.5 .. 1, linear
SimulatedAnnealing.std: 1 in 0.001 .. 10, log
SimulatedAnnealing.temperature: 0.1 in 0.001 .. 10, log
a2c.entropy_coefficient: 0.01 in 0 .. 0.1, linear
a2c.value_coefficient: 0.5 in 0.05 .. 2, log
actor_critic_loss.entropy_coefficient: 0.01 in 0 .. 0.1, linear
actor_critic_loss.kl_coefficient: 1 in 0 .. 10, linear
actor_critic_loss.value_coefficient: 0.25 in 0 .. 2, linear
auxiliary_phase.clone_coefficient: 1 in 0 .. 10, linear
auxiliary_phase.value_coefficient: 1 in 0.05 .. 2, log
dpo.alpha: 2 in 0.1 .. 20, log
dpo.beta: 0.6 in 0.05 .. 10, log
dpo.entropy_coefficient: 0.01 in 0 .. 0.1, linear
dpo.value_clip: 0.2 in 0.02 .. 1000, log
dpo.value_coefficient: 0.5 in 0.05 .. 2, log
dqn.epsilon_end: 0.05 in 0 .. 1, linear
dqn.epsilon_start: 1 in 0 .. 1, linear
dqn.exploration: 0.5 in 0.001 .. 1, log
dqn.gamma: 0.99 in 0 .. 0.9999, log1m
dqn.polyak: 1 in 0.0001 .. 1, log
dqn.target_period: 50 in 1 .. 100000, whole
expected_sarsa.epsilon: 0.1 in 0 .. 1, linear
expected_sarsa.gamma: 1 in 0 .. 1, linear
expected_sarsa.step_size: 0.5 in 0.001 .. 2, log
final_return.rows: 10 in 1 .. 100, whole
forward.mu: 0 in 0 .. 1, linear
gae.gamma: 0.99 in 0.8 .. 0.9999, log1m
gae.lam: 0.95 in 0 .. 1, linear
genetic.crossover: 0.8 in 0 .. 1, linear
genetic.elite: 0.25 in 0 .. 0.9, linear
genetic.mutation: 0.1 in 0 .. 1, linear
genetic.tournament: 3 in 1 .. 16, log
gmps.inner_kl: 0 in 0 .. 1, linear
grid_worlds.level: 0 in 0 .. 1e+06, whole
growing_actions.coefficient: 1 in 0 .. 10, linear
gru.keep_bias: 0 in 0 .. 5, linear
held.alpha: 0 in 0 .. 1, linear
imitation.spread: 1 in 0 .. 10, linear
impala.entropy_coefficient: 0.01 in 0 .. 0.1, linear
impala.value_coefficient: 0.5 in 0.05 .. 2, log
informed_lpo.clip: 0.2 in 0.02 .. 1, log
informed_lpo.entropy_coefficient: 0.01 in 0 .. 0.1, linear
informed_lpo.value_clip: 0.2 in 0.02 .. 1000, log
informed_lpo.value_coefficient: 0.5 in 0.05 .. 2, log
lambda_return.gamma: 0.99 in 0.8 .. 0.9999, log1m
lambda_return.lam: 0.95 in 0 .. 1, linear
leaky_v_trace.alpha_c: 1 in 0 .. 1, linear
leaky_v_trace.alpha_rho: 1 in 0 .. 1, linear
leaky_v_trace.c_bar: 1 in 0.1 .. 100, log
leaky_v_trace.gamma: 0.99 in 0.8 .. 0.9999, log1m
leaky_v_trace.lam: 1 in 0 .. 1, linear
leaky_v_trace.rho_bar: 1 in 0.1 .. 100, log
lpg.gamma: 0.99 in 0.8 .. 0.9999, log1m
lpg.policy_entropy: 0.01 in 0 .. 0.1, linear
lpg.policy_target_square: 0.001 in 0 .. 0.1, linear
lpg.prediction_coefficient: 0.5 in 0.01 .. 5, log
lpg.prediction_entropy: 0.001 in 0 .. 0.1, linear
lpg.prediction_target_square: 0.001 in 0 .. 0.1, linear
lpo.entropy_coefficient: 0.01 in 0 .. 0.1, linear
lpo.value_clip: 0.2 in 0.02 .. 1000, log
lpo.value_coefficient: 0.5 in 0.05 .. 2, log
maesn.inner_kl: 0 in 0 .. 1, linear
maesn.latent_kl: 0.1 in 0 .. 10, linear
maesn.rate: 1 in 0 .. 10, linear
maml.inner_kl: 0 in 0 .. 1, linear
map_elites.crossover: 0.5 in 0 .. 1, linear
map_elites.mutation: 0.1 in 0 .. 1, linear
mix_and_match.coefficient: 1 in 0 .. 10, linear
mmaml.inner_kl: 0 in 0 .. 1, linear
monte_carlo.gamma: 0.99 in 0.8 .. 0.9999, log1m
mql.clip: 1 in 0.1 .. 5, log
mql.gamma: 0.99 in 0 .. 0.9999, log1m
mql.least: 0.1 in 0 .. 1, linear
mql.noise: 0.1 in 0.01 .. 1, log
mql.polyak: 0.005 in 0.0001 .. 1, log
mql.ridge: 0.01 in 1e-05 .. 1, log
mql.smoothing: 0.2 in 0.01 .. 1, log
mql.smoothing_clip: 0.5 in 0.01 .. 2, log
n_step.gamma: 0.99 in 0.8 .. 0.9999, log1m
n_step.n: 5 in 1 .. 32, whole
n_step_td.gamma: 1 in 0 .. 1, linear
n_step_td.n: 4 in 1 .. 32, whole
n_step_td.step_size: 0.1 in 0.001 .. 2, log
niches.halving: 6 in 1 .. 1000, log
niches.memory: 0.5 in 0 .. 1, linear
niches.mutation: 0.4 in 0 .. 1, linear
niches.renewal: 0.7 in 0 .. 1, linear
niches.sharing: 0.5 in 0 .. 1, linear
niches.std: 2 in 0.001 .. 10, log
nsga2.crossover: 0.8 in 0 .. 1, linear
nsga2.mutation: 0.1 in 0 .. 1, linear
observations.limit: 10 in 1 .. 100, log
offline_td.gamma: 1 in 0 .. 1, linear
offline_td.lam: 0.8 in 0 .. 1, linear
offline_td.step_size: 0.1 in 0.001 .. 2, log
pbt.level: 0.05 in 0 .. 1, linear
pbt.resample: 0 in 0 .. 1, linear
pbt.share: 0.2 in 0 .. 0.5, linear
pbt.shift: 0.05 in 0 .. 1, linear
pbt.step: 0.2 in 0 .. 0.9, linear
pearl.entropy_scale: 1 in 0.1 .. 10, log
pearl.gamma: 0.99 in 0 .. 0.9999, log1m
pearl.kl: 0.01 in 1e-06 .. 10, log
pearl.polyak: 0.005 in 0.0001 .. 1, log
pearl.reward_scale: 10 in 0.1 .. 100, log
posterior_mean.epsilon: 0.05 in 0 .. 1, linear
ppo.clip: 0.2 in 0.02 .. 1, log
ppo.entropy_coefficient: 0.01 in 0 .. 0.1, linear
ppo.value_clip: 0.2 in 0.02 .. 1000, log
ppo.value_coefficient: 0.5 in 0.05 .. 2, log
probe.chosen: 0 in -1 .. 1, linear
probe.constant: 0 in -1 .. 1, linear
probe.delay: 0 in 0 .. 1, whole
probe.matched: 0 in -1 .. 1, linear
probe.observed: 0 in -1 .. 1, linear
promp.clip: 0.3 in 0.02 .. 1, log
q_learning.epsilon: 0.1 in 0 .. 1, linear
q_learning.gamma: 1 in 0 .. 1, linear
q_learning.step_size: 0.5 in 0.001 .. 2, log
racing.steps: 1 in 0.01 .. 1, log
ramp.begin: 0 in 0 .. 1, linear
ramp.end: 0.5 in 0 .. 1, linear
ramp.start: 0 in 0 .. 1, linear
ramp.stop: 1 in 0 .. 1, linear
regularized_evolution.mutation: 0.1 in 0 .. 1, linear
reinforce.entropy_coefficient: 0.01 in 0 .. 0.1, linear
reinforce.value_coefficient: 0.5 in 0.05 .. 2, log
residual_lpo.clip: 0.2 in 0.02 .. 1, log
residual_lpo.entropy_coefficient: 0.01 in 0 .. 0.1, linear
residual_lpo.value_clip: 0.2 in 0.02 .. 1000, log
residual_lpo.value_coefficient: 0.5 in 0.05 .. 2, log
retrace.gamma: 0.99 in 0.8 .. 0.9999, log1m
retrace.lam: 1 in 0 .. 1, linear
rewards.gamma: 0.99 in 0.8 .. 0.9999, log1m
rewards.limit: 10 in 1 .. 100, log
sac.entropy_scale: 1 in 0.1 .. 10, log
sac.gamma: 0.99 in 0 .. 0.9999, log1m
sac.polyak: 0.005 in 0.0001 .. 1, log
sarsa.epsilon: 0.1 in 0 .. 1, linear
sarsa.gamma: 1 in 0 .. 1, linear
sarsa.lam: 0 in 0 .. 1, linear
sarsa.step_size: 0.5 in 0.001 .. 2, log
scaled_values.scale: 1 in 0.01 .. 100, log
scaled_values.slope: 0 in 0 .. 1, linear
scaled_values.squash: 0 in 0 .. 1, linear
schedule.change: 0 in -1 .. 1, linear
self_tuning.entropy_coefficient: 0.01 in 0 .. 0.1, linear
self_tuning.entropy_share: 1 in 0 .. 1, linear
self_tuning.policy_share: 1 in 0 .. 1, linear
self_tuning.value_coefficient: 0.5 in 0.05 .. 2, log
self_tuning.value_share: 1 in 0 .. 1, linear
sticky_actions.probability: 0.25 in 0 .. 1, linear
target_kl.bound: 10 in 1 .. 1000, log
target_kl.gain: 0 in 0 .. 1, linear
target_kl.target: 0.01 in 0.0001 .. 1, log
td3.gamma: 0.99 in 0 .. 0.9999, log1m
td3.noise: 0.1 in 0.01 .. 1, log
td3.polyak: 0.005 in 0.0001 .. 1, log
td3.smoothing: 0.2 in 0.01 .. 1, log
td3.smoothing_clip: 0.5 in 0.01 .. 2, log
td_lambda.gamma: 1 in 0 .. 1, linear
td_lambda.lam: 0.8 in 0 .. 1, linear
td_lambda.step_size: 0.1 in 0.001 .. 2, log
trpo.damping: 1e-05 in 1e-08 .. 1, log
trpo.radius: 0.01 in 0.0001 .. 0.3, log
trpo.shrink: 0.8 in 0.1 .. 0.95, linear
ucb1.c: 0.2 in 0.01 .. 2, log
v_trace.c_bar: 1 in 0.1 .. 100, log
v_trace.gamma: 0.99 in 0.8 .. 0.9999, log1m
v_trace.lam: 1 in 0 .. 1, linear
v_trace.rho_bar: 1 in 0.1 .. 100, log
xNES.std: 1 in 0.001 .. 10, log
"""


def test_what_free_means_is_as_it_was(registry: Registry) -> None:
    found = []
    for entry in registry.entries():
        if entry.component is None or entry.kind == _CATALOG or entry.provenance.plugin == "toys":
            continue
        for field in fields(entry.component):  # type: ignore[arg-type]
            domain = field.metadata.get(_DOMAIN)
            if isinstance(domain, RealDomain | IntegerDomain):
                scale = domain.scale if isinstance(domain, RealDomain) else "whole"
                found.append(f"{entry.name}.{field.name}: {field.default:g} in {domain.low:g} .. {domain.high:g}, {scale}")
    assert sorted(set(found)) == RANGES.split("\n")[1:-1]
