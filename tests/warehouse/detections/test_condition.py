"""What a Sigma condition means here: two-valued logic, texts without regard to case, codes as they are."""

from pathlib import Path
from typing import Any

import pytest

from tests.warehouse.detections.conftest import Raised
from warehouse.detections.errors import RuleInvalid, RuleTooBroad
from warehouse.detections.rule import Rule, read
from warehouse.detections.statement import statement

_RULE = """
title: Tried
id: 00000000-0000-4000-8000-00000000000{number}
status: test
description: Tried.
logsource: {{product: anthropic, service: audit}}
detection:
{detection}
level: low
ledgerline:
  why: It is tried.
  runbook: [Look.]
{more}
"""


def _rule(folder: Path, detection: str, more: str = "  gap: 1m") -> Rule:
    path = folder / "tried.yml"
    lines = "\n".join(f"  {line}" for line in detection.strip().splitlines())
    path.write_text(_RULE.format(number=1, detection=lines, more=more), encoding="utf-8")
    return read(path)


@pytest.mark.parametrize("name", ["enabled", "is_enabled"])
@pytest.mark.parametrize(("value", "fires"), [(False, True), ("false", True), (True, False), (None, False)])
def test_a_switch_is_off_whichever_way_the_vendor_writes_it(
    tmp_path: Path, raised: Raised, name: str, value: Any, fires: bool
) -> None:
    rule = _rule(tmp_path, "a:\n  type: org_sso_toggled\n  enabled: false\ncondition: a")
    assert bool(raised(rule, [{"type": "org_sso_toggled", name: value}])) == fires


def test_a_field_that_is_missing_never_matches_and_its_denial_does(tmp_path: Path, raised: Raised) -> None:
    rule = _rule(
        tmp_path, "a:\n  type: api_key_created\nb:\n  user_agent|startswith: curl\ncondition: a and not b"
    )
    silent = [{"type": "api_key_created", "actor": {"user_agent": "curl/8"}}]
    assert not raised(rule, silent)
    assert raised(rule, [{"type": "api_key_created", "actor": {"user_agent": None}}])


def test_a_list_has_an_element_or_a_part_of_one(tmp_path: Path, raised: Raised) -> None:
    has = _rule(tmp_path, "a:\n  type: admin_api_key_created\n  scopes: org:admin\ncondition: a")
    assert raised(has, [{"type": "admin_api_key_created", "scopes": ["x", "org:admin"]}])
    assert not raised(has, [{"type": "admin_api_key_created", "scopes": ["org:administrator"]}])
    part = _rule(tmp_path, "a:\n  type: admin_api_key_created\n  scopes|contains: compliance\ncondition: a")
    assert raised(part, [{"type": "admin_api_key_created", "scopes": ["read:compliance_activities"]}])


@pytest.mark.parametrize(
    ("detection", "address", "fires"),
    [
        ("ip_address|cidr: 192.0.2.0/24", "192.0.2.77", True),
        ("ip_address|cidr: 192.0.2.0/25", "192.0.2.200", False),
        ("ip_address|re: '^203\\.0\\.113\\.'", "203.0.113.9", True),
        ("ip_address|exists: false", None, True),
        ("ip_address: null", "192.0.2.1", False),
    ],
)
def test_addresses(tmp_path: Path, raised: Raised, detection: str, address: str | None, fires: bool) -> None:
    rule = _rule(tmp_path, f"a:\n  type: api_key_created\n  {detection}\ncondition: a")
    assert bool(raised(rule, [{"type": "api_key_created", "actor": {"ip_address": address}}])) == fires


def test_numbers_hours_and_wildcards(tmp_path: Path, raised: Raised) -> None:
    big = _rule(tmp_path, "a:\n  type: extra_usage_spend_limit_updated\n  amount|gte: 1000\ncondition: a")
    assert raised(big, [{"type": "extra_usage_spend_limit_updated", "amount": 1000}])
    assert not raised(big, [{"type": "extra_usage_spend_limit_updated", "amount": 999.5}])
    early = _rule(tmp_path, "a:\n  type: claude_file_exported\n  created_at|hour: [10, 11]\ncondition: a")
    assert raised(early, [{"type": "claude_file_exported"}])
    assert not raised(early, [{"type": "claude_file_exported", "after": "3h"}])
    name = _rule(tmp_path, "a:\n  type: claude_file_exported\n  filename: 'Q?_100%*.xlsx'\ncondition: a")
    assert raised(name, [{"type": "claude_file_exported", "filename": "q4_100%-final.XLSX"}])
    assert not raised(name, [{"type": "claude_file_exported", "filename": "q4x100%-final.xlsx"}])


