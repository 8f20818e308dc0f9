"""Mistakes in the words of a command line, each as one sentence: options, arguments and commands that are wrong or missing."""

from __future__ import annotations

import itertools
import os
import re
import sys
import typing
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from discover.base.errors import DiscoverError, UserError, nearest
from discover.cli.guard import say

_UsageError = typing.cast(type[Exception], typer.BadParameter.__mro__[1])
_MAY_BE_EMPTY = ("--numbers", "--search", "--set", "--task", "--tasks")
"""Options for which an empty text means all, or which say themselves what is missing."""


class Commands(TyperGroup):
    """A group of commands whose users' mistakes end as one sentence on standard error and the exit status 2."""

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> NoReturn:
        """Run a command line and end with its exit status."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            _check_not_empty(words)
            status = super().main(args, *more, **options | {"standalone_mode": False})
        except typer.Abort:  # ctrl-C before the command itself
            raise KeyboardInterrupt from None
        except DiscoverError as error:
            say("error", str(error))
            status = error.exit_status
        except _UsageError as error:
            status = _tell(error, words)
        sys.exit(status or 0)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the words name.

        Raises:
            UserError: there is none.
        """
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            raise UserError(f"{ctx.command_path} has no command '{name}': {nearest(name, self.commands)}.")
        return super().resolve_command(ctx, args)


def _check_not_empty(words: Sequence[str]) -> None:
    """Check that no word is empty: as a path it would mean this folder.

    Raises:
        UserError: one is.
    """
    for before, word in itertools.pairwise(["", *words]):
        option, equals, value = word.partition("=")
        name = option if equals and not value else before if not word else ""
        if name.startswith("--") and name not in _MAY_BE_EMPTY:
            raise UserError(
                f"the value of {name} is empty: write one, or leave {name} out (is a variable of your shell unset?)."
            )
        if not word and not before.startswith("--"):
            raise UserError("an argument is empty: write it, or leave it out (is a variable of your shell unset?).")


def _tell(error: Any, words: Sequence[str]) -> int:
    """Print what is wrong with the words of a command line; the result is the exit status."""
    if type(error).__name__ != "NoArgsIsHelpError":
        say("error", str(UserError(sentence(error, words))))
    elif text := error.format_message():  # empty where typer has printed it itself
        print(text, file=sys.stderr)
    return UserError.exit_status


def sentence(error: Any, words: Sequence[str]) -> str:
    """The sentence for an objection of typer.

    Args:
        error: the objection.
        words: of the command line.
    """
    ctx, kind, message = error.ctx, type(error).__name__, error.format_message()
    if kind == "BadOptionUsage":
        return _no_value(error.option_name, message)
    if ctx is None:
        return message
    if kind == "NoSuchOption":
        return _unknown_option(ctx, error.option_name)
    if kind == "MissingParameter":
        missing = [_written(param) for param in ctx.command.params if param.required and param.name not in ctx.params]
        return f"{ctx.command_path} needs {' and '.join(missing)}{_example(ctx)}."
    if isinstance(error, typer.BadParameter):
        return _wrong_value(error, words)
    extra = re.search(r" \((.*)\)", message)
    return f"{ctx.command_path} takes {_arguments(ctx)}: leave '{extra[1] if extra else ''}' out{_example(ctx)}."


def _unknown_option(ctx: Any, option: str) -> str:
    """The sentence for an option that a command does not have; it may stand in the wrong place."""
    start = f"{ctx.command_path} has no option '{option}'"
    root = ctx.find_root()
    if ctx is not root and option in _options(root.command.params):
        rest = ctx.command_path.removeprefix(root.command_path).strip()
        return f"{start}: it stands before the command: {root.command_path} {option} {rest}."
    inner = getattr(ctx.command, "commands", {})
    if any(option in _options(command.params) for command in inner.values()):
        return f"{start}: it stands behind the command: {ctx.command_path} COMMAND {option}."
    return f"{start}: {nearest(option, _options(ctx.command.params), command=f'{ctx.command_path} --help')}."


def _no_value(option: str, message: str) -> str:
    """The sentence for an option that lacks its value, or has one though it takes none."""
    if "not take" in message:
        return f"{option} takes no value: write {option} alone, or leave it out."
    return f"{option} needs a value: write it behind the option, as in {option} VALUE."


def _wrong_value(error: Any, words: Sequence[str]) -> str:
    """The sentence for a value that is of the wrong type, or out of range."""
    param = error.param
    name, value = _name(param), _given(param, words)
    if value is None and param.envvar in os.environ:
        name, value = param.envvar, os.environ[param.envvar]
    hint = typing.get_type_hints(error.ctx.command.callback, include_extras=True).get(param.name)
    demand = _demand(hint)
    if value is None or demand is None:
        return f"{name}: {error.message.rstrip('.')}."
    return f"{name} must be {demand}; got {value if _is_whole(value) else repr(value)}."


def _demand(hint: Any) -> str | None:
    """The values that an annotated option takes, in words."""
    if typing.get_origin(hint) is not typing.Annotated:
        return None
    kind, option = typing.get_args(hint)
    if kind is bool:
        return "true or false"
    if int not in (kind, *typing.get_args(kind)):
        return None
    least, most = option.min, option.max
    if most is None:
        return "a whole number" + (f" of at least {least}" if least is not None else "")
    return f"a whole number from {least} to {most}"


def _is_whole(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]+", text) is not None


def _given(param: Any, words: Sequence[str]) -> str | None:
    """The value of an option in the words of a command line; the last one counts."""
    found = None
    for word, following in zip(words, [*words[1:], None], strict=True):
        option, equals, value = word.partition("=")
        if option in param.opts:
            found = value if equals else following
    return found


def _name(param: Any) -> str:
    """The word that a user knows an option or an argument by."""
    return param.opts[0] if param.param_type_name == "option" else param.metavar or param.name.upper()


def _written(param: Any) -> str:
    """An option with its value, or an argument, as a user writes it."""
    return f"{_name(param)} {param.metavar}" if param.param_type_name == "option" else _name(param)


def _options(params: Iterable[Any]) -> list[str]:
    return ["--help", *(name for param in params if param.param_type_name == "option" for name in param.opts)]


def _arguments(ctx: Any) -> str:
    names = [_name(param) for param in ctx.command.params if param.param_type_name == "argument"]
    return f"{' and '.join(names)} alone, beside its options" if names else "options alone"


def _example(ctx: Any) -> str:
    """The first example of a command, as the end of a sentence."""
    lines = [line.strip() for line in (ctx.command.epilog or "").splitlines() if line.startswith("  ")]
    return f", as in: {lines[0]}" if lines else ""
