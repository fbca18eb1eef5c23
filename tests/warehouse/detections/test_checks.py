"""What a rule of the customer's own is refused for when the rules are read: every mistake at once."""

from pathlib import Path

import pytest

from warehouse.detections.checks import check_breadth, check_samples
from warehouse.detections.errors import RuleInvalid, RuleTooBroad
from warehouse.detections.rulebook import load

_RULE = """
title: Tried {name}
id: 00000000-0000-4000-8000-0000000000{number:02d}
status: {status}
description: Tried.
logsource: {{product: anthropic, service: audit}}
detection:
  a:
    {detection}
  condition: a
level: low
ledgerline:
  why: It is tried.
  runbook: [Look.]
  {more}
"""


def write(folder: Path, name: str, detection: str, more: str = "gap: 1m", status: str = "test") -> None:
    number = len(list(folder.iterdir())) + 1
    text = _RULE.format(name=name, number=number, detection=detection, more=more, status=status)
    (folder / f"{name}.yml").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("{type: api_key_createt}", "no event is of type 'api_key_createt' (did you mean api_key_created?)"),
        (
            "{type: org_sso_toggled, enabeld: false}",
            "org_sso_toggled has no field 'enabeld' (did you mean enabled?)",
        ),
        ("{type: api_key_created, actor: {type: robot}}", "no actor is of type 'robot'"),
        ("{type: api_key_created, actor: {adress: x}}", "a user_actor has no field 'adress'"),
        ("{type: api_key_created, actor: anna}", "the actor is no table"),
        ("{type: api_key_created, repeat: 0}", "repeat is 0, not a whole number from 1"),
        ("{type: api_key_created, every: often}", "every: 'often' is no span of time"),
        ("{type: api_key_created, fold: changed}", "fold is 'changed', not one of first, revised, withdrawn"),
        ("{enabled: false}", "a record without a type"),
    ],
)
def test_a_sample_that_is_no_event_of_the_feed_is_refused(tmp_path: Path, record: str, says: str) -> None:
    write(tmp_path, "tried", "type: api_key_created", f"'true': [[{record}]]")
    with pytest.raises(RuleInvalid) as refused:
        load([tmp_path])
    assert f"tried.yml: sample 1: {says}" in str(refused.value)


def test_a_rule_that_matches_most_types_of_event_is_refused_unless_that_is_meant(tmp_path: Path) -> None:
    write(tmp_path, "wide", "ip_address|cidr: 0.0.0.0/0")
    with pytest.raises(RuleTooBroad, match=r"wide\.yml: .*matches 100 % of the types of event, more than 50%"):
        load([tmp_path])
    write(tmp_path, "meant", "ip_address|cidr: 0.0.0.0/0", "broad: true")
    write(tmp_path, "narrow", "ip_address|cidr: 203.0.113.0/24")
    (tmp_path / "wide.yml").unlink()
    assert {"meant", "narrow"} <= {rule.path.stem for rule in load([tmp_path]).rules}


def test_every_mistake_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    write(tmp_path, "field", "ip_adress: 192.0.2.1")
    write(tmp_path, "modifier", "type|nosuch: api_key_created")
    write(tmp_path, "state", "type: api_key_created", status="wonderful")
    write(tmp_path, "wide", "user_agent|contains: Mozilla")
    (tmp_path / "lost.yml").write_text(
        "title: Lost\nid: 00000000-0000-4000-8000-000000000099\nstatus: test\nlevel: low\ndescription: Lost.\n"
        "correlation: {type: event_count, rules: [nobody], group-by: [actor], timespan: 1h, condition: {gte: 2}}\n"
        "ledgerline: {why: It is tried., runbook: [Look.]}\n"
    )
    with pytest.raises(RuleInvalid) as refused:
        load([tmp_path])
    lines = str(refused.value).splitlines()
    assert len(lines) == 5
    for name, says in {
        "field.yml": "did you mean ip_address",
        "lost.yml": "nobody",
        "modifier.yml": "nosuch",
        "state.yml": "wonderful",
        "wide.yml": "100 % of the types",
    }.items():
        assert any(line.startswith(name) and says in line for line in lines), (name, lines)


def test_the_rules_that_ship_pass_what_those_of_a_customer_must() -> None:
    for rule in load().rules:
        check_samples(rule)
        check_breadth(rule)
