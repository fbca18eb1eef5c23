"""However a command ends, a person and a script are told, and no secret with it."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import warehouse.config
from orchestration.cli.failures import CannotRun, ended, failure_of, traceback_of
from sandbox.servers.programs import free_port
from tests.orchestration.cli.conftest import ROOT, Command
from warehouse.anthropic.errors import StreamTrouble
from warehouse.archive.errors import StoreFull
from warehouse.config import SecretUnavailable

SECRET = "sk-ant-api01-5ecret-5ecret"
NEEDING_A_CONFIGURATION = [
    ["doctor"], ["pull", "activities"], ["status"], ["sql", "select 1"], ["verify"], ["build"],
    ["import", "audit-export", __file__],
]  # fmt: skip


@pytest.mark.parametrize("arguments", NEEDING_A_CONFIGURATION)
def test_without_a_configuration_a_command_is_exit_2_and_names_init(
    ledgerline: Command, arguments: list[str]
) -> None:
    ended = ledgerline(*arguments)
    assert ended.code == 2
    assert "there is no configuration at" in ended.err
    assert "ledgerline init" in ended.err
    assert ended.out == ""


def test_beside_a_kept_demo_its_configuration_is_named(ledgerline: Command, tmp_path: Path) -> None:
    assert "make demo" not in ledgerline("status").err
    (tmp_path / "data/demo").mkdir(parents=True)
    (tmp_path / "data/demo/ledgerline.toml").touch()
    assert "the one of `make demo` is --config data/demo/ledgerline.toml" in ledgerline("status").err


def test_where_a_pretend_tenant_has_stopped_doctor_says_how_to_start_one(
    ledgerline: Command, pulled: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "stopped"
    shutil.copytree(pulled, folder)
    text = (folder / "ledgerline.toml").read_text()
    address = f'base_url = "http://127.0.0.1:{free_port()}"'
    (folder / "ledgerline.toml").write_text(re.sub('base_url = "[^"]*"', address, text))
    told = ledgerline("doctor", folder=folder).out
    assert "What to do: nothing listens on this machine: a pretend tenant has to run" in told
    assert "What to do: check the network" not in told


@pytest.mark.parametrize("arguments", [*NEEDING_A_CONFIGURATION, ["pull"], ["nonsense"], ["sql", "--as-of", "x"]])
def test_with_json_a_failure_is_one_document_on_stdout(ledgerline: Command, arguments: list[str]) -> None:
    ended = ledgerline(*arguments, "--json")
    assert ended.code == 2
    assert set(ended.json()["error"]) >= {"kind", "message", "remedy"}


def test_each_mistake_of_a_configuration_is_a_line_for_people_and_an_object_for_scripts(
    ledgerline: Command, tmp_path: Path
) -> None:
    (tmp_path / "ledgerline.toml").write_text(f'[archive]\nlok = 1\n[anthropic]\nkeys.compliance = "{SECRET}"\n')
    ended = ledgerline("status", "--json")
    assert ended.code == 2
    assert [(one["line"], one["key"]) for one in ended.json()["error"]["problems"]] == [
        (2, "archive.lok"),
        (4, "anthropic.keys.compliance"),
    ]
    assert SECRET not in ended.out + ended.err
    assert "  line 4, anthropic.keys.compliance" in ledgerline("status").err


def test_hostile_text_in_a_configuration_reaches_the_terminal_as_escapes(
    ledgerline: Command, tmp_path: Path
) -> None:
    (tmp_path / "ledgerline.toml").write_text('"\\u001b[2J" = 1\n')
    ended = ledgerline("status")
    assert "\x1b" not in ended.err
    assert "\\x1b[2J" in ended.err


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault that no room knows, as a programming mistake would be one."""

    def fail(path: object) -> None:
        raise RuntimeError(f"key {SECRET} slipped\nsecond line")

    monkeypatch.setattr(warehouse.config, "load", fail)


@pytest.mark.usefixtures("broken")
def test_the_unexpected_is_one_line_without_a_traceback(ledgerline: Command) -> None:
    ended = ledgerline("status")
    assert ended.code == 2
    first, second = ended.err.splitlines()
    assert first == "ledgerline: something unexpected happened: RuntimeError: key (hidden) slipped"
    assert "--debug" in second


@pytest.mark.usefixtures("broken")
def test_debug_shows_the_traceback_and_still_no_secret(ledgerline: Command) -> None:
    ended = ledgerline("status", "--debug")
    assert ended.code == 2
    assert "Traceback" in ended.err
    assert "orchestration/cli/status.py" in ended.err
    assert SECRET not in ended.err


@pytest.mark.parametrize(
    ("error", "kind", "remedy"),
    [
        (CannotRun("x", remedy="r", kind="sql"), "sql", "r"),
        (SecretUnavailable("env:K", "x", remedy="set K"), "configuration", "set K"),
        (StoreFull("no room; make some"), "archive", ""),
        (StreamTrouble("no key.", remedy="create one"), "anthropic", ""),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x"), "system", "committed before is safe"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "system", "let this user"),
        (MemoryError(), "memory", "fewer rows"),
        (KeyError("k"), "internal", "--debug"),
    ],
)
def test_every_room_has_its_kind_and_what_to_do(error: Exception, kind: str, remedy: str) -> None:
    failure = failure_of(error)
    assert (failure.kind, failure.code) == (kind, 2)
    assert remedy in failure.remedy
    assert failure.message


