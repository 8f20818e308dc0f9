"""Several episodes of one task as one episode."""

from discover import Count, Environment, Wrapper, component
from discover_zoo.wrappers.trials.trial import Trial


@component
class Trials(Wrapper):
    """Makes ``episodes`` episodes of one task one long episode, a trial (Duan et al. 2016, section 2.2).

    A recurrent network then keeps its memory, and returns are discounted, across the ends of the episodes inside; a family
    draws a new task for each trial. The observation becomes one vector: the observation, the last action (one-hot if discrete),
    the last reward, and 1 where an episode inside has just ended; all but the first part are zeros at the start of a trial.

    >>> from discover_zoo.environments.catch import Catch
    >>> Trials(episodes=3).wrap(Catch()).spec().observation_shape
    (69,)

    Attributes:
        episodes: the number of episodes of a trial.
    """

    paper = "Duan et al. 2016, arXiv 1611.02779, section 2.2"

    episodes: Count = 2

    def wrap(self, environment: Environment) -> Environment:
        return Trial(inner=environment, episodes=self.episodes)
