"""The algorithms of evosax whose settings are plain: one class each, by evosax's name."""

from discover import component
from discover_zoo.strategies.evosax.adapter import EvosaxStrategy
from discover_zoo.strategies.evosax.settings import Adapting, Climbing, Scheduled

# Gradient estimates ---------------------------------------------------------------------------------------------------


@component
class ARS(Climbing):
    """The better half of random pairs."""

    algorithm = "ARS"
    paper = "Mania et al. 2018, arXiv 1803.07055"
    least = 4
    even = True


@component
class ESMC(Climbing):
    """Pairs, clipped at a baseline."""

    algorithm = "ESMC"
    paper = "Merchant et al. 2021, ICML"
    least = 4
    even = True


@component
class Open_ES(Climbing):
    """OpenAI's ES: pairs, ranks and Adam."""

    algorithm = "Open_ES"
    paper = "Salimans et al. 2017, arXiv 1703.03864"
    even = True


# Distributions that adapt their deviation -----------------------------------------------------------------------------


@component
class CMA_ES(Adapting):
    """A full covariance: memory D^2, time D^3."""

    algorithm = "CMA_ES"
    paper = "Hansen 2016, arXiv 1604.00772"
    least = 4


@component
class CMAAnchoredLES(Adapting):
    """Separable CMA-ES with learned corrections; its weights come with evosax."""

    algorithm = "CMAAnchoredLES"
    paper = "evosax 0.3.2"
    least = 4


@component
class CR_FM_NES(Adapting):
    """Natural ES at a cost linear in D."""

    algorithm = "CR_FM_NES"
    paper = "Nomura & Ono 2022, arXiv 2201.11422"
    least = 4
    even = True


@component
class DES(Adapting):
    """Discovered ES."""

    algorithm = "DES"
    paper = "Lange et al. 2023, arXiv 2211.11260"


@component
class EvoTF_ES(Adapting):
    """Evolution transformer, for small D; its weights come with evosax."""

    algorithm = "EvoTF_ES"
    paper = "Lange et al. 2024, arXiv 2403.02985"


@component
class LES(Adapting):
    """Learned ES; its weights come with evosax."""

    algorithm = "LES"
    paper = "Lange et al. 2023, arXiv 2211.11260"


@component
class SNES(Adapting):
    """Natural ES, a deviation for each coordinate."""

    algorithm = "SNES"
    paper = "Wierstra et al. 2014, JMLR 15"


@component
class Sep_CMA_ES(Adapting):
    """CMA-ES with a diagonal covariance."""

    algorithm = "Sep_CMA_ES"
    paper = "Ros & Hansen 2008, PPSN X"
    least = 4


@component
class SimpleES(Adapting):
    """The better half decides mean and deviation."""

    algorithm = "SimpleES"
    paper = "Rechenberg 1973, Evolutionsstrategie"


# Schedules ------------------------------------------------------------------------------------------------------------


@component
class HillClimbing(Scheduled):
    """Steps from the best so far."""

    algorithm = "HillClimbing"
    paper = "Rastrigin 1963"


# Populations ----------------------------------------------------------------------------------------------------------


@component
class DifferentialEvolution(EvosaxStrategy):
    """Differences of members, added to the best."""

    algorithm = "DifferentialEvolution"
    paper = "Storn & Price 1997"
    least = 4


@component
class LGA(Adapting):
    """Learned genetic algorithm; its weights come with evosax."""

    algorithm = "LGA"
    paper = "Lange et al. 2023, arXiv 2304.03995"


@component
class MR15_GA(Adapting):
    """Mutation by the one-fifth rule."""

    algorithm = "MR15_GA"
    paper = "Rechenberg 1978"


@component
class SAMR_GA(Adapting):
    """Mutation rates that evolve with their members."""

    algorithm = "SAMR_GA"
    paper = "Clune et al. 2008"


PLAIN: dict[str, type[EvosaxStrategy]] = {
    strategy.algorithm: strategy
    for strategy in (
        ARS,
        CMA_ES,
        CMAAnchoredLES,
        CR_FM_NES,
        DES,
        DifferentialEvolution,
        ESMC,
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
