"""The numbers of a rule and of all its parts, by path: for rules that change numbers of the rule that they wrap."""

import dataclasses
from collections.abc import Iterator

from discover import IntegerDomain, RealDomain, UpdateRule, UserError, domain_at, nearest, nodes


def numbers_of(rule: UpdateRule) -> dict[str, RealDomain | IntegerDomain]:
    """The domain of every real and whole number of a rule, by dotted path.

    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.returns.n_step import NStep
    >>> from discover_zoo.rules.a2c import A2C
    >>> list(numbers_of(A2C(returns=NStep(), optimizer=SGD())))[2:]
    ['returns.gamma', 'returns.n', 'optimizer.learning_rate', 'optimizer.anneal']
    """
    return dict(_numbers(rule))


def number_at(rule: UpdateRule, path: str, where: str) -> RealDomain | IntegerDomain:
    """The domain of the number at a path of a rule.

    Args:
        rule: the rule.
        path: dotted.
        where: what names the path, for the message.

    Raises:
        UserError: there is no such number; the message names the nearest one.
    """
    numbers = numbers_of(rule)
    if path not in numbers:
        raise UserError(f"{where} names '{path}', which is no number of {type(rule).__name__}; {nearest(path, numbers)}.")
    return numbers[path]


def _numbers(rule: UpdateRule) -> Iterator[tuple[str, RealDomain | IntegerDomain]]:
    for place, node in nodes(rule):
        for field in dataclasses.fields(node):  # type: ignore[arg-type]  # every component is a dataclass
            path = f"{place}.{field.name}" if place else field.name
            try:
                domain = domain_at(rule, path)
            except UserError:  # a part, or structure
                continue
            if isinstance(domain, RealDomain | IntegerDomain):
                yield path, domain
