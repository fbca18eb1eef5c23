"""What a rule of the customer's own is refused for when the rules are read: every mistake at once."""

from pathlib import Path

import pytest

from warehouse.detections.checks import check_breadth, check_samples, doubts
from warehouse.detections.errors import RuleInvalid, RuleTooBroad
from warehouse.detections.rulebook import OWN_RULES, load

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
        ("{type: api_key_created, repeat: 100000000}", "repeat is 100000000, not a whole number from 1 to"),
        ("{type: api_key_created, created_at: yesterday}", "created_at is 'yesterday', not a time in quotes"),
        ("{type: api_key_created, created_at: 2026-11-02}", "created_at is '2026-11-02', not a time in quotes"),
        ("{type: org_sso_toggled, enabled: [1]}", "enabled is [1], and not boolean"),
        ("{type: org_sso_toggled, enabled: 'off'}", "enabled is 'off', and not boolean"),
        ("{type: abuse_decision_received, decision: maybe}", "decision is 'maybe', not one of blocked"),
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
        assert not doubts(rule)


@pytest.mark.parametrize(
    ("detection", "more", "says"),
    [
        ("{type: api_key_created, actor.emial_address: x}", "gap: 1m", "did you mean actor.email_address"),
        ('{type: api_key_created, "actor.x\') or 1=1 --": x}', "gap: 1m", "is not in log source"),
        ("{type: api_key_created, user_agent|re: '(?=a)b'}", "gap: 1m", "regular expressions are those of RE2"),
        (
            "{type: api_key_created}\n  a: {type: org_sso_toggled}",
            "gap: 1m",
            "line 10: no YAML ('a' stands twice)",
        ),
        ("{type: api_key_created}", "group-by: actor", "group-by is no list of fields"),
        ("{type: api_key_created}", "gap: 9999999d", "longer than ten years"),
        ("{type: api_key_created}", "silence: {for: soon}", "'soon' is no span of time"),
        ("{type: api_key_created}", "silence: {fro: 3d}", "'silence' has no fro; it takes for, look-back, per"),
        ("{type: api_key_created}", "novelty: yes please", "'novelty' is no table"),
    ],
)
def test_what_would_end_a_run_or_never_match_is_refused_when_the_rule_is_read(
    tmp_path: Path, detection: str, more: str, says: str
) -> None:
    write(tmp_path, "tried", detection, more)
    with pytest.raises(RuleInvalid, match=r"^tried\.yml") as refused:
        load([tmp_path])
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("title: Gef\u00e4hrlich".encode("latin-1"), "is no text in UTF-8 (at byte 10)"),
        (b"\0\1\2", "is no text in UTF-8"),
        (b"a: " + b"[" * 5_000 + b"]" * 5_000, "is nested too deep"),
        (b"# " + b"x" * 1_000_000, "is larger than 1 MB"),
        (b"level: !!python/object/apply:os.system [true]", "could not determine a constructor"),
    ],
)
def test_a_file_that_is_no_text_of_a_rule_is_refused_in_words(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "odd.yml").write_bytes(data)
    (tmp_path / "folder.yml").mkdir()
    with pytest.raises(RuleInvalid) as refused:
        load([tmp_path])
    folder, odd = str(refused.value).splitlines()
    assert says in odd
    assert "folder.yml cannot be read: Is a directory" in folder


def test_a_correlation_that_has_enough_with_nothing_is_refused(tmp_path: Path) -> None:
    text = (OWN_RULES / "many_files_exported.yml").read_text().replace("gte: 20", "gte: 0")
    (tmp_path / "none.yml").write_text(text)
    with pytest.raises(RuleInvalid, match="has enough with 0 events"):
        load([tmp_path])


def test_a_rule_in_a_folder_below_counts_and_none_takes_the_place_of_one_that_ships(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    write(tmp_path / "below", "mine", "type: api_key_created")
    assert load([tmp_path, tmp_path / "below"]).find("mine").title == "Tried mine"
    write(tmp_path, "many_files_exported", "type: api_key_created")
    (tmp_path / "copied.yml").write_bytes((OWN_RULES / "spend_jumps.yml").read_bytes())
    with pytest.raises(RuleInvalid) as refused:
        load([tmp_path])
    assert "copied.yml and spend_jumps.yml have the same id" in str(refused.value)
    assert "not replaced but tuned or suppressed" in str(refused.value)
    assert "two rules are called many_files_exported; give your file another name" in str(refused.value)


def test_a_type_that_nobody_has_listed_and_a_rule_without_a_sample_are_doubted(tmp_path: Path) -> None:
    write(tmp_path, "mistyped", "type: api_key_createt")
    listed, fires = doubts(load([tmp_path]).find("mistyped"))
    assert listed.endswith("'api_key_createt', which nobody has listed (did you mean api_key_created?)")
    assert "nothing shows that it fires" in fires
