"""A timestamp authority on loopback: `openssl ts` with certificates of its own, behind a small HTTP server."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

_CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Example Root
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[tsa_cert]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[web_cert]
basicConstraints = critical, CA:false
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/ca.pem
default_policy = 1.2.3.4.1
digests = sha256, sha512
signer_digest = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """Its certificates lie in `folder`: `ca.pem`, `tsa.pem`. `answers` may be set to change what it says."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl on this machine, which the timestamp authority is made of")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.url = ""
        self.asked: list[bytes] = []
        self.refuse = False  # answer with a rejection
        self.status = 200
        self.instead: bytes | None = None  # what to say whatever is asked
        (folder / "openssl.cnf").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        self._openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "3650", "-subj", "/CN=Example Root", "-config", "openssl.cnf", "-extensions", "ca",
        )  # fmt: skip
        self._openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr",
            "-subj", "/CN=Example Timestamps", "-config", "openssl.cnf",
        )  # fmt: skip
        self._openssl(
            "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "3650", "-out", "tsa.pem", "-extfile", "openssl.cnf", "-extensions", "tsa_cert",
        )  # fmt: skip

    @property
    def roots(self) -> Path:
        return self.folder / "ca.pem"

    def answer(self, query: bytes) -> bytes:
        """What the authority says to a query."""
        self.asked.append(query)
        if self.instead is not None:
            return self.instead
        (self.folder / "query.tsq").write_bytes(query if not self.refuse else b"nonsense")
        self._openssl(
            "ts", "-reply", "-config", "openssl.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr",
            check=False,
        )  # fmt: skip
        return (self.folder / "reply.tsr").read_bytes()

    def says(self, data: bytes, answer: bytes) -> str:
        """What openssl itself thinks of an answer about some bytes."""
        (self.folder / "data").write_bytes(data)
        (self.folder / "answer.tsr").write_bytes(answer)
        done = self._openssl(
            "ts", "-verify", "-data", "data", "-in", "answer.tsr", "-CAfile", "ca.pem", check=False
        )
        return done.stdout + done.stderr

    def _openssl(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=check, timeout=60
        )


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """An authority that answers at `url` until the end."""
    one = Authority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["content-type"] == "application/timestamp-query"
            body = one.answer(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(one.status)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_address[1]}/tsr"
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
