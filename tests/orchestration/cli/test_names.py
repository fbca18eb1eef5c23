"""A name that does not exist is exit code 2 with the nearest names."""

import pytest

from tests.orchestration.cli.conftest import Command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stauts"], "Did you mean 'status'"),
        (["frobnicate"], "the commands are: "),
        (["pull", "activites"], "Did you mean activities or invites?"),
        (
            ["pull", "zzz"],
            "the streams are: activities, usage, cost, legacy_usage, legacy_cost, engagement_users, ",
        ),
        (["pull", "activities", "--form", "today"], "--from"),
        (["import", "audit-exprt", "x"], "Did you mean 'audit-export'?"),
        (["pull"], "Missing argument 'STREAM'"),
        (["--json", "status"], "ledgerline status --json"),
        (["--config", "x.toml", "status"], "ledgerline status --config"),
        (["chargeback", "close"], "there is no command 'chargeback'"),
    ],
)
def test_a_wrong_name_is_exit_2_and_the_right_one_is_suggested(
    ledgerline: Command, arguments: list[str], said: str
) -> None:
    ended = ledgerline(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_case_does_not_matter_in_the_name_of_a_stream(ledgerline: Command) -> None:
    assert "there is no configuration" in ledgerline("pull", "Activities").err
