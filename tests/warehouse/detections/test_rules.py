"""Every rule that ships fires on its true samples and is silent on its false ones."""

import pytest

from tests.warehouse.detections.conftest import Raised
from warehouse.detections.rule import Rule
from warehouse.detections.rulebook import load

RULES = load().rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.path.stem)
def test_a_rule_fires_on_its_true_samples_and_not_on_its_false_ones(rule: Rule, raised: Raised) -> None:
    assert {fires for fires, _ in rule.samples} == {True, False}, "a rule needs samples of both kinds"
    for fires, sample in rule.samples:
        alerts = raised(rule, list(sample))
        assert bool(alerts) == fires, f"{sample} raised {alerts}"
