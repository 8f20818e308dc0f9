"""Advantage actor-critic."""

from discover import component
from discover_actor_critic.actor_critic import ActorCritic


@component
class A2C(ActorCritic):
    """Advantage actor-critic: A3C (Mnih et al. 2016) with one learner, whose actors wait for each other.

    Short batches and an n-step return that is at least as long as they are: each step's target runs to the batch's end.
    """

    paper = "Mnih et al. 2016, arXiv 1602.01783"
