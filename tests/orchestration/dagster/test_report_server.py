"""The folder of reports over HTTP: what is there, nothing else, to nobody else."""

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orchestration.report_server import serving_reports


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    folder = tmp_path / "reports"
    (folder / "2026-10").mkdir(parents=True)
    (folder / "2026-10" / "report.html").write_text("<h1>October</h1>")
    (tmp_path / "signing.key").write_text("secret")
    (folder / "2026-10" / "elsewhere.txt").symlink_to(tmp_path / "signing.key")
    return folder


@pytest.fixture
def url(reports: Path, tmp_path: Path) -> Iterator[str]:
    with serving_reports(reports, tmp_path, free_port()) as address:
        yield address


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(url: str, path: str, method: str = "GET", **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def test_a_report_is_read_and_may_do_nothing(url: str) -> None:
    status, headers, body = ask(url, "/2026-10/report.html")
    assert (status, body) == (200, b"<h1>October</h1>")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"].startswith("sandbox ")
    assert "allow-scripts" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert ask(url, "/2026-10/report.html", "HEAD")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/2026-10/", "/2026-10", "/2026-11/report.html", "/../signing.key", "/%2e%2e/signing.key"),
        *("//etc/passwd", "/2026-10/elsewhere.txt", "/2026-10/..%2f..%2fsigning.key"),
    ],
)
def test_nothing_else_is_served_and_no_folder_listed(url: str, path: str) -> None:
    status, _, body = ask(url, path)
    assert status == 404
    assert b"secret" not in body


def test_another_name_for_this_machine_is_refused(url: str) -> None:
    assert ask(url, "/2026-10/report.html", Host="reports.example.com:80")[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_written(url: str, method: str) -> None:
    assert ask(url, "/2026-10/report.html", method)[0] == 501


def test_the_port_is_that_of_the_last_time_so_that_old_links_stay_good(reports: Path, tmp_path: Path) -> None:
    with serving_reports(reports, tmp_path, free_port()) as first:
        pass
    with serving_reports(reports, tmp_path, free_port()) as second:
        assert second == first
        with serving_reports(reports, tmp_path, free_port()) as third:
            assert third != first


def test_the_folder_may_come_later(tmp_path: Path) -> None:
    with serving_reports(tmp_path / "reports", tmp_path, free_port()) as url:
        assert ask(url, "/2026-10/report.html")[0] == 404
        (tmp_path / "reports").mkdir()
        (tmp_path / "reports" / "a b.csv").write_text("x")
        assert ask(url, "/a%20b.csv")[2] == b"x"
