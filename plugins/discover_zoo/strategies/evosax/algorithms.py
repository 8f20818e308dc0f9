"""The algorithms of evosax with plain settings: one class each, by evosax's name."""

from discover import component
from discover_zoo.strategies.evosax.adapter import EvosaxStrategy
from discover_zoo.strategies.evosax.settings import Adapting, Climbing, Scheduled

# Gradient estimates ---------------------------------------------------------------------------------------------------


@component
class Open_ES(Climbing):
    """OpenAI's evolution strategy: a gradient estimated from random pairs and ranks, followed by Adam.

    >>> Open_ES()
    Open_ES(std=1.0, decay=0.95, learning_rate=0.5)
    """

    algorithm = "Open_ES"
    paper = "Salimans et al. 2017, arXiv 1703.03864"


# Distributions that adapt their standard deviation --------------------------------------------------------------------


@component
class CMA_ES(Adapting):
    """CMA-ES with a full covariance: memory D^2, time D^3 for D coordinates.

    >>> CMA_ES()
    CMA_ES(std=1.0)
    """

    algorithm = "CMA_ES"
    paper = "Hansen 2016, arXiv 1604.00772"
    least = 4


@component
class CMAAnchoredLES(Adapting):
    """Separable CMA-ES with learned corrections; its weights come with evosax.

    >>> CMAAnchoredLES()
    CMAAnchoredLES(std=1.0)
    """

    algorithm = "CMAAnchoredLES"
    paper = "evosax 0.3.2"
    least = 4


@component
class CR_FM_NES(Adapting):
    """Natural evolution strategy at a cost linear in the number of coordinates.

    >>> CR_FM_NES()
    CR_FM_NES(std=1.0)
    """

    algorithm = "CR_FM_NES"
    paper = "Nomura & Ono 2022, arXiv 2201.11422"
    least = 4
    even = True


@component
class DES(Adapting):
    """Discovered evolution strategy: a formula that was read off a learned one.

    >>> DES()
    DES(std=1.0)
    """

    algorithm = "DES"
    paper = "Lange et al. 2023, arXiv 2211.11260"


@component
class EvoTF_ES(Adapting):
    """Evolution transformer, for few coordinates; its weights come with evosax.

    >>> EvoTF_ES()
    EvoTF_ES(std=1.0)
    """

    algorithm = "EvoTF_ES"
    paper = "Lange et al. 2024, arXiv 2403.02985"


@component
class LES(Adapting):
    """Learned evolution strategy; its weights come with evosax.

    >>> LES()
    LES(std=1.0)
    """

    algorithm = "LES"
    paper = "Lange et al. 2023, arXiv 2211.11260"


@component
class SNES(Adapting):
    """Separable natural evolution strategy: a standard deviation for each coordinate.

    >>> SNES()
    SNES(std=1.0)
    """

    algorithm = "SNES"
    paper = "Wierstra et al. 2014, JMLR 15"


@component
class Sep_CMA_ES(Adapting):
    """CMA-ES with a diagonal covariance.

    >>> Sep_CMA_ES()
    Sep_CMA_ES(std=1.0)
    """

    algorithm = "Sep_CMA_ES"
    paper = "Ros & Hansen 2008, PPSN X"
    least = 4


@component
class SimpleES(Adapting):
    """Mean and standard deviation from the better half.

    >>> SimpleES()
    SimpleES(std=1.0)
    """

    algorithm = "SimpleES"
    paper = "Rechenberg 1973, Evolutionsstrategie"


# Schedules ------------------------------------------------------------------------------------------------------------


@component
class HillClimbing(Scheduled):
    """Random steps from the best candidate so far.

    >>> HillClimbing()
    HillClimbing(std=1.0, decay=0.95)
    """

    algorithm = "HillClimbing"
    paper = "Rastrigin 1963"


# Populations ----------------------------------------------------------------------------------------------------------


@component
class DifferentialEvolution(EvosaxStrategy):
    """Differences of members, added to the best member.

    >>> DifferentialEvolution()
    DifferentialEvolution()
    """

    algorithm = "DifferentialEvolution"
    paper = "Storn & Price 1997"
    least = 4


@component
class LGA(Adapting):
    """Learned genetic algorithm; its weights come with evosax.

    >>> LGA()
    LGA(std=1.0)
    """

    algorithm = "LGA"
    paper = "Lange et al. 2023, arXiv 2304.03995"


@component
class MR15_GA(Adapting):
    """A genetic algorithm whose mutation follows the one-fifth success rule.

    >>> MR15_GA()
    MR15_GA(std=1.0)
    """

    algorithm = "MR15_GA"
    paper = "Rechenberg 1978"


@component
class SAMR_GA(Adapting):
    """A genetic algorithm with mutation rates that evolve with their members.

    >>> SAMR_GA()
    SAMR_GA(std=1.0)
    """

    algorithm = "SAMR_GA"
    paper = "Clune et al. 2008"


PLAIN: dict[str, type[EvosaxStrategy]] = {
    strategy.algorithm: strategy
    for strategy in (
        CMA_ES,
        CMAAnchoredLES,
        CR_FM_NES,
        DES,
        DifferentialEvolution,
        EvoTF_ES,
        HillClimbing,
        LES,
        LGA,
        MR15_GA,
        Open_ES,
        SAMR_GA,
        Sep_CMA_ES,
        SimpleES,
        SNES,
    )
}
"""The classes above by evosax's names."""
