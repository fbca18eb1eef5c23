"""Each kind of mistake: found at its line, with its key and what would be right, and all of them at once."""

from pathlib import Path

import pytest

from warehouse.config import ConfigInvalid, Problem, load, parse

SECRET = "sk-ant-api01-5ecretS5ecretS5ecret"


def problems(text: str, tmp_path: Path) -> list[Problem]:
    with pytest.raises(ConfigInvalid) as caught:
        parse(text, tmp_path / "ledgerline.toml", {})
    return caught.value.problems


def destination(kind: str, lines: str) -> str:
    return f'[[destinations]]\nname = "one"\ntype = "{kind}"\n{lines}'


SPLUNK = 'url = "https://s.example.com"\ntoken = "env:T"\n'


def threshold(line: str, reason: str = "long enough") -> str:
    """A file with one threshold whose sixth line is given."""
    return f'[[detections.thresholds]]\nrule = "a"\nreason = "{reason}"\nowner = "b"\nuntil = 2027-01-31\n{line}'


# (the text; then of the one mistake in it: line, key, a piece of what is wrong, a piece of what is right)
MISTAKES = {
    "unknown table": ('[archiv]\nurl = "x"', 1, "archiv", "no such key", "archive"),
    "unknown key": ('[archive]\n\nlok = "none"', 3, "archive.lok", "no such key", "lock"),
    "key of another table": ('[archive]\nduckdb = "x"', 2, "archive.duckdb", "no such key", "[warehouse]"),
    "key far from all": ("[warehouse]\nzzz = 1", 2, "warehouse.zzz", "no such key", "duckdb"),
    "table as value": ("archive = 5", 1, "archive", "5 is not usable", "[archive]"),
    "text for number": ('[archive]\nretention_days = "7"', 2, "archive.retention_days", '"7"', "whole number"),
    "true for number": ("[anthropic]\ntries = true", 2, "anthropic.tries", "true", "whole number"),
    "fraction for number": ("[anthropic]\nworkers = 1.5", 2, "anthropic.workers", "1.5", "whole number"),
    "number too small": ("[anthropic]\ntries = 0", 2, "anthropic.tries", "0 is out of range", "1 to 20"),
    "number too large": ("[archive]\nretention_days = 99999", 2, "archive.retention_days", "range", "36500"),
    "no time-out": ("[anthropic]\ntimeout_seconds = inf", 2, "anthropic.timeout_seconds", "inf", "600"),
    "unknown choice": ('[archive]\nlock = "complience"', 2, "archive.lock", "complience", "compliance"),
    "recent above full": (
        "[archive]\nretention_days = 9\nrecent_retention_days = 10",
        3, "archive.recent_retention_days", "10 is more", "retention_days",
    ),
    "unknown store": ('[archive]\nurl = "ftp://x"', 2, "archive.url", "ftp://x", "s3://bucket"),
    "store without scheme": ('[archive]\nurl = "./data"', 2, "archive.url", "./data", "file:./folder"),
    "host in file url": ('[archive]\nurl = "file://host/x"', 2, "archive.url", "folder", "file:./folder"),
    "no bucket": ('[archive]\nurl = "s3:///p"', 2, "archive.url", "bucket", "s3://bucket"),
    "impossible bucket": ('[archive]\nurl = "s3://My_Bucket/p"', 2, "archive.url", "bucket", "s3://"),
    "step upwards": ('[archive]\nurl = "s3://bucket/../p"', 2, "archive.url", "'..'", "s3://"),
    "endpoint without s3": (
        '[archive]\ns3_endpoint = "https://s.example.com"', 2, "archive.s3_endpoint", "s3://", "S3-compatible",
    ),
    "azure without an account": (
        '[archive]\nurl = "az://container"', 1, "archive.azure_endpoint", "azure_account", "blob service",
    ),
    "account without azure": (
        '[archive]\nazure_account = "a"', 2, "archive.azure_account", "az://", "storage account",
    ),
    "google beside s3": (
        '[archive]\nurl = "s3://bucket"\ngcs_endpoint = "https://g.example.com"',
        3, "archive.gcs_endpoint", "gs://", "private endpoint",
    ),
    "plain http": ('[anthropic]\nbase_url = "http://a.example.com"', 2, "anthropic.base_url", "http", "https"),
    "http by a misleading host": (
        '[anthropic]\nbase_url = "http://127.0.0.1.example.com"', 2, "anthropic.base_url", "http", "https",
    ),
    "no url": ('[anthropic]\nbase_url = "api"', 2, "anthropic.base_url", '"api"', "https"),
    "bad port": ('[anthropic]\nbase_url = "https://a:b"', 2, "anthropic.base_url", "not a URL", "https"),
    "query in url": ('[anthropic]\nbase_url = "https://a/?k=v"', 2, "anthropic.base_url", "query", "https"),
    "password in url": (
        '[anthropic]\nbase_url = "https://u:hunter2@a"', 2, "anthropic.base_url", "password", "https",
    ),
    "path in the api's url": (
        '[anthropic]\nbase_url = "https://a.example.com/v1"', 2, "anthropic.base_url", "has a path", "path",
    ),
    "day to come": ("[anthropic]\nstart = 2999-01-01", 2, "anthropic.start", "in the future", "2026-01-01"),
    "cache in the archive": (
        '[archive]\nurl = "file:./a"\ncache = "./a/cache"', 3, "archive.cache", "in the folder", "folder",
    ),
    "marts in the archive": (
        '[archive]\nurl = "file:./a"\n[warehouse]\nduckdb = "./a/w.duckdb"',
        3, "warehouse", "in the folder of the archive", "[warehouse]",
    ),
    "key in the archive's address": (
        f'[archive]\nurl = "s3://bucket/{SECRET}"', 2, "archive.url", "looks like it holds a secret", "s3://bucket",
    ),
    "container too short": ('[archive]\nurl = "az://x/y"', 2, "archive.url", "3 to 63", "az://container"),
    "date for version": ("[anthropic]\nversion = 2023-06-01", 2, "anthropic.version", "2023-06-01", "quotes"),
    "word for version": ('[anthropic]\nversion = "new"', 2, "anthropic.version", '"new"', "2023-06-01"),
    "time for day": ("[anthropic]\nstart = 2026-01-01T10:00:00Z", 2, "anthropic.start", "time of day", "2026"),
    "no such day": ('[anthropic]\nstart = "2026-02-30"', 2, "anthropic.start", "calendar", "2026-01-01"),
    "day too early": ("[anthropic]\nstart = 1026-01-01", 2, "anthropic.start", "before 2023", "2026-01-01"),
    "literal key": (f'[anthropic]\nkeys.compliance = "{SECRET}"', 2, "anthropic.keys.compliance",
                    "not a reference", "env:NAME"),
    "literal after env": (f'[anthropic]\nkeys.analytics = "env:{SECRET}"', 2, "anthropic.keys.analytics",
                          "environment variable", "env:NAME"),
    "number as key": ("[anthropic]\nkeys.analytics = 5", 2, "anthropic.keys.analytics", "not a text", "env:"),
    "nothing after env": ('[archive]\nsigning_key = "env:"', 2, "archive.signing_key", "nothing", "file:PATH"),
    "unknown vault": ('[archive]\nsigning_key = "vault:x"', 2, "archive.signing_key", "not a reference", "env"),
    "empty path": ('[warehouse]\nduckdb = ""', 2, "warehouse.duckdb", "empty", "path"),
    "control character": ('[warehouse]\nduckdb = "a\\u001bb"', 2, "warehouse.duckdb", "control", "path"),
    "number for path": ("[finops]\ncost_centers = 5", 2, "finops.cost_centers", "not a text", "CSV"),
    "text for list": ('[detections]\nrules = "x"', 2, "detections.rules", '"x"', "list"),
    "number in list": ('[detections]\nrules = [\n "a",\n 5]', 4, "detections.rules[2]", "not a text", "list"),
    "no count": (threshold("count = 0"), 6, "detections.thresholds[1].count", "0", "1 to 1000000"),
    "no time": (threshold('timespan = "0h"'), 6, "detections.thresholds[1].timespan", '"0h"', "longer than none"),
    "no span": (threshold('history = "a week"'), 6, "detections.thresholds[1].history", '"a week"', "30d"),
    "no reason": (threshold("count = 5", reason="why"), 3, "detections.thresholds[1].reason", "", "sentence"),
    "threshold for ever": ('[[detections.thresholds]]\nrule = "a"\nreason = "long enough"\nowner = "b"', 1,
                           "detections.thresholds[1].until", "missing", "2027-01-31"),
    "text for geo": ('[detections]\ngeo = "x"', 2, "detections.geo", '"x"', "MMDB"),
    "nested unknown": ("[anthropic.requests_per_minute]\ncomplience = 1", 2,
                       "anthropic.requests_per_minute.complience", "no such key", "compliance"),
    "one destination table": ('[destinations]\nname = "a"', 1, "destinations", "list", "[[destinations]]"),
    "no type": ('[[destinations]]\nname = "a"', 1, "destinations[1].type", "missing", "splunk"),
    "unknown type": ('[[destinations]]\nname = "a"\ntype = "splank"', 3, "destinations[1].type", "splank",
                     "splunk"),
    "number as type": ('[[destinations]]\nname = "a"\ntype = 5', 3, "destinations[1].type", "5", "splunk"),
    "no name": ('[[destinations]]\ntype = "splunk"\n' + SPLUNK, 1, "destinations[1].name", "missing", "a-z"),
    "name with a slash": ('[[destinations]]\nname = "../x"\ntype = "splunk"\n' + SPLUNK, 2,
                          "destinations[1].name", "cannot be a name", "a-z"),
    "empty slice": (destination("splunk", SPLUNK + 'slice = ""'), 6, "destinations[1].slice", "empty", "alerts"),
    "unknown late": (destination("splunk", SPLUNK + 'late = "drop"'), 6, "destinations[1].late", "drop", "skip"),
    "missing url": (destination("splunk", 'token = "env:T"'), 1, "destinations[1].url", "missing", "https"),
    "missing secret": (destination("splunk", 'url = "https://a"'), 1, "destinations[1].token", "missing", "env:"),
    "literal token": (destination("splunk", 'url = "https://a"\ntoken = "hunter2"'), 5,
                      "destinations[1].token", "not a reference", "env:"),
    "key of another type": (destination("splunk", SPLUNK + 'dcr_id = "x"'), 6, "destinations[1].dcr_id",
                            "no such key", "token"),
    "text for true": (destination("splunk", SPLUNK + 'ack = "yes"'), 6, "destinations[1].ack", "yes", "true"),
    "site and url": (destination("datadog", 'api_key = "env:K"\nsite = "datadoghq.eu"\nurl = "https://a"'), 6,
                     "destinations[1].url", "site", "https"),
    "user without password": (destination("logstash", 'url = "https://a"\nusername = "u"'), 1,
                              "destinations[1].password", "username", "env:"),
    "literal sumo url": (destination("sumo", 'url = "https://c.example.com/receiver/v1/http/abc"'), 4,
                         "destinations[1].url", "not a reference", "env:"),
    "wrong dcr": (destination("sentinel", 'endpoint = "https://a"\ndcr_id = "my-rule"\ntenant_id = "t"\n'
                              'client_id = "c"\nclient_secret = "env:S"'), 5,
                  "destinations[1].dcr_id", "my-rule", "dcr-"),
    "port out of range": (destination("syslog", 'host = "h"\nport = 70000'), 5, "destinations[1].port", "70000",
                          "65535"),
    "host that cannot exist": (destination("syslog", 'host = "a..b"'), 4, "destinations[1].host", "cannot exist",
        "sensor.example.com",
    ),
    "address of a host that cannot exist": (
        destination("elastic", f'url = "https://{"a" * 64}.example.com"\napi_key = "env:K"'),
        4, "destinations[1].url", "cannot exist", "https",
    ),
    "certificates without tls": (destination("syslog", 'host = "h"\nca_file = "ca.pem"'), 5,
                                 "destinations[1].ca_file", "tls", "PEM"),
    "literal header": (destination("otlp", 'url = "https://a"\nheaders = {Authorization = "Bearer hunter2"}'), 5,
                       "destinations[1].headers", "Authorization", "env:"),
    "header with a line break": (destination("otlp", 'url = "https://a"\nheaders = {"A\\n" = "x"}'), 5,
                                 "destinations[1].headers", "not the name of a header", "env:"),
    "account as number": (destination("security_lake", 'url = "s3://lake/x"\nregion = "a"\naccount_id = 1'), 6,
                          "destinations[1].account_id", "1", "12 digits"),
    "not an s3 address": (destination("snowflake", 'url = "https://a"'), 4, "destinations[1].url", "s3://", "s3://"),
    "unquoted text": ("[archive]\nlock = none", 2, "lock", "cannot read", "double quotes"),
    "no equals sign": ("[archive]\nlock", 2, "", "not TOML", "key ="),
    "key twice": ('[archive]\nlock = "none"\nlock = "none"', 3, "lock", "twice", "once"),
    "table twice": ("[archive]\n[warehouse]\n[archive]", 3, "", "twice", "once"),
    "unfinished text": ('[archive]\nlock = "none', 2, "lock", "not TOML", "key ="),
    "unfinished table": ("[archive\nlock = 1", 1, "", "not TOML", "key ="),
    "unfinished list": ("[detections]\nrules = [", 2, "rules", "cannot read", "quotes"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named_with_its_line_its_key_and_what_is_right(tmp_path: Path, kind: str) -> None:
    text, line, key, what, right = MISTAKES[kind]
    (problem,) = problems(text, tmp_path)
    assert (problem.line, problem.key) == (line, key)
    assert what in problem.what
    assert right in problem.right


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_never_repeats_a_secret(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigInvalid) as caught:
        parse(MISTAKES[kind][0], tmp_path / "ledgerline.toml", {})
    for secret in (SECRET, SECRET[13:], "hunter2", "receiver/v1"):
        assert secret not in str(caught.value) + repr(caught.value.problems)


def test_all_mistakes_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
[archive]
url = "nowhere"
lok = "none"
retention_days = 0

[anthropic]
base_url = "http://api.example.com"
keys.compliance = "literal"
tries = = 3
start = 2026-13-01

[[destinations]]
name = "soc"
type = "splunk"
url = "https://s.example.com"
token = "env:T"

[[destinations]]
name = "soc"
type = "sumo"
url = "https://literal.example.com"
colour = "red"
"""
    found = problems(text, tmp_path)
    assert [problem.line for problem in found] == [2, 3, 4, 7, 8, 9, 10, 19, 21, 22]
    assert "taken by the destination in line 13" in found[7].what


def test_the_message_has_the_path_the_count_and_a_line_for_each_mistake(tmp_path: Path) -> None:
    path = tmp_path / "ledgerline.toml"
    path.write_text("[archive]\nlok = 1\nkay = 2\n")
    with pytest.raises(ConfigInvalid) as caught:
        load(path, {})
    first, *rest = str(caught.value).splitlines()
    assert first == f"{path} has 2 mistakes:"
    assert [line.split(",")[0].strip() for line in rest] == ["line 2", "line 3"]


def test_a_value_with_the_shape_of_a_secret_is_hidden_wherever_it_stands(tmp_path: Path) -> None:
    for line in (
        f'lock = "{SECRET}"',
        f'url = "{SECRET}"',
        f"{SECRET} = 1",
        f'"{SECRET}" = 1',
        f"lock = {SECRET}",
        f"{SECRET} = = 1",
    ):
        with pytest.raises(ConfigInvalid) as caught:
            parse(f"[archive]\n{line}\n", tmp_path / "x.toml", {})
        assert SECRET not in str(caught.value), line


def test_a_broken_line_hides_no_later_mistake_and_invents_no_missing_key(tmp_path: Path) -> None:
    text = '[[destinations]]\nname = "a"\ntype = "splunk"\nurl = https://s.example.com\ntoken = "env:T"\nx = 1'
    assert [problem.line for problem in problems(text, tmp_path)] == [4, 6]


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "ledgerline.toml"
    path.write_bytes(b'[archive]\nlock = "n\xe9"\n')
    with pytest.raises(ConfigInvalid) as caught:
        load(path, {})
    assert caught.value.problems[0].line == 2
