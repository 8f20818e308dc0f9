"""The names in a new package, all made of one."""

from __future__ import annotations

import keyword
import re
from typing import NamedTuple

from discover.base.errors import UserError, cut

LONGEST = 24
"""Characters of a name, so that no line of a new package becomes too long."""

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class Names(NamedTuple):
    """The names in a new package.

    Attributes:
        name: of the plugin and of what it registers, as configs use it.
        component: of the class.
        module: of the package that is imported.
        distribution: of the package that is installed.
    """

    name: str
    component: str
    module: str
    distribution: str


def names_from(text: str) -> Names:
    """The names that belong to what a user calls a plugin.

    Raises:
        UserError: no Python names can be made of it.

    >>> names_from("my-rule")
    Names(name='my_rule', component='MyRule', module='discover_my_rule', distribution='discover-my-rule')
    """
    name = re.sub(r"[\s.-]+", "_", text.strip()).lower()
    example = "such as 'my_rule'"
    if not _NAME.fullmatch(name):
        raise UserError(
            f"'{cut(text, 60)}' cannot name a plugin: use letters from a to z, digits and single underscores, with a letter "
            f"first, {example}."
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise UserError(f"'{name}' cannot name a plugin, since it is a word of Python itself: take another, {example}.")
    if len(name) > LONGEST:
        raise UserError(f"'{cut(name, 60)}' has {len(name)} characters: a plugin's name has at most {LONGEST}, {example}.")
    component = "".join(part.capitalize() for part in name.split("_"))
    return Names(name, component, f"discover_{name}", f"discover-{name.replace('_', '-')}")