def test_a_text_with_a_quote_is_a_text(tmp_path: Path, raised: Raised) -> None:
    rule = _rule(tmp_path, "a:\n  type: claude_file_exported\n  filename: \"o'brien';--\"\ncondition: a")
    assert raised(rule, [{"type": "claude_file_exported", "filename": "O'Brien';--"}])


@pytest.mark.parametrize(
    ("detection", "more", "says"),
    [
        ("a:\n  type: api_key_created\n  ip_adress: x\ncondition: a", "  gap: 1m", "did you mean ip_address"),
        ("a:\n  type|windash: api_key_created\ncondition: b", "  gap: 1m", "tried.yml"),
        ("a:\n  type|nosuch: api_key_created\ncondition: a", "  gap: 1m", "nosuch"),
        ("a:\n  type: api_key_created\ncondition: a", "  gap: soon", "no span of time"),
        ("a:\n  type: api_key_created\ncondition: a", "  colour: red", "has no colour"),
        ("a:\n  type: sso_login_succeeded\ncondition: a", "  travel: {km-per-hour: fast}", "'travel' is 'fast'"),
        ("a:\n  type: sso_login_succeeded\ncondition: a", "  travel: {least-km: 0}", "'travel' is 0"),
        ("keywords:\n  - word\ncondition: keywords", "  gap: 1m", "without a field"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_with_what_would_be_right(
    tmp_path: Path, detection: str, more: str, says: str
) -> None:
    with pytest.raises(RuleInvalid) as refused:
        _rule(tmp_path, detection, more)
    assert says in f"{refused.value}; {refused.value.remedy}"
    assert "tried.yml" in str(refused.value)


def test_a_rule_that_would_match_everything_is_refused_unless_that_is_meant(tmp_path: Path) -> None:
    everything = "a:\n  actor_type: user_actor\ncondition: a"
    with pytest.raises(RuleTooBroad):
        _rule(tmp_path, everything)
    assert _rule(tmp_path, everything, "  broad: true").types() is None


def test_the_same_rule_is_written_for_athena(tmp_path: Path) -> None:
    rule = _rule(tmp_path, "a:\n  type: api_key_created\n  user_agent|re: curl\ncondition: a")
    assert "regexp_like(user_agent, 'curl')" in statement(rule, dialect="athena")
    assert "regexp_matches(user_agent, 'curl')" in statement(rule)


_PART = """
title: {name}
id: 00000000-0000-4000-8000-00000000001{number}
name: {name}
status: test
description: Tried.
logsource: {{product: anthropic, service: {service}}}
detection: {{a: {{{condition}}}, condition: a}}
level: low
"""
_TOGETHER = """
title: Together
id: 00000000-0000-4000-8000-000000000020
status: test
description: Tried.
correlation: {type: temporal, rules: [one, two], group-by: [id], timespan: 1d}
level: low
ledgerline: {why: It is tried., runbook: [Look.]}
"""


@pytest.mark.parametrize(
    ("services", "allowed"),
    [(("audit", "spend"), True), (("audit", "feed"), True), (("spend", "feed"), False), (("feed", "feed"), True)],
)
def test_a_correlation_joins_audit_with_one_computed_log_source_at_most(
    tmp_path: Path, services: tuple[str, str], allowed: bool
) -> None:
    fields = {"audit": "type: api_key_created", "spend": "gone: deleted_user", "feed": "covered: true"}
    parts = [
        _PART.format(name=name, number=number, service=service, condition=fields[service])
        for number, (name, service) in enumerate(zip(("one", "two"), services, strict=True))
    ]
    path = tmp_path / "together.yml"
    path.write_text("---".join([*parts, _TOGETHER]), encoding="utf-8")
    if allowed:
        assert read(path).kind == "temporal"
    else:
        with pytest.raises(RuleInvalid, match="too many log sources"):
            read(path)
