"""A file without mistakes: what it means, and what holds where it says nothing."""

from datetime import date
from pathlib import Path

import pytest

from warehouse.config import ConfigMissing, config_path, load, parse

ROOT = Path(__file__).parents[3]


def test_an_empty_file_gives_the_defaults_of_the_design(tmp_path: Path) -> None:
    settings = parse("", tmp_path / "ledgerline.toml", env={})
    assert settings.archive.url == f"file:{tmp_path}/data/archive"
    assert (settings.archive.lock, settings.archive.retention_days) == ("compliance", 2555)
    assert settings.archive.recent_retention_days == 30
    assert settings.archive.s3_endpoint is None
    assert settings.archive.cache == tmp_path / "data/cache"
    assert settings.anthropic.base_url == "https://api.anthropic.com"
    assert settings.anthropic.start == date(2026, 1, 1)
    assert settings.anthropic.requests_per_minute.compliance == 600
    assert settings.anthropic.requests_per_minute.analytics == 50
    assert (settings.anthropic.tries, settings.anthropic.workers) == (6, 1)
    assert settings.warehouse.duckdb == tmp_path / "data/warehouse.duckdb"
    assert settings.finops.cost_centers == tmp_path / "cost_centers.csv"
    assert settings.detections.rules == ()
    assert settings.destinations == ()


def test_the_example_spells_out_the_defaults() -> None:
    path = ROOT / "ledgerline.example.toml"
    assert load(path, {}) == parse("", path, {})


def test_the_example_at_the_top_is_the_one_that_init_writes() -> None:
    packaged = ROOT / "warehouse/config/example.toml"
    assert packaged.read_bytes() == (ROOT / "ledgerline.example.toml").read_bytes()


def test_the_path_is_the_argument_then_the_variable_then_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = {"LEDGERLINE_CONFIG": "/etc/other.toml"}
    assert config_path(Path("given.toml"), env) == tmp_path / "given.toml"
    assert config_path(None, env) == Path("/etc/other.toml")
    assert config_path(None, {}) == tmp_path / "ledgerline.toml"


def test_relative_paths_are_relative_to_the_file_and_not_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "ledgerline.toml").write_text(
        '[archive]\nurl = "file:store"\nsigning_key = "file:k/key"\n'
        '[detections]\nrules = ["rules"]\n[warehouse]\nduckdb = "/abs/w.duckdb"\n'
    )
    monkeypatch.chdir(tmp_path)
    settings = load(Path("etc/ledgerline.toml"), {})
    assert settings.folder == folder
    assert settings.archive.url == f"file:{folder}/store"
    assert settings.archive.signing_key.path == folder / "k/key"
    assert settings.detections.rules == (folder / "rules",)
    assert settings.warehouse.duckdb == Path("/abs/w.duckdb")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("s3://bucket/prefix/", "s3://bucket/prefix"),
        ("s3://bucket", "s3://bucket"),
        ("az://container/a/b", "az://container/a/b"),
        ("gs://bucket/prefix", "gs://bucket/prefix"),
        ("file:/srv/archive", "file:/srv/archive"),
        ("file:///srv/archive", "file:/srv/archive"),
    ],
)
def test_each_form_of_archive_address_is_taken(tmp_path: Path, written: str, meant: str) -> None:
    account = '\nazure_account = "example"' if written.startswith("az:") else ""
    settings = parse(f'[archive]\nurl = "{written}"{account}', tmp_path / "ledgerline.toml", {})
    assert settings.archive.url == meant


def test_settings_of_a_cloud_say_how_its_store_is_opened(tmp_path: Path) -> None:
    text = (
        '[archive]\nurl = "az://container"\nazure_endpoint = "https://b.example.com"\nazure_credential = "env:KEY"'
    )
    opening = parse(text, tmp_path / "x.toml", {"KEY": "plainly-fake"}).archive.opening()
    assert (opening["endpoint"], opening["account"], opening["credential"]()) == (
        "https://b.example.com",
        "",
        "plainly-fake",
    )
    text = '[archive]\nurl = "gs://bucket"\ngcs_credentials = ""'
    assert parse(text, tmp_path / "x.toml", {}).archive.opening()["credential"] is None


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:1", "[::1]:9000"])
def test_plain_http_is_taken_to_this_machine(tmp_path: Path, host: str) -> None:
    settings = parse(f'[anthropic]\nbase_url = "http://{host}/"', tmp_path / "x.toml", {})
    assert settings.anthropic.base_url == f"http://{host}"


def test_a_short_retention_shortens_the_default_of_recent_files(tmp_path: Path) -> None:
    settings = parse("[archive]\nretention_days = 1", tmp_path / "x.toml", {})
    assert settings.archive.recent_retention_days == 1


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = parse("", tmp_path / "x.toml", {})
    with pytest.raises(ValueError, match="frozen"):
        settings.archive.lock = "none"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "ledgerline.toml"
    path.write_bytes(b'\xef\xbb\xbf[archive]\r\nlock = "none"\r\n')
    assert load(path, {}).archive.lock == "none"


def test_no_file_says_that_init_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigMissing, match=r"no configuration at .*ledgerline\.toml") as caught:
        load(tmp_path / "ledgerline.toml", {})
    assert "ledgerline init" in caught.value.remedy


def test_a_folder_in_place_of_the_file_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigMissing, match="is a folder"):
        load(tmp_path, {})


DESTINATIONS = {
    "splunk": 'url = "https://s.example.com:8088"\ntoken = "env:T"\nack = true\nca_file = "ca.pem"',
    "datadog": 'site = "us3.datadoghq.com"\napi_key = "env:T"\ntags = ["env:prod"]',
    "elastic": 'url = "https://e.example.com"\napi_key = "env:T"',
    "logstash": 'url = "https://l.example.com"\nusername = "u"\npassword = "env:T"',
    "sumo": 'url = "env:SUMO_URL"\ncategory = "claude"',
    "sentinel": 'endpoint = "https://d.example.com"\ndcr_id = "dcr-0123456789abcdef0123456789abcdef"\n'
    'tenant_id = "t.example.com"\nclient_id = "c-1"\nclient_secret = "file:secret"',
    "syslog": 'host = "sensor.example.com"\nport = 6514\ntls = true\nca_file = "ca.pem"\nframing = "newline"',
    "webhook": 'url = "env:HOOK"\nbody = "ndjson"',
    "cribl": 'url = "https://c.example.com"\ntoken = "env:T"',
    "otlp": 'url = "http://127.0.0.1:4318"\nheaders = {Authorization = "env:T", X-Scope-OrgID = "one"}',
    "security_lake": 'url = "s3://lake/ext/claude"\nregion = "eu-central-1"\naccount_id = "123456789012"',
    "snowflake": 'url = "s3://stage/claude"',
    "secops": 'region = "eu"\nproject = "p1"\ninstance = "01234567-89ab-cdef-0123-456789abcdef"\n'
    'credentials = "file:sa.json"',
}


@pytest.mark.parametrize("kind", DESTINATIONS)
def test_each_type_of_destination_is_read_with_its_own_settings(tmp_path: Path, kind: str) -> None:
    text = (
        f'[[destinations]]\nname = "one"\ntype = "{kind}"\nlate = "skip"\nbatch_events = 5\n{DESTINATIONS[kind]}'
    )
    (destination,) = parse(text, tmp_path / "x.toml", {}).destinations
    assert (destination.type, destination.name, destination.slice) == (kind, "one", "alerts")
    assert (destination.late, destination.batch_events, destination.batch_bytes) == ("skip", 5, None)
