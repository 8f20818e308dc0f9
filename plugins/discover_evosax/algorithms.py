"""The algorithms of evosax whose settings are plain: one row each."""

from typing import Any, NamedTuple

from discover import component
from discover_evosax.adapter import EvosaxStrategy
from discover_evosax.settings import Adapting, Climbing, Scheduled


class Row(NamedTuple):
    """One algorithm whose settings are plain.

    Attributes:
        settings: which settings it has.
        least: the smallest population.
        summary: one line for users.
        paper: where it is published.
        even: whether populations are made of pairs.
    """

    settings: type[EvosaxStrategy]
    least: int
    summary: str
    paper: str
    even: bool = False


_LEARNED = "its weights come with evosax"

ROWS: dict[str, Row] = {
    # Gradient estimates
    "ARS": Row(Climbing, 4, "The better half of random pairs.", "Mania et al. 2018, arXiv 1803.07055", even=True),
    "ESMC": Row(Climbing, 4, "Pairs, clipped at a baseline.", "Merchant et al. 2021, ICML", even=True),
    "Open_ES": Row(Climbing, 2, "OpenAI's ES: pairs, ranks and Adam.", "Salimans et al. 2017, arXiv 1703.03864", even=True),
    # Distributions that adapt their deviation
    "CMA_ES": Row(Adapting, 4, "A full covariance: memory D^2, time D^3.", "Hansen 2016, arXiv 1604.00772"),
    "CMAAnchoredLES": Row(Adapting, 4, f"Separable CMA-ES with learned corrections; {_LEARNED}.", "evosax 0.3.2"),
    "CR_FM_NES": Row(Adapting, 4, "Natural ES at a cost linear in D.", "Nomura & Ono 2022, arXiv 2201.11422", even=True),
    "DES": Row(Adapting, 2, "Discovered ES.", "Lange et al. 2023, arXiv 2211.11260"),
    "EvoTF_ES": Row(Adapting, 2, f"Evolution transformer, for small D; {_LEARNED}.", "Lange et al. 2024, arXiv 2403.02985"),
    "LES": Row(Adapting, 2, f"Learned ES; {_LEARNED}.", "Lange et al. 2023, arXiv 2211.11260"),
    "SNES": Row(Adapting, 2, "Natural ES, a deviation for each coordinate.", "Wierstra et al. 2014, JMLR 15"),
    "Sep_CMA_ES": Row(Adapting, 4, "CMA-ES with a diagonal covariance.", "Ros & Hansen 2008, PPSN X"),
    "SimpleES": Row(Adapting, 2, "The better half decides mean and deviation.", "Rechenberg 1973, Evolutionsstrategie"),
    # Schedules
    "HillClimbing": Row(Scheduled, 2, "Steps from the best so far.", "Rastrigin 1963"),
    # Populations
    "DifferentialEvolution": Row(EvosaxStrategy, 4, "Differences of members, added to the best.", "Storn & Price 1997"),
    "LGA": Row(Adapting, 2, f"Learned genetic algorithm; {_LEARNED}.", "Lange et al. 2023, arXiv 2304.03995"),
    "MR15_GA": Row(Adapting, 2, "Mutation by the one-fifth rule.", "Rechenberg 1978"),
    "SAMR_GA": Row(Adapting, 2, "Mutation rates that evolve with their members.", "Clune et al. 2008"),
}


def plain(name: str, row: Row) -> type[EvosaxStrategy]:
    """The strategy of a row."""
    own = {
        "__doc__": row.summary,
        "__module__": __name__,
        "algorithm": name,
        "paper": row.paper,
        "least": row.least,
        "even": row.even,
    }
    return component(type(name, (row.settings,), own))


PLAIN: dict[str, Any] = {name: plain(name, row) for name, row in ROWS.items()}
"""Strategy classes by evosax's names."""