@pytest.mark.parametrize(
    "arguments",
    [
        ("detections", "export", "--target", "splunk", "--out", "notes"),
        ("detections", "export", "--target", "kusto", "--out", "notes/rules"),
        ("detections", "export", "--target", "kusto", "--out=notes/rules/new"),
        ("detections", "backtest", "--chart", "notes/days.svg"),
        ("detections", "backtest", "--chart", "folder.svg"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_told_by_the_option_that_named_it(
    ledgerline: Command, pulled: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    shutil.copy(pulled / "ledgerline.toml", tmp_path)
    (tmp_path / "notes").write_text("somebody's notes")
    (tmp_path / "folder.svg").mkdir()
    ended = ledgerline(*arguments)
    option = "--chart" if "--chart" in arguments else "--out"
    assert ended.code == 2
    assert ended.err.startswith(f"ledgerline: {option} ")
    assert "is a folder" in ended.err or "is a file" in ended.err
    assert f"name another place with {option}" in ended.err


def test_a_picture_of_another_kind_is_refused_before_the_work(ledgerline: Command, pulled: Path) -> None:
    ended = ledgerline("detections", "backtest", "--chart", "days.png", folder=pulled)
    assert ended.code == 2
    assert "name it days.svg" in ended.err
    assert not (pulled / "days.png").exists()


def test_a_named_place_that_this_user_may_not_write_is_told_and_another_file_is_not_blamed_on_it() -> None:
    denied = PermissionError(errno.EACCES, "Permission denied", "/srv/reports/.a1.tmp")
    told = failure_of(denied, args=("finops", "focus", "--out", "/srv/reports/focus.csv"))
    assert told.message == "--out /srv/reports/focus.csv: /srv/reports/focus.csv may not be written by this user"
    assert told.remedy == "name another place with --out"
    other = PermissionError(errno.EACCES, "Permission denied", "/srv/archive/log/entry/1.json")
    assert "--out" not in failure_of(other, args=("finops", "focus", "--out", "/srv/reports/focus.csv")).message


def test_no_credential_passes_through_a_message_or_a_traceback() -> None:
    for text in (SECRET, f"Bearer {SECRET}", "AKIA1234567890ABCDEF", "xoxb-123456789-abc"):
        error = RuntimeError(f"sent {text} to it")
        assert text not in failure_of(error).message
        assert text not in traceback_of(error)


@pytest.mark.parametrize("delay", [0, 0.02, 0.05, 0.1, 0.3])  # libraries are half loaded, or it awaits questions
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_exit_130_with_one_line_whenever_it_comes(
    pulled: Path, delay: float, sent: signal.Signals
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "sql"],
        cwd=pulled, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    while "duckdb" not in Path(f"/proc/{child.pid}/maps").read_text():
        time.sleep(0.005)
    time.sleep(delay)
    child.send_signal(sent)
    _, err = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "stopped" in err
    assert "Traceback" not in err


def test_a_program_beside_the_command_line_ends_as_a_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    def failing(error: BaseException) -> int:
        raise error

    assert ended("ui", lambda: 0) == 0
    assert ended("ui", lambda: failing(CannotRun("no", remedy="do this"))) == 2
    assert ended("ui", lambda: failing(KeyboardInterrupt())) == 130
    told = capsys.readouterr().err.splitlines()
    assert told[:2] == ["ui: no", "  What to do: do this"]
    assert told[2].startswith("ui: stopped")
    with pytest.raises(ZeroDivisionError):  # it has no --debug
        ended("ui", lambda: failing(ZeroDivisionError()))


@pytest.mark.parametrize("arguments", ["--help", "sql 'from range(20)'", "sql --json 'from range(50000)'"])
def test_a_reader_that_goes_away_is_no_failure(pulled: Path, arguments: str) -> None:
    command = f"{sys.executable} -m orchestration.cli {arguments} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=pulled, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_stream_that_nobody_opened_is_no_fault(pulled: Path, closed: str) -> None:
    for arguments in ("status", "sql 'select 1'", "pull nonsense"):
        command = f"{sys.executable} -m orchestration.cli {arguments} {closed}"
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=pulled, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode in {"status": (0, 1), "pull nonsense": (2,)}.get(arguments, (0,)), done.stderr
        assert "unexpected" not in done.stderr


def test_an_option_without_its_value_is_told_what_it_takes(ledgerline: Command) -> None:
    for arguments in (("status", "--config"), ("--config",)):
        ended = ledgerline(*arguments)
        assert ended.code == 2
    assert "--config PATH" in ledgerline("status", "--config").err


def test_an_engine_on_a_full_disk_is_told_to_make_room() -> None:
    failure = failure_of(RuntimeError('IO Error: Could not write file "/data/w.duckdb": No space left on device'))
    assert failure.kind == "system"
    assert "/data/w.duckdb" in failure.message
    assert "make room" in failure.remedy


def test_an_interrupt_while_the_marts_are_built_is_exit_130(pulled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "installation"
    shutil.copytree(pulled, folder, copy_function=shutil.copy2)
    child = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "build"],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    logs = folder / "data/.warehouse.duckdb.build"
    while child.poll() is None and not list(logs.rglob("*.duckdb*")):
        time.sleep(0.02)
    time.sleep(1)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, out + err
    assert "stopped" in err
    assert "Traceback" not in err
