"""The script that serves the UI, as far as it goes without a browser."""

import socket
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_processes import prepare_home
from orchestration.ui import _alone, main


def test_it_prepares_a_home_with_telemetry_off_and_one_place_at_the_api(tmp_path: Path) -> None:
    prepare_home(tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False
        settings = instance.get_concurrency_config()
        assert settings.pool_config.default_pool_limit == 1
        assert settings.run_queue_config is not None
        assert settings.run_queue_config.max_concurrent_runs == 4
        assert instance.run_monitoring_enabled


def test_it_leaves_settings_that_exist_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare_home(tmp_path)
    assert (tmp_path / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_without_a_configuration_it_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(tmp_path / "none.toml"), "--home", str(tmp_path)]) == 2
    assert "ledgerline init" in capsys.readouterr().err


def test_a_taken_port_is_refused_with_a_way_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ledgerline.toml").write_text("[anthropic]\nstart = 2026-10-01\n")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code = main(
            ["--config", str(tmp_path / "ledgerline.toml"), "--home", str(tmp_path / "home"), "--port", str(port)]
        )
    assert code == 2
    assert "--port 0" in capsys.readouterr().err


def test_a_second_one_says_where_the_first_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ledgerline.toml").write_text("[anthropic]\nstart = 2026-10-01\n")
    home = tmp_path / "home"
    with _alone(home):
        (home / "ui.url").write_text("http://127.0.0.1:3000\n")
        assert main(["--config", str(tmp_path / "ledgerline.toml"), "--home", str(home)]) == 2
    assert "running already at http://127.0.0.1:3000" in capsys.readouterr().err
