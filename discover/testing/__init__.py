"""The conformance suite: checks of the contract that every component of a kind must fulfill, for a plugin's own tests.

    from discover.testing import check_component, check_return_function

    def test_my_return_function() -> None:
        check_component(MyReturn())
        check_return_function(MyReturn())

Each check raises `ConformanceError`, an ``AssertionError`` whose message is one sentence; reason, remedy and place follow it as
notes. The tests of discover run the checks over every registered component, and ``discover plugins check`` over a plugin's.
"""

from discover.testing.bonuses import check_exploration_bonus as check_exploration_bonus
from discover.testing.components import check_component as check_component
from discover.testing.components import complete as complete
from discover.testing.environments import check_environment as check_environment
from discover.testing.environments import check_environment_shapes as check_environment_shapes
from discover.testing.executors import check_executor as check_executor
from discover.testing.failures import ConformanceError as ConformanceError
from discover.testing.meta_objectives import check_meta_objective as check_meta_objective
from discover.testing.networks import check_network as check_network
from discover.testing.normalizers import check_normalizer as check_normalizer
from discover.testing.objectives import check_objective as check_objective
from discover.testing.optimizers import check_optimizer as check_optimizer
from discover.testing.recipes import check_recipe as check_recipe
from discover.testing.registered import examples as examples
from discover.testing.returns import check_return_function as check_return_function
from discover.testing.rules import check_update_rule as check_update_rule
from discover.testing.strategies import check_strategy as check_strategy
from discover.testing.watchers import check_watcher as check_watcher
from discover.testing.wrappers import check_curriculum as check_curriculum
from discover.testing.wrappers import check_wrapper as check_wrapper
