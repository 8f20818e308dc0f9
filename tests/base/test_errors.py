"""Clauses that suggest a known name, and sentences that stay short."""

import pytest

from discover import UserError, nearest
from discover.base.errors import cause_of, message_of

RULES = ("a2c", "dpo", "impala", "lpo", "ppo", "sac", "td3")
COMMAND = "discover plugins list"


@pytest.mark.parametrize(
    ("name", "known", "command", "clause"),
    [
        ("pppo", RULES, "", "did you mean 'ppo'? Known: a2c, dpo, impala, lpo, ppo, sac, td3"),
        ("pppo", RULES, COMMAND, f"did you mean 'ppo'? Known: ppo, lpo, dpo, impala, td3 and 2 more ({COMMAND} shows all)"),
        ("PPO", RULES[1:], COMMAND, f"did you mean 'ppo'? Known: ppo, lpo, dpo, impala, td3 and 1 more ({COMMAND} shows all)"),
        ("pppo", RULES[:5], COMMAND, "did you mean 'ppo'? Known: a2c, dpo, impala, lpo, ppo"),
        ("xyz", ("a", "b"), COMMAND, "Known: a, b"),
        ("xyz", (), COMMAND, "none is known; install the plugin that brings it"),
    ],
)
def test_a_clause_suggests_the_nearest_name_and_leaves_a_long_list_to_the_command(
    name: str, known: tuple[str, ...], command: str, clause: str
) -> None:
    assert nearest(name, known, command=command) == clause


def test_the_names_of_a_clause_are_shown_whole_in_a_sentence_of_any_length() -> None:
    names = [letter * 120 for letter in "abcdefg"]
    sentence = f"no rule is called '{'a' * 500}': {nearest('a' * 119, names, command=COMMAND)}."
    assert str(UserError(sentence)).endswith(sentence[sentence.index(" Known: ") :])
    assert "a" * 500 not in str(UserError(sentence))


def test_an_error_that_cannot_be_printed_has_an_empty_message() -> None:
    class Unprintable(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise SystemExit

    assert message_of(Unprintable()) == ""
    assert cause_of(Unprintable()) == "Unprintable: "
