"""Statements and reports over HTTP on this machine only, so that the Dagster UI can link to them: a browser opens
no `file:` address from a page that came over HTTP.

Promise: reads one folder and nothing else, lists nothing, answers to this machine's own names only, and no page of
it may run a script or reach another server.
"""

import contextlib
import functools
import http.server
import os
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from io import BytesIO
from pathlib import Path

HOST = "127.0.0.1"
# Tells the runs where the folder is served, for the links in their metadata.
REPORTS_URL = "LEDGERLINE_REPORTS_URL"
# Names in a report are escaped; this is the second lock: the page beside it launches runs.
_POLICY = "sandbox allow-downloads allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class _Handler(http.server.SimpleHTTPRequestHandler):
    server_version = "ledgerline"
    sys_version = ""

    def send_head(self) -> BytesIO | None:
        """GET and HEAD both come through here: a file of the folder, or 404."""
        name = (self.headers.get("Host") or "").rpartition(":")[0]
        if name not in (HOST, "localhost"):
            self.send_error(HTTPStatus.FORBIDDEN, "ask by 127.0.0.1")
            return None
        path, root = Path(self.translate_path(self.path)).resolve(), Path(self.directory).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            self.send_error(HTTPStatus.NOT_FOUND, "no such report")
            return None
        body = path.read_bytes()
        self.send_response(HTTPStatus.OK)
        kind = self.guess_type(str(path))
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return BytesIO(body)

    def end_headers(self) -> None:
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal belongs to the UI."""


@contextlib.contextmanager
def serving_reports(folder: Path, home: Path, near: int) -> Iterator[str]:
    """Serve a folder, which need not exist yet; yields the address.

    Links that Dagster has stored should stay good, so the port is the one of the last time (noted in `home`), else
    the one after `near`; where neither is free, any.
    """
    note = home / "reports.port"
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_server(folder, [*_noted(note), near + 1, 0]))
        port = server.server_address[1]
        note.write_text(f"{port}\n", encoding="utf-8")
        thread = threading.Thread(target=server.serve_forever, name="reports", daemon=True)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield f"http://{HOST}:{port}"


def _server(folder: Path, ports: list[int]) -> http.server.ThreadingHTTPServer:
    handler = functools.partial(_Handler, directory=os.fspath(folder))
    for port in ports[:-1]:
        if _free(port):
            with contextlib.suppress(OSError):
                return http.server.ThreadingHTTPServer((HOST, port), handler)
    return http.server.ThreadingHTTPServer((HOST, ports[-1]), handler)


def _noted(note: Path) -> list[int]:
    try:
        return [int(note.read_text(encoding="utf-8"))]
    except (OSError, ValueError):
        return []


def _free(port: int) -> bool:
    if not 0 < port < 65_536:
        return False
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0
