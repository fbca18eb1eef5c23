"""`ledgerline demo --drill`: every rule fires on its own case, and quiet days are quiet."""

import pytest

from tests.promises.conftest import Command


@pytest.mark.slow
def test_every_rule_fires_in_the_drill_and_no_loud_one_on_quiet_days(ledgerline: Command) -> None:
    ended = ledgerline("demo", "--drill", "--json")
    assert ended.code == 0, ended.err
    rules = ended.json()["rules"]
    assert len(rules) >= 45
    assert [rule["name"] for rule in rules if not rule["fired"]] == []
    assert [rule["name"] for rule in rules if rule["level"] in ("high", "critical") and rule["quiet"]] == []
    # a medium rule may wake somebody once in a working week of such a company
    days = ended.json()["days"]
    noisy = [rule["name"] for rule in rules if rule["level"] == "medium" and rule["quiet"] > days / 5]
    assert noisy == []
